"""PET made under another nuclide."""

from __future__ import annotations

from typing import Any

from quimby.core.uncertain import Uncertain
from quimby.measure.positron import Assumed, rescale
from tests.vectors.registry import vector


@vector("B-PET-01", "B-PET-02")
def rescaled(given: dict[str, Any]) -> dict[str, Any]:
    minutes = given.get("acq_duration_min")
    wrong = given.get("T_wrong_min")
    found = rescale(
        Assumed(
            given.get("header_nuclide", "Y-90"),
            given["branching_used"],
            wrong / 60.0 if wrong else None,
            bool(given.get("decay_during_acq_applied", True)),
        ),
        nuclide="Y-90",
        branching=Uncertain(given["branching_true"]),
        half_life_h=given.get("T_true_h", 64.1),
        duration_h=minutes / 60.0 if minutes else None,
        start_after_reference_h=given.get("start_after_reference_h", 0.0),
    )
    flag = found.notes[0].code if found.notes else None
    return {"corrected_Bq_mL": found.applied(given["image_Bq_mL"]).value, "flag": flag}
