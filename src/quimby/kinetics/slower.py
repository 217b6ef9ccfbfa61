"""What a phase that clears more slowly than the fitted one would add, unseen.

A curve's last phase is the slowest thing the scans can tell. Where a small share of the activity
clears more slowly still, scans of a week hardly show it, yet its integral counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quimby.core.uncertain import Uncertain
from quimby.kinetics.fit import Fit
from quimby.kinetics.models import MODELS

CAUSE = "slower phase, unseen"
SHARE = 0.07  # k = 1, of the main phase's amplitude [P]
SLOWER = 2.0  # times the half-life, no slower than physical decay [P]


def with_slower_phase(
    tia: Uncertain, rows: Sequence[tuple[Fit, float]], *, physical_rate: float, organ: str
) -> Uncertain:
    """A TIA with the doubt of an unseen slower phase; `rows` are its curves and their weights.

    One scan has its own least doubt of the curve's shape (`kinetics.spread`), trapezoids have
    theirs, and a model of two clearance phases has seen the slower one: they get nothing here.
    """
    part = sum(weight * _missed_mbq_h(f, physical_rate) for f, weight in rows)
    cause = f"{CAUSE}, {organ}" if organ else CAUSE  # signed, so that left and right go together
    return Uncertain(tia.value, {**tia.parts, cause: part}) if part else tia


def _missed_mbq_h(f: Fit, physical_rate: float) -> float:
    """Integral that a patient with `SHARE` of the slower phase has and this fit does not find.

    First order in the share: what the phase adds to the integral, less what the fit makes of
    what it adds to each sample.
    """
    if f.problem is None or len(f.samples.times_h) < 2 or not _tells_one_clearance(f):
        return 0.0
    rate, times = f.rates_per_h[0], np.array(f.samples.times_h)
    slower = max(rate / SLOWER, physical_rate)
    amplitude = SHARE * f.amplitudes_mbq[0]
    added = amplitude * (np.exp(-slower * times) - np.exp(-rate * times))
    return float(amplitude * (1 / slower - 1 / rate) - np.dot(f.tia_weights_h, added))


def _tells_one_clearance(f: Fit) -> bool:
    phases = MODELS[f.model].half_lives
    return "effective" in phases and "fast" not in phases
