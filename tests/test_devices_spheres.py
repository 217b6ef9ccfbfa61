"""Recovery, the camera's blur and the cylinder: closed forms, made phantoms, and case A."""

from __future__ import annotations

import json
from math import erf, pi, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quimby.core.errors import InputError, MethodUnfit, QuimbyError, ReferenceMissing
from quimby.core.grid import Grid, Image
from quimby.core.uncertain import Uncertain, exact
from quimby.devices import point_spread, recovery
from quimby.devices.calibration import SUM, poisson
from quimby.devices.cylinder import CylinderResult, cylinder_factor
from quimby.devices.point_spread import Sphere
from quimby.devices.recovery import RecoveryCurve
from quimby.physics.decay import decay_factor

CURVE = RecoveryCurve(2.0, 0.9, ((0.04, -0.006), (-0.006, 0.0025)), (0.5, 27.0), "cylinder", "OSEM")
SPACING = 4.8
VOLUMES = [0.5236, 1.1503, 2.5724, 5.5753, 11.494, 26.522]
SPHERES = [Sphere(37.0, (-40.0, 3.0, 1.0)), Sphere(28.0, (35.0, 40.0, 0.0)),
           Sphere(22.0, (38.0, -35.0, -2.0)), Sphere(17.0, (0.0, 70.0, 4.0))]  # fmt: skip


def _grid(shape: tuple[int, int, int], spacing: float = SPACING) -> Grid:
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * spacing for n in shape[::-1]]
    return Grid(shape, affine)


@given(st.floats(0.1, 500.0))
def test_slopes_agree_with_small_steps(volume: float) -> None:
    step = 1e-6
    by_volume, by_alpha, by_beta = CURVE.slopes(volume)
    numeric = [
        (RecoveryCurve(a, b).at(v) - CURVE.at(volume)) / h
        for a, b, v, h in (
            (2.0, 0.9, volume * (1 + step), volume * step),
            (2.0 * (1 + step), 0.9, volume, 2.0 * step),
            (2.0, 0.9 * (1 + step), volume, 0.9 * step),
        )
    ]
    assert [by_volume, by_alpha, by_beta] == pytest.approx(numeric, rel=1e-4, abs=1e-6)


@given(st.floats(0.1, 500.0), st.floats(0.01, 0.3))
def test_the_doubt_of_a_coefficient_is_the_full_quadratic_form(volume: float, u: float) -> None:
    found = CURVE.coefficient(Uncertain(volume, {"outline": u * volume}))
    by_volume, by_alpha, by_beta = CURVE.slopes(volume)
    g = np.array([by_alpha, by_beta])
    wanted = g @ np.array(CURVE.covariance) @ g + (by_volume * u * volume) ** 2
    assert found.u**2 == pytest.approx(wanted, rel=1e-9)


def test_a_fit_covers_the_truth_as_often_as_it_says() -> None:
    rng, inside = np.random.default_rng(3), 0
    truth = np.array([CURVE.at(v) for v in VOLUMES])
    for _ in range(200):
        seen = truth + rng.normal(0, 0.02, truth.size)
        found = recovery.fit_recovery(VOLUMES, list(seen), [0.02] * 6).curve
        r = found.coefficient(exact(8.0))
        inside += abs(r.value - CURVE.at(8.0)) < 1.96 * r.u
    assert 180 <= inside <= 199


def test_a_shared_doubt_of_the_concentration_widens_the_curve() -> None:
    truth = [CURVE.at(v) for v in VOLUMES]
    plain, shared = (
        recovery.fit_recovery(VOLUMES, truth, [0.01] * 6, u_common=c).curve for c in (0.0, 0.03)
    )
    more = [
        sqrt(shared.coefficient(exact(v)).u_rel ** 2 - plain.coefficient(exact(v)).u_rel ** 2)
        for v in VOLUMES
    ]
    assert np.mean(more) == pytest.approx(0.03, rel=0.25)  # the curve cannot scale as a whole


@pytest.mark.parametrize(
    ("volumes", "rc", "says"),
    [([1.0, 2.0], [0.3, 0.5], "2 volumes"), ([1.0, 2.0, -3.0], [0.3, 0.4, 0.5], "above zero"),
     ([1.0, 2.0, 3.0], [1.2, 1.3, 0.5], "fewer than two"),
     ([1.0, 2.0, 4.0], [0.9, 0.5, 0.1], "does not rise")],
)  # fmt: skip
def test_spheres_that_cannot_make_a_curve_are_refused(
    volumes: list[float], rc: list[float], says: str
) -> None:
    with pytest.raises(MethodUnfit, match=says):
        recovery.fit_recovery(volumes, rc)


@given(st.floats(0.1, 10.0), st.floats(0.0, 5.0), st.floats(0.6, 26.0))
def test_a_region_in_warm_tissue_comes_back(true: float, around: float, volume: float) -> None:
    r = CURVE.at(volume)
    seen = Uncertain(r * true + (1 - r) * around, {"counts": 0.01})
    found = recovery.recover(seen, exact(volume), CURVE, background=exact(around))
    assert found.value.value == pytest.approx(true)
    assert found.value.parts["counts"] == pytest.approx(0.01 / r)


def test_the_doubt_of_volume_reaches_the_recovered_activity_with_its_sign() -> None:
    up = recovery.recover(exact(5.0), exact(6.001), CURVE).value.value
    down = recovery.recover(exact(5.0), exact(5.999), CURVE).value.value
    found = recovery.recover(exact(5.0), Uncertain(6.0, {"outline": 1.0}), CURVE)
    assert found.value.parts["outline"] == pytest.approx((up - down) / 0.002, rel=1e-5)
    assert found.value.parts["outline"] < 0


@pytest.mark.parametrize(("volume", "codes"), [(6.0, []), (0.3, ["W-RC-EXTRAPOLATE", "W-RC-LOW"]),
                                               (100.0, ["W-RC-EXTRAPOLATE"])])  # fmt: skip
def test_a_volume_beyond_the_spheres_is_said(volume: float, codes: list[str]) -> None:
    found = recovery.recover(exact(5.0), exact(volume), CURVE)
    assert [n.code for n in found.notes if n.code != "W-RC-UNC"] == codes


def test_a_coefficient_known_badly_is_said() -> None:
    found = recovery.recover(exact(5.0), Uncertain(2.0, {"outline": 1.5}), CURVE)
    assert "W-RC-UNC" in [n.code for n in found.notes]


@pytest.mark.parametrize(
    ("kind", "words", "code"),
    [(InputError, {"already_corrected": True}, "E-RC-DOUBLE"),
     (ReferenceMissing, {"cf_geometry": "sphere"}, "E-RC-CFPAIR"),
     (ReferenceMissing, {"reconstruction": "FBP"}, "E-RC-RECON")],
)  # fmt: skip
def test_a_curve_that_does_not_belong_is_refused(
    kind: type[QuimbyError], words: dict[str, Any], code: str
) -> None:
    with pytest.raises(kind, match=code):
        recovery.recover(exact(5.0), exact(6.0), CURVE, **words)


@pytest.mark.parametrize("diameter", [10.0, 17.0, 37.0, 60.0])
def test_the_closed_form_agrees_with_the_radial_profile(diameter: float) -> None:
    r, sigma = diameter / 2, 11.0 / recovery.FWHM_PER_SIGMA
    x = np.linspace(1e-6, r, 20001)
    near, far = (r - x) / (sqrt(2) * sigma), (r + x) / (sqrt(2) * sigma)
    profile = np.array([(erf(a) + erf(b)) / 2 for a, b in zip(near, far, strict=True)])
    profile -= sigma / (x * sqrt(2 * pi)) * (np.exp(-(near**2)) - np.exp(-(far**2)))
    mean = np.trapezoid(3 * x**2 * profile, x) / r**3
    assert recovery.sphere_recovery(diameter, 11.0) == pytest.approx(mean, rel=1e-5)


def test_blur_keeps_all_and_has_the_width_it_says() -> None:
    grid = Grid((41, 41, 41), np.diag([2.0, 3.0, 4.0, 1.0]))
    point = np.zeros(grid.shape)
    point[20, 20, 20] = 1.0
    spread = point_spread.blur(point, grid, 12.0)
    assert spread.sum() == pytest.approx(1.0, rel=1e-5)
    for axis, step in ((0, 4.0), (1, 3.0), (2, 2.0)):
        line = spread.sum(axis=tuple(a for a in range(3) if a != axis))
        variance = float(line @ ((np.arange(41) - 20) * step) ** 2)
        assert variance == pytest.approx((12.0 / recovery.FWHM_PER_SIGMA) ** 2, rel=1e-3)
    assert np.array_equal(point_spread.blur(point, grid, 0.0), point)
    with pytest.raises(InputError, match="E-RC-RESOLUTION"):
        point_spread.blur(point, grid, -1.0)


@settings(max_examples=10, deadline=None)
@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(-2, 2))
def test_occupancies_hold_the_volume_wherever_the_sphere_lies(x: float, y: float, z: float) -> None:
    grid = _grid((16, 17, 18))
    sphere = Sphere(37.0, (x, y, z))
    w = point_spread.sphere_occupancy(grid, sphere)
    assert w.sum() * grid.voxel_ml == pytest.approx(sphere.volume_ml, rel=0.005)
    centre = np.tensordot(w, grid.centres_mm(), axes=3) / w.sum()
    assert centre == pytest.approx([x, y, z], abs=0.1)
    assert 0 <= w.min() <= w.max() == 1.0


def test_a_sphere_outside_the_scan_is_refused() -> None:
    with pytest.raises(InputError, match="reaches out of the scan"):
        point_spread.sphere_occupancy(_grid((16, 16, 16)), Sphere(30.0, (30.0, 0.0, 0.0)))


def _made(fwhm: float, shift: tuple[float, float, float], scale: float) -> Image:
    """Spheres blurred on a grid three times finer, then summed to the coarse one."""
    coarse, n = _grid((30, 44, 44)), 3
    fine = _grid((90, 132, 132), SPACING / n)
    hot = sum(point_spread.sphere_occupancy(fine, s, shift_mm=shift) for s in SPHERES)
    seen = point_spread.blur(np.asarray(hot), fine, fwhm)
    mean = seen.reshape(30, n, 44, n, 44, n).mean(axis=(1, 3, 5))
    return Image(coarse, scale * mean, "counts")


@pytest.mark.parametrize("fwhm", [8.0, 14.0])
def test_width_shift_and_amplitude_come_back_from_a_finer_phantom(fwhm: float) -> None:
    found = point_spread.fit_point_spread(_made(fwhm, (2.0, -1.5, 1.0), 110.0), SPHERES, 100.0)
    assert found.fwhm_mm.value == pytest.approx(fwhm, abs=0.12)
    assert found.shift_mm == pytest.approx((2.0, -1.5, 1.0), abs=0.1)
    assert found.amplitude == pytest.approx(1.1, rel=5e-3)
    assert found.notes == ()


def test_a_wrong_concentration_does_not_widen_the_blur() -> None:
    image = _made(11.0, (0, 0, 0), 100.0)
    one, two = (
        point_spread.fit_point_spread(image, SPHERES, c, move=False).fwhm_mm.value
        for c in (100.0, 80.0)
    )
    assert one == pytest.approx(two, rel=1e-5)


def test_a_phantom_far_from_its_record_is_said() -> None:
    found = point_spread.fit_point_spread(_made(11.0, (6.0, 0, 0), 1.0), SPHERES, 1.0)
    assert [n.code for n in found.notes] == ["W-RC-SHIFT"]


def _cylinder(unit: str = "counts", background: float = 0.0, offset: float = 0.0) -> Image:
    """A uniform cylinder, radius 80 mm and 150 mm long, 10 000 units a ml, blurred by 11 mm."""
    grid = _grid((48, 48, 48))
    p = grid.centres_mm() - np.array([offset, 0.0, 0.0])
    inside = (np.hypot(p[..., 0], p[..., 1]) <= 80) & (np.abs(p[..., 2]) <= 75)
    values = point_spread.blur(inside.astype(float), grid, 11.0)
    per_ml = 100.0 * (grid.voxel_ml if unit == "counts" else 1.0)
    return Image(grid, per_ml * (values + background), unit)


def _found(image: Image, **words: Any) -> CylinderResult:
    known: dict[str, Any] = {
        "duration_s": 1000.0, "convention": SUM, "activity_mbq": Uncertain(40.0, {"assay": 0.8}),
        "elapsed_h": 159.5, "half_life_h": 159.5,
    }  # fmt: skip
    return cylinder_factor(image, **(known | words))


def test_a_cylinder_gives_all_its_counts_per_second_and_decayed_activity() -> None:
    image = _cylinder()
    found = _found(image)
    whole = image.values.sum() / 1000.0 / 20.0
    assert found.factor.value.value == pytest.approx(whole, rel=1e-4)
    assert found.factor.value.parts["assay"] == pytest.approx(-0.02 * whole, rel=1e-3)
    assert found.phantom_ml == pytest.approx(pi * 8**2 * 15, rel=0.02)
    assert found.notes == ()
    assert max(abs(p - 1) for p in found.profile) < 0.01


def test_background_outside_is_taken_away_and_said() -> None:
    plain, dirty = _found(_cylinder()), _found(_cylinder(background=0.02))
    assert dirty.factor.value.value == pytest.approx(plain.factor.value.value, rel=1e-3)
    assert [n.code for n in dirty.notes] == ["W-CAL-BACKGROUND"]


def test_an_image_in_bq_per_ml_gives_a_ratio() -> None:
    image = _cylinder("Bq/ml")
    held = image.values.sum() * image.grid.voxel_ml * 1e-6
    found = _found(image, activity_mbq=Uncertain(2 * held * 1.25))
    assert found.factor.unit == "1"
    assert found.factor.value.value == pytest.approx(0.8, rel=1e-4)


@pytest.mark.parametrize(
    ("image", "words", "says"),
    [(Image(_grid((9, 9, 9)), np.zeros((9, 9, 9)), "counts"), {}, "the image is empty"),
     (Image(_grid((9, 9, 9)), np.ones((9, 9, 9)), "HU"), {}, "An image in 'HU'"),
     (_cylinder(), {"margin_mm": 10.0}, "cuts off counts"),
     (_cylinder(), {"duration_s": 0.0}, "E-CAL-VALUE"),
     (_made(8.0, (0, 0, 0), 1.0), {}, "hot objects")],
)  # fmt: skip
def test_what_is_no_cylinder_scan_is_refused(
    image: Image, words: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        _found(image, **words)


def test_a_cylinder_at_the_edge_of_the_image_is_said() -> None:
    assert "W-CAL-FOV" in [n.code for n in _found(_cylinder(offset=30.0)).notes]


def test_an_uneven_cylinder_is_said() -> None:
    image = _cylinder()
    r = np.hypot(*np.moveaxis(image.grid.centres_mm()[..., :2], -1, 0))
    cupped = Image(image.grid, image.values * (0.8 + 0.2 * r / 80.0), "counts")
    assert "W-CAL-UNIFORM" in [n.code for n in _found(cupped).notes]


def test_poisson_counts_carry_their_root() -> None:
    assert poisson(400.0).u == 20.0


def _spect(path: Path) -> Image:
    data = pydicom.dcmread(path)
    row = data.DetectorInformationSequence[0]
    step = float(data.PixelSpacing[0])
    affine = np.diag([step, step, float(data.SpacingBetweenSlices), 1.0])
    affine[:3, 3] = [float(x) for x in row.ImagePositionPatient]
    return Image(Grid(data.pixel_array.shape, affine), data.pixel_array, "counts")


def test_case_a_gives_its_sensitivity_and_resolution(case_a: Path) -> None:
    """Truth: 9.36 cps/MBq by summed projection time, 11.0 mm."""
    fill = json.loads((case_a / "calibration" / "fill.json").read_text("utf-8"))
    u = fill["cylinder_assay_relative_u"] * fill["cylinder_activity_mbq"]
    cylinder = cylinder_factor(
        _spect(case_a / "calibration" / "cylinder" / "SPECT.dcm"),
        duration_s=2 * 60 * 20.0,
        convention=SUM,
        activity_mbq=Uncertain(fill["cylinder_activity_mbq"], {"assay": u}),
        elapsed_h=2 + 35 / 60,
        half_life_h=159.528,
    )
    q = cylinder.factor.value
    assert q.value == pytest.approx(9.36, rel=0.003)
    assert abs(q.value - 9.36) < 2 * q.parts["counts, calibration"]
    spheres = [Sphere(s["diameter_mm"], tuple(s["centre_mm"])) for s in fill["spheres"]]
    image = _spect(case_a / "calibration" / "spheres" / "SPECT.dcm")
    held = fill["sphere_concentration_mbq_per_ml"] * decay_factor(4 + 5 / 60, 159.528)
    counts = held * q.value * 2400.0 * image.grid.voxel_ml
    spread = point_spread.fit_point_spread(image, spheres, counts)
    assert abs(spread.fwhm_mm.value - 11.0) < 2 * spread.fwhm_mm.u < 0.2
    assert spread.amplitude == pytest.approx(1.0, abs=0.01)
    seen = point_spread.measured_recovery(image, spheres, Uncertain(counts))
    curve = recovery.fit_recovery(
        [s.sphere.volume_ml for s in seen], [s.coefficient.value for s in seen]
    ).curve
    for s in seen[2:]:
        assert curve.at(s.sphere.volume_ml) == pytest.approx(s.coefficient.value, abs=0.04)


@given(st.floats(0.5, 1.5), st.floats(0.0, 0.1))
@settings(max_examples=50, deadline=None)
def test_a_fitted_covariance_is_symmetric_to_the_last_digit(scale: float, common: float) -> None:
    volumes = [0.52, 1.15, 2.57, 5.58, 11.5, 26.5]
    measured = [scale * CURVE.at(v) * (1 + 0.01 * (-1) ** n) for n, v in enumerate(volumes)]
    c = recovery.fit_recovery(volumes, measured, [0.01] * 6, u_common=common).curve.covariance
    assert c[0][1] == c[1][0]
    assert c[0][0] * c[1][1] >= c[0][1] ** 2 * (1 - 1e-9)
