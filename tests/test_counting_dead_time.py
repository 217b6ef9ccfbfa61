"""Dead time measured, with two sources or one that decays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from quimby.core.errors import MethodUnfit, QuimbyError
from quimby.core.uncertain import Uncertain, exact
from quimby.devices import dead_time, two_source
from quimby.devices.counting import Counting

MODELS = ["non-paralysable", "paralysable"]
TC_H = 6.015


def seen(true: float, tau_s: float, model: str) -> Uncertain:
    return Uncertain(dead_time.observed_rate(true, tau_s, model=model))


@given(
    st.sampled_from(MODELS),
    st.floats(1e-6, 1e-5),
    st.floats(5e3, 2e4),
    st.floats(5e3, 2e4),
    st.floats(0, 100),
)
def test_the_two_source_method_finds_the_dead_time_that_was_there(
    model: str, tau_s: float, first: float, second: float, room: float
) -> None:
    rates = [seen(n + room, tau_s, model) for n in (first, second, first + second, 0.0)]
    found = two_source.two_source(*rates, model=model)
    assert found.busy.tau_s.value == pytest.approx(tau_s, rel=1e-5)
    assert found.busy.model == model
    assert found.loss == pytest.approx(1 - rates[2].value / (first + second + room), rel=1e-4)


def test_the_closed_form_agrees_with_a_plain_root_finder() -> None:
    m1, m2, m12, mb = 16513.8, 13953.5, 28326.2, 40.0

    def excess(tau_s: float) -> float:
        n1, n2, n12, nb = (
            dead_time.true_rate(m, tau_s, model=MODELS[0]) for m in (m1, m2, m12, mb)
        )
        return n1 + n2 - n12 - nb

    found = two_source.two_source(exact(m1), exact(m2), exact(m12), exact(mb))
    assert found.busy.tau_s.value == pytest.approx(brentq(excess, 0, 3e-5, xtol=1e-18), rel=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_the_doubt_of_the_dead_time_is_the_scatter_of_repeated_measurements(model: str) -> None:
    true = [18_040.0, 15_040.0, 33_040.0, 40.0]
    draws = np.random.default_rng(11)
    names = ("first", "second", "together", "background")

    def once() -> two_source.Measured:
        counts = [float(draws.poisson(seen(n, 5e-6, model).value * 100)) for n in true]
        rates = [Counting(c, 100, name).rate_cps for c, name in zip(counts, names, strict=True)]
        return two_source.two_source(*rates, model=model)

    taus = [once().busy.tau_s for _ in range(300)]
    assert np.std([t.value for t in taus]) == pytest.approx(taus[0].u, rel=0.12)
    assert "counts, together" in taus[0].parts


def test_weak_sources_know_the_dead_time_badly_and_it_is_said() -> None:
    rates = [Counting(dead_time.observed_rate(n, 5e-6, model=MODELS[0]) * 60, 60, name).rate_cps
             for n, name in ((500, "a"), (400, "b"), (900, "ab"), (0.0, "room"))]  # fmt: skip
    assert [n.code for n in two_source.two_source(*rates).notes] == ["W-CNT-TAU-POOR"]


@pytest.mark.parametrize(
    ("rates", "says"),
    [
        ((1000.0, 1000.0, 2001.0, 0.0), "no less than their sum"),
        ((1000.0, 1000.0, 2000.0, 0.0), "no less than their sum"),
        ((1000.0, 1000.0, 900.0, 0.0), "E-CNT-TWO-SOURCE"),  # weaker together than one alone
        ((1000.0, 1000.0, 1000.0, 0.0), "a loss that no dead time explains"),
        ((0.0, 1000.0, 900.0, 0.0), "First rate is 0"),
    ],
)
@pytest.mark.parametrize("model", MODELS)
def test_rates_that_no_dead_time_explains_are_refused(
    rates: tuple[float, ...], says: str, model: str
) -> None:
    with pytest.raises(QuimbyError, match=says):
        two_source.two_source(*map(exact, rates), model=model)


def decaying(
    model: str, *, hours: float = 30, points: int = 12, tau_s: float = 5e-6, seed: int | None = 5
) -> tuple[list[float], list[Counting]]:
    """Readings of 60 s of a source of 60 000 cps at the start, over a background of 20 cps."""
    draws = np.random.default_rng(seed)
    times = [float(t) for t in np.linspace(0, hours, points)]
    counts = [
        60 * dead_time.observed_rate(6e4 * 2 ** (-t / TC_H) + 20, tau_s, model=model) for t in times
    ]
    if seed is not None:
        counts = [float(draws.poisson(c)) for c in counts]
    return times, [Counting(c, 60, f"reading {i}") for i, c in enumerate(counts)]


@pytest.mark.parametrize("model", MODELS)
def test_a_decaying_source_tells_the_dead_time(model: str) -> None:
    times, readings = decaying(model, seed=None)
    found = two_source.decaying_source(
        times, readings, half_life_h=TC_H, background_cps=20, model=model
    )
    assert found.busy.tau_s.value == pytest.approx(5e-6, rel=1e-5)
    assert found.start_cps.value == pytest.approx(6e4, rel=1e-5)
    assert found.notes == ()


@pytest.mark.parametrize("model", MODELS)
def test_the_doubt_of_the_fit_is_the_scatter_of_repeated_fits(model: str) -> None:
    fits = [
        two_source.decaying_source(
            *decaying(model, seed=s), half_life_h=TC_H, background_cps=20, model=model
        )
        for s in range(60)
    ]
    taus = np.array([f.busy.tau_s.value for f in fits])
    u = float(np.mean([f.busy.tau_s.u for f in fits]))
    assert abs(taus.mean() - 5e-6) < 3.5 * u / np.sqrt(60)
    assert taus.std() == pytest.approx(u, rel=0.3)
    assert 0.3 < np.mean([f.p_value for f in fits]) < 0.7


def test_the_wrong_model_does_not_fit_and_says_so() -> None:
    times, readings = decaying("paralysable")
    found = two_source.decaying_source(times, readings, half_life_h=TC_H, background_cps=20)
    assert "W-CNT-FIT" in [n.code for n in found.notes]
    assert found.p_value < 0.001


def test_readings_that_scatter_more_than_counting_allows_widen_the_doubt() -> None:
    times, readings = decaying("paralysable", seed=None)
    shaken = [Counting(r.counts * (1 + 0.01 * (-1) ** i), 60, r.what)
              for i, r in enumerate(readings)]  # fmt: skip
    calm, rough = (
        two_source.decaying_source(
            times, r, half_life_h=TC_H, background_cps=20, model="paralysable"
        )
        for r in (readings, shaken)
    )
    assert [n.code for n in rough.notes] == ["W-CNT-FIT"]
    assert rough.busy.tau_s.u == pytest.approx(
        calm.busy.tau_s.u * (rough.chi2 / rough.dof) ** 0.5, rel=0.05
    )


def test_another_nuclide_that_leaves_no_loss_is_refused() -> None:
    times, readings = decaying("paralysable", tau_s=0.0, seed=None)
    with pytest.raises(MethodUnfit, match="is not above zero by twice its doubt"):
        two_source.decaying_source(times, readings, half_life_h=1.1 * TC_H)


@pytest.mark.parametrize(("hours", "points"), [(30, 7), (15, 12)])
def test_too_few_readings_or_too_little_decay_are_refused(hours: float, points: int) -> None:
    times, readings = decaying("paralysable", hours=hours, points=points)
    with pytest.raises(MethodUnfit, match="8 readings over a factor of 10 are needed"):
        two_source.decaying_source(times, readings, half_life_h=TC_H)
