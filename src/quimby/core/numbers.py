"""Numbers from outside: finite, and above zero where the physics needs it."""

from __future__ import annotations

from math import isfinite

from quimby.core.notes import refusal


def above_zero(value: float, what: str, unit: str, *, where: str) -> float:
    """The number itself; E-NUM-FINITE for NaN or infinity, E-NUM-NONPOS for zero or less."""
    said = what[:1].upper() + what[1:]
    if not isfinite(value):
        raise refusal("E-NUM-FINITE", where=where, what=said, value=value, unit=unit)
    if value <= 0:
        raise refusal("E-NUM-NONPOS", where=where, what=said, value=value, unit=unit)
    return value


def zero_or_more(value: float, what: str, unit: str, *, where: str) -> float:
    """The number itself; E-NUM-FINITE for NaN or infinity, E-NUM-NONPOS below zero."""
    return value if value == 0 else above_zero(value, what, unit, where=where)
