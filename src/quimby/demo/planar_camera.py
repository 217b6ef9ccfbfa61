"""The made-up camera's planar views: weakened by tissue, blurred by distance, with scatter.

What comes from an activity is taken from the camera's own facts and from the CT numbers of the
made-up tissues; nothing here is shared with the way the chain reads such views.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from quimby.demo.patient import ScanTruth, Truth, camera_facts
from quimby.demo.phantom import Solid
from quimby.demo.scanner import (
    TO_SIGMA,
    activity_map,
    mean_mbq,
    source_map,
    spect_grid,
    tissue_hu,
    widened,
)
from quimby.physics.decay import decay_factor, factor_to_start
from quimby.physics.materials import density_curve, water_mu_per_cm
from quimby.physics.nuclides import nuclide

Float = NDArray[np.float64]
PEAK_MEV = 0.2084  # of 177Lu
SIDES = (1, -1)  # the front view sees rows from the front on


@dataclass(frozen=True, eq=False)
class Views:
    """Front and back view of each energy window, (rows, columns), head to feet, as the head saw
    them: the front view has the patient's right on its left, the back view the left."""

    counts: tuple[tuple[Float, Float], ...]  # photopeak first
    seconds: float


def windows_kev() -> tuple[tuple[float, float], ...]:
    """Photopeak, below it, above it."""
    facts = camera_facts()["planar"]
    peak, lower, upper = camera_facts()["window_kev"], facts["lower_kev"], facts["upper_kev"]
    return tuple((float(low), float(high)) for low, high in (peak, lower, upper))


def patient_views(known: Truth, scan: ScanTruth) -> Views:
    """Both views of a patient before noise, in three windows."""
    facts, body = camera_facts()["planar"], known.patient.body
    grid = widened(spect_grid(known.patient.spect_slices))
    held = mean_mbq(known, scan, facts["seconds"] / 3600.0)
    activity = activity_map(body, held, grid=grid, moved=scan.moved)
    density = density_curve().density(tissue_hu(body, grid, scan.moved))
    weakened = water_mu_per_cm(PEAK_MEV) / 10.0 * np.asarray(density) * camera_facts()["voxel_mm"]
    primary = tuple(projected(activity, weakened, side, facts["distance_mm"]) for side in SIDES)
    broad = facts["scatter_sigma_mm"] / camera_facts()["voxel_mm"]
    scatter = tuple(facts["scatter"] * gaussian_filter(one, broad) for one in primary)
    return _windows(primary, scatter)


def dish_views() -> Views:
    """Both views of the calibration dish in air, photopeak alone, before noise."""
    c = camera_facts()["calibration"]
    dish = Solid(np.zeros(3), np.array([c["dish_radius_mm"], 4.0, c["dish_radius_mm"]]), np.eye(3),
                 np.empty((0, 4)), None)  # fmt: skip
    grid = widened(spect_grid(c["slices"]))
    half_life = nuclide(c["nuclide"]).half_life_h.value
    times = (datetime.fromisoformat(c[k]) for k in ("dish_scanned_at", "assayed_at"))
    waited_h = (next(times) - next(times)).total_seconds() / 3600
    held = c["dish_activity_mbq"] * decay_factor(waited_h, half_life)
    held /= factor_to_start(camera_facts()["planar"]["seconds"] / 3600, half_life)
    activity = source_map([(dish, held)], grid=grid)
    air = np.zeros(grid.shape)
    primary = tuple(projected(activity, air, side, c["dish_distance_mm"]) for side in SIDES)
    return _windows(primary, tuple(np.zeros_like(one) for one in primary), peak_only=True)


def empty_views() -> Views:
    """Both views of the empty room, photopeak alone, before noise."""
    none = tuple(np.zeros(camera_facts()["planar"]["matrix"]) for _ in SIDES)
    return _windows(none, none, peak_only=True)


def counted_views(views: Views, rng: np.random.Generator) -> Views:
    """Whole counts, Poisson."""
    drawn = tuple(
        (rng.poisson(front).astype(float), rng.poisson(back).astype(float))
        for front, back in views.counts
    )
    return Views(drawn, views.seconds)


def projected(activity: Float, weakened: Float, side: int, distance_mm: float) -> Float:
    """Primary counts a second of one head: front view for `side` 1, back view for -1.

    Arrays are (slices, rows from front to back, columns from right to left); `weakened` is the
    attenuation of each voxel, `distance_mm` that of the head from their middle.
    """
    camera, facts = camera_facts(), camera_facts()["planar"]
    step, rows = camera["voxel_mm"], activity.shape[1]
    before = np.cumsum(weakened[:, ::side], axis=1) - 0.5 * weakened[:, ::side]
    seen = activity[:, ::side] * np.exp(-before)
    total = np.zeros((seen.shape[0], seen.shape[2]))
    for row in np.flatnonzero(seen.any(axis=(0, 2))):
        far = max(distance_mm + (row - (rows - 1) / 2) * step, 0.0)
        width = (facts["fwhm_at_face_mm"] + facts["fwhm_per_mm"] * far) * TO_SIGMA / step
        total += gaussian_filter(seen[:, row], width, mode="constant", truncate=5.0)
    per_mbq = camera["calibration"]["planar_sensitivity_cps_per_mbq_per_head"]
    return _framed(total[::-1, ::side]) * float(per_mbq)


def _framed(image: Float) -> Float:
    """On the heads' own matrix: what lies beyond is not seen, what is not there is zero."""
    wanted = camera_facts()["planar"]["matrix"]
    cut = [max(0, n - w) // 2 for n, w in zip(image.shape, wanted, strict=True)]
    kept = image[cut[0] : cut[0] + wanted[0], cut[1] : cut[1] + wanted[1]]
    around = [((w - n) // 2, w - n - (w - n) // 2) for n, w in zip(kept.shape, wanted, strict=True)]
    return np.pad(kept, around)


def _windows(
    primary: tuple[Float, ...], scatter: tuple[Float, ...], *, peak_only: bool = False
) -> Views:
    """Counts of each window; in those beside the photopeak there is scatter and room alone."""
    facts = camera_facts()["planar"]
    room = facts["room_cps"] / primary[0].size
    peak, *beside = windows_kev()
    shares = (facts["lower_share"], facts["upper_share"])
    behind = [one + room for one in scatter]
    counts = [_pair(a + b for a, b in zip(primary, behind, strict=True))]
    for (low, high), share in zip(beside, () if peak_only else shares, strict=not peak_only):
        part = share * (high - low) / (peak[1] - peak[0])
        counts.append(_pair(part * one for one in behind))
    timed = tuple((a * facts["seconds"], b * facts["seconds"]) for a, b in counts)
    return Views(timed, facts["seconds"])


def _pair(made: Iterable[Float]) -> tuple[Float, Float]:
    front, back = made
    return front, back
