"""Pages from data: a Typst template, its figures and its fonts, PDF/A-2b, same bytes again.

All text reaches a template as data (JSON), never as markup: a name with `#` or `$` in it is
printed as it stands.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from quimby.report.figures.style import Figure
from quimby.report.lettering import drawable_all, fallback_fonts

STANDARDS: Any = ["a-2b", "ua-1"]  # archivable, and readable by a screen reader


def typeset(template: str, page: Any, figures: Sequence[Figure], *, at: float) -> bytes:
    """The PDF of `template` ("report.typ") with the data of `page`; `at` is its clock, s (Unix)."""
    import typst

    report = files("quimby.report")
    with (
        TemporaryDirectory(prefix="quimby-") as name,
        as_file(report.joinpath("template")) as parts,
        as_file(report.joinpath("fonts")) as fonts,
    ):
        room = Path(name)
        for part in sorted(parts.glob("*.typ")):
            (room / part.name).write_bytes(part.read_bytes())
        for figure in figures:
            (room / f"{figure.name}.svg").write_bytes(figure.svg)
        (room / "data.json").write_text(json.dumps(drawable_all(page)), "utf-8")
        found: bytes = typst.compile(
            str(room / template),
            root=str(room),
            font_paths=[str(fonts), str(fallback_fonts())],
            ignore_system_fonts=True,
            pdf_standards=STANDARDS,
            timestamp=int(at),
        )
        return found
