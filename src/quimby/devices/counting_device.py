"""The device document: a counter, probe, monitor, activity meter or HPGe, as TOML."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from quimby.core.notes import Note, refusal
from quimby.core.time import hours_between
from quimby.core.uncertain import Uncertain
from quimby.devices import efficiency, matching, qc_calendar
from quimby.devices.camera import DeadTimeRecord
from quimby.devices.clock import Comparison, Moment, true_time
from quimby.devices.counting import BusyTime, Counting
from quimby.devices.qc_calendar import Done, Kind, Standing, Test
from quimby.physics.nuclides import canonical, nuclide

Text = Annotated[str, Field(min_length=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
PER_MBQ = {"cps/Bq": 1e6, "cps/kBq": 1e3, "cps/MBq": 1.0}
UNITS: Mapping[str, tuple[str, ...]] = {
    "radionuclide calibrator": ("1",),
    "gamma counter": tuple(PER_MBQ),
    "thyroid probe": tuple(PER_MBQ),
    "dose-rate monitor": (*tuple(PER_MBQ), "uSv/h/MBq"),
    "HPGe": tuple(PER_MBQ),
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CalibrationRecord(_Part):
    """What the device gives per activity, for one nuclide in one geometry.

    `value` is an efficiency, or for an activity meter ("1") true over displayed activity.
    """

    nuclide: Text
    geometry: Text  # "2 ml in a 5 ml tube", "neck phantom", "10 ml vial"
    value: Positive
    unit: Literal["cps/Bq", "cps/kBq", "cps/MBq", "uSv/h/MBq", "1"]
    u_relative: dict[str, NotNegative]  # by cause
    standard: Text  # what it was traced to
    dead_time_corrected: bool
    date: dt.date
    valid_until: dt.date
    by: Text

    @model_validator(mode="after")
    def _whole(self) -> CalibrationRecord:
        if self.valid_until <= self.date:
            raise ValueError("valid_until does not lie after date")
        if not any(self.u_relative.values()):
            raise ValueError("a calibration without doubt is not believed; name its causes")
        return self

    def per_mbq(self, device: str) -> Uncertain:
        """The value per MBq, with its whole doubt as one cause that all samples share."""
        scale = PER_MBQ.get(self.unit, 1.0)
        u = Uncertain(1.0, self.u_relative).u
        value = self.value * scale
        return Uncertain(value, {f"calibration of {device}": u * value})


class BusyRecord(DeadTimeRecord):
    """Dead time. Counters are mostly non-paralysable, so the model must be said."""

    model: Literal["paralysable", "non-paralysable"]


class BackgroundRecord(_Part):
    """Background of the empty device in its place."""

    counts: NotNegative
    time_s: Positive
    at: AwareDatetime


class SourceRecord(_Part):
    """The check source and its net reading when the device was last calibrated."""

    id: Text
    nuclide: Text
    reading: Positive
    unit: Text
    at: AwareDatetime


class ToleranceRecord(_Part):
    """A centre's own limits of constancy, as fractions."""

    warn: Positive
    action: Positive


class ClockRecord(_Part):
    """What the device showed when the reference clock stood at `true`."""

    shown: AwareDatetime
    true: AwareDatetime


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A calibration as used: per MBq (counters), uSv/h per MBq, or a factor (unit "1")."""

    value: Uncertain
    unit: str
    dead_time_corrected: bool
    notes: tuple[Note, ...]

    def true_mbq(self, shown_mbq: Uncertain) -> Uncertain:
        """Activity behind what an activity meter shows; for unit "1" only (E-CAL-UNIT)."""
        if self.unit != "1":
            raise refusal("E-CAL-UNIT", where="activity meter", unit=self.unit)
        return shown_mbq * self.value


class Device(_Part):
    """A device that counts, with its calibrations and its quality control."""

    id: Text
    kind: Kind
    mounting: Literal["hand-held", "fixed"] | None = None  # dose-rate monitors
    manufacturer: Text
    model: Text
    serial: Text
    calibration: tuple[CalibrationRecord, ...] = ()
    dead_time: BusyRecord | Literal["none"]
    background: BackgroundRecord | None = None
    check_source: SourceRecord | None = None
    tolerance: ToleranceRecord | None = None
    clock: tuple[ClockRecord, ...] = ()
    test: tuple[Test, ...] = ()  # the centre's own; one of the same id replaces the default
    done: tuple[Done, ...] = ()
    repaired: dt.date | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Device:
        if (self.kind == "dose-rate monitor") != (self.mounting is not None):
            raise ValueError('mounting is "hand-held" or "fixed", for a dose-rate monitor only')
        for c in self.calibration:
            if c.unit not in UNITS[self.kind]:
                raise ValueError(f"a {self.kind} is calibrated in {' or '.join(UNITS[self.kind])}")
        if any(t.kind != self.kind for t in self.test):
            raise ValueError(f"a test in this document is not for a {self.kind}")
        known = {t.id for t in self.tests()}
        if lost := [d.test for d in self.done if d.test not in known]:
            raise ValueError(f"no test is called {lost[0]!r}; known: {', '.join(sorted(known))}")
        return self

    def tests(self) -> tuple[Test, ...]:
        """The tests this device needs: the defaults of its kind and the centre's own."""
        return qc_calendar.calendar(self.kind, self.test)

    def calibration_for(self, name: str, geometry: str, *, on: dt.date) -> Calibrated:
        """The newest calibration for a nuclide and geometry made by that day.

        E-DEV-CALIBRATION where there is none; W-/S-CAL-EXPIRED, S-CAL-FUTURE (only later ones
        exist: the first of them).
        """
        fitting = sorted((c for c in self.calibration if self._fits(c, name, geometry)),
                         key=lambda c: c.date)  # fmt: skip
        if not fitting:
            known = ", ".join(f"{c.nuclide} in {c.geometry}" for c in self.calibration) or "none"
            raise refusal("E-DEV-CALIBRATION", where=self.id, device=self.id, nuclide=name,
                          geometry=geometry, known=known)  # fmt: skip
        used = next((c for c in reversed(fitting) if c.date <= on), fitting[0])
        notes = matching.date_notes(on, made=used.date, valid_until=used.valid_until, where=self.id)
        unit = "cps/MBq" if used.unit in PER_MBQ else used.unit
        return Calibrated(used.per_mbq(self.id), unit, used.dead_time_corrected, notes)

    def _fits(self, record: CalibrationRecord, name: str, geometry: str) -> bool:
        same_geometry = matching.same(record.geometry, geometry) is True
        return same_geometry and canonical(record.nuclide) == canonical(name)

    def busy(self) -> BusyTime | None:
        """Dead time with its doubt ("dead time of …"); None where it is recorded as none."""
        if self.dead_time == "none":
            return None
        d = self.dead_time
        tau = Uncertain(d.tau_us * 1e-6, {f"dead time of {self.id}": d.u_us * 1e-6})
        return BusyTime(tau, d.model)

    def background_counting(self) -> Counting | None:
        """The recorded background; its doubt is shared by all samples it is taken from."""
        if self.background is None:
            return None
        return Counting(self.background.counts, self.background.time_s, f"background of {self.id}")

    def check(self, reading: float, *, at: dt.datetime) -> efficiency.SourceCheck:
        """A net reading of the check source against its decayed reference; E-DEV-SOURCE."""
        source = self.check_source
        if source is None:
            raise refusal("E-DEV-SOURCE", where=self.id, device=self.id)
        own = self.tolerance
        limits = (
            efficiency.Tolerance(own.warn, own.action) if own else qc_calendar.tolerance(self.kind)
        )
        return efficiency.check_source(
            reading,
            source.reading,
            elapsed_h=hours_between(source.at, at),
            half_life_h=nuclide(source.nuclide).half_life_h.value,
            tolerance=limits,
            where=self.id,
        )

    def true_time(self, shown: dt.datetime) -> Moment:
        """The true time of what the device recorded."""
        compared = [Comparison(c.shown, c.true) for c in self.clock]
        return true_time(shown, compared, where=self.id)

    def standing(self, *, today: dt.date) -> tuple[Standing, ...]:
        """Where each test stands on a day."""
        return qc_calendar.standing(self.tests(), self.done, today=today, repaired=self.repaired,
                                    where=self.id)  # fmt: skip

    def notes_for(self, measurement: str, *, on: dt.date) -> tuple[Note, ...]:
        """What its quality control says of a measurement on that day; S-notes block signing."""
        return qc_calendar.notes_for(self.standing(today=on), measurement)

    def made_while_out(self, measured: Mapping[str, dt.date]) -> Mapping[str, tuple[str, ...]]:
        """Trace-back: by failed test, the measurements made while out of control."""
        found = {
            t.title: qc_calendar.traced(qc_calendar.out_of_control(self.done, t.id), measured)
            for t in self.tests()
        }
        return {title: names for title, names in found.items() if names}


def activity_mbq(rate_cps: Uncertain, calibrated: Calibrated) -> Uncertain:
    """Activity of a net rate by a calibration in counts; E-CAL-UNIT for any other."""
    if calibrated.unit != "cps/MBq":
        raise refusal("E-CAL-UNIT", where="counting device", unit=calibrated.unit)
    return rate_cps / calibrated.value


def read_device(path: Path) -> Device:
    """The device in a TOML file. E-DEV-READ, or E-DEV-RECORD naming the first wrong field."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise refusal("E-DEV-READ", where=str(path), why=error) from None
    return device(document, where=str(path))


def device(document: Mapping[str, Any], *, where: str) -> Device:
    """The device of a document already parsed; E-DEV-RECORD, E-NUC-UNKNOWN."""
    try:
        found = Device.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(p) for p in first["loc"]) or "record"
        why = str(first["msg"]).removeprefix("Value error, ")
        raise refusal("E-DEV-RECORD", where=where, field=field, why=why) from None
    for name in (*(c.nuclide for c in found.calibration), *_sources(found)):
        nuclide(name)
    if found.tolerance is not None:
        efficiency.Tolerance(found.tolerance.warn, found.tolerance.action)
    return found


def _sources(found: Device) -> tuple[str, ...]:
    return () if found.check_source is None else (found.check_source.nuclide,)


def write_device(found: Device, path: Path) -> None:
    """Write the document as TOML; reading it back gives the same device."""
    path.write_text(tomli_w.dumps(found.model_dump(exclude_none=True)), "utf-8")
