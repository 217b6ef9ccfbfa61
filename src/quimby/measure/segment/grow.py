"""Growing a region from a seed through neighbours whose values lie in a window."""

from __future__ import annotations

from math import inf

import numpy as np

from quimby.core.grid import Image
from quimby.core.notes import refusal
from quimby.measure.segment.made import Segmented, Way, above_zero, draft, drawn_volume, with_causes
from quimby.measure.segment.search import Search, Seed, around, connected, said_mm


def grow(
    image: Image,
    name: str,
    seed: Seed,
    *,
    lower: float,
    upper: float = inf,
    fwhm_mm: float,
    step: float = 0.0,
    frame_of_reference: str = "",
) -> Segmented:
    """All that hangs together with the seed and lies from `lower` to `upper` (image's unit).

    Neighbours share a face. `step` is the standard uncertainty of each bound; both moved apart
    by it (and together) give "threshold, <name>". W-SEG-REACH where the region was stopped by
    the seed's reach and not by its own edge.

    Raises E-SEG-NUMBER, E-SEG-WINDOW (bounds in the wrong order), E-SEG-SEED, and E-SEG-OFF for
    a seed whose own value lies outside the window.
    """
    if not lower < upper:
        raise refusal("E-SEG-WINDOW", where=name, lower=f"{lower:g}", upper=f"{upper:g}")
    above_zero(fwhm_mm, "the resolution of the image, mm,", where=name)
    search = around(image, seed, name=name)
    start = search.nearest()
    here = float(search.fine[start])
    if not lower <= here <= upper:
        raise refusal("E-SEG-OFF", where=name, value=f"{here:.4g}", lower=f"{lower:g}",
                      upper=f"{upper:g}")  # fmt: skip
    region = connected(search, lambda x: np.asarray((x >= lower) & (x <= upper)), start)
    mask = search.occupancy(region)
    volume = drawn_volume(name, mask, fwhm_mm)
    wider, less = (_volume(search, start, lower - s, upper + s) for s in (step, -step))
    volume = with_causes(volume, {f"threshold, {name}": (wider - less) / 2.0})
    method = f"grown from the seed, {lower:.4g} to {upper:.4g} {image.unit}"
    way = Way("region growing", "ct" if image.unit == "HU" else "threshold", parameters={
        "seed": said_mm(seed.at_mm), "reach": f"{seed.reach_mm:g} mm",
        "lower": f"{lower:g} {image.unit}", "upper": f"{upper:g} {image.unit}",
        "step": f"{step:g} {image.unit}",
    })  # fmt: skip
    outline = draft(name, mask, method, frame_of_reference=frame_of_reference, way=way)
    return Segmented(outline, volume, method, search.notes(region))


def _volume(search: Search, start: tuple[int, ...], lower: float, upper: float) -> float:
    region = connected(search, lambda x: np.asarray((x >= lower) & (x <= upper)), start)
    return float(np.count_nonzero(region)) * search.sub_voxel_ml
