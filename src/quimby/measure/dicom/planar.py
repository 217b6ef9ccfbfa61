"""Planar NM files: static, whole-body and dynamic frames, as cameras write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from quimby.core.notes import Note, in_order, note, refusal
from quimby.measure.dicom import about, times
from quimby.measure.dicom.decay_moment import reference_of
from quimby.measure.dicom.emission import NM, nm_scale
from quimby.measure.dicom.frames import check_lossless, stored
from quimby.measure.dicom.headers import (
    items,
    number,
    numbers,
    open_file,
    text,
    texts,
    tolerant,
)
from quimby.measure.dicom.planar_views import Head, heads_of
from quimby.measure.planar_scan import PlanarFrame, PlanarScan, Sweep
from quimby.measure.scans import EnergyWindow

KINDS = {"STATIC": "static", "WHOLE BODY": "whole body", "DYNAMIC": "dynamic"}
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
COUNTS_AGREE = 0.001  # [P] pixel sum and CountsAccumulated
LEAST_DYNAMIC_MS = 100.0  # a dynamic frame may be short; less was surely written in seconds


@dataclass(frozen=True, eq=False)
class _Place:
    """Which window, head and time each frame of a file belongs to (indices from 1)."""

    window: Sequence[int]
    head: Sequence[int]
    number: Sequence[int]
    phase: Sequence[int]


def read_planar(
    files: Iterable[Path | str],
    *,
    seconds: float | None = None,
    window: EnergyWindow | None = None,
) -> PlanarScan:
    """One planar acquisition: the views of one patient at one time, from one or more files.

    `seconds` of a frame and `window`, where given, are a person's word for a file that is
    silent; a word that the file has itself is kept. Numbers are counts.

    Raises
    ------
    InputError
        E-DCM-SOP for another kind of object, E-PLN-KIND for tomographic frames,
        E-PLN-VECTORS where nothing says which frame is what, E-DCM-GEOM without pixel size,
        E-DCM-FRAMEDUR without frame time, E-DCM-UNITS, E-DCM-MIXED, E-DCM-EMPTY.
    """
    with tolerant():
        opened = [(Path(path), open_file(path)) for path in files]
        unique = {text(d, "SOPInstanceUID") or str(p): (p, d) for p, d in opened}
        pairs = list(unique.values())
        if not pairs:
            raise refusal("E-DCM-EMPTY", where="planar scan")
        return _joined([_one(path, data, seconds, window) for path, data in pairs])


def _one(path: Path, data: Dataset, told_s: float | None, told: EnergyWindow | None) -> PlanarScan:
    where = str(path)
    kind, emission = _kind(data, where)
    pixel = numbers(data, "PixelSpacing")
    if len(pixel) != 2 or min(pixel) <= 0:
        raise refusal("E-DCM-GEOM", where=where, missing="pixel spacing")
    check_lossless(data, where=where)
    counts, counted = _counts(data, where)
    heads, sided = heads_of(data, where=where)
    place = _place(data, len(counts), kind, where)
    frames = _frames(data, counts, place, heads, (told_s, told), kind, where)
    drug, drugged = about.pharmaceutical_of(data, where=where)
    start = times.acquired_at(data)
    referenced = reference_of(data, start, drug, where=where).notes
    notes = (*_copy_notes(data, where), *counted, *sided, *drugged, *referenced)
    notes += () if start else (note("W-DCM-NOTIME", where=where),)
    sweep, swept = _sweep(data, kind, where)
    return PlanarScan(
        kind=kind, frames=frames, pixel_mm=(pixel[0], pixel[1]), emission=emission, sweep=sweep,
        identity=about.identity_of(data), device=about.device_of(data), pharmaceutical=drug,
        acquired_at=start, study_uid=text(data, "StudyInstanceUID"),
        series_uid=text(data, "SeriesInstanceUID"), description=text(data, "SeriesDescription"),
        patient_position=about.position_of(data), files=(path,), notes=in_order(notes + swept),
    )  # fmt: skip


def _kind(data: Dataset, where: str) -> tuple[str, bool]:
    """Static, whole body or dynamic; and whether it is an emission image."""
    planar_copy = text(data, "SOPClassUID") == CAPTURE and text(data, "Modality") == "NM"
    if text(data, "SOPClassUID") != NM and not planar_copy:
        found = str(getattr(data.get("SOPClassUID"), "name", "")) or "no class"
        raise refusal("E-DCM-SOP", where=where, found=found, wanted="an NM image")
    said = texts(data, "ImageType")
    third = said[2] if len(said) > 2 else ""
    if third not in KINDS:
        raise refusal("E-PLN-KIND", where=where, found="\\".join(said) or "no image type",
                      wanted="a static, whole-body or dynamic image")  # fmt: skip
    return KINDS[third], "TRANSMISSION" not in said


def _counts(data: Dataset, where: str) -> tuple[NDArray[np.float64], tuple[Note, ...]]:
    """Counts (frames, rows, columns). W-PLN-COUNTS, S-PLN-CLIPPED tell of what is not whole."""
    raw = stored(data, where=where)
    scale, notes = nm_scale(data, where=where)
    if scale.unit != "counts":
        raise refusal("E-DCM-UNITS", where=where, units=scale.unit)
    counts = scale.apply(raw, where=where)
    said, total = number(data, "CountsAccumulated"), float(counts.sum())
    if said and abs(total / said - 1.0) > COUNTS_AGREE:
        notes += (note("W-PLN-COUNTS", where=where, value=total, limit=said),)
    signed, bits = number(data, "PixelRepresentation") == 1, int(number(data, "BitsStored") or 16)
    ceiling = 2 ** (bits - 1 if signed else bits) - 1
    if clipped := int(np.count_nonzero(raw == ceiling)):
        notes += (note("S-PLN-CLIPPED", where=where, value=clipped, limit=ceiling),)
    return counts, notes


def _place(data: Dataset, count: int, kind: str, where: str) -> _Place:
    """The vectors, each of one number a frame; a single frame needs none."""

    def vector(keyword: str) -> list[int]:
        found = [int(v) for v in numbers(data, keyword)]
        if found and len(found) != count:
            raise refusal("E-PLN-VECTORS", where=where, frames=count,
                          why=f"{keyword} has {len(found)} entries")  # fmt: skip
        return found

    window, head = vector("EnergyWindowVector"), vector("DetectorVector")
    phase, number_in = vector("PhaseVector"), vector("TimeSliceVector")
    if count > 1 and kind != "dynamic" and not head:
        raise refusal("E-PLN-VECTORS", where=where, frames=count, why="DetectorVector is missing")
    if kind == "dynamic" and not number_in:
        number_in = list(range(1, count + 1))
    ones = [1] * count
    place = _Place(window or ones, head or ones, number_in or ones, phase or ones)
    keys = list(zip(place.window, place.head, place.phase, place.number, strict=True))
    if len(set(keys)) < count:
        raise refusal("E-PLN-VECTORS", where=where, frames=count,
                      why="two frames have the same window, head and time")  # fmt: skip
    return place


def _frames(
    data: Dataset, counts: NDArray[np.float64], place: _Place, heads: Sequence[Head],
    told: tuple[float | None, EnergyWindow | None], kind: str, where: str,
) -> tuple[PlanarFrame, ...]:  # fmt: skip
    windows = _windows(data)
    lasts = _seconds(data, place, told[0], kind, where)
    behind = _numbers_before(place)
    found = []
    for n, plane in enumerate(counts):
        w, h = place.window[n] - 1, place.head[n] - 1
        head = heads[h] if h < len(heads) else Head()
        held = windows[w] if w < len(windows) else None
        found.append(
            PlanarFrame(plane, head.view, place.head[n], held or told[1], lasts[n],
                        place.number[n] + behind[place.phase[n]], head.collimator)
        )  # fmt: skip
    return tuple(found)


def _windows(data: Dataset) -> list[EnergyWindow | None]:
    """One entry an energy window; several ranges of one are not one window, so None."""
    found: list[EnergyWindow | None] = []
    for holder in items(data, "EnergyWindowInformationSequence"):
        ranges = items(holder, "EnergyWindowRangeSequence")
        low = number(ranges[0], "EnergyWindowLowerLimit") if len(ranges) == 1 else None
        high = number(ranges[0], "EnergyWindowUpperLimit") if len(ranges) == 1 else None
        named = text(holder, "EnergyWindowName")
        found.append(None if low is None or high is None else EnergyWindow(named, low, high))
    return found


def _seconds(
    data: Dataset, place: _Place, told_s: float | None, kind: str, where: str
) -> list[float]:
    """Time of every frame: of its phase, else of the file, else as told."""
    phases = [number(p, "ActualFrameDuration") for p in items(data, "PhaseInformationSequence")]
    whole = number(data, "ActualFrameDuration")
    return [
        _in_seconds(phases[p - 1] if p <= len(phases) else None, whole, told_s, kind, where)
        for p in place.phase
    ]


def _in_seconds(
    phase_ms: float | None, whole_ms: float | None, told_s: float | None, kind: str, where: str
) -> float:
    written = phase_ms or whole_ms
    if written and kind == "dynamic" and written >= LEAST_DYNAMIC_MS:
        return written / 1000.0
    if written and (written >= 1000.0 or told_s is None):
        return times.frame_seconds(written, where=where)
    if told_s is None or not told_s > 0:
        raise refusal("E-DCM-FRAMEDUR", where=where, found="the file does not say the frame time")
    return told_s


def _numbers_before(place: _Place) -> dict[int, int]:
    """How many time slots of a dynamic series lie before each phase."""
    longest = dict.fromkeys(sorted(set(place.phase)), 0)
    for p, n in zip(place.phase, place.number, strict=True):
        longest[p] = max(longest[p], n)
    before, total = {}, 0
    for p, n in longest.items():
        before[p] = total
        total += n
    return before


def _sweep(data: Dataset, kind: str, where: str) -> tuple[Sweep | None, tuple[Note, ...]]:
    if kind != "whole body":
        return None, ()
    found = Sweep(number(data, "ScanVelocity") or None, number(data, "ScanLength") or None,
                  text(data, "WholeBodyTechnique"))  # fmt: skip
    return found, (note("I-PLN-SWEEP", where=where),)


def _copy_notes(data: Dataset, where: str) -> tuple[Note, ...]:
    derived = texts(data, "ImageType")[:1] == ("DERIVED",)
    if text(data, "SOPClassUID") != CAPTURE and not derived:
        return ()
    found = "a secondary capture" if text(data, "SOPClassUID") == CAPTURE else "a derived image"
    return (note("S-PLN-COPY", where=where, found=found),)


def _joined(scans: Sequence[PlanarScan]) -> PlanarScan:
    """Views that a camera wrote into separate files, as one scan. E-DCM-MIXED."""
    head = scans[0]
    for one in scans[1:]:
        for what, same in (
            ("patient", one.identity.patient_id == head.identity.patient_id),
            ("study", one.study_uid == head.study_uid),
            ("kind of image", (one.kind, one.emission) == (head.kind, head.emission)),
            ("pixel size", np.allclose(one.pixel_mm, head.pixel_mm, rtol=1e-3)),
            ("matrix", one.frames[0].counts.shape == head.frames[0].counts.shape),
            ("time of acquisition", _near(one, head)),
        ):
            if not same:
                raise refusal("E-DCM-MIXED", where=one.where, what=what)
    frames = tuple(f for one in scans for f in one.frames)
    keys = [(f.view or f.detector, f.window, f.number) for f in frames]
    if len(scans) > 1 and len(set(keys)) < len(keys):
        raise refusal("E-DCM-MIXED", where=head.where, what="time: one view is there twice")
    return PlanarScan(
        head.kind, frames, head.pixel_mm, head.emission, head.sweep, head.identity, head.device,
        head.pharmaceutical, times.earliest(one.acquired_at for one in scans), head.study_uid,
        head.series_uid, head.description, head.patient_position,
        tuple(path for one in scans for path in one.files),
        in_order(n for one in scans for n in one.notes),
    )  # fmt: skip


def _near(one: PlanarScan, other: PlanarScan) -> bool:
    """Started within the time of one frame and a minute of each other (heads, or one after one)."""
    if one.acquired_at is None or other.acquired_at is None:
        return one.acquired_at is None and other.acquired_at is None
    apart = abs(times.rough(one.acquired_at) - times.rough(other.acquired_at))
    return apart <= 60.0 + 2.0 * max(f.seconds for f in (*one.frames, *other.frames))
