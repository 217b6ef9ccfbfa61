"""Dead time of a whole-body sweep, where every row of the picture loses another share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quimby.core.grid import frozen
from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.devices.dead_time import LOSS_LIMIT, corrected_rate

Float = NDArray[np.float64]
ROUNDS, CLOSE = 60, 1e-10


@dataclass(frozen=True, eq=False)
class SweepFactor:
    """True over observed counts of each row, at tau and with tau's doubt; and the largest loss."""

    rows: Float
    u_rows: Float  # standard uncertainty of each, all of one cause: "dead time"
    largest_loss: float
    notes: tuple[Note, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", frozen(self.rows, np.float64))
        object.__setattr__(self, "u_rows", frozen(self.u_rows, np.float64))

    def of(self, image: ArrayLike, share: ArrayLike) -> Uncertain:
        """Mean factor of a region (shares, rows x columns) on a picture, with tau's doubt."""
        held = np.sum(np.asarray(image) * np.asarray(share), axis=1)
        if not held.sum() > 0:
            raise refusal("E-PLN-SWEEP", where="whole-body sweep", why="the region is empty")
        mean = float(held @ self.rows / held.sum())
        return Uncertain(mean, {"dead time": float(held @ self.u_rows / held.sum())})


def sweep_factor(
    row_counts: ArrayLike,
    *,
    row_mm: float,
    field_mm: float,
    velocity_mm_s: float,
    tau_s: Uncertain,
    wide_over_window: float = 1.0,
    where: str = "whole-body sweep",
) -> SweepFactor:
    """Correction of each row of a sweep for the dead time of a paralysable camera.

    The field of view (`field_mm` along the body) passes a row in field/velocity; what the
    camera loses then hangs on all rows it sees at that moment. Solved for the true rates of
    all rows together. `row_counts` are of the window measured, over the whole width;
    `wide_over_window` is the rate of all events that keep the camera busy over that of the
    window. E-DT-NOSOLUTION where the rate is too high, E-PLN-SWEEP. W-DT-HIGH travels.
    Source: Hobbs et al. 2010 (PMC2844671) for the need; the solution is our own.
    """
    counts = np.asarray(row_counts, dtype=np.float64)
    _check(counts, row_mm, field_mm, velocity_mm_s, tau_s.value, wide_over_window, where)
    seen = max(1, round(field_mm / row_mm))
    step_s = row_mm / velocity_mm_s
    busiest = _moving_sum(counts, seen).max() * wide_over_window / (seen * step_s)
    top = corrected_rate(busiest, tau_s)  # refuses what cannot be solved
    rows = _solve(counts, seen, step_s, tau_s.value * wide_over_window)
    u_tau = tau_s.u
    moved = (
        _solve(counts, seen, step_s, (tau_s.value + u_tau) * wide_over_window) if u_tau else rows
    )
    loss = 1.0 - 1.0 / float(rows.max())
    return SweepFactor(rows, moved - rows, loss, top.notes)


def _solve(counts: Float, seen: int, step_s: float, tau_s: float) -> Float:
    """True over observed of each row, by rounds: rates -> losses -> rates."""
    exposure = seen * step_s
    factor = np.ones_like(counts)
    for _ in range(ROUNDS):
        true = counts * factor / exposure  # cps that each row sends while it is seen
        share = np.exp(-tau_s * _moving_sum(true, seen))  # kept, at each stand of the camera
        kept = _moving_mean_back(share, seen)  # over the stands from which a row is seen
        fresh = 1.0 / kept
        if np.abs(fresh / factor - 1.0).max() < CLOSE:
            return fresh
        factor = fresh
    raise refusal(
        "E-PLN-SWEEP", where="whole-body sweep", why="it does not settle; the rate is too high"
    )


def _moving_sum(values: Float, seen: int) -> Float:
    """Sum over the rows seen at each stand; stands run from the first row entering to the last."""
    return np.convolve(values, np.ones(seen), mode="full")


def _moving_mean_back(stands: Float, seen: int) -> Float:
    """Mean over the stands from which each row was seen."""
    return np.convolve(stands, np.ones(seen) / seen, mode="valid")


def sweep_notes(largest_loss: float, *, corrected: bool, where: str) -> tuple[Note, ...]:
    """W-DT-SWEEP where more than 2 % were lost somewhere and nothing corrected it by rows."""
    if corrected or largest_loss <= LOSS_LIMIT:
        return ()
    return (note("W-DT-SWEEP", where=where, value=largest_loss, limit=LOSS_LIMIT),)


def _check(
    counts: Float, row_mm: float, field_mm: float, velocity_mm_s: float, tau_s: float,
    wide: float, where: str,
) -> None:  # fmt: skip
    why = ""
    if counts.ndim != 1 or counts.size < 2 or not np.all(np.isfinite(counts) & (counts >= 0)):
        why = "the rows are no list of counts"
    elif not (row_mm > 0 and velocity_mm_s > 0 and field_mm >= row_mm):
        why = f"rows of {row_mm:g} mm, a field of {field_mm:g} mm, {velocity_mm_s:g} mm/s"
    elif not (tau_s > 0 and wide >= 1.0):
        why = f"a dead time of {tau_s * 1e6:g} µs, all events {wide:g} times the window's"
    if why:
        raise refusal("E-PLN-SWEEP", where=where, why=why)
