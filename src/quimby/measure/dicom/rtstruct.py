"""Planar contours of RT structure sets."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from quimby.core.notes import Note, note, refusal
from quimby.core.outline import Outline
from quimby.measure.dicom.headers import items, numbers, text

CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "CLOSED_PLANAR_XOR")
FLAT_MM = 0.1  # how far a contour's points may lie from their plane
STATUS = {"APPROVED": "approved", "UNAPPROVED": "draft", "": "draft"}


def outlines_of(data: Dataset, *, where: str) -> tuple[tuple[Outline, ...], tuple[Note, ...]]:
    """Every region with closed contours; W-DCM-CONTOUR names each that has none, or loses some.

    E-DCM-OUTLINE-REJECTED for a structure set that a reviewer rejected.
    """
    approval = text(data, "ApprovalStatus").upper()
    if approval == "REJECTED":
        who = text(data, "ReviewerName") or "its reviewer"
        raise refusal("E-DCM-OUTLINE-REJECTED", where=where, who=who)
    status = STATUS.get(approval, "draft")
    drawn = {text(roi, "ReferencedROINumber"): roi for roi in items(data, "ROIContourSequence")}
    outlines: list[Outline] = []
    notes: list[Note] = []
    for named in items(data, "StructureSetROISequence"):
        number, name = text(named, "ROINumber"), text(named, "ROIName")
        roi = drawn.get(number, Dataset())
        contours, lost = _contours(roi, name or number, where)
        notes += lost
        if not contours:
            notes.append(_say(f"The region {name!r} has no closed contour and was left out", where))
            continue
        outlines.append(
            Outline(
                name=name or f"region {number}",
                frame_of_reference=_frame(named, data),
                contours=contours,
                origin=f"{where}, region {number}",
                author=_author(named, data, number),
                status=status,
                machine=_machine(named),
            )
        )
    return tuple(outlines), tuple(notes)


def _say(what: str, where: str) -> Note:
    return note("W-DCM-CONTOUR", where=where, what=what)


def _contours(
    roi: Dataset, name: str, where: str
) -> tuple[tuple[NDArray[np.float64], ...], list[Note]]:
    kept: list[NDArray[np.float64]] = []
    odd = 0
    for contour in items(roi, "ContourSequence"):
        flat = numbers(contour, "ContourData")
        kind = text(contour, "ContourGeometricType").upper() or CLOSED[0]
        if kind not in CLOSED or len(flat) < 9 or len(flat) % 3:
            odd += 1
            continue
        points = np.array(flat).reshape(-1, 3)
        _flat(points, name, where)
        points.flags.writeable = False
        kept.append(points)
    if not kept or not odd:
        return tuple(kept), []
    return tuple(kept), [_say(f"{name}: {odd} open or broken contours were left out", where)]


def _flat(points: NDArray[np.float64], name: str, where: str) -> None:
    if np.ptp(points, axis=0).min() <= FLAT_MM:
        return
    centred = points - points.mean(axis=0)
    off_plane = np.linalg.svd(centred, compute_uv=False)[-1] / np.sqrt(len(points))
    if off_plane > FLAT_MM:
        raise refusal(
            "E-DCM-OUTLINE", where=where, what=f"A contour of {name!r} does not lie in one plane"
        )


def _frame(named: Dataset, data: Dataset) -> str:
    """The region's own frame of reference, else the structure set's."""
    if own := text(named, "ReferencedFrameOfReferenceUID"):
        return own
    frames: Iterable[str] = (
        text(one, "FrameOfReferenceUID")
        for one in items(data, "ReferencedFrameOfReferenceSequence")
    )
    return next((uid for uid in frames if uid), text(data, "FrameOfReferenceUID"))


def _machine(named: Dataset) -> bool | None:
    """Whether a program drew it without a person; None where the file does not say."""
    how = text(named, "ROIGenerationAlgorithm").upper()
    return how == "AUTOMATIC" if how else None


def _author(named: Dataset, data: Dataset, number: str) -> str:
    """Who drew it: a person where one is named, else how and with what program."""
    seen = (o for o in items(data, "RTROIObservationsSequence"))
    drew = next(
        (text(o, "ROIInterpreter") for o in seen if text(o, "ReferencedROINumber") == number), ""
    )
    person = drew or text(data, "OperatorsName") or text(data, "ReviewerName")
    made = " ".join(filter(None, (text(data, "Manufacturer"), text(data, "ManufacturerModelName"))))
    how = text(named, "ROIGenerationAlgorithm").lower()
    return ", ".join(filter(None, (person, how, made)))
