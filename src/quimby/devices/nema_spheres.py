"""Recovery and contrast of the six hot spheres of the NEMA body phantom in PET."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from quimby.core.grid import Image
from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.devices.nema_background import BackgroundRois, background_rois
from quimby.devices.point_spread import Sphere, sphere_occupancy
from quimby.devices.recovery import RecoveryFit, fit_recovery
from quimby.devices.sphere_ring import SphereRing, find_ring

Float = NDArray[np.float64]
DIAMETERS_MM = (37.0, 28.0, 22.0, 17.0, 13.0, 10.0)
RING_MM = (55.2, 59.2)  # 57.2 mm by design, and what a table or a scale may be off
CORE_MM = 8.0  # radius of the largest sphere's middle
CONTOUR = 0.5  # of the background-corrected maximum
LEAST_RATIO = 1.5  # spheres over background
FILL = "concentration in the spheres"


@dataclass(frozen=True, slots=True)
class SphereValues:
    """What a scan shows of one sphere, in its own unit (Bq/ml), and the recoveries.

    `mean` over the physical volume, `contour_mean` inside the 50 % contour (half-way between
    background and maximum). `recovery_*` are over the true concentration; `coefficient` is
    (mean - background) / (true - background), the part that stays in the sphere; `contrast`
    NEMA's, of a disc in the ring's plane.
    """

    sphere: Sphere
    maximum: float
    mean: float
    contour_mean: float
    recovery_max: Uncertain
    recovery_contour: Uncertain
    coefficient: Uncertain
    contrast: float
    variability: float  # of the background's discs of this size: deviation over mean


@dataclass(frozen=True, eq=False)
class NemaResult:
    """All spheres, largest first, with background, fitted curve and how the truth was known."""

    ring: SphereRing
    spheres: tuple[SphereValues, ...]
    background: BackgroundRois
    true_bq_ml: Uncertain
    fit: RecoveryFit | None
    notes: tuple[Note, ...]


def nema_spheres(
    image: Image,
    *,
    sphere_bq_ml: Uncertain | None = None,
    background_bq_ml: Uncertain | None = None,
    compared_with: str = "earl-1",
    where: str = "NEMA phantom",
) -> NemaResult:
    """Find spheres and background of the NEMA (IEC) body phantom by themselves and measure them.

    `sphere_bq_ml` and `background_bq_ml` are true concentrations at the moment that the image
    is corrected to. Without the first, the middle of the largest sphere is taken
    (W-PET-NO-TRUTH); without the second, the background as measured.

    Raises E-PET-PHANTOM, E-PET-TRUTH. W-PET-RANGE where recoveries leave a published range,
    `compared_with` (`published_ranges`).
    Source: NEMA NU 2 (contrast, variability); EARL (maximum and 50 % contour).
    """
    if image.unit != "Bq/ml":
        raise refusal("E-PET-PHANTOM", where=where, why=f"the scan is in {image.unit!r}")
    image = Image(image.grid, image.values, image.unit)  # float64 once, not at every look
    ring = find_ring(image, DIAMETERS_MM, ring_mm=RING_MM, where=where)
    rois = background_rois(image, ring, where=where)
    true, told = _truth(image, ring, sphere_bq_ml, where)
    cold = background_bq_ml.value if background_bq_ml is not None else rois.mean
    if true.value < LEAST_RATIO * cold:
        why = f"{true.value:.4g} Bq/ml in the spheres, {cold:.4g} around them"
        raise refusal("E-PET-TRUTH", where=where, why=why)
    found = tuple(_measured(image, s, true, cold, rois) for s in ring.spheres)
    ranges = range_notes(found, key=compared_with, where=where)
    return NemaResult(ring, found, rois, true, _fitted(found), (*told, *ranges))


def _truth(
    image: Image, ring: SphereRing, given: Uncertain | None, where: str
) -> tuple[Uncertain, tuple[Note, ...]]:
    if given is not None:
        if not given.value > 0:
            raise refusal("E-PET-TRUTH", where=where, why=f"{given.value:g} Bq/ml in the spheres")
        return given, ()
    core = Sphere(2.0 * CORE_MM, ring.spheres[0].centre_mm)
    share = sphere_occupancy(image.grid, core)
    inside = image.values[share > 0.5]
    mean = float(np.sum(share * image.values) / share.sum())
    found = Uncertain(mean, {FILL: float(inside.std(ddof=1))})
    return found, (note("W-PET-NO-TRUTH", where=where, value=mean),)


def _measured(
    image: Image, sphere: Sphere, true: Uncertain, cold: float, rois: BackgroundRois
) -> SphereValues:
    share = sphere_occupancy(image.grid, sphere)
    values = image.values
    mean = float(np.sum(share * values) / share.sum())
    maximum, contour = _contour(values, share, rois.mean)
    n = DIAMETERS_MM.index(sphere.diameter_mm)
    spread = Uncertain(mean, {f"noise, {sphere.diameter_mm:g} mm sphere": rois.spread[n]})
    part = (spread - Uncertain(cold)) / (true - Uncertain(cold))
    disc = rois.disc_mean(image, sphere)
    contrast = (disc / rois.disc_means[n] - 1.0) / (true.value / cold - 1.0)
    return SphereValues(
        sphere, maximum, mean, contour, Uncertain(maximum) / true, Uncertain(contour) / true,
        part, contrast, rois.spread[n] / rois.disc_means[n],
    )  # fmt: skip


def _contour(values: Float, share: Float, cold: float) -> tuple[float, float]:
    """Maximum near a sphere and the mean of the piece above half-way from the background to it."""
    around = tuple(
        slice(max(0, s.start - 2), s.stop + 2)
        for s in ndimage.find_objects((share > 0).astype(int))[0]
    )
    near = ndimage.binary_dilation(share[around] > 0, iterations=2)
    part = np.where(near, values[around], -np.inf)
    top = float(part.max())
    pieces, _ = ndimage.label(part >= cold + CONTOUR * (top - cold))
    wanted = pieces == pieces[np.unravel_index(int(np.argmax(part)), part.shape)]
    return top, float(part[wanted].mean())


def _fitted(found: Sequence[SphereValues]) -> RecoveryFit | None:
    """The curve through the coefficients; None where they do not rise with volume."""
    usable = [s for s in found if s.coefficient.value > 0]
    if len(usable) < 3 or usable[0].coefficient.value <= usable[-1].coefficient.value:
        return None
    common = {c for c in usable[0].coefficient.parts if c in usable[-1].coefficient.parts}
    first = usable[0].coefficient
    shared = np.sqrt(sum(first.parts[c] ** 2 for c in common)) / first.value
    own = [
        max(np.sqrt(sum(p**2 for c, p in s.coefficient.parts.items() if c not in common)), 1e-3)
        for s in usable
    ]
    return fit_recovery(
        [s.sphere.volume_ml for s in usable], [s.coefficient.value for s in usable],
        [float(u) for u in own], u_common=float(shared), cf_geometry="PET, uniform cylinder",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Range:
    """Published lowest and highest recovery of each sphere (mm -> limits)."""

    name: str
    source: str
    tag: str
    maximum: Mapping[float, tuple[float, float]]
    contour: Mapping[float, tuple[float, float]]


@cache
def published_ranges() -> Mapping[str, Range]:
    """The ranges shipped, by key."""
    text = files("quimby.devices").joinpath("data", "pet_recovery.toml").read_text("utf-8")
    return {
        key: Range(row["name"], row["source"], row["tag"], _limits(row.get("maximum", {})),
                   _limits(row.get("contour", {})))
        for key, row in tomllib.loads(text).items()
    }  # fmt: skip


def _limits(rows: Mapping[str, list[float]]) -> dict[float, tuple[float, float]]:
    return {float(mm): (pair[0], pair[1]) for mm, pair in rows.items()}


def range_notes(
    found: Sequence[SphereValues], *, key: str = "earl-1", where: str
) -> tuple[Note, ...]:
    """W-PET-RANGE, one for the maxima and one for the contour means, naming the spheres."""
    limits = published_ranges()[key]
    notes = []
    rows = (
        ("maximum", limits.maximum, [s.recovery_max.value for s in found]),
        ("50 % contour", limits.contour, [s.recovery_contour.value for s in found]),
    )
    for what, table, values in rows:
        out = [
            f"{s.sphere.diameter_mm:g} mm {value:.2f} ({low:.2f} to {high:.2f})"
            for s, value in zip(found, values, strict=True)
            for low, high in (table.get(s.sphere.diameter_mm, (value, value)),)
            if not low <= value <= high
        ]
        if out:
            notes.append(note("W-PET-RANGE", where=where, what=f"{what}: {', '.join(out)}",
                              which=limits.name))  # fmt: skip
    return tuple(notes)
