"""Voxel curves against a loop of scipy's curve_fit in one run: speed, agreement, memory.

python -m benchmarks.voxel_fits [voxels]
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from time import perf_counter, process_time, sleep

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, curve_fit

from quimby.kinetics.models import LN2
from quimby.kinetics.voxelwise import VoxelFits, fit_voxels

Array = NDArray[np.floating]

TIMES_H = (24.0, 72.0, 96.0, 168.0)
PHYSICAL_H = 159.528
SLOWEST, FASTEST = LN2 / PHYSICAL_H, LN2 / 12
SPECT_MBQ, NOISE = 1.0, 0.10
VOXELS, REPEATS = 2_000_000, 7
LOOPED, CHECKED = 1_000, 4_000


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds a voxel by the clock and of processor, of both ways and of copying the bytes.

    The ratio of processor times is that of one core against one; a busy machine does not move
    it. By the clock ours has all cores, and shares them with what else runs.
    """

    ours: tuple[float, float]
    loop: tuple[float, float]
    copied: tuple[float, float]  # reading a voxel's scans and writing its maps, plain copies


def readings(voxels: int, *, seed: int = 1) -> NDArray[np.float32]:
    """(scan, voxel): amplitudes log-normal, half-lives 51 h with sd of ln 0.3, 10 % noise."""
    random = np.random.default_rng(seed)
    amplitudes = SPECT_MBQ * random.lognormal(0.0, 1.0, voxels)
    half_lives = np.clip(51 * np.exp(0.3 * random.standard_normal(voxels)), 15, 150)
    scans = np.empty((len(TIMES_H), voxels), dtype=np.float32)
    for row, t in zip(scans, TIMES_H, strict=True):
        seen = amplitudes * np.exp(-LN2 * t / half_lives)
        row[:] = seen * np.abs(1 + NOISE * random.standard_normal(voxels))
    return scans


def ours(scans: Array) -> VoxelFits:
    return fit_voxels(TIMES_H, scans, physical_half_life_h=PHYSICAL_H)


def by_curve_fit(y: Array) -> float:
    """TIA by the loop people write: curve_fit with bounds left out, from a fair start."""
    (a, k), _ = curve_fit(lambda t, a, k: a * np.exp(-k * t), TIMES_H, y, p0=(1.5 * y[0], 0.0136))
    return float(a / k)


def by_the_tight_way(y: NDArray[np.float64]) -> float:
    """TIA of the best curve in the bounds: 200 rates, then the zero of the misfit's slope."""
    t = np.array(TIMES_H)
    rates = np.geomspace(SLOWEST, FASTEST, 200)
    curves = np.exp(-np.outer(rates, t))
    amplitudes = curves @ y / (curves**2).sum(axis=1)
    best = int(np.argmin(((y - amplitudes[:, None] * curves) ** 2).sum(axis=1)))

    def amplitude(rate: float) -> float:
        e = np.exp(-rate * t)
        return float(y @ e / (e @ e))

    def slope(rate: float) -> float:
        e = np.exp(-rate * t)
        return float((y - amplitude(rate) * e) @ (t * e))

    low, high = rates[max(best - 1, 0)], rates[min(best + 1, 199)]
    rate = float(rates[best])
    if slope(low) * slope(high) < 0:
        rate = float(brentq(slope, low, high, xtol=1e-16, rtol=1e-14))
    return amplitude(rate) / rate


def speed(scans: Array, *, looped: int = LOOPED, repeats: int = REPEATS) -> Speed:
    """All three, taken in turns so that other work on the machine meets them alike."""
    voxels = scans.shape[1]
    step = max(voxels // looped, 1)
    sample = [scans[:, v].astype(np.float64) for v in range(0, voxels, step)][:looped]
    ours(scans)  # compiles
    found = []
    share = -(-len(sample) // repeats)
    for turn in range(repeats):
        part = sample[turn * share : (turn + 1) * share] or sample[-1:]
        fits = _timed(lambda: ours(scans), voxels)
        loop = _timed(lambda part=part: [by_curve_fit(y) for y in part], len(part))  # type: ignore[misc]
        found.append((fits, loop, _timed(lambda: _copies(scans), voxels)))
    middle = np.median(np.array(found), axis=0)
    return Speed(*((float(wall), float(cpu)) for wall, cpu in middle))


def _copies(scans: Array) -> None:
    scans.copy()
    np.ones(2 * scans.shape[1], scans.dtype)
    np.ones(scans.shape[1], np.uint8)


def _timed(job: Callable[[], object], count: int) -> tuple[float, float]:
    """Seconds by the clock and of processor, each."""
    start, used = perf_counter(), process_time()
    job()
    return (perf_counter() - start) / count, (process_time() - used) / count


def agreement(scans: Array, *, checked: int = CHECKED) -> NDArray[np.float64]:
    """|TIA / tight TIA - 1| of evenly chosen voxels, in float64."""
    chosen = np.linspace(0, scans.shape[1] - 1, checked).astype(int)
    part = scans[:, chosen].astype(np.float64)
    found = ours(part).tia
    known = np.array([by_the_tight_way(part[:, i]) for i in range(len(chosen))])
    return np.asarray(np.abs(found / known - 1), dtype=np.float64)


def peak_over_input(scans: Array) -> float:
    """Largest growth of the resident memory while fitting, over the size of the scans."""
    ours(scans[:, :1000])
    before, most, done = _resident(), 0, Event()

    def watch() -> None:
        nonlocal most
        while not done.is_set():
            most = max(most, _resident())
            sleep(0.001)

    watcher = Thread(target=watch)
    watcher.start()
    kept = ours(scans)
    most = max(most, _resident())
    done.set()
    watcher.join()
    assert kept.tia.size
    return (most - before + scans.nbytes) / scans.nbytes


def _resident() -> int:
    """Bytes in memory now (Linux); elsewhere the peak so far, which can only say more."""
    try:
        with open("/proc/self/statm") as statm:  # noqa: PTH123
            return int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Print speed, agreement, memory and the share of the memory's speed."""
    scans = readings(int(sys.argv[1]) if len(sys.argv) > 1 else VOXELS)
    off = agreement(scans)
    memory = peak_over_input(scans)
    found = speed(scans)
    print(f"voxels {scans.shape[1]}, scans {scans.shape[0]}, {scans.dtype}")
    for name, (wall, cpu) in (("ours", found.ours), ("curve_fit loop", found.loop),
                              ("bare copies", found.copied)):  # fmt: skip
        print(f"{name:16}{1e9 * wall:12.1f} ns a voxel by the clock {1e9 * cpu:12.1f} of processor")
    by_clock, of_processor = (x / y for x, y in zip(found.loop, found.ours, strict=True))
    print(f"ratio           {by_clock:12.0f} by the clock  {of_processor:12.0f} of processor")
    print(
        f"voxels a second {1 / found.ours[0]:12.3g} by the clock  {1 / found.ours[1]:12.3g} a core"
    )
    print(f"share of the memory's speed {found.copied[1] / found.ours[1]:.0%} of one core's")
    print(f"TIA within 1e-5 {np.mean(off <= 1e-5):10.2%} of {off.size}; largest {off.max():.1e}")
    print(f"memory          {memory:10.2f} x the scans, at most")
    print(ours(scans).counts)


if __name__ == "__main__":
    main()
