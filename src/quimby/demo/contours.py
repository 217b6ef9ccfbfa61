"""Outlines of the shapes, plane by plane, as a careful person would draw them on the CT.

A CT slice shows the mean of a slab. Each contour therefore has the slab's mean area, and areas
times slice distance give the volume of the shape, whatever its size.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from quimby.demo.phantom import Phantom, Shape, Solid, cross_section, polygon_area

Float = NDArray[np.float64]
SUBPLANES = 12
SMALLEST_MM2 = 4.0


@dataclass(frozen=True, eq=False)
class Contour:
    """A closed polygon (n, 2), LPS x and y in mm, on the CT slice of that number."""

    slice: int
    polygon_mm: Float


def region_contours(body: Phantom, name: str, heights_mm: Float) -> tuple[Contour, ...]:
    """All contours of a region on slices at these heights, evenly spaced, reference position.

    Lesions in the region are holes: polygons inside polygons, by the even-odd rule.
    """
    parts = (body.shape(name), *body.guests(name))
    return tuple(contour for shape in parts for contour in _of_shape(shape, heights_mm))


def _of_shape(shape: Shape, heights_mm: Float) -> Iterable[Contour]:
    step = float(heights_mm[1] - heights_mm[0])
    offsets = step * ((np.arange(SUBPLANES) + 0.5) / SUBPLANES - 0.5)
    for solid in shape.solids:
        low, high = solid.box_mm()
        for k, z in enumerate(heights_mm):
            if low[2] - step / 2 < z < high[2] + step / 2:
                polygon = _slab(solid, float(z), offsets)
                if polygon is not None:
                    yield Contour(k, polygon)


def _slab(solid: Solid, z: float, offsets: Float) -> Float | None:
    """The cut nearest the middle of the slab, made as large as the slab's mean cut."""
    cuts = [cross_section(solid, z + offset) for offset in offsets]
    areas = [polygon_area(cut) for cut in cuts]
    mean = float(np.mean(areas))
    if mean < SMALLEST_MM2:
        return None
    middle = cross_section(solid, z)
    if polygon_area(middle) < SMALLEST_MM2:
        middle = cuts[int(np.argmax(areas))]
    centre = middle.mean(axis=0)
    scaled: Float = centre + (middle - centre) * sqrt(mean / polygon_area(middle))
    return scaled
