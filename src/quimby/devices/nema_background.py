"""Background discs of the NEMA body phantom, placed with nobody's help."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from quimby.core.grid import Image
from quimby.core.notes import refusal
from quimby.devices.point_spread import Sphere
from quimby.devices.sphere_ring import SphereRing, phantom_level, phantom_mask

Float = NDArray[np.float64]
CLEAR_MM = 15.0  # from the phantom's edge, the lung insert and the spheres
PLACES = 12
PLANES_MM = (-20.0, -10.0, 0.0, 10.0, 20.0)
LUNG_SHARE = 0.7  # of the level: below it is the insert
LEAST_PLACES = 6
FINE = 5  # points a pixel along each side


@dataclass(frozen=True, eq=False)
class BackgroundRois:
    """Discs of every sphere's size at the same places in five planes.

    `mean` of all largest discs, Bq/ml; `disc_means` and `spread` (standard deviation) by size,
    in the spheres' order. `lung` is the insert's mean over the background's, None where no
    insert is seen.
    """

    mean: float
    disc_means: tuple[float, ...]
    spread: tuple[float, ...]
    places_mm: tuple[tuple[float, float], ...]
    planes: tuple[int, ...]
    lung: float | None

    def disc_mean(self, image: Image, sphere: Sphere) -> float:
        """Mean of a disc of the sphere's size through its middle."""
        plane = round(float(image.grid.index_of(sphere.centre_mm)[2]))
        x, y = sphere.centre_mm[:2]
        return _mean(image, x, y, sphere.diameter_mm, plane)


def background_rois(image: Image, ring: SphereRing, *, where: str) -> BackgroundRois:
    """Twelve places in the background, well apart, clear of edge, insert and spheres.

    E-PET-PHANTOM where fewer than six are free, or the phantom ends within 2 cm of the ring.
    """
    level = phantom_level(image.values, where=where)
    planes = _planes(image, ring, where)
    middle = planes[len(planes) // 2]
    slab = phantom_mask(image.values[min(planes) : max(planes) + 1], level)
    body = np.asarray(slab.all(axis=0), dtype=np.bool_)
    lung = _lung(image.values[min(planes) : max(planes) + 1].mean(axis=0), body, level)
    places = _places(image, ring, body, lung, middle)
    if len(places) < LEAST_PLACES:
        why = f"only {len(places)} places for the background are free"
        raise refusal("E-PET-PHANTOM", where=where, why=why)
    means = [
        [_mean(image, x, y, s.diameter_mm, k) for x, y in places for k in planes]
        for s in ring.spheres
    ]
    cold = [float(np.mean(m)) for m in means]
    inside = image.values[middle][ndimage.binary_erosion(lung, iterations=2)]
    part = float(inside.mean()) / cold[0] if inside.size else None
    return BackgroundRois(cold[0], tuple(cold), tuple(float(np.std(m, ddof=1)) for m in means),
                          tuple(places), planes, part)  # fmt: skip


def _planes(image: Image, ring: SphereRing, where: str) -> tuple[int, ...]:
    x, y, z = ring.centre_mm
    found = [round(float(image.grid.index_of((x, y, z + dz))[2])) for dz in PLANES_MM]
    if min(found) < 0 or max(found) >= image.grid.shape[0]:
        raise refusal("E-PET-PHANTOM", where=where, why="the phantom ends too near to the spheres")
    return tuple(sorted(found))


def _lung(plane: Float, body: NDArray[np.bool_], level: float) -> NDArray[np.bool_]:
    """The cold insert: the largest cold piece inside the phantom that does not touch its edge."""
    deep = ndimage.binary_erosion(body, iterations=3)
    pieces, number = ndimage.label((plane < LUNG_SHARE * level) & deep)
    if number == 0:
        return np.zeros_like(body)
    sizes = np.bincount(pieces.ravel())[1:]
    return np.asarray(pieces == 1 + int(np.argmax(sizes)))


def _places(
    image: Image, ring: SphereRing, body: NDArray[np.bool_], lung: NDArray[np.bool_], plane: int
) -> list[tuple[float, float]]:
    """Places of the largest disc, each as far from those before it as can be."""
    half = ring.spheres[0].diameter_mm / 2.0
    sides = image.grid.spacing_mm[1::-1]
    edge = ndimage.distance_transform_edt(body, sampling=sides)
    free = (edge >= half + CLEAR_MM) & (
        ndimage.distance_transform_edt(~lung, sampling=sides) >= half + CLEAR_MM
        if lung.any()
        else True
    )
    rows, columns = np.nonzero(free)
    points = image.grid.points_mm(np.stack([columns, rows, np.full_like(rows, plane)], -1))[:, :2]
    for s in ring.spheres:
        far = np.linalg.norm(points - np.asarray(s.centre_mm[:2]), axis=1)
        points = points[far >= half + s.diameter_mm / 2.0 + CLEAR_MM]
    return _spread_out(points, np.asarray(ring.centre_mm[:2]))


def _spread_out(points: Float, centre: Float) -> list[tuple[float, float]]:
    if not len(points):
        return []
    first = int(np.argmax(np.linalg.norm(points - centre, axis=1)))
    chosen = [first]
    far = np.linalg.norm(points - points[first], axis=1)
    while len(chosen) < PLACES and far.max() > 0:
        chosen.append(int(np.argmax(far)))
        far = np.minimum(far, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return [(float(points[n, 0]), float(points[n, 1])) for n in chosen]


def _mean(image: Image, x: float, y: float, diameter: float, plane: int) -> float:
    """Mean of one disc in one plane; a pixel counts by its share."""
    grid = image.grid
    z = float(grid.points_mm((0, 0, plane))[2])
    column, row = (float(c) for c in grid.index_of((x, y, z))[:2])
    across, down = grid.spacing_mm[:2]
    rows = _span(row, diameter / 2.0 / down, grid.shape[1])
    columns = _span(column, diameter / 2.0 / across, grid.shape[2])
    step = (np.arange(FINE) + 0.5) / FINE - 0.5
    y_mm = ((np.arange(rows.start, rows.stop)[:, None] + step).ravel() - row) * down
    x_mm = ((np.arange(columns.start, columns.stop)[:, None] + step).ravel() - column) * across
    hit = y_mm[:, None] ** 2 + x_mm[None, :] ** 2 <= diameter**2 / 4.0
    shape = (rows.stop - rows.start, FINE, columns.stop - columns.start, FINE)
    share = hit.reshape(shape).mean(axis=(1, 3))
    return float(np.sum(share * image.values[plane, rows, columns]) / share.sum())


def _span(middle: float, reach: float, size: int) -> slice:
    return slice(max(0, int(middle - reach)), min(size, int(middle + reach) + 2))
