"""Rigid registration of one CT to another."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Image, Rigid
from quimby.core.notes import Note, note, refusal
from quimby.core.outline import Outline
from quimby.measure.registration_levels import BODY_HU, Level, Levels, levels_of
from quimby.measure.registration_measures import correlation
from quimby.measure.registration_newton import Samples, read, refined, samples

__all__ = ["BODY_HU", "Registration", "check_frame", "register"]

Float = NDArray[np.float64]

SIMILARITY_LEAST, OVERLAP_LEAST, ANGLE_MOST_DEG = 0.85, 0.7, 20.0
"""House policy. Below or beyond these a registration blocks the signature (S-IMG-REG)."""
SAMPLES = 300_000
"""Voxels used on a level, the steepest. With the 60,000 steepest of case A, noise that helps a
voxel to be chosen pulls: 0.57 mm off instead of 0.23."""
SLID_MM = (-80.0, -40.0, 40.0, 80.0)
"""Starts along the body besides the two: the scans may show other parts of it."""
BEGINNING_MOST = 20_000
STRIDE = 2


@dataclass(frozen=True, eq=False)
class Registration:
    """How the patient lay in one scan compared with the reference.

    `transform` takes reference points to the same tissue in the scan (LPS mm). Similarities are
    correlations of the two CTs over the reference's body, `overlap` the share of that body which
    the scan's CT sees, and `shift_mm` the movement of the body's centre.
    """

    transform: Rigid
    similarity: float
    similarity_before: float
    overlap: float
    angle_deg: float
    shift_mm: tuple[float, float, float]
    notes: tuple[Note, ...] = ()


def register(fixed: Image, moving: Image, *, where: str = "registration") -> Registration:
    """Register the scan's CT `moving` to the reference CT `fixed`, both in HU.

    Robust least squares (Gauss-Newton) over three resolutions, from the scanner's own coordinates,
    from the centres of the two bodies, and from places along the body; the start that ends most
    alike goes on. A result that could not be trusted is compared with a search by mutual
    information, and the better of the two is kept. One thread and a fixed seed: the same images
    give the same bytes. A result that still cannot be trusted carries S-IMG-REG. Errors:
    E-IMG-UNIT, E-IMG-NAN, E-IMG-REG when no body is found or the bodies do not meet.

    Source: see `registration_newton` and `registration_mattes`.
    """
    here, there = (levels_of(image, where) for image in (fixed, moving))
    moved = by_least_squares(here, there)
    found = None if moved is None else _measured(here, there, moved)
    if found is None or _doubts(found):
        found = _better(found, _second_opinion(here, there))
    if found is None:
        raise refusal("E-IMG-REG", where=where)
    return _judged(found, where)


def by_least_squares(here: Levels, there: Levels) -> Rigid | None:
    """The movement by robust least squares alone; None where the images do not meet."""
    middle = here.middle_mm
    moved = _begun(here, there, middle)
    for level, other in zip(here.levels[-2::-1], there.levels[-2::-1], strict=True):
        if moved is None:
            return None
        moved = refined(samples(level, SAMPLES), other, moved, middle_mm=middle)
    return moved


def _begun(here: Levels, there: Levels, middle: Float) -> Rigid | None:
    """The best movement on the coarsest level, over all starts."""
    level, other = here.levels[-1], there.levels[-1]
    steep, whole = samples(level, BEGINNING_MOST), _whole(level)
    across = there.middle_mm - middle
    starts = [np.zeros(3), across]
    starts += [np.array([across[0], across[1], z]) for z in SLID_MM]
    tried = [refined(steep, other, Rigid(np.eye(3), start), middle_mm=middle) for start in starts]
    found = [moved for moved in tried if moved is not None]
    if not found:
        return None
    return max(found, key=lambda moved: _score(whole, other, moved))


def _score(whole: Samples, other: Level, moved: Rigid) -> float:
    alike, seen = correlation(whole.values, read(other, moved, whole.points_mm))
    return alike * min(1.0, seen / OVERLAP_LEAST)


def _whole(level: Level) -> Samples:
    points = level.grid.centres_mm().reshape(-1, 3)
    return Samples(points, level.values.ravel().astype(np.float64), np.zeros_like(points))


def _second_opinion(here: Levels, there: Levels) -> Registration | None:
    from quimby.measure.registration_mattes import by_mutual_information  # loads SimpleITK

    moved = by_mutual_information(here, there)
    return None if moved is None else _measured(here, there, moved)


def _better(first: Registration | None, second: Registration | None) -> Registration | None:
    """The one with fewer doubts, then the one more alike."""
    found = [f for f in (first, second) if f is not None]
    if not found:
        return None
    return min(found, key=lambda f: (len(_doubts(f)), -f.similarity))


def _measured(here: Levels, there: Levels, moved: Rigid) -> Registration:
    k, j, i = np.nonzero(here.body[::STRIDE, ::STRIDE, ::STRIDE])
    index = np.stack([i, j, k], axis=-1) * STRIDE
    points = here.image.grid.points_mm(index)
    values = here.smooth.values[k * STRIDE, j * STRIDE, i * STRIDE].astype(np.float64)
    before, _ = correlation(values, read(there.smooth, Rigid.identity(), points))
    after, overlap = correlation(values, read(there.smooth, moved, points))
    middle = points.mean(axis=0)
    x, y, z = (float(v) for v in moved.apply(middle) - middle)
    return Registration(moved, after, before, overlap, moved.angle_deg, (x, y, z))


def _doubts(found: Registration) -> list[str]:
    why = []
    if found.similarity < SIMILARITY_LEAST:
        why.append(f"the CTs agree only to a correlation of {found.similarity:.2f}")
    if found.similarity < found.similarity_before - 0.01:
        why.append("they agreed better before it")
    if found.overlap < OVERLAP_LEAST:
        why.append(f"only {found.overlap:.0%} of the body is seen in both")
    if found.angle_deg > ANGLE_MOST_DEG:
        why.append(f"it turns the patient by {found.angle_deg:.0f} degrees")
    return why


def _judged(found: Registration, where: str) -> Registration:
    why = _doubts(found)
    if not why:
        return found
    doubt = note("S-IMG-REG", where=where, value=found.similarity, why="; ".join(why))
    return replace(found, notes=(doubt,))


def check_frame(
    outline: Outline, frame_of_reference: str, registration: Registration | None
) -> None:
    """E-IMG-FOR unless the outline lies in this frame, or a registration joins the two."""
    if outline.frame_of_reference != frame_of_reference and registration is None:
        raise refusal(
            "E-IMG-FOR",
            where=outline.name,
            outline=outline.frame_of_reference,
            scan=frame_of_reference,
        )
