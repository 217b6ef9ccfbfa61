"""Calibration."""

from __future__ import annotations

from typing import Any

from quimby.core.uncertain import Uncertain
from quimby.devices import calibration, constancy, matching
from quimby.devices.calibration import CONVENTIONS, SUM, Projections
from tests.vectors.naming import named, starting, under
from tests.vectors.registry import vector


@vector("B-CAL-01")
def cylinder(given: dict[str, Any]) -> dict[str, Any]:
    time = Projections(
        given["n_projections_total"], given["n_heads"], given["time_per_projection_s"]
    )
    summed, elapsed = (
        calibration.factor_from_counts(
            calibration.poisson(given["counts_in_VOI"]),
            Uncertain(given["A_ref_MBq"]),
            time=time,
            convention=convention,
            elapsed_h=given["ref_to_scan_mid_h"],
            half_life_h=given["half_life_h"],
        )
        for convention in CONVENTIONS
    )
    return {
        "CF_per_summed_projection_time_cps_per_MBq": summed.value.value,
        "CF_per_elapsed_scan_time_cps_per_MBq": elapsed.value.value,
    }


@vector("B-CAL-02")
def voxel(given: dict[str, Any]) -> dict[str, Any]:
    convention = given["CF_convention"]
    time = Projections(given["n_projections_total"], 2, given["time_per_projection_s"])
    x, y, z = given["voxel_mm"]
    factor = calibration.factor(
        Uncertain(given["CF_cps_per_MBq"]), unit="cps/MBq", convention=convention
    )
    found = calibration.concentration_bq_per_ml(
        given["voxel_counts"], factor, duration_s=factor.seconds(time), voxel_ml=x * y * z / 1000
    )
    return {"Bq_per_mL": found.value}


@vector("B-CAL-03")
def doubt(given: dict[str, Any]) -> dict[str, Any]:
    """Kept back: names are inferred."""
    parts = {"activity": 0.0, "volume": 0.0, "time": 0.0}
    for key, value in given.items():
        if key.startswith("u"):
            what = key.lower().lstrip("u_")[0]
            part = {"v": "volume", "t": "time"}.get(what, "activity")
            parts[part] = value / 100 if key.endswith("pct") else value
    counts = named(given, "counts", "c_ref", without=("u_",))
    u = calibration.factor_uncertainty(counts=counts, **parts).u
    factor = starting(given, "CF_c", "Q_c", "CF_v", "CF")
    absolute = under(u * factor, ("u_CF", "u_Q"), ("", "_cps_per_MBq")) if factor else {}
    stems = ("u_CF", "u_Q", "u", "u_total")
    return under(u, stems, ("_rel",)) | under(100 * u, stems, ("_pct",)) | absolute


@vector("B-CAL-04")
def calibrator(given: dict[str, Any]) -> dict[str, Any]:
    found = constancy.cross_calibration(
        Uncertain(given["reference_certificate_MBq"]),
        Uncertain(given["reading_MBq"]),
        elapsed_h=given["certificate_to_measure_h"],
        half_life_h=given["half_life_h"],
    )
    return {
        "expected_MBq": found.expected_mbq.value,
        "scale_factor": found.factor.value,
        "deviation_pct": 100 * found.deviation,
        "flag": found.notes[0].code if found.notes else None,
    }


@vector("B-CAL-05")
def drift(given: dict[str, Any]) -> dict[str, Any]:
    old, new = given["baseline_CF"], given["new_CF"]
    found = constancy.constancy(
        Uncertain(old, {"baseline": given["u_baseline_rel"] * old}),
        Uncertain(new, {"new": given["u_new_rel"] * new}),
        warn_above=given["action_level_pct"] / 100,
    )
    return {
        "difference_pct": 100 * found.difference,
        "z": found.z,
        "flag": found.notes[0].code if found.notes else None,
    }


@vector("B-CAL-06")
def plausible(given: dict[str, Any]) -> dict[str, Any]:
    return {"accepted": not any(calibration.plausibility_notes(v) for v in given.values())}


@vector("B-CAL-07")
def incomplete(given: dict[str, Any]) -> dict[str, Any]:
    said = next((v for k, v in given.items() if "convention" in k.lower()), None)
    calibration.factor(Uncertain(9.0), unit="cps/MBq", convention=said)
    return {}


@vector("B-CAL-08")
def reconstruction(given: dict[str, Any]) -> dict[str, Any]:
    notes = matching.reconstruction_notes(
        given["patient_recon"], given["calibration_recon"], where="B-CAL-08"
    )
    return {"flag": notes[0].code if notes else None}


@vector("B-CAL-09", "B-CAL-10")
def direction(given: dict[str, Any]) -> dict[str, Any]:
    factor = calibration.factor(
        Uncertain(given["CF_value"]), unit=given["declared_unit"], convention=SUM
    )
    found = calibration.activity_from_counts(
        Uncertain(given["counts"]), factor, duration_s=given["time_s"]
    )
    return {"activity_MBq": found.value, "CF_cps_per_MBq": factor.cps_per_mbq.value}
