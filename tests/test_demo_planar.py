"""The demo's planar views: counts by hand, sides, and what the ordinary reader makes of them."""

from __future__ import annotations

import shutil
import subprocess
from math import exp
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from quimby.cli.app import app
from quimby.core.grid import Float
from quimby.demo.dicom_objects import Visit, phantom_facts
from quimby.demo.make import make_dish, make_planar
from quimby.demo.patient import Truth, camera_facts, truth
from quimby.demo.planar_camera import (
    Views,
    counted_views,
    dish_views,
    empty_views,
    patient_views,
    projected,
    windows_kev,
)
from quimby.measure.dicom.planar import read_planar
from quimby.measure.planar_scan import PlanarScan, view_pair
from quimby.physics.materials import water_mu_per_cm
from quimby.protocols import load

FACTS = camera_facts()
KNOWN: Truth = truth(load("LU-HYB"))
STEP_CM = FACTS["voxel_mm"] / 10
PER_MBQ = FACTS["calibration"]["planar_sensitivity_cps_per_mbq_per_head"]
SHAPE = (108, 96, 96)  # slices, rows from front to back, columns from right to left


def point(row: int, column: int = 48) -> Float:
    """1 MBq in one voxel."""
    activity = np.zeros(SHAPE)
    activity[54, row, column] = 1.0
    return activity


@pytest.fixture(scope="module")
def views() -> Views:
    """The patient's first pair before noise."""
    return patient_views(KNOWN, KNOWN.planars[0])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first pair and the dish as files."""
    folder = tmp_path_factory.mktemp("planar")
    make_planar(folder, KNOWN, 0)
    make_dish(folder / "dish", KNOWN.seed)
    return folder


@settings(max_examples=20, deadline=None)
@given(row=st.integers(10, 85), water_rows=st.integers(0, 60))
def test_a_point_behind_water_counts_as_the_law_of_attenuation_says(
    row: int, water_rows: int
) -> None:
    mu = water_mu_per_cm(0.2084) * STEP_CM
    weakened = np.zeros(SHAPE)
    weakened[:, max(0, row - water_rows) : row] = mu  # before the point, seen from the front
    between = min(row, water_rows)

    front, back = (projected(point(row), weakened, side, 140.0).sum() for side in (1, -1))

    assert front == pytest.approx(PER_MBQ * exp(-mu * between), rel=1e-3)
    assert back == pytest.approx(PER_MBQ, rel=1e-3)


def test_an_evenly_filled_slab_counts_as_the_integral_of_its_own_attenuation_says() -> None:
    mu, rows = water_mu_per_cm(0.2084) * STEP_CM, slice(20, 60)
    activity, weakened = np.zeros(SHAPE), np.zeros(SHAPE)
    activity[54, rows, 48], weakened[:, rows] = 1.0 / 40, mu

    seen = [projected(activity, weakened, side, 140.0).sum() for side in (1, -1)]

    by_hand = PER_MBQ * (1 - exp(-40 * mu)) / (40 * mu)
    assert seen == pytest.approx([by_hand, by_hand], rel=2e-3)


def test_the_front_view_has_the_patients_right_on_its_left_and_the_back_view_the_left() -> None:
    right_side = point(48, column=20)  # columns run from the patient's right to left
    front, back = (projected(right_side, np.zeros(SHAPE), side, 140.0) for side in (1, -1))
    hottest = [int(np.argmax(view.sum(axis=0))) for view in (front, back)]

    assert hottest[0] < front.shape[1] / 2 < hottest[1]
    assert sum(hottest) == front.shape[1] - 1


def test_what_lies_higher_stands_higher_on_the_picture() -> None:
    low, high = np.zeros(SHAPE), np.zeros(SHAPE)
    low[40, 48, 48] = high[70, 48, 48] = 1.0
    rows = [np.argmax(projected(a, np.zeros(SHAPE), 1, 140.0).sum(axis=1)) for a in (high, low)]

    assert rows[1] - rows[0] == 30


def test_what_is_farther_from_the_head_is_blurred_more() -> None:
    near, far = (projected(point(row), np.zeros(SHAPE), 1, 260.0).max() for row in (20, 80))

    assert near > 1.2 * far


def test_windows_beside_the_photopeak_tell_its_scatter(views: Views) -> None:
    peak, lower, upper = (np.array(pair) for pair in views.counts)
    widths = [high - low for low, high in windows_kev()]
    estimate = (lower / widths[1] + upper / widths[2]) * widths[0] / 2

    primary = (peak - estimate).sum(axis=(1, 2))
    room = FACTS["planar"]["room_cps"] * views.seconds
    taken_away = (estimate.sum(axis=(1, 2)) - room) / primary

    assert taken_away == pytest.approx(FACTS["planar"]["scatter"], rel=0.05)


def test_a_pair_is_read_back_as_it_was_counted(written: Path, views: Views) -> None:
    scan = read_planar([written / "planar1" / "PLANAR.dcm"])
    rng = np.random.default_rng([KNOWN.seed, 50, 0])
    drawn = counted_views(views, rng)

    assert (scan.kind, scan.pixel_mm) == ("static", (4.8, 4.8))
    assert scan.acquired_at == KNOWN.planars[0].acquired_at
    assert scan.identity.patient_id == KNOWN.patient.facts["id"]
    assert [(w.lower_kev, w.upper_kev) for w in scan.windows] == list(windows_kev())
    pair = view_pair(scan, 208.4)
    assert pair.names == ("anterior", "posterior")
    assert np.array_equal(pair.first, drawn.counts[0][0])
    assert np.array_equal(pair.second[:, ::-1], drawn.counts[0][1])
    assert _codes(scan) <= {"I-DCM-COUNTS"}


def _codes(scan: PlanarScan) -> set[str]:
    return {n.code for n in scan.notes}


def test_the_dish_gives_back_the_sensitivity_of_the_heads(written: Path, tmp_path: Path) -> None:
    c = FACTS["calibration"]
    answer = CliRunner().invoke(
        app,
        ["calibrate", "planar", str(written / "dish" / "DISH.dcm"),
         "--background", str(written / "dish" / "EMPTY.dcm"),
         "--activity", f"{c['dish_activity_mbq']} MBq ± 2 %", "--at", c["assayed_at"],
         "--nuclide", "Lu-177", "-o", str(tmp_path / "certificate")],
    )  # fmt: skip

    assert answer.exit_code == 0, answer.output
    assert f"{PER_MBQ:.1f}" in answer.output or f"{PER_MBQ:.2f}" in answer.output, answer.output


def test_an_empty_room_counts_on_both_heads_alike() -> None:
    wanted = FACTS["planar"]["room_cps"] * FACTS["planar"]["seconds"]

    assert [view.sum() for view in empty_views().counts[0]] == pytest.approx([wanted, wanted])
    assert len(dish_views().counts) == 1  # photopeak alone


def test_a_phantom_has_another_patients_number(written: Path) -> None:
    dish = read_planar([written / "dish" / "DISH.dcm"])

    assert dish.identity.patient_id == phantom_facts()["id"] != KNOWN.patient.facts["id"]
    assert not Visit("key", "", KNOWN.administered_at, phantom_facts()).given


@pytest.mark.parametrize("file", ["planar1/PLANAR.dcm", "dish/DISH.dcm"])
def test_an_independent_judge_finds_no_error(written: Path, file: str) -> None:
    judge = shutil.which("dciodvfy")
    if judge is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed")

    said = subprocess.run([judge, str(written / file)], capture_output=True, text=True, check=False)

    assert [line for line in (said.stdout + said.stderr).splitlines() if "Error" in line] == []
