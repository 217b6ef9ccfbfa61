"""Levels, substitution, recommending and workload (H01-H07, H15-H18)."""

from __future__ import annotations

from typing import Any

from quimby.advise import levels, substitution
from quimby.advise.centre import Centre, DeviceRecord
from quimby.advise.recommend import Wish, recommend
from quimby.advise.staff import StaffRecord
from quimby.advise.workload import workload
from quimby.protocols.level import ACTIVITY_TOLERANCE
from tests.vectors.non_imaging.radioiodine import Inputs
from tests.vectors.non_imaging.registry import vector

THERAPIES = {
    "benign-131I": "i131-benign-thyroid",
    "DTC-131I": "i131-dtc",
    "mIBG-131I": "i131-mibg",
    "DOTATATE-177Lu": "lu177-dotatate",
    "PSMA-177Lu": "lu177-psma",
    "SIRT-90Y": "y90-microspheres",
}
OURS = {"DTC-BLOOD": "DTC-BLOOD-FULL"}
"""Ids that differ: one document holds the blood schedule from three pairs to five and more."""


@vector("H01", "H02")
def activity(i: Inputs) -> dict[str, Any]:
    found = levels.activity_check(
        i["administered_MBq"], i["intended_MBq"], tolerance=i.get("tolerance", ACTIVITY_TOLERANCE)
    )
    return {"deviation": found.deviation, "within": found.within, "warnings": found.notes}


@vector("H03", "H04", "H05")
def least(i: Inputs) -> dict[str, Any]:
    found = levels.minimum_level(
        planned_mbq=i.get("planned_activity_MBq"), label_mbq=i.get("label_activity_MBq"),
        approved=i.get("approved", True), investigational=i.get("investigational", False),
        dose_prescribed=i.get("dose_prescribed", False),
    )  # fmt: skip
    return {"minimum_level": found.level, "reason": found.reason}


@vector("H06", "H07")
def recommended(i: Inputs) -> dict[str, Any]:
    centre = Centre(
        name="vector",
        device=tuple(DeviceRecord(id=kind, kind=kind) for kind in i["equipment"]),
        staff=tuple(StaffRecord(role=role) for role in i["staff"]),
    )
    wish = Wish(i["aim"], u_max=i.get("max_u_rel"), level=i.get("level"))
    found = recommend(centre, THERAPIES[i["therapy"]], wish)
    missing = {OURS.get(e.protocol.id, e.protocol.id): e.items for e in found.excluded}
    gaps = [list(gap) for gap in found.gaps]
    return {
        "first": found.fits[0].protocol.id if found.fits else None,
        "excluded": {name: list(items) for name, items in missing.items()},
        "gaps": gaps,
        "code": next((n.code for n in found.notes if n.severity == "warning"), None),
        "warnings": found.notes,
    }


@vector("H15")
def hours(i: Inputs) -> dict[str, Any]:
    found = workload(
        patients_a_year=i["patients_per_year"], cycles=i["cycles_per_patient"],
        staff_h=i["staff_h_per_study"], camera_h=i["camera_h_per_study"],
        preparation_h=_sum(i["prep_h_once"]), qc_h_a_year=_sum(i["qc_h_per_year"]),
    )  # fmt: skip
    return {
        **{f"{role}_h": h for role, h in found.staff_h.items()},
        "camera_h": found.camera_h,
        "first_year_total_h": found.first_year_h,
    }


def _sum(hours: Any) -> float:
    return float(sum(hours.values()) if isinstance(hours, dict) else hours)


@vector("H16", "H17", "H18")
def instead(i: Inputs) -> dict[str, Any]:
    found = substitution.substitute(i["missing"], task=i["task"], available=i["available"])
    row = found.use
    return {
        "use": row.use if row else None,
        "note": row.note if row else "",
        "conditions": list(row.conditions) if row else [],
        "reason": found.reason,
    }
