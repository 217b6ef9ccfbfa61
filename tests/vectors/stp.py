"""Adapters of the one- and two-point vectors."""

from __future__ import annotations

from typing import Any

from quimby.core.uncertain import Uncertain, exact
from quimby.kinetics import one_point as op
from quimby.kinetics.priors import Prior
from quimby.kinetics.two_points import two_points
from tests.vectors.naming import named, starting, under
from tests.vectors.registry import vector


def population(half_life_h: float) -> Prior:
    return Prior("effective", half_life_h, 0.18, "population half-life", "vector")


@vector("B-STP-01")
def _ratio(i: dict[str, Any]) -> dict[str, Any]:
    return {"ratio": [op.twice_time_ratio(x) for x in i["t_over_Teff"]]}


@vector("B-STP-02")
def _dose_2018(i: dict[str, Any]) -> dict[str, Any]:
    tia = op.twice_time_tia(exact(i["C_MBq_per_g"]), i["t_h"], population(51.0)).tia_mbq_h.value
    short = op.concentration_dose_short_gy(exact(i["C_MBq_per_g"]), i["t_h"]).value
    dose = tia * i.get("s_Gy_g_per_MBq_h", 0.0866)
    return {"TIA_conc_MBq_h_per_g": tia, "dose_Gy": dose, "dose_Gy_short_form": short}


@vector("B-STP-03")
def _dose_2017(i: dict[str, Any]) -> dict[str, Any]:
    """Kept back: names are inferred."""
    c, half_life = named(i, "c_", "conc"), named(i, "eff")
    time = starting(i, "t_h", "time", "t")
    dose = op.concentration_dose_gy(exact(c), time, half_life).value
    return under(dose, ("dose", "D"), ("", "_Gy"))


@vector("B-STP-04")
def _population(i: dict[str, Any]) -> dict[str, Any]:
    found = op.population_half_life_tia(exact(i["A_MBq"]), i["t_h"], population(i["Teff_pop_h"]))
    tia = found.tia_mbq_h.value
    return {"TIA_MBq_h": tia, "dose_Gy": tia / i["mass_g"] * i["delta_e_Gy_g_per_MBq_h"]}


@vector("B-STP-05")
def _bias(i: dict[str, Any]) -> dict[str, Any]:
    found = [
        op.population_bias(i["t_h"], population_h=i["Teff_pop_h"], true_h=T)
        for T in i["Teff_true_h"]
    ]
    return {"error_pct": [100 * bias for bias in found]}


@vector("B-STP-06")
def _best_time(i: dict[str, Any]) -> dict[str, Any]:
    return {"t_opt_h": op.best_time_h(i["Teff_pop_h"])}


@vector("B-STP-07")
def _window(i: dict[str, Any]) -> dict[str, Any]:
    time = i.get("t_h", i.get("t", 0.0))
    half_life = next((i[k] for k in i if k.startswith(("Teff", "T_eff"))), 51.0)
    if "t_over_Teff" in i:
        time, half_life = i["t_over_Teff"], 1.0
    activity = next((float(i[k]) for k in i if k.startswith(("A_", "C_"))), 1.0)
    found = op.twice_time_tia(Uncertain(activity), float(time), population(float(half_life)))
    flags = [n.code for n in found.notes]
    return {
        "flag": "W-STP-WINDOW" if "W-STP-WINDOW" in flags else None,
        "ratio": op.twice_time_ratio(found.time_in_half_lives),
        "t_over_Teff": found.time_in_half_lives,
    }


@vector("B-STP-08")
def _two_points(i: dict[str, Any]) -> dict[str, Any]:
    readings = [
        Uncertain(a, {f"scan {n}": a * u})
        for n, (a, u) in enumerate(zip(i["A_MBq"], i["u_rel"], strict=True))
    ]
    found = two_points(i["t_h"], readings, physical_half_life_h=i["half_life_phys_h"])
    return {
        "lambda_per_h": found.rate_per_h.value,
        "Teff_h": found.half_life_h.value,
        "A0_MBq": found.amplitude_mbq.value,
        "TIA_MBq_h": found.tia_mbq_h.value,
        "u_TIA_rel": found.tia_mbq_h.u_rel,
    }


@vector("B-STP-09")
def _other_nuclide(i: dict[str, Any]) -> dict[str, Any]:
    tia = op.other_nuclide_tia_mbq_h(
        exact(i["A_image_MBq"]),
        i["t_h"],
        imaged_half_life_h=i["half_life_image_h"],
        therapy_half_life_h=i["half_life_therapy_h"],
        biological_half_life_h=i["Tbio_h"],
        activity_ratio=i["activity_ratio_therapy_to_image"],
    )
    return {"TIA_therapy_MBq_h": tia.value}
