"""Dose-volume figures: B-DVH."""

from __future__ import annotations

from typing import Any

import numpy as np

from quimby.effect.dvh import doses
from tests.vectors.registry import vector

Inputs = dict[str, Any]


@vector("B-DVH-01")
def uniform(_: Inputs) -> Inputs:
    d = doses((np.arange(100_000) + 0.5) / 10_000)
    found = {f"D{x}_Gy": d.d(x) for x in (2, 5, 50, 70, 90, 95, 98)}
    return {**found, "mean_Gy": d.mean_gy, "V5Gy_pct": 100 * d.v(5.0)}


@vector("B-DVH-02")
def equivalent(i: Inputs) -> Inputs:
    d = doses(i["dose_Gy"], i["volume_pct"])
    return {"EUD_Gy": d.eud(i["alpha_per_Gy"]), "gEUD_Gy": d.geud(i["a"]), "mean_Gy": d.mean_gy}


@vector("B-DVH-03")
def empty(i: Inputs) -> Inputs:
    return {"mean_Gy": doses(i["doses"]).mean_gy}
