"""Protocol documents: what is measured, when, how it is calculated, what it is compared with."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from quimby.core.notes import refusal

FOLDER = files("quimby.protocols").joinpath("data")

Positive = Annotated[float, Field(gt=0)]
Tag = Literal["V", "D", "M", "P"]


class Part(BaseModel):
    """A frozen part of a document; an unknown key is an error, not ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Acquisition(Part):
    """One scan that the protocol expects, with its window in hours after administration."""

    id: str
    kind: Literal["spect", "planar", "pet"]
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


class Calculation(Part):
    """How doses are calculated."""

    registration_limit_mm: Positive
    priors: str  # name of the table of population kinetics
    models: Mapping[str, Mapping[int, tuple[str, ...]]]

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


class Compare(Part):
    """Names of the tables the doses are held against."""

    limits: str
    population: str


class Reference(Part):
    """Where a choice of the protocol comes from."""

    what: str
    source: str
    tag: Tag


class Protocol(Part):
    """One protocol."""

    id: str
    title: str
    therapy: str
    version: str
    status: Literal["draft", "reviewed", "active"]
    level: Literal[1, 2, 3]
    aim: str
    acquisition: tuple[Acquisition, ...]
    calculation: Calculation
    compare: Compare
    source: tuple[Reference, ...]

    def acquisition_at(self, time_h: float) -> Acquisition | None:
        """The expected scan whose window holds this hour, or None."""
        return next((a for a in self.acquisition if a.holds(time_h)), None)


def names() -> list[str]:
    """Ids of the shipped protocols. The folder is the registry."""
    return sorted(f.name[:-5] for f in FOLDER.iterdir() if f.name.endswith(".toml"))


@cache
def load(name: str) -> Protocol:
    """The shipped protocol of this id; E-PROTOCOL when there is none, E-PROTOCOL-FILE if broken."""
    if name not in names():
        raise refusal("E-PROTOCOL", where="protocols", name=name, known=", ".join(names()))
    return read(FOLDER.joinpath(f"{name}.toml").read_text("utf-8"), where=f"{name}.toml")


def load_file(path: Path) -> Protocol:
    """A centre's own protocol from a file."""
    return read(path.read_text("utf-8"), where=path.name)


def read(text: str, *, where: str) -> Protocol:
    """A protocol from TOML text; E-PROTOCOL-FILE names the file, the key and what is wrong."""
    try:
        return Protocol.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise refusal("E-PROTOCOL-FILE", where=where, key="TOML", why=error) from None
    except ValidationError as error:
        key, why = first_fault(error)
        raise refusal("E-PROTOCOL-FILE", where=f"{where}, {key}", key=key, why=why) from None


def first_fault(error: ValidationError) -> tuple[str, str]:
    """Key, written as in the file, and reason of the first fault pydantic found."""
    fault: Any = error.errors()[0]
    key = ""
    for part in fault["loc"]:
        key += f"[{part}]" if isinstance(part, int) else f".{part}"
    return key.lstrip(".") or "document", str(fault["msg"]).removeprefix("Value error, ")
