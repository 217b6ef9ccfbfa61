"""Rules for one scan as ways to a curve: twice the time, a population's half-life, time factors."""

from __future__ import annotations

from importlib.resources import files
from math import exp, log

import numpy as np
import pytest
from scipy.integrate import quad

from quimby import protocols
from quimby.core.errors import QuimbyError
from quimby.core.uncertain import Uncertain
from quimby.kinetics.choose import Choice, Manner, choose
from quimby.kinetics.monte_carlo import Draws, compare, fitted_tia, remaining
from quimby.kinetics.one_point import population_half_life_tia, twice_time_tia
from quimby.kinetics.one_scan import RULES, one_scan_fit, time_factor
from quimby.kinetics.priors import Prior, priors
from quimby.physics.nuclides import delta_gy_g_per_mbq_h

TP, LN2 = 159.528, log(2)
KIDNEY = priors("kidney", with_half_life=True)
HALF_LIFE = next(p for p in KIDNEY if p.quantity == "effective")
READ = Uncertain(20.0, {"counts": 0.6, "camera calibration": 0.5})


def chosen(model: str, time_h: float = 72.0, read: Uncertain = READ) -> Choice:
    return choose([time_h], [read], physical_half_life_h=TP, preferred=model, priors=KIDNEY,
                  region="Kidney L", manner=Manner(organ="kidney"))  # fmt: skip


@pytest.mark.parametrize("time_h", [48.0, 72.0, 96.0])
def test_the_rules_are_the_published_ones(time_h: float) -> None:
    twice, population = chosen("twice-time", time_h), chosen("population-half-life", time_h)
    assert twice.tia_mbq_h == twice_time_tia(READ, time_h, HALF_LIFE).tia_mbq_h
    assert twice.tia_mbq_h.value == pytest.approx(20.0 * 2 * time_h / LN2)
    assert population.tia_mbq_h == population_half_life_tia(READ, time_h, HALF_LIFE).tia_mbq_h
    assert population.tia_mbq_h.value == pytest.approx(20.0 * exp(LN2 * time_h / 51) * 51 / LN2)


@pytest.mark.parametrize("time_h", [4.0, 24.0, 72.0, 168.0])
def test_the_time_factor_is_the_integral_of_the_mean_curve_over_its_height(time_h: float) -> None:
    random = np.random.default_rng(2)
    told = {p.quantity: p for p in KIDNEY}
    z = random.standard_normal((3, 200_000))
    quantities = zip(("effective", "uptake", "start ratio"), z, strict=True)
    effective, uptake, start = (
        told[q].median * np.exp(told[q].sd_ln * row) for q, row in quantities
    )
    effective = np.minimum(effective, TP)
    uptake = np.minimum(uptake, effective)

    def mean(t: float) -> float:
        return float(np.mean(2 ** (-t / effective) - (1 - start) * 2 ** (-t / uptake)))

    area = sum(quad(mean, a, b, limit=20, epsrel=1e-4)[0] for a, b in ((0, 20), (20, 300)))
    area += quad(mean, 300, 2000, limit=20, epsrel=1e-3)[0]
    found = time_factor(time_h, KIDNEY, physical_half_life_h=TP)
    assert found.factor == pytest.approx(area / mean(time_h), rel=0.01)


def test_a_population_of_one_half_life_and_no_uptake_has_madsens_factor() -> None:
    exact = (Prior("effective", 51.0, 1e-9, "half-life"),)
    factor = time_factor(72.0, exact).factor
    assert factor == pytest.approx(2 ** (72 / 51) * 51 / LN2)
    # 0.0866 Gy g/(MBq h) is 177Lu's with the organ's own photons; its electrons alone give 0.0853
    assert factor * delta_gy_g_per_mbq_h(0.1479) == pytest.approx(
        0.123 * 2 ** (72 / 51) * 51, rel=0.01
    )


@pytest.mark.parametrize("time_h", [24.0, 72.0, 120.0])
def test_its_interval_holds_95_of_100_patients_of_the_population(time_h: float) -> None:
    hours = time_factor(time_h, KIDNEY, physical_half_life_h=TP)
    exact = Uncertain(20.0, {"counts": 1e-6})
    told = one_scan_fit("time-factor", [time_h], [exact], priors=KIDNEY, physical_half_life_h=TP)
    low, high = Uncertain(1.0, {"": told.tia_mbq_h.parts[HALF_LIFE.cause] / told.tia_mbq_h.value}
                          ).interval()  # fmt: skip
    held = np.mean((low <= hours.true / hours.factor) & (hours.true / hours.factor <= high))
    assert held == pytest.approx(0.95, abs=0.004)


@pytest.mark.parametrize("name", RULES)
def test_doubt_is_ten_percent_at_least_and_the_reading_keeps_its_causes(name: str) -> None:
    tia = chosen(name).tia_mbq_h
    assert tia.parts["counts"] == pytest.approx(0.03 * tia.value)
    assert tia.parts["camera calibration"] == pytest.approx(0.025 * tia.value)
    alone = Uncertain(tia.value, {c: p for c, p in tia.parts.items()
                                  if c not in READ.parts}).u_rel  # fmt: skip
    assert alone >= 0.0999


@pytest.mark.parametrize("name", RULES)
def test_its_exponential_has_the_same_integral(name: str) -> None:
    f = chosen(name).fit
    assert f.amplitudes_mbq[0] / f.rates_per_h[0] == pytest.approx(f.tia_mbq_h.value)
    assert f.tia_weights_h[0] * READ.value == pytest.approx(f.tia_mbq_h.value)


@pytest.mark.parametrize("name", RULES)
def test_monte_carlo_finds_the_same_doubt(name: str) -> None:
    draws, found = Draws(20_000), chosen(name)
    beside = draws.deviations(remaining(found.tia_mbq_h, [found.fit]))
    looked = compare(name, found.tia_mbq_h, fitted_tia(found.fit, draws) + beside)
    assert looked.ratio == pytest.approx(1.0, abs=0.03)


def test_a_scan_outside_the_window_is_said_so() -> None:
    codes = {n.code for n in chosen("time-factor", 168.0).notes}
    assert {"W-STP-WINDOW", "W-STP-SPREAD", "I-STP-POPULATION", "I-TIA-PRIOR"} <= codes


def test_two_scans_or_no_half_life_are_refused() -> None:
    with pytest.raises(QuimbyError, match="for one scan; there are 2") as two:
        one_scan_fit("twice-time", [24.0, 72.0], [READ, READ], priors=KIDNEY)
    assert two.value.code == "E-TIA-ONE"
    uptake = [p for p in KIDNEY if p.quantity != "effective"]
    with pytest.raises(QuimbyError) as none:
        one_scan_fit("twice-time", [72.0], [READ], priors=uptake)
    assert none.value.code == "E-NLME-PRIOR"


def test_a_protocol_may_name_a_rule_for_one_scan_and_for_no_more() -> None:
    text = files("quimby.protocols").joinpath("data", "LU-STP.toml").read_text("utf-8")
    assert '1 = ["partial-uptake"]' in text
    named = text.replace('1 = ["partial-uptake"]', '1 = ["time-factor"]')
    assert protocols.read(named, where="own").imaging.models_for("kidney", 1) == ("time-factor",)
    wrong = text.replace('2 = ["partial-uptake", "mono"', '2 = ["time-factor", "mono"')
    with pytest.raises(QuimbyError, match="time-factor"):
        protocols.read(wrong, where="own")
