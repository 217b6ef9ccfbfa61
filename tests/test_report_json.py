"""result.json: its shape, its bytes, its digest, and that nothing of a region is lost."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from hashlib import sha256
from typing import Any

import numpy as np
import pytest

from quimby.core.uncertain import Uncertain
from quimby.report import json as document
from quimby.study.result import Curve, RegionResult, Sample
from tests.sample_result import sample_result


@pytest.fixture(scope="module")
def body() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(document.text(sample_result(pictures=False)))
    return loaded


UNCERTAIN = {"value": float, "u": float, "budget": dict, "lowers": [str]}
REGION: dict[str, Any] = {
    "name": str, "organ": str, "side": str, "members": [str], "volume_ml": UNCERTAIN,
    "mass_g": UNCERTAIN,
    "samples": [{"measurement": str, "time_h": float, "activity_mbq": UNCERTAIN,
                 "uncorrected_mbq": float, "by_recovery_curve_mbq": (float, None)}],
    "recovery": [float], "curve": (dict, None), "tia_mbq_h": UNCERTAIN, "tiac_h": UNCERTAIN,
    "absorbed_dose_gy": UNCERTAIN, "dose_per_activity_gy_per_gbq": UNCERTAIN,
    "electron_fraction": float, "photon_estimate": float, "bed_gy": (UNCERTAIN, None),
    "eqd2_gy": (UNCERTAIN, None), "total_dose_gy": UNCERTAIN, "total_bed_gy": (UNCERTAIN, None),
    "limits": [{"quantity": str, "name": str, "total_gy": UNCERTAIN, "limit_gy": float,
                "share": float, "probability_above": float, "constant": dict}],
    "population": [{"source": str, "n": (int, None), "unit": str, "mean": (float, None),
                    "sd": (float, None), "median": (float, None), "published": ([float], None),
                    "centile": (float, None), "range_5_95": ([float], None),
                    "z_linear": (float, None), "z_lognormal": (float, None), "words": str,
                    "group": str, "tag": str, "verified": bool, "method": str, "note": str}],
    "dvh": (dict, None), "voxel_rescale": (float, None),
    "voxel_closure": (float, None), "voxel_fallback": (float, None),
}  # fmt: skip
CURVE: dict[str, Any] = {
    "model": str, "parameters": dict, "covariance": [[float]], "amplitudes_mbq": [float],
    "rates_per_h": [float], "half_lives_h": dict, "residuals_u": [float], "chi2": float,
    "degrees_of_freedom": int, "head_fraction": float, "tail_fraction": float,
    "alternatives": [{"model": str, "tia_mbq_h": (float, None), "chi2": (float, None),
                      "p": (float, None), "verdict": str}],
    "band": {"time_h": [float], "u_mbq": [float], "drawn_mbq": [float]},
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "schema": str, "schema_version": int, "study_id": str, "example": bool, "therapy": str,
    "protocol": {"id": str, "title": str, "level": int, "level_reason": str}, "centre": str,
    "report_number": str,
    "patient": dict, "administration": {
        "id": str, "cycle": int, "cycles_planned": (int, None), "nuclide": str,
        "radiopharmaceutical": str, "started_at": str, "activity_mbq": UNCERTAIN,
        "prescribed_mbq": (float, None)},
    "measurements": [{"id": str, "kind": str, "acquired_at": str, "time_h": float, "device": str,
                      "duration_s": float, "voxel_mm": [float]}],
    "registrations": [dict], "regions": [REGION], "combined": [REGION],
    "remainder_tia_mbq_h": (float, None), "exposures": [dict], "planar": [dict], "lesions": [dict],
    "cohort": [dict], "delivery": (dict, None), "monte_carlo": [dict],
    "notes": [{"code": str, "severity": str, "text": str, "where": str, "do": str,
               "value": (float, None), "limit": (float, None)}],
    "trace": {"quimby_version": str, "libraries": dict, "inputs": [dict], "constants": [dict],
              "methods": [{"step": str, "done": str}], "study_sha256": str, "result_sha256": str},
}  # fmt: skip


def fits(value: Any, shape: Any, where: str) -> None:
    """The value has exactly this shape: same keys in the same order, same types."""
    if isinstance(shape, tuple):
        if value is not None:
            fits(value, shape[0], where)
    elif isinstance(shape, dict):
        assert list(value) == list(shape), where
        for key in shape:
            fits(value[key], shape[key], f"{where}.{key}")
    elif isinstance(shape, list):
        for index, one in enumerate(value):
            fits(one, shape[0], f"{where}[{index}]")
    else:
        assert type(value) is shape, where


def test_the_document_has_exactly_this_shape(body: dict[str, Any]) -> None:
    fits(body, WHOLE, "result")
    for region in body["regions"]:
        fits(region["curve"], CURVE, region["name"])
    assert (body["schema"], body["schema_version"]) == ("quimby.result", 1)


@pytest.mark.parametrize(
    ("kind", "shape"), [(RegionResult, REGION), (Sample, REGION["samples"][0])]
)
def test_every_field_of_a_region_and_a_sample_is_written(kind: Any, shape: dict[str, Any]) -> None:
    assert {f.name for f in fields(kind)} == set(shape)


def test_every_field_of_a_curve_is_written() -> None:
    names = {f.name for f in fields(Curve)} - {"band_times_h", "band_u_mbq", "drawn_mbq"}
    assert names == set(CURVE) - {"band"}


def test_the_parts_of_every_doubt_add_up_to_it(body: dict[str, Any]) -> None:
    for region in [*body["regions"], *body["combined"]]:
        dose = region["absorbed_dose_gy"]
        assert dose["budget"]
        assert min(dose["budget"].values()) > 0
        assert set(dose["lowers"]) <= set(dose["budget"])
        assert sum(p**2 for p in dose["budget"].values()) == pytest.approx(dose["u"] ** 2)


def test_numbers_read_back_to_the_same_float(body: dict[str, Any]) -> None:
    result = sample_result(pictures=False)
    for written, region in zip(body["regions"], result.regions, strict=True):
        assert written["absorbed_dose_gy"]["value"] == region.absorbed_dose_gy.value
        assert written["tia_mbq_h"]["u"] == region.tia_mbq_h.u


def test_the_same_result_gives_the_same_bytes_whatever_the_order_of_causes() -> None:
    result = sample_result(pictures=False)
    first = result.regions[0]
    turned = Uncertain(
        first.mass_g.value, dict(reversed([*first.mass_g.parts.items(), ("another", 1.0)]))
    )
    straight = Uncertain(first.mass_g.value, {**first.mass_g.parts, "another": 1.0})
    one, other = (
        replace(result, regions=(replace(first, mass_g=m), *result.regions[1:]))
        for m in (turned, straight)
    )
    assert document.text(one) == document.text(other)


def test_the_digest_is_that_of_the_text_without_its_line() -> None:
    written = document.text(sample_result(pictures=False))
    stated = json.loads(written)["trace"]["result_sha256"]
    without = re.sub(r',\n  "result_sha256": "[0-9a-f]{64}"', "", written)
    assert without != written
    assert sha256(without.encode()).hexdigest() == stated
    assert document.digest_of(sample_result(pictures=False)) == stated


def test_any_other_number_gives_another_digest() -> None:
    result = sample_result(pictures=False)
    moved = replace(result, remainder_tia_mbq_h=41000.000001)
    assert document.digest_of(moved) != document.digest_of(result)


def test_a_number_that_is_none_is_refused_with_its_place() -> None:
    result = sample_result(pictures=False)
    with pytest.raises(ValueError, match="remainder_tia_mbq_h is nan"):
        document.text(replace(result, remainder_tia_mbq_h=float("nan")))


def test_numpy_numbers_are_written_as_plain_ones() -> None:
    result = sample_result(pictures=False)
    region = replace(
        result.regions[0], electron_fraction=np.float64(0.5), recovery=(np.float64(1),)
    )
    body = json.loads(document.text(replace(result, regions=(region,))))
    assert body["regions"][0]["electron_fraction"] == 0.5


def test_times_carry_their_zone(body: dict[str, Any]) -> None:
    assert body["administration"]["started_at"] == "2026-03-02T10:12:00+01:00"
    assert all(m["acquired_at"].endswith("+01:00") for m in body["measurements"])


def test_every_note_stands_there_with_its_remedy(body: dict[str, Any]) -> None:
    assert len(body["notes"]) == len(sample_result(pictures=False).notes)
    assert {n["severity"] for n in body["notes"]} == {"blocking", "warning", "information"}
    assert all(n["where"] and n["do"] for n in body["notes"])


def test_letters_beyond_ascii_stay_themselves() -> None:
    result = sample_result(pictures=False)
    named = replace(result, patient=replace(result.patient, name="MÜLLER, Žofia"))
    assert "MÜLLER, Žofia" in document.text(named)
