"""Sensitivity of one camera head in air, and the highest rate it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from quimby.core.notes import refusal
from quimby.core.numbers import above_zero
from quimby.core.uncertain import Uncertain
from quimby.devices.calibration import COUNTS_CAUSE, poisson
from quimby.physics.decay import factor_to_start

BACKGROUND_CAUSE = "counts, background of the calibration"


@dataclass(frozen=True, slots=True)
class Background:
    """Counts without a source, of the same head and window, and their time."""

    counts: float
    seconds: float


def planar_sensitivity(
    counts: float,
    seconds: float,
    activity_mbq: Uncertain,
    *,
    half_life_h: float,
    background: Background | None = None,
    where: str = "planar sensitivity",
) -> Uncertain:
    """cps/MBq of one head: net counts over time and the source's activity.

    `activity_mbq` at the start of the counting; its decay while it lasts is corrected.
    E-PLN-SENSITIVITY where nothing is left above the background. The causes of the activity
    stay apart from those of the counts.
    """
    for value, what, unit in ((seconds, "the counting time", "s"), (counts, "the counts", "counts"),
                              (activity_mbq.value, "the activity", "MBq")):  # fmt: skip
        above_zero(value, what, unit, where=where)
    rate = poisson(float(counts), COUNTS_CAUSE).scaled(1.0 / seconds)
    if background is not None:
        above_zero(background.seconds, "the background's counting time", "s", where=where)
        empty = poisson(float(background.counts), BACKGROUND_CAUSE)
        rate = rate - empty.scaled(1.0 / background.seconds)
    if rate.value <= 0:
        raise refusal("E-PLN-SENSITIVITY", where=where,
                      why="the background counts as fast as the source")  # fmt: skip
    return rate.scaled(factor_to_start(seconds / 3600.0, half_life_h)) / activity_mbq


@dataclass(frozen=True, slots=True)
class HighestRate:
    """The highest rate a head showed, and in which frame (from 1)."""

    cps: Uncertain
    frame: int
    rates_cps: tuple[float, ...]


def highest_rate(
    frames: Sequence[ArrayLike], seconds: Sequence[float], *, where: str = "count rate"
) -> HighestRate:
    """Highest rate of a dynamic series, while a source comes nearer: all pixels of each frame.

    `seconds` of each frame. For a paralysable head it is 1/(e tau): beyond it rates fall again.
    """
    if not frames or len(frames) != len(seconds):
        raise refusal("E-PLN-SENSITIVITY", where=where,
                      why=f"{len(frames)} frames and {len(seconds)} times")  # fmt: skip
    for one in seconds:
        above_zero(one, "the frame time", "s", where=where)
    totals = [float(np.sum(np.asarray(frame, dtype=np.float64))) for frame in frames]
    rates = [total / s for total, s in zip(totals, seconds, strict=True)]
    best = int(np.argmax(rates))
    rate = poisson(totals[best], "counts, highest rate").scaled(1.0 / seconds[best])
    return HighestRate(rate, best + 1, tuple(rates))
