"""The words that protocol and centre documents share: devices, roles, places, aims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Device = Literal[
    "activity_meter",
    "dose_rate_monitor",
    "hand_held_monitor",
    "uptake_probe",
    "gamma_counter",
    "shielded_detector",
    "hpge",
    "gamma_camera",
    "spect",
    "spect_ct",
    "ct",
    "pet_ct",
    "mr",
    "ultrasound",
    "dosimetry_software",
    "spreadsheet",
]
HAS: Mapping[str, tuple[Device, ...]] = {
    "spect_ct": ("spect", "gamma_camera", "ct"),
    "spect": ("gamma_camera",),
    "pet_ct": ("ct",),
    "dose_rate_monitor": ("hand_held_monitor",),
    "dosimetry_software": ("spreadsheet",),
}
"""What a device can do beside its own name."""

DOCUMENTED: Mapping[str, tuple[Device, ...]] = {
    "radionuclide calibrator": ("activity_meter",),
    "gamma counter": ("gamma_counter",),
    "thyroid probe": ("uptake_probe",),
    "dose-rate monitor": ("dose_rate_monitor", "hand_held_monitor"),
    "HPGe": ("hpge",),
}
"""Kind in a device document -> words here."""

MEASURED_WITH: Mapping[str, tuple[Device, ...]] = {
    "spect": ("spect_ct", "spect"),
    "planar": ("gamma_camera", "spect", "spect_ct"),
    "pet": ("pet_ct",),
    "thyroid": ("uptake_probe", "gamma_camera", "spect", "spect_ct"),
    "blood": ("gamma_counter", "shielded_detector", "hpge"),
    "whole_body": ("dose_rate_monitor", "hand_held_monitor", "uptake_probe", "gamma_camera"),
}
"""Kind of measurement -> devices that can make it."""

Role = Literal["physicist", "physician", "technologist", "nurse"]
Shared = Literal["physicist", "physician", "technologist", "nurse", "any"]
"""Roles that minutes are given to; "any" where a document does not split them."""

Facility = Literal[
    "isolation_room", "sample_laboratory", "neck_phantom", "cylinder_phantom", "sphere_phantom"
]
Aim = Literal[
    "cohort_dose",
    "thyroid_dose",
    "blood_dose",
    "whole_body_dose",
    "marrow_dose",
    "organ_dose",
    "lesion_dose",
    "activity_planning",
    "verification",
    "incident_reconstruction",
    "research",
]
MEASURED: tuple[Aim, ...] = (
    "thyroid_dose", "blood_dose", "whole_body_dose", "marrow_dose", "organ_dose", "lesion_dose"
)  # fmt: skip
"""Doses of the patient, as against those of published patients."""

ASKED: dict[str, tuple[Aim, ...]] = {
    "verify": ("verification",),
    "record": MEASURED,
    "plan": ("activity_planning",),
    "incident": ("incident_reconstruction",),
    "cohort": ("cohort_dose",),
    "kidney_dose": ("organ_dose",),
    "tumour_dose": ("lesion_dose",),
}
"""Short ways to say an aim."""

_NAMES = {
    "dose_rate_monitor": "dose-rate monitor",
    "hand_held_monitor": "hand-held monitor",
    "hpge": "HPGe detector",
    "spect": "SPECT without CT",
    "spect_ct": "SPECT/CT",
    "ct": "CT",
    "pet_ct": "PET/CT",
    "mr": "MR",
}


def spoken(word: str) -> str:
    """A device, role, place or aim as people say it: "spect_ct" is "SPECT/CT"."""
    return _NAMES.get(word, word.replace("_", " "))


def aims_of(asked: str) -> frozenset[Aim] | None:
    """The aims that a person's word stands for; None for a word not known."""
    plain = asked.strip().lower().replace("-", "_").replace(" ", "_")
    if plain in ASKED:
        return frozenset(ASKED[plain])
    return frozenset(a for a in get_args(Aim) if a == plain) or None


def aim_words() -> list[str]:
    """Every word for an aim, the short ones first."""
    return [*ASKED, *get_args(Aim)]
