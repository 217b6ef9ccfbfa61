"""Uncertainty of outlines, activities and doses: B-UNC."""

from __future__ import annotations

from math import hypot
from typing import Any

from quimby.core.uncertain import Uncertain
from quimby.devices.recovery import FWHM_PER_SIGMA, RecoveryCurve
from quimby.dose.uncertainty import (
    activity_covariance,
    combined_u_rel,
    diameter_u,
    edge_intensity,
    mean_u_rel,
    product_u_rel,
    sphere_diameter,
    volume_sensitivity,
    volume_u_rel,
)
from tests.vectors.naming import name_of, under
from tests.vectors.registry import vector

Inputs = dict[str, Any]


@vector("B-UNC-01")
def chain(i: Inputs) -> Inputs:
    volume, fwhm = i["volume_mL"], 10 * i["FWHM_cm"]
    curve = RecoveryCurve(i["RC_alpha_mL"], i["RC_beta"])
    r, slope = curve.at(volume), curve.slopes(volume)[0]
    s = volume_sensitivity(
        volume, fwhm_mm=fwhm, recovery=r, recovery_slope_per_ml=slope,
        s_exponent=i["S_exponent_c2"],
    )  # fmt: skip
    u_v = volume_u_rel(volume, voxel_mm=10 * i["voxel_cm"], fwhm_mm=fwhm)
    d = sphere_diameter(volume)
    return {
        "d_cm": d,
        "u_d_cm": diameter_u(i["voxel_cm"], i["FWHM_cm"]),
        "u_v_rel": u_v,
        "RC": r,
        "dR_dV": slope,
        "phi": edge_intensity(d / 2, i["FWHM_cm"] / FWHM_PER_SIGMA),
        "sens_counts": s.counts,
        "sens_RC": s.recovery,
        "sens_S": s.s_value,
        "sens_dose": s.dose,
        "u_activity_rel": combined_u_rel(s.activity, u_v, i["u_Q_rel"]),
        "u_dose_rel": combined_u_rel(s.dose, u_v, i["u_Q_rel"], i["u_TIA_fit_rel"]),
    }


@vector("B-UNC-02")
def outlined_on_ct(i: Inputs) -> Inputs:
    u = volume_u_rel(i["volume_mL"], voxel_mm=10 * i["voxel_cm"], fwhm_mm=10 * i["FWHM_outline_cm"])
    return {"u_v_rel": u}


@vector("B-UNC-03")
def shared_factor(i: Inputs) -> Inputs:
    """Kept back: names are inferred."""
    key = name_of(i, "u_rand", "u_stat", "u_noise", "u_ind", "u_a")
    assert key is not None
    random = i[key]
    shared = next(v for k, v in i.items() if k.startswith("u") and k != key)
    n = next((int(v) for k, v in i.items() if k.lower().startswith("n")), None)
    activity = next((v for k, v in i.items() if k.startswith("A") and isinstance(v, list)), None)
    activity = activity or [1.0] * (n or len(random))
    each = random if isinstance(random, list) else [random] * len(activity)
    own = [u * a for u, a in zip(each, activity, strict=True)]
    mean = mean_u_rel(activity, activity_covariance(activity, own, shared))
    # What taking the common part for random as well would say.
    both = [hypot(u, shared * a) for u, a in zip(own, activity, strict=True)]
    apart = mean_u_rel(activity, activity_covariance(activity, both, 0.0))
    stems = ("u_mean", "u", "u_TIA", "u_total", "u_common", "u_sum", "u_correct", "u_correlated")
    wrong = ("u_mean_if_independent", "u_if_independent", "u_naive", "u_independent", "u_wrong",
             "u_mean_naive", "u_mean_independent", "u_uncorrelated")  # fmt: skip
    return {**under(mean, stems, ("_rel",)), **under(apart, wrong, ("_rel",))}


@vector("B-UNC-04", "B-UNC-06")
def correlated(i: Inputs) -> Inputs:
    return {"u_D_rel": product_u_rel(i["u_TIA_rel"], i["u_S_rel"], i["corr"])}


@vector("B-UNC-05")
def coverage(i: Inputs) -> Inputs:
    dose = Uncertain(i["D_Gy"], {"all": i["u_rel"] * i["D_Gy"]})
    return {"U_Gy": i["k"] * dose.u, "interval_Gy": list(dose.interval(i["k"]))}
