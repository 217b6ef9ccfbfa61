"""Outlines compared with each other, with the scan and with what is usual."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Image
from quimby.core.notes import Note, note
from quimby.measure.regions import double_counted

Float = NDArray[np.float64]

ORGAN_LIMIT_MM, DICE_LEAST = 5.0, 0.8


def dice_of(first: float, second: float, common: float) -> float:
    """Dice coefficient 2 |A and B| / (|A| + |B|) of three sizes in any one unit."""
    return 2.0 * common / (first + second)


def dice(a: Image, b: Image) -> float:
    """Dice coefficient of two fractional masks on one grid (the lesser occupancy is common)."""
    if not a.grid.matches(b.grid):
        raise ValueError("dice needs two masks on one grid")
    x, y = a.values, b.values
    return dice_of(float(x.sum()), float(y.sum()), float(np.minimum(x, y).sum()))


def dice_notes(value: float, *, where: str) -> tuple[Note, ...]:
    """W-IMG-DICE below 0.8."""
    if value >= DICE_LEAST:
        return ()
    return (note("W-IMG-DICE", where=where, value=value, limit=DICE_LEAST),)


def overlap_notes(first: float, second: float, common: float, *, where: str) -> tuple[Note, ...]:
    """W-IMG-OVERLAP with the double-counted fraction, where two regions share any volume."""
    if common <= 0:
        return ()
    return (note("W-IMG-OVERLAP", where=where, value=double_counted(first, second, common)),)


def volume_notes(volume_ml: float, organ: str, *, where: str) -> tuple[Note, ...]:
    """W-IMG-VOL outside the organ's usual volumes (adult); nothing for organs without any.

    `organ` as in the table: "kidneys" (the pair), "kidney", "spleen", "liver", "parotid".
    """
    window = usual_volumes().get(organ)
    if window is None or window[0] <= volume_ml <= window[1]:
        return ()
    low, high = window
    limit = low if volume_ml < low else high
    return (note("W-IMG-VOL", where=where, value=volume_ml, limit=limit, low=low, high=high),)


@cache
def usual_volumes() -> Mapping[str, tuple[float, float]]:
    """Usual volumes by organ, ml (house policy)."""
    text = files("quimby.measure").joinpath("data", "organ_volumes.toml").read_text("utf-8")
    rows = tomllib.loads(text)
    return {name: (float(row["low_ml"]), float(row["high_ml"])) for name, row in rows.items()}
