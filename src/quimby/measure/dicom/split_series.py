"""CT slices of one volume that arrived as several series, as some archives split them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from quimby.core.errors import QuimbyError
from quimby.core.grid import Grid
from quimby.measure.dicom import times
from quimby.measure.dicom.frames import frames_of
from quimby.measure.dicom.geometry import Plane, stack_grid, stack_order
from quimby.measure.dicom.headers import number, open_file, tolerant
from quimby.measure.dicom.survey import Series

One = TypeVar("One")
AND = " + "
"""Between the UIDs of series that are one volume."""
WITHIN_S = 600.0  # [P] parts of one scan start so near each other
BEDS_WITHIN_S = 3600.0  # [P] CTs of two beds, with a SPECT between them
ALIKE = 0.9  # stacks that share more of the shorter one are two pictures of one place
ONE_PLACE = 0.01  # of the slice distance
SAME = ("kind", "study_uid", "frame_of_reference", "manufacturer", "model")


@dataclass(frozen=True, eq=False)
class _Slice:
    """One slice as its header has it."""

    plane: Plane
    size: tuple[int, int]  # rows, columns
    thickness_mm: float | None


def whole_series(series: Sequence[Series]) -> tuple[Series, ...]:
    """The series, those that only together make an even stack of slices put together.

    Such parts share patient, study, frame of reference and scanner, start within 10 minutes, and
    their slices follow each other without a gap and without one place taken twice. CTs of two
    beds may overlap on one lattice, and start within an hour. Their UIDs are joined by " + ".
    Headers are opened only where two series could be parts.
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
    if apart <= WITHIN_S and _stack(_frames((*one.files, *other.files))) is not None:
        return True
    return apart <= BEDS_WITHIN_S and _beds(one, other)


def _beds(one: Series, other: Series) -> bool:
    """Whether two stacks overlap in part, slice on slice."""
    frames, more = _frames(one.files), _frames(other.files)
    if _stack(frames) is None or _stack(more) is None:
        return False
    whole = first_at_each_place((*frames, *more), key=lambda f: f.plane)
    shared = len(frames) + len(more) - len(whole)
    return 0 < shared < ALIKE * min(len(frames), len(more)) and _stack(whole) is not None


def first_at_each_place(found: Sequence[One], *, key: Callable[[One], Plane]) -> list[One]:
    """Slices without those that lie where an earlier one does; in the order given."""
    along = [float(key(one).position @ key(found[0]).normal) for one in found]
    apart = np.diff(np.unique(np.round(along, 3)))
    near = ONE_PLACE * float(np.median(apart)) if apart.size else 0.0
    kept: list[One] = []
    taken: list[float] = []
    for one, at in zip(found, along, strict=True):
        if all(abs(at - other) > near for other in taken):
            kept.append(one)
            taken.append(at)
    return kept


def stack_of(files: Sequence[Path]) -> Grid | None:
    """The even stack that the slices of these files make, by their headers; None for none.

    Of slices at one place the first counts, as where CTs of two beds overlap.
    """
    frames = _frames(files)
    return _stack(first_at_each_place(frames, key=lambda f: f.plane)) if frames else None


def _frames(files: Sequence[Path]) -> list[_Slice]:
    """Every slice of these files by its header; none where one cannot be read."""
    try:
        with tolerant():
            return [found for path in files for found in _slices(path)]
    except QuimbyError:
        return []


def _slices(path: Path) -> Iterator[_Slice]:
    data = open_file(path, pixels=False)
    size = int(number(data, "Rows") or 0), int(number(data, "Columns") or 0)
    for frame in frames_of(data, where=str(path)):
        yield _Slice(frame.plane, size, frame.thickness_mm)


def _stack(slices: Sequence[_Slice]) -> Grid | None:
    if not slices or len({one.size for one in slices}) > 1:
        return None
    planes = [one.plane for one in slices]
    try:
        order = stack_order(planes, where="CT")
        return stack_grid([planes[i] for i in order], slices[0].size,
                          thickness_mm=slices[0].thickness_mm, where="CT")[0]  # fmt: skip
    except QuimbyError:
        return None


def _together(one: Series, other: Series) -> Series:
    return replace(
        one, series_uid=one.series_uid + AND + other.series_uid,
        acquired_at=times.earliest((one.acquired_at, other.acquired_at)),
        frames=one.frames + other.frames, files=(*one.files, *other.files),
        sop_uids=(*one.sop_uids, *other.sop_uids),
    )  # fmt: skip
