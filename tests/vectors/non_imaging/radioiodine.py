"""Benign thyroid: uptake, curves, mass, activity (B)."""

from __future__ import annotations

import json
from typing import Any

from quimby.core.uncertain import exact
from quimby.devices.counting import Counting
from quimby.dose import thyroid as thyroid_dose
from quimby.kinetics import retention, thyroid
from quimby.kinetics.one_point import population_bias
from quimby.kinetics.priors import Prior
from quimby.measure import uptake
from quimby.physics.nuclides import LN2, nuclide
from quimby.planning import thyroid as plan
from tests.conftest import SHARED
from tests.vectors.non_imaging.registry import vector

Inputs = dict[str, Any]
I131_H = nuclide("I-131").half_life_h.value


def half_life_h(i: Inputs, key: str = "nuclide") -> float:
    return nuclide(i.get(key) or "I-131").half_life_h.value


def full(i: Inputs) -> Inputs:
    """The inputs themselves, or those of the vector they are the same as."""
    if "same_as" not in i:
        return i
    rows = json.loads((SHARED / "spec" / "vectors_non_imaging.json").read_text("utf-8"))["vectors"]
    first = next(v["inputs"] for v in rows if v["id"] == i["same_as"])
    return {**first, **{k: v for k, v in i.items() if k != "same_as"}}


def model_name(i: Inputs) -> str:
    return str(i.get("energy_model", "mass_dependent")).replace("_", "-")


# B: benign thyroid


@vector("B01", "B02", "B20")
def riu(given: Inputs) -> dict[str, Any]:
    i = full(given)
    seconds = i["count_time_s"]
    names = ("neck", "thigh", "standard", "room")
    counts = [Counting(i[f"{name}_counts"], seconds, f"{name} 24 h") for name in names]
    found = uptake.uptake_with_standard(
        *counts,
        time_h=i["hours_after_admin"],
        standard_mbq=exact(i["standard_activity_MBq_at_admin_time"]),
        administered_mbq=exact(i["administered_activity_MBq"]),
        half_life_h=half_life_h(i),
        standard_time_h=None if i["standard_counted_same_time"] else 0.0,
        position_u=0.0,
    )
    return {
        "riu_decay_corrected": found.decay_corrected.value,
        "riu_effective": found.effective.value,
        "u_riu_decay_corrected": found.decay_corrected.u,
        "warnings": found.notes,
    }


@vector("B03")
def converted(i: Inputs) -> dict[str, Any]:
    found = retention.as_effective(
        exact(i["riu_decay_corrected"]),
        i["hours"],
        decay_corrected=True,
        half_life_h=half_life_h(i, "target"),
    )
    return {"riu_effective": found.value}


@vector("B04")
def two_compartment(i: Inputs) -> dict[str, Any]:
    found = thyroid.compartments(
        k_t=i["k_t_per_h"], k_b=i["k_B_per_h"], k_thyroid=LN2 / i["T_eff_thyroid_h"]
    )
    return {
        "tiac_h": found.tiac_h,
        "tiac_d": found.tiac_h / 24,
        "t_max_h": found.peak_time_h,
        "riu_max": found.peak_uptake,
    }


@vector("B05")
def three_points(i: Inputs) -> dict[str, Any]:
    found = thyroid.two_compartments(
        i["times_h"], [exact(u) for u in i["riu_effective"]], physical_half_life_h=I131_H
    )
    assert found.uptake_rate_per_h
    assert found.blood_rate_per_h
    assert found.half_life_h
    return {
        "k_t_per_h": found.uptake_rate_per_h.value,
        "k_B_per_h": found.blood_rate_per_h.value,
        "T_eff_h": found.half_life_h.value,
        "tiac_d": found.tiac_d,
        "tiac_h": found.tiac_h.value,
        "warnings": found.notes,
    }


@vector("B06")
def same_rates(i: Inputs) -> dict[str, Any]:
    rates = {"k_t": i["k_t_per_h"], "k_b": i["k_B_per_h"], "k_thyroid": i["k_T_per_h"]}
    return {"riu": thyroid.uptake_at(i["time_h"], **rates)}


@vector("B07")
def energy(i: Inputs) -> dict[str, Any]:
    masses = i["mass_g"] if isinstance(i["mass_g"], list) else [i["mass_g"]]
    found = [thyroid_dose.mean_energy(exact(m)) for m in masses]
    values = [f.gy_g_per_mbq_d.value for f in found]
    return {
        "E_bar_Gy_g_per_MBq_d": values if isinstance(i["mass_g"], list) else values[0],
        "warnings": [n for f in found for n in f.notes],
    }


@vector("B08")
def activity(i: Inputs) -> dict[str, Any]:
    found = plan.activity_for_dose(
        i["dose_Gy"], exact(i["mass_g"]), exact(24 * i["tiac_d"]), model=model_name(i)
    )
    return {"activity_MBq": found.value}


@vector("B09")
def marinelli(i: Inputs) -> dict[str, Any]:
    found = plan.marinelli_activity(
        i["dose_Gy"],
        exact(i["mass_g"]),
        largest_uptake=exact(i["riu_max_percent"] / 100),
        half_life_h=exact(24 * i["T_eff_d"]),
        constant=i["constant"],
    )
    return {"activity_MBq": found.value}


@vector("B10")
def constant(i: Inputs) -> dict[str, Any]:
    return {"constant": thyroid_dose.marinelli_constant(i["E_bar"])}


@vector("B11", "B12", "B18", "B19")
def two_uptakes(i: Inputs) -> dict[str, Any]:
    values = [exact(u) for u in i["riu_effective"]]
    if i.get("uptake_half_time_h"):
        prior = Prior("uptake", i["uptake_half_time_h"], 0.3, "uptake half-time, assumed")
        found = thyroid.assumed_uptake(i["times_h"], values, prior, physical_half_life_h=I131_H)
    else:
        found = thyroid.washout_only(i["times_h"], values, physical_half_life_h=I131_H)
    assert found.fit
    assert found.half_life_h
    amplitude = found.fit.amplitudes_mbq[0]
    return {
        "T_eff_h": found.half_life_h.value,
        "T_eff_d": found.half_life_h.value / 24,
        "U0": amplitude,
        "amplitude": amplitude,
        "k_T_per_h": found.fit.rates_per_h[0],
        "tiac_h": found.tiac_h.value,
        "tiac_d": found.tiac_d,
        "warnings": found.notes,
    }


@vector("B13", "B22", "B28")
def one_uptake(i: Inputs) -> dict[str, Any]:
    prior = Prior("effective", i["T_eff_pop_h"], 0.2, "half-life, population")
    found = thyroid.one_reading(i["time_h"], exact(i["riu_effective"]), prior)
    return {"tiac_h": found.tiac_h.value, "tiac_d": found.tiac_d, "warnings": found.notes}


@vector("B14")
def bias(i: Inputs) -> dict[str, Any]:
    given = i["T_eff_true_h"]
    true = given if isinstance(given, list) else [given]
    found = [
        1 + population_bias(i["time_h"], population_h=i["T_eff_pop_h"], true_h=T) for T in true
    ]
    return {"ratio_estimate_to_true": found if isinstance(given, list) else found[0]}


@vector("B15")
def bounds(i: Inputs) -> dict[str, Any]:
    return {
        "lower_bound_h": thyroid.least_tiac_h(i["time_h"], i["riu_effective"]),
        "rule_2t_over_ln2_h": thyroid.twice_time_tiac_h(i["time_h"], i["riu_effective"]),
    }


@vector("B16", "B26", "B27")
def ultrasound(i: Inputs) -> dict[str, Any]:
    one, other = (
        thyroid_dose.target_mass(
            i["lobes_cm"], factor=name, density_g_per_ml=i.get("density_g_per_ml")
        )
        for name in ("pi/6", "Brunn")
    )
    return {
        "volume_ml_pi6": one.volume_ml.value,
        "volume_ml_brunn": other.volume_ml.value,
        "mass_g_pi6": one.mass_g.value,
        "mass_g_brunn": other.mass_g.value,
    }


@vector("B17")
def delivered(i: Inputs) -> dict[str, Any]:
    found = thyroid_dose.dose(
        exact(i["administered_MBq"]),
        exact(24 * i["tiac_d"]),
        exact(i["mass_g"]),
        model=model_name(i),
    )
    return {"dose_Gy": found.dose_gy.value, "warnings": found.notes}


@vector("B21", "B29")
def rapid(i: Inputs) -> dict[str, Any]:
    found = uptake.turnover(at_4h=i.get("riu_4h"), at_6h=i.get("riu_6h"), at_24h=i.get("riu_24h"))
    return {"ratio": found.ratio, "warnings": found.notes}


@vector("B23")
def depth(i: Inputs) -> dict[str, Any]:
    found = uptake.depth_factor(
        i["distance_cm"],
        i["depth_cm"],
        phantom_depth_cm=i["phantom_depth_cm"],
        mu_per_cm=i.get("mu_per_cm", uptake.TISSUE_PER_CM),
    )
    return {"factor": found}


@vector("B24")
def budget(i: Inputs) -> dict[str, Any]:
    found = plan.budget_u_rel(
        tiac=i["u_tiac_rel"],
        mass=i["u_mass_rel"],
        activity=i["u_activity_rel"],
        energy=i["u_energy_rel"],
        mass_exponent=i.get("mass_exponent", -1.0),
    )
    return {"u_dose_rel": found}


@vector("B25")
def simple_plan(i: Inputs) -> dict[str, Any]:
    factor = "pi/6" if i["volume_factor"] == "pi/6" else "Brunn"
    mass = thyroid_dose.target_mass(
        i["lobes_cm"], factor=factor, density_g_per_ml=i["density_g_per_ml"]
    ).mass_g
    assert i["tiac_rule"] == "2t/ln2"
    prior = Prior("effective", 132.0, 0.2, "half-life, population")
    tiac = thyroid.one_reading_twice_time(i["time_h"], exact(i["riu_effective"]), prior)
    found = plan.plan(i["dose_Gy"], mass, tiac.tiac_h, model=model_name(i))
    return {
        "mass_g": mass.value,
        "tiac_d": tiac.tiac_d,
        "E_bar": found.per_activity.energy.gy_g_per_mbq_d.value,
        "activity_MBq": found.activity_mbq.value,
        "warnings": [*tiac.notes, *found.notes],
    }
