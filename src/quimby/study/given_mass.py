"""Masses that a study gives: measured elsewhere, or those of a reference adult."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from quimby.study.parts import Fraction, LengthMm, MassG, Part, VolumeMl

REFERENCE = "reference"
"""How a mass is said to be a reference adult's."""


class GivenMass(Part):
    """Mass of a region measured elsewhere, or that of a reference adult."""

    mass: MassG | None = None
    volume: VolumeMl | None = None
    axes: tuple[LengthMm, LengthMm, LengthMm] | None = Field(
        None, description="three diameters; the volume is pi/6 of their product"
    )
    u: Fraction | None = Field(None, description="standard uncertainty; else that of the way")
    by: Annotated[str, Field(min_length=1)] = Field(
        description='"ultrasound", "CT report", "MR"; or "reference" for a reference adult'
    )

    @model_validator(mode="after")
    def _one_of(self) -> GivenMass:
        given = [x for x in (self.mass, self.volume, self.axes) if x is not None]
        if len(given) != (0 if self.by == REFERENCE else 1):
            raise ValueError('give mass, volume or axes, one of them; none with by "reference"')
        return self
