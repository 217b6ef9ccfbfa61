"""The arithmetic of `voxelwise`: one exponential a voxel, in blocks that stay in the cache.

With the amplitude solved in closed form the misfit depends on the rate alone. Its smallest value
is where two mean times meet: that of the curve and that of the readings, both weighted by the
curve. A grid of rates finds the right valley, Newton's method in a bracket the bottom of it.

Blocks run in plain threads, because the kernels hold no lock; numba's own parallel loops abort
where several threads start them and no OpenMP is installed.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Float = NDArray[np.float64]
Readings = NDArray[np.floating]

BLOCK = 256
STEPS = 2  # Newton steps of a whole block, before one that also corrects the integral
CLOSE = 3e-4  # relative step below which the second order (its square) no longer matters
MOST_STEPS = 200  # of a voxel that needs its own
FAR = 60.0  # exp(-60): nothing is left
TINY = 1e-300
LARGEST = 1e30  # a reading above is no activity

NO_SIGNAL, FITTED, AT_PHYSICAL, RISING, TOO_FAST, BELOW_NOISE = range(6)
UNUSABLE = 255

# Where each quantity of a block lies in the work space: constants, so that the compiler sees
# that they never overlap and works on several voxels at once.
ROWS = 12
CURVE, CURVE_T, CURVE_TT, DATA, DATA_T, DATA_TT, RATE, LOW, HIGH, BEST, PEAK, STEP = (
    BLOCK * row for row in range(ROWS)
)


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def decay(x: float) -> float:
    """exp(-x) for x >= 0 within 1e-13 up to x = 10 (3e-6 at 60), in steps that vectorise."""
    y = min(x, FAR) * (-1 / 64)
    p = 1 / 40320 + y * (1 / 362880 + y * (1 / 3628800))
    p = 1 / 120 + y * (1 / 720 + y * (1 / 5040 + y * p))
    p = 1 + y * (1 + y * (1 / 2 + y * (1 / 6 + y * (1 / 24 + y * p))))
    p *= p
    p *= p
    p *= p
    p *= p
    p *= p
    return p * p


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator,unused-ignore]
def fit_range(
    readings: Readings, order: NDArray[np.int64], after_h: Float, weights: Float,
    nodes: Float, grid: Float, rates: Float, hours: Float, noise: float, first_h: float,
    start: int, stop: int, tia: Readings, rate: Readings, status: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Fit voxels `start` to `stop` of `readings` (scan, voxel) and write the three maps.

    `after_h` are hours since the first scan, at `first_h`; `grid` (rate, scan) are curves of
    the rates `nodes` of length one, times the weights; `hours` is the rule where no curve is.
    """
    block = np.empty((len(order), BLOCK))
    work = np.empty(ROWS * BLOCK)
    for first in range(start, stop, BLOCK):
        count = min(BLOCK, stop - first)
        sound = _load(readings, order, first, count, block, work)
        if not sound:
            status[first : first + count] = UNUSABLE
            continue
        _search(block, grid, nodes, rates, work)
        for _ in range(STEPS):
            _moments(block, after_h, weights, work)
            _newton(work)
        _moments(block, after_h, weights, work)
        _last_step(work)
        _write(block, after_h, weights, rates, hours, noise, first_h, first, count, work,
               tia, rate, status)  # fmt: skip


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator,unused-ignore]
def _load(
    readings: Readings, order: NDArray[np.int64], first: int, count: int, block: Float, work: Float
) -> bool:
    """A block in float64, in order of time, padded with zeros; False for NaN, inf or negative."""
    block[:, count:] = 0.0
    work[PEAK : PEAK + BLOCK] = 0.0
    wrong = 0
    for i in range(len(order)):
        row = order[i]
        for v in range(count):
            value = np.float64(readings[row, first + v])
            block[i, v] = value
            wrong += 0 if 0.0 <= value <= LARGEST else 1
            largest = work[PEAK + v]
            work[PEAK + v] = value if value > largest else largest
    return wrong == 0


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator,unused-ignore]
def _search(block: Float, grid: Float, nodes: Float, rates: Float, work: Float) -> None:
    """The rate of the grid whose curve holds most of the readings, and its neighbours."""
    work[BEST : BEST + BLOCK] = -1.0
    for k in range(len(nodes)):
        _overlap(block, grid[k], nodes[k], work)
    ratio = nodes[1] / nodes[0]
    for v in range(BLOCK):
        work[LOW + v] = max(work[RATE + v] / ratio, rates[0])
        work[HIGH + v] = min(work[RATE + v] * ratio, rates[1])


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator,unused-ignore]
def _overlap(block: Float, curve: Float, node: float, work: Float) -> None:
    for v in range(BLOCK):
        work[STEP + v] = curve[0] * block[0, v]
    for i in range(1, len(curve)):
        c = curve[i]
        for v in range(BLOCK):
            work[STEP + v] += c * block[i, v]
    for v in range(BLOCK):
        found = work[STEP + v]
        best = work[BEST + v]
        work[RATE + v] = node if found > best else work[RATE + v]
        work[BEST + v] = found if found > best else best


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator,unused-ignore]
def _moments(block: Float, after_h: Float, weights: Float, work: Float) -> None:
    """Sums over scans of curve^2 and curve * reading, times 1, t and t^2."""
    w = weights[0]
    for v in range(BLOCK):
        work[CURVE + v] = w
        work[CURVE_T + v] = 0.0
        work[CURVE_TT + v] = 0.0
        work[DATA + v] = w * block[0, v]
        work[DATA_T + v] = 0.0
        work[DATA_TT + v] = 0.0
    for i in range(1, len(after_h)):
        t = after_h[i]
        w = weights[i]
        for v in range(BLOCK):
            e = decay(work[RATE + v] * t)
            a = w * e * e
            b = w * e * block[i, v]
            work[CURVE + v] += a
            work[CURVE_T + v] += a * t
            work[CURVE_TT + v] += a * t * t
            work[DATA + v] += b
            work[DATA_T + v] += b * t
            work[DATA_TT + v] += b * t * t


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def _small(work: Float, v: int) -> bool:
    """Whether the last step is small and stays in its bracket."""
    rate = work[RATE + v]
    new = rate + work[STEP + v]
    inside: bool = work[LOW + v] <= new <= work[HIGH + v]
    return abs(new - rate) < CLOSE * rate and inside


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def _gap(work: Float, v: int) -> tuple[float, float]:
    """Mean time of the curve less that of the readings, and its slope against the rate."""
    curve = 1.0 / work[CURVE + v]
    data = 1.0 / (work[DATA + v] + TINY)
    q = work[CURVE_T + v] * curve
    p = work[DATA_T + v] * data
    slope = work[DATA_TT + v] * data - p * p - 2.0 * (work[CURVE_TT + v] * curve - q * q)
    return q - p, slope


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator,unused-ignore]
def _newton(work: Float) -> None:
    """One step of every voxel; half the bracket where Newton would leave it."""
    for v in range(BLOCK):
        gap, slope = _gap(work, v)
        rate = work[RATE + v]
        low = rate if gap > 0 else work[LOW + v]
        high = work[HIGH + v] if gap > 0 else rate
        new = rate - gap / slope
        middle = 0.5 * (low + high)
        new = new if new > low else middle
        new = new if new < high else middle
        work[LOW + v] = low
        work[HIGH + v] = high
        work[RATE + v] = new


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator,unused-ignore]
def _last_step(work: Float) -> None:
    for v in range(BLOCK):
        gap, slope = _gap(work, v)
        work[STEP + v] = -gap / slope


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator,unused-ignore]
def _write(
    block: Float, after_h: Float, weights: Float, rates: Float, hours: Float, noise: float,
    first_h: float, first: int, count: int, work: Float,
    tia: Readings, rate: Readings, status: NDArray[np.uint8],
) -> None:  # fmt: skip
    _integrals(first_h, work)
    slowest, fastest = rates[0], rates[1]
    for v in range(count):
        code = FITTED
        settled = _small(work, v) and work[LOW + v] > slowest and work[HIGH + v] < fastest
        if not settled or work[PEAK + v] < noise or work[PEAK + v] == 0.0:
            code = _alone(block, after_h, weights, rates, hours, noise, first_h, v, work)
        tia[first + v] = work[BEST + v]
        rate[first + v] = work[RATE + v] + work[STEP + v]
        status[first + v] = code


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator,unused-ignore]
def _integrals(first_h: float, work: Float) -> None:
    for v in range(BLOCK):
        work[BEST + v] = _integral(first_h, v, work)


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator,unused-ignore]
def _alone(
    block: Float, after_h: Float, weights: Float, rates: Float, hours: Float, noise: float,
    first_h: float, v: int, work: Float,
) -> int:  # fmt: skip
    """One voxel that needs its own steps, or a rule."""
    code = _code(block, after_h, weights, rates, noise, v, work)
    if code == FITTED:
        _settle(block, after_h, weights, v, work)
    elif code in (AT_PHYSICAL, RISING):
        work[RATE + v] = rates[0]
        work[STEP + v] = 0.0
        _one(block, after_h, weights, v, work)
    else:
        work[RATE + v] = 0.0
        work[STEP + v] = 0.0
        work[BEST + v] = 0.0
        for i in range(len(after_h)):
            work[BEST + v] += hours[i] * block[i, v]
        return code
    work[BEST + v] = _integral(first_h, v, work)
    return code


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator,unused-ignore]
def _code(
    block: Float, after_h: Float, weights: Float, rates: Float, noise: float, v: int, work: Float
) -> int:
    """What becomes of a voxel; the best rate lies at an edge if the misfit still falls there."""
    if work[PEAK + v] == 0.0:
        return NO_SIGNAL
    if work[PEAK + v] < noise:
        return BELOW_NOISE
    n = len(after_h)
    if work[LOW + v] <= rates[0] and _gap_at(rates[0], block, after_h, weights, v) <= 0.0:
        return RISING if block[n - 1, v] == work[PEAK + v] else AT_PHYSICAL
    if work[HIGH + v] >= rates[1] and _gap_at(rates[1], block, after_h, weights, v) >= 0.0:
        return TOO_FAST
    return FITTED


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator,unused-ignore]
def _gap_at(rate: float, block: Float, after_h: Float, weights: Float, v: int) -> float:
    curve, curve_t, data, data_t = 0.0, 0.0, 0.0, 0.0
    for i in range(len(after_h)):
        e = decay(rate * after_h[i])
        curve += weights[i] * e * e
        curve_t += weights[i] * e * e * after_h[i]
        data += weights[i] * e * block[i, v]
        data_t += weights[i] * e * block[i, v] * after_h[i]
    return curve_t / curve - data_t / (data + TINY)


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator,unused-ignore]
def _settle(block: Float, after_h: Float, weights: Float, v: int, work: Float) -> None:
    """A voxel's own steps until the last is small and stays in its bracket."""
    for _ in range(MOST_STEPS):
        rate, step = work[RATE + v], work[STEP + v]
        if _small(work, v):
            return
        gap, _ = _gap(work, v)
        if gap > 0:
            work[LOW + v] = rate
        else:
            work[HIGH + v] = rate
        if work[HIGH + v] - work[LOW + v] < 1e-14 * rate:
            work[STEP + v] = 0.0
            return
        new = rate + step
        if not work[LOW + v] < new < work[HIGH + v]:
            new = 0.5 * (work[LOW + v] + work[HIGH + v])
        work[RATE + v] = new
        _one(block, after_h, weights, v, work)
        gap, slope = _gap(work, v)
        work[STEP + v] = -gap / slope


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator,unused-ignore]
def _one(block: Float, after_h: Float, weights: Float, v: int, work: Float) -> None:
    """The sums of `_moments` for one voxel."""
    for row in (CURVE, CURVE_T, CURVE_TT, DATA, DATA_T, DATA_TT):
        work[row + v] = 0.0
    for i in range(len(after_h)):
        t = after_h[i]
        e = decay(work[RATE + v] * t)
        a = weights[i] * e * e
        b = weights[i] * e * block[i, v]
        work[CURVE + v] += a
        work[CURVE_T + v] += a * t
        work[CURVE_TT + v] += a * t * t
        work[DATA + v] += b
        work[DATA_T + v] += b * t
        work[DATA_TT + v] += b * t * t


@njit(inline="always")  # type: ignore[untyped-decorator,unused-ignore]
def _integral(first_h: float, v: int, work: Float) -> float:
    """Amplitude at time zero over the rate, carried to first order over the last small step."""
    rate = work[RATE + v]
    at_first = work[DATA + v] / work[CURVE + v]
    mean = 2.0 * work[CURVE_T + v] / work[CURVE + v] - work[DATA_T + v] / (work[DATA + v] + TINY)
    change = work[STEP + v] * (mean + first_h - 1.0 / rate)
    tia: float = at_first / (decay(rate * first_h) * rate) * (1.0 + change)
    return tia
