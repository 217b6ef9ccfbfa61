"""Blood dose from 131I-NaI: beta particles of the blood itself, photons of the whole body.

``D/A = 108 tau_ml + 0.0188 m**(-2/3) tau_body`` Gy/GBq, tau in h (per ml for blood), m in kg.
Sources: Lassmann et al., EANM SOP I, EJNMMI 2008;35:1405; Hänscheid et al., Endocr Relat Cancer
2009;16:1283 (one reading); Nadler et al. 1962, Retzlaff et al. 1969 (blood volume).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from quimby.core.notes import Note, note, refusal
from quimby.core.numbers import above_zero
from quimby.core.source import Constant
from quimby.core.tables import with_doubt
from quimby.core.uncertain import Uncertain, combine
from quimby.dose.thyroid import table
from quimby.kinetics.retention import one_reading_tiac_h
from quimby.measure.whole_body import check_physical, check_retention

WEIGHT_KG = (30.0, 130.0)
WINDOW_H = (20.0, 52.0)
FRACTIONS = (0.11, 0.17)  # of the whole body in blood; shown beside the 0.14 used
WHERE = "blood dose"


@dataclass(frozen=True, slots=True)
class BloodDose:
    """Blood dose per administered activity, Gy/GBq, and its two parts."""

    beta_gy_per_gbq: Uncertain
    photon_gy_per_gbq: Uncertain
    total_gy_per_gbq: Uncertain
    whole_body_tiac_h: Uncertain
    constants: tuple[Constant, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class BloodVolume:
    """Blood volume, ml, and the formula it is from."""

    volume_ml: Uncertain
    constant: Constant
    notes: tuple[Note, ...]


def blood_dose(
    blood_tiac_h_per_ml: Uncertain, whole_body_tiac_h: Uncertain, weight_kg: Uncertain
) -> BloodDose:
    """Full method, from blood samples and whole-body readings.

    Adds the causes "blood beta constant" and "whole-body photon constant" (5 % each), "iodine
    released as hormone" (2 % of the beta part, after the last sample) and "urine held in the
    bladder" (5 % of the photons; electrons of urine stay in it). Outside 30 to 130 kg
    W-MASS-EXTRAPOLATED. Raises E-NUM-NONPOS.
    """
    above_zero(blood_tiac_h_per_ml.value, "the blood residence", "h/ml", where=WHERE)
    beta = table()["blood beta constant"]
    late = table()["iodine released as hormone"]
    betas = with_doubt(beta) * blood_tiac_h_per_ml
    betas = betas.because(late.name, late.value * betas.value)
    return _together(betas, whole_body_tiac_h, weight_kg, beta, late)


def _together(beta_gy: Uncertain, body_h: Uncertain, weight_kg: Uncertain, *used: Constant
              ) -> BloodDose:  # fmt: skip
    above_zero(body_h.value, "the whole-body residence", "h", where=WHERE)
    photon = table()["whole-body photon constant"]
    m = above_zero(weight_kg.value, "the weight", "kg", where=WHERE)
    per_mass = combine(m ** (-2 / 3), (weight_kg, -2 / 3 * m ** (-5 / 3)))
    photons = with_doubt(photon) * per_mass * body_h
    urine = table()["urine held in the bladder"]
    photons = photons.because(urine.name, urine.value * photons.value)
    return BloodDose(beta_gy, photons, beta_gy + photons, body_h, (*used, photon, urine),
                     _weight_notes(m))  # fmt: skip


def _weight_notes(weight_kg: float) -> tuple[Note, ...]:
    low, high = WEIGHT_KG
    if low <= weight_kg <= high:
        return ()
    return (note("W-MASS-EXTRAPOLATED", where=WHERE, value=weight_kg, limit=high, low=low,
                 unit="kg", what="the blood dose"),)  # fmt: skip


def blood_dose_one_reading(
    retention: Uncertain,
    time_h: float,
    *,
    weight_kg: Uncertain,
    blood_volume_ml: Uncertain,
    half_life_h: float,
    blood_fraction: float | None = None,
    of: str = "",
) -> BloodDose:
    """Blood dose from one effective whole-body retention on day 1 or 2, without blood samples.

    Whole body as one exponential, 14 % of its residence in blood. Adds "one-reading model"
    (18 %), `of` one administration: how far a patient is off the model differs between a tracer
    and the therapy, by hour and by disease. Raises E-RETENTION-RANGE (per cent?),
    E-RETENTION-GT-PHYS (decay-corrected?), E-BLOOD-VOLUME; notes W-TIME-WINDOW outside 20 to
    52 h, W-BLOOD-ONE-READING.
    """
    check_retention(retention.value, time_h, where=WHERE)
    check_physical(retention, time_h, half_life_h=half_life_h, where=WHERE)
    check_blood_volume(blood_volume_ml.value)
    share = table()["blood fraction of whole body"]
    body = one_reading_tiac_h(retention, time_h)
    found = _of_fraction(body, share.value if blood_fraction is None else blood_fraction,
                         weight_kg, blood_volume_ml)  # fmt: skip
    model = table()["one-reading model"]
    whole = found.total_gy_per_gbq
    whole = whole.because(f"{model.name}, {of}" if of else model.name, model.value * whole.value)
    low, high = (_of_fraction(body, f, weight_kg, blood_volume_ml).total_gy_per_gbq.value
                 for f in FRACTIONS)  # fmt: skip
    notes = [*found.notes, *_window_notes(time_h)]
    notes.append(note("W-BLOOD-ONE-READING", where=WHERE, value=share.value, low=low, high=high))
    return BloodDose(found.beta_gy_per_gbq, found.photon_gy_per_gbq, whole, body,
                     (*found.constants, share, model), tuple(notes))  # fmt: skip


def _of_fraction(body_h: Uncertain, fraction: float, weight_kg: Uncertain, volume_ml: Uncertain
                 ) -> BloodDose:  # fmt: skip
    return blood_dose(body_h.scaled(fraction) / volume_ml, body_h, weight_kg)


def _window_notes(time_h: float) -> tuple[Note, ...]:
    low, high = WINDOW_H
    if low <= time_h <= high:
        return ()
    return (note("W-TIME-WINDOW", where=WHERE, value=time_h, limit=high, low=low),)


@cache
def _formulas() -> Mapping[str, Any]:
    path = files("quimby.dose").joinpath("data", "blood_volume.toml")
    return tomllib.loads(path.read_text("utf-8"))


def blood_volume(
    sex: str, *, height_cm: float, weight_kg: float, formula: str = "Nadler"
) -> BloodVolume:
    """Blood volume from height and weight; `sex` "M" or "F", `formula` "Nadler", "Retzlaff" or
    "child" (70 ml/kg, below 35 kg).

    Cause "blood volume formula". Raises E-NUM-NONPOS, E-BLOOD-MODEL, E-BLOOD-VOLUME.
    """
    above_zero(height_cm, "the height", "cm", where="blood volume")
    above_zero(weight_kg, "the weight", "kg", where="blood volume")
    rows = _formulas()
    if formula not in rows or sex not in rows[formula]["sexes"]:
        raise refusal(
            "E-BLOOD-MODEL",
            where="blood volume",
            name=f"{formula}, {sex}",
            known=", ".join(f"{name}, {s}" for name in rows for s in rows[name]["sexes"]),
        )
    row = rows[formula]
    per_height, per_weight, offset = row["sexes"][sex]
    value = per_height * height_cm ** row["height_power"] + per_weight * weight_kg + offset
    check_blood_volume(value, low=row["least_ml"])
    u = row["u_relative"] * value
    constant = Constant(f"blood volume, {formula}", value, "ml", row["source"], row["tag"], u)
    told = note("W-BLOOD-FORMULA", where="blood volume", value=value, name=formula)
    return BloodVolume(Uncertain(value, {"blood volume formula": u}), constant, (told,))


def check_blood_volume(volume_ml: float, *, low: float = 300.0, high: float = 9000.0) -> None:
    """E-BLOOD-VOLUME outside the range (litres for millilitres, inches for centimetres)."""
    if not low <= volume_ml <= high:
        raise refusal("E-BLOOD-VOLUME", where="blood volume", value=volume_ml, low=low, high=high)
