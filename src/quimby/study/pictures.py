"""The voxel dose and the other arrays that a report draws from, on the reference's position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.notes import Note
from quimby.dose.local import RegionTia, deposited, local_dose
from quimby.effect import dvh
from quimby.measure.occupancy import occupancy
from quimby.measure.resample import resample
from quimby.measure.scans import CtScan
from quimby.measure.spline import resample_sharp
from quimby.study.curves import RegionCurve
from quimby.study.doses import Setting
from quimby.study.inputs import Inputs
from quimby.study.masses import voxel_density
from quimby.study.quantify import Quantified, Reading, reference_grid
from quimby.study.result import Pictures, RegionResult
from quimby.study.voxel_scene import Scene
from quimby.study.voxels import VoxelTia, integrate

Array = NDArray[np.floating]
AIR_HU = -1000.0


@dataclass(frozen=True, eq=False)
class Drawn:
    """Arrays for the report, and the voxels of each region for its dose-volume figures."""

    pictures: Pictures
    rescale: Mapping[str, float]  # recovered TIA over that of the scans, by region
    own_dose: Mapping[str, Array]  # Gy of each voxel the region touches
    share: Mapping[str, Array]  # how far it fills each of them
    tia: VoxelTia  # how they were integrated, and how well that closes
    notes: tuple[Note, ...]


def draw(
    inputs: Inputs, quantified: Quantified, curves: Mapping[str, RegionCurve], setting: Setting
) -> Drawn:
    """Voxel dose by local deposition on the reference scan's grid, and what goes with it.

    Voxels are integrated as the protocol chose (`study.voxels`); every region's part is scaled
    to its recovered time-integrated activity.
    """
    ct, organs = inputs.reference_ct, quantified.regions.organs
    grid = reference_grid(quantified.readings, inputs.reference)
    energy_mev = setting.nuclide.electron_mev.value
    scans = tuple(_laid(r, grid) for r in quantified.readings)
    inside = {r.name: occupancy(r.mask, grid, Rigid.identity()) for r in organs}
    shares = {name: image.values for name, image in inside.items()}
    density = voxel_density(inputs, quantified.masses, inside=inside, grid=grid)
    tia = integrate(_scene(inputs, quantified, curves, setting=setting, scans=scans,
                           shares=shares), setting.protocol)  # fmt: skip
    found = deposited(tia.outside, density, shares, inside=tia.inside, voxel_ml=grid.voxel_ml,
                      energy_mev=energy_mev)  # fmt: skip
    drawn_on = inputs.outlined_image.grid
    pictures = Pictures(
        ct=ct.image if ct else None, spect_mbq_per_ml=scans,
        dose=Image(grid, found.dose_gy, "Gy"), occupancy=inside,
        masks_ct={r.name: _light(occupancy(r.mask, drawn_on, Rigid.identity())) for r in organs},
        ct_files=inputs.outlined.files, registered_ct=_moved_cts(quantified.readings, ct),
        outlines={o.name: o for o in inputs.outlines},
    )  # fmt: skip
    own = {
        name: _own_dose(region, shares[name], density, rescale=found.rescale[name],
                        energy_mev=energy_mev)
        for name, region in tia.inside.items()
    }  # fmt: skip
    share = {n: shares[n][r.box][shares[n][r.box] > 0] for n, r in tia.inside.items()}
    return Drawn(pictures, found.rescale, own, share, tia, (*tia.notes, *found.notes))


def _scene(
    inputs: Inputs, quantified: Quantified, curves: Mapping[str, RegionCurve], *,
    setting: Setting, scans: tuple[Image, ...], shares: Mapping[str, Array],
) -> Scene:  # fmt: skip
    spread = inputs.camera.point_spread
    maps = tuple(np.asarray(scan.array, dtype=np.float32) for scan in scans)
    return Scene(scans[0].grid, quantified.readings, maps, spread.fwhm_mm if spread else 0.0,
                 shares, curves, setting.nuclide.half_life_h.value)  # fmt: skip


def _own_dose(
    region: RegionTia, occupancy: Array, density: Array, *, rescale: float, energy_mev: float
) -> Array:
    """Gy that a region's own tissue gets in each voxel it touches, whatever share it fills.

    Weighted by occupancy its mean closes to the region's time-integrated activity over its
    mass, as the picture's edge voxels, shared with the surroundings, do not.
    """
    here = occupancy[region.box] > 0
    return local_dose(region.per_ml[here] * rescale, density[region.box][here], energy_mev)


def _laid(reading: Reading, grid: Grid) -> Image:
    """A scan's activity on the reference grid, float32; what it did not see counts as zero."""
    image, moved = reading.activity, reading.registration.transform
    if image.grid.matches(grid) and moved.still:
        return Image(grid, np.asarray(image.array, dtype=np.float32), image.unit)
    return resample_sharp(image, grid, moved.inverse(), outside=0.0)


def _light(mask: Image) -> Image:
    """A mask on the CT's grid in two bytes a voxel: seven regions of 512 x 512 slices are many."""
    return Image(mask.grid, mask.values.astype(np.float16), mask.unit)


def _moved_cts(readings: Sequence[Reading], reference: CtScan | None) -> dict[str, Image]:
    """Every scan's CT on the reference CT, where both have one."""
    if reference is None:
        return {}
    grid = reference.image.grid
    found = {}
    for reading in readings:
        if reading.visit.ct is not None:
            back = reading.registration.transform.inverse()
            values = resample(reading.visit.ct.image, grid, back, outside=AIR_HU).array
            found[reading.visit.id] = Image(grid, np.rint(values).astype(np.int16), "HU")
    return found


def with_dvh(
    row: RegionResult, drawn: Drawn, fwhm_mm: float
) -> tuple[RegionResult, tuple[Note, ...]]:
    """The region's dose-volume figures, from its own voxels (or those of its members)."""
    members = row.members or (row.name,)
    dose = np.concatenate([drawn.own_dose[name] for name in members])
    share = np.concatenate([drawn.share[name] for name in members])
    found = dvh.doses(dose, share, where=row.name).figures()
    note = dvh.resolution_note(row.volume_ml.value, fwhm_mm, where=row.name)
    row = replace(row, dvh=found, voxel_rescale=drawn.rescale.get(row.name),
                  voxel_closure=drawn.tia.closure.get(row.name),
                  voxel_fallback=drawn.tia.fallback.get(row.name))  # fmt: skip
    return row, (note,) if note else ()
