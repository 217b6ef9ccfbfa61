"""The part of an image around a seed, in sub-voxels, and the connected region that holds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from quimby.core.grid import Grid, Image
from quimby.core.notes import Note, note, refusal
from quimby.measure.segment.made import above_zero, checked

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
FINE, SUB_VOXELS = 5, 4_000_000
"""Parts of a voxel along each axis (odd, so that one part has the voxel's own centre), and how
many sub-voxels in all before fewer parts are taken."""


@dataclass(frozen=True, slots=True)
class Seed:
    """Where to look: a point, LPS mm, and how far from it a region may reach."""

    at_mm: tuple[float, float, float]
    reach_mm: float


def said_mm(at_mm: tuple[float, float, float]) -> str:
    """A point in words, LPS mm."""
    return ", ".join(f"{x:.1f}" for x in at_mm) + " mm"


@dataclass(frozen=True, eq=False)
class Search:
    """The image around a seed, linear between voxel centres, in `parts` sub-voxels an axis."""

    image: Image  # cropped
    fine: NDArray[np.float32]
    distance_mm: NDArray[np.float32]  # of each sub-voxel from the seed
    seed: Seed
    parts: int
    name: str

    @property
    def sub_voxel_ml(self) -> float:
        """Volume of one sub-voxel."""
        return self.image.grid.voxel_ml / self.parts**3

    @cached_property
    def inside(self) -> Bool:
        """Sub-voxels within reach."""
        return np.asarray(self.distance_mm <= self.seed.reach_mm)

    @cached_property
    def box(self) -> tuple[slice, ...]:
        """The part of the sub-voxels that is within reach."""
        found = ndimage.find_objects(self.inside.astype(np.int8))
        return found[0] if found else (slice(0, 1),) * 3

    @cached_property
    def highest(self) -> tuple[float, tuple[int, ...]]:
        """Largest value within reach, and its sub-voxel."""
        at = int(np.argmax(np.where(self.inside, self.fine, -np.inf)))
        index = np.unravel_index(at, self.fine.shape)
        return float(self.fine.flat[at]), tuple(int(n) for n in index)

    def nearest(self) -> tuple[int, ...]:
        """The sub-voxel at the seed."""
        index = np.unravel_index(int(np.argmin(self.distance_mm)), self.fine.shape)
        return tuple(int(n) for n in index)

    def occupancy(self, region: Bool) -> Image:
        """A region of sub-voxels as occupancies of voxels."""
        k, j, i = self.image.grid.shape
        n = self.parts
        share = region.reshape(k, n, j, n, i, n).mean(axis=(1, 3, 5))
        return Image(self.image.grid, share.astype(np.float32), "1")

    def notes(self, region: Bool) -> tuple[Note, ...]:
        """W-SEG-REACH for a region that was stopped by its reach."""
        rim = self.seed.reach_mm - max(self.image.grid.spacing_mm) / self.parts
        if not bool((self.distance_mm[region] > rim).any()):
            return ()
        return (note("W-SEG-REACH", where=self.name, value=self.seed.reach_mm),)


def around(image: Image, seed: Seed, *, name: str, margin_mm: float = 0.0) -> Search:
    """The image from the seed as far as its reach and a margin.

    E-SEG-NUMBER for a reach that is not above zero, E-SEG-SEED for a seed outside the image,
    E-IMG-NAN.
    """
    above_zero(seed.reach_mm, "the reach around the seed, mm,", where=name)
    checked(image, where=name)
    index = image.grid.index_of(seed.at_mm)[::-1]
    shape = np.array(image.grid.shape)
    if not np.isfinite(index).all() or (index < -0.5).any() or (index > shape - 0.5).any():
        words = ", ".join(f"{x:.0f}" for x in seed.at_mm)
        raise refusal("E-SEG-SEED", where=name, at=words)
    span = (seed.reach_mm + margin_mm) / _steps(image.grid) + 1.0
    low = np.clip(np.floor(index - span), 0, shape - 1).astype(int)
    high = np.clip(np.ceil(index + span) + 1, 1, shape).astype(int)
    part = _cropped(image, low, high)
    parts = next(n for n in (FINE, 3, 1) if n == 1 or part.array.size * n**3 <= SUB_VOXELS)
    fine = _fine(np.asarray(part.array, dtype=np.float32), parts)
    return Search(part, fine, _distances(part.grid, seed, parts), seed, parts, name)


def _steps(grid: Grid) -> Float:
    """How far one index along (slice, row, column) can lead in any direction, mm."""
    return np.array(grid.spacing_mm[::-1])


def _cropped(image: Image, low: NDArray[np.int_], high: NDArray[np.int_]) -> Image:
    cut = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    start, stop = (tuple(int(n) for n in edge) for edge in (low, high))
    grid = image.grid.cropped((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    return Image(grid, np.asarray(image.array)[cut], image.unit)


def _fine(array: NDArray[np.float32], parts: int) -> NDArray[np.float32]:
    if parts == 1:
        return array
    return np.asarray(
        ndimage.zoom(array, parts, order=1, mode="nearest", grid_mode=True), dtype=np.float32
    )


def _distances(grid: Grid, seed: Seed, parts: int) -> NDArray[np.float32]:
    """Distance of every sub-voxel's centre from the seed, axis by axis to spare memory."""
    axes = [((np.arange(n * parts) + 0.5) / parts - 0.5) for n in grid.shape]
    k, j, i = np.meshgrid(*axes, indexing="ij", sparse=True)
    squared = np.zeros((1, 1, 1))
    for row, origin, at in zip(grid.affine[:3], grid.origin_mm, seed.at_mm, strict=True):
        squared = squared + (row[0] * i + row[1] * j + row[2] * k + origin - at) ** 2
    return np.sqrt(squared).astype(np.float32)


def connected(
    search: Search, wanted: Callable[[NDArray[np.float32]], Bool], start: tuple[int, ...]
) -> Bool:
    """The sub-voxels within reach that are wanted and hang together with the start."""
    box = search.box
    candidates = wanted(search.fine[box]) & search.inside[box]
    region = np.zeros(search.fine.shape, dtype=np.bool_)
    local = tuple(n - part.start for n, part in zip(start, box, strict=True))
    if candidates[local]:
        labels, _ = ndimage.label(candidates)
        region[box] = labels == labels[local]
    return region
