"""The centre document: who works there, with which devices, for how many patients. TOML."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from quimby.advise.opening import Opening
from quimby.advise.staff import StaffRecord
from quimby.core.errors import QuimbyError
from quimby.core.notes import refusal
from quimby.devices.counting_device import read_device
from quimby.devices.qc_calendar import BLOCKING
from quimby.physics.nuclides import canonical
from quimby.protocols.document import first_fault
from quimby.protocols.practice import Calibration, NotNegative, Part, Text
from quimby.protocols.words import DOCUMENTED, HAS, Device, Facility, spoken

State = Literal["ok", "due", "overdue", "never", "failed"]
WEEKS = 50.0  # of work in a year [P]


class Calibrated(Part):
    """A calibration that the device has."""

    nuclide: Text
    on: dt.date


@dataclass(frozen=True, slots=True)
class Standing:
    """How a device stands to a calibration that is wanted of it. Not `known`: look it up."""

    known: bool
    made: dt.date | None = None  # None of what is known: never
    age_d: int | None = None
    valid: bool = False


class DeviceRecord(Part):
    """A device. What is left out is not known, and then told as something to look up."""

    id: Text
    kind: Device
    qc: State | None = None
    calibration: tuple[Calibrated, ...] | None = None
    document: str = ""  # device document, whose records go before what stands here

    @property
    def called(self) -> str:
        """As people say it: "SPECT/CT 'A'"."""
        return f"{spoken(self.kind)} {self.id!r}"

    def does(self, kind: str) -> bool:
        """Whether it can work as such a device: a SPECT/CT is a gamma camera too."""
        return kind == self.kind or kind in HAS.get(self.kind, ())

    def calibrated_on(self, nuclide: str) -> dt.date | None:
        """Day of the newest calibration with that nuclide ("": any); None for none."""
        wanted = canonical(nuclide) if nuclide else ""
        days = (
            c.on for c in self.calibration or () if canonical(c.nuclide) == wanted or not wanted
        )
        return max(days, default=None)

    def standing(self, wanted: Calibration, *, today: dt.date) -> Standing:
        """Whether it has this calibration, and how old it is.

        Calibrations are told for what the device is; what stands in for another tells nothing.
        """
        if self.calibration is None or self.kind != wanted.device:
            return Standing(known=False)
        made = self.calibrated_on(wanted.nuclide)
        if made is None:
            return Standing(known=True)
        age_d = (today - made).days
        valid = wanted.max_age_d is None or age_d <= wanted.max_age_d
        return Standing(known=True, made=made, age_d=age_d, valid=valid)

    def unsaid(self, wanted: Calibration) -> str:
        """What to look up about a calibration."""
        return f"{self.called}: {wanted.what}, not older than {wanted.max_age_d} d (not said)"


class Partner(Part):
    """A site that helps. What it does counts as there once that is `agreed`; else it is told."""

    name: Text
    devices: tuple[Device, ...] = ()
    competencies: tuple[Text, ...] = ()
    agreed: bool = False


class Practice(Part):
    """How often a therapy is given."""

    id: Text
    patients_a_year: NotNegative
    cycles: Annotated[float, Field(gt=0)] = 1.0
    studied: Annotated[float, Field(gt=0, le=1)] = 1.0  # share of cycles that are measured

    @property
    def studies(self) -> float:
        """Studies a year."""
        return self.patients_a_year * self.cycles * self.studied


class Weights(Part):
    """What makes a burden: minutes of staff count one; the rest in such minutes."""

    staff: NotNegative = 1.0
    camera: NotNegative = 1.0  # a minute of camera
    visit: NotNegative = 30.0
    sample: NotNegative = 10.0


class Centre(Part):
    """A centre."""

    name: Text
    weeks_a_year: Annotated[float, Field(gt=0, le=52)] = WEEKS
    camera_min_a_week: NotNegative | None = None  # free for dosimetry
    facilities: tuple[Facility, ...] | None = None
    staff: tuple[StaffRecord, ...] = ()
    device: tuple[DeviceRecord, ...] = ()
    partner: tuple[Partner, ...] = ()
    therapy: tuple[Practice, ...] = ()
    weights: Weights = Weights()
    opening: Opening | None = None

    @model_validator(mode="after")
    def _once(self) -> Centre:
        for what, names in (("device", [d.id for d in self.device]),
                            ("therapy", [t.id for t in self.therapy])):  # fmt: skip
            twice = [n for n in names if names.count(n) > 1]
            if twice:
                raise ValueError(f"{what} {twice[0]!r} stands twice")
        return self

    @property
    def kinds(self) -> Collection[Device]:
        """Kinds of device that are there."""
        return {d.kind for d in self.device}

    def practice(self, therapy: str) -> Practice | None:
        """How often this therapy is given; None where the document does not say."""
        return next((t for t in self.therapy if t.id == therapy), None)

    def hours_a_year(self, role: str) -> float | None:
        """Hours that a role has for dosimetry; None where the document does not say."""
        weekly = [s.hours_a_week for s in self.staff if s.role == role]
        known = [h for h in weekly if h is not None]
        return sum(known) * self.weeks_a_year if known and len(known) == len(weekly) else None

    @property
    def camera_h_a_year(self) -> float | None:
        """Hours of camera that are free; None where the document does not say."""
        free = self.camera_min_a_week
        return None if free is None else free / 60 * self.weeks_a_year


def read_centre(path: Path, *, today: dt.date) -> Centre:
    """A centre's document, with the device documents that it names.

    E-CENTRE-READ; E-CENTRE-FILE names the key and what is wrong.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise refusal("E-CENTRE-READ", where=str(path), why=why) from None
    found = centre(text, where=path.name)
    devices = tuple(_looked_up(d, i, path, today) for i, d in enumerate(found.device))
    return found.model_copy(update={"device": devices})


def centre(text: str, *, where: str) -> Centre:
    """A centre from TOML text; E-CENTRE-READ, E-CENTRE-FILE."""
    try:
        found = Centre.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise refusal("E-CENTRE-READ", where=where, why=error) from None
    except ValidationError as error:
        key, why = first_fault(error)
        raise refusal("E-CENTRE-FILE", where=f"{where}, {key}", key=key, why=why) from None
    for i, device in enumerate(found.device):
        for j, done in enumerate(device.calibration or ()):
            _known_nuclide(done.nuclide, f"device[{i}].calibration[{j}].nuclide", where)
    return found


def _known_nuclide(name: str, key: str, where: str) -> None:
    try:
        canonical(name)
    except QuimbyError as error:
        why = error.what.rstrip(".")
        raise refusal("E-CENTRE-FILE", where=f"{where}, {key}", key=key, why=why) from None


def _looked_up(record: DeviceRecord, number: int, path: Path, today: dt.date) -> DeviceRecord:
    """The record with the state and calibrations of its own document."""
    if not record.document:
        return record
    found = read_device(path.parent / record.document)
    if record.kind not in DOCUMENTED[found.kind]:
        key = f"device[{number}].kind"
        why = f"{record.document} is of a {found.kind}"
        raise refusal("E-CENTRE-FILE", where=f"{path.name}, {key}", key=key, why=why)
    states = {s.status for s in found.standing(today=today)}
    worst: list[Any] = [s for s in ("failed", "overdue", "never", "due") if s in states]
    made = tuple(Calibrated(nuclide=c.nuclide, on=c.date) for c in found.calibration)
    state = "never" if found.is_new(on=today) else (worst or ["ok"])[0]
    return record.model_copy(update={"qc": state, "calibration": made})


def blocks(state: State | None) -> bool:
    """Whether readings of a device in this state could not be signed."""
    return state in BLOCKING
