"""Whole-body readings of an invented patient before a detector that counts, or shows dose rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from quimby.demo.radioiodine.counting import Counter, DoseRateMeter, off_by, through
from quimby.demo.radioiodine.facts import Clock
from quimby.demo.radioiodine.kinetics import Course
from quimby.demo.radioiodine.tables import Value

VIEWS = ("front", "back")


def seen_mbq(course: Course, time_h: float, given_mbq: float, weights: Mapping[str, Any]
             ) -> tuple[float, float]:  # fmt: skip
    """Activity as the detector sees it from front and back: places count more or less."""
    content = course.at(time_h)
    front, back = (
        given_mbq * sum(content[place] * weights[place][view] for place in content)
        for view in range(len(VIEWS))
    )
    return front, back


def counted(
    course: Course, device: Mapping[str, Any], hours: list[float], *, given_mbq: float,
    weights: Mapping[str, Any], rng: np.random.Generator,
) -> list[dict[str, int]]:  # fmt: skip
    """Counts of front, back and empty room at each time."""
    counter, live = Counter(device["tau_us"]), device["live_s"]
    rows = []
    for time_h in hours:
        stood = off_by(device["position_u"], rng)
        seen = seen_mbq(course, time_h, given_mbq, weights)
        rates = [a * per * stood for a, per in zip(seen, device["cps_per_mbq"], strict=True)]
        floor = device["background_cps"]
        values = [counter.counts(rate + floor, live, rng) for rate in (*rates, 0.0)]
        rows.append(dict(zip((*VIEWS, "background"), values, strict=True)))
    return rows


def dose_rates(
    course: Course, device: Mapping[str, Any], hours: list[float], *, given_mbq: float,
    weights: Mapping[str, Any], clock: Clock, patient: str, rng: np.random.Generator,
) -> list[dict[str, Value]]:  # fmt: skip
    """Rows of the whole-body template in uSv/h; the first one before any void."""
    meter = DoseRateMeter(device["loss_per_usv_h"], device["reading_u"], device.get("drift", 0.0))
    rows: list[dict[str, Value]] = []
    for number, time_h in enumerate(hours):
        stood, share = off_by(device["position_u"], rng), through(number, len(hours))
        seen = seen_mbq(course, time_h, given_mbq, weights)
        floor = device["background_usv_h"]
        row: dict[str, Value] = {"patient": patient, "time": clock.at(time_h)}
        for view, mbq, per in zip(VIEWS, seen, device["usv_h_per_mbq"], strict=True):
            row[view] = meter.shows(mbq * per * stood + floor, rng, through=share)
        row["background"] = meter.shows(floor, rng, through=share)
        row["voided"] = "yes" if number else "no"
        rows.append(row)
    return rows
