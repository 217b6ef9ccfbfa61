"""What is drawn between and after readings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from quimby.core.uncertain import Uncertain
from quimby.kinetics.retention import value_at

STEPS = 12  # points drawn between two readings
BEYOND = 1.6  # how far past the last reading the line is drawn, in its time


def through(
    times_h: Sequence[float], values: Sequence[Uncertain], *, half_life_h: float, where: str
) -> tuple[tuple[float, float, float], ...]:
    """The exponentials through readings and past the last: time, value, u (k = 1)."""
    ends = [*times_h, times_h[-1] * BEYOND]
    inside = [a + (b - a) * i / STEPS for a, b in pairwise(ends) for i in range(STEPS)]
    drawn = [*inside, ends[-1]]
    found = [value_at(t, times_h, values, half_life_h=half_life_h, where=where) for t in drawn]
    return tuple((t, v.value, v.u) for t, v in zip(drawn, found, strict=True))
