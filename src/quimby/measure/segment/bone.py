"""The skeleton in a CT."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from quimby.core.grid import Image
from quimby.core.notes import Note, note
from quimby.measure.segment.body import body_of
from quimby.measure.segment.constants import figure
from quimby.measure.segment.made import Segmented, Way
from quimby.measure.segment.working import by_number, closed, filled, pieces

Bool = NDArray[np.bool_]
MARROW_MM = 6.0  # gap between walls that is closed, half
METAL_HU = 2000.0
CONSTANTS = ("bone_hu", "bone_hu_u", "bone_seed_hu", "bone_least_ml", "body_hu")
WAY = Way("bone by CT number", "ct", automatic=True, rests_on=CONSTANTS)


def bone(ct: Image, *, name: str = "Bone", frame_of_reference: str = "") -> Segmented:
    """Bone with the marrow that it encloses: above 150 HU, with 250 HU somewhere in each piece.

    Doubt: the edge, and 30 HU of the number. W-SEG-BONE: contrast medium, calcified vessels and
    tablets look alike. W-SEG-METAL above 2000 HU. E-IMG-UNIT, E-IMG-NAN, E-SEG-NONE.
    """
    small, inside = body_of(ct, where=name)
    notes: list[Note] = [note("W-SEG-BONE", where=name, value=figure("bone_hu"))]
    metal = int(np.count_nonzero(inside & (np.asarray(small.array) > METAL_HU)))
    if metal:
        notes.append(note("W-SEG-METAL", where=name, value=metal * small.grid.voxel_ml))
    return by_number(name, small.grid, lambda hu: bone_in(small, inside, hu),
                     hu=figure("bone_hu"), u_hu=figure("bone_hu_u"), notes=tuple(notes),
                     frame_of_reference=frame_of_reference, way=WAY,
                     method=f"CT above {figure('bone_hu'):g} HU in the body, each piece "
                            f"{figure('bone_seed_hu'):g} HU somewhere, marrow too")  # fmt: skip


def bone_in(ct: Image, inside: Bool, hu: float) -> Bool:
    """Bone's voxels within the body."""
    values = np.asarray(ct.array)
    hard = inside & (values > hu)
    labels, sizes = pieces(hard)
    if not sizes.any():
        return hard
    peaks = ndimage.maximum(values, labels, np.arange(sizes.size))
    keep = (sizes * ct.grid.voxel_ml >= figure("bone_least_ml")) & (peaks >= figure("bone_seed_hu"))
    keep[0] = False
    whole = keep[labels]
    return np.asarray((whole | (filled(closed(whole, ct.grid, MARROW_MM)) & (values > 0))) & inside)
