"""The surroundings of a region: their value, and how well it is known."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from quimby.core.notes import refusal
from quimby.core.uncertain import Uncertain
from quimby.devices.recovery import FWHM_PER_SIGMA
from quimby.measure.segment.search import Search

NEAR_FWHM, FAR_FWHM = 1.25, 2.25
"""The shell around a region, in widths of the point spread from its edge: the region's own blur
has faded at the near side, and other tissue is not yet reached at the far one."""


def surroundings(search: Search, region: NDArray[np.bool_], fwhm_mm: float) -> Uncertain:
    """Median in a shell around a region, with the scatter between its resolution elements.

    The cause is "background, <name>". E-SEG-BACKGROUND where the image leaves no shell.
    """
    coarse = search.occupancy(region).values > 0
    steps = search.image.grid.spacing_mm[::-1]
    away = ndimage.distance_transform_edt(~coarse, sampling=steps)
    shell = (away >= NEAR_FWHM * fwhm_mm) & (away <= FAR_FWHM * fwhm_mm)
    if not shell.any():
        raise refusal("E-SEG-BACKGROUND", where=search.name)
    values = np.asarray(search.image.array, dtype=np.float64)[shell]
    middle = float(np.median(values))
    spread = float(np.quantile(values, 0.8413) - np.quantile(values, 0.1587)) / 2.0
    sigma = fwhm_mm / FWHM_PER_SIGMA
    element_ml = (4.0 * pi * sigma**2) ** 1.5 / 1000.0
    elements = max(1.0, values.size * search.image.grid.voxel_ml / element_ml)
    return Uncertain(middle, {f"background, {search.name}": spread / sqrt(elements)})
