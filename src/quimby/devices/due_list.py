"""What several devices need next: checks, calibrations, check sources; the most pressing first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from quimby.devices.counting_device import Device
from quimby.devices.efficiency import replace_by
from quimby.physics.nuclides import nuclide

State = Literal["failed", "overdue", "never", "due", "next"]
ORDER: tuple[State, ...] = ("failed", "overdue", "never", "due", "next")


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do with a device, the day it is for (None: now), and what waits for it."""

    device: str
    what: str
    state: State
    due_on: dt.date | None
    blocks: tuple[str, ...] = ()
    test: str = ""


def tasks(devices: Iterable[Device], *, on: dt.date, days: int) -> tuple[Task, ...]:
    """All that is failed, overdue, never done or due by `on`, or falls due within `days`.

    The pressing ones first, then by day, device and title.
    """
    until = on + dt.timedelta(days=days)
    found = [t for d in devices for t in (*_checks(d, on), *_dated(d, on))
             if t.state != "next" or (t.due_on is not None and t.due_on <= until)]  # fmt: skip
    return tuple(sorted(found, key=lambda t: (ORDER.index(t.state), t.due_on or on, t.device,
                                              t.what)))  # fmt: skip


def _checks(device: Device, on: dt.date) -> Iterable[Task]:
    for s in device.standing(today=on):
        state: State = "next" if s.status == "ok" else s.status
        if s.status != "ok" or s.due_on is not None:
            yield Task(device.id, s.test, state, s.due_on, s.blocks, s.id)


def _dated(device: Device, on: dt.date) -> Iterable[Task]:
    """Calibrations that run out (the newest of each geometry) and an ageing check source."""
    newest = {(c.nuclide, c.geometry): c for c in sorted(device.calibration, key=lambda c: c.date)}
    for c in newest.values():
        state: State = "overdue" if c.valid_until < on else "next"
        yield Task(device.id, f"Calibration {c.nuclide}, {c.geometry}", state, c.valid_until)
    if device.check_source is not None:
        source = device.check_source
        half_life_h = nuclide(source.nuclide).half_life_h.value
        last = replace_by(source.at.date(), half_life_h=half_life_h)
        state = "overdue" if last < on else "next"
        yield Task(device.id, f"New check source for {source.id} ({source.nuclide})", state, last)
