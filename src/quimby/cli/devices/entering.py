"""`quimby device enter`, `repair`, `baseline` and `clock`: records added to a document."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from quimby.cli.devices import telling, words
from quimby.cli.devices.telling import line, per_cent, signed, state
from quimby.cli.terminal import console
from quimby.core.notes import refusal
from quimby.devices.check_entry import Entered, Read, entered
from quimby.devices.clock import OFFSET_LIMIT_S
from quimby.devices.counting_device import Device
from quimby.devices.device_chart import set_baseline
from quimby.devices.device_file import changed
from quimby.devices.device_records import ClockRecord, RepairRecord
from quimby.devices.qc_calendar import out_of_control
from quimby.report.rounding import significant

GIVEN = {"passed": "pass", "failed": "fail", "warning": "warn", None: None}


@dataclass
class _Kept:
    """What a change found out on its way, for the lines that follow."""

    entry: Entered | None = None
    before: Device | None = None


def enter_job(
    path: Path, test: str, *, on: str | None, reading: str | None, background: str | None,
    status: str | None, by: str, remark: str, zone: str | None, strict: bool, as_json: bool,
) -> int:  # fmt: skip
    """Judge a check and add it to the document; returns the exit code."""
    if status not in GIVEN:
        raise refusal("E-DEV-STATUS", where="--status", status=status)
    who, (day, at) = words.person(by), words.day_or_moment(on, zone=zone, where="--on")
    words.not_ahead(day, "this check", where="--on")
    read = _net(reading, background)
    kept = _Kept()

    def add(device: Device) -> Device:
        kept.entry = entered(device, device.test_called(test), on=day, by=who, read=read, at=at,
                             status=GIVEN[status], remark=remark)  # fmt: skip
        return _added(device, "done", kept.entry.record)

    device = changed(path, add)
    assert kept.entry is not None
    if as_json:
        record = kept.entry.record
        telling.document(schema="quimby.device-check", device=device.id, test=record.test,
                         result=record.result, deviation=record.deviation,
                         record=record.model_dump(mode="json", exclude_none=True),
                         notes=telling.notes_json(kept.entry.notes))  # fmt: skip
    else:
        _tell(device, kept.entry)
    return telling.strict(kept.entry.notes, wanted=strict)


def _added(device: Device, name: str, record: object) -> Device:
    return device.model_copy(update={name: (*getattr(device, name), record)})


def _net(reading: str | None, background: str | None) -> Read | None:
    if reading is None:
        return None
    gross = words.reading(reading, what="check", where="--reading")
    if background is None:
        return gross
    floor = words.reading(background, what="background", where="--background")
    if floor.unit != gross.unit:
        raise refusal("E-UNIT-PAIR", where="--background", given=floor.unit, wanted=gross.unit,
                      known=gross.unit)  # fmt: skip
    return Read(gross.value - floor.value, gross.unit, gross.counts)


def _tell(device: Device, entry: Entered) -> None:
    to, record = console(), entry.record
    test = device.test_called(record.test)
    line(to, f"{state(record.result, to)}: {test.title} of {device.id}, {record.on}, {record.by}")
    if record.reading is not None:
        said = f"        {significant(record.reading, 4)} {record.unit}"
        if record.expected and record.deviation is not None:
            said += f", expected {significant(record.expected, 4)}: {signed(record.deviation)}"
        if entry.source:
            limits = device.limits
            said += f" (limits {per_cent(limits.warn)} and {per_cent(limits.action)})"
        line(to, said)
    if entry.chart:
        rules = ", ".join(entry.chart.rules) or "none broken"
        line(to, f"        control chart: {entry.chart.z:+.1f} σ, rules: {rules}")
    telling.told(to, entry.notes)
    if record.result == "fail":
        _out_of_control(device, record.test)
        return
    standing = next(s for s in device.standing(today=record.on) if s.id == record.test)
    if standing.due_on:
        line(to, f"Next    {standing.due_on}")


def _out_of_control(device: Device, test: str) -> None:
    to = console()
    span = out_of_control(device.done, test)[-1]
    since = f"since {span.failed_on}"
    good = f"the last good check was on {span.last_good}" if span.last_good else "none was good yet"
    line(to, f"Out of control {since}; {good}.")
    line(to, "Next    what was measured since: quimby device trace … ; then repair, and enter anew")


def repair_job(path: Path, *, on: str | None, by: str, why: str) -> int:
    """Record a repair, recalibration or move; returns the exit code."""
    day = words.day(on, where="--on")
    words.not_ahead(day, "this repair", where="--on")
    if not why.strip():
        raise refusal("E-DEV-WHY", where="--why")
    record = RepairRecord(on=day, by=words.person(by), why=why.strip())
    device = changed(path, lambda d: _added(d, "repair", record))
    to = console()
    line(to, f"Recorded the repair of {device.id} on {day}: {record.why}")
    again = [s for s in device.standing(today=day) if s.status == "never"]
    if again:
        line(to, f"Do now  {', '.join(s.id for s in again)}")
    return 0


def baseline_job(path: Path, test: str, *, first: str | None, last: str | None, by: str) -> int:
    """Set the baseline of a control chart; returns the exit code."""
    kept: list[str] = []

    def add(device: Device) -> Device:
        found = device.test_called(test)
        record, made = set_baseline(
            device, found.id, by=words.person(by),
            first=words.day(first, where="--first") if first else None,
            last=words.day(last, where="--last") if last else None,
        )  # fmt: skip
        limits = made.limits
        kept.append(f"Baseline of {found.title}, {device.id}: {limits.readings} readings, "
                    f"{record.first} to {record.last}; mean {limits.mean:.5g}, "
                    f"σ {limits.sigma:.3g}")  # fmt: skip
        kept.extend(f"{n.code}  {n.text}" for n in limits.notes)
        return _added(device, "baseline", record)

    changed(path, add)
    for text in kept:
        line(console(), text)
    return 0


def clock_job(path: Path, *, shown: str, true: str, zone: str | None) -> int:
    """Record what the device's clock showed; returns the exit code."""
    record = ClockRecord(shown=words.moment(shown, where="--shown", zone=zone),
                         true=words.moment(true, where="--true", zone=zone))  # fmt: skip
    words.not_ahead(record.true.astimezone(dt.UTC).date(), "this comparison", where="--true")
    device = changed(path, lambda d: _added(d, "clock", record))
    ahead = (record.shown - record.true).total_seconds()
    to = console()
    way = "right" if ahead == 0 else f"{abs(ahead):.0f} s {'fast' if ahead > 0 else 'slow'}"
    line(to, f"The clock of {device.id} is {way}; recorded.")
    if abs(ahead) > OFFSET_LIMIT_S:
        line(to, "        Times from it are corrected. Set it, then record it again.")
    return 0
