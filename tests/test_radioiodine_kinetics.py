"""Curves of iodine: in the thyroid, the blood and the whole body."""

from __future__ import annotations

from math import e, exp, inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp
from scipy.optimize import minimize

from quimby.core.errors import MethodUnfit, QuimbyError
from quimby.core.uncertain import Uncertain, exact
from quimby.kinetics import retention
from quimby.kinetics.log_line import LogLine, log_line
from quimby.kinetics.priors import Prior, priors
from quimby.kinetics.select import aicc_known_variance, select
from quimby.kinetics.thyroid import (
    assumed_uptake,
    compartments,
    equal_rates,
    first_order_u_rel,
    least_tiac_h,
    one_reading,
    one_reading_twice_time,
    twice_time_tiac_h,
    two_compartments,
    uptake_at,
    washout_only,
)
from quimby.physics.nuclides import LN2, nuclide

TP = nuclide("I-131").half_life_h.value
PRIOR = Prior("effective", 132.0, 0.2, "half-life, population")
RATES = {"k_t": 0.06, "k_b": 0.15, "k_thyroid": LN2 / 132}


def codes(notes: object) -> set[str]:
    return {n.code for n in notes}  # type: ignore[attr-defined]


def readings(times: list[float], u_rel: float = 0.0, **rates: float) -> list[Uncertain]:
    values = [uptake_at(t, **{**RATES, **rates}) for t in times]
    return [Uncertain(v, {f"counts, neck {t:g} h": u_rel * v} if u_rel else {})
            for t, v in zip(times, values, strict=True)]  # fmt: skip


def test_the_closed_curve_solves_the_two_compartments() -> None:
    def flow(_: float, y: np.ndarray) -> list[float]:
        return [-RATES["k_b"] * y[0], RATES["k_t"] * y[0] - RATES["k_thyroid"] * y[1]]

    found = solve_ivp(flow, (0, 200), [1.0, 0.0], t_eval=[5, 24, 200], rtol=1e-10, atol=1e-12)

    assert found.y[1] == pytest.approx([uptake_at(t, **RATES) for t in (5, 24, 200)], rel=1e-6)


@given(k_b=st.floats(0.02, 1.0), ratio=st.floats(0.05, 1.0), share=st.floats(0.1, 0.9))
def test_integral_and_maximum_agree_with_slow_ways(k_b: float, ratio: float, share: float) -> None:
    rates = {"k_t": share * k_b, "k_b": k_b, "k_thyroid": ratio * k_b}

    found = compartments(**rates)

    area, _ = quad(lambda t: uptake_at(t, **rates), 0, 60 / rates["k_thyroid"], limit=400,
                   points=[found.peak_time_h])  # fmt: skip
    assert found.tiac_h == pytest.approx(area, rel=1e-5)
    for shift in (0.97, 1.03):
        assert uptake_at(found.peak_time_h * shift, **rates) < found.peak_uptake


def test_where_both_rates_are_one_the_curve_has_its_limit() -> None:
    assert uptake_at(20, k_t=0.01, k_b=0.05, k_thyroid=0.05) == pytest.approx(0.2 * exp(-1))
    beside = uptake_at(20, k_t=0.01, k_b=0.05 + 1e-9, k_thyroid=0.05)
    assert beside == pytest.approx(0.2 * exp(-1), rel=1e-7)
    assert compartments(k_t=0.01, k_b=0.05, k_thyroid=0.05).peak_time_h == 20
    with pytest.raises(QuimbyError, match="E-NUM-NONPOS  The rate k_B is 0 1/h"):
        uptake_at(20, k_t=0.01, k_b=0, k_thyroid=0.05)


@settings(max_examples=15, deadline=None)
@given(half_life=st.floats(60, 180), k_b=st.floats(0.06, 0.4), share=st.floats(0.1, 0.9))
def test_three_exact_readings_give_back_the_curve(
    half_life: float, k_b: float, share: float
) -> None:
    rates = {"k_thyroid": LN2 / half_life, "k_b": k_b, "k_t": share * (k_b - LN2 / TP)}
    times = [5.0, 30.0, 144.0]

    found = two_compartments(times, readings(times, **rates), physical_half_life_h=TP)

    assert found.tiac_h.value == pytest.approx(compartments(**rates).tiac_h, rel=1e-4)
    assert found.uptake_rate_per_h is not None
    assert found.uptake_rate_per_h.value == pytest.approx(rates["k_t"], rel=1e-3)
    assert found.fit is not None
    assert found.fit.p is None  # no degree of freedom: nothing to judge it by
    assert "W-RIU-KINETICS" not in codes(found.notes)


def test_the_doubt_of_three_readings_is_that_of_many_draws() -> None:
    times = [5.0, 30.0, 144.0]
    found = two_compartments(times, readings(times, 0.02), physical_half_life_h=TP)
    random = np.random.default_rng(3)
    drawn = []
    for _ in range(100):
        noisy = [x.value * exp(0.02 * random.standard_normal()) for x in readings(times)]
        drawn.append(two_compartments(times, [exact(x) for x in noisy], physical_half_life_h=TP))

    random_u = Uncertain(1.0, {c: u for c, u in found.tiac_h.parts.items() if "counts" in c}).u
    assert random_u == pytest.approx(float(np.std([d.tiac_h.value for d in drawn])), rel=0.25)


def test_leaving_out_the_uptake_makes_the_integral_too_large() -> None:
    data = [exact(0.48), exact(0.26)]
    six = Prior("uptake", 6.0, 0.3, "uptake half-time, assumed")

    with_uptake = assumed_uptake([24, 144], data, six, physical_half_life_h=TP)
    without = washout_only([24, 144], data, physical_half_life_h=TP)

    assert with_uptake.tiac_h.value == pytest.approx(98.4197, rel=1e-5)
    assert without.tiac_h.value / with_uptake.tiac_h.value == pytest.approx(1.079, abs=5e-4)
    assert "W-UPTAKE-NEGLECTED" in codes(without.notes)
    assert "W-UPTAKE-ASSUMED" in codes(with_uptake.notes)
    assert with_uptake.tiac_h.parts["uptake half-time, assumed"] != 0


def test_decay_corrected_values_taken_as_effective_are_refused_by_name() -> None:
    corrected = [exact(0.30), exact(0.29)]
    with pytest.raises(MethodUnfit, match="E-TIA-TEFF-GT-TPHYS") as caught:
        washout_only([24, 144], corrected, physical_half_life_h=TP)
    assert "decay-corrected" in caught.value.do

    then = [retention.as_effective(u, t, decay_corrected=True, half_life_h=TP)
            for t, u in zip([24, 144], corrected, strict=True)]  # fmt: skip
    found = washout_only([24, 144], then, physical_half_life_h=TP)
    assert found.half_life_h is not None
    assert found.half_life_h.value < TP


def test_a_washout_as_slow_as_decay_within_the_noise_is_held_there() -> None:
    doubtful = [Uncertain(0.30, {"counts, a": 0.03}), Uncertain(0.24, {"counts, b": 0.024})]

    found = washout_only([24, 96], doubtful, physical_half_life_h=TP)

    assert found.half_life_h is not None
    assert found.half_life_h.value == pytest.approx(TP)
    assert "W-TIA-AT-PHYSICAL" in codes(found.notes)


def test_a_rise_after_a_day_is_no_washout_and_per_cent_no_fraction() -> None:
    with pytest.raises(MethodUnfit, match=r"E-TIA-NOCLEAR .* 0.3 at 24 h, 0.31 at 144 h"):
        washout_only([24, 144], [exact(0.30), exact(0.31)], physical_half_life_h=TP)
    with pytest.raises(QuimbyError, match="E-RIU-RANGE") as caught:
        one_reading(144, exact(25), PRIOR)
    assert "not per cent" in caught.value.do


def test_a_late_single_reading_forgives_the_half_life_and_an_early_one_does_not() -> None:
    late, early = one_reading(144, exact(0.25), PRIOR), one_reading(24, exact(0.45), PRIOR)

    assert late.tiac_h.value == pytest.approx(101.4109, rel=1e-5)
    assert early.tiac_h.value == pytest.approx(97.20614, rel=1e-5)
    assert late.tiac_h.u_rel < 0.11 < 0.15 < early.tiac_h.u_rel
    assert "W-SINGLE-EARLY" in codes(early.notes)
    assert "W-SINGLE-EARLY" not in codes(late.notes)


def test_first_order_errors_are_the_published_five_and_seventeen_per_cent() -> None:
    spread = Uncertain(132, {"population": 26})

    assert first_order_u_rel(24, spread) == pytest.approx(0.172, abs=5e-4)
    assert first_order_u_rel(144, spread) == pytest.approx(0.048, abs=5e-4)
    assert first_order_u_rel(132 / LN2, spread) == pytest.approx(0, abs=1e-12)


@given(st.floats(0.75, 2.5))
def test_twice_the_time_lies_between_0_88_and_1_06_of_the_truth(x: float) -> None:
    truth = 132 / LN2
    uptake = 2**-x

    ratio = twice_time_tiac_h(x * 132, uptake) / truth

    assert 0.88 < ratio < 1.065
    assert least_tiac_h(x * 132, uptake) <= truth * (1 + 1e-12)
    assert one_reading_twice_time(x * 132, exact(uptake), PRIOR).tiac_h.value == pytest.approx(
        ratio * truth
    )


def test_the_least_integral_is_reached_at_a_mean_life_of_the_time() -> None:
    assert least_tiac_h(100, 1 / e) == pytest.approx(100)  # A = 1, mean life 100 h


def test_population_half_lives_come_with_their_source_and_as_unverified() -> None:
    for name in ("graves", "toxic adenoma", "multifocal", "non-toxic goitre"):
        found = {p.quantity: p for p in priors(name, file="priors_i131_thyroid",
                                               with_half_life=True)}  # fmt: skip
        assert 110 < found["effective"].median < 150
        assert found["uptake"].median == 6
        assert not found["effective"].constant().verified


# Retention


def test_exact_exponentials_are_integrated_exactly_phase_by_phase() -> None:
    times = [0.5, 5.0, 24.0, 48.0, 100.0]
    values = [exact(exp(-0.04 * t)) for t in times]

    found = retention.area(times, values, half_life_h=TP)

    assert found.head.value == pytest.approx(0.5 * exp(-0.02))  # held at its value
    assert found.body.value == pytest.approx((exp(-0.02) - exp(-4)) / 0.04)
    assert found.tail.value == pytest.approx(exp(-4) / 0.04)
    assert found.extrapolated == pytest.approx(found.tail.value / found.total.value)
    assert found.physical_total.value > found.total.value


def test_a_slope_of_more_points_is_that_of_a_line_through_their_logarithms() -> None:
    times, values = [2, 24, 48, 96], [1.0, 0.5, 0.2, 0.06]

    found = retention.area(times, [exact(v) for v in values], half_life_h=TP, tail_points=3)

    slope = np.polyfit(times[1:], np.log(values[1:]), 1)[0]
    assert found.tail_rate_per_h.value == pytest.approx(-slope)


@given(st.integers(0, 4), st.floats(1.001, 1.2), st.sampled_from(["log", "linear"]))
def test_with_a_physical_tail_a_larger_reading_is_a_larger_area(
    i: int, factor: float, rule: str
) -> None:
    times, values = [2, 6, 24, 48, 96], [1.0, 0.82, 0.38, 0.14, 0.03]

    def total(v: list[float]) -> float:
        found = retention.area(times, [exact(x) for x in v], half_life_h=TP, rule=rule,
                               tail="physical")  # fmt: skip
        return found.total.value

    more = [v * factor if i == j else v for j, v in enumerate(values)]
    assert total(more) > total(values)


@pytest.mark.parametrize("rule", ["log", "linear"])
def test_the_doubt_of_an_area_is_that_of_small_changes(rule: str) -> None:
    times, values = [2, 6, 24, 48, 96], [1.0, 0.82, 0.38, 0.14, 0.03]
    read = [Uncertain(v, {f"counts {t} h": 0.01 * v, "meter": 0.03 * v})
            for t, v in zip(times, values, strict=True)]  # fmt: skip

    found = retention.area(times, read, half_life_h=TP, rule=rule)

    assert found.total.parts["meter"] == pytest.approx(0.03 * found.total.value)
    for i, t in enumerate(times):
        moved = [exact(v * 1.0001 if i == j else v) for j, v in enumerate(values)]
        slow = retention.area(times, moved, half_life_h=TP, rule=rule).total.value
        slope = (slow - found.total.value) / 1e-4
        assert found.total.parts[f"counts {t} h"] == pytest.approx(0.01 * slope, rel=1e-3)


def test_a_tail_slower_than_decay_is_held_or_refused() -> None:
    flat = [exact(1.0), exact(0.98), exact(0.97)]
    with pytest.raises(QuimbyError, match="E-TIA-TEFF-GT-TPHYS"):
        retention.area([2, 24, 48], flat, half_life_h=TP)
    with pytest.raises(QuimbyError, match="E-TIA-NOCLEAR"):
        retention.area([2, 24, 48], [exact(0.5), exact(0.2), exact(0.3)], half_life_h=TP)
    noisy = [Uncertain(x.value, {f"position {i}": 0.05}) for i, x in enumerate(flat)]
    held = retention.area([2, 24, 48], noisy, half_life_h=TP)
    assert held.tail_rate_per_h.value == pytest.approx(LN2 / TP)
    assert {"W-TIA-AT-PHYSICAL", "S-TIA-TAIL"} <= codes(held.notes)


@pytest.mark.parametrize(
    ("times", "values", "extra", "code"),
    [
        ([24, 2], [0.5, 0.9], {}, "E-TIA-TIME"),
        ([-1, 2], [0.5, 0.9], {}, "E-TIA-TIME"),
        ([2, 24], [0.5, 0.0], {}, "E-TIA-NONPOS"),
        ([2], [0.5], {}, "E-TIA-FEW"),
        ([2, 24], [0.9, 0.5], {"tail_points": 3}, "E-TIA-FEW"),
        ([2, 24], [0.9, 0.5], {"rule": "cubic"}, "E-TIA-MODEL"),
    ],
)
def test_an_area_says_what_it_lacks(
    times: list[float], values: list[float], extra: dict[str, object], code: str
) -> None:
    with pytest.raises(QuimbyError) as caught:
        retention.area(times, [exact(v) for v in values], half_life_h=TP, **extra)  # type: ignore[arg-type]
    assert caught.value.code == code


@given(st.floats(0, 300))
def test_a_value_between_readings_lies_on_the_exponential(time: float) -> None:
    times = [2.0, 24.0, 96.0]
    values = [Uncertain(exp(-0.03 * t), {"meter": 0.03 * exp(-0.03 * t)}) for t in times]

    found = retention.value_at(time, times, values, half_life_h=TP)

    if time > 2:
        assert found.value == pytest.approx(exp(-0.03 * time))
    assert found.parts["meter"] == pytest.approx(0.03 * found.value)


def test_another_nuclide_on_the_same_molecule_decays_otherwise() -> None:
    h124 = nuclide("I-124").half_life_h.value
    biology = 0.35  # decay-corrected retention at 48 h
    seen = biology * 2 ** (-48 / h124)

    found = retention.of_other_nuclide(exact(seen), 48, measured_half_life_h=h124,
                                       wanted_half_life_h=TP)  # fmt: skip

    assert found.value == pytest.approx(biology * 2 ** (-48 / TP))


def test_exponentials_have_their_closed_integral() -> None:
    assert retention.exponentials_tia([3e-5, 3e-6], [6, 60]) == pytest.approx(3.6e-4 / LN2)


def test_one_reading_gives_the_mean_life() -> None:
    tiac = retention.one_reading_tiac_h(Uncertain(exp(-2), {"counts": 0.05 * exp(-2)}), 48)

    assert tiac.value == pytest.approx(24)
    assert tiac.u_rel == pytest.approx(0.05 / 2)


# The line through logarithms


def test_a_line_with_a_prior_is_the_least_of_its_sum() -> None:
    times, values, u = [24.0, 48.0], [0.45, 0.44], 0.05
    prior = Uncertain(LN2 / 132, {"population": 0.001})

    def cost(x: np.ndarray) -> float:
        misfit = [(np.log(v) - x[0] + x[1] * t) / u for t, v in zip(times, values, strict=True)]
        return float(np.sum(np.square(misfit)) + ((x[1] - prior.value) / prior.u) ** 2)

    slow = minimize(cost, [-0.7, 0.005], method="Nelder-Mead",
                    options={"xatol": 1e-10, "fatol": 1e-12})  # fmt: skip
    found = log_line(times, values, u_relative=u, rate_prior=prior)

    assert found.rate_per_h.value == pytest.approx(slow.x[1], rel=1e-5)
    assert found.amplitude == pytest.approx(exp(slow.x[0]), rel=1e-5)
    assert codes(found.notes) == {"W-PRIOR-DOMINATES"}
    assert found.prior_share == pytest.approx(0.892, abs=1e-3)


def test_a_flat_prior_changes_nothing_and_good_data_outweigh_one() -> None:
    times, values = [24.0, 48.0, 96.0, 168.0], [100.0, 82.0, 52.0, 27.0]

    def with_spread(sd: float | None) -> LogLine:
        prior = None if sd is None else Uncertain(0.005, {"population": sd})
        return log_line(times, values, u_relative=0.05, rate_prior=prior)

    assert with_spread(1e3).tia.value == pytest.approx(with_spread(None).tia.value)
    assert with_spread(None).prior_share == 0
    assert with_spread(0.005).prior_share < 0.1
    assert with_spread(0.005).notes == ()


@pytest.mark.parametrize(
    ("times", "values", "code"),
    [
        ([24, 48, 96], [10, 0, 5], "E-NUM-NONPOS"),
        ([24, 24, 96], [10, 9, 5], "E-TIA-TIME"),
        ([24], [10], "E-TIA-FEW"),
        ([24, 48], [10, 11], "E-TIA-NOCLEAR"),
        ([24, 48], [10, inf], "E-NUM-FINITE"),
    ],
)
def test_a_line_refuses_what_has_no_logarithm_or_order(
    times: list[float], values: list[float], code: str
) -> None:
    with pytest.raises(QuimbyError) as caught:
        log_line(times, values, u_relative=0.05)
    assert caught.value.code == code


def test_a_model_with_an_undefined_criterion_is_left_out_and_told() -> None:
    times, values = [4, 24, 48, 96, 168], [70.0, 40, 31, 19, 8.5]
    read = [Uncertain(v, {f"counts {t} h": 0.05 * v}) for t, v in zip(times, values, strict=True)]

    found = select(times, read, ["mono", "bi-clearance"])

    assert found.selected == "mono"
    assert found.excluded == ("bi-clearance",)
    assert codes(found.notes) == {"W-AICC-UNDEFINED"}
    with pytest.raises(QuimbyError, match="E-TIA-FEW"):
        select(times[:3], read[:3], ["mono"])


def test_a_phase_that_one_reading_shows_is_scored_and_told() -> None:
    times, values = [4, 24, 48, 96, 168, 240], [70.0, 40, 31, 19, 8.5, 4.1]
    read = [Uncertain(v, {f"counts {t} h": 0.05 * v}) for t, v in zip(times, values, strict=True)]

    found = select(times, read, ["mono", "bi-clearance"])

    assert found.scores["bi-clearance"].fit is None
    assert found.scores["bi-clearance"].chi2 < found.scores["mono"].chi2
    assert "W-AICC-UNSEEN" in codes(found.notes)


def test_six_readings_of_two_phases_choose_two_phases() -> None:
    times = [2, 6, 24, 48, 96, 144]
    values = [3e-5 * 2 ** (-t / 6) + 3e-6 * 2 ** (-t / 60) for t in times]
    read = [Uncertain(v, {f"counts {t} h": 0.03 * v}) for t, v in zip(times, values, strict=True)]

    found = select(times, read, ["mono", "bi-clearance"], physical_half_life_h=TP)

    assert found.selected == "bi-clearance"
    assert found.scores["bi-clearance"].tia == pytest.approx(3.6e-4 / LN2, rel=1e-4)
    assert found.scores["bi-clearance"].aicc == pytest.approx(48, abs=1e-6)
    assert sum(score.weight for score in found.scores.values()) == pytest.approx(1)
    assert aicc_known_variance(6, 4, 0.0) == pytest.approx(8 + 40)
    assert aicc_known_variance(5, 4, 0.0) is None


def test_beyond_the_last_reading_the_doubt_of_the_slope_grows() -> None:
    times, values = [2.0, 24.0, 96.0], [1.0, 0.5, 0.06]
    read = [Uncertain(v, {f"counts {t:g} h": 0.02 * v}) for t, v in zip(times, values, strict=True)]

    found = retention.value_at(150, times, read, half_life_h=TP)

    for i, t in enumerate(times):
        moved = [exact(v * 1.0001 if i == j else v) for j, v in enumerate(values)]
        slope = (retention.value_at(150, times, moved, half_life_h=TP).value - found.value) / 1e-4
        part = found.parts.get(f"counts {t:g} h", 0.0)
        assert part == pytest.approx(0.02 * slope, rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("k_b", [0.02, 0.0201, 0.021])
def test_nearly_equal_rates_take_their_limit_and_say_so(k_b: float) -> None:
    rates = {"k_t": 0.012, "k_b": k_b, "k_thyroid": 0.02}
    times = [5.0, 30.0, 120.0]

    found = two_compartments(times, readings(times, 0.05, **rates), physical_half_life_h=TP)

    assert found.tiac_h.value == pytest.approx(compartments(**rates).tiac_h, rel=2e-3)
    assert "W-RIU-EQUAL" in codes(found.notes)
    assert found.tiac_h.parts.keys() == {
        *(f"counts, neck {t:g} h" for t in times), "thyroid curve beside two compartments"
    }  # fmt: skip


def test_the_doubt_of_equal_rates_is_that_of_small_changes() -> None:
    rates = {"k_t": 0.012, "k_b": 0.02, "k_thyroid": 0.02}
    times = [5.0, 30.0, 120.0]
    read = readings(times, 0.05, **rates)
    found = equal_rates(times, read, physical_half_life_h=TP)
    assert found is not None

    for i, t in enumerate(times):
        moved = [Uncertain(x.value * (1.0001 if i == j else 1), {"a" * (j + 1): 0.05 * x.value})
                 for j, x in enumerate(read)]  # fmt: skip
        changed = equal_rates(times, moved, physical_half_life_h=TP)
        assert changed is not None
        slope = (changed.tiac_h.value - found.tiac_h.value) / 1e-4
        assert found.tiac_h.parts[f"counts, neck {t:g} h"] == pytest.approx(0.05 * slope, rel=1e-2)


@pytest.mark.parametrize("u_rel", [0.05, 0.15])
def test_readings_that_never_saw_the_uptake_are_refused_and_not_bent(u_rel: float) -> None:
    times = [48.0, 96.0, 168.0]  # with 15 % the limit curve would pass the chi-square test
    late = [Uncertain(v, {f"counts, neck {t:g} h": u_rel * v})
            for t in times for v in [0.5 * 2 ** (-t / 120)]]  # fmt: skip

    assert equal_rates(times, late, physical_half_life_h=TP) is None
    with pytest.raises(MethodUnfit, match="E-TIA-UNSEEN"):
        two_compartments(times, late, physical_half_life_h=TP)


def test_a_head_is_held_or_a_line_from_zero() -> None:
    def head(kind: str) -> float:
        read = [exact(0.8), exact(0.4), exact(0.1)]
        return retention.area([3, 24, 72], read, half_life_h=TP, head=kind).head.value

    assert head("plateau") == pytest.approx(2.4)
    assert head("from zero") == pytest.approx(1.2)
