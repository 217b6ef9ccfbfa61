"""Spheres and ellipsoids set by hand."""

from __future__ import annotations

from itertools import product
from math import pi

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Grid, Image
from quimby.core.notes import refusal
from quimby.core.uncertain import Uncertain
from quimby.measure.segment.made import Segmented, Way, above_zero, draft

Float = NDArray[np.float64]
Point = tuple[float, float, float]
PARTS = 8
WHOLE = 0.999
"""Share of the shape that must lie in the image."""


def sphere(
    grid: Grid, name: str, centre_mm: Point, *, diameter_mm: float, u_diameter_mm: float = 0.0,
    frame_of_reference: str = "",
) -> Segmented:  # fmt: skip
    """A sphere as occupancies on a grid; its volume is the exact one.

    `u_diameter_mm` is doubted as "outline <name>". E-SEG-NUMBER, E-SEG-OUT for a sphere that
    does not lie in the image.
    """
    size = (diameter_mm, diameter_mm, diameter_mm)
    return ellipsoid(grid, name, centre_mm, diameters_mm=size, u_diameter_mm=u_diameter_mm,
                     frame_of_reference=frame_of_reference)  # fmt: skip


def ellipsoid(
    grid: Grid, name: str, centre_mm: Point, *, diameters_mm: Point,
    axes: Float | None = None, u_diameter_mm: float = 0.0, frame_of_reference: str = "",
) -> Segmented:  # fmt: skip
    """An ellipsoid as occupancies on a grid.

    `diameters_mm` run along the columns of `axes` (3, 3), the patient's axes if none are given.
    A diameter's doubt is common to all three.
    """
    for diameter in diameters_mm:
        above_zero(diameter, "the diameter, mm,", where=name)
    turned = np.eye(3) if axes is None else np.asarray(axes, dtype=np.float64)
    volume = pi / 6.0 * float(np.prod(diameters_mm)) / 1000.0
    mask, inside = _occupancy(grid, np.array(centre_mm), np.array(diameters_mm) / 2.0, turned)
    if inside < WHOLE:
        raise refusal("E-SEG-OUT", where=name, value=inside)
    moved = volume * u_diameter_mm * sum(1.0 / d for d in diameters_mm)
    parts = {f"outline {name}": moved} if moved else {}
    words = " x ".join(f"{d:.1f}" for d in diameters_mm)
    at = ", ".join(f"{x:.1f}" for x in centre_mm)
    method = f"ellipsoid of {words} mm at ({at}) mm"
    way = Way("sphere or ellipsoid", "shape", parameters={
        "centre": f"{at} mm", "diameters": f"{words} mm", "diameter doubt": f"{u_diameter_mm:g} mm",
    })  # fmt: skip
    outline = draft(name, mask, method, frame_of_reference=frame_of_reference, way=way)
    return Segmented(outline, Uncertain(volume, parts), method)


def _occupancy(grid: Grid, centre: Float, radii: Float, axes: Float) -> tuple[Image, float]:
    """Share of the points of each voxel that lie inside, and how much of the shape the grid holds.

    Worked out in the box that the shape spans, whether or not that lies in the grid.
    """
    reach = float(radii.max())
    corners = np.array(list(product((-reach, reach), repeat=3))) + centre
    index = grid.index_of(corners)[:, ::-1]
    low = np.floor(index.min(axis=0) - 1).astype(int)
    high = np.ceil(index.max(axis=0) + 2).astype(int)
    (a, b, c), (d, e, f) = (tuple(int(n) for n in edge) for edge in (low, high))
    share = _share(grid.cropped((a, b, c), (d, e, f)), centre, radii, axes)
    from_, to = np.clip(low, 0, grid.shape), np.clip(high, 0, grid.shape)
    whole = np.zeros(grid.shape, dtype=np.float32)
    if (to <= from_).any():
        return Image(grid, whole, "1"), 0.0
    kept = share[tuple(slice(p, q) for p, q in zip(from_ - low, to - low, strict=True))]
    whole[tuple(slice(p, q) for p, q in zip(from_, to, strict=True))] = kept
    return Image(grid, whole, "1"), float(kept.sum() / share.sum())


def _share(box: Grid, centre: Float, radii: Float, axes: Float) -> Float:
    """Each cell of a voxel has one point, and no two share a coordinate: see `occupancy`."""
    centres = box.centres_mm() - centre
    share = np.zeros(box.shape)
    n = PARTS
    for a, b, c in product(range(n), repeat=3):
        cells = np.array([(c, a, b), (b, c, a), (a, b, c)])  # of i, j, k with their tie-breakers
        offset = (cells[:, 0] + (cells[:, 1] * n + cells[:, 2] + 0.5) / n**2) / n - 0.5
        points = centres + box.affine[:3, :3] @ offset
        share += (((points @ axes) / radii) ** 2).sum(axis=-1) <= 1.0
    return share / n**3
