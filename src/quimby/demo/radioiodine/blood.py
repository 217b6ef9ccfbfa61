"""Blood samples of an invented patient: drawn, kept, counted together in a well counter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np

from quimby.demo.radioiodine.counting import Counter, off_by, through
from quimby.demo.radioiodine.facts import clock, decayed, given_mbq, local
from quimby.demo.radioiodine.kinetics import Course
from quimby.demo.radioiodine.tables import Value

TUBE_ML = 2.0


def samples(
    of: Mapping[str, Any], stage: str, course: Course, *, rng: np.random.Generator
) -> list[Mapping[str, Value]]:
    """Rows of the blood template: one tube each, decay until the counting is in the counts."""
    own, when, device = of[stage], clock(of, stage), of["counter"]
    counter = Counter(device["tau_us"], device["drift"])
    per_ml = given_mbq(of, stage) / of["patient"]["blood_ml"]
    begins = local(of, own["counted_at"])
    rows: list[Mapping[str, Value]] = []
    for n, (time_h, live) in enumerate(zip(own["blood_h"], own["blood_live_s"], strict=True)):
        middle_h = when.hours(begins) + live / 7200
        drawn_mbq = per_ml * course.at(time_h)["blood"] * TUBE_ML * off_by(device["pipette_u"], rng)
        there = drawn_mbq * decayed(of, middle_h - time_h)
        share, floor = through(n, len(own["blood_h"])), device["background_cps"]
        gross = counter.counts(there * device["cps_per_mbq"] + floor, live, rng, through=share)
        rows.append({
            "patient": of["patient"]["id"], "sample": f"B{n + 1}", "drawn": when.at(time_h),
            "counted": begins + timedelta(seconds=device["fast_s"]), "volume": TUBE_ML,
            "counts": gross, "live_time": live, "background": counter.counts(floor, live, rng),
            "haematocrit": round(100 * of["patient"]["haematocrit"]), "state": "good",
        })  # fmt: skip
        begins += timedelta(seconds=live + 120)
    return rows
