"""The lungs in a CT."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from quimby.core.grid import Image
from quimby.core.notes import note
from quimby.measure.segment.body import body_of
from quimby.measure.segment.constants import figure
from quimby.measure.segment.made import Segmented, Way
from quimby.measure.segment.working import by_number, closed, opened, pieces

Bool = NDArray[np.bool_]
VESSELS_MM, BRIDGE_MM = 4.0, 4.0
RIM_MM = 4.0  # air in folds of the skin is not lung
WAY = Way("lungs by CT number", "ct", automatic=True,
          rests_on=("lung_hu", "lung_hu_u", "air_hu", "lung_least_ml", "body_hu"))  # fmt: skip


@dataclass(frozen=True, eq=False)
class Lungs:
    """Both lungs, each as an outline, as far as the CT shows them."""

    left: Segmented
    right: Segmented


def lungs(ct: Image, *, frame_of_reference: str = "") -> Lungs:
    """Left and right lung: large aerated parts of the body, vessels up to 8 mm closed.

    Gas in bowel, stomach and airways is left out by its CT number and size. Where the two hang
    together they are parted at the body's middle. Doubt: the edge, and 50 HU of the number.
    W-SEG-CUT where the CT does not show all of a lung.

    Raises E-IMG-UNIT, E-IMG-NAN, E-SEG-NONE where a side has no lung.
    """
    small, inside = body_of(ct, where="lungs")
    deep = _deep(inside, small)
    aerated = cache(lambda hu: _aerated(small, deep, hu))
    made = []
    for side, name in ((1.0, "Lung_L"), (-1.0, "Lung_R")):

        def find(hu: float, side: float = side) -> Bool:
            return _on_side(aerated(hu), inside, small, side)

        notes = (note("W-SEG-LUNG", where=name, value=figure("lung_hu")),)
        made.append(
            by_number(name, small.grid, find, hu=figure("lung_hu"), u_hu=figure("lung_hu_u"),
                      method=f"CT below {figure('lung_hu'):g} HU inside the body, large parts, "
                             f"vessels closed by {VESSELS_MM:g} mm",
                      frame_of_reference=frame_of_reference, way=WAY, notes=notes)
        )  # fmt: skip
    return Lungs(*made)


def _deep(inside: Bool, ct: Image) -> Bool:
    """The body without its rim; the first and last slice are no rim."""
    wide = np.pad(inside, 1, mode="edge")
    away = ndimage.distance_transform_edt(wide, sampling=ct.grid.spacing_mm[::-1])
    return np.asarray(away[1:-1, 1:-1, 1:-1] > RIM_MM)


def _aerated(ct: Image, deep: Bool, hu: float) -> Bool:
    """Parts below a CT number that are large and not mere gas."""
    values = np.asarray(ct.array)
    air = opened(deep & (values < hu), ct.grid, BRIDGE_MM)
    labels, sizes = pieces(air)
    if not sizes.any():
        return air
    means = ndimage.mean(values, labels, np.arange(sizes.size))
    keep = (sizes * ct.grid.voxel_ml >= figure("lung_least_ml")) & (means > figure("air_hu"))
    keep[0] = False
    lung = closed(keep[labels], ct.grid, VESSELS_MM)
    return np.asarray(lung & deep)


def _on_side(lung: Bool, inside: Bool, ct: Image, side: float) -> Bool:
    """The pieces on one side of the body's middle (+1 left); a piece on both is cut there."""
    x = _left_of(ct) - float(np.mean(_left_of(ct)[inside]))
    labels, sizes = pieces(lung)
    out = np.zeros_like(lung)
    for number in np.flatnonzero(sizes):
        piece = labels == number
        share = float(np.mean(x[piece] * side > 0))
        if share > 0.9:
            out |= piece
        elif share > 0.1:
            out |= piece & (x * side > 0)
    return out


def _left_of(ct: Image) -> NDArray[np.float64]:
    """How far to the patient's left every voxel lies, mm."""
    return np.asarray(ct.grid.centres_mm()[..., 0])
