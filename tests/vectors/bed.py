"""Biologically effective dose: B-BED."""

from __future__ import annotations

from typing import Any

from quimby.effect.bed import (
    bed,
    bed_of_cycles,
    eqd2,
    eubed,
    g_mono,
    lea_catcheside,
    rbe_weighted,
)
from tests.vectors.registry import vector

Inputs = dict[str, Any]


@vector("B-BED-01")
def kidney(i: Inputs) -> Inputs:
    g = g_mono(i["T_rep_h"], i["Teff_h"])
    return {"G": g, "BED_Gy": bed(i["D_Gy"], g, i["alpha_beta_Gy"])}


@vector("B-BED-02", "B-BED-03")
def cycles(i: Inputs) -> Inputs:
    doses = i.get("D_Gy_per_cycle") or [i["D_Gy"]] * i["cycles"]
    g, ratio = g_mono(i["T_rep_h"], i["Teff_h"]), i["alpha_beta_Gy"]
    whole = bed_of_cycles(doses, g, ratio)
    wrong = bed(sum(doses), g, ratio)
    return {
        "BED_Gy": whole,
        "EQD2_Gy": eqd2(whole, ratio),
        **dict.fromkeys(("BED_sum_Gy", "BED_per_cycle_sum_Gy", "correct_BED_Gy", "BED_correct_Gy"),
                        whole),
        **dict.fromkeys(("BED_wrong_Gy", "wrong_BED_Gy", "BED_from_total_Gy",
                         "BED_of_total_dose_Gy", "BED_from_total_dose_Gy"), wrong),
    }  # fmt: skip


@vector("B-BED-04")
def uptake(i: Inputs) -> Inputs:
    a, rate = i["rate_coeff_Gy_per_h"], i["lambda_per_h"]
    g = lea_catcheside(a, rate, i["T_rep_h"])
    dose = sum(x / r for x, r in zip(a, rate, strict=True))
    return {"D_Gy": dose, "G": g, "BED_Gy": bed(dose, g, i["alpha_beta_Gy"])}


@vector("B-BED-05")
def limits(i: Inputs) -> Inputs:
    slow, fast = (g_mono(case["T_rep_h"], case["Teff_h"]) for case in i["cases"])
    return {"G_slow_repair": slow, "G_fast_repair": fast}


@vector("B-BED-06")
def alpha(i: Inputs) -> Inputs:
    return {"RBE_weighted_Gy": rbe_weighted(i["D_alpha_Gy"], i["D_beta_Gy"], i["RBE_alpha"])}


@vector("B-BED-07")
def even(i: Inputs) -> Inputs:
    values = i.get("BED_Gy") or i["bed_Gy"]
    shares = next((v for k, v in i.items() if k.startswith("volume")), None)
    return {"EUBED_Gy": eubed(values, i["alpha_per_Gy"], shares)}


@vector("B-BED-08")
def bad(i: Inputs) -> Inputs:
    return {"BED_Gy": bed(1.0, g_mono(i.get("T_rep_h", 2.8), 51.0), i["alpha_beta_Gy"])}
