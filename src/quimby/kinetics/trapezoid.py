"""Area under readings by trapezoids, with a stated start and a stated tail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, inf, log

import numpy as np

from quimby.core.notes import Note, refusal
from quimby.core.uncertain import Uncertain, combine
from quimby.kinetics.fit import share_notes
from quimby.kinetics.models import LN2, Array
from quimby.kinetics.samples import log_slope, looks, samples

STARTS = ("linear_from_zero", "constant_backward", "back_extrapolated")
TAILS = ("mono_from_last_two", "physical", "given")


@dataclass(frozen=True, slots=True)
class Area:
    """TIA by trapezoids: from zero to the last reading, after it, and together (MBq h)."""

    observed_mbq_h: Uncertain
    tail_mbq_h: Uncertain
    tia_mbq_h: Uncertain
    tail_rate_per_h: float
    head_fraction: float
    tail_fraction: float
    notes: tuple[Note, ...]


def trapezoid(
    times_h: Sequence[float],
    activities_mbq: Sequence[Uncertain],
    *,
    start: str = "linear_from_zero",
    tail: str = "mono_from_last_two",
    physical_half_life_h: float = inf,
    tail_half_life_h: float | None = None,
    where: str = "curve",
) -> Area:
    """Integrate readings by straight lines, from time zero, and an exponential tail.

    `start`: a line from (0, 0); the first activity held back to zero; or the exponential of the
    first two readings drawn back. `tail`: the exponential of the last two, physical decay (an
    upper bound), or `tail_half_life_h`. Doubt is carried to first order, shared causes shared.

    Raises E-TIA-TIME, E-TIA-NONPOS, E-TIA-FEW, E-TIA-NOCLEAR (no fall at the end, no half-life
    for the tail), E-TIA-TEFF-GT-TPHYS. Source: elementary.
    """
    read = samples(times_h, activities_mbq, where=where)
    values = np.array([a.value for a in read.activities_mbq], dtype=np.float64)
    if len(values) < 2:
        raise refusal("E-TIA-FEW", where=where, samples=len(values), priors=0, parameters=2,
                      model="trapezoid")  # fmt: skip
    if start not in STARTS or tail not in TAILS:
        raise refusal("E-TIA-MODEL", where=where, name=f"{start} / {tail}",
                      known=", ".join((*STARTS, *TAILS)))  # fmt: skip
    times, found = read.times_h, values.tolist()
    rate = _tail_rate(times, found, tail, tail_half_life_h, physical_half_life_h, where)

    def carried(area: Callable[[Sequence[float]], float]) -> Uncertain:
        return combine(area(values.tolist()), *zip(read.activities_mbq, _slopes(area, values),
                                                   strict=True))  # fmt: skip

    def after(a: Sequence[float]) -> float:
        return a[-1] / (log_slope(times, a) if tail == "mono_from_last_two" else rate)

    observed = carried(lambda a: _head(times, a, start) + _between(times, a))
    rest = carried(after)
    total = observed + rest
    shares = _head(times, values.tolist(), start) / total.value, rest.value / total.value
    notes = (*read.notes, *share_notes(*shares, where=where),
             *looks(times, values.tolist(), where=where,
                    physical_half_life_h=physical_half_life_h))  # fmt: skip
    return Area(observed, rest, total, rate, *shares, notes)


def _tail_rate(times: Sequence[float], values: Sequence[float], tail: str,
               given_h: float | None, physical_h: float, where: str) -> float:  # fmt: skip
    rate = {
        "mono_from_last_two": log_slope(times, values),
        "physical": LN2 / physical_h,
        "given": LN2 / given_h if given_h else 0.0,
    }[tail]
    if rate <= 0:
        what = f"after {times[-1]:g} h no half-life is known"
        raise refusal("E-TIA-NOCLEAR", where=where, what=what)
    if rate < LN2 / physical_h * (1 - 1e-9):
        raise refusal("E-TIA-TEFF-GT-TPHYS", where=where, effective=LN2 / rate, physical=physical_h)
    return float(rate)


def _between(times: Sequence[float], a: Sequence[float]) -> float:
    return float(np.trapezoid(np.asarray(a), np.asarray(times)))


def _head(times: Sequence[float], a: Sequence[float], start: str) -> float:
    if start == "linear_from_zero":
        return a[0] * times[0] / 2
    if start == "constant_backward":
        return a[0] * times[0]
    rate = log(a[0] / a[1]) / (times[1] - times[0])
    return a[0] * times[0] if abs(rate) < 1e-12 else a[0] * (exp(rate * times[0]) - 1) / rate


def _slopes(area: Callable[[Sequence[float]], float], values: Array) -> list[float]:
    """Slopes by central differences, one part in a million (areas are smooth)."""
    found = []
    for i, value in enumerate(values):
        up, down = values.copy(), values.copy()
        up[i], down[i] = value * (1 + 1e-6), value * (1 - 1e-6)
        found.append((area(up.tolist()) - area(down.tolist())) / (2e-6 * value))
    return found
