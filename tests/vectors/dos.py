"""Absorbed dose: B-DOS (those of this floor; kernels come later)."""

from __future__ import annotations

from typing import Any

import numpy as np

from quimby.core.uncertain import exact
from quimby.dose.local import RegionWeights, local_dose, voxel_dose
from quimby.dose.mird import cross_s, fit_power_law, mird_sum, scale_self_s
from quimby.dose.self_dose import full_absorption_dose
from quimby.physics.nuclides import LN2
from tests.vectors.registry import vector

Inputs = dict[str, Any]


@vector("B-DOS-01")
def self_dose(i: Inputs) -> Inputs:
    dose = full_absorption_dose(
        exact(i["TIA_MBq_h"]), exact(i["mass_g"]), exact(i["electron_energy_MeV"])
    )
    return {"dose_Gy": dose.value}


@vector("B-DOS-02")
def sum_of_sources(i: Inputs) -> Inputs:
    tia = {name: exact(value) for name, value in i["TIA_MBq_s"].items()}
    return {"dose_mGy": mird_sum(tia, i["S_mGy_per_MBq_s"]).value}


@vector("B-DOS-03")
def mass_scaling(i: Inputs) -> Inputs:
    electrons = next(v for k, v in i.items() if k.startswith(("S_e", "S_beta")))
    photons = next(v for k, v in i.items() if k.startswith(("S_ph", "S_gamma")))
    scaled = scale_self_s(electrons, photons, reference_g=i["m_ref_g"], mass_g=i["m_patient_g"])
    return {
        **dict.fromkeys(("S", "S_total", "S_scaled", "S_patient", "S_scaled_total"), scaled.s),
        **dict.fromkeys(("S_e", "S_e_scaled", "S_electron", "electron_only"), scaled.electrons),
        **dict.fromkeys(("S_ph", "S_ph_scaled", "S_photon", "photon_only"), scaled.photons),
        "flag": scaled.notes[0].code if scaled.notes else None,
    }


@vector("B-DOS-04")
def scaling_direction(i: Inputs) -> Inputs:
    s = scale_self_s(i["S_ref"], 0.0, reference_g=i["m_ref_g"], mass_g=i["m_patient_g"]).s
    # the vector names an upper bound; a value below it shows as the bound itself
    return {"S_scaled_must_be_less_than": i["S_ref"] if s < i["S_ref"] else s, "electron_only": s}


@vector("B-DOS-05")
def cross(i: Inputs) -> Inputs:
    used = cross_s(i["S_cross"], reference_g=i["m_ref_target_g"], mass_g=i["m_patient_target_g"])
    return {"S_cross_used": used}


@vector("B-DOS-06")
def power_law(i: Inputs) -> Inputs:
    s = [i["S_Gy_g_ref"] * m ** i["exponent_true"] for m in i["masses_g"]]
    fit = fit_power_law(i["masses_g"], s)
    return {"c1": fit.c1, "c2": fit.c2}


PER_MBQ_H_PER_ML = {"MBq_h_per_mL": 1.0, "MBq_h_mL": 1.0, "MBq_s_per_mL": 1 / 3600,
                    "Bq_s_per_mL": 1 / 3.6e9, "Bq_h_per_mL": 1e-6, "MBq_h": 1.0,
                    "Bq_s_per_m3": 1 / 3.6e15}  # fmt: skip


@vector("B-DOS-07")
def voxel(i: Inputs) -> Inputs:
    key = next(k for k in i if "TIA" in k.upper() or "TIAC" in k.upper())
    unit = next(u for u in PER_MBQ_H_PER_ML if key.endswith(u))
    density = next(v for k, v in i.items() if k.startswith(("rho", "density")))
    volume = next((v for k, v in i.items() if k.startswith("voxel_m") and k.endswith("L")), None)
    side = next((v for k, v in i.items() if k == "voxel_mm"), None)
    per_ml = 1.0 if unit != "MBq_h" else volume or (side or 10.0) ** 3 / 1000
    c = np.array([i[key] * PER_MBQ_H_PER_ML[unit] / per_ml])
    dose = float(local_dose(c, density, i["electron_energy_MeV"])[0])
    return {"dose_Gy": dose, "D_Gy": dose, "dose_mGy": 1000 * dose}


@vector("B-DOS-16")
def cube(i: Inputs) -> Inputs:
    n = round(i["cube_mm"] / i["voxel_mm"])
    ml = i["voxel_mm"] ** 3 / 1000
    full = np.ones((n, n, n))
    density = np.full_like(full, i["rho_g_mL"])
    # one scan of 1 MBq/ml, brought to the region's time-integrated activity
    picture = voxel_dose(
        [full], density, {"cube": full}, weights={"cube": RegionWeights((1.0,), i["TIA_MBq_h"])},
        remainder_hours=(1.0,), voxel_ml=ml, energy_mev=i.get("electron_energy_MeV", 0.1479),
    )  # fmt: skip
    dose = picture.dose_gy.astype(float)
    return {
        "mass_g": float((density * ml).sum()),
        "mean_dose_Gy": float(dose.mean()),
        "voxel_SD_Gy": float(dose.std()),
    }


@vector("B-DOS-17")
def kidney(i: Inputs) -> Inputs:
    at_zero = 1000 * i["A_admin_GBq"] * i["uptake_fraction_at_0"]
    tia = at_zero * i["Teff_h"] / LN2
    dose = full_absorption_dose(
        exact(tia), exact(i["kidney_mass_g"]), exact(i["electron_energy_MeV"])
    ).value
    return {
        "TIA_MBq_h": tia, "dose_Gy": dose, "dose_per_activity_Gy_per_GBq": dose / i["A_admin_GBq"]
    }  # fmt: skip
