"""A small sphere at the hottest place near a point, and what the blur leaves in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from quimby.core.grid import Grid, Image
from quimby.core.notes import Note, note
from quimby.core.uncertain import Uncertain, combine
from quimby.devices.recovery import FWHM_PER_SIGMA, LOW
from quimby.measure.segment.blurred_sphere import mean_within
from quimby.measure.segment.made import Segmented, above_zero
from quimby.measure.segment.search import Seed, around, said_mm
from quimby.measure.segment.sphere import PARTS, ellipsoid
from quimby.measure.segment.threshold import diameter_mm

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SmallVolume:
    """A small sphere placed on a scan.

    `concentration` is the mean inside, image's unit, uncorrected. `recovery` is what the blur
    leaves of the object's concentration there, cold outside: with "size of <name>" and the
    point spread's causes. None where the object's size is not given.
    """

    segmented: Segmented
    concentration: float
    recovery: Uncertain | None
    notes: tuple[Note, ...]


def small_volume(
    image: Image,
    name: str,
    seed: Seed,
    *,
    volume_ml: float = 4.0,
    fwhm_mm: Uncertain,
    object_mm: Uncertain | None = None,
    frame_of_reference: str = "",
) -> SmallVolume:
    """A sphere of `volume_ml` where its own mean is the highest within reach of the seed.

    The mean decides and not the hottest voxel, which noise would. `object_mm` is the diameter
    of what is measured (of a lesion; of the thickness of parenchyma); with it the recovery is
    worked out. W-SEG-SMALL-HOT: the place is chosen because it is hot, so the mean is biased
    high by noise. W-RC-LOW below 0.3. Errors as `fixed_share` and `sphere`.
    """
    above_zero(volume_ml, "the volume, ml,", where=name)
    above_zero(fwhm_mm.value, "the width of the point spread, mm,", where=name)
    across = diameter_mm(volume_ml)
    search = around(image, seed, name=name, margin_mm=across)
    centre = _hottest(search.image, seed, across)
    made = ellipsoid(image.grid, name, centre, diameters_mm=(across, across, across),
                     frame_of_reference=frame_of_reference)  # fmt: skip
    weights = np.asarray(made.mask.array, dtype=np.float64)
    mean = float(np.sum(weights * image.values) / np.sum(weights))
    notes = [note("W-SEG-SMALL-HOT", where=name, value=volume_ml)]
    recovery = None
    if object_mm is not None:
        recovery = recovery_within(across, object_mm, widened(fwhm_mm, image.grid), name=name)
        if recovery.value < LOW:
            notes.append(note("W-RC-LOW", where=name, value=recovery.value, limit=LOW))
    placed = as_small(made, {"seed": said_mm(seed.at_mm), "reach": f"{seed.reach_mm:g} mm",
                             "place": "highest mean within reach of the seed"})  # fmt: skip
    return SmallVolume(placed, mean, recovery, tuple(notes))


def as_small(made: Segmented, parameters: Mapping[str, str]) -> Segmented:
    """A sphere that stands for the organ round it: its edge is no edge of anything."""
    assert made.outline.made is not None
    about = replace(made.outline.made, tool="small volume", edge="small volume",
                    parameters={**made.outline.made.parameters, **parameters})  # fmt: skip
    return replace(made, outline=replace(made.outline, made=about))


def widened(fwhm_mm: Uncertain, grid: Grid) -> Uncertain:
    """Width of the blur with the scan's voxels and those of the small volume, a^2/12 each."""
    voxel = float(np.mean(np.square(grid.spacing_mm)))
    wide = sqrt(fwhm_mm.value**2 + FWHM_PER_SIGMA**2 * voxel / 6.0)
    return combine(wide, (fwhm_mm, fwhm_mm.value / wide))


def _hottest(image: Image, seed: Seed, across: float) -> tuple[float, float, float]:
    """Centre of the sphere with the highest mean, among voxel centres and between them."""
    kernel = ball_on(image.grid, across)
    means = ndimage.convolve(image.values, kernel / kernel.sum(), mode="nearest")
    away = np.linalg.norm(image.grid.centres_mm() - np.array(seed.at_mm), axis=-1)
    means = np.where(away <= seed.reach_mm, means, -np.inf)
    at = np.unravel_index(int(np.argmax(means)), means.shape)
    index = [n + _between(means, at, axis) for axis, n in enumerate(at)]
    x, y, z = image.grid.points_mm((index[2], index[1], index[0]))
    return float(x), float(y), float(z)


def _between(means: Float, at: tuple[np.intp, ...], axis: int) -> float:
    """Top of the parabola through a voxel and its two neighbours, in voxels from it."""
    n = int(at[axis])
    if not 0 < n < means.shape[axis] - 1:
        return 0.0
    left, here, right = (float(np.take(means, m, axis=axis)[_without(at, axis)])
                         for m in (n - 1, n, n + 1))  # fmt: skip
    bend = left - 2.0 * here + right
    if not (np.isfinite(bend) and bend < 0):
        return 0.0
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5))


def _without(at: tuple[np.intp, ...], axis: int) -> tuple[np.intp, ...]:
    return at[:axis] + at[axis + 1 :]


def ball_on(grid: Grid, across: float) -> Float:
    """Occupancy of a sphere about a voxel's centre, odd shape."""
    half = np.ceil(across / 2.0 / np.array(grid.spacing_mm[::-1])).astype(int) + 1
    steps = [((np.arange((2 * h + 1) * PARTS) + 0.5) / PARTS - 0.5 - h) for h in half]
    k, j, i = np.meshgrid(*steps, indexing="ij")
    points = np.stack([i, j, k], axis=-1) @ grid.affine[:3, :3].T
    inside = (points**2).sum(axis=-1) <= (across / 2.0) ** 2
    a, b, c = (2 * h + 1 for h in half)
    shape = (a, PARTS, b, PARTS, c, PARTS)
    return np.asarray(inside.reshape(shape).mean(axis=(1, 3, 5)), dtype=np.float64)


def recovery_within(
    within_mm: float, object_mm: Uncertain, fwhm_mm: Uncertain, *, name: str = ""
) -> Uncertain:
    """Mean in a central sphere over the concentration of a spherical object, cold outside.

    Doubts of the object's size and of the point spread travel by their own causes.
    """
    above_zero(within_mm, "the diameter of the volume, mm,", where=name)
    above_zero(object_mm.value, "the diameter of the object, mm,", where=name)
    above_zero(fwhm_mm.value, "the width of the point spread, mm,", where=name)
    d, f = object_mm.value, fwhm_mm.value
    value = mean_within(within_mm, d, f)
    step = 1e-3
    by_size = (mean_within(within_mm, d * (1 + step), f) - value) / (d * step)
    by_blur = (mean_within(within_mm, d, f * (1 + step)) - value) / (f * step)
    parts = {c: by_size * u for c, u in object_mm.parts.items()}
    for cause, u in fwhm_mm.parts.items():
        parts[cause] = parts.get(cause, 0.0) + by_blur * u
    return Uncertain(value, parts)
