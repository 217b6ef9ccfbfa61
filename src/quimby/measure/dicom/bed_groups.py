"""Which reconstructed series of a folder are beds of one scan, by their headers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quimby.core.errors import QuimbyError
from quimby.core.grid import Grid
from quimby.measure.dicom import nm, times
from quimby.measure.dicom.beds import GAP_SLICES, slices_between, unlike
from quimby.measure.dicom.headers import open_file, tolerant
from quimby.measure.dicom.survey import Series

WITHIN_H = 1.0  # [P] a draft takes scans that start so near each other for beds of one
ALIKE = 0.9  # share of a volume's length; volumes that overlap more are no two beds
SAME = ("kind", "study_uid", "frame_of_reference", "manufacturer", "model", "nuclide")


def bed_groups(scans: Sequence[Series]) -> tuple[tuple[Series, ...], ...]:
    """SPECT series put together where they are beds of one scan, in order of time; others alone.

    Beds are of one patient, study, frame of reference and camera, start within an hour, and lie
    on one lattice with ends that overlap (by their headers, which are opened only for those).
    """
    groups: list[list[Series]] = []
    for one in scans:
        home = next((g for g in groups if any(_beds(one, other) for other in g)), None)
        if home is None:
            groups.append([one])
        else:
            home.append(one)
    return tuple(tuple(group) for group in groups)


def _beds(one: Series, other: Series) -> bool:
    same = all(getattr(one, key) == getattr(other, key) for key in SAME)
    if not same or one.identity.patient_id != other.identity.patient_id:
        return False
    if one.acquired_at is None or other.acquired_at is None:
        return False
    apart_h = abs(times.rough(one.acquired_at) - times.rough(other.acquired_at)) / 3600.0
    return apart_h <= WITHIN_H and _overlap(place_of(one), place_of(other))


def _overlap(grid: Grid | None, other: Grid | None) -> bool:
    if grid is None or other is None or unlike(grid, other):
        return False
    return -GAP_SLICES <= _shared(grid, other) < ALIKE * min(grid.shape[0], other.shape[0])


def _shared(grid: Grid, other: Grid) -> float:
    """Slices that two volumes of one lattice share; below zero for those missing between."""
    start = slices_between(grid, other)
    return min(grid.shape[0], start + other.shape[0]) - max(0.0, start)


def shared_share(grid: Grid, other: Grid) -> float:
    """Share of the shorter volume's length that two volumes show alike, whatever their voxels.

    0 where they lie beside each other, or point another way.
    """
    along = grid.affine[:3, 2] / grid.spacing_mm[2]
    ends = []
    for one in (grid, other):
        middle = (np.array(one.shape[::-1], dtype=float) - 1.0) / 2.0
        at, half = float(one.points_mm(middle) @ along), one.shape[0] * one.spacing_mm[2] / 2.0
        ends.append((at - half, at + half))
    shared = min(high for _, high in ends) - max(low for low, _ in ends)
    return max(shared, 0.0) / min(high - low for low, high in ends)


def place_of(series: Series) -> Grid | None:
    """Where a reconstructed NM volume lies, by its header; None where that does not say."""
    try:
        with tolerant():
            where = str(series.files[0])
            return nm.grid_of_header(open_file(series.files[0], pixels=False), where=where)
    except QuimbyError:
        return None
