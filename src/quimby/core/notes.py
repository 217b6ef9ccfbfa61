"""Notes that travel with a result, and the catalogue that words every code."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from quimby.core.errors import FAMILIES, QuimbyError

SEVERITY = {"S": "blocking", "W": "warning", "I": "information"}
_PERCENT = re.compile(r"(\d)%")
ORDER = ("blocking", "warning", "information")


@dataclass(frozen=True, slots=True)
class Note:
    """A named doubt: what was seen, where, and what it means for the result."""

    code: str
    text: str
    where: str
    do: str
    value: float | None = None
    limit: float | None = None

    @property
    def severity(self) -> str:
        """`blocking` (S: no signature without a named override), `warning` or `information`."""
        return SEVERITY[self.code[0]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the catalogue."""

    text: str
    do: str
    family: str = "input"


@cache
def catalogue() -> dict[str, Entry]:
    """Every code with its text and remedy. One file an area; the folder is the registry."""
    entries: dict[str, Entry] = {}
    for file in sorted(files("quimby.core").joinpath("catalogue").iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".toml"):
            continue
        for code, row in tomllib.loads(file.read_text("utf-8")).items():
            if code in entries:
                raise ValueError(f"{code} stands twice in the catalogue, again in {file.name}")
            entries[code] = Entry(**row)
    return entries


def _entry(code: str) -> Entry:
    try:
        return catalogue()[code]
    except KeyError:
        near = get_close_matches(code, catalogue(), n=1)
        raise LookupError(f"{code} is not in the catalogue; near: {near}") from None


def note(
    code: str,
    *,
    where: str,
    value: float | None = None,
    limit: float | None = None,
    **words: object,
) -> Note:
    """A note worded by the catalogue; `words`, `value` and `limit` fill its places.

    Raises LookupError for a code that the catalogue lacks, ValueError for an E-code (which
    stops, see `refusal`).
    """
    if code[0] not in SEVERITY:
        raise ValueError(f"{code} stops a calculation; raise refusal({code!r}, …)")
    row = _entry(code)
    filled = {"value": value, "limit": limit, **words}
    return Note(code, _worded(row.text, filled), where, _worded(row.do, filled), value, limit)


def refusal(code: str, *, where: str, **words: object) -> QuimbyError:
    """The error to raise for an E-code, of the family the catalogue names."""
    if not code.startswith("E-"):
        raise ValueError(f"{code} does not stop a calculation; attach note({code!r}, …)")
    row = _entry(code)
    family = FAMILIES[row.family]
    return family(code, _worded(row.text, words), where=where, do=_worded(row.do, words))


def _worded(template: str, words: Mapping[str, object]) -> str:
    """A text with its places filled; a space stands before every per cent sign."""
    return _PERCENT.sub(r"\1 %", template.format(**words))


def gathered(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Notes that say the same of several places, as one that names them all; in order."""
    places: dict[Note, list[str]] = {}
    for n in notes:
        places.setdefault(replace(n, where=""), []).append(n.where)
    return in_order(
        replace(n, where=", ".join(dict.fromkeys(where))) for n, where in places.items()
    )


def in_order(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Without repeats; blocking ones first, then warnings, then information."""
    unique = dict.fromkeys(notes)
    return tuple(sorted(unique, key=lambda n: ORDER.index(n.severity)))
