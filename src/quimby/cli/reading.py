"""`quimby readings`: a table looked at, its mapping confirmed once, its readings shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from quimby.cli.reading_shown import tell
from quimby.cli.terminal import print_json
from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, in_order, refusal
from quimby.core.units import quantity
from quimby.devices.clock import Comparison
from quimby.measure.readings import ask, checks
from quimby.measure.readings.mapping import ColumnMap, column_map, fitting
from quimby.measure.readings.reading import Reading, Readings, problems, read
from quimby.measure.readings.suggest import Question, suggest
from quimby.measure.readings.table import Table, read_table

MAPPING = "mapping.toml"
LOG, WINDOWS = "monitor_log", "monitor_windows"


@dataclass(frozen=True, slots=True)
class Said:
    """What the person at the command line said."""

    route: str = ""
    zone: str = ""
    patient: str = ""
    columns: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    decimal: str = ""
    date_order: str = ""
    sheet: str = ""
    header_row: int = 0
    mappings: tuple[Path, ...] = ()
    confirm_by: str = ""
    out: Path | None = None
    intervals: Path | None = None
    clock_ahead: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """A table with the mapping that it would be read by, and what is in the way."""

    table: Table
    columns: ColumnMap
    how: str  # how the kind of table is known
    questions: tuple[Question, ...]
    problems: tuple[QuimbyError, ...]

    @property
    def ready(self) -> bool:
        """Confirmed, and nothing in the way."""
        return bool(self.columns.confirmed_by) and not self.problems


@dataclass(frozen=True, slots=True)
class Found:
    """What was read."""

    readings: Readings
    series: tuple[checks.Series, ...]
    notes: tuple[Note, ...]
    wrote: Path | None = None


def readings_job(path: Path, said: Said, *, as_json: bool = False) -> int:
    """Look at a table, and read it where its mapping is confirmed; returns the exit code."""
    out = said.out or (Path(MAPPING) if said.confirm_by else None)
    if out is not None and out.exists():
        raise refusal("E-READ-EXISTS", where=str(out), name=out.name)
    look = looked_at(path, said)
    found = _read(look, said) if look.ready else None
    if found is not None and out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(look.columns.document(), "utf-8")
        found = replace(found, wrote=out)
    if as_json:
        print_json(document(look, found), default=str)
    else:
        tell(look, found, said)
    wrong = [*look.problems, *(e for s in (found.series if found else ()) for e in s.problems)]
    return wrong[0].exit_code if wrong else 0


def looked_at(path: Path, said: Said) -> Look:
    """The table, its mapping (kept, a template's, or suggested and answered), and what is open."""
    kept = [column_map(_text(m), where=str(m)) for m in said.mappings]
    sheet = said.sheet or (kept[0].sheet if kept else "")
    row = said.header_row or (kept[0].header_row if kept else 0)
    table = read_table(path, sheet=sheet, header_row=row)
    columns, how, open_still = _mapping(table, kept, said)
    changed = _changed(columns, said)
    zone = columns.zone or said.zone  # naming one that was open is no change of the mapping
    if changed != replace(columns, zone=zone):
        changed = replace(changed, confirmed_by="", confirmed_at="")
    wrong = problems(table, changed, before_confirming=True)
    if said.confirm_by and not wrong:
        changed = changed.confirmed(said.confirm_by, datetime.now(UTC))
    return Look(table, changed, how, tuple(ask.questions(open_still, wrong)), wrong)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "no such text file"
        raise refusal("E-READ-MAPPING", where=str(path), why=why) from None


def _mapping(
    table: Table, kept: Sequence[ColumnMap], said: Said
) -> tuple[ColumnMap, str, tuple[Question, ...]]:
    if kept:
        fits = fitting(kept, table) or kept[0]
        by = f"confirmed by {fits.confirmed_by}, {fits.confirmed_at[:10]}"
        return fits, by if fits.confirmed_by else "not confirmed", ()
    route = said.route or ask.guessed(table)
    how = "as you said" if said.route else "guessed from the headers; another: --route"
    made = suggest(table, route, zone=said.zone, given=_pairs(said.columns, "--map"),
                   units=_pairs(said.units, "--unit"))  # fmt: skip
    return made.columns, how, made.questions


def _changed(columns: ColumnMap, said: Said) -> ColumnMap:
    """The mapping with what was said on top."""
    told: dict[str, Any] = {
        "accept": said.accept, "decimal": said.decimal, "date_order": said.date_order,
        "columns": said.columns and {**columns.columns, **_pairs(said.columns, "--map")},
        "units": said.units and {**columns.units, **_pairs(said.units, "--unit")},
        "zone": said.zone,
    }  # fmt: skip
    return replace(columns, **{k: v for k, v in told.items() if v})


def _pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """ "COLUMN=value", split at the last "="."""
    out = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        if not (equals and name.strip() and value.strip()):
            raise refusal("E-READ-MAPPING", where=option, why=f"{text!r} is not COLUMN=VALUE")
        out[name.strip()] = value.strip()
    return out


def _read(look: Look, said: Said) -> Found:
    made = read(look.table, look.columns)
    if said.intervals is not None:
        made = _averaged(made, said.intervals, said)
    series = checks.series(made.readings, said.patient)
    notes = in_order([*made.notes, *(n for s in series for n in s.notes)])
    return Found(made, series, notes)


def _averaged(log: Readings, path: Path, said: Said) -> Readings:
    """The log as whole-body readings, one for each row of the table of intervals."""
    from quimby.measure.readings.log import whole_body  # scipy only where a log is read

    if log.route != LOG:
        why = f"the table holds {log.route}"
        raise refusal("E-READ-LOG", where=str(path), why=why)
    rows = _intervals(path, said)
    made, notes = whole_body(log.readings, rows.readings, clock=_clock(log.readings, said))
    return Readings("whole_body", made, in_order([*log.notes, *rows.notes, *notes]))


def _intervals(path: Path, said: Said) -> Readings:
    table = read_table(path)
    kept = fitting([column_map(_text(m), where=str(m)) for m in said.mappings], table)
    return read(table, kept or suggest(table, WINDOWS, zone=said.zone).columns)


def _clock(log: Sequence[Reading], said: Said) -> tuple[Comparison, ...]:
    first = next((r.at for r in log if r.at is not None), None)
    if not said.clock_ahead or first is None:
        return ()
    ahead = quantity(said.clock_ahead, "duration", where="--clock-ahead")
    return (Comparison(first, first.astimezone(UTC) - timedelta(seconds=ahead)),)


def document(look: Look, found: Found | None) -> dict[str, Any]:
    """All of it as one JSON document; times in ISO 8601, values in `unit`."""
    told: dict[str, Any] = {
        "table": look.table.file, "sheet": look.table.sheet, "route": look.columns.route,
        "how": look.how, "mapping": asdict(look.columns),
        "questions": [asdict(q) for q in look.questions],
        "problems": [_error(e) for e in look.problems],
    }  # fmt: skip
    if found is None:
        return told | {"read": False}
    told["problems"] = [_error(e) for s in found.series for e in s.problems]
    rows = [_row(r) for s in found.series for r in s.readings]
    return told | {"read": True, "wrote": found.wrote and str(found.wrote), "readings": rows,
                   "read_as": found.readings.route,
                   "notes": [asdict(n) for n in found.notes]}  # fmt: skip


def _error(e: QuimbyError) -> dict[str, str]:
    return {"code": e.code, "what": e.what, "where": e.where, "do": e.do}


def _row(r: Reading) -> dict[str, Any]:
    return {
        "where": r.where, "at": r.at and r.at.isoformat(),
        "quantities": {k: asdict(q) for k, q in r.quantities.items()},
        "moments": {k: m.isoformat() for k, m in r.moments.items()},
        "days": {k: d.isoformat() for k, d in r.days.items()}, "answers": dict(r.answers),
    }  # fmt: skip
