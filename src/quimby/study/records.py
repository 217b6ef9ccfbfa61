"""The two small JSON records that lie beside the images: what was given, what was filled."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from quimby.core.notes import refusal
from quimby.study.document import problems

TO_MBQ = {"gbq": 1e3, "kbq": 1e-3, "bq": 1e-6}
"""Units that a key of a record may end on instead of MBq."""


class SphereRecord(BaseModel):
    """One sphere of the recovery phantom."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    diameter_mm: float = Field(gt=0)
    centre_mm: tuple[float, float, float] | None = None
    volume_ml: float | None = Field(None, gt=0)


class FillRecord(BaseModel):
    """What was filled into the commissioning phantoms, and when it was assayed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    nuclide: str
    assayed_at: datetime
    cylinder_activity_mbq: float | None = Field(None, gt=0)
    cylinder_volume_ml: float | None = Field(None, gt=0)
    cylinder_assay_relative_u: float = Field(0.03, ge=0)
    sphere_concentration_mbq_per_ml: float | None = Field(None, gt=0)
    sphere_assay_relative_u: float = Field(0.03, ge=0)
    background_concentration_mbq_per_ml: float | None = Field(None, gt=0)
    background_assay_relative_u: float = Field(0.03, ge=0)
    spheres: tuple[SphereRecord, ...] = ()
    background: str = ""

    @model_validator(mode="before")
    @classmethod
    def _in_megabecquerel(cls, data: Any) -> Any:
        """Activities under a key that names another unit: `cylinder_activity_bq`, …"""
        if not isinstance(data, dict):
            return data
        found = dict(data)
        for head, tail in (("cylinder_activity_", ""), ("sphere_concentration_", "_per_ml"),
                           ("background_concentration_", "_per_ml")):  # fmt: skip
            for unit, factor in TO_MBQ.items():
                value = found.pop(f"{head}{unit}{tail}", None)
                if isinstance(value, int | float):
                    found.setdefault(f"{head}mbq{tail}", value * factor)
        return found


class AdministrationRecord(BaseModel):
    """What was given to the patient, as the therapy record has it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    patient_id: str = ""
    radiopharmaceutical: str = ""
    nuclide: str = ""
    administered_at: datetime
    administered_mbq: float | None = Field(None, gt=0)
    administered_bq: float | None = Field(None, gt=0)
    administered_gbq: float | None = Field(None, gt=0)
    administered_relative_u: float | None = Field(None, ge=0)
    prescribed_mbq: float | None = Field(None, gt=0)
    weight_kg: float | None = Field(None, gt=0)
    sex: str = ""
    cycle: int = Field(1, ge=1)

    @property
    def activity_mbq(self) -> float | None:
        """Administered activity, whichever unit the record's key names."""
        if self.administered_mbq is not None:
            return self.administered_mbq
        if self.administered_bq is not None:
            return self.administered_bq * 1e-6
        return None if self.administered_gbq is None else self.administered_gbq * 1e3


def find_records(files: Iterable[Path]) -> tuple[dict[Path, Any], dict[Path, Any]]:
    """The JSON files among these that are administrations, and those that are fillings."""
    administrations: dict[Path, Any] = {}
    fills: dict[Path, Any] = {}
    for file in sorted(one for one in files if one.suffix == ".json"):
        try:
            data = json.loads(file.read_text("utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError):
            continue  # some other program's file; it is not among ours by its keys
        if isinstance(data, dict) and "administered_at" in data:
            administrations[file] = data
        elif isinstance(data, dict) and "assayed_at" in data:
            fills[file] = data
    return administrations, fills


def read_fill(path: Path) -> FillRecord:
    """A fill record, or E-FILL-KEY with the key that is wrong."""
    if not path.is_file():
        raise refusal("E-STUDY-FILE", where="fill record", path=path)
    try:
        return FillRecord.model_validate_json(path.read_text("utf-8"))
    except ValidationError as error:
        raise refusal("E-FILL-KEY", where=str(path), problem=problems(error)) from None


def parse_administration(data: Any, path: Path) -> AdministrationRecord:
    """An administration record, or E-STUDY-KEY with the key that is wrong."""
    try:
        return AdministrationRecord.model_validate(data)
    except ValidationError as error:
        raise refusal("E-STUDY-KEY", where=str(path), problem=problems(error)) from None
