"""Patients drawn from a population: the exponentials of each one's curve, with known integrals.

Every quantity has random numbers of its own, named by seed and quantity, so that two protocols
are tried on the same patients and their difference is none of chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from quimby.kinetics.models import LN2
from quimby.physics.nuclides import nuclide
from quimby.protocols.patients import Population, Quantity, Region

Array = NDArray[np.float64]
SLOWEST = 0.95  # of the physical half-life: a log-normal has no end, decay does [P]
FASTEST_UPTAKE = 0.8  # of the half-life of clearance: uptake ends before [P]
HORMONE_IN_BLOOD = 0.3  # share of labelled hormone that is in the blood [P]
GUT, BLOOD, TISSUE, REMNANT, HORMONE, SLOW, URINE = range(7)


@dataclass(frozen=True, eq=False)
class Curves:
    """Curves of n patients, each a sum of k exponentials: amplitudes and rates (n, k), 1/h."""

    amplitudes: Array
    rates: Array

    def at(self, times_h: Array) -> Array:
        """The curve of each patient at his own time, (n,)."""
        return np.asarray(np.sum(self.amplitudes * np.exp(-self.rates * times_h[:, None]), axis=1))

    def integral(self) -> Array:
        """From zero to infinity, (n,)."""
        return np.asarray(np.sum(self.amplitudes / self.rates, axis=1))


@dataclass(frozen=True, eq=False)
class Patients:
    """Curves by place ("kidney", or "blood" and "whole body"), and figures of the patients.

    Curves are fractions of the activity given, or of any one unit; `figures` are (n,) each.
    """

    curves: Mapping[str, Curves]
    figures: Mapping[str, Array] = field(default_factory=dict)


def normals(seed: int, name: str, count: int) -> Array:
    """Standard normal numbers of this name; the first ones are the same for any count."""
    return np.random.default_rng([seed, crc32(name.encode())]).standard_normal(count)


def uniforms(seed: int, name: str, count: int) -> Array:
    """Evenly spread numbers from zero to one of this name."""
    return np.random.default_rng([seed, crc32(name.encode())]).random(count)


def drawn(population: Population, region: str, *, patients: int, seed: int) -> Patients:
    """So many patients of a population; the same seed gives the same ones. E-POPULATION-REGION."""
    found = population.region(region)
    half_life_h = nuclide(population.nuclide).half_life_h.value
    values = {name: _values(q, seed, name, patients) for name, q in found.quantities.items()}
    return _MAKERS[found.curve](found, values, LN2 / half_life_h, patients)


def _values(q: Quantity, seed: int, name: str, count: int) -> Array:
    z = normals(seed, f"patient, {name}", count)
    if q.log:
        return np.asarray(q.middle * np.exp(q.spread * z))
    return np.asarray(np.clip(q.middle + q.spread * z, q.low, q.high))


Values = Mapping[str, Array]


def _clearance(region: Region, v: Values, decay: float, _: int) -> Patients:
    """A share is there at once, the rest comes over hours, all of it clears."""
    half = np.minimum(v["effective"], SLOWEST * LN2 / decay)
    uptake = np.minimum(v["uptake"], FASTEST_UPTAKE * half)
    one = np.ones_like(half)
    curves = Curves(np.stack([one, v["start ratio"] - 1], 1),
                    LN2 / np.stack([half, uptake], 1))  # fmt: skip
    return Patients({region.name: curves}, {k: v[k] for k in ("amplitude",) if k in v})


def _gland(region: Region, v: Values, decay: float, _: int) -> Patients:
    """Blood fills the gland, the gland empties; `share` is that of the iodide it takes."""
    slow = LN2 / np.minimum(v["effective"], SLOWEST * LN2 / decay)
    fast = np.maximum(LN2 / v["uptake"], slow / FASTEST_UPTAKE)
    height = v["share"] * (fast - decay) / (fast - slow)
    curves = Curves(np.stack([height, -height], 1), np.stack([slow, fast], 1))
    return Patients({region.name: curves}, {k: v[k] for k in ("mass",) if k in v})


def _phases(region: Region, v: Values, decay: float, _: int) -> Patients:
    """All at time zero; a fast phase and a slow one."""
    half = np.minimum(np.stack([v["fast"], v["slow"]], 1), SLOWEST * LN2 / decay)
    share = v["fast_share"]
    return Patients({region.name: Curves(np.stack([share, 1 - share], 1), LN2 / half)})


def _physical(region: Region, _: Values, decay: float, count: int) -> Patients:
    return Patients({region.name: Curves(np.ones((count, 1)), np.full((count, 1), decay))})


def _iodide(region: Region, v: Values, decay: float, count: int) -> Patients:
    """Blood and whole body (urine left out) by the modes of the compartments."""
    values, vectors = np.linalg.eig(_flows(v, count))
    start = np.linalg.solve(vectors, np.broadcast_to(np.eye(7)[:, [GUT]], (count, 7, 1)))[..., 0]
    parts = (vectors * start[:, None, :]).real
    rates = np.maximum(-values.real, 0.0) + decay
    blood = parts[:, BLOOD] + HORMONE_IN_BLOOD * parts[:, HORMONE]
    body = parts.sum(axis=1) - parts[:, URINE]
    return Patients({region.name: Curves(blood, rates), "whole body": Curves(body, rates)},
                    {k: v[k] for k in ("weight", "height")})  # fmt: skip


def _flows(v: Values, count: int) -> Array:
    """Biological rates, (n, 7, 7): what a column loses is what its rows gain."""
    share, remnant = v["blood_share"], np.minimum(v["remnant"], 0.25)
    loss = LN2 / v["space"] / share
    back, release = LN2 / v["back"], LN2 / v["release"]
    flows = np.zeros((count, 7, 7))
    for source, target, rate in (
        (GUT, BLOOD, LN2 / v["absorbed"]),
        (BLOOD, TISSUE, back * (1 - share) / share),
        (TISSUE, BLOOD, back),
        (BLOOD, URINE, loss),
        (BLOOD, REMNANT, loss * remnant / (1 - remnant)),
        (REMNANT, HORMONE, v["hormone"] * release),
        (REMNANT, BLOOD, (1 - v["hormone"]) * release),
        (HORMONE, BLOOD, LN2 / v["hormone_lives"]),
        (BLOOD, SLOW, loss * v["slow"]),
        (SLOW, BLOOD, LN2 / v["slow_lives"]),
    ):
        flows[:, source, source] -= rate
        flows[:, target, source] += rate
    return flows


_MAKERS = {
    "uptake and clearance": _clearance,
    "two compartments": _gland,
    "two phases": _phases,
    "iodide": _iodide,
    "physical decay": _physical,
}
