"""Calibration from phantom scans: by hand, by a run, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from quimby.core.errors import InputError, QuimbyError
from quimby.devices.camera import CameraRecord, read_camera, write_camera
from quimby.physics.nuclides import nuclide
from quimby.study.commission import commission_cylinder, commission_spheres, read_scan
from quimby.study.document import Calibration, Series
from quimby.study.files import Shelf
from quimby.study.inputs import read_calibration
from quimby.study.records import read_fill
from tests.variants import copy, demo_patient, edit, quimby, rewrite


@pytest.fixture(scope="module")
def by_hand(case_a: Path, tmp_path_factory: pytest.TempPathFactory) -> CameraRecord:
    """Case A's camera by the two commands."""
    phantoms, camera = case_a / "calibration", tmp_path_factory.mktemp("camera") / "camera.toml"
    fill = phantoms / "fill.json"
    first = quimby("calibrate", "spect", phantoms / "cylinder", "--fill", fill, "-o", camera)
    assert first.exit_code == 0, first.err
    assert "by sum_of_projection_time" in first.out
    second = quimby("calibrate", "recovery", phantoms / "spheres", "--fill", fill,
                    "--camera", camera)  # fmt: skip
    assert second.exit_code == 0, second.err
    assert "Blur    FWHM" in second.out
    assert [p.name for p in camera.parent.iterdir()] == ["camera.toml"]
    return read_camera(camera)


def of_case_a() -> Calibration:
    """What a draft says of case A's calibration."""
    return Calibration(
        cylinder=Series(path="calibration/cylinder"), spheres=Series(path="calibration/spheres"),
        fill="calibration/fill.json",
    )  # fmt: skip


def test_the_factor_of_case_a_is_found(by_hand: CameraRecord) -> None:
    assert by_hand.factor.value == pytest.approx(9.36, rel=0.005)
    assert by_hand.factor.convention == "sum_of_projection_time"
    assert by_hand.factor.u_relative["calibrator assay of the phantom"] == pytest.approx(0.02)


def test_the_blur_of_case_a_is_found(by_hand: CameraRecord) -> None:
    assert by_hand.point_spread is not None
    assert by_hand.point_spread.fwhm_mm == pytest.approx(11.0, abs=0.15)
    assert abs(by_hand.point_spread.fwhm_mm - 11.0) <= 3 * by_hand.point_spread.u_mm


def test_a_run_calibrates_as_the_two_commands_do(by_hand: CameraRecord, case_a: Path) -> None:
    made, _ = read_calibration(of_case_a(), Shelf(case_a), zone=None)
    left_out = {"raw_data"}  # paths are as seen from different folders
    assert made.model_dump(exclude=left_out) == by_hand.model_dump(exclude=left_out)
    assert [r.sha256 for r in made.raw_data] == [r.sha256 for r in by_hand.raw_data]


def test_a_camera_s_record_is_read_for_a_run(by_hand: CameraRecord, tmp_path: Path) -> None:
    write_camera(by_hand, tmp_path / "camera.toml")
    read, notes = read_calibration(Calibration(camera="camera.toml"), Shelf(tmp_path), zone=None)
    assert read == by_hand
    assert notes == ()


def test_without_spheres_partial_volume_blocks_signing(case_a: Path) -> None:
    only = of_case_a().model_copy(update={"spheres": None})
    record, notes = read_calibration(only, Shelf(case_a), zone=None)
    assert record.point_spread is None
    assert "S-PVC-NONE" in {n.code for n in notes}


def test_a_calibration_that_names_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither a camera nor a cylinder"):
        read_calibration(Calibration(), Shelf(tmp_path), zone=None)


def test_twice_the_activity_halves_the_factor(case_a: Path) -> None:
    phantoms = case_a / "calibration"
    shelf = Shelf(phantoms)
    fill, scan = read_fill(phantoms / "fill.json"), read_scan(phantoms / "cylinder", shelf)
    assert fill.cylinder_activity_mbq is not None
    double = fill.model_copy(update={"cylinder_activity_mbq": 2 * fill.cylinder_activity_mbq})
    one = commission_cylinder(scan, fill, shelf=shelf).record.factor.value
    half = commission_cylinder(scan, double, shelf=shelf).record.factor.value
    assert half == pytest.approx(one / 2)


def test_a_filling_assayed_a_half_life_earlier_doubles_the_factor(case_a: Path) -> None:
    phantoms = case_a / "calibration"
    shelf = Shelf(phantoms)
    fill, scan = read_fill(phantoms / "fill.json"), read_scan(phantoms / "cylinder", shelf)
    back = timedelta(hours=nuclide("Lu-177").half_life_h.value)
    old = fill.model_copy(update={"assayed_at": fill.assayed_at - back})
    one = commission_cylinder(scan, fill, shelf=shelf).record.factor.value
    two = commission_cylinder(scan, old, shelf=shelf).record.factor.value
    assert two == pytest.approx(2 * one, rel=1e-6)


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda fill: fill.update(cylinder_activity_mbq="512 MBq"), "cylinder_activity_mbq"),
        (lambda fill: fill.update(cylinder_activity_mbq=0), "cylinder_activity_mbq"),
        (lambda fill: fill.pop("cylinder_activity_mbq"), "cylinder_activity_mbq is missing"),
        (lambda fill: fill.pop("nuclide"), "nuclide"),
        (lambda fill: fill.update(assayed_at="19 Jan"), "assayed_at"),
    ],
)
def test_a_wrong_key_of_the_filling_is_named(
    case_a: Path, tmp_path: Path, change: Change, says: str
) -> None:
    fill = json.loads((case_a / "calibration" / "fill.json").read_text("utf-8"))
    change(fill)
    path = tmp_path / "fill.json"
    path.write_text(json.dumps(fill), "utf-8")
    ran = quimby("calibrate", "spect", case_a / "calibration" / "cylinder", "--fill", path,
                 "-o", tmp_path / "camera.toml")  # fmt: skip
    assert ran.exit_code == 10
    assert "E-FILL-KEY" in ran.err
    assert says in ran.err
    assert [p.name for p in tmp_path.iterdir()] == ["fill.json"]


def test_an_assay_after_the_scan_is_refused(case_a: Path, tmp_path: Path) -> None:
    fill = json.loads((case_a / "calibration" / "fill.json").read_text("utf-8"))
    fill["assayed_at"] = "2026-06-19T08:30:00+01:00"
    path = tmp_path / "fill.json"
    path.write_text(json.dumps(fill), "utf-8")
    ran = quimby("calibrate", "spect", case_a / "calibration" / "cylinder", "--fill", path,
                 "-o", tmp_path / "camera.toml")  # fmt: skip
    assert ran.exit_code == 10
    assert "assayed_at" in ran.err


@pytest.mark.parametrize(
    "change",
    [
        lambda fill: fill.pop("sphere_concentration_mbq_per_ml"),
        lambda fill: fill.pop("spheres"),
        lambda fill: [sphere.pop("centre_mm") for sphere in fill["spheres"]],
    ],
)
def test_spheres_without_centre_or_concentration_are_refused(
    by_hand: CameraRecord, case_a: Path, tmp_path: Path, change: Change
) -> None:
    fill = json.loads((case_a / "calibration" / "fill.json").read_text("utf-8"))
    change(fill)
    (tmp_path / "fill.json").write_text(json.dumps(fill), "utf-8")
    shelf = Shelf(case_a)
    scan = read_scan(case_a / "calibration" / "spheres", shelf)
    with pytest.raises(InputError, match="E-FILL-KEY"):
        commission_spheres(scan, read_fill(tmp_path / "fill.json"), by_hand, shelf=shelf)


def test_a_filling_that_is_not_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fill.json").write_text("512 MBq", "utf-8")
    with pytest.raises(InputError, match="E-FILL-KEY"):
        read_fill(tmp_path / "fill.json")
    with pytest.raises(InputError, match="E-STUDY-FILE"):
        read_fill(tmp_path / "absent.json")


@pytest.fixture
def phantoms(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """The demo's phantoms, to change."""
    return copy(demo_patient(tmp_path_factory) / "calibration", tmp_path / "calibration")


def refused(phantoms: Path) -> QuimbyError:
    """The refusal of a cylinder scan."""
    shelf = Shelf(phantoms)
    with pytest.raises(QuimbyError) as caught:
        commission_cylinder(read_scan(phantoms / "cylinder", shelf),
                            read_fill(phantoms / "fill.json"), shelf=shelf)  # fmt: skip
    return caught.value


def test_a_cylinder_of_another_nuclide_than_its_filling_is_refused(phantoms: Path) -> None:
    fill = json.loads((phantoms / "fill.json").read_text("utf-8"))
    rewrite(phantoms / "fill.json", json.dumps(fill | {"nuclide": "I-131"}))
    assert refused(phantoms).code == "E-CAL-NUCLIDE"


def test_a_cylinder_that_does_not_say_how_long_it_counted_is_refused(phantoms: Path) -> None:
    def silent(data: Dataset) -> None:
        del data.RotationInformationSequence

    edit(phantoms / "cylinder" / "SPECT.dcm", silent)
    error = refused(phantoms)
    assert error.code == "E-DCM-FRAMEDUR"
    assert "the file does not say it" in error.what


def test_a_phantom_scan_without_a_time_is_refused(case_a: Path) -> None:
    shelf = Shelf(case_a)
    scan = replace(read_scan(Path("calibration/cylinder"), shelf), acquired_at=None)

    with pytest.raises(QuimbyError) as caught:
        commission_cylinder(scan, read_fill(case_a / "calibration" / "fill.json"), shelf=shelf)

    assert caught.value.code == "E-CAL-SCAN-TIME"


def spheres_refused(phantoms: Path, camera: CameraRecord, **filled: float) -> QuimbyError:
    """The refusal of the demo's sphere scan."""
    shelf, fill = Shelf(phantoms), read_fill(phantoms / "fill.json").model_copy(update=filled)
    with pytest.raises(QuimbyError) as caught:
        commission_spheres(read_scan(phantoms / "spheres", shelf), fill, camera, shelf=shelf)
    return caught.value


@pytest.fixture
def cylinder(phantoms: Path) -> CameraRecord:
    """The demo camera's record, from its cylinder alone."""
    shelf = Shelf(phantoms)
    return commission_cylinder(read_scan(phantoms / "cylinder", shelf),
                               read_fill(phantoms / "fill.json"), shelf=shelf).record  # fmt: skip


def test_spheres_belong_to_the_reconstruction_unit_and_water_of_their_factor(
    phantoms: Path, cylinder: CameraRecord
) -> None:
    assert spheres_refused(phantoms, cylinder, background_concentration_mbq_per_ml=0.1).code == (
        "E-FILL-KEY"
    )

    def otherwise(data: Dataset) -> None:
        data.ReconstructionMethod = "OSEM 4i8s, AC SC RR"

    edit(phantoms / "spheres" / "SPECT.dcm", otherwise)
    assert spheres_refused(phantoms, cylinder).code == "E-RC-RECON"

    def quantitative(data: Dataset) -> None:
        data.Units = "BQML"

    edit(phantoms / "spheres" / "SPECT.dcm", quantitative)
    assert spheres_refused(phantoms, cylinder).code == "E-CAL-IMAGE-UNIT"


def test_spheres_that_hold_another_concentration_than_filled_are_told(
    phantoms: Path, cylinder: CameraRecord
) -> None:
    shelf, fill = Shelf(phantoms), read_fill(phantoms / "fill.json")
    scan = read_scan(phantoms / "spheres", shelf)
    assert fill.sphere_concentration_mbq_per_ml is not None

    def noted(times: float) -> list[float | None]:
        c = times * (fill.sphere_concentration_mbq_per_ml or 0.0)
        other = fill.model_copy(update={"sphere_concentration_mbq_per_ml": c})
        found = commission_spheres(scan, other, cylinder, shelf=shelf)
        return [n.value for n in found.notes if n.code == "W-RC-LEVEL"]

    assert noted(1.0) == []
    assert noted(1.25) == [pytest.approx(-0.2, abs=0.02)]
    wrong_unit = {"sphere_concentration_mbq_per_ml": 1000 * fill.sphere_concentration_mbq_per_ml}
    assert spheres_refused(phantoms, cylinder, **wrong_unit).code == "E-RC-FIT"
