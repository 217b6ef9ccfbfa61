"""Protocol documents: what is measured, when, how it is calculated, what it is compared with."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from quimby.core.notes import refusal
from quimby.protocols.check import check
from quimby.protocols.curves import Curves
from quimby.protocols.lifecycle import check_approved
from quimby.protocols.patient_rules import PatientConstraints, check_rules
from quimby.protocols.practice import (
    Approval,
    Burden,
    Expected,
    Output,
    Part,
    Reference,
    Requires,
)
from quimby.protocols.words import MEASURED_WITH, Aim, Device

FOLDER = files("quimby.protocols").joinpath("data")

Positive = Annotated[float, Field(gt=0)]


class Acquisition(Part):
    """One scan that the protocol expects, with its window in hours after administration."""

    id: str
    kind: Literal["spect", "planar", "pet", "whole_body", "blood", "thyroid", "ultrasound"]
    window_h: tuple[float, float]
    required: bool = True

    @model_validator(mode="after")
    def _in_order(self) -> Acquisition:
        if not 0 <= self.window_h[0] < self.window_h[1]:
            raise ValueError("window_h must rise, from zero hours or later")
        return self

    def holds(self, time_h: float) -> bool:
        """Whether a scan at this hour lies in the window."""
        return self.window_h[0] <= time_h <= self.window_h[1]


class Calculation(Curves):
    """How doses are calculated from images."""

    registration_limit_mm: Positive
    priors: str  # name of the table of population kinetics
    models: Mapping[str, Mapping[int, tuple[str, ...]]]
    voxels: Literal["region", "one scan", "fit"] = "region"  # how they are integrated
    voxel_scan: str = ""  # of "one scan": which acquisition; else the one nearest T_eff / ln 2

    @model_validator(mode="after")
    def _has_a_default(self) -> Calculation:
        if "default" not in self.models:
            raise ValueError("models need a [calculation.models.default]")
        return self

    def models_for(self, organ: str, samples: int) -> tuple[str, ...]:
        """Models to try for an organ with so many samples, the preferred first.

        An organ without its own row takes "default"; more samples than any row names take the
        row with the most. Empty when too few samples for any row.
        """
        rows = self.models.get(organ, self.models["default"])
        fitting = [n for n in rows if n <= samples]
        return rows[max(fitting)] if fitting else ()


UptakeMethod = Literal[
    "two compartments",
    "two readings, assumed uptake",
    "washout only",
    "one reading, twice the time",
    "one reading, population half-life",
]
ReadingDose = Literal["thyroid", "blood", "blood, one reading", "whole body", "marrow, blood"]


class FromReadings(Part):
    """How doses are calculated from counts, dose rates and samples."""

    doses: tuple[ReadingDose, ...] = Field(min_length=1)
    uptake: Mapping[int, UptakeMethod] = Field(default_factory=dict)
    kinetics: str = ""  # table of population kinetics; the tissue is that of the aim
    marrow_model: Literal["haematocrit", "small molecule"] = "small molecule"

    @model_validator(mode="after")
    def _uptake_has_methods(self) -> FromReadings:
        if "thyroid" in self.doses and not (self.uptake and self.kinetics):
            raise ValueError("a thyroid dose needs [readings.uptake] and kinetics")
        return self

    def uptake_method(self, readings: int) -> UptakeMethod | None:
        """The method for so many uptakes: of the row with the most that are enough."""
        fitting = [n for n in self.uptake if n <= readings]
        return self.uptake[max(fitting)] if fitting else None


class Compare(Part):
    """Names of the tables the doses are held against; empty where there is none."""

    limits: str = ""
    population: str = ""


class Protocol(Part):
    """One protocol. Parts that a first-form document lacks are empty or None."""

    id: str
    title: str
    short: str = ""  # what is measured, in a few words
    therapy: str
    version: str
    based_on: str = ""  # protocol it was made from, its version and digest
    status: Literal["draft", "reviewed", "active", "retired"]
    to_come: str = ""  # what Quimby cannot calculate of it yet
    level: Literal[1, 2, 3]
    levels: tuple[Literal[1, 2, 3], ...] = ()  # that it can serve, where more than `level`
    aim: str
    aims: tuple[Aim, ...] = ()
    stage: tuple[Literal["before", "during", "after"], ...] = ()  # of the therapy
    outputs: tuple[Output, ...] = ()
    requires: Requires = Requires()
    patients: PatientConstraints = PatientConstraints()
    acquisition: tuple[Acquisition, ...]
    calculation: Calculation | None = None
    readings: FromReadings | None = None
    compare: Compare
    uncertainty: Expected | None = None
    burden: Burden | None = None
    validity: tuple[str, ...] = ()
    pros: tuple[str, ...] = ()
    cons: tuple[str, ...] = ()
    source: tuple[Reference, ...] = ()
    approval: tuple[Approval, ...] = ()  # newest last

    @model_validator(mode="after")
    def _calculates(self) -> Protocol:
        bare = self.calculation is None and self.readings is None
        if bare and self.level > 1 and not self.to_come:
            raise ValueError("a protocol needs [calculation] for images or [readings]")
        if self.levels and self.level not in self.levels:
            raise ValueError("levels must hold level")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of what it says, whatever the form; status and approvals are no part of it.

        What it leaves to the default is none either: a key that comes later changes no digest.
        """
        said = self.model_dump(mode="json", exclude={"status", "approval"}, exclude_defaults=True)
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    @property
    def serves(self) -> tuple[int, ...]:
        """Levels that it can serve."""
        return self.levels or (self.level,)

    @property
    def in_short(self) -> str:
        """What is measured, in a few words."""
        return self.short or self.title

    @property
    def imaging(self) -> Calculation:
        """How images are calculated; E-PROTOCOL-IMAGING where the protocol takes none."""
        if self.calculation is None:
            raise refusal("E-PROTOCOL-IMAGING", where=self.id, protocol=self.id)
        return self.calculation

    @property
    def by_readings(self) -> FromReadings:
        """How readings are calculated; E-PROTOCOL-READINGS where the protocol takes none."""
        if self.readings is None:
            raise refusal("E-PROTOCOL-READINGS", where=self.id, protocol=self.id)
        return self.readings

    def devices_for(self, kind: str) -> tuple[Device, ...]:
        """The devices that it asks for and that can make such a measurement ("spect")."""
        able = MEASURED_WITH.get(kind, ())
        asked = (d for clause in self.requires.equipment for d in clause if d in able)
        return tuple(dict.fromkeys(asked))

    def acquisition_at(self, time_h: float, kind: str = "spect") -> Acquisition | None:
        """The expected measurement of that kind whose window holds this hour, or None."""
        fitting = (a for a in self.acquisition if a.kind == kind and a.holds(time_h))
        return next(fitting, None)


def names() -> list[str]:
    """Ids of the shipped protocols. The folder is the registry."""
    return sorted(f.name[:-5] for f in FOLDER.iterdir() if f.name.endswith(".toml"))


@cache
def load(name: str) -> Protocol:
    """The shipped protocol of this id; E-PROTOCOL when there is none, E-PROTOCOL-FILE if broken."""
    if name not in names():
        raise refusal("E-PROTOCOL", where="protocols", name=name, known=", ".join(names()))
    return read(text_of(name), where=f"{name}.toml")


def called(name: str | Path) -> Protocol:
    """A shipped protocol by id, or a centre's own by file; raises what `load` and `read` raise."""
    return load_file(Path(name)) if is_own(name) else load(str(name))


def is_own(name: str | Path) -> bool:
    """Whether this names a centre's own file: an id never ends like one."""
    return str(name).endswith(".toml")


def text_of(name: str | Path) -> str:
    """What `called` reads, as it is written."""
    return (Path(name) if is_own(name) else FOLDER.joinpath(f"{name}.toml")).read_text("utf-8")


def load_file(path: Path) -> Protocol:
    """A centre's own protocol from a file."""
    return read(path.read_text("utf-8"), where=path.name)


def read(text: str, *, where: str) -> Protocol:
    """A protocol from TOML text.

    E-PROTOCOL-FILE names the file, the key and what is wrong; E-PROTOCOL-METHOD, -SCHEDULE and
    -SOURCE what it names but nobody has, cannot be done, or does not say where it is from;
    E-PROTOCOL-APPROVAL and -CHANGED a status for which nobody vouches, or of another text.
    """
    try:
        found = Protocol.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise refusal("E-PROTOCOL-FILE", where=where, key="TOML", why=error) from None
    except ValidationError as error:
        key, why = first_fault(error)
        raise refusal("E-PROTOCOL-FILE", where=f"{where}, {key}", key=key, why=why) from None
    check(found, where=where)
    check_rules(found, where=where)
    check_approved(found, where=where)
    return found


def first_fault(error: ValidationError) -> tuple[str, str]:
    """Key, written as in the file, and reason of the first fault pydantic found."""
    fault: Any = error.errors()[0]
    key = ""
    for part in fault["loc"]:
        key += f"[{part}]" if isinstance(part, int) else f".{part}"
    return key.lstrip(".") or "document", str(fault["msg"]).removeprefix("Value error, ")
