"""A woman with thyroid cancer: a tracer with blood samples and a monitor; then the therapy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from quimby.core.units import written
from quimby.demo.measured import asks_for
from quimby.demo.radioiodine import blood, monitor
from quimby.demo.radioiodine.documents import BY, write_device, write_document
from quimby.demo.radioiodine.facts import clock, given_mbq, kinetics, local, measured
from quimby.demo.radioiodine.tables import write_german, write_mapping, write_template
from quimby.demo.radioiodine.truth import (
    BLOOD,
    PlanTruth,
    StageTruth,
    Truth,
    VerifiedTruth,
    blood_gy,
    limit,
)
from quimby.measure.readings.mapping import ColumnMap
from quimby.protocols import Protocol

STAGES = ("tracer", "therapy")
THOUGHT_OF_MBQ = 7400.0
BEFORE = date(2026, 3, 3)
GERMAN = {"front": "vorne (Impulse in {} s)", "back": "hinten (Impulse in {} s)",
          "background": "leerer Raum (Impulse in {} s)"}  # fmt: skip


def make(folder: Path, protocol: Protocol, seed: int | None = None) -> Truth:
    """Write this patient's study, tables and devices into a folder; the truth comes back.

    The seed decides the noise alone; without one it is the patient's own.
    """
    known = measured("dtc", protocol)
    rng = np.random.default_rng(known["seed"] if seed is None else seed)
    for stage in STAGES if asks_for(protocol, "blood") else ():
        rows = blood.samples(known, stage, kinetics(known, stage, into="gut"), rng=rng)
        write_template(folder / f"blood-{stage}.csv", "blood_samples", rows)
    _write_tracer_body(folder, known, rng)
    own = known["therapy"]
    body = monitor.dose_rates(
        kinetics(known, "therapy", into="gut"), known["therapy_monitor"], own["body_h"],
        given_mbq=given_mbq(known, "therapy"), weights=known["weights"], rng=rng,
        clock=clock(known, "therapy"), patient=known["patient"]["id"],
    )  # fmt: skip
    write_template(folder / "whole-body-therapy.csv", "whole_body", body)
    _write_documents(folder, known, protocol)
    return _truth(known)


def _write_tracer_body(folder: Path, of: Mapping[str, Any], rng: np.random.Generator) -> None:
    """The monitor's own table, in German, and the mapping that says which column is which."""
    own, device, when = of["tracer"], of["tracer_monitor"], clock(of, "tracer")
    counts = monitor.counted(kinetics(of, "tracer", into="gut"), device, own["body_h"], rng=rng,
                             given_mbq=given_mbq(of, "tracer"), weights=of["weights"])  # fmt: skip
    heads = {key: head.format(device["live_s"]) for key, head in GERMAN.items()}
    rows = [
        {"Pat.-Nr.": of["patient"]["id"], "Datum": f"{when.at(time_h):%d.%m.%Y}",
         "Uhrzeit": f"{when.at(time_h):%H:%M}"}
        | {heads[key]: row[key] for key in GERMAN}
        | {"vorher Toilette": "ja" if n else "nein", "Abstand (m)": 2.05}
        for n, (time_h, row) in enumerate(zip(own["body_h"], counts, strict=True))
    ]  # fmt: skip
    write_german(folder / "ganzkoerper-tracer.csv", rows)
    keys = ["patient", "time.date", "time.clock", *GERMAN, "voided", "distance"]
    columns = dict(zip(rows[0], keys, strict=True))
    made = ColumnMap("whole_body", columns, decimal=",", date_order="dmy", zone=of["zone"])
    write_mapping(folder / "ganzkoerper-mapping.toml", made, by=BY, at=when.at(150.0))


def _write_documents(folder: Path, of: Mapping[str, Any], protocol: Protocol) -> None:
    starts = {stage: clock(of, stage) for stage in STAGES}
    given = [when.at(0.0).date() for when in starts.values()]
    counted = [local(of, of[s]["counted_at"]).date() for s in STAGES]
    stood = {s: [starts[s].at(h).date() for h in of[s]["body_h"]] for s in STAGES}
    used = {"activity_meter": given, "gamma_counter": counted,
            "counting_monitor": stood["tracer"], "dose_rate_monitor": stood["therapy"]}  # fmt: skip
    if not asks_for(protocol, "blood"):
        del used["gamma_counter"]
    for name, days in used.items():
        write_device(folder / f"{name}.toml", f"device-{name}.toml", used=days, before=BEFORE)
    patient = of["patient"]
    words: dict[str, object] = {key: patient[key] for key in ("id", "name", "birth_date", "sex")}
    words |= {"protocol": protocol.id, "zone": of["zone"],
              "weight": written(patient["weight_kg"], "kg"),
              "height": written(patient["height_mm"] / 10, "cm"),
              "haematocrit": written(100 * patient["haematocrit"], "%"),
              "thought_of": written(THOUGHT_OF_MBQ / 1000, "GBq")}  # fmt: skip
    for stage, when in starts.items():
        words[f"{stage}_at"] = when.at(0.0).isoformat(timespec="minutes")
        words[f"{stage}_shown"] = written(of[stage]["shown_mbq"], "MBq")
    write_document(folder / "study.toml", "study-dtc.toml", words,
                   parts=["blood"] if asks_for(protocol, "blood") else [])  # fmt: skip


def _truth(of: Mapping[str, Any]) -> Truth:
    stages = {stage: _stage(of, stage) for stage in STAGES}
    first, second = (stages[stage] for stage in STAGES)
    allowed = {"blood": 1000 * limit("blood limit") / first.per_gbq("Blood"),
               "retention": 1000 * limit("48 h whole-body limit")
               / first.figures["retention at 48 h"]}  # fmt: skip
    foretold = first.per_gbq("Blood") * second.administered_mbq / 1000
    name = min(allowed, key=lambda n: allowed[n])
    return Truth(
        "dtc", of["seed"], of["nuclide"], stages, PlanTruth(allowed[name], name, allowed),
        {"Blood dose": VerifiedTruth(foretold, second.dose_gy["Blood"])}, (BLOOD,),
        {key: of[key] for key in ("meter", "counter", "tracer_monitor", "therapy_monitor")},
    )  # fmt: skip


def _stage(of: Mapping[str, Any], stage: str) -> StageTruth:
    course, given, patient = kinetics(of, stage, into="gut"), given_mbq(of, stage), of["patient"]
    tiac = course.tiac_h()
    per_ml, body = tiac["blood"] / patient["blood_ml"], sum(tiac.values())
    dose = blood_gy(given, per_ml, body, patient["true_weight_kg"])
    return StageTruth(given, {"Blood": per_ml, "Whole body": body}, {"Blood": dose},
                      {"retention at 48 h": course.in_body(48.0)})  # fmt: skip
