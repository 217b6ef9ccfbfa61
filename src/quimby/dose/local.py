"""Voxel dose by local deposition: energy is absorbed in the voxel where it is released.

What comes in is a time-integrated concentration for what no region holds and one for the inside
of every region, whichever way they were integrated (`study.voxels`); each region's is scaled to
its recovered activity. Where regions share a voxel, each has its own part by occupancy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quimby.core.notes import Note, note, refusal
from quimby.physics.nuclides import delta_gy_g_per_mbq_h

Array = NDArray[np.floating]

AIR_FLOOR_G_PER_ML = 0.1  # [P] below it a voxel's dose would be a division by air


@dataclass(frozen=True, slots=True)
class RegionWeights:
    """How the scans of one region add up to its time-integrated activity."""

    hours: tuple[float, ...]  # dTIA/dA_i of the region's fit, one a scan
    tia_mbq_h: float | None = None  # recovered TIA the picture is scaled to; None leaves it


@dataclass(frozen=True, eq=False)
class RegionTia:
    """Time-integrated concentration of one region's tissue, in the block of voxels it touches."""

    box: tuple[slice, ...]  # of the grid; see `box_of`
    per_ml: Array  # MBq h/ml, shape of the box, as the scans show it
    tia_mbq_h: float | None = None  # recovered TIA it is scaled to; None leaves it


@dataclass(frozen=True, eq=False)
class VoxelDose:
    """Dose picture on the grid of the activity maps."""

    dose_gy: NDArray[np.float32]
    rescale: Mapping[str, float]  # region TIA over the picture's, before scaling
    notes: tuple[Note, ...]


def local_dose(
    tia_mbq_h_per_ml: Array, density_g_per_ml: Array | float, energy_mev: float
) -> Array:
    """Gy from time-integrated concentration: D = c * Delta / rho, with the air floor for rho."""
    density = np.maximum(density_g_per_ml, AIR_FLOOR_G_PER_ML)
    return np.asarray(tia_mbq_h_per_ml * (delta_gy_g_per_mbq_h(energy_mev) / density))


def trapezoid_weights(times_h: Sequence[float], half_life_h: float) -> tuple[float, ...]:
    """Hours each scan counts for: back to zero as at the first scan, straight lines between,
    and physical decay after the last. For voxels outside every region.
    """
    t = np.asarray(times_h, dtype=float)
    if t.size == 0 or not (np.diff(t) > 0).all() or not t[0] >= 0 or not half_life_h > 0:
        raise refusal("E-DOSE-INPUT", where="voxel dose", what="a step between scans",
                      value=float(np.diff(t).min(initial=0)), unit="h",
                      must="above zero, with times and half-life above zero")  # fmt: skip
    steps = np.diff(t)
    weights = np.zeros(t.size)
    weights[:-1] += steps / 2
    weights[1:] += steps / 2
    weights[0] += t[0]
    weights[-1] += half_life_h / np.log(2)
    return tuple(float(w) for w in weights)


def voxel_dose(
    activity_mbq_per_ml: Sequence[Array],
    density_g_per_ml: Array,
    occupancy: Mapping[str, Array],
    *,
    weights: Mapping[str, RegionWeights],
    remainder_hours: Sequence[float],
    voxel_ml: float,
    energy_mev: float,
) -> VoxelDose:
    """Dose picture (float32 Gy, shape of the maps) from weighted sums of scans on one grid.

    Parameters
    ----------
    activity_mbq_per_ml
        One map a scan, as it was then (not decay-corrected).
    occupancy
        Region -> share of each voxel it fills, 0 to 1; they do not add above one.
    weights
        Region -> its hours, and the recovered TIA (MBq h) that its part is scaled to.

    Raises E-VOX-SHAPE, E-VOX-WEIGHTS, and E-VOX-REGION where a region has nothing to scale.
    """
    shape = density_g_per_ml.shape
    _check(shape, activity_mbq_per_ml, occupancy, weights, remainder_hours)
    inside = {}
    for name, occ in occupancy.items():
        box = box_of(occ, where=name)
        summed = sum_of_scans([c[box] for c in activity_mbq_per_ml], weights[name].hours)
        inside[name] = RegionTia(box, summed, weights[name].tia_mbq_h)
    outside = sum_of_scans(activity_mbq_per_ml, remainder_hours)
    return deposited(outside, density_g_per_ml, occupancy, inside=inside, voxel_ml=voxel_ml,
                     energy_mev=energy_mev)  # fmt: skip


def deposited(
    outside_mbq_h_per_ml: Array,
    density_g_per_ml: Array,
    occupancy: Mapping[str, Array],
    *,
    inside: Mapping[str, RegionTia],
    voxel_ml: float,
    energy_mev: float,
) -> VoxelDose:
    """Dose picture (float32 Gy) from time-integrated concentrations (MBq h/ml).

    `outside_mbq_h_per_ml` stands for what no region holds, `inside` for each region's tissue.
    Raises E-VOX-REGION where a region has nothing to scale.
    """
    dose = np.array(outside_mbq_h_per_ml, dtype=np.float32)
    rescale: dict[str, float] = {}
    for name, own in inside.items():
        occ = occupancy[name][own.box]
        rescale[name] = _factor(name, held_mbq_h(own.per_ml, occ, voxel_ml), own.tia_mbq_h)
        extra = np.float32(rescale[name]) * own.per_ml - outside_mbq_h_per_ml[own.box]
        dose[own.box] += (occ * extra).astype(np.float32)
    _divide_by_density(dose, density_g_per_ml, delta_gy_g_per_mbq_h(energy_mev))
    return VoxelDose(dose, rescale, (note("I-DOSE-LOCAL", where="voxel dose"),))


def held_mbq_h(per_ml: Array, occupancy: Array, voxel_ml: float) -> float:
    """What a region holds of a map: the sum over its voxels, each by the share it fills."""
    return float(np.vdot(occupancy.astype(np.float64), per_ml.astype(np.float64))) * voxel_ml


def _check(
    shape: tuple[int, ...],
    maps: Sequence[Array],
    occupancy: Mapping[str, Array],
    weights: Mapping[str, RegionWeights],
    remainder: Sequence[float],
) -> None:
    if not maps:
        raise refusal("E-VOX-WEIGHTS", where="voxel dose", what="the picture", found=0, wanted="no")
    arrays = {f"scan {i + 1}": c for i, c in enumerate(maps)} | dict(occupancy)
    for what, array in arrays.items():
        if array.shape != shape:
            raise refusal("E-VOX-SHAPE", where="voxel dose", what=what, found=array.shape,
                          wanted=shape)  # fmt: skip
    hours = {name: weights[name].hours if name in weights else () for name in occupancy}
    for what, found in (hours | {"the remainder": tuple(remainder)}).items():
        if len(found) != len(maps):
            raise refusal("E-VOX-WEIGHTS", where="voxel dose", what=what, found=len(found),
                          wanted=len(maps))  # fmt: skip


def box_of(occ: Array, *, where: str) -> tuple[slice, ...]:
    """The smallest block of voxels that holds a region; E-VOX-REGION for an empty one."""
    filled = occ > 0
    sides = [np.flatnonzero(filled.any(axis=tuple({0, 1, 2} - {a}))) for a in range(3)]
    if any(side.size == 0 for side in sides):
        raise refusal("E-VOX-REGION", where=where, value=0.0, wanted=0.0)
    return tuple(slice(int(side[0]), int(side[-1]) + 1) for side in sides)


def _factor(name: str, found: float, wanted: float | None) -> float:
    if wanted is None:
        return 1.0
    if not found > 0:
        raise refusal("E-VOX-REGION", where=name, value=found, wanted=wanted)
    return wanted / found


def sum_of_scans(maps: Sequence[Array], hours: Sequence[float]) -> NDArray[np.float32]:
    """sum_i w_i C_i (MBq h/ml), slice by slice: a slice stays in the processor's cache."""
    total = np.empty(maps[0].shape, dtype=np.float32)
    work = np.empty_like(total[0])
    for k in range(len(total)):
        np.multiply(maps[0][k], np.float32(hours[0]), out=total[k], casting="same_kind")
        for c, w in zip(maps[1:], hours[1:], strict=True):
            np.multiply(c[k], np.float32(w), out=work, casting="same_kind")
            total[k] += work
    return total


def _divide_by_density(dose: NDArray[np.float32], density: Array, constant: float) -> None:
    work = np.empty_like(dose[0])
    for k in range(len(dose)):
        np.maximum(density[k], np.float32(AIR_FLOOR_G_PER_ML), out=work, casting="same_kind")
        np.divide(np.float32(constant), work, out=work)
        dose[k] *= work
