"""What `quimby readings` shows: the mapping on three rows, questions, problems, the readings."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table as Lines

from quimby.cli.terminal import console
from quimby.core.notes import Note
from quimby.measure.readings.cells import Quantity
from quimby.measure.readings.checks import Series
from quimby.measure.readings.reading import Reading
from quimby.measure.readings.routes import Field, route
from quimby.measure.readings.suggest import Question, shown

if TYPE_CHECKING:
    from quimby.cli.reading import Found, Look, Said

MOST_ROWS, FIRST_ROWS = 8, 4
UNSHOWN = ("patient", "comment")


def tell(look: Look, found: Found | None, said: Said) -> None:
    """Everything, for people."""
    to = console()
    kind = route(look.columns.route)
    _line(to, "Table", f"{look.table.file}, {_count(len(look.table.rows), 'row')}")
    _line(to, "Kind", f"{kind.id}: {kind.title['en']} ({look.how})")
    if found is None or found.wrote is not None:
        _line(to, "Columns", shown(look.table, look.columns))
    if look.questions:
        _questions(to, look.questions)
    if look.problems:
        to.print(f"Problems {len(look.problems)}")
        for error in look.problems:
            to.print(str(error), markup=False)
    if found is None:
        _not_read(to, look, said)
        return
    for one in found.series:
        _series(to, one, found, look.columns.zone)
    _notes(to, found.notes)
    if found.wrote is not None:
        _line(to, "Wrote", f"{found.wrote}. A table like this: quimby readings TABLE --mapping "
              f"{found.wrote}")  # fmt: skip


def _line(to: Console, head: str, text: str) -> None:
    first, *rest = text.splitlines()
    to.print(f"{head:<9}{first}", markup=False)
    for line in rest:
        to.print(f"{'':<9}{line}", markup=False)


def _questions(to: Console, questions: Sequence[Question]) -> None:
    to.print(f"Questions {len(questions)}")
    for number, q in enumerate(questions, start=1):
        to.print(f" {number} {q.asks}", markup=False)
        to.print(f"     --{q.about.replace('_', '-')} {_quoted(q.example)}", markup=False)


def _quoted(text: str) -> str:
    return shlex.quote(text) if set(text) & set('"$`\\!') else f'"{text}"'


def _not_read(to: Console, look: Look, said: Said) -> None:
    if look.problems:
        _line(to, "Not read", "answer the questions, mend what is wrong, then run it again")
        return
    _line(to, "Not read", "nobody has confirmed these columns. Right? Then the same command with "
          '--confirm-by "YOUR NAME" -o mapping.toml')  # fmt: skip
    if said.out is not None:
        _line(to, "", f"{said.out} is written then, not now")


def _series(to: Console, one: Series, found: Found, zone: str) -> None:
    kind = route(found.readings.route)
    whose = f" of patient {one.patient}" if one.patient else ""
    clock = f", times in {zone}" if zone and kind.at else ""
    _line(to, "Read", f"{_count(len(one.readings), 'reading')}{whose}{clock}")
    columns = [f for f in kind.fields if f.key not in UNSHOWN and _filled(f, one.readings)]
    lines = Lines(*(_head(f, one.readings) for f in columns), box=None, pad_edge=True)
    rows = list(one.readings)
    for r in rows if len(rows) <= MOST_ROWS else rows[:FIRST_ROWS]:
        lines.add_row(*(_cell(f, r, zone) for f in columns))
    if len(rows) > MOST_ROWS:
        lines.add_row(f"… {len(rows) - FIRST_ROWS - 1} more")
        lines.add_row(*(_cell(f, rows[-1], zone) for f in columns))
    to.print(lines)
    if one.problems:
        to.print(f"Problems {len(one.problems)}")
    for error in one.problems:
        to.print(str(error), markup=False)


def _filled(f: Field, readings: Sequence[Reading]) -> bool:
    return any(f.key in {**r.quantities, **r.moments, **r.days, **r.answers} for r in readings)


def _head(f: Field, readings: Sequence[Reading]) -> str:
    units = dict.fromkeys(r.quantities[f.key].unit for r in readings if f.key in r.quantities)
    said = [u for u in units if u not in ("1", "counts")]
    return " ".join([f.header["en"], *said])


def _cell(f: Field, r: Reading, zone: str) -> str:
    if f.key in r.quantities:
        return _number(r.quantities[f.key])
    if f.key in r.moments:
        at = r.moments[f.key]
        at = at.astimezone(ZoneInfo(zone)) if zone else at
        seconds = f":{at:%S}" if at.second else ""
        return f"{at.day} {at:%b %Y %H:%M}{seconds} {at:%Z}"
    if f.key in r.days:
        return f"{r.days[f.key].day} {r.days[f.key]:%b %Y}"
    return r.answers.get(f.key, "–")


def _number(q: Quantity) -> str:
    text = f"{q.value:.6g}" if q.kind != "counts" else f"{q.value:.10g}"
    if q.u is not None:
        return f"{text} ± {q.u:.2g}"
    return f"{text} in {q.live_s:g} s" if q.live_s else text


def _notes(to: Console, notes: Sequence[Note]) -> None:
    for n in notes:
        to.print(f"{n.code}  {n.where}: {n.text}", markup=False)
        if n.severity != "information":
            to.print(f"         → {n.do}", markup=False)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
