"""Linearity: the same answer per MBq from weak sources to strong ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Literal

from quimby.core.notes import Note, note, refusal
from quimby.core.numbers import above_zero
from quimby.physics.decay import decay_factor

TOLERANCE = 0.05  # [P]
LEAST = 3  # readings [P]


@dataclass(frozen=True, slots=True)
class Linearity:
    """Relative deviation of each reading from the line through the reference reading."""

    deviation: tuple[float, ...]
    reference_index: int
    worst: float  # the largest deviation, with its sign
    status: Literal["pass", "fail"]
    notes: tuple[Note, ...] = ()


def by_decay(
    times_h: Sequence[float],
    readings_mbq: Sequence[float],
    *,
    half_life_h: float,
    reference_index: int | None = None,
    tolerance: float = TOLERANCE,
    where: str = "linearity",
) -> Linearity:
    """Linearity of an activity meter, from one source read again and again while it decays.

    Readings are net of background. The reference is a mid-range reading (None: the one nearest
    the middle, in logarithm): the highest may be saturated, the lowest is of background.
    S-QC-FAILED beyond `tolerance`. E-QC-READINGS, E-NUM-NONPOS, E-QC-VALUE.
    """
    expected = [decay_factor(t, half_life_h) for t in times_h]
    return against(expected, readings_mbq, reference_index=reference_index, tolerance=tolerance,
                   where=where)  # fmt: skip


def against(
    expected: Sequence[float],
    readings: Sequence[float],
    *,
    reference_index: int | None = None,
    tolerance: float = TOLERANCE,
    where: str = "linearity",
) -> Linearity:
    """Linearity against known activities in any unit, e.g. a series of dilutions.

    Only the ratios of `expected` count. Rates are net and without dead time.
    """
    _check(expected, readings, where)
    index = _middle(readings) if reference_index is None else reference_index
    if not 0 <= index < len(readings):
        raise refusal("E-QC-VALUE", where=where, what="reference index", value=index,
                      must=f"0 to {len(readings) - 1}")  # fmt: skip
    scale = readings[index] / expected[index]
    deviation = tuple(r / (scale * e) - 1.0 for r, e in zip(readings, expected, strict=True))
    worst = max(deviation, key=abs)
    if abs(worst) <= tolerance:
        return Linearity(deviation, index, worst, "pass")
    why = f"reading {deviation.index(worst) + 1} is {worst:+.1%} off the line"
    said = note("S-QC-FAILED", where=where, value=abs(worst), limit=tolerance,
                test="Linearity", why=f"{why} (limit {tolerance:.0%})")  # fmt: skip
    return Linearity(deviation, index, worst, "fail", (said,))


def _check(expected: Sequence[float], readings: Sequence[float], where: str) -> None:
    if len(expected) != len(readings) or len(readings) < LEAST:
        raise refusal("E-QC-READINGS", where=where, given=min(len(readings), len(expected)),
                      least=LEAST, what="linearity, each with its time or activity,")  # fmt: skip
    for what, values in (("reading", readings), ("expected activity", expected)):
        for value in values:
            above_zero(value, what, "", where=where)


def _middle(readings: Sequence[float]) -> int:
    middle = (log(min(readings)) + log(max(readings))) / 2.0
    return min(range(len(readings)), key=lambda i: abs(log(readings[i]) - middle))
