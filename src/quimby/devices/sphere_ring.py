"""Finding the ring of six spheres in a phantom, with nobody's help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, radians, sin

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage
from scipy.optimize import minimize

from quimby.core.grid import Grid, Image
from quimby.core.notes import refusal
from quimby.devices.point_spread import Sphere, sphere_occupancy

Float = NDArray[np.float64]
Mask = NDArray[np.bool_]
STEP_DEG, STEP_MM = 10.0, 6.0
REACH_MM = 42.0  # how far the ring's centre may lie from the middle of the phantom
SHELL_MM = 8.0  # thickness of the shell that a sphere is compared with
LEAST_SPREAD = 0.02  # of the background: below it there is nothing to see
LEAST_LIKENESS = 0.35  # mean correlation of all spheres
BEST_KEPT = 5  # starts that are refined


@dataclass(frozen=True, slots=True)
class SphereRing:
    """Spheres on a ring in a plane of constant z: centre, radius, angle of the first, sense.

    `turn` is +1 where sphere numbers rise from +x towards +y, -1 against it. `likeness` is the
    mean correlation of the picture with spheres and the shells about them, 1 at best.
    """

    centre_mm: tuple[float, float, float]
    ring_mm: float
    angle_deg: float
    turn: int
    spheres: tuple[Sphere, ...]
    likeness: float


def phantom_level(values: Float, *, where: str) -> float:
    """Usual value inside a phantom: the median of what is above half of it."""
    limit = float(values.mean())
    for _ in range(30):
        inside = values[values > limit]
        if not inside.size or not limit > 0:
            raise refusal("E-PET-PHANTOM", where=where, why="it is empty")
        level = float(np.median(inside))
        if abs(level / 2.0 - limit) < 1e-6 * level:
            break
        limit = level / 2.0
    return level


def phantom_mask(values: Float, level: float) -> Mask:
    """The largest piece above half of the level, filled slice by slice."""
    pieces, _ = ndimage.label(values > level / 2.0)
    biggest = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    return np.stack([ndimage.binary_fill_holes(plane) for plane in biggest])


def find_ring(
    image: Image,
    diameters_mm: Sequence[float],
    *,
    ring_mm: tuple[float, float],
    hot: bool = True,
    where: str = "sphere phantom",
) -> SphereRing:
    """Place of spheres that stand at equal angles on a ring, largest first, in either sense.

    The ring's radius lies between the two of `ring_mm`. Every plane, turn and sense within
    reach of the phantom's middle is tried on volumes smoothed with each sphere, and the best
    are refined; small spheres hot or cold tell the sense. E-PET-PHANTOM where no ring stands
    out of the background.
    """
    if len(diameters_mm) < 3 or list(diameters_mm) != sorted(diameters_mm, reverse=True):
        raise refusal("E-PET-PHANTOM", where=where, why="three spheres or more, the largest first")
    level = phantom_level(image.values, where=where)
    inside = phantom_mask(image.values, level)
    box, grid = _boxed(image.grid, inside)
    sign = 1.0 if hot else -1.0
    excess = sign * np.where(inside[box], image.values[box] / level - 1.0, -1.0 if hot else 1.0)
    balls = _likenesses(excess, grid, diameters_mm)
    best = _search(balls, grid, _middle(inside[box], grid), ring_mm)
    ring, score = _refined(balls, grid, best, ring_mm)
    if not score > LEAST_LIKENESS:
        raise refusal("E-PET-PHANTOM", where=where, why="no ring of spheres stands out")
    return _made(ring, diameters_mm, score)


Guess = tuple[float, float, float, float, float, int]  # x, y, z, radius, angle, turn


def _made(ring: Guess, diameters: Sequence[float], score: float) -> SphereRing:
    x, y, z, radius, angle, turn = ring
    points = _centres(ring, len(diameters))
    spheres = tuple(
        Sphere(float(d), (float(p[0]), float(p[1]), float(p[2])))
        for d, p in zip(diameters, points, strict=True)
    )
    return SphereRing((x, y, z), radius, angle % 360.0, turn, spheres, score)


def _boxed(grid: Grid, inside: Mask) -> tuple[tuple[slice, ...], Grid]:
    """The part of the grid that holds the phantom."""
    spans = [np.flatnonzero(inside.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    start = tuple(int(s[0]) for s in spans)
    stop = tuple(int(s[-1]) + 1 for s in spans)
    box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    return box, grid.cropped((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _middle(inside: Mask, grid: Grid) -> Float:
    k, j, i = ndimage.center_of_mass(inside)
    return grid.points_mm((i, j, k))


def _likenesses(excess: Float, grid: Grid, diameters: Sequence[float]) -> list[Float]:
    """Correlation, -1 to 1, of the surroundings of every voxel with a sphere of each size.

    The sphere is compared with a shell about it, so a small sphere is not found inside a large
    one, nor a large one around a small one.
    """
    shape = _kernel(grid, 1.0, max(diameters) + 2.0 * SHELL_MM).shape
    first, second = _Spread(excess, shape), _Spread(excess**2, shape)
    return [_likeness(first, second, grid, d) for d in diameters]


def _likeness(first: _Spread, second: _Spread, grid: Grid, diameter: float) -> Float:
    outer = diameter + 2.0 * SHELL_MM
    ball, both = _kernel(grid, diameter, outer), _kernel(grid, outer, outer)
    share = float(ball.sum() / both.sum())
    inside, mean = first.mean(ball), first.mean(both)
    around = (mean - share * inside) / (1.0 - share)
    spread = np.sqrt(np.clip(second.mean(both) - mean**2, LEAST_SPREAD**2, None))
    return np.asarray((inside - around) * np.sqrt(share * (1.0 - share)) / spread)


class _Spread:
    """An array ready to be averaged with several small kernels: its transform is made once."""

    def __init__(self, array: Float, room: tuple[int, ...]) -> None:
        self.half = [n // 2 for n in room]
        padded = np.pad(array, [(h, h) for h in self.half], mode="edge")
        self.inner = array.shape
        self.shape = [fft.next_fast_len(n, real=True) for n in padded.shape]
        self.transform = fft.rfftn(padded, self.shape)

    def mean(self, kernel: Float) -> Float:
        """Kernel-weighted mean about every voxel; the kernel is symmetric and odd-sized."""
        turned = self.transform * np.conj(fft.rfftn(kernel / kernel.sum(), self.shape))
        found = fft.irfftn(turned, self.shape)
        start = [h - n // 2 for h, n in zip(self.half, kernel.shape, strict=True)]
        box = tuple(slice(s, s + n) for s, n in zip(start, self.inner, strict=True))
        return np.asarray(found[box], dtype=np.float64)


def _kernel(grid: Grid, diameter: float, room_mm: float) -> Float:
    """A ball's share of each voxel, in a box that holds one of `room_mm`."""
    half = [int(np.ceil(room_mm / 2.0 / step)) + 1 for step in grid.spacing_mm[::-1]]
    around = Grid((2 * half[0] + 1, 2 * half[1] + 1, 2 * half[2] + 1), grid.affine)
    x, y, z = around.points_mm((half[2], half[1], half[0]))
    return sphere_occupancy(around, Sphere(diameter, (float(x), float(y), float(z))))


def _centres(ring: Guess, count: int) -> Float:
    x, y, z, radius, angle, turn = ring
    ways = [radians(angle + turn * 360.0 / count * n) for n in range(count)]
    return np.array([(x + radius * cos(w), y + radius * sin(w), z) for w in ways])


def _at(splines: Sequence[Float], grid: Grid, points: Float) -> Float:
    """Each sphere's likeness at its own point."""
    index = grid.index_of(points)[:, ::-1]
    return np.array([
        ndimage.map_coordinates(ball, at[:, None], order=3, mode="nearest", prefilter=False)[0]
        for ball, at in zip(splines, index, strict=True)
    ])  # fmt: skip


def _search(
    balls: Sequence[Float], grid: Grid, middle: Float, ring_mm: tuple[float, float]
) -> list[Guess]:
    """The best few of all planes, turns, senses and places on a coarse lattice."""
    count = len(balls)
    planes = np.arange(grid.shape[0])
    offsets = np.arange(-REACH_MM, REACH_MM + 1.0, STEP_MM)
    cx, cy = np.meshgrid(middle[0] + offsets, middle[1] + offsets, indexing="ij")
    found: list[tuple[float, Guess]] = []
    radii = np.unique(np.linspace(*ring_mm, max(1, round((ring_mm[1] - ring_mm[0]) / 8.0) + 1)))
    for radius in radii:
        for angle in np.arange(0.0, 360.0, STEP_DEG):
            for turn in (1, -1):
                total = np.zeros((planes.size, *cx.shape))
                for n, ball in enumerate(balls):
                    way = radians(angle + turn * 360.0 / count * n)
                    total += _looked_up(ball, grid, cx + radius * cos(way), cy + radius * sin(way))
                at = np.unravel_index(int(np.argmax(total)), total.shape)
                z = float(grid.points_mm((0, 0, float(at[0])))[2])
                guess = (float(cx[at[1:]]), float(cy[at[1:]]), z, float(radius), float(angle), turn)
                found.append((float(total[at]) / count, guess))
    found.sort(key=lambda row: -row[0])
    return [guess for _, guess in found[:BEST_KEPT]]


def _looked_up(ball: Float, grid: Grid, x: Float, y: Float) -> Float:
    """Values of all planes at the voxels nearest to (x, y); the lowest there is, outside."""
    points = np.stack([x, y, np.full_like(x, grid.origin_mm[2])], axis=-1)
    index = np.round(grid.index_of(points)).astype(int)
    i, j = index[..., 0], index[..., 1]
    fits = (i >= 0) & (j >= 0) & (i < grid.shape[2]) & (j < grid.shape[1])
    values = ball[:, np.clip(j, 0, grid.shape[1] - 1), np.clip(i, 0, grid.shape[2] - 1)]
    return np.where(fits, values, ball.min())


def _refined(
    balls: Sequence[Float], grid: Grid, starts: Sequence[Guess], ring_mm: tuple[float, float]
) -> tuple[Guess, float]:
    """Best of the starts after moving centre, angle and radius freely."""
    splines = [ndimage.spline_filter(ball, order=3, mode="nearest") for ball in balls]
    best: tuple[float, Guess] | None = None
    for start in starts:
        turn = start[5]

        def lost(p: Float, turn: int = turn) -> float:
            ring = (p[0], p[1], p[2], float(np.clip(p[3], *ring_mm)), p[4] * 180.0 / pi, turn)
            return -float(np.mean(_at(splines, grid, _centres(ring, len(balls)))))

        x0 = np.array([*start[:4], radians(start[4])])
        simplex = np.vstack([x0, x0 + np.diag([4.0, 4.0, 4.0, 2.0, 0.1])])
        fit = minimize(
            lost,
            x0,
            method="Nelder-Mead",
            options={"initial_simplex": simplex, "xatol": 0.02, "fatol": 1e-5},
        )
        p = fit.x
        ring = (float(p[0]), float(p[1]), float(p[2]), float(np.clip(p[3], *ring_mm)),
                float(np.degrees(p[4])), turn)  # fmt: skip
        if best is None or -fit.fun > best[0]:
            best = (-float(fit.fun), ring)
    if best is None:
        raise refusal("E-PET-PHANTOM", where="sphere phantom", why="it is empty")
    return best[1], best[0]
