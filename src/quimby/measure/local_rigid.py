"""One organ registered by itself, where it moved otherwise than the body around it.

The start is the registration of the whole body. The organ may move 15 mm and turn 15 degrees from
there [P]; what would go beyond is not believed, and the body's registration stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.notes import Note, note, refusal
from quimby.measure.regions import Region
from quimby.measure.registration_levels import Level, smoothed
from quimby.measure.registration_measures import correlation
from quimby.measure.registration_newton import Samples, read, refined, samples
from quimby.measure.registration_organ import (
    around,
    ct_level,
    everywhere,
    middle_of,
    near,
    template,
)

Float = NDArray[np.float64]

SHIFT_MOST_MM, TURN_MOST_DEG = 15.0, 15.0
BETTER_BY = 0.002
"""Least gain in correlation for which the organ's own registration is taken [P]."""
BEGUN_MM = (-10.0, 0.0, 10.0)
"""Starts along the body: breathing moves organs that way."""
CT_RIM_MM = 8.0
MOST = 100_000


@dataclass(frozen=True, eq=False)
class OrganRegistration:
    """How one organ lay in a scan.

    `transform` takes reference points to the same tissue in the scan (LPS mm); it is that of the
    whole body where `taken` is false. `shift_mm` is the further movement of the organ's centre,
    `turn_deg` its further turn. Similarities are correlations over the organ and its rim, before
    (by the body's registration) and after.
    """

    transform: Rigid
    taken: bool
    shift_mm: float
    turn_deg: float
    similarity_before: float
    similarity: float
    notes: tuple[Note, ...]


@dataclass(frozen=True, eq=False)
class _Pair:
    """What is laid on what, coarse then fine, and where likeness is measured."""

    steps: tuple[tuple[Samples, Level], ...]
    around: Samples
    scaled: bool
    middle_mm: Float


def register_organ(
    fixed: Image, moving: Image, mask: Image, start: Rigid, *, where: str
) -> OrganRegistration:
    """Register one organ from CT to CT (HU).

    `mask` is the organ's fractional mask in the frame of `fixed`, `start` the registration of the
    body, `where` names organ and scan. Only the organ and 8 mm around it are compared. Notes:
    I-REG-LOCAL when the organ's own registration is taken; W-REG-LOCAL-BOUND when it would pass
    15 mm or 15 degrees, W-REG-LOCAL-UNSURE when it finds nothing better; then the body's stands.
    Errors: E-IMG-UNIT, E-IMG-NAN, E-IMG-REG when the organ lies outside a CT.
    """
    for image in (fixed, moving):
        _checked(image, {"HU"}, where)
    middle = middle_of(mask)
    here = ct_level(around(fixed, mask, Rigid.identity(), where))
    there = ct_level(around(moving, mask, start, where))
    steps = []
    for a, b in ((smoothed(smoothed(here)), smoothed(smoothed(there))), (here, there)):
        steps.append((samples(a, MOST, within=near(mask, a.grid, CT_RIM_MM)), b))
    pair = _Pair(tuple(steps), everywhere(here, near(mask, here.grid, CT_RIM_MM)), False, middle)
    return _registered(pair, start, where)


def register_organ_on_activity(
    activity: Image, mask: Image, start: Rigid, *, fwhm_mm: float, where: str
) -> OrganRegistration:
    """Lay one organ's outline, blurred as the camera does, on the activity of a scan.

    For organs that hold their activity evenly and stand out: uneven uptake or a hot neighbour
    pulls. `activity` may have any unit; gain and background are fitted. Notes and errors as in
    `register_organ`, without that of the unit.
    """
    _checked(activity, None, where)
    middle = middle_of(mask)
    blurred = template(mask, fwhm_mm)
    rim = near(mask, blurred.grid, fwhm_mm)
    part = around(activity, mask, start, where)
    there = Level(part.grid, np.ascontiguousarray(part.array, dtype=np.float32))
    taken = samples(blurred, MOST, within=rim)
    pair = _Pair(((taken, there),), everywhere(blurred, rim), True, middle)
    return _registered(pair, start, where)


def moved_region(region: Region, body: Rigid, organ: Rigid) -> Region:
    """The region where `body` must find it to lay it on the scan as `organ` does.

    Only its grids move. The masks themselves, and so volume and surface, stay what they are.
    """
    back = body.inverse()
    turn = back.rotation @ organ.rotation
    moved = np.eye(4)
    moved[:3, :3], moved[:3, 3] = turn, back.apply(organ.translation_mm)

    def laid(image: Image) -> Image:
        return Image(Grid(image.grid.shape, moved @ image.grid.affine), image.array, image.unit)

    return replace(region, mask=laid(region.mask), edge=laid(region.edge))


def _registered(pair: _Pair, start: Rigid, where: str) -> OrganRegistration:
    before = _alike(pair, start)
    tried = [_found(pair, start, along) for along in BEGUN_MM]
    moves = [(_alike(pair, moved), moved) for moved in tried if moved is not None]
    if not moves:
        return _kept(start, before, note("W-REG-LOCAL-UNSURE", where=where, value=before))
    after, best = max(moves, key=lambda row: row[0])
    shift = float(np.linalg.norm(best.apply(pair.middle_mm) - start.apply(pair.middle_mm)))
    turn = Rigid(start.rotation.T @ best.rotation, np.zeros(3)).angle_deg
    if after < before + BETTER_BY:
        return _kept(start, before, note("W-REG-LOCAL-UNSURE", where=where, value=before))
    if shift > SHIFT_MOST_MM or turn > TURN_MOST_DEG:
        beyond = note("W-REG-LOCAL-BOUND", where=where, value=shift, turn=turn,
                      limit=SHIFT_MOST_MM, most=TURN_MOST_DEG)  # fmt: skip
        return _kept(start, before, beyond)
    told = note("I-REG-LOCAL", where=where, value=shift, turn=turn)
    return OrganRegistration(best, True, shift, turn, before, after, (told,))


def _kept(start: Rigid, before: float, why: Note) -> OrganRegistration:
    return OrganRegistration(start, False, 0.0, 0.0, before, before, (why,))


def _found(pair: _Pair, start: Rigid, along_mm: float) -> Rigid | None:
    moved: Rigid | None = Rigid(
        start.rotation, start.translation_mm + np.array([0.0, 0.0, along_mm])
    )
    for taken, other in pair.steps:
        if moved is None:
            return None
        moved = refined(taken, other, moved, middle_mm=pair.middle_mm, scaled=pair.scaled)
    return moved


def _alike(pair: _Pair, moved: Rigid) -> float:
    seen = read(pair.steps[-1][1], moved, pair.around.points_mm)
    return correlation(pair.around.values, seen)[0]


def _checked(image: Image, units: set[str] | None, where: str) -> None:
    if units is not None and image.unit not in units:
        raise refusal("E-IMG-UNIT", where=where, unit=image.unit, wanted=", ".join(units))
    if not np.isfinite(image.array).all():
        raise refusal("E-IMG-NAN", where=where)
