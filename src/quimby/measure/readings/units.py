"""Units in headers and cells: found, checked for their kind, turned into Quimby's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from quimby.core.units import HOUSE, KINDS

_ALIASES = {
    "uSv/h": "µSv/h", "mL": "ml", "L": "l", "uL": "µl", "cm3": "cm³", "cm^3": "cm³", "cc": "cm³",
    "sec": "s", "Sek": "s", "sek": "s", "Sek.": "s", "seconds": "s", "Sekunden": "s",
    "secondes": "s", "Min": "min", "Min.": "min", "min.": "min", "minutes": "min",
    "Minuten": "min", "hr": "h", "hours": "h", "Stunden": "h", "Std": "h", "Std.": "h",
    "heures": "h", "Imp": "counts", "Imp.": "counts", "Impulse": "counts", "cts": "counts",
    "Counts": "counts", "count": "counts", "coups": "counts", "Zählimpulse": "counts",
    "CPS": "cps", "CPM": "cpm", "1/s": "cps", "s-1": "cps", "s^-1": "cps", "Ips": "cps",
    "IPS": "cps", "counts/s": "cps", "Imp/s": "cps", "coups/s": "cps", "counts/min": "cpm",
    "Imp/min": "cpm", "coups/min": "cpm", "percent": "%", "Prozent": "%", "pct": "%",
    "MBq/mL": "MBq/ml", "kBq/mL": "kBq/ml", "Bq/mL": "Bq/ml", "kBq/L": "kBq/l", "MBq/L": "MBq/l",
    "fraction": "1", "Anteil": "1", "Bruchteil": "1", "-": "",
}  # fmt: skip
"""Other spellings. Case matters: mBq is not MBq, and no spelling here says otherwise."""
_COUNTS_IN = re.compile(r"^(?P<what>\S+?)\s*(?:/|in|per|pro|par)\s*(?P<time>\d+(?:[.,]\d+)?)"
                        r"\s*(?P<unit>[A-Za-z.]+)$")  # fmt: skip
_TIMED = re.compile(r"^(?P<words>.*\S)\s*[\[(](?:counts|Impulse|Imp|coups)?\s*/?\s*(?:in\s*)?"
                    r"(?P<time>\d[\d.,]*\s*[A-Za-z]+)[\])]$")  # fmt: skip
_BRACKETS = re.compile(r"[\[(]([^\[\]()]*)[\])]")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as written, its kind, and what one of it is in Quimby's unit of that kind.

    `live_s` is the counting time where the unit says it ("counts/60 s").
    """

    text: str
    kind: str
    factor: float
    live_s: float | None = None


def unit_of(text: str, kinds: Sequence[str] = tuple(KINDS)) -> Unit | None:
    """The unit that a text is, of one of these kinds; None where it is none of them."""
    written = text.strip().replace("\u03bc", "µ")
    known = _ALIASES.get(written, written)
    for kind in kinds:
        if known in KINDS[kind]:
            return Unit(known, kind, KINDS[kind][known])
        if kind == "fraction" and known == HOUSE["fraction"]:
            return Unit("1", kind, 1.0)
    return _counts_in_a_time(written) if "counts" in kinds else None


def _counts_in_a_time(text: str) -> Unit | None:
    match = _COUNTS_IN.match(text)
    if match is None or _ALIASES.get(match["what"], match["what"]) != "counts":
        return None
    time = unit_of(match["unit"], ("duration",))
    if time is None or float(match["time"].replace(",", ".")) <= 0:
        return None
    live = float(match["time"].replace(",", ".")) * time.factor
    return Unit(text, "counts", 1.0, live)


@dataclass(frozen=True, slots=True)
class Header:
    """A column's header: its words, and the text that stands where a unit would."""

    words: str
    unit: str


def header(text: str, kinds: Sequence[str] = tuple(KINDS)) -> Header:
    """Words and unit of a header.

    Units are looked for in brackets from the right ("front (anterior) [µSv/h]"), then after
    " in ", then in the last word ("activity_MBq", "counts/60 s"). Brackets that hold no unit
    of `kinds` but look like one stay in `unit`, so that an error can name them.
    """
    whole = " ".join(text.split())
    timed = _TIMED.match(whole) if "counts" in kinds else None
    if timed and unit_of(f"counts/{timed['time']}", ("counts",)):  # "Impulse (60 s)"
        return Header(timed["words"], f"counts/{timed['time']}")
    inside = list(_BRACKETS.finditer(whole))
    for match in reversed(inside):
        if unit_of(match[1], kinds):
            return Header(_without(whole, match), match[1].strip())
    bare = _bare(_BRACKETS.sub(" ", whole), kinds)
    if bare:
        return bare
    square = [m for m in inside if m[0].startswith("[")]
    if square:
        return Header(_without(whole, square[-1]), square[-1][1].strip())
    return Header(whole, "")


def _without(whole: str, match: re.Match[str]) -> str:
    return " ".join(f"{whole[: match.start()]} {whole[match.end() :]}".split())


def _bare(text: str, kinds: Sequence[str]) -> Header | None:
    whole = " ".join(text.split())
    if unit_of(whole, ("counts",)) and "counts" in kinds:  # "counts/60 s" is name and unit at once
        return Header(whole.split("/")[0].strip(), whole)
    for pattern in (r"^(.*\S)\s+(?:in|en)\s+(\S+)$", r"^(.*[^\s_,])(?:[_,]|\s)\s*(\S+)$"):
        match = re.match(pattern, whole)
        if match and unit_of(match[2], kinds):
            return Header(match[1], match[2])
    match = re.match(r"^(.*[^\s_,])[\s_,]+(\S+\s*/\s*\d+\s*\S+)$", whole)
    if match and unit_of(match[2], kinds):
        return Header(match[1], match[2])
    return None
