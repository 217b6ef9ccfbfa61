"""The invented patients' data files, and moments on the wall clock of their hospital."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from quimby.demo.measured import readings
from quimby.demo.radioiodine.kinetics import Course, Model, course, void_times
from quimby.physics.nuclides import nuclide
from quimby.protocols import Protocol

FOLDER = files("quimby.demo.radioiodine").joinpath("data")
SERIES = {"thyroid": ("uptake_h",), "whole_body": ("body_h",), "blood": ("blood_h", "blood_live_s")}
"""Kind of measurement -> its hours in a patient's file, and lists of the same length."""


def text(name: str) -> str:
    """A data file of these demos."""
    return FOLDER.joinpath(name).read_text("utf-8")


@cache
def facts(name: str) -> Mapping[str, Any]:
    """Everything invented about one patient."""
    return tomllib.loads(text(f"{name}.toml"))


def measured(name: str, protocol: Protocol) -> Mapping[str, Any]:
    """The same with the readings that a protocol takes, and no others."""
    return {key: _kept(value, protocol) for key, value in facts(name).items()}


def _kept(of: Any, protocol: Protocol) -> Any:
    """One administration's times of reading, and what stands beside each."""
    if not isinstance(of, dict):
        return of
    own = dict(of)
    for kind, keys in SERIES.items():
        if keys[0] in of:
            numbers = readings(protocol, kind, of[keys[0]])
            own |= {key: [of[key][n] for n in numbers] for key in keys if key in of}
    return own


@dataclass(frozen=True, slots=True)
class Clock:
    """The hospital's wall clock, counted from one administration."""

    start: datetime  # aware

    def at(self, time_h: float) -> datetime:
        """The moment, to the minute, as somebody writes it down; true hours, also in spring."""
        moment = (self.start.astimezone(UTC) + timedelta(hours=time_h)).astimezone(
            self.start.tzinfo
        )
        return (moment + timedelta(seconds=30)).replace(second=0, microsecond=0)

    def hours(self, moment: datetime) -> float:
        """Hours from the start to an aware moment."""
        return (moment.astimezone(UTC) - self.start.astimezone(UTC)).total_seconds() / 3600


def clock(of: Mapping[str, Any], stage: str) -> Clock:
    """The clock of one administration."""
    return Clock(local(of, of[stage]["at"]))


def local(of: Mapping[str, Any], written: str) -> datetime:
    """A wall-clock time of the patient's hospital, aware."""
    return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(of["zone"]))


def kinetics(of: Mapping[str, Any], stage: str, *, into: str) -> Course:
    """What the activity does after one administration."""
    own = of[stage]
    model = Model(own["rates_per_h"], nuclide(of["nuclide"]).half_life_h.value)
    return course(model, into=into, voids_h=void_times(**own["voids"]),
                  infusion_h=own.get("infusion_h", 0.0))  # fmt: skip


def given_mbq(of: Mapping[str, Any], stage: str) -> float:
    """Activity that the patient truly got, as of time zero: the meter's error taken out."""
    own, off = of[stage], of["meter"]["shows_over_true"]
    left = own.get("residual")
    kept = left["shown_mbq"] / decayed(of, left["after_h"]) if left else 0.0
    return float((own["shown_mbq"] - kept) / off)


def decayed(of: Mapping[str, Any], time_h: float) -> float:
    """What decay leaves of one after a time."""
    return float(2.0 ** (-time_h / nuclide(of["nuclide"]).half_life_h.value))
