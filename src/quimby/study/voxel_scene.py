"""What ways of integrating voxels share: the scans on one grid, and what each way gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Grid
from quimby.core.notes import Note
from quimby.dose.local import RegionTia, box_of, sum_of_scans, trapezoid_weights
from quimby.study.curves import RegionCurve
from quimby.study.quantify import Reading

Array = NDArray[np.floating]
Float32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scene:
    """All scans on one grid, in order of time, with what a region's own curve knows."""

    grid: Grid
    readings: tuple[Reading, ...]
    maps: tuple[Float32, ...]  # MBq/ml, each as it was then
    fwhm_mm: float  # the camera's blur; 0 where it was not measured
    occupancy: Mapping[str, Array]
    curves: Mapping[str, RegionCurve]
    half_life_h: float  # physical

    @property
    def scans(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(r.visit.id for r in self.readings)

    @property
    def times_h(self) -> tuple[float, ...]:
        """Hours after the start of the administration."""
        return tuple(r.visit.time_h for r in self.readings)

    @property
    def outside_hours(self) -> tuple[float, ...]:
        """Hours of each scan where no curve tells: trapezoids and physical decay."""
        return trapezoid_weights(self.times_h, self.half_life_h)

    def inside(self, name: str, per_ml: Array) -> RegionTia:
        """A region's map, in its own block, with the activity that it is scaled to."""
        return RegionTia(self.box(name), per_ml, self.curves[name].tia_mbq_h.value)

    def box(self, name: str) -> tuple[slice, ...]:
        """The block of voxels that a region touches."""
        return box_of(self.occupancy[name], where=name)

    def by_curve(self, name: str) -> Float32:
        """Scans in a region's block, summed with the weights of the region's curve."""
        box = self.box(name)
        return sum_of_scans([m[box] for m in self.maps], self.curves[name].weights_h)


@dataclass(frozen=True, eq=False)
class Mapped:
    """Time-integrated concentration (MBq h/ml): elsewhere, and of each region's own tissue."""

    outside: Array
    inside: Mapping[str, RegionTia]
    method: str  # one line for the report
    fallback: Mapping[str, float]  # share of a region's volume without a free fit
    notes: tuple[Note, ...]
