"""Our rigid registration against elastix's default one, from ten random poses, in one run.

    python -m benchmarks.registration --peer PYTHON [--case-a] [--poses 10] [--seed 1]

PYTHON is an interpreter that has itk-elastix, in an environment of its own. Aim: at most half its
wall time over all poses, and in no pose a mean target error above its. Only the registration is
timed, images in memory on both sides; the first registration of each side is not counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Grid, Image, Rigid
from quimby.measure.dicom.ct import read_ct
from quimby.measure.registration import register
from quimby.measure.resample import resample

Float = NDArray[np.float64]

SIDE, STEP_MM = 128, 3.0
SHIFT_MM, TURN_DEG = 20.0, 10.0
NOISE_HU = 20.0
CASE_A = Path(__file__).resolve().parents[2] / "shared" / "data" / "lu177_dotatate_case_a"
PEER = Path(__file__).with_name("registration_elastix.py")
ORGANS = (
    ((0, 70, 0), (18, 16, 400), 280.0),
    ((0, 38, 0), (13, 13, 400), 45.0),
    ((62, 35, -30), (28, 24, 55), 35.0),
    ((-62, 38, -40), (28, 24, 55), 35.0),
    ((-60, -15, 55), (75, 60, 55), 60.0),
    ((85, 15, 45), (28, 38, 50), 50.0),
    ((65, 5, 165), (55, 65, 75), -750.0),
    ((-65, 5, 165), (55, 65, 75), -750.0),
    ((20, -50, -60), (40, 22, 25), -90.0),
    ((-45, -35, -95), (22, 30, 40), -150.0),
    ((0, 60, -150), (120, 30, 35), 250.0),
)
"""Centre and half axes, mm, and HU of ellipsoids: spine, aorta, kidneys, liver, spleen, lungs,
fat, bowel and pelvis."""


@dataclass(frozen=True, slots=True)
class Found:
    """One registration: its time, and the distance of body points from where they belong."""

    seconds: float
    mean_mm: float
    worst_mm: float


def lattice() -> Grid:
    """128 x 128 x 128 cubes of 3 mm about the origin."""
    affine = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])
    affine[:3, 3] = -(SIDE - 1) / 2 * STEP_MM
    return Grid((SIDE, SIDE, SIDE), affine)


def hu_at(points_mm: Float, edge_mm: float = STEP_MM) -> Float:
    """The phantom's HU at points (..., 3); edges take one voxel, as in a CT."""
    values = np.full(points_mm.shape[:-1], -1000.0)
    for at, half, hu in (((0, 0, 0), (165, 110, 900), 10.0), *ORGANS):
        scaled = (points_mm - np.array(at)) / np.array(half)
        far = np.linalg.norm(scaled, axis=-1)
        slope = np.linalg.norm(scaled / np.array(half), axis=-1) / np.maximum(far, 1e-9)
        share = np.clip((1.0 - far) / np.maximum(slope, 1e-9) / edge_mm + 0.5, 0.0, 1.0)
        values += share * (hu - values)
    return values


def drawn_phantom(moved: Rigid, seed: int, grid: Grid | None = None) -> Image:
    """The phantom lying elsewhere, drawn there (nothing is interpolated), with noise of its own."""
    on = lattice() if grid is None else grid
    values = hu_at(moved.inverse().apply(on.centres_mm()), on.spacing_mm[0])
    noise = np.random.default_rng(seed).normal(0.0, NOISE_HU, values.shape)
    return Image(on, (values + noise).astype(np.float32), "HU")


def drawn_case_a() -> Callable[[Rigid, int], Image]:
    """The same of case A's reference CT: interpolated from its fine voxels, noise added."""
    source = read_ct(sorted((CASE_A / "tp2" / "CT").iterdir())).image
    middle = source.grid.points_mm((np.array(source.grid.shape[::-1]) - 1) / 2)
    centred = Rigid(np.eye(3), -middle)

    def drawn(moved: Rigid, seed: int) -> Image:
        both = Rigid(moved.rotation, moved.apply(centred.translation_mm))
        there = resample(source, lattice(), both, outside=-1000.0)
        noise = np.random.default_rng(seed).normal(0.0, NOISE_HU, there.grid.shape)
        return Image(there.grid, (there.values + noise).astype(np.float32), "HU")

    return drawn


def pose(random: np.random.Generator) -> Rigid:
    """Up to 20 mm along and 10 degrees about each axis, about the middle of the grid."""
    a, b, c = np.radians(random.uniform(-TURN_DEG, TURN_DEG, 3))
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return Rigid(z @ y @ x, random.uniform(-SHIFT_MM, SHIFT_MM, 3))


class Peer:
    """elastix in its own process, asked one pair of images at a time."""

    def __init__(self, python: str) -> None:
        command = [python, str(PEER)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, fixed: Image, moving: Image) -> tuple[float, Rigid]:
        """Seconds and movement."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pair.npz"
            np.savez(path, fixed=fixed.array, moving=moving.array,
                     spacing=fixed.grid.spacing_mm, origin=fixed.grid.origin_mm)  # fmt: skip
            print(path, file=self._process.stdin, flush=True)
            for line in self._process.stdout:
                if line.startswith("ANSWER "):
                    told = json.loads(line.removeprefix("ANSWER "))
                    matrix = np.array(told["matrix"])
                    return float(told["seconds"]), Rigid(matrix[:, :3], matrix[:, 3])
        raise SystemExit("elastix ended without an answer")

    def close(self) -> None:
        """End its process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def ours(fixed: Image, moving: Image) -> tuple[float, Rigid]:
    """Seconds and movement."""
    started = perf_counter()
    found = register(fixed, moving)
    return perf_counter() - started, found.transform


def judged(told: tuple[float, Rigid], wanted: Rigid, points: Float) -> Found:
    """Against the true movement."""
    off = np.linalg.norm(told[1].apply(points) - wanted.apply(points), axis=-1)
    return Found(told[0], float(off.mean()), float(off.max()))


def has_elastix(python: str | None) -> bool:
    """Whether that interpreter can be asked."""
    if python is None:
        return False
    try:
        check = [python, "-c", "import itk; itk.ElastixRegistrationMethod"]
        return subprocess.run(check, capture_output=True).returncode == 0
    except OSError:
        return False


def main() -> int:
    """Print the table; 0 when the aim is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="Python that has itk-elastix")
    parser.add_argument("--case-a", action="store_true", help="case A's CT, not the phantom")
    parser.add_argument("--poses", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    peer = Peer(asked.peer) if has_elastix(asked.peer) else None
    if peer is None:
        print("elastix skipped: give --peer a Python that has itk-elastix")
    drawn = drawn_case_a() if asked.case_a else drawn_phantom
    rows = compared(drawn, peer, poses=asked.poses, seed=asked.seed)
    if peer is None:
        return 0
    peer.close()
    return verdict(rows)


def compared(
    drawn: Callable[[Rigid, int], Image], peer: Peer | None, *, poses: int, seed: int
) -> list[tuple[Found, Found]]:
    """Register every pose both ways, by turns, and print a line for each."""
    random = np.random.default_rng(seed)
    fixed = drawn(Rigid.identity(), seed)
    body = np.argwhere(fixed.values > -300.0)[::97, ::-1]
    points = fixed.grid.points_mm(body)
    for side in (ours, peer):
        if side is not None:
            side(fixed, drawn(Rigid.identity(), seed + 1))
    print(f"{'pose':>4} {'ours s':>8} {'mean mm':>8} {'worst':>7} {'elastix s':>10} "
          f"{'mean mm':>8} {'worst':>7}")  # fmt: skip
    rows = []
    for number in range(1, poses + 1):
        wanted = pose(random)
        moving = drawn(wanted, seed + 100 + number)
        a = judged(ours(fixed, moving), wanted, points)
        line = f"{number:4d} {a.seconds:8.2f} {a.mean_mm:8.3f} {a.worst_mm:7.3f}"
        if peer is not None:
            b = judged(peer(fixed, moving), wanted, points)
            rows.append((a, b))
            line += f" {b.seconds:10.2f} {b.mean_mm:8.3f} {b.worst_mm:7.3f}"
        print(line, flush=True)
    return rows


def verdict(rows: list[tuple[Found, Found]]) -> int:
    """0 when both aims are met."""
    ratio = sum(a.seconds for a, _ in rows) / sum(b.seconds for _, b in rows)
    worse = sum(a.mean_mm > b.mean_mm for a, b in rows)
    passed = ratio <= 0.5 and worse == 0
    print(f"wall time over elastix's {ratio:.2f} (at most 0.50), worse in {worse} poses (none): "
          f"{'pass' if passed else 'FAIL'}")  # fmt: skip
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
