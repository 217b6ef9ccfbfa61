"""From which side each head of a camera looked at the patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from quimby.core.notes import Note, note
from quimby.measure.dicom.geometry import unit_normal
from quimby.measure.dicom.headers import first, items, number, numbers, text

CODES = {"R-10206": "anterior", "R-10214": "posterior", "R-10236": "left", "R-10232": "right"}
"""SNOMED view codes of DICOM CID 26."""
WORDS = {"anterior": "anterior", "posterior": "posterior", "ant": "anterior", "post": "posterior",
         "left lateral": "left", "right lateral": "right"}  # fmt: skip
ANGLES = {0: "posterior", 90: "left", 180: "anterior", 270: "right"}
"""Start angle (0054,0200): 0 at the patient's back, rising towards the patient's left."""
ANGLE_WITHIN = 20.0  # degrees


@dataclass(frozen=True, slots=True)
class Head:
    """One detector: its view ("" where the file does not say) and collimator."""

    view: str = ""
    collimator: str = ""


def heads_of(data: Dataset, *, where: str) -> tuple[tuple[Head, ...], tuple[Note, ...]]:
    """Every detector of a file. The view code goes before the angle, the angle before the plane.

    W-PLN-ORIENT where the image planes contradict the views. Planes serve only where the heads'
    planes differ: many cameras write one plane for both heads.
    """
    found = items(data, "DetectorInformationSequence")
    said = [_coded(one) or _angled(one) for one in found]
    planes = [_faced(one) for one in found]
    distinct = len(found) == 1 or len(set(planes)) == len(planes)
    views = [view or (plane if distinct else "") for view, plane in zip(said, planes, strict=True)]
    heads = tuple(
        Head(view, text(one, "CollimatorGridName")) for view, one in zip(views, found, strict=True)
    )
    return heads, _odd(views, planes, where)


def _odd(views: Sequence[str], planes: Sequence[str], where: str) -> tuple[Note, ...]:
    wrong = [f"{v} as {p}" for v, p in zip(views, planes, strict=True) if v and p and v != p]
    return (note("W-PLN-ORIENT", where=where, found=", ".join(wrong)),) if wrong else ()


def _coded(head: Dataset) -> str:
    code = first(head, "ViewCodeSequence")
    if code is None:
        return ""
    meaning = text(code, "CodeMeaning").strip().lower()
    return CODES.get(text(code, "CodeValue"), WORDS.get(meaning, ""))


def _angled(head: Dataset) -> str:
    angle = number(head, "StartAngle")
    if angle is None:
        return ""
    for at, view in ANGLES.items():
        if abs((angle - at + 180.0) % 360.0 - 180.0) <= ANGLE_WITHIN:
            return view
    return ""


def _faced(head: Dataset) -> str:
    """View from the image plane: rows x columns points away from the head."""
    plane = numbers(head, "ImageOrientationPatient")
    if len(plane) != 6:
        return ""
    across = unit_normal(np.array(plane))
    if not np.all(np.isfinite(across)) or np.abs(across).max() < 0.9:
        return ""
    axis = int(np.argmax(np.abs(across)))
    ways = {(0, True): "right", (0, False): "left", (1, True): "anterior", (1, False): "posterior"}
    return ways.get((axis, bool(across[axis] > 0)), "")
