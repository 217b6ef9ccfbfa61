"""A woman with Graves' disease: tracer, three uptakes, ultrasound; then the therapy, measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from quimby.core.units import written
from quimby.demo.radioiodine.counting import Counter, off_by, through
from quimby.demo.radioiodine.documents import write_device, write_document
from quimby.demo.radioiodine.facts import clock, decayed, given_mbq, kinetics, measured
from quimby.demo.radioiodine.kinetics import Course
from quimby.demo.radioiodine.tables import Value, write_template
from quimby.demo.radioiodine.truth import (
    THYROID,
    PlanTruth,
    StageTruth,
    Truth,
    VerifiedTruth,
    thyroid_gy,
)
from quimby.dose.thyroid import table as dose_constants
from quimby.protocols import Protocol

STAGES = ("tracer", "therapy")
AIM_GY = 150.0
BEFORE = date(2026, 2, 16)  # yearly and quarterly tests


def make(folder: Path, protocol: Protocol, seed: int | None = None) -> Truth:
    """Write this patient's study, tables and devices into a folder; the truth comes back.

    The seed decides the noise alone; without one it is the patient's own.
    """
    known = measured("benign-thyroid", protocol)
    rng = np.random.default_rng(known["seed"] if seed is None else seed)
    if protocol.level == 1:
        return _by_rule(folder, known, protocol)
    for stage in STAGES:
        rows = _uptakes(known, stage, rng)
        write_template(folder / f"uptake-{stage}.csv", "thyroid_counts", rows)
    write_template(folder / "ultrasound.csv", "ultrasound", _lobes(known, rng))
    _write_documents(folder, known, protocol)
    return _truth(known)


def _by_rule(folder: Path, known: Mapping[str, Any], protocol: Protocol) -> Truth:
    """Level 1: a fixed activity is given, and nothing is measured."""
    _write_documents(folder, known, protocol)
    whole = _truth(known)
    return replace(whole, stages={"therapy": whole.stages["therapy"]}, plan=None, verified={})


def _body(course: Course, time_h: float) -> tuple[float, float]:
    """Fractions in the thyroid, and in the body around it."""
    content = course.at(time_h)
    return content["thyroid"], sum(content.values()) - content["thyroid"]


def _uptakes(of: Mapping[str, Any], stage: str, rng: np.random.Generator
             ) -> list[Mapping[str, Value]]:  # fmt: skip
    own, probe, when = of[stage], of["probe"], clock(of, stage)
    course, given = kinetics(of, stage, into="gut"), given_mbq(of, stage)
    counter, per, room = (
        Counter(probe["tau_us"], probe["drift"]), probe["cps_per_mbq"][stage], probe["room_cps"]
    )  # fmt: skip
    standard = own["standard_mbq"] / of["meter"]["shows_over_true"]
    rows: list[Mapping[str, Value]] = []
    for number, time_h in enumerate(own["uptake_h"]):
        gland, rest = (given * part for part in _body(course, time_h))
        rates = {
            "neck": per * (gland * off_by(probe["position_u"], rng)
                           + rest * probe["neck_sees_body"]) + room,
            "thigh": per * rest * probe["thigh_sees_body"] + room,
            "standard": per * standard * decayed(of, time_h) + room,
            "room": room,
        }  # fmt: skip
        share = through(number, len(own["uptake_h"]))
        counts = {what: counter.counts(rate, own["live_s"], rng, through=share)
                  for what, rate in rates.items()}  # fmt: skip
        rows.append({"patient": of["patient"]["id"], "time": when.at(time_h), **counts,
                     "live_time": own["live_s"]})  # fmt: skip
    return rows


def _lobes(of: Mapping[str, Any], rng: np.random.Generator) -> list[Mapping[str, Value]]:
    day = clock(of, "tracer").at(0.5).date().isoformat()
    return [
        {"patient": of["patient"]["id"], "date": day, "region": side}
        | {name: round(mm * off_by(of["gland"]["length_u"], rng))
           for name, mm in zip(("length", "width", "depth"), sides, strict=True)}
        for side, sides in of["gland"]["lobes_mm"].items()
    ]  # fmt: skip


def _write_documents(folder: Path, of: Mapping[str, Any], protocol: Protocol) -> None:
    measures = protocol.level > 1
    starts = {stage: clock(of, stage) for stage in (STAGES if measures else STAGES[1:])}
    given = [when.at(0.0).date() for when in starts.values()]
    read = [starts[s].at(h).date() for s in starts for h in of[s]["uptake_h"]]
    if measures:
        write_device(folder / "probe.toml", "device-probe.toml", used=[*given, *read],
                     before=BEFORE)  # fmt: skip
    write_device(folder / "activity_meter.toml", "device-activity_meter.toml", used=given,
                 before=BEFORE)  # fmt: skip
    words: dict[str, object] = {
        key: of["patient"][key] for key in ("id", "name", "birth_date", "sex")
    }
    words |= {"protocol": protocol.id, "zone": of["zone"],
              "weight": written(of["patient"]["weight_kg"], "kg"),
              "dose": written(AIM_GY, "Gy")}  # fmt: skip
    # Level 1 asks for the nearest of the published groups; a scintigraphy some weeks ago told it.
    words["group"] = "[]" if measures else '["uptake 25 %"]'
    words["therapy_meant"] = written(of["therapy"]["meant_mbq"], "MBq")
    words["seen_at"] = starts["therapy"].at(24.0).isoformat(timespec="minutes")
    for stage, when in starts.items():
        words[f"{stage}_at"] = when.at(0.0).isoformat(timespec="minutes")
        for what in ("shown", "standard"):
            words[f"{stage}_{what}"] = written(of[stage][f"{what}_mbq"], "MBq")
    write_document(folder / "study.toml", "study-benign-thyroid.toml", words,
                   parts=["measured"] if measures else ["by rule"])  # fmt: skip


def _truth(of: Mapping[str, Any]) -> Truth:
    mass = of["gland"]["true_volume_ml"] * dose_constants()["thyroid density"].value
    stages = {}
    for stage in STAGES:
        course, given = kinetics(of, stage, into="gut"), given_mbq(of, stage)
        tau = course.tiac_h()["thyroid"]
        uptakes = {f"uptake at {h:g} h": course.at(h)["thyroid"] for h in of[stage]["uptake_h"]}
        stages[stage] = StageTruth(
            given, {"Thyroid": tau}, {"Thyroid": thyroid_gy(given, tau, mass)}, uptakes
        )
    first, second = (stages[stage] for stage in STAGES)
    per_mbq = first.per_gbq("Thyroid") / 1000
    foretold = per_mbq * second.administered_mbq
    return Truth(
        "benign-thyroid", of["seed"], of["nuclide"], stages,
        PlanTruth(AIM_GY / per_mbq, f"{AIM_GY:g} Gy to the thyroid"),
        {"Thyroid dose": VerifiedTruth(foretold, second.dose_gy["Thyroid"])}, (THYROID,),
        {"mass_g": mass, "meter": of["meter"], "probe": of["probe"], "gland": of["gland"]},
    )  # fmt: skip
