"""The camera record: it survives the file, names what is wrong, and sees a scan that differs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quimby.core.errors import QuimbyError
from quimby.core.grid import Grid, Image
from quimby.devices.calibration import Projections
from quimby.devices.camera import (
    CameraRecord,
    ScanFacts,
    camera_record,
    read_camera,
    write_camera,
)

TIME = Projections(120, 2, 20.0)
GRID = Grid((2, 3, 4), np.diag([4.8, 4.8, 4.8, 1.0]))
COUNTS = Image(GRID, np.arange(24.0).reshape(2, 3, 4), "counts")


def _document(**changes: Any) -> dict[str, Any]:
    """A whole record; `a__b=x` changes field b of part a, None takes it out."""
    document: dict[str, Any] = {
        "id": "demo-camera-lu177",
        "level": "local",
        "nuclide": "Lu-177",
        "image_unit": "counts",
        "scanner": {"manufacturer": "Demo", "model": "2H", "serial": "0001", "software": "unknown"},
        "collimator": "ME",
        "windows": [{"role": "photopeak", "lower_kev": 187.2, "upper_kev": 228.8}],
        "reconstruction": {
            "method": "OSEM 10i10s, AC SC RR",
            "corrections": ["ATTN", "SCAT"],
            "matrix": [84, 128, 128],
            "voxel_mm": [4.8, 4.8, 4.8],
        },
        "calibrator": "unknown",
        "factor": {
            "value": 9.36,
            "unit": "cps/MBq",
            "convention": "sum_of_projection_time",
            "u_relative": {"calibrator assay of the cylinder": 0.03, "counts, calibration": 0.04},
            "geometry": "cylinder",
            "voi_rule": "whole phantom and 20 mm",
            "heads": 2,
            "counts": 1.1e7,
            "counting_s": 2400.0,
            "activity_mbq": 512.0,
            "activity_at": "2026-01-19T08:30+01:00",
        },
        "dead_time": "none",
        "recovery": {
            "alpha_ml": 6.9,
            "beta": 0.58,
            "covariance": [[0.3, -0.002], [-0.002, 0.001]],
            "volume_range_ml": [0.52, 113.1],
            "cf_geometry": "cylinder",
        },
        "point_spread": {"fwhm_mm": 11.0, "u_mm": 0.03},
        "date": dt.date(2026, 1, 19),
        "valid_until": dt.date(2027, 1, 19),
        "operator": "A. Physicist",
        "reviewer": "unknown",
        "raw_data": [{"role": "cylinder", "path": "cyl.dcm", "sha256": "0" * 64}],
    }
    for name, value in changes.items():
        *way, last = name.split("__")
        part = document
        for step in way:
            part = part[step]
        part[last] = value
        if value is None:
            del part[last]
    return document


def camera_record_of(**changes: Any) -> CameraRecord:
    return camera_record(_document(**changes), where="camera.toml")


def _scan(**changes: Any) -> ScanFacts:
    facts: dict[str, Any] = {
        "date": dt.date(2026, 3, 2), "nuclide": "177Lu", "collimator": "me",
        "windows_kev": ((187.0, 229.0),), "reconstruction": "OSEM 10i10s, AC SC RR",
        "software": "unknown", "serial": "0001",
    }  # fmt: skip
    return ScanFacts(**(facts | changes))


def _codes(record: CameraRecord, **changes: Any) -> list[str]:
    return [n.code for n in record.check(_scan(**changes), where="scan 1")]


@pytest.mark.parametrize("changes", [{}, {"recovery": None}, {"point_spread": None},
    {"dead_time": {"tau_us": 4.6, "u_us": 0.05}},
    {"calibrator": {"id": "RNC-1", "factor": 1.01, "u_relative": 0.02}}])  # fmt: skip
def test_a_record_survives_its_file(tmp_path: Path, changes: dict[str, Any]) -> None:
    record = camera_record_of(**changes)
    write_camera(record, tmp_path / "camera.toml")
    assert read_camera(tmp_path / "camera.toml") == record


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"factor__convention": None}, "E-CAL-CONVENTION", "they differ by the number of heads"),
        ({"factor__convention": "total"}, "E-CAL-CONVENTION", "'total'"),
        ({"factor__unit": None}, "E-CAL-UNIT", "None"),
        ({"factor__unit": "cps"}, "E-CAL-UNIT", "'cps'"),
        ({"factor__unit": "1"}, "E-CAL-RECORD", "only for them"),
        ({"factor__value": -1.0}, "E-CAL-RECORD", "factor.value"),
        ({"factor__u_relative": {}}, "E-CAL-RECORD", "factor.u_relative"),
        ({"scanner__serial": None}, "E-CAL-RECORD", "scanner.serial: Field required"),
        ({"dead_time": None}, "E-CAL-RECORD", "dead_time"),
        ({"raw_data": []}, "E-CAL-RECORD", "raw_data"),
        ({"colimator": "ME"}, "E-CAL-RECORD", "colimator: Extra inputs"),
        ({"recovery__covariance": [[1.0, 2.0], [2.0, 1.0]]}, "E-CAL-RECORD", "negative variance"),
        ({"valid_until": dt.date(2026, 1, 1)}, "E-CAL-RECORD", "valid_until does not lie after"),
        ({"nuclide": "Xx-1"}, "E-NUC-UNKNOWN", "Xx-1"),
    ],
)
def test_a_bad_record_names_its_field(changes: dict[str, Any], code: str, says: str) -> None:
    with pytest.raises(QuimbyError) as caught:
        camera_record_of(**changes)
    assert caught.value.code == code
    assert says in str(caught.value)


@pytest.mark.parametrize("text", [None, "not = [toml"])
def test_a_file_that_cannot_be_read_is_said(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "camera.toml"
    if text is not None:
        path.write_text(text, "utf-8")
    with pytest.raises(QuimbyError, match="E-CAL-READ"):
        read_camera(path)


def test_counts_become_activity_concentration() -> None:
    found = camera_record_of().activity_image(COUNTS, TIME)
    assert found.image.unit == "MBq/ml"
    assert found.image.values == pytest.approx(COUNTS.values / 2400 / 9.36 / GRID.voxel_ml)
    assert found.u_relative == pytest.approx({"camera calibration": 0.05})


@pytest.mark.parametrize(
    ("unit", "convention", "value"),
    [("MBq/cps", "sum_of_projection_time", 1 / 9.36), ("cps/MBq", "elapsed_scan_time", 18.72)],
)
def test_direction_and_convention_give_the_same_activity(
    unit: str, convention: str, value: float
) -> None:
    words = {"factor__unit": unit, "factor__convention": convention, "factor__value": value}
    one, other = camera_record_of(), camera_record_of(**words)
    same = other.activity_image(COUNTS, TIME).image.values
    assert same == pytest.approx(one.activity_image(COUNTS, TIME).image.values)


def test_a_quantitative_image_is_divided_by_its_verification_ratio() -> None:
    record = camera_record_of(image_unit="Bq/ml", factor__unit="1", factor__value=0.95)
    image = Image(GRID, np.full(GRID.shape, 95e3), "Bq/ml")
    assert record.activity_image(image, None).image.values == pytest.approx(0.1)


def test_a_scan_of_another_unit_or_without_time_is_refused() -> None:
    quantitative = camera_record_of(image_unit="Bq/ml", factor__unit="1", factor__value=0.95)
    with pytest.raises(QuimbyError, match="E-CAL-IMAGE-UNIT"):
        quantitative.activity_image(COUNTS, TIME)
    with pytest.raises(QuimbyError, match="E-CAL-TIME"):
        camera_record_of().activity_image(COUNTS, None)


def test_a_makers_own_scale_is_used_and_doubted_where_only_counts_were_calibrated() -> None:
    found = camera_record_of().activity_image(Image(GRID, np.full(GRID.shape, 95e3), "Bq/ml"), None)

    assert found.image.values == pytest.approx(0.095)
    assert found.u_relative == pytest.approx({"camera calibration": 0.05})
    assert [n.code for n in found.notes] == ["W-CAL-MAKER"]


def test_a_generic_calibration_is_never_better_than_ten_percent() -> None:
    found = camera_record_of(level="generic").activity_image(COUNTS, TIME)
    assert found.u_relative == pytest.approx({"camera calibration": 0.10})
    assert [n.code for n in found.notes] == ["I-CAL-GENERIC"]
    worse = camera_record_of(level="generic", factor__u_relative={"assay": 0.2})
    assert worse.activity_image(COUNTS, TIME).u_relative["camera calibration"] == pytest.approx(0.2)


def test_a_scan_like_the_calibration_is_silent_on_all_that_is_known() -> None:
    assert _codes(camera_record_of()) == ["W-CAL-UNKNOWN"]  # the software of both
    assert _codes(camera_record_of(scanner__software="3.1"), software="3.1") == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"nuclide": "Tc-99m"}, "E-CAL-NUCLIDE"), ({"collimator": "LEHR"}, "E-CAL-WINDOW"),
     ({"windows_kev": ((101.0, 124.0),)}, "E-CAL-WINDOW")],
)  # fmt: skip
def test_another_nuclide_collimator_or_window_is_refused(
    changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(QuimbyError, match=code):
        _codes(camera_record_of(), **changes)


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"serial": "0002"}, "S-CAL-SERIAL"), ({"reconstruction": "FBP"}, "W-CAL-RECON"),
     ({"date": dt.date(2027, 1, 20)}, "W-CAL-EXPIRED"),
     ({"date": dt.date(2028, 1, 19)}, "W-CAL-EXPIRED"),
     ({"date": dt.date(2028, 1, 20)}, "S-CAL-EXPIRED"),
     ({"date": dt.date(2026, 1, 18)}, "S-CAL-FUTURE")],
)  # fmt: skip
def test_what_differs_is_said(changes: dict[str, Any], code: str) -> None:
    assert code in _codes(camera_record_of(), **changes)


def test_the_last_valid_day_counts_and_new_software_is_said() -> None:
    record = camera_record_of(scanner__software="3.1")
    assert _codes(record, software="3.1", date=dt.date(2027, 1, 19)) == []
    assert _codes(record, software="3.2") == ["W-CAL-SW"]


def test_a_silent_scan_is_not_taken_to_fit() -> None:
    empty = {"nuclide": "", "collimator": "", "windows_kev": (), "reconstruction": "", "serial": ""}
    [said] = camera_record_of().check(_scan(**empty), where="scan 1")
    for word in ("nuclide", "collimator", "energy windows", "reconstruction", "camera"):
        assert word in said.text


def test_the_recovery_curve_is_tied_to_the_reconstruction() -> None:
    curve = camera_record_of().recovery_curve()
    assert curve is not None
    assert (curve.alpha_ml, curve.reconstruction) == (6.9, "OSEM 10i10s, AC SC RR")
    untied = camera_record_of(reconstruction__method="unknown").recovery_curve()
    assert untied is not None
    assert untied.reconstruction == ""
    assert camera_record_of(recovery=None).recovery_curve() is None
    spread = camera_record_of().point_spread_mm()
    assert spread is not None
    assert (spread.value, spread.parts) == (11.0, {"point spread": 0.03})


def test_a_record_of_the_model_serves_no_other_model() -> None:
    record = camera_record_of(level="generic")
    ours = record.scanner.model
    assert "S-CAL-SERIAL" not in _codes(record, model=ours, serial="9999")
    with pytest.raises(QuimbyError, match="another model") as caught:
        record.check(_scan(model="Other"), where="scan 1")
    assert caught.value.code == "E-CAL-MODEL"


def test_without_a_serial_number_the_model_tells_another_camera() -> None:
    record = camera_record_of()
    assert "S-CAL-SERIAL" in _codes(record, serial="", model="Other")
    assert "S-CAL-SERIAL" not in _codes(record, serial="", model=record.scanner.model)
    assert "S-CAL-SERIAL" not in _codes(record, model="Other")  # the serial number agrees


def test_a_blur_of_another_reconstruction_blocks_signing() -> None:
    other = "OSEM 4i8s, Gauss 8 mm"
    assert {"W-CAL-RECON", "S-PVC-RECON"} <= set(_codes(camera_record_of(), reconstruction=other))
    assert "S-PVC-RECON" not in _codes(camera_record_of(point_spread=None), reconstruction=other)
    assert "S-PVC-RECON" not in _codes(camera_record_of(), reconstruction="")
