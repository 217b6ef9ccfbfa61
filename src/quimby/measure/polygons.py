"""Closed planar polygons: their plane, their area, and the share of each pixel they cover."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from quimby.core.notes import refusal
from quimby.core.outline import Outline

Float = NDArray[np.float64]
FLAT_MM = 0.5
"""How far a point may stand off its contour's plane, and a plane off its lattice."""


@dataclass(frozen=True, eq=False)
class Plane:
    """The polygons of one plane, each (n, 2) mm along the plane's two axes."""

    at_mm: float  # along the normal
    polygons: tuple[Float, ...]
    signs: tuple[int, ...]  # +1 adds tissue, -1 cuts a hole

    @property
    def area_mm2(self) -> float:
        """Enclosed area by the even-odd rule (polygons of one plane must not cross)."""
        return sum(s * abs(signed_area(p)) for s, p in zip(self.signs, self.polygons, strict=True))


@dataclass(frozen=True, eq=False)
class Stack:
    """An outline's planes in order, with the frame they lie in.

    `axes` (3, 3) holds in its columns the two in-plane directions and the normal.
    """

    planes: tuple[Plane, ...]
    axes: Float
    spacing_mm: float
    missing: tuple[float, ...]  # positions along the normal where a plane would be expected

    @property
    def volume_ml(self) -> float:
        """Area times spacing, summed: every plane stands for half a spacing to either side."""
        return sum(plane.area_mm2 for plane in self.planes) * self.spacing_mm / 1000.0


def signed_area(polygon: Float) -> float:
    """Area of a closed polygon (n, 2), positive when it runs from the first axis to the second."""
    x, y = polygon[:, 0], polygon[:, 1]
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2.0


def stacked(outline: Outline, *, spacing_mm: float | None = None) -> Stack:
    """The contours of an outline sorted into parallel, evenly spaced planes.

    The spacing is that of the contour planes; `spacing_mm` serves an outline of one plane only.
    Refused are contours that are not flat or not parallel (E-IMG-CONTOUR-PLANE), planes that are
    not on one lattice (E-IMG-CONTOUR-STEP) and a single plane without a spacing
    (E-IMG-CONTOUR-ONE).
    """
    axes = _axes(outline)
    flat = [np.asarray(c, dtype=float) @ axes for c in outline.contours]
    groups: dict[float, list[Float]] = {}
    for points in flat:
        at = float(np.mean(points[:, 2]))
        if np.abs(points[:, 2] - at).max() > FLAT_MM:
            raise refusal("E-IMG-CONTOUR-PLANE", where=outline.name)
        near = next((key for key in groups if abs(key - at) <= FLAT_MM / 10), at)
        groups.setdefault(near, []).append(np.ascontiguousarray(points[:, :2]))
    positions = sorted(groups)
    step, missing = _step(positions, outline.name, spacing_mm)
    planes = tuple(_plane(at, groups[at]) for at in positions)
    return Stack(planes, axes, step, missing)


def _axes(outline: Outline) -> Float:
    normal = _normal(outline)
    if abs(normal[2]) > 0.9999:
        return np.eye(3)
    across = np.eye(3)[int(np.argmin(np.abs(normal)))]
    first = np.cross(across, normal)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(normal, first), normal], axis=1)


def _normal(outline: Outline) -> Float:
    """Newell's normal of the widest contour: sound for polygons of any shape."""
    best = np.zeros(3)
    for contour in outline.contours:
        points = np.asarray(contour, dtype=float)
        offset = points - points.mean(axis=0)
        newell = np.cross(offset, np.roll(offset, -1, axis=0)).sum(axis=0)
        if np.linalg.norm(newell) > np.linalg.norm(best):
            best = newell
    length = float(np.linalg.norm(best))
    if length == 0.0:
        raise refusal("E-IMG-CONTOUR-EMPTY", where=outline.name)
    normal = best / length
    return np.asarray(normal * np.sign(normal[int(np.argmax(np.abs(normal)))]), dtype=np.float64)


def _step(
    positions: list[float], name: str, given_mm: float | None
) -> tuple[float, tuple[float, ...]]:
    if len(positions) == 1:
        if given_mm is None:
            raise refusal("E-IMG-CONTOUR-ONE", where=name)
        return given_mm, ()
    gaps = np.diff(positions)
    step = float(np.median(gaps[gaps < 1.5 * gaps.min()]))
    steps = np.round(gaps / step)
    # Planes drift by rounding in the file; what counts is that each gap is a whole number of steps.
    if np.abs(gaps - steps * step).max() > max(FLAT_MM, 0.1 * step):
        raise refusal("E-IMG-CONTOUR-STEP", where=name, step=step)
    lattice = (positions[-1] - positions[0]) / steps.sum()
    missing = [
        at + n * step
        for at, count in zip(positions, steps, strict=False)
        for n in range(1, int(count))
    ]
    return float(lattice), tuple(missing)


def _plane(at: float, polygons: list[Float]) -> Plane:
    """Even-odd: a polygon that lies inside an odd number of others cuts a hole."""
    kept = [p for p in polygons if len(p) >= 3]
    signs = []
    for one in kept:
        inside = sum(_holds(other, one) for other in kept if other is not one)
        signs.append(-1 if inside % 2 else 1)
    return Plane(at, tuple(kept), tuple(signs))


def _holds(outer: Float, inner: Float) -> bool:
    """Whether most corners of `inner` lie within `outer` (corners may touch its edge)."""
    below, above = inner.min(0) < outer.min(0) - FLAT_MM, inner.max(0) > outer.max(0) + FLAT_MM
    if below.any() or above.any():
        return False
    if abs(signed_area(inner)) > abs(signed_area(outer)):
        return False
    return bool(2 * points_inside(outer, inner) > len(inner))


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def points_inside(polygon: Float, points: Float) -> int:
    """How many of the points (m, 2) lie in the polygon (n, 2), by the even-odd rule."""
    count = 0
    for m in range(points.shape[0]):
        x, y = points[m, 0], points[m, 1]
        odd = False
        before = polygon.shape[0] - 1
        for n in range(polygon.shape[0]):
            ya, yb = polygon[before, 1], polygon[n, 1]
            if (ya > y) != (yb > y):
                across = polygon[n, 0] + (y - yb) / (ya - yb) * (polygon[before, 0] - polygon[n, 0])
                if x < across:
                    odd = not odd
            before = n
        if odd:
            count += 1
    return count


def coverage(plane: Plane, *, origin_mm: Float, step_mm: float, shape: tuple[int, int]) -> Float:
    """Share of each pixel, (rows, columns), that the plane's polygons cover; exact areas.

    `origin_mm` is the corner of the first pixel along the two axes.
    """
    total = np.zeros(shape)
    for polygon, sign in zip(plane.polygons, plane.signs, strict=True):
        corners = (polygon - origin_mm) / step_mm
        turn = 1.0 if signed_area(polygon) > 0 else -1.0
        total += sign * turn * _winding(corners, shape[0], shape[1])
    # Only crossing polygons leave [0, 1]; folding there is the even-odd rule.
    return np.abs(total - 2.0 * np.round(total / 2.0))


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _winding(corners: Float, rows: int, columns: int) -> Float:
    """Winding number averaged over each pixel: exact trapezoids, summed along the rows."""
    area = np.zeros((rows, columns + 1))
    n = corners.shape[0]
    for a in range(n):
        b = (a + 1) % n
        _edge(area, corners[a, 0], corners[a, 1], corners[b, 0], corners[b, 1])
    for row in range(rows):
        held = 0.0
        for column in range(columns + 1):
            held += area[row, column]
            area[row, column] = held
    return area[:, :columns]


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _edge(area: Float, x0: float, y0: float, x1: float, y1: float) -> None:
    """Add one edge: each pixel to its right gains the height it spans, its own pixel a share."""
    if y0 == y1:
        return
    turn = 1.0
    if y0 > y1:
        x0, y0, x1, y1 = x1, y1, x0, y0
        turn = -1.0
    slope = (x1 - x0) / (y1 - y0)
    for row in range(int(np.floor(y0)), int(np.ceil(y1))):
        top, low = max(y0, float(row)), min(y1, float(row + 1))
        xa, xb = x0 + (top - y0) * slope, x0 + (low - y0) * slope
        _span(area, row, min(xa, xb), max(xa, xb), -turn * (low - top))


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _span(area: Float, row: int, left: float, right: float, height: float) -> None:
    """One edge within one row, from x = left to right; differences along the row are stored."""
    first, last = int(np.floor(left)), int(np.floor(right))
    width = right - left
    for column in range(first, last + 1):
        share = 1.0
        if width > 0.0:
            share = (min(right, column + 1.0) - max(left, float(column))) / width
        middle = (min(right, column + 1.0) + max(left, float(column))) / 2.0 - column
        area[row, column] += height * share * (1.0 - middle)
        area[row, column + 1] += height * share * middle
