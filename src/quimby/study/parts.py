"""What every part of a study document is made of: strict keys, quantities with their units."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from quimby.core.errors import QuimbyError
from quimby.core.units import quantity


def _unit(kind: str) -> BeforeValidator:
    """Reads "7.37 GBq" into Quimby's unit of that kind when a document is read."""

    def read(text: Any) -> float:
        try:
            return quantity(text, kind, where="")
        except QuimbyError as error:
            raise ValueError(f"{error.what} {error.do}.") from None

    return BeforeValidator(read, json_schema_input_type=str)


ActivityMBq = Annotated[float, _unit("activity"), Field(gt=0)]
ResidueMBq = Annotated[float, _unit("activity"), Field(ge=0)]
DoseGy = Annotated[float, _unit("dose"), Field(ge=0)]
MassG = Annotated[float, _unit("mass"), Field(gt=0)]
Fraction = Annotated[float, _unit("fraction"), Field(ge=0, lt=1)]
LengthMm = Annotated[float, _unit("length"), Field(gt=0)]
VolumeMl = Annotated[float, _unit("volume"), Field(gt=0)]
TimeH = Annotated[float, _unit("time"), Field(gt=0)]


class Part(BaseModel):
    """Frozen, and strict about keys: a misspelt one is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)
