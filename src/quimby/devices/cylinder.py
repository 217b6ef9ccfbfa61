"""The calibration factor from a reconstructed scan of a uniform cylinder."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from quimby.core.grid import Grid, Image
from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.devices.calibration import COUNTS_CAUSE, Factor, factor
from quimby.physics.decay import decay_factor

Mask = NDArray[np.bool_]
Float = NDArray[np.float64]
LEAST_MARGIN_MM = 20.0  # beyond the wall
SHELL_MM = 20.0  # beyond the margin: the background is read here
INSIDE_MM = 20.0  # from the wall: deeper voxels show how uniform the scan is
UNIFORM_WITHIN = 0.05
BACKGROUND_LIMIT = 0.01  # of the counts
BIN_MM = 10.0
SLABS = 8


@dataclass(frozen=True, eq=False)
class CylinderResult:
    """A factor (or, for a Bq/ml image, measured over true activity) and how it was found."""

    factor: Factor
    total: float  # counts, or MBq, in the region, without background
    activity_mbq: Uncertain  # true, at the time of the scan
    region_ml: float  # phantom with its margin
    phantom_ml: float  # inside the half-height contour
    centre_mm: tuple[float, float, float]
    background_fraction: float  # taken away, of the total
    profile_depth_mm: tuple[float, ...]  # from the wall inwards
    profile: tuple[float, ...]  # mean in each shell over the mean of all
    notes: tuple[Note, ...]


def cylinder_factor(
    image: Image,
    *,
    duration_s: float | None,
    convention: str,
    activity_mbq: Uncertain,
    elapsed_h: float,
    half_life_h: float,
    margin_mm: float = LEAST_MARGIN_MM,
) -> CylinderResult:
    """Factor from the whole cylinder, found by itself and extended beyond its wall.

    `image` in "counts" gives cps/MBq; in "Bq/ml" a verification ratio (unit "1").
    `duration_s` is by `convention`; counts need it (E-CAL-TIME). `activity_mbq` is the assay;
    `elapsed_h` runs from it to the middle of the scan. The background of the shell outside the
    margin is taken away.
    Raises E-CAL-PHANTOM where no compact phantom is found, E-CAL-MARGIN under 20 mm.
    """
    if margin_mm < LEAST_MARGIN_MM:
        raise refusal("E-CAL-MARGIN", where="cylinder", margin=margin_mm, limit=LEAST_MARGIN_MM)
    phantom, out = _phantom(image)
    region = out <= margin_mm
    shell = (out > margin_mm) & (out <= margin_mm + SHELL_MM)
    scale = _scale(image)
    background = float(image.values[shell].mean()) if shell.any() else 0.0
    gross = float(image.values[region].sum())
    net = gross - background * float(region.sum())
    held = activity_mbq.scaled(decay_factor(elapsed_h, half_life_h))
    if image.unit == "counts" and duration_s is None:
        raise refusal("E-CAL-TIME", where="cylinder")
    time_s = 1.0 if duration_s is None else duration_s  # a scan in Bq/ml is no rate
    if not (net > 0 and held.value > 0 and time_s > 0):
        raise refusal("E-CAL-VALUE", where="cylinder", what="counts, activity or time",
                      value=min(net, held.value, time_s))  # fmt: skip
    u_rel = _scatter_of_slabs(image.values, phantom)
    if image.unit == "counts":
        u_rel = hypot(u_rel, 1.0 / sqrt(gross))
    total = Uncertain(net * scale, {COUNTS_CAUSE: net * scale * u_rel})
    depth, profile = _profile(image, phantom)
    notes = _notes(profile, background * float(region.sum()) / net, region)
    return CylinderResult(
        factor=_as_factor(total, held, image.unit, time_s, convention),
        total=total.value,
        activity_mbq=held,
        region_ml=float(region.sum()) * image.grid.voxel_ml,
        phantom_ml=float(phantom.sum()) * image.grid.voxel_ml,
        centre_mm=_centre(phantom, image.grid),
        background_fraction=background * float(region.sum()) / net,
        profile_depth_mm=depth,
        profile=profile,
        notes=notes,
    )


def _as_factor(
    total: Uncertain, held: Uncertain, unit: str, duration_s: float, convention: str
) -> Factor:
    if unit == "counts":
        return factor(total.scaled(1 / duration_s) / held, unit="cps/MBq", convention=convention)
    return factor(total / held, unit="1", convention=convention)


def _scale(image: Image) -> float:
    """What turns a sum of voxels into counts or MBq."""
    if image.unit == "counts":
        return 1.0
    if image.unit == "Bq/ml":
        return image.grid.voxel_ml * 1e-6
    raise refusal("E-CAL-IMAGE", where="cylinder", unit=image.unit)


def _phantom(image: Image) -> tuple[Mask, Float]:
    """Inside of the half-height contour (largest piece), and mm outside of it, 0 inside."""
    smooth = ndimage.gaussian_filter(image.values, 1.0)
    top = float(np.percentile(smooth[smooth > 0.5 * smooth.max()], 50)) if smooth.max() > 0 else 0
    if top <= 0:
        raise refusal("E-CAL-PHANTOM", where="cylinder", why="the image is empty")
    labels, number = ndimage.label(smooth > 0.5 * top)
    sizes = np.bincount(labels.ravel())[1:]
    biggest = labels == 1 + int(np.argmax(sizes))
    if number > 1 and sizes.max() < 0.9 * sizes.sum():
        raise refusal("E-CAL-PHANTOM", where="cylinder", why=f"it shows {number} hot objects")
    filled: Mask = ndimage.binary_fill_holes(biggest)
    out = ndimage.distance_transform_edt(~filled, sampling=image.grid.spacing_mm[::-1])
    return filled, out


def _profile(image: Image, phantom: Mask) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean activity by depth under the wall, over the mean of the deep part."""
    depth = ndimage.distance_transform_edt(phantom, sampling=image.grid.spacing_mm[::-1])
    deep = depth > INSIDE_MM
    if not deep.any():
        return (), ()
    mean = float(image.values[deep].mean())
    edges = np.arange(INSIDE_MM, float(depth.max()) + BIN_MM, BIN_MM)
    rows = [
        (low + BIN_MM / 2, float(image.values[inside].mean()) / mean)
        for low in edges
        if (inside := (depth > low) & (depth <= low + BIN_MM)).sum() >= 100
    ]
    return tuple(r[0] for r in rows), tuple(r[1] for r in rows)


def _scatter_of_slabs(values: Float, phantom: Mask) -> float:
    """Relative standard error of the mean, from slabs thick enough to be independent.

    Noise of a reconstruction is correlated between voxels, so Poisson alone is too small.
    """
    planes = np.flatnonzero(phantom.sum(axis=(1, 2)) > 0.5 * phantom.sum(axis=(1, 2)).max())
    groups = np.array_split(planes[1:-1], SLABS)
    means = [float(values[g][phantom[g]].mean()) for g in groups if g.size]
    if len(means) < 3:
        return 0.0
    return float(np.std(means, ddof=1) / np.mean(means) / sqrt(len(means)))


def _centre(phantom: Mask, grid: Grid) -> tuple[float, float, float]:
    k, j, i = ndimage.center_of_mass(phantom)
    x, y, z = grid.points_mm((i, j, k))
    return float(x), float(y), float(z)


def _notes(profile: tuple[float, ...], background: float, region: Mask) -> tuple[Note, ...]:
    found: list[Note] = []
    worst = max((abs(p - 1.0) for p in profile), default=0.0)
    if worst > UNIFORM_WITHIN:
        found.append(note("W-CAL-UNIFORM", where="cylinder", value=worst, limit=UNIFORM_WITHIN))
    if abs(background) > BACKGROUND_LIMIT:
        found.append(note("W-CAL-BACKGROUND", where="cylinder", value=background,
                          limit=BACKGROUND_LIMIT))  # fmt: skip
    if any(np.take(region, end, axis).any() for axis in range(3) for end in (0, -1)):
        found.append(note("W-CAL-FOV", where="cylinder"))
    return tuple(found)
