"""CT slices of one volume that arrived as several series, as some archives split them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from quimby.core.errors import QuimbyError
from quimby.measure.dicom import times
from quimby.measure.dicom.frames import Frame, frames_of
from quimby.measure.dicom.geometry import stack_grid, stack_order
from quimby.measure.dicom.headers import open_file, tolerant
from quimby.measure.dicom.survey import Series

AND = " + "
"""Between the UIDs of series that are one volume."""
WITHIN_S = 600.0  # [P] parts of one scan start so near each other
SAME = ("kind", "study_uid", "frame_of_reference", "manufacturer", "model")


def whole_series(series: Sequence[Series]) -> tuple[Series, ...]:
    """The series, those that only together make an even stack of slices put together.

    Such parts share patient, study, frame of reference and scanner, start within 10 minutes, and
    their slices follow each other without a gap and without one place taken twice. Their UIDs
    are joined by " + ". Headers are opened only where two series could be parts.
    """
    found: list[Series] = []
    for one in series:
        home = next((n for n, other in enumerate(found) if _parts(other, one)), None)
        if home is None:
            found.append(one)
        else:
            found[home] = _together(found[home], one)
    return tuple(found)


def _parts(one: Series, other: Series) -> bool:
    if not one.frame_of_reference or one.identity.patient_id != other.identity.patient_id:
        return False
    if not all(getattr(one, key) == getattr(other, key) for key in SAME):
        return False
    if one.acquired_at is None or other.acquired_at is None:
        return False
    apart = abs(times.rough(one.acquired_at) - times.rough(other.acquired_at))
    return apart <= WITHIN_S and _stack((*one.files, *other.files))


def _stack(files: Sequence[Path]) -> bool:
    """Whether the slices of these files make one even stack."""
    where = str(files[0].parent)
    try:
        with tolerant():
            headers = (open_file(path, pixels=False) for path in files)
            frames: list[Frame] = [f for data in headers for f in frames_of(data, where=where)]
        planes = [frame.plane for frame in frames]
        order = stack_order(planes, where=where)
        stack_grid([planes[i] for i in order], (1, 1), thickness_mm=frames[0].thickness_mm,
                   where=where)  # fmt: skip
    except QuimbyError:
        return False
    return True


def _together(one: Series, other: Series) -> Series:
    return replace(
        one, series_uid=one.series_uid + AND + other.series_uid,
        acquired_at=times.earliest((one.acquired_at, other.acquired_at)),
        frames=one.frames + other.frames, files=(*one.files, *other.files),
        sop_uids=(*one.sop_uids, *other.sop_uids),
    )  # fmt: skip
