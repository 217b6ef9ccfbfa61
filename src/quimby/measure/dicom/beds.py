"""Bed positions of one scan, reconstructed one by one, joined to one volume along the patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import expm1, sqrt

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Grid, Image
from quimby.core.notes import Note, in_order, note, refusal
from quimby.measure.dicom import times
from quimby.measure.scans import EmissionScan
from quimby.physics.decay import decay_factor, factor_to_start
from quimby.physics.nuclides import LN2

Float = NDArray[np.float64]
AGREE = 0.10  # [P] difference of two beds in their overlap that is noted
SURE = 3.0  # standard deviations of counting, below which a difference is not noted
GAP_SLICES = 0.1  # rounding of positions that is no gap
SIDEWAYS = 0.1  # of a pixel, likewise
WHOLE = 0.01  # of a slice: a shift this near to whole slices is one
SESSION_H = 3.0  # [P] beds of one scan start within
USUAL_BED_H = 0.5  # [P] length of a bed that does not say its own
CAUSE = "decay between beds"


@dataclass(frozen=True, eq=False)
class _Bed:
    """A bed with its place: slices from the lowest bed's first, not always whole."""

    scan: EmissionScan
    start: float
    factor: float = 1.0

    @property
    def end(self) -> float:
        return self.start + self.scan.image.grid.shape[0]


def join_beds(scans: Sequence[EmissionScan], *, half_life_h: float) -> EmissionScan:
    """One volume of beds that overlap along the slices, as if all had started with the first.

    Each bed is brought to the start, and in counts to the counting time, of the bed that came
    first. In an overlap the beds' weights are in proportion to the distance from their own ends
    (a linear ramp), so the sum stays. A bed that lies between the slices of the lowest is shared
    out by overlap. `half_life_h` is physical. Where the moments are assumed, `doubts` says so.

    Raises
    ------
    InputError
        E-DCM-BEDS for a gap, other voxels, another place across, other units, times or
        decay references, another patient, camera or frame of reference, or counts of unknown time.
    """
    where = ", ".join(str(one.files[0]) for one in scans if one.files) or "beds"
    _one_session(scans, where)
    first = min(scans, key=lambda one: times.rough(one.acquired_at) if one.acquired_at else 0.0)
    timed, doubt, notes = _in_time(scans, first, half_life_h, where)
    beds = _in_place(timed, where)
    image, overlaps = _blended(beds)
    notes += _agreement(beds, where)
    notes += (note("I-DCM-BEDS", where=where, number=len(beds), overlap=f"{overlaps:.0f}",
                   factors=", ".join(f"{bed.factor:.4g}" for bed in beds)),)  # fmt: skip
    return replace(
        first, image=image, files=tuple(path for bed in beds for path in bed.scan.files),
        notes=in_order([n for one in scans for n in one.notes] + list(notes)),
        doubts={**first.doubts, **doubt}, busiest_bed=_busiest(beds, image),
    )  # fmt: skip


def _one_session(scans: Sequence[EmissionScan], where: str) -> None:
    """E-DCM-BEDS unless patient, camera, unit, reference and window are the same."""
    head = scans[0]
    for one in scans[1:]:
        for what, mine, other in (
            ("patients", one.identity.patient_id, head.identity.patient_id),
            ("frames of reference", one.frame_of_reference, head.frame_of_reference),
            ("units", one.image.unit, head.image.unit),
            ("decay references", one.decay_reference, head.decay_reference),
            ("cameras", _camera(one), _camera(head)),
            ("energy windows", one.device.windows, head.device.windows),
            ("corrections", one.device.corrections, head.device.corrections),
            ("nuclides", one.pharmaceutical.nuclide, head.pharmaceutical.nuclide),
        ):
            if mine != other:
                raise refusal("E-DCM-BEDS", where=where, why=f"their {what} differ")
    if head.image.unit == "counts" and any(one.timing is None for one in scans):
        why = "they are in counts, and how long each counted is not known; give the scan's counting"
        raise refusal("E-DCM-BEDS", where=where, why=why)


def _camera(scan: EmissionScan) -> tuple[str, ...]:
    device = scan.device
    return device.manufacturer, device.model, device.serial, device.collimator


def _in_time(
    scans: Sequence[EmissionScan], first: EmissionScan, half_life_h: float, where: str
) -> tuple[list[_Bed], Mapping[str, float], tuple[Note, ...]]:
    """Each bed's factor to the first bed's moment, with the doubt of times that are assumed."""
    after = _hours_after(scans, first)
    if max(after, default=0.0) > SESSION_H:
        raise refusal("E-DCM-BEDS", where=where, why=f"they start {max(after):.1f} h apart")
    assumed = _assumed(scans, after)
    waits = [0.0] * len(scans) if assumed else after
    beds = [
        _Bed(one, 0.0, _factor(one, first, wait, half_life_h))
        for one, wait in zip(scans, waits, strict=True)
    ]
    if first.decay_reference == "ADMIN":
        return beds, {}, ()
    doubted = any(n.code.endswith("DCM-DECAY-REF") for one in scans for n in one.notes)
    if not (assumed or doubted):
        return beds, {}, ()
    longest = max(_lasted(one) for one in scans) * (len(scans) - 1) if assumed else max(after)
    # Anywhere up to this long: a rectangular distribution.
    u = expm1(LN2 * longest / half_life_h) / sqrt(3.0)
    said = note("W-DCM-BEDS-TIME", where=where, value=100.0 * u, limit=0.0)
    return beds, {CAUSE: u}, (said,)


def _hours_after(scans: Sequence[EmissionScan], first: EmissionScan) -> list[float]:
    """Start of each bed after the first one; 0 where a bed does not say it."""
    if first.acquired_at is None:
        return [0.0] * len(scans)
    start = times.rough(first.acquired_at)
    return [(times.rough(one.acquired_at) - start) / 3600.0 if one.acquired_at else 0.0
            for one in scans]  # fmt: skip


def _assumed(scans: Sequence[EmissionScan], after: Sequence[float]) -> bool:
    """Whether times are missing, or one stamp stands on several: no bed starts within another."""
    if any(one.acquired_at is None for one in scans):
        return True
    least = min(_lasted(one) if one.timing else 0.0 for one in scans) / 2.0
    steps = np.diff(sorted(after))
    return bool(steps.size and steps.min() <= least)


def _lasted(scan: EmissionScan) -> float:
    return scan.timing.elapsed_scan_time_s / 3600.0 if scan.timing else USUAL_BED_H


def _factor(one: EmissionScan, first: EmissionScan, wait_h: float, half_life_h: float) -> float:
    """From a bed's values to what it would have shown in the first bed's time."""
    factor = 1.0
    if one.image.unit == "counts" and one.timing and first.timing:
        factor = first.timing.sum_of_projection_time_s / one.timing.sum_of_projection_time_s
    if one.decay_reference == "ADMIN":
        return factor
    factor /= decay_factor(wait_h, half_life_h)
    if one.decay_reference == "NONE" and one.timing and first.timing:
        mean, wanted = (factor_to_start(_lasted(s), half_life_h) for s in (one, first))
        factor *= mean / wanted
    return factor


def _in_place(beds: Sequence[_Bed], where: str) -> list[_Bed]:
    """The beds from the lowest slice on. E-DCM-BEDS for other voxels, a shift across, a gap."""
    grids = [bed.scan.image.grid for bed in beds]
    if problem := next((p for g in grids[1:] if (p := unlike(grids[0], g))), ""):
        raise refusal("E-DCM-BEDS", where=where, why=problem)
    starts = [slices_between(grids[0], grid) for grid in grids]
    placed = sorted(
        (replace(bed, start=_near_whole(start - min(starts)))
         for bed, start in zip(beds, starts, strict=True)),
        key=lambda bed: bed.start,
    )  # fmt: skip
    for lower, upper in pairwise(placed):
        if (gap := upper.start - lower.end) > GAP_SLICES:
            mm = gap * grids[0].spacing_mm[2]
            why = f"between two of them {mm:.1f} mm are missing"
            raise refusal("E-DCM-BEDS", where=where, why=why)
    return placed


def unlike(grid: Grid, other: Grid) -> str:
    """Why two volumes are no beds of one lattice; empty where they are."""
    if not np.allclose(grid.spacing_mm, other.spacing_mm, rtol=1e-3):
        return "their voxels differ in size"
    if grid.shape[1:] != other.shape[1:] or not np.allclose(
        grid.affine[:3, :3], other.affine[:3, :3], atol=1e-2
    ):
        return "their matrices or directions differ"
    moved = other.origin_mm - grid.origin_mm
    across = moved - (moved @ _along(grid)) * _along(grid)
    if np.linalg.norm(across) > SIDEWAYS * min(grid.spacing_mm[:2]):
        return f"they lie {np.linalg.norm(across):.1f} mm apart across the slices"
    return ""


def _along(grid: Grid) -> Float:
    return np.asarray(grid.affine[:3, 2] / grid.spacing_mm[2], dtype=np.float64)


def slices_between(grid: Grid, other: Grid) -> float:
    """How far the other volume starts beyond this one, in slices."""
    return float((other.origin_mm - grid.origin_mm) @ _along(grid)) / grid.spacing_mm[2]


def _near_whole(start: float) -> float:
    return float(round(start)) if abs(start - round(start)) < WHOLE else start


def _blended(beds: Sequence[_Bed]) -> tuple[Image, float]:
    """The joined volume on the lowest bed's lattice, and the shortest overlap in mm."""
    lowest = beds[0].scan.image
    top = max(bed.end for bed in beds)
    count = int(np.ceil(top - 1e-9))
    centres = np.arange(count) + 0.5
    shares = [_shared_out(bed, count) for bed in beds]
    # In one bed alone its weight is 1 wherever it lies; at its very end it must not be 0.
    near = [np.where(c > 0, np.clip(np.minimum(centres - b.start, b.end - centres), 1e-3, None), 0)
            for b, (_, c) in zip(beds, shares, strict=True)]  # fmt: skip
    filled = np.clip(top - np.arange(count), 0.0, 1.0)  # of the last slice perhaps a part
    out = np.zeros((count, *lowest.grid.shape[1:]))
    for (values, cover), weight in zip(shares, near, strict=True):
        own = np.divide(weight * filled, sum(near) * cover, out=np.zeros(count), where=cover > 0)
        out += own[:, None, None] * values
    overlap = min(low.end - up.start for low, up in pairwise(beds))
    grid = Grid((count, *lowest.grid.shape[1:]), lowest.grid.affine)
    image = Image(grid, out.astype(np.float32), lowest.unit)
    return image, max(overlap, 0.0) * grid.spacing_mm[2]


def _shared_out(bed: _Bed, count: int) -> tuple[Float, Float]:
    """A bed's values on the common slices by overlap, and how much of each slice it covers."""
    values = bed.scan.image.values * bed.factor
    whole, part = int(np.floor(bed.start)), bed.start - np.floor(bed.start)
    out, cover = np.zeros((count, *values.shape[1:])), np.zeros(count)
    for shift, share in ((0, 1.0 - part), (1, part)):
        if share > 0:
            at = slice(whole + shift, whole + shift + len(values))
            out[at] += share * values
            cover[at] += share
    return out, cover


def _agreement(beds: Sequence[_Bed], where: str) -> tuple[Note, ...]:
    """W-DCM-BEDS where two neighbours show more than 10 % different sums in their overlap."""
    notes: list[Note] = []
    for lower, upper in pairwise(beds):
        low, high = (_between(bed, upper.start, lower.end) for bed in (lower, upper))
        if min(low, high) <= 0:
            continue
        noise = sqrt(lower.factor / low + upper.factor / high)
        sure = SURE * noise if lower.scan.image.unit == "counts" else 0.0
        if abs(high / low - 1.0) > max(AGREE, sure):
            notes.append(note("W-DCM-BEDS", where=where, value=high / low, limit=1.0 + AGREE))
    return tuple(notes)


def _busiest(beds: Sequence[_Bed], image: Image) -> float:
    """Largest share of the joined sum that one bed saw; 1 where there is nothing to share."""
    whole = float(image.values.sum())
    sums = [float(bed.scan.image.values.sum()) * bed.factor for bed in beds]
    return min(max(sums) / whole, 1.0) if whole > 0 else 1.0


def _between(bed: _Bed, start: float, end: float) -> float:
    """Sum of a bed's slices between two places, parts of slices by their share."""
    lower = np.arange(len(bed.scan.image.values)) + bed.start
    inside = np.clip(np.minimum(lower + 1.0, end) - np.maximum(lower, start), 0.0, 1.0)
    return float(inside @ bed.scan.image.values.sum(axis=(1, 2))) * bed.factor
