"""Today's check: a reading judged by the decayed reference, the tolerance and the control chart."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from math import sqrt

from quimby.core.notes import Note, in_order, note, refusal
from quimby.core.numbers import zero_or_more
from quimby.core.units import convert
from quimby.devices.control_chart import Judgement, judge
from quimby.devices.counting import BATCH_Z, Counting
from quimby.devices.counting_device import Device
from quimby.devices.device_chart import CONSTANCY, TARGET, baseline_of, since_baseline
from quimby.devices.efficiency import SourceCheck, Status
from quimby.devices.qc_calendar import Done, Test
from quimby.physics.decay import decay_factor
from quimby.physics.nuclides import nuclide

CLOCK_LIMIT = 0.005  # decay in half a day above which the day alone does not do [P]
RESULT = {"pass": "pass", "warn": "warn", "action": "fail"}
WORSE = ("pass", "warn", "fail")


@dataclass(frozen=True, slots=True)
class Read:
    """What a device showed: net of background, in `unit`; counts with their seconds."""

    value: float
    unit: str
    counts: Counting | None = None


@dataclass(frozen=True, slots=True)
class Entered:
    """A check as judged: the record to keep, and what it rests on."""

    record: Done
    source: SourceCheck | None
    chart: Judgement | None
    notes: tuple[Note, ...]


def entered(
    device: Device,
    test: Test,
    *,
    on: dt.date,
    by: str,
    read: Read | None = None,
    status: str | None = None,
    at: dt.datetime | None = None,
    remark: str = "",
) -> Entered:
    """One check of a device, to be added to its document; nothing is written here.

    A reading of the check source is judged; `status` ("pass", "warn", "fail") may only make it
    worse. Other tests need a `status`. E-QC-STATUS, E-QC-JUDGED, E-QC-CLOCK, E-DEV-SOURCE,
    E-UNIT-PAIR, E-QC-VALUE.
    """
    if test.id in CONSTANCY and read is not None:
        found = _of_source(device, test, read, on, at)
    elif test.id == "background" and read is not None:
        found = _of_background(device, read)
    else:
        found = _Judged(None if read is None else read.value, None if read is None else read.unit)
    result = _result(test, found.result, status, device.id)
    why = found.why if result == found.result else remark
    record = Done(test=test.id, on=on, result=result, by=by, why=why, at=at, note=remark,
                  reading=found.value, unit=found.unit, expected=found.expected)  # fmt: skip
    return Entered(record, found.source, found.chart, in_order(found.notes))


@dataclass(frozen=True, slots=True)
class _Judged:
    value: float | None
    unit: str | None
    result: str | None = None
    expected: float | None = None
    source: SourceCheck | None = None
    chart: Judgement | None = None
    notes: tuple[Note, ...] = ()

    @property
    def why(self) -> str:
        """What was found, in words; empty where all is well."""
        if self.result in (None, "pass"):
            return ""
        said = [n.text.split(": ", 1)[-1].rstrip(".") for n in self.notes if n.code in WHY]
        return "; ".join(said)


WHY = ("S-QC-FAILED", "W-QC-WARN", "W-QC-BACKGROUND")


def _of_source(
    device: Device, test: Test, read: Read, on: dt.date, at: dt.datetime | None
) -> _Judged:
    source = device.check_source
    if source is None:
        raise refusal("E-DEV-SOURCE", where=device.id, device=device.id)
    value = in_unit(read, source.unit, where=device.id)
    moment = at or _noon(device, on)
    check = device.check(value, at=moment)
    chart = _by_chart(device, test, value / check.expected)
    worst = max((check.status, chart.status if chart else check.status), key=_rank)
    notes = check.notes + (chart.notes if chart else ())
    expected = float(f"{check.expected:.7g}")
    return _Judged(value, source.unit, RESULT[worst], expected, check, chart, notes)


def in_unit(read: Read, unit: str, *, where: str) -> float:
    """The reading in another unit of its kind; the same unit, however spelled, is left alone."""
    given, wanted = (u.replace("uSv", "µSv") for u in (read.unit, unit))
    return read.value if given == wanted else convert(read.value, given, wanted, where=where)


def _rank(status: Status) -> int:
    return ("pass", "warn", "action").index(status)


def _noon(device: Device, on: dt.date) -> dt.datetime:
    """Noon of the day by the clock of the reference reading; E-QC-CLOCK where that is too rough."""
    source = device.check_source
    assert source is not None
    lost = 1.0 - decay_factor(12.0, nuclide(source.nuclide).half_life_h.value)
    if lost > CLOCK_LIMIT:
        raise refusal("E-QC-CLOCK", where=device.id, nuclide=source.nuclide, lost=lost)
    noon = dt.datetime.combine(on, dt.time(12), tzinfo=source.at.tzinfo)
    return max(noon, source.at) if on == source.at.date() else noon


def _by_chart(device: Device, test: Test, ratio: float) -> Judgement | None:
    base = baseline_of(device, test.id)
    if base is None:
        return None
    readings = [p.value for p in since_baseline(device, test.id)]
    return judge([*readings, ratio], base.limits, target=TARGET,
                 tolerance=device.limits, where=device.id)[-1]  # fmt: skip


def _of_background(device: Device, read: Read) -> _Judged:
    """Counts of the empty device against the recorded background, by three standard doubts."""
    zero_or_more(read.value, "background reading", read.unit, where=device.id)
    before = device.background_counting()
    if before is None or read.counts is None:
        return _Judged(read.value, read.unit)
    a, b = before.rate_cps, read.counts.rate_cps
    z = abs(a.value - b.value) / sqrt(a.u**2 + b.u**2)
    if z <= BATCH_Z:
        return _Judged(read.value, read.unit, "pass")
    said = note("W-QC-BACKGROUND", where=device.id, value=z, limit=BATCH_Z,
                now=b.value, then=a.value)  # fmt: skip
    return _Judged(read.value, read.unit, "warn", notes=(said,))


def _result(test: Test, judged: str | None, given: str | None, where: str) -> str:
    if judged is None and given is None:
        raise refusal("E-QC-STATUS", where=where, test=test.title)
    if judged is None or given is None:
        return str(judged or given)
    if WORSE.index(given) < WORSE.index(judged):
        raise refusal("E-QC-JUDGED", where=where, test=test.title, judged=judged, given=given)
    return given
