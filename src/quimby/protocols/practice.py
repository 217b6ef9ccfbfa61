"""What a protocol needs, costs, promises and forbids: the parts a centre decides by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from math import hypot
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from quimby.protocols.words import Device, Facility, Role, Shared

Tag = Literal["V", "D", "M", "P"]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=2, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]


class Part(BaseModel):
    """A frozen part of a document; an unknown key is an error, not ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Calibration(Part):
    """A calibration that must be there, not older than `max_age_d`, or made at each patient."""

    device: Device
    kind: Text  # "sensitivity", "self-calibration"
    nuclide: str = ""
    max_age_d: Annotated[int, Field(gt=0)] | None = None
    each_patient: bool = False

    @model_validator(mode="after")
    def _when(self) -> Calibration:
        if (self.max_age_d is None) != self.each_patient:
            raise ValueError("give max_age_d in days, or each_patient = true")
        return self

    @property
    def what(self) -> str:
        """As people say it: "sensitivity with Lu-177"."""
        return f"{self.kind} with {self.nuclide}" if self.nuclide else self.kind


class Check(Part):
    """A check of quality control, not older than so many days."""

    device: Device
    test: Text
    max_age_d: Annotated[int, Field(gt=0)]


class Requires(Part):
    """What must be there. `equipment`, `staff`, `facilities`: one of each inner list."""

    equipment: tuple[Annotated[tuple[Device, ...], Field(min_length=1)], ...] = ()
    staff: tuple[Annotated[tuple[Role, ...], Field(min_length=1)], ...] = ()
    facilities: tuple[Annotated[tuple[Facility, ...], Field(min_length=1)], ...] = ()
    competencies: tuple[Text, ...] = ()
    calibration: tuple[Calibration, ...] = ()
    qc: tuple[Check, ...] = ()


class Output(Part):
    """One figure that the protocol gives."""

    quantity: Text  # "absorbed dose", "BED", "retention", "activity"
    region: Text
    unit: Text


class Simulation(Part):
    """How a component was simulated, so that it can be done again."""

    command: Text  # that gives it
    patients: Annotated[int, Field(gt=0)]
    seed: Annotated[int, Field(ge=0)]
    u_mc: NotNegative  # what chance of the draw does to it, k = 1
    quimby: Text  # version
    on: dt.date


class Component(Part):
    """One cause of doubt, relative, k = 1."""

    name: Text
    u: Share
    source: Text
    tag: Tag
    simulation: Simulation | None = None


class Published(Part):
    """A figure that others give, to hold the simulated one against.

    `why` says what differs where the two do not agree.
    """

    what: Text
    u: Share
    source: Text
    tag: Tag
    why: str = ""


class Expected(Part):
    """Doubt that a patient's dose will have, from independent components (k = 1, relative).

    `population` names the patients whom the simulated component is of, `region` their organ.
    """

    on: Text  # "kidneys, absorbed dose"
    population: str = ""
    region: str = ""
    component: tuple[Component, ...] = Field(min_length=1)
    published: tuple[Published, ...] = ()

    @model_validator(mode="after")
    def _whose(self) -> Expected:
        if bool(self.population) != bool(self.region):
            raise ValueError("population and region belong together")
        found = [c for c in self.component if c.simulation is not None]
        if len(found) > 1 or (found and not self.population):
            raise ValueError("one component may be simulated, over a population that is named")
        return self

    @property
    def simulated(self) -> Component | None:
        """The component that was simulated."""
        return next((c for c in self.component if c.simulation is not None), None)

    @property
    def u_rel(self) -> float:
        """All components in quadrature."""
        return hypot(*(c.u for c in self.component))


class Burden(Part):
    """What a protocol costs for each patient and cycle. Estimates until a centre measures them.

    In the document `staff_min` is minutes by role, or one number where nobody split them.
    """

    minutes: Mapping[Shared, NotNegative] = Field(alias="staff_min")
    camera_min: NotNegative
    visits: NotNegative = 0.0  # beside those of the therapy
    samples: NotNegative = 0.0
    setup_h: Mapping[Shared, NotNegative] = Field(default_factory=dict)  # once
    qc_h_a_year: NotNegative = 0.0  # beside the regular checks
    source: str
    tag: Tag

    @field_validator("minutes", mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        return {"any": given} if isinstance(given, (int, float)) else given

    @property
    def staff_min(self) -> float:
        """Minutes of all roles together."""
        return sum(self.minutes.values())


class Approval(Part):
    """Who moved the protocol to a state, when, and which text (its digest) they saw."""

    state: Literal["reviewed", "active", "retired"]
    by: Annotated[str, Field(pattern=r"\S")]
    on: dt.date
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Reference(Part):
    """Where a choice of the protocol comes from."""

    what: str
    source: str
    tag: Tag
