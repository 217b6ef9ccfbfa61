"""Biologically effective dose of a dose rate that decays while tissue repairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quimby.core.notes import Note, note, refusal
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain, combine, exact, total

LN2 = log(2)
Rate = Uncertain | float


@dataclass(frozen=True, slots=True)
class Tissue:
    """Radiobiology constants of one tissue."""

    name: str
    alpha_beta: Constant  # Gy
    repair_half_time: Constant  # h

    @property
    def constants(self) -> tuple[Constant, ...]:
        """What a BED of this tissue rests on."""
        return self.alpha_beta, self.repair_half_time

    def doubtful(self) -> tuple[Uncertain, Uncertain]:
        """Alpha/beta (Gy) and repair half-time (h), each with its own cause."""
        return (
            Uncertain(self.alpha_beta.value, {f"alpha/beta {self.name}": self.alpha_beta.u}),
            Uncertain(self.repair_half_time.value,
                      {f"repair time {self.name}": self.repair_half_time.u}),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Effect:
    """BED of one administration."""

    bed_gy: Uncertain
    eqd2_gy: Uncertain
    g: float


def _positive(what: str, value: float, unit: str, *, zero: bool = False) -> None:
    if not isfinite(value) or value < 0 or (value == 0 and not zero):
        raise refusal("E-BED-PARAM", where="BED", what=what, value=value, unit=unit,
                      must="zero or more" if zero else "above zero")  # fmt: skip


def g_mono(repair_half_time_h: float, effective_half_life_h: float) -> float:
    """Lea-Catcheside factor of one decaying exponential: T_rep / (T_rep + T_eff)."""
    _positive("the repair half-time", repair_half_time_h, "h", zero=True)
    _positive("the effective half-life", effective_half_life_h, "h")
    return repair_half_time_h / (repair_half_time_h + effective_half_life_h)


def lea_catcheside(
    amplitudes: ArrayLike, rates_per_h: ArrayLike, repair_half_time_h: float
) -> float:
    """Lea-Catcheside factor G of a dose rate ``sum a_i exp(-l_i t)``, t from 0 to infinity.

    Amplitudes may be negative (uptake) and in any unit; ``G = 2/D**2 sum_ij a_i a_j /
    ((l_i + l_j)(mu + l_i))`` with mu = ln 2 / T_rep. E-BED-PARAM for rates not above zero, a
    total dose not above zero, or a negative repair half-time.
    """
    _positive("the repair half-time", repair_half_time_h, "h", zero=True)
    a, rate = np.asarray(amplitudes, dtype=float), np.asarray(rates_per_h, dtype=float)
    _positive("the smallest rate", float(rate.min(initial=np.inf)), "per h")
    dose = float((a / rate).sum())
    _positive("the area under the dose rate", dose, "")
    if repair_half_time_h == 0:
        return 0.0
    mu = LN2 / repair_half_time_h
    pairs = np.outer(a, a) / ((rate[:, None] + rate[None, :]) * (mu + rate[:, None]))
    return float(2 * pairs.sum() / dose**2)


def g_two_components(
    amplitudes: ArrayLike,
    rates_per_h: ArrayLike,
    repair: Sequence[tuple[float, float]],
) -> float:
    """G for repair in several components, each (share, half-time in h); shares add to one."""
    shares = sum(share for share, _ in repair)
    if abs(shares - 1) > 1e-9:
        raise refusal("E-BED-PARAM", where="BED", what="the sum of repair shares", value=shares,
                      unit="", must="one")  # fmt: skip
    return sum(share * lea_catcheside(amplitudes, rates_per_h, half) for share, half in repair)


def bed(dose_gy: float, g: float, alpha_beta_gy: float) -> float:
    """BED = D + G D**2 / (alpha/beta), Gy."""
    _positive("alpha/beta", alpha_beta_gy, "Gy")
    _positive("the dose", dose_gy, "Gy", zero=True)
    return dose_gy + g * dose_gy**2 / alpha_beta_gy


def eqd2(bed_gy: float, alpha_beta_gy: float) -> float:
    """Dose in fractions of 2 Gy with the same BED, Gy."""
    _positive("alpha/beta", alpha_beta_gy, "Gy")
    return bed_gy / (1 + 2 / alpha_beta_gy)


def bed_of_cycles(doses_gy: Sequence[float], g: float, alpha_beta_gy: float) -> float:
    """BED of several cycles: repair is complete between them, so each adds its own."""
    return sum(bed(dose, g, alpha_beta_gy) for dose in doses_gy)


def effect(
    dose_gy: Uncertain,
    amplitudes: Sequence[float],
    rates_per_h: Sequence[Rate],
    tissue: Tissue,
) -> Effect:
    """BED and EQD2 (Gy) of one administration, from its dose and time-activity curve.

    `amplitudes` (any unit) and `rates_per_h` are those of the curve that gave the dose; rates
    with doubt pass it on. Causes: those of the dose and rates, and the tissue's two constants.
    """
    ratio, repair = tissue.doubtful()
    _positive("alpha/beta", ratio.value, "Gy")
    rates = [r if isinstance(r, Uncertain) else exact(r) for r in rates_per_h]

    def factor(values: Sequence[float], half_time: float) -> float:
        return lea_catcheside(amplitudes, values, half_time)

    at = [r.value for r in rates]
    g = factor(at, repair.value)
    slopes = [
        (rate, _slope(lambda x, i=i: factor([*at[:i], x, *at[i + 1 :]], repair.value), rate.value))
        for i, rate in enumerate(rates)
    ]
    g_doubt = combine(g, *slopes, (repair, _slope(lambda x: factor(at, x), repair.value)))
    D, ab = dose_gy.value, ratio.value
    value = bed(D, g, ab)
    whole = combine(value, (dose_gy, 1 + 2 * g * D / ab), (g_doubt, D**2 / ab),
                    (ratio, -g * D**2 / ab**2))  # fmt: skip
    share = 1 / (1 + 2 / ab)
    in_2gy = combine(value * share, (whole, share), (ratio, 2 * value / (ab + 2) ** 2))
    return Effect(whole, in_2gy, g)


def _slope(f: object, x: float) -> float:
    step = 1e-4 * x
    if step == 0:
        return 0.0
    return float((f(x + step) - f(x - step)) / (2 * step))  # type: ignore[operator]


def total_bed(
    this: Uncertain, earlier: Sequence[tuple[str, Uncertain | None]], *, where: str
) -> tuple[Uncertain | None, tuple[Note, ...]]:
    """BED of a course with earlier exposures, each (what, BED).

    One without a BED makes the total unknown: None, and W-BED-EXPOSURE names it.
    """
    unknown = tuple(
        note("W-BED-EXPOSURE", where=where, what=what) for what, gy in earlier if gy is None
    )
    if unknown:
        return None, unknown
    return total([this, *(gy for _, gy in earlier if gy is not None)]), ()


def bed_of_fractions(dose_gy: float, fractions: int, alpha_beta_gy: float) -> float:
    """BED of external beam in `fractions` equal fractions: D (1 + d/(alpha/beta)), Gy."""
    _positive("the number of fractions", float(fractions), "")
    _positive("alpha/beta", alpha_beta_gy, "Gy")
    return dose_gy * (1 + dose_gy / fractions / alpha_beta_gy)


def rbe_weighted(dose_alpha_gy: float, dose_low_gy: float, rbe: float) -> float:
    """RBE-weighted dose in Gy(RBE), never Sv: RBE x D_alpha + D_low."""
    _positive("the RBE", rbe, "")
    return rbe * dose_alpha_gy + dose_low_gy


def bed_mixed(
    dose_alpha_gy: float, dose_low_gy: float, *, rbe: float, g: float, alpha_beta_gy: float
) -> float:
    """BED of alpha with low-LET dose: RBE_max x D_alpha + D_low + G D_low**2/(alpha/beta)."""
    _positive("the RBE", rbe, "")
    return rbe * dose_alpha_gy + bed(dose_low_gy, g, alpha_beta_gy)


def eubed(bed_gy: ArrayLike, alpha_per_gy: float, occupancy: ArrayLike | None = None) -> float:
    """The even BED that leaves as many cells alive: -(1/alpha) ln sum v exp(-alpha BED)."""
    from quimby.effect.dvh import doses

    return doses(bed_gy, occupancy, where="EUBED").eud(alpha_per_gy)


def voxel_bed(
    dose_gy: NDArray[np.floating], g: float, alpha_beta_gy: float
) -> NDArray[np.floating]:
    """BED voxel by voxel, one G for the region."""
    _positive("alpha/beta", alpha_beta_gy, "Gy")
    return dose_gy + g * dose_gy**2 / alpha_beta_gy
