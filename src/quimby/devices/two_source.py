"""Dead time measured: with two sources, or with one that decays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, least_squares
from scipy.stats import chi2 as chi2_distribution

from quimby.core.notes import Note, note, refusal
from quimby.core.numbers import above_zero, zero_or_more
from quimby.core.uncertain import Uncertain, combine
from quimby.devices import dead_time
from quimby.devices.counting import BusyTime, Counting
from quimby.physics.decay import decay_factor

POOR = 0.10  # relative doubt of a dead time that is worth a note [P]
LEAST, DECADE = 8, 10.0  # readings of a decaying source, and the factor they span
TOO_MUCH = 0.025  # chance of so much scatter, below which it is noted [P]
SEEN = 2.0  # standard uncertainties by which a dead time must stand above zero [P]
STEP = 1e-4  # of the counts lost, for slopes


@dataclass(frozen=True, slots=True)
class Measured:
    """A measured dead time; the cause names of its doubt are the readings behind it."""

    busy: BusyTime
    loss: float  # share of counts lost at the highest rate of the measurement
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class DecayFit:
    """A dead time from a decaying source, with the true rate at time zero and the misfit."""

    busy: BusyTime
    start_cps: Uncertain
    chi2: float
    dof: int
    p_value: float
    notes: tuple[Note, ...] = ()


def two_source(
    first: Uncertain,
    second: Uncertain,
    together: Uncertain,
    background: Uncertain,
    *,
    model: str = "non-paralysable",
    where: str = "two-source method",
) -> Measured:
    """Dead time from the observed rates (cps, background included) of two sources.

    Non-paralysable: Knoll's closed form. Paralysable: the dead time with which the true rates
    add up. E-CNT-TWO-SOURCE where no dead time does; W-CNT-TAU-POOR above 10 % doubt.
    Source: Knoll, Radiation Detection and Measurement, ch. 4.
    """
    rates = (first, second, together, background)
    for what, rate in zip(("first rate", "second rate", "rate together"), rates, strict=False):
        above_zero(rate.value, what, "", where=where)
    zero_or_more(background.value, "background rate", "", where=where)
    values = [r.value for r in rates]
    _check_loss(values, where)
    solve = _closed_form if model == "non-paralysable" else _paralysable
    tau_s = solve(*values)
    if tau_s is None:
        raise _unexplained(values, where)
    slopes = [_slope(solve, values, i) for i in range(len(values))]
    tau = combine(tau_s, *zip(rates, slopes, strict=True))
    loss = 1.0 - values[2] / dead_time.true_rate(values[2], tau_s, model=model)
    return Measured(BusyTime(tau, model), loss, _poor(tau, where))


def _check_loss(values: Sequence[float], where: str) -> None:
    first, second, together, background = values
    if not together + background < first + second:
        raise _unexplained(values, where)
    if together < max(first, second):
        raise _unexplained(values, where)  # past the peak of a paralysable counter: two answers


def _unexplained(values: Sequence[float], where: str) -> Exception:
    first, second, together, background = values
    return refusal("E-CNT-TWO-SOURCE", where=where, together=together - background,
                   apart=first + second - 2.0 * background)  # fmt: skip


def _closed_form(m1: float, m2: float, m12: float, mb: float) -> float | None:
    x = m1 * m2 - mb * m12
    y = m1 * m2 * (m12 + mb) - mb * m12 * (m1 + m2)
    if x <= 0 or y <= 0:
        return None
    z = y * (m1 + m2 - m12 - mb) / x**2
    return x * (1.0 - sqrt(1.0 - z)) / y if z < 1.0 else None


def _paralysable(m1: float, m2: float, m12: float, mb: float) -> float | None:
    def excess(tau_s: float) -> float:
        n1, n2, n12, nb = (dead_time.true_rate(m, tau_s) for m in (m1, m2, m12, mb))
        return n1 + n2 - n12 - nb

    highest = (1.0 - 1e-12) / (np.e * m12)
    if excess(highest) > 0:
        return None
    return float(brentq(excess, 0.0, highest, xtol=1e-18, rtol=1e-12))


def _slope(solve: Callable[..., float | None], values: Sequence[float], i: int) -> float:
    """d(tau)/d(rate i), from a small step to both sides."""
    step = STEP * abs(values[0] + values[1] - values[2] - values[3])
    low, high = max(values[i] - step, 0.0), values[i] + step  # no rate lies below zero
    down, up = (solve(*values[:i], rate, *values[i + 1 :]) for rate in (low, high))
    if up is None or down is None:
        raise _unexplained(values, "two-source method")
    return (up - down) / (high - low)


def decaying_source(
    times_h: Sequence[float],
    readings: Sequence[Counting],
    *,
    half_life_h: float,
    background_cps: float = 0.0,
    model: str = "non-paralysable",
    where: str = "decaying-source method",
) -> DecayFit:
    """Dead time and true rate at time zero from one source, read while it decays.

    Fits m(t) = model(n0 exp(-lambda t) + background) with the Poisson weights of the counts;
    the doubt grows with the scatter where that is too much (then W-CNT-FIT). `background_cps`
    is small enough to need no dead time. E-CNT-DECAY-SPAN below 8 readings or a decade,
    E-CNT-DECAY-FIT, E-NUM-NONPOS; W-CNT-TAU-POOR.
    """
    decayed = np.array([decay_factor(t, half_life_h) for t in times_h])
    _check_span(decayed, readings, where)
    seen = np.array([r.rate_cps.value for r in readings])
    u = np.array([r.rate_cps.u for r in readings])
    floor = zero_or_more(background_cps, "background rate", "", where=where)

    def misfit(p: NDArray[np.float64]) -> NDArray[np.float64]:
        n0, tau_s = float(np.exp(p[0])), float(p[1]) * 1e-6
        modelled = [dead_time.observed_rate(n0 * d + floor, tau_s, model=model) for d in decayed]
        misfits: NDArray[np.float64] = (np.array(modelled) - seen) / u
        return misfits

    found = least_squares(misfit, _start(seen - floor, decayed), x_scale=(0.01, 0.1),
                          bounds=((-np.inf, 0.0), (np.inf, np.inf)), xtol=1e-12)  # fmt: skip
    return _fitted(found, len(seen), model, where)


def _check_span(decayed: NDArray[np.float64], readings: Sequence[Counting], where: str) -> None:
    factor = float(decayed.max() / decayed.min()) if len(decayed) else 1.0
    if len(decayed) != len(readings) or len(readings) < LEAST or factor < DECADE:
        raise refusal("E-CNT-DECAY-SPAN", where=where, factor=factor, points=len(readings),
                      least=LEAST, decade=DECADE)  # fmt: skip


def _start(net: NDArray[np.float64], decayed: NDArray[np.float64]) -> tuple[float, float]:
    """The weakest readings tell n0, what the strongest lack then tells tau (µs)."""
    weak, strong = int(np.argmin(decayed)), int(np.argmax(decayed))
    n0 = max(float(net[weak] / decayed[weak]), 1e-6)
    true = n0 * float(decayed[strong])
    lost = max(1.0 - float(net[strong]) / true, 1e-3)
    return float(np.log(n0)), lost / true * 1e6


def _fitted(found: Any, points: int, model: str, where: str) -> DecayFit:
    chi2, dof = 2.0 * float(found.cost), points - 2
    p = float(chi2_distribution.sf(chi2, dof))
    grown = max(1.0, chi2 / dof) if p < TOO_MUCH else 1.0
    u_log, u_tau_us = np.sqrt(np.diag(np.linalg.inv(found.jac.T @ found.jac)) * grown)
    tau_us, n0 = float(found.x[1]), float(np.exp(found.x[0]))
    if not found.success or tau_us <= SEEN * u_tau_us:
        why = f"the best one, {tau_us:.3g} µs, is not above zero by twice its doubt"
        raise refusal("E-CNT-DECAY-FIT", where=where, why=why)
    tau = Uncertain(tau_us * 1e-6, {"dead time": float(u_tau_us) * 1e-6})
    start = Uncertain(n0, {"strength of the decaying source": n0 * float(u_log)})
    return DecayFit(BusyTime(tau, model), start, chi2, dof, p,
                    (*_poor(tau, where), *_misfit(chi2 / dof, dof, p, where)))  # fmt: skip


def _misfit(per_dof: float, dof: int, p: float, where: str) -> tuple[Note, ...]:
    if p >= TOO_MUCH:
        return ()
    limit = float(chi2_distribution.isf(TOO_MUCH, dof)) / dof
    return (note("W-CNT-FIT", where=where, value=per_dof, limit=limit),)


def _poor(tau: Uncertain, where: str) -> tuple[Note, ...]:
    if tau.u_rel <= POOR:
        return ()
    return (note("W-CNT-TAU-POOR", where=where, value=tau.u_rel, limit=POOR),)
