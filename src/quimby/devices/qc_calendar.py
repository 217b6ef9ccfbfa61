"""Which checks of a device are due, overdue or failed, and what may not be signed then."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from quimby.core.notes import Note, in_order, note, refusal
from quimby.devices.efficiency import Tolerance

Kind = Literal[
    "radionuclide calibrator", "gamma counter", "thyroid probe", "dose-rate monitor", "HPGe"
]
When = Literal["acceptance", "annual", "half-yearly", "quarterly", "monthly", "weekly", "daily",
               "each use"]  # fmt: skip
State = Literal["ok", "due", "overdue", "never", "failed"]
Text = Annotated[str, Field(min_length=1)]
Days = Annotated[int, Field(ge=0)]
BLOCKING: tuple[State, ...] = ("overdue", "never", "failed")
IDLE_D = 183  # a device at rest is checked at least half-yearly; IEC 61453:2007 [V]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Test(_Part):
    """A test that a kind of device needs. Without `period_d` it is done once, and after repairs."""

    __test__ = False  # no test of pytest

    id: Text
    title: Text
    kind: Kind
    when: When
    period_d: Days | None = None
    grace_d: Days = 0
    after_repair: bool = False
    blocks: tuple[Text, ...] = ()  # measurements that wait for it; empty: all of the device
    source: Text
    tag: Literal["V", "D", "M", "P"]


class Done(_Part):
    """A test that was done."""

    test: Text
    on: dt.date
    result: Literal["pass", "warn", "fail"]
    by: Text
    why: str = ""  # what was found


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one test of a device stands on a day."""

    test: str
    status: State
    due_on: dt.date | None
    days_overdue: int
    blocks: tuple[str, ...]  # measurements that may not be signed; empty where none is blocked
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """Days on which a device was, or may have been, out of control (both ends count)."""

    test: str
    last_good: dt.date | None
    failed_on: dt.date
    good_again: dt.date | None


def due(
    title: str,
    *,
    period_d: int | None,
    last_done: dt.date | None,
    today: dt.date,
    grace_d: int = 0,
    blocks: Sequence[str] = (),
    where: str = "quality control",
) -> Standing:
    """Whether a test is in time. It is due `period_d` after the last, overdue after the grace.

    Days overdue count from the day it was due. S-QC-OVERDUE, S-QC-NEVER (nothing recorded),
    W-QC-DUE on the due day and in the grace. `period_d` None: once done, never due again.
    E-QC-ORDER for a record after `today`.
    """
    if last_done is None:
        said = note("S-QC-NEVER", where=where, test=title)
        return Standing(title, "never", None, 0, tuple(blocks), (said,))
    if last_done > today:
        raise refusal("E-QC-ORDER", where=where, what=title, on=last_done, today=today)
    if period_d is None or last_done == today:
        return Standing(title, "ok", None if period_d is None else _day(today, period_d), 0, ())
    due_on = _day(last_done, period_d)
    late = (today - due_on).days
    if late < 0:
        return Standing(title, "ok", due_on, 0, ())
    if late <= grace_d:
        said = note("W-QC-DUE", where=where, test=title, due=due_on)
        return Standing(title, "due", due_on, 0, (), (said,))
    said = note("S-QC-OVERDUE", where=where, value=late, test=title, due=due_on)
    return Standing(title, "overdue", due_on, late, tuple(blocks), (said,))


def _day(start: dt.date, days: int) -> dt.date:
    return start + dt.timedelta(days=days)


def standing(
    tests: Iterable[Test],
    done: Iterable[Done],
    *,
    today: dt.date,
    repaired: dt.date | None = None,
    where: str = "quality control",
) -> tuple[Standing, ...]:
    """Where each test stands on a day; records of later days do not count yet.

    A test whose last record failed is "failed" until one passes. Tests marked `after_repair`
    count only when done since the last repair.
    """
    known = [d for d in done if d.on <= today]
    return tuple(_of(test, known, today, repaired, where) for test in tests)


def _of(
    test: Test, done: Sequence[Done], today: dt.date, repaired: dt.date | None, where: str
) -> Standing:
    own = sorted((d for d in done if d.test == test.id), key=lambda d: d.on)
    if test.after_repair and repaired is not None and repaired <= today:
        own = [d for d in own if d.on >= repaired]
    blocks = test.blocks or ("all measurements",)
    if own and own[-1].result == "fail":
        why = own[-1].why or f"recorded on {own[-1].on}"
        said = note("S-QC-FAILED", where=where, test=test.title, why=why)
        return Standing(test.title, "failed", None, 0, blocks, (said,))
    return due(test.title, period_d=test.period_d, grace_d=test.grace_d, today=today,
               last_done=own[-1].on if own else None, blocks=blocks, where=where)  # fmt: skip


def notes_for(standings: Iterable[Standing], measurement: str) -> tuple[Note, ...]:
    """Notes for one kind of measurement ("thyroid uptake"): blocking ones only where it waits.

    A failed or overdue test of something else becomes silent here; it stands on the device.
    """
    return in_order(
        n
        for s in standings
        for n in s.notes
        if s.status not in BLOCKING or {measurement, "all measurements"} & set(s.blocks)
    )


def idle_notes(last_used: dt.date, today: dt.date, *, where: str) -> tuple[Note, ...]:
    """W-QC-IDLE where a device comes back after half a year: do the full set of checks."""
    days = (today - last_used).days
    return (note("W-QC-IDLE", where=where, value=days, limit=IDLE_D),) if days > IDLE_D else ()


def out_of_control(done: Iterable[Done], test: str) -> tuple[Span, ...]:
    """Spans from the last good record before a failure to the first good one after it."""
    spans: list[Span] = []
    good: dt.date | None = None
    failed: dt.date | None = None
    for record in sorted((d for d in done if d.test == test), key=lambda d: d.on):
        if record.result == "fail":
            failed = failed or record.on
            continue
        if failed:
            spans.append(Span(test, good, failed, record.on))
        good, failed = record.on, None
    return (*spans, Span(test, good, failed, None)) if failed else tuple(spans)


def traced(spans: Iterable[Span], measured: Mapping[str, dt.date]) -> tuple[str, ...]:
    """Measurements (name -> day) made while out of control, in order of time.

    The days at both ends are listed too: a record by the day does not say what came first.
    """
    hit = {
        name: on
        for span in spans
        for name, on in measured.items()
        if (span.last_good or dt.date.min) <= on <= (span.good_again or dt.date.max)
    }
    return tuple(sorted(hit, key=lambda name: (hit[name], name)))


def calendar(kind: Kind, own: Iterable[Test] = ()) -> tuple[Test, ...]:
    """The default tests of a kind of device; a centre's `own` replace those of the same id."""
    tests = {t.id: t for t in _shipped()[0] if t.kind == kind}
    return tuple((tests | {t.id: t for t in own}).values())


def tolerance(kind: Kind) -> Tolerance:
    """Default limits of constancy of a kind of device (policy; a centre may set its own)."""
    return _shipped()[1][kind]


@cache
def _shipped() -> tuple[tuple[Test, ...], Mapping[str, Tolerance]]:
    text = files("quimby.devices").joinpath("data", "qc_calendar.toml").read_text("utf-8")
    document: dict[str, Any] = tomllib.loads(text)
    tests = tuple(Test.model_validate(row) for row in document["test"])
    limits = {row["kind"]: Tolerance(row["warn"], row["action"]) for row in document["tolerance"]}
    assert set(limits) == set(get_args(Kind))
    return tests, limits
