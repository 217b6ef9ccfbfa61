"""How the voxel dose compares with bare NumPy doing the same arithmetic, in one run.

python benchmarks/voxel_dose.py
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

from quimby.dose.local import RegionWeights, voxel_dose
from quimby.physics.nuclides import delta_gy_g_per_mbq_h

SIZE, SCANS, REPEATS = 128, 4, 7
HOURS = (12.0, 33.0, 71.0, 150.0)


def main() -> None:
    """Print both times (best of several) and their ratio."""
    rng = np.random.default_rng(1)
    maps = [rng.random((SIZE,) * 3, dtype=np.float32) for _ in range(SCANS)]
    density = np.full((SIZE,) * 3, 1.04, dtype=np.float32)
    organ = np.zeros((SIZE,) * 3, dtype=np.float32)
    organ[40:80, 40:80, 40:80] = 1
    organs = {"organ": organ}
    weights = {"organ": RegionWeights((10.0, 30.0, 70.0, 90.0), 2e5)}
    voxel = np.float32(0.1)

    def bare() -> object:
        """The same sums, written in the plainest way."""
        tia: Any = sum(np.float32(w) * c for w, c in zip(HOURS, maps, strict=True))
        held = [float((organ * c).sum()) * 0.1 for c in maps]
        own = np.asarray(weights["organ"].hours)
        factor = 2e5 / float(own @ held)
        extra = factor * own - np.asarray(HOURS)
        tia = tia + sum(np.float32(w) * c * organ for w, c in zip(extra, maps, strict=True))
        return tia * np.float32(delta_gy_g_per_mbq_h(0.1479)) / np.maximum(density, voxel)

    def ours() -> object:
        return voxel_dose(
            maps, density, organs, weights=weights, remainder_hours=HOURS,
            voxel_ml=0.1, energy_mev=0.1479,
        )  # fmt: skip

    def fused() -> object:
        """Bare sum of scans and division only, without any region."""
        tia = sum(np.float32(w) * c for w, c in zip(HOURS, maps, strict=True))
        return tia * np.float32(delta_gy_g_per_mbq_h(0.1479)) / np.maximum(density, voxel)

    times = {}
    for name, job in (("ours", ours), ("bare", bare), ("no region", fused)):
        times[name] = min(_timed(job) for _ in range(REPEATS))
        print(f"{name:10s} {times[name] * 1000:7.1f} ms")
    print(f"ratio ours/bare      {times['ours'] / times['bare']:.2f}")
    print(f"ratio ours/no region {times['ours'] / times['no region']:.2f}")


def _timed(job: object) -> float:
    start = perf_counter()
    job()  # type: ignore[operator]
    return perf_counter() - start


if __name__ == "__main__":
    main()
