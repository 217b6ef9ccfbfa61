"""Notes as they are printed: one entry a code, with every place it was seen at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import log
from typing import Any

from quimby.core.notes import Note, in_order
from quimby.study.result import Result

ON_PAGE_ONE = 4
UNVERIFIED = ("S-CONST-UNVERIFIED", "I-CONST-UNVERIFIED")
PLACES_ON_PAGE_ONE = 7
LONG = 90  # letters of a difference that still stands behind a place
COMMON = 3  # words in a row that make two texts alike
UNITS = frozenset({"%", "ml", "mm", "h", "g", "kg", "Gy", "MBq", "GBq", "Gy/GBq"})
END = ".,;:"
BEFORE_A_NAME = frozenset({"on", "of", "in", "by", "from", "with", "is", "has", "to"})


def entries(notes: Sequence[Note]) -> list[list[Note]]:
    """Notes by code, blocking ones first; the worst of each code leads."""
    found: dict[str, list[Note]] = {}
    for n in in_order(notes):
        found.setdefault(n.code, []).append(n)
    return [[worst(group), *(n for n in group if n is not worst(group))]
            for group in found.values()]  # fmt: skip


def worst(group: Sequence[Note]) -> Note:
    """The note whose value is farthest beyond its limit; the first where none has both."""
    return max(group, key=_beyond)


def _beyond(n: Note) -> float:
    if n.value is None or n.limit is None or n.value <= 0 or n.limit <= 0:
        return 0.0
    return abs(log(n.value / n.limit))


def number_of(result: Result, code: str) -> int | None:
    """The number that a code's entry carries on the report."""
    numbered = enumerate(entries(result.notes), start=1)
    return next((i for i, group in numbered if group[0].code == code), None)


def every(result: Result) -> list[dict[str, Any]]:
    """All entries, each place with what is different there."""
    return [_printed(i, group[0], where(group))
            for i, group in enumerate(entries(result.notes), start=1)]  # fmt: skip


def that_matter(result: Result) -> list[dict[str, Any]]:
    """At most four for page one; information alone does not come there."""
    regions = {r.name for r in (*result.regions, *result.combined)}
    numbered = enumerate(entries(result.notes), start=1)
    found = [_printed(i, group[0], where_shortly(group, regions)) for i, group in numbered]
    return [n for n in found if n["severity"] != "information"][:ON_PAGE_ONE]


def _printed(number: int, n: Note, place: str) -> dict[str, Any]:
    """Shape, bold sentence, code, where and what to do."""
    return {"n": number, "severity": n.severity, "code": n.code, "bold": capital(n.text),
            "where": place, "do": f"{capital(n.do).rstrip('.')}." if n.do else ""}  # fmt: skip


def capital(text: str) -> str:
    """A sentence begins with a capital; "mIBG" and "pH" stay as they are written."""
    return text if text[1:2].isupper() else f"{text[:1].upper()}{text[1:]}"


def where(group: Sequence[Note]) -> str:
    """ "Lesion 1; likewise Lesion 2 (26 %); Lesion 3 (23 %)"."""
    lead, found = group[0], dict[str, list[str]]()
    for n in group[1:]:
        found.setdefault(difference(n.text, lead.text), []).append(n.where)
    by_place: dict[str, list[str]] = {}
    for what, places in found.items():
        between = " and " if any(", " in p for p in places) else ", "
        by_place.setdefault(between.join(places), []).append(what)
    rest = [_place(place, " · ".join(filter(None, what)), lead.where)
            for place, what in by_place.items()]  # fmt: skip
    return f"{lead.where}; likewise {'; '.join(rest)}" if rest else lead.where


def _place(place: str, what: str, lead: str) -> str:
    if place == lead:
        return what
    return f"{place} ({what})" if what else place


def where_shortly(group: Sequence[Note], regions: set[str]) -> str:
    """Regions by name without their scans, the worst first: "Lesion 1 (worst), Lesion 2"."""
    places = dict.fromkeys(p for n in group for p in n.where.split(", "))
    named = [p for p in places if p in regions] or list(dict.fromkeys(n.where for n in group))
    left = len(named) - PLACES_ON_PAGE_ONE
    more = f" and {left} more" if left > 0 else ""
    return ", ".join([f"{named[0]}{_of(group, named)}", *named[1:PLACES_ON_PAGE_ONE]]) + more


def _of(group: Sequence[Note], named: Sequence[str]) -> str:
    """What the leading note is of its kind, where there are others."""
    if len(group) == 1:
        return ""
    if len(named) == 1:
        return f" ({'worst' if _beyond(group[0]) else 'first'} of {len(group)})"
    return " (worst)" if _beyond(group[0]) else ""


def difference(text: str, lead: str) -> str:
    """What this text says otherwise than the leading one, as short as can be: "26 %"."""
    if text == lead:
        return ""
    tail, lead_tail = _after_colon(text, lead)
    if tail != text and len(tail) <= LONG:
        return tail.rstrip(END)
    words, others = tail.split(), lead_tail.split()
    first = _alike(words, others)
    last = _alike(words[first:][::-1], others[first:][::-1])
    number = first < len(words) and words[first][:1].isdigit()
    first = _phrase(words, first) if number or first >= COMMON else 0
    end = len(words) - (last if last >= COMMON else 0)
    told = _until_alike(words[first:end], others)
    while " ".join(told).count("(") > " ".join(told).count(")") and first + len(told) < len(words):
        told.append(words[first + len(told)])
    after = words[first + len(told) : first + len(told) + 1]
    unit = [w for w in after if w.rstrip(END) in UNITS]
    said = re.sub(r"^\((.*)\)$", r"\1", " ".join([*told, *unit]).rstrip(END))
    return said if len(said) <= LONG else text.rstrip(END)


def _phrase(words: Sequence[str], first: int) -> int:
    """Where the differing phrase begins: a number by itself, a name with all its words."""
    if first >= len(words) or words[first][:1].isdigit():
        return first
    starts = [i + 1 for i, w in enumerate(words[:first]) if w in BEFORE_A_NAME]
    return starts[-1] if starts else first


def _after_colon(text: str, lead: str) -> tuple[str, str]:
    """Both texts after the last colon up to which they are the same."""
    while ": " in text and ": " in lead:
        (a, rest), (b, other) = text.split(": ", 1), lead.split(": ", 1)
        if a != b:
            break
        text, lead = rest, other
    return text, lead


def _alike(words: Sequence[str], others: Sequence[str]) -> int:
    """How many words from the beginning are the same."""
    both = zip(words, others, strict=False)
    return next((i for i, (a, b) in enumerate(both) if a != b), min(len(words), len(others)))


def _until_alike(words: Sequence[str], others: Sequence[str]) -> list[str]:
    """The words before a run that the other text has too."""
    runs = {tuple(others[i : i + COMMON]) for i in range(len(others) - COMMON + 1)}
    stop = next((i for i in range(1, len(words)) if tuple(words[i : i + COMMON]) in runs),
                len(words))  # fmt: skip
    return list(words[:stop])
