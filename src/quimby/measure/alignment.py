"""How far a region's activity lies from where its outline was laid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quimby.core.notes import Note, note
from quimby.measure.templates import Scene

Float = NDArray[np.float64]
ORGAN_LIMIT_MM = 5.0


def off_outline_mm(stage: Scene, concentrations: Float) -> dict[str, float]:
    """Distance by region that would best lay its blurred outline on what the scan shows.

    To first order: what is left over, image less model, is explained by a small movement of the
    region alone, by least squares over the reach of its blur. Spill from neighbours is in the
    model, so a bright organ beside it does not pull. A region not above zero gives 0.
    """
    left_over = stage.image - stage.model(concentrations)
    steps = stage.grid.spacing_mm[::-1]
    found = {}
    for n, region in enumerate(stage.regions):
        template, c = stage.templates[n], float(concentrations[n])
        if c <= 0:
            found[region.name] = 0.0
            continue
        slopes = [-c * s.ravel() for s in np.gradient(template.blurred, *steps)]
        moves = np.linalg.lstsq(np.stack(slopes, axis=1), left_over[template.box].ravel())[0]
        found[region.name] = float(np.linalg.norm(moves))
    return found


def off_outline_notes(
    off_mm: float, volume_ml: float, organ: str, *, where: str, limit_mm: float = ORGAN_LIMIT_MM
) -> tuple[Note, ...]:
    """W-IMG-REG beyond the limit for organs, or half the diameter of a lesion."""
    diameter = 20.0 * (3.0 * volume_ml / (4.0 * np.pi)) ** (1.0 / 3.0)
    limit = diameter / 2.0 if organ == "lesion" else limit_mm
    if off_mm <= limit:
        return ()
    return (note("W-IMG-REG", where=where, value=off_mm, limit=limit),)
