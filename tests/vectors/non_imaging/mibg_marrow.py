"""mIBG whole-body dose and red marrow (D, E)."""

from __future__ import annotations

from typing import Any

from quimby.core.uncertain import exact
from quimby.dose import marrow, whole_body
from quimby.kinetics import retention
from quimby.measure import whole_body as body
from quimby.planning import mibg
from tests.vectors.non_imaging.radioiodine import I131_H, Inputs, half_life_h
from tests.vectors.non_imaging.registry import vector


@vector("D01", "D13")
def s_value(i: Inputs) -> dict[str, Any]:
    several = isinstance(i["mass_kg"], list)
    masses = i["mass_kg"] if several else [i["mass_kg"]]
    found = [whole_body.s_whole_body(exact(m)) for m in masses]
    values = [f.s_gy_per_mbq_h.value for f in found]
    return {
        "S_Gy_per_MBq_h": values if several else values[0],
        "warnings": [n for f in found for n in f.notes],
    }


@vector("D02")
def crosscheck(i: Inputs) -> dict[str, Any]:
    found = whole_body.cross_check(i["mass_kg"], i.get("electron_MeV_per_decay"))
    return {
        "electron": found.electrons,
        "photon": found.photons,
        "sum": found.together,
        "ratio_to_power_law": found.ratio,
    }


def reading(row: Inputs) -> body.Reading:
    posterior = row.get("post_cps")
    return body.Reading(
        row["time_h"],
        exact(row["ant_cps"]),
        None if posterior is None else exact(posterior),
        exact(row["bg_cps"]),
    )


@vector("D03", "D09", "D10", "D11")
def retained_activity(i: Inputs) -> dict[str, Any]:
    urine = i.get("urine_before_reference_MBq")
    reference = i.get("reference") or None
    out = []
    if urine and reference:
        measured = i.get("urine_time_h", reference["time_h"])
        voided = min(measured, reference["time_h"])
        out = [body.Excreted(exact(urine), measured, voided_h=voided)]
    found = body.whole_body(
        reading(reference) if reference else None,
        [reading(i["measurement"])],
        administered_mbq=exact(i["administered_MBq"]),
        half_life_h=half_life_h(i),
        voided_before_reference=bool(i.get("voided_before_reference") or urine),
        excreted=out,
        position_u=0.0,
    )
    return {
        "gm_reference_cps": found.responses[0].value,
        "gm_cps": found.responses[1].value,
        "activity_reference_MBq": found.activities_mbq[0].value,
        "activity_MBq": found.activities_mbq[1].value,
        "warnings": found.notes,
    }


@vector("D04")
def phases(i: Inputs) -> dict[str, Any]:
    found = retention.area(
        i["times_h"],
        [exact(a) for a in i["activity_MBq"]],
        half_life_h=I131_H,
        tail="physical" if i["tail"] == "physical" else "slope",
    )
    return {
        "phase_tia_MBq_h": [p.value for p in found.phases],
        "tail_MBq_h": found.tail.value,
        "total_MBq_h": found.total.value,
        "extrapolated_fraction": found.extrapolated,
        "warnings": found.notes,
    }


@vector("D05")
def body_dose(i: Inputs) -> dict[str, Any]:
    found = whole_body.whole_body_dose(exact(i["tia_MBq_h"]), exact(i["mass_kg"]))
    administered_gbq = i.get("administered_GBq", 8.88)  # D05 leaves it to D04
    return {
        "dose_Gy": found.dose_gy.value,
        "dose_per_GBq": found.dose_gy.value / administered_gbq,
        "warnings": found.s.notes,
    }


@vector("D06", "D07", "D08")
def second(i: Inputs) -> dict[str, Any]:
    found = mibg.second_activity(
        exact(i["dose1_Gy"]),
        i["activity1_GBq"],
        mass1_kg=i["mass1_kg"],
        mass2_kg=i["mass2_kg"],
        target_gy=i["target_Gy"],
        stem_cells=True,
    )
    return {
        "remaining_Gy": found.remaining_gy.value,
        "activity2_GBq": found.activity_gbq.value,
        "warnings": found.notes,
    }


@vector("D12")
def body_uncertainty(i: Inputs) -> dict[str, Any]:
    found = mibg.whole_body_u_rel(
        activity=i["u_activity"], geometry=i["u_geometry"], mass=i["u_mass"], fit=i["u_fit"]
    )
    return {"u_rel": found}


@vector("D14")
def reference_activity(i: Inputs) -> dict[str, Any]:
    found = body.reference_activity(
        exact(i["administered_MBq"]),
        i["reference_time_h"],
        half_life_h=half_life_h(i),
        voided=i["voided_before_reference"],
    )
    return {"activity_reference_MBq": found.activity_mbq.value, "warnings": found.notes}


# E: marrow


@vector("E01", "E02")
def ratio(i: Inputs) -> dict[str, Any]:
    return {"rmblr": marrow.marrow_to_blood(exact(i["haematocrit"]), i.get("rmecff")).value}


@vector("E03")
def from_blood(i: Inputs) -> dict[str, Any]:
    found = marrow.self_dose_from_blood(
        exact(i["blood_tia_conc_MBq_h_per_g"]),
        exact(i["rmblr"]),
        phantom_marrow_kg=i["m_rm_phantom_kg"],
        s_gy_per_mbq_h=i["S_rm_rm_phantom_Gy_per_MBq_h"],
    )
    return {"dose_Gy": found.value}


@vector("E04", "E06")
def remainder(i: Inputs) -> dict[str, Any]:
    organs = [marrow.Organ(o["name"], o["mass_kg"], o["S"]) for o in i["source_organs"]]
    found = marrow.remainder_s(
        body_kg=i["m_wb_kg"],
        marrow_kg=i["m_rm_kg"],
        organs=organs,
        s_body=i["S_rm_wb"],
        s_marrow=i["S_rm_rm"],
    )
    return {"m_rb_kg": found.mass_kg, "S_rm_rb": found.s_gy_per_mbq_h, "warnings": found.notes}


@vector("E05")
def remainder_tia(i: Inputs) -> dict[str, Any]:
    found = marrow.remainder_tia_mbq_h(
        exact(i["tia_wb"]), exact(i["tia_rm"]), [exact(a) for a in i["tia_organs"]]
    )
    return {"tia_rb": found.value}


@vector("E07")
def lumbar(i: Inputs) -> dict[str, Any]:
    found = marrow.from_lumbar_tia_mbq_h(exact(i["tia_L2L4_MBq_h"]), i.get("fraction_of_marrow"))
    return {"tia_rm_MBq_h": found.value}
