"""Readings as devices give them: Poisson counts, lost counts, a gain that drifts, positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Counter:
    """A device that counts. It is busy for `tau_us` after each count (non-paralysable)."""

    tau_us: float
    drift: float = 0.0  # gain from the first to the last reading, relative

    def counts(
        self, true_cps: float, time_s: float, rng: np.random.Generator, *, through: float = 0.0
    ) -> int:
        """Counts of a rate; `through` says how far the readings have come, 0 to 1."""
        arriving = true_cps * self.gain(through)
        seen = arriving / (1.0 + arriving * self.tau_us * 1e-6)
        return int(rng.poisson(seen * time_s))

    def gain(self, through: float) -> float:
        """Half the drift below one at the first reading, half above at the last."""
        return 1.0 + self.drift * (through - 0.5)


@dataclass(frozen=True, slots=True)
class DoseRateMeter:
    """A display of dose rate, to three figures; a little is lost at high rates."""

    loss_per_usv_h: float
    reading_u: float
    drift: float = 0.0

    def shows(self, true_usv_h: float, rng: np.random.Generator, *, through: float = 0.0) -> str:
        """What somebody reads off, uSv/h: three figures, and no finer than 0.01."""
        gain = 1.0 + self.drift * (through - 0.5)
        seen = true_usv_h * gain / (1.0 + true_usv_h * self.loss_per_usv_h)
        noisy = seen * (1.0 + self.reading_u * rng.standard_normal())
        return f"{noisy:.2f}" if noisy < 10 else f"{noisy:.1f}" if noisy < 100 else f"{noisy:.0f}"


def off_by(u_relative: float, rng: np.random.Generator) -> float:
    """A factor near one: where the patient stood, what the pipette gave."""
    return float(np.exp(u_relative * rng.standard_normal()))


def through(number: int, of: int) -> float:
    """How far the readings have come, 0 to 1."""
    return number / (of - 1) if of > 1 else 0.5
