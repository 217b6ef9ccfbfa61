"""Quantities written by people: a number and its unit. A bare number is refused."""

from __future__ import annotations

import re

from quimby.core.notes import refusal

_NUMBER = re.compile(r"^\s*([+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?)\s*(\S*)\s*$")
_TWO_WAYS = re.compile(r"^([+-]?[1-9]\d{0,2})[.,](\d{3})$", re.ASCII)

ACTIVITY_MBQ = {
    "Bq": 1e-6, "kBq": 1e-3, "MBq": 1.0, "GBq": 1e3, "TBq": 1e6,
    "uCi": 0.037, "µCi": 0.037, "mCi": 37.0, "Ci": 37e3,
}  # fmt: skip
DOSE_GY = {"Gy": 1.0, "cGy": 0.01, "mGy": 1e-3}
MASS_G = {"g": 1.0, "kg": 1e3, "mg": 1e-3}
TIME_H = {"s": 1 / 3600, "min": 1 / 60, "h": 1.0, "d": 24.0}
FRACTION = {"%": 0.01}
DURATION_S = {"s": 1.0, "min": 60.0, "h": 3600.0}
LENGTH_MM = {"mm": 1.0, "cm": 10.0, "m": 1e3}
VOLUME_ML = {"ml": 1.0, "µl": 1e-3, "l": 1e3, "cm³": 1.0}
DOSE_RATE_USV_H = {"µSv/h": 1.0, "nSv/h": 1e-3, "mSv/h": 1e3, "Sv/h": 1e6, "mrem/h": 10.0}
COUNTS = {"counts": 1.0, "kcounts": 1e3}
COUNT_RATE_CPS = {"cps": 1.0, "cpm": 1 / 60, "kcps": 1e3}
CONCENTRATION_MBQ_ML = {"MBq/ml": 1.0, "kBq/ml": 1e-3, "Bq/ml": 1e-6, "kBq/l": 1e-6, "MBq/l": 1e-3}
DOSE_PER_ACTIVITY = {"Gy/GBq": 1.0, "mGy/MBq": 1.0, "mGy/GBq": 1e-3, "Gy/MBq": 1e3}
PIXELS = {"pixels": 1.0, "px": 1.0}
KINDS = {"activity": ACTIVITY_MBQ, "dose": DOSE_GY, "mass": MASS_G, "time": TIME_H,
         "fraction": FRACTION, "duration": DURATION_S, "length": LENGTH_MM, "volume": VOLUME_ML,
         "dose rate": DOSE_RATE_USV_H, "counts": COUNTS, "count rate": COUNT_RATE_CPS,
         "concentration": CONCENTRATION_MBQ_ML, "dose per activity": DOSE_PER_ACTIVITY,
         "pixels": PIXELS}  # fmt: skip
HOUSE = {"activity": "MBq", "dose": "Gy", "mass": "g", "time": "h", "fraction": "1",
         "duration": "s", "length": "mm", "volume": "ml", "dose rate": "µSv/h",
         "counts": "counts", "count rate": "cps", "concentration": "MBq/ml",
         "dose per activity": "Gy/GBq", "pixels": "pixels"}  # fmt: skip
"""The unit inside Quimby of each kind."""


def quantity(text: str | float, kind: str, *, where: str) -> float:
    """The number in Quimby's unit of that kind, as `HOUSE` lists it.

    "7.37 GBq", "7,37 GBq" and "7370 MBq" are the same. Raises E-UNIT for a number without a
    unit, or with one of another kind; E-UNIT-AMBIGUOUS for "1,500 MBq", which can be 1.5 or 1500.
    """
    match = _NUMBER.match(str(text))
    units = KINDS[kind]
    if match is None or match[2] not in units:
        raise refusal("E-UNIT", where=where, text=text, kind=kind, units=", ".join(units))
    two = two_ways(match[1])
    if two is not None:
        raise refusal("E-UNIT-AMBIGUOUS", where=where, text=text, small=two[0], large=two[1],
                      unit=match[2])  # fmt: skip
    return float(match[1].replace(",", ".")) * units[match[2]]


def two_ways(number: str) -> tuple[str, str] | None:
    """Both readings of a number such as "1.500" or "1,500", each as only it can be read.

    The one mark may part thousands or decimals: ("1.5", "1500"), and for "12,345" ("12.3450",
    "12345"). None where there is but one reading.
    """
    match = _TWO_WAYS.match(number)
    if match is None:
        return None
    small, large = f"{match[1]}.{match[2]}", match[1] + match[2]
    return (f"{small}0" if small[-1] != "0" else small.rstrip("0").rstrip(".")), large


def written(value: float, unit: str) -> str:
    """A number with its unit as `quantity` reads it back: 10 digits, and never two ways."""
    text = f"{value:.10g}"
    two = two_ways(text)
    return f"{two[0] if two else text} {unit}"


def convert(value: float, given: str, wanted: str, *, where: str) -> float:
    """A number in another unit of its kind; E-UNIT-PAIR where the two are not of one kind."""
    for units in KINDS.values():
        if given in units and wanted in units:
            return value * units[given] / units[wanted]
    kind = next((units for units in KINDS.values() if given in units), {})
    raise refusal("E-UNIT-PAIR", where=where, given=given, wanted=wanted,
                  known=", ".join(kind) or "a unit that Quimby knows")  # fmt: skip
