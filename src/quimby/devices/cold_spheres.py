"""Contrast of the cold spheres of a SPECT performance phantom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from quimby.core.grid import Grid, Image
from quimby.core.notes import refusal
from quimby.devices.point_spread import Sphere, sphere_occupancy
from quimby.devices.sphere_ring import SphereRing, find_ring

Float = NDArray[np.float64]
JASZCZAK_MM = (38.0, 31.8, 25.4, 19.1, 15.9, 12.7)
RING_MM = (50.0, 75.0)
BODY_SHARE = 0.10  # of the highest voxel
KEPT = 0.80  # of the longest side: the rim is left out
STEPS_MM = (4.0, 2.0, 1.0)  # by which a sphere is moved to find it whole
NEAR_MM = 12.0


@dataclass(frozen=True, slots=True)
class ColdSphere:
    """One cold sphere. Contrasts are (baseline - value) / (baseline + value)."""

    sphere: Sphere
    mean: float
    lowest: float
    mean_contrast: float
    highest_contrast: float


@dataclass(frozen=True, slots=True)
class ColdSpheres:
    """All spheres, and the uniform slice they are compared with (baseline, slice index)."""

    baseline: float
    uniform_slice: int
    spheres: tuple[ColdSphere, ...]
    ring: SphereRing


def cold_spheres(
    image: Image, *, diameters_mm: Sequence[float] = JASZCZAK_MM,
    ring_mm: tuple[float, float] = RING_MM, where: str = "cold spheres",
) -> ColdSpheres:  # fmt: skip
    """Find cold spheres by themselves and compare them with the most uniform slice.

    Each sphere is sought near its place on the ring where its mean is lowest. E-PLN-CONTRAST,
    E-PET-PHANTOM. Source: IAEA Human Health Series 6, test 4.3.9; the contrast is Michelson's,
    as the IAEA's own tool prints it.
    """
    image = Image(image.grid, image.values, image.unit)  # float64 once, not at every look
    number, baseline = _baseline(image, where)
    ring = find_ring(image, diameters_mm, ring_mm=ring_mm, hot=False, where=where)
    rows = tuple(_one(image, sphere, baseline) for sphere in ring.spheres)
    return ColdSpheres(baseline, number, rows, ring)


def _baseline(image: Image, where: str) -> tuple[int, float]:
    """The slice whose inner part is most uniform, and its mean."""
    values = image.values
    top = float(values.max())
    if not top > 0:
        raise refusal("E-PLN-CONTRAST", where=where, why="the scan is empty")
    parts = [_inner(plane > BODY_SHARE * top) for plane in values]
    sizes = np.array([part.sum() for part in parts], dtype=np.float64)
    seen = sizes[sizes > 0]
    if seen.size < 3:
        raise refusal("E-PLN-CONTRAST", where=where, why="fewer than three slices show the phantom")
    least = float(np.median(seen) - np.std(seen))
    best, found = -1, np.inf
    for k, (plane, part) in enumerate(zip(values, parts, strict=True)):
        if sizes[k] > least:
            inside = plane[part]
            uneven = float((inside.max() - inside.min()) / (inside.max() + inside.min()))
            best, found = (k, uneven) if uneven < found else (best, found)
    return best, float(values[best][parts[best]].mean())


def _inner(seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest piece without its rim."""
    pieces, number = ndimage.label(seen)
    if number == 0:
        return np.zeros_like(seen)
    biggest = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    rows, columns = (np.flatnonzero(biggest.any(axis=a)) for a in (1, 0))
    longest = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    depth = ndimage.distance_transform_edt(np.pad(biggest, 1))[1:-1, 1:-1]
    return np.asarray(depth > round((1.0 - KEPT) * longest) / 2.0)


def _one(image: Image, sphere: Sphere, baseline: float) -> ColdSphere:
    placed = _coldest(image, sphere)
    share = sphere_occupancy(image.grid, placed)
    mean = float(np.sum(share * image.values) / share.sum())
    lowest = float(image.values[share >= 0.5].min())
    return ColdSphere(placed, mean, lowest, _michelson(mean, baseline),
                      _michelson(lowest, baseline))  # fmt: skip


def _coldest(image: Image, sphere: Sphere) -> Sphere:
    """The same sphere where, near its place, its mean is lowest."""
    grid, radius = image.grid, sphere.diameter_mm / 2.0
    middle = np.round(grid.index_of(sphere.centre_mm)[::-1]).astype(int)
    reach = np.array([int(np.ceil((radius + NEAR_MM) / s)) + 1 for s in grid.spacing_mm[::-1]])
    start = np.maximum(middle - reach, 0)
    stop = np.minimum(middle + reach + 1, grid.shape)
    part = grid.cropped(*((int(a), int(b), int(c)) for a, b, c in (start, stop)))
    values = image.values[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]
    best = _tried(part, values, sphere, np.zeros(3))
    for step in STEPS_MM:
        ways = np.array(list(product((-step, 0.0, step), repeat=3)))
        best = min((_tried(part, values, best[1], way) for way in ways), key=lambda row: row[0])
    return best[1]


def _tried(part: Grid, values: Float, sphere: Sphere, shift: Float) -> tuple[float, Sphere]:
    x, y, z = np.asarray(sphere.centre_mm) + shift
    moved = Sphere(sphere.diameter_mm, (float(x), float(y), float(z)))
    share = sphere_occupancy(part, moved)
    return float(np.sum(share * values) / share.sum()), moved


def _michelson(value: float, baseline: float) -> float:
    return (baseline - value) / (baseline + value)
