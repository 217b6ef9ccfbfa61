"""Numbers as people write them, in English, German, French and Swiss. Never a guess."""

from __future__ import annotations

import re
from math import isfinite

from quimby.core.notes import refusal
from quimby.core.units import two_ways

_SPACES = "\u00a0\u202f\u2009\u2007"
_NUMBER_AND_UNIT = re.compile(
    r"^(?P<number>[+-]?\d[\d .,'’]*?(?:[eE][+-]?\d+)?)\s*(?P<unit>[^\d\s.,'’].*)?$"
)
_PARTS = re.compile(r"^(?P<sign>[+-]?)(?P<body>[\d .,'’]*\d[.,]?)(?P<exponent>[eE][+-]?\d+)?$",
                    re.ASCII)  # fmt: skip


def number(text: str, *, where: str, decimal: str = "") -> float:
    """The number a text holds.

    "1,5" and "1.5" are both one and a half; "1.234,5" and "1,234.5", "1 234,5" and "1'234.5"
    are one number. "1.500" and "1,500" can be read two ways: with `decimal` ("." or ",", as
    confirmed by a person) the one that it says, without E-READ-AMBIGUOUS. Anything else, and
    what is not finite, is E-READ-NUMBER.
    """
    match = _PARTS.match(_plain(text))
    written = _digits(match["body"], match["exponent"] or "", decimal) if match else None
    if match is None or written is None:
        raise refusal("E-READ-NUMBER", where=where, text=text)
    if written == "?":
        small, large = two_ways(match["body"]) or ("", "")
        raise refusal("E-READ-AMBIGUOUS", where=where, text=text, small=small, large=large)
    value = float(match["sign"] + written + (match["exponent"] or ""))
    if not isfinite(value):
        raise refusal("E-READ-NUMBER", where=where, text=text)
    return value


def number_and_unit(text: str) -> tuple[str, str]:
    """The text of a number apart from the unit behind it: "7,4 GBq" is ("7,4", "GBq")."""
    match = _NUMBER_AND_UNIT.match(_plain(text))
    return (match["number"].strip(), (match["unit"] or "").strip()) if match else (text, "")


def _plain(text: str) -> str:
    for space in _SPACES:
        text = text.replace(space, " ")
    return text.strip().replace("\u2212", "-")


def _digits(body: str, exponent: str, decimal: str) -> str | None:
    """The body with a point and no groups; None where it is no number, "?" where it is two."""
    marks = [c for c in ".," if c in body]
    if len(marks) == 2:
        point = max(marks, key=body.rindex)
        return _joined(body, point)
    if not marks or body.count(marks[0]) > 1:
        whole = _ungrouped(body)
        return whole if not marks or " " not in body else None
    mark = marks[0]
    if not exponent and two_ways(body):
        return "?" if not decimal else _joined(body, mark if mark == decimal else "")
    return _joined(body, mark)


def _joined(body: str, point: str) -> str | None:
    whole, _, rest = body.rpartition(point) if point else (body, "", "")
    digits = _ungrouped(whole)
    if digits is None or not re.fullmatch(r"\d*", rest):
        return None
    return f"{digits}.{rest}" if rest else digits


def _ungrouped(whole: str) -> str | None:
    """Digits without their thousands' marks; None where the groups are not of three."""
    if whole.isdigit():
        return whole
    for mark in " .,'’":
        if re.fullmatch(rf"\d{{1,3}}(?:{re.escape(mark)}\d{{3}})+", whole):
            return whole.replace(mark, "")
    return None
