"""Which checks of a device are due, overdue or failed, and what may not be signed then."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

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
ALL = "all measurements"
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
    """A test that was done, with its reading where it gives one.

    `expected` is what the reading was held against: the decayed reference of the check source.
    """

    test: Text
    on: dt.date
    result: Literal["pass", "warn", "fail"]
    by: Text
    why: str = ""  # what was found
    at: AwareDatetime | None = None
    reading: Annotated[float, Field(allow_inf_nan=False)] | None = None
    unit: Text | None = None
    expected: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None  # unit of `reading`
    note: str = ""  # a remark of whoever did it

    @model_validator(mode="after")
    def _whole(self) -> Done:
        if self.reading is not None and self.unit is None:
            raise ValueError("a reading needs its unit")
        if self.expected is not None and self.reading is None:
            raise ValueError("what was expected stands without a reading")
        return self

    @property
    def deviation(self) -> float | None:
        """reading / expected - 1; None where nothing was expected."""
        if self.reading is None or self.expected is None:
            return None
        return self.reading / self.expected - 1.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one test of a device stands on a day."""

    test: str
    status: State
    due_on: dt.date | None
    days_overdue: int
    blocks: tuple[str, ...]  # measurements that may not be signed; empty where none is blocked
    notes: tuple[Note, ...] = ()
    id: str = ""
    concerns: tuple[str, ...] = ()  # measurements that wait for this test, blocked now or not
    last: Done | None = None


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
    blocks = test.blocks or (ALL,)
    last = own[-1] if own else None
    if last and last.result == "fail":
        why = last.why or f"recorded on {last.on}"
        said = note("S-QC-FAILED", where=where, test=test.title, why=why)
        found = Standing(test.title, "failed", None, 0, blocks, (said,))
    else:
        found = due(test.title, period_d=test.period_d, grace_d=test.grace_d, today=today,
                    last_done=last.on if last else None, blocks=blocks, where=where)  # fmt: skip
    return replace(found, id=test.id, concerns=blocks, last=last)


def notes_for(standings: Iterable[Standing], measurement: str) -> tuple[Note, ...]:
    """Notes for one kind of measurement ("thyroid uptake"): of the tests that it waits for.

    A failed, overdue or due test of something else is silent here; it stands on the device.
    """
    return in_order(
        n for s in standings for n in s.notes if {measurement, ALL} & set(s.concerns or s.blocks)
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


def also_blocking(test: Test, measurements: Iterable[str]) -> Test:
    """The same test, for which these measurements wait too (a test that blocks all stays)."""
    more = tuple(m for m in measurements if m not in test.blocks)
    if not (more and test.blocks):
        return test
    return test.model_copy(update={"blocks": (*test.blocks, *more)})


def measurements() -> frozenset[str]:
    """Every kind of measurement that the shipped tests know ("thyroid uptake")."""
    return frozenset(b for t in _shipped()[0] for b in t.blocks)


def check_measurement(name: str, own: Iterable[str], *, where: str) -> None:
    """E-QC-MEASUREMENT for a kind of measurement that neither Quimby nor the device knows."""
    known = measurements() | set(own)
    if name not in known:
        raise refusal("E-QC-MEASUREMENT", where=where, measurement=name,
                      known=", ".join(sorted(known)))  # fmt: skip


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
