"""The voxel dose and the other arrays that a report draws from, on the reference's position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.notes import Note
from quimby.dose.local import RegionWeights, trapezoid_weights, voxel_dose
from quimby.effect import dvh
from quimby.measure.occupancy import occupancy
from quimby.measure.resample import resample
from quimby.physics.materials import density_curve
from quimby.physics.nuclides import Nuclide
from quimby.study.curves import RegionCurve
from quimby.study.inputs import Inputs
from quimby.study.quantify import Quantified, Reading
from quimby.study.result import Pictures, RegionResult

AIR_HU = -1000.0


def pictures(
    inputs: Inputs, quantified: Quantified, curves: Mapping[str, RegionCurve], nuclide: Nuclide
) -> tuple[Pictures, dict[str, float], tuple[Note, ...]]:
    """Arrays, the factor that scaled each region's part of the dose picture, and notes.

    Voxel dose is by local deposition on the reference scan's grid. Every region's part is a
    linear sum of the scans with the weights of the region's own curve, scaled to its recovered
    time-integrated activity; outside, trapezoids and physical decay.
    """
    ct = inputs.reference_ct.image
    grid = next(r for r in quantified.readings if r.visit.id == inputs.reference).activity.grid
    maps = [_moved(r, r.activity, grid) for r in quantified.readings]
    inside = {
        region.name: occupancy(region.mask, grid, Rigid.identity())
        for region in quantified.regions.organs
    }
    density = density_curve().density(resample(ct, grid, outside=AIR_HU).array)
    found = voxel_dose(
        [m.array.astype(np.float32, copy=False) for m in maps],
        density,
        {n: i.values for n, i in inside.items()},
        weights={n: RegionWeights(c.weights_h, c.tia_mbq_h.value) for n, c in curves.items()},
        remainder_hours=trapezoid_weights([r.visit.time_h for r in quantified.readings],
                                          nuclide.half_life_h.value),
        voxel_ml=grid.voxel_ml, energy_mev=nuclide.electron_mev.value,
    )  # fmt: skip
    return (
        Pictures(
            ct=ct,
            spect_mbq_per_ml=tuple(maps),
            dose=Image(grid, found.dose_gy, "Gy"),
            occupancy=inside,
            masks_ct={r.name: occupancy(r.mask, ct.grid, Rigid.identity())
                      for r in quantified.regions.organs},
            ct_files=inputs.reference_ct.files,
            registered_ct={r.visit.id: _moved_ct(r, ct) for r in quantified.readings},
        ),
        dict(found.rescale),
        found.notes,
    )  # fmt: skip


def _moved(reading: Reading, image: Image, grid: Grid) -> Image:
    """A scan's activity on the reference grid; what the scan did not see counts as zero."""
    if image.grid.matches(grid):
        moved = reading.registration.transform
        if np.array_equal(moved.rotation, np.eye(3)) and not moved.translation_mm.any():
            return Image(grid, np.asarray(image.array, dtype=np.float32), image.unit)
    back = reading.registration.transform.inverse()
    found = resample(image, grid, back, outside=0.0)
    return Image(grid, np.asarray(found.array, dtype=np.float32), image.unit)


def _moved_ct(reading: Reading, reference: Image) -> Image:
    back = reading.registration.transform.inverse()
    found = resample(reading.visit.ct.image, reference.grid, back, outside=AIR_HU)
    return Image(reference.grid, np.asarray(found.array, dtype=np.float32), "HU")


def with_dvh(
    row: RegionResult, drawn: Pictures, rescale: Mapping[str, float], fwhm_mm: float
) -> tuple[RegionResult, tuple[Note, ...]]:
    """The region's dose-volume figures, from its own voxels (or those of its members)."""
    members = row.members or (row.name,)
    share = np.sum([drawn.occupancy[name].values for name in members], axis=0)
    found = dvh.doses(drawn.dose.array, share, where=row.name).figures()
    note = dvh.resolution_note(row.volume_ml.value, fwhm_mm, where=row.name)
    return (
        replace(row, dvh=found, voxel_rescale=rescale.get(row.name)),
        (note,) if note else (),
    )
