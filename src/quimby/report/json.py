"""result.json: everything a run found, in one document with fixed bytes.

Keys stand in a fixed order, numbers as the shortest text that reads back to the same float, no
NaN. `trace.result_sha256` is the digest of the document without that line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from math import isfinite
from typing import Any

from quimby.core.grid import Rigid
from quimby.core.notes import Note
from quimby.effect.dvh import Dvh
from quimby.effect.limits import Check
from quimby.kinetics.monte_carlo import Comparison
from quimby.report import lesions, planar
from quimby.report.cohort import document as cohort
from quimby.report.readings import document as readings
from quimby.report.values import constant, floats, maybe, place, uncertain
from quimby.study.result import (
    Curve,
    Exposure,
    Measurement,
    RegionResult,
    RegistrationResult,
    Result,
    Sample,
    Trace,
)

SCHEMA = "quimby.result"
VERSION = 1


def document(result: Result) -> dict[str, Any]:
    """The whole result as plain values, digest included. Times carry their zone.

    Raises ValueError where a number is not finite, naming its place.
    """
    body = _body(result)
    body["trace"]["result_sha256"] = digest(body)
    return body


def text(result: Result) -> str:
    """The document as it is written to result.json."""
    return _dump(document(result))


def digest(body: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the document's text without `trace.result_sha256`."""
    trace = {k: v for k, v in body["trace"].items() if k != "result_sha256"}
    return sha256(_dump({**body, "trace": trace}).encode()).hexdigest()


def _dump(body: Mapping[str, Any]) -> str:
    _check(body, "")
    return json.dumps(body, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _check(value: Any, where: str) -> None:
    """Name the place of a number that JSON cannot hold; json.dumps only says that there is one."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _check(inner, f"{where}.{key}" if where else str(key))
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            _check(inner, f"{where}[{index}]")
    elif isinstance(value, float) and not isfinite(value):
        raise ValueError(f"result.json: {where} is {value}, not a finite number")


def _body(r: Result) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "study_id": r.study_id,
        "example": r.example,
        "therapy": r.therapy,
        "protocol": {
            "id": r.protocol,
            "title": r.protocol_title,
            "level": r.level,
            "level_reason": r.level_reason,
        },
        "centre": r.centre,
        "report_number": r.report_number,
        "patient": _patient(r),
        "administration": _administration(r),
        "measurements": [_measurement(m) for m in r.measurements],
        "registrations": [_registration(x) for x in r.registrations],
        "regions": [region(x) for x in r.regions],
        "combined": [region(x) for x in r.combined],
        "remainder_tia_mbq_h": r.remainder_tia_mbq_h,
        "exposures": [_exposure(e) for e in r.exposures],
        "planar": planar.parts(r),
        "lesions": lesions.parts(r),
        **readings.parts(r),
        **cohort.parts(r),
        "monte_carlo": [_comparison(x) for x in r.monte_carlo],
        "notes": [_note(n) for n in r.notes],
        "trace": _trace(r.trace),
    }


def region(r: RegionResult) -> dict[str, Any]:
    """One region, or a combination."""
    return {
        "name": r.name,
        "organ": r.organ,
        "side": r.side,
        "members": list(r.members),
        "volume_ml": uncertain(r.volume_ml),
        "mass_g": uncertain(r.mass_g),
        "samples": [_sample(s) for s in r.samples],
        "recovery": floats(r.recovery),
        "curve": _curve(r.curve) if r.curve else None,
        "tia_mbq_h": uncertain(r.tia_mbq_h),
        "tiac_h": uncertain(r.tiac_h),
        "absorbed_dose_gy": uncertain(r.absorbed_dose_gy),
        "dose_per_activity_gy_per_gbq": uncertain(r.dose_per_activity_gy_per_gbq),
        "electron_fraction": float(r.electron_fraction),
        "photon_estimate": float(r.photon_estimate),
        "bed_gy": uncertain(r.bed_gy),
        "eqd2_gy": uncertain(r.eqd2_gy),
        "total_dose_gy": uncertain(r.total_dose_gy),
        "total_bed_gy": uncertain(r.total_bed_gy),
        "limits": [_limit(x) for x in r.limits],
        "population": [place(x) for x in r.population],
        "dvh": _dvh(r.dvh) if r.dvh else None,
        "voxel_rescale": maybe(r.voxel_rescale),
        "voxel_closure": maybe(r.voxel_closure),
        "voxel_fallback": maybe(r.voxel_fallback),
    }


def _patient(r: Result) -> dict[str, Any]:
    p = r.patient
    return {
        "id": p.id,
        "name": p.name,
        "birth_date": p.birth_date,
        "sex": p.sex,
        "weight_kg": maybe(p.weight_kg),
        "indication": p.indication,
        "renal_function": p.renal_function,
        "risk_factors": list(p.risk_factors),
        "single_kidney": p.single_kidney,
    }


def _administration(r: Result) -> dict[str, Any]:
    return {
        "id": r.administration,
        "cycle": r.cycle,
        "cycles_planned": r.cycles_planned,
        "nuclide": r.nuclide,
        "radiopharmaceutical": r.radiopharmaceutical,
        "started_at": r.administered_at.isoformat(),
        "activity_mbq": uncertain(r.administered_mbq),
        "prescribed_mbq": maybe(r.prescribed_mbq),
    }


def _measurement(m: Measurement) -> dict[str, Any]:
    return {
        "id": m.id,
        "kind": m.kind,
        "acquired_at": m.acquired_at.isoformat(),
        "time_h": float(m.time_h),
        "device": m.device,
        "duration_s": float(m.duration_s),
        "voxel_mm": floats(m.voxel_mm),
    }


def _rigid(x: Rigid) -> dict[str, Any]:
    return {"rotation": x.rotation.tolist(), "translation_mm": x.translation_mm.tolist()}


def _registration(x: RegistrationResult) -> dict[str, Any]:
    return {
        "measurement": x.measurement,
        "reference": x.reference,
        "transform": _rigid(x.transform),
        "shift_mm": floats(x.shift_mm),
        "angle_deg": float(x.angle_deg),
        "similarity": float(x.similarity),
        "similarity_before": float(x.similarity_before),
        "overlap": float(x.overlap),
        "region_shift_mm": {k: float(v) for k, v in sorted(x.region_shift_mm.items())},
    }


def _sample(s: Sample) -> dict[str, Any]:
    return {
        "measurement": s.measurement,
        "time_h": float(s.time_h),
        "activity_mbq": uncertain(s.activity_mbq),
        "uncorrected_mbq": float(s.uncorrected_mbq),
        "by_recovery_curve_mbq": maybe(s.by_recovery_curve_mbq),
    }


def _curve(c: Curve) -> dict[str, Any]:
    return {
        "model": c.model,
        "parameters": {k: uncertain(v) for k, v in c.parameters.items()},
        "covariance": c.covariance.tolist(),
        "amplitudes_mbq": floats(c.amplitudes_mbq),
        "rates_per_h": floats(c.rates_per_h),
        "half_lives_h": {k: uncertain(v) for k, v in c.half_lives_h.items()},
        "residuals_u": floats(c.residuals_u),
        "chi2": float(c.chi2),
        "degrees_of_freedom": int(c.degrees_of_freedom),
        "head_fraction": float(c.head_fraction),
        "tail_fraction": float(c.tail_fraction),
        "alternatives": [
            {"model": a.model, "tia_mbq_h": maybe(a.tia_mbq_h), "chi2": maybe(a.chi2),
             "p": maybe(a.p), "verdict": a.verdict}
            for a in c.alternatives
        ],
        "band": {"time_h": floats(c.band_times_h), "u_mbq": floats(c.band_u_mbq),
                 "drawn_mbq": floats(c.drawn_mbq)},
    }  # fmt: skip


def _dvh(d: Dvh) -> dict[str, Any]:
    return {
        "mean_gy": float(d.mean_gy),
        "d98_gy": float(d.d98_gy),
        "d90_gy": float(d.d90_gy),
        "d70_gy": float(d.d70_gy),
        "d50_gy": float(d.d50_gy),
        "d2_gy": float(d.d2_gy),
        "dose_gy": floats(d.dose_gy),
        "volume_fraction": floats(d.volume_fraction),
    }


def _limit(x: Check) -> dict[str, Any]:
    return {
        "quantity": x.quantity,
        "name": x.limit_name,
        "total_gy": uncertain(x.total_gy),
        "limit_gy": float(x.limit_gy),
        "share": float(x.share),
        "probability_above": float(x.probability_above),
        "constant": constant(x.constant),
    }


def _comparison(x: Comparison) -> dict[str, Any]:
    """Doubt of a dose to first order and by Monte Carlo."""
    drawn = x.monte_carlo
    return {
        "name": x.name,
        "quantity": "absorbed dose, Gy",
        "u_first_order": float(x.first_order.u),
        "interval_first_order": floats(x.first_order.interval()),
        "u": float(drawn.u),
        "mean": float(drawn.mean),
        "interval_95": floats(drawn.interval_95),
        "ratio": float(x.ratio),
        "agrees": x.agrees,
        "trials": x.trials,
        "lost": drawn.lost,
    }


def _exposure(e: Exposure) -> dict[str, Any]:
    return {
        "organ": e.organ,
        "what": e.what,
        "date": e.date,
        "dose_gy": uncertain(e.dose_gy),
        "bed_gy": uncertain(e.bed_gy),
    }


def _note(n: Note) -> dict[str, Any]:
    return {
        "code": n.code,
        "severity": n.severity,
        "text": n.text,
        "where": n.where,
        "do": n.do,
        "value": maybe(n.value),
        "limit": maybe(n.limit),
    }


def _trace(t: Trace) -> dict[str, Any]:
    return {
        "quimby_version": t.quimby_version,
        "libraries": {k: t.libraries[k] for k in sorted(t.libraries)},
        "inputs": [
            {"role": i.role, "path": i.path, "files": i.files, "sha256": i.sha256} for i in t.inputs
        ],
        "constants": [constant(c) for c in t.constants],
        "methods": [{"step": step, "done": done} for step, done in t.methods],
        "study_sha256": t.study_sha256,
    }


def digest_of(result: Result) -> str:
    """The result's own digest, as it stands in its trace when written."""
    return digest(_body(result))
