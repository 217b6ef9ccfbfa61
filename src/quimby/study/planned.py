"""What is planned next: the part of a study document that asks for an activity."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from quimby.study.parts import ActivityMBq, DoseGy, Fraction, MassG, Part, VolumeMl


class Mass(Part):
    """Mass of the target, where it was not measured by ultrasound in a table."""

    mass: MassG | None = None
    volume: VolumeMl | None = None
    u: Fraction = Field(description="standard uncertainty, e.g. '15 %'")
    how: str = Field(description='e.g. "CT", "124I PET", "remnant, guessed from ultrasound"')


class PlanDocument(Part):
    """The next administration: its aim, what can be supplied, and what was asked before."""

    aim: str = Field("", description="benign thyroid: graves-function, unifocal, …")
    dose: DoseGy | None = Field(None, description="dose aim; else the lower end of the aim's range")
    limit: DoseGy | None = Field(None, description="thyroid cancer: blood limit, 2 Gy by default")
    form: Literal["capsule", "solution", "infusion", ""] = ""
    step: ActivityMBq | None = Field(None, description="activities come in steps of this")
    rounding: Literal["nearest", "up", "down"] = "nearest"
    site_limit: ActivityMBq | None = Field(None, description="most the centre may give at once")
    activity: ActivityMBq | None = Field(None, description="activity thought of, to be checked")
    weight: MassG | None = Field(None, description="on the day of the next administration")
    volume_factor: Literal["pi/6", "Brunn"] = "pi/6"
    mass: Mass | None = None
    lung_metastases: bool | None = Field(None, description="diffuse and taking up iodine")
    stem_cells: bool | None = Field(None, description="stored and available")
    gates: dict[str, bool] = Field(default_factory=dict, description="what was asked; yes or no")
