"""The demo's patient: shapes as published, a truth that adds up, files that say the same."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from datetime import timedelta
from math import log, pi, sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.ndimage import center_of_mass

from quimby.core.grid import Float, Image, Rigid
from quimby.demo.contours import region_contours
from quimby.demo.make import (
    administration_record,
    commissioning_counts,
    fill_record,
    make_patient,
    truth_path,
)
from quimby.demo.patient import (
    SEED,
    Curve,
    ScanTruth,
    Truth,
    camera_facts,
    patient,
    region_truth,
    truth,
)
from quimby.demo.phantom import REMAINDER, Solid, polygon_area, solid_volume_ml
from quimby.demo.sampling import exact_occupancy
from quimby.demo.scanner import (
    acquisition_h,
    activity_map,
    ct_grid,
    patient_ct,
    patient_spect,
    projection_s,
    recorded,
    source_map,
    spect_grid,
    widened,
    with_noise,
)
from quimby.measure.dicom import read_ct, read_emission, read_outline_file
from quimby.measure.occupancy import contour_volume_ml, occupancy, region_mask
from quimby.physics.nuclides import nuclide
from quimby.protocols import load
from tests.conftest import shared_path

WHO = patient()
BODY = WHO.body
SPECT_GRID, CT_GRID = spect_grid(WHO.spect_slices), ct_grid(WHO.ct_slices)
WIDE_GRID = widened(SPECT_GRID)
KNOWN = truth(load("LU-FULL"), SEED)
REGIONS = [shape.name for shape in BODY.regions]
OUTLINED = [name for name, region in KNOWN.regions.items() if region.outlined]
LESIONS = [name for name in OUTLINED if name.startswith("Lesion")]


@pytest.fixture(scope="session")
def handed_over(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """The whole patient as files, made once."""
    folder = tmp_path_factory.mktemp("demo") / "patient"
    return folder, make_patient(folder)


# The shapes


@pytest.mark.parametrize(
    ("name", "published_ml"),
    # Cristy and Eckerman 1987, adult: liver 1830, spleen 176, a kidney 144 (pair 288) cm3.
    [("Liver", 1830), ("Spleen", 176), ("Kidney_L", 144), ("Kidney_R", 144)],
)
def test_organs_have_the_published_volumes(name: str, published_ml: float) -> None:
    assert BODY.gross_volumes_ml[name] == pytest.approx(published_ml, rel=0.003)


def test_a_kidney_is_an_ellipsoid_less_the_cap_that_a_plane_cuts_off() -> None:
    a, b, c, cut = 30.0, 22.5, 55.0, 20.0 / 30.0
    by_hand = a * b * c * pi * (2 + 3 * cut - cut**3) / 3 / 1000  # V of a unit ball below a plane

    assert BODY.gross_volumes_ml["Kidney_L"] == pytest.approx(by_hand, rel=2e-4)


@pytest.mark.parametrize("name", REGIONS)
def test_volumes_agree_with_counting_random_points(name: str) -> None:
    (solid,) = BODY.shape(name).solids
    low, high = solid.box_mm()
    points = np.random.default_rng(1).uniform(low, high, (400_000, 3))
    share = float(solid.inside(points).mean())
    u = sqrt(share * (1 - share) / len(points)) / share

    counted = share * float(np.prod(high - low)) / 1000

    assert solid_volume_ml(solid) == pytest.approx(counted, rel=4 * u + 2e-4)


@pytest.mark.parametrize(
    ("who", "name"),
    [(who, shape.name) for who in ("dotatate", "psma") for shape in patient(who).body.regions],
)
def test_regions_keep_apart_and_lesions_lie_wholly_in_their_host(who: str, name: str) -> None:
    body = patient(who).body
    shape = body.shape(name)
    (solid,) = shape.solids
    points = np.random.default_rng(2).uniform(*solid.box_mm(), (50_000, 3))
    own = points[solid.inside(points)]

    for other in body.regions:
        if name in (other.name, other.host):
            continue
        share = other.solids[0].inside(own).mean()
        assert share == (1.0 if other.name == shape.host else 0.0), other.name
    assert sum(part.solids[0].inside(own).mean() for part in body.outer) == 1.0


@pytest.mark.parametrize(
    ("name", "published_ml"),
    # ICRP Publication 89, adult male: parotids 50 g, submandibulars 25 g; 1.05 g/ml.
    [
        ("Parotid_L", 23.8),
        ("Parotid_R", 23.8),
        ("Submandibular_L", 11.9),
        ("Submandibular_R", 11.9),
    ],
)
def test_glands_have_the_published_volumes(name: str, published_ml: float) -> None:
    assert patient("psma").body.gross_volumes_ml[name] == pytest.approx(published_ml, rel=0.01)


@pytest.mark.parametrize("protocol", ["LU-FULL", "LU-HYB", "LU-PSMA-FULL"])
def test_no_patient_holds_more_than_was_given(protocol: str) -> None:
    known = truth(load(protocol))
    for time_h in np.linspace(0, 400, 201):
        inside = [region.curve.at(time_h) for region in known.regions.values()]

        assert sum(inside) <= known.administered_mbq * 2 ** (-time_h / known.half_life_h)
        assert min(inside) >= 0


@settings(max_examples=8, deadline=None)
@given(
    shift=st.tuples(*[st.floats(-12, 12)] * 3),
    angle=st.floats(-0.1, 0.1),
    name=st.sampled_from(["Kidney_R", "Lesion_2", "Spleen"]),
)
def test_a_moved_organ_fills_as_many_voxels_and_moves_its_middle(
    shift: tuple[float, float, float], angle: float, name: str
) -> None:
    turn = [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    moved = Rigid(np.array(turn), np.array(shift))

    (here, middle), (there, elsewhere) = (_filled(name, at) for at in (Rigid.identity(), moved))

    assert here == pytest.approx(BODY.gross_volumes_ml[name], rel=0.01)
    assert there == pytest.approx(BODY.gross_volumes_ml[name], rel=0.01)
    assert elsewhere == pytest.approx(moved.apply(middle), abs=0.15)


def _filled(name: str, moved: Rigid) -> tuple[float, Float]:
    """Volume in ml and centre in mm of a region laid on the SPECT's grid."""
    (solid,), grid = BODY.shape(name).solids, SPECT_GRID
    ((box, part),) = exact_occupancy(solid, grid, moved, finest_mm=1.2)
    start = np.array([side.start for side in box[::-1]])
    middle = grid.points_mm(start + np.array(center_of_mass(part)[::-1]))
    return float(part.sum(dtype=float)) * grid.voxel_ml, middle


@pytest.mark.parametrize("name", OUTLINED)
def test_contours_enclose_the_region_without_its_lesions_within_a_thousandth(name: str) -> None:
    heights = np.linspace(-198.0, 198.0, 100)
    contours = region_contours(BODY, name, heights)
    guests = [c for g in BODY.guests(name) for c in region_contours(BODY, g.name, heights)]

    area = sum(polygon_area(c.polygon_mm) for c in contours)
    holes = sum(polygon_area(c.polygon_mm) for c in guests)

    assert (area - 2 * holes) * 4.0 / 1000 == pytest.approx(BODY.net_volume_ml(name), rel=0.001)


def _area(name: str, heights_mm: Float) -> float:
    contours = region_contours(BODY, name, heights_mm)
    return sum(polygon_area(contour.polygon_mm) for contour in contours)


# The truth


@given(
    st.lists(st.tuples(st.floats(0.1, 500), st.floats(1, 159)), min_size=1, max_size=3),
    st.floats(0, 200),
)
def test_integral_and_mean_of_a_curve_agree_with_quadrature(
    terms: list[tuple[float, float]], time_h: float
) -> None:
    curve = Curve(tuple(terms))

    to_infinity = sum(quad(lambda x, a=a: a * 2**-x, 0, 60)[0] * t for a, t in terms)
    over_a_scan = quad(curve.at, time_h, time_h + 0.5)[0] / 0.5

    assert curve.tia_mbq_h == pytest.approx(to_infinity, rel=1e-6)
    assert curve.mean(time_h, 0.5) == pytest.approx(over_a_scan, rel=1e-9)


def test_no_more_is_in_the_body_than_was_given_and_nothing_is_below_zero() -> None:
    for time_h in np.linspace(0, 400, 801):
        inside = {name: region.curve.at(time_h) for name, region in KNOWN.regions.items()}
        left = KNOWN.administered_mbq * 2 ** (-time_h / KNOWN.half_life_h)

        assert sum(inside.values()) <= left
        assert min(inside.values()) >= 0, time_h


def test_doses_follow_from_the_printed_constant_of_lu_177() -> None:
    kidney = KNOWN.regions["Kidney_L"]

    # 0.08531 Gy g/(MBq h): 147.9 keV a decay, EJNMMI Phys 2020, table 1.
    assert kidney.electron_dose_gy == pytest.approx(
        0.08531 * kidney.tia_mbq_h / kidney.mass_g, rel=1e-3
    )
    assert 2 < kidney.electron_dose_gy < 5


def test_a_region_cannot_clear_more_slowly_than_it_decays() -> None:
    with pytest.raises(ValueError, match="Spleen would clear more slowly than Lu-177 decays"):
        region_truth(WHO, "Spleen", Curve(((10.0, 160.0),)), KNOWN.scans)


def test_the_remainder_is_the_trunk_that_no_region_takes() -> None:
    everything = sum(BODY.net_volume_ml(name) for name in [*REGIONS, REMAINDER])

    assert everything == pytest.approx(BODY.gross_volumes_ml["trunk"])


# The scanner


@pytest.mark.parametrize("scan", KNOWN.scans, ids=lambda scan: str(scan.id))
def test_no_count_is_lost_between_the_patient_and_the_image(scan: ScanTruth) -> None:
    only = dict.fromkeys(KNOWN.regions, 0.0) | {"Kidney_R": 50.0, "Lesion_2": 5.0}

    counts = recorded(activity_map(BODY, only, grid=WIDE_GRID, moved=scan.moved)).values.sum()

    assert counts == pytest.approx(55.0 * KNOWN.cps_per_mbq * projection_s(), rel=1e-6)


def test_a_point_is_blurred_to_the_stated_width() -> None:
    voxel = camera_facts()["voxel_mm"]
    point = Solid(np.full(3, voxel / 2), np.full(3, 2.0), np.eye(3), np.empty((0, 4)), None)
    image = recorded(source_map([(point, 1.0)], grid=WIDE_GRID)).values
    profile = image.sum(axis=(0, 1)) / image.sum()
    x = (np.arange(len(profile)) - 48) * voxel

    spread = sqrt(float((profile * x**2).sum() - (profile * x).sum() ** 2))

    # The ball itself (r²/5) widens it a little; it lies within one voxel, so the voxel does not.
    assert spread * sqrt(8 * log(2)) == pytest.approx(KNOWN.fwhm_mm, rel=0.01)


def test_noise_keeps_the_mean_and_is_shared_by_neighbours() -> None:
    flat = Image(SPECT_GRID, np.full(SPECT_GRID.shape, 60.0), "counts")

    noisy = with_noise(flat, np.random.default_rng(3)).values

    ratio = noisy / 60.0 - 1.0
    assert noisy.mean() == pytest.approx(60.0, rel=0.003)
    assert noisy.std() == pytest.approx(camera_facts()["noise_scale"] * sqrt(60.0), rel=0.03)
    assert (ratio[:, :, 1:] * ratio[:, :, :-1]).mean() / ratio.var() > 0.5
    assert noisy.min() >= 0


def test_faint_voxels_keep_their_mean_too() -> None:
    faint = Image(SPECT_GRID, np.full(SPECT_GRID.shape, 0.3), "counts")

    assert with_noise(faint, np.random.default_rng(4)).values.mean() == pytest.approx(0.3, rel=0.03)


def test_the_ct_shows_each_organ_at_its_number_where_the_patient_lies() -> None:
    scan = KNOWN.scans[3]
    ct = patient_ct(WHO, scan, np.random.default_rng(5))

    for name in ("Liver", "Spleen", "Kidney_L", "Kidney_R"):
        shape = BODY.shape(name)
        points = scan.moved.apply(_deep_inside(shape.solids[0]))
        i, j, k = np.rint(ct.grid.index_of(points)).astype(int).T
        assert ct.values[k, j, i].mean() == pytest.approx(shape.hu, abs=4), name


def _deep_inside(solid: Solid) -> Float:
    """Points at least some 6 mm below the surface."""
    points = np.random.default_rng(6).uniform(*solid.box_mm(), (20_000, 3))
    around = [points + step for step in 6.0 * np.vstack([np.eye(3), -np.eye(3)])]
    return np.asarray(points[np.all([solid.inside(p) for p in around], axis=0)])


def test_the_cylinder_gives_back_the_camera_factor_from_its_own_record() -> None:
    fill, facts = fill_record(), camera_facts()["calibration"]
    half_life = nuclide("Lu-177").half_life_h.value
    waited_h = 2.0 + 50.0 / 60.0  # 08:30 to 11:20
    assert facts["cylinder_scanned_at"].startswith("2026-01-19T11:20")
    decay = quad(lambda t: 2 ** (-t / half_life), waited_h, waited_h + 1 / 3)[0] * 3

    counts = commissioning_counts("cylinder").values.sum()

    factor = counts / projection_s() / (fill["cylinder_activity_mbq"] * decay)
    assert factor == pytest.approx(KNOWN.cps_per_mbq, rel=1e-6)


def test_spheres_lie_where_the_record_says_with_what_it_says() -> None:
    image, grid = commissioning_counts("spheres").values, SPECT_GRID
    for sphere in fill_record()["spheres"]:
        assert sphere["volume_ml"] == pytest.approx(pi / 6 * sphere["diameter_mm"] ** 3 / 1000)
        reach = sphere["diameter_mm"] / 2 + 10
        near = np.linalg.norm(grid.centres_mm() - sphere["centre_mm"], axis=-1) < reach
        middle = center_of_mass(image * near)
        assert grid.points_mm(middle[::-1]) == pytest.approx(sphere["centre_mm"], abs=0.8)


# The files


def test_what_is_written_is_read_back_with_the_same_identity_times_and_geometry(
    handed_over: tuple[Path, Truth],
) -> None:
    folder, known = handed_over
    for n, scan in enumerate(known.scans, 1):
        spect = read_emission([folder / f"tp{n}" / "SPECT.dcm"])
        ct = read_ct(sorted((folder / f"tp{n}" / "CT").iterdir()))

        assert spect.acquired_at == scan.acquired_at
        assert spect.acquired_at == known.administered_at + timedelta(hours=scan.time_h)
        assert spect.pharmaceutical.started_at == known.administered_at
        assert (spect.pharmaceutical.nuclide, spect.pharmaceutical.agent) == (
            "Lu-177",
            "Lu-177 DOTATATE",
        )
        assert spect.identity == ct.identity
        assert spect.identity.patient_id == administration_record(WHO)["patient_id"]
        assert (spect.image.unit, spect.decay_reference, spect.patient_position) == (
            "counts",
            "NONE",
            "HFS",
        )
        assert spect.timing is not None
        assert spect.timing.sum_of_projection_time_s == projection_s()
        assert spect.timing.elapsed_scan_time_s == pytest.approx(acquisition_h() * 3600)
        assert spect.frame_of_reference == ct.frame_of_reference
        assert spect.image.grid.matches(SPECT_GRID)
        assert ct.image.grid.matches(CT_GRID)


def test_the_images_come_back_voxel_for_voxel(handed_over: tuple[Path, Truth]) -> None:
    folder, known = handed_over
    rng = np.random.default_rng([known.seed, 2])
    counts = with_noise(patient_spect(known, known.scans[2]), rng)
    hu = patient_ct(known.patient, known.scans[2], rng)

    spect = read_emission([folder / "tp3" / "SPECT.dcm"])
    ct = read_ct(sorted((folder / "tp3" / "CT").iterdir()))

    assert np.array_equal(spect.image.array, counts.array)
    assert np.array_equal(ct.image.array, hu.array)


def test_counts_read_back_give_the_activity_that_was_in_the_field(
    handed_over: tuple[Path, Truth],
) -> None:
    folder, known = handed_over
    for n, scan in enumerate(known.scans):
        spect = read_emission([folder / f"tp{n + 1}" / "SPECT.dcm"])
        for name in ("Spleen", "Lesion_3"):
            found = _about(spect.image, name, scan.moved, known)
            assert 0.9 < found / known.regions[name].activity_mbq[n] < 1.3, (scan.id, name)
        total = float(spect.image.values.sum()) / known.cps_per_mbq / projection_s()
        assert total == pytest.approx(_seen_mbq(known, n), rel=0.01)


def _seen_mbq(known: Truth, n: int) -> float:
    """All regions but the bladder lie in the field; so do 403 of the trunk's 700 mm."""
    at, during = known.scans[n].time_h, acquisition_h()
    inside = {name: region.curve.mean(at, during) for name, region in known.regions.items()}
    field_ml = 403.2 * pi * 200 * 110 / 1000 - sum(
        BODY.net_volume_ml(name) for name in inside if name not in (REMAINDER, "Bladder")
    )
    rest = inside.pop(REMAINDER) * field_ml / BODY.net_volume_ml(REMAINDER)
    bladder = inside.pop("Bladder") * 0.42  # its top 28 of 69 mm, as it lies; small after 4 h
    return sum(inside.values()) + rest + bladder


def _about(image: Image, name: str, moved: Rigid, known: Truth) -> float:
    """MBq in a region and the 10 mm around it."""
    (solid,) = BODY.shape(name).solids
    wide = Solid(solid.centre_mm, solid.semi_axes_mm + 10.0, solid.axes, solid.cuts, None)
    ((box, part),) = exact_occupancy(wide, image.grid, moved, finest_mm=2.4)
    return float((part * image.values[box]).sum()) / known.cps_per_mbq / projection_s()


def test_outlines_come_back_with_the_true_volumes_and_the_activity_under_them(
    handed_over: tuple[Path, Truth],
) -> None:
    folder, known = handed_over
    spect = read_emission([folder / "tp2" / "SPECT.dcm"])
    outlines = {o.name: o for o in read_outline_file(folder / "tp2" / "RTSTRUCT.dcm").outlines}

    assert sorted(outlines) == sorted(OUTLINED)
    for name, outline in outlines.items():
        region = known.regions[name]
        assert outline.frame_of_reference == spect.frame_of_reference
        assert contour_volume_ml(outline) == pytest.approx(region.volume_ml, rel=0.002)
        filled = occupancy(region_mask(outline), spect.image.grid, Rigid.identity())
        counts = float((filled.values * spect.image.values).sum())
        seen = counts / known.cps_per_mbq / projection_s() / region.activity_mbq[1]
        assert 0.45 < seen < 1.1, name  # blur takes from small ones, adds to the liver
    assert seen is not None


def test_one_seed_gives_the_same_bytes(handed_over: tuple[Path, Truth], tmp_path: Path) -> None:
    again = tmp_path / "again"
    make_patient(again)

    assert _digests(again) == _digests(handed_over[0])


def _digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_another_seed_gives_other_noise() -> None:
    counts = Image(SPECT_GRID, np.full(SPECT_GRID.shape, 50.0), "counts")
    one, other = (with_noise(counts, np.random.default_rng([seed, 0])) for seed in (1, 2))

    assert not np.array_equal(one.array, other.array)


def test_the_truth_stands_beside_the_folder_and_never_in_it(
    handed_over: tuple[Path, Truth],
) -> None:
    folder, known = handed_over

    kept = json.loads(truth_path(folder).read_text("utf-8"))

    assert truth_path(folder).parent == folder.parent
    assert kept["regions"]["Liver"]["tia_mbq_h"] == known.regions["Liver"].tia_mbq_h
    assert kept["scans"][3]["shift_mm"] == list(known.scans[3].shift_mm)
    inside = {path.name for path in folder.rglob("*.json")}
    assert inside == {"administration.json", "fill.json"}


def test_the_folder_has_the_layout_and_the_records_of_any_other_case(
    handed_over: tuple[Path, Truth],
) -> None:
    case = shared_path("data", "lu177_dotatate_case_a")
    for record in ("administration.json", "calibration/fill.json"):
        theirs, ours = (json.loads((root / record).read_text()) for root in (case, handed_over[0]))
        assert list(ours) == list(theirs)
    for path in case.rglob("*.dcm"):
        if path.parent.name != "CT" and path.name != "PLANAR.dcm":
            assert (handed_over[0] / path.relative_to(case)).exists()


@pytest.mark.parametrize(
    "file",
    ["tp1/SPECT.dcm", "tp4/CT/ct050.dcm", "tp2/RTSTRUCT.dcm", "calibration/spheres/SPECT.dcm"],
)
def test_an_independent_judge_finds_no_error(handed_over: tuple[Path, Truth], file: str) -> None:
    judge = shutil.which("dciodvfy")
    if judge is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed")

    said = subprocess.run(
        [judge, str(handed_over[0] / file)], capture_output=True, text=True, check=False
    )

    errors = [line for line in (said.stdout + said.stderr).splitlines() if "Error" in line]
    assert errors == []
