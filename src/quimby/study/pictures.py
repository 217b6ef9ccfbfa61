"""The voxel dose and the other arrays that a report draws from, on the reference's position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Image, Rigid
from quimby.core.notes import Note
from quimby.dose.local import RegionWeights, own_dose, trapezoid_weights, voxel_dose
from quimby.effect import dvh
from quimby.measure.occupancy import occupancy
from quimby.measure.resample import resample
from quimby.physics.materials import density_curve
from quimby.physics.nuclides import Nuclide
from quimby.study.curves import RegionCurve
from quimby.study.inputs import Inputs
from quimby.study.quantify import Quantified, Reading, on_reference, reference_grid
from quimby.study.result import Pictures, RegionResult

Array = NDArray[np.floating]
AIR_HU = -1000.0


@dataclass(frozen=True, eq=False)
class Drawn:
    """Arrays for the report, and the voxels of each region for its dose-volume figures."""

    pictures: Pictures
    rescale: Mapping[str, float]  # recovered TIA over that of the scans, by region
    own_dose: Mapping[str, Array]  # Gy of each voxel the region touches
    share: Mapping[str, Array]  # how far it fills each of them
    notes: tuple[Note, ...]


def draw(
    inputs: Inputs, quantified: Quantified, curves: Mapping[str, RegionCurve], nuclide: Nuclide
) -> Drawn:
    """Voxel dose by local deposition on the reference scan's grid, and what goes with it.

    Every region's part is a linear sum of the scans with the weights of the region's own curve,
    scaled to its recovered time-integrated activity; outside, trapezoids and physical decay.
    """
    ct, organs = inputs.reference_ct.image, quantified.regions.organs
    grid = reference_grid(quantified.readings, inputs.reference)
    scans = tuple(on_reference(r, grid) for r in quantified.readings)
    maps = [np.asarray(scan.array, dtype=np.float32) for scan in scans]
    inside = {r.name: occupancy(r.mask, grid, Rigid.identity()) for r in organs}
    density = density_curve().density(resample(ct, grid, outside=AIR_HU).array)
    times = [r.visit.time_h for r in quantified.readings]
    found = voxel_dose(
        maps, density, {name: image.values for name, image in inside.items()},
        weights={n: RegionWeights(c.weights_h, c.tia_mbq_h.value) for n, c in curves.items()},
        remainder_hours=trapezoid_weights(times, nuclide.half_life_h.value),
        voxel_ml=grid.voxel_ml, energy_mev=nuclide.electron_mev.value,
    )  # fmt: skip
    touched = {name: image.values > 0 for name, image in inside.items()}
    own = {
        name: own_dose([m[here] for m in maps], density[here], curves[name].weights_h,
                       factor=found.rescale[name], energy_mev=nuclide.electron_mev.value)
        for name, here in touched.items()
    }  # fmt: skip
    pictures = Pictures(
        ct=ct, spect_mbq_per_ml=scans, dose=Image(grid, found.dose_gy, "Gy"), occupancy=inside,
        masks_ct={r.name: _light(occupancy(r.mask, ct.grid, Rigid.identity())) for r in organs},
        ct_files=inputs.reference_ct.files,
        registered_ct={r.visit.id: _moved_ct(r, ct) for r in quantified.readings},
    )  # fmt: skip
    share = {name: inside[name].values[here] for name, here in touched.items()}
    return Drawn(pictures, found.rescale, own, share, found.notes)


def _light(mask: Image) -> Image:
    """A mask on the CT's grid in two bytes a voxel: seven regions of 512 x 512 slices are many."""
    return Image(mask.grid, mask.values.astype(np.float16), mask.unit)


def _moved_ct(reading: Reading, reference: Image) -> Image:
    back = reading.registration.transform.inverse()
    found = resample(reading.visit.ct.image, reference.grid, back, outside=AIR_HU)
    return Image(reference.grid, np.rint(found.array).astype(np.int16), "HU")


def with_dvh(
    row: RegionResult, drawn: Drawn, fwhm_mm: float
) -> tuple[RegionResult, tuple[Note, ...]]:
    """The region's dose-volume figures, from its own voxels (or those of its members)."""
    members = row.members or (row.name,)
    dose = np.concatenate([drawn.own_dose[name] for name in members])
    share = np.concatenate([drawn.share[name] for name in members])
    found = dvh.doses(dose, share, where=row.name).figures()
    note = dvh.resolution_note(row.volume_ml.value, fwhm_mm, where=row.name)
    return (
        replace(row, dvh=found, voxel_rescale=drawn.rescale.get(row.name)),
        (note,) if note else (),
    )
