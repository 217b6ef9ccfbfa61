"""Uniformity of a gamma camera from a flood image, or of SPECT from a uniform cylinder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from quimby.core.grid import Image, frozen
from quimby.core.notes import Note, note, refusal

Float = NDArray[np.float64]
Mask = NDArray[np.bool_]
LEAST_PIXEL_MM, MOST_PIXEL_MM = 4.48, 8.32  # 6.4 mm and 30 % either way
EDGE_SHARE = 0.75  # of the mean; lower edge pixels are left out
BODY_SHARE = 0.10  # of the maximum: what counts as field of view when the mean is taken
SMOOTH = np.array([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 16.0
RUN = 5  # pixels in a line: differential uniformity
USEFUL, CENTRAL = 0.95, 0.75  # of the field seen; of the useful field
SPECT_USEFUL = 0.80
LEAST_COUNTS = 10000.0  # a pixel in the middle


@dataclass(frozen=True, slots=True)
class Field:
    """Non-uniformity of one field of view, as fractions."""

    integral: float  # (highest - lowest) / (highest + lowest)
    differential: float  # the same in runs of five pixels, the worst of rows and columns
    pixels: int


@dataclass(frozen=True, eq=False)
class Uniformity:
    """Both fields of a flood; `smoothed` and `useful_mask` are what they were taken from."""

    useful: Field
    central: Field
    pixel_mm: float
    mean_counts: float  # a pixel of the central field
    smoothed: Float
    useful_mask: Mask
    central_mask: Mask
    notes: tuple[Note, ...] = ()


def flood_uniformity(
    flood: ArrayLike,
    pixel_mm: float,
    *,
    limits: tuple[float, float] | None = None,
    useful: float = USEFUL,
    least_counts: float = LEAST_COUNTS,
    where: str = "flood",
) -> Uniformity:
    """Integral and differential uniformity of a flood, (rows, columns) counts.

    Pixels are added up by twos until they are 4.48 mm or larger; those below 75 % of the mean
    at the edge and the outermost ones are left out; the rest is smoothed once with the
    nine-point filter, which does not reach outside. The useful field is 95 % of what is seen,
    the central one 75 % of that. Above `limits` (integral, differential of the useful field,
    fractions): W-PLN-UNIFORM. Few counts: W-PLN-FLOOD. E-PLN-FLOOD where there is no field.
    Source: NEMA NU 1 and IAEA Human Health Series 6, test 2.3.3, as the IAEA's own tool does it.
    """
    counts = np.asarray(flood, dtype=np.float64)
    if counts.ndim != 2 or not pixel_mm > 0 or not np.all(np.isfinite(counts)):
        why = f"it is no picture of counts with a pixel size ({pixel_mm:g} mm)"
        raise refusal("E-PLN-FLOOD", where=where, why=why)
    if not pixel_mm <= MOST_PIXEL_MM:
        why = f"its pixels are {pixel_mm:.1f} mm (at most {MOST_PIXEL_MM} mm)"
        raise refusal("E-PLN-FLOOD", where=where, why=why)
    joined, size = _joined(counts, pixel_mm)
    seen = _seen(joined, where)
    smoothed = _smoothed(joined, seen)
    masks = [_shrunk(seen, share, where) for share in (useful, useful * CENTRAL)]
    fields = [_field(smoothed, mask, where) for mask in masks]
    mean = float(joined[masks[1]].mean())
    notes = _limit_notes(fields[0], limits, where) + _count_notes(mean, least_counts, where)
    kept = frozen(smoothed, np.float64)
    return Uniformity(fields[0], fields[1], size, mean, np.asarray(kept, np.float64), masks[0],
                      masks[1], notes)  # fmt: skip


def spect_uniformity(
    image: Image, slices: slice = slice(None), *, where: str = "cylinder"
) -> Uniformity:
    """The same on the mean of slices through a uniform cylinder; the useful field is 80 %.

    Few counts are not noted: they say nothing about a reconstruction.
    """
    plane = image.values[slices]
    if not plane.size:
        raise refusal("E-PLN-FLOOD", where=where, why="no slice was chosen")
    across, down, _ = image.grid.spacing_mm
    if abs(across - down) > 0.01 * across:
        raise refusal("E-PLN-FLOOD", where=where, why="its pixels are not square")
    return flood_uniformity(
        plane.mean(axis=0), across, useful=SPECT_USEFUL, least_counts=0.0, where=where
    )


def _joined(counts: Float, pixel_mm: float) -> tuple[Float, float]:
    """Pixels added up by twos until they are large enough."""
    while pixel_mm < LEAST_PIXEL_MM:
        rows, columns = (n // 2 * 2 for n in counts.shape)
        counts = counts[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2).sum(axis=(1, 3))
        pixel_mm *= 2.0
    return counts, pixel_mm


def _seen(counts: Float, where: str) -> Mask:
    """The field the camera sees, without its edge pixels."""
    top = float(counts.max()) if counts.size else 0.0
    if top <= 0:
        raise refusal("E-PLN-FLOOD", where=where, why="it is empty")
    mean = float(counts[counts > BODY_SHARE * top].mean())
    seen = counts > EDGE_SHARE * mean
    seen[0], seen[-1], seen[:, 0], seen[:, -1] = False, False, False, False
    pieces, number = ndimage.label(seen)
    if number == 0:
        raise refusal("E-PLN-FLOOD", where=where, why="no field of view is seen in it")
    biggest = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    filled: Mask = ndimage.binary_fill_holes(biggest)
    return filled


def _smoothed(counts: Float, seen: Mask) -> Float:
    """Nine-point smoothing that takes nothing from outside the field."""
    weight = ndimage.convolve(seen.astype(np.float64), SMOOTH, mode="constant")
    total = ndimage.convolve(np.where(seen, counts, 0.0), SMOOTH, mode="constant")
    return np.where(seen, total / np.where(seen, weight, 1.0), 0.0)


def _shrunk(seen: Mask, share: float, where: str) -> Mask:
    """The field with its rim taken off, so that its longer side keeps this share."""
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    longest = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    rim = round((1.0 - share) * longest) / 2.0
    depth = ndimage.distance_transform_edt(np.pad(seen, 1))[1:-1, 1:-1]
    kept: Mask = depth > rim
    if kept.sum() < RUN**2:
        raise refusal("E-PLN-FLOOD", where=where, why="its field of view is too small")
    return kept


def _field(smoothed: Float, mask: Mask, where: str) -> Field:
    values = smoothed[mask]
    runs = [_worst_run(smoothed, mask, axis) for axis in (0, 1)]
    if not values.min() >= 0:
        raise refusal("E-PLN-FLOOD", where=where, why="it holds pixels below zero")
    return Field(_contrast(values.min(), values.max()), max(runs), int(mask.sum()))


def _worst_run(smoothed: Float, mask: Mask, axis: int) -> float:
    """Largest contrast in five pixels of a line, all within the field."""
    view = np.lib.stride_tricks.sliding_window_view
    whole = view(mask, RUN, axis=axis).all(axis=-1)
    runs = view(smoothed, RUN, axis=axis)[whole]
    if not runs.size:
        return 0.0
    high, low = runs.max(axis=-1), runs.min(axis=-1)
    return float(((high - low) / (high + low)).max())


def _contrast(low: float, high: float) -> float:
    return float((high - low) / (high + low))


def _limit_notes(
    field: Field, limits: tuple[float, float] | None, where: str
) -> tuple[Note, ...]:  # fmt: skip
    if limits is None:
        return ()
    rows = (
        ("integral", field.integral, limits[0]),
        ("differential", field.differential, limits[1]),
    )
    return tuple(
        note("W-PLN-UNIFORM", where=where, what=f"{name} non-uniformity", value=value, limit=limit)
        for name, value, limit in rows
        if value > limit
    )


def _count_notes(mean: float, least: float, where: str) -> tuple[Note, ...]:
    return (note("W-PLN-FLOOD", where=where, value=mean, limit=least),) if mean < least else ()
