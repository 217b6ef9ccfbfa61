"""Does the 95 % interval from one, two, three or four scans hold the truth?

Simulated patients of a stated population, their kidney read from drawn images by the product's own
steps (`benchmarks.kidney_scans`). Each line says PASS or FAIL; a FAIL ends with an error.

python -m benchmarks.few_scans_coverage [patients a row of several scans] [seed]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline
from scipy.stats import norm
from scipy.stats.qmc import Halton

from benchmarks.kidney_scans import Fault, readings
from benchmarks.one_point_shares import KIDNEY, LN2, TIMES_H, Population
from quimby import protocols
from quimby.core.uncertain import Uncertain
from quimby.kinetics.choose import choose
from quimby.kinetics.fit import fit
from quimby.kinetics.one_point import population_half_life_tia, twice_time_tia
from quimby.kinetics.priors import priors
from quimby.kinetics.spread import LEAST
from quimby.kinetics.two_points import two_points
from quimby.protocols.curve_plan import planned

Array = NDArray[np.float64]

PHYSICAL_H = 159.528
SLOWEST_H = 150.0
BESTS_H = (72.0, 96.0)
ORGAN, PROTOCOL = "kidney", "LU-FULL"
MATCHED, OTHERS = (0.92, 0.98), 0.90
NO_FAULT = Fault()
TABLED_READINGS = (1e-3, 400.0)  # of a median amplitude of 100
TABLED_U = np.array([0.02, 0.03, 0.04, 0.05, 0.07, 0.10])
ONE_SCAN_ROW = 4000  # patients; a row of one scan costs little


_TOLD = {p.quantity: p for p in priors(ORGAN)}
WIDE = Population(KIDNEY.median_h, 0.30)


@dataclass(frozen=True, slots=True)
class World:
    """What is true of patients and scans."""

    name: str
    start: float | None = 1.0  # activity at time zero over that of the clearance; None: drawn
    phase_h: tuple[float, float] = (3.0, 3.0)  # half-life of uptake or early washout, from to
    slow: float = 0.0  # share of the amplitude that clears twice as slowly
    fault: Fault = NO_FAULT


ONE_PHASE = World("one exponential")
AS_TOLD = World("uptake of the population", start=None)
WORLDS = (
    AS_TOLD,
    World("uptake in 0.5 to 3 h, from 0.3", start=0.3, phase_h=(0.5, 3.0)),
    World("uptake in 3 h, from 0.3", start=0.3),
    World("second phase, 4 h: 0.2 more", start=1.2, phase_h=(4.0, 4.0)),
    World("second phase: 0.1, twice as long", slow=0.1),
    World("scans displaced by 2 mm an axis", start=None, fault=Fault(shift_sd_mm=2.0)),
    World("blur 1 mm wider than stated", start=None, fault=Fault(wider_mm=1.0)),
)
BEYOND = (
    World("second phase, 4 h: 0.4 more", start=1.4, phase_h=(4.0, 4.0)),
    World("second phase: 0.2, twice as long", slow=0.2),
    World("scans displaced by 3 mm an axis", start=None, fault=Fault(shift_sd_mm=3.0)),
)
"""One scan must hold these too; several scans, which have no least doubt, are only shown."""


def patients(world: World, population: Population, count: int, seed: int) -> tuple[Array, Array]:
    """Amplitudes and rates of the phases, each (count, 3): evenly spread over the population."""
    z = norm.ppf(Halton(4, seed=seed).random(count))
    half_life = np.minimum(population.median_h * np.exp(population.sd_ln * z[:, 0]), SLOWEST_H)
    amplitude = 100 * np.exp(population.amplitude_sd_ln * z[:, 1])
    if world.start is None:
        phase, start = (_TOLD[q].median * np.exp(_TOLD[q].sd_ln * z[:, i])
                        for q, i in (("uptake", 2), ("start ratio", 3)))  # fmt: skip
    else:
        low, high = world.phase_h
        phase, start = low + (high - low) * norm.cdf(z[:, 2]), np.full(count, world.start)
    slower = np.minimum(2 * half_life, PHYSICAL_H)
    shares = np.stack([0 * start + 1 - world.slow, 0 * start + world.slow, start - 1], axis=1)
    return amplitude[:, None] * shares, LN2 / np.stack([half_life, slower, phase], axis=1)


Find = Callable[[list[Uncertain]], Uncertain]


@dataclass(frozen=True, slots=True)
class Scheme:
    """Scans and the way from them to a TIA. `told` is the world that the way believes in."""

    name: str
    times_h: tuple[float, ...]
    find: Find
    told: World = AS_TOLD
    nodes: int = 0  # of one scan, whose answer depends on the reading and its doubt alone


@cache
def one_scan(way: str, time_h: float, population: Population) -> Scheme:
    """One of the three ways from one scan."""
    half_life, amplitude = population.half_life(), population.amplitude()

    def find(read: list[Uncertain]) -> Uncertain:
        if way == "MAP":
            return fit("mono", [time_h], read, priors=[half_life, amplitude]).tia_mbq_h
        method = {"Hänscheid": twice_time_tia, "Madsen": population_half_life_tia}[way]
        return method(read[0], time_h, half_life).tia_mbq_h

    nodes = 40 if way == "MAP" else 4  # the others scale with the reading
    return Scheme(f"{way}, {time_h:g} h", (time_h,), find, ONE_PHASE, nodes)


def _two(times_h: tuple[float, float]) -> Scheme:
    return Scheme(_named("two points", times_h), times_h, lambda read: two_points(
        times_h, read, uptake=priors(ORGAN)).tia_mbq_h)  # fmt: skip


def _planned(times_h: tuple[float, ...]) -> Scheme:
    plan = planned(protocols.load(PROTOCOL), ORGAN, len(times_h))
    return Scheme(_named("planned curve", times_h), times_h, lambda read: choose(
        times_h, read, physical_half_life_h=PHYSICAL_H, preferred=plan.models[0],
        candidates=plan.models[1:], priors=plan.priors).tia_mbq_h)  # fmt: skip


def _named(way: str, times_h: tuple[float, ...]) -> str:
    return f"{way}, {', '.join(f'{t:g}' for t in times_h)} h"


SEVERAL = (_two((24.0, 168.0)), _planned((24.0, 72.0, 168.0)), _two((24.0, 96.0)),
           _planned((24.0, 168.0)), _planned((4.0, 24.0, 72.0, 168.0)))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """Result, stated u and u without the least doubt of one scan, relative to one reading."""

    value: Array
    u_rel: Array
    bare_rel: Array


def _bare(found: Uncertain) -> Uncertain:
    return Uncertain(found.value, {c: p for c, p in found.parts.items() if c != LEAST})


def directly(scheme: Scheme, rows: list[list[Uncertain]]) -> Found:
    """Every patient by the product's own function; a refusal stops the benchmark."""
    found = [scheme.find(read) for read in rows]
    return Found(*(np.array(x) for x in zip(
        *((f.value, f.u_rel, _bare(f).u_rel) for f in found), strict=True)))  # fmt: skip


def tabled(scheme: Scheme, rows: list[list[Uncertain]]) -> Found:
    """The same for one scan, from a table over the reading and its doubt: no more matters."""
    y, u = (np.array(x) for x in zip(*((r.value, r.u_rel) for (r,) in rows), strict=True))
    ratio, stated, bare = (table.ev(np.log(y), u) for table in _tables(scheme))
    return Found(np.exp(ratio) * y, stated, bare)


@cache
def _tables(scheme: Scheme) -> tuple[RectBivariateSpline, ...]:
    """ln (TIA / reading), stated u and u without the least doubt, over ln reading and its u."""
    table = np.empty((3, scheme.nodes, len(TABLED_U)))
    low, high = TABLED_READINGS
    at = np.linspace(log(low), log(high), scheme.nodes)
    for i, value in enumerate(np.exp(at)):
        for j, u in enumerate(TABLED_U):
            found = scheme.find([Uncertain(float(value), {"reading": float(u * value)})])
            table[:, i, j] = log(found.value / value), found.u_rel, _bare(found).u_rel
    return tuple(RectBivariateSpline(at, TABLED_U, one, kx=3, ky=3) for one in table)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of 95 % intervals that hold the truth, as stated and without the least doubt."""

    bias: float
    u_rel: float
    stated: float
    bare: float
    count: int


def coverage(scheme: Scheme, world: World, population: Population, *, count: int, seed: int = 1,
             table: bool = True) -> Coverage:  # fmt: skip
    """Patients of the population in this world."""
    random = np.random.default_rng([seed, *(scheme.name + world.name).encode()])
    heights, rates = patients(world, population, count, seed)
    clean = np.sum(heights[:, None] * np.exp(-np.array(scheme.times_h)[:, None] * rates[:, None]),
                   axis=2)  # fmt: skip
    true = np.sum(heights / rates, axis=1)
    rows = [readings(one, world.fault, random) for one in clean]
    found = (tabled if scheme.nodes and table else directly)(scheme, rows)
    return Coverage(float(np.mean(found.value / true)) - 1, float(np.median(found.u_rel)),
                    _held(found.value, found.u_rel, true), _held(found.value, found.bare_rel, true),
                    count)  # fmt: skip


def _held(values: Array, u_rel: Array, true: Array) -> float:
    ends = [Uncertain(float(v), {"": float(v * u)}).interval()
            for v, u in zip(values, u_rel, strict=True)]  # fmt: skip
    return float(np.mean([low <= t <= high for (low, high), t in zip(ends, true, strict=True)]))


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table and what it must be."""

    scheme: Scheme
    world: World
    population: Population
    found: Coverage

    @property
    def matched(self) -> bool:
        return self.world is self.scheme.told

    @property
    def beyond(self) -> bool:
        return self.world in BEYOND and not self.scheme.nodes

    @property
    def passes(self) -> bool:
        """Matched 92 to 98 % (of one scan without its least doubt, with it no less); else 90 %."""
        if not self.matched:
            return self.beyond or self.found.stated >= OTHERS
        low, high = MATCHED
        return low <= self.found.bare <= high and self.found.stated >= low

    def __str__(self) -> str:
        f = self.found
        band = "92 to 98 %" if self.matched else "no band" if self.beyond else "90 % or more"
        verdict = "    " if self.beyond else "PASS" if self.passes else "FAIL"
        bare = f"{f.bare:6.1%}" if self.scheme.nodes else "     -"
        return (f"{verdict}  {band:13} sd {self.population.sd_ln:.2f}  "
                f"{self.world.name:34}{self.scheme.name:34}bias {f.bias:+6.1%}  u {f.u_rel:6.1%}  "
                f"without the least {bare}  as stated {f.stated:6.1%}")  # fmt: skip


def lines(count: int, seed: int) -> Iterator[Line]:
    """Every line of the benchmark, matched ones first."""
    ways = ("Hänscheid", "Madsen", "MAP")
    for population in (KIDNEY, WIDE):
        for time_h in TIMES_H:
            for way in ways:
                scheme = one_scan(way, time_h, population)
                yield _line(scheme, ONE_PHASE, population, ONE_SCAN_ROW, seed)
    for scheme in SEVERAL:
        yield _line(scheme, AS_TOLD, KIDNEY, count, seed)
    for world in (*WORLDS, *BEYOND):
        for way in ways:
            for time_h in BESTS_H:
                yield _line(one_scan(way, time_h, KIDNEY), world, KIDNEY, ONE_SCAN_ROW, seed)
        if world is not AS_TOLD:
            for scheme in SEVERAL[: 2 if world.start is None else 4]:
                yield _line(scheme, world, KIDNEY, count, seed)


def _line(scheme: Scheme, world: World, population: Population, count: int, seed: int) -> Line:
    found = coverage(scheme, world, population, count=count, seed=seed)
    return Line(scheme, world, population, found)


def main() -> None:
    """Print every line; end with an error if one fails."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    print(f"{ONE_SCAN_ROW} patients a row of one scan, known to +- "
          f"{2 * sqrt(0.05 * 0.95 / ONE_SCAN_ROW):.1%}; {count} of several, "
          f"+- {2 * sqrt(0.05 * 0.95 / count):.1%} (k = 2); seed {seed}")  # fmt: skip
    failed = 0
    for line in lines(count, seed):
        print(line, flush=True)
        failed += not line.passes
    print(f"{failed} lines fail" if failed else "all lines pass")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
