"""Doubt by drawing: it is what first order says where curves are tame, and tells where not."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from quimby.core.errors import MethodUnfit
from quimby.core.uncertain import Uncertain, total
from quimby.kinetics.fit import Fit, fit
from quimby.kinetics.joint import Part, fit_together
from quimby.kinetics.monte_carlo import (
    Draws,
    compare,
    fitted_tia,
    joint_tia,
    remaining,
    spread,
)
from quimby.kinetics.priors import Prior, priors
from quimby.kinetics.trapezoid import Lines, trapezoid_fit

TP = 159.528
TIMES = (4.0, 24.0, 72.0, 168.0)
DRAWS = Draws(trials=20_000)
LATE = (1.0, 4.0, 24.0, 48.0, 96.0, 168.0)


def kidney(times: tuple[float, ...] = TIMES, half_life: float = 51.0) -> list[float]:
    return [45 * 2 ** (-t / half_life) - 12 * 2 ** (-t / 2) for t in times]


def read(values: list[float], u: float = 0.05, name: str = "") -> list[Uncertain]:
    return [
        Uncertain(
            v, {f"counts{name}, {i}": u * v, "camera": 0.03 * v, "point spread": 0.01 * i * v}
        )
        for i, v in enumerate(values)
    ]


def fitted(name: str, u: float = 0.05) -> Fit:
    found = priors("kidney") if name == "partial-uptake" else ()
    values = read(kidney(LATE), u)
    return fit(name, LATE, values, physical_half_life_h=TP, priors=found)


@pytest.mark.parametrize("name", ["mono", "partial-uptake", "uptake-clearance"])
def test_first_order_and_monte_carlo_agree_for_curves_that_readings_settle(name: str) -> None:
    found = fitted(name)
    looked = compare(name, found.tia_mbq_h, fitted_tia(found, DRAWS))
    assert looked.agrees
    assert looked.ratio == pytest.approx(1, abs=0.06)
    assert looked.monte_carlo.mean == pytest.approx(found.tia_mbq_h.value, rel=0.01)
    assert looked.monte_carlo.lost < 100


def test_every_trial_is_the_fit_that_one_would_make_of_it() -> None:
    few = Draws(trials=6)
    base = fitted("partial-uptake")
    drawn = [few.positive(a) for a in base.samples.activities_mbq]
    told = [p.median * np.exp(few.deviations(p.as_datum())) for p in base.priors]
    many = fitted_tia(base, few)
    for trial in range(6):
        values = [Uncertain(float(d[trial]), {f"s{i}": 0.05 * float(d[trial])})
                  for i, d in enumerate(drawn)]  # fmt: skip
        moved = [Prior(p.quantity, float(m[trial]), p.sd_ln, p.cause)
                 for p, m in zip(base.priors, told, strict=True)]  # fmt: skip
        again = fit("partial-uptake", LATE, values, physical_half_life_h=TP, priors=moved)
        # random weights differ a little: the drawn readings have other relative uncertainties
        assert many[trial] == pytest.approx(again.tia_mbq_h.value, rel=0.004)


def test_a_cause_has_the_same_draws_wherever_it_is_named() -> None:
    one = Uncertain(10.0, {"camera": 0.3})
    other = Uncertain(50.0, {"camera": 1.5})
    apart = Uncertain(50.0, {"outline": 1.5})
    assert DRAWS.positive(other) == pytest.approx(5 * DRAWS.positive(one))
    assert abs(np.corrcoef(DRAWS.positive(one), DRAWS.positive(apart))[0, 1]) < 0.03
    assert np.array_equal(DRAWS.of("camera"), Draws(20_000).of("camera"))


@pytest.mark.parametrize("u_rel", [0.02, 0.3, 0.8])
def test_draws_of_a_positive_value_have_its_mean_and_its_uncertainty(u_rel: float) -> None:
    value = Uncertain(7.0, {"a": 7 * 0.6 * u_rel, "b": 7 * 0.8 * u_rel})
    drawn = Draws(trials=100_000).positive(value)
    assert drawn.min() > 0
    assert drawn.mean() == pytest.approx(7, rel=0.01)
    assert drawn.std() == pytest.approx(7 * u_rel, rel=0.04)


def test_a_shared_cause_does_not_average_out_over_regions() -> None:
    left, right = (fit("mono", TIMES, read(kidney(half_life=h), name=n), physical_half_life_h=TP)
                   for n, h in ((" L", 48.0), (" R", 55.0)))  # fmt: skip
    both = fitted_tia(left, DRAWS) + fitted_tia(right, DRAWS)
    assert compare("both", total([left.tia_mbq_h, right.tia_mbq_h]), both).agrees
    as_if_apart = np.hypot(np.std(fitted_tia(left, DRAWS)), np.std(fitted_tia(right, DRAWS)))
    assert np.std(both) > 1.05 * as_if_apart


def test_a_curve_near_physical_decay_disagrees_and_says_so() -> None:
    slow = [40 * 2 ** (-t / 158) for t in (24.0, 48.0)]
    base = fit("mono", (24.0, 48.0), read(slow, 0.10), physical_half_life_h=TP)
    looked = compare("slow", base.tia_mbq_h, fitted_tia(base, DRAWS))
    assert not looked.agrees
    assert looked.monte_carlo.u < base.tia_mbq_h.u  # decay bounds what first order does not see


def test_regions_fitted_together_are_drawn_together() -> None:
    parts = [
        Part(n, TIMES, tuple(
            a.because(f"factor {i}", 0.05 * a.value)
            for i, a in enumerate(read(kidney(half_life=h), 0.03, f" {n}"))), "mono")
        for n, h in (("L", 48.0), ("R", 55.0))
    ]  # fmt: skip
    joint = fit_together(parts, physical_half_life_h=TP)
    drawn = joint_tia(joint, DRAWS)
    for name, found in joint.fits.items():
        assert compare(name, found.tia_mbq_h, drawn[name]).agrees
    both = total([f.tia_mbq_h for f in joint.fits.values()])
    assert compare("both", both, drawn["L"] + drawn["R"]).agrees


@pytest.mark.parametrize(
    "lines",
    [
        Lines(),
        Lines("back_extrapolated", "logarithmic", "physical"),
        Lines("constant_backward", "linear", "given", 60.0),
    ],
)
def test_trapezoids_are_drawn_as_they_are_joined(lines: Lines) -> None:
    found = trapezoid_fit(TIMES, read(kidney(), 0.03), lines=lines, physical_half_life_h=TP)
    drawn = fitted_tia(found, DRAWS, lines=lines) + DRAWS.deviations(
        remaining(found.tia_mbq_h, [found]))  # fmt: skip
    looked = compare("trapezoid", found.tia_mbq_h, drawn)
    assert looked.ratio == pytest.approx(1, abs=0.05)
    assert looked.monte_carlo.mean == pytest.approx(found.tia_mbq_h.value, rel=0.01)


def test_what_no_reading_brings_is_drawn_as_it_stands() -> None:
    found = fitted("mono")
    stated = found.tia_mbq_h.because("choice of curve model, kidney", 90.0)
    assert dict(remaining(stated, [found]).parts) == {"choice of curve model, kidney": 90.0}


def test_too_few_trials_with_a_result_are_refused() -> None:
    with pytest.raises(MethodUnfit, match="Only 3 draws gave a result, and 1000 are needed"):
        spread(np.array([1.0, 2.0, 3.0, np.nan]))


def test_the_interval_of_a_normal_is_that_of_its_quantiles() -> None:
    drawn = spread(10 + 2 * Draws(100_000).of("anything"))
    assert drawn.interval_95 == pytest.approx((10 - 3.92, 10 + 3.92), abs=0.05)
    assert log(drawn.u / 2) == pytest.approx(0, abs=0.01)


def test_a_held_half_life_is_drawn_with_its_stated_doubt() -> None:
    held = (
        Prior("fast", 8.0, 0.15, "fast, held", fixed=True),
        Prior("uptake", 1.0, 0.2, "uptake, held", fixed=True),
    )
    times = (3.0, 24.0, 72.0, 168.0)
    values = [40 * 2 ** (-t / 60) + 30 * 2 ** (-t / 8) - 70 * 2.0**-t for t in times]
    found = fit("tri", times, read(values, 0.03), physical_half_life_h=TP, priors=held)
    looked = compare("tri", found.tia_mbq_h, fitted_tia(found, DRAWS))
    assert looked.agrees
    assert looked.monte_carlo.lost < 0.02 * DRAWS.trials


def test_no_trial_that_ends_at_the_edge_of_its_range_counts() -> None:
    held = (
        Prior("fast", 8.0, 0.3, "fast, held", fixed=True),
        Prior("uptake", 2.0, 0.5, "uptake, held", fixed=True),
    )
    times = (4.0, 24.0, 72.0, 168.0)
    values = [50 * 2 ** (-t / 63) + 15 * 2 ** (-t / 8) - 65 * 2 ** (-t / 2) for t in times]
    found = fit("tri", times, read(values, 0.03), physical_half_life_h=TP, priors=held)
    looked = compare("tri", found.tia_mbq_h, fitted_tia(found, DRAWS))
    assert looked.monte_carlo.u < 3 * found.tia_mbq_h.u
    assert looked.monte_carlo.lost > 0
