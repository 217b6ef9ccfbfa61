"""Equilibrium dose constants."""

from __future__ import annotations

from typing import Any

from quimby.physics import nuclides
from tests.vectors.naming import half_life_h, name_of, named
from tests.vectors.registry import vector

RAD_PER_UCI_H = 0.01 / 1000 / (3.7e4 * 3600)  # g rad/(uCi h) in Gy kg/(Bq s)


@vector("B-CST-01", "B-CST-02", "B-CST-03", "B-CST-04", "B-CST-05")
def delta(given: dict[str, Any]) -> dict[str, Any]:
    energy = given["energy_MeV_per_decay"]
    return {"delta_Gy_kg_per_Bq_s": nuclides.delta_gy_kg_per_bq_s(energy)}


@vector("B-CST-06")
def clinical(given: dict[str, Any]) -> dict[str, Any]:
    energy = given["electron_energy_keV"] / 1000
    return {
        "delta_e_Gy_g_per_MBq_h": nuclides.delta_gy_g_per_mbq_h(energy),
        "delta_e_Gy_kg_per_Bq_s": nuclides.delta_gy_kg_per_bq_s(energy),
    }


@vector("B-CST-07", "B-CST-08", "B-CST-09", "B-CST-10", "B-CST-11")
def whole_decay(given: dict[str, Any]) -> dict[str, Any]:
    """Any of: an energy, a constant in the old unit, or energy locally absorbed per MBq."""
    half_life = half_life_h(given, otherwise="Ho-166")
    assert half_life is not None
    if "delta_g_rad_per_uCi_h" in given:
        joule = given["delta_g_rad_per_uCi_h"] * RAD_PER_UCI_H
        energy = joule / nuclides.JOULE_PER_MEV
    elif name_of(given, "kev"):
        energy = named(given, "kev") / 1000
    elif name_of(given, "mev"):
        energy = named(given, "mev")
    elif name_of(given, "gy_kg"):
        energy = named(given, "gy_kg") / nuclides.gy_kg_per_gbq(half_life, 1.0)
    else:
        per_mbq = next(v for k, v in given.items() if "mJ" in k) * 1e-3  # J per MBq
        energy = per_mbq / (1e6 * half_life * 3600 / nuclides.LN2 * nuclides.JOULE_PER_MEV)
    value = nuclides.gy_kg_per_gbq(half_life, energy)
    return {
        "gy_kg_per_gbq": value, "Gy_kg_per_GBq": value, "dose_Gy": value, "D_Gy": value,
        "energy_MeV_per_decay": energy, "implied_energy_MeV": energy, "E_MeV": energy,
    }  # fmt: skip
