"""How voxels are integrated: three ways, what each finds, and how it closes to the region."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib.resources import files

import numpy as np
import pytest
from numpy.typing import NDArray

from quimby import protocols
from quimby.core.errors import InputError
from quimby.measure.noise import Noise
from quimby.study.voxel_scene import Scene
from quimby.study.voxels import VoxelTia, apparent_tia_mbq_h, integrate
from tests.voxel_phantom import (
    GRID,
    PHYSICAL_H,
    Float,
    Phantom,
    activity,
    protocol,
    scene,
    tissues,
    true_tia,
)

ORGAN = "Kidney_L"
FIT, REGION, ONE = ({"voxels": way} for way in ("fit", "region", "one scan"))
EVEN = Phantom(half_lives_h=dict.fromkeys(("fast", "slow", "body"), 60.0))


def ratio(found: VoxelTia, phantom: Phantom, tissue: str) -> Float:
    """Found over true, in every voxel of a tissue, before anything is scaled."""
    where = tissues()[tissue]
    true = true_tia(phantom)
    if tissue == "body":
        return np.asarray(found.outside[where] / true[where], dtype=np.float64)
    own = found.inside[ORGAN]
    here = where[own.box]
    return np.asarray(own.per_ml[here] / true[own.box][here], dtype=np.float64)


def codes(found: VoxelTia) -> list[str]:
    return [n.code for n in found.notes]


def noisy(of: Scene, level_mbq_per_ml: float) -> Scene:
    """The same scene, said to have three standard deviations of noise at that level."""
    factor = level_mbq_per_ml * GRID.voxel_ml / 9.0
    told = tuple(replace(r, recovery=replace(r.recovery, noise=Noise(factor, 3.0)))
                 for r in of.readings)  # fmt: skip
    return replace(of, readings=told)


def test_a_curve_in_every_voxel_finds_two_half_lives_in_one_region_and_the_regions_does_not() -> (
    None
):
    phantom = Phantom()
    of = scene(phantom)

    fitted, by_region = integrate(of, protocol(**FIT)), integrate(of, protocol(**REGION))

    for tissue in ("fast", "slow", "body"):
        assert ratio(fitted, phantom, tissue) == pytest.approx(1.0, rel=1e-5)
    assert ratio(by_region, phantom, "fast").max() < 0.75
    assert ratio(by_region, phantom, "slow").max() < 0.95
    assert ratio(by_region, phantom, "body").min() > 1.2  # trapezoids hang above the curve


def test_the_sum_of_unlike_tissues_is_not_that_of_the_regions_one_curve_and_it_says_so() -> None:
    of = scene(Phantom())
    true = float((true_tia(Phantom())[~tissues()["body"]]).sum()) * GRID.voxel_ml

    found = integrate(of, protocol(**FIT))

    assert found.closure[ORGAN] == pytest.approx(true / apparent_tia_mbq_h(of, ORGAN) - 1, rel=1e-4)
    assert found.closure[ORGAN] > 0.1
    (note,) = found.notes
    assert note.code == "W-VOX-CLOSURE"
    assert note.where == f"{ORGAN} {100 * found.closure[ORGAN]:+.1f} %"
    assert (note.value, note.limit) == (found.closure[ORGAN], 0.03)


@pytest.mark.parametrize("way", [FIT, REGION, ONE])
def test_where_all_clear_alike_every_way_gives_the_truth_inside_and_closes(
    way: dict[str, str],
) -> None:
    found = integrate(scene(EVEN), protocol(**way))

    for tissue in ("fast", "slow"):
        one = ratio(found, EVEN, tissue)
        assert one.max() / one.min() == pytest.approx(1.0, rel=1e-5)
        assert one == pytest.approx(1.0, abs=0.015)  # the region's curve has a prior for uptake
    assert abs(found.closure[ORGAN]) < 0.015
    assert codes(found) == []


@pytest.mark.parametrize("way", [FIT, REGION, ONE])
def test_voxels_that_lie_beside_the_outline_in_one_scan_do_not_close(way: dict[str, str]) -> None:
    of = scene(EVEN)
    moved = tuple(np.roll(m, 5, axis=2) for m in of.maps)

    found = integrate(replace(of, maps=moved), protocol(**way))

    assert found.closure[ORGAN] < -0.1
    assert "W-VOX-CLOSURE" in codes(found)


def test_samples_that_saw_less_than_the_voxels_show_up_in_the_closure() -> None:
    found = integrate(scene(replace(EVEN, lost=0.08)), protocol(**REGION))

    assert found.closure[ORGAN] == pytest.approx(1 / 0.92 - 1, rel=1e-4)
    assert codes(found) == ["W-VOX-CLOSURE"]


def test_smoothing_for_the_curves_leaves_the_picture_as_sharp_as_the_scans() -> None:
    smoothed = replace(scene(EVEN), fwhm_mm=11.0)

    found = integrate(smoothed, protocol(**FIT))

    for tissue in ("fast", "slow", "body"):  # the edge of the organ lies in all three
        assert ratio(found, EVEN, tissue) == pytest.approx(1.0, rel=1e-4)
    assert "smoothed by 11.0 mm" in found.method


def test_smoothing_takes_the_noise_off_the_curves() -> None:
    def shaken(values: Float, seed: int) -> Float:
        wave = np.random.default_rng(seed).standard_normal(values.shape)
        return np.asarray(np.maximum(values + 0.08 * np.sqrt(values) * wave, 0.0))

    of = scene(Phantom(change={n: partial(shaken, seed=n) for n in range(3)}))
    slow, spread = tissues()["slow"], {}
    trapezoids = integrate(of, protocol(**REGION)).outside[slow]
    for fwhm_mm in (0.0, 11.0):
        found = integrate(replace(of, fwhm_mm=fwhm_mm), protocol(**FIT))
        spread[fwhm_mm] = float(np.std(found.outside[slow] / trapezoids))
    assert spread[11.0] < 0.5 * spread[0.0]


def test_a_voxel_below_three_sigma_keeps_its_regions_factor_and_outside_the_trapezoid() -> None:
    of = noisy(scene(Phantom()), 0.1)  # the body has 0.04 MBq/ml at most, the organ 0.43
    plain = integrate(of, protocol(**REGION))

    found = integrate(of, protocol(**FIT))

    body = tissues()["body"]
    assert found.outside[body] == pytest.approx(plain.outside[body], rel=1e-6)
    assert found.fallback[ORGAN] == 0.0
    assert ratio(found, Phantom(), "fast") == pytest.approx(1.0, rel=1e-5)


def test_a_region_in_which_much_falls_back_is_named_with_the_reason() -> None:
    of = noisy(scene(Phantom()), 0.47)  # the fast half has 0.44 MBq/ml in the first scan
    plain = integrate(of, protocol(**REGION))

    found = integrate(of, protocol(**FIT))

    share = tissues()["fast"].sum() / (~tissues()["body"]).sum()
    assert found.fallback[ORGAN] == pytest.approx(share, rel=1e-6)
    told = next(n for n in found.notes if n.code == "W-VOX-FALLBACK")
    assert told.where == ORGAN
    assert f"{share:.0%} below noise" in told.text.replace(" %", "%")
    fast = tissues()["fast"][found.inside[ORGAN].box]
    assert found.inside[ORGAN].per_ml[fast] == pytest.approx(
        plain.inside[ORGAN].per_ml[fast], rel=1e-6
    )


def test_smoothing_lowers_the_noise_below_which_a_voxel_is_not_fitted() -> None:
    of = noisy(scene(EVEN), 0.6)
    assert integrate(of, protocol(**FIT)).fallback[ORGAN] > 0.4
    assert integrate(replace(of, fwhm_mm=8.0), protocol(**FIT)).fallback[ORGAN] < 0.1


def test_tissue_without_washout_is_held_at_physical_decay() -> None:
    still = Phantom(half_lives_h={"fast": 20.0, "slow": 1e6, "body": 60.0})  # takes up for ever

    found = integrate(scene(still), protocol(**FIT))

    own = found.inside[ORGAN]
    slow = tissues()["slow"][own.box]
    rate = np.log(2) / PHYSICAL_H
    e = np.exp(-rate * np.array(still.times_h))
    readings = np.array([activity(still, t)[tissues()["slow"]][0] for t in still.times_h])
    weights = _weights(scene(still))
    by_hand = (weights * readings * e).sum() / (weights * e * e).sum() / rate
    assert own.per_ml[slow] == pytest.approx(by_hand, rel=1e-4)
    assert found.fallback[ORGAN] == pytest.approx(
        tissues()["slow"].sum() / (~tissues()["body"]).sum()
    )
    assert "W-VOX-FALLBACK" in codes(found)


def _weights(of: Scene) -> Float:
    """Inverse variance of a voxel: noise times the level in the region."""
    organ = ~tissues()["body"]
    raw = [1 / (r.recovery.noise.factor * float(m[organ].mean()))
           for r, m in zip(of.readings, of.maps, strict=True)]  # fmt: skip
    return np.array(raw)


def test_a_reading_below_zero_is_no_curve_and_no_refusal() -> None:
    def dented(values: Float) -> Float:
        found = values.copy()
        found[12, 13, 5:9] = -0.01
        return found

    of = scene(Phantom(change={1: dented}))

    found, plain = integrate(of, protocol(**FIT)), integrate(of, protocol(**REGION))

    dent = (slice(12, 13), slice(13, 14), slice(5, 9))
    at = np.zeros(GRID.shape, bool)
    at[dent] = True
    own, same = found.inside[ORGAN], plain.inside[ORGAN]
    organ = (at & ~tissues()["body"])[own.box]
    assert own.per_ml[organ] == pytest.approx(same.per_ml[organ], rel=1e-6)
    assert found.fallback[ORGAN] == pytest.approx(organ.sum() / (~tissues()["body"]).sum())
    body = at & tissues()["body"]
    assert found.outside[body] == pytest.approx(plain.outside[body], rel=1e-6)


def test_one_scan_gives_every_voxel_the_regions_time_factor() -> None:
    of = scene(Phantom())

    found = integrate(of, protocol(voxels="one scan", voxel_scan="scan-3"))  # 66 to 102 h

    own = found.inside[ORGAN]
    sample = of.curves[ORGAN].samples[1]
    hours = of.curves[ORGAN].tia_mbq_h.value / sample.activity_mbq.value
    assert own.per_ml == pytest.approx(of.maps[1][own.box] * hours, rel=1e-5)
    assert found.method.startswith("scan-2 (72.0 h) alone")
    assert found.closure[ORGAN] == pytest.approx(0.0, abs=1e-5)


def test_outside_one_scan_stands_for_the_sum_of_all_voxels_outside() -> None:
    of = scene(Phantom())

    found = integrate(of, protocol(**ONE))

    body = tissues()["body"]
    trapezoids = integrate(of, protocol(**REGION)).outside[body]
    assert found.outside[body].sum() == pytest.approx(trapezoids.sum(), rel=1e-5)


@pytest.mark.parametrize(
    ("half_life_h", "scan"), [(15.0, "scan-1"), (35.0, "scan-2"), (120.0, "scan-3")]
)
def test_without_a_name_the_scan_nearest_the_half_life_over_ln_2_is_taken(
    half_life_h: float, scan: str
) -> None:
    lives = dict.fromkeys(("fast", "slow", "body"), half_life_h)
    found = integrate(scene(Phantom(half_lives_h=lives)), protocol(**ONE))
    assert found.method.startswith(scan)


def test_a_scan_that_was_not_measured_is_replaced_and_told() -> None:
    found = integrate(scene(EVEN), protocol(voxels="one scan", voxel_scan="scan-1"))
    told = next(n for n in found.notes if n.code == "W-VOX-SCAN")
    assert "from scan-1, which was not measured; scan-2 was taken" in told.text


def test_curves_in_voxels_from_one_scan_fall_back_to_the_regions_and_say_so() -> None:
    of = scene(replace(EVEN, times_h=(72.0,)))

    found, plain = integrate(of, protocol(**FIT)), integrate(of, protocol(**REGION))

    assert codes(found) == ["W-VOX-SCANS"]
    assert "needs 2 SPECT scans, there are 1" in found.notes[0].text
    assert np.array_equal(found.outside, plain.outside)
    assert found.fallback == {}


@pytest.mark.parametrize("way", [FIT, REGION, ONE])
def test_the_same_scans_give_the_same_bytes(way: dict[str, str]) -> None:
    of = replace(scene(Phantom()), fwhm_mm=11.0)
    once, again = integrate(of, protocol(**way)), integrate(of, protocol(**way))
    assert np.array_equal(once.outside, again.outside)
    assert np.array_equal(once.inside[ORGAN].per_ml, again.inside[ORGAN].per_ml)
    assert once.method == again.method


def test_nothing_is_written_into_the_scans() -> None:
    of = replace(scene(Phantom()), fwhm_mm=11.0)
    before: list[NDArray[np.float32]] = [m.copy() for m in of.maps]
    for m in of.maps:
        m.flags.writeable = False
    for way in (FIT, REGION, ONE):
        integrate(of, protocol(**way))
    assert all(np.array_equal(m, b) for m, b in zip(of.maps, before, strict=True))


def shipped(name: str, *lines: str) -> str:
    text = files("quimby.protocols").joinpath("data", f"{name}.toml").read_text("utf-8")
    return text.replace("[calculation]\n", "\n".join(["[calculation]", *lines, ""]))


@pytest.mark.parametrize(("name", "lines", "says"), [
    ("LU-STP", ['voxels = "fit"'], "a curve in every voxel needs 2 SPECT scans at least, 1 are"),
    ("LU-FULL", ['voxels = "one scan"', 'voxel_scan = "scan-9"'],
     "no SPECT scan is called 'scan-9'; they are scan-1, scan-2, scan-3, scan-4"),
    ("LU-FULL", ['voxel_scan = "scan-2"'], "only voxels = \"one scan\" takes one"),
    ("LU-FULL", ['voxels = "curves"'], "'region', 'one scan' or 'fit'"),
])  # fmt: skip
def test_a_protocol_that_cannot_integrate_its_voxels_is_refused(
    name: str, lines: list[str], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        protocols.read(shipped(name, *lines), where="ours.toml")


def test_lu_full_integrates_voxels_by_the_region() -> None:
    """Found the best of the three on case A: `python -m benchmarks.voxel_ways`."""
    assert protocols.load("LU-FULL").imaging.voxels == "region"
