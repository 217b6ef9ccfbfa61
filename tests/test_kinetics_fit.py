"""Curve fits: exact data come back, doubt is carried by cause, bad readings are refused."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from quimby.core.errors import InputError, MethodUnfit, QuimbyError
from quimby.core.uncertain import Uncertain, covariance, exact
from quimby.kinetics.fit import Fit, fit, gathered, share_notes
from quimby.kinetics.models import MODELS, model, peak_time_h
from quimby.kinetics.one_point import population_half_life_tia
from quimby.kinetics.priors import Prior, priors

TP = 159.528
LN2 = log(2)
FOUR = (4.1, 23.7, 71.2, 167.4)
EARLY = (0.5, 2.0, 6.0, 24.0, 48.0, 96.0, 168.0)
LOGS = {
    "mono": (4.0, log(LN2 / 51)),
    "uptake-clearance": (4.0, log(LN2 / 60), log(LN2 / 3)),
    "partial-uptake": (4.0, log(LN2 / 60), log(LN2 / 3), log(0.4)),
    "bi-clearance": (4.0, log(LN2 / 60), 3.5, log(LN2 / 4)),
    "tri": (4.0, log(LN2 / 80), 3.5, log(LN2 / 15), log(LN2 / 0.7)),
    "physical": (4.0,),
}


def curve(a: float, T: float, c: float, T_up: float, times: tuple[float, ...]) -> list[float]:
    return [a * 2 ** (-t / T) - c * 2 ** (-t / T_up) for t in times]


def read(values: list[float], u: float = 0.05, shared: float = 0.0) -> list[Uncertain]:
    return [
        Uncertain(v, {f"counts, scan {i}": u * v, "camera calibration": shared * v})
        for i, v in enumerate(values)
    ]


@pytest.mark.parametrize("name", MODELS)
def test_exact_readings_give_back_the_curve_and_its_integral(name: str) -> None:
    terms = model(name).build(np.array(LOGS[name]), LN2 / TP)
    values = terms.activity(np.array(EARLY)).tolist()
    whole, _ = quad(lambda t: float(terms.activity(np.array([t]))[0]), 0, 4000, limit=400)

    found = fit(name, EARLY, read(values), physical_half_life_h=TP)

    assert found.tia_mbq_h.value == pytest.approx(whole, rel=1e-5)
    assert found.rates_per_h == pytest.approx(terms.rates.tolist(), rel=1e-4)
    assert found.chi2 == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_slopes_of_curve_and_integral_agree_with_small_steps(name: str) -> None:
    x, times = np.array(LOGS[name]), np.array(EARLY)
    terms = model(name).build(x, LN2 / TP)
    for j in range(len(x)):
        step = 1e-6 * np.eye(len(x))[j]
        up, down = (model(name).build(x + s, LN2 / TP) for s in (step, -step))
        slope = (up.activity(times) - down.activity(times)) / 2e-6
        assert terms.activity_slopes(times)[:, j] == pytest.approx(slope, rel=1e-5, abs=1e-6)
        area = (up.integral() - down.integral()) / 2e-6
        assert terms.integral_slopes()[j] == pytest.approx(area, rel=1e-5, abs=1e-4)


def test_an_uptake_curve_peaks_where_it_is_flat() -> None:
    slow, fast = LN2 / 60, LN2 / 3
    peak = peak_time_h(fast, slow)
    assert slow * exp(-slow * peak) == pytest.approx(fast * exp(-fast * peak))


def noisy(name: str = "partial-uptake", shared: float = 0.03) -> Fit:
    values = [v * f for v, f in zip(curve(45, 51, 12, 2, FOUR), (1.05, 0.97, 1.02, 0.96),
                                    strict=True)]  # fmt: skip
    found = priors("kidney") if name == "partial-uptake" else ()
    return fit(name, FOUR, read(values, shared=shared), physical_half_life_h=TP, priors=found)


@pytest.mark.parametrize("name", ["mono", "uptake-clearance", "partial-uptake"])
def test_weights_times_readings_sum_to_the_integral(name: str) -> None:
    found = noisy(name)
    pairs = zip(found.tia_weights_h, found.samples.activities_mbq, strict=True)
    assert sum(w * a.value for w, a in pairs) == pytest.approx(found.tia_mbq_h.value, rel=1e-9)


def test_the_weights_are_the_slopes_of_a_fit_made_again() -> None:
    values = curve(45, 51, 12, 2, FOUR)
    u = [0.05 * v for v in values]
    base = noisy_free(values, u)
    for i in range(4):
        up, down = list(values), list(values)
        up[i], down[i] = values[i] * 1.0005, values[i] * 0.9995
        slope = (noisy_free(up, u).tia_mbq_h.value - noisy_free(down, u).tia_mbq_h.value) / (
            0.001 * values[i]
        )
        assert base.tia_weights_h[i] == pytest.approx(slope, rel=0.02, abs=0.3)


def noisy_free(values: list[float], u: list[float]) -> Fit:
    readings = [Uncertain(v, {f"s{i}": 0.05 * v}) for i, v in enumerate(values)]
    assert len(u) == len(values)
    return fit("partial-uptake", FOUR, readings, physical_half_life_h=TP, priors=priors("kidney"))


def test_a_shared_scale_moves_the_amplitude_alone_and_never_averages_down() -> None:
    found = noisy(shared=0.03)
    cause = "camera calibration"
    assert found.tia_mbq_h.parts[cause] == pytest.approx(0.03 * found.tia_mbq_h.value)
    assert found.parameters["amplitude_mbq"].parts[cause] == pytest.approx(
        0.03 * found.parameters["amplitude_mbq"].value
    )
    assert found.half_lives_h["effective"].parts[cause] == pytest.approx(0, abs=1e-9)


def test_a_shared_scale_does_not_change_the_weights_of_the_samples() -> None:
    assert noisy(shared=0.0).tia_mbq_h.value == pytest.approx(
        noisy(shared=0.2).tia_mbq_h.value, rel=1e-9
    )


@given(st.floats(1e-3, 1e3))
@settings(max_examples=15, deadline=None)
def test_a_scale_of_all_readings_is_a_scale_of_the_answer_and_its_doubt(factor: float) -> None:
    values = [47.0, 30.0, 16.0, 4.5]
    one = fit("mono", FOUR, read(values), physical_half_life_h=TP)
    more = fit("mono", FOUR, read([factor * v for v in values]), physical_half_life_h=TP)
    assert more.tia_mbq_h.value == pytest.approx(factor * one.tia_mbq_h.value, rel=1e-7)
    assert more.tia_mbq_h.u == pytest.approx(factor * one.tia_mbq_h.u, rel=1e-6)
    assert more.rates_per_h == pytest.approx(one.rates_per_h, rel=1e-7)


def test_the_stated_covariance_is_that_of_fits_to_many_draws() -> None:
    random = np.random.default_rng(5)
    clean = np.array(curve(45, 51, 0, 1, FOUR))
    draws = []
    for _ in range(250):
        common = 1 + 0.04 * random.standard_normal()
        seen = clean * common * np.exp(0.03 * random.standard_normal(4))
        found = fit("mono", FOUR, read(seen.tolist(), 0.03, 0.04), physical_half_life_h=TP)
        draws.append([p.value for p in found.parameters.values()] + [found.tia_mbq_h.value])
    stated = fit("mono", FOUR, read(clean.tolist(), 0.03, 0.04), physical_half_life_h=TP)
    wanted = covariance([*stated.parameters.values(), stated.tia_mbq_h])
    seen_sd = np.std(draws, axis=0)
    assert seen_sd == pytest.approx(np.sqrt(np.diag(wanted)), rel=0.15)
    correlation = np.corrcoef(np.array(draws).T)[0, 1]
    u = np.sqrt(np.diag(wanted))
    assert correlation == pytest.approx(wanted[0, 1] / (u[0] * u[1]), abs=0.1)


def test_a_very_wide_prior_says_nothing_and_a_very_tight_one_decides() -> None:
    values = [47.0, 30.0, 16.0, 4.5]
    free = fit("mono", FOUR, read(values), physical_half_life_h=TP)
    wide, tight = (
        fit("mono", FOUR, read(values), physical_half_life_h=TP,
            priors=[Prior("effective", 60, sd, "population")])
        for sd in (1e4, 1e-5)
    )  # fmt: skip
    assert wide.half_lives_h["effective"].value == pytest.approx(
        free.half_lives_h["effective"].value, rel=1e-6
    )
    assert tight.half_lives_h["effective"].value == pytest.approx(60, rel=1e-4)
    assert wide.parameters_told == pytest.approx(2, abs=1e-6)
    assert tight.parameters_told == pytest.approx(1, abs=1e-3)


def test_one_reading_with_a_prior_is_the_population_method() -> None:
    prior = Prior("effective", 51, 0.2, "population half-life")
    found = fit("mono", [48.0], [Uncertain(60, {"counts": 3})], priors=[prior])
    assert found.tia_mbq_h.value == pytest.approx(60 * 2 ** (48 / 51) * 51 / LN2)
    known = population_half_life_tia(Uncertain(60, {"counts": 3}), 48, prior).tia_mbq_h
    for cause in ("population half-life", "counts"):
        assert abs(found.tia_mbq_h.parts[cause]) == pytest.approx(known.parts[cause], rel=1e-3)


def test_a_reading_without_scatter_of_its_own_gets_five_percent_and_a_note() -> None:
    readings = [Uncertain(a, {"camera": 0.1 * a}) for a in (72.0, 27.0, 10.0)]
    found = fit("mono", (24, 96, 168), readings, physical_half_life_h=TP)
    noted = [n for n in found.notes if n.code == "I-TIA-DEFAULT-U"]
    assert found.samples.random_mbq == pytest.approx((3.6, 1.35, 0.5))
    assert len(noted) == 1
    assert "24 h, 96 h, 168 h; 5 %" in noted[0].text


def test_readings_out_of_order_are_sorted_and_said() -> None:
    found = fit("mono", (96, 24, 168), [exact(a) for a in (27.0, 72.0, 10.0)])
    assert list(found.samples.times_h) == [24, 96, 168]
    assert "I-TIA-SORTED" in {n.code for n in found.notes}


def test_the_share_after_the_last_scan_is_the_integral_after_it() -> None:
    found = noisy()
    after, _ = quad(found.activity_mbq, FOUR[-1], 3000)
    before, _ = quad(found.activity_mbq, 0, FOUR[0])
    assert found.tail_fraction == pytest.approx(after / found.tia_mbq_h.value, rel=1e-6)
    assert found.head_fraction == pytest.approx(before / found.tia_mbq_h.value, rel=1e-6)


def test_the_band_is_the_doubt_of_a_reading_repeated_on_the_curve() -> None:
    found = fit("mono", (24, 96), read([72.0, 27.0]), physical_half_life_h=TP)
    near = int(np.argmin(np.abs(np.array(found.band_times_h) - 24)))
    curve_there = found.activity_mbq(found.band_times_h[near])
    assert found.band_u_mbq[near] == pytest.approx(0.05 * curve_there, rel=0.03)


def test_gathering_keeps_the_whole_doubt() -> None:
    x = Uncertain(10, {"a": 3.0, "b": -4.0, "camera": 1.0})
    y = gathered(x, frozenset({"a", "b"}), under="curve fit")
    assert y.parts == {"camera": 1.0, "curve fit": 5.0}


def test_slower_than_decay_is_refused_held_within_noise_or_held_by_choice() -> None:
    times = (24.0, 96.0, 168.0)
    slow = [100 * 2 ** (-t / 220) for t in times]
    near = [100 * 2 ** (-t / 166) for t in times]
    with pytest.raises(MethodUnfit, match=r"half-life 220.0 h, physical 159.5 h"):
        fit("mono", times, read(slow, 0.02), physical_half_life_h=TP)
    held = fit("mono", times, read(near, 0.05), physical_half_life_h=TP)
    assert held.half_lives_h["effective"].value == pytest.approx(TP)
    assert held.half_lives_h["effective"].u > 5
    assert "W-TIA-AT-PHYSICAL" in {n.code for n in held.notes}
    chosen = fit("mono", times, read(slow, 0.02), physical_half_life_h=TP, slower="clamp")
    assert chosen.rates_per_h[0] == pytest.approx(LN2 / TP)
    assert {n.code for n in chosen.notes if n.severity == "blocking"} >= {"S-TIA-CLAMPED"}


@pytest.mark.parametrize(
    ("times", "values", "error", "says"),
    [
        ((24, 24, 96), (3, 2, 1), InputError, "found 24 h, 24 h, 96 h"),
        ((0, 24, 96), (3, 2, 1), InputError, "Times must be above zero"),
        ((24, 96), (3, 2, 1), InputError, "2 times for 3 activities"),
        ((24, 96, 168), (50, 0, 2), InputError, "An activity of 0 MBq at 96 h"),
        ((24, 96, 168), (40, 46, 52), MethodUnfit, "does not fall"),
        ((24,), (40,), MethodUnfit, "1 samples and 0 priors cannot settle the 2 parameters"),
    ],
)
def test_what_it_says_when_it_cannot_fit(
    times: tuple[float, ...], values: tuple[float, ...], error: type[QuimbyError], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        fit("mono", times, [exact(v) for v in values], physical_half_life_h=TP)
    assert caught.value.do


def test_a_phase_that_the_readings_do_not_show_is_refused() -> None:
    with pytest.raises(MethodUnfit, match=r"do not show the .* of bi-clearance"):
        noisy("bi-clearance")


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(QuimbyError, match="no curve model called 'quad'") as caught:
        fit("quad", FOUR, read([47.0, 30.0, 16.0, 4.5]))
    assert "mono" in caught.value.do


def test_a_tissue_without_its_own_prior_takes_that_of_organs_but_no_half_life() -> None:
    assert priors("kidney") == priors("spleen")
    assert priors("lesion") != priors("kidney")
    with pytest.raises(QuimbyError, match="effective half-life of thymus"):
        priors("thymus", with_half_life=True)
    assert all(p.constant().source and p.constant().tag in "MP" for p in priors("lesion"))


def test_an_agent_without_a_prior_file_is_refused() -> None:
    with pytest.raises(QuimbyError, match="no population prior for priors_unknown") as caught:
        priors("kidney", file="priors_unknown")
    assert caught.value.code == "E-NLME-PRIOR"


@pytest.mark.parametrize("file", ["priors_lu177_dotatate", "priors_lu177_psma617"])
@pytest.mark.parametrize("tissue", ["kidney", "liver", "spleen", "lesion"])
def test_every_shipped_prior_is_whole(file: str, tissue: str) -> None:
    found = priors(tissue, file=file, with_half_life=True)
    assert {p.quantity for p in found} == {"effective", "uptake", "start ratio"}
    assert all(0 < p.sd_ln < 1 and p.constant().source for p in found)


@pytest.mark.parametrize(("head", "tail", "code"), [
    (0.0, 0.19, None), (0.0, 0.21, "W-TIA-TAIL"), (0.0, 0.51, "S-TIA-TAIL"),
    (0.31, 0.0, "W-TIA-HEAD"), (0.29, 0.0, None),
])  # fmt: skip
def test_shares_outside_the_scans_are_noted(head: float, tail: float, code: str | None) -> None:
    found = share_notes(head, tail, where="kidney")
    assert [n.code for n in found] == ([code] if code else [])


@given(st.lists(st.floats(1e-3, 1e4), min_size=1, max_size=5), st.sampled_from(sorted(MODELS)))
@settings(max_examples=15, deadline=None)
def test_any_readings_end_in_a_finite_answer_or_a_named_refusal(
    values: list[float], name: str
) -> None:
    times = (4.0, 24.0, 48.0, 96.0, 168.0)[: len(values)]
    told = priors("lesion", with_half_life=True)
    try:
        found = fit(name, times, read(values), physical_half_life_h=TP, priors=told)
    except QuimbyError:
        return  # anything else fails here
    assert found.tia_mbq_h.value > 0
    assert 0 <= found.tail_fraction <= 1
    assert found.half_lives_h.get("effective", exact(1)).value <= TP * (1 + 1e-9)
