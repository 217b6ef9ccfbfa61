"""Where voxels lie: grids, images and rigid movements, in millimetres (DICOM patient axes, LPS)."""

from __future__ import annotations

from dataclasses import dataclass
from math import acos, degrees

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]


def frozen(
    array: ArrayLike, dtype: type | np.dtype[np.generic] | None = None
) -> NDArray[np.generic]:
    """A read-only array; the caller's own array keeps its flags."""
    view = np.asarray(array, dtype=dtype).view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, eq=False)
class Grid:
    """A regular lattice of voxel centres.

    `shape` is that of the numpy array, (slices, rows, columns). `affine` (4, 4) maps the index
    (column, row, slice, 1), in this order, to LPS mm.
    """

    shape: tuple[int, int, int]
    affine: Float

    def __post_init__(self) -> None:
        object.__setattr__(self, "affine", frozen(self.affine, np.float64))

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbours along (column, row, slice) index."""
        steps = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(steps[0]), float(steps[1]), float(steps[2])

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel."""
        return abs(float(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    @property
    def origin_mm(self) -> Float:
        """Centre of the first voxel."""
        return self.affine[:3, 3]

    def points_mm(self, ijk: ArrayLike) -> Float:
        """LPS mm of (column, row, slice) indices, shape (..., 3); fractions are allowed."""
        index = np.asarray(ijk, dtype=float)
        return index @ self.affine[:3, :3].T + self.affine[:3, 3]

    def index_of(self, points_mm: ArrayLike) -> Float:
        """(column, row, slice) indices, as fractions, of LPS points of shape (..., 3)."""
        offset = np.asarray(points_mm, dtype=float) - self.affine[:3, 3]
        return offset @ np.linalg.inv(self.affine[:3, :3]).T

    def centres_mm(self) -> Float:
        """Every voxel centre, shape (slices, rows, columns, 3)."""
        k, j, i = np.indices(self.shape)
        return self.points_mm(np.stack([i, j, k], axis=-1))

    def cropped(self, start: tuple[int, int, int], stop: tuple[int, int, int]) -> Grid:
        """The part from `start` up to `stop` (slice, row, column indices)."""
        shape = (stop[0] - start[0], stop[1] - start[1], stop[2] - start[2])
        affine = np.array(self.affine)
        affine[:3, 3] = self.points_mm((start[2], start[1], start[0]))
        return Grid(shape, affine)

    def matches(self, other: Grid, tolerance_mm: float = 1e-3) -> bool:
        """Same lattice: same shape, and corners together within the tolerance."""
        return self.shape == other.shape and bool(
            np.abs(self._corners() - other._corners()).max() <= tolerance_mm
        )

    def _corners(self) -> Float:
        k, j, i = (np.array([0, n - 1]) for n in self.shape)
        return self.points_mm(np.stack(np.meshgrid(i, j, k, indexing="ij"), axis=-1))


@dataclass(frozen=True, eq=False)
class Image:
    """Values on a grid, read-only, with their unit ("counts", "Bq/ml", "HU", "Gy", "1" …)."""

    grid: Grid
    array: NDArray[np.generic]
    unit: str

    def __post_init__(self) -> None:
        if self.array.shape != self.grid.shape:
            raise ValueError(f"array {self.array.shape} does not fit grid {self.grid.shape}")
        object.__setattr__(self, "array", frozen(self.array))

    @property
    def values(self) -> Float:
        """The array as float64 (a copy unless it is float64 already)."""
        return np.asarray(self.array, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Rigid:
    """A rigid movement of points: y = rotation @ x + translation_mm.

    Registrations are held as the movement from reference points to the same tissue in the scan.
    """

    rotation: Float
    translation_mm: Float

    def __post_init__(self) -> None:
        object.__setattr__(self, "rotation", frozen(self.rotation, np.float64))
        object.__setattr__(self, "translation_mm", frozen(self.translation_mm, np.float64))

    @staticmethod
    def identity() -> Rigid:
        """The movement that moves nothing."""
        return Rigid(np.eye(3), np.zeros(3))

    def apply(self, points_mm: ArrayLike) -> Float:
        """Moved points, shape (..., 3)."""
        return np.asarray(points_mm, dtype=float) @ self.rotation.T + self.translation_mm

    def inverse(self) -> Rigid:
        """The movement back."""
        return Rigid(self.rotation.T, -self.rotation.T @ self.translation_mm)

    @property
    def still(self) -> bool:
        """Whether it moves nothing at all."""
        return bool(np.array_equal(self.rotation, np.eye(3)) and not self.translation_mm.any())

    @property
    def angle_deg(self) -> float:
        """Angle of rotation about its own axis, 0 to 180."""
        cosine = (float(np.trace(self.rotation)) - 1.0) / 2.0
        return degrees(acos(min(1.0, max(-1.0, cosine))))

    def shift_mm(self, at_mm: ArrayLike) -> float:
        """How far it moves one point."""
        return float(np.linalg.norm(self.apply(at_mm) - np.asarray(at_mm, dtype=float)))
