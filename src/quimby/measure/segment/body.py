"""The body in a CT, without the couch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Image
from quimby.core.notes import refusal
from quimby.measure.segment.constants import figure
from quimby.measure.segment.made import Segmented, Way
from quimby.measure.segment.working import (
    by_number,
    coarsened,
    filled,
    largest,
    opened,
    trimmed,
)

Bool = NDArray[np.bool_]
COUCH_MM = 8.0
"""Radius of the opening that takes off couch, sheets and tubes: thinner than twice this."""
WAY = Way("body by CT number", "ct", automatic=True, rests_on=("body_hu", "body_hu_u"))


def body(ct: Image, *, name: str = "Body", frame_of_reference: str = "") -> Segmented:
    """The patient's body: its largest part above -300 HU, opened by 8 mm, holes filled.

    Arms that do not touch the trunk are left out. Doubt: the edge, and 100 HU of the number.
    E-IMG-UNIT, E-IMG-NAN, E-SEG-NONE for a CT with no body in it. W-SEG-CUT where the body runs
    out of the image, as it does at both ends of most scans.
    """
    small = coarsened(ct, where=name)
    return by_number(name, small.grid, lambda hu: body_in(small, hu), hu=figure("body_hu"),
                     u_hu=figure("body_hu_u"), frame_of_reference=frame_of_reference, way=WAY,
                     method=f"CT above {figure('body_hu'):g} HU, largest part, opened by "
                            f"{COUCH_MM:g} mm, holes filled")  # fmt: skip


def body_of(ct: Image, *, where: str) -> tuple[Image, Bool]:
    """A CT at its working resolution, and the body in it, both cut to the body's box."""
    small = coarsened(ct, where=where)
    inside = body_in(small, figure("body_hu"))
    if not inside.any():
        raise refusal("E-SEG-NONE", where=where, what="body")
    return trimmed(small, inside)


def body_in(ct: Image, hu: float) -> Bool:
    """The body's voxels, at a working resolution.

    Slices are filled before the opening, so that thin walls about gas or lung stay.
    """
    solid = filled(np.asarray(ct.array) > hu)
    return filled(largest(opened(solid, ct.grid, COUCH_MM)))
