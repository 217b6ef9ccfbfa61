"""A number that remembers where its doubt came from.

Why our own small class and not `uncertainties` objects: see docs/decisions/0002-doubt.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, hypot, isfinite, log, log1p, sqrt
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

LOGNORMAL_ABOVE = 0.30
"""Relative standard uncertainty above which an interval is taken as log-normal."""


def _nothing() -> Mapping[str, float]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Uncertain:
    """An estimate and the signed standard uncertainty that each cause adds to it.

    Causes are kept apart, by name, because readings share them. Four time points taken with
    one calibration factor are wrong together, and no average over them mends that. Two values
    that name the same cause are fully correlated in that part; different names are independent.
    """

    value: float
    parts: Mapping[str, float] = field(default_factory=_nothing)  # cause -> unit of `value`, signed

    def __post_init__(self) -> None:
        if not (isfinite(self.value) and all(isfinite(p) for p in self.parts.values())):
            raise ValueError(f"not a finite number: {self.value} with {dict(self.parts)}")

    @property
    def u(self) -> float:
        """Combined standard uncertainty, k = 1."""
        return hypot(*self.parts.values())

    @property
    def u_rel(self) -> float:
        """`u` as a fraction of the value; the value must not be zero."""
        return self.u / abs(self.value)

    def budget(self) -> list[tuple[str, float]]:
        """Causes and their standard uncertainties, the largest first (ties by name)."""
        sized = [(cause, abs(part)) for cause, part in self.parts.items() if part != 0.0]
        return sorted(sized, key=lambda row: (-row[1], row[0]))

    def interval(self, k: float = 2.0) -> tuple[float, float]:
        """Coverage interval: symmetric, or log-normal when the doubt exceeds 30 %.

        The log-normal one has this value as its mean and `u` as its standard deviation, so it
        cannot reach below zero.
        """
        if self.value <= 0 or self.u_rel <= LOGNORMAL_ABOVE:
            return self.value - k * self.u, self.value + k * self.u
        spread = sqrt(log1p(self.u_rel**2))
        middle = log(self.value) - spread**2 / 2
        return exp(middle - k * spread), exp(middle + k * spread)

    def because(self, cause: str, u: float) -> Uncertain:
        """The same value with one more cause of doubt (added in quadrature if it is there)."""
        return Uncertain(self.value, {**self.parts, cause: hypot(self.parts.get(cause, 0.0), u)})

    def scaled(self, factor: float) -> Uncertain:
        """Value and every part times an exact number."""
        return combine(self.value * factor, (self, factor))

    def __add__(self, other: Uncertain) -> Uncertain:
        return combine(self.value + other.value, (self, 1.0), (other, 1.0))

    def __sub__(self, other: Uncertain) -> Uncertain:
        return combine(self.value - other.value, (self, 1.0), (other, -1.0))

    def __mul__(self, other: Uncertain) -> Uncertain:
        return combine(self.value * other.value, (self, other.value), (other, self.value))

    def __truediv__(self, other: Uncertain) -> Uncertain:
        ratio = self.value / other.value
        return combine(ratio, (self, 1.0 / other.value), (other, -ratio / other.value))


def combine(value: float, *inputs: tuple[Uncertain, float]) -> Uncertain:
    """Carry doubt through a calculation to first order (GUM 5.1.2).

    `inputs` pairs each input with the slope d(value)/d(input). Parts of one cause are added
    with their signs before anything is squared, so shared causes stay shared.
    """
    parts: dict[str, float] = {}
    for x, slope in inputs:
        for cause, part in x.parts.items():
            parts[cause] = parts.get(cause, 0.0) + slope * part
    return Uncertain(value, parts)


def exact(value: float) -> Uncertain:
    """A value taken as free of doubt."""
    return Uncertain(value)


def relative(value: float, **causes: float) -> Uncertain:
    """A value whose causes are given as fractions of it; write spaces in a name as `_`."""
    return Uncertain(value, {name.replace("_", " "): u * value for name, u in causes.items()})


def total(values: Sequence[Uncertain]) -> Uncertain:
    """Sum, with shared causes kept shared."""
    return combine(sum(v.value for v in values), *((v, 1.0) for v in values))


def covariance(values: Sequence[Uncertain]) -> NDArray[np.float64]:
    """Covariance matrix (n, n) of values that may share causes."""
    causes = sorted({cause for v in values for cause in v.parts})
    parts = np.array([[v.parts.get(c, 0.0) for c in causes] for v in values], dtype=float)
    return parts @ parts.T if causes else np.zeros((len(values), len(values)))
