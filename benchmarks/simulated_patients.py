"""Invented patients on radioiodine, with kinetics known in closed form.

Nothing here uses Quimby: half-life, compartments and voids are its own, as are `simulated_devices`,
so that the functions under test are held against something else. Where the spreads come from is
said in docs/accuracy.md, "Without a camera".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulated_devices import lognormal, normal, off

Array = NDArray[np.float64]
LN2 = log(2)
DECAY = LN2 / (8.0207 * 24)  # 131I, 1/h
LONG_H = 24.0 * 60


# Voids: what left the blood is in the body until it is voided


def void_times(rng: np.random.Generator, first_h: float, start_clock_h: float = 11.0) -> Array:
    """Voids every 2 to 4 h by day and one pause of a night (22:30 to 6:30), to 60 days."""
    found, t = [], first_h
    while t < LONG_H:
        found.append(t)
        t += float(rng.uniform(2.0, 4.0))
        of_day = (start_clock_h + t) % 24
        if of_day > 22.5 or of_day < 6.5:
            t += (6.5 - of_day) % 24 + float(rng.uniform(0, 0.5))
    return np.array(found)


@dataclass(frozen=True, eq=False)
class Body:
    """All of the patient: `held(t)` is what is not yet in the bladder, without decay."""

    held: Callable[[Array], Array]
    voids_h: Array
    infusion_h: float = 0.0

    def fraction(self, time_h: float) -> float:
        """Activity in the patient with his bladder, of that administered."""
        before = self.voids_h[self.voids_h < time_h]
        kept = 1.0 if not len(before) else float(self.held(before[-1:])[0])
        return kept * exp(-DECAY * time_h)

    def read_at(self, times_h: Array, missed: NDArray[np.bool_]) -> Body:
        """The same patient asked to void before each reading, but for those that were missed."""
        voids = np.concatenate([self.voids_h, times_h[~missed] - 0.1])
        return replace(self, voids_h=np.sort(voids))

    def tissue_tiac_h(self) -> float:
        """Integral of what is not in the bladder, h."""
        t = np.concatenate([np.linspace(0, 48, 1500), np.linspace(48, LONG_H, 3000)[1:]])
        inside = np.minimum(self.held(t), 1.0) * np.exp(-DECAY * t)
        return float(np.trapezoid(inside, t)) - self.infusion_h / 2

    def tiac_h(self) -> float:
        """Integral over all time, bladder and all, h."""
        edges = np.concatenate([[0.0], self.voids_h, [np.inf]])
        kept = np.concatenate([[1.0], self.held(self.voids_h)])
        steps = np.exp(-DECAY * edges[:-1]) - np.exp(-DECAY * edges[1:])
        ramp = self.infusion_h / 2
        return float(kept @ steps) / DECAY - ramp


# 131I-mIBG


@dataclass(frozen=True, slots=True)
class MibgFamily:
    """Effective half-lives (h) and share of the fast phase; a third phase where `third` > 0."""

    name: str
    fast_h: float = 10.0
    fast_share: float = 0.78
    slow_h: float = 42.0
    third: float = 0.0
    missed_voids: float = 0.0
    clock_off: bool = False


MIBG = (
    MibgFamily("as fitted"),
    MibgFamily("a third, slow phase", third=0.03),
    MibgFamily("slow excretion", fast_h=22.0, fast_share=0.7, slow_h=60.0),
    MibgFamily("missed voids", missed_voids=0.33),
    MibgFamily("clock 10-20 min off", clock_off=True),
)


@dataclass(frozen=True, eq=False)
class MibgPatient:
    """A patient in isolation and when he is read."""

    mass_kg: float
    activity_mbq: float
    body: Body
    times_h: tuple[float, ...]  # true times, the reference first


def mibg_patient(rng: np.random.Generator, family: MibgFamily) -> MibgPatient:
    """Two phases (three where the family says so), voids, and 10 to 16 readings after them."""
    mass = float(np.clip(lognormal(rng, 22, 0.6), 8, 95))
    infusion = float(rng.uniform(0.5, 1.0))
    share = normal(rng, family.fast_share, 0.08, 0.4, 0.95)
    third = family.third * lognormal(rng, 1.0, 0.3) if family.third else 0.0
    amounts = np.array([share, max(1 - share - third, 0.02), third])
    amounts /= amounts.sum()
    half_lives = [lognormal(rng, family.fast_h, 0.25), lognormal(rng, family.slow_h, 0.25),
                  lognormal(rng, 130, 0.1)]  # fmt: skip
    rates = np.maximum(LN2 / np.array(half_lives) - DECAY, 1e-4)
    spread = np.expm1(rates * infusion) / (rates * infusion)

    def held(t: Array) -> Array:
        return np.asarray(np.exp(-np.outer(t, rates)) @ (amounts * spread))

    voids = void_times(rng, infusion + float(rng.uniform(0.5, 1.5)))
    times = _isolation(rng, voids, infusion)
    body = Body(held, voids, infusion)
    late = np.array(times[1:])
    missed = late[rng.random(len(late)) < family.missed_voids]
    for t in missed:  # the void before this reading did not happen
        voids = body.voids_h
        last = voids[voids < t]
        body = (
            replace(body, voids_h=voids[(voids >= t) | (voids < last[-1])]) if len(last) else body
        )
    return MibgPatient(mass, mass * float(rng.uniform(444, 666)), body, times)


def _isolation(rng: np.random.Generator, voids_h: Array, infusion_h: float) -> tuple[float, ...]:
    """The reference before any void, then after each void of day 0, then about three a day."""
    discharge = float(rng.uniform(72, 120))
    first = voids_h[voids_h < 13][:5]
    rest = voids_h[(voids_h >= 13) & (voids_h < discharge)]
    wanted = int(rng.integers(5, 11))
    index = np.unique(np.linspace(0, len(rest) - 1, wanted).round().astype(int))
    after = np.concatenate([first, rest[index]]) + rng.uniform(0.05, 0.3, len(first) + len(index))
    return (infusion_h + 0.1, *map(float, after))


# 131I-iodide in the body and the blood


@dataclass(frozen=True, slots=True)
class IodideFamily:
    """Iodide after the thyroid was taken out: medians that a family changes."""

    name: str
    absorbed_h: float = 0.25  # half-time from the gut
    space_h: float = 12.5  # biological half-life of the iodide space
    remnant: float = 0.03  # share of iodide that a remnant takes
    third_space: float = 0.12  # rate into a slow pool over the rate of excretion
    hormone: float = 0.05  # of what a remnant releases
    urine_counts: bool = False  # what is in the bladder belongs to the body
    missed_void: bool = False  # one later reading with a full bladder
    clock_off: bool = False


IODIDE = (
    IodideFamily("as fitted"),
    IodideFamily("a third, slow pool", third_space=0.17),
    IodideFamily("slow uptake from the gut", absorbed_h=0.9),
    IodideFamily("slow excretion", space_h=24.0),
    IodideFamily("hormone in the blood", hormone=0.15),
    IodideFamily("urine counted as body", urine_counts=True),
    IodideFamily("a missed void", missed_void=True),
    IodideFamily("clock 10-20 min off", clock_off=True),
)
GUT, BLOOD, TISSUE, REMNANT, HORMONE, SLOW, URINE = range(7)
HORMONE_IN_BLOOD = 0.3


@dataclass(frozen=True, eq=False)
class IodidePatient:
    """Whole body and blood of one patient; amounts are fractions of that administered."""

    sex: str
    height_cm: float
    weight_kg: float
    blood_volume_ml: float
    body: Body
    modes: Array  # decay rates of the system, with physical decay, 1/h
    in_blood: Array  # amplitude of each mode in the blood

    def blood_fraction(self, time_h: float) -> float:
        """In all the blood at a time."""
        return float(np.exp(-self.modes * time_h) @ self.in_blood)

    def blood_tiac_h(self) -> float:
        """Residence in all the blood, h."""
        return float(np.sum(self.in_blood / self.modes))


def iodide_patient(rng: np.random.Generator, family: IodideFamily) -> IodidePatient:
    """Gut, blood, tissue, remnant, hormone, a slow pool and urine: linear, solved by its modes."""
    sex = str(rng.choice(["F", "M"], p=[0.7, 0.3]))
    height = normal(rng, 165 if sex == "F" else 178, 7, 145, 200)
    weight = float(np.clip(lognormal(rng, 70 if sex == "F" else 82, 0.17), 45, 125))
    m = _rates(rng, family)
    values, vectors = np.linalg.eig(m)
    start = np.linalg.solve(vectors, np.eye(7)[GUT].astype(complex))
    urine = (vectors[URINE] * start).real
    blood = ((vectors[BLOOD] + HORMONE_IN_BLOOD * vectors[HORMONE]) * start).real
    rates = -values.real

    def held(t: Array) -> Array:
        return np.asarray(1 - np.exp(-np.outer(t, rates)) @ urine)

    body = Body(held, void_times(rng, float(rng.uniform(2.2, 3.0)), start_clock_h=9.0))
    volume = nadler_ml(sex, height, weight) * off(rng, 0.08)
    return IodidePatient(sex, height, weight, volume, body, rates + DECAY, blood)


def _rates(rng: np.random.Generator, f: IodideFamily) -> Array:
    """The matrix of biological rates, 1/h; columns lose what rows gain."""
    share = normal(rng, 0.165, 0.025, 0.1, 0.25)  # of the iodide space that is blood
    back = LN2 / lognormal(rng, 0.5, 0.3)
    loss = LN2 / lognormal(rng, f.space_h, 0.32) / share
    remnant = min(lognormal(rng, f.remnant, 1.0), 0.25)
    release = LN2 / lognormal(rng, 110, 0.5)
    hormone = LN2 / lognormal(rng, 120, 0.2)
    m = np.zeros((7, 7))

    def moves(source: int, target: int, rate: float) -> None:
        m[source, source] -= rate
        m[target, source] += rate

    moves(GUT, BLOOD, LN2 / lognormal(rng, f.absorbed_h, 0.4))
    moves(BLOOD, TISSUE, back * (1 - share) / share)
    moves(TISSUE, BLOOD, back)
    moves(BLOOD, URINE, loss)
    moves(BLOOD, REMNANT, loss * remnant / (1 - remnant))
    moves(REMNANT, HORMONE, f.hormone * release)
    moves(REMNANT, BLOOD, (1 - f.hormone) * release)
    moves(HORMONE, BLOOD, hormone)
    moves(BLOOD, SLOW, loss * f.third_space * lognormal(rng, 1, 0.5))
    moves(SLOW, BLOOD, LN2 / lognormal(rng, 18, 0.3))
    return m


def nadler_ml(sex: str, height_cm: float, weight_kg: float) -> float:
    """Blood volume by Nadler's formula, typed here again, ml."""
    a, b, c = (0.3669, 32.19, 604.1) if sex == "M" else (0.3561, 33.08, 183.3)
    return 1000 * a * (height_cm / 100) ** 3 + b * weight_kg + c


# 131I-iodide in the thyroid


@dataclass(frozen=True, slots=True)
class ThyroidFamily:
    """Effective half-life of the thyroid, half-time of uptake (h) and largest uptake."""

    name: str
    half_life_h: float = 120.0
    half_life_sd: float = 0.20
    uptake_h: float = 6.0
    uptake_sd: float = 0.35
    early_release: float = 0.0  # share of the gland that empties in about a day
    clock_off: bool = False


GRAVES = (
    ThyroidFamily("as fitted"),
    ThyroidFamily("slow uptake", uptake_h=10.0),
    ThyroidFamily("rapid turnover", half_life_h=72.0, half_life_sd=0.15, uptake_h=3.0),
    ThyroidFamily("a second phase of release", early_release=0.15),
    ThyroidFamily("clock 10-20 min off", clock_off=True),
)
AT_ONCE = (  # for methods that leave the uptake out
    ThyroidFamily("as fitted: uptake at once", uptake_h=0.5),
    ThyroidFamily("uptake in 6 h", uptake_h=6.0),
    ThyroidFamily("faster turnover (90 h)", half_life_h=90.0, half_life_sd=0.15, uptake_h=4.0),
    *GRAVES[3:],
)


@dataclass(frozen=True, eq=False)
class ThyroidPatient:
    """A gland: exponentials of its uptake curve (effective), its mass and what surrounds it."""

    amplitudes: Array
    rates: Array
    mass_g: float
    blood_rate: float

    def uptake(self, time_h: float) -> float:
        """Effective uptake, of the administered activity."""
        return float(np.exp(-self.rates * time_h) @ self.amplitudes)

    def outside(self, time_h: float) -> float:
        """Iodide not in the gland, of the administered activity."""
        return exp(-self.blood_rate * time_h)

    def tiac_h(self) -> float:
        """Residence in the gland, h."""
        return float(np.sum(self.amplitudes / self.rates))


def thyroid_patient(rng: np.random.Generator, f: ThyroidFamily) -> ThyroidPatient:
    """Blood fills the gland, one or two pools of it empty."""
    slow = max(LN2 / lognormal(rng, f.half_life_h, f.half_life_sd), 1.03 * DECAY)
    fast = max(LN2 / lognormal(rng, f.uptake_h, f.uptake_sd), 2 * slow)
    share = normal(rng, 0.5, 0.15, 0.15, 0.85)  # of the iodide that the gland takes
    k_t = share * (fast - DECAY)
    pools = [(1 - f.early_release, slow)]
    if f.early_release:
        pools.append((f.early_release, max(LN2 / lognormal(rng, 28, 0.2), 1.5 * slow)))
    amplitudes, rates = [], []
    for part, rate in pools:
        height = k_t * part / (fast - rate)
        amplitudes += [height, -height]
        rates += [rate, fast]
    mass = float(np.clip(lognormal(rng, 35, 0.45), 8, 150))
    return ThyroidPatient(np.array(amplitudes), np.array(rates), mass, fast)


# A 131I-labelled antibody in the blood


@dataclass(frozen=True, slots=True)
class AntibodyFamily:
    """Effective half-lives (h) of the blood curve and how marrow follows blood."""

    name: str
    fast_h: float = 6.0
    fast_share: float = 0.35
    slow_h: float = 45.0
    slow_share_third: float = 0.0
    ratio_off: float = 1.0  # marrow's extracellular share over that expected
    clock_off: bool = False


ANTIBODY = (
    AntibodyFamily("as fitted"),
    AntibodyFamily("a third, slow phase", slow_share_third=0.08),
    AntibodyFamily("fast first phase", fast_h=1.5, fast_share=0.5),
    AntibodyFamily("clock 10-20 min off", clock_off=True),
)


@dataclass(frozen=True, eq=False)
class AntibodyPatient:
    """Blood curve, of the administered activity in all the blood, and the marrow's fluid."""

    amplitudes: Array
    rates: Array
    blood_volume_ml: float
    haematocrit: float
    extracellular: float

    def blood_fraction(self, time_h: float) -> float:
        """In all the blood."""
        return float(np.exp(-self.rates * time_h) @ self.amplitudes)

    def blood_tiac_h(self) -> float:
        """Residence in all the blood, h."""
        return float(np.sum(self.amplitudes / self.rates))


def antibody_patient(rng: np.random.Generator, f: AntibodyFamily) -> AntibodyPatient:
    """Two phases (three where the family says so) from all in the blood at time zero."""
    share = normal(rng, f.fast_share, 0.08, 0.1, 0.8)
    third = f.slow_share_third
    amplitudes = np.array([share, 1 - share - third, third])
    half_lives = [lognormal(rng, f.fast_h, 0.3), lognormal(rng, f.slow_h, 0.25), 110.0]
    rates = np.maximum(LN2 / np.array(half_lives), DECAY * 1.05)
    return AntibodyPatient(amplitudes, rates, 70 * lognormal(rng, 72, 0.18),
                           normal(rng, 0.40, 0.05, 0.25, 0.55),
                           f.ratio_off * normal(rng, 0.19, 0.03, 0.1, 0.28))  # fmt: skip
