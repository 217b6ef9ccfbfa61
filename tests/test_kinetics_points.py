"""One point, two points, trapezoids, bounds and later cycles."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from quimby.core.errors import InputError, MethodUnfit, QuimbyError
from quimby.core.notes import Note
from quimby.core.uncertain import Uncertain, exact, relative
from quimby.kinetics.bounds import check_bound, implant_tia_mbq_h, largest_tiac_h, tiac_h
from quimby.kinetics.fit import fit
from quimby.kinetics.one_point import (
    OnePoint,
    best_time_h,
    other_nuclide_tia_mbq_h,
    population_bias,
    population_half_life_tia,
    twice_time_ratio,
    twice_time_tia,
)
from quimby.kinetics.priors import Prior, priors
from quimby.kinetics.reduced import between_measured, own_half_life_tia, same_dose_per_activity
from quimby.kinetics.samples import looks, undo_decay_correction
from quimby.kinetics.spread import LEAST
from quimby.kinetics.trapezoid import trapezoid
from quimby.kinetics.two_points import two_points

TP = 159.528
LN2 = log(2)
POPULATION = Prior("effective", 51, 0.18, "population half-life, kidney", "a table", "M")


def codes(notes: Iterable[Note]) -> set[str]:
    return {n.code for n in notes}


@given(st.floats(10, 200), st.floats(1, 300))
@settings(deadline=None)
def test_the_population_method_is_the_integral_of_its_exponential(T: float, t: float) -> None:
    at_start = 10 * 2 ** (t / T)
    whole, _ = quad(lambda x: at_start * T * 2**-x, 0, np.inf)
    found = population_half_life_tia(exact(10.0), t, Prior("effective", T, 0.2, "p"))
    assert found.tia_mbq_h.value == pytest.approx(whole, rel=1e-6)


def test_the_doubt_at_the_best_time_is_not_zero_but_ten_percent_at_least() -> None:
    best = best_time_h(51)
    found = population_half_life_tia(relative(80, counts=0.03), best, POPULATION)
    of_population = found.tia_mbq_h.parts[POPULATION.cause] / found.tia_mbq_h.value
    least = found.tia_mbq_h.parts[LEAST] / found.tia_mbq_h.value
    assert 0.02 < of_population < 0.04
    assert sqrt(of_population**2 + least**2) == pytest.approx(0.10)
    assert found.bias[1] == pytest.approx(0, abs=1e-9)
    assert found.bias[0] == pytest.approx(
        min(population_bias(best, population_h=51, true_h=51 * np.exp(s * 1.6449 * 0.18))
            for s in (1, -1)), rel=1e-3,
    )  # fmt: skip


def test_the_doubt_of_an_early_scan_is_that_of_simulated_patients() -> None:
    random = np.random.default_rng(3)
    true = 51 * np.exp(0.18 * random.standard_normal(20000))
    tia = 80 * 2 ** (24 / true) * true / LN2
    found = population_half_life_tia(exact(80), 24.0, POPULATION)
    rms = sqrt(float(np.mean((tia - found.tia_mbq_h.value) ** 2)))
    assert found.tia_mbq_h.u == pytest.approx(rms, rel=0.05)


@pytest.mark.parametrize("sd", [0.18, 0.3, 0.45])
@pytest.mark.parametrize("time", [24, 48, 72, 96, 120])
@pytest.mark.parametrize("method", [population_half_life_tia, twice_time_tia])
def test_the_interval_of_the_population_alone_holds_95_of_100_patients(
    method: Callable[..., OnePoint], time: float, sd: float
) -> None:
    found = method(exact(80), time, Prior("effective", 51, sd, "population")).tia_mbq_h
    low, high = Uncertain(found.value, {"population": found.parts["population"]}).interval()
    true = 51 * np.exp(sd * np.random.default_rng(4).standard_normal(20000))
    tia = 80 * 2 ** (time / true) * true / LN2
    assert np.mean((low <= tia) & (tia <= high)) == pytest.approx(0.95, abs=0.01)


def test_so_late_that_no_interval_can_hold_them_the_doubt_exceeds_the_value() -> None:
    found = population_half_life_tia(exact(80), 168, Prior("effective", 35.5, 0.45, "p"))
    assert found.tia_mbq_h.u_rel > 5
    assert "W-STP-WINDOW" in codes(found.notes)


@pytest.mark.parametrize(("time", "noted"), [(38.2, True), (38.3, False), (127.5, False),
                                             (127.6, True)])  # fmt: skip
def test_outside_its_window_one_scan_is_computed_and_noted(time: float, noted: bool) -> None:
    found = twice_time_tia(exact(10), time, POPULATION)
    assert ("W-STP-WINDOW" in codes(found.notes)) is noted


def test_twice_the_time_is_right_at_one_and_two_half_lives() -> None:
    assert twice_time_ratio(1) == twice_time_ratio(2) == 1
    found = twice_time_tia(exact(10), 51, POPULATION)
    assert found.tia_mbq_h.value == pytest.approx(10 * 2 * 51 / LN2)


def test_the_same_nuclide_imaged_and_given_is_the_plain_method() -> None:
    found = other_nuclide_tia_mbq_h(exact(4), 24, imaged_half_life_h=TP, therapy_half_life_h=TP,
                                    biological_half_life_h=75)  # fmt: skip
    T = 1 / (1 / TP + 1 / 75)
    assert found.value == pytest.approx(4 * 2 ** (24 / T) * T / LN2)


@pytest.mark.parametrize(("activity", "time", "says"), [
    (-3.0, 50.0, "the activity is -3 MBq, and must be above zero"),
    (3.0, 0.0, "the time is 0 h, and must be above zero"),
])  # fmt: skip
def test_what_one_point_says_when_it_cannot_answer(activity: float, time: float, says: str) -> None:
    with pytest.raises(InputError, match=says):
        population_half_life_tia(Uncertain(activity), time, POPULATION)


def test_two_points_agree_with_the_fit() -> None:
    readings = [relative(120, a=0.05, cal=0.03), relative(45, b=0.08, cal=0.03)]
    closed = two_points((24, 168), readings, physical_half_life_h=TP)
    fitted = fit("mono", (24, 168), readings, physical_half_life_h=TP)
    assert closed.tia_mbq_h.value == pytest.approx(fitted.tia_mbq_h.value, rel=1e-9)
    assert closed.tia_mbq_h.parts == pytest.approx(dict(fitted.tia_mbq_h.parts), rel=1e-7)
    assert closed.half_life_h.u == pytest.approx(fitted.half_lives_h["effective"].u, rel=1e-7)
    assert closed.tia_mbq_h.parts["cal"] == pytest.approx(0.03 * closed.tia_mbq_h.value)


@pytest.mark.parametrize("organ", ["kidney", "lesion"])
def test_two_points_with_a_populations_uptake_hold_95_of_100_of_its_patients(organ: str) -> None:
    random = np.random.default_rng(6)
    z = random.standard_normal((5, 1500))
    told = enumerate(priors(organ, with_half_life=True))
    half_life, phase, start = (p.median * np.exp(p.sd_ln * z[i]) for i, p in told)
    t = np.array([24.0, 168.0])[:, None]
    seen = 2 ** (-t / half_life) - (1 - start) * 2 ** (-t / phase)
    true = half_life / LN2 - (1 - start) * phase / LN2
    inside = {True: 0, False: 0}
    for (one, two), tia in zip((seen * (1 + 0.03 * z[3:])).T, true, strict=True):
        for known in inside:
            found = two_points((24, 168), [relative(one, a=0.03), relative(two, b=0.03)],
                               uptake=priors(organ) if known else ()).tia_mbq_h  # fmt: skip
            low, high = found.interval()
            inside[known] += low <= tia <= high
    assert 0.92 <= inside[True] / 1500 <= 0.98  # slow uptake and a slow half-life look alike
    assert inside[False] / 1500 < 0.92


def test_one_scan_of_a_map_has_the_least_doubt_and_two_have_not() -> None:
    def parts(times: list[float]) -> set[str]:
        readings = [relative(80 * 2 ** (-t / 51), **{f"c{t:g}": 0.05}) for t in times]
        return set(fit("mono", times, readings, priors=[POPULATION]).tia_mbq_h.parts)

    assert LEAST in parts([72.0])
    assert LEAST not in parts([24.0, 96.0])


@pytest.mark.parametrize(("pair", "says"), [((40, 46), "does not fall: 40 at 24 h, 46 at 96 h"),
                                            ((40, 38), "slower than it decays")])  # fmt: skip
def test_two_points_that_do_not_clear_are_refused(pair: tuple[float, float], says: str) -> None:
    with pytest.raises(MethodUnfit, match=says):
        two_points((24, 96), [exact(a) for a in pair], physical_half_life_h=TP)


def test_trapezoids_by_hand_with_each_start_and_tail() -> None:
    readings = [exact(a) for a in (40.0, 20.0)]

    def area(start: str, tail: str) -> tuple[float, float]:
        found = trapezoid((10, 60), readings, start=start, tail=tail, physical_half_life_h=TP,
                          tail_half_life_h=100)  # fmt: skip
        return found.observed_mbq_h.value, found.tail_mbq_h.value

    drawn_back = 50 / LN2 * 40 * (2**0.2 - 1)
    assert area("linear_from_zero", "mono_from_last_two") == pytest.approx((1700, 20 * 50 / LN2))
    assert area("constant_backward", "physical") == pytest.approx((1900, 20 * TP / LN2))
    assert area("back_extrapolated", "given") == pytest.approx((1500 + drawn_back, 2000 / LN2))


def test_dense_trapezoids_come_to_the_fit() -> None:
    times = tuple(np.arange(1.0, 300.0, 1.0))
    readings = [relative(100 * 2 ** (-t / 51), **{f"s{t:g}": 0.05}) for t in times]
    found = trapezoid(times, readings, start="back_extrapolated", physical_half_life_h=TP)
    assert found.tia_mbq_h.value == pytest.approx(5100 / LN2, rel=1e-4)


def test_a_shared_cause_goes_through_a_trapezoid_whole() -> None:
    readings = [relative(a, calibration=0.04, **{f"c{a}": 0.05}) for a in (50, 70, 30, 12)]
    found = trapezoid((4, 24, 96, 168), readings, physical_half_life_h=TP).tia_mbq_h
    assert found.parts["calibration"] == pytest.approx(0.04 * found.value, rel=1e-6)


def test_random_doubt_through_a_trapezoid_is_that_of_many_draws() -> None:
    random = np.random.default_rng(1)
    values = np.array([50.0, 70.0, 30.0, 12.0])
    readings = [relative(a, **{f"c{a}": 0.03}) for a in values]
    stated = trapezoid((4, 24, 96, 168), readings, physical_half_life_h=TP).tia_mbq_h.u
    draws = [
        trapezoid((4, 24, 96, 168), [exact(float(a)) for a in values * (1 + 0.03 * z)],
                  physical_half_life_h=TP).tia_mbq_h.value
        for z in random.standard_normal((400, 4))
    ]  # fmt: skip
    assert np.std(draws) == pytest.approx(stated, rel=0.12)


@pytest.mark.parametrize(("values", "tail", "code"), [
    ((20.0, 40.0), "mono_from_last_two", "E-TIA-NOCLEAR"),
    ((40.0, 39.0), "mono_from_last_two", "E-TIA-TEFF-GT-TPHYS"),
    ((40.0, 20.0), "given", "E-TIA-NOCLEAR"),
    ((40.0, 20.0), "none", "E-TIA-MODEL"),
    ((40.0,), "physical", "E-TIA-FEW"),
])  # fmt: skip
def test_a_trapezoid_without_an_end_is_refused(
    values: tuple[float, ...], tail: str, code: str
) -> None:
    with pytest.raises(QuimbyError) as caught:
        trapezoid((10, 60)[: len(values)], [exact(a) for a in values], tail=tail,
                  physical_half_life_h=TP)  # fmt: skip
    assert caught.value.code == code


def test_not_even_all_activity_for_ever_exceeds_the_bound() -> None:
    assert largest_tiac_h(TP) == pytest.approx(230.15, abs=0.005)  # 177Lu, IMAGING 3.1
    check_bound(230.15, physical_half_life_h=TP)
    with pytest.raises(QuimbyError, match=r"240.00 h is above the physical limit of 230.15 h"):
        check_bound(240, physical_half_life_h=TP)
    with pytest.raises(QuimbyError, match="E-TIA-BOUND"):
        check_bound(30, physical_half_life_h=TP, fraction=0.1)


def test_an_implant_that_never_clears_reaches_the_bound() -> None:
    tia = implant_tia_mbq_h(relative(1000, vial=0.03), 64.1)
    assert tiac_h(tia, exact(1000)).value == pytest.approx(largest_tiac_h(64.1))
    assert tia.u_rel == pytest.approx(0.03)


def test_a_decay_corrected_reading_goes_back_to_what_was_there() -> None:
    assert undo_decay_correction(exact(80), TP, physical_half_life_h=TP).value == 40


def test_what_looks_wrong_is_noted_and_what_looks_right_is_not() -> None:
    def seen(times: tuple[float, ...], values: tuple[float, ...], reference: str = "NONE"
             ) -> set[str]:  # fmt: skip
        return codes(looks(times, values, where="kidney", physical_half_life_h=TP,
                           decay_reference=reference))  # fmt: skip

    assert seen((24, 96), (40, 20)) == set()
    assert seen((1, 4, 7), (40, 20, 10)) == {"W-TIA-TIMEUNIT"}
    assert seen((24, 96), (20, 21)) == {"W-TIA-RISING"}
    assert seen((24, 96), (40, 20), "ADMIN") == {"W-TIA-DECAYCORR"}


def test_a_later_cycle_takes_the_patients_own_half_life() -> None:
    found = own_half_life_tia(relative(60, counts=0.04), 24, exact(51))
    assert found.value.value == pytest.approx(60 * 2 ** (24 / 51) * 51 / LN2)
    assert found.value.u_rel == pytest.approx(0.04)
    assert codes(found.notes) == {"I-TIA-CARRIED"}


def test_doubt_of_the_carried_half_life_is_that_of_many_draws() -> None:
    random = np.random.default_rng(2)
    T = 51 * (1 + 0.12 * random.standard_normal(20000))
    found = own_half_life_tia(exact(60), 24, relative(51, fit=0.12))
    assert found.value.u == pytest.approx(float(np.std(60 * 2 ** (24 / T) * T / LN2)), rel=0.1)


def test_at_the_best_time_the_carried_half_life_still_leaves_doubt() -> None:
    found = own_half_life_tia(exact(60), 51 / LN2, relative(51, fit=0.1))
    assert found.value.u_rel == pytest.approx(0.5 * 0.1**2, rel=1e-6)


def test_a_tumours_carried_dose_is_warned_of_and_more_doubtful() -> None:
    kidney = same_dose_per_activity(exact(3.4), 7400, 7100, tissue="kidney")
    tumour = same_dose_per_activity(exact(3.4), 7400, 7100, tissue="lesion")
    assert kidney.value.value == tumour.value.value == pytest.approx(3.4 * 7.1 / 7.4)
    assert kidney.value.u_rel == pytest.approx(0.10)
    assert tumour.value.u_rel == pytest.approx(0.25)
    assert codes(tumour.notes) == {"I-TIA-CARRIED", "W-TIA-TUMOUR-CARRY"}


def test_between_two_measured_cycles_the_dose_lies_on_a_line() -> None:
    found = between_measured((1, exact(0.5)), (3, exact(0.7)), 2, tissue="kidney")
    assert found.value.value == pytest.approx(0.6)
    assert found.value.u_rel == pytest.approx(0.10)
