"""Thyroid cancer: blood dose, retention limits, areas under readings (C, G05)."""

from __future__ import annotations

from typing import Any

from quimby.core.uncertain import Uncertain, exact
from quimby.devices.counting import Counting
from quimby.dose import blood as blood_dose
from quimby.dose import thyroid as thyroid_dose
from quimby.kinetics import retention
from quimby.kinetics.choose import choose
from quimby.measure import blood
from quimby.planning import dtc
from tests.vectors.non_imaging.radioiodine import I131_H, Inputs, half_life_h, model_name
from tests.vectors.non_imaging.registry import vector


def blood_answer(found: blood_dose.BloodDose) -> dict[str, Any]:
    return {
        "wb_residence_h": found.whole_body_tiac_h.value,
        "beta_Gy_per_GBq": found.beta_gy_per_gbq.value,
        "gamma_Gy_per_GBq": found.photon_gy_per_gbq.value,
        "total_Gy_per_GBq": found.total_gy_per_gbq.value,
        "dose_Gy_per_GBq": found.total_gy_per_gbq.value,
        "max_activity_GBq_for_2Gy": dtc.by_blood(found.total_gy_per_gbq).activity_gbq.value,
        "warnings": found.notes,
    }


@vector("C01")
def full_blood(i: Inputs) -> dict[str, Any]:
    per_ml = exact(i["blood_residence_total_h"] / i["blood_volume_ml"])
    return blood_answer(
        blood_dose.blood_dose(per_ml, exact(i["wb_residence_h"]), exact(i["weight_kg"]))
    )


@vector("C02", "C03")
def volumes(i: Inputs) -> dict[str, Any]:
    size = {"height_cm": i["height_cm"], "weight_kg": i["weight_kg"]}
    one, other = (
        blood_dose.blood_volume(i["sex"], formula=name, **size) for name in ("Nadler", "Retzlaff")
    )
    return {"nadler_ml": one.volume_ml.value, "retzlaff_ml": other.volume_ml.value}


@vector("C04", "C05", "C09", "C10", "C11")
def single_blood(i: Inputs) -> dict[str, Any]:
    if "blood_volume_ml" in i:
        volume = exact(i["blood_volume_ml"])
    else:
        volume = blood_dose.blood_volume(
            i["sex"],
            height_cm=i["height_cm"],
            weight_kg=i["weight_kg"],
            formula=i.get("blood_volume_model", "nadler").capitalize(),
        ).volume_ml
    found = blood_dose.blood_dose_one_reading(
        exact(i["retention"]),
        i["time_h"],
        weight_kg=exact(i["weight_kg"]),
        blood_volume_ml=volume,
        half_life_h=I131_H,
    )
    return {**blood_answer(found), "blood_volume_ml": volume.value}


@vector("C06", "C07")
def retained(i: Inputs) -> dict[str, Any]:
    found = dtc.by_retention(
        exact(i["retention_48h"]), diffuse_lung_metastases=i["diffuse_lung_metastases"]
    )
    return {"max_activity_GBq": found.activity_gbq.value}


@vector("C08")
def largest(i: Inputs) -> dict[str, Any]:
    by_blood = dtc.by_blood(exact(i["blood_dose_Gy_per_GBq"]), limit_gy=i.get("blood_limit_Gy"))
    by_body = dtc.by_retention(
        exact(i["retention_48h"]), diffuse_lung_metastases=i["diffuse_lung_metastases"]
    )
    found = dtc.largest_tolerable(by_blood, by_body)
    return {
        "activity_GBq": found.activity_gbq.value,
        "limiting": found.limiting,
        "candidates_GBq": {
            "blood": by_blood.activity_gbq.value,
            "retention": by_body.activity_gbq.value,
        },
    }


@vector("C12")
def exponentials(i: Inputs) -> dict[str, Any]:
    found = retention.exponentials_tia(i["amplitudes_per_ml"], i["half_lives_h"])
    return {"tau_per_ml_h": found}


@vector("C13")
def blood_curve(i: Inputs) -> dict[str, Any]:
    found = choose(
        i["times_h"],
        [exact(f) for f in i["fraction_per_ml"]],
        physical_half_life_h=I131_H,
        preferred="bi-clearance",
        region="blood",
    )
    return {"tau_per_ml_h": found.tia_mbq_h.value, "warnings": found.notes}


@vector("C14", "G05")
def trapezoids(i: Inputs) -> dict[str, Any]:
    values = [exact(v) for v in i["values"]]
    head = {"plateau": "plateau", "zero": "from zero", "linear": "from zero"}
    common = {
        "half_life_h": half_life_h(i),
        "rule": i.get("rule", "log"),
        "head": head[i.get("head", "plateau")],
    }
    tails = i.get("tails") or [i["tail"]]
    found = {
        name: retention.area(
            i["times_h"], values, tail="physical" if name == "physical" else "slope",
            tail_points=2 if name == "physical" else int(name.rsplit("_", 1)[1]), **common,
        )
        for name in tails
    }  # fmt: skip
    first = next(iter(found.values()))
    answer: dict[str, Any] = {
        "head_h": first.head.value,
        "body_h": first.body.value,
        "body": first.body.value,
        "tail_h": first.tail.value,
        "total_h": first.total.value,
        "extrapolated_fraction": first.extrapolated,
        "warnings": [n for f in found.values() for n in f.notes],
    }
    for name, area in found.items():
        short = "physical" if name == "physical" else "slope"
        answer |= {
            f"total_{short}": area.total.value,
            f"extrapolated_fraction_{short}": round(area.extrapolated, 5),  # as G05 prints it
        }
    return answer


@vector("C15", "C16")
def other_nuclide(i: Inputs) -> dict[str, Any]:
    measured, wanted = half_life_h(i, "from_nuclide"), half_life_h(i, "to_nuclide")
    given = i.get("retention_effective_tracer")
    if given is None:
        then = retention.as_effective(
            exact(i["retention_decay_corrected"]), i["time_h"], decay_corrected=True,
            half_life_h=measured,
        )  # fmt: skip
    else:
        then = exact(given)
    found = retention.of_other_nuclide(
        then, i["time_h"], measured_half_life_h=measured, wanted_half_life_h=wanted
    )
    return {"retention_effective": found.value}


@vector("C17a", "C17b", "C17c", "C17d")
def triage(i: Inputs) -> dict[str, Any]:
    return {"flag": dtc.triage(i["retention_48h"])}


@vector("C18")
def remnant(i: Inputs) -> dict[str, Any]:
    tiac = thyroid_dose.lesion_tiac_h(exact(i["uptake0"]), exact(i["T_eff_h"]))
    found = thyroid_dose.dose(
        exact(i["administered_MBq"]), tiac, exact(i["mass_g"]), model=model_name(i)
    )
    return {
        "tiac_h": tiac.value,
        "dose_Gy": found.dose_gy.value,
        "below_300Gy": dtc.below_remnant_aim(found.dose_gy.value),
        "warnings": found.notes,
    }


@vector("C19")
def sample(i: Inputs) -> dict[str, Any]:
    seconds = i["count_time_s"]
    found = blood.blood_point(
        blood.BloodSample(
            i["drawn_h"],
            i["counted_h"],
            Counting(i["gross_counts"], seconds, "blood 24 h"),
            Counting(i["background_counts"], seconds, "blank"),
            exact(i["volume_ml"]),
        ),
        efficiency_cps_per_mbq=exact(i["efficiency_cps_per_Bq"] * 1e6),
        administered_mbq=exact(i["administered_MBq"]),
        half_life_h=half_life_h(i),
    )
    return {
        "net_cps": found.net_cps.value,
        "fraction_per_ml_at_draw": found.fraction_per_ml.value,
        "warnings": found.notes,
    }


@vector("C20")
def checked(i: Inputs) -> dict[str, Any]:
    dose = i["blood_dose_Gy_per_GBq"]
    found = dtc.check_plan(
        Uncertain(dose, {"all": dose * i["u_rel"]}),
        i["activity_GBq"],
        limit_gy=i.get("limit_Gy"),
        k=i.get("k", 2.0),
    )
    return {
        "dose_Gy": found.dose_gy.value,
        "upper_dose_Gy": found.upper_gy,
        "conservative_max_activity_GBq": found.conservative_gbq,
        "ok": found.ok,
        "warnings": found.notes,
    }
