"""`quimby calibrate`: known truths come out, published figures too, and bad scans are refused."""

from __future__ import annotations

import json
from math import e, exp, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from quimby.core.errors import QuimbyError
from quimby.devices.camera import CameraRecord, DeadTimeRecord, read_camera, write_camera
from quimby.devices.dead_time import observed_rate
from tests.conftest import shared_path
from tests.dicom_builder import item, pet, save, spect
from tests.test_devices_camera import camera_record_of
from tests.test_planar_reading import planar, single
from tests.variants import quimby

ZONE = "Europe/Berlin"


def qc(name: str) -> Path:
    return shared_path("data", "nm_qc", name)


def told(folder: Path) -> dict[str, Any]:
    """The certificate as JSON."""
    found: dict[str, Any] = json.loads((folder / "certificate.json").read_text("utf-8"))
    return found


def results(folder: Path) -> dict[str, float]:
    return {r["name"]: r["value"] for r in told(folder)["results"]}


def calibrated(*words: str | Path, out: Path) -> dict[str, float]:
    """The results of a command that must succeed."""
    ran = quimby("calibrate", *words, "-o", out)
    assert ran.exit_code == 0, ran.err
    assert (out / "certificate.pdf").read_bytes().startswith(b"%PDF")
    return results(out)


def refused(code: str, *words: str | Path, out: Path) -> str:
    ran = quimby("calibrate", *words, "-o", out)
    assert ran.exit_code in (10, 11, 12), ran.err
    assert ran.err.lstrip().startswith(code), ran.err
    assert not out.exists()
    return ran.err


# Real files


def test_the_dish_has_the_sensitivity_of_its_counts_less_its_own_heads_background(
    tmp_path: Path,
) -> None:
    words = (
        "planar", qc("sensitivity_PetriDish.dcm"), "--background", qc("sensitivity_Background.dcm"),
        "--activity", "10 MBq ± 2 %", "--at", "2012-10-02T16:33:17", "--nuclide", "I-131",
        "--zone", ZONE,
    )  # fmt: skip

    found = calibrated(*words, out=tmp_path / "out")

    net = 734056 / 299.993 - 4693 / 299.994  # the second head's background, as its collimator says
    while_counting = 1 + log(2) / (192.5 * 3600) * 299.993 / 2
    assert found["Sensitivity, head 1"] == pytest.approx(net / 10 * while_counting, rel=1e-5)
    first = told(tmp_path / "out")["results"][0]
    assert first["budget"]["activity of the source"] == pytest.approx(0.02 * first["value"])
    assert all(c["passed"] for c in told(tmp_path / "out")["checks"])


def test_a_dish_of_another_nuclide_than_stated_is_refused(tmp_path: Path) -> None:
    words = ("planar", qc("sensitivity_PetriDish.dcm"), "--activity", "10 MBq ± 2 %",
             "--at", "2012-10-02T16:33:17", "--nuclide", "Tc-99m", "--zone", ZONE)  # fmt: skip
    assert "I-131" in refused("E-CAL-NUCLIDE", *words, out=tmp_path / "out")


def test_a_source_assayed_many_half_lives_ago_is_refused(tmp_path: Path) -> None:
    words = ("planar", qc("sensitivity_PetriDish.dcm"), "--activity", "10 MBq ± 2 %",
             "--at", "2012-01-01T09:00", "--nuclide", "I-131", "--zone", ZONE)  # fmt: skip
    assert "34 half-lives from the scan (275 days)" in refused("E-CAL-ASSAY", *words,
                                                               out=tmp_path / "out")  # fmt: skip


def test_the_published_highest_rate_gives_the_paralysable_dead_time(tmp_path: Path) -> None:
    found = calibrated("dead-time", qc("MaxCountRate.dcm"), "--nuclide", "Tc-99m",
                       out=tmp_path / "out")  # fmt: skip

    assert found["Highest rate shown"] == 358437.0
    assert found["Dead time, paralysable"] == pytest.approx(1e6 / (e * 358437.0))
    assert "W-CAL-PEAK" in [n["code"] for n in told(tmp_path / "out")["notes"]]


def test_counts_that_the_camera_corrected_itself_show_no_dead_time(tmp_path: Path) -> None:
    said = refused("E-CAL-CORRECTED", "dead-time", qc("MCR.dcm"), "--nuclide", "Tc-99m",
                   out=tmp_path / "out")  # fmt: skip
    assert "switch the correction off" in said


def test_floods_and_cylinders_have_their_published_uniformity(tmp_path: Path) -> None:
    flood = calibrated("uniformity", qc("Uniformity_UNIFORMIDAD_1_Ok.dcm"), "--limits", "5 %, 4 %",
                       out=tmp_path / "flood")  # fmt: skip
    cylinder = calibrated("uniformity", qc("Jaszack.dcm"), "--spheres", out=tmp_path / "cylinder")

    assert flood["integral, central field"] == pytest.approx(2.38, abs=0.01)
    assert flood["differential, central field"] == pytest.approx(1.728, abs=0.001)
    assert cylinder["integral, central field"] == pytest.approx(13.031, abs=0.001)
    assert cylinder["differential, central field"] == pytest.approx(9.605, abs=0.001)
    rows = told(tmp_path / "cylinder")["tables"][1]["rows"]
    assert [float(rows[n][4].split()[0]) for n in (0, 5)] == pytest.approx([72.1, 18.3], abs=0.4)


def test_a_point_has_its_published_widths_and_its_factor_asks_for_the_decay_reference(
    tmp_path: Path,
) -> None:
    scan = qc("TomoResolution.dcm")
    widths = calibrated("point", scan, out=tmp_path / "widths")
    source = ("--activity", "37 MBq ± 2 %", "--at", "2016-12-19T09:54:37+01:00", "--nuclide",
              "Tc-99m", "--zone", ZONE)  # fmt: skip

    said = refused("E-CAL-DECAY-REF", "point", scan, *source, out=tmp_path / "asked")
    start = calibrated("point", scan, *source, "--decay-reference", "START", out=tmp_path / "start")
    middle = calibrated("point", scan, *source, "--decay-reference", "NONE", out=tmp_path / "none")

    assert [widths[f"FWHM, {a}"] for a in "xyz"] == pytest.approx([22.31, 22.33, 22.47], abs=0.01)
    assert "--decay-reference" in said
    half_scan_h = 64 * 10 / 7200
    ratio = middle["Calibration factor"] / start["Calibration factor"]
    assert ratio == pytest.approx(exp(log(2) / 6.015 * half_scan_h), rel=1e-6)


def test_the_nema_phantom_is_found_alone_and_held_against_published_ranges(tmp_path: Path) -> None:
    folder = shared_path("data", "pet_nema_phantom")
    fill = {"nuclide": "F-18", "assayed_at": "2025-07-09T12:28:52+02:00",
            "sphere_concentration_bq_per_ml": 26220.0, "sphere_assay_relative_u": 0.03,
            "background_concentration_bq_per_ml": 2622.0}  # fmt: skip
    (tmp_path / "fill.json").write_text(json.dumps(fill), "utf-8")

    found = calibrated("pet", folder, "--fill", tmp_path / "fill.json", "--zone", ZONE,
                       "--compare", "earl-2", out=tmp_path / "out")  # fmt: skip

    table = told(tmp_path / "out")["tables"][0]["rows"]
    maxima = [int(row[1]) for row in table]
    assert maxima == [29182, 29497, 30949, 32019, 26115, 20572]  # as seen by others
    assert found["True concentration"] == pytest.approx(26220.0, rel=1e-9)  # at the scan's start
    c = [float(row[4].split()[0]) for row in table]
    assert c == sorted(c, reverse=True)
    assert all(check["passed"] for check in told(tmp_path / "out")["checks"])


def test_a_pet_phantom_without_truth_goes_into_no_record(tmp_path: Path) -> None:
    folder = shared_path("data", "pet_nema_phantom")
    write_camera(camera_record_of(nuclide="F-18", image_unit="Bq/ml", factor__unit="1",
                                  factor__value=1.01, factor__counts=None, collimator="unknown",
                                  windows=[]), tmp_path / "pet.toml")  # fmt: skip
    before = (tmp_path / "pet.toml").read_bytes()

    said = refused("E-RC-RECON", "pet", folder, "--camera", tmp_path / "pet.toml",
                   out=tmp_path / "out")  # fmt: skip

    assert "PSF+TOF 2i21s" in said
    assert (tmp_path / "pet.toml").read_bytes() == before


def test_the_largest_sphere_gives_case_a_s_factor_and_its_recovery_says_sphere(
    case_a: Path, tmp_path: Path
) -> None:
    spheres, fill = case_a / "calibration" / "spheres", case_a / "calibration" / "fill.json"

    found = calibrated("sphere", spheres, "--fill", fill, out=tmp_path / "out")
    camera = tmp_path / "out" / "camera.toml"
    ran = quimby("calibrate", "recovery", spheres, "--fill", fill, "--camera", camera)

    assert ran.exit_code == 0, ran.err
    assert found["Calibration factor"] == pytest.approx(9.36, rel=0.01)
    record = read_camera(camera)
    assert record.recovery is not None
    assert (record.factor.geometry, record.recovery.cf_geometry) == ("sphere", "sphere")


def test_a_curve_is_used_with_the_factor_it_was_measured_with_alone() -> None:
    assert camera_record_of().recovery_curve() is not None
    with pytest.raises(QuimbyError) as caught:
        camera_record_of(factor__geometry="sphere").recovery_curve()
    assert caught.value.code == "E-RC-CFPAIR"


# Dead time with a known truth


def series(path: Path, tau_s: float, *, known: bool, model: str = "paralysable") -> Path:
    """Twelve readings of 100 s that span a factor of 30, with Poisson counts."""
    random = np.random.default_rng(3)
    head = "setup,reading [counts],live time [s],time" + (",known [MBq]" if known else "")
    rows = [head]
    for n in range(12):
        t_h = 60.0 * n if not known else 0.01 * n
        activity = 9000 * 2 ** (-60.0 * n / 159.53)
        counts = random.poisson(100 * observed_rate(10.0 * activity, tau_s, model=model))
        day, hour = 1 + int(t_h // 24), t_h % 24
        at = f"2026-01-{day:02d}T{int(hour):02d}:{round(hour % 1 * 60):02d}"
        rows.append(f"{n},{counts},100,{at}" + (f",{activity:.6f}" if known else ""))
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("model", ["paralysable", "non-paralysable"])
def test_a_dead_time_put_into_a_table_comes_out_with_its_model(
    tmp_path: Path, known: bool, model: str
) -> None:
    table = series(tmp_path / "readings.csv", 4.6e-6, known=known, model=model)
    write_camera(camera_record_of(), tmp_path / "camera.toml")

    calibrated("dead-time", table, "--nuclide", "Lu-177", "--zone", "UTC", "--camera",
               tmp_path / "camera.toml", out=tmp_path / "out")  # fmt: skip

    record = read_camera(tmp_path / "camera.toml")
    assert isinstance(record.dead_time, DeadTimeRecord)
    assert record.dead_time.model == model
    assert abs(record.dead_time.tau_us - 4.6) < 3 * record.dead_time.u_us < 0.2
    made = told(tmp_path / "out")
    assert made["method"] == ("runs" if known else "decay")
    assert len(made["tables"][0]["rows"]) == 2  # both models


def test_readings_that_serve_no_method_are_refused(tmp_path: Path) -> None:
    table = series(tmp_path / "readings.csv", 4.6e-6, known=False)
    words = ("dead-time", table, "--nuclide", "Lu-177", "--zone", "UTC", "--method")
    assert "no known activity" in refused("E-CAL-RUNS", *words, "runs", out=tmp_path / "a")
    assert "dynamic series" in refused("E-CAL-RUNS", *words, "peak", out=tmp_path / "b")


# Made-up scans


def heads(folder: Path, first: int, second: int, **changes: Any) -> Path:
    """Counts of two heads in the 208 keV window, in 120 s; a few in the scatter windows."""
    array = np.full((6, 4, 5), 7, dtype="u2")
    array[0], array[1] = first, second
    return save(folder, planar(array, TimezoneOffsetFromUTC="+0000", **changes))[0]


DISH = ("--activity", "10 MBq ± 2 %", "--at", "2026-03-03T09:54+00:00", "--nuclide", "Lu-177",
        "--energy", "208")  # fmt: skip


def test_two_heads_have_a_mean_with_one_activity_and_are_held_against_each_other(
    tmp_path: Path,
) -> None:
    dish = heads(tmp_path / "dish", 400, 440)  # in each of 20 pixels
    empty = heads(tmp_path / "empty", 20, 10)

    found = calibrated("planar", dish, "--background", empty, *DISH, out=tmp_path / "out")
    bare = calibrated("planar", dish, *DISH, out=tmp_path / "bare")

    first, second = (20 * net / 120 / 10 for net in (380, 430))
    assert found["Sensitivity, head 1, anterior"] == pytest.approx(first, rel=2e-4)
    assert found["Sensitivity, head 2, posterior"] == pytest.approx(second, rel=2e-4)
    assert found["Sensitivity, mean of the heads"] == pytest.approx((first + second) / 2, rel=2e-4)
    mean = told(tmp_path / "out")["results"][0]
    assert mean["budget"]["activity of the source"] == pytest.approx(0.02 * mean["value"])
    assert bare["Sensitivity, mean of the heads"] == pytest.approx(7.0, rel=2e-4)
    codes = {n["code"] for n in told(tmp_path / "bare")["notes"]}
    assert {"W-CAL-HEADS", "W-CAL-NO-BACKGROUND"} <= codes


def test_the_planar_sensitivity_goes_into_the_cameras_record(tmp_path: Path) -> None:
    dish = heads(tmp_path / "dish", 400, 440)
    record = camera_record_of(collimator="unknown", nuclide="Lu-177")
    write_camera(record, tmp_path / "camera.toml")

    calibrated("planar", dish, *DISH, "--camera", tmp_path / "camera.toml", out=tmp_path / "out")

    found = read_camera(tmp_path / "camera.toml")
    assert found.planar is not None
    assert found.planar.cps_per_mbq == pytest.approx(7.0, rel=2e-4)
    assert (found.planar.heads, found.planar.measured.isoformat()) == (2, "2026-03-03")
    assert found.planar.lower_kev < 208.4 < found.planar.upper_kev
    assert found.model_copy(update={"planar": None}) == record


def test_a_background_of_another_head_is_refused(tmp_path: Path) -> None:
    dish = heads(tmp_path / "dish", 400, 440)
    other = save(tmp_path / "empty", single(TimezoneOffsetFromUTC="+0000"))[0]

    said = refused("E-CAL-HEAD", "planar", dish, "--background", other, *DISH,
                   out=tmp_path / "out")  # fmt: skip

    assert "head 2, posterior" in said


def body(tmp_path: Path, *, whole: bool = True, **changes: Any) -> Path:
    """A body in 40 slices of 20 mm, 2 000 000 counts."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in (40, 24, 24)), indexing="ij")
    inside = ((j - 12) ** 2 + (i - 12) ** 2 <= 49) & ((k >= 4) & (k < 36) if whole else k >= 4)
    array = np.where(inside, 2_000_000 / inside.sum(), 0.0).round().astype("u2")
    return _scan(tmp_path, array, **changes)


def _scan(tmp_path: Path, array: NDArray[Any], **changes: Any) -> Path:
    usual = {"Manufacturer": "MAKER", "ManufacturerModelName": "TWO-HEAD",
             "CorrectedImage": ["ATTN", "SCAT"], "TimezoneOffsetFromUTC": "+0000"}  # fmt: skip
    data: Dataset = spect(array, PixelSpacing=[20.0, 20.0], SliceThickness=20.0,
                          SpacingBetweenSlices=20.0, **{**usual, **changes})  # fmt: skip
    return save(tmp_path / "scan", data)[0].parent


PATIENT = ("--activity", "7400 MBq ± 2 %", "--at", "2026-03-03T09:54+00:00", "--nuclide", "Lu-177")


def test_a_patient_before_voiding_is_his_own_standard(tmp_path: Path) -> None:
    scan = body(tmp_path)

    found = calibrated("patient", scan, *PATIENT, "--excreted", "0 MBq", out=tmp_path / "all")
    less = calibrated("patient", scan, *PATIENT, "--excreted", "740 MBq ± 10 %",
                      out=tmp_path / "less")  # fmt: skip

    counts = np.round(2_000_000 / told_counts(scan)) * told_counts(scan)
    held = 7400 * 2 ** (-(20 * 60 / 7200) / 159.53)  # in the middle of 60 x 20 s
    assert found["Calibration factor"] == pytest.approx(counts / 2400 / held, rel=1e-4)
    assert less["Calibration factor"] == pytest.approx(found["Calibration factor"] / 0.9)
    assert read_camera(tmp_path / "all" / "camera.toml").factor.geometry == "patient"


def told_counts(scan: Path) -> int:
    from quimby.measure.dicom import read_emission

    return int((read_emission(scan.iterdir()).image.values > 0).sum())


def test_a_body_that_goes_on_outside_the_scan_gives_no_factor(tmp_path: Path) -> None:
    said = refused("E-CAL-EDGE", "patient", body(tmp_path, whole=False), *PATIENT, "--excreted",
                   "0 MBq", out=tmp_path / "out")  # fmt: skip
    assert "holds 100 % of the fullest one" in said


def test_more_than_was_given_cannot_have_left(tmp_path: Path) -> None:
    refused("E-CAL-VALUE", "patient", body(tmp_path), *PATIENT, "--excreted", "7.5 GBq ± 1 %",
            out=tmp_path / "out")  # fmt: skip


def cylinder_in_bq_ml(tmp_path: Path, **changes: Any) -> Path:
    """5 kBq/ml everywhere inside, no counting time in the file."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in (40, 48, 48)), indexing="ij")
    inside = ((j - 24) ** 2 + (i - 24) ** 2 <= 144) & (abs(k - 20) <= 10)
    data = spect(np.where(inside, 5000, 0).astype("u2"), PixelSpacing=[8.0, 8.0], Units="BQML",
                 SliceThickness=8.0, SpacingBetweenSlices=8.0, TimezoneOffsetFromUTC="+0000",
                 RotationInformationSequence=None, **changes)  # fmt: skip
    folder = save(tmp_path / "cylinder", data)[0].parent
    volume = float(inside.sum()) * 0.512
    fill = {"nuclide": "Lu-177", "assayed_at": "2026-03-03T09:54:00+00:00",
            "cylinder_activity_mbq": 5e-3 * volume / 1.02}  # fmt: skip
    (tmp_path / "fill.json").write_text(json.dumps(fill), "utf-8")
    return folder


def test_a_cylinder_in_bq_per_ml_needs_no_counting_time(tmp_path: Path) -> None:
    scan = cylinder_in_bq_ml(tmp_path)

    ran = quimby("calibrate", "spect", scan, "--fill", tmp_path / "fill.json", "-o",
                 tmp_path / "camera.toml", "--certificate", tmp_path / "page.pdf")  # fmt: skip

    assert ran.exit_code == 0, ran.err
    record = read_camera(tmp_path / "camera.toml")
    assert (record.factor.unit, record.factor.counting_s) == ("1", None)
    half_an_hour = 2 ** (0.5 / 159.53)  # an unknown length: half an hour, with its doubt
    assert record.factor.value == pytest.approx(1.02 * half_an_hour, rel=1e-4)
    assert record.factor.u_relative["middle of the scan, not known"] < 0.002
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


def test_a_cylinder_corrected_to_its_start_is_held_against_the_start(tmp_path: Path) -> None:
    scan = cylinder_in_bq_ml(tmp_path, CorrectedImage=["DECY"], DecayCorrection="START")

    quimby("calibrate", "spect", scan, "--fill", tmp_path / "fill.json", "-o",
           tmp_path / "camera.toml")  # fmt: skip

    assert read_camera(tmp_path / "camera.toml").factor.value == pytest.approx(1.02, rel=1e-6)


def test_a_cylinder_corrected_to_nobody_knows_when_is_asked_about(tmp_path: Path) -> None:
    scan = cylinder_in_bq_ml(tmp_path, CorrectedImage=["DECY"])

    ran = quimby("calibrate", "spect", scan, "--fill", tmp_path / "fill.json", "-o",
                 tmp_path / "camera.toml")  # fmt: skip

    assert ran.exit_code == 10
    assert "E-CAL-DECAY-REF" in ran.err
    assert not (tmp_path / "camera.toml").exists()


# Records


def own_record(**changes: Any) -> CameraRecord:
    """A record that fits `body`."""
    return camera_record_of(scanner={"manufacturer": "MAKER", "model": "Two-Head",
                                     "serial": "17", "software": "unknown"}, **changes)  # fmt: skip


def test_a_similar_scanner_s_record_holds_with_ten_per_cent(tmp_path: Path) -> None:
    write_camera(own_record(), tmp_path / "camera.toml")

    calibrated("similar", tmp_path / "camera.toml", "--scan",
               body(tmp_path, DeviceSerialNumber="18"), out=tmp_path / "out")  # fmt: skip

    made = read_camera(tmp_path / "out" / "camera.toml")
    assert (made.level, made.scanner.serial) == ("generic", "18")
    assert made.calibration_factor().value.u_rel == pytest.approx(0.10)
    assert made.calibration_factor().value.value == 9.36
    assert made.point_spread is not None
    assert made.point_spread.u_mm == pytest.approx(1.1)
    first = told(tmp_path / "out")["results"][0]
    assert "another camera of this model" in first["budget"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"ManufacturerModelName": "ONE-HEAD"}, "E-CAL-MODEL"), ({"Units": "BQML"},
     "E-CAL-IMAGE-UNIT")],
)  # fmt: skip
def test_a_record_of_another_model_or_unit_is_not_carried_over(
    tmp_path: Path, changes: dict[str, Any], code: str
) -> None:
    write_camera(own_record(), tmp_path / "camera.toml")
    array = np.ones((40, 24, 24), dtype="u2")
    folder = _scan(tmp_path, array, **changes)

    refused(code, "similar", tmp_path / "camera.toml", "--scan", folder, out=tmp_path / "out")


def test_another_window_than_the_similar_scanner_s_is_refused(tmp_path: Path) -> None:
    write_camera(own_record(), tmp_path / "camera.toml")
    window = item(EnergyWindowRangeSequence=[
        item(EnergyWindowLowerLimit=101.0, EnergyWindowUpperLimit=125.0)])  # fmt: skip

    refused("E-CAL-WINDOW", "similar", tmp_path / "camera.toml", "--scan",
            body(tmp_path, EnergyWindowInformationSequence=[window]),
            out=tmp_path / "out")  # fmt: skip


def records(tmp_path: Path, *factors: float, **changes: Any) -> list[Path]:
    import datetime as dt

    made = []
    for n, value in enumerate(factors):
        path = tmp_path / f"camera-{n}.toml"
        write_camera(camera_record_of(
            factor__value=value, factor__u_relative={"assay": 0.01}, date=dt.date(2026, 1 + n, 1),
            valid_until=dt.date(2027, 1 + n, 1), **(changes if n else {})), path)  # fmt: skip
        made.append(path)
    return made


@pytest.mark.parametrize(
    ("last", "verdict", "codes"),
    [(9.5, "passed", []), (9.90, "failed", ["W-CAL-DRIFT"]), (10.5, "failed", ["S-CAL-DRIFT"])],
)
def test_drift_is_judged_against_the_first_record(
    tmp_path: Path, last: float, verdict: str, codes: list[str]
) -> None:
    paths = records(tmp_path, 9.36, 9.40, last)

    found = calibrated("drift", *reversed(paths), out=tmp_path / "out")

    assert found["Change since the first record"] == pytest.approx(100 * (last / 9.36 - 1))
    assert told(tmp_path / "out")["verdict"] == verdict
    assert [n["code"] for n in told(tmp_path / "out")["notes"]] == codes


def test_records_that_cannot_be_compared_are_refused(tmp_path: Path) -> None:
    refused("E-CAL-SERIES", "drift", *records(tmp_path, 9.3), out=tmp_path / "a")
    other = records(tmp_path, 9.3, 9.4, collimator="LEHR")
    assert "collimator" in refused("E-CAL-SERIES", "drift", *other, out=tmp_path / "b")


def test_work_of_others_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine", "utf-8")

    ran = quimby("calibrate", "drift", *records(tmp_path, 9.3, 9.4), "-o", tmp_path / "out")

    assert ran.exit_code == 10
    assert "E-OUT-EXISTS" in ran.err
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine.txt"]


# What a study refuses, with the reason and the way out


def run_refused(folder: Path, tmp_path: Path) -> str:
    ran = quimby("run", folder, "-o", tmp_path / "result", "--zone", ZONE)
    drafted = quimby("study", folder, "-o", tmp_path / "study.toml", "--zone", ZONE)
    assert (ran.exit_code, drafted.exit_code) == (10, 10)
    assert ran.err.split() == drafted.err.split()
    assert not (tmp_path / "result").exists()
    return ran.err


def lone(tmp_path: Path, *names: str) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    source = shared_path("data", *names)
    (folder / source.name).write_bytes(source.read_bytes())
    return folder


def test_an_old_file_without_geometry_is_refused_with_all_it_lacks(tmp_path: Path) -> None:
    said = run_refused(lone(tmp_path, "nm_misc", "NM-MONO2-16-13x-heart.dcm"), tmp_path)

    assert said.lstrip().startswith("E-DCM-UNFIT")
    for lack in ("position of its slices", "orientation", "how long it counted", "energy window"):
        assert lack in said
    assert "export it again from the camera's console" in said


def test_a_bone_scan_of_one_view_is_refused_with_the_way_out(tmp_path: Path) -> None:
    said = run_refused(lone(tmp_path, "nm_misc", "NM1_RLE.dcm"), tmp_path)

    assert said.lstrip().startswith("E-PLN-ONE-VIEW")
    assert "whole body, head 1" in said
    assert "export the views of both heads" in said


def test_proportional_counts_are_refused_with_the_way_out(tmp_path: Path) -> None:
    save(tmp_path / "in", *pet(Units="PROPCNTS"))

    said = run_refused(tmp_path / "in", tmp_path)

    assert said.lstrip().startswith("E-DCM-UNITS")
    assert "PROPCNTS" in said
    assert "export in Bq/ml or in counts" in said


def test_a_study_document_that_names_a_scan_without_geometry_is_refused_too(
    tmp_path: Path,
) -> None:
    """The same check in the chain: a document written by hand does not get round it."""
    from quimby.study.document import Series, Spect
    from quimby.study.files import Shelf
    from quimby.study.inputs import _pair

    folder = lone(tmp_path, "nm_misc", "NM-MONO2-16-13x-heart.dcm")
    measured = Spect(id="scan-1", image=Series(path="in"), ct=Series(path="in"))
    with pytest.raises(QuimbyError) as caught:
        _pair(measured, Shelf(folder.parent), "Lu-177", None)
    assert caught.value.code == "E-DCM-UNFIT"
