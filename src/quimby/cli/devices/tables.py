"""Tables of `quimby device`: countings of a batch, or readings of the device itself."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from pathlib import Path

from quimby.core.notes import Note, refusal
from quimby.devices.counting import Counting
from quimby.measure.readings.mapping import ColumnMap, column_map
from quimby.measure.readings.reading import Reading, read
from quimby.measure.readings.routes import Field, Route, route
from quimby.measure.readings.suggest import normal, suggest
from quimby.measure.readings.table import Table, read_table
from quimby.measure.readings.units import header, unit_of

ROUTES = ("gamma_counter", "device_readings")
OWN = "headers as in the template"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what it is of, its value in `unit` (a rate of counts in cps), and when."""

    name: str
    what: str  # "sample", "standard", "background", "check"
    value: float
    unit: str
    where: str
    at: dt.datetime | None = None
    counting: Counting | None = None
    known_mbq: float | None = None
    volume_ml: float | None = None
    distance_mm: float | None = None

    def counted(self) -> Counting:
        """Its counts and their seconds; E-DEV-TABLE where only a rate is known."""
        if self.counting is None:
            raise refusal("E-DEV-TABLE", where=self.where, lacks="counts with their live time")
        return self.counting

    def time(self) -> dt.datetime:
        """When it was read; E-DEV-TABLE."""
        if self.at is None:
            raise refusal("E-DEV-TABLE", where=self.where, lacks="a time")
        return self.at

    def middle(self) -> dt.datetime:
        """Half-way through the counting: a table's time is taken as its start."""
        span = self.counting.time_s if self.counting else 0.0
        return self.time() + dt.timedelta(seconds=span / 2.0)


@dataclass(frozen=True, slots=True)
class Rows:
    """A table's rows in its order, with its notes and where it came from."""

    rows: tuple[Row, ...]
    notes: tuple[Note, ...]
    origin: str  # name and digest

    def of(self, *what: str) -> tuple[Row, ...]:
        """Rows of these kinds."""
        return tuple(r for r in self.rows if r.what in what)


def rows(path: Path, *, zone: str | None, columns: Path | None) -> Rows:
    """The rows of a table with the headers of `quimby template gamma_counter|device_readings`.

    `columns` is a confirmed mapping (TOML) for other headers. E-DEV-COLUMNS, E-TAB-…, E-READ-…,
    E-TIME-….
    """
    table = read_table(path)
    mapping = _mapping(table, zone, columns)
    found = read(table, mapping)
    made = tuple(_row(r, n) for n, r in enumerate(found.readings, start=1))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Rows(made, found.notes, f"{path.name}, sha256 {digest[:16]}")


def _mapping(table: Table, zone: str | None, columns: Path | None) -> ColumnMap:
    if columns is not None:
        try:
            text = columns.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise refusal("E-READ-MAPPING", where=str(columns), why=str(error)) from None
        return column_map(text, where=str(columns))
    for name in ROUTES:
        own = suggest(table, name, zone=zone or "").columns
        if own.confirmed_by:
            return own
        if found := _by_words(table, route(name), zone or ""):
            return found
    raise refusal("E-DEV-COLUMNS", where=table.file, found=", ".join(table.names))


def _by_words(table: Table, found: Route, zone: str) -> ColumnMap | None:
    """Every header is a field's own name with a unit of its kind: nothing is guessed."""
    columns: dict[str, str] = {}
    for name in table.names:
        key = next((f.key for f in found.fields if _named(name, f)), None)
        if key is None or key in columns.values():
            return None
        columns[name] = key
    if any(f.required and f.key not in columns.values() for f in found.fields):
        return None
    return ColumnMap(found.id, columns, zone=zone, sheet=table.sheet,
                     header_row=table.header[0].row, confirmed_by=OWN)  # fmt: skip


def _named(name: str, field: Field) -> bool:
    head = header(name, () if field.plain else field.kinds)
    words = {normal(t) for t in (*field.header.values(), field.key.replace("_", " "))}
    if field.plain:
        return normal(name) in words
    return normal(head.words) in words and unit_of(head.unit, field.kinds) is not None


def _row(reading: Reading, number: int) -> Row:
    key = "counts" if reading.route == "gamma_counter" else "reading"
    q = reading.quantities[key]
    given = {k: v.value for k, v in reading.quantities.items()}
    name = reading.answers.get("sample") or reading.answers.get("setup") or str(number)
    what = reading.answers.get("what", "sample").replace("reading", "sample")
    live = q.live_s or given.get("live_time")
    counted, value, unit = None, q.value, q.unit
    if q.kind in ("counts", "count rate") and live:
        value, unit = (q.rate_cps if q.kind == "counts" else q.value), "cps"
        counted = Counting(value * live, live, f"{what} {name}, {reading.where}")
    volume = reading.quantities.get("volume")
    return Row(name, what, value, unit, reading.where, reading.at, counted,
               given.get("known"), volume.value if volume else None,
               given.get("distance"))  # fmt: skip


def background(found: Rows) -> Counting | None:
    """The backgrounds of a table as one counting; None without any."""
    counted = [r.counted() for r in found.of("background")]
    if not counted:
        return None
    return Counting(sum(c.counts for c in counted), sum(c.time_s for c in counted), "background")
