"""Which letters the report's fonts hold; PDF/A refuses a page with a letter it cannot draw."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

MISSING = "□"
UNIT = re.compile(
    r"(?<=\d) (?=%|(?:Gy|MBq|GBq|MeV|keV|ml|mm|kg|h|g|m|s|µSv/h)(?![A-Za-z]))"
    r"| (?== [\d−])|(?<= =) (?=[\d−])|(?<=†) "
)
BELOW_ZERO = re.compile(r"(?<=\s)-(?=\d)")
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
    """The same for every text inside lists and dicts; a number keeps its unit on its line."""
    return each_text(value, lambda text: unbroken(drawable(text)))


ISOTOPE = re.compile(
    r"(?<![\w.])(\d{2,3})(?=(?:Lu|I|Y|Tc|F|Ga|Re|Ra|Ac|Ho|Sm|Tb|At|Cs|In)(?:[\s,;:.)\]-]|$))"
)
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def raised(text: str) -> str:
    """The mass number of an isotope as it is written: 177Lu-DOTATATE as ¹⁷⁷Lu-DOTATATE."""
    return ISOTOPE.sub(lambda found: found[1].translate(RAISED), text)


def unbroken(text: str) -> str:
    """Spaces that no line may break at: before a unit, about ±, and within a number; a minus
    for the hyphen of a negative one."""
    text = UNIT.sub("\u00a0", text).replace(" ± ", "\u00a0±\u00a0")
    text = BELOW_ZERO.sub("\u2212", text)
    return text.replace("\u2009", "\u202f")  # a thin space that holds


def each_text(value: Any, change: Callable[[str], str], keep: Collection[str] = ()) -> Any:
    """A copy of nested lists, tuples and dicts with every text changed; keys and what is under
    `keep` stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {k: v if k in keep else each_text(v, change, keep) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [each_text(v, change, keep) for v in value]
    return value
