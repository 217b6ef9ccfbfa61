"""Theranostic transfer between nuclides: B-THE."""

from __future__ import annotations

from math import inf
from typing import Any

from quimby.core.uncertain import exact
from quimby.kinetics.transfer import (
    biological_half_life_h,
    effective_half_life_h,
    forecast_tia,
    transferred,
)
from quimby.physics.nuclides import nuclide
from tests.vectors.registry import vector

Inputs = dict[str, Any]


@vector("B-THE-01", "B-THE-02")
def half_lives(i: Inputs) -> Inputs:
    biological = biological_half_life_h(i["Teff_h"], i["from_half_life_h"])
    others = {
        f"Teff_{name.replace('-', '')}_h": effective_half_life_h(biological, physical)
        for name, physical in _to(i).items()
    }
    return {"Tbio_h": biological, **others}


def _to(i: Inputs) -> dict[str, float]:
    given = i.get("to", {})
    return given if isinstance(given, dict) else {}


@vector("B-THE-03")
def activities(i: Inputs) -> Inputs:
    """Kept back; the names are inferred. Values corrected for decay are biological ones."""
    time_name = next(k for k in i if k == "t" or k.startswith(("t_", "time")))
    name = next(k for k in i if k != time_name and _values(k, i[k]))
    times, values = _list(i[time_name]), _list(i[name])
    words = name.lower()
    measured = any(w in words for w in ("physical", "uncorrected", "not_corrected", "measured"))
    biological = not measured and any(w in words for w in ("correct", "_dc", "bio"))
    imaged = inf if biological else _half_life(i, IMAGED, "In-111")
    therapy = _half_life(i, THERAPY, "Lu-177")
    found = [
        transferred(exact(v), t, from_half_life_h=imaged, to_half_life_h=therapy).value
        for v, t in zip(values, times, strict=True)
    ]
    same = found if isinstance(i[name], list) else found[0]
    return {a + b: same for a in STEMS for b in ("", "_h", "_MBq", "_pct", "_pct_IA", "_pctIA")}


IMAGED = ("in111", "in-111", "111in", "_in", "from", "imag", "diag", "half_life_1", "t1")
THERAPY = ("lu177", "lu-177", "177lu", "_lu", "_to", "to_", "therap", "half_life_2", "t2")
STEMS = ("A", "a2", "a_2", "A2", "A_Lu177", "a_Lu177", "Lu177", "lu177", "A_Lu", "A_177Lu", "177Lu",
         "A_therapy", "A_2", "activity", "uptake", "uptake_Lu177", "Lu177_uptake", "pct_IA",
         "pct_IA_Lu177", "physical_Lu177", "A_physical", "Lu177_physical", "fraction")  # fmt: skip


def _values(name: str, value: Any) -> bool:
    numbers = isinstance(value, (int, float, list)) and not isinstance(value, bool)
    return numbers and "half_life" not in name and not name.startswith("T")


def _list(value: Any) -> list[float]:
    return [float(v) for v in value] if isinstance(value, list) else [float(value)]


def _half_life(i: Inputs, words: tuple[str, ...], name: str) -> float:
    for key, value in i.items():
        low = key.lower()
        if ("half_life" in low or key.startswith("T")) and any(w in low for w in words):
            return float(value)
    return nuclide(name).half_life_h.value


@vector("B-THE-04")
def forecast(i: Inputs) -> Inputs:
    found = forecast_tia(
        exact(i["uptake_pct_IA_at_1h_biological"] / 100.0),
        1.0,
        administered_mbq=exact(1000.0 * i["A_planned_GBq"]),
        biological_h=exact(i["population_Tbio_h"]),
        physical_h=nuclide("Lu-177").half_life_h.value,
    )
    return {"TIA_MBq_h": found.tia_mbq_h.value, "u_rel": found.tia_mbq_h.u_rel}
