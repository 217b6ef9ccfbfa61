"""What planar pairs gave, held against the camera's own planar sensitivity where it is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

from quimby.core.notes import Note, note
from quimby.devices.camera import CameraRecord
from quimby.devices.matching import WINDOW_TOLERANCE_KEV
from quimby.measure.hybrid import GAP_LIMIT_H, PlanarPoint
from quimby.study.planar_pairs import Pair
from quimby.study.quantify import Quantified
from quimby.study.result import PlanarCounts, PlanarPicture

MODEL_U = 0.10  # relative, of a region's share that its SPECT/CT foretells on planar views [P]
SENSITIVITY_LIMIT = 0.20  # [P] planar sensitivity against SPECT/CT, all regions together
Named = tuple[str, PlanarPoint]  # a point and the measurement it is from


@dataclass(frozen=True, eq=False)
class PairRead:
    """One pair read: a point for each region, the counts behind it, a picture, and notes."""

    points: dict[str, PlanarPoint]
    counts: tuple[PlanarCounts, ...]
    picture: PlanarPicture
    notes: tuple[Note, ...]
    expected: dict[str, float]  # net mean that the SPECT/CT foretells, MBq seen (cps per cps/MBq)


@dataclass(frozen=True, eq=False)
class AllRead:
    """Every pair of an administration: points by region, and each pair's counts and picture."""

    points: dict[str, tuple[Named, ...]]
    counts: tuple[PlanarCounts, ...]
    pictures: tuple[PlanarPicture, ...]
    notes: tuple[Note, ...]


NOTHING_READ = AllRead({}, (), (), ())


def checked(pair: Pair, one: PairRead, quantified: Quantified, camera: CameraRecord) -> PairRead:
    """A pair beside a SPECT/CT with the activities that the planar sensitivity alone gives.

    The SPECT/CT tells where the activity lies, the views and the camera's planar sensitivity how
    much there is. W-PLN-SENSITIVITY where all regions together differ by more than 20 % from the
    SPECT/CT. Nothing without a sensitivity of the same window, or farther than 2 h from a scan.
    """
    nearest = min(quantified.readings, key=lambda r: abs(r.visit.time_h - pair.time_h))
    window, record = pair.views.window, camera.planar
    if record is None or window is None or abs(nearest.visit.time_h - pair.time_h) > GAP_LIMIT_H:
        return one
    if max(abs(window.lower_kev - record.lower_kev),
           abs(window.upper_kev - record.upper_kev)) > WINDOW_TOLERANCE_KEV:  # fmt: skip
        return one
    rows, by, spect = [], 0.0, 0.0
    for row in one.counts:
        region, seen = nearest.recovery.regions.get(row.region), one.expected[row.region]
        if region is None or not seen > 0:
            rows.append(row)
            continue
        scale = region.activity_mbq.value / seen
        found = (row.net_cps / record.sensitivity()).scaled(scale)
        found = found.because(f"shape by SPECT/CT, {row.region}", MODEL_U * found.value)
        rows.append(replace(row, by_sensitivity_mbq=found))
        by, spect = by + found.value, spect + region.activity_mbq.value
    notes = one.notes
    if spect > 0 and abs(by / spect - 1.0) > SENSITIVITY_LIMIT:
        notes += (note("W-PLN-SENSITIVITY", where=pair.id, value=by / spect - 1.0,
                       limit=SENSITIVITY_LIMIT, scan=nearest.visit.id),)  # fmt: skip
    return replace(one, counts=tuple(rows), notes=notes)
