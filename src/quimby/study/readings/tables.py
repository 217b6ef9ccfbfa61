"""Step 1: every table of one administration, read, in order of time, with its device."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from quimby.core.notes import Note, note, refusal
from quimby.core.time import aware, hours_between
from quimby.core.uncertain import Uncertain
from quimby.devices.counting_device import Device, read_device
from quimby.measure.readings import checks
from quimby.measure.readings.mapping import ColumnMap, column_map
from quimby.measure.readings.reading import Reading, read
from quimby.measure.readings.suggest import suggest
from quimby.measure.readings.table import Table, read_table
from quimby.physics.nuclides import Nuclide, nuclide
from quimby.study.administered import administered_activity
from quimby.study.counted import Readings as Given
from quimby.study.document import Administration, StudyDocument
from quimby.study.files import Shelf
from quimby.study.result import InputFile

MEASURES = {
    "whole_body": "whole-body retention", "thyroid_counts": "thyroid uptake",
    "thyroid_uptake": "thyroid uptake", "blood_samples": "sample activity",
    "blood_concentration": "sample activity", "urine": "activity",
}  # fmt: skip
"""What is measured by each route, in the words of the QC calendar."""


COUNTED = ("whole_body", "thyroid_counts", "blood_samples")
"""Routes whose device must be known before anything is signed."""


@dataclass(frozen=True, eq=False)
class Read:
    """One table: its rows for this patient in order of time, and what measured them."""

    given: Given
    rows: tuple[Reading, ...]
    device: Device | None

    @property
    def device_words(self) -> str:
        """The device as a report names it."""
        d = self.device
        return f"{d.kind} {d.manufacturer} {d.model}, {d.serial}" if d else ""


@dataclass(frozen=True, eq=False)
class Tables:
    """All that one administration's readings start from. Times are h after `started_at`."""

    administration: Administration
    started_at: datetime
    administered_mbq: Uncertain
    substance: Nuclide  # measured
    wanted: Nuclide  # of the therapy
    read: tuple[Read, ...]
    files: tuple[InputFile, ...]
    notes: tuple[Note, ...]

    def of(self, *kinds: str) -> tuple[Read, ...]:
        """The tables of these kinds."""
        return tuple(r for r in self.read if r.given.kind in kinds)

    def hours(self, at: datetime | None, device: Device | None = None) -> float:
        """Hours since the start of administration, by the device's true clock."""
        assert at is not None
        return hours_between(self.started_at, device.true_time(at).at if device else at)


def read_tables(
    document: StudyDocument, given: Administration, therapy_nuclide: str, shelf: Shelf
) -> Tables:
    """Read every table that one administration names.

    Raises E-STUDY-KEY for a missing activity or time, what the readers raise, E-READ-PATIENTS.
    """
    started, substance = started_at(document, given), nuclide(given.nuclide)
    cause = f"administered activity, {given.id}"
    administered, notes = administered_activity(given, started, substance, zone=document.zone,
                                                cause=cause)  # fmt: skip
    found = list(notes)
    files: list[InputFile] = []
    if given.meter:
        meter = read_device(shelf.path(given.meter))
        files.append(shelf.entry("activity meter", [shelf.path(given.meter)]))
        found += meter.notes_for("activity", on=started.date())
    tables = []
    for one in given.own_readings:
        made, seen, entries = read_one(one, document, shelf, started)
        tables.append(made)
        found += seen
        files += entries
    return Tables(given, started, administered, substance, nuclide(therapy_nuclide),
                  tuple(tables), tuple(files), tuple(found))  # fmt: skip


def started_at(document: StudyDocument, given: Administration) -> datetime:
    """Start of an administration, aware; E-STUDY-KEY where activity or time is missing."""
    for key in ("activity", "at"):
        if not getattr(given, key):
            raise refusal("E-STUDY-KEY", where=f"study {document.id}",
                          problem=f"administrations.{given.id}.{key} is missing.")  # fmt: skip
    return aware(given.at or "", where=f"administration {given.id}", zone=document.zone)


def read_one(
    one: Given, document: StudyDocument, shelf: Shelf, started: datetime
) -> tuple[Read, list[Note], list[InputFile]]:
    """One table: its rows for this patient in order of time, its device, what was noted."""
    path = shelf.path(one.table)
    table = replace(read_table(path, sheet=one.sheet), file=one.table)
    found = read(table, _mapping(one, table, document, shelf))
    rows = checks.of_patient(found.readings, _whose(one, document, found.readings))
    rows, order = checks.in_time_order(rows, administered_at=started)
    notes = [*found.notes, *order, *checks.check_net(rows)]
    files = [shelf.entry(f"{one.id}, {one.kind.replace('_', ' ')}", [path])]
    if one.mapping:
        files.append(shelf.entry(f"{one.id}, mapping", [shelf.path(one.mapping)]))
    if one.device is None:
        notes += [note("S-DEV-UNKNOWN", where=one.id)] if one.kind in COUNTED else []
        return Read(one, rows, None), notes, files
    device = read_device(shelf.path(one.device))
    files.append(shelf.entry(f"{one.id}, device", [shelf.path(one.device)]))
    notes += _device_notes(device, rows, MEASURES.get(one.kind))
    return Read(one, rows, device), notes, files


def _mapping(one: Given, table: Table, document: StudyDocument, shelf: Shelf) -> ColumnMap:
    """The confirmed mapping, or a template's own; naive clocks take the study's zone."""
    if one.mapping:
        path: Path = shelf.path(one.mapping)
        columns = column_map(path.read_text("utf-8"), where=one.mapping)
    else:
        columns = suggest(table, one.kind).columns
    if columns.route != one.kind:
        raise refusal("E-STUDY-ROUTE", where=one.mapping or one.table, asked=one.kind,
                      found=columns.route)  # fmt: skip
    return columns if columns.zone else replace(columns, zone=document.zone or "")


def _whose(one: Given, document: StudyDocument, rows: Iterable[Reading]) -> str:
    """Whose rows are meant; a table that names nobody is the patient's."""
    named = any(r.patient for r in rows)
    return (one.patient or document.patient.id) if named else ""


def _device_notes(device: Device, rows: Sequence[Reading], measured: str | None) -> list[Note]:
    """The device's quality control on every day of use, and its clock."""
    used_at = [r.moments.get("counted", r.at) for r in rows]
    times = [t for t in used_at if t is not None]
    found: list[Note] = []
    if measured is not None:
        for on in sorted({t.date() for t in times}):
            found += device.notes_for(measured, on=on)
    for at in times:
        found += device.true_time(at).notes
    return found
