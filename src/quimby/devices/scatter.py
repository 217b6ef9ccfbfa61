"""Scatter estimated from windows beside the photopeak (triple energy window)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain

NEGATIVE_LIMIT = 0.05  # share of pixels below zero [P]


@dataclass(frozen=True, slots=True)
class Window:
    """An energy window with its counts."""

    counts: float
    width_kev: float


@dataclass(frozen=True, slots=True)
class Primary:
    """Photopeak counts without scatter; negative ones are kept, so that sums stay true."""

    scatter: float
    primary: Uncertain
    notes: tuple[Note, ...] = ()


def triple_window(peak: Window, lower: Window, upper: Window) -> Primary:
    """Scatter S = (C_l/W_l + C_u/W_u) W_p/2, with the Poisson doubt of all three windows.

    Raises E-SC-WINDOW for a window without width. Source: Ogawa et al. 1991 (definition).
    """
    a, b = _weight(peak, lower), _weight(peak, upper)
    scatter = a * lower.counts + b * upper.counts
    left = peak.counts - scatter
    u = sqrt(peak.counts + a**2 * lower.counts + b**2 * upper.counts)
    notes = negative_notes([left])
    return Primary(scatter, Uncertain(left, {"counts, scatter windows": u}), notes)


def negative_notes(primary: ArrayLike) -> tuple[Note, ...]:
    """W-SC-NEGATIVE where more than 5 % of the pixels fall below zero."""
    values: NDArray[np.float64] = np.asarray(primary, dtype=np.float64)
    share = float(np.count_nonzero(values < 0)) / max(values.size, 1)
    if share <= NEGATIVE_LIMIT:
        return ()
    return (note("W-SC-NEGATIVE", where="scatter correction", value=share,
                 limit=NEGATIVE_LIMIT),)  # fmt: skip


def check_apart(*windows_kev: tuple[float, float]) -> None:
    """E-SC-WINDOW where windows (lower, upper) overlap or run backwards."""
    ordered = sorted(windows_kev)
    backwards = any(low >= high for low, high in ordered)
    overlap = any(a[1] > b[0] + 1e-6 for a, b in pairwise(ordered))
    if backwards or overlap:
        what = ", ".join(f"{low:g}-{high:g} keV" for low, high in ordered)
        raise refusal("E-SC-WINDOW", where="energy windows", what=what)


def _weight(peak: Window, side: Window) -> float:
    if not (peak.width_kev > 0 and side.width_kev > 0):
        what = f"widths {peak.width_kev:g} and {side.width_kev:g} keV"
        raise refusal("E-SC-WINDOW", where="energy windows", what=what)
    return peak.width_kev / (2.0 * side.width_kev)
