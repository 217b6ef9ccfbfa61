"""Storing real values as 16-bit numbers without bias."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quimby.core.notes import refusal

LARGEST = 32767  # int16


@dataclass(frozen=True, slots=True)
class Quantisation:
    """value = slope * stored, in the unit of the values."""

    slope: float

    @property
    def max_rounding_error(self) -> float:
        """The farthest a rounded value lies from the true one."""
        return self.slope / 2

    @property
    def bias_if_truncated(self) -> float:
        """Mean error of positive values if the fraction were cut off instead; why we round."""
        return -self.slope / 2


def quantisation(largest: float, *, where: str = "DICOM export") -> Quantisation:
    """The scale that brings values up to `largest` (in size) into signed 16 bits.

    E-IO-RANGE unless `largest` is finite and not negative. A volume of zeros gets slope 1.
    """
    if not 0 <= largest < float("inf"):
        raise refusal("E-IO-RANGE", where=where, found=f"{largest:g}")
    slope = largest / LARGEST
    return Quantisation(slope if slope > 0 else 1.0)  # a value too small for a slope is zero


def quantised(
    values: ArrayLike, *, where: str = "DICOM export"
) -> tuple[NDArray[np.int16], Quantisation]:
    """Rounded int16 numbers and their scale. E-IO-RANGE for a value that is not finite."""
    array = np.asarray(values, dtype=np.float64)
    largest = float(np.abs(array).max(initial=0.0))
    scale = quantisation(largest, where=where)
    return np.rint(array / scale.slope).astype(np.int16), scale
