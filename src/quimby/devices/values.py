"""Numbers of counting: finite, and above zero or not below it."""

from __future__ import annotations

from math import isfinite

from quimby.core.notes import refusal


def checked(what: str, value: float, where: str, *, zero: bool = False) -> float:
    """The value where it is finite and above zero (with `zero`: not below it); E-CNT-VALUE."""
    if not (isfinite(value) and (value > 0 or (zero and value == 0))):
        must = "zero or more" if zero else "above zero"
        raise refusal("E-CNT-VALUE", where=where, what=what, value=value, must=must)
    return value
