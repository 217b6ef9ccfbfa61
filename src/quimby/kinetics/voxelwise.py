"""One exponential in every voxel: a picture of the time-integrated activity.

Each voxel has its own rate, not below that of physical decay, by least squares. No voxel is
lost: what no curve fits has a rule, a code in the status map and a place in the counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil, log
from os import cpu_count

import numpy as np
from numpy.typing import NDArray

from quimby.core.notes import Note, note, refusal
from quimby.core.numbers import above_zero, zero_or_more
from quimby.kinetics import voxel_newton as newton
from quimby.kinetics.models import LN2

Array = NDArray[np.floating]
Float = NDArray[np.float64]

STATUS: Mapping[int, str] = {
    newton.NO_SIGNAL: "no signal",
    newton.FITTED: "fitted",
    newton.AT_PHYSICAL: "at physical decay",
    newton.RISING: "rising",
    newton.TOO_FAST: "too fast to tell",
    newton.BELOW_NOISE: "below noise",
}
"""The codes of a status map."""
BY_RULE = ("at physical decay", "rising", "too fast to tell", "below noise")
FALLBACK_WARNS = 0.10  # share of the voxels with signal; IMAGING 3.7 [P]
CLOSURE_WARNS = 0.03  # picture against region; IMAGING 3.7 [P]
GRID_RATIO = 1.2  # between the rates of the first search
PARTS = 8  # pieces of the picture a thread


@dataclass(frozen=True, eq=False)
class VoxelFits:
    """Maps of one exponential a voxel, all of one shape.

    `tia` is in the unit of the readings times h; `rate_per_h` is 0 where no curve was fitted;
    `status` holds codes of `STATUS`, `counts` the voxels of each.
    """

    tia: Array
    rate_per_h: Array
    status: NDArray[np.uint8]
    counts: Mapping[str, int]
    notes: tuple[Note, ...]


def fit_voxels(
    times_h: Sequence[float],
    activity: Array,
    *,
    physical_half_life_h: float,
    fastest_half_life_h: float | None = None,
    weights: Sequence[float] | None = None,
    noise: float = 0.0,
    fallback_hours: Sequence[float] | None = None,
    threads: int | None = None,
    where: str = "voxel curves",
) -> VoxelFits:
    """Fit A * exp(-rate * t) to every voxel of `activity` (scan, …) by least squares.

    Readings are physical (not decay-corrected), zero or more, of any one unit, float32 or
    float64; the maps come back in the same type, the arithmetic is float64. The answer is the
    best one between the physical rate and the fastest, not merely a near one.

    Parameters
    ----------
    fastest_half_life_h
        h; by default half the first scan's time or a quarter of the gap to the second,
        whichever is longer: a curve drawn back further says more than the scans do.
    weights
        One a scan, proportional to 1/u^2 of its readings; equal ones by default.
    noise
        A voxel whose largest reading is below this (three standard deviations of it) is not
        fitted.
    fallback_hours
        Hours each scan counts for where no curve is fitted ("too fast to tell", "below
        noise"): the region's own time factors (`Fit.tia_weights_h`). By default constant back
        to zero, straight lines between, physical decay after the last scan.

    "At physical decay" and "rising" voxels (the last reading is the largest) are held at
    physical decay, which is their best fit within the bounds.

    Notes W-VOX-FALLBACK. Raises E-TIA-TIME, E-TIA-FEW, E-VOX-VALUE, E-VOX-WEIGHTS,
    E-VOX-BOUNDS, E-NUM-NONPOS, E-NUM-FINITE. Source: variable projection, Golub & Pereyra 1973.
    """
    times, order = _times(times_h, activity, where)
    physical = above_zero(physical_half_life_h, "the physical half-life", "h", where=where)
    zero_or_more(noise, "the noise", "", where=where)
    rates = LN2 / np.array([physical, _fastest_h(times, physical, fastest_half_life_h, where)])
    after = times - times[0]
    weigh = _per_scan(weights, np.ones(len(times)), "the fit", where)[order]
    hours = _per_scan(fallback_hours, _hours(times, physical, order), "the rule", where)[order]
    flat = activity.reshape(len(times), -1)
    tia, rate = (np.empty(flat.shape[1], flat.dtype) for _ in range(2))
    status = np.empty(flat.shape[1], np.uint8)
    nodes, grid = _grid(rates, after, weigh)

    def piece(start: int, stop: int) -> None:
        newton.fit_range(flat, order, after, weigh, nodes, grid, rates, hours, float(noise),
                         float(times[0]), start, stop, tia, rate, status)  # fmt: skip

    _in_pieces(piece, flat.shape[1], threads or cpu_count() or 1)
    _sound(status, flat, where)
    counts = {name: int(np.count_nonzero(status == code)) for code, name in STATUS.items()}
    shape = activity.shape[1:]
    maps = tia.reshape(shape), rate.reshape(shape), status.reshape(shape)
    return VoxelFits(*maps, counts, _fallback_notes(counts, where))


def _times(times_h: Sequence[float], activity: Array, where: str
           ) -> tuple[Float, NDArray[np.int64]]:  # fmt: skip
    """Times in order, and the scans' places in that order."""
    times = np.asarray(times_h, dtype=np.float64)
    said = ", ".join(f"{t:g} h" for t in times)
    scans = activity.shape[0] if activity.ndim else 0
    if len(times) != scans:
        raise refusal("E-TIA-TIME", where=where, times=f"{len(times)} times for {scans} scans")
    if not (np.isfinite(times).all() and (times > 0).all() and len(set(times)) == len(times)):
        raise refusal("E-TIA-TIME", where=where, times=said)
    if len(times) < 2:
        raise refusal("E-TIA-FEW", where=where, samples=len(times), priors=0, parameters=2,
                      model="one exponential a voxel")  # fmt: skip
    order = np.argsort(times)
    return times[order], order


def _fastest_h(times: Float, physical_h: float, given_h: float | None, where: str) -> float:
    if given_h is None:
        return float(min(max(times[0] / 2, (times[1] - times[0]) / 4), physical_h / 4))
    if not 0 < given_h < physical_h:
        raise refusal("E-VOX-BOUNDS", where=where, fastest=given_h, physical=physical_h)
    return given_h


def _per_scan(given: Sequence[float] | None, otherwise: Float, what: str, where: str) -> Float:
    if given is None:
        return otherwise
    if len(given) != len(otherwise):
        raise refusal("E-VOX-WEIGHTS", where=where, what=what, found=len(given),
                      wanted=len(otherwise))  # fmt: skip
    for i, value in enumerate(given):
        above_zero(value, f"the weight of scan {i + 1} in {what}", "", where=where)
    return np.asarray(given, dtype=np.float64)


def _hours(times: Float, physical_h: float, order: NDArray[np.int64]) -> Float:
    """Constant back to zero, straight lines, physical decay; in the order the scans came."""
    steps = np.diff(times)
    hours = np.zeros(len(times))
    hours[:-1] += steps / 2
    hours[1:] += steps / 2
    hours[0] += times[0]
    hours[-1] += physical_h / LN2
    return hours[np.argsort(order)]


def _grid(rates: Float, after: Float, weights: Float) -> tuple[Float, Float]:
    """Rates of the first search, and their curves scaled to length one, times the weights."""
    count = ceil(log(rates[1] / rates[0]) / log(GRID_RATIO)) + 1
    nodes = np.geomspace(rates[0], rates[1], max(count, 2))
    curves = np.exp(-np.outer(nodes, after))
    length = np.sqrt((weights * curves**2).sum(axis=1))
    return nodes, np.ascontiguousarray(weights * curves / length[:, None])


def _in_pieces(piece: Callable[[int, int], None], size: int, threads: int) -> None:
    """Whole blocks to every thread; the answer does not depend on how many there are."""
    blocks = -(-size // newton.BLOCK)
    edges = np.linspace(0, blocks, min(blocks, threads * PARTS) + 1).astype(int) * newton.BLOCK
    edges[-1] = size
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(piece, edges[:-1].tolist(), edges[1:].tolist()))


def _sound(status: NDArray[np.uint8], flat: Array, where: str) -> None:
    if not (status == newton.UNUSABLE).any():
        return
    found = [
        (what, int(np.count_nonzero(bad)))
        for what, bad in (
            ("not a number", np.isnan(flat)),
            ("below zero", flat < 0),
            ("above any activity", flat > newton.LARGEST),
        )
    ]
    said = " and ".join(f"{count} {what}" for what, count in found if count)
    raise refusal("E-VOX-VALUE", where=where, what=said)


def _fallback_notes(counts: Mapping[str, int], where: str) -> tuple[Note, ...]:
    signal = sum(counts.values()) - counts["no signal"]
    ruled = sum(counts[name] for name in BY_RULE)
    if ruled <= FALLBACK_WARNS * signal:
        return ()
    told = ", ".join(f"{counts[name]} {name}" for name in BY_RULE if counts[name])
    share = ruled / signal
    return (note("W-VOX-FALLBACK", where=where, value=share, limit=FALLBACK_WARNS, told=told),)
