"""Recovery."""

from __future__ import annotations

from typing import Any

from quimby.core.uncertain import Uncertain, exact
from quimby.devices.recovery import (
    Recovered,
    RecoveryCurve,
    fit_recovery,
    recover,
    sphere_recovery,
)
from tests.vectors.naming import name_of, named, numbers, under
from tests.vectors.registry import vector


def _curve(given: dict[str, Any]) -> RecoveryCurve:
    limits = given.get("calibrated_volume_range_mL", (0.0, float("inf")))
    return RecoveryCurve(
        given.get("alpha_mL", 2.0), given.get("beta", 0.9), volume_range_ml=tuple(limits)
    )


def _used(
    given: dict[str, Any], measured: float = 1.0, background: float | None = None
) -> Recovered:
    corrected = bool(given.get("image_flag_PVC_applied", False))
    key = name_of(given, "volume", "v_ml", without=("range",))
    volume = exact(10.0 if key is None else min(numbers(given[key])))
    around = None if background is None else exact(background)
    return recover(
        Uncertain(measured), volume, _curve(given), already_corrected=corrected, background=around
    )


@vector("B-RC-01")
def values(given: dict[str, Any]) -> dict[str, Any]:
    return {"RC": [_curve(given).at(v) for v in given["volumes_mL"]]}


@vector("B-RC-02")
def fitted(given: dict[str, Any]) -> dict[str, Any]:
    curve = fit_recovery(given["volumes_mL"], given["RC"]).curve
    return {"alpha_mL": curve.alpha_ml, "beta": curve.beta}


@vector("B-RC-03")
def applied(given: dict[str, Any]) -> dict[str, Any]:
    """Kept back: names are inferred."""
    without = ("volume", "alpha", "beta", "range", "background", "rc")
    measured = named(given, "a_", "c_", "activity", "conc", "meas", "appar", without=without)
    background = named(given, "background", "bkg")
    found = _used(given, 1.0 if measured is None else measured, background)
    stems = ("A", "C", "activity", "concentration", "corrected")
    ends = [a + b for a in ("", "_true", "_corrected", "_corr", "_PVC", "_pvc")
            for b in ("", "_MBq", "_MBq_mL", "_Bq_mL", "_MBq_per_mL", "_kBq_mL")]  # fmt: skip
    return {"RC": found.coefficient.value, **under(found.value.value, stems, ends)}


@vector("B-RC-04")
def slopes(given: dict[str, Any]) -> dict[str, Any]:
    names = ("dR_dV_per_mL", "dR_dalpha_per_mL", "dR_dbeta")
    return dict(zip(names, _curve(given).slopes(given["volume_mL"]), strict=True))


@vector("B-RC-05")
def blurred(given: dict[str, Any]) -> dict[str, Any]:
    return {"RC": [sphere_recovery(d, given["FWHM_mm"]) for d in given["diameters_mm"]]}


@vector("B-RC-06", "B-RC-07", "B-RC-08")
def guarded(given: dict[str, Any]) -> dict[str, Any]:
    codes = [n.code for n in _used(given).notes]
    first = "W-RC-EXTRAPOLATE"
    return {"flag": first if first in codes else codes[0] if codes else None}


@vector("B-RC-09")
def warm(given: dict[str, Any]) -> dict[str, Any]:
    r = sphere_recovery(given["sphere_diameter_mm"], given["FWHM_mm"])
    true, around = given["C_true_MBq_mL"], given["background_MBq_mL"]
    apparent = r * true + (1 - r) * around
    curve = RecoveryCurve(1 / r - 1, 1.0)  # gives r at 1 ml
    naive = recover(Uncertain(apparent), exact(1.0), curve)
    with_background = recover(Uncertain(apparent), exact(1.0), curve, background=exact(around))
    return {
        "RC": r,
        "C_apparent_MBq_mL": apparent,
        "C_corrected_naive_MBq_mL": naive.value.value,
        "C_corrected_with_background_MBq_mL": with_background.value.value,
    }
