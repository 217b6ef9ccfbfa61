"""The body in a scan of activity, for patients without a CT."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from quimby.core.grid import Image
from quimby.core.notes import refusal
from quimby.measure.segment.working import closed, filled, largest

Float = NDArray[np.float64]

SHARE = 0.3
"""Of the median concentration in the body: half lies between what the edge's blur mixes, less a
margin for uneven uptake [P]."""
AIR = 5.0
"""Times the median at the image's sides: what lies below is noise beside the patient [P]."""
SMOOTH_MM, CLOSE_MM, ROUNDS = 5.0, 15.0, 30


def body_of_activity(scan: Image, *, where: str = "body") -> Image:
    """The body as a mask (unit "1"): where a smoothed scan lies above 0.3 of the body's median.

    Gaps up to 30 mm are closed and holes filled, so a cold lung between warm walls counts as
    body. A guess: nothing but low uptake marks the skin. Errors: E-IMG-NAN, E-REG-SPECT where
    there is no activity.
    """
    if not np.isfinite(scan.array).all():
        raise refusal("E-IMG-NAN", where=where)
    steps = scan.grid.spacing_mm[::-1]
    smooth = np.asarray(gaussian_filter(scan.values, [SMOOTH_MM / s for s in steps]))
    inside = smooth > _level(smooth)
    if not inside.any():
        raise refusal("E-REG-SPECT", where=where)
    whole = filled(closed(largest(inside), scan.grid, CLOSE_MM))
    return Image(scan.grid, whole.astype(np.float32), "1")


def _level(smooth: Float) -> float:
    """Where share and median agree, by rounds from the level of the air at the image's sides."""
    sides = [smooth[:, 0], smooth[:, -1], smooth[:, :, 0], smooth[:, :, -1]]
    level = AIR * float(np.median(np.concatenate([side.ravel() for side in sides])))
    for _ in range(ROUNDS):
        above = smooth[smooth > level]
        if not above.size:
            break
        level = max(level, SHARE * float(np.median(above)))
    return level
