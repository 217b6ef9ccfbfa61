"""The calibration factor from one hot object: a sphere in water, a point in air, a patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from quimby.core.grid import Image
from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.devices.calibration import COUNTS_CAUSE, Factor, factor
from quimby.devices.point_spread import Sphere

Float = NDArray[np.float64]
MARGIN_MM = 20.0  # beyond the wall: blur takes no counts away
SHELL_MM = 15.0  # beyond the margin: the background is read here
BACKGROUND_LIMIT = 0.05  # of the counts [P]
EDGE_LIMIT = 0.05  # of the fullest slice, in the last slice at either end [P]


@dataclass(frozen=True, eq=False)
class SourceResult:
    """A factor and how it was found. `total` is in counts or MBq, without background."""

    factor: Factor
    total: float
    activity_mbq: Uncertain
    background_fraction: float
    region_ml: float
    centre_mm: tuple[float, float, float]
    notes: tuple[Note, ...] = ()
    edge: float = 0.0  # of a body: what the fuller end slice holds, of the fullest one


def source_factor(
    image: Image,
    source: Sphere,
    *,
    activity_mbq: Uncertain,
    duration_s: float | None,
    convention: str,
    others: Sequence[Sphere] = (),
    margin_mm: float = MARGIN_MM,
    where: str = "source",
) -> SourceResult:
    """Factor from a source with all of its blur: counts within `margin_mm` of its surface.

    Voxels nearer to the surface of one of `others` belong to that one. The background is the
    mean of a shell of 15 mm outside the margin. `activity_mbq` is that at the moment of the
    image's values; `duration_s` by `convention`, not needed for a scan in Bq/ml.
    E-CAL-SOURCE where the source lies outside the image or shows no counts.
    """
    out = _from_surface(image, source)
    mine = np.ones(out.shape, dtype=np.bool_)
    for other in others:
        mine &= out <= _from_surface(image, other)
    region, shell = mine & (out <= margin_mm), mine & (out > margin_mm)
    shell &= out <= margin_mm + SHELL_MM
    if not region.any() or any(
        np.take(region, end, axis).any() for axis in range(3) for end in (0, -1)
    ):
        raise refusal("E-CAL-SOURCE", where=where, why="its region reaches out of the scan")
    level, u_level = _level(image.values, shell)
    size = float(region.sum())
    gross = float(image.values[region].sum())
    found = Uncertain(gross - level * size, {COUNTS_CAUSE: _doubt(image, gross, u_level * size)})
    share = level * size / found.value if found.value else 0.0
    over = abs(share) > BACKGROUND_LIMIT
    notes = (note("W-CAL-BACKGROUND", where=where, value=share, limit=BACKGROUND_LIMIT),) * over
    return SourceResult(
        _factor(found, image, activity_mbq, duration_s, convention, where), found.value,
        activity_mbq, share, size * image.grid.voxel_ml, source.centre_mm, notes,
    )  # fmt: skip


def body_factor(
    image: Image, *, activity_mbq: Uncertain, duration_s: float | None, convention: str,
    where: str = "whole body",
) -> SourceResult:  # fmt: skip
    """Factor from everything a scan holds, over the activity that the body held then.

    E-CAL-EDGE where a slice at either end still holds more than 5 % of the fullest one: the
    body goes on outside the scan, and the factor would be too low.
    """
    gross = float(image.values.sum())
    found = Uncertain(gross, {COUNTS_CAUSE: _doubt(image, gross, 0.0)})
    slices = image.values.sum(axis=(1, 2))
    edge = float(max(slices[0], slices[-1]) / slices.max()) if slices.max() > 0 else 0.0
    if edge > EDGE_LIMIT:
        raise refusal("E-CAL-EDGE", where=where, edge=edge, limit=EDGE_LIMIT)
    made = _factor(found, image, activity_mbq, duration_s, convention, where)
    k, j, i = ndimage.center_of_mass(np.clip(image.values, 0.0, None))
    x, y, z = (float(c) for c in image.grid.points_mm((i, j, k)))
    volume = image.values.size * image.grid.voxel_ml
    return SourceResult(made, gross, activity_mbq, 0.0, volume, (x, y, z), edge=edge)


def point_of(image: Image, radius_mm: float, *, where: str = "point source") -> Sphere:
    """The brightest point as a small sphere at the centroid of what lies within `radius_mm`."""
    values = np.clip(image.values, 0.0, None)
    if not values.max() > 0:
        raise refusal("E-CAL-SOURCE", where=where, why="the scan is empty")
    smooth = ndimage.gaussian_filter(values, 1.0)
    k, j, i = (int(n) for n in np.unravel_index(int(np.argmax(smooth)), smooth.shape))
    x, y, z = (float(c) for c in image.grid.points_mm((i, j, k)))
    near = _from_surface(image, Sphere(1.0, (x, y, z))) <= radius_mm
    k, j, i = ndimage.center_of_mass(np.where(near, values, 0.0))
    x, y, z = (float(c) for c in image.grid.points_mm((i, j, k)))
    return Sphere(1.0, (x, y, z))


def _from_surface(image: Image, sphere: Sphere) -> Float:
    points = image.grid.centres_mm()
    away = np.linalg.norm(points - np.asarray(sphere.centre_mm), axis=-1)
    return np.asarray(away - sphere.diameter_mm / 2.0, dtype=np.float64)


def _level(values: Float, shell: NDArray[np.bool_]) -> tuple[float, float]:
    """Background a voxel, and its doubt from eight parts of the shell (noise is correlated)."""
    if not shell.any():
        return 0.0, 0.0
    parts = [p for p in np.array_split(values[shell], 8) if p.size]
    means = np.array([float(p.mean()) for p in parts])
    spread = float(means.std(ddof=1)) / sqrt(len(means)) if len(means) > 1 else 0.0
    return float(values[shell].mean()), spread


def _doubt(image: Image, gross: float, u_background: float) -> float:
    counted = gross if image.unit == "counts" else 0.0
    return sqrt(max(counted, 0.0) + u_background**2)


def _factor(
    found: Uncertain, image: Image, held: Uncertain, duration_s: float | None, convention: str,
    where: str,
) -> Factor:  # fmt: skip
    if not found.value > 0:
        raise refusal("E-CAL-SOURCE", where=where, why="no counts are left above the background")
    if not held.value > 0:
        raise refusal("E-CAL-VALUE", where=where, what="activity", value=held.value)
    if image.unit == "Bq/ml":
        return factor(found.scaled(image.grid.voxel_ml * 1e-6) / held, unit="1",
                      convention=convention)  # fmt: skip
    if image.unit != "counts":
        raise refusal("E-CAL-IMAGE", where=where, unit=image.unit)
    if duration_s is None or not duration_s > 0:
        raise refusal("E-CAL-TIME", where=where)
    return factor(found.scaled(1.0 / duration_s) / held, unit="cps/MBq", convention=convention)
