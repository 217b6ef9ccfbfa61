"""The camera's planar sensitivity as a check of what planar pairs and SPECT/CT say together."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from scipy.ndimage import gaussian_filter

from quimby.core.errors import QuimbyError
from quimby.core.grid import Image
from quimby.core.uncertain import Uncertain
from quimby.devices.camera import CameraRecord, camera_record, camera_text
from quimby.measure.planar_expected import Expected, expected_views
from quimby.study.planar_points import pair_points
from quimby.study.planar_read import PairRead, checked
from tests import test_study_hybrid as hybrid
from tests.test_devices_camera import camera_record_of
from tests.voxel_phantom import Phantom, scanned

WINDOW = {"lower_kev": hybrid.PEAK.lower_kev, "upper_kev": hybrid.PEAK.upper_kev}


def camera(cps_per_mbq: float = hybrid.CPS_PER_MBQ, **changes: Any) -> CameraRecord:
    planar = {"cps_per_mbq": cps_per_mbq, "u_relative": {"activity of the source": 0.03, "c": 0.04},
              "heads": 2, "measured": date(2026, 1, 19), **WINDOW, **changes}  # fmt: skip
    return camera_record_of(planar=planar)


def per_ml() -> Expected:
    """What a SPECT/CT at 24 h leads one to expect, MBq/ml."""
    known = hybrid.activity(hybrid.mbq_at(24.0)) / (hybrid.VOXEL_MM**3 / 1000.0)
    blurred = gaussian_filter(known, 11.0 / 2.3548 / hybrid.VOXEL_MM)
    return expected_views(Image(hybrid.grid(), blurred, "MBq/ml"), hybrid.ct(), hybrid.MU_PER_MM)


@pytest.fixture(scope="module")
def read() -> PairRead:
    """A pair beside the SPECT/CT, counted by heads of 6 cps/MBq."""
    return pair_points(hybrid.pair(24.0), hybrid.parts(), per_ml(), rest=hybrid.rest(),
                       camera=camera(), half_life_h=hybrid.HALF_LIFE_H,
                       depth_mm=hybrid.VOXEL_MM)  # fmt: skip


def test_views_over_what_the_spect_foretells_are_the_heads_own_sensitivity(read: PairRead) -> None:
    for name, foretold in read.expected.items():
        assert read.points[name].net.value / foretold == pytest.approx(hybrid.CPS_PER_MBQ, rel=0.08)


def alone(read: PairRead, seen: float) -> PairRead:
    """One region of it, under the name of the phantom's."""
    row = replace(read.counts[0], region="Kidney_L", net_cps=Uncertain(12.0, {"counts": 0.3}))
    return replace(read, counts=(row,), expected={"Kidney_L": seen}, notes=())


@pytest.mark.parametrize(("seen", "differs"), [(2.0, None), (2.35, None), (1.6, 0.25), (4.0, -0.5)])
def test_more_than_a_fifth_apart_is_told(
    read: PairRead, seen: float, differs: float | None
) -> None:
    quantified = scanned(Phantom(times_h=(24.0,)))
    (reading,) = quantified.readings
    spect = reading.recovery.regions["Kidney_L"].activity_mbq.value
    found = checked(hybrid.pair(24.0), alone(read, seen), quantified, camera())
    by = found.counts[0].by_sensitivity_mbq
    assert by is not None
    assert by.value == pytest.approx(12.0 / 6.0 / seen * spect)
    assert by.parts["planar sensitivity"] == pytest.approx(-0.05 * by.value)
    assert [n.value for n in found.notes] == ([] if differs is None else [pytest.approx(differs)])
    if differs is not None:
        (said,) = found.notes
        assert (said.code, said.where) == ("W-PLN-SENSITIVITY", "planar 24 h")
        assert "from what scan-1 says" in said.text


def test_nothing_is_compared_far_from_a_scan_in_another_window_or_without_a_record(
    read: PairRead,
) -> None:
    near, far = scanned(Phantom(times_h=(24.0,))), scanned(Phantom(times_h=(30.0,)))
    one, pair = alone(read, 2.0), hybrid.pair(24.0)
    assert checked(pair, one, far, camera()) is one
    assert checked(pair, one, near, camera(lower_kev=102.0, upper_kev=124.0)) is one
    assert checked(pair, one, near, camera_record_of()) is one
    assert checked(pair, one, near, camera()) is not one


def test_the_record_keeps_its_planar_sensitivity_and_refuses_a_wrong_one() -> None:
    import tomllib

    made = camera()
    again = camera_record(tomllib.loads(camera_text(made)), where="camera.toml")
    assert again == made
    assert again.planar is not None
    assert again.planar.sensitivity().u == pytest.approx(0.05 * hybrid.CPS_PER_MBQ)
    with pytest.raises((QuimbyError, ValueError), match="cps_per_mbq"):
        camera(cps_per_mbq=-1.0)
