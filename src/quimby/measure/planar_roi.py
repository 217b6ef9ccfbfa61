"""Regions on planar images: drawn, thresholded or placed as rings; counts, area and overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from quimby.core.grid import frozen
from quimby.core.notes import refusal
from quimby.core.uncertain import Uncertain
from quimby.measure.polygons import Plane, coverage

Float = NDArray[np.float64]
ELLIPSE_CORNERS = 360


@dataclass(frozen=True, eq=False)
class Roi:
    """A region on a planar image: the share of each pixel, 0 to 1, shape (rows, columns)."""

    name: str
    share: Float

    def __post_init__(self) -> None:
        share = np.asarray(self.share, dtype=np.float64)
        if share.ndim != 2 or not np.all((share >= 0) & (share <= 1)):
            raise refusal("E-PLN-ROI", where=self.name, why="it is no image of shares from 0 to 1")
        if not share.any():
            raise refusal("E-PLN-ROI", where=self.name, why="it holds no pixel")
        object.__setattr__(self, "share", frozen(share, np.float64))

    @property
    def pixels(self) -> float:
        """Size in pixels."""
        return float(self.share.sum())

    def area_mm2(self, pixel_mm: tuple[float, float]) -> float:
        """Size on the patient, mm2."""
        return self.pixels * pixel_mm[0] * pixel_mm[1]

    def counts(self, image: ArrayLike) -> float:
        """Counts of an image in the region; E-PLN-ROI for an image of another shape."""
        values = np.asarray(image, dtype=np.float64)
        if values.shape != self.share.shape:
            why = f"it is {self.share.shape}, the image {values.shape}"
            raise refusal("E-PLN-ROI", where=self.name, why=why)
        return float(np.sum(self.share * values))

    def mirrored(self) -> Roi:
        """The same region seen from the other side (columns turned round)."""
        return Roi(self.name, self.share[:, ::-1])

    def without(self, *others: Roi) -> Roi:
        """What is left when the pixels of others are taken out."""
        left = self.share.copy()
        for other in others:
            left = np.clip(left - other.share, 0.0, 1.0)
        if not left.any():
            why = f"nothing of it lies free of {', '.join(o.name for o in others)}"
            raise refusal("E-PLN-ROI", where=self.name, why=why)
        return Roi(self.name, left)

    def shared_with(self, other: Roi) -> float:
        """Share of this region's pixels that also belong to another, 0 to 1."""
        return float(np.minimum(self.share, other.share).sum()) / self.pixels

    def edge(self, pixel_mm: tuple[float, float]) -> Float:
        """Pixels gained for each mm that the outline moves outward, (rows, columns)."""
        down, across = np.gradient(np.pad(self.share, 1), *pixel_mm)
        return np.asarray(np.hypot(down, across)[1:-1, 1:-1], dtype=np.float64)


def with_outline(
    counts: Uncertain, roi: Roi, image: ArrayLike, *, pixel_mm: tuple[float, float],
    edge_u_mm: float, level: float = 0.0,
) -> Uncertain:  # fmt: skip
    """Counts with the doubt of where a region's outline lies, cause "outline <region>".

    `edge_u_mm` is the standard uncertainty of that place; `level` the counts a pixel that are
    taken away as background. Both views of a region share the cause.
    """
    if not edge_u_mm >= 0:
        raise refusal("E-PLN-ROI", where=roi.name, why=f"its edge is uncertain by {edge_u_mm:g} mm")
    gained = float(np.sum(roi.edge(pixel_mm) * (np.asarray(image, dtype=np.float64) - level)))
    cause = f"outline {roi.name}"
    return Uncertain(counts.value, {**counts.parts, cause: gained * edge_u_mm})


def polygon(name: str, corners: ArrayLike, shape: tuple[int, int]) -> Roi:
    """A closed polygon of (column, row) corners; whole numbers are the middles of pixels."""
    points = np.ascontiguousarray(np.asarray(corners, dtype=np.float64))
    if points.ndim != 2 or points.shape[1:] != (2,) or len(points) < 3:
        raise refusal("E-PLN-ROI", where=name, why="a polygon needs three corners or more")
    if not np.all(np.isfinite(points)) or _outside(points, shape):
        raise refusal("E-PLN-ROI", where=name, why="a corner lies outside the image")
    plane = Plane(0.0, (points,), (1,))
    corner = np.array([-0.5, -0.5])
    return Roi(name, _snapped(coverage(plane, origin_mm=corner, step_mm=1.0, shape=shape)))


def ellipse(
    name: str, centre: tuple[float, float], radii: tuple[float, float], shape: tuple[int, int],
    *, turned_deg: float = 0.0,
) -> Roi:  # fmt: skip
    """An ellipse about a (column, row) centre with two radii in pixels, turned clockwise."""
    if not min(radii) > 0:
        raise refusal("E-PLN-ROI", where=name, why="an ellipse needs radii above zero")
    way = np.linspace(0.0, 2.0 * np.pi, ELLIPSE_CORNERS, endpoint=False)
    # Corners a little outside the curve, so that the polygon has the ellipse's own area.
    grow = np.sqrt(2.0 * np.pi / ELLIPSE_CORNERS / np.sin(2.0 * np.pi / ELLIPSE_CORNERS))
    x, y = radii[0] * grow * np.cos(way), radii[1] * grow * np.sin(way)
    c, s = np.cos(np.radians(turned_deg)), np.sin(np.radians(turned_deg))
    corners = np.stack([centre[0] + c * x - s * y, centre[1] + s * x + c * y], axis=-1)
    return polygon(name, corners, shape)


def threshold(
    name: str, image: ArrayLike, fraction: float, *, seed: tuple[int, int] | None = None,
    within: Roi | None = None,
) -> Roi:  # fmt: skip
    """Pixels at or above a fraction of the highest one, in one piece.

    `within` limits the search to a region; the piece is that of `seed` (row, column), else of
    the highest pixel.
    """
    values = np.asarray(image, dtype=np.float64)
    if not 0.0 < fraction < 1.0:
        raise refusal("E-PLN-ROI", where=name, why=f"{fraction:g} is no fraction of the maximum")
    if within is not None:
        values = np.where(within.share > 0.5, values, -np.inf)
    top = values.max()
    if not top > 0:
        raise refusal("E-PLN-ROI", where=name, why="there are no counts")
    pieces, _ = ndimage.label(values >= fraction * top)
    at = seed if seed is not None else np.unravel_index(int(np.argmax(values)), values.shape)
    wanted = int(pieces[at[0], at[1]])
    if wanted == 0:
        raise refusal("E-PLN-ROI", where=name, why="the place named lies below the threshold")
    return Roi(name, (pieces == wanted).astype(np.float64))


def ring(
    name: str, around: Roi, *, gap_px: int = 2, width_px: int = 3, free_of: Sequence[Roi] = ()
) -> Roi:
    """A ring about a region, clear of it by a gap and of other regions: for its background."""
    if gap_px < 0 or width_px < 1:
        raise refusal("E-PLN-ROI", where=name, why="a ring needs a width of a pixel or more")
    inside = around.share > 0
    near = ndimage.binary_dilation(inside, iterations=gap_px) if gap_px else inside
    far = ndimage.binary_dilation(near, iterations=width_px)
    share = (far & ~near).astype(np.float64)
    for other in free_of:
        share = np.where(other.share > 0, 0.0, share)
    return Roi(name, share)


def _snapped(share: Float) -> Float:
    """Without the last digits' rounding at 0 and 1."""
    return np.clip(np.where(np.abs(share - np.round(share)) < 1e-12, np.round(share), share), 0, 1)


def _outside(points: Float, shape: tuple[int, int]) -> bool:
    low, high = points.min(axis=0), points.max(axis=0)
    limits = np.array([shape[1], shape[0]]) - 0.5
    return bool((low < -0.5 - 1e-9).any() or (high > limits + 1e-9).any())
