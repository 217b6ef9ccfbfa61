"""What the iodine does in an invented patient: compartments, an intake, a bladder that is emptied.

Everything is a fraction of the administered activity and effective: decay is in it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

Float = NDArray[np.float64]
LN2 = log(2.0)
BLADDER = "bladder"


@dataclass(frozen=True, slots=True)
class Model:
    """Rates between compartments, 1/h: {"blood": {"thyroid": 0.1}}; what decays, stays."""

    rates_per_h: Mapping[str, Mapping[str, float]]
    half_life_h: float

    @property
    def names(self) -> tuple[str, ...]:
        """Every compartment, in the order met."""
        met = [n for start, ends in self.rates_per_h.items() for n in (start, *ends)]
        return tuple(dict.fromkeys(met))

    @property
    def decay_per_h(self) -> float:
        """Physical decay constant, 1/h."""
        return LN2 / self.half_life_h

    def matrix_per_h(self) -> Float:
        """d(content)/dt = matrix @ content, with decay."""
        names = self.names
        found = -self.decay_per_h * np.eye(len(names))
        for start, ends in self.rates_per_h.items():
            for end, rate in ends.items():
                found[names.index(end), names.index(start)] += rate
                found[names.index(start), names.index(start)] -= rate
        return found


@dataclass(frozen=True, eq=False)
class Course:
    """Contents from event to event. A state holds contents, their integrals (h), and the inflow."""

    model: Model
    into: str
    times_h: tuple[float, ...]
    states: tuple[Float, ...]  # just after each event

    def at(self, time_h: float) -> dict[str, float]:
        """Fraction in each compartment; at the very time of a void, just after it."""
        here = bisect_right(self.times_h, time_h) - 1
        step = _step(self.model, time_h - self.times_h[here], self.model.names.index(self.into))
        state = step @ self.states[here]
        return dict(zip(self.model.names, state.tolist(), strict=False))

    def in_body(self, time_h: float) -> float:
        """Fraction in all compartments together."""
        return sum(self.at(time_h).values())

    def tiac_h(self) -> dict[str, float]:
        """Integral to infinity of each compartment, h; after the last event nothing is voided."""
        n = len(self.model.names)
        last = self.states[-1]
        rest = -np.linalg.solve(self.model.matrix_per_h(), last[:n])
        return dict(zip(self.model.names, (last[n : 2 * n] + rest).tolist(), strict=True))


def course(
    model: Model, *, into: str, voids_h: Iterable[float] = (), infusion_h: float = 0.0
) -> Course:
    """One unit of activity (as of time zero) given into a compartment, at once or evenly."""
    n, first, voids = len(model.names), model.names.index(into), set(voids_h)
    state = np.zeros(2 * n + 1)
    state[2 * n if infusion_h else first] = 1.0 / infusion_h if infusion_h else 1.0
    times, states = [0.0], [state]
    steps: dict[float, Float] = {}  # voids come evenly: few spans are new
    for event in sorted(voids | ({infusion_h} if infusion_h else set())):
        span = round(event - times[-1], 6)
        if span not in steps:
            steps[span] = _step(model, span, first)
        state = steps[span] @ states[-1]
        if event == infusion_h:
            state[2 * n] = 0.0
        if event in voids:
            state[model.names.index(BLADDER)] = 0.0
        times.append(event)
        states.append(state)
    return Course(model, into, tuple(times), tuple(states))


def _step(model: Model, time_h: float, inflow: int) -> Float:
    """The propagator over a time; the inflow decays as what is still in the vial does."""
    n, matrix = len(model.names), model.matrix_per_h()
    whole = np.zeros((2 * n + 1, 2 * n + 1))
    whole[:n, :n] = matrix
    whole[n : 2 * n, :n] = np.eye(n)
    whole[inflow, 2 * n] = 1.0
    whole[2 * n, 2 * n] = -model.decay_per_h
    found: Float = expm(whole * time_h)
    return found


def void_times(*, first_h: float, every_h: float, days: float) -> tuple[float, ...]:
    """Times at which the bladder is emptied: from the first on, evenly, for so many days."""
    return tuple(round(float(t), 4) for t in np.arange(first_h, 24 * days, every_h))
