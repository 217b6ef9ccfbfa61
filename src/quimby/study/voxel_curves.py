"""One exponential in every voxel of a study, from scans smoothed to no more than the resolution.

The smoothed scans tell each voxel's time factor, the integral of its curve over that of
trapezoids; the factor goes on the trapezoids of the scans as they are. So the picture is as
sharp as without, and a voxel without a curve keeps its region's.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import pi

import numpy as np
from numpy.typing import NDArray

from quimby.core.notes import Note, note
from quimby.devices.point_spread import blur
from quimby.devices.recovery import FWHM_PER_SIGMA
from quimby.dose.local import RegionTia, held_mbq_h, sum_of_scans
from quimby.kinetics import voxel_newton as newton
from quimby.kinetics.voxelwise import FALLBACK_WARNS, STATUS, fit_voxels
from quimby.study.quantify import Reading
from quimby.study.voxel_scene import Array, Float32, Mapped, Scene

SIGMAS = 3.0  # below so many of its noise a voxel has no curve; IMAGING 3.7 [P]
NO_CURVE = (newton.NO_SIGNAL, newton.TOO_FAST, newton.BELOW_NOISE)
"""These keep the region's factor; "at physical decay" and "rising" are physical decay alone."""
BY_RULE = (newton.AT_PHYSICAL, newton.RISING, newton.TOO_FAST, newton.BELOW_NOISE)


def by_own_curves(scene: Scene) -> Mapped:
    """Every voxel by its own exponential, not slower than physical decay.

    Each scan weighs as the inverse variance of its voxels: noise times level. Notes
    W-VOX-FALLBACK by region, where more than 10 % of its volume is not freely fitted.
    """
    smooth = np.stack([_smoothed(m, scene) for m in scene.maps])
    negative = (smooth < 0).any(axis=0)  # filtered back projection has such: no curve there
    smooth[:, negative] = 0.0
    found = fit_voxels(
        scene.times_h, smooth, physical_half_life_h=scene.half_life_h, weights=_weights(scene),
        noise=max(_noise_level(r, scene.fwhm_mm) for r in scene.readings),
        fallback_hours=scene.outside_hours, where="voxel curves",
    )  # fmt: skip
    status = np.where(negative, np.uint8(newton.BELOW_NOISE), found.status)
    free = np.isin(status, NO_CURVE, invert=True)
    plain = sum_of_scans(scene.maps, scene.outside_hours)
    outside = plain * _factor(found.tia, sum_of_scans(list(smooth), scene.outside_hours), free)
    inside = {name: _inside(scene, name, outside, free) for name in scene.curves}
    shares = {name: _shares(scene.occupancy[name], status) for name in scene.curves}
    fallback = {name: sum(parts.values()) for name, parts in shares.items()}
    return Mapped(outside, inside, _said(scene, fallback), fallback, _notes(shares))


def _said(scene: Scene, fallback: Mapping[str, float]) -> str:
    by = f"smoothed by {scene.fwhm_mm:.1f} mm (FWHM)" if scene.fwhm_mm > 0 else "as they are"
    return (
        f"one exponential a voxel, not slower than physical decay, from scans {by}; "
        f"{100 * max(fallback.values(), default=0.0):.0f} % of a region at most by rule"
    )


def _smoothed(image: Float32, scene: Scene) -> Float32:
    """By the camera's own blur, which is as far as neighbours tell of each other."""
    if not scene.fwhm_mm > 0:
        return np.array(image)
    return blur(image.astype(np.float64), scene.grid, scene.fwhm_mm).astype(np.float32)


def _noise_level(reading: Reading, smoothed_mm: float) -> float:
    """MBq/ml at which a voxel, smoothed by so much (FWHM), is three of its standard deviations.

    Before, its variance is its mean (MBq) times the noise's `factor`. Smoothing spreads the
    noise's own correlation and lowers the variance by the ratio of both volumes.
    """
    noise, voxel_ml = reading.recovery.noise, reading.activity.grid.voxel_ml
    own = max(noise.sigma_mm**2, (voxel_ml * 1000.0) ** (2 / 3) / (4.0 * pi))  # one voxel, white
    kept = float((own / (own + (smoothed_mm / FWHM_PER_SIGMA) ** 2)) ** 1.5)
    return SIGMAS**2 * noise.factor * kept / voxel_ml


def _weights(scene: Scene) -> list[float]:
    """One a scan, proportional to 1/u^2 of a voxel in a region: noise times the mean level."""
    raw = []
    for reading, image in zip(scene.readings, scene.maps, strict=True):
        level = sum(held_mbq_h(image[scene.box(name)], scene.occupancy[name][scene.box(name)], 1.0)
                    for name in scene.curves)  # fmt: skip
        variance = reading.recovery.noise.factor / reading.activity.grid.voxel_ml * level
        raw.append(1.0 / variance if variance > 0 else 0.0)
    return [w / max(raw) for w in raw] if min(raw) > 0 else [1.0] * len(raw)


def _factor(tia: Array, trapezoids: Array, free: NDArray[np.bool_]) -> Float32:
    """The curve's integral over the trapezoids'; 1 without a curve."""
    factor = np.ones(tia.shape, np.float32)
    np.divide(tia, trapezoids, out=factor, where=free)
    return factor


def _inside(scene: Scene, name: str, fitted: Array, free: NDArray[np.bool_]) -> RegionTia:
    box = scene.box(name)
    if not all(scene.curves[name].weights_h):  # a scan that the study leaves out of it
        return scene.inside(name, scene.by_curve(name))
    return scene.inside(name, np.where(free[box], fitted[box], scene.by_curve(name)))


def _shares(occupancy: Array, status: NDArray[np.uint8]) -> dict[str, float]:
    """Share of a region's volume under each rule."""
    whole = float(occupancy.sum())
    return {STATUS[code]: float(occupancy[status == code].sum()) / whole for code in BY_RULE}


def _notes(shares: Mapping[str, Mapping[str, float]]) -> tuple[Note, ...]:
    found = []
    for name, parts in shares.items():
        share = sum(parts.values())
        if share > FALLBACK_WARNS:
            told = ", ".join(f"{part:.0%} {rule}" for rule, part in parts.items() if part > 0)
            found.append(note("W-VOX-FALLBACK", where=name, value=share, limit=FALLBACK_WARNS,
                              told=told))  # fmt: skip
    return tuple(found)
