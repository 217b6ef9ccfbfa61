"""The slices that a segmentation lies on, as headers of single slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID, CTImageStorage

from quimby.core.grid import Grid
from quimby.core.notes import refusal
from quimby.report.dicom_file import identity, uid

TOLERANCE_MM = 0.02
NEEDED = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyID", "StudyDate",
    "StudyTime", "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
KEPT = (
    *NEEDED, "SpecificCharacterSet", "StudyInstanceUID", "SeriesInstanceUID",
    "FrameOfReferenceUID", "PositionReferenceIndicator", "Modality", "SOPClassUID",
)  # fmt: skip
"""What a stand-in has of its file, and of that what it must have, if empty."""


def in_slice_order(ct: Sequence[Dataset], grid: Grid) -> list[Dataset]:
    """CT headers sorted along the grid's slices, each checked to lie where the grid says."""
    if len(ct) != grid.shape[0]:
        _off(f"{len(ct)} files, {grid.shape[0]} slices")
    normal = grid.affine[:3, 2]
    found = sorted(ct, key=lambda d: float(np.dot(d.ImagePositionPatient, normal)))
    for k, header in enumerate(found):
        if (header.Rows, header.Columns) != grid.shape[1:]:
            _off(f"{header.Rows} × {header.Columns} pixels, not {grid.shape[1]} × {grid.shape[2]}")
        gap = np.abs(np.array(header.ImagePositionPatient, float) - grid.points_mm((0, 0, k))).max()
        if gap > TOLERANCE_MM:
            _off(f"slice {k} lies {gap:.2f} mm away")
    return found


def _off(what: str) -> None:
    raise refusal("E-REP-CT-GRID", where="reference CT", what=what)


def slices_of(headers: Sequence[Dataset], grid: Grid) -> list[Dataset]:
    """A header for each slice of an image: its own files, or stand-ins for one multi-frame file.

    highdicom takes no multi-frame nuclear medicine image; `referring_to` names it afterwards.
    """
    once = [_complete(h) for h in {str(h.SOPInstanceUID): h for h in headers}.values()]
    if len(once) == 1 and int(once[0].get("NumberOfFrames", 1) or 1) > 1:
        return [_stand_in(once[0], grid, k) for k in range(grid.shape[0])]
    return in_slice_order(once, grid)


def _complete(header: Dataset) -> Dataset:
    """The header with every element that must be there, if empty: many a real file lacks some."""
    missing = [name for name in NEEDED if name not in header]
    if not missing:
        return header
    whole = deepcopy(header)
    for name in missing:
        setattr(whole, name, "")
    return whole


def _stand_in(header: Dataset, grid: Grid, k: int) -> Dataset:
    across, down, through = grid.spacing_mm
    ds = Dataset()
    for name in KEPT:
        if name in header:
            setattr(ds, name, header[name].value)
    ds.SOPClassUID = CTImageStorage  # of single slices, until `referring_to` says the real one
    ds.SOPInstanceUID = uid("stand-in", identity(header), str(header.SOPInstanceUID), str(k))
    ds.Rows, ds.Columns = grid.shape[1:]
    ds.ImagePositionPatient = [_short(x) for x in grid.points_mm((0, 0, k))]
    ds.ImageOrientationPatient = [
        _short(x) for x in (*grid.affine[:3, 0] / across, *grid.affine[:3, 1] / down)
    ]
    ds.PixelSpacing = [_short(down), _short(across)]
    ds.SliceThickness = ds.SpacingBetweenSlices = _short(through)
    return ds


def _short(x: float) -> float:
    """A number that a decimal string of 16 letters holds; dust around zero is zero."""
    return float(f"{x:.8g}") if abs(x) > 1e-7 else 0.0


def referring_to(seg: Any, headers: Sequence[Dataset], slices: Sequence[Dataset]) -> None:
    """Name the multi-frame file itself wherever the segmentation names a stand-in of it."""
    real, stand_ins = headers[0], {str(s.SOPInstanceUID) for s in slices}
    if str(real.SOPInstanceUID) in stand_ins or len(headers) > 1:
        return
    for item in _items(seg):
        if str(item.get("ReferencedSOPInstanceUID", "")) in stand_ins:
            item.ReferencedSOPInstanceUID = UID(str(real.SOPInstanceUID))
            item.ReferencedSOPClassUID = UID(str(real.SOPClassUID))
    for series in seg.get("ReferencedSeriesSequence", []):
        series.ReferencedInstanceSequence = series.ReferencedInstanceSequence[:1]


def _items(dataset: Dataset) -> Iterator[Dataset]:
    """Every item of every sequence, at any depth."""
    for element in dataset:
        for item in element.value if element.VR == "SQ" else ():
            yield item
            yield from _items(item)
