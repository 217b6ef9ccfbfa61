"""A small sphere in the most uniform part of an organ: its concentration, free of the edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.measure.occupancy import occupancy
from quimby.measure.segment.constants import figure
from quimby.measure.segment.made import above_zero, checked
from quimby.measure.segment.small import (
    SmallVolume,
    as_small,
    ball_on,
    recovery_within,
    widened,
)
from quimby.measure.segment.sphere import ellipsoid
from quimby.measure.segment.threshold import diameter_mm

Float = NDArray[np.float64]
HALF = 0.5
INSIDE = 0.98
"""Share of the sphere that must lie in the organ, and of a voxel to count as inside."""


def uniform_volume(
    image: Image,
    name: str,
    organ: Image,
    *,
    volume_ml: float = 4.0,
    fwhm_mm: Uncertain | None = None,
    moved: Rigid | None = None,
    frame_of_reference: str = "",
) -> SmallVolume:
    """A sphere of `volume_ml` where the scan is most uniform within an organ's outline.

    `organ` is the organ's mask, on any grid; `moved` takes its points to the scan. Among places
    that lie wholly inside and whose mean is no lower than most, the one with the least relative
    spread is taken; so neither a hot voxel nor the organ's edge decides. With `fwhm_mm` the
    recovery is worked out as in the largest sphere about that place that fits into the organ,
    with nothing outside: the organ itself recovers no less.

    W-SEG-UNIFORM where even there the values differ by more than 15 % (standard deviation).
    E-SEG-NUMBER, E-SEG-ROOM where the sphere does not fit into the organ.

    Source: the small volume of interest of Sandström et al., J Nucl Med 2013;54:33-41.
    """
    above_zero(volume_ml, "the volume, ml,", where=name)
    checked(image, where=name)
    across = diameter_mm(volume_ml)
    inside = occupancy(organ, image.grid, moved or Rigid.identity()).values
    at, mean, spread = _steadiest(image, inside, across, name=name)
    made = ellipsoid(image.grid, name, at, diameters_mm=(across, across, across),
                     frame_of_reference=frame_of_reference)  # fmt: skip
    placed = as_small(made, {"place": "least relative spread inside the organ",
                             "spread inside": f"{spread:.3f}"})  # fmt: skip
    room = _room_mm(organ, at, moved or Rigid.identity())
    return SmallVolume(placed, mean, _recovery(room, across, fwhm_mm, image.grid, name),
                       _spread_notes(name, spread))  # fmt: skip


def _spread_notes(name: str, spread: float) -> tuple[Note, ...]:
    limit = figure("uniform_spread")
    if spread <= limit:
        return ()
    return (note("W-SEG-UNIFORM", where=name, value=spread, limit=limit),)


def _steadiest(
    image: Image, inside: Float, across: float, *, name: str
) -> tuple[tuple[float, float, float], float, float]:
    """Place (LPS mm), mean and relative spread of the steadiest sphere within the organ."""
    kernel = ball_on(image.grid, across)
    weights = kernel / kernel.sum()
    fits = ndimage.convolve(inside, weights, mode="constant") >= INSIDE
    if not fits.any():
        raise refusal("E-SEG-ROOM", where=name, volume=f"{across**3 * np.pi / 6000.0:.3g}")
    values = image.values
    means = ndimage.convolve(values, weights, mode="nearest")
    squares = ndimage.convolve(values**2, weights, mode="nearest")
    usable = fits & (means > 0) & (means >= np.median(means[fits]))
    if not usable.any():
        raise refusal("E-SEG-NOTHING", where=name, level="0")
    spread = np.sqrt(np.maximum(squares - means**2, 0.0)) / np.where(usable, means, 1.0)
    best = np.unravel_index(int(np.argmin(np.where(usable, spread, np.inf))), spread.shape)
    x, y, z = image.grid.points_mm(best[::-1])
    return (float(x), float(y), float(z)), float(means[best]), float(spread[best])


def _recovery(
    room: float, across: float, fwhm_mm: Uncertain | None, grid: Grid, name: str
) -> Uncertain | None:
    if fwhm_mm is None or not room > 0:
        return None
    return recovery_within(across, Uncertain(room), widened(fwhm_mm, grid), name=name)


def _room_mm(organ: Image, at: tuple[float, float, float], moved: Rigid) -> float:
    """Diameter of the largest sphere about a place (of the scan) that lies within the organ."""
    wide = np.pad(np.asarray(organ.array) >= HALF, 1)
    away = ndimage.distance_transform_edt(wide, sampling=organ.grid.spacing_mm[::-1])
    here = np.rint(organ.grid.index_of(moved.inverse().apply(at))[::-1]).astype(int) + 1
    inside = tuple(int(n) for n in np.clip(here, 0, np.array(wide.shape) - 1))
    return 2.0 * float(away[inside])
