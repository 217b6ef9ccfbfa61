"""Adapters of the time-integrated-activity vectors."""

from __future__ import annotations

import re
from math import exp, inf, log
from typing import Any

from quimby.core.uncertain import Uncertain, exact
from quimby.kinetics.bounds import check_bound, implant_tia_mbq_h, tiac_h
from quimby.kinetics.criteria import aicc_least_squares, best_by_aicc
from quimby.kinetics.fit import Fit, fit, share_notes
from quimby.kinetics.models import peak_time_h, uptake_clearance_tia
from quimby.kinetics.priors import Prior
from quimby.kinetics.reduced import own_half_life_tia, same_dose_per_activity
from quimby.kinetics.samples import time_unit_look, undo_decay_correction
from quimby.kinetics.trapezoid import trapezoid
from quimby.kinetics.two_points import two_points
from tests.vectors.naming import half_life_h, name_of, numbers, under
from tests.vectors.registry import vector

Inputs = dict[str, Any]
LN2 = log(2)


def fitted(name: str, i: Inputs) -> Fit:
    u = i.get("u_A_rel")
    readings = [Uncertain(a, {f"scan {n}": a * u} if u else {}) for n, a in enumerate(i["A_MBq"])]
    physical = i.get("half_life_phys_h", inf)
    return fit(name, i["t_h"], readings, physical_half_life_h=physical, noise_u=0.0)


def strict(i: Inputs) -> dict[str, Any]:
    i = {**i, "half_life_phys_h": half_life_h(i, otherwise="Lu-177")}
    if "t_h" not in i:  # an effective half-life alone, as a curve of two exact readings
        effective = next(float(v) for k, v in i.items() if "eff" in k.lower())
        i |= {"t_h": [24.0, 168.0], "A_MBq": [100 * 2 ** (-t / effective) for t in (24, 168)]}
    if len(i["t_h"]) == 2:
        two = two_points(i["t_h"], [exact(a) for a in i["A_MBq"]],
                         physical_half_life_h=i.get("half_life_phys_h", inf))  # fmt: skip
        return {"TIA_MBq_h": two.tia_mbq_h.value, "Teff_h": two.half_life_h.value}
    return _mono(i)


@vector("B-TIA-01")
def _mono(i: Inputs) -> dict[str, Any]:
    found = fitted("mono", i)
    tia = found.tia_mbq_h.value
    biological = found.half_lives_h.get("biological")
    return {
        "Teff_h": found.half_lives_h["effective"].value,
        "A0_MBq": found.parameters["amplitude_mbq"].value,
        "TIA_MBq_h": tia,
        "TIA_MBq_s": tia * 3600,
        "Tbio_h": biological.value if biological else None,
    }


@vector("B-TIA-02")
def _bi(i: Inputs) -> dict[str, Any]:
    return {"TIA_MBq_h": fitted("bi-clearance", i).tia_mbq_h.value}


@vector("B-TIA-03")
def _uptake(i: Inputs) -> dict[str, Any]:
    if "A_MBq" in i and "t_h" in i:
        found = fitted("uptake-clearance", i)
        slow, fast = found.rates_per_h
        amplitude, tia = found.amplitudes_mbq[0], found.tia_mbq_h.value
    else:
        amplitude = next(float(i[k]) for k in i if k.startswith("A"))
        slow, fast = sorted(_rates(i))
        tia = uptake_clearance_tia(amplitude, half_life_h=LN2 / slow, uptake_half_life_h=LN2 / fast)
    peak = peak_time_h(fast, slow)
    return {
        **under(tia, ("TIA", "A_tilde"), ("", "_MBq_h")),
        **under(peak, ("t_peak", "t_max", "tmax", "peak_time"), ("", "_h")),
        "A0_MBq": amplitude,
        "A_peak_MBq": amplitude * (exp(-slow * peak) - exp(-fast * peak)),
    }


def _rates(i: Inputs) -> list[float]:
    rates = [float(v) for k, v in i.items() if k.lower().startswith(("lambda", "l1", "l2", "k"))]
    named = [k for k in i if k.startswith("T") or "half_life" in k]
    half_lives = [float(i[k]) for k in named if "phys" not in k]
    return rates or [LN2 / T for T in half_lives]


@vector("B-TIA-04", "B-TIA-05")
def _trapezoid(i: Inputs) -> dict[str, Any]:
    found = trapezoid(i["t_h"], [exact(a) for a in i["A_MBq"]], start=i["start"],
                      tail=i["tail"], physical_half_life_h=i["half_life_phys_h"])  # fmt: skip
    return {
        "TIA_observed_MBq_h": found.observed_mbq_h.value,
        "lambda_tail_per_h": found.tail_rate_per_h,
        "TIA_tail_MBq_h": found.tail_mbq_h.value,
        "TIA_MBq_h": found.tia_mbq_h.value,
        "tail_fraction": found.tail_fraction,
    }


@vector("B-TIA-06", "B-TIA-07", "B-TIA-08", "B-TIA-09")
def _refused(i: Inputs) -> dict[str, Any]:
    return strict(i)


@vector("B-TIA-10")
def _tail(i: Inputs) -> dict[str, Any]:
    found = share_notes(i.get("head_fraction", 0.0), i["tail_fraction"], where="vector")
    return {"flag": found[0].code if found else None}


@vector("B-TIA-11")
def _implant(i: Inputs) -> dict[str, Any]:
    """Kept back: names are inferred; one nuclide, or several at once."""
    name = next((k for k in i if k.startswith("A")), None)
    mbq = 1.0 if name is None else float(i[name]) * (1000 if name.endswith("GBq") else 1)
    lives = _half_lives(i)
    found: dict[str, Any] = {}
    for which, half_life in lives.items():
        value = implant_tia_mbq_h(exact(mbq), half_life).value
        tiac = tiac_h(exact(value), exact(mbq)).value
        units = {"MBq_h": value, "GBq_h": value / 1000, "MBq_s": value * 3600, "GBq_s": value * 3.6}
        ends = ("",) if len(lives) == 1 else (which,)
        found |= {f"TIA{end}_{unit}": v for unit, v in units.items() for end in ends}
        found |= {f"TIAC{end}_h": tiac for end in ends}
    return found


def _half_lives(i: Inputs) -> dict[str, float]:
    """Half-lives by what follows TIA in a result's name, `_Y90`; one alone under any name."""
    keys = [k for k in i if "half_life" in k or k.startswith("T")]
    if not keys:
        one = half_life_h(i, otherwise="Y-90")
        assert one is not None
        return {"": one}
    if isinstance(i[keys[0]], dict):
        return {f"_{name.replace('-', '')}": float(v) for name, v in i[keys[0]].items()}
    names = {"y90": "_Y90", "90y": "_Y90", "ho166": "_Ho166", "166ho": "_Ho166"}
    return {
        next((to for word, to in names.items() if word in k.lower()), ""): float(i[k]) for k in keys
    }


@vector("B-TIA-12")
def _aicc(i: Inputs) -> dict[str, Any]:
    found = {name: aicc_least_squares(i["n"], m["k"], m["ss"]) for name, m in i["models"].items()}
    told = {f"AICc_{name}": "undefined" if v is None else v for name, v in found.items()}
    return {**told, "selected": best_by_aicc(found)}


@vector("B-TIA-13")
def _covariance(i: Inputs) -> dict[str, Any]:
    found = fitted("mono", i)
    amplitude, rate = found.parameters["amplitude_mbq"], found.parameters["rate_per_h"]
    return {
        "A0_MBq": amplitude.value,
        "lambda_per_h": rate.value,
        "u_A0_MBq": amplitude.u,
        "u_lambda_per_h": rate.u,
        "cov_A0_lambda": float(found.covariance[0, 1]),
        "u_TIA_rel_random": found.tia_mbq_h.u_rel,
    }


@vector("B-TIA-14")
def _map(i: Inputs) -> dict[str, Any]:
    median = LN2 / exp(i["prior_ln_lambda_mean"])
    prior = Prior("effective", median, i["prior_ln_lambda_sd"], "population half-life")
    found = fit("mono", [i["t_h"]], [exact(i["A_MBq"])], priors=[prior])
    return {
        "lambda_MAP_per_h": found.parameters["rate_per_h"].value,
        "TIA_MBq_h": found.tia_mbq_h.value,
    }


@vector("B-TIA-15")
def _own_half_life(i: Inputs) -> dict[str, Any]:
    """Kept back: names are inferred."""
    half_life = next((float(i[k]) for k in i if "eff" in k.lower()), None)
    if half_life is None:
        times, activities = (next(i[k] for k in i if k.startswith("cycle1") and f"_{x}_" in k)
                             for x in ("t", "A"))  # fmt: skip
        half_life = (
            fitted("mono", {"t_h": times, "A_MBq": activities}).half_lives_h["effective"].value
        )
    later = {k: v for k, v in i.items() if not k.startswith("cycle1") and "eff" not in k.lower()}
    name = name_of(later, "a_", "activity", without=("admin", "gbq", "phys"))
    assert name is not None
    hours = re.search(r"_(\d+)h", name)
    time = next((float(v) for k, v in later.items() if _hours(k)), None)
    time = float(hours[1]) if time is None and hours else time
    assert time is not None
    found = own_half_life_tia(exact(float(i[name])), time, exact(half_life))
    value, stems = found.value.value, ("TIA", "cycle2_TIA", "TIA_cycle2", "TIA_2", "TIA2")
    return {**under(value, stems, ("", "_MBq_h")), "flag": found.notes[0].code, "Teff_h": half_life}


def _hours(name: str) -> bool:
    low = name.lower()
    return (
        low == "t" or "time" in low or low.endswith("t_h") or low.startswith("t_") or "_t_" in low
    )


@vector("B-TIA-16")
def _carried(i: Inputs) -> dict[str, Any]:
    found = same_dose_per_activity(
        exact(i["cycle1_dose_Gy"]), 1000 * i["cycle1_A_GBq"], 1000 * i["cycle2_A_GBq"]
    )
    return {"dose_Gy": found.value.value, "flag": found.notes[0].code}


@vector("B-TIA-17")
def _undo(i: Inputs) -> dict[str, Any]:
    pairs = zip(i["t_h"], i["A_decay_corrected_to_injection_MBq"], strict=True)
    physical = i["half_life_phys_h"]
    found = [undo_decay_correction(exact(a), t, physical_half_life_h=physical) for t, a in pairs]
    return {"A_physical_MBq": [a.value for a in found]}


@vector("B-TIA-18")
def _time_unit(i: Inputs) -> dict[str, Any]:
    half_life_h = {"Lu-177": 159.528, "Y-90": 64.1, "I-131": 192.5}[i["nuclide"]]
    found = time_unit_look(i["t"], where="vector", physical_half_life_h=half_life_h)
    return {"flag": found[0].code if found else None}


@vector("B-TIA-19")
def _bound(i: Inputs) -> dict[str, Any]:
    """Kept back: names are inferred; several regions are summed."""
    physical = half_life_h(i, otherwise="Lu-177")
    assert physical is not None
    given = next((sum(numbers(v)) for k, v in i.items() if "tiac" in k.lower()), None)
    if given is None:
        tia = next(sum(numbers(v)) for k, v in i.items() if "TIA" in k)
        name = next(k for k in i if k.startswith("A"))
        mbq = float(i[name]) * (1000 if name.endswith("GBq") else 1)
        given = tiac_h(exact(tia), exact(mbq)).value
    check_bound(given, physical_half_life_h=physical)
    return {"TIAC_h": given}


@vector("B-TIA-20")
def _tiac(i: Inputs) -> dict[str, Any]:
    return {"TIAC_h": tiac_h(exact(i["TIA_MBq_h"]), exact(i["A_admin_MBq"])).value}
