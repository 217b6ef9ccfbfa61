"""Quantities written by people: a number and its unit. A bare number is refused."""

from __future__ import annotations

import re

from quimby.core.notes import refusal

_NUMBER = re.compile(r"^\s*([+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?)\s*(\S*)\s*$")

ACTIVITY_MBQ = {
    "Bq": 1e-6, "kBq": 1e-3, "MBq": 1.0, "GBq": 1e3, "TBq": 1e6,
    "uCi": 0.037, "µCi": 0.037, "mCi": 37.0, "Ci": 37e3,
}  # fmt: skip
DOSE_GY = {"Gy": 1.0, "cGy": 0.01, "mGy": 1e-3}
MASS_G = {"g": 1.0, "kg": 1e3, "mg": 1e-3}
TIME_H = {"s": 1 / 3600, "min": 1 / 60, "h": 1.0, "d": 24.0}
FRACTION = {"%": 0.01}
KINDS = {"activity": ACTIVITY_MBQ, "dose": DOSE_GY, "mass": MASS_G, "time": TIME_H,
         "fraction": FRACTION}  # fmt: skip


def quantity(text: str | float, kind: str, *, where: str) -> float:
    """The number in Quimby's unit of that kind: MBq, Gy, g, h, or a fraction of one.

    "7.37 GBq", "7,37 GBq" and "7370 MBq" are the same. Raises E-UNIT for a number without a
    unit, or with one of another kind.
    """
    match = _NUMBER.match(str(text))
    units = KINDS[kind]
    if match is None or match[2] not in units:
        raise refusal("E-UNIT", where=where, text=text, kind=kind, units=", ".join(units))
    return float(match[1].replace(",", ".")) * units[match[2]]
