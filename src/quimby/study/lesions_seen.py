"""Lesions of two cycles brought into one frame, and their doses carried from name to name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from quimby.core.grid import Rigid
from quimby.core.notes import Note
from quimby.core.uncertain import Uncertain, combine, exact, total
from quimby.measure.occupancy import placed
from quimby.measure.regions import Region
from quimby.measure.registration import register
from quimby.measure.scans import CtScan
from quimby.measure.spect_registration import laying, register_on_activity
from quimby.study.cycle import Cycle
from quimby.study.lesions import Followed, Lesion, follow
from quimby.study.result import Exposure, LesionChange, RegionResult

Point = tuple[float, float, float]
OVERLAP_POINTS = 2
"""Divisions of a voxel along each axis: enough for a share that is held against 30 %."""


def follow_cycles(before: Cycle, now: Cycle) -> tuple[Followed, tuple[Note, ...]]:
    """The lesions of one measured cycle in the next, and notes of the CTs' registration."""
    then, today = _lesions(before), _lesions(now)
    if not then or not today:
        return follow(_seen(then, Rigid.identity()), _seen(today, Rigid.identity()), {},
                      where=now.given.id), ()  # fmt: skip
    moved, notes = _between(before, now)
    common = {(b.name, n.name): ml for b in then for n in today
              if (ml := _common_ml(b, n, moved)) > 0}  # fmt: skip
    assert now.given.outlines is not None
    found = follow(_seen(then, moved), _seen(today, Rigid.identity()), common,
                   said=now.given.outlines.same_as, where=now.given.id)  # fmt: skip
    return found, notes


def changes(
    followed: Followed, before: Sequence[RegionResult], now: Sequence[RegionResult],
    cycles: tuple[int, int],
) -> tuple[LesionChange, ...]:  # fmt: skip
    """Every event with volumes and doses of both cycles, for the result.

    `before` and `now` are the regions of two measured cycles, `cycles` their numbers.
    """
    then, today = ({r.name: r for r in rows} for rows in (before, now))
    found = []
    for event in followed.events:
        had, has = ([rows[n] for n in names]
                    for rows, names in ((then, event.before), (today, event.now)))  # fmt: skip
        found.append(LesionChange(event.kind, event.before, event.now, *cycles,
                                  _volume(had), _volume(has), _dose(had), _dose(has)))  # fmt: skip
    return tuple(found)


def _volume(rows: Sequence[RegionResult]) -> Uncertain | None:
    return total([r.volume_ml for r in rows]) if rows else None


def _dose(rows: Sequence[RegionResult]) -> Uncertain | None:
    if not rows:
        return None
    return _by_mass([r.absorbed_dose_gy for r in rows], [r.mass_g for r in rows])


def _lesions(cycle: Cycle) -> list[Region]:
    names = {r.name for r in cycle.regions if r.organ == "lesion"}
    return [r for r in cycle.quantified.regions.organs if r.name in names]


def _between(before: Cycle, now: Cycle) -> tuple[Rigid, tuple[Note, ...]]:
    """From the points of the earlier reference to the later one's; one image needs none.

    Without a CT in both, the earlier outlines are laid on the activity of a later scan.
    """
    first, second = before.inputs.outlined, now.inputs.outlined
    where = f"{now.given.id} on {before.given.id}"
    if first.files == second.files:
        return Rigid.identity(), ()
    if isinstance(first, CtScan) and isinstance(second, CtScan):
        found = register(first.image, second.image, where=where)
        return found.transform, found.notes
    later = now.quantified.readings[0]
    spread = now.inputs.camera.point_spread
    made = laying(before.quantified.regions, fwhm_mm=spread.fwhm_mm if spread else 0.0)
    laid = register_on_activity(made, later.visit.scan.image, where=where)
    back = later.registration.transform.inverse()
    moved = Rigid(back.rotation @ laid.transform.rotation,
                  back.apply(laid.transform.translation_mm))  # fmt: skip
    return moved, laid.notes


def _seen(lesions: Sequence[Region], moved: Rigid) -> list[Lesion]:
    return [Lesion(r.name, _moved(_centre(r), moved), r.volume_ml) for r in lesions]


def _centre(region: Region) -> Point:
    k, j, i = ndimage.center_of_mass(region.mask.array)
    x, y, z = region.mask.grid.points_mm((i, j, k))
    return float(x), float(y), float(z)


def _moved(point: Point, moved: Rigid) -> Point:
    x, y, z = moved.apply(np.array(point))
    return float(x), float(y), float(z)


def _common_ml(before: Region, now: Region, moved: Rigid) -> float:
    """Volume that both hold, the lesser occupancy of each voxel of the later mask."""
    part = placed(before.mask, now.mask.grid, moved, divide=OVERLAP_POINTS)
    if not part.array.size:
        return 0.0
    both = np.minimum(part.array, now.mask.array[part.box])
    return float(both.sum(dtype=np.float64)) * now.mask.grid.voxel_ml


def carried_on(
    exposures: Sequence[Exposure], followed: Followed, masses_g: Mapping[str, Uncertain],
    cycle: str,
) -> list[Exposure]:  # fmt: skip
    """Doses to lesions under the names of the next cycle; `masses_g` are those of then.

    A part of a split lesion takes on its dose; a merged one takes the mean by mass, what was not
    outlined in some cycle counting as without dose then. Of one that is gone or unclear the dose
    keeps its name with the cycle, and adds to nothing.
    """
    found = []
    for what in dict.fromkeys((e.what, e.date) for e in exposures):
        doses = {e.organ: e for e in exposures if (e.what, e.date) == what}
        for event in followed.events:
            had = [b for b in event.before if b in doses]
            if not had:
                continue
            if event.kind in ("gone", "unclear"):
                found += [replace(doses[b], organ=f"{b}, {cycle}") for b in had]
            else:
                one = _mean(event.before, doses, masses_g)
                found += [replace(one, organ=name) for name in event.now]
        known = {b for e in followed.events for b in e.before}
        found += [e for name, e in doses.items() if name not in known]
    return found


def _mean(
    names: Sequence[str], doses: Mapping[str, Exposure], masses_g: Mapping[str, Uncertain]
) -> Exposure:
    """One exposure of several lesions, mean by mass."""
    first = doses[next(b for b in names if b in doses)]
    if len(names) == 1:
        return first
    masses = [masses_g[b] for b in names]
    none = exact(0.0)
    gy = [doses[b].dose_gy if b in doses else none for b in names]
    beds = [doses[b].bed_gy if b in doses else none for b in names]
    known = [b for b in beds if b is not None]
    return replace(first, dose_gy=_by_mass(gy, masses),
                   bed_gy=_by_mass(known, masses) if len(known) == len(beds) else None)  # fmt: skip


def _by_mass(values: Sequence[Uncertain], masses: Sequence[Uncertain]) -> Uncertain:
    whole = sum(m.value for m in masses)
    mean = sum(v.value * m.value for v, m in zip(values, masses, strict=True)) / whole
    slopes = [(v, m.value / whole) for v, m in zip(values, masses, strict=True)]
    slopes += [(m, (v.value - mean) / whole) for v, m in zip(values, masses, strict=True)]
    return combine(mean, *slopes)
