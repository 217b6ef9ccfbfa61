"""One scan against simulated patients: how many are off by more than 10 %.

Each line says PASS or FAIL (within one point of the closed form); a FAIL ends with an error.

python -m benchmarks.one_point_shares [patients]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq, fsolve
from scipy.stats import norm
from scipy.stats.qmc import Halton

from quimby.core.uncertain import Uncertain, exact
from quimby.kinetics.models import model
from quimby.kinetics.one_point import population_half_life_tia, twice_time_tia
from quimby.kinetics.priors import Prior
from quimby.kinetics.samples import samples
from quimby.kinetics.solve import Problem, solve

Array = NDArray[np.float64]

LN2 = log(2)
PHYSICAL_H = 159.528
TIMES_H = (24.0, 48.0, 72.0, 96.0, 168.0)
OFF = 0.10
WITHIN = 0.01  # of the closed form
READING_U = 0.05
NODES = 60
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
    half_lives, amplitudes = patients(population, count)
    clean = amplitudes * 2 ** (-time_h / half_lives)
    found = tias(name, time_h, clean, population)
    return float(np.mean(np.abs(found / (amplitudes * half_lives / LN2) - 1) > OFF))


def tias(name: str, time_h: float, readings: Array, population: Population) -> Array:
    """TIA of each exact reading, from a table over the reading: no more than it matters."""
    find, logs = method(name, population), np.log(readings)
    at = np.linspace(logs.min() - 0.01, logs.max() + 0.01, NODES)
    ratio = [log(find(time_h, float(np.exp(x))).value) - x for x in at]
    return np.asarray(readings * np.exp(CubicSpline(at, ratio)(logs)))


# -- tables -------------------------------------------------------------------------------------


def _print_shares(population: Population, count: int) -> int:
    """One line a time, PASS where all shares lie within a point of the closed form; the FAILs."""
    print(f"half-life {population.median_h:.1f} h, sd of ln {population.sd_ln:.3f}; "
          f"amplitude sd of ln {population.amplitude_sd_ln:.3f}; {count} patients")  # fmt: skip
    failed = 0
    for time_h in TIMES_H:
        pairs = {name: (simulated_share(name, time_h, population, count), share(time_h, population))
                 for name, share in SHARES.items()}  # fmt: skip
        good = all(abs(found - known) <= WITHIN for found, known in pairs.values())
        told = [f"{name} {found:6.1%} ({known:6.1%})" for name, (found, known) in pairs.items()]
        print("   ".join([f"{'PASS' if good else 'FAIL'} {time_h:5.0f} h", *told]), flush=True)
        failed += not good
    return failed


def main() -> None:
    """Print shares and the population behind the published ones; end with an error if one fails."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    failed = _print_shares(KIDNEY, count)
    near = population_of(PUBLISHED["Hänscheid"], PUBLISHED["Madsen"], time_h=96, start_h=50)
    near = with_map_share(near, PUBLISHED["MAP"], time_h=96)
    slow = population_of(PUBLISHED["Hänscheid"], PUBLISHED["Madsen"], time_h=96, start_h=110)
    said = ", ".join(f"{name} {share:.0%}" for name, share in PUBLISHED.items())
    print(f"published, ~96 h: {said}. The first two would come also from a median of "
          f"{slow.median_h:.1f} h, sd of ln {slow.sd_ln:.3f}; all three from")  # fmt: skip
    failed += _print_shares(near, count)
    print(f"{failed} lines fail" if failed else "all lines pass")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
