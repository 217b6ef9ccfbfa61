"""Measurements that are tables of readings: how a study document names them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from pydantic import Field

from quimby.study.parts import ActivityMBq, Fraction, Part

Kind = Literal[
    "whole_body", "thyroid_counts", "thyroid_uptake", "blood_samples", "blood_concentration",
    "urine", "ultrasound", "planar_regions",
]  # fmt: skip
"""Routes of readings, as `quimby template` names them."""

KINDS: tuple[str, ...] = get_args(Kind)
PLANAR = "planar_regions"
"""The one route that gives no dose of its own: it helps a scan's curve."""

ACQUIRED = {"whole_body": "whole_body", "blood_samples": "blood", "blood_concentration": "blood",
            "thyroid_counts": "thyroid", "thyroid_uptake": "thyroid"}  # fmt: skip
"""Route of readings -> kind of acquisition in a protocol."""


class Standard(Part):
    """Activity counted in the neck phantom."""

    activity: ActivityMBq
    activity_u: Fraction | None = None
    at: datetime = Field(description="moment that the activity stands for")


class Readings(Part):
    """One table of readings (CSV or XLSX), by a mapping that a person confirmed.

    A table made with `quimby template` needs no mapping.
    """

    kind: Kind
    id: str
    table: str = Field(description="path of the table")
    sheet: str = ""
    mapping: str | None = Field(None, description="made by `quimby readings … -o mapping.toml`")
    patient: str = Field("", description="whose rows, where the table calls the patient otherwise")
    device: str | None = Field(None, description="device.toml made by `quimby device new`")
    geometry: str = Field("", description='of the device\'s calibration, e.g. "2 ml in 5 ml tube"')
    standard: Standard | None = Field(None, description="thyroid counts: in the neck phantom")
    region_ratio: float = Field(1.0, gt=0, description="planar: thyroid over background region")
