"""Curve models as declarations: A(t) = sum of amplitude_j * exp(-rate_j * t).

Every model lives in the logarithms of positive quantities, so amplitudes and rates keep their
signs and the curve stays above zero. Rates are effective (biological and physical together) and
are built upwards from the slowest one. That the slowest is not below the physical rate is held
in `fit`, where noise and a wrong unit can be told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from quimby.core.notes import refusal

Array = NDArray[np.float64]
LN2 = log(2)


@dataclass(frozen=True, eq=False)
class Terms:
    """The exponentials of a curve and their slopes with respect to the model's logarithms.

    `amplitudes` (j,) in the unit of the activities, `rates` (j,) in 1/h; `d_amplitudes` and
    `d_rates` are (j, k) for k logarithms. Many curves at once (Monte Carlo) have one more axis,
    the last, in all four and in what follows from them; times may then be of each curve, (n, d).
    """

    amplitudes: Array
    rates: Array
    d_amplitudes: Array
    d_rates: Array

    def activity(self, times_h: Array) -> Array:
        """A(t), shape of `times_h`."""
        if self.many:
            return np.asarray(np.einsum("njd,jd->nd", self._decay(times_h), self.amplitudes))
        return self._decay(times_h) @ self.amplitudes

    def activity_slopes(self, times_h: Array) -> Array:
        """dA(t)/d(logarithm), (n, k)."""
        decay = self._decay(times_h)
        if self.many:
            fall = decay * _apart(times_h) * self.amplitudes
            grown = np.einsum("njd,jkd->nkd", decay, self.d_amplitudes)
            return np.asarray(grown - np.einsum("njd,jkd->nkd", fall, self.d_rates))
        fall = decay * times_h[:, None] * self.amplitudes
        return decay @ self.d_amplitudes - fall @ self.d_rates

    def integral(self, start_h: float = 0.0) -> float:
        """Integral of A from `start_h` to infinity; every rate must be above zero."""
        return float(np.sum(self.amplitudes / self.rates * np.exp(-self.rates * start_h)))

    def integral_slopes(self) -> Array:
        """Slopes of the integral from zero, (k,)."""
        return np.asarray(
            (1 / self.rates) @ self.d_amplitudes - (self.amplitudes / self.rates**2) @ self.d_rates,
            dtype=np.float64,
        )

    def integrals(self) -> Array:
        """Integral from zero of each of many curves, (d,)."""
        return np.asarray(np.sum(self.amplitudes / self.rates, axis=0), dtype=np.float64)

    @property
    def many(self) -> bool:
        """Whether these are many curves at once."""
        return self.rates.ndim > 1

    def _decay(self, times_h: Array) -> Array:
        if self.many:
            return np.asarray(np.exp(-_apart(times_h) * self.rates), dtype=np.float64)
        return np.asarray(np.exp(-np.outer(times_h, self.rates)), dtype=np.float64)


def _apart(times_h: Array) -> Array:
    """Times of all curves (n,), or of each its own (n, d), beside the phases: (n, 1, 1 or d)."""
    return times_h.reshape(len(times_h), 1, -1)


Build = Callable[[Array, float], Terms]


@dataclass(frozen=True, slots=True)
class Model:
    """One curve model.

    `logs` names the logarithms that are fitted; `reported` says which positive quantities are
    reported from them, as (name, "amplitude" | "rate" | "log", index); `half_lives` names rates;
    `spare` is how many samples it needs beyond its parameters where nothing is known before.
    """

    name: str
    title: str
    logs: tuple[str, ...]
    reported: tuple[tuple[str, str, int], ...]
    half_lives: Mapping[str, int]
    build: Build
    spare: int = 0

    @property
    def size(self) -> int:
        """Number of parameters."""
        return len(self.logs)

    def quantity(self, name: str, logs: Array, physical_rate: float) -> tuple[Array, Array]:
        """Logarithm of a named quantity and its slopes (k,): what a prior speaks of."""
        if name in self.half_lives:
            terms = self.build(logs, physical_rate)
            rate = terms.rates[self.half_lives[name]]
            return np.log(LN2 / rate), -terms.d_rates[self.half_lives[name]] / rate
        j = self.logs.index(name)
        slopes = np.zeros_like(logs)
        slopes[j] = 1.0
        return logs[j], slopes

    def has(self, quantity: str) -> bool:
        """Whether a prior on this quantity means anything to the model."""
        return quantity in self.half_lives or quantity in self.logs


def _matrix(*rows: tuple[Array | float, ...]) -> Array:
    """A matrix of numbers, or of equally long arrays: then they are the last axis."""
    long = max(np.size(entry) for row in rows for entry in row)
    if long == 1 and not any(np.ndim(entry) for row in rows for entry in row):
        return np.array(rows, dtype=np.float64)
    found = np.zeros((len(rows), len(rows[0]), long))
    for i, row in enumerate(rows):
        for j, entry in enumerate(row):
            found[i, j] = entry
    return found


def _mono(x: Array, _: float) -> Terms:
    a, rate = np.exp(x)
    return Terms(np.array([a]), np.array([rate]), _matrix((a, 0.0)), _matrix((0.0, rate)))


def _physical(x: Array, physical_rate: float) -> Terms:
    a = np.exp(x[0])
    none = 0.0 * a
    return Terms(np.array([a]), np.array([physical_rate + none]), _matrix((a,)), _matrix((none,)))


def _uptake(x: Array, _: float) -> Terms:
    a, rate, excess = np.exp(x)
    return Terms(
        np.array([a, -a]),
        np.array([rate, rate + excess]),
        _matrix((a, 0.0, 0.0), (-a, 0.0, 0.0)),
        _matrix((0.0, rate, 0.0), (0.0, rate, excess)),
    )


def _partial(x: Array, _: float) -> Terms:
    a, rate, excess, start = np.exp(x)
    return Terms(
        np.array([a, -a * (1 - start)]),
        np.array([rate, rate + excess]),
        _matrix((a, 0.0, 0.0, 0.0), (-a * (1 - start), 0.0, 0.0, a * start)),
        _matrix((0.0, rate, 0.0, 0.0), (0.0, rate, excess, 0.0)),
    )


def _bi(x: Array, _: float) -> Terms:
    a, rate, fast, excess = np.exp(x)
    return Terms(
        np.array([a, fast]),
        np.array([rate, rate + excess]),
        _matrix((a, 0.0, 0.0, 0.0), (0.0, 0.0, fast, 0.0)),
        _matrix((0.0, rate, 0.0, 0.0), (0.0, rate, 0.0, excess)),
    )


def _tri(x: Array, _: float) -> Terms:
    a, rate, fast, excess, more = np.exp(x)
    return Terms(
        np.array([a, fast, -(a + fast)]),
        np.array([rate, rate + excess, rate + excess + more]),
        _matrix((a, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, fast, 0.0, 0.0), (-a, 0.0, -fast, 0.0, 0.0)),
        _matrix((0.0, rate, 0.0, 0.0, 0.0), (0.0, rate, 0.0, excess, 0.0),
                (0.0, rate, 0.0, excess, more)),
    )  # fmt: skip


_SLOW = (("amplitude_mbq", "amplitude", 0), ("rate_per_h", "rate", 0))

MODELS: Mapping[str, Model] = {
    m.name: m
    for m in (
        Model(
            "mono",
            "one exponential",
            ("amplitude", "rate"),
            _SLOW,
            {"effective": 0},
            _mono,
        ),
        Model(
            "uptake-clearance",
            "uptake from zero, then clearance",
            ("amplitude", "rate", "uptake excess"),
            (*_SLOW, ("uptake_rate_per_h", "rate", 1)),
            {"effective": 0, "uptake": 1},
            _uptake,
        ),
        Model(
            "partial-uptake",
            "uptake from a share present at once, then clearance",
            ("amplitude", "rate", "uptake excess", "start ratio"),
            (*_SLOW, ("uptake_rate_per_h", "rate", 1), ("start_ratio", "log", 3)),
            {"effective": 0, "uptake": 1},
            _partial,
        ),
        Model(
            "bi-clearance",
            "two clearance phases",
            ("amplitude", "rate", "fast amplitude", "fast excess"),
            (*_SLOW, ("fast_amplitude_mbq", "amplitude", 1), ("fast_rate_per_h", "rate", 1)),
            {"effective": 0, "fast": 1},
            _bi,
        ),
        Model(
            "tri",
            "uptake from zero, then two clearance phases",
            ("amplitude", "rate", "fast amplitude", "fast excess", "uptake excess"),
            (
                *_SLOW,
                ("fast_amplitude_mbq", "amplitude", 1),
                ("fast_rate_per_h", "rate", 1),
                ("uptake_rate_per_h", "rate", 2),
            ),
            {"effective": 0, "fast": 1, "uptake": 2},
            _tri,
            spare=1,
        ),
        Model(
            "physical",
            "no clearance, physical decay alone",
            ("amplitude",),
            (("amplitude_mbq", "amplitude", 0),),
            {},
            _physical,
        ),
    )
}


def model(name: str) -> Model:
    """The model of this name.

    Raises E-TIA-MODEL when there is none.
    """
    if name not in MODELS:
        raise refusal("E-TIA-MODEL", where="curve", name=name, known=", ".join(MODELS))
    return MODELS[name]


def peak_time_h(uptake_rate_per_h: float, rate_per_h: float) -> float:
    """Time of the largest activity of an uptake-clearance curve that starts at zero, h."""
    return log(uptake_rate_per_h / rate_per_h) / (uptake_rate_per_h - rate_per_h)


def uptake_clearance_tia(
    amplitude_mbq: float, *, half_life_h: float, uptake_half_life_h: float
) -> float:
    """TIA of amplitude * (2**(-t/half_life) - 2**(-t/uptake_half_life)), MBq h."""
    return amplitude_mbq * (half_life_h - uptake_half_life_h) / LN2
