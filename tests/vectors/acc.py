"""Acceptance against other software: B-ACC."""

from __future__ import annotations

from typing import Any

from quimby.dose.uncertainty import agrees_with_other_software
from tests.vectors.registry import vector


@vector("B-ACC-01")
def other_software(i: dict[str, Any]) -> dict[str, Any]:
    ours, theirs = i["organ_dose_this_Gy"], i["organ_dose_reference_Gy"]
    return {"pass": agrees_with_other_software(ours, theirs)}
