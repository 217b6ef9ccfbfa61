"""Where slices lie: from positions and orientations to a grid, slices along the plane's normal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Grid
from quimby.core.notes import Note, note, refusal

Float = NDArray[np.float64]
STEP_TOLERANCE = 0.10  # [P] of the slice distance; beyond it a slice is missing or moved
STEP_NOTED_MM = 0.2  # [P] farthest a slice may lie from the even lattice without a warning
SHEAR_TOLERANCE_MM = 0.05  # [P] sideways drift a slice; more is a tilted gantry


@dataclass(frozen=True, eq=False)
class Plane:
    """One slice: centre of its first pixel (LPS mm), row and column directions, pixel size."""

    position: Float  # (3,)
    orientation: Float  # (6,): along a row (to the next column), then down a column
    pixel_mm: tuple[float, float]  # between rows, between columns

    @property
    def normal(self) -> Float:
        """Unit vector along rising slices, rows x columns."""
        return unit_normal(self.orientation)


def unit_normal(orientation: Float) -> Float:
    """Cross product of row and column direction, of length 1."""
    across = np.cross(orientation[:3], orientation[3:])
    return np.asarray(across / np.linalg.norm(across), dtype=np.float64)


def checked_orientation(numbers: Sequence[float], *, where: str) -> Float:
    """Two directions at right angles and of length 1, or E-DCM-ORIENTATION."""
    found = _at_right_angles(tuple(numbers))
    if found is None:
        raise refusal("E-DCM-ORIENTATION", where=where, found=list(numbers))
    return found


@lru_cache(maxsize=64)
def _at_right_angles(numbers: tuple[float, ...]) -> Float | None:
    found = np.array(numbers, dtype=float)
    wrong = found.shape != (6,)
    if not wrong:
        lengths = np.linalg.norm(found.reshape(2, 3), axis=1)
        wrong = bool(np.abs(lengths - 1).max() > 0.01 or abs(found[:3] @ found[3:]) > 0.01)
    if wrong:
        return None
    rows = found[:3] / np.linalg.norm(found[:3])
    down = found[3:] - (found[3:] @ rows) * rows
    whole = np.concatenate([rows, down / np.linalg.norm(down)])
    whole.flags.writeable = False  # shared by every slice that says the same
    return whole


def grid_of(shape: tuple[int, int, int], *, first: Plane, slice_mm: float) -> Grid:
    """The grid that starts at plane `first` and goes on along its normal."""
    affine = np.eye(4)
    affine[:3, 0] = first.orientation[:3] * first.pixel_mm[1]
    affine[:3, 1] = first.orientation[3:] * first.pixel_mm[0]
    affine[:3, 2] = first.normal * slice_mm
    affine[:3, 3] = first.position
    return Grid(shape, affine)


def stack_order(planes: Sequence[Plane], *, where: str) -> NDArray[np.intp]:
    """Order of the planes along their normal. E-DCM-MIXED when they are not of one family."""
    head = planes[0]
    if not np.allclose([p.orientation for p in planes], head.orientation, atol=1e-3):
        raise refusal("E-DCM-MIXED", where=where, what="slice orientations")
    if not np.allclose([p.pixel_mm for p in planes], head.pixel_mm, rtol=1e-4):
        raise refusal("E-DCM-MIXED", where=where, what="pixel sizes")
    along = np.array([plane.position for plane in planes]) @ head.normal
    return np.argsort(along, kind="stable")


def stack_grid(
    planes: Sequence[Plane],
    rows_columns: tuple[int, int],
    *,
    thickness_mm: float | None,
    where: str,
) -> tuple[Grid, tuple[Note, ...]]:
    """An even grid through planes that are already in order.

    E-DCM-DUPLICATE for two planes at one place, E-DCM-GAP where a slice is missing or the steps
    differ by more than 10 %, E-DCM-TILT for a sheared stack. Steps uneven by rounding are
    evened out (W-DCM-STEP above 0.2 mm).
    """
    shape = (len(planes), *rows_columns)
    if len(planes) == 1:
        if not thickness_mm:
            raise refusal("E-DCM-ONE-SLICE", where=where)
        return grid_of(shape, first=planes[0], slice_mm=thickness_mm), ()
    positions = np.array([plane.position for plane in planes])
    along = positions @ planes[0].normal
    _even(along, where)
    step = float((along[-1] - along[0]) / (len(along) - 1))
    _upright(positions, planes[0].normal, where)
    ideal = along[0] + step * np.arange(len(along))
    shift = float((along - ideal).mean())
    start = planes[0].position + shift * planes[0].normal
    first = Plane(start, planes[0].orientation, planes[0].pixel_mm)
    worst = float(np.abs(along - ideal - shift).max())
    notes: tuple[Note, ...] = ()
    if worst > STEP_NOTED_MM:
        notes = (note("W-DCM-STEP", where=where, value=worst, limit=STEP_NOTED_MM),)
    return grid_of(shape, first=first, slice_mm=step), notes


def _even(along: Float, where: str) -> None:
    steps = np.diff(along)
    usual = float(np.median(steps))
    if steps.min() < 0.01:
        at = f"{along[int(steps.argmin())]:.2f}"
        raise refusal("E-DCM-DUPLICATE", where=where, at=at)
    worst = int(np.abs(steps - usual).argmax())
    if abs(steps[worst] - usual) > STEP_TOLERANCE * usual:
        at = f"{along[worst]:.2f} and {along[worst + 1]:.2f}"
        raise refusal("E-DCM-GAP", where=where, at=at, usual=f"{usual:.2f}")


def _upright(positions: Float, normal: Float, where: str) -> None:
    moved = positions[-1] - positions[0]
    sideways = float(np.linalg.norm(moved - (moved @ normal) * normal)) / (len(positions) - 1)
    if sideways > SHEAR_TOLERANCE_MM:
        raise refusal("E-DCM-TILT", where=where, sideways=f"{sideways:.2f}")
