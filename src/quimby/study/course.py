"""The whole course: earlier exposures, and the other cycles of the same document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from quimby import therapies
from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, note
from quimby.core.uncertain import Uncertain
from quimby.study.cycle import Cycle
from quimby.study.document import StudyDocument
from quimby.study.doses import with_totals
from quimby.study.lesions_seen import carried_on, changes, follow_cycles
from quimby.study.result import Exposure, LesionChange, RegionResult
from quimby.study.unmeasured import Unmeasured, unmeasured

OF_A_CYCLE = ("counts,", "registration,", "repeatability,", "background,", "curve fit")
"""How causes of doubt begin that belong to one cycle's own scans."""


def earlier(document: StudyDocument) -> list[Exposure]:
    """Doses from before, as the study gives them; organs by their canonical name."""
    found = []
    for number, row in enumerate(document.earlier, start=1):
        cause = f"earlier dose {number}, {row.organ}"
        found.append(Exposure(
            organ=_canonical(row.organ), what=row.what, date=row.date,
            dose_gy=Uncertain(row.dose, {cause: row.dose_u * row.dose}),
            bed_gy=None if row.bed is None else Uncertain(row.bed, {cause: row.dose_u * row.bed}),
        ))  # fmt: skip
    return found


def _canonical(organ: str) -> str:
    try:
        named = therapies.organ(organ)
    except QuimbyError:
        return organ
    return organ if named.name == "lesion" else named.name


def as_exposures(cycle: Cycle) -> list[Exposure]:
    """An earlier cycle of this document, as doses that count in the totals.

    An organ with two sides counts once, as the pair.
    """
    return [_exposure(r, cycle) for r in own_rows(cycle)]


def _exposure(r: RegionResult, cycle: Cycle) -> Exposure:
    return Exposure(
        r.name if r.organ == "lesion" else r.organ, f"cycle {cycle.given.cycle}, measured",
        cycle.inputs.started_at.date().isoformat(), r.absorbed_dose_gy, r.bed_gy,
    )  # fmt: skip


def own_rows(cycle: Cycle) -> list[RegionResult]:
    """A cycle's rows, pairs instead of their sides, with doubts of its own scans named for it."""
    return [_renamed(r, cycle) for r in _as_pairs(cycle)]


def _as_pairs(cycle: Cycle) -> list[RegionResult]:
    paired = {name for pair in cycle.pairs for name in pair.members}
    return [r for r in (*cycle.pairs, *cycle.regions) if r.name not in paired]


def _as_sides(cycle: Cycle, side: str) -> list[RegionResult]:
    """Rows with that side of each pair in its place; an organ outlined as one stays as it is."""
    members = {name for pair in cycle.pairs for name in pair.members}
    sided = {r.organ: r for r in cycle.regions if r.name in members and r.side == side}
    return [sided.get(r.organ, r) if r.members else r for r in _as_pairs(cycle)]


def _renamed(r: RegionResult, cycle: Cycle) -> RegionResult:
    """A row with doubts of the cycle's own scans named for it."""
    return replace(
        r, absorbed_dose_gy=_of_cycle(r.absorbed_dose_gy, cycle),
        dose_per_activity_gy_per_gbq=_of_cycle(r.dose_per_activity_gy_per_gbq, cycle),
        bed_gy=None if r.bed_gy is None else _of_cycle(r.bed_gy, cycle),
    )  # fmt: skip


def _of_cycle(value: Uncertain, cycle: Cycle) -> Uncertain:
    """Doubts of an earlier cycle's own scans get its name, so that they stay independent.

    Camera, population and outlines are the same sources in every cycle, and stay shared.
    """
    return Uncertain(value.value, {
        f"{cause}, {cycle.given.id}" if cause.startswith(OF_A_CYCLE) else cause: part
        for cause, part in value.parts.items()
    })  # fmt: skip


@dataclass(frozen=True, eq=False)
class Course:
    """The reported cycle with the course's totals, what they hold, and what is to be told."""

    cycle: Cycle
    exposures: tuple[Exposure, ...]
    last: int  # number of the last cycle that the totals hold
    notes: tuple[Note, ...]
    lesions: tuple[LesionChange, ...] = ()


def whole(document: StudyDocument, cycles: Sequence[Cycle]) -> Course:
    """Totals of the last measured cycle: all cycles, measured or not, and earlier exposures.

    Lesions are followed by their tissue from each measured cycle to the next, so that doses add
    under the names of the last. Raises E-LES-NAME, and what registration raises.
    """
    reported = cycles[-1]
    others = unmeasured(document, cycles, [_last_as_is(c, reported) for c in cycles])
    organs, lesions, notes = list[Exposure](), list[Exposure](), list(others.notes)
    told_of: list[LesionChange] = []
    for number, cycle in enumerate(cycles):
        own = as_exposures(cycle) if cycle is not reported else []
        carried = [e for e, of in others.exposures if of == number]
        names = {r.name for r in cycle.regions if r.organ == "lesion"}
        organs += [e for e in (*own, *carried) if e.organ not in names]
        lesions += [e for e in (*own, *carried) if e.organ in names]
        if cycle is not reported:
            later = cycles[number + 1]
            found, told = follow_cycles(cycle, later)
            told_of += changes(found, cycle.regions, later.regions,
                               (cycle.given.cycle, later.given.cycle))  # fmt: skip
            masses = {r.name: r.mass_g for r in cycle.regions}
            lesions = carried_on(lesions, found, masses, cycle.given.id)
            notes += [*found.notes, *told]
    exposures = [*earlier(document), *sorted([*organs, *lesions], key=lambda e: e.date)]
    sides = {side: _of_side(document, cycles, side) for side in ("left", "right")}
    counted, seen = _counted(reported, exposures, sides)
    notes += [*seen, *_unknown(reported, exposures, others)]
    return Course(counted, tuple(exposures), _last(reported, others), tuple(notes),
                  tuple(told_of))  # fmt: skip


def _last_as_is(cycle: Cycle, reported: Cycle) -> list[RegionResult]:
    """Rows to draw other cycles from: the reported cycle's doubts keep their names."""
    return own_rows(cycle) if cycle is not reported else _as_pairs(cycle)


def _of_side(document: StudyDocument, cycles: Sequence[Cycle], side: str) -> list[Exposure]:
    """What one side of the pairs got besides the reported cycle: its own doses, not the pair's."""
    reported, found = cycles[-1], earlier(document)
    rows = [[r if c is reported else _renamed(r, c) for r in _as_sides(c, side)] for c in cycles]
    for cycle, own in zip(cycles[:-1], rows, strict=False):
        found += [_exposure(r, cycle) for r in own if r.organ != "lesion"]
    return [*found, *(e for e, _ in unmeasured(document, cycles, rows).exposures)]


def _counted(
    cycle: Cycle, exposures: Sequence[Exposure], sides: Mapping[str, Sequence[Exposure]]
) -> tuple[Cycle, list[Note]]:
    """The cycle with totals; the side of a pair adds up by itself."""
    paired = {name for pair in cycle.pairs for name in pair.members}
    notes: list[Note] = []

    def of(row: RegionResult) -> Sequence[Exposure]:
        return sides.get(row.side, exposures) if row.name in paired else exposures

    def summed(rows: Sequence[RegionResult]) -> tuple[RegionResult, ...]:
        found = [with_totals(row, of(row)) for row in rows]
        notes.extend(n for _, seen in found for n in seen)
        return tuple(row for row, _ in found)

    return replace(cycle, regions=summed(cycle.regions), pairs=summed(cycle.pairs)), notes


def _last(reported: Cycle, others: Unmeasured) -> int:
    return max([reported.given.cycle, *others.cycles])


def _unknown(cycle: Cycle, exposures: Sequence[Exposure], others: Unmeasured) -> tuple[Note, ...]:
    """W-COURSE-UNKNOWN for a later cycle of which nothing earlier is told."""
    now = cycle.given.cycle
    if now > 1 and not exposures and not others.notes:
        return (note("W-COURSE-UNKNOWN", where=cycle.given.id, value=now),)
    return ()
