"""Tables of readings as a technologist fills them in: Quimby's templates, or a centre's own."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import datetime
from io import StringIO
from pathlib import Path

from quimby.measure.readings.mapping import ColumnMap
from quimby.measure.readings.routes import route

Value = str | int | float | datetime


def write_template(path: Path, name: str, rows: Sequence[Mapping[str, Value]]) -> None:
    """A CSV with the English headers of the route's template; what a row lacks stays empty."""
    fields = route(name).fields
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(f.called("en") for f in fields)
    writer.writerows([_english(row.get(f.key, "")) for f in fields] for row in rows)
    path.write_text(out.getvalue(), "utf-8")


def write_german(path: Path, rows: Sequence[Mapping[str, Value]]) -> None:
    """A CSV as a German spreadsheet saves it: semicolons, decimal commas, days with dots."""
    out = StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(rows[0])
    writer.writerows([_german(value) for value in row.values()] for row in rows)
    path.write_text(out.getvalue(), "cp1252", newline="")


def write_mapping(path: Path, columns: ColumnMap, *, by: str, at: datetime) -> None:
    """The document that says which column is which, confirmed by a person."""
    path.write_text(columns.confirmed(by, at).document(), "utf-8")


def _english(value: Value) -> str:
    if not isinstance(value, datetime):
        return str(value)
    return f"{value:%Y-%m-%d %H:%M:%S}" if value.second else f"{value:%Y-%m-%d %H:%M}"


def _german(value: Value) -> str:
    return str(value).replace(".", ",") if isinstance(value, float) else str(value)
