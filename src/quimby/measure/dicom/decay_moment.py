"""The moment to which a file's activities were corrected for decay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from pydicom.dataset import Dataset

from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, note
from quimby.measure.dicom import times
from quimby.measure.dicom.headers import text, texts
from quimby.measure.scans import Radiopharmaceutical
from quimby.physics.nuclides import nuclide

CAUSE = "decay reference"
NAMED = ("NONE", "START", "ADMIN")
SAME_S = 60.0  # [P] clocks that write one moment differ by less


@dataclass(frozen=True, slots=True)
class Reference:
    """NONE, START or ADMIN, the factor that brings the file's values there, doubt and notes.

    `doubts` is relative, by cause.
    """

    name: str
    factor: float
    doubts: Mapping[str, float]
    notes: tuple[Note, ...]


def reference_of(
    data: Dataset, start: datetime | None, drug: Radiopharmaceutical, *, where: str
) -> Reference:
    """To which moment activities are decay-corrected.

    A moment that the file writes, (0018,9701), goes before its words; one that is neither the
    start of the scan nor that of administration is brought to the start (I-DCM-DECAY-MOMENT).
    S-DCM-DECAY-REF when the file is corrected but does not say to when (taken as START);
    W-DCM-DECAY-REF when series and acquisition time differ enough to matter: either may be
    meant, so the difference becomes a doubt.
    """
    named = text(data, "DecayCorrection").upper()
    corrected = "DECY" in texts(data, "CorrectedImage")
    if named == "NONE" or not (corrected or named in NAMED):
        return Reference("NONE", 1.0, {}, ())
    half_life_h = _half_life_h(drug)
    zone = times.zone_of(data)
    written = times.moment_of(text(data, "DecayCorrectionDateTime"), zone)
    if written is not None and start is not None and half_life_h is not None:
        return _moment(written, start, drug, half_life_h, where)
    if named not in NAMED:
        return Reference("START", 1.0, {}, (note("S-DCM-DECAY-REF", where=where),))
    if named == "ADMIN" or half_life_h is None:
        return Reference(named, 1.0, {}, ())
    series = times.moment(text(data, "SeriesDate"), text(data, "SeriesTime"), zone)
    factor, notes = times.decay_reference_note(series, start, half_life_h=half_life_h, where=where)
    # Either clock, or any between: a rectangular distribution from the one that is taken.
    doubts = {CAUSE: abs(factor - 1.0) / sqrt(3.0)} if notes else {}
    return Reference("START", 1.0, doubts, notes)


def _moment(
    written: datetime, start: datetime, drug: Radiopharmaceutical, half_life_h: float, where: str
) -> Reference:
    if _apart_s(written, start) <= SAME_S:
        return Reference("START", 1.0, {}, ())
    if drug.started_at is not None and _apart_s(written, drug.started_at) <= SAME_S:
        return Reference("ADMIN", 1.0, {}, ())
    factor = times.activity_ratio(written, start, half_life_h=half_life_h)
    said = note("I-DCM-DECAY-MOMENT", where=where, moment=f"{written:%Y-%m-%d %H:%M}", value=factor)
    return Reference("START", factor, {}, (said,))


def _apart_s(one: datetime, other: datetime) -> float:
    return abs(times.hours_apart(one, other)) * 3600.0


def _half_life_h(drug: Radiopharmaceutical) -> float | None:
    """The table's; of a nuclide that is not known here, the file's own."""
    try:
        return nuclide(drug.nuclide).half_life_h.value
    except QuimbyError:
        return drug.half_life_h
