"""`quimby study`: a draft of the study document, with its open questions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomli_w
from rich.console import Console

from quimby.cli.settings import for_a_draft
from quimby.cli.terminal import console
from quimby.core.notes import refusal
from quimby.study.answers import parse_answers
from quimby.study.draft import draft
from quimby.study.drafted import Draft
from quimby.study.questions import Question

PATHS = ("path", "paths", "fill", "camera", "table", "mapping", "device", "meter")
"""Keys of the document that hold a path."""
HEAD = """\
# A study for Quimby: one patient's course. Made from a folder; read it, correct it, then:
#     quimby run {name} -o OUT
# Quantities carry their unit, times their zone. `quimby schema` prints all that is allowed.
"""


def draft_job(
    folder: Path, out: Path, *, answers: Sequence[str] = (), zone: str | None = None,
    quiet: bool = False, verbose: bool = False,
) -> int:  # fmt: skip
    """Draft, say what was found and asked, and write the document; returns the exit code."""
    if out.exists() and out.is_dir():
        raise refusal("E-STUDY-OUT", where=str(out))
    given, zone = for_a_draft(parse_answers(answers), zone)
    found = draft(folder, answers=given, zone=zone)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial")
    partial.write_text(document_text(found, out), "utf-8")
    partial.rename(out)
    if not quiet:
        _tell(console(), found, out, verbose=verbose)
    return 0


def document_text(found: Draft, out: Path) -> str:
    """The document as TOML: open questions first, as comments; paths relative to its folder."""
    head = HEAD.format(name=out.name)
    asked = "".join(_comment(n, q) for n, q in enumerate(found.questions, start=1))
    return f"{head}{asked}\n{tomli_w.dumps(_relative(found, out))}"


def _comment(number: int, q: Question) -> str:
    must = " (must be answered)" if q.required else ""
    example = q.example.replace("\n", "\n#   ")
    return f"#\n# Question {number}{must}: {q.asks}\n#   {q.why}\n#   {example}\n"


def _relative(found: Draft, out: Path) -> dict[str, Any]:
    """The document with paths as seen from the folder it is written to."""
    base = out.resolve().parent

    def moved(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: moved(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [moved(v, key) for v in value]
        if key in PATHS and isinstance(value, str) and value:
            return Path(os.path.relpath(found.folder / value, base)).as_posix()
        return value

    return dict(moved(found.document))


def _tell(to: Console, found: Draft, out: Path, *, verbose: bool) -> None:
    to.print("Found   " + "\n        ".join(found.found), markup=False)
    if found.left_out:
        to.print(f"Left out {len(found.left_out)}" + ("" if verbose else "  (list: --verbose)"))
        if verbose:
            for path, why in found.left_out:
                to.print(f"        {path}: {why}", markup=False)
    for n in found.notes:
        to.print(f"{n.code}  {n.where}: {n.text}", markup=False)
    must = sum(q.required for q in found.questions)
    if found.questions:
        to.print(f"Questions {len(found.questions)}, of which {must} must be answered")
    for number, q in enumerate(found.questions, start=1):
        to.print(f" {number} {'!' if q.required else ' '} {q.asks}  ({q.why})", markup=False)
        to.print("     " + q.example.replace("\n", "\n     "), markup=False)
    to.print(f"Wrote {out}. Then: quimby run {out} -o OUT", markup=False)
