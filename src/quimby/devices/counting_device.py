"""The device document: a counter, probe, monitor, activity meter or HPGe, as TOML."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError, model_validator

from quimby.core.notes import Note, note, refusal
from quimby.core.time import hours_between
from quimby.core.uncertain import Uncertain
from quimby.devices import efficiency, matching, qc_calendar
from quimby.devices.clock import Comparison, Moment, true_time
from quimby.devices.counting import BusyTime, Counting
from quimby.devices.device_records import (
    PER_MBQ,
    UNITS,
    BackgroundRecord,
    BaselineRecord,
    BusyRecord,
    CalibrationRecord,
    ClockRecord,
    Part,
    RepairRecord,
    SourceRecord,
    Text,
    ToleranceRecord,
)
from quimby.devices.device_toml import replace_file, toml_of
from quimby.devices.efficiency import Tolerance
from quimby.devices.qc_calendar import Done, Kind, Standing, Test
from quimby.physics.nuclides import canonical, nuclide


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


class Device(Part):
    """A device that counts, with its calibrations and its quality control.

    `also_for` names measurements beside those of its kind, e.g. a probe that counts the whole
    body too ("whole-body retention"): they then wait for the same checks.
    """

    id: Text
    kind: Kind
    mounting: Literal["hand-held", "fixed"] | None = None  # dose-rate monitors
    manufacturer: Text
    model: Text
    serial: Text
    also_for: tuple[Text, ...] = ()
    calibration: tuple[CalibrationRecord, ...] = ()
    dead_time: BusyRecord | Literal["none"]
    background: BackgroundRecord | None = None
    check_source: SourceRecord | None = None
    tolerance: ToleranceRecord | None = None
    clock: tuple[ClockRecord, ...] = ()
    test: tuple[Test, ...] = ()  # the centre's own; one of the same id replaces the default
    done: tuple[Done, ...] = ()
    repaired: dt.date | None = None
    repair: tuple[RepairRecord, ...] = ()
    baseline: tuple[BaselineRecord, ...] = ()
    former_dead_time: tuple[BusyRecord, ...] = ()

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
        named = (*(d.test for d in self.done), *(b.test for b in self.baseline))
        if lost := [name for name in named if name not in known]:
            raise ValueError(f"no test is called {lost[0]!r}; known: {', '.join(sorted(known))}")
        return self

    def tests(self) -> tuple[Test, ...]:
        """The tests this device needs: the defaults of its kind and the centre's own."""
        tests = qc_calendar.calendar(self.kind, self.test)
        return tuple(qc_calendar.also_blocking(t, self.also_for) for t in tests)

    def test_called(self, name: str) -> Test:
        """The test with that id or title, whatever its case; E-QC-TEST."""
        wanted = name.strip().casefold().replace("_", "-")
        for t in self.tests():
            if wanted in (t.id.casefold(), t.title.casefold()):
                return t
        known = ", ".join(t.id for t in self.tests())
        raise refusal("E-QC-TEST", where=self.id, device=self.id, test=name, known=known)

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

    @property
    def limits(self) -> Tolerance:
        """Limits of constancy: the centre's own, else those of the kind of device."""
        own = self.tolerance
        return Tolerance(own.warn, own.action) if own else qc_calendar.tolerance(self.kind)

    def check(self, reading: float, *, at: dt.datetime) -> efficiency.SourceCheck:
        """A net reading of the check source against its decayed reference; E-DEV-SOURCE."""
        source = self.check_source
        if source is None:
            raise refusal("E-DEV-SOURCE", where=self.id, device=self.id)
        return efficiency.check_source(
            reading,
            source.reading,
            elapsed_h=hours_between(source.at, at),
            half_life_h=nuclide(source.nuclide).half_life_h.value,
            tolerance=self.limits,
            where=self.id,
        )

    def true_time(self, shown: dt.datetime) -> Moment:
        """The true time of what the device recorded."""
        compared = [Comparison(c.shown, c.true) for c in self.clock]
        return true_time(shown, compared, where=self.id)

    @property
    def repaired_on(self) -> dt.date | None:
        """Day of the last repair that the document knows of."""
        known = [r.on for r in self.repair] + ([self.repaired] if self.repaired else [])
        return max(known, default=None)

    def standing(self, *, today: dt.date) -> tuple[Standing, ...]:
        """Where each test stands on a day; a later repair asks for nothing yet."""
        known = [r.on for r in self.repair] + ([self.repaired] if self.repaired else [])
        repaired = max((on for on in known if on <= today), default=None)
        return qc_calendar.standing(self.tests(), self.done, today=today, repaired=repaired,
                                    where=self.id)  # fmt: skip

    def is_new(self, *, on: dt.date) -> bool:
        """Whether no check had been recorded at all by that day. A new device blocks signing."""
        return not any(d.on <= on for d in self.done)

    def measures(self) -> frozenset[str]:
        """The kinds of measurement that wait for its checks ("sample activity")."""
        return frozenset(b for t in self.tests() for b in t.blocks) | set(self.also_for)

    def notes_for(self, measurement: str, *, on: dt.date) -> tuple[Note, ...]:
        """What its quality control says of a kind of measurement on that day.

        Only the tests that this measurement waits for speak. S-QC-OVERDUE, S-QC-FAILED,
        S-QC-NEVER block signing, W-QC-DUE warns. A document without any record is one S-QC-NEW
        (`is_new`); a measurement that no test of this device covers is S-QC-UNCOVERED. Checks
        of the clock and of calibrations are apart (`true_time`, `calibration_for`).
        E-QC-MEASUREMENT for a word that no device knows.
        """
        qc_calendar.check_measurement(measurement, self.measures(), where=self.id)
        if measurement not in self.measures() and all(t.blocks for t in self.tests()):
            covered = ", ".join(sorted(self.measures()))
            return (note("S-QC-UNCOVERED", where=self.id, device=self.id, covered=covered,
                         measurement=measurement),)  # fmt: skip
        if self.is_new(on=on):
            return (note("S-QC-NEW", where=self.id, device=self.id),)
        return qc_calendar.notes_for(self.standing(today=on), measurement)

    def may_measure(self, measurement: str, *, on: dt.date) -> bool:
        """Whether nothing blocks this kind of measurement on that day."""
        return all(n.severity != "blocking" for n in self.notes_for(measurement, on=on))

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
    return device(read_document(path), where=str(path))


def read_document(path: Path) -> dict[str, Any]:
    """The TOML of a file, not yet judged; E-DEV-READ."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        why = error.strerror or str(error)
        raise refusal("E-DEV-READ", where=str(path), why=why) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise refusal("E-DEV-READ", where=str(path), why=str(error).rstrip(".")) from None


def device(document: Mapping[str, Any], *, where: str) -> Device:
    """The device of a document already parsed; E-DEV-RECORD, E-NUC-UNKNOWN."""
    try:
        found = Device.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(p) for p in first["loc"]) or "record"
        if field == "dead_time" and first["type"] == "missing":
            raise refusal("E-DEV-DEAD-TIME", where=where) from None
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
    """Write the document as TOML; reading it back gives the same device.

    A document that people keep is changed with `device_file.changed`, which spares its comments.
    """
    replace_file(path, toml_of(found.model_dump(exclude_defaults=True)))
