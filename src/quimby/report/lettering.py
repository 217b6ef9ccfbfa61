"""Which letters the report's fonts hold; PDF/A refuses a page with a letter it cannot draw."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

MISSING = "□"
UNSEEN = frozenset("\n\t\u200b\u00a0\u2009\u202f")


def fallback_fonts() -> Path:
    """Folder of the DejaVu fonts that come with matplotlib (more scripts than Inter has)."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@cache
def letters() -> frozenset[int]:
    """Every code point that Inter or DejaVu Sans can draw, in regular and in bold."""
    from matplotlib.ft2font import FT2Font

    with as_file(files("quimby.report").joinpath("fonts")) as folder:
        faces = [
            {*FT2Font(str(folder / f"Inter-{weight}.otf")).get_charmap()}
            | {*FT2Font(str(fallback_fonts() / dejavu)).get_charmap()}
            for weight, dejavu in (("Regular", "DejaVuSans.ttf"), ("Bold", "DejaVuSans-Bold.ttf"))
        ]
    return frozenset(faces[0] & faces[1])


def drawable(text: str) -> str:
    """The text with □ for each letter that no font here holds, so that nothing vanishes."""
    known = letters()
    return "".join(c if c in UNSEEN or ord(c) in known else MISSING for c in text)


def drawable_all(value: Any) -> Any:
    """The same for every text inside lists and dicts."""
    return each_text(value, drawable)


def each_text(value: Any, change: Callable[[str], str], keep: Collection[str] = ()) -> Any:
    """A copy of nested lists and dicts with every text changed; keys and what is under `keep`
    stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {k: v if k in keep else each_text(v, change, keep) for k, v in value.items()}
    if isinstance(value, list):
        return [each_text(v, change, keep) for v in value]
    return value
