"""From series to absorbed doses: thyroid, remnant, blood, whole body, marrow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from quimby.core.notes import Note, note, refusal
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.dose import blood, marrow, thyroid, whole_body
from quimby.physics.nuclides import Nuclide, delta_gy_g_per_mbq_h
from quimby.protocols import Protocol
from quimby.study.stages import Series, TargetDose

WEIGHT_U = 0.01  # relative, on the day [P]
HEIGHT_NEEDED = "height, or blood_volume"
HAEMATOCRIT_U = 0.03  # relative [P]


@dataclass(frozen=True, eq=False)
class Who:
    """What of the patient goes into a dose."""

    sex: str
    weight_kg: Uncertain | None
    height_cm: float | None
    haematocrit: float | None
    blood_volume_ml: float | None
    target: thyroid.TargetMass | None
    target_how: str


@dataclass(frozen=True, eq=False)
class Dosed:
    """Doses of one administration, with the constants and notes behind them."""

    doses: tuple[TargetDose, ...]
    constants: tuple[Constant, ...]
    notes: tuple[Note, ...]


def doses(
    series: Mapping[str, Series], protocol: Protocol, who: Who, administered_mbq: Uncertain,
    nuclide: Nuclide, *, target: str,
) -> Dosed:  # fmt: skip
    """Every dose that the protocol names and the series allow, `target` being the gland's name.

    Raises what the dose functions raise; E-STUDY-KEY for a patient's figure that is missing.
    """
    found: list[Dosed] = []
    if target in series:
        found.append(_thyroid(series[target], who, administered_mbq, target))
    for name in protocol.by_readings.doses:
        if name == "blood":
            found.append(_blood(series, who, administered_mbq))
        elif name == "blood, one reading":
            found.append(_blood_one(series, who, administered_mbq, nuclide))
        elif name == "whole body":
            found.append(_whole_body(series, who, administered_mbq))
        elif name == "marrow, blood":
            found.append(_marrow(series, protocol, who, administered_mbq, nuclide))
    return Dosed(tuple(d for f in found for d in f.doses),
                 tuple(c for f in found for c in f.constants),
                 tuple(n for f in found for n in f.notes))  # fmt: skip


def _row(name: str, method: str, per_gbq: Uncertain, administered_mbq: Uncertain,
         *, shares: Mapping[str, Uncertain] | None = None, mass_g: Uncertain | None = None,
         how: str = "") -> TargetDose:  # fmt: skip
    dose = per_gbq * administered_mbq.scaled(1e-3)
    return TargetDose(name, method, dose, per_gbq, shares or {}, mass_g, how, ())


def _needed(series: Mapping[str, Series], *names: str) -> list[Series]:
    missing = [n for n in names if n not in series]
    if missing:
        raise refusal("E-STUDY-READINGS", where="study", missing=" and ".join(missing).lower())
    return [series[n] for n in names]


def _weight(who: Who) -> Uncertain:
    if who.weight_kg is None:
        raise refusal("E-STUDY-KEY", where="patient", problem="patient.weight is missing.")
    return who.weight_kg


def _thyroid(series: Series, who: Who, administered_mbq: Uncertain, name: str) -> Dosed:
    if who.target is None:
        product = thyroid.dose_mass_product(administered_mbq, series.tiac)
        said = note("W-MASS-UNKNOWN", where=name, value=product.value)
        return Dosed((), (), (said,))
    per_mbq = thyroid.dose_per_activity(series.tiac, who.target.mass_g)
    row = _row(name, "mean energy per decay, by mass, times time-integrated uptake over mass",
               per_mbq.dose_gy.scaled(1e3), administered_mbq, mass_g=who.target.mass_g,
               how=who.target_how)  # fmt: skip
    return Dosed((row,), (*per_mbq.energy.constants, *who.target.constants), per_mbq.notes)


def _blood(series: Mapping[str, Series], who: Who, administered_mbq: Uncertain) -> Dosed:
    samples, body = _needed(series, "Blood", "Whole body")
    found = blood.blood_dose(samples.tiac, body.tiac, _weight(who))
    return _blood_row(found, administered_mbq,
                      "blood samples for electrons, whole body for photons")  # fmt: skip


def _blood_one(
    series: Mapping[str, Series], who: Who, administered_mbq: Uncertain, nuclide: Nuclide
) -> Dosed:
    (body,) = _needed(series, "Whole body")
    used, weight = body.points[-1], _weight(who)
    volume, constants, notes = _blood_volume(who, weight)
    found = blood.blood_dose_one_reading(
        used.value, used.time_h, weight_kg=weight, blood_volume_ml=volume,
        half_life_h=nuclide.half_life_h.value, of=f"{used.at:%Y-%m-%d}")  # fmt: skip
    method = f"one whole-body reading at {used.time_h:.1f} h, a fixed share in blood"
    row = _blood_row(found, administered_mbq, method)
    return Dosed(row.doses, (*row.constants, *constants), (*row.notes, *notes))


def _blood_row(found: blood.BloodDose, administered_mbq: Uncertain, method: str) -> Dosed:
    gbq = administered_mbq.scaled(1e-3)
    shares = {"electrons in blood": found.beta_gy_per_gbq * gbq,
              "photons of the whole body": found.photon_gy_per_gbq * gbq}  # fmt: skip
    row = _row("Blood", method, found.total_gy_per_gbq, administered_mbq, shares=shares)
    return Dosed((row,), found.constants, found.notes)


def _blood_volume(who: Who, weight: Uncertain
                  ) -> tuple[Uncertain, tuple[Constant, ...], tuple[Note, ...]]:  # fmt: skip
    if who.blood_volume_ml is not None:
        blood.check_blood_volume(who.blood_volume_ml)
        measured = Uncertain(who.blood_volume_ml,
                             {"blood volume, measured": 0.03 * who.blood_volume_ml})  # fmt: skip
        return measured, (), ()
    if who.height_cm is None:
        raise refusal("E-STUDY-KEY", where="patient",
                      problem=f"patient.{HEIGHT_NEEDED} is missing.")  # fmt: skip
    found = blood.blood_volume(who.sex, height_cm=who.height_cm, weight_kg=weight.value)
    return found.volume_ml, (found.constant,), found.notes


def blood_ml(who: Who) -> float | None:
    """The patient's blood volume, ml; None where nothing tells it."""
    if who.blood_volume_ml is not None or not (who.height_cm and who.weight_kg and who.sex):
        return who.blood_volume_ml
    return blood.blood_volume(who.sex, height_cm=who.height_cm,
                              weight_kg=who.weight_kg.value).volume_ml.value  # fmt: skip


def _whole_body(series: Mapping[str, Series], who: Who, administered_mbq: Uncertain) -> Dosed:
    (body,) = _needed(series, "Whole body")
    weight = _weight(who)
    found = whole_body.whole_body_dose(body.tiac * administered_mbq, weight)
    per_gbq = body.tiac.scaled(1e3) * found.s.s_gy_per_mbq_h
    row = TargetDose("Whole body", "whole-body residence times the S value at the weight",
                     found.dose_gy, per_gbq, {}, weight.scaled(1e3), "weighed", ())  # fmt: skip
    return Dosed((row,), found.s.constants, found.s.notes)


def _marrow(
    series: Mapping[str, Series], protocol: Protocol, who: Who, administered_mbq: Uncertain,
    nuclide: Nuclide,
) -> Dosed:  # fmt: skip
    """Marrow from blood: electrons that stay where they start, photons of the whole body.

    The electrons' absorbed fraction in marrow is taken as one, which is an upper bound.
    """
    samples, body = _needed(series, "Blood", "Whole body")
    table = thyroid.table()
    if protocol.by_readings.marrow_model == "haematocrit":
        if who.haematocrit is None:
            raise refusal("E-STUDY-KEY", where="patient", problem="patient.haematocrit is missing.")
        known = Uncertain(who.haematocrit, {"haematocrit": HAEMATOCRIT_U * who.haematocrit})
        ratio, ratio_constant = marrow.marrow_to_blood(known), table["RMECFF"]
    else:
        ratio_constant = table["RMBLR, small molecules"]
        ratio = Uncertain(ratio_constant.value)
    density = table["blood density"]
    per_g = samples.tiac.scaled(1e3 / density.value)  # MBq h per g and GBq
    delta = delta_gy_g_per_mbq_h(nuclide.electron_mev.value)
    electrons = marrow.self_dose_from_blood(per_g, ratio, phantom_marrow_kg=1.0,
                                            s_gy_per_mbq_h=delta / 1e3)  # fmt: skip
    photons = blood.blood_dose(samples.tiac, body.tiac, _weight(who)).photon_gy_per_gbq
    gbq = administered_mbq.scaled(1e-3)
    row = _row("Red marrow", "blood samples times the marrow to blood ratio; photons of the body",
               electrons + photons, administered_mbq,
               shares={"electrons of the marrow": electrons * gbq,
                       "photons of the whole body": photons * gbq})  # fmt: skip
    used = (ratio_constant, density, nuclide.electron_mev, table["whole-body photon constant"])
    return Dosed((row,), used, (note("W-MARROW-BLOOD", where="Red marrow"),))
