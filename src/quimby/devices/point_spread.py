"""The camera's blur, and how much of a sphere it leaves inside: measured from a sphere scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.optimize import least_squares

from quimby.core.grid import Grid, Image
from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.devices.recovery import FWHM_PER_SIGMA

Float = NDArray[np.float64]
Slices = tuple[slice, slice, slice]
TRUNCATE = 5.0  # sigmas
SUPERSAMPLE = 5
MARGIN_MM = 25.0  # around a sphere: its blur up to about 20 mm FWHM
SHIFT_LIMIT_MM = 5.0
START_FWHM_MM = 10.0


@dataclass(frozen=True, slots=True)
class Sphere:
    """A sphere of a phantom: diameter and centre in mm (LPS of the scan)."""

    diameter_mm: float
    centre_mm: tuple[float, float, float]

    @property
    def volume_ml(self) -> float:
        """Nominal volume."""
        return pi * self.diameter_mm**3 / 6000.0


@dataclass(frozen=True, slots=True)
class SphereRecovery:
    """Measured over true concentration inside the physical sphere."""

    sphere: Sphere
    coefficient: Uncertain


@dataclass(frozen=True, slots=True)
class PointSpread:
    """Gaussian full width at half maximum, mm, with its scatter between spheres.

    `along_axis_mm` is the width along the slices where it was fitted apart, else None (then
    `fwhm_mm` holds for all directions). `amplitude` is fitted over stated concentration.
    """

    fwhm_mm: Uncertain
    along_axis_mm: Uncertain | None
    shift_mm: tuple[float, float, float]
    amplitude: float
    without_each_mm: tuple[float, ...]  # fit that leaves out one sphere
    residual: float  # rms of image - model over the largest model value
    notes: tuple[Note, ...]


def blur(array: Float, grid: Grid, fwhm_mm: float | tuple[float, float, float]) -> Float:
    """Gaussian blur of an array [slice, row, column] on its grid; zero outside the grid.

    `fwhm_mm` is one width or the three along (column, row, slice).
    """
    widths = np.broadcast_to(np.asarray(fwhm_mm, dtype=np.float64), 3)
    if not (np.all(np.isfinite(widths)) and np.all(widths >= 0)):
        raise refusal("E-RC-RESOLUTION", where="blur", diameter=0.0, fwhm=float(np.min(widths)))
    sigma = (widths / FWHM_PER_SIGMA / np.asarray(grid.spacing_mm))[::-1]
    out: Float = ndimage.gaussian_filter(
        np.asarray(array, dtype=np.float64), tuple(sigma), mode="constant", truncate=TRUNCATE
    )
    return out


def sphere_occupancy(grid: Grid, sphere: Sphere, *, shift_mm: ArrayLike = (0.0, 0.0, 0.0)) -> Float:
    """Fraction of each voxel inside the sphere, shape of the grid; 5 x 5 x 5 points a voxel.

    Raises E-RC-SPHERES where a part of the sphere lies outside the grid.
    """
    out = np.zeros(grid.shape)
    centre = np.asarray(sphere.centre_mm) + np.asarray(shift_mm, dtype=float)
    box = _box(grid, centre, sphere.diameter_mm / 2.0)
    out[box] = _inside(grid, box, centre, sphere.diameter_mm / 2.0)
    return out


def measured_recovery(
    image: Image,
    spheres: Sequence[Sphere],
    concentration: Uncertain,
    *,
    shift_mm: ArrayLike = (0.0, 0.0, 0.0),
) -> tuple[SphereRecovery, ...]:
    """Recovery of each sphere: mean of the image over its physical volume / concentration.

    `concentration` in the image's unit, at the time of the scan; its causes are shared by
    all spheres.
    """
    if concentration.value <= 0:
        raise refusal(
            "E-RC-SPHERES", where="sphere scan", why="the concentration is not above zero"
        )
    rows = []
    for sphere in spheres:
        w = sphere_occupancy(image.grid, sphere, shift_mm=shift_mm)
        mean = Uncertain(float(np.sum(w * image.values) / np.sum(w)))
        rows.append(SphereRecovery(sphere, mean / concentration))
    return tuple(rows)


def fit_point_spread(
    image: Image,
    spheres: Sequence[Sphere],
    concentration: float,
    *,
    move: bool = True,
    apart: bool = False,
) -> PointSpread:
    """Width of the Gaussian that makes the phantom look like the scan, by least squares.

    All spheres are modelled together (cold water around), with one amplitude, so that a
    wrong concentration does not widen the blur. `move` lets the phantom shift by a little;
    `apart` fits the width along the slices by itself. The uncertainty is the jackknife over
    spheres, which also sees correlated noise and wrong diameters. W-RC-SHIFT above 5 mm.
    The width is that of `blur` on this grid; below 2 voxels it exceeds the true one by 1 %.
    """
    if len(spheres) < 3:
        raise refusal(
            "E-RC-SPHERES", where="sphere scan", why=f"{len(spheres)} spheres are too few"
        )
    local = _cropped(image, spheres)
    scene = local.values / concentration
    start = np.full(2 if apart else 1, START_FWHM_MM)
    shift = _shift(scene, local.grid, spheres, start) if move else np.zeros(3)
    pieces = _occupancies(local.grid, spheres, shift)
    everything = np.sum(pieces, axis=0)
    near = _owner(local.grid, spheres, shift)
    widths, amplitude, rms = _width(scene, everything, near >= 0, local.grid, start)
    left_out = np.array(
        [_width(scene, everything, (near >= 0) & (near != i), local.grid, widths)[0]
         for i in range(len(spheres))]
    )  # fmt: skip
    n = len(spheres)
    u = np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean(axis=0)) ** 2, axis=0))
    fitted = [
        Uncertain(float(w), {"point spread": float(s)}) for w, s in zip(widths, u, strict=True)
    ]
    return PointSpread(
        fwhm_mm=fitted[0],
        along_axis_mm=fitted[1] if apart else None,
        shift_mm=(float(shift[0]), float(shift[1]), float(shift[2])),
        amplitude=amplitude,
        without_each_mm=tuple(float(w) for w in left_out[:, 0]),
        residual=rms,
        notes=_notes(float(np.linalg.norm(shift))),
    )


def _width(
    scene: Float, phantom: Float, use: NDArray[np.bool_], grid: Grid, start: Float
) -> tuple[Float, float, float]:
    """Best widths; the amplitude is solved for each (it is linear)."""

    def model(w: Float) -> tuple[Float, float]:
        blurred = blur(phantom, grid, _three(w))[use]
        return blurred, float(blurred @ scene[use] / (blurred @ blurred))

    def residuals(w: Float) -> Float:
        blurred, amplitude = model(w)
        return np.asarray(amplitude * blurred - scene[use])

    fit = least_squares(residuals, start, bounds=(1.0, 60.0), diff_step=1e-3, xtol=1e-7)
    blurred, amplitude = model(fit.x)
    rms = float(np.sqrt(np.mean(fit.fun**2)) / (amplitude * blurred.max()))
    return np.asarray(fit.x), amplitude, rms


def _shift(scene: Float, grid: Grid, spheres: Sequence[Sphere], start: Float) -> Float:
    """Translation of the phantom, mm, fitted together with width and amplitude.

    Counted from -10 mm, so that the solver's relative steps (0.5 mm) move the phantom.
    """

    def residuals(p: Float) -> Float:
        phantom = np.sum(_occupancies(grid, spheres, p[:3] - 10.0), axis=0)
        blurred = blur(phantom, grid, _three(p[3:]))
        amplitude = np.sum(blurred * scene) / np.sum(blurred**2)
        return np.asarray((amplitude * blurred - scene).ravel())

    first = np.concatenate([np.full(3, 10.0), start])
    fit = least_squares(residuals, first, diff_step=0.05, xtol=1e-4, max_nfev=15)
    return np.asarray(fit.x[:3] - 10.0)


def _three(w: Float) -> tuple[float, float, float]:
    return float(w[0]), float(w[0]), float(w[-1])


def _notes(size_mm: float) -> tuple[Note, ...]:
    if size_mm <= SHIFT_LIMIT_MM:
        return ()
    return (note("W-RC-SHIFT", where="sphere scan", value=size_mm, limit=SHIFT_LIMIT_MM),)


def _occupancies(grid: Grid, spheres: Sequence[Sphere], shift: Float) -> list[Float]:
    return [sphere_occupancy(grid, s, shift_mm=shift) for s in spheres]


def _owner(grid: Grid, spheres: Sequence[Sphere], shift: Float) -> NDArray[np.int64]:
    """Which sphere each voxel belongs to (nearest surface within the margin), or -1."""
    points = grid.centres_mm()
    far = [
        np.linalg.norm(points - (np.asarray(s.centre_mm) + shift), axis=-1) - s.diameter_mm / 2
        for s in spheres
    ]
    return np.where(np.min(far, axis=0) <= MARGIN_MM, np.argmin(far, axis=0), -1)


def _cropped(image: Image, spheres: Sequence[Sphere]) -> Image:
    """The part of the scan around the spheres, with their margin, as far as the scan goes."""
    edge = np.array([s.diameter_mm / 2.0 + 2 * MARGIN_MM for s in spheres])[:, None]
    centres = np.array([s.centre_mm for s in spheres])
    low, high = (centres - edge).min(axis=0), (centres + edge).max(axis=0)
    corners = np.array(np.meshgrid(*zip(low, high, strict=True), indexing="ij")).reshape(3, -1).T
    index = image.grid.index_of(corners)[:, ::-1]
    start = np.clip(np.floor(index.min(axis=0)), 0, None).astype(int)
    stop = np.minimum(np.ceil(index.max(axis=0)) + 1, image.grid.shape).astype(int)
    if np.any(stop <= start):
        raise refusal("E-RC-SPHERES", where="sphere scan", why="the spheres lie outside the scan")
    box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    grid = image.grid.cropped(_triple(start), _triple(stop))
    return Image(grid, image.values[box], image.unit)


def _triple(values: NDArray[np.int64]) -> tuple[int, int, int]:
    return int(values[0]), int(values[1]), int(values[2])


def _box(grid: Grid, centre: Float, radius: float) -> Slices:
    """Array slices that hold the sphere whole, or E-RC-SPHERES."""
    middle = grid.index_of(centre)[::-1]
    # Half a voxel on each side, and the most index a radius can span on a sheared grid.
    reach = radius * np.linalg.norm(np.linalg.inv(grid.affine[:3, :3]), axis=1)[::-1] + 0.5
    if np.any(middle - reach < -1.0) or np.any(middle + reach > np.array(grid.shape)):
        raise refusal("E-RC-SPHERES", where="sphere scan", why="a sphere reaches out of the scan")
    start = np.maximum(np.floor(middle - reach), 0).astype(int)
    stop = np.minimum(np.ceil(middle + reach) + 1, grid.shape).astype(int)
    k, j, i = (slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
    return k, j, i


def _inside(grid: Grid, box: Slices, centre: Float, radius: float) -> Float:
    """Fractions of the voxels of a box inside a sphere."""
    step = (np.arange(SUPERSAMPLE) + 0.5) / SUPERSAMPLE - 0.5
    axes = [(np.arange(s.start, s.stop)[:, None] + step).ravel() for s in box]
    k, j, i = np.meshgrid(*axes, indexing="ij", sparse=True)
    a = grid.affine
    squared = sum(
        (a[x, 0] * i + a[x, 1] * j + a[x, 2] * k + (a[x, 3] - centre[x])) ** 2 for x in range(3)
    )
    shape = [n for s in box for n in (s.stop - s.start, SUPERSAMPLE)]
    hit = (np.asarray(squared) <= radius**2).reshape(shape)
    return np.asarray(hit.mean(axis=(1, 3, 5)), dtype=np.float64)
