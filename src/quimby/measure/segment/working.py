"""A CT on voxels of about 3 mm, and steps that every organ found in it needs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from quimby.core.grid import Grid, Image
from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.measure.segment.made import Segmented, Way, checked, draft, drawn_volume, with_causes

Bool = NDArray[np.bool_]
WORKING_MM, CT_FWHM_MM = 3.0, 1.0


def coarsened(ct: Image, *, where: str) -> Image:
    """The CT averaged over whole voxels to about 3 mm; E-IMG-UNIT, E-IMG-NAN."""
    checked(ct, where=where, unit="HU")
    factors = [max(1, round(WORKING_MM / step)) for step in ct.grid.spacing_mm[::-1]]
    factors = [min(f, n) for f, n in zip(factors, ct.grid.shape, strict=True)]
    if factors == [1, 1, 1]:
        return Image(ct.grid, np.asarray(ct.array, dtype=np.float32), "HU")
    shape = [n // f for n, f in zip(ct.grid.shape, factors, strict=True)]
    k, j, i = (n * f for n, f in zip(shape, factors, strict=True))
    whole = np.asarray(ct.array[:k, :j, :i], dtype=np.float32)
    parts = whole.reshape(shape[0], factors[0], shape[1], factors[1], shape[2], factors[2])
    affine = np.array(ct.grid.affine)
    affine[:3, 3] = ct.grid.points_mm([(f - 1) / 2 for f in factors[::-1]])
    affine[:3, :3] *= np.array(factors[::-1])
    return Image(Grid((shape[0], shape[1], shape[2]), affine), parts.mean(axis=(1, 3, 5)), "HU")


def trimmed(ct: Image, inside: Bool) -> tuple[Image, Bool]:
    """CT and body, cut to the box of the body and two voxels about it."""
    box = ndimage.find_objects(inside.astype(np.int8))[0]
    low = [max(0, part.start - 2) for part in box]
    high = [min(n, part.stop + 2) for part, n in zip(box, inside.shape, strict=True)]
    grid = ct.grid.cropped((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    cut = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    return Image(grid, np.asarray(ct.array)[cut], "HU"), np.asarray(inside[cut])


def ball(grid: Grid, radius_mm: float) -> Bool:
    """A structuring element: voxels whose centres lie within a radius."""
    half = [int(radius_mm // step) for step in grid.spacing_mm[::-1]]
    axes = [np.arange(-h, h + 1) * s for h, s in zip(half, grid.spacing_mm[::-1], strict=True)]
    k, j, i = np.meshgrid(*axes, indexing="ij")
    return np.asarray(k**2 + j**2 + i**2 <= radius_mm**2 + 1e-9)


def pieces(mask: Bool) -> tuple[NDArray[np.int32], NDArray[np.int_]]:
    """Connected pieces, numbered from 1, and their sizes in voxels (index 0 is the rest)."""
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels, sizes


def largest(mask: Bool) -> Bool:
    """The largest connected piece; an empty mask stays empty."""
    labels, sizes = pieces(mask)
    return np.asarray(labels == int(sizes.argmax())) if sizes.any() else mask


def filled(mask: Bool) -> Bool:
    """Holes filled slice by slice."""
    return np.stack([ndimage.binary_fill_holes(plane) for plane in mask])


def opened(mask: Bool, grid: Grid, radius_mm: float) -> Bool:
    """Without threads thinner than twice the radius; the edge of the image counts as inside."""
    element = ball(grid, radius_mm)
    pads = [n // 2 for n in element.shape]
    wide = np.pad(mask, [(p, p) for p in pads], mode="edge")
    cut = tuple(slice(p, p + n) for p, n in zip(pads, mask.shape, strict=True))
    return np.asarray(ndimage.binary_opening(wide, element)[cut])


def closed(mask: Bool, grid: Grid, radius_mm: float) -> Bool:
    """Gaps narrower than twice the radius closed; the image is taken as empty beyond its edge."""
    element = ball(grid, radius_mm)
    pads = [n // 2 for n in element.shape]
    wide = np.pad(mask, [(p, p) for p in pads])
    cut = tuple(slice(p, p + n) for p, n in zip(pads, mask.shape, strict=True))
    return np.asarray(ndimage.binary_closing(wide, element)[cut])


def as_mask(grid: Grid, inside: Bool) -> Image:
    """Occupancies 0 and 1."""
    return Image(grid, inside.astype(np.float32), "1")


def by_number(
    name: str, grid: Grid, find: Callable[[float], Bool], *, hu: float, u_hu: float, method: str,
    frame_of_reference: str, way: Way, notes: tuple[Note, ...] = (),
) -> Segmented:  # fmt: skip
    """A region that `find` gives for a CT number, doubted by its edge and by that number.

    E-SEG-NONE where it gives nothing.
    """
    inside = find(hu)
    if not inside.any():
        raise refusal("E-SEG-NONE", where=name, what=name)
    mask = as_mask(grid, inside)
    volume = drawn_volume(name, mask, CT_FWHM_MM)
    counts = [float(np.count_nonzero(find(hu + s))) for s in (u_hu, -u_hu)]
    moved = (counts[0] - counts[1]) / 2.0 * grid.voxel_ml
    volume = with_causes(Uncertain(volume.value, volume.parts), {f"threshold, {name}": moved})
    outline = draft(name, mask, method, frame_of_reference=frame_of_reference, way=way)
    return Segmented(outline, volume, method, (*notes, *cut_notes(name, inside)))


def cut_notes(name: str, inside: Bool) -> tuple[Note, ...]:
    """W-SEG-CUT where a region runs out of the first or last slice, or of a side, of the image."""
    ends = ends_cut(inside)
    return (note("W-SEG-CUT", where=name, ends=ends),) if ends else ()


def ends_cut(inside: Bool) -> str:
    """Which ends of the image a region reaches, in words; empty where it lies within."""
    ends = [axis for axis in range(3) if _touches(inside, axis)]
    return " and ".join(("the ends", "front or back", "a side")[axis] for axis in ends)


def _touches(inside: Bool, axis: int) -> bool:
    first, last = np.take(inside, 0, axis=axis), np.take(inside, -1, axis=axis)
    return bool(first.any() or last.any())
