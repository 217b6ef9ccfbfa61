"""DICOM handling: vectors B-DCM-01 to B-DCM-10."""

from __future__ import annotations

from typing import Any

from quimby.core.notes import Note
from quimby.measure.dicom import about, export, times
from quimby.measure.dicom.scale import Scale, real_world_value, unit_of
from tests.vectors.naming import named
from tests.vectors.registry import vector


def _flag(notes: tuple[Note, ...]) -> str | None:
    return notes[0].code if notes else None


def _scale(inputs: dict[str, Any], slope: str, intercept: str, unit: str) -> Scale | None:
    if inputs.get(slope) is None:
        return None
    name, factor = unit_of(inputs[unit], where="vector") if inputs.get(unit) else ("", 1.0)
    return Scale(inputs[slope] * factor, (inputs.get(intercept) or 0.0) * factor, name)


@vector("B-DCM-01", "B-DCM-02", "B-DCM-03")
def one_mapping(inputs: dict[str, Any]) -> dict[str, Any]:
    values, notes = real_world_value(
        inputs["stored"],
        rescale=_scale(inputs, "RescaleSlope", "RescaleIntercept", "Units"),
        mapping=_scale(inputs, "RWV_slope", "RWV_intercept", "RWV_units"),
        where="vector",
    )
    return {"value": float(values), "flag": _flag(notes)}


@vector("B-DCM-04", "B-DCM-05", "B-DCM-06")
def total_dose(inputs: dict[str, Any]) -> dict[str, Any]:
    activity_mbq, notes = about.administered_mbq(
        inputs["RadionuclideTotalDose"], modality=inputs["modality"], where="vector"
    )
    return {"A_MBq": activity_mbq, "flag": _flag(notes)}


@vector("B-DCM-07")
def start_without_date(inputs: dict[str, Any]) -> dict[str, Any]:
    own = {k: v for k, v in inputs.items() if "acq" not in k.lower() and "series" not in k.lower()}
    start_time = str(named(own, "time", without=("date",)) or "")
    start_datetime = str(named(own, "datetime") or "")
    start = times.administration_start(start_datetime, start_time, where="vector")
    return {"start": start}


@vector("B-DCM-08")
def hours(inputs: dict[str, Any]) -> dict[str, Any]:
    start, scan = times.moment_of(inputs["admin"]), times.moment_of(inputs["acq"])
    assert start is not None
    assert scan is not None
    return {"hours_pi": times.hours_post_injection(start, scan, where="vector")}


@vector("B-DCM-09")
def int16(inputs: dict[str, Any]) -> dict[str, Any]:
    scale = export.quantisation(inputs["max_Bq_mL"])
    return {
        "slope": scale.slope,
        "max_rounding_error": scale.max_rounding_error,
        "bias_if_truncated": scale.bias_if_truncated,
    }


@vector("B-DCM-10")
def decay_reference(inputs: dict[str, Any]) -> dict[str, Any]:
    factor, notes = times.decay_reference_note(
        times.moment("20260302", inputs["SeriesTime"]),
        times.moment("20260302", inputs["AcquisitionTime"]),
        half_life_h=inputs["half_life_h"],
        where="vector",
    )
    return {"factor_if_series_vs_acq": factor, "flag": _flag(notes)}
