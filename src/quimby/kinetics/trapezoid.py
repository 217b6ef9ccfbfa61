"""Area under readings by trapezoids, with a stated start and a stated tail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain, combine
from quimby.kinetics.fit import BAND_POINTS, Fit, share_notes
from quimby.kinetics.models import LN2, Array
from quimby.kinetics.retention import sampling
from quimby.kinetics.samples import log_slope, looks, samples

NAME = "trapezoid"
STARTS = ("linear_from_zero", "constant_backward", "back_extrapolated")
RULES = ("linear", "logarithmic")
TAILS = ("mono_from_last_two", "physical", "given")
STEP = 1e-6  # relative, of a slope by differences
SAME = 1e-9  # relative difference of readings below which their logarithmic mean is the plain one
UNSEEN = {
    "start": "curve before the first reading",
    "between": "curve between readings",
    "tail": "curve after the last reading",
}


@dataclass(frozen=True, slots=True)
class Lines:
    """How readings are joined: before the first, between two, after the last.

    `start`: a line from (0, 0); the first activity held back to zero; or the exponential of the
    first two readings drawn back. `between`: straight, or exponentials where readings fall.
    `tail`: the exponential of the last two, physical decay (an upper bound), or the half-life
    `tail_h`.
    """

    start: str = "linear_from_zero"
    between: str = "linear"
    tail: str = "mono_from_last_two"
    tail_h: float | None = None


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
    between: str = "linear",
    tail: str = "mono_from_last_two",
    physical_half_life_h: float = inf,
    tail_half_life_h: float | None = None,
    where: str = "curve",
) -> Area:
    """Integrate readings from time zero, with an exponential tail; `Lines` says how.

    Doubt is carried to first order, shared causes shared.

    Raises E-TIA-TIME, E-TIA-NONPOS, E-TIA-FEW, E-TIA-NOCLEAR (no fall at the end, no half-life
    for the tail), E-TIA-TEFF-GT-TPHYS. Source: elementary.
    """
    lines = Lines(start, between, tail, tail_half_life_h)
    read = samples(times_h, activities_mbq, where=where)
    values = np.array([a.value for a in read.activities_mbq], dtype=np.float64)
    _check(values, lines, where)
    times = read.times_h
    rate = _tail_rate(times, values, lines, physical_half_life_h, where)

    def carried(area: Callable[[Array], Array]) -> Uncertain:
        return combine(float(area(values)), *zip(read.activities_mbq, _slopes(area, values),
                                                 strict=True))  # fmt: skip

    observed = carried(lambda a: seen_area(times, a, lines))
    rest = carried(lambda a: tail_area(times, a, lines, rate))
    total = observed + rest
    shares = float(_head(times, values, lines.start)) / total.value, rest.value / total.value
    notes = (*read.notes, *share_notes(*shares, where=where),
             *looks(times, values.tolist(), where=where,
                    physical_half_life_h=physical_half_life_h))  # fmt: skip
    return Area(observed, rest, total, rate, *shares, notes)


def trapezoid_fit(
    times_h: Sequence[float],
    activities_mbq: Sequence[Uncertain],
    *,
    lines: Lines,
    physical_half_life_h: float = inf,
    where: str = "curve",
) -> Fit:
    """Trapezoids handed back as a fit is: a curve through every reading, of no parameters.

    What the readings did not see is in the doubt: shares, in `sampling`, of how far two starts,
    rules and tails differ. `amplitudes_mbq` and `rates_per_h` are the one exponential of the same
    area and mean time, for what needs exponentials (repair during decay). Raises as `trapezoid`.
    """
    read = samples(times_h, activities_mbq, where=where)
    area = trapezoid(
        read.times_h, read.activities_mbq, start=lines.start, between=lines.between,
        tail=lines.tail, physical_half_life_h=physical_half_life_h,
        tail_half_life_h=lines.tail_h, where=where,
    )  # fmt: skip
    values = np.array([a.value for a in read.activities_mbq], dtype=np.float64)
    times, rate = read.times_h, area.tail_rate_per_h
    weights = _slopes(lambda a: tia(times, a, lines, rate), values)
    tia_mbq_h = _with_unseen(area.tia_mbq_h, read.times_h, values, lines,
                             physical_half_life_h, where)  # fmt: skip
    band = np.linspace(0.0, 1.25 * times[-1], BAND_POINTS)
    drawn = _drawn(times, values, lines, rate, band)
    relative = [r / v for r, v in zip(read.random_mbq, values, strict=True)]
    mean_h = _mean_time(times, values, lines, rate)
    return Fit(
        model=NAME, samples=read, parameters={}, covariance=np.zeros((0, 0)),
        amplitudes_mbq=(tia_mbq_h.value / mean_h,), rates_per_h=(1 / mean_h,),
        half_lives_h={"effective": _tail_half_life(times, read.activities_mbq, lines, rate)},
        tia_mbq_h=tia_mbq_h, tia_weights_h=tuple(weights), residuals_u=tuple(0.0 for _ in times),
        chi2=0.0, degrees_of_freedom=0, parameters_told=float(len(times)),
        head_fraction=area.head_fraction, tail_fraction=area.tail_fraction,
        band_times_h=tuple(map(float, band)),
        band_u_mbq=tuple(map(float, drawn * np.interp(band, times, relative))),
        priors=(), notes=(*read.notes, *_upper_notes(lines, where),
                          *share_notes(area.head_fraction, area.tail_fraction, where=where)),
        drawn_mbq=tuple(map(float, drawn)),
    )  # fmt: skip


def _upper_notes(lines: Lines, where: str) -> tuple[Note, ...]:
    """W-TIA-UPPER: with physical decay after the last reading nothing clears any more."""
    if lines.tail != "physical":
        return ()
    return (note("W-TIA-UPPER", where=where, what="after the last reading"),)


def tia(times: Sequence[float], a: Array, lines: Lines, rate: float) -> Array:
    """The whole area, MBq h; `a` (n,), or (n, d) for many curves at once.

    `rate` is that of the tail where `lines` do not take it from the last two readings.
    """
    return seen_area(times, a, lines) + tail_area(times, a, lines, rate)


def seen_area(times: Sequence[float], a: Array, lines: Lines) -> Array:
    """Area from zero to the last reading, MBq h."""
    return _head(times, a, lines.start) + _between(times, a, lines.between)


def tail_area(times: Sequence[float], a: Array, lines: Lines, rate: float) -> Array:
    """Area after the last reading, MBq h; not finite where the last two do not fall."""
    if lines.tail != "mono_from_last_two":
        return np.asarray(a[-1] / rate)
    slope = np.log(a[-2] / a[-1]) / (times[-1] - times[-2])
    return np.asarray(np.where(slope > 0, a[-1] / np.where(slope > 0, slope, 1.0), np.inf))


def _check(values: Array, lines: Lines, where: str) -> None:
    if len(values) < 2:
        raise refusal("E-TIA-FEW", where=where, samples=len(values), priors=0, parameters=2,
                      model=NAME)  # fmt: skip
    for name, known in ((lines.start, STARTS), (lines.between, RULES), (lines.tail, TAILS)):
        if name not in known:
            raise refusal("E-TIA-MODEL", where=where, name=name, known=", ".join(known))


def _tail_rate(times: Sequence[float], values: Array, lines: Lines, physical_h: float, where: str
               ) -> float:  # fmt: skip
    rate = {
        "mono_from_last_two": log_slope(times, values.tolist()),
        "physical": LN2 / physical_h,
        "given": LN2 / lines.tail_h if lines.tail_h else 0.0,
    }[lines.tail]
    if rate <= 0:
        what = f"after {times[-1]:g} h no half-life is known"
        raise refusal("E-TIA-NOCLEAR", where=where, what=what)
    if rate < LN2 / physical_h * (1 - 1e-9):
        raise refusal("E-TIA-TEFF-GT-TPHYS", where=where, effective=LN2 / rate, physical=physical_h)
    return float(rate)


def _between(times: Sequence[float], a: Array, rule: str) -> Array:
    """Area between the first reading and the last: straight, or exponentials where it falls."""
    steps = np.diff(np.asarray(times)).reshape(-1, *[1] * (a.ndim - 1))
    one, two = a[:-1], a[1:]
    mean = (one + two) / 2
    if rule == "logarithmic":
        falls = two < one * (1 - SAME)
        ratio = np.log(np.where(falls, one / two, np.e))
        mean = np.where(falls, (one - two) / ratio, mean)
    return np.asarray(np.sum(mean * steps, axis=0))


def _head(times: Sequence[float], a: Array, start: str) -> Array:
    first = times[0]
    if start == "linear_from_zero":
        return np.asarray(a[0] * first / 2)
    if start == "constant_backward":
        return np.asarray(a[0] * first)
    rate = np.log(a[0] / a[1]) / (times[1] - times[0])
    flat = np.abs(rate) < 1e-12
    safe = np.where(flat, 1.0, rate)
    return np.asarray(np.where(flat, a[0] * first, a[0] * np.expm1(safe * first) / safe))


def _slopes(area: Callable[[Array], Array], values: Array) -> list[float]:
    """Slopes by central differences, one part in a million (areas are smooth)."""
    found = []
    for i, value in enumerate(values):
        up, down = values.copy(), values.copy()
        up[i], down[i] = value * (1 + STEP), value * (1 - STEP)
        found.append(float(area(up) - area(down)) / (2 * STEP * value))
    return found


def _with_unseen(total: Uncertain, times: Sequence[float], values: Array, lines: Lines,
                 physical_h: float, where: str) -> Uncertain:  # fmt: skip
    """What the readings did not see: shares of how far two ways of joining them differ."""
    own, decay = LN2 / (lines.tail_h or physical_h), LN2 / physical_h
    at = float(tia(times, values, lines, own))
    others = {
        "start": replace(lines, start=STARTS[1 if lines.start == STARTS[0] else 0]),
        "between": replace(lines, between=RULES[1 if lines.between == RULES[0] else 0]),
    }
    if physical_h < inf and lines.tail != "physical":
        others["tail"] = replace(lines, tail="physical")
    elif values[-1] < values[-2]:
        others["tail"] = replace(lines, tail="mono_from_last_two")
    for part, other in others.items():
        rate = decay if other.tail == "physical" else own
        apart = abs(float(tia(times, values, other, rate)) - at)
        u = sampling()[UNSEEN[part]].value * apart
        total = total.because(f"{UNSEEN[part]}, {where}", u) if u else total
    return total


def _tail_half_life(times: Sequence[float], readings: Sequence[Uncertain], lines: Lines,
                    rate: float) -> Uncertain:  # fmt: skip
    half_life = LN2 / rate
    if lines.tail != "mono_from_last_two":
        return Uncertain(half_life)
    (one, two), step = readings[-2:], times[-1] - times[-2]
    lever = half_life / (rate * step)
    return combine(half_life, (one, -lever / one.value), (two, lever / two.value))


def _drawn(times: Sequence[float], values: Array, lines: Lines, rate: float, at: Array) -> Array:
    """The joined curve at other times, MBq."""
    if lines.between == "linear":
        curve = np.interp(at, times, values)
    else:
        straight = np.interp(at, times, values)
        bent = np.exp(np.interp(at, times, np.log(values)))
        step = np.clip(np.searchsorted(times, at) - 1, 0, len(times) - 2)
        curve = np.where(values[step + 1] < values[step], bent, straight)
    curve = np.where(at > times[-1], values[-1] * np.exp(-rate * (at - times[-1])), curve)
    before = {
        "linear_from_zero": values[0] * at / times[0],
        "constant_backward": np.full_like(at, values[0]),
        "back_extrapolated": values[0] * np.exp(
            (times[0] - at) * np.log(values[0] / values[1]) / (times[1] - times[0])),
    }[lines.start]  # fmt: skip
    return np.asarray(np.where(at < times[0], before, curve), dtype=np.float64)


def _mean_time(times: Sequence[float], values: Array, lines: Lines, rate: float) -> float:
    """Integral of t A(t) over integral of A(t), h."""
    fine = np.unique(np.concatenate([np.linspace(0, times[-1], 2001), np.asarray(times)]))
    curve, last = _drawn(times, values, lines, rate, fine), times[-1]
    tail = values[-1] / rate
    moment = np.trapezoid(fine * curve, fine) + tail * (last + 1 / rate)
    return float(moment / (np.trapezoid(curve, fine) + tail))
