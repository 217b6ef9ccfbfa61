"""The control chart of one test of a device: its points, its baseline, what each point breaks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from quimby.core.notes import Note, refusal
from quimby.devices.control_chart import (
    Baseline,
    Dated,
    Limits,
    Recalibration,
    new_baseline,
    rules_broken,
)
from quimby.devices.counting_device import Device
from quimby.devices.device_records import BaselineRecord
from quimby.devices.efficiency import Tolerance
from quimby.devices.qc_calendar import Done

CONSTANCY = ("constancy", "reproducibility")
"""Tests whose reading is one of the check source."""
TARGET = 1.0
"""What the tolerance holds around: a reading over its decayed reference."""


@dataclass(frozen=True, slots=True)
class Point:
    """One reading as charted, and what was made of it ("pass", "warn", "fail")."""

    on: dt.date
    value: float
    result: str
    rules: tuple[str, ...] = ()
    in_baseline: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """All readings of a test, oldest first.

    With `ratios` the values are readings over the decayed reference (one is as expected), and
    `tolerance` holds around one; else they are readings in `unit`, without a tolerance.
    """

    device: str
    test: str
    points: tuple[Point, ...]
    ratios: bool
    unit: str
    limits: Limits | None
    tolerance: Tolerance | None
    repaired: tuple[dt.date, ...]
    source: str = ""  # the check source, in words
    notes: tuple[Note, ...] = ()


def readings_of(device: Device, test: str) -> tuple[Done, ...]:
    """Records of a test that hold a reading, oldest first (those of a day as entered)."""
    return tuple(sorted((d for d in device.done if d.test == test and d.reading is not None),
                        key=lambda d: d.on))  # fmt: skip


def _dated(device: Device, test: str) -> tuple[tuple[Dated, Done], ...]:
    """Readings over their reference where all have one, else readings as they are."""
    found = readings_of(device, test)
    ratios = _ratios(test, found)
    return tuple((Dated(d.on, _value(d, ratios)), d) for d in found)


def _ratios(test: str, found: Sequence[Done]) -> bool:
    return test in CONSTANCY and bool(found) and all(d.expected for d in found)


def _value(d: Done, ratios: bool) -> float:
    assert d.reading is not None
    return d.reading / d.expected if ratios and d.expected else d.reading


def baseline_of(device: Device, test: str) -> Baseline | None:
    """The baseline that holds now: the last recorded for a test; None where there is none."""
    record = _last_baseline(device, test)
    if record is None:
        return None
    inside = [p for p, _ in _dated(device, test) if record.first <= p.on <= record.last]
    return new_baseline(inside, where=device.id)


def _last_baseline(device: Device, test: str) -> BaselineRecord | None:
    own = [b for b in device.baseline if b.test == test]
    return own[-1] if own else None


def since_baseline(device: Device, test: str) -> tuple[Dated, ...]:
    """Readings after the baseline, the ones that its limits judge."""
    record = _last_baseline(device, test)
    after = dt.date.min if record is None else record.last
    return tuple(p for p, _ in _dated(device, test) if p.on > after)


def set_baseline(
    device: Device, test: str, *, by: str, first: dt.date | None = None, last: dt.date | None = None
) -> tuple[BaselineRecord, Baseline]:
    """A baseline from the readings of these days (None: from the repair or the start, to now).

    E-QC-BASELINE for a second one without a repair or recalibration recorded since the first;
    E-QC-READINGS below ten readings.
    """
    old, record = baseline_of(device, test), _last_baseline(device, test)
    repair = max(device.repair, key=lambda r: r.on, default=None)
    after = Recalibration(repair.on, repair.by, repair.why) if repair else None
    if record is not None and after is not None and after.on <= record.last:
        after = None  # that repair came before the baseline that holds
    start = first or (after.on if after and record is not None else dt.date.min)
    inside = [p for p, _ in _dated(device, test) if start <= p.on <= (last or dt.date.max)]
    made = new_baseline(inside, old=old, after=after, where=device.id)
    return (
        BaselineRecord(test=test, first=made.readings[0].on, last=made.readings[-1].on, by=by),
        made,
    )


def chart_of(device: Device, test_name: str) -> Chart:
    """The chart of a test; E-QC-TEST, E-QC-CHART where no record of it holds a reading."""
    test = device.test_called(test_name)
    rows = _dated(device, test.id)
    if not rows:
        raise refusal("E-QC-CHART", where=device.id, test=test.title)
    ratios = _ratios(test.id, [d for _, d in rows])
    units = {d.unit for _, d in rows}
    if not ratios and len(units) > 1:
        raise refusal("E-QC-CHART-UNITS", where=device.id, test=test.title,
                      units=", ".join(sorted(str(u) for u in units)))  # fmt: skip
    base = baseline_of(device, test.id)
    broken = _rules(device, test.id, base) if base else {}
    points = tuple(
        Point(p.on, p.value, d.result, broken.get(i, ()), _inside(device, test.id, p.on), d.by)
        for i, (p, d) in enumerate(rows)
    )  # fmt: skip
    repaired = tuple(sorted({r.on for r in device.repair}))
    return Chart(device.id, test.title, points, ratios, str(rows[-1][1].unit),
                 base.limits if base else None, device.limits if ratios else None, repaired,
                 _source(device), base.limits.notes if base else ())  # fmt: skip


def _rules(device: Device, test: str, base: Baseline) -> dict[int, tuple[str, ...]]:
    """Rules broken by the points after the baseline, by their place among all points."""
    after = since_baseline(device, test)
    start = len(_dated(device, test)) - len(after)
    found = rules_broken(base.limits.mean, base.limits.sigma, [p.value for p in after],
                         where=device.id)  # fmt: skip
    return dict(enumerate(found, start=start))


def _inside(device: Device, test: str, on: dt.date) -> bool:
    record = _last_baseline(device, test)
    return record is not None and record.first <= on <= record.last


def _source(device: Device) -> str:
    source = device.check_source
    return "" if source is None else f"{source.nuclide} source {source.id}"
