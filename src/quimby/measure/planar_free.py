"""Which part of each region no other lies over, seen from the front; the same for every scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from quimby.core.notes import Note, note
from quimby.measure.planar_expected import Flat, Shadow
from quimby.measure.planar_overlap import LEAST_VISIBLE, overlap_notes
from quimby.measure.planar_roi import Roi

Float = NDArray[np.float64]
CANVAS_MM = 2.0  # pixel of the common picture on which shadows are compared
SPILL_MM = 5.0  # [P] how far a neighbour's blur is kept off a region


@dataclass(frozen=True, eq=False)
class Apart:
    """Shadows of all regions: whole, grown by the blur, and what lies free of the others.

    `free` lacks a region of which too little is free.
    """

    whole: Mapping[str, Shadow]
    grown: Mapping[str, Shadow]
    free: Mapping[str, Shadow]
    notes: tuple[Note, ...]


def apart(shadows: Sequence[Shadow]) -> Apart:
    """Takes from each region what another covers, that one grown by 5 mm for the blur.

    W-PLN-PART where the rest stands for the region, W-PLN-HIDDEN where less than a quarter is
    left, W-PLN-OVERLAP for every region of which more than 10 % lies in another.
    """
    frame = _canvas(shadows)
    held = {s.name: s.roi(*frame) for s in shadows}
    grown = {name: _grown(roi) for name, roi in held.items()}
    free: dict[str, Shadow] = {}
    notes: list[Note] = []
    for one in shadows:
        others = [g for name, g in grown.items() if name != one.name]
        left, seen = _left(held[one.name], others)
        if seen < LEAST_VISIBLE:
            notes.append(note("W-PLN-HIDDEN", where=one.name, value=seen, limit=LEAST_VISIBLE))
            continue
        if seen < 1.0 - 1e-6:
            notes.append(note("W-PLN-PART", where=one.name, value=seen, limit=1.0))
        free[one.name] = _shadow(one, left, frame)
    notes += overlap_notes(list(held.values()))
    return Apart({s.name: s for s in shadows},
                 {s.name: _shadow(s, grown[s.name].share, frame) for s in shadows}, free,
                 tuple(notes))  # fmt: skip


Frame = tuple[tuple[float, float], tuple[float, float], tuple[int, int]]


def _canvas(shadows: Sequence[Shadow]) -> Frame:
    """Pixel size, corner and shape of a picture that holds every region with room to grow."""
    room = SPILL_MM + 2.0 * CANVAS_MM
    x0, x1, z0, z1 = chain.from_iterable(
        (min(a), max(b)) for a, b in zip(*[iter(_edges(shadows))] * 2, strict=True)
    )
    shape = (int(np.ceil((z1 - z0 + 2 * room) / CANVAS_MM)) + 1,
             int(np.ceil((x1 - x0 + 2 * room) / CANVAS_MM)) + 1)  # fmt: skip
    return (CANVAS_MM, CANVAS_MM), (x0 - room, z1 + room), shape


def _edges(shadows: Sequence[Shadow]) -> list[list[float]]:
    """First and last x, then lowest and highest z, of each region's picture."""
    flats = [s.flat for s in shadows]
    left = [f.corner_mm[0] for f in flats]
    top = [f.corner_mm[1] for f in flats]
    right = [f.corner_mm[0] + (f.values.shape[1] - 1) * f.pixel_mm[1] for f in flats]
    low = [f.corner_mm[1] - (f.values.shape[0] - 1) * f.pixel_mm[0] for f in flats]
    return [left, right, low, top]


def _grown(roi: Roi) -> Roi:
    pixels = max(1, round(SPILL_MM / CANVAS_MM))
    return Roi(roi.name, ndimage.binary_dilation(roi.share > 0.5, iterations=pixels).astype(float))


def _left(roi: Roi, others: Sequence[Roi]) -> tuple[Float, float]:
    """What no other covers, and its share of the region."""
    left = roi.share
    for other in others:
        left = np.clip(left - other.share, 0.0, 1.0)
    return left, float(left.sum()) / roi.pixels


def _shadow(like: Shadow, share: Float, frame: Frame) -> Shadow:
    pixel, corner, _ = frame
    return Shadow(like.name, Flat(share, pixel, corner))
