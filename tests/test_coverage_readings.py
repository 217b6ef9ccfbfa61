"""The routes without a camera hold the truth as often as they say, on invented patients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from benchmarks import coverage_readings as study
from benchmarks import simulated_patients as sim
from benchmarks.coverage_routes import ROUTES, Judged, Route
from benchmarks.readings_taken import HALF_LIFE_H, uptakes
from benchmarks.simulated_devices import Clock
from scipy.integrate import quad, solve_ivp

from quimby.core.uncertain import Uncertain, exact
from quimby.kinetics import retention, thyroid
from quimby.kinetics.priors import Prior, priors
from quimby.measure import uptake

PATIENTS = 60


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: r.name)
def test_the_stated_interval_holds_the_truth(route: Route) -> None:
    for row in study.rows(route, route.families[0], patients=PATIENTS):
        assert row.passes, row


def test_an_interval_half_as_wide_is_noticed() -> None:
    route = ROUTES[0]

    def narrow(rng: np.random.Generator, family: object) -> Judged:
        return [(q, Uncertain(x.value, {c: u / 2 for c, u in x.parts.items()}), true)
                for q, x, true in route.judge(rng, family)]  # fmt: skip

    (row,) = study.rows(replace(route, judge=narrow), route.families[0], patients=PATIENTS)
    assert not row.passes


def test_an_interval_too_wide_is_noticed_among_many() -> None:
    row = study.Row("q", "f", True, 2000, 0.0, 0.999, 0.0, 0.05, 0.2)

    assert not row.passes
    assert replace(row, coverage=0.95).passes
    assert not replace(row, coverage=0.95, bias=-0.21).passes
    assert not replace(row, coverage=0.95, lost=0.06).passes
    assert replace(row, matched=False, coverage=0.91).passes
    assert not replace(row, matched=False, coverage=0.89).passes


# The invented patients themselves, a slow way


def test_the_modes_of_iodide_solve_its_equations_and_lose_nothing() -> None:
    patient = sim.iodide_patient(np.random.default_rng(4), sim.IODIDE[0])
    matrix = sim._rates(np.random.default_rng(4), sim.IODIDE[0])
    assert matrix.sum(axis=0) == pytest.approx(np.zeros(7), abs=1e-12)

    area, _ = quad(patient.blood_fraction, 0, 2000, limit=800, points=[1, 10, 100])
    assert patient.blood_tiac_h() == pytest.approx(area, rel=1e-5)
    assert patient.blood_fraction(0) == pytest.approx(0, abs=1e-9)
    assert float(patient.body.held(np.array([0.0]))[0]) == pytest.approx(1)


def test_rates_move_iodide_between_the_pools_as_a_slow_solver_says() -> None:
    rates = sim._rates(np.random.default_rng(4), sim.IODIDE[0])
    found = solve_ivp(lambda _, y: rates @ y, (0, 30), np.eye(7)[sim.GUT], t_eval=[2, 30],
                      rtol=1e-9, atol=1e-12, method="LSODA").y  # fmt: skip

    values, vectors = np.linalg.eig(rates)
    start = np.linalg.solve(vectors, np.eye(7)[sim.GUT].astype(complex))
    for i, t in enumerate((2.0, 30.0)):
        assert found[:, i] == pytest.approx((vectors @ (np.exp(values * t) * start)).real, abs=1e-7)


def test_urine_stays_in_the_body_until_it_is_voided() -> None:
    body = sim.Body(lambda t: np.exp(-0.05 * t), np.array([4.0, 9.0]))

    assert body.fraction(3.9) == pytest.approx(np.exp(-sim.DECAY * 3.9))
    assert body.fraction(8.9) == pytest.approx(np.exp(-0.2 - sim.DECAY * 8.9))
    steps, _ = quad(body.fraction, 0, 3000, points=[4, 9], limit=2000)
    assert body.tiac_h() == pytest.approx(steps, rel=1e-4)


def test_the_published_residences_of_thyroid_cancer_are_those_of_the_patients() -> None:
    """Jentzen et al., J Nucl Med 2015;56:832, 108 and 103 patients."""
    patients = [sim.iodide_patient(np.random.default_rng([5, i]), sim.IODIDE[0])
                for i in range(200)]  # fmt: skip

    assert 22 < np.mean([p.body.tiac_h() for p in patients]) < 31
    assert 2.7 < np.mean([p.blood_tiac_h() for p in patients]) < 3.4
    assert np.mean([p.blood_fraction(2) for p in patients]) == pytest.approx(0.14, abs=0.01)
    assert 0.10 < np.mean([p.body.fraction(48) for p in patients]) < 0.16


# What the study made the functions say


def test_fewer_readings_leave_more_doubt_between_them() -> None:
    def u(times: list[float]) -> float:
        values = [exact(0.14 * np.exp(-0.05 * t)) for t in times]
        found = retention.area(times, values, half_life_h=HALF_LIFE_H, where="blood").total
        return found.parts["curve between readings, blood"] / found.value

    assert u([2, 24, 110]) > 3 * u([2, 6, 24, 48, 110]) > 0


def test_a_noisy_last_slope_takes_more_readings_and_an_exact_one_does_not() -> None:
    times = [1.0, 10, 20, 40, 44, 47]
    slow = [np.exp(-0.03 * t) for t in times]
    slow[-1] *= 1.12  # a rise that noise explains
    noisy = [Uncertain(v, {f"position {i}": 0.05 * v}) for i, v in enumerate(slow)]
    last_two = np.log(slow[-2] / slow[-1]) / 3

    found = retention.area(times, noisy, half_life_h=HALF_LIFE_H)
    assert last_two < 0
    assert 0.01 < found.tail_rate_per_h.value < 0.05

    strict = [exact(np.exp(-0.03 * t) if t < 44 else np.exp(-0.02 * t - 0.44)) for t in times]
    sharp = retention.area(times, strict, half_life_h=HALF_LIFE_H)
    assert sharp.tail_rate_per_h.value == pytest.approx(0.02)


def test_washout_alone_doubts_what_an_assumed_uptake_would_take_off() -> None:
    known = priors("organ", file="priors_i131_thyroid")[0]
    spread = Prior("uptake", known.median * np.exp(known.sd_ln**2), 1e-6, "uptake")
    read = ([24.0, 144.0], [Uncertain(0.48, {"a": 1e-4}), Uncertain(0.26, {"b": 1e-4})])

    without = thyroid.washout_only(*read, physical_half_life_h=HALF_LIFE_H).tiac_h
    assumed = thyroid.assumed_uptake(*read, spread, physical_half_life_h=HALF_LIFE_H).tiac_h

    share = retention.sampling()["uptake phase, left out"].value
    assert without.parts["uptake phase, left out"] == pytest.approx(
        share * (without.value - assumed.value), rel=1e-3
    )


def test_the_depth_of_a_thyroid_is_one_doubt_for_all_its_readings() -> None:
    rng = np.random.default_rng(1)
    patient = sim.thyroid_patient(rng, sim.GRAVES[0])
    _, values = uptakes(rng, patient, Clock(), [5.0, 24.0])

    for value in values:
        assert value.parts["depth of the thyroid"] == pytest.approx(uptake.DEPTH_U * value.value)
