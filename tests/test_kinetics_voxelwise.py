"""One exponential a voxel: agreement with slow ways, laws, rules and refusals."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import brentq, curve_fit

from quimby.core.errors import QuimbyError
from quimby.core.uncertain import relative
from quimby.kinetics.fit import fit
from quimby.kinetics.two_points import two_points
from quimby.kinetics.voxelwise import STATUS, VoxelFits, fit_voxels

Float = NDArray[np.float64]

TP = 159.528
LN2 = log(2)
TIMES = (24.0, 72.0, 96.0, 168.0)
SLOWEST, FASTEST = LN2 / TP, LN2 / 12  # 12 h: both half of 24 and a quarter of 72 - 24


def noisy(count: int, *, noise: float = 0.1, seed: int = 1) -> Float:
    """Readings of many voxels, (scan, voxel)."""
    random = np.random.default_rng(seed)
    amplitudes = random.lognormal(0.0, 1.0, count)
    half_lives = np.clip(51 * np.exp(0.3 * random.standard_normal(count)), 15, 150)
    clean = amplitudes * np.exp(-np.outer(TIMES, LN2 / half_lives))
    return np.asarray(clean * np.abs(1 + noise * random.standard_normal(clean.shape)))


def fitted(activity: Float, **how: object) -> VoxelFits:
    return fit_voxels(TIMES, activity, physical_half_life_h=TP, **how)  # type: ignore[arg-type]


def slow_way(y: Float, weights: Float | None = None) -> tuple[float, float]:
    """(TIA, rate) of the best curve in the bounds: a fine scan, then the zero of the slope."""
    t, w = np.array(TIMES), np.ones(4) if weights is None else weights

    def amplitude(rate: float) -> float:
        e = np.exp(-rate * t)
        return float((w * y * e).sum() / (w * e * e).sum())

    def misfit(rate: float) -> float:
        return float((w * (y - amplitude(rate) * np.exp(-rate * t)) ** 2).sum())

    def slope(rate: float) -> float:
        e = np.exp(-rate * t)
        return float((w * (y - amplitude(rate) * e) * t * e).sum())

    rates = np.geomspace(SLOWEST, FASTEST, 400)
    k = int(np.argmin([misfit(r) for r in rates]))
    low, high = rates[max(k - 1, 0)], rates[min(k + 1, 399)]
    rate = rates[k]
    if slope(low) * slope(high) < 0:
        rate = brentq(slope, low, high, xtol=1e-15, rtol=1e-14)
    return amplitude(float(rate)) / float(rate), float(rate)


def test_exact_readings_give_back_amplitude_and_rate() -> None:
    found = fitted(noisy(500, noise=0.0))
    again = noisy(500, noise=0.0)
    rate = np.log(again[0] / again[3]) / 144
    assert found.rate_per_h == pytest.approx(rate, rel=3e-7)
    assert found.tia == pytest.approx(again[0] * np.exp(rate * 24) / rate, rel=3e-7)


def test_the_fit_is_that_of_curve_fit() -> None:
    y = noisy(60)
    found = fitted(y)
    for v in range(60):
        (a, k), _ = curve_fit(lambda t, a, k: a * np.exp(-k * t), TIMES, y[:, v],
                              p0=(2 * y[0, v], 0.0136), xtol=1e-13, ftol=1e-13)  # fmt: skip
        if SLOWEST < k < FASTEST:
            assert found.tia[v] == pytest.approx(a / k, rel=1e-7)
            assert found.rate_per_h[v] == pytest.approx(k, rel=1e-6)


@pytest.mark.parametrize("noise", [0.1, 0.4, 1.0])
@pytest.mark.parametrize("weights", [None, (1.0, 3.0, 0.2, 10.0)])
def test_however_noisy_the_answer_is_the_best_in_the_bounds(
    noise: float, weights: tuple[float, ...] | None
) -> None:
    y = noisy(60, noise=noise)
    found = fitted(y, weights=weights)
    for v in range(60):
        if STATUS[int(found.status[v])] == "too fast to tell":
            continue
        tia, rate = slow_way(y[:, v], np.array(weights) if weights else None)
        assert found.rate_per_h[v] == pytest.approx(rate, rel=1e-6)
        assert found.tia[v] == pytest.approx(tia, rel=1e-6)


def test_of_two_valleys_the_deeper_one_is_taken() -> None:
    y = np.array([[1.0], [0.0], [0.0], [1.2]])  # early alone, or flat
    tia, rate = slow_way(y[:, 0])
    found = fitted(y)
    assert (found.tia[0], found.rate_per_h[0]) == (pytest.approx(tia), pytest.approx(rate))


def test_two_scans_are_the_closed_form() -> None:
    y = np.array([[120.0], [45.0]])
    found = fit_voxels((24, 168), y, physical_half_life_h=TP)
    known = two_points((24, 168), [relative(120, a=0.05), relative(45, b=0.05)])
    assert found.tia[0] == pytest.approx(known.tia_mbq_h.value, rel=1e-9)
    assert found.rate_per_h[0] == pytest.approx(known.rate_per_h.value, rel=1e-9)


def test_weights_of_equal_relative_doubt_come_near_the_regions_fit() -> None:
    y = noisy(1, noise=0.02)[:, 0]
    region = fit("mono", TIMES, [relative(float(a), **{f"s{i}": 0.05}) for i, a in enumerate(y)])
    voxel = fitted(y[:, None], weights=[float(1 / a**2) for a in y])
    assert voxel.tia[0] == pytest.approx(region.tia_mbq_h.value, rel=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-12, 1e12), st.integers(0, 1000))
def test_a_scale_of_the_readings_is_a_scale_of_the_answer(factor: float, seed: int) -> None:
    y = noisy(20, noise=0.5, seed=seed)
    once, more = fitted(y), fitted(factor * y)
    assert more.tia == pytest.approx(factor * once.tia, rel=1e-8)
    assert (more.status == once.status).all()


def test_another_unit_of_time_is_another_unit_of_the_answer() -> None:
    y = noisy(50)
    hours = fitted(y)
    days = fit_voxels([t / 24 for t in TIMES], y, physical_half_life_h=TP / 24)
    assert days.tia * 24 == pytest.approx(hours.tia, rel=1e-8)


def test_the_order_of_scans_and_of_voxels_does_not_matter() -> None:
    y = noisy(777, noise=0.3)
    whole = fitted(y, weights=(1, 2, 3, 4), fallback_hours=(9, 8, 7, 6))
    scans = [2, 0, 3, 1]
    mixed = fit_voxels([TIMES[i] for i in scans], y[scans], physical_half_life_h=TP,
                       weights=(3, 1, 4, 2), fallback_hours=(7, 9, 6, 8))  # fmt: skip
    assert np.array_equal(mixed.tia, whole.tia)
    assert np.array_equal(fitted(y, weights=(1, 2, 3, 4), fallback_hours=(9, 8, 7, 6)).tia[::-1],
                          fitted(y[:, ::-1], weights=(1, 2, 3, 4),
                                 fallback_hours=(9, 8, 7, 6)).tia)  # fmt: skip


def test_threads_and_shape_do_not_change_a_bit() -> None:
    y = noisy(5000, noise=0.3)
    one = fitted(y, threads=1)
    shaped = fitted(y.reshape(4, 10, 20, 25), threads=3)
    assert shaped.tia.shape == shaped.status.shape == (10, 20, 25)
    assert np.array_equal(one.tia, shaped.tia.ravel())


def test_several_fits_may_run_at_once() -> None:
    y = noisy(20_000)
    alone = fitted(y)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: fitted(y, threads=2), range(8)))
    assert all(np.array_equal(f.tia, alone.tia) for f in together)


def test_single_precision_in_and_out_costs_only_its_own_rounding() -> None:
    y = noisy(2000)
    single = fitted(y.astype(np.float32))
    assert single.tia.dtype == single.rate_per_h.dtype == np.float32
    assert single.tia == pytest.approx(fitted(y).tia, rel=2e-6)


@given(st.lists(st.just(0.0) | st.floats(1e-200, 1e6), min_size=4, max_size=4))
@settings(max_examples=100, deadline=None)
def test_every_voxel_has_a_finite_answer_and_a_rate_in_the_bounds(values: list[float]) -> None:
    found = fitted(np.array(values)[:, None])
    assert np.isfinite(found.tia[0])
    assert found.tia[0] >= 0
    assert (found.tia[0] == 0) == (max(values) == 0)
    rate = found.rate_per_h[0]
    assert rate == 0 or SLOWEST * (1 - 1e-12) <= rate <= FASTEST * (1 + 1e-12)


def by_hand_flat(y: Float) -> float:
    e = np.exp(-SLOWEST * np.array(TIMES))
    return float((y * e).sum() / (e * e).sum()) / SLOWEST


@pytest.mark.parametrize(("values", "status", "tia"), [
    ((0, 0, 0, 0), "no signal", lambda _: 0.0),
    ((8, 4, 3, 1), "fitted", lambda y: slow_way(y)[0]),
    ((5, 5, 4.5, 4), "at physical decay", by_hand_flat),
    ((1, 2, 3, 4), "rising", by_hand_flat),
    ((0, 0, 0, 4), "rising", by_hand_flat),
    ((5, 0, 0, 0), "too fast to tell", lambda _: 5 * (24 + 24)),
    ((0.4, 0.3, 0.2, 0.1), "below noise",
     lambda _: 0.4 * 48 + 0.3 * 36 + 0.2 * 48 + 0.1 * (36 + 1 / SLOWEST)),
])  # fmt: skip
def test_each_rule_by_hand(
    values: tuple[float, ...], status: str, tia: Callable[[Float], float]
) -> None:
    y = np.array(values, dtype=float)
    found = fitted(y[:, None], noise=0.5)
    assert STATUS[int(found.status[0])] == status
    assert found.counts[status] == 1
    assert found.tia[0] == pytest.approx(tia(y), rel=1e-9)


def test_the_regions_hours_serve_where_no_curve_does() -> None:
    found = fitted(np.array([[5.0], [0], [0], [0]]), fallback_hours=(31, 60, 70, 80))
    assert found.tia[0] == pytest.approx(155)


def test_nothing_is_lost_and_many_rules_are_told() -> None:
    y = np.concatenate([noisy(300, noise=0.5), np.zeros((4, 50)), noisy(100)[::-1]], axis=1)
    found = fitted(y)
    assert sum(found.counts.values()) == 450
    assert found.counts["no signal"] == 50
    (note,) = found.notes
    ruled = 400 - found.counts["fitted"]
    assert note.code == "W-VOX-FALLBACK"
    assert note.value == pytest.approx(ruled / 400)
    assert f"{found.counts['rising']} rising" in note.text
    assert fitted(noisy(300)).notes == ()


def bad(value: float) -> Float:
    y = noisy(2000)
    y[2, 1234] = value
    return y


@pytest.mark.parametrize(("job", "says"), [
    (lambda: fitted(bad(np.nan)), "found 1 not a number"),
    (lambda: fitted(bad(np.inf)), "found 1 above any activity"),
    (lambda: fitted(bad(-1.0)), "found 1 below zero"),
    (lambda: fit_voxels((24, 24), np.ones((2, 3)), physical_half_life_h=TP), "all different"),
    (lambda: fit_voxels((24, 72, 96), np.ones((2, 3)), physical_half_life_h=TP),
     "3 times for 2 scans"),
    (lambda: fit_voxels((24,), np.ones((1, 3)), physical_half_life_h=TP), "1 samples"),
    (lambda: fitted(noisy(3), weights=(1, 1)), "the fit has 2 weights for 4 scans"),
    (lambda: fitted(noisy(3), weights=(1, 0, 1, 1)), "The weight of scan 2 in the fit is 0"),
    (lambda: fitted(noisy(3), fastest_half_life_h=200), "200 h, must be above zero and below"),
])  # fmt: skip
def test_what_it_says_when_it_cannot_answer(job: Callable[[], object], says: str) -> None:
    with pytest.raises(QuimbyError, match=says):
        job()


def test_the_kernels_exponential_is_the_librarys() -> None:
    from quimby.kinetics.voxel_newton import decay

    plain = decay.py_func
    for x in np.linspace(0, 10, 300):
        assert plain(x) == pytest.approx(exp(-x), rel=2e-13)
    for x in np.linspace(10, 60, 300):
        assert plain(x) == pytest.approx(exp(-x), rel=3e-6)
    assert plain(1e9) < 1e-25
