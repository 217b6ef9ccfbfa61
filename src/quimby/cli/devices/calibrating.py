"""`quimby device calibrate` and `cross-check`: a standard counted, or read, on the device."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quimby.cli.devices import tables, telling, words
from quimby.cli.devices.telling import line, per_cent, signed
from quimby.cli.terminal import console
from quimby.core.notes import Note, note, refusal
from quimby.core.time import hours_between
from quimby.core.uncertain import Uncertain
from quimby.devices import device_calibration
from quimby.devices.counting import Counting
from quimby.devices.counting_device import Device, read_device
from quimby.devices.device_calibration import Response, Standard
from quimby.devices.device_file import changed
from quimby.devices.device_records import CalibrationRecord
from quimby.devices.qc_calendar import Done
from quimby.physics.nuclides import canonical, nuclide
from quimby.report.rounding import plus_minus

FULFILS = ("efficiency", "accuracy")
"""Tests of the calendar that a calibration fulfils, where the kind of device has them."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was typed at `calibrate` or `cross-check` about the standard and its readings."""

    nuclide: str
    geometry: str
    activity: Sequence[str]
    at: str
    concentration: str | None = None
    table: Path | None = None
    columns: Path | None = None
    counts: Sequence[str] = ()
    readings: Sequence[str] = ()
    counted_at: str | None = None
    background: str | None = None
    pipetting: str | None = None
    zone: str | None = None

    @property
    def half_life_h(self) -> float:
        """Of the standard's nuclide."""
        return nuclide(self.nuclide).half_life_h.value

    def reference(self) -> dt.datetime:
        """The time that the activity holds for."""
        return words.moment(self.at, where="--at", zone=self.zone)

    def elapsed_h(self, middle: dt.datetime) -> float:
        """From the time of the activity to a reading; E-DEC-TIME far beyond what decay allows."""
        elapsed = hours_between(self.reference(), middle)
        if abs(elapsed) > 7 * self.half_life_h:
            raise refusal("E-DEC-TIME", where="--at", half_lives=elapsed / self.half_life_h,
                          limit=7.0)  # fmt: skip
        return elapsed


def calibrate_job(
    path: Path, measured: Measured, *, standard: str, by: str, on: str | None,
    valid_until: str | None, more: Sequence[str], dry_run: bool, as_json: bool,
) -> int:  # fmt: skip
    """Calibrate and add the record; returns the exit code."""
    device, who, name = read_device(path), words.person(by), canonical(measured.nuclide)
    response, origin, when, odd = _response(device, measured)
    day = words.day(on, where="--on") if on else when.date()
    words.not_ahead(day, "this calibration", where="--on")
    until = words.day(valid_until, where="--valid-until") if valid_until else _year(day)
    record = device_calibration.record(
        response, device, nuclide=name, geometry=measured.geometry, standard=standard, on=day,
        valid_until=until, by=who, more=words.causes(more), raw_data=origin,
    )  # fmt: skip
    notes = (*response.notes, *odd)
    if not dry_run:
        device = changed(path, lambda d: _with(d, record, notes))
    if as_json:
        telling.document(schema="quimby.device-calibration", device=device.id,
                         record=record.model_dump(mode="json", exclude_none=True),
                         tubes={k: v.value for k, v in response.tubes.items()},
                         written=not dry_run, notes=telling.notes_json(notes))  # fmt: skip
        return 0
    _tell(device, record, response, notes)
    line(console(), "Nothing was written (--dry-run)." if dry_run else f"Wrote   {path}")
    return 0


def _year(day: dt.date) -> dt.date:
    return day + dt.timedelta(days=365)


def _with(device: Device, record: CalibrationRecord, notes: Sequence[Note]) -> Device:
    known = {t.id for t in device.tests()}
    stop = any(n.severity == "blocking" for n in notes)
    result = "fail" if stop else "pass"
    why = notes[0].text.rstrip(".") if stop else ""
    said = f"calibrated: {record.nuclide}, {record.geometry}"
    done = tuple(Done(test=t, on=record.date, result=result, by=record.by, why=why, note=said)
                 for t in FULFILS if t in known)  # fmt: skip
    return device.model_copy(update={
        "calibration": (*device.calibration, record), "done": (*device.done, *done),
    })  # fmt: skip


def _tell(
    device: Device, record: CalibrationRecord, response: Response, notes: Sequence[Note]
) -> None:
    to = console()
    value = plus_minus(Uncertain(record.value, {"all": record.u_rel * record.value}))
    unit = "true over shown activity" if record.unit == "1" else record.unit
    line(to, f"{device.id}, {record.nuclide}, {record.geometry}")
    line(to, f"        {value} {unit} ({per_cent(record.u_rel)}, k = 1)")
    for cause, u in sorted(record.u_relative.items(), key=lambda row: -row[1]):
        line(to, f"        {cause}: {per_cent(u)}")
    if len(response.tubes) > 1:
        _tubes(response.tubes, response.value.value)
    line(to, f"Valid   {record.date} to {record.valid_until}, traced to {record.standard}")
    telling.told(to, notes)


def _tubes(tubes: dict[str, Uncertain] | object, mean: float) -> None:
    assert isinstance(tubes, dict)
    for name, value in tubes.items():
        line(console(), f"        {name}: {signed(value.value / mean - 1.0)} from the mean")


def _response(
    device: Device, measured: Measured
) -> tuple[Response, str | None, dt.datetime, tuple[Note, ...]]:
    """Response, where the data came from, when they were taken, what was odd about the table."""
    if measured.readings:
        response, when = _by_readings(device, measured)
        return response, None, when, ()
    if device.kind == "radionuclide calibrator":
        raise refusal("E-DEV-READINGS", where=device.id, kind=device.kind)
    standards, background, origin, when, odd = countings(device, measured)
    response = device_calibration.by_counts(device, standards, background,
                                            half_life_h=measured.half_life_h)  # fmt: skip
    return response, origin, when, odd


def _by_readings(device: Device, measured: Measured) -> tuple[Response, dt.datetime]:
    """An activity meter in MBq, a monitor in µSv/h, or a rate without its counts."""
    read = [words.in_house_unit(t, where="--reading") for t in measured.readings]
    wanted = {"MBq": "1"} if device.kind == "radionuclide calibrator" else {
        "µSv/h": "uSv/h/MBq", "cps": "cps/MBq"}  # fmt: skip
    units = {unit for _, unit in read}
    if len(units) != 1 or not units <= wanted.keys():
        raise refusal("E-DEV-READINGS", where=device.id, kind=device.kind)
    values, shown = [value for value, _ in read], read[0][1]
    unit = wanted[units.pop()]
    if unit == "cps/MBq" and device.busy() is not None:
        raise refusal("E-DEV-RATE", where=device.id)
    when = words.moment(_needed(measured.counted_at, "--counted-at"), where="--counted-at",
                        zone=measured.zone)  # fmt: skip
    moment = device.true_time(when)
    floor = 0.0
    if measured.background:
        floor, other = words.in_house_unit(measured.background, where="--background")
        if other != shown:
            raise refusal("E-UNIT-PAIR", where="--background", given=other, wanted=shown,
                          known=shown)  # fmt: skip
    response = device_calibration.by_readings(
        device, values, _activity(measured, "", None), unit=unit, background=floor,
        elapsed_h=measured.elapsed_h(moment.at), half_life_h=measured.half_life_h,
    )  # fmt: skip
    return response, moment.at


def countings(
    device: Device, measured: Measured
) -> tuple[list[Standard], Counting, str | None, dt.datetime, tuple[Note, ...]]:
    """Standards and background, from the table or from what was typed."""
    if measured.table is not None:
        return _of_table(device, measured)
    if not measured.counts:
        raise refusal("E-DEV-READINGS", where=device.id, kind=device.kind)
    when = words.moment(_needed(measured.counted_at, "--counted-at"), where="--counted-at",
                        zone=measured.zone)  # fmt: skip
    shown = device.true_time(when)
    standards = []
    for n, text in enumerate(measured.counts, start=1):
        tube, bare = words.pair(text, where="--counts", wanted="S1=61234 counts in 60 s") \
            if "=" in text else (f"standard {n}", text)  # fmt: skip
        counted = words.counting(bare, what=f"{tube}, reading {n}", where="--counts")
        middle = shown.at + dt.timedelta(seconds=counted.time_s / 2.0)
        standards.append(Standard(tube, counted, _activity(measured, tube, None),
                                  measured.elapsed_h(middle)))  # fmt: skip
    return standards, _background(device, measured, None), None, shown.at, shown.notes


def _of_table(
    device: Device, measured: Measured
) -> tuple[list[Standard], Counting, str | None, dt.datetime, tuple[Note, ...]]:
    assert measured.table is not None
    found = tables.rows(measured.table, zone=measured.zone, columns=measured.columns)
    notes: list[Note] = list(found.notes)
    standards: list[Standard] = []
    chosen = found.of("standard") or found.of("sample")
    if not chosen:
        raise refusal("E-DEV-TABLE", where=str(measured.table), lacks="a row of a standard")
    for row in chosen:
        moment = device.true_time(row.middle())
        notes += moment.notes
        known = _activity(measured, row.name, row.volume_ml)
        standards.append(Standard(row.name, row.counted(), known, measured.elapsed_h(moment.at)))
    when = min(row.time() for row in chosen)
    background = _background(device, measured, tables.background(found))
    if background.what != "background":
        notes.append(note("I-DEV-BACKGROUND", where=device.id))
    return standards, background, found.origin, when, tuple(notes)


def _background(device: Device, measured: Measured, of_table: Counting | None) -> Counting:
    """Of the table, as typed, or the device's recorded one; E-DEV-BACKGROUND without any."""
    if measured.background:
        return words.counting(measured.background, what="background", where="--background")
    found = of_table or device.background_counting()
    if found is None:
        raise refusal("E-DEV-BACKGROUND", where=device.id)
    return found


def _activity(measured: Measured, tube: str, volume_ml: float | None) -> Uncertain:
    """Activity of a tube at the time of the standard: its own, the one for all, or by volume."""
    known = _per_volume(measured, tube, volume_ml) if measured.concentration else _typed(
        measured.activity, tube)  # fmt: skip
    if measured.pipetting:
        u = words.share(measured.pipetting, where="--pipetting")
        known = known.because(f"pipetting, {tube}", u * known.value)
    return known


def _per_volume(measured: Measured, tube: str, volume_ml: float | None) -> Uncertain:
    if volume_ml is None:
        raise refusal("E-DEV-TABLE", where=tube or "standard", lacks="a volume")
    return words.with_doubt(measured.concentration or "", "concentration",
                            cause="standard activity", where="--concentration"
                            ).scaled(volume_ml)  # fmt: skip


def _typed(texts: Sequence[str], tube: str) -> Uncertain:
    own = dict(map(_split, texts))
    text = own.get(tube, own.get(""))
    if text is None:
        raise refusal("E-DEV-ACTIVITY", where=tube or "standard", tube=tube or "the standard")
    return words.with_doubt(text, "activity", cause="standard activity", where="--activity")


def _split(text: str) -> tuple[str, str]:
    return words.pair(text, where="--activity", wanted="S1=4.20 kBq ± 2 %") if "=" in text else (
        "", text)  # fmt: skip


def _needed(text: str | None, option: str) -> str:
    if text is None:
        raise refusal("E-DEV-OPTION", where="quimby device", option=option)
    return text


def cross_check_job(
    path: Path, measured: Measured, *, by: str | None, record: bool, as_json: bool
) -> int:
    """A calibrated device against activities from an activity meter; returns the exit code."""
    device = read_device(path)
    standards, background, _, when, odd = countings(device, measured)
    held = device.calibration_for(measured.nuclide, measured.geometry, on=when.date())
    found = device_calibration.cross_check(device, standards, background, calibrated=held,
                                           half_life_h=measured.half_life_h)  # fmt: skip
    notes = (*found.notes, *odd)
    if record:
        who = words.person(by or "")
        warned = any(n.code in ("W-CNT-CROSS", "W-CNT-PIPETTE") for n in notes)
        said = f"against the activity meter: {signed(found.ratio.value - 1.0)}"
        done = Done(test="efficiency", on=when.date(), result="warn" if warned else "pass",
                    by=who, why=said if warned else "", note=said, reading=found.ratio.value,
                    unit="found/known")  # fmt: skip
        device.test_called("efficiency")
        changed(path, lambda d: d.model_copy(update={"done": (*d.done, done)}))
    if as_json:
        telling.document(schema="quimby.device-cross-check", device=device.id, ratio=found.ratio,
                         tubes={k: v.value for k, v in found.tubes.items()},
                         notes=telling.notes_json(notes))  # fmt: skip
        return 0
    to = console()
    line(to, f"{device.id}, {canonical(measured.nuclide)}, {measured.geometry}: "
             f"found over known {plus_minus(found.ratio)}")  # fmt: skip
    for cause, u in found.ratio.budget()[:4]:
        line(to, f"        {cause}: {per_cent(u / found.ratio.value)}")
    if len(found.tubes) > 1:
        _tubes(dict(found.tubes), found.ratio.value)
    telling.told(to, notes)
    if record:
        line(to, f"Wrote   {path}")
    return 0
