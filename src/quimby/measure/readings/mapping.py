"""Which column is which field: confirmed once by a person, kept as a TOML document."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

import tomli_w

from quimby.core.errors import QuimbyError
from quimby.core.notes import refusal
from quimby.measure.readings.routes import Field, route
from quimby.measure.readings.table import Table
from quimby.measure.readings.units import header, unit_of

IGNORED = "-"
"""What a column that is not read is mapped to."""
PARTS = ("date", "clock")
"""A moment in two columns is mapped as "time.date" and "time.clock"."""
_ALLOWED = {"decimal": ("", ".", ","), "date_order": ("", "dmy", "mdy")}


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Column to field, and what a person said once about files like this one.

    `columns` maps a header to a field's key, to "time.date" or "time.clock", or to "-" (not
    read). `units` gives the unit of a column whose header has none. `decimal` and `date_order`
    decide what can be read two ways. `accept` names fields whose values may lie outside what is
    plausible. It is in force once `confirmed_by` is filled.
    """

    route: str
    columns: Mapping[str, str]
    units: Mapping[str, str] = field(default_factory=dict)
    decimal: str = ""
    date_order: str = ""
    zone: str = ""
    sheet: str = ""
    header_row: int = 0
    accept: tuple[str, ...] = ()
    confirmed_by: str = ""
    confirmed_at: str = ""

    def of(self, key: str) -> str | None:
        """The header of the column for a field (or for one of its parts); None without one."""
        return next((h for h, k in self.columns.items() if k == key), None)

    def confirmed(self, by: str, at: datetime) -> ColumnMap:
        """The same, put in force by a person. `at` must be aware."""
        if at.tzinfo is None or not by.strip():
            raise ValueError("a confirmation needs a name and an aware time")
        return replace(self, confirmed_by=by, confirmed_at=at.isoformat(timespec="seconds"))

    def document(self) -> str:
        """The TOML document of it; `column_map` reads it back."""
        told = {k: v for k, v in asdict(self).items() if v not in ("", (), {}, 0)}
        tables = {k: told.pop(k) for k in ("columns", "units") if k in told}
        return tomli_w.dumps(told | tables)


def column_map(document: str, *, where: str) -> ColumnMap:
    """The mapping in a TOML document; E-READ-MAPPING where a key or a value is not right."""
    try:
        told = tomllib.loads(document)
    except tomllib.TOMLDecodeError as error:
        raise refusal("E-READ-MAPPING", where=where, why=str(error)) from None
    unknown = told.keys() - ColumnMap.__dataclass_fields__.keys()
    if unknown:
        raise _wrong(where, f"no such key as {', '.join(sorted(unknown))}")
    if not {"route", "columns"} <= told.keys():
        raise _wrong(where, "route and [columns] are needed")
    _check_types(told, where)
    made = ColumnMap(**told | {"accept": tuple(told.get("accept", ()))})
    _check(made, where)
    return made


def _wrong(where: str, why: str) -> QuimbyError:
    return refusal("E-READ-MAPPING", where=where, why=why)


def _check_types(told: Mapping[str, object], where: str) -> None:
    for key, value in told.items():
        wanted = {"columns": dict, "units": dict, "header_row": int, "accept": list}.get(key, str)
        if not isinstance(value, wanted):
            raise _wrong(where, f"{key} must be a {wanted.__name__}")
        inside = value.values() if isinstance(value, dict) else ()
        if not all(isinstance(v, str) for v in inside):
            raise _wrong(where, f"every entry of [{key}] must be text in quotes")


def _check(made: ColumnMap, where: str) -> None:
    """Every field exists, none is given twice, every unit and choice is known."""
    found = route(made.route)
    for key in [*made.columns.values(), *made.accept]:
        base, _, part = key.partition(".")
        if key != IGNORED and (base not in found.keys or (part and part not in PARTS)):
            raise _wrong(
                where, f"{made.route} has no field {key!r}; it has {', '.join(found.keys)}"
            )
    used = [k for k in made.columns.values() if k != IGNORED]
    twice = sorted({k for k in used if used.count(k) > 1})
    if twice:
        raise _wrong(where, f"two columns are mapped to {twice[0]}")
    for name, unit in made.units.items():
        if unit_of(unit) is None:
            raise _wrong(where, f"{unit!r} for column {name!r} is no known unit")
    for name, allowed in _ALLOWED.items():
        if getattr(made, name) not in allowed:
            raise _wrong(where, f"{name} must be one of {', '.join(a for a in allowed if a)}")


def check_fit(table: Table, columns: ColumnMap) -> None:
    """That a table is the one the mapping was confirmed for.

    Raises E-READ-UNCONFIRMED, and the first of `misfits`.
    """
    if not columns.confirmed_by:
        raise refusal("E-READ-UNCONFIRMED", where=table.file, count=len(columns.columns))
    for error in misfits(table, columns):
        raise error


def misfits(table: Table, columns: ColumnMap) -> list[QuimbyError]:
    """Why a mapping, confirmed or not, cannot be that of a table.

    E-READ-MAPPING, E-READ-COLUMNS where a column is gone or new, E-READ-NO-FIELD for each field
    that the route needs and no column gives.
    """
    try:
        _check(columns, table.file)
    except QuimbyError as error:
        return [error]
    gone = [h for h in columns.columns if h not in table.names]
    new = [h for h in table.names if h not in columns.columns]
    if gone or new:
        return [refusal("E-READ-COLUMNS", where=table.file, gone=_listed(gone), new=_listed(new))]
    try:
        _check_units(table, columns)
    except QuimbyError as error:
        return [error]
    return [refusal("E-READ-NO-FIELD", where=table.file, field=needed.key,
                    header=needed.called("en"), route=columns.route)
            for needed in missing(columns)]  # fmt: skip


def missing(columns: ColumnMap) -> list[Field]:
    """Fields that the route needs and that no column gives."""
    needed = [f for f in route(columns.route).fields if f.required]
    split = {f.key for f in needed if all(columns.of(f"{f.key}.{part}") for part in PARTS)}
    return [f for f in needed if columns.of(f.key) is None and f.key not in split]


def _check_units(table: Table, columns: ColumnMap) -> None:
    """A unit is given for a column that is there, and does not contradict its header."""
    for name, unit in columns.units.items():
        if name not in table.names:
            raise _wrong(table.file, f"a unit is given for {name!r}, and there is no such column")
        key, keys = columns.columns.get(name, IGNORED), route(columns.route).keys
        kinds = route(columns.route).field(key).kinds if key in keys else ()
        own, said = unit_of(header(name, kinds).unit, kinds), unit_of(unit, kinds)
        if own and said and (own.kind, own.factor) != (said.kind, said.factor):
            raise _wrong(table.file, f"{unit} is given for a column whose header says {own.text}")


def fitting(kept: Iterable[ColumnMap], table: Table) -> ColumnMap | None:
    """The confirmed mapping, of those kept, whose columns are this table's; None without one."""
    return next((m for m in kept if m.confirmed_by and set(m.columns) == set(table.names)), None)


def _listed(names: list[str]) -> str:
    return ", ".join(f'"{n}"' for n in names) or "none"
