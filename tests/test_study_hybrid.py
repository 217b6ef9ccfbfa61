"""Planar pairs beside one SPECT/CT: laid on it, read, scaled; and what is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy.ndimage import gaussian_filter

import tests.dicom_builder as build
from quimby import protocols, therapies
from quimby.core.errors import InputError, QuimbyError
from quimby.core.grid import Grid, Image
from quimby.core.notes import Note
from quimby.core.uncertain import Uncertain
from quimby.devices.camera import CameraRecord
from quimby.measure.hybrid import PlanarPoint, hybrid_curve
from quimby.measure.planar_expected import Expected, background_views, expected_views, shadow
from quimby.measure.planar_free import Apart, apart
from quimby.measure.planar_place import lay
from quimby.measure.planar_scan import PlanarFrame, PlanarScan, Sweep, view_pair
from quimby.measure.scans import Device, EnergyWindow, Identity, Radiopharmaceutical
from quimby.physics.decay import factor_to_start
from quimby.physics.nuclides import nuclide
from quimby.study.document import Administration, Planar, Study, StudyDocument, parse_study
from quimby.study.doses import Setting, combined
from quimby.study.draft import draft
from quimby.study.planar_pairs import Pair, Pairs, energy_kev, read_pairs
from quimby.study.planar_points import pair_points
from quimby.study.run import run
from tests.case_a_truth import truth
from tests.sample_result import sample_result
from tests.test_devices_camera import camera_record_of
from tests.test_planar_reading import planar as dicom_planar
from tests.test_planar_reading import single
from tests.test_study_aligned import inputs as aligned_inputs

Float = NDArray[np.float64]
HALF_LIFE_H, MU_PER_MM, KEV = 159.528, 0.0136, 208.4
PEAK, LOWER, UPPER = (
    EnergyWindow("peak", 187.2, 228.8),
    EnergyWindow("lower", 166.4, 187.2),
    EnergyWindow("upper", 228.8, 249.6),
)
VOXEL_MM, PIXEL_MM, SECONDS, CPS_PER_MBQ = 6.0, 3.0, 600.0, 6.0
SHAPE = (50, 36, 60)  # slices, rows, columns: 300 x 216 x 360 mm
BODY_MM = (150.0, 100.0)  # half axes of the elliptic body
STARTED = datetime.fromisoformat("2026-03-02T10:00:00+01:00")
BALLS = {"Left": ((70.0, 20.0, 0.0), 32.0), "Right": ((-70.0, 20.0, -10.0), 32.0),
         "Tumour": ((10.0, -30.0, 80.0), 20.0)}  # fmt: skip
HALF_LIVES_H = {"Left": 50.0, "Right": 60.0, "Tumour": 90.0, "": 30.0}
AT_24_H = {"Left": 40.0, "Right": 45.0, "Tumour": 12.0, "": 150.0}
"""MBq of each region and of the rest of the body."""


def grid() -> Grid:
    """Voxels about the origin; x to the patient's left, y to the back, z to the head."""
    affine = np.diag([VOXEL_MM, VOXEL_MM, VOXEL_MM, 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * VOXEL_MM for n in SHAPE[::-1]]
    return Grid(SHAPE, affine)


def places() -> tuple[Float, Float, Float]:
    z, y, x = np.meshgrid(*((np.arange(n) - (n - 1) / 2) * VOXEL_MM for n in SHAPE), indexing="ij")
    return x, y, z


def body() -> NDArray[np.bool_]:
    x, y, _ = places()
    return np.asarray((x / BODY_MM[0]) ** 2 + (y / BODY_MM[1]) ** 2 <= 1.0)


def ball(name: str) -> NDArray[np.bool_]:
    (cx, cy, cz), radius = BALLS[name]
    x, y, z = places()
    return np.asarray((x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2 <= radius**2)


def ct() -> Image:
    return Image(grid(), np.where(body(), 0.0, -1000.0), "HU")


def mbq_at(time_h: float) -> dict[str, float]:
    return {n: a * 2.0 ** (-(time_h - 24.0) / HALF_LIVES_H[n]) for n, a in AT_24_H.items()}


def activity(mbq: Mapping[str, float]) -> Float:
    """MBq in each voxel."""
    found = np.zeros(SHAPE)
    rest = body()
    for name in BALLS:
        found[ball(name)] = mbq[name] / ball(name).sum()
        rest &= ~ball(name)
    found[rest] = mbq[""] / rest.sum()
    return found


def views(mbq: Mapping[str, float]) -> tuple[Float, Float]:
    """Mean peak counts of front and back in pixels of 3 mm: voxel by voxel, ray by ray."""
    x, y, _ = places()
    half = BODY_MM[1] * np.sqrt(np.clip(1.0 - (x / BODY_MM[0]) ** 2, 0.0, None))
    made = []
    for depth in (half + y, half - y):
        seen = (activity(mbq) * np.exp(-MU_PER_MM * np.clip(depth, 0.0, None))).sum(axis=1)
        fine = np.kron(seen[::-1], np.ones((2, 2))) / 4.0
        made.append(gaussian_filter(fine, 12.0 / 2.3548 / PIXEL_MM) * CPS_PER_MBQ * SECONDS)
    return made[0], made[1]


def scan(mbq: Mapping[str, float], *, noise: int | None = 1, shift: tuple[int, int] = (0, 0),
         window: EnergyWindow = PEAK) -> PlanarScan:  # fmt: skip
    """Both views in three windows, a third of the peak being scatter; rolled by whole pixels."""
    random = np.random.default_rng(noise)
    frames = []
    for n, (view, mean) in enumerate(zip(("anterior", "posterior"), views(mbq), strict=True), 1):
        seen = np.roll(mean, shift, axis=(0, 1))
        seen = seen[:, ::-1] if view == "posterior" else seen
        scatter = 0.5 * gaussian_filter(seen, 6.0)  # in the peak; each side window has a quarter
        for held, counts in ((window, seen + scatter), (LOWER, scatter / 2), (UPPER, scatter / 2)):
            shown = random.poisson(counts).astype(float) if noise is not None else counts
            frames.append(PlanarFrame(shown, view, n, held, SECONDS))
    return PlanarScan(
        "static", tuple(frames), (PIXEL_MM, PIXEL_MM), True, None, Identity("1"), Device(),
        Radiopharmaceutical(), STARTED, "1.2", "1.3", "", "HFS", (),
    )  # fmt: skip


def pair(time_h: float, **changes: Any) -> Pair:
    made = scan(mbq_at(time_h), **changes)
    return Pair(f"planar {time_h:g} h", made, view_pair(made, KEV), KEV, "both",
                STARTED + timedelta(hours=time_h), time_h, SECONDS)  # fmt: skip


def model(time_h: float = 24.0) -> Expected:
    blurred = gaussian_filter(activity(mbq_at(time_h)), 11.0 / 2.3548 / VOXEL_MM)
    return expected_views(Image(grid(), blurred, "MBq"), ct(), MU_PER_MM)


def parts(*names: str) -> Apart:
    masks = {n: Image(grid(), ball(n).astype(np.float32), "1") for n in names or BALLS}
    return apart([shadow(n, mask) for n, mask in masks.items()])


@cache
def rest() -> Expected:
    masks = [Image(grid(), ball(n).astype(np.float32), "1") for n in BALLS]
    return background_views(grid(), masks, ct(), MU_PER_MM)


def read_pair(one: Pair, *, camera: CameraRecord | None = None, half_life_h: float = HALF_LIFE_H
              ) -> tuple[dict[str, PlanarPoint], tuple[Note, ...]]:  # fmt: skip
    found = pair_points(one, parts(), model(), rest=rest(), camera=camera or camera_record_of(),
                        half_life_h=half_life_h)  # fmt: skip
    return found.points, found.notes


def points(time_h: float, **changes: Any) -> dict[str, PlanarPoint]:
    found, _ = read_pair(pair(time_h, **changes))  # fmt: skip
    return found


# Where the views lie


@pytest.mark.parametrize("shift", [(0, 0), (3, -2), (-5, 4)])
def test_views_are_laid_on_the_scan_to_a_fraction_of_a_pixel(shift: tuple[int, int]) -> None:
    laid = lay(pair(24.0, shift=shift).views, model(), where="planar")
    x, z = -178.5 - shift[1] * PIXEL_MM, 148.5 + shift[0] * PIXEL_MM
    assert np.abs(np.subtract(laid.corner_mm, (x, z))).max() < 1.0
    assert laid.likeness > 0.97
    assert [n.code for n in laid.notes] == ["I-PLN-PLACE"]


def test_expected_views_weaken_a_point_by_the_water_before_it() -> None:
    values = np.zeros(SHAPE)
    values[25, 12, 30] = 1.0  # y = -33 mm: 67 mm below the front, 133 mm from the back
    found = expected_views(Image(grid(), values, "MBq"), ct(), MU_PER_MM)
    ratio = found.first.values.max() / found.second.values.max()
    assert ratio == pytest.approx(exp(MU_PER_MM * 2 * 33.0), rel=0.03)


def test_views_of_another_patient_are_refused() -> None:
    elsewhere = {"Left": 0.0, "Right": 0.0, "Tumour": 0.0, "": 1e-6}
    other = scan(elsewhere, noise=None)
    noise = np.random.default_rng(3)
    frames = tuple(
        PlanarFrame(noise.poisson(50.0, f.counts.shape).astype(float), f.view, f.detector,
                    f.window, f.seconds)
        for f in other.frames
    )  # fmt: skip
    odd = PlanarScan(other.kind, frames, other.pixel_mm, True, None, other.identity, other.device,
                     other.pharmaceutical, STARTED, "", "", "", "HFS", ())  # fmt: skip
    with pytest.raises(InputError, match=r"E-PLN-FIELD .*hardly show the same part"):
        lay(view_pair(odd, KEV), model(), where="planar")


@pytest.mark.parametrize(("how", "name"), [
    ((slice(None), slice(None, None, -1)), "mirrored"),
    ((slice(None, None, -1), slice(None)), "upside down"),
    ((slice(None, None, -1), slice(None, None, -1)), "turned round"),
])  # fmt: skip
def test_views_the_wrong_way_round_are_refused(how: tuple[slice, slice], name: str) -> None:
    seen = pair(24.0).views
    wrong = replace(seen, first=seen.first[how], second=seen.second[how])
    with pytest.raises(InputError, match=f"E-PLN-TURNED .*better {name}"):
        lay(wrong, model(), where="planar")


def test_a_patient_whose_sides_look_alike_is_asked_about() -> None:
    alike = {"Left": 40.0, "Right": 0.0, "Tumour": 0.0, "": 10.0}
    values = activity(alike)
    values = values + values[:, :, ::-1]
    expected = expected_views(Image(grid(), values, "MBq"), ct(), MU_PER_MM)
    front, back = views(alike)
    even = replace(pair(24.0).views, first=front + front[:, ::-1], second=back + back[:, ::-1])
    assert "S-PLN-TURNED" in {n.code for n in lay(even, expected, where="planar").notes}


# What is read


def test_the_ratio_of_two_scans_is_that_of_the_activities_within_its_doubt() -> None:
    first, later = points(24.0, noise=1), points(96.0, noise=2)
    for name in BALLS:
        ratio = later[name].net / first[name].net
        true = mbq_at(96.0)[name] / mbq_at(24.0)[name]
        assert abs(ratio.value - true) < 2.0 * ratio.u
        assert abs(ratio.value / true - 1.0) < 0.06
        assert 0.02 < ratio.u_rel < 0.15


def test_doubts_go_by_cause_and_the_place_is_shared_by_all_regions_of_a_scan() -> None:
    found = points(24.0)
    for name in BALLS:
        causes = set(found[name].net.parts)
        assert f"counts, {name} anterior, planar 24 h" in causes
        assert f"background, {name} posterior, planar 24 h" in causes
        assert {"scatter on planar views", "registration, planar views along, planar 24 h"} < causes


def test_the_doubt_of_scatter_almost_cancels_in_a_ratio() -> None:
    first, later = points(24.0)["Left"].net, points(48.0, noise=2)["Left"].net
    ratio = later / first
    single = abs(first.parts["scatter on planar views"]) / first.value
    assert abs(ratio.parts["scatter on planar views"]) / ratio.value < 0.3 * single


def exact(mbq: Mapping[str, float], seconds: float = SECONDS) -> Pair:
    """A pair without noise, counted for so long."""
    made = scan(mbq, noise=None)
    longer = tuple(replace(f, counts=f.counts * seconds / SECONDS, seconds=seconds)
                   for f in made.frames)  # fmt: skip
    made = replace(made, frames=longer)
    return Pair("p", made, view_pair(made, KEV), KEV, "both", STARTED, 24.0, seconds)


def test_background_is_taken_away_whatever_its_level() -> None:
    alone, _ = read_pair(exact({**AT_24_H, "": 1e-3}))
    within, _ = read_pair(exact({**AT_24_H, "": 300.0}))
    for name in ("Left", "Right"):
        assert within[name].net.value == pytest.approx(alone[name].net.value, rel=0.01)
        level = within[name].net.parts[f"background, {name} anterior, p"] / within[name].net.value
        assert 0.02 < abs(level) < 0.2


def test_a_longer_scan_gives_the_same_rate_at_its_start_but_for_decay() -> None:
    short, _ = read_pair(exact(AT_24_H), half_life_h=2.0)
    long, _ = read_pair(exact(AT_24_H, 2.0 * SECONDS), half_life_h=2.0)
    # the same mean rate over a longer scan began higher
    wanted = factor_to_start(2.0 * SECONDS / 3600, 2.0) / factor_to_start(SECONDS / 3600, 2.0)
    assert long["Left"].net.value / short["Left"].net.value == pytest.approx(wanted, rel=1e-6)


def test_twice_the_counts_give_twice_the_rate() -> None:
    once = points(24.0, noise=None)["Right"].net
    doubled = {n: 2.0 * a for n, a in AT_24_H.items()}
    made = scan(doubled, noise=None)
    twice = Pair("planar 24 h", made, view_pair(made, KEV), KEV, "both", STARTED, 24.0, SECONDS)
    found, _ = read_pair(twice)  # fmt: skip
    assert found["Right"].net.value == pytest.approx(2.0 * once.value, rel=1e-6)


def test_a_hybrid_curve_brings_the_activity_of_each_day_back() -> None:
    times = (4.0, 24.0, 72.0, 168.0)
    seen = [points(t, noise=n) for n, t in enumerate(times)]
    for name in ("Left", "Right"):
        spect = Uncertain(AT_24_H[name], {"camera calibration": 0.03 * AT_24_H[name]})
        curve = hybrid_curve(spect, 24.0, [p[name] for p in seen], region=name)
        for time, found in zip(times, curve.activities_mbq, strict=True):
            assert abs(found.value - mbq_at(time)[name]) < 2.0 * found.u


# What lies free


def flat_disc(name: str, x_mm: float, radius_mm: float) -> Any:
    z, _, x = np.meshgrid(*((np.arange(n) - (n - 1) / 2) * 3.0 for n in (60, 10, 100)),
                          indexing="ij")  # fmt: skip
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = [-148.5, -13.5, -88.5]
    inside = (x - x_mm) ** 2 + z**2 <= radius_mm**2
    return shadow(name, Image(Grid((60, 10, 100), affine), inside.astype(np.float32), "1"))


def test_a_region_half_under_another_counts_by_its_free_part() -> None:
    found = apart([flat_disc("A", 0.0, 40.0), flat_disc("B", 70.0, 40.0)])
    assert set(found.free) == {"A", "B"}
    assert found.free["A"].area_mm2 < found.whole["A"].area_mm2
    assert {n.code for n in found.notes} == {"W-PLN-PART"}  # 8 % shared: no overlap to tell of


def test_a_hidden_region_is_left_to_the_spect() -> None:
    found = apart([flat_disc("large", 0.0, 60.0), flat_disc("small", 10.0, 20.0)])
    assert set(found.free) == {"large"}
    assert {"W-PLN-HIDDEN", "W-PLN-OVERLAP"} <= {n.code for n in found.notes if n.where == "small"}


def test_regions_far_apart_are_whole_and_say_nothing() -> None:
    found = apart([flat_disc("A", -80.0, 30.0), flat_disc("B", 80.0, 30.0)])
    assert found.notes == ()
    assert found.free["A"].area_mm2 == pytest.approx(np.pi * 30.0**2, rel=0.03)


def test_a_region_beyond_the_image_is_left_out_of_that_scan_by_name() -> None:
    cut = pair(24.0)
    frames = tuple(
        PlanarFrame(f.counts[26:], f.view, f.detector, f.window, f.seconds)
        for f in cut.scan.frames
    )  # fmt: skip
    s = cut.scan
    short = PlanarScan(s.kind, frames, s.pixel_mm, True, None, s.identity, s.device,
                       s.pharmaceutical, STARTED, "", "", "", "HFS", ())  # fmt: skip
    lower = Pair("low", short, view_pair(short, KEV), KEV, "both", STARTED, 24.0, SECONDS)
    found, notes = read_pair(lower)  # fmt: skip
    assert set(found) == {"Left", "Right"}
    (said,) = (n for n in notes if n.code == "W-PLN-LEFT-OUT")
    assert said.where == "Tumour, low"
    assert "of it lies on the planar image" in said.text


def test_dead_time_of_the_camera_is_put_back() -> None:
    tau_us = 5.0
    slow = camera_record_of(dead_time={"tau_us": tau_us, "u_us": 0.5})
    one = pair(4.0)
    found, _ = read_pair(one, camera=slow)
    plain, _ = read_pair(one, camera=camera_record_of(dead_time={
        "tau_us": 1e-6, "u_us": 0.0}))  # fmt: skip
    rate = max(v.sum() for v in (one.views.first, one.views.second)) / SECONDS
    factor = found["Left"].net.value / plain["Left"].net.value
    assert factor == pytest.approx(1.0 + rate * tau_us * 1e-6, abs=2e-4)
    assert found["Left"].net.parts["dead time"] > 0


def test_a_sweep_with_its_velocity_is_corrected_row_by_row() -> None:
    one = pair(4.0)
    s = one.scan
    swept = PlanarScan("whole body", s.frames, s.pixel_mm, True, Sweep(1.0), s.identity, s.device,
                       s.pharmaceutical, STARTED, "", "", "", "HFS", ())  # fmt: skip
    moved = Pair("sweep", swept, view_pair(swept, KEV), KEV, "both", STARTED, 4.0, SECONDS)
    slow = camera_record_of(dead_time={"tau_us": 5.0, "u_us": 0.5})
    still, _ = read_pair(one, camera=slow)
    rows, _ = read_pair(moved, camera=slow)
    # the picture is 300 mm long, the field 390 mm: all counts come within 390 s, not 600 s
    assert rows["Left"].net.value > still["Left"].net.value


# What is refused


def test_the_strongest_line_that_a_window_holds_is_taken() -> None:
    lutetium = nuclide("Lu-177")
    assert energy_kev(scan(AT_24_H, noise=None), lutetium) == pytest.approx(208.4, abs=0.1)
    low = scan(AT_24_H, noise=None, window=EnergyWindow("", 101.7, 124.3))
    assert energy_kev(low, lutetium) == pytest.approx(112.9, abs=0.1)


def test_windows_of_another_nuclide_are_refused_by_name() -> None:
    technetium = scan(AT_24_H, noise=None, window=EnergyWindow("", 126.0, 154.0))
    energy = energy_kev(technetium, nuclide("Lu-177"))
    with pytest.raises(QuimbyError, match=r"E-PLN-NO-WINDOW .*208"):
        view_pair(technetium, energy)


def read(folder: Path, *datas: Dataset, **keys: Any) -> Pairs:
    """A planar measurement read beside the SPECT/CT of a study."""
    build.save(folder, *datas)
    given = Administration.model_validate({
        "id": "c1", "nuclide": "Lu-177",
        "measurements": [{"kind": "planar", "id": "p", "image": {"path": "."}, **keys}],
    })  # fmt: skip
    of = replace(aligned_inputs(), administration=given,
                 started_at=datetime.fromisoformat("2026-03-02T10:12:00+00:00"))  # fmt: skip
    whole = {
        "id": "s", "therapy": "lu177-dotatate", "protocol": "LU-HYB", "zone": "UTC",
        "patient": {"id": "1"}, "administrations": [given.model_dump()],
    }  # fmt: skip
    study = Study(document=StudyDocument.model_validate(whole), folder=folder)
    return read_pairs(study, of, nuclide("Lu-177"))


def own(**changes: Any) -> Dataset:
    return dicom_planar(PatientID="1", **changes)


def test_a_pair_is_read_with_its_hours_and_the_windows_of_the_file(tmp_path: Path) -> None:
    (pair,) = read(tmp_path, own()).pairs
    assert pair.time_h == pytest.approx(23.7, abs=1e-3)
    assert (pair.scatter, pair.seconds) == ("both", 120.0)
    assert pair.views.names == ("anterior", "posterior")


def test_what_the_study_says_of_time_and_windows_goes_before_the_file(tmp_path: Path) -> None:
    (pair,) = read(tmp_path, own(), at="2026-03-04T10:12:00+00:00", scatter="lower").pairs
    assert pair.time_h == pytest.approx(48.0)
    assert pair.scatter == "lower"


def test_scatter_that_stays_in_is_told(tmp_path: Path) -> None:
    kept = {n.code for n in read(tmp_path, own()).notes}
    assert "W-PLN-SCATTER" not in kept
    found = {n.code for n in read(tmp_path, own(), scatter="none").notes}
    assert found - kept == {"W-PLN-SCATTER"}


def test_a_planar_scan_without_a_posterior_view_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"E-PLN-ONE-VIEW .*\(static, anterior\)"):
        read(tmp_path, single(PatientID="1"))


def test_a_planar_scan_of_another_patient_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="E-PAT-TWO"):
        read(tmp_path, dicom_planar())


def test_a_planar_scan_before_the_administration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="E-DCM-TIME"):
        read(tmp_path, own(), at="2026-03-01T10:12:00+00:00")


def test_an_upper_window_asked_for_and_missing_is_refused() -> None:
    made = scan(AT_24_H, noise=None)
    frames = tuple(f for f in made.frames if f.window != UPPER)
    less = replace(made, frames=frames)
    one = Pair("p", less, view_pair(less, KEV), KEV, "both", STARTED, 24.0, SECONDS)
    with pytest.raises(QuimbyError, match=r"E-PLN-NO-WINDOW .*upper"):
        read_pair(one)


# A pair of organs


def test_two_kidneys_are_taken_together_where_planar_was_read_on_one_side_only() -> None:
    rows = {r.name: r for r in sample_result(pictures=False).regions}
    left, right = (r for r in rows.values() if r.organ == "kidney")
    fewer = replace(right, samples=right.samples[1:3])
    setting = Setting(nuclide("Lu-177"), therapies.load("lu177-dotatate"), protocols.load("LU-HYB"),
                      Uncertain(7400.0), (), False, "F")  # fmt: skip
    (both,), _ = combined([left, fewer], setting)
    assert [s.measurement for s in both.samples] == [s.measurement for s in left.samples[1:3]]
    assert both.tia_mbq_h.value == pytest.approx(left.tia_mbq_h.value + right.tia_mbq_h.value)
    mass = left.mass_g.value + right.mass_g.value
    mean = sum(r.absorbed_dose_gy.value * r.mass_g.value for r in (left, right)) / mass
    assert both.absorbed_dose_gy.value == pytest.approx(mean)


# The document and the draft


def hybrid_folder(case_a: Path, tmp_path: Path) -> Path:
    """Case A with one SPECT/CT and its four planar pairs, as links."""
    folder = tmp_path / "patient"
    folder.mkdir()
    for name in ("administration.json", "calibration", "tp2"):
        (folder / name).symlink_to(case_a / name)
    _real(folder / "calibration", case_a / "calibration")
    _real(folder / "tp2", case_a / "tp2")
    for n in (1, 3, 4):
        (folder / f"tp{n}").mkdir()
        (folder / f"tp{n}" / "PLANAR.dcm").symlink_to(case_a / f"tp{n}" / "PLANAR.dcm")
    return folder


def _real(link: Path, source: Path) -> None:
    """A folder of links to files: a walk does not follow links to folders."""
    link.unlink()
    for file in (f for f in sorted(source.rglob("*")) if f.is_file()):
        at = link / file.relative_to(source)
        at.parent.mkdir(parents=True, exist_ok=True)
        at.symlink_to(file)


def test_one_spect_and_planar_pairs_are_drafted_as_a_hybrid_study(
    case_a: Path, tmp_path: Path
) -> None:
    found = draft(hybrid_folder(case_a, tmp_path), answers={"residue": "0"})
    document = found.study().document
    assert document.protocol == "LU-HYB"
    given = document.administrations[0]
    assert [m.id for m in given.scans] == ["scan-1"]
    assert [m.id for m in given.planars] == [f"planar-{n}" for n in (1, 2, 3, 4)]
    assert found.left_out == ()
    assert "planar-3 of 05 Mar 2026 08:59, for the curve's shape" in found.found


def measurement(**changes: Any) -> dict[str, Any]:
    return {"kind": "planar", "id": "p", "image": {"path": "p.dcm"}, **changes}


def test_a_planar_measurement_names_its_windows_or_leaves_them_to_the_file() -> None:
    assert Planar.model_validate(measurement()).scatter is None
    assert Planar.model_validate(measurement(scatter="lower")).scatter == "lower"


def test_a_wrong_scatter_window_is_named(case_a: Path) -> None:
    document = draft(case_a, answers={"residue": "0"}).document
    document["administrations"][0]["measurements"].append(measurement(scatter="triple"))
    with pytest.raises(InputError, match=r"measurements\.4\.scatter: Input should be 'both'"):
        parse_study(document, where="study.toml")


# Case A


@pytest.mark.slow
def test_case_a_by_one_spect_and_four_planar_pairs_is_within_its_interval(
    case_a: Path, tmp_path: Path
) -> None:
    result = run(draft(hybrid_folder(case_a, tmp_path), answers={"residue": "0"}).study())
    for region in result.regions:
        true = truth().tia_mbq_h(region.name)
        low, high = region.tia_mbq_h.interval()
        assert low <= true <= high, region.name
        assert [s.measurement for s in region.samples] == ["planar-1", "scan-1", "planar-3",
                                                           "planar-4"]  # fmt: skip
    for kidney in ("Kidney_L", "Kidney_R"):
        (row,) = (r for r in result.regions if r.name == kidney)
        assert row.tia_mbq_h.value == pytest.approx(truth().tia_mbq_h(kidney), rel=0.05)
        assert row.tia_mbq_h.u_rel < 0.10
    planar = [m for m in result.measurements if m.kind == "planar"]
    assert [m.id for m in planar] == [f"planar-{n}" for n in (1, 2, 3, 4)]
    assert planar[0].time_h == pytest.approx(3.6833, abs=1e-3)
    assert not [n for n in result.notes if n.code.startswith("S-PLN")]
