"""Curves (G), ranges, units, incidents and gates (H)."""

from __future__ import annotations

from typing import Any

from quimby.core.errors import QuimbyError
from quimby.core.notes import Note
from quimby.core.uncertain import Uncertain, exact
from quimby.core.units import convert
from quimby.dose.uncertainty import combined_u_rel
from quimby.kinetics import log_line, retention, select, thyroid
from quimby.kinetics.fit import fit
from quimby.kinetics.models import peak_time_h, uptake_clearance_tia
from quimby.kinetics.two_points import two_points
from quimby.physics.nuclides import LN2
from quimby.planning import gates, incident
from quimby.population import compare
from tests.vectors.non_imaging.radioiodine import Inputs, half_life_h
from tests.vectors.non_imaging.registry import vector


@vector("G01")
def through_two(i: Inputs) -> dict[str, Any]:
    found = two_points(i["times_h"], [exact(v) for v in i["values"]])
    after = retention.area(
        i["times_h"], [exact(v) for v in i["values"]], half_life_h=1e9
    ).tail.value
    return {
        "half_life_h": found.half_life_h.value,
        "A0": found.amplitude_mbq.value,
        "tia": found.tia_mbq_h.value,
        "extrapolated_fraction": after / found.tia_mbq_h.value,
    }


@vector("G02", "G09", "G10")
def line(i: Inputs) -> dict[str, Any]:
    found = log_line.log_line(i["times_h"], i["values"], u_relative=i["u_rel"])
    return {
        "A0": found.amplitude,
        "lambda_per_h": found.rate_per_h.value,
        "half_life_h": LN2 / found.rate_per_h.value,
        "cov_lnA0_lambda": found.covariance.tolist(),
        "tia": found.tia.value,
        "u_tia_rel": found.tia.u_rel,
        "chi2": found.chi2,
        "dof": found.degrees_of_freedom,
    }


@vector("G03", "G04")
def chosen(i: Inputs) -> dict[str, Any]:
    names = {"mono": "mono", "bi": "bi-clearance"}
    short = {long: name for name, long in names.items()}
    readings = [
        Uncertain(v, {f"counts, reading {n}": v * i["u_rel"]}) for n, v in enumerate(i["values"])
    ]
    models = [names[m] for m in i.get("models", names)]
    found = select.select(i["times_h"], readings, models)
    answer: dict[str, Any] = {
        "selected": short[found.selected],
        "excluded": [short[name] for name in found.excluded],
        "warnings": found.notes,
    }
    for name, score in found.scores.items():
        answer |= {
            f"chi2_{short[name]}": score.chi2,
            f"aicc_{short[name]}": score.aicc,
            f"tia_{short[name]}": score.tia,
            f"weight_{short[name]}": score.weight,
        }
    return answer


@vector("G06")
def with_prior(i: Inputs) -> dict[str, Any]:
    prior = Uncertain(i["prior_lambda_per_h"], {"population": i["prior_sd_lambda"]})
    found = log_line.log_line(i["times_h"], i["values"], u_relative=i["u_rel"], rate_prior=prior)
    return {
        "A0": found.amplitude,
        "lambda_per_h": found.rate_per_h.value,
        "u_lambda": found.rate_per_h.u,
        "tia_h": found.tia.value,
        "warnings": found.notes,
    }


@vector("G07")
def uptake_washout(i: Inputs) -> dict[str, Any]:
    up, out = i["T_uptake_h"], i["T_washout_h"]
    return {
        "tia": uptake_clearance_tia(i["amplitude"], half_life_h=out, uptake_half_life_h=up),
        "t_peak_h": peak_time_h(LN2 / up, LN2 / out),
    }


@vector("G08")
def dose_doubt(i: Inputs) -> dict[str, Any]:
    return {"u_dose_rel": combined_u_rel(1.0, i["u_tia_rel"], i["u_S_rel"], i["u_activity_rel"])}


@vector("G11")
def constrained(i: Inputs) -> dict[str, Any]:
    readings = [
        Uncertain(v, {f"counts, reading {n}": v * i["u_rel"]}) for n, v in enumerate(i["values"])
    ]
    physical = half_life_h(i)
    try:
        found = fit("mono", i["times_h"], readings, physical_half_life_h=physical)
    except QuimbyError:
        found = fit("mono", i["times_h"], readings, physical_half_life_h=physical, slower="clamp")
    codes = {"W-TIA-AT-PHYSICAL", "S-TIA-CLAMPED"} & {n.code for n in found.notes}
    notes: list[str | Note] = ["W-TIA-AT-PHYSICAL"] if codes else []
    return {
        "lambda_per_h": found.rates_per_h[0],
        "at_bound": bool(codes),
        "warnings": [*found.notes, *notes],
    }


@vector("G12")
def first_order(i: Inputs) -> dict[str, Any]:
    half_life = Uncertain(i["T_eff_mean_h"], {"population": i["T_eff_sd_h"]})
    return {"u_rel_first_order": [thyroid.first_order_u_rel(t, half_life) for t in i["times_h"]]}


# H: ranges, incidents, gates


@vector("H08")
def place(i: Inputs) -> dict[str, Any]:
    found = compare.standing(i["value"], mean=i["mean"], sd=i["sd"])
    return {
        "z_linear": found.z_linear,
        "z_lognormal": found.z_lognormal,
        "outside_95": found.outside_95,
    }


@vector("H09")
def local(i: Inputs) -> dict[str, Any]:
    found = compare.local_range(i["n"])
    return {"status": found.status, "warnings": found.notes}


@vector("H10")
def unit(i: Inputs) -> dict[str, Any]:
    return {"value": convert(i["value"], i["from"], i["to"], where="vector")}


@vector("H11", "H12")
def nrc(i: Inputs) -> dict[str, Any]:
    found = incident.nrc_medical_event(
        prescribed_mbq=i["prescribed_MBq"],
        administered_mbq=i["administered_MBq"],
        effective_dose_difference_sv=i["effective_dose_difference_Sv"],
        organ_dose_difference_sv=i["organ_dose_difference_Sv"],
    )
    return {"difference": found.difference, "reportable": found.reportable}


@vector("H13")
def ratio_rule(i: Inputs) -> dict[str, Any]:
    found = incident.dose_ratio(
        intended_gy=i["intended_Gy"], delivered_gy=i["delivered_Gy"], threshold=i["threshold"]
    )
    return {"ratio": found.ratio, "notify": found.notify}


@vector("H14")
def gated(i: Inputs) -> dict[str, Any]:
    answers = {k: v for k, v in i.items() if k in gates.questions()}
    return {"warnings": gates.gate(answers)}
