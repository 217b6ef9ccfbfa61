"""The made-up SPECT/CT: from a patient's activity and tissue to images as a console shows them.

Attenuation and scatter are taken as perfectly corrected. What is left: blur, the voxel, noise
with the correlation that reconstruction leaves, the patient's position, decay during the scan.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from quimby.core.grid import Grid, Image, Rigid
from quimby.demo.patient import Patient, ScanTruth, Truth, camera_facts
from quimby.demo.phantom import REMAINDER, Phantom, Solid
from quimby.demo.sampling import exact_occupancy, smooth_occupancy

Float = NDArray[np.float64]
FINEST_MM = 1.2
BEYOND = 12  # slices computed above and below the field, so that what lies there blurs in
TO_SIGMA = 1.0 / (2.0 * sqrt(2.0 * log(2.0)))
AIR_HU = -1000.0
NEAR_MM = 15.0  # a patient moves less


def spect_grid(slices: int) -> Grid:
    """The camera's reconstructed grid of so many slices, its middle at 0 mm."""
    camera = camera_facts()
    return centred_grid((slices, *camera["matrix"]), (camera["voxel_mm"],) * 3)


def ct_grid(slices: int) -> Grid:
    """The CT's grid of so many slices, its middle at 0 mm."""
    ct = camera_facts()["ct"]
    steps = ct["pixel_mm"], ct["pixel_mm"], ct["slice_mm"]
    return centred_grid((slices, *ct["matrix"]), steps)


def centred_grid(shape: tuple[int, int, int], steps_mm: tuple[float, float, float]) -> Grid:
    """A grid along the patient's axes; `steps_mm` along columns, rows, slices."""
    affine = np.diag([*steps_mm, 1.0])
    affine[:3, 3] = [-step * (n - 1) / 2 for step, n in zip(steps_mm, shape[::-1], strict=True)]
    return Grid(shape, affine)


def acquisition_h() -> float:
    """Time on the clock from the first projection to the last, h."""
    camera = camera_facts()
    return float(camera["frame_s"] * camera["frames"]) / 3600.0


def projection_s() -> float:
    """Times of all projections of all heads added, s."""
    camera = camera_facts()
    return float(camera["frame_s"] * camera["frames"] * camera["heads"])


def patient_spect(truth: Truth, scan: ScanTruth) -> Image:
    """The SPECT of one visit: counts over the whole scan, before noise."""
    grid = widened(spect_grid(truth.patient.spect_slices))
    return recorded(activity_map(truth.patient.body, mean_mbq(truth, scan, acquisition_h()),
                                 grid=grid, moved=scan.moved))  # fmt: skip


def mean_mbq(truth: Truth, scan: ScanTruth, duration_h: float) -> Mapping[str, float]:
    """Mean activity of every region from the start of a scan on."""
    return {n: r.curve.mean(scan.time_h, duration_h) for n, r in truth.regions.items()}


def activity_map(
    body: Phantom, activity_mbq: Mapping[str, float], *, grid: Grid, moved: Rigid
) -> Float:
    """MBq in every voxel, sharp, for activities by region.

    A region's activity is spread evenly over it; of a region that runs on beyond the grid, as
    the remainder does, only its part is there.
    """
    net = _net_occupancies(body, grid, moved)
    rest: Float = np.zeros(grid.shape)
    for solid in (solid for shape in body.outer for solid in shape.solids):
        for box, part in smooth_occupancy(solid, grid, moved):
            rest[box] += part
    for filled in net.values():
        rest -= filled
    per_voxel = activity_mbq[REMAINDER] * grid.voxel_ml / body.net_volume_ml(REMAINDER)
    total: Float = np.maximum(rest, 0.0) * per_voxel
    for name, filled in net.items():
        if filled.any():
            total += activity_mbq[name] * _share(body, name, filled, grid) * filled / filled.sum()
    return total


def _share(body: Phantom, name: str, filled: Float, grid: Grid) -> float:
    """How much of a region lies on the grid: all of it, where no end comes near the grid's."""
    low, high = (grid.points_mm((0, 0, k))[2] for k in (0, grid.shape[0] - 1))
    boxes = [solid.box_mm() for solid in body.shape(name).solids]
    if all(low + NEAR_MM < a[2] and b[2] < high - NEAR_MM for a, b in boxes):
        return 1.0
    return min(1.0, float(filled.sum()) * grid.voxel_ml / body.net_volume_ml(name))


def _net_occupancies(body: Phantom, grid: Grid, moved: Rigid) -> dict[str, Float]:
    """Occupancy of every region that holds activity, less the lesions in it."""
    net = {shape.name: _occupancy(shape.solids, grid, moved) for shape in body.regions}
    for lesion in body.regions:
        if lesion.host:
            net[lesion.host] = net[lesion.host] - net[lesion.name]
    return net


def source_map(sources: list[tuple[Solid, float]], *, grid: Grid) -> Float:
    """MBq in every voxel, for solids that hold given activities and lie on the grid."""
    total = np.zeros(grid.shape)
    for solid, activity_mbq in sources:
        part = _occupancy((solid,), grid, Rigid.identity())
        total += activity_mbq * part / part.sum()
    return total


def recorded(activity_mbq: Float) -> Image:
    """Counts over the scan, after blur and before noise, without the widened grid's ends."""
    camera = camera_facts()
    sigma = camera["fwhm_mm"] * TO_SIGMA / camera["voxel_mm"]
    blurred = gaussian_filter(activity_mbq, sigma, mode="constant", truncate=5.0)
    counts = blurred[BEYOND:-BEYOND] * camera["cps_per_mbq"] * projection_s()
    return Image(spect_grid(len(counts)), counts, "counts")


def with_noise(counts: Image, rng: np.random.Generator) -> Image:
    """Whole counts with correlated noise: log-normal, so none is below zero and the mean stays.

    The standard deviation is `noise_scale` times the root of the expected counts of a voxel,
    and never more than these counts.
    """
    camera = camera_facts()
    sigma = camera["noise_fwhm_mm"] * TO_SIGMA / camera["voxel_mm"]
    field = gaussian_filter(rng.standard_normal(counts.grid.shape), sigma, mode="wrap")
    field /= field.std()
    expected = counts.values
    variance = np.minimum(camera["noise_scale"] ** 2 / np.maximum(expected, 1e-9), 1.0)
    spread = np.sqrt(np.log1p(variance))
    noisy = expected * np.exp(spread * field - spread**2 / 2)
    whole = np.floor(noisy + rng.random(noisy.shape))  # rounded up as often as is fair
    return Image(counts.grid, whole.astype(np.uint16), "counts")


def patient_ct(who: Patient, scan: ScanTruth, rng: np.random.Generator) -> Image:
    """The CT of one visit, HU, with tissue's own texture and the noise of a low dose."""
    facts, grid = camera_facts()["ct"], ct_grid(who.ct_slices)
    hu = tissue_hu(who.body, grid, scan.moved)
    tissue = np.clip((hu + 300.0) / 200.0, 0.0, 1.0)
    hu += tissue * facts["texture_hu"] * _texture(grid, scan.moved)
    noise = gaussian_filter(rng.standard_normal(grid.shape, dtype=np.float32), (0, 0.7, 0.7))
    hu += facts["noise_hu"] * noise / noise.std()
    return Image(grid, np.rint(np.clip(hu, -1024, 3071)).astype(np.int16), "HU")


def tissue_hu(body: Phantom, grid: Grid, moved: Rigid) -> NDArray[np.float32]:
    """CT numbers of the body, even in each tissue, and of the air around it."""
    hu = np.full(grid.shape, AIR_HU, dtype=np.float32)
    for shape in body.shapes:
        for solid in shape.solids:
            for box, part in smooth_occupancy(solid, grid, moved):
                hu[box] += part * (shape.hu - hu[box])
    return hu


def widened(grid: Grid) -> Grid:
    """The grid with more slices at both ends."""
    affine = np.array(grid.affine)
    affine[:3, 3] = grid.points_mm((0, 0, -BEYOND))
    return Grid((grid.shape[0] + 2 * BEYOND, *grid.shape[1:]), affine)


def _occupancy(solids: tuple[Solid, ...], grid: Grid, moved: Rigid) -> Float:
    total = np.zeros(grid.shape)
    for solid in solids:
        for box, part in exact_occupancy(solid, grid, moved, finest_mm=FINEST_MM):
            total[box] += part
    return total


def _texture(grid: Grid, moved: Rigid) -> NDArray[np.float32]:
    """A wavy field of unit size that belongs to the tissue and moves with it."""
    waves = np.random.default_rng(5).normal(size=(8, 3))
    lengths_mm = np.linspace(14.0, 34.0, len(waves))
    field = np.zeros(grid.shape, dtype=np.float32)
    for wave, length in zip(waves, lengths_mm, strict=True):
        k = moved.rotation @ (wave / np.linalg.norm(wave)) * 2 * np.pi / length
        phases = [
            np.exp(1j * k[a] * (grid.origin_mm[a] + grid.affine[a, a] * np.arange(n)
                                - moved.translation_mm[a])).astype(np.complex64)
            for a, n in enumerate(grid.shape[::-1])
        ]  # fmt: skip
        plane = phases[1][:, None] * phases[0][None, :]
        field += (phases[2][:, None, None] * plane).real
    return field / np.float32(sqrt(len(waves) / 2))
