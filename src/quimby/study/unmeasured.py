"""Cycles that were given and not measured: doses from the measured ones, with their doubt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, note
from quimby.core.time import aware
from quimby.core.uncertain import Uncertain
from quimby.kinetics.reduced import another_cycle, between_cycles
from quimby.physics.nuclides import nuclide
from quimby.study.administered import administered_activity
from quimby.study.cycle import Cycle
from quimby.study.document import Administration, EarlierExposure, StudyDocument
from quimby.study.result import Exposure, RegionResult
from quimby.therapies import organ as named_organ

Rows = Sequence[RegionResult]


@dataclass(frozen=True, eq=False)
class Unmeasured:
    """Exposures of cycles not measured, each with the number of the measured one it names.

    That number, in the order of measured cycles, says in whose names lesions are called.
    """

    exposures: tuple[tuple[Exposure, int], ...]
    cycles: tuple[int, ...]  # numbers of the cycles counted
    notes: tuple[Note, ...]


def unmeasured(document: StudyDocument, cycles: Sequence[Cycle], rows: Sequence[Rows]
               ) -> Unmeasured:  # fmt: skip
    """Doses of every therapy cycle without scans, `rows` being those of each measured cycle.

    Between two measured cycles an organ's dose per activity lies on a line; else, and for lesions,
    it is that of the last measured cycle before, or the first after. Organs whose dose is given
    under [[earlier]] with the cycle's name are left to it. W-COURSE-UNMEASURED,
    W-COURSE-UNCOUNTED, I-TIA-CARRIED, W-TIA-TUMOUR-CARRY.
    """
    found: list[tuple[Exposure, int]] = []
    counted: list[int] = []
    notes: list[Note] = []
    for given in document.administrations:
        if given.kind != "therapy" or given.scans:
            continue
        why = _why_not(given, cycles)
        if why:
            notes += _uncounted(given, cycles, why)
            continue
        more, seen = _of_one(given, document, cycles, rows)
        found += more
        notes += seen
        counted.append(given.cycle)
    return Unmeasured(tuple(found), tuple(counted), tuple(notes))


def _uncounted(given: Administration, cycles: Sequence[Cycle], why: str) -> list[Note]:
    """A cycle still to come needs no dose yet."""
    planned = given.activity is None and given.cycle > cycles[-1].given.cycle
    return [] if planned else [note("W-COURSE-UNCOUNTED", where=given.id, why=why)]


def _why_not(given: Administration, cycles: Sequence[Cycle]) -> str:
    if given.activity is None or given.at is None:
        return "its activity or its time is not given"
    if nuclide(given.nuclide).name != cycles[-1].setting.nuclide.name:
        return f"it was {nuclide(given.nuclide).name}"
    return ""


def _of_one(
    given: Administration, document: StudyDocument, cycles: Sequence[Cycle], rows: Sequence[Rows]
) -> tuple[list[tuple[Exposure, int]], list[Note]]:
    assert given.at is not None
    started = aware(given.at, where=given.id, zone=document.zone)
    substance = nuclide(given.nuclide)
    activity, notes_of_activity = administered_activity(given, started, substance,
                                                        zone=document.zone)  # fmt: skip
    source, after = _sources(given.cycle, cycles)
    known = [e.organ for e in map(_canonical, document.earlier) if _names(e, given)]
    found, lesions = [], False
    for row in rows[source]:
        key = row.name if row.organ == "lesion" else row.organ
        if key in known:
            continue
        lesions = lesions or row.organ == "lesion"
        later = None if after is None or row.organ == "lesion" else _like(row, rows[after])
        share = _share(given.cycle, cycles, source, after)
        dose, in_bed = _carried(row, later, share, activity, given.id)
        found.append((Exposure(key, _what(given, cycles, source, after),
                               started.date().isoformat(), dose, in_bed), source))  # fmt: skip
    notes = [*notes_of_activity]
    if found:
        said = _from(cycles, source, after)
        notes.append(
            note(
                "W-COURSE-UNMEASURED",
                where=given.id,
                source=said,
                name=given.id,
                organs=between_cycles("organ"),
                lesions=between_cycles("lesion"),
            )
        )
        notes.append(note("I-TIA-CARRIED", where=given.id, cycle=said))
    if lesions:
        notes.append(note("W-TIA-TUMOUR-CARRY", where=given.id))
    return found, notes  # fmt: skip


def _sources(cycle: int, cycles: Sequence[Cycle]) -> tuple[int, int | None]:
    """The measured cycle to draw from (the last before, or the first after), and the one after."""
    before = [i for i, c in enumerate(cycles) if c.given.cycle <= cycle]
    later = [i for i, c in enumerate(cycles) if c.given.cycle > cycle]
    if not before:
        return later[0], None
    return before[-1], later[0] if later else None


def _share(cycle: int, cycles: Sequence[Cycle], source: int, after: int | None) -> float:
    if after is None:
        return 0.0
    low, high = cycles[source].given.cycle, cycles[after].given.cycle
    return (cycle - low) / (high - low)


def _from(cycles: Sequence[Cycle], source: int, after: int | None) -> str:
    ids = [cycles[source].given.id, *([cycles[after].given.id] if after is not None else [])]
    return " and ".join(ids)


def _what(given: Administration, cycles: Sequence[Cycle], source: int, after: int | None) -> str:
    return f"cycle {given.cycle}, not measured: from {_from(cycles, source, after)}"


def _like(row: RegionResult, rows: Rows) -> RegionResult | None:
    return next((r for r in rows if (r.organ, r.side) == (row.organ, row.side)), None)


def _carried(
    row: RegionResult, later: RegionResult | None, share: float, activity: Uncertain, cycle: str
) -> tuple[Uncertain, Uncertain | None]:
    """Dose and BED of the cycle; BED - D grows with the square of the dose."""
    weight = share if later is not None else 0.0
    per_gbq, bend = row.dose_per_activity_gy_per_gbq.scaled(1 - weight), _bend(row)
    if later is not None:
        per_gbq = per_gbq + later.dose_per_activity_gy_per_gbq.scaled(weight)
        other = _bend(later)
        bend = None if bend is None or other is None else (
            bend.scaled(1 - weight) + other.scaled(weight))  # fmt: skip
    dose = another_cycle(per_gbq, activity, tissue=row.organ, cycle=cycle)
    return dose, None if bend is None else dose + bend * dose * dose


def _bend(row: RegionResult) -> Uncertain | None:
    """(BED - D)/D**2, 1/Gy: the Lea-Catcheside factor over alpha/beta."""
    if row.bed_gy is None:
        return None
    d = row.absorbed_dose_gy
    return (row.bed_gy - d) / (d * d)


def _canonical(row: EarlierExposure) -> EarlierExposure:
    try:
        found = named_organ(row.organ)
    except QuimbyError:
        return row
    return row if found.name == "lesion" else row.model_copy(update={"organ": found.name})


def _names(row: EarlierExposure, given: Administration) -> bool:
    """Whether an earlier dose is that of this administration: by its id, number or date."""
    words = row.what.lower()
    by_id = re.search(rf"(?<![\w-]){re.escape(given.id.lower())}(?![\w-])", words)
    by_number = re.search(rf"\bcycle {given.cycle}\b", words)
    same_day = given.at is not None and row.date == given.at.date().isoformat()
    return bool(by_id or by_number or same_day)
