"""A child with neuroblastoma: two administrations of mIBG, each read at a dose-rate monitor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from quimby.core.units import written
from quimby.demo.measured import asks_for
from quimby.demo.radioiodine import blood, monitor
from quimby.demo.radioiodine.documents import write_device, write_document
from quimby.demo.radioiodine.facts import clock, given_mbq, kinetics, local, measured
from quimby.demo.radioiodine.tables import write_template
from quimby.demo.radioiodine.truth import (
    BODY,
    MARROW,
    PlanTruth,
    StageTruth,
    Truth,
    VerifiedTruth,
    body_gy,
    marrow_gy,
)
from quimby.protocols import Protocol

STAGES = ("stage-1", "stage-2")
BEFORE = date(2026, 4, 7)


def make(folder: Path, protocol: Protocol, seed: int | None = None) -> Truth:
    """Write this patient's study, tables and devices into a folder; the truth comes back.

    The seed decides the noise alone; without one it is the patient's own.
    """
    known = measured("mibg", protocol)
    rng = np.random.default_rng(known["seed"] if seed is None else seed)
    for stage in STAGES:
        rows = monitor.dose_rates(
            kinetics(known, stage, into="blood"), known["monitor"], known[stage]["body_h"],
            given_mbq=given_mbq(known, stage), weights=known["weights"], rng=rng,
            clock=clock(known, stage), patient=known["patient"]["id"],
        )  # fmt: skip
        write_template(folder / f"whole-body-{stage}.csv", "whole_body", rows)
    for stage in STAGES if asks_for(protocol, "blood") else ():
        drawn = blood.samples(known, stage, kinetics(known, stage, into="blood"), rng=rng)
        write_template(folder / f"blood-{stage}.csv", "blood_samples", drawn)
    _write_documents(folder, known, protocol)
    return _truth(known)


def _write_documents(folder: Path, of: Mapping[str, Any], protocol: Protocol) -> None:
    starts = {stage: clock(of, stage) for stage in STAGES}
    given = [when.at(0.0).date() for when in starts.values()]
    read = [starts[s].at(h).date() for s in STAGES for h in of[s]["body_h"]]
    used = {"activity_meter": given, "dose_rate_monitor": [*given, *read]}
    if sampled := asks_for(protocol, "blood"):
        used["gamma_counter"] = [local(of, of[s]["counted_at"]).date() for s in STAGES]
    for name, days in used.items():
        write_device(folder / f"{name}.toml", f"device-{name}.toml", used=days, before=BEFORE)
    patient = of["patient"]
    words: dict[str, object] = {key: patient[key] for key in ("id", "name", "birth_date", "sex")}
    words |= {"protocol": protocol.id, "zone": of["zone"], "dose": written(of["target_gy"], "Gy")}
    for n, (stage, when) in enumerate(starts.items(), start=1):
        own, left = of[stage], of[stage]["residual"]
        words |= {
            f"at_{n}": when.at(0.0).isoformat(timespec="minutes"),
            f"shown_{n}": written(own["shown_mbq"], "MBq"),
            f"weight_{n}": written(own["weight_kg"], "kg"),
            f"left_{n}": written(left["shown_mbq"], "MBq"),
            f"left_at_{n}": (when.at(0.0) + timedelta(hours=left["after_h"])).isoformat(
                timespec="minutes"
            ),
        }
    write_document(folder / "study.toml", "study-mibg.toml", words,
                   parts=["blood"] if sampled else [])  # fmt: skip


def _truth(of: Mapping[str, Any]) -> Truth:
    stages = {stage: _stage(of, stage) for stage in STAGES}
    first, second = (stages[stage] for stage in STAGES)
    tau, weight = first.tiac["Whole body"], of["stage-2"]["true_weight_kg"]
    dose_1 = first.dose_gy["Whole body"]
    per_mbq = body_gy(1.0, tau, weight)  # the same kinetics at the new weight
    foretold, given = per_mbq * second.administered_mbq, second.dose_gy["Whole body"]
    plan = PlanTruth((of["target_gy"] - dose_1) / per_mbq, "both together to the aim")
    return Truth(
        "mibg", of["seed"], of["nuclide"], stages, plan,
        {"Whole-body dose, second stage": VerifiedTruth(foretold, given),
         "Whole-body dose, both stages": VerifiedTruth(dose_1 + foretold, dose_1 + given)},
        (BODY, MARROW),
        {key: of[key] for key in ("meter", "monitor", "weights")},
    )  # fmt: skip


def _stage(of: Mapping[str, Any], stage: str) -> StageTruth:
    course, given = kinetics(of, stage, into="blood"), given_mbq(of, stage)
    tiac, weight = course.tiac_h(), of[stage]["true_weight_kg"]
    per_ml, body = tiac["blood"] / of["patient"]["blood_ml"], sum(tiac.values())
    doses = {"Whole body": body_gy(given, body, weight),
             "Red marrow": marrow_gy(given, per_ml, body, weight, of["nuclide"])}  # fmt: skip
    return StageTruth(given, {"Whole body": body, "Blood": per_ml}, doses)
