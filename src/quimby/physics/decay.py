"""Decay between times and during a scan, and the activity that reached the patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, expm1, isfinite

from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain, combine
from quimby.physics.nuclides import LN2

RESIDUAL_LIMIT = 0.25  # of the assay [P]
ASSAY_AGE_LIMIT = 7.0  # half-lives [P]
UNMEASURED_RESIDUAL_U = 0.01  # of the net activity [P]
SMALL = 1e-8  # below this, 1 + x/2 is exact to rounding and x / (1 - exp(-x)) is not


@dataclass(frozen=True, slots=True)
class Residual:
    """Activity left in syringe, line, vial or gauze, and when it was measured."""

    activity_mbq: Uncertain
    time_h: float
    what: str = "residual"


@dataclass(frozen=True, slots=True)
class NetActivity:
    """What was given, at the time of administration."""

    activity_mbq: Uncertain
    residual_fraction: float  # of the assay, at the time of administration
    notes: tuple[Note, ...]


def decay_factor(elapsed_h: float, half_life_h: float) -> float:
    """What is left of one after `elapsed_h` (negative: what there was before)."""
    _positive("half-life", half_life_h)
    return exp(-LN2 * elapsed_h / half_life_h)


def factor_to_start(duration_h: float, half_life_h: float) -> float:
    """Mean activity over an acquisition times this is the activity at its start."""
    _positive("half-life", half_life_h)
    _positive("duration", duration_h)
    x = LN2 * duration_h / half_life_h
    return 1.0 + x / 2.0 if x < SMALL else x / -expm1(-x)


def factor_to_middle(duration_h: float, half_life_h: float) -> float:
    """Mean activity over an acquisition times this is the activity halfway through it."""
    start = factor_to_start(duration_h, half_life_h)
    return start * decay_factor(duration_h / 2.0, half_life_h)


def net_administered(
    assay_mbq: Uncertain,
    residuals: Sequence[Residual] | None,
    *,
    assay_h: float,
    administered_h: float,
    half_life_h: float,
) -> NetActivity:
    """Activity that reached the patient, MBq at the time of administration.

    Times are h on one clock. `residuals` None means that none were measured: zero is taken,
    noted (I-RES-ASSUMED0), and 1 % added to the doubt. More than 25 % left is S-RES-HIGH.
    Raises E-DEC-ACTIVITY, E-DEC-TIME (assay more than 7 half-lives away) and E-DEC-DURATION.
    """
    _check(assay_mbq, residuals, (administered_h - assay_h) / half_life_h)
    drawn = assay_mbq.scaled(decay_factor(administered_h - assay_h, half_life_h))
    moved = [
        r.activity_mbq.scaled(decay_factor(administered_h - r.time_h, half_life_h))
        for r in residuals or ()
    ]
    left = sum(m.value for m in moved)
    net = combine(drawn.value - left, (drawn, 1.0), *((m, -1.0) for m in moved))
    if net.value <= 0:
        raise refusal("E-DEC-ACTIVITY", where="administered activity", what="net activity",
                      value=net.value)  # fmt: skip
    if residuals is None:
        net = net.because("residual not measured", UNMEASURED_RESIDUAL_U * net.value)
    return NetActivity(net, left / drawn.value, _notes(residuals, left / drawn.value))


def _notes(residuals: Sequence[Residual] | None, fraction: float) -> tuple[Note, ...]:
    where = "administered activity"
    if residuals is None:
        return (note("I-RES-ASSUMED0", where=where, value=UNMEASURED_RESIDUAL_U),)
    if fraction > RESIDUAL_LIMIT:
        return (note("S-RES-HIGH", where=where, value=fraction, limit=RESIDUAL_LIMIT),)
    return ()


def _check(assay: Uncertain, residuals: Sequence[Residual] | None, half_lives: float) -> None:
    where = "administered activity"
    if assay.value <= 0:
        raise refusal("E-DEC-ACTIVITY", where=where, what="assayed activity", value=assay.value)
    for r in residuals or ():
        if r.activity_mbq.value < 0:
            raise refusal("E-DEC-ACTIVITY", where=where, what=r.what, value=r.activity_mbq.value)
    if abs(half_lives) > ASSAY_AGE_LIMIT:
        raise refusal("E-DEC-TIME", where=where, half_lives=half_lives, limit=ASSAY_AGE_LIMIT)


def _positive(what: str, value_h: float) -> None:
    if not (isfinite(value_h) and value_h > 0):
        raise refusal("E-DEC-DURATION", where="decay", what=what, value=value_h)
