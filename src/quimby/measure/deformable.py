"""Deformable registration of one CT to another, and what may be carried by it.

For looking and for masks; activity is read from scans as they are. It starts from the rigid
registration and moves every point further by diffeomorphic demons (Vercauteren et al., NeuroImage
2009;45:S61-S72), on windowed HU at about 4 mm.
"""

# mypy: disallow-untyped-calls = False
# SimpleITK has no types of its own.

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
import SimpleITK as sitk  # noqa: N813 (its own documentation's name)
from numpy.typing import NDArray

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.notes import Note, note, refusal
from quimby.measure.registration_levels import Level, Levels, levels_of
from quimby.measure.registration_mattes import to_sitk
from quimby.measure.registration_measures import correlation
from quimby.measure.registration_newton import read
from quimby.measure.resample import COARSER, EXTENSIVE, LOSS_ALLOWED, resample, sampled

Float = NDArray[np.float64]

ROUNDS = (60, 40, 15)
"""Rounds on each level, the coarsest first."""
FIELD_SMOOTH_VOXELS = 1.5
INVERSE_MOST_MM = 3.0
"""Policy: one point in twenty of the body may end so far from where it was, there and back."""


@dataclass(frozen=True, eq=False)
class Deformation:
    """Where the tissue of the reference lies in a scan: y = rigid(x + d(x)), LPS mm.

    `further_mm` (slices, rows, columns, 3) holds d on `grid`, nothing beyond it. `volume` is the
    local change of volume on the same grid, the determinant of the slopes (1 = none).
    """

    rigid: Rigid
    grid: Grid
    further_mm: Float
    volume: Float

    def apply(self, points_mm: Float) -> Float:
        """Moved points, shape (..., 3)."""
        points = np.asarray(points_mm, dtype=float)
        parts = [self._read(self.further_mm[..., n], points, 0.0) for n in range(3)]
        return self.rigid.apply(points + np.stack(parts, axis=-1))

    def volume_at(self, points_mm: Float) -> Float:
        """Local change of volume at points (..., 3); 1 beyond the grid."""
        return self._read(self.volume, np.asarray(points_mm, dtype=float), 1.0)

    def _read(self, values: Float, points: Float, outside: float) -> Float:
        return sampled(Image(self.grid, values, "1"), points, outside=outside)


@dataclass(frozen=True, eq=False)
class DeformableRegistration:
    """A deformation and how far it is to be believed, all over the reference's body.

    `unfolded` is the share of the body whose volume stays above zero, `volume_range` the local
    change of volume (0.5 and 99.5 % of the body), similarities are correlations of the two CTs
    before (rigid) and after, and `inverse_mm` how far points end from where they were when carried
    there by this deformation and back by the one found the other way: mean and 95 %.
    """

    deformation: Deformation
    similarity_before: float
    similarity: float
    unfolded: float
    volume_range: tuple[float, float]
    inverse_mm: tuple[float, float]
    notes: tuple[Note, ...]


def deform(
    fixed: Image, moving: Image, start: Rigid, *, where: str = "deformable registration"
) -> DeformableRegistration:
    """Deform the scan's CT `moving` to the reference CT `fixed` (HU), from a rigid start.

    One thread, a fixed number of rounds: the same images give the same bytes. Notes: S-REG-FOLD,
    W-REG-DEFORM-ALIKE, W-REG-DEFORM-INVERSE. Errors: E-IMG-UNIT, E-IMG-NAN, E-IMG-REG.
    """
    here, there = (levels_of(image, where) for image in (fixed, moving))
    laid = _laid(there, here.image.grid, start, where)
    forth = _field(here, laid)
    back = _field(laid, here)
    grid = here.image.grid
    found = Deformation(start, grid, forth, _volume(forth, grid))
    return _measured(found, Deformation(Rigid.identity(), grid, back, found.volume), here, there,
                     where)  # fmt: skip


def _laid(there: Levels, grid: Grid, start: Rigid, where: str) -> Levels:
    """The scan's CT on the reference's grid by the rigid start."""
    return levels_of(resample(there.image, grid, start.inverse(), outside=-1000.0), where)


def _field(fixed: Levels, moving: Levels) -> Float:
    """Displacement (mm) on the finest level's grid."""
    field: sitk.Image | None = None
    for a, b, rounds in zip(fixed.levels[::-1], moving.levels[::-1], ROUNDS, strict=False):
        pair = [to_sitk(Image(level.grid, level.values, "HU")) for level in (a, b)]
        field = _demons(pair, field, rounds)
    assert field is not None
    return np.asarray(sitk.GetArrayFromImage(field), dtype=np.float64)


def _demons(pair: list[sitk.Image], field: sitk.Image | None, rounds: int) -> sitk.Image:
    demons = sitk.DiffeomorphicDemonsRegistrationFilter()
    demons.SetNumberOfThreads(1)
    demons.SetNumberOfWorkUnits(1)
    demons.SetNumberOfIterations(rounds)
    demons.SetMaximumRMSError(0.0)
    demons.SetSmoothDisplacementField(True)
    demons.SetStandardDeviations(FIELD_SMOOTH_VOXELS)
    begun = [] if field is None else [_finer(field, pair[0])]
    found: sitk.Image = demons.Execute(*pair, *begun)
    return found


def _finer(field: sitk.Image, like: sitk.Image) -> sitk.Image:
    """The field on a finer grid; at its rim that of the nearest voxel."""
    found: sitk.Image = sitk.Resample(field, like, sitk.Transform(), sitk.sitkLinear, 0.0,
                                      sitk.sitkVectorFloat64, True)  # fmt: skip
    return found


def _volume(further_mm: Float, grid: Grid) -> Float:
    """Determinant of the slopes of x + d(x) at every voxel."""
    slopes = np.empty((*grid.shape, 3, 3))
    for index, axis in enumerate((2, 1, 0)):  # column, row, slice
        slopes[..., index] = np.gradient(further_mm, axis=axis)
    return np.asarray(np.linalg.det(np.eye(3) + slopes @ np.linalg.inv(grid.affine[:3, :3])))


def _measured(
    found: Deformation, back: Deformation, here: Levels, there: Levels, where: str
) -> DeformableRegistration:
    body = here.body
    k, j, i = np.nonzero(body)
    points = found.grid.points_mm(np.stack([i, j, k], axis=-1))
    values = here.smooth.values[body].astype(np.float64)
    before, _ = correlation(values, read(there.smooth, found.rigid, points))
    after, _ = correlation(values, _seen(there.smooth, found, points))
    volumes = found.volume[body]
    low, high = (float(v) for v in np.quantile(volumes, (0.005, 0.995)))
    off = np.linalg.norm(back.apply(points + found.further_mm[body]) - points, axis=-1)
    inverse = float(off.mean()), float(np.quantile(off, 0.95))
    unfolded = float((volumes > 0).mean())
    notes = _notes(unfolded, (before, after), inverse[1], where)
    return DeformableRegistration(found, before, after, unfolded, (low, high), inverse, notes)


def _seen(level: Level, found: Deformation, points_mm: Float) -> Float:
    return read(level, Rigid.identity(), np.ascontiguousarray(found.apply(points_mm)))


def _notes(
    unfolded: float, alike: tuple[float, float], inverse_mm: float, where: str
) -> tuple[Note, ...]:
    notes = []
    if unfolded < 1.0:
        notes.append(note("S-REG-FOLD", where=where, value=1.0 - unfolded))
    if alike[1] <= alike[0]:
        notes.append(note("W-REG-DEFORM-ALIKE", where=where, value=alike[1], limit=alike[0]))
    if inverse_mm > INVERSE_MOST_MM:
        notes.append(note("W-REG-DEFORM-INVERSE", where=where, value=inverse_mm,
                          limit=INVERSE_MOST_MM))  # fmt: skip
    return tuple(notes)


def carried_back(
    image: Image,
    found: Deformation,
    grid: Grid,
    *,
    outside: float | None = None,
    total_within: float | None = LOSS_ALLOWED,
) -> Image:
    """What the scan shows (image or fractional mask), laid on a grid of the reference.

    Concentrations and other densities are read where the tissue lies, c'(x) = c(T(x)): their sum
    changes with the tissue's volume. Amounts in a voxel are read so too and weighted with the local
    change of volume, so their total stays; E-IMG-CONSERVE when it changes by more than
    `total_within` (None: do not ask). `outside` as in `resample`; E-IMG-NAN, E-IMG-OUTSIDE.
    """
    if not np.isfinite(image.array).all():
        raise refusal("E-IMG-NAN", where="deforming")
    if image.unit not in EXTENSIVE:
        return Image(grid, _densities(image, found, grid, outside), image.unit)
    share = grid.voxel_ml / image.grid.voxel_ml
    new = share * _mean(
        lambda x: sampled(image, found.apply(x), outside=0.0) * found.volume_at(x), image.grid, grid
    )
    _conserved(float(image.values.sum()), float(new.sum()), total_within)
    return Image(grid, new, image.unit)


def _densities(image: Image, found: Deformation, grid: Grid, outside: float | None) -> Float:
    new = _mean(lambda x: sampled(image, found.apply(x), outside=np.nan), image.grid, grid)
    beyond = ~np.isfinite(new)
    if beyond.any():
        if outside is None:
            raise refusal("E-IMG-OUTSIDE", where="deforming", value=float(beyond.mean()))
        new[beyond] = outside
    low, high = float(np.min(image.array)), float(np.max(image.array))
    new[~beyond] = np.clip(new[~beyond], low, high)  # rounding must not carry a mask beyond 1
    return new


def _mean(read_at: Callable[[Float], Float], source: Grid, grid: Grid) -> Float:
    """Mean over points spread in each voxel of the grid, one for each source voxel in it."""
    counts = (
        1 if new <= COARSER * old else int(np.ceil(new / old))
        for new, old in zip(grid.spacing_mm, source.spacing_mm, strict=True)
    )
    offsets = [(np.arange(n) + 0.5) / n - 0.5 for n in counts]
    centres = grid.centres_mm()
    total = np.zeros(grid.shape)
    for part in product(*offsets):
        total += read_at(centres + grid.affine[:3, :3] @ np.array(part))
    return total / np.prod([len(o) for o in offsets])


def _conserved(before: float, after: float, total_within: float | None) -> None:
    if total_within is not None and abs(after - before) > total_within * abs(before):
        change = after / before - 1.0 if before else float("inf")
        raise refusal("E-IMG-CONSERVE", where="deforming", value=change, limit=total_within)
