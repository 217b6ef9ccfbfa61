"""A calibration record from readings of a standard, with every cause of its doubt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import hypot, sqrt
from statistics import fmean, stdev

from quimby.core.notes import Note, in_order, note, refusal
from quimby.core.numbers import above_zero
from quimby.core.uncertain import Uncertain, combine, exact, total
from quimby.devices import efficiency
from quimby.devices.constancy import cross_calibration
from quimby.devices.counting import Counting, sample_activity
from quimby.devices.counting_device import Calibrated, Device
from quimby.devices.device_records import PER_MBQ, CalibrationRecord
from quimby.physics.decay import decay_factor

UNIT = {"radionuclide calibrator": "1", "gamma counter": "cps/kBq", "HPGe": "cps/kBq",
        "thyroid probe": "cps/MBq", "dose-rate monitor": "cps/MBq"}  # fmt: skip
"""Unit in which a calibration is written."""
CROSS_Z = 2.0  # standard uncertainties between a device and the activity meter [P]


@dataclass(frozen=True, slots=True)
class Standard:
    """One counting of a standard. `activity_mbq` holds at a reference time, `elapsed_h` before
    the middle of the counting. Countings of one tube share `tube`."""

    tube: str
    counting: Counting
    activity_mbq: Uncertain
    elapsed_h: float


@dataclass(frozen=True, slots=True)
class Response:
    """What the device gives per MBq (or a factor), by tube and as the mean over the tubes."""

    value: Uncertain
    unit: str  # "cps/MBq", "uSv/h/MBq" or "1"
    tubes: Mapping[str, Uncertain]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """Activity that a device finds over the activity that is known, by tube and as the mean."""

    ratio: Uncertain
    tubes: Mapping[str, Uncertain]
    notes: tuple[Note, ...] = ()


def by_counts(
    device: Device, standards: Sequence[Standard], background: Counting, *, half_life_h: float
) -> Response:
    """Efficiency from countings of one or more standards, freed from dead time.

    Each tube counts once, however often it was counted. W-CNT-PIPETTE where two tubes differ by
    more than 3 %, W-CNT-ONE-STANDARD for a gamma counter with one. E-NUM-NONPOS, E-DT-NOSOLUTION.
    """
    found = [
        (s.tube, efficiency.efficiency(s.counting, background, s.activity_mbq,
                                       elapsed_h=s.elapsed_h, half_life_h=half_life_h,
                                       busy=device.busy()))
        for s in standards
    ]  # fmt: skip
    tubes = _by_tube(found)
    notes = _tube_notes(tubes, where=device.id)
    if len(tubes) == 1 and device.kind == "gamma counter":
        notes += (note("W-CNT-ONE-STANDARD", where=device.id),)
    return Response(mean(tuple(tubes.values())), "cps/MBq", tubes, notes)


def by_readings(
    device: Device,
    readings: Sequence[float],
    known_mbq: Uncertain,
    *,
    elapsed_h: float,
    half_life_h: float,
    unit: str,
    background: float = 0.0,
) -> Response:
    """Calibration from what the device shows: MBq (unit "1"), µSv/h or cps.

    `known_mbq` holds `elapsed_h` before the readings. Their scatter is a cause ("repeated
    readings"). W-/S-RNC-DEV for an activity meter; E-NUM-NONPOS, E-CAL-VALUE.
    """
    shown = _repeated([r - background for r in readings], where=device.id)
    above_zero(shown.value, "reading above background", "", where=device.id)
    if unit == "1":
        found = cross_calibration(known_mbq, shown, elapsed_h=elapsed_h, half_life_h=half_life_h)
        return Response(found.factor, unit, {"readings": found.factor}, found.notes)
    held = known_mbq.scaled(decay_factor(elapsed_h, half_life_h))
    value = shown / held
    return Response(value, unit, {"readings": value})


def _repeated(readings: Sequence[float], *, where: str) -> Uncertain:
    if not readings:
        raise refusal("E-QC-READINGS", where=where, given=0, least=1, what="a calibration")
    if len(readings) == 1:
        return exact(readings[0])
    u = stdev(readings) / sqrt(len(readings))
    return Uncertain(fmean(readings), {"repeated readings": u})


def cross_check(
    device: Device,
    standards: Sequence[Standard],
    background: Counting,
    *,
    calibrated: Calibrated,
    half_life_h: float,
) -> CrossCheck:
    """A calibrated device against activities known from an activity meter.

    W-CNT-PIPETTE as `by_counts`; W-CNT-CROSS where the mean departs from one by more than two
    of its standard uncertainties; E-CAL-UNIT for a calibration that is not in counts.
    """
    if calibrated.unit != "cps/MBq":
        raise refusal("E-CAL-UNIT", where="counting device", unit=calibrated.unit)
    found = [
        (s.tube, sample_activity(s.counting, background, half_life_h=half_life_h,
                                 efficiency_cps_per_mbq=calibrated.value, elapsed_h=s.elapsed_h,
                                 busy=device.busy()).activity_mbq / s.activity_mbq)
        for s in standards
    ]  # fmt: skip
    tubes = _by_tube(found)
    ratio = mean(tuple(tubes.values()))
    notes = (*calibrated.notes, *_tube_notes(tubes, where=device.id))
    z = abs(ratio.value - 1.0) / ratio.u if ratio.u else 0.0
    if z > CROSS_Z:
        notes += (note("W-CNT-CROSS", where=device.id, value=z, limit=CROSS_Z,
                       off=ratio.value - 1.0),)  # fmt: skip
    return CrossCheck(ratio, tubes, in_order(notes))


def mean(values: Sequence[Uncertain]) -> Uncertain:
    """Mean, with shared causes kept shared."""
    return total(values).scaled(1.0 / len(values))


def _by_tube(found: Sequence[tuple[str, Uncertain]]) -> dict[str, Uncertain]:
    order = list(dict.fromkeys(tube for tube, _ in found))
    rows = sorted(found, key=lambda row: order.index(row[0]))
    grouped = groupby(rows, key=lambda row: row[0])
    return {tube: mean([value for _, value in group]) for tube, group in grouped}


def _tube_notes(tubes: Mapping[str, Uncertain], *, where: str) -> tuple[Note, ...]:
    if len(tubes) < 2:
        return ()
    ordered = sorted(tubes.values(), key=lambda t: t.value)
    return efficiency.pipetting_notes(ordered[0], ordered[-1], where=where)


def causes(value: Uncertain) -> dict[str, float]:
    """Relative doubt by cause, as a record keeps it: readings of one kind taken together."""
    found: dict[str, float] = {}
    for cause, part in value.parts.items():
        name = _plain(cause)
        found[name] = hypot(found.get(name, 0.0), abs(part / value.value))
    return {name: float(f"{u:.3g}") for name, u in found.items() if u > 0}


def _plain(cause: str) -> str:
    if cause.startswith("counts, background"):
        return "background"
    kind, comma, _ = cause.partition(", ")
    return {"counts": "counting", "pipetting": "pipetting"}.get(kind, cause) if comma else cause


def record(
    response: Response,
    device: Device,
    *,
    nuclide: str,
    geometry: str,
    standard: str,
    on: dt.date,
    valid_until: dt.date,
    by: str,
    more: Mapping[str, float] | None = None,
    raw_data: str | None = None,
) -> CalibrationRecord:
    """The response as a record of the device; `more` adds causes (relative).

    E-DEV-NO-DOUBT where nothing is known of its doubt; E-DEV-VALID for a last day that does not
    lie after the first.
    """
    value = response.value
    for cause, u in (more or {}).items():
        value = combine(value.value, (value, 1.0)).because(cause, u * value.value)
    if value.u == 0:
        raise refusal("E-DEV-NO-DOUBT", where=device.id)
    if valid_until <= on:
        raise refusal("E-DEV-VALID", where=device.id, first=on, last=valid_until)
    unit = UNIT[device.kind] if response.unit == "cps/MBq" else response.unit
    written = value.value / PER_MBQ.get(unit, 1.0)
    return CalibrationRecord.model_validate({
        "nuclide": nuclide, "geometry": geometry, "value": float(f"{written:.6g}"), "unit": unit,
        "u_relative": causes(value), "standard": standard, "date": on, "by": by,
        "dead_time_corrected": device.busy() is not None and response.unit == "cps/MBq",
        "valid_until": valid_until, "raw_data": raw_data,
    })  # fmt: skip
