"""Random numbers, detectors and clocks of invented departments; nothing here uses Quimby."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def lognormal(rng: np.random.Generator, median: float, sd_ln: float) -> float:
    """A positive number drawn about its median."""
    return float(median * np.exp(sd_ln * rng.standard_normal()))


def normal(rng: np.random.Generator, mean: float, sd: float, low: float, high: float) -> float:
    """A number drawn about its mean, held inside two limits."""
    return float(np.clip(mean + sd * rng.standard_normal(), low, high))


def off(rng: np.random.Generator, sd: float) -> float:
    """One plus a relative error."""
    return float(1 + sd * np.clip(rng.standard_normal(), -3, 3))


@dataclass(frozen=True, slots=True)
class Detector:
    """A non-paralysable counter whose sensitivity drifts; `tau_s` is what is written of it."""

    cps_per_mbq: float
    background_cps: float
    tau_s: float
    tau_u: float
    true_tau_s: float
    drift_per_h: float

    def counts(
        self, rng: np.random.Generator, mbq: float, seconds: float, *, time_h: float = 0.0,
        factor: float = 1.0, extra_cps: float = 0.0,
    ) -> int:  # fmt: skip
        """Counts of an activity seen with `factor` of the usual sensitivity."""
        seen = self.cps_per_mbq * factor * (1 + self.drift_per_h * time_h)
        true = mbq * seen + self.background_cps + extra_cps
        return int(rng.poisson(true / (1 + true * self.true_tau_s) * seconds))


def detector(
    rng: np.random.Generator, *, cps_per_mbq: float, background_cps: float, tau_s: float,
    drift: float = 0.01, over_h: float = 96.0,
) -> Detector:  # fmt: skip
    """A detector of one centre: dead time known to 10 %, drift of 1 % (1 sd) in four days."""
    return Detector(cps_per_mbq, background_cps, tau_s, 0.1 * tau_s, tau_s * off(rng, 0.1),
                    drift / over_h * float(rng.standard_normal()))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clock:
    """Written times: `ahead_h` for all, and scatter of a few minutes for each."""

    ahead_h: float = 0.0
    scatter_h: float = 3 / 60

    def written(self, rng: np.random.Generator, time_h: float) -> float:
        """The time that is written down for a reading, h."""
        said = time_h + self.ahead_h + self.scatter_h * float(rng.standard_normal())
        return max(round(60 * said) / 60, 1 / 60)


def wrong_clock(rng: np.random.Generator) -> Clock:
    """A clock 10 to 20 minutes fast or slow."""
    return Clock(float(rng.uniform(10, 20)) / 60 * float(rng.choice([-1.0, 1.0])))
