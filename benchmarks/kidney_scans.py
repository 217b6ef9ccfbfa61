"""SPECT scans of one kidney, drawn here and read by the product's own steps.

An ellipsoid in a warm body, with the demo camera's voxels, blur and noise. What is read, and every
cause of its doubt with its size, come from `measure.partial_volume` and `study.quantify`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats.qmc import Halton

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.outline import Outline
from quimby.core.uncertain import Uncertain
from quimby.demo.patient import camera_facts
from quimby.demo.scanner import centred_grid, projection_s, with_noise
from quimby.devices.calibration import CAMERA_CAUSE
from quimby.measure.partial_volume import (
    BACKGROUND,
    POINT_SPREAD,
    REGISTRATION_U_MM,
    RegionActivity,
    recover,
)
from quimby.measure.regions import Regions, prepare
from quimby.study.laid import HARDWARE_U_MM
from quimby.study.quantify import REPEATABILITY_U, TRANSFER_U_MM, with_scan_doubts

Array = NDArray[np.float64]

KIDNEY_MM = np.array([30.0, 22.0, 52.0])  # semi-axes, 144 ml, along (column, row, slice)
BODY_MM = np.array([75.0, 62.0, 88.0])
KIDNEY_MBQ, BODY_SHARE = 40.0, 0.10  # activity at the scan; body's concentration over the kidney's
SHAPE = (46, 34, 40)
FINE = 2  # fine voxels a voxel, along each axis
DRAWN = 3  # points a fine voxel, along each axis
CT_MM = 2.0
NAME, SCAN = "kidney", "this scan"
DRAWS = 24  # displacements of each size, spread evenly
NODES_MM = np.linspace(-1.5, 1.5, 7)


@dataclass(frozen=True, slots=True)
class Amiss:
    """How one scan differs from what its reader takes it for."""

    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    wider_mm: float = 0.0  # true blur less the camera's
    larger_mm: float = 0.0  # true surface outside the outline


def grid(fine: int = 1) -> Grid:
    """The camera's voxels about the kidney, or finer ones over the same space."""
    step = camera_facts()["voxel_mm"] / fine
    k, j, i = (n * fine for n in SHAPE)
    return centred_grid((k, j, i), (step, step, step))


def blur_mm() -> Uncertain:
    """The camera's width with the doubt that the product gives it."""
    return Uncertain(camera_facts()["fwhm_mm"], {POINT_SPREAD: TRANSFER_U_MM})


def _ellipsoid(on: Grid, semi_axes_mm: Array) -> Array:
    """Share of each voxel inside."""
    steps = on.spacing_mm
    inside = np.zeros(on.shape)
    offsets = (np.arange(DRAWN) + 0.5) / DRAWN - 0.5
    x, y, z = ((np.arange(n) - (n - 1) / 2) * s for n, s in zip(on.shape[::-1], steps, strict=True))
    for a in offsets:
        for b in offsets:
            for c in offsets:
                inside += (
                    ((z + a * steps[2]) / semi_axes_mm[2])[:, None, None] ** 2
                    + ((y + b * steps[1]) / semi_axes_mm[1])[None, :, None] ** 2
                    + ((x + c * steps[0]) / semi_axes_mm[0])[None, None, :] ** 2
                ) <= 1.0
    return inside / DRAWN**3


@cache
def regions() -> Regions:
    """The outlines, as a person would have drawn them on the CT."""
    n = [int(np.ceil(2 * a / CT_MM)) + 8 for a in BODY_MM[::-1]]
    ct = centred_grid((n[0], n[1], n[2]), (CT_MM, CT_MM, CT_MM))
    drawn = [
        Outline(name, "frame", mask=Image(ct, _ellipsoid(ct, axes).astype(np.float32), "1"))
        for name, axes in ((NAME, KIDNEY_MM), ("Body", BODY_MM))
    ]
    return prepare(drawn, Image(ct, np.zeros(ct.shape), "HU"))


@cache
def _waves(larger_mm: float) -> NDArray[np.complex128]:
    """Fourier transform of the sharp activity on the fine grid, MBq a voxel."""
    fine = grid(FINE)
    kidney, body = _ellipsoid(fine, KIDNEY_MM + larger_mm), _ellipsoid(fine, BODY_MM)
    per_voxel = KIDNEY_MBQ / kidney.sum()
    sharp = per_voxel * (kidney + BODY_SHARE * np.maximum(body - kidney, 0.0))
    return np.asarray(np.fft.rfftn(sharp))


def scan(amiss: Amiss, random: np.random.Generator | None = None) -> Image:
    """MBq in every voxel, as the camera shows it; noise where a generator is given."""
    fine = grid(FINE)
    sigma = (camera_facts()["fwhm_mm"] + amiss.wider_mm) / (2 * sqrt(2 * log(2)))
    k, j, i = fine.shape
    steps = fine.spacing_mm[::-1]
    waves = _waves(amiss.larger_mm)
    shifts = amiss.shift_mm[::-1]
    for axis, (n, step, shift) in enumerate(zip((k, j, i), steps, shifts, strict=True)):
        f = np.fft.rfftfreq(n, step) if axis == 2 else np.fft.fftfreq(n, step)
        factor = np.exp(-2 * (np.pi * sigma * f) ** 2 - 2j * np.pi * f * shift)
        waves = waves * np.expand_dims(factor, [a for a in range(3) if a != axis])
    seen = np.fft.irfftn(waves, fine.shape, axes=(0, 1, 2))
    image = seen.reshape(k // FINE, FINE, j // FINE, FINE, i // FINE, FINE).sum((1, 3, 5))
    per_mbq = camera_facts()["cps_per_mbq"] * projection_s()
    counts = Image(grid(), np.maximum(image, 0.0) * per_mbq, "counts")
    if random is not None:
        counts = with_noise(counts, random)
    return Image(grid(), counts.values / per_mbq, "MBq")


def read(amiss: Amiss, stated_mm: float, random: np.random.Generator | None = None
         ) -> RegionActivity:  # fmt: skip
    """The kidney as the product reads that scan; `stated_mm` is the movement's doubt."""
    found = recover(scan(amiss, random), regions(), Rigid.identity(), fwhm_mm=blur_mm(),
                    scan=SCAN, registration_u_mm=stated_mm)  # fmt: skip
    camera_u = camera_facts()["calibration"]["cylinder_assay_relative_u"]
    return with_scan_doubts(found.regions[NAME], {CAMERA_CAUSE: camera_u}, scan=SCAN)


@dataclass(frozen=True, eq=False)
class Shifted:
    """Scans displaced at random: what is read over the truth, and the parts of its doubt."""

    ratios: Array
    parts: tuple[dict[str, float], ...]  # relative


@cache
def shifted(sd_mm: float, stated_mm: float) -> Shifted:
    """Scans displaced by `sd_mm` along each axis and taken for `stated_mm`, with noise."""
    random = np.random.default_rng(5)
    even = norm.ppf(Halton(3, seed=3).random(DRAWS)) * sd_mm
    rows = [read(Amiss((x, y, z)), stated_mm, random).activity_mbq for x, y, z in even]
    return Shifted(np.array([a.value / KIDNEY_MBQ for a in rows]),
                   tuple({c: p / a.value for c, p in a.parts.items()} for a in rows))  # fmt: skip


@cache
def _read_over_truth(what: str) -> Array:
    """Reading over truth for a blur or a surface off by each of `NODES_MM`."""
    amiss = [Amiss(wider_mm=d) if what == "blur" else Amiss(larger_mm=d) for d in NODES_MM]
    found = [read(one, 0.0).activity_mbq.value for one in amiss]
    return np.array(found) / found[len(found) // 2]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is amiss with a patient's scans and not drawn from its stated doubt."""

    shift_sd_mm: float | None = None
    wider_mm: float | None = None


def readings(clean: Array, fault: Fault, random: np.random.Generator) -> list[Uncertain]:
    """One patient's readings for true activities `clean`, the first scan being the reference.

    Camera, blur and outline are drawn once for all scans, position, counts and repeatability for
    each; all from the doubt that the product states, but for the fault.
    """
    drawn = random.standard_normal(4)
    camera_u = camera_facts()["calibration"]["cylinder_assay_relative_u"]
    wider = TRANSFER_U_MM * drawn[1] if fault.wider_mm is None else fault.wider_mm
    larger = regions().named(NAME).edge_u_mm * drawn[2]
    shared = (1 + camera_u * drawn[0]) * np.interp(wider, NODES_MM, _read_over_truth("blur"))
    shared *= np.interp(larger, NODES_MM, _read_over_truth("outline"))
    found = []
    for number, true in enumerate(clean):
        stated = REGISTRATION_U_MM if number else HARDWARE_U_MM
        lying = shifted(fault.shift_sd_mm or stated, stated)
        n = int(random.integers(DRAWS))
        parts = lying.parts[n]
        own = (1 + REPEATABILITY_U * random.standard_normal()) * (1 + parts[BACKGROUND] * drawn[3])
        seen = float(true * shared * lying.ratios[n] * own)
        found.append(Uncertain(seen, {c.replace(SCAN, f"scan {number}"): p * seen
                                      for c, p in parts.items()}))  # fmt: skip
    return found
