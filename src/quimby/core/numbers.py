"""Numbers from outside: finite, and above zero where the physics needs it."""

from __future__ import annotations

from math import isfinite

from quimby.core.notes import refusal


def above_zero(value: float, what: str, unit: str, *, where: str) -> float:
    """The number itself; E-NUM-FINITE for NaN or infinity, E-NUM-NONPOS for zero or less."""
    return _checked(value, what, unit, where=where, must="above zero", fits=value > 0)


def zero_or_more(value: float, what: str, unit: str, *, where: str) -> float:
    """The number itself; E-NUM-FINITE for NaN or infinity, E-NUM-NONPOS below zero."""
    return _checked(value, what, unit, where=where, must="zero or more", fits=value >= 0)


def _checked(
    value: float, what: str, unit: str, *, where: str, must: str, fits: bool
) -> float:  # fmt: skip
    said, number = what[:1].upper() + what[1:], f"{value:g} {unit}".rstrip()
    if not isfinite(value):
        raise refusal("E-NUM-FINITE", where=where, what=said, number=number)
    if not fits:
        raise refusal("E-NUM-NONPOS", where=where, what=said, number=number, must=must)
    return value
