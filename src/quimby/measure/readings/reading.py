"""Rows of a table as readings: Quimby's units, aware times, and the cell each came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, gathered, note, refusal
from quimby.measure.readings.cells import Quantity, answer, quantity
from quimby.measure.readings.mapping import IGNORED, ColumnMap, check_fit, misfits, missing
from quimby.measure.readings.routes import Field, Route, route
from quimby.measure.readings.table import Cell, Table
from quimby.measure.readings.template import example_row
from quimby.measure.readings.times import day, joined, moment

Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One row. Quantities are in Quimby's unit of their kind; `at` is aware, in the zone written.

    `moments` and `days` hold every time of the row by field, `answers` its choices and texts.
    """

    route: str
    where: str
    at: datetime | None
    quantities: Mapping[str, Quantity]
    moments: Mapping[str, datetime] = field(default_factory=dict)
    days: Mapping[str, date] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)

    def value(self, key: str) -> float:
        """The number of a field, in Quimby's unit; KeyError where it was left empty."""
        return self.quantities[key].value

    @property
    def patient(self) -> str:
        """Whose it is, where the table says so."""
        return self.answers.get("patient", "")


@dataclass(frozen=True, slots=True)
class Readings:
    """All readings of a table, in its order, with what was noticed on the way."""

    route: str
    readings: tuple[Reading, ...]
    notes: tuple[Note, ...]


def read(table: Table, columns: ColumnMap) -> Readings:
    """The readings of a table by a confirmed mapping.

    Raises what `mapping.check_fit` raises; E-UNIT, E-READ-… and E-TIME-… with file, sheet, row
    and column for the first cell that cannot be read (see `problems` for all of them).
    """
    check_fit(table, columns)
    reader = _Reader(table, columns, route(columns.route))
    rows = [(row, reader.example(row)) for row in table.rows]
    read_rows = tuple(reader.reading(row) for row, example in rows if not example)
    if not read_rows:
        raise refusal("E-TAB-EMPTY", where=table.file, what="no row of readings below the headers")
    return Readings(columns.route, read_rows, gathered([*table.notes, *reader.notes]))


def problems(
    table: Table, columns: ColumnMap, *, before_confirming: bool = False
) -> tuple[QuimbyError, ...]:
    """Everything for which the table cannot be read, cell by cell; empty where `read` reads it.

    With `before_confirming` a mapping that nobody confirmed yet is judged like a confirmed one.
    """
    if not before_confirming and not columns.confirmed_by:
        return (refusal("E-READ-UNCONFIRMED", where=table.file, count=len(columns.columns)),)
    found = misfits(table, columns)
    if any(error.code != "E-READ-NO-FIELD" for error in found):
        return tuple(found)
    reader = _Reader(table, columns, route(columns.route))
    for row in table.rows:
        found += reader.faults(row)
    # a column without a unit, or clocks without a zone, are one fault, not fifty
    zoneless = [error for error in found if error.code == "E-TIME-ZONE"]
    kept = [error for error in found if error not in zoneless[1:]]
    return tuple({str(error): error for error in kept}.values())


class _Reader:
    """One pass over a table: the route's fields, the cells for them, the notes gathered."""

    def __init__(self, table: Table, columns: ColumnMap, found: Route) -> None:
        self.table, self.columns, self.route = table, columns, found
        self.absent = {f.key for f in missing(columns)}  # said once, of the whole table
        self.notes: list[Note] = [*self._unread(), *self._zone()]

    def example(self, row: Row) -> bool:
        """Whether it is the template's example; E-READ-EXAMPLE where it was written over."""
        marked = example_row(row, self.route)
        if marked is None:
            return False
        where = self.table.row_where(row)
        if marked != "as printed":
            raise refusal("E-READ-EXAMPLE", where=where, mark=row[0].text)
        self.notes.append(note("I-READ-EXAMPLE", where=where))
        return True

    def reading(self, row: Row) -> Reading:
        answers = {f.key: v for f in self._of("text", "choice") if (v := self._answer(row, f))}
        excused = answers.get("state", "") in self.route.excused
        moments = {f.key: m for f in self._of("moment") if (m := self._moment(row, f))}
        days = {f.key: d for f in self._of("day") if (d := self._day(row, f))}
        given = {f.key: q for f in self.route.fields if (q := self._quantity(row, f))}
        if excused:
            self.notes.append(note("I-READ-LOST", where=self.table.row_where(row),
                                   state=answers["state"]))  # fmt: skip
        else:
            for error in self._missing(row, {*answers, *moments, *days, *given}):
                raise error
        given = self._timed(given, excused=excused)
        at = moments.get(self.route.at)
        where = self.table.row_where(row)
        return Reading(self.route.id, where, at, given, moments, days, answers)

    def faults(self, row: Row) -> list[QuimbyError]:
        """Every fault of a row: of each cell, then what is missing, then counts without time."""
        try:
            if not self.example(row):
                self.reading(row)
        except QuimbyError as error:
            first = error
        else:
            return []
        found: list[QuimbyError] = []
        given: set[str] = set()
        for f in self.route.fields:
            try:
                given |= {f.key} if self._value(row, f) else set()
            except QuimbyError as error:
                found.append(error)
                given.add(f.key)
        found += [] if self._excused(row) else self._missing(row, given)
        return found if first.code != "E-READ-EXAMPLE" and found else [first]

    def _value(self, row: Row, f: Field) -> object:
        """What a field's cell holds; a falsy value where it is empty."""
        kind = f.kinds[0]
        if kind in ("text", "choice"):
            return self._answer(row, f)
        if kind == "moment":
            return self._moment(row, f)
        return self._day(row, f) if kind == "day" else self._quantity(row, f)

    def _excused(self, row: Row) -> bool:
        if not self.route.excused:
            return False
        try:
            return self._answer(row, self.route.field("state")) in self.route.excused
        except QuimbyError:
            return False

    def _of(self, *kinds: str) -> list[Field]:
        return [f for f in self.route.fields if f.kinds[0] in kinds]

    def _cell(self, row: Row, key: str) -> Cell | None:
        name = self.columns.of(key)
        cell = row[self.table.names.index(name)] if name is not None else None
        return None if cell is None or cell.empty else cell

    def _answer(self, row: Row, f: Field) -> str:
        cell = self._cell(row, f.key)
        return answer(cell, f, where=self.table.where(cell)) if cell else ""

    def _moment(self, row: Row, f: Field) -> datetime | None:
        zone, order = self.columns.zone or None, self.columns.date_order
        cell, epoch = self._cell(row, f.key), self.table.epoch
        if cell:
            where = self.table.where(cell)
            return moment(cell.content, where=where, zone=zone, order=order, epoch=epoch)
        on, clock = (self._cell(row, f"{f.key}.{part}") for part in ("date", "clock"))
        if not on and not clock:
            return None
        where = self.table.where(on or clock or row[0])
        both = (on.content if on else None, clock.content if clock else None)
        return joined(*both, where=where, zone=zone, order=order, epoch=epoch)

    def _day(self, row: Row, f: Field) -> date | None:
        cell = self._cell(row, f.key)
        if not cell:
            return None
        where, order = self.table.where(cell), self.columns.date_order
        return day(cell.content, where=where, order=order, epoch=self.table.epoch)

    def _quantity(self, row: Row, f: Field) -> Quantity | None:
        cell = None if f.plain else self._cell(row, f.key)
        if cell is None:
            return None
        found, notes = quantity(cell, f, self.table, self.columns)
        self.notes += notes
        return found

    def _missing(self, row: Row, given: set[str]) -> list[QuimbyError]:
        """E-READ-MISSING for each field that is needed, alone or beside another, and is empty."""
        empty = [f.key for f in self.route.fields if f.required and f.key not in given]
        for keys in self.route.together:
            part = [k for k in keys if k not in given]
            empty += part if len(part) < len(keys) else []
        where = self.table.row_where(row)
        return [refusal("E-READ-MISSING", where=where, column=self.columns.of(key) or key)
                for key in empty if key not in self.absent]  # fmt: skip

    def _timed(self, given: Mapping[str, Quantity], *, excused: bool) -> dict[str, Quantity]:
        """Every count with the time it was counted for, from its header or the row."""
        timed = dict(given)
        for key, q in given.items():
            live = self.route.field(key).live
            if q.kind != "counts" or q.live_s is not None:
                continue
            if live in given:
                timed[key] = q.counted_for(given[live].value)
            elif not excused:
                name = self.columns.of(live) or live or "live time"
                raise refusal("E-READ-LIVE", where=q.where, column=name)
        return timed

    def _unread(self) -> list[Note]:
        left = [h for h, key in self.columns.columns.items() if key == IGNORED]
        text = ", ".join(f'"{h}"' for h in left)
        return [note("I-READ-COLUMN", where=self.table.file, columns=text)] if left else []

    def _zone(self) -> list[Note]:
        zone = self.columns.zone
        return [note("I-TIME-ZONE", where=self.table.file, zone=zone)] if zone else []
