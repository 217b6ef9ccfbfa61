"""One cell to one value of a field: its unit, its size, what it may not be."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from math import log
from typing import Any

from quimby.core.notes import Note, note, refusal
from quimby.core.units import HOUSE, KINDS
from quimby.measure.readings.mapping import ColumnMap
from quimby.measure.readings.numbers import number, number_and_unit
from quimby.measure.readings.routes import Field
from quimby.measure.readings.table import Cell, Table
from quimby.measure.readings.units import Unit, header, unit_of

POSITIVE = ("duration", "length", "volume", "mass")
"""Kinds that cannot be zero."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in `unit`, Quimby's own for its kind; what was written, and where it stands.

    `live_s` is the counting time of counts, s; `u` the standard uncertainty in `unit`, where the
    readings themselves tell it.
    """

    value: float
    unit: str
    kind: str
    written: str
    where: str
    live_s: float | None = None
    u: float | None = None

    @property
    def rate_cps(self) -> float:
        """Counts per second; ValueError for what is neither counts in a time nor a rate."""
        if self.kind == "count rate":
            return self.value
        if self.kind != "counts" or not self.live_s:
            raise ValueError(f"{self.where}: {self.kind} has no count rate")
        return self.value / self.live_s

    def counted_for(self, live_s: float) -> Quantity:
        """The same counts, with their counting time in s."""
        return replace(self, live_s=live_s)


def quantity(
    cell: Cell, field: Field, table: Table, columns: ColumnMap
) -> tuple[Quantity, tuple[Note, ...]]:
    """The value of a cell in Quimby's unit, and what is odd about it.

    Raises E-UNIT, E-READ-NUMBER, E-READ-AMBIGUOUS, E-READ-AS-DATE, E-READ-SLIP where another
    unit would make it plausible, E-READ-RANGE where it is impossible.
    """
    where = table.where(cell)
    raw, own = _raw(cell, where, columns.decimal)
    unit, notes = _unit(cell, field, table, columns, own=own)
    live = unit.live_s
    value = raw * unit.factor
    written = f"{cell.text}{' ' + _shown(unit) if not own or cell.unit else ''}".rstrip()
    found = Quantity(value, HOUSE[unit.kind], unit.kind, written, where, live)
    notes += _whole(found) + _plausible(found, raw, field, unit, accept=field.key in columns.accept)
    return found, notes


def _raw(cell: Cell, where: str, decimal: str) -> tuple[float, str]:
    """The number in a cell, and the unit written in the cell itself."""
    content = cell.content
    if isinstance(content, float):
        return content, cell.unit
    if isinstance(content, timedelta):
        return content.total_seconds(), "s"
    if isinstance(content, datetime | date | time):
        raise refusal("E-READ-AS-DATE", where=where, text=content)
    text, unit = number_and_unit(cell.text)
    return number(text, where=where, decimal=decimal), unit


def _unit(
    cell: Cell, field: Field, table: Table, columns: ColumnMap, *, own: str
) -> tuple[Unit, tuple[Note, ...]]:
    """The unit of a cell: its own, else its header's, else what the mapping says of the column."""
    name = columns.of(field.key) or ""
    written = header(name, field.kinds).unit
    if unit_of(written) is None:  # "front [monitor 2]" names no unit; one of another kind stands
        written = columns.units.get(name, written)
    of_column = unit_of(written, field.kinds) if written else None
    if own:
        found = unit_of(own, field.kinds)
        if found is None:
            raise _no_unit(own, field, table.where(cell))
        mixed = of_column is not None and of_column.factor != found.factor
        notes = (note("W-READ-UNIT-MIXED", where=table.where(cell), own=found.text,
                      column=written),) if mixed else ()  # fmt: skip
        return found, notes
    if of_column is None:
        raise _no_unit(written or name, field, _column_where(name, table))
    return of_column, ()


def _no_unit(text: str, field: Field, where: str) -> Exception:
    units = ", ".join(dict.fromkeys(u for kind in field.kinds for u in KINDS[kind]))
    example = f'{units}; in the header, as "{field.called("en")}"'
    return refusal("E-UNIT", where=where, text=text, kind=" or ".join(field.kinds), units=example)


def _column_where(name: str, table: Table) -> str:
    """The header's cell, and the span of what stands below it, as it is written."""
    head = next(cell for cell in table.header if cell.text == name)
    filled = [cell.text for cell in table.column(name) if not cell.empty]
    return f"{table.where(head)}; values {filled[0]} to {filled[-1]}"


def _whole(q: Quantity) -> tuple[Note, ...]:
    if q.kind == "counts" and q.value != round(q.value):
        return (note("W-READ-NOT-WHOLE", where=q.where, text=q.written),)
    return ()


def _plausible(
    q: Quantity, raw: float, field: Field, unit: Unit, *, accept: bool
) -> tuple[Note, ...]:
    outside = q.kind == field.kinds[0] and _outside(q.value, field)
    fits = _slips(raw, field, unit) if outside else []
    words: dict[str, Any] = {
        "written": q.written,
        "field": field.key,
        "unit": f" {_shown(unit)}".rstrip(),
    }
    words |= {
        n: float(f"{getattr(field, n) / unit.factor:.6g}") for n in ("low", "high") if outside
    }
    if fits and not accept:
        raise refusal("E-READ-SLIP", where=q.where, fits=" or ".join(fits), **words)
    _check_possible(q, field, unit)
    return (note("W-READ-OUTSIDE", where=q.where, **words),) if outside else ()


def _shown(unit: Unit) -> str:
    return "" if unit.text == HOUSE["fraction"] else unit.text


def _outside(value: float, field: Field) -> bool:
    low = field.low is not None and value < field.low
    return low or (field.high is not None and value > field.high)


def _slips(raw: float, field: Field, unit: Unit) -> list[str]:
    """Units of the same kind that would make the number plausible, the nearest three.

    A slip keeps its family: Bq for MBq, µCi for mCi.
    """
    other = ("rem/h",) if unit.text.endswith("Ci") else ("Ci", "rem/h")
    units = {u: f for u, f in KINDS[unit.kind].items() if not u.endswith(other)}
    units |= {"a fraction of one": 1.0} if unit.kind == "fraction" else {}
    near = sorted(units, key=lambda u: abs(log(units[u] / unit.factor)))
    return [u for u in near if units[u] != unit.factor and not _outside(raw * units[u], field)][:3]


def _check_possible(q: Quantity, field: Field, unit: Unit) -> None:
    below = field.least is not None and q.value < field.least
    above = field.most is not None and q.value > field.most
    if below or above or (q.kind in POSITIVE and q.value <= 0):
        must = "not be negative" if q.kind not in POSITIVE else "be above zero"
        if above and field.most is not None:
            must = f"not be above {field.most / unit.factor:g} {_shown(unit)}".rstrip()
        raise refusal("E-READ-RANGE", where=q.where, field=field.key, written=q.written, must=must)


def answer(cell: Cell, field: Field, *, where: str) -> str:
    """The text in a cell, or the choice that its word stands for; E-READ-CHOICE otherwise."""
    text = words_of(cell)
    if field.kinds[0] == "text":
        return text
    folded = text.casefold()
    for choice, words in field.choices.items():
        if folded == choice or folded in (w.casefold() for w in words):
            return choice
    known = "; ".join(", ".join(dict.fromkeys(words[:3])) for words in field.choices.values())
    raise refusal("E-READ-CHOICE", where=where, text=text, field=field.key, known=known)


def words_of(cell: Cell) -> str:
    """A cell as words; a patient's number that a spreadsheet took for 77.0 is 77."""
    if isinstance(cell.content, float) and cell.content.is_integer():
        return str(int(cell.content))
    return re.sub(r"\s+", " ", cell.text)
