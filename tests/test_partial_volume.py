"""Activity of regions in blurred images: closure, limits, doubt, and case A against its truth."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quimby.core.errors import InputError, MethodUnfit
from quimby.core.grid import Grid, Image, Rigid
from quimby.core.outline import Outline
from quimby.core.uncertain import Uncertain
from quimby.devices.point_spread import blur
from quimby.devices.recovery import RecoveryCurve, sphere_recovery
from quimby.measure.noise import estimate
from quimby.measure.occupancy import occupancy
from quimby.measure.partial_volume import Recovery, by_recovery_curve, recover
from quimby.measure.regions import Regions, prepare
from tests import case_a_truth
from tests.case_a_truth import centred_grid, sphere_mask, sphere_outline, turned_about_z

GRID = centred_grid((40, 44, 48), 4.8)
FWHM = Uncertain(11.0, {"point spread": 0.3})
CT = Image(centred_grid((48, 52, 56), 4.0), np.full((48, 52, 56), -1000.0), "HU")
STILL = Rigid.identity()
PLACES = {"kidney": (50.0, (40.0, 0.0, 0.0)), "lesion": (22.0, (-35.0, 10.0, 5.0))}


@cache
def body() -> Outline:
    return Outline("Body", "frame", mask=sphere_mask(170.0, step_mm=2.5))


@cache
def regions() -> Regions:
    organs = [sphere_outline(name, d, at) for name, (d, at) in PLACES.items()]
    return prepare([*organs, body()], CT)


def scene(
    kidney: float = 40.0, lesion: float = 6.0, rest: float = 30.0, *, grid: Grid = GRID,
    moved: Rigid = STILL, fwhm: float = 11.0, field: np.ndarray | float = 1.0,
) -> Image:  # fmt: skip
    """A scan of the two spheres in their body, MBq a voxel, without noise."""
    truth = {"kidney": kidney, "lesion": lesion}
    total, taken = np.zeros(grid.shape), np.zeros(grid.shape)
    for region in regions().organs:
        own = occupancy(region.mask, grid, moved).values
        total += truth[region.name] * own / own.sum()
        taken += own
    left = np.maximum(occupancy(regions().body, grid, moved).values - taken, 0) * field
    return Image(grid, blur(total + rest * left / left.sum(), grid, fwhm), "MBq")


def solved(image: Image, moved: Rigid = STILL, fwhm: Uncertain = FWHM) -> Recovery:
    return recover(image, regions(), moved, fwhm_mm=fwhm, scan="scan-1")


@given(st.floats(1, 90), st.floats(0.5, 20), st.floats(5, 300))
@settings(max_examples=8, deadline=None)
def test_what_was_put_in_comes_out(kidney: float, lesion: float, rest: float) -> None:
    found = solved(scene(kidney, lesion, rest))

    assert found.regions["kidney"].activity_mbq.value == pytest.approx(kidney, rel=1e-6)
    assert found.regions["lesion"].activity_mbq.value == pytest.approx(lesion, rel=1e-6)
    assert found.remainder.activity_mbq.value == pytest.approx(rest, rel=1e-6)


def test_twice_the_image_is_twice_the_answer_and_twice_the_doubt() -> None:
    noisy = Image(GRID, np.random.default_rng(1).poisson(scene().values * 500) / 500, "MBq")
    twice = Image(GRID, noisy.values * 2, "MBq")

    once, more = (solved(image).regions["lesion"].activity_mbq for image in (noisy, twice))

    assert more.value == pytest.approx(2 * once.value)
    assert {c: p / 2 for c, p in more.parts.items()} == pytest.approx(dict(once.parts))


def test_a_position_voxel_and_unit_of_its_own_change_nothing() -> None:
    moved = turned_about_z(5.0, [6.0, -4.0, 9.0])
    grid = centred_grid((50, 56, 60), 3.9)
    image = scene(grid=grid, moved=moved)
    per_ml = Image(grid, image.values / grid.voxel_ml * 1e6, "Bq/ml")

    found = solved(per_ml, moved).regions

    assert found["kidney"].activity_mbq.value == pytest.approx(40.0, rel=0.002)
    assert found["lesion"].activity_mbq.value == pytest.approx(6.0, rel=0.002)


def test_without_surroundings_the_recovery_is_that_of_the_blurred_sphere() -> None:
    alone = scene(0.0, 6.0, 0.0, grid=centred_grid((76, 84, 92), 2.4))

    found = recover(alone, regions(), STILL, fwhm_mm=FWHM, scan="scan-1").regions["lesion"]

    assert found.recovery == pytest.approx(sphere_recovery(22.0, 11.0), rel=0.02)


def test_a_sharp_image_needs_no_correction() -> None:
    sharp = scene(fwhm=0.01)

    found = solved(sharp, fwhm=Uncertain(0.01)).regions["lesion"]

    # Only the voxels that it shares with its surroundings keep it from one.
    assert found.recovery == pytest.approx(1.0, abs=0.3)
    assert found.activity_mbq.value == pytest.approx(6.0, rel=1e-6)


def test_an_uneven_background_is_followed_near_each_region() -> None:
    x = GRID.centres_mm()[..., 0]
    uneven = scene(field=np.exp(-x / 60.0))

    found = solved(uneven).regions["lesion"].activity_mbq

    assert found.value == pytest.approx(6.0, rel=0.01)
    assert abs(found.parts["background model"]) > abs(found.value - 6.0)


def test_a_lesion_inside_an_organ_is_counted_once() -> None:
    inside = sphere_outline("lesion", 22.0, (45.0, 0.0, 0.0))
    nested = prepare([sphere_outline("liver", 80.0, (40.0, 0, 0)), inside, body()], CT)
    own = [occupancy(r.mask, GRID, STILL).values for r in nested.organs]
    image = Image(GRID, blur(sum(a * w / w.sum() for a, w in zip((60, 9), own, strict=True)),
                             GRID, 11.0), "MBq")  # fmt: skip

    found = recover(image, nested, STILL, fwhm_mm=FWHM, scan="scan-1").regions

    assert [n.code for n in nested.notes] == ["I-IMG-CARVED"]
    assert found["liver"].activity_mbq.value == pytest.approx(60.0, rel=0.002)
    assert found["lesion"].activity_mbq.value == pytest.approx(9.0, rel=0.002)


def test_the_recovery_curve_gives_nearly_the_same_in_cold_surroundings() -> None:
    found = solved(scene(0.0, 6.0, 0.0)).regions["lesion"]
    region = regions().named("lesion")
    curve = RecoveryCurve(region.volume_ml.value * (1 / found.recovery - 1), 1.0)

    simple = by_recovery_curve(found, region, curve, scan="scan-1")

    assert simple.value.value == pytest.approx(found.activity_mbq.value)
    assert "outline lesion" in simple.value.parts


def test_the_doubt_of_the_blur_is_the_change_that_a_wider_blur_makes() -> None:
    image = scene()
    wide = solved(image, fwhm=Uncertain(11.3)).regions["lesion"].activity_mbq
    as_is = solved(image).regions["lesion"].activity_mbq

    assert as_is.parts["point spread"] == pytest.approx(wide.value - as_is.value, rel=1e-6)


def test_the_doubt_of_an_outline_is_the_change_that_a_larger_outline_makes() -> None:
    image = scene()
    larger = [sphere_outline("kidney", *PLACES["kidney"]),
              sphere_outline("lesion", 23.0, PLACES["lesion"][1]), body()]  # fmt: skip
    drawn = prepare(larger, CT)
    change = recover(image, drawn, STILL, fwhm_mm=FWHM, scan="s").regions["lesion"].activity_mbq
    exact = prepare(
        [sphere_outline(n, d, at) for n, (d, at) in PLACES.items()] + [body()], CT,
        edge_mm={"lesion": 0.5},
    )  # fmt: skip

    found = recover(image, exact, STILL, fwhm_mm=FWHM, scan="s").regions["lesion"].activity_mbq

    assert found.parts["outline lesion"] == pytest.approx(change.value - 6.0, rel=0.2)
    assert found.parts["outline lesion"] > 0


def test_the_doubt_of_a_registration_covers_a_shift() -> None:
    image = scene()
    shifts = [turned_about_z(0.0, s) for s in ([1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0])]
    off = [solved(image, s).regions["kidney"].activity_mbq.value - 40.0 for s in shifts]

    part = solved(image).regions["kidney"].activity_mbq.parts["registration, scan-1"]

    assert part > 0
    assert np.abs(off).max() < 3 * part


def test_the_doubt_of_a_registration_is_what_random_movements_do_their_mean_loss_included() -> None:
    image, u_mm = scene(), 2.0
    shifts = u_mm * np.random.default_rng(4).standard_normal((40, 3))
    off = [solved(image, turned_about_z(0.0, list(s))).regions["kidney"].activity_mbq.value - 40.0
           for s in shifts]  # fmt: skip

    found = recover(image, regions(), STILL, fwhm_mm=FWHM, scan="s", registration_u_mm=u_mm)

    part = found.regions["kidney"].activity_mbq.parts["registration, s"]
    assert float(np.mean(off)) < -0.5 * part  # always a loss
    assert part == pytest.approx(float(np.sqrt(np.mean(np.square(off)))), rel=0.25)


def test_the_doubt_of_counts_is_the_scatter_of_repeated_scans() -> None:
    rng = np.random.default_rng(7)
    scale, clean = 2000.0, scene(40.0, 6.0, 300.0)
    counts = clean.values * scale

    def repeat() -> Image:
        noise = 4.0 * (rng.poisson(counts) - counts)
        return Image(GRID, (counts + blur(noise, GRID, 9.0)) / scale, "MBq")

    found = [solved(repeat()).regions["kidney"].activity_mbq for _ in range(12)]
    stated = float(np.mean([f.parts["counts, kidney, scan-1"] for f in found]))

    assert float(np.std([f.value for f in found], ddof=1)) == pytest.approx(stated, rel=0.5)


def test_noise_is_found_with_its_strength_and_its_smoothness() -> None:
    rng = np.random.default_rng(2)
    model = np.full(GRID.shape, 50.0)
    image = model + blur(3.0 * (rng.poisson(model) - model), GRID, 9.0)

    found = estimate(image, model, GRID, use=model > 0)

    assert found.sigma_mm * 2.3548 == pytest.approx(9.0, rel=0.05)
    assert found.factor * found.effective_voxels(GRID) == pytest.approx(9.0, rel=0.15)


@pytest.mark.parametrize("shift", [(6.0, 0.0, 0.0), (0.0, -4.0, 3.0)])
def test_a_scan_that_lies_off_the_outlines_is_measured(shift: tuple[float, float, float]) -> None:
    there = solved(scene(kidney=120.0, lesion=20.0, moved=turned_about_z(0, list(shift)))).off_mm
    here = solved(scene(kidney=120.0, lesion=20.0)).off_mm

    assert max(here.values()) < 0.2
    assert there["kidney"] == pytest.approx(np.linalg.norm(shift), rel=0.25)


def test_nothing_is_clipped_and_a_cold_region_is_named() -> None:
    found = solved(scene(40.0, -2.0, 300.0))

    assert found.regions["lesion"].activity_mbq.value == pytest.approx(-2.0, rel=1e-6)
    assert "W-PVC-NONPOS" in {n.code for n in found.notes}


def test_two_parts_of_a_lesion_share_the_tissue_between_them() -> None:
    """Apart it would be the same voxels twice, and nothing could be solved."""
    whole = sphere_mask(80.0, step_mm=2.5)
    hollow = np.where(np.linalg.norm(whole.grid.centres_mm(), axis=-1) > 15.0, whole.values, 0.0)
    organ = Outline("organ", "frame", mask=Image(whole.grid, hollow, "1"))
    pair = [sphere_outline(n, 12.0, (x, 0.0, 0.0)) for n, x in (("one", -8.0), ("two", 8.0))]
    laid = prepare([organ, *pair, body()], CT)
    total, truth = np.zeros(GRID.shape), {"organ": 40.0, "one": 8.0, "two": 3.0}
    for region in laid.organs:
        own = occupancy(region.mask, GRID, STILL).values
        total += truth[region.name] * own / own.sum()
    image = Image(GRID, blur(total, GRID, 11.0), "MBq")

    found = recover(image, laid, STILL, fwhm_mm=FWHM, scan="scan-1").regions

    for name, activity in truth.items():
        assert found[name].activity_mbq.value == pytest.approx(activity, rel=1e-3)


def test_regions_that_the_blur_makes_one_are_refused() -> None:
    twins = [sphere_outline("a", 5.0, (0.0, 0.0, 0.0)), sphere_outline("b", 5.0, (3.0, 0.0, 0.0))]

    with pytest.raises(MethodUnfit, match="E-PVC-SINGULAR"):
        recover(scene(), prepare([*twins, body()], CT), STILL, fwhm_mm=Uncertain(30.0), scan="s")


@pytest.mark.parametrize(
    ("unit", "value", "code"), [("counts", 1.0, "E-IMG-UNIT"), ("MBq", np.nan, "E-IMG-NAN")]
)
def test_an_image_it_cannot_read_is_refused(unit: str, value: float, code: str) -> None:
    with pytest.raises(InputError, match=code):
        solved(Image(GRID, np.full(GRID.shape, value), unit))


def test_a_region_that_leaves_the_field_of_view_is_refused() -> None:
    with pytest.raises(MethodUnfit, match="E-IMG-FOV"):
        solved(scene(), turned_about_z(0.0, [80.0, 0.0, 0.0]))


@cache
def case_a() -> tuple[dict[str, float], dict[str, list[float]], dict[str, list[float]]]:
    """Trapezoid-free check: relative errors and pulls, by region, over the four scans."""
    truth = case_a_truth.truth()
    made = prepare(case_a_truth.outlines(), case_a_truth.ct(case_a_truth.REFERENCE))
    errors: dict[str, list[float]] = {}
    pulls: dict[str, list[float]] = {}
    for scan in (1, 2, 3, 4):
        found = recover(case_a_truth.activity(scan), made, truth.pose(scan), fwhm_mm=FWHM,
                        scan=f"scan-{scan}")  # fmt: skip
        for name, true in truth.activity_mbq(scan).items():
            if name == "Remainder":
                continue
            value = found.regions[name].activity_mbq
            errors.setdefault(name, []).append(value.value / true - 1)
            pulls.setdefault(name, []).append((value.value - true) / value.u)
    volumes = {r.name: r.volume_ml.value / truth.volume_ml(r.name) - 1 for r in made.organs}
    return volumes, errors, pulls


@pytest.mark.parametrize("name", ["Liver", "Spleen", "Kidney_L", "Kidney_R"])
def test_case_a_organs_are_right_within_three_percent(name: str) -> None:
    volumes, errors, _ = case_a()

    assert abs(volumes[name]) < 0.01
    assert np.abs(errors[name][:3]).max() < 0.03
    assert abs(float(np.mean(errors[name]))) < 0.025


@pytest.mark.parametrize("name", ["Lesion_1", "Lesion_2", "Lesion_3"])
def test_case_a_lesions_are_right_within_ten_percent(name: str) -> None:
    volumes, errors, _ = case_a()

    assert abs(volumes[name]) < 0.01
    assert np.abs(errors[name]).max() < 0.10


def test_case_a_errors_are_no_larger_than_their_doubt() -> None:
    _, _, pulls = case_a()

    assert max(abs(p) for row in pulls.values() for p in row) < 2.0
