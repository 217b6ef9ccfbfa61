"""One scan against simulated patients: how many are off by more than 10 %, and what is stated.

python -m benchmarks.one_point_shares [patients for shares] [patients a row of coverage]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, fsolve
from scipy.stats import norm
from scipy.stats.qmc import Halton

from quimby import protocols
from quimby.core.uncertain import Uncertain, exact
from quimby.devices.recovery import sphere_recovery
from quimby.kinetics.choose import choose
from quimby.kinetics.fit import fit
from quimby.kinetics.models import model
from quimby.kinetics.one_point import LEAST, population_half_life_tia, twice_time_tia
from quimby.kinetics.priors import Prior
from quimby.kinetics.samples import samples
from quimby.kinetics.solve import Problem, solve
from quimby.kinetics.two_points import two_points
from quimby.study.curves import planned

Array = NDArray[np.float64]

LN2 = log(2)
PHYSICAL_H = 159.528
TIMES_H = (24.0, 48.0, 72.0, 96.0, 168.0)
OFF = 0.10
READING_U = 0.05
PUBLISHED = {"Hänscheid": 0.20, "Madsen": 0.17, "MAP": 0.06}  # ~96 h; Devasia et al. 2021


@dataclass(frozen=True, slots=True)
class Population:
    """Log-normal half-lives and amplitudes (of a fixed administered activity), independent."""

    median_h: float
    sd_ln: float
    amplitude_sd_ln: float = 0.30

    def half_life(self) -> Prior:
        return Prior("effective", self.median_h, self.sd_ln, "population half-life")

    def amplitude(self) -> Prior:
        return Prior("amplitude", 100.0, self.amplitude_sd_ln, "population uptake")


KIDNEY = Population(51.0, 0.18)  # 177Lu-DOTATATE: median Hänscheid 2018, spread house policy
WIDE = Population(51.0, 0.30)


# -- shares, in closed form ---------------------------------------------------------------------


def tia_per_reading(time_h: float, half_life_h: Array | float) -> Array:
    """TIA of a patient whose reading at this time is one, h."""
    T = np.asarray(half_life_h, dtype=np.float64)
    return np.asarray(2 ** (time_h / T) * T / LN2)


def hanscheid_share(time_h: float, population: Population) -> float:
    """2x / 2**x < 0.9 at both ends; it never exceeds 1.062."""

    def edge(x: float) -> float:
        return 2 * x / 2**x - (1 - OFF)

    low, high = brentq(edge, 0.01, 1 / LN2), brentq(edge, 1 / LN2, 20)
    return _outside(population, time_h / high, time_h / low)


def madsen_share(time_h: float, population: Population) -> float:
    """From the half-lives at which one reading means 1/0.9 or 1/1.1 of the population's TIA."""
    own = float(tia_per_reading(time_h, population.median_h))
    share = _outside(population, *_between(time_h, own / (1 - OFF)))
    if float(tia_per_reading(time_h, time_h * LN2)) < own / (1 + OFF):
        low, high = _between(time_h, own / (1 + OFF))
        share += 1 - _outside(population, low, high)
    return share


def _between(time_h: float, level: float) -> tuple[float, float]:
    """The two half-lives of this TIA per reading; between them it is less."""
    turn = time_h * LN2

    def over(T: float) -> float:
        return float(tia_per_reading(time_h, T)) - level

    return brentq(over, time_h / 300, turn), brentq(over, turn, 1e6)


def _outside(population: Population, low_h: float, high_h: float) -> float:
    z = np.log(np.array([low_h, high_h]) / population.median_h) / population.sd_ln
    return float(norm.cdf(z[0]) + norm.sf(z[1]))


def map_share(time_h: float, population: Population) -> float:
    """By quadrature over both log-normals, with the MAP in closed form along its own curve.

    With ``V = u^2 + s_A^2`` and the rate ``k`` of the answer, the reading's logarithm stands
    ``r = V ln(T/T_pop) / (s_T^2 k t)`` off what the population lets expect.
    """
    log_off = np.linspace(-6, 6, 40001) * population.sd_ln
    rate = LN2 / (population.median_h * np.exp(log_off))
    v = READING_U**2 + population.amplitude_sd_ln**2
    r = v * log_off / (population.sd_ln**2 * rate * time_h)
    reading = r - rate * time_h  # logarithms, of the median amplitude
    found = r * population.amplitude_sd_ln**2 / v - np.log(rate)
    order = np.argsort(reading)
    z = (np.arange(1500) + 0.5) / 1500
    half = norm.ppf(z)
    true_rate = LN2 / (population.median_h * np.exp(population.sd_ln * half))[:, None]
    amplitude = population.amplitude_sd_ln * half[None, :]
    seen = np.interp(amplitude - true_rate * time_h, reading[order], found[order])
    return float(np.mean(np.abs(np.exp(seen - amplitude + np.log(true_rate)) - 1) > OFF))


SHARES: Mapping[str, Callable[[float, Population], float]] = {
    "Hänscheid": hanscheid_share,
    "Madsen": madsen_share,
    "MAP": map_share,
}


def population_of(hanscheid: float, madsen: float, *, time_h: float, start_h: float) -> Population:
    """The log-normal half-lives that give these two shares at this time."""

    def off(p: Array) -> list[float]:
        tried = Population(float(p[0]), abs(float(p[1])))
        return [hanscheid_share(time_h, tried) - hanscheid, madsen_share(time_h, tried) - madsen]

    median, sd = fsolve(off, (start_h, 0.25))
    return Population(float(median), abs(float(sd)))


def with_map_share(population: Population, share: float, *, time_h: float) -> Population:
    """The same half-lives with the spread of amplitudes at which the MAP has this share."""

    def tried(sd: float) -> Population:
        return Population(population.median_h, population.sd_ln, sd)

    sd = brentq(lambda s: map_share(time_h, tried(s)) - share, 0.01, 1.5, xtol=1e-4)
    return tried(float(sd))


# -- shares, by patients ------------------------------------------------------------------------


def patients(population: Population, count: int) -> tuple[Array, Array]:
    """(half-lives h, amplitudes): evenly spread over the population, at random within."""
    even = norm.ppf(Halton(2, seed=7).random(count))
    half_lives = population.median_h * np.exp(population.sd_ln * even[:, 0])
    return half_lives, 100 * np.exp(population.amplitude_sd_ln * even[:, 1])


def method(name: str, population: Population) -> Callable[[float, float], Uncertain]:
    """(time, reading) -> TIA, by the package's own functions."""

    def reading(y: float) -> Uncertain:
        return Uncertain(y, {"counts": READING_U * y})

    told = [population.half_life(), population.amplitude()]
    return {
        "Hänscheid": lambda t, y: twice_time_tia(reading(y), t, told[0]).tia_mbq_h,
        "Madsen": lambda t, y: population_half_life_tia(reading(y), t, told[0]).tia_mbq_h,
        "MAP": lambda t, y: exact(map_tia(t, reading(y), population)),
    }[name]


def map_tia(time_h: float, reading: Uncertain, population: Population) -> float:
    """TIA of `fit` with both priors, without the work on its doubt."""
    read = samples([time_h], [reading], where="one scan")
    told = (population.half_life(), population.amplitude())
    problem = Problem(model("mono"), read, told, 0.0)
    return model("mono").build(solve(problem), 0.0).integral()


def simulated_share(name: str, time_h: float, population: Population, count: int) -> float:
    """Share of exact readings whose TIA is off by more than 10 %."""
    find = method(name, population)
    half_lives, amplitudes = patients(population, count)
    off = 0
    for T, a in zip(half_lives, amplitudes, strict=True):
        found = find(time_h, float(a * 2 ** (-time_h / T))).value
        off += abs(found / (a * T / LN2) - 1) > OFF
    return off / count


# -- coverage -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class World:
    """What is true of patients and scans; the first is what the methods are told."""

    name: str
    start: float = 1.0  # activity at time zero over the amplitude of the clearance
    phase_h: float = 3.0  # half-life of the uptake or early washout
    slow: float = 0.0  # share of the amplitude that clears twice as slowly
    position_mm: float = 0.0  # standard deviation of each scan's position, each axis
    fwhm_error_mm: float = 0.0  # resolution thought better than it is


WORLDS = (
    World("matched"),
    World("uptake, 3 h", start=0.3),
    World("early washout, 4 h", start=1.4, phase_h=4.0),
    World("a tenth stays twice as long", slow=0.10),
    World("scans displaced by 1.5 mm", position_mm=1.5),
    World("resolution 1 mm too good", fwhm_error_mm=1.0),
)
VOLUME_ML, FWHM_MM = 150.0, 11.0
SHARED = {"camera": 0.03, "outline": 0.03}


def truth(world: World, half_life_h: float, amplitude: float) -> tuple[Array, Array]:
    """Amplitudes and rates of one patient."""
    clears = np.array([half_life_h, min(2 * half_life_h, PHYSICAL_H), world.phase_h])
    shares = np.array([1 - world.slow, world.slow, world.start - 1])
    return amplitude * shares, LN2 / clears


def seen(world: World, clean: Array, random: np.random.Generator) -> list[Uncertain]:
    """Readings with 5 % random and two shared 3 %, all stated, and what the world adds, not."""
    values = clean * (1 + READING_U * random.standard_normal(len(clean)))
    for u in SHARED.values():
        values = values * (1 + u * random.standard_normal())
    across = 2 * (3 * VOLUME_ML * 1000 / (4 * np.pi)) ** (1 / 3)
    away = world.position_mm * np.linalg.norm(random.standard_normal((len(clean), 3)), axis=1)
    values = values * (1 - 1.5 * away / across + 0.5 * (away / across) ** 3)  # sphere's overlap
    if world.fwhm_error_mm:
        thought = sphere_recovery(across, FWHM_MM - world.fwhm_error_mm)
        values = values * sphere_recovery(across, FWHM_MM) / thought
    return [
        Uncertain(float(y), {f"counts {i}": READING_U * float(y)}
                  | {cause: u * float(y) for cause, u in SHARED.items()})
        for i, y in enumerate(values)
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scheme:
    """Scans and the way from them to a TIA."""

    name: str
    times_h: tuple[float, ...]
    find: Callable[[tuple[float, ...], list[Uncertain], Population], Uncertain]


def _one(name: str, time_h: float) -> Scheme:
    way = {"Hänscheid": twice_time_tia, "Madsen": population_half_life_tia}[name]
    return Scheme(f"{name}, {time_h:g} h", (time_h,),
                  lambda t, r, p: way(r[0], t[0], p.half_life()).tia_mbq_h)  # fmt: skip


def _map(time_h: float) -> Scheme:
    return Scheme(f"MAP, {time_h:g} h", (time_h,), lambda t, r, p: fit(
        "mono", t, r, priors=[p.half_life(), p.amplitude()]).tia_mbq_h)  # fmt: skip


def _planned(t: tuple[float, ...], r: list[Uncertain], _: Population) -> Uncertain:
    plan = planned(protocols.load("LU-FULL"), "kidney", len(t))
    return choose(t, r, physical_half_life_h=PHYSICAL_H, preferred=plan.models[0],
                  candidates=plan.models[1:], priors=plan.priors).tia_mbq_h  # fmt: skip


ONE_SCAN = tuple(f(t) for t in TIMES_H for f in (
    lambda t: _one("Hänscheid", t), lambda t: _one("Madsen", t), _map))  # fmt: skip
MORE_SCANS = (
    Scheme("two points, 24 and 96 h", (24.0, 96.0), lambda t, r, _: two_points(t, r).tia_mbq_h),
    Scheme("two points, 24 and 168 h", (24.0, 168.0), lambda t, r, _: two_points(t, r).tia_mbq_h),
    Scheme("MAP, 24 and 96 h", (24.0, 96.0),
           lambda t, r, p: fit("mono", t, r, priors=[p.half_life()]).tia_mbq_h),
    Scheme("planned curve, 24, 72, 168 h", (24.0, 72.0, 168.0), _planned),
    Scheme("planned curve, 4, 24, 72, 168 h", (4.0, 24.0, 72.0, 168.0), _planned),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of 95 % intervals that hold the truth: as stated, and without the least doubt."""

    bias: float
    u_rel: float
    stated: float
    without_least: float
    count: int


def coverage(scheme: Scheme, world: World, population: Population, *, count: int, seed: int = 1
             ) -> Coverage:  # fmt: skip
    """Patients of the population in this world; refusals stop the benchmark."""
    random = np.random.default_rng([seed, *(scheme.name + world.name).encode()])
    half_lives, amplitudes = patients(population, count)
    held, bare, ratios, stated = 0, 0, [], []
    for T, a in zip(half_lives, amplitudes, strict=True):
        height, rates = truth(world, min(float(T), 150.0), float(a))
        clean = np.exp(-np.outer(scheme.times_h, rates)) @ height
        found = scheme.find(scheme.times_h, seen(world, clean, random), population)
        true = float(np.sum(height / rates))
        held += _holds(found, true)
        rest = {cause: part for cause, part in found.parts.items() if cause != LEAST}
        bare += _holds(Uncertain(found.value, rest), true)
        ratios.append(found.value / true)
        stated.append(found.u_rel)
    return Coverage(float(np.mean(ratios)) - 1, float(np.median(stated)), held / count,
                    bare / count, count)  # fmt: skip


def _holds(found: Uncertain, true: float) -> bool:
    low, high = found.interval()
    return low <= true <= high


# -- tables -------------------------------------------------------------------------------------


def _print_shares(population: Population, count: int) -> None:
    print(f"half-life {population.median_h:.1f} h, sd of ln {population.sd_ln:.3f}; "
          f"amplitude sd of ln {population.amplitude_sd_ln:.3f}; {count} patients")  # fmt: skip
    for time_h in TIMES_H:
        told = [f"{time_h:5.0f} h"]
        for name, share in SHARES.items():
            found = simulated_share(name, time_h, population, count)
            told.append(f"{name} {found:6.1%} ({share(time_h, population):6.1%})")
        print("   ".join(told), flush=True)


def _print_coverage(schemes: tuple[Scheme, ...], worlds: tuple[World, ...], *,
                    population: Population, count: int) -> None:  # fmt: skip
    print(f"half-life {population.median_h:.1f} h, sd of ln {population.sd_ln:.3f}; "
          f"{count} patients a row, +- {2 * sqrt(0.05 * 0.95 / count):.1%}")  # fmt: skip
    for world in worlds:
        for scheme in schemes:
            c = coverage(scheme, world, population, count=count)
            print(f"{world.name:30}{scheme.name:34}bias {c.bias:+6.1%}  u {c.u_rel:6.1%}  "
                  f"holds {c.stated:6.1%}  without least {c.without_least:6.1%}",
                  flush=True)  # fmt: skip


def main() -> None:
    """Print shares, the population behind the published ones, and coverage."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    row = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    if many:
        _shares(many)
    if row:
        _coverages(row)


def _shares(many: int) -> None:
    _print_shares(KIDNEY, many)
    near = population_of(PUBLISHED["Hänscheid"], PUBLISHED["Madsen"], time_h=96, start_h=50)
    near = with_map_share(near, PUBLISHED["MAP"], time_h=96)
    slow = population_of(PUBLISHED["Hänscheid"], PUBLISHED["Madsen"], time_h=96, start_h=110)
    print(f"20, 17, 6 % at 96 h: {near}; and {slow} without the third")
    _print_shares(near, many)


def _coverages(row: int) -> None:
    for population in (KIDNEY, WIDE):
        _print_coverage(ONE_SCAN, WORLDS[:1], population=population, count=row)
    days = tuple(s for s in ONE_SCAN if s.times_h[0] in (72.0, 96.0))
    _print_coverage((*days, *MORE_SCANS), WORLDS, population=KIDNEY, count=row)


if __name__ == "__main__":
    main()
