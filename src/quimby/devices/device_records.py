"""The parts of a device document: calibrations, dead time, sources, clocks, baselines, repairs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from quimby.core.uncertain import Uncertain

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


class Part(BaseModel):
    """A part of the document: nothing beyond its fields, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CalibrationRecord(Part):
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
    raw_data: Text | None = None  # the table it was made from, with its digest

    @model_validator(mode="after")
    def _whole(self) -> CalibrationRecord:
        if self.valid_until <= self.date:
            raise ValueError("valid_until does not lie after date")
        if not any(self.u_relative.values()):
            raise ValueError("a calibration without doubt is not believed; name its causes")
        return self

    @property
    def counts(self) -> bool:
        """An efficiency in counts per second, not a factor or a dose rate."""
        return self.unit in PER_MBQ

    @property
    def u_rel(self) -> float:
        """Relative standard uncertainty of all causes together."""
        return Uncertain(1.0, self.u_relative).u

    def per_mbq(self, device: str) -> Uncertain:
        """The value per MBq, with its whole doubt as one cause that all samples share."""
        value = self.value * PER_MBQ.get(self.unit, 1.0)
        return Uncertain(value, {f"calibration of {device}": self.u_rel * value})


class BusyRecord(Part):
    """Dead time. Counters are mostly non-paralysable, so the model must be said."""

    tau_us: NotNegative
    u_us: NotNegative
    model: Literal["paralysable", "non-paralysable"]
    method: Text | None = None  # "two sources", "decaying source", "maker"
    date: dt.date | None = None
    by: Text | None = None


class BackgroundRecord(Part):
    """Background of the empty device in its place."""

    counts: NotNegative
    time_s: Positive
    at: AwareDatetime


class SourceRecord(Part):
    """The check source and its net reading when the device was last calibrated."""

    id: Text
    nuclide: Text
    reading: Positive
    unit: Text
    at: AwareDatetime


class ToleranceRecord(Part):
    """A centre's own limits of constancy, as fractions."""

    warn: Positive
    action: Positive


class ClockRecord(Part):
    """What the device showed when the reference clock stood at `true`."""

    shown: AwareDatetime
    true: AwareDatetime


class RepairRecord(Part):
    """A repair, recalibration or move: the only reason to start a control chart anew."""

    on: dt.date
    by: Text
    why: Text


class BaselineRecord(Part):
    """The readings that a control chart rests on: those of `test` from `first` to `last`."""

    test: Text
    first: dt.date
    last: dt.date
    by: Text

    @model_validator(mode="after")
    def _ordered(self) -> BaselineRecord:
        if self.last < self.first:
            raise ValueError("last lies before first")
        return self
