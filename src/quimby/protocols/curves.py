"""What a protocol may say about curves beside their models: how chosen, what held, what joined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from quimby.protocols.practice import Part

Positive = Annotated[float, Field(gt=0)]
Relative = Annotated[float, Field(ge=0, lt=1)]
Quantity = Literal["effective", "uptake", "fast", "start ratio"]


class Held(Part):
    """A quantity of a curve that is held and not fitted: a half-life in h, or the start ratio."""

    value: Positive
    u: Relative = 0.0  # k = 1; carried to the result
    source: str


class Trapezoids(Part):
    """How the model "trapezoid" joins readings."""

    start: Literal["linear_from_zero", "constant_backward", "back_extrapolated"] = (
        "linear_from_zero"
    )
    between: Literal["linear", "logarithmic"] = "linear"
    tail: Literal["mono_from_last_two", "physical", "given"] = "mono_from_last_two"
    tail_half_life_h: Positive | None = None  # of a given tail

    @model_validator(mode="after")
    def _tail_is_given(self) -> Trapezoids:
        if (self.tail == "given") != (self.tail_half_life_h is not None):
            raise ValueError('tail_half_life_h goes with tail = "given", and only with it')
        return self


class Curves(Part):
    """How curves are chosen and fitted, where that is not the plain way."""

    selection: Literal["planned", "average"] = "planned"
    fixed: Mapping[str, Mapping[Quantity, Held]] = Field(default_factory=dict)
    trapezoid: Trapezoids = Trapezoids()
    together: tuple[tuple[str, ...], ...] = ()  # organs whose curves are fitted at once
    same_washout: tuple[str, ...] = ()  # organs whose regions share one effective half-life
    scan_factor_u: Relative = 0.0  # common to all regions of a scan

    @model_validator(mode="after")
    def _organs_stand_once(self) -> Curves:
        organs = [organ for group in self.together for organ in group]
        if len(set(organs)) < len(organs):
            raise ValueError("an organ stands in together once")
        apart = [organ for organ in self.same_washout if organ not in organs]
        if apart:
            raise ValueError(f"same_washout needs {apart[0]!r} in together")
        return self

    def fixed_for(self, organ: str) -> dict[str, Held]:
        """What is held in an organ's curve; "default" where the organ has no row."""
        row = self.fixed.get(organ, self.fixed.get("default", {}))
        return {str(quantity): held for quantity, held in row.items()}
