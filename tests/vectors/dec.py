"""Decay and administered activity."""

from __future__ import annotations

from typing import Any

from quimby.core.uncertain import Uncertain
from quimby.physics import decay
from tests.vectors.registry import vector


@vector("B-DEC-01")
def net(given: dict[str, Any]) -> dict[str, Any]:
    left = decay.Residual(Uncertain(given["residual_MBq"]), given["residual_time_h"])
    found = decay.net_administered(
        Uncertain(given["assay_MBq"]),
        [left],
        assay_h=given["assay_time_h"],
        administered_h=given["admin_time_h"],
        half_life_h=given["half_life_h"],
    )
    return {"A_admin_MBq": found.activity_mbq.value}


@vector("B-DEC-02", "B-DEC-03", "B-DEC-04")
def during(given: dict[str, Any]) -> dict[str, Any]:
    duration, half_life = given["acq_duration_h"], given["half_life_h"]
    return {
        "factor_to_start": decay.factor_to_start(duration, half_life),
        "factor_to_mid": decay.factor_to_middle(duration, half_life),
    }
