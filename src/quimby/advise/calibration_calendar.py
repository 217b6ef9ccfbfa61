"""When each calibration and check that a protocol rests on is due, over the year ahead."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from quimby.advise.centre import Centre, DeviceRecord
from quimby.protocols import Protocol

YEAR = dt.timedelta(days=365)
EVERY_SO_OFTEN_D = 7  # checks that come more often than this are told as a rule, not as days


@dataclass(frozen=True, slots=True)
class Due:
    """One calibration or check, with its day; `late` where it should have been done already."""

    on: dt.date
    device: str
    what: str
    late: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """A check that is done so often that a calendar would only hold noise."""

    device: str
    what: str
    every_d: int


@dataclass(frozen=True, slots=True)
class CalibrationCalendar:
    """Days of the year ahead, and rules."""

    due: tuple[Due, ...]
    rules: tuple[Rule, ...]


def calibration_calendar(
    protocol: Protocol, centre: Centre, *, today: dt.date
) -> CalibrationCalendar:
    """Every calibration and check of the protocol's devices for a year from `today`."""
    due = sorted(_days(protocol, centre, today), key=lambda d: (d.on, d.device, d.what))
    return CalibrationCalendar(tuple(due), tuple(_rules(protocol, centre)))


def _days(protocol: Protocol, centre: Centre, today: dt.date) -> Iterator[Due]:
    for wanted in protocol.requires.calibration:
        if wanted.max_age_d is None:
            continue
        for device in _of(centre, wanted.device):
            stands = device.standing(wanted, today=today)
            if stands.known:
                what = f"calibrate: {wanted.what}"
                yield from _repeated(stands.made, wanted.max_age_d, device, what, today)
            else:
                yield Due(today, device.called, f"look up when: {wanted.what}", late=False)
    for check in protocol.requires.qc:
        if check.max_age_d > EVERY_SO_OFTEN_D:
            for device in _of(centre, check.device):
                yield from _repeated(None, check.max_age_d, device, f"check: {check.test}", today)


def _repeated(
    made: dt.date | None, every_d: int, device: DeviceRecord, what: str, today: dt.date
) -> Iterator[Due]:
    """Due days within the year; what was never done, or too long ago, is due today."""
    on = today if made is None else made + dt.timedelta(days=every_d)
    late = on < today or made is None
    on = max(on, today)
    while on <= today + YEAR:
        yield Due(on, device.called, what, late)
        on, late = on + dt.timedelta(days=every_d), False


def _of(centre: Centre, kind: str) -> list[DeviceRecord]:
    return [d for d in centre.device if d.does(kind)]


def _rules(protocol: Protocol, centre: Centre) -> Iterator[Rule]:
    for check in protocol.requires.qc:
        if check.max_age_d <= EVERY_SO_OFTEN_D:
            for device in _of(centre, check.device):
                yield Rule(device.called, check.test, check.max_age_d)
