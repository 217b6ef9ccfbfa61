"""Area under whole-body or blood readings, phase by phase, with a stated head and tail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, isfinite, log

import numpy as np

from quimby.core.notes import Note, in_order, note, refusal
from quimby.core.source import Constant
from quimby.core.tables import constants
from quimby.core.uncertain import Uncertain, combine, exact, total
from quimby.kinetics.fit import SLOWER_IN_NOISE, share_notes
from quimby.kinetics.models import LN2, Terms
from quimby.kinetics.samples import undo_decay_correction

HEADS = ("plateau", "from zero")
RULES = ("log", "linear")
TAILS = ("slope", "physical")
NEARLY_EQUAL = 1e-6  # relative: below it the logarithmic mean is the plain one
SLOPE_KNOWN = 0.25  # relative u of the last slope above which more readings are taken for it [P]


@dataclass(frozen=True, slots=True)
class Area:
    """Area under readings, in their unit times h.

    `physical_total` has the tail at physical decay: with `total` it brackets the truth.
    """

    head: Uncertain
    phases: tuple[Uncertain, ...]
    body: Uncertain
    tail: Uncertain
    total: Uncertain
    physical_total: Uncertain
    tail_rate_per_h: Uncertain
    extrapolated: float  # share of the total after the last reading
    notes: tuple[Note, ...]


def area(
    times_h: Sequence[float],
    values: Sequence[Uncertain],
    *,
    half_life_h: float,
    head: str = "plateau",
    rule: str = "log",
    tail: str = "slope",
    tail_points: int = 2,
    where: str = "whole body",
) -> Area:
    """Integrate effective readings from zero to infinity.

    `head` to the first reading: held at its value ("plateau": nothing is voided) or a line from
    zero. `rule` "log": an exponential between two readings that fall, else a straight line.
    `tail`: the slope of the last `tail_points`, and of more where noise hides it (25 %), never
    slower than decay, or physical decay (the largest it can be).

    Doubt is carried to first order, shared causes shared. What the readings did not see adds
    "curve before the first reading" ("rise before the first one" for a line from zero), "curve
    between readings" and "curve after the last reading" (with `where`): shares, in `sampling`,
    of how far the two heads, rules and tails differ; benchmarks/coverage_readings.py sets them.

    Raises E-TIA-TIME, E-TIA-NONPOS, E-TIA-FEW, E-TIA-MODEL, E-TIA-NOCLEAR, E-TIA-TEFF-GT-TPHYS;
    notes W-TIA-AT-PHYSICAL, W-TIA-TAIL, S-TIA-TAIL. Source: elementary.
    """
    _check(times_h, values, (head, rule, tail), tail_points, where)
    physical = LN2 / half_life_h
    start = values[0].scaled(times_h[0] * (1.0 if head == "plateau" else 0.5))
    steps = zip(pairwise(times_h), pairwise(values), strict=True)
    phases = tuple(_phase(a, b, t2 - t1, rule) for (t1, t2), (a, b) in steps)
    body = total(phases)
    last = values[-1].scaled(1 / physical)
    rate: Uncertain = exact(physical)
    notes: tuple[Note, ...] = ()
    if tail == "slope":
        rate, notes = _tail_rate(times_h, values, tail_points, physical, where)
    rest = values[-1] / rate
    whole = total([start, body, rest])
    share = rest.value / whole.value
    first = "curve before the first reading" if head == "plateau" else "rise before the first one"
    whole = _with_unseen(whole, where, {
        first: values[0].value * times_h[0] / 2,
        "curve between readings": _rules_apart(times_h, values),
        "curve after the last reading": last.value - rest.value,
    })  # fmt: skip
    return Area(start, phases, body, rest, whole, total([start, body, last]), rate, share,
                in_order([*notes, *share_notes(0.0, share, where=where)]))  # fmt: skip


def sampling() -> Mapping[str, Constant]:
    """What readings do not see of a curve, as shares of how far two ways of drawing it differ."""
    return constants("quimby.kinetics", "sampling")


def _with_unseen(whole: Uncertain, where: str, apart: Mapping[str, float]) -> Uncertain:
    for name, difference in apart.items():
        u = sampling()[name].value * abs(difference)
        whole = whole.because(f"{name}, {where}", u) if u else whole
    return whole


def _rules_apart(times_h: Sequence[float], values: Sequence[Uncertain]) -> float:
    """Area by straight lines less that by exponentials, where the readings fall."""
    steps = zip(pairwise(times_h), pairwise(values), strict=True)
    return sum(_phase(a, b, t2 - t1, "linear").value - _phase(a, b, t2 - t1, "log").value
               for (t1, t2), (a, b) in steps)  # fmt: skip


def _check(times_h: Sequence[float], values: Sequence[Uncertain], names: tuple[str, str, str],
           tail_points: int, where: str) -> None:  # fmt: skip
    for name, known in zip(names, (HEADS, RULES, TAILS), strict=True):
        if name not in known:
            raise refusal("E-TIA-MODEL", where=where, name=name, known=", ".join(known))
    rises = all(b > a for a, b in pairwise(times_h))
    if len(times_h) != len(values) or not rises or not all(isfinite(t) and t >= 0 for t in times_h):
        raise refusal("E-TIA-TIME", where=where, times=", ".join(f"{t:g} h" for t in times_h))
    if tail_points < 2 or len(values) < tail_points:
        raise refusal("E-TIA-FEW", where=where, samples=len(values), priors=0,
                      parameters=max(tail_points, 2), model="log-trapezoid")  # fmt: skip
    for time_h, value in zip(times_h, values, strict=True):
        if value.value < 0 or (value.value == 0 and time_h > 0):
            raise refusal("E-TIA-NONPOS", where=where, activity=value.value, time=time_h)


def _phase(a: Uncertain, b: Uncertain, step_h: float, rule: str) -> Uncertain:
    """Area between two readings: (a - b) dt/ln(a/b) where they fall, else the straight line."""
    x, y = a.value, b.value
    if rule == "linear" or y >= x or x - y < NEARLY_EQUAL * x:
        return (a + b).scaled(step_h / 2)
    ratio = log(x / y)
    mean = (x - y) / ratio
    return combine(mean * step_h, (a, (1 - mean / x) / ratio * step_h),
                   (b, (mean / y - 1) / ratio * step_h))  # fmt: skip


def _tail_rate(times_h: Sequence[float], values: Sequence[Uncertain], points: int,
               physical: float, where: str) -> tuple[Uncertain, tuple[Note, ...]]:  # fmt: skip
    """Rate of the last readings, or the physical one where noise alone makes it slower."""
    rate = _slope(times_h, values, points)
    most = max(points, (len(values) + 1) // 2)
    while rate.u > SLOPE_KNOWN * rate.value and points < most:
        points += 1
        rate = _slope(times_h, values, points)
    found = rate.value
    if found >= physical * (1 - 1e-9):
        return rate, ()
    if physical - found > SLOWER_IN_NOISE * rate.u:
        if found <= 0:
            raise refusal("E-TIA-NOCLEAR", where=where,
                          what=f"it does not fall up to {times_h[-1]:g} h")  # fmt: skip
        raise refusal("E-TIA-TEFF-GT-TPHYS", where=where, effective=LN2 / found,
                      physical=LN2 / physical)  # fmt: skip
    asked = LN2 / found if found > 0 else float("inf")
    said = note("W-TIA-AT-PHYSICAL", where=where, value=asked, limit=LN2 / physical)
    return exact(physical), (said,)


def _slope(times_h: Sequence[float], values: Sequence[Uncertain], points: int) -> Uncertain:
    """Rate of a straight line through the last logarithms, 1/h: positive when they fall."""
    times, last = np.array(times_h[-points:]), values[-points:]
    weights = (times.mean() - times) / float(np.sum((times - times.mean()) ** 2))
    slopes = [float(w) / v.value for w, v in zip(weights, last, strict=True)]
    found = sum(float(w) * log(v.value) for w, v in zip(weights, last, strict=True))
    return combine(found, *zip(last, slopes, strict=True))


def value_at(
    time_h: float, times_h: Sequence[float], values: Sequence[Uncertain], *,
    half_life_h: float, where: str = "whole body",
) -> Uncertain:  # fmt: skip
    """The readings' value at another time, on the exponentials between them (not a line).

    After the last reading on the last slope, never slower than decay; before the first one held
    back at physical decay. Between two readings with "curve between readings". Raises as `area`.
    """
    _check(times_h, values, ("plateau", "log", "slope"), 2, where)
    if time_h <= times_h[0]:
        return values[0].scaled(exp(LN2 * (times_h[0] - time_h) / half_life_h))
    if time_h >= times_h[-1]:
        rate, _ = _tail_rate(times_h, values, 2, LN2 / half_life_h, where)
        later = time_h - times_h[-1]
        left = exp(-rate.value * later)
        return combine(values[-1].value * left, (values[-1], left),
                       (rate, -later * values[-1].value * left))  # fmt: skip
    i = next(i for i, t in enumerate(times_h) if t >= time_h)
    share = (time_h - times_h[i - 1]) / (times_h[i] - times_h[i - 1])
    a, b = values[i - 1], values[i]
    value = a.value ** (1 - share) * b.value**share
    drawn = combine(value, (a, value * (1 - share) / a.value), (b, value * share / b.value))
    line = a.value * (1 - share) + b.value * share
    return _with_unseen(drawn, where, {"curve between readings": line - value})


def as_effective(
    value: Uncertain, time_h: float, *, decay_corrected: bool, half_life_h: float
) -> Uncertain:
    """A value as it was at its time, from one that is or is not decay-corrected to time zero."""
    if not decay_corrected:
        return value
    return undo_decay_correction(value, time_h, physical_half_life_h=half_life_h)


def of_other_nuclide(
    effective: Uncertain, time_h: float, *, measured_half_life_h: float, wanted_half_life_h: float
) -> Uncertain:
    """Effective value of another nuclide on the same molecule: the biology is the same.

    124I or 123I measured, 131I wanted; only within the times measured. Source: elementary.
    """
    return effective.scaled(exp(LN2 * time_h * (1 / measured_half_life_h - 1 / wanted_half_life_h)))


def exponentials_tia(amplitudes: Sequence[float], half_lives_h: Sequence[float]) -> float:
    """Area under a sum of exponentials, amplitude times h."""
    a, rates = np.array(amplitudes, dtype=np.float64), LN2 / np.array(half_lives_h)
    none = np.zeros((len(a), 0))
    return Terms(a, rates, none, none).integral()


def one_reading_tiac_h(retention: Uncertain, time_h: float) -> Uncertain:
    """Residence from one retention and one exponential from all at time zero: ``-t/ln R``, h.

    Source: Hänscheid et al., Endocr Relat Cancer 2009;16:1283.
    """
    tiac = -time_h / log(retention.value)
    return combine(tiac, (retention, tiac**2 / (time_h * retention.value)))
