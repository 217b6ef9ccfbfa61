"""What a person types for an outline: points, boxes, shares and bounds, each with its unit."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from quimby.core.grid import Image
from quimby.core.notes import refusal
from quimby.core.uncertain import Uncertain
from quimby.core.units import CONCENTRATION_MBQ_ML, quantity
from quimby.devices.camera import read_camera
from quimby.measure.regions import CT_FWHM_MM
from quimby.measure.segment import Seed

Point = tuple[float, float, float]
REACH_MM = 40.0
"""How far from a seed a region may reach unless said otherwise; W-SEG-REACH tells where it did."""
_BOUND = re.compile(r"^\s*([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(\S+)\s*$")


def point(text: str) -> Point:
    """ "-45.5,30,120" as LPS mm; E-OUTLINE-POINT."""
    found = _numbers(text)
    if len(found) != 3:
        raise refusal("E-OUTLINE-POINT", where="--at", text=text)
    return found[0], found[1], found[2]


def _numbers(text: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        return []
    return found if np.isfinite(found).all() else []


def seed(image: Image, *, at: str, within: str, reach: str) -> Seed:
    """Where to look: a point with its reach, or the hottest voxel of a box and half its diagonal.

    E-OUTLINE-WAY unless exactly one of `at` and `within` is given, E-OUTLINE-POINT,
    E-OUTLINE-BOX, E-UNIT.
    """
    if bool(at) == bool(within):
        raise refusal("E-OUTLINE-WAY", where="outline",
                      problem="A region is looked for at a point or in a box: give one of the two",
                      example="--at -45.5,30,120   or   --in -80,10,90,-20,60,160")  # fmt: skip
    reach_mm = quantity(reach, "length", where="--reach") if reach else None
    if at:
        return Seed(point(at), REACH_MM if reach_mm is None else reach_mm)
    low, high = _box(within)
    half = float(np.linalg.norm(high - low)) / 2.0
    return Seed(_hottest(image, low, high, within), half if reach_mm is None else reach_mm)


def _box(text: str) -> tuple[np.ndarray, np.ndarray]:
    found = _numbers(text)
    if len(found) != 6:
        raise refusal("E-OUTLINE-BOX", where="--in", text=text)
    corners = np.array(found).reshape(2, 3)
    return corners.min(axis=0), corners.max(axis=0)


def _hottest(image: Image, low: np.ndarray, high: np.ndarray, text: str) -> Point:
    centres = image.grid.centres_mm()
    inside = ((centres >= low) & (centres <= high)).all(axis=-1)
    if not inside.any():
        raise refusal("E-OUTLINE-BOX", where="--in", text=text)
    at = int(np.argmax(np.where(inside, image.values, -np.inf)))
    x, y, z = centres.reshape(-1, 3)[at]
    return float(x), float(y), float(z)


def share(text: str) -> float:
    """ "41%" or "0.41" as a share of one; E-OUTLINE-WAY for other words."""
    number, sign = text.strip().removesuffix("%").strip(), text.strip().endswith("%")
    try:
        return float(number) / (100.0 if sign else 1.0)
    except ValueError:
        raise refusal("E-OUTLINE-WAY", where="--share", problem=f"{text!r} is not a share",
                      example="--share 41%") from None  # fmt: skip


def bound(text: str, unit: str, *, where: str) -> float:
    """A value with its unit, in the unit of the image; E-OUTLINE-WAY for a bare number.

    Concentrations are converted; any other unit must be that of the image itself.
    """
    match = _BOUND.match(text)
    said = match[2] if match else ""
    if match and said.lower() == unit.lower():
        return float(match[1])
    if match and said in CONCENTRATION_MBQ_ML and unit in CONCENTRATION_MBQ_ML:
        return float(match[1]) * CONCENTRATION_MBQ_ML[said] / CONCENTRATION_MBQ_ML[unit]
    raise refusal("E-OUTLINE-WAY", where=where, problem=f"{text!r} is no value in {unit}, the "
                  "unit of this image", example=f'{where} "120 {unit}"')  # fmt: skip


def width(camera: Path | None, fwhm: str) -> Uncertain | None:
    """Full width at half maximum of a point, from a camera record or as typed; None for neither.

    A typed width is doubted by 10 %. E-OUTLINE-WAY where both are given.
    """
    if camera is not None and fwhm:
        raise refusal("E-OUTLINE-WAY", where="--fwhm", example="--camera camera.toml",
                      problem="Both --camera and --fwhm say the width of a point")  # fmt: skip
    if camera is not None:
        return read_camera(camera).point_spread_mm()
    if not fwhm:
        return None
    value = quantity(fwhm, "length", where="--fwhm")
    return Uncertain(value, {"point spread": TYPED_U * value})


CT_WIDTH = Uncertain(CT_FWHM_MM)
TYPED_U = 0.1
"""Relative standard uncertainty of a width that a person typed [P]."""


def needed_width(camera: Path | None, fwhm: str) -> Uncertain:
    """As `width`; E-OUTLINE-WIDTH where nobody says it."""
    found = width(camera, fwhm)
    if found is None:
        raise refusal("E-OUTLINE-WIDTH", where="outline")
    return found
