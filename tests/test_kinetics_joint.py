"""Curves of several regions at once: one covariance, shared parts that stay shared."""

from __future__ import annotations

from math import hypot, log

import numpy as np
import pytest
from scipy.optimize import least_squares

from quimby.core.errors import MethodUnfit, QuimbyError
from quimby.core.uncertain import Uncertain, total
from quimby.kinetics.choose import Manner
from quimby.kinetics.fit import fit
from quimby.kinetics.joint import Joint, Part, common_factor, fit_together, unsigned
from quimby.kinetics.priors import priors
from quimby.kinetics.together import Asked, choose_together

TP = 159.528
LN2 = log(2)
TIMES = (4.0, 24.0, 72.0, 168.0)
REGIONS = {"Kidney L": (45.0, 50.0), "Kidney R": (40.0, 53.0), "Liver": (130.0, 66.0)}
OWN = {  # relative noise at each scan
    "Kidney L": (0.02, 0.02, 0.02, 0.02),
    "Kidney R": (0.02, 0.02, 0.02, 0.02),
    "Liver": (0.01, 0.15, 0.01, 0.15),
}


def clean(name: str) -> list[float]:
    a, half_life = REGIONS[name]
    return [a * 2 ** (-t / half_life) for t in TIMES]


def readings(name: str, values: list[float], *, shared: float = 0.06) -> tuple[Uncertain, ...]:
    """Readings with own noise, a factor of each scan, and a camera."""
    return tuple(
        common_factor(Uncertain(v, {f"counts, {name}, s{i}": OWN[name][i] * v, "camera": 0.03 * v}),
                      f"s{i}", shared)
        for i, v in enumerate(values)
    )  # fmt: skip


def parts(*names: str, model: str = "mono", washout: str = "", shared: float = 0.06) -> list[Part]:
    told = priors("kidney") if model == "partial-uptake" else ()
    return [
        Part(n, TIMES, readings(n, clean(n), shared=shared), model, told,
             washout if n.startswith("Kidney") else "")
        for n in names
    ]  # fmt: skip


def together(*names: str, **more: object) -> Joint:
    return fit_together(parts(*names, **more), physical_half_life_h=TP)  # type: ignore[arg-type]


def simulated(name: str, random: np.random.Generator, factors: np.ndarray) -> tuple[Uncertain, ...]:
    values = [
        float(v * (1 + u * random.standard_normal()) * np.exp(0.06 * z))
        for v, u, z in zip(clean(name), OWN[name], factors, strict=True)
    ]
    return readings(name, values)


def test_exact_readings_give_back_every_curve() -> None:
    found = together(*REGIONS)
    for name, (a, half_life) in REGIONS.items():
        assert found.fits[name].tia_mbq_h.value == pytest.approx(a * half_life / LN2, rel=1e-8)
    assert found.fits["Liver"].degrees_of_freedom == 6
    assert found.fits["Liver"].chi2 == pytest.approx(0, abs=1e-12)


def test_one_region_alone_is_the_ordinary_fit() -> None:
    (one,) = parts("Liver", model="partial-uptake")
    apart = fit("partial-uptake", one.times_h, one.activities_mbq, physical_half_life_h=TP,
                priors=one.priors)  # fmt: skip
    found = fit_together([one], physical_half_life_h=TP).fits["Liver"]
    assert found.tia_mbq_h.value == pytest.approx(apart.tia_mbq_h.value, rel=1e-6)
    assert found.tia_mbq_h.parts == pytest.approx(apart.tia_mbq_h.parts, rel=1e-4, abs=1e-6)
    assert found.parameters_told == pytest.approx(apart.parameters_told, rel=1e-4)
    assert found.band_u_mbq == pytest.approx(apart.band_u_mbq, rel=1e-4)


def test_the_covariance_is_that_of_one_unknown_factor_for_each_scan() -> None:
    random = np.random.default_rng(5)
    factors = random.standard_normal(4)
    data = {n: simulated(n, random, factors) for n in REGIONS}
    joint = fit_together([Part(n, TIMES, data[n], "mono") for n in REGIONS],
                         physical_half_life_h=TP)  # fmt: skip

    def deviations(x: np.ndarray) -> np.ndarray:
        """Curves and a factor of each scan as unknowns, the factors known to 0 +- 1."""
        z, rows = x[6:], [*x[6:]]
        for k, name in enumerate(REGIONS):
            for i, a in enumerate(data[name]):
                curve = x[2 * k] - np.exp(x[2 * k + 1]) * TIMES[i] + 0.06 * z[i]
                rows.append((log(a.value) - curve) / OWN[name][i])
        return np.array(rows)

    start = np.array([4.0, log(LN2 / 55)] * 3 + [0.0] * 4)
    nuisance = least_squares(deviations, start, xtol=1e-14, ftol=1e-14, gtol=1e-14)
    tia = [np.exp(nuisance.x[2 * k] - nuisance.x[2 * k + 1]) for k in range(3)]
    assert [joint.fits[n].tia_mbq_h.value for n in REGIONS] == pytest.approx(tia, rel=1e-6)
    assert joint.fits["Liver"].chi2 == pytest.approx(2 * nuisance.cost, rel=1e-6)

    inverse = np.linalg.inv(nuisance.jac.T @ nuisance.jac)
    for k, name in enumerate(REGIONS):
        slope = np.zeros(10)
        slope[2 * k], slope[2 * k + 1] = tia[k], -tia[k]
        found = joint.fits[name].tia_mbq_h
        random_u = np.sqrt(sum(p**2 for c, p in found.parts.items() if c != "camera"))
        assert random_u == pytest.approx(float(np.sqrt(slope @ inverse @ slope)), rel=1e-4)


def test_a_noisy_region_learns_the_scans_factors_from_the_others() -> None:
    found = together(*REGIONS)
    alone = {n: fit("mono", TIMES, readings(n, clean(n)), physical_half_life_h=TP) for n in REGIONS}
    assert found.fits["Liver"].tia_mbq_h.u < 0.97 * alone["Liver"].tia_mbq_h.u
    for name in REGIONS:
        assert found.fits[name].tia_mbq_h.u <= alone[name].tia_mbq_h.u * (1 + 1e-9)


def test_regions_alike_in_times_model_and_weights_gain_nothing() -> None:
    """Zellner 1962: with the same regressors in every equation, together is the same as apart."""
    found = together("Kidney L", "Kidney R")
    for name, one in found.fits.items():
        alone = fit("mono", TIMES, readings(name, clean(name)), physical_half_life_h=TP)
        assert one.tia_mbq_h.u == pytest.approx(alone.tia_mbq_h.u, rel=1e-6)


def test_joint_intervals_cover_and_are_no_wider_where_a_scans_factor_leads() -> None:
    random, inside, u, apart_u = np.random.default_rng(11), [], [], []
    names = list(REGIONS)
    truth = {n: a * h / LN2 for n, (a, h) in REGIONS.items()}
    for _ in range(60):
        camera, factors = 1 + 0.03 * random.standard_normal(), random.standard_normal(4)
        data = {n: tuple(a.scaled(camera) for a in simulated(n, random, factors)) for n in names}
        fits = fit_together([Part(n, TIMES, data[n], "mono") for n in names],
                            physical_half_life_h=TP, noise_u=9).fits  # fmt: skip
        for n in names:
            low, high = fits[n].tia_mbq_h.interval()
            inside.append(low <= truth[n] <= high)
            u.append(fits[n].tia_mbq_h.u_rel)
        apart_u.append(fit("mono", TIMES, data["Liver"], physical_half_life_h=TP,
                           noise_u=9).tia_mbq_h.u_rel)  # fmt: skip
        low, high = total([fits[n].tia_mbq_h for n in names]).interval()
        inside.append(low <= sum(truth.values()) <= high)
    assert np.mean(inside) >= 0.91  # 95 % less two standard errors of 60 patients
    assert np.mean(u[2::3]) < np.mean(apart_u)


def test_the_sum_over_regions_keeps_the_scans_factor_whole() -> None:
    found = together("Kidney L", "Kidney R").fits
    both = total([f.tia_mbq_h for f in found.values()])
    for cause in ("common factor of s2", "camera"):
        assert both.parts[cause] == pytest.approx(
            sum(f.tia_mbq_h.parts[cause] for f in found.values()))  # fmt: skip
    assert both.u > 1.2 * hypot(*(f.tia_mbq_h.u for f in found.values()))


def test_a_common_scale_of_all_readings_changes_no_rate_and_no_weight() -> None:
    one = together(*REGIONS)
    twice = fit_together(
        [Part(p.name, p.times_h, tuple(a.scaled(2) for a in p.activities_mbq), p.model)
         for p in parts(*REGIONS)], physical_half_life_h=TP)  # fmt: skip
    for name in REGIONS:
        assert twice.fits[name].rates_per_h == pytest.approx(one.fits[name].rates_per_h)
        assert twice.fits[name].tia_mbq_h.value == pytest.approx(
            2 * one.fits[name].tia_mbq_h.value)  # fmt: skip
        pairs = zip(one.fits[name].tia_weights_h, clean(name), strict=True)
        assert sum(w * a for w, a in pairs) == pytest.approx(one.fits[name].tia_mbq_h.value)


def test_a_shared_washout_is_one_rate_and_known_better() -> None:
    one = together("Kidney L", "Kidney R", "Liver", washout="kidney", shared=0.0).fits
    free = together("Kidney L", "Kidney R", "Liver", shared=0.0).fits
    left, right = (
        one["Kidney L"].half_lives_h["effective"],
        one["Kidney R"].half_lives_h["effective"],
    )
    assert left.value == pytest.approx(right.value)
    assert 50 < left.value < 53
    assert left.u < free["Kidney L"].half_lives_h["effective"].u
    assert one["Liver"].half_lives_h["effective"].value == pytest.approx(66, rel=1e-6)
    assert one["Liver"].degrees_of_freedom == free["Liver"].degrees_of_freedom + 1


def test_sizes_without_signs_tell_nothing_of_another_region() -> None:
    assert unsigned("registration, scan-2")
    assert not unsigned("registration, planar views left-right, planar-1")
    moved = [
        Part(n, TIMES, tuple(a.because(f"registration, s{i}", 0.06 * a.value)
                             for i, a in enumerate(readings(n, clean(n), shared=0.0))), "mono")
        for n in REGIONS
    ]  # fmt: skip
    joint = fit_together(moved, physical_half_life_h=TP)
    assert joint.problem.scan_parts.shape[1] == 0
    alone = fit("mono", TIMES, moved[2].activities_mbq, physical_half_life_h=TP)
    assert joint.fits["Liver"].tia_mbq_h.u == pytest.approx(alone.tia_mbq_h.u, rel=1e-6)


def test_a_region_that_clears_slower_than_decay_is_held_or_refused_by_name() -> None:
    near = Part("slow", TIMES, readings("Liver", [50 * 2 ** (-t / 165) for t in TIMES]), "mono")
    joint = fit_together([*parts("Kidney L"), near], physical_half_life_h=TP)
    assert joint.fits["slow"].half_lives_h["effective"].value == pytest.approx(TP)
    assert "W-TIA-AT-PHYSICAL" in {n.code for n in joint.fits["slow"].notes}
    far = Part("never", TIMES, readings("Kidney R", [50 * 2 ** (-t / 900) for t in TIMES],
                                        shared=0.0), "mono")  # fmt: skip
    with pytest.raises(MethodUnfit, match="slower than it decays") as caught:
        fit_together([*parts("Kidney L"), far], physical_half_life_h=TP)
    assert caught.value.code == "E-TIA-TEFF-GT-TPHYS"
    assert caught.value.where == "never"


def asked(name: str, values: list[float], *models: str) -> Asked:
    manner = Manner(organ="kidney", shared=frozenset({"common factor of s1"}))
    return Asked(name, TIMES, readings(name, values), models, priors("kidney"), manner=manner)


def test_the_choice_together_tests_all_models_and_keeps_shared_names() -> None:
    both = [asked(n, clean(n), "partial-uptake", "mono") for n in ("Kidney L", "Kidney R")]
    found = choose_together(both, physical_half_life_h=TP)
    left = found.choices["Kidney L"]
    assert left.fit.model == "partial-uptake"
    assert {a.model: a.verdict for a in left.alternatives} == {
        "partial-uptake": "used", "mono": "admissible"}  # fmt: skip
    assert {"common factor of s1", "curve fit, Kidney L", "choice of curve model, kidney"} <= set(
        left.tia_mbq_h.parts)  # fmt: skip
    assert "I-TIA-TOGETHER" in {n.code for n in left.notes}
    assert found.joints["Kidney L"].fits["Kidney L"] is left.fit


def test_where_one_region_stands_off_each_is_fitted_by_itself_and_says_so() -> None:
    rising = [10.0, 20.0, 40.0, 80.0]
    fine = asked("Kidney L", clean("Kidney L"), "mono")
    with pytest.raises(QuimbyError):
        choose_together([fine, asked("Kidney R", rising, "mono")], physical_half_life_h=TP)
    lines = asked("Kidney R", clean("Kidney R"), "trapezoid")
    found = choose_together([fine, lines], physical_half_life_h=TP)
    assert found.choices["Kidney R"].fit.model == "trapezoid"
    assert "I-TIA-APART" in {n.code for n in found.choices["Kidney L"].notes}
    assert not found.joints
