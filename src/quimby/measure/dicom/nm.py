"""Reconstructed SPECT in classic multi-frame NM files: order, place and time of its slices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from quimby.core.grid import Grid
from quimby.core.notes import Note, note, refusal
from quimby.measure.dicom import times
from quimby.measure.dicom.frames import stored
from quimby.measure.dicom.geometry import Plane, checked_orientation, grid_of
from quimby.measure.dicom.headers import first, items, number, numbers, texts
from quimby.measure.scans import Timing

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
ARC_TOLERANCE = 0.02  # [P] of the scan arc


def check_image_type(data: Dataset, *, where: str) -> None:
    """E-DCM-IMAGE-TYPE unless the file is a reconstructed emission scan (RECON TOMO)."""
    found = texts(data, "ImageType")
    kind = found[2] if len(found) > 2 else ""
    if kind != "RECON TOMO" or "TRANSMISSION" in found[3:4]:
        raise refusal("E-DCM-IMAGE-TYPE", where=where, found="\\".join(found) or "none")


def slices_of(data: Dataset, *, where: str) -> NDArray[np.generic]:
    """Stored numbers sorted by SliceVector, (slices, rows, columns).

    E-DCM-FRAMES when frames and slice numbers do not pair one to one (several windows,
    gates or time slots in one file).
    """
    found = stored(data, where=where)
    vector = [int(v) for v in numbers(data, "SliceVector")]
    vector = vector or list(range(1, len(found) + 1))
    windows = {int(v) for v in numbers(data, "EnergyWindowVector")}
    if sorted(vector) != list(range(1, len(found) + 1)) or len(windows) > 1:
        raise refusal("E-DCM-FRAMES", where=where, frames=len(found), slices=len(set(vector)))
    return found[np.argsort(vector)] if vector != sorted(vector) else found


def grid_and_slices(
    data: Dataset, *, where: str
) -> tuple[Grid, NDArray[np.generic], tuple[Note, ...]]:
    """The grid and the stored numbers, slices along +normal.

    A negative SpacingBetweenSlices stacks against the normal of the first frame (PS3.3
    C.8.4.15), so such slices are turned round. S-DCM-GEOM when position or orientation is
    missing (taken as axial from the origin), W-DCM-ZSPACING when only SliceThickness is there.
    """
    slices = slices_of(data, where=where)
    shape = (slices.shape[0], slices.shape[1], slices.shape[2])
    grid, turned, notes = _placed_grid(data, shape, where)
    return grid, slices[::-1] if turned else slices, notes


def _placed_grid(
    data: Dataset, shape: tuple[int, int, int], where: str
) -> tuple[Grid, bool, tuple[Note, ...]]:
    """The grid, and whether the file's slices run against it."""
    plane, lost = _first_plane(data, where)
    step, guessed = _step(data, where)
    if step < 0:
        start = plane.position + (shape[0] - 1) * step * plane.normal
        plane = Plane(start, plane.orientation, plane.pixel_mm)
    return grid_of(shape, first=plane, slice_mm=abs(step)), step < 0, lost + guessed


def grid_of_header(data: Dataset, *, where: str) -> Grid | None:
    """Where a volume lies, by its header alone; None where the header had to be guessed."""
    counts = (number(data, key) for key in ("NumberOfFrames", "Rows", "Columns"))
    slices, rows, columns = (int(n or 1) for n in counts)
    grid, _, notes = _placed_grid(data, (slices, rows, columns), where)
    return None if notes else grid


def _first_plane(data: Dataset, where: str) -> tuple[Plane, tuple[Note, ...]]:
    pixel = numbers(data, "PixelSpacing")
    if len(pixel) != 2 or min(pixel) <= 0:
        raise refusal("E-DCM-GEOM", where=where, missing="pixel spacing")
    position = _placed(data, "ImagePositionPatient", "PlanePositionSequence", 3)
    orientation = _placed(data, "ImageOrientationPatient", "PlaneOrientationSequence", 6)
    missing = " and ".join(
        name for name, found in (("position", position), ("orientation", orientation)) if not found
    )
    directions = checked_orientation(orientation or AXIAL, where=where)
    plane = Plane(np.array(position or (0.0, 0.0, 0.0)), directions, (pixel[0], pixel[1]))
    return plane, (note("S-DCM-GEOM", where=where, missing=missing),) if missing else ()


def _placed(data: Dataset, keyword: str, group: str, count: int) -> tuple[float, ...]:
    """From the detector's item, else the functional groups, else the top level."""
    holders = [
        *items(data, "DetectorInformationSequence"),
        first(data, "PerFrameFunctionalGroupsSequence", group),
        first(data, "SharedFunctionalGroupsSequence", group),
        data,
    ]
    found = (numbers(holder, keyword) for holder in holders if holder is not None)
    return next((value for value in found if len(value) == count), ())


def _step(data: Dataset, where: str) -> tuple[float, tuple[Note, ...]]:
    spacing = number(data, "SpacingBetweenSlices")
    if spacing:
        return spacing, ()
    thickness = number(data, "SliceThickness")
    if not thickness:
        raise refusal("E-DCM-GEOM", where=where, missing="spacing between slices")
    return abs(thickness), (note("W-DCM-ZSPACING", where=where, value=abs(thickness)),)


def timing_of(data: Dataset, *, where: str) -> tuple[Timing | None, tuple[Note, ...]]:
    """How long the scan counted; None, with the reason, when the file does not say surely.

    The number of heads is that of NumberOfDetectors, noted (I-DCM-HEADS): no tag is reliable
    after reconstruction. E-DCM-FRAMEDUR for a frame time that seems to be in seconds.
    """
    turns = items(data, "RotationInformationSequence")
    durations = {number(turn, "ActualFrameDuration") for turn in turns}
    frames = [number(turn, "NumberOfFramesInRotation") for turn in turns]
    if len(durations) != 1 or None in durations or None in frames:
        return None, (note("W-DCM-NO-FRAMEDUR", where=where),)
    frame_s = times.frame_seconds(durations.pop() or 0.0, where=where)
    if odd := _odd_arc(turns):
        return None, (note("W-DCM-FRAMES", where=where, found=odd),)
    heads = int(number(data, "NumberOfDetectors") or 0) or len(
        items(data, "DetectorInformationSequence")
    )
    if heads < 1:
        return None, (note("W-DCM-NO-HEADS", where=where),)
    total = int(sum(count or 0.0 for count in frames))
    return Timing(frame_s, total, heads), (note("I-DCM-HEADS", where=where, value=heads),)


def _odd_arc(turns: object) -> str:
    """What does not fit when frames times angular step is not the arc a head went round."""
    for turn in turns:  # type: ignore[attr-defined]
        arc, step = number(turn, "ScanArc"), number(turn, "AngularStep")
        frames = number(turn, "NumberOfFramesInRotation") or 0.0
        if not arc or not step:
            continue
        swept = frames * abs(step)
        if abs(swept - arc) > max(ARC_TOLERANCE * arc, 1.01 * abs(step)):
            return f"{frames:g} frames of {abs(step):g}° are {swept:g}°, the arc {arc:g}°"
    return ""
