"""Outlined regions laid on a scan's activity, where no CT joins the two.

The regions, blurred as the camera blurs, make a picture of the scan. Each has a concentration of
its own, fitted anew in every scan, so uptake that changes with time does not pull. Picture and
scan are laid on each other by least squares. The outlines may have been drawn on another scan of
the patient, or on a CT of another day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.notes import Note, note, refusal
from quimby.devices.point_spread import blur
from quimby.measure.occupancy import placed
from quimby.measure.regions import Regions
from quimby.measure.registration import ANGLE_MOST_DEG, OVERLAP_LEAST, Registration
from quimby.measure.registration_levels import Level
from quimby.measure.registration_measures import correlation
from quimby.measure.registration_newton import read, refined, samples
from quimby.measure.resample import resample

Float = NDArray[np.float64]

SCANS_U_MM, CT_U_MM = 2.0, 3.0
"""Standard uncertainty of a scan laid on outlines of another scan, and of a CT of another day,
along each axis: half a voxel, and a breath more [P]. Case A's four scans end within 0.5 mm."""
USUAL_FWHM_MM = 11.0
"""Blur of the picture where the camera's own was not measured; it serves the place alone [P]."""
ALIKE_LEAST = 0.7
"""Correlation of picture and scan below which the signature is blocked [P]."""
FINE_MM, COARSE_MM = 5.0, 10.0
POINTS, SLOPES = 40_000, 50_000
ROUNDS, SETTLED_MM = 6, 0.02
SLID_MM = (-30.0, 0.0, 30.0)
"""Starts along the body about each place where the search begins."""
REST = 0.1  # concentration outside the regions that the first search expects, of that in them


@dataclass(frozen=True, eq=False)
class _Picture:
    """Blurred compartments on cubes; the regions, and last the rest of the body."""

    grid: Grid
    parts: tuple[NDArray[np.float32], ...]
    points_mm: Float  # (n, 3), in the body and around it
    design: Float  # (n, parts): every compartment at every point

    def of(self, concentrations: Sequence[float] | Float) -> Level:
        """The scan that these concentrations would give."""
        image = np.zeros(self.grid.shape, dtype=np.float32)
        for part, c in zip(self.parts, concentrations, strict=True):
            image += np.float32(c) * part
        return Level(self.grid, image)


@dataclass(frozen=True, eq=False)
class Laying:
    """Outlined regions ready to be laid on scans of one camera."""

    coarse: _Picture
    fine: _Picture


def laying(regions: Regions, *, fwhm_mm: float) -> Laying:
    """Ready regions and the body they lie in; `fwhm_mm` is the camera's blur, 0 if not known."""
    width = fwhm_mm or USUAL_FWHM_MM
    return Laying(_picture(regions, COARSE_MM, width), _picture(regions, FINE_MM, width))


def register_on_activity(made: Laying, scan: Image, *, where: str) -> Registration:
    """Lay outlined regions, and the body they lie in, on the activity of a scan (any unit).

    Similarities of the result are correlations of picture and scan over the body and a rim,
    `overlap` the share of the body in the scan's field of view. I-REG-SPECT always; S-REG-SPECT
    where the result cannot be trusted. Errors: E-IMG-NAN, E-REG-SPECT where nothing holds.
    """
    if not np.isfinite(scan.array).all():
        raise refusal("E-IMG-NAN", where=where)
    coarse, fine = made.coarse, made.fine
    there = Level(scan.grid, np.ascontiguousarray(scan.array, dtype=np.float32))
    tried = [_laid(coarse, there, start) for start in _starts(coarse, scan)]
    found = [moved for moved in tried if moved is not None]
    best = max(found, key=lambda moved: _alike(coarse, there, moved)[0], default=None)
    moved = None if best is None else _laid(fine, there, best)
    if moved is None:
        raise refusal("E-REG-SPECT", where=where)
    return _judged(fine, there, moved, where)


def _picture(regions: Regions, step_mm: float, width_mm: float) -> _Picture:
    grid = _cubes(_trunk(regions.body, 2.0 * width_mm), step_mm)
    sharp = []
    for mask in (*(r.mask for r in regions.organs), regions.body):
        part = placed(mask, grid, Rigid.identity())
        own = np.zeros(grid.shape)
        own[part.box] = part.array
        sharp.append(own)
    rest = np.maximum(sharp[-1] - sum(sharp[:-1]), 0.0)
    parts = tuple(blur(own, grid, width_mm).astype(np.float32) for own in (*sharp[:-1], rest))
    k, j, i = np.nonzero(blur(sharp[-1], grid, 2.0 * width_mm) > 0.01)
    every = max(1, k.size // POINTS)
    k, j, i = k[::every], j[::every], i[::every]
    design = np.stack([p[k, j, i] for p in parts], axis=1).astype(np.float64)
    return _Picture(grid, parts, grid.points_mm(np.stack([i, j, k], axis=-1)), design)


def _trunk(body: Image, rim_mm: float) -> Grid:
    """The part of the body's grid that holds it, and a rim."""
    low, high = [], []
    for axis, step in enumerate(body.grid.spacing_mm[::-1]):
        others = tuple(a for a in range(3) if a != axis)
        held = np.flatnonzero(np.asarray(body.array).any(axis=others))
        rim = int(np.ceil(rim_mm / step))
        low.append(max(0, int(held[0]) - rim))
        high.append(min(body.grid.shape[axis], int(held[-1]) + 1 + rim))
    return body.grid.cropped((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def _cubes(grid: Grid, step_mm: float) -> Grid:
    """Cubes on the patient's axes over a grid of any direction."""
    ends = np.array([[-0.5, n - 0.5] for n in grid.shape[::-1]])
    corners = grid.points_mm(np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3))
    low, high = corners.min(axis=0), corners.max(axis=0)
    counts = np.maximum(np.ceil((high - low) / step_mm).astype(int), 2)
    affine = np.diag([step_mm, step_mm, step_mm, 1.0])
    affine[:3, 3] = low + step_mm / 2
    return Grid((int(counts[2]), int(counts[1]), int(counts[0])), affine)


def _starts(picture: _Picture, scan: Image) -> list[Rigid]:
    """The scan's own coordinates and the best place for an unturned picture, and about both."""
    places = [np.zeros(3), _best_place(picture, scan)]
    return [
        Rigid(np.eye(3), place + np.array([0.0, 0.0, along]))
        for place in places for along in SLID_MM
    ]  # fmt: skip


def _best_place(picture: _Picture, scan: Image) -> Float:
    """The shift at which picture and scan correlate best, both as square roots, whole cubes."""
    grid = _cubes(scan.grid, COARSE_MM)
    level = Image(scan.grid, scan.array, "1")  # counts, too, are looked at and not added up
    seen = np.sqrt(np.maximum(resample(level, grid, outside=0.0).values, 0.0))
    guess = picture.of([1.0] * (len(picture.parts) - 1) + [REST])
    wanted = np.sqrt(np.maximum(guess.values, 0.0)).astype(np.float64)
    matched = fftconvolve(seen, wanted[::-1, ::-1, ::-1], mode="full")
    best = np.unravel_index(int(np.argmax(matched)), matched.shape)
    lag = np.array([b - (n - 1) for b, n in zip(best, wanted.shape, strict=True)])[::-1]
    return np.asarray(grid.origin_mm - picture.grid.origin_mm + COARSE_MM * lag)


def _laid(picture: _Picture, there: Level, start: Rigid) -> Rigid | None:
    """Concentrations and movement by turns until the movement stays."""
    moved, middle = start, picture.points_mm.mean(axis=0)
    for _ in range(ROUNDS):
        held = _concentrations(picture, there, moved)
        if held is None:
            return None
        taken = samples(picture.of(held), SLOPES)
        found = refined(taken, there, moved, middle_mm=middle)
        if found is None:
            return None
        step = float(np.linalg.norm(found.apply(middle) - moved.apply(middle)))
        moved = found
        if step < SETTLED_MM:
            break
    return moved


def _concentrations(picture: _Picture, there: Level, moved: Rigid) -> Float | None:
    """Of each compartment in this scan, by least squares, none below zero."""
    seen = read(there, moved, picture.points_mm)
    inside = np.isfinite(seen)
    if np.count_nonzero(inside) < 10 * len(picture.parts):
        return None
    design = picture.design[inside]
    found, *_ = np.linalg.lstsq(design.T @ design, design.T @ seen[inside], rcond=None)
    return np.asarray(np.maximum(found, 0.0), dtype=np.float64)


def _alike(picture: _Picture, there: Level, moved: Rigid) -> tuple[float, float]:
    """Correlation of picture and scan, lowered where little is seen, and the share seen."""
    held = _concentrations(picture, there, moved)
    if held is None:
        return 0.0, 0.0
    seen = read(there, moved, picture.points_mm)
    alike, share = correlation(picture.design @ held, seen)
    return alike * min(1.0, share / OVERLAP_LEAST), share


def _judged(picture: _Picture, there: Level, moved: Rigid, where: str) -> Registration:
    before, _ = _alike(picture, there, Rigid.identity())
    alike, share = _alike(picture, there, moved)
    middle = picture.points_mm.mean(axis=0)
    x, y, z = (float(v) for v in moved.apply(middle) - middle)
    notes = _notes(alike, share, moved.angle_deg, where)
    return Registration(moved, alike, before, share, moved.angle_deg, (x, y, z), notes)


def _notes(alike: float, share: float, angle_deg: float, where: str) -> tuple[Note, ...]:
    why = []
    if alike < ALIKE_LEAST:
        why.append(f"outlines and activity agree only to a correlation of {alike:.2f}")
    if share < OVERLAP_LEAST:
        why.append(f"only {share:.0%} of the body is seen in the scan")
    if angle_deg > ANGLE_MOST_DEG:
        why.append(f"it turns the patient by {angle_deg:.0f} degrees")
    told = note("I-REG-SPECT", where=where, value=alike)
    if not why:
        return (told,)
    return (note("S-REG-SPECT", where=where, value=alike, why="; ".join(why)), told)
