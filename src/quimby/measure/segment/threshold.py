"""Outlines by threshold: a share of the maximum, a concentration, or adapted to the blur."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Grid, Image
from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.devices.recovery import FWHM_PER_SIGMA
from quimby.measure.regions import edge_u_mm
from quimby.measure.segment.background import surroundings
from quimby.measure.segment.blurred_sphere import edge_share_of_maximum, edge_share_of_mean
from quimby.measure.segment.constants import figure
from quimby.measure.segment.made import (
    Segmented,
    Way,
    above_zero,
    by_edge,
    draft,
    drawn_volume,
    voxel_mm,
    with_causes,
)
from quimby.measure.segment.search import Search, Seed, around, connected, said_mm

Bool = NDArray[np.bool_]
TO_MBQ_PER_ML = {"Bq/ml": 1e-6, "kBq/ml": 1e-3, "MBq/ml": 1.0}
ROUNDS, SETTLED = 60, 1e-3
COLLAPSED = 0.5
"""Below this many widths of the point spread an adapted outline says nothing any more."""
FARTHEST_FWHM = 2.5
"""The surroundings of a region are taken up to this many widths of the point spread from it."""


def fixed_share(
    image: Image,
    name: str,
    seed: Seed,
    *,
    fwhm_mm: float,
    share: float | None = None,
    frame_of_reference: str = "",
) -> Segmented:
    """The region around the maximum near the seed, above a share of that maximum (0.41).

    The volume's doubt is that of an edge seen through the scan's resolution ("outline <name>")
    and of the share itself (0.05, "threshold, <name>"). W-SEG-FIXED: a fixed share is biased
    for regions that are small or of low contrast. W-SEG-SMALL below 1.25 widths of the blur, with
    a doubt down to nothing ("smaller than the blur, <name>"). W-SEG-REACH where the region ran
    into the limit of its search.

    Raises E-SEG-NUMBER, E-SEG-SHARE (not between 0 and 1), E-SEG-SEED, E-SEG-NOTHING.
    """
    wanted = figure("share") if share is None else share
    if not 0.0 < wanted < 1.0:
        raise refusal("E-SEG-SHARE", where=name, value=f"{wanted:g}")
    search = around(image, seed, name=name)
    top = _top(search)
    method = f"threshold at {wanted:.0%} of the maximum, {top:.4g} {image.unit}"
    step = figure("share_u") * top
    said = (note("W-SEG-FIXED", where=name, value=wanted),)
    usual = ("share",) if share is None else ()
    way = Way("fixed threshold", "threshold", rests_on=(*usual, "share_u", "small_width"),
              parameters={**_told(search, fwhm_mm), "share": f"{wanted:g}",
                          "level": f"{wanted * top:.6g} {image.unit}"})  # fmt: skip
    return _fixed(search, wanted * top, step, _Made(method, fwhm_mm, frame_of_reference, way, said))


def fixed_level(
    image: Image,
    name: str,
    seed: Seed,
    *,
    level_mbq_per_ml: float,
    fwhm_mm: float,
    frame_of_reference: str = "",
) -> Segmented:
    """The region around the maximum near the seed, above a concentration.

    As `fixed_share`; E-IMG-UNIT unless the image holds Bq/ml, kBq/ml or MBq/ml, E-SEG-NOTHING
    where the maximum lies below the level.
    """
    if image.unit not in TO_MBQ_PER_ML:
        raise refusal("E-IMG-UNIT", where=name, unit=image.unit, wanted="Bq/ml")
    above_zero(level_mbq_per_ml, "the level, MBq/ml,", where=name)
    level = level_mbq_per_ml / TO_MBQ_PER_ML[image.unit]
    search = around(image, seed, name=name)
    method = f"threshold at {level_mbq_per_ml:.4g} MBq/ml"
    said = (note("W-SEG-FIXED", where=name, value=level / _top(search)),)
    said_so = {**_told(search, fwhm_mm), "level": f"{level_mbq_per_ml:g} MBq/ml"}
    way = Way("fixed threshold", "threshold", rests_on=("level_u", "small_width"),
              parameters=said_so)  # fmt: skip
    return _fixed(search, level, figure("level_u") * level,
                  _Made(method, fwhm_mm, frame_of_reference, way, said))  # fmt: skip


def _told(search: Search, fwhm_mm: float) -> dict[str, str]:
    """What every threshold is told, for the record."""
    return {"seed": said_mm(search.seed.at_mm), "reach": f"{search.seed.reach_mm:g} mm",
            "point spread": f"{fwhm_mm:g} mm"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Made:
    """How a threshold outline came about."""

    method: str
    fwhm_mm: float
    frame_of_reference: str
    way: Way
    notes: tuple[Note, ...]


def _top(search: Search) -> float:
    top, _ = search.highest
    if not top > 0:
        raise refusal("E-SEG-NOTHING", where=search.name, level="0")
    return top


def _fixed(search: Search, level: float, step: float, made: _Made) -> Segmented:
    above_zero(made.fwhm_mm, "the width of the point spread, mm,", where=search.name)
    region = _above(search, level)
    mask = search.occupancy(region)
    volume = drawn_volume(search.name, mask, made.fwhm_mm)
    volume = with_causes(volume, {f"threshold, {search.name}": _bend(search, level, step)})
    outline = draft(search.name, mask, made.method, frame_of_reference=made.frame_of_reference,
                    way=made.way)  # fmt: skip
    notes = (*made.notes, *search.notes(region))
    found = Segmented(outline, volume, made.method, notes)
    return _told_small(found, search, made.fwhm_mm)


def _above(search: Search, level: float) -> Bool:
    """The connected region above a level that holds the maximum; E-SEG-NOTHING if there is none."""
    region = connected(search, lambda values: np.asarray(values >= level), search.highest[1])
    if not region.any():
        raise refusal("E-SEG-NOTHING", where=search.name, level=f"{level:.3g} {search.image.unit}")
    return region


def _volume(search: Search, level: float) -> float:
    """Volume above a level that may lie beyond the maximum, ml."""
    top, at = search.highest
    if level > top:
        return 0.0
    region = connected(search, lambda values: np.asarray(values >= level), at)
    return float(np.count_nonzero(region)) * search.sub_voxel_ml


def _bend(search: Search, level: float, step: float) -> float:
    """Change of the volume for a level higher by one standard uncertainty (negative), ml."""
    return (_volume(search, level + step) - _volume(search, level - step)) / 2.0


def _told_small(made: Segmented, search: Search, fwhm_mm: float) -> Segmented:
    """The outline, with W-SEG-SMALL and a doubt down to nothing where only its blur was seen."""
    across = diameter_mm(made.volume_ml.value)
    least = figure("small_width") * width_mm(fwhm_mm, search.image.grid)
    if across >= least:
        return made
    cause = f"smaller than the blur, {search.name}"
    volume = made.volume_ml.because(cause, made.volume_ml.value / sqrt(3.0))
    said = note("W-SEG-SMALL", where=search.name, value=across, limit=least)
    return replace(made, volume_ml=volume, notes=(*made.notes, said))


def diameter_mm(volume_ml: float) -> float:
    """Diameter of a sphere of this volume."""
    return float(np.cbrt(6000.0 * volume_ml / pi))


SHARES: dict[str, Callable[[float, float], float]] = {
    "mean": edge_share_of_mean,
    "maximum": edge_share_of_maximum,
}


def adaptive(
    image: Image,
    name: str,
    seed: Seed,
    *,
    fwhm_mm: Uncertain,
    background: Uncertain | None = None,
    by: str = "mean",
    frame_of_reference: str = "",
) -> Segmented:
    """The region whose threshold suits its own size, contrast and the scan's blur.

    The threshold is background + share * (signal - background). The share is that of a uniform
    sphere of the region's own volume seen through the point spread, so threshold and volume are
    found together, in rounds. `by` says what the signal is: the "mean" inside the outline
    (steady in noise), or the "maximum". `background` is in the image's unit; without it, it is
    taken from the surroundings.

    Doubt: voxels ("outline <name>"), "point spread", "background, <name>" and the level, since
    a region is neither a sphere nor uniform ("threshold, <name>").

    Raises E-SEG-NUMBER, E-SEG-SEED, E-SEG-BY, E-SEG-NOTHING, E-SEG-CONTRAST for a region no
    hotter than its surroundings, E-SEG-ROUNDS and E-SEG-COLLAPSED where threshold and volume find
    no end, or end on next to nothing.

    Source: van Dalen et al., Nucl Med Commun 2007;28:485-493; Jentzen, J Nucl Med Technol
    2015;43:28-35 (by the mean); independence of the background: Hofheinz et al., Phys Med
    Biol 2010;55:1099-1113. The shares are derived here from the blurred sphere.
    """
    if by not in SHARES:
        raise refusal("E-SEG-BY", where=name, by=by, known=" or ".join(SHARES))
    above_zero(fwhm_mm.value, "the width of the point spread, mm,", where=name)
    search = around(image, seed, name=name, margin_mm=FARTHEST_FWHM * fwhm_mm.value)
    cold = background or _surroundings(search, fwhm_mm.value)
    level = _settled(search, fwhm_mm.value, cold.value, SHARES[by])
    _large_enough(search, level, fwhm_mm.value)
    region = _above(search, level)
    mask = search.occupancy(region)
    volume = by_edge(name, mask, edge_u_mm(voxel_mm(image.grid), 0.0))
    volume = with_causes(volume, _causes(search, level, fwhm_mm, cold, SHARES[by]))
    top = search.highest[0]
    method = (f"adaptive threshold by the {by}, {level / top:.0%} of the maximum, "
              f"{top:.4g} {image.unit} over a background of {cold.value:.3g}")  # fmt: skip
    way = Way("adaptive threshold", "adaptive threshold",
              rests_on=("share", "level_u", "small_width"),
              parameters={**_told(search, fwhm_mm.value), "by": by,
                          "background": f"{cold.value:.6g} {image.unit}",
                          "level": f"{level:.6g} {image.unit}"})  # fmt: skip
    outline = draft(name, mask, method, frame_of_reference=frame_of_reference, way=way)
    found = Segmented(outline, volume, method, search.notes(region))
    return _told_small(found, search, fwhm_mm.value)


def _surroundings(search: Search, fwhm_mm: float) -> Uncertain:
    """Background about the region above 41 %, the region as it is first guessed."""
    first = _above(search, figure("share") * _top(search))
    return surroundings(search, first, fwhm_mm)


def _large_enough(search: Search, level: float, fwhm_mm: float) -> None:
    """E-SEG-COLLAPSED where threshold and volume agree on next to nothing."""
    across = diameter_mm(_volume(search, level))
    if across < COLLAPSED * fwhm_mm:
        raise refusal("E-SEG-COLLAPSED", where=search.name, value=f"{across:.1f}",
                      fwhm=f"{fwhm_mm:.1f}")  # fmt: skip


def width_mm(fwhm_mm: float, grid: Grid) -> float:
    """Width of the blur as sub-voxels see it: point spread, voxel and linear interpolation.

    Averaging over a voxel a adds a^2/12 to the variance, a line between centres a^2/6.
    """
    voxel = float(np.mean(np.square(grid.spacing_mm)))
    return sqrt(fwhm_mm**2 + FWHM_PER_SIGMA**2 * voxel / 4.0)


def _settled(
    search: Search, fwhm_mm: float, cold: float, share: Callable[[float, float], float],
    start: float | None = None,
) -> float:  # fmt: skip
    """The level that the region it encloses asks for."""
    top = search.highest[0]
    if not top > cold:
        raise refusal("E-SEG-CONTRAST", where=search.name, value=f"{top:.3g}", cold=f"{cold:.3g}")
    width = width_mm(fwhm_mm, search.image.grid)
    level = start or cold + figure("share") * (top - cold)
    for _ in range(ROUNDS):
        region = _above(search, level)
        across = diameter_mm(float(np.count_nonzero(region)) * search.sub_voxel_ml)
        is_mean = share is edge_share_of_mean
        signal = float(np.mean(search.fine[region], dtype=np.float64)) if is_mean else top
        asked = cold + share(across, width) * (signal - cold)
        if abs(asked - level) <= SETTLED * (level - cold):
            return asked
        level += 0.7 * (asked - level)
    raise refusal("E-SEG-ROUNDS", where=search.name, value=ROUNDS)


def _causes(
    search: Search, level: float, fwhm_mm: Uncertain, cold: Uncertain,
    share: Callable[[float, float], float],
) -> dict[str, float]:  # fmt: skip
    """Parts of the volume's doubt, ml: each input moved by its u, the rounds run again."""
    here = _volume(search, level)
    causes: dict[str, float] = {}
    for cause, part in fwhm_mm.parts.items():
        moved = _settled(search, fwhm_mm.value + part, cold.value, share, level)
        causes[cause] = _volume(search, moved) - here
    for cause, part in cold.parts.items():
        moved = _settled(search, fwhm_mm.value, cold.value + part, share, level)
        causes[cause] = causes.get(cause, 0.0) + _volume(search, moved) - here
    step = figure("level_u") * (level - cold.value)
    causes[f"threshold, {search.name}"] = _bend(search, level, step)
    return causes
