"""New patients from case A's anatomy: other curves, positions, cameras and ways to write a file.

The forward model shares nothing with Quimby but the grid: masks are voxels whose centres lie in
the contours, activity is sampled there, blurred by a Gaussian and made noisy (as case A's own
PROVENANCE says its images were). Tests and benchmarks only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib.path import Path as Polygon
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import binary_fill_holes, gaussian_filter, label

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.outline import Outline
from tests.case_a_truth import REFERENCE, ct, outlines, truth

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
LN2 = float(np.log(2.0))
PHYSICAL_H = 159.528
ADMINISTERED_MBQ = 7350.0
COUNTS_PER_MBQ = 9.36 * 120 * 20
FWHM_TO_SIGMA = 1.0 / 2.354820045
NOISE_FWHM_MM, NOISE_SCALE = 9.0, 4.0
ORGANS = ("Liver", "Spleen", "Kidney_L", "Kidney_R")
LESIONS = ("Lesion_1", "Lesion_2", "Lesion_3")
REMAINDER = "Remainder"
SCHEDULES = ((4.0, 24.0, 120.0), (20.0, 70.0, 165.0), (24.0, 96.0, 168.0), (2.0, 24.0, 72.0),
             (4.0, 24.0, 96.0), (4.0, 48.0, 168.0))  # fmt: skip


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Regions as voxels of the reference CT, no two in one; the remainder is the rest."""

    grid: Grid
    masks: Mapping[str, Mask]


@dataclass(frozen=True, slots=True)
class Kinetics:
    """Sum of amplitude * 2**(-t / half-life); MBq, h."""

    terms: tuple[tuple[float, float], ...]

    def activity_mbq(self, time_h: float) -> float:
        """Physical activity at a time after the administration."""
        return float(sum(a * 2.0 ** (-time_h / half) for a, half in self.terms))

    @property
    def tia_mbq_h(self) -> float:
        """Integral from zero to ever."""
        return sum(a * half for a, half in self.terms) / LN2


@dataclass(frozen=True)
class Variant:
    """One invented patient and camera. `poses` move reference points to each scan."""

    kinetics: Mapping[str, Kinetics]
    times_h: tuple[float, ...]
    poses: tuple[Rigid, ...]
    reference: int = 1  # index of the scan whose CT is the outlined one
    fwhm_mm: float = 11.0
    voxel_mm: float = 4.7952
    seed: int = 1
    noise: bool = True
    points: int = 32  # at which a voxel is asked what lies there


@cache
def anatomy() -> Anatomy:
    """Case A's regions on its reference CT."""
    image = ct(REFERENCE)
    masks = {o.name: _filled(o, image.grid) for o in outlines() if o.name in (*ORGANS, *LESIONS)}
    for lesion in LESIONS:  # a lesion's voxels belong to it alone
        for organ in ORGANS:
            masks[organ] = masks[organ] & ~masks[lesion]
    taken = np.any(np.stack(list(masks.values())), axis=0)
    return Anatomy(image.grid, {**masks, REMAINDER: _body(image) & ~taken})


def _body(image: Image) -> Mask:
    parts, _ = label(np.asarray(image.array) > -300)
    largest = parts == int(np.argmax(np.bincount(parts.ravel())[1:])) + 1
    return np.stack([binary_fill_holes(plane) for plane in largest])


def _filled(outline: Outline, grid: Grid) -> Mask:
    """Voxels whose centre lies in an odd number of the contours of its slice."""
    found = np.zeros(grid.shape, dtype=bool)
    rows, columns = np.meshgrid(*(np.arange(n) for n in grid.shape[1:]), indexing="ij")
    at = np.stack([columns.ravel(), rows.ravel()], axis=1)
    for contour in outline.contours:
        index = grid.index_of(contour)
        k = round(float(index[:, 2].mean()))
        found[k] ^= Polygon(index[:, :2]).contains_points(at).reshape(grid.shape[1:])
    return found


def spect_grid(voxel_mm: float) -> Grid:
    """A cubic grid about the middle of the CT, covering at least 400 mm along the body."""
    n = 2 * round(614.0 / voxel_mm / 2)
    shape = (2 * round(402.0 / voxel_mm / 2), n, n)
    affine = np.diag([voxel_mm, voxel_mm, voxel_mm, 1.0])
    affine[:3, 3] = [-(size - 1) / 2 * voxel_mm for size in shape[::-1]]
    return Grid(shape, affine)


def activity_image(activity_mbq: Mapping[str, float], pose: Rigid, grid: Grid, *, points: int = 32
                   ) -> Array:  # fmt: skip
    """MBq in every voxel, sharp: each voxel is asked at some points which region it lies in.

    All of an organ's activity lies in the image; the remainder's beyond the CT does not.
    """
    regions = anatomy()
    names = list(regions.masks)
    labels = np.zeros(regions.grid.shape, dtype=np.uint8)
    for n, name in enumerate(names, 1):
        labels[regions.masks[name]] = n
    seen = [_labels(labels, pose, grid, offset) for offset in _offsets(points)]
    found = np.sum([np.bincount(part.ravel(), minlength=len(names) + 1) for part in seen], axis=0)
    share = np.zeros(len(names) + 1)
    for n, name in enumerate(names, 1):
        if name == REMAINDER:
            volume = float(regions.masks[name].sum()) * regions.grid.voxel_ml
            share[n] = activity_mbq[name] / volume * grid.voxel_ml / points
        else:
            share[n] = activity_mbq[name] / found[n]
    total = np.zeros(grid.shape)
    for part in seen:
        total += share[part]
    return total


def _offsets(points: int) -> list[tuple[float, ...]]:
    """Places in a voxel, no two alike along any axis (additive recurrence by Roberts)."""
    steps = np.array([0.8191725134, 0.6710436067, 0.5497004779])
    return [tuple(map(float, (0.5 + n * steps) % 1.0 - 0.5)) for n in range(points)]


def _labels(labels: NDArray[np.uint8], pose: Rigid, grid: Grid, offset: tuple[float, ...]
            ) -> NDArray[np.uint8]:  # fmt: skip
    """The region at one point of every voxel; 0 outside the body and beyond the CT."""
    back = np.linalg.inv(anatomy().grid.affine) @ _matrix(pose.inverse()) @ grid.affine
    along = [np.arange(n) + part for n, part in zip(grid.shape[::-1], offset, strict=True)]
    index, inside = [], np.ones(grid.shape, dtype=bool)
    for row, size in zip(back[2::-1], labels.shape, strict=True):
        place = (row[0] * along[0][None, None, :] + row[1] * along[1][None, :, None]
                 + row[2] * along[2][:, None, None] + row[3])  # fmt: skip
        nearest = np.rint(place).astype(np.int32)
        inside &= (nearest >= 0) & (nearest < size)
        index.append(np.clip(nearest, 0, size - 1))
    return np.where(inside, labels[tuple(index)], np.uint8(0))


def _matrix(moved: Rigid) -> Array:
    whole = np.eye(4)
    whole[:3, :3], whole[:3, 3] = moved.rotation, moved.translation_mm
    return whole


def counts(variant: Variant, scan: int, grid: Grid, *, exposure: float = 1.0) -> Array:
    """Expected counts of one scan after blur, with noise where the variant has it."""
    now = {n: k.activity_mbq(variant.times_h[scan]) for n, k in variant.kinetics.items()}
    sharp = activity_image(now, variant.poses[scan], grid, points=variant.points)
    return recorded(sharp, grid, variant, seed=variant.seed * 10 + scan, exposure=exposure)


def recorded(sharp_mbq: Array, grid: Grid, variant: Variant, *, seed: int, exposure: float = 1.0
             ) -> Array:  # fmt: skip
    """Blur, then noise as strong and as smooth as in case A (white noise x 4 x root of counts)."""
    sigma = [variant.fwhm_mm * FWHM_TO_SIGMA / s for s in grid.spacing_mm[::-1]]
    expected = gaussian_filter(sharp_mbq, sigma, mode="constant") * COUNTS_PER_MBQ * exposure
    if not variant.noise:
        return np.asarray(expected)
    steps = [NOISE_FWHM_MM * FWHM_TO_SIGMA / s for s in grid.spacing_mm[::-1]]
    random = np.random.default_rng(seed)
    wave = gaussian_filter(random.standard_normal(grid.shape), steps, mode="wrap")
    noisy = expected + NOISE_SCALE * np.sqrt(expected) * wave  # 0.84 x root of counts at 4.8 mm
    return np.asarray(np.maximum(noisy, 0.0))


def turned(degrees: ArrayLike, shift_mm: ArrayLike) -> Rigid:
    """Turns about x, y and z through the origin, then a shift."""
    x, y, z = np.radians(np.asarray(degrees, dtype=float))
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return Rigid(about_z @ about_y @ about_x, np.asarray(shift_mm, dtype=float))


def uptake_clearance(amplitude: float, half_h: float, uptake_h: float = 0.0, share: float = 1.0
                     ) -> Kinetics:  # fmt: skip
    """Clearance of `amplitude`, of which `share` is there at once and the rest is taken up."""
    if share >= 1.0:
        return Kinetics(((amplitude, half_h),))
    return Kinetics(((amplitude, half_h), (-amplitude * (1.0 - share), uptake_h)))


def random_variant(seed: int, *, schedule: tuple[float, ...] | None = None) -> Variant:
    """A patient drawn at random: curves in the range of the literature, a few mm and degrees."""
    draw = np.random.default_rng(seed)
    level = {name: row["kinetics"][0][0] * float(draw.uniform(0.7, 1.4))
             for name, row in truth().document["regions"].items()}  # fmt: skip
    kidney = (float(draw.uniform(40, 60)), float(draw.uniform(1.0, 2.5)),
              float(draw.uniform(0.5, 1.0)))  # fmt: skip
    kinetics = {
        "Liver": uptake_clearance(level["Liver"], float(draw.uniform(55, 80)),
                                  float(draw.uniform(1, 2)), float(draw.uniform(0.8, 1.2))),
        "Spleen": uptake_clearance(level["Spleen"], float(draw.uniform(55, 80)),
                                   float(draw.uniform(1.5, 3)), float(draw.uniform(0.4, 1.0))),
        "Kidney_L": uptake_clearance(level["Kidney_L"], *kidney),
        "Kidney_R": uptake_clearance(level["Kidney_R"], *kidney),
        REMAINDER: Kinetics(((level[REMAINDER], float(draw.uniform(40, 60))),
                             (16.0 * level[REMAINDER], float(draw.uniform(2, 4))))),
    }  # fmt: skip
    for name in LESIONS:
        kinetics[name] = uptake_clearance(
            level[name],
            float(draw.uniform(60, 100)),
            float(draw.uniform(3, 8)),
            float(draw.uniform(0, 0.6)),
        )
    times = schedule or SCHEDULES[int(draw.integers(len(SCHEDULES)))]
    reference = int(draw.integers(2))
    poses = tuple(
        Rigid.identity() if n == reference
        else turned(draw.uniform(-3, 3, 3) * [0.3, 0.3, 1.0], draw.uniform(-10, 10, 3))
        for n in range(len(times))
    )  # fmt: skip
    return Variant(kinetics, times, poses, reference, fwhm_mm=float(draw.uniform(8, 14)),
                   voxel_mm=float(draw.choice([3.9, 4.42, 4.7952])), seed=seed)  # fmt: skip
