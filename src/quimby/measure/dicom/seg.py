"""Masks of DICOM segmentations: binary, fractional or label map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from quimby.core.grid import Grid, Image
from quimby.core.notes import Note, note, refusal
from quimby.core.outline import Outline
from quimby.measure.dicom.frames import Frame, frames_of, stored
from quimby.measure.dicom.geometry import Plane, grid_of
from quimby.measure.dicom.headers import first, items, number, text
from quimby.measure.dicom.making import making_of
from quimby.measure.segment.constants import constants

ON_LATTICE = 0.05  # [P] of the slice distance; how far a frame may lie from its place


@dataclass(frozen=True, eq=False)
class Lattice:
    """The grid that holds every frame of a file, and the slice each frame belongs to."""

    grid: Grid
    slices: tuple[int, ...]


def outlines_of(data: Dataset, *, where: str) -> tuple[tuple[Outline, ...], tuple[Note, ...]]:
    """Every segment as occupancies in [0, 1] on the part of the grid it covers.

    Frames that the file leaves out are empty. W-DCM-CONTOUR names segments with no voxel.
    E-DCM-OUTLINE for two frames at one place, or frames off the common lattice.
    """
    frames = frames_of(data, where=where)
    pixels = stored(data, where=where)
    if len(frames) != len(pixels):
        raise refusal("E-DCM-FRAMES", where=where, frames=len(pixels), slices=len(frames))
    lattice = lattice_of(frames, (pixels.shape[1], pixels.shape[2]), where=where)
    outlines: list[Outline] = []
    notes: list[Note] = []
    for segment in items(data, "SegmentSequence"):
        if text(segment, "SegmentNumber") == "0":
            continue  # the background of a label map
        mask = _mask(data, segment, frames, pixels, lattice, where)
        name = _name(segment)
        if mask is None:
            what = f"The segment {name!r} has no voxel and was left out"
            notes.append(note("W-DCM-CONTOUR", where=where, what=what))
            continue
        outlines.append(_outline(data, segment, name, mask, where))
    return tuple(outlines), tuple(notes)


def lattice_of(frames: Sequence[Frame], shape: tuple[int, int], *, where: str) -> Lattice:
    """The even lattice through all frames, whichever of its planes they leave out.

    The file's own spacing is used when every frame lies on it, else the smallest distance
    between frames.
    """
    head = frames[0].plane
    normal = head.normal
    along = np.array([frame.plane.position @ normal for frame in frames])
    for frame in frames:
        moved = frame.plane.position - head.position
        sideways = float(np.linalg.norm(moved - (moved @ normal) * normal))
        turned = not np.allclose(frame.plane.orientation, head.orientation, atol=1e-3)
        if turned or sideways > 0.1 or not np.allclose(frame.plane.pixel_mm, head.pixel_mm):
            what = "The frames of this segmentation do not lie on one grid"
            raise refusal("E-DCM-OUTLINE", where=where, what=what)
    low = int(along.argmin())
    step = _step(frames[0], along - along[low], where)
    slices = np.rint((along - along[low]) / step).astype(int)
    first_plane = Plane(frames[low].plane.position, head.orientation, head.pixel_mm)
    grid = grid_of((int(slices.max()) + 1, *shape), first=first_plane, slice_mm=step)
    return Lattice(grid, tuple(int(k) for k in slices))


def _step(frame: Frame, offsets: NDArray[np.float64], where: str) -> float:
    apart = np.diff(np.unique(np.round(offsets, 3)))
    apart = apart[apart > 0.01]
    said = [abs(s) for s in (frame.spacing_mm, frame.thickness_mm if not len(apart) else None) if s]
    for step in (*said, *([float(apart.min())] if len(apart) else [])):
        if _fits(offsets, step):
            return step * _stretch(offsets, step)
    what = "The slice distance of this segmentation cannot be told from its frames"
    raise refusal("E-DCM-OUTLINE", where=where, what=what)


def _fits(offsets: NDArray[np.float64], step: float) -> bool:
    places = offsets / step
    return bool(np.abs(places - np.rint(places)).max() <= ON_LATTICE)


def _stretch(offsets: NDArray[np.float64], step: float) -> float:
    """Rounding in a spacing adds up over many slices; the outermost frames fix it."""
    count = round(float(offsets.max()) / step)
    return float(offsets.max()) / (count * step) if count else 1.0


def _mask(
    data: Dataset, segment: Dataset, frames: Sequence[Frame], pixels: NDArray[np.generic],
    lattice: Lattice, where: str,
) -> Image | None:  # fmt: skip
    """Occupancies of one segment, cropped to its voxels and one more all round."""
    number_text = text(segment, "SegmentNumber")
    labels = text(data, "SegmentationType").upper() == "LABELMAP"
    mine = [i for i, f in enumerate(frames) if labels or _segment_of(f) in (number_text, "")]
    planes: dict[int, NDArray[np.float32]] = {}
    for i in mine:
        plane = _occupancy(pixels[i], data, number_text, labels, where)
        if lattice.slices[i] in planes:
            what = f"The segment {_name(segment)!r} has two frames at one place"
            raise refusal("E-DCM-OUTLINE", where=where, what=what)
        planes[lattice.slices[i]] = plane
    filled = {k: plane for k, plane in planes.items() if plane.any()}
    if not filled:
        return None
    return _cropped(filled, lattice.grid)


def _cropped(planes: dict[int, NDArray[np.float32]], grid: Grid) -> Image:
    seen = np.any(np.stack(list(planes.values())), axis=0)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    spans = ((min(planes), max(planes)), (rows[0], rows[-1]), (columns[0], columns[-1]))
    start = tuple(max(0, int(low) - 1) for low, _ in spans)
    stop = tuple(min(n, int(high) + 2) for (_, high), n in zip(spans, grid.shape, strict=True))
    part = grid.cropped((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    mask = np.zeros(part.shape, dtype=np.float32)
    for k, plane in planes.items():
        mask[k - start[0]] = plane[start[1] : stop[1], start[2] : stop[2]]
    return Image(part, mask, "1")


def _segment_of(frame: Frame) -> str:
    for group in frame.groups:
        item = first(group, "SegmentIdentificationSequence")
        if item is not None:
            return text(item, "ReferencedSegmentNumber")
    return ""


def _occupancy(
    plane: NDArray[np.generic], data: Dataset, segment: str, labels: bool, where: str
) -> NDArray[np.float32]:
    if labels:
        return np.asarray(plane == int(segment), dtype=np.float32)
    kind = text(data, "SegmentationType").upper()
    if kind == "BINARY":
        return np.asarray(plane != 0, dtype=np.float32)
    most = number(data, "MaximumFractionalValue")
    if kind != "FRACTIONAL" or not most:
        what = f"The segmentation type {kind or 'not given'!r} is not known"
        raise refusal("E-DCM-OUTLINE", where=where, what=what)
    return np.asarray(plane, dtype=np.float32) / np.float32(most)


def _name(segment: Dataset) -> str:
    """The label a person gave, else the meaning of its coded type."""
    if label := text(segment, "SegmentLabel"):
        return label
    kind = first(segment, "SegmentedPropertyTypeCodeSequence")
    meaning = text(kind, "CodeMeaning") if kind is not None else ""
    return meaning or f"segment {text(segment, 'SegmentNumber')}"


def _outline(data: Dataset, segment: Dataset, name: str, mask: Image, where: str) -> Outline:
    person = text(data, "ContentCreatorName")
    how = text(segment, "SegmentAlgorithmType").lower()
    program = text(segment, "SegmentAlgorithmName") or text(data, "ManufacturerModelName")
    made = making_of(segment, constants().values())
    return Outline(
        name=name,
        frame_of_reference=text(data, "FrameOfReferenceUID"),
        mask=mask,
        origin=f"{where}, segment {text(segment, 'SegmentNumber')}",
        author=", ".join(filter(None, (person, how, program))),
        machine=how == "automatic" if how else None,
        made=made,
    )
