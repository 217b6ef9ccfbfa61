"""Decay, counting, detection, quality control (A01-A04, F01-F19)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from quimby.core.time import aware, hours_between
from quimby.core.uncertain import Uncertain
from quimby.devices import (
    chi_square,
    control_chart,
    counting,
    dead_time,
    detection,
    efficiency,
    linearity,
    qc_calendar,
    two_source,
)
from quimby.devices.counting import Counting
from quimby.physics import decay
from quimby.physics.nuclides import nuclide
from tests.vectors.non_imaging.registry import vector


def half_life_h(given: dict[str, Any]) -> float:
    """The half-life a vector names, in hours; of its nuclide where it names none."""
    if "half_life_h" in given:
        return float(given["half_life_h"])
    if "half_life_d" in given:
        return float(given["half_life_d"]) * 24
    return nuclide(given["nuclide"]).half_life_h.value


@vector("A01")
def decayed(given: dict[str, Any]) -> dict[str, Any]:
    left = decay.decay_factor(given["elapsed_h"], half_life_h(given))
    return {"activity_MBq": given["activity_MBq"] * left}


@vector("A02", "A04")
def administered(given: dict[str, Any]) -> dict[str, Any]:
    start, read, given_at = (
        aware(given[key], where=key) for key in ("t_full", "t_residual", "t_admin")
    )
    left = decay.Residual(Uncertain(given["residual_MBq"]), hours_between(start, read))
    found = decay.net_administered(
        Uncertain(given["full_MBq"]),
        [left],
        assay_h=0.0,
        administered_h=hours_between(start, given_at),
        half_life_h=half_life_h(given),
    )
    return {"administered_MBq": found.activity_mbq.value}


@vector("A03")
def while_counting(given: dict[str, Any]) -> dict[str, Any]:
    return {"factor": decay.factor_to_start(given["count_time_s"] / 3600, half_life_h(given))}


@vector("F01", "F03")
def currie(given: dict[str, Any]) -> dict[str, Any]:
    sample_s, background_s = given["t_sample_s"], given["t_background_s"]
    counts = given.get("background_counts")
    if counts is None:
        counts = given["background_counts_in_sample_time"] * background_s / sample_s
    found = detection.currie(
        counts, sample_s=sample_s, background_s=background_s, k=given.get("k", detection.K95)
    )
    return {"L_C": found.decision, "L_D": found.detection}


@vector("F02")
def mda(given: dict[str, Any]) -> dict[str, Any]:
    found = detection.minimum_detectable(
        given["L_D"],
        Uncertain(given["efficiency_cps_per_photon"]),
        time_s=given["t_sample_s"],
        per_decay=given["photon_yield"],
        amount=given["volume_ml"],
    )
    return {"mda_Bq_per_ml": found.value}


@vector("F04", "F05", "F06", "F07")
def busy(given: dict[str, Any]) -> dict[str, Any]:
    model = given["model"].replace("nonparalysable", "non-paralysable")
    seen = given["observed_cps"]
    found = dead_time.corrected_rate(seen, Uncertain(given["tau_s"]), model=model)
    return {
        "true_cps": found.true_cps.value,
        "loss_fraction": 1 - seen / found.true_cps.value,
        "warnings": found.notes,
    }


@vector("F08")
def two_sources(given: dict[str, Any]) -> dict[str, Any]:
    rates = (Uncertain(given[key]) for key in ("m1_cps", "m2_cps", "m12_cps", "mb_cps"))
    return {"tau_s": two_source.two_source(*rates).busy.tau_s.value}


@vector("F09", "F10")
def scatter(given: dict[str, Any]) -> dict[str, Any]:
    found = chi_square.chi_square(given["counts"])
    return {
        "mean": found.mean,
        "chi2": found.chi2,
        "dof": found.dof,
        "p_value": found.p_value,
        "status": found.status,
        "warnings": found.notes,
    }


@vector("F11", "F12")
def constancy(given: dict[str, Any]) -> dict[str, Any]:
    found = efficiency.check_source(
        given["reading"],
        given["reference_reading"],
        elapsed_h=24 * given["elapsed_d"],
        half_life_h=half_life_h(given),
        tolerance=efficiency.Tolerance(given["warn"], given["action"]),
    )
    return {
        "expected_reading": found.expected,
        "deviation": found.deviation,
        "status": found.status,
        "warnings": found.notes,
    }


@vector("F13")
def limits(given: dict[str, Any]) -> dict[str, Any]:
    found = control_chart.control_limits(given["baseline"])
    return {
        "mean": found.mean,
        "sigma": found.sigma,
        "warn": found.warn,
        "action": found.action,
        "warnings": found.notes,
    }


@vector("F14")
def rules(given: dict[str, Any]) -> dict[str, Any]:
    return {"flags": control_chart.rules_broken(given["mean"], given["sigma"], given["readings"])}


@vector("F15")
def calibrated(given: dict[str, Any]) -> dict[str, Any]:
    seconds = given["count_time_s"]
    sample = Counting(given["gross_counts"], seconds, "standard")
    background = Counting(
        given["background_counts"], given.get("background_time_s", seconds), "background"
    )
    found = efficiency.efficiency(
        sample,
        background,
        Uncertain(given["standard_Bq"] / 1e6),
        elapsed_h=given["elapsed_h"],
        half_life_h=half_life_h(given),
    )
    net = counting.net_rate(sample, background)
    return {"net_cps": net.cps.value, "cps_per_Bq": found.value / 1e6, "warnings": net.notes}


@vector("F16")
def split(given: dict[str, Any]) -> dict[str, Any]:
    sample_s, background_s = detection.optimum_split(
        given["gross_cps"], given["background_cps"], total_s=given["total_s"]
    )
    return {"t_sample_s": sample_s, "t_background_s": background_s}


@vector("F17")
def linear(given: dict[str, Any]) -> dict[str, Any]:
    found = linearity.by_decay(
        given["times_h"],
        given["readings_MBq"],
        half_life_h=half_life_h(given),
        reference_index=given["reference_index"],
        tolerance=given["tolerance"],
    )
    return {"deviation": found.deviation, "status": found.status, "warnings": found.notes}


@vector("F18")
def in_time(given: dict[str, Any]) -> dict[str, Any]:
    found = qc_calendar.due(
        given["test"],
        period_d=given["period_d"],
        grace_d=given["grace_d"],
        last_done=dt.date.fromisoformat(given["last_done"]),
        today=dt.date.fromisoformat(given["today"]),
        blocks=[given["dependent"]],
    )
    return {
        "status": found.status,
        "days_overdue": found.days_overdue,
        "blocks": found.blocks,
        "code": found.notes[0].code if found.notes else None,
        "warnings": found.notes,
    }


@vector("F19")
def net(given: dict[str, Any]) -> dict[str, Any]:
    seconds = given["t_sample_s"]
    found = counting.net_rate(
        Counting(given["gross_counts"], seconds, "sample"),
        Counting(given["background_counts"], given["t_background_s"], "background"),
    )
    return {
        "net_counts": found.cps.value * seconds,
        "L_C": found.decision_cps * seconds,
        "net_cps": found.cps.value,
        "detected": found.detected,
        "warnings": found.notes,
    }
