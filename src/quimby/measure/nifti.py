"""NIfTI files: CT out for other programs, labels in from them, and outlines out.

NIfTI counts millimetres towards right, front and head (RAS), DICOM towards left, back and head
(LPS). SimpleITK turns one into the other; the header is looked at first, since a file without an
orientation, or with two that differ, would be turned by a guess. Patient and times are not in
NIfTI: the frame of reference is that of the CT, given by the caller.
"""

# mypy: disallow-untyped-calls = False
# SimpleITK has no types of its own.

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 (its own documentation's name)
from numpy.typing import NDArray

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.notes import Note, note, refusal
from quimby.core.outline import Outline
from quimby.measure.label_names import names_beside, names_in_header
from quimby.measure.nifti_header import OFF_MM, read_header
from quimby.measure.occupancy import occupancy, region_mask

ENDINGS = (".nii.gz", ".nii")
WHOLE = 1e-4  # how far a label may be from a whole number
HALF = 0.5


@dataclass(frozen=True, eq=False)
class LabelFile:
    """The outlines of NIfTI labels, and what was noticed."""

    outlines: tuple[Outline, ...]
    notes: tuple[Note, ...]


def stem(path: Path) -> str:
    """The name of a NIfTI file without its ending; E-NII-FILE for another kind."""
    for ending in ENDINGS:
        if path.name.lower().endswith(ending):
            return path.name[: -len(ending)]
    raise refusal("E-NII-FILE", where=str(path), problem="its name does not end on .nii or .nii.gz")


def read_nifti(path: Path | str, *, unit: str) -> Image:
    """A NIfTI volume in LPS mm. `unit` is what its numbers mean, which the file cannot say.

    Raises E-NII-FILE for a file that is missing, broken, of colours or not three-dimensional,
    and E-NII-ORIENT for one with no orientation, or with two that differ.
    """
    file = Path(path)
    stem(file)
    head = read_header(file)
    try:
        found = sitk.ReadImage(str(file))
    except RuntimeError:
        raise refusal("E-NII-FILE", where=str(file), problem="it cannot be read") from None
    if found.GetDimension() != 3 or found.GetNumberOfComponentsPerPixel() != 1:
        raise refusal("E-NII-FILE", where=str(file), problem="it is not one volume of numbers")
    array = sitk.GetArrayFromImage(found)
    grid = _grid(found, array.shape)
    head.check(grid, where=str(file))
    if not np.isfinite(array).all():
        raise refusal("E-IMG-NAN", where=str(file))
    return Image(grid, array, unit)


def _grid(found: sitk.Image, shape: tuple[int, ...]) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = np.array(found.GetDirection()).reshape(3, 3) * np.array(found.GetSpacing())
    affine[:3, 3] = found.GetOrigin()
    return Grid((shape[0], shape[1], shape[2]), affine)


def write_nifti(image: Image, path: Path | str) -> Path:
    """A volume as NIfTI: whole numbers as int16 where they fit, else float32.

    E-NII-FILE for another ending, or axes at no right angles, which NIfTI readers differ about.
    """
    file = Path(path)
    stem(file)
    _right_angles(image.grid, file)
    out = sitk.GetImageFromArray(_stored(np.asarray(image.array)))
    steps = image.grid.spacing_mm
    out.SetSpacing(steps)
    out.SetOrigin(image.grid.origin_mm.tolist())
    out.SetDirection((image.grid.affine[:3, :3] / np.array(steps)).ravel().tolist())
    sitk.WriteImage(out, str(file), useCompression=file.name.lower().endswith(".gz"))
    return file


def _right_angles(grid: Grid, file: Path) -> None:
    axes = grid.affine[:3, :3] / np.array(grid.spacing_mm)
    if np.abs(axes.T @ axes - np.eye(3)).max() > 1e-3:
        raise refusal("E-NII-FILE", where=str(file), problem="its axes are not at right angles")


def _stored(array: NDArray[np.generic]) -> NDArray[np.generic]:
    values = np.asarray(array, dtype=np.float64)
    whole = bool((values == np.rint(values)).all())
    if whole and values.min() >= -(2**15) and values.max() < 2**15:
        return values.astype(np.int16)
    return values.astype(np.float32)


def read_labels(
    path: Path | str, *, frame_of_reference: str, names: Mapping[int, str] | None = None,
    like: Grid | None = None, author: str = "", machine: bool | None = None,
) -> LabelFile:  # fmt: skip
    """Outlines of a NIfTI label map, of a file with one region, or of a folder of such files.

    A map of whole numbers has one region a number; its names are taken from `names`, else from a
    JSON or CSV beside it, else from its own header (TotalSegmentator writes them there), else
    they are "label 3" with W-NII-NAMES. A file of one region (0 and 1, or shares between) is
    called as the file is; so is each of a folder. Empty ones are left out, with I-NII-EMPTY.
    `like` is the CT whose voxels they must be, counted from any corner along any axis.

    Raises E-NII-FILE, E-NII-ORIENT, E-NII-LABELS for values that are neither whole labels nor
    shares, E-NII-GRID off the CT's grid, E-NII-NONE where nothing is labelled.
    """
    given = Path(path)
    found: list[Outline] = []
    notes: list[Note] = []
    who = _Who(frame_of_reference, author, machine)
    for file in _files(given):
        image = read_nifti(file, unit="1")
        if like is not None and not same_voxels(image.grid, like):
            raise refusal("E-NII-GRID", where=str(file))
        outlines, said = _of_file(file, image, names, who)
        found += outlines
        notes += said
    if not found:
        raise refusal("E-NII-NONE", where=str(given))
    return LabelFile(_apart(found, given), tuple(notes))


def same_voxels(grid: Grid, like: Grid) -> bool:
    """Whether two grids hold the same voxels; NIfTI writers turn axes round and change their order.

    Centres of the corners must agree within 0.1 mm.
    """
    turned = np.linalg.inv(like.affine[:3, :3]) @ grid.affine[:3, :3]
    whole = np.rint(turned)
    if not np.allclose(np.abs(whole).sum(axis=0), 1.0) or round(abs(np.linalg.det(whole))) != 1:
        return False
    affine = np.array(like.affine)
    counted = np.abs(whole.T) @ (np.array(like.shape[::-1]) - 1.0)
    first = np.where(whole.sum(axis=1) > 0, 0.0, np.array(like.shape[::-1]) - 1.0)
    affine[:3, 3] = like.points_mm(first)
    affine[:3, :3] = like.affine[:3, :3] @ whole
    columns, rows, slices = (int(n) + 1 for n in np.rint(counted))
    return Grid((slices, rows, columns), affine).matches(grid, tolerance_mm=OFF_MM)


@dataclass(frozen=True, slots=True)
class _Who:
    """What every outline of a set shares."""

    frame_of_reference: str
    author: str
    machine: bool | None


def _files(given: Path) -> list[Path]:
    if given.is_dir():
        files = sorted(f for f in given.iterdir() if f.name.lower().endswith(ENDINGS))
        if not files:
            raise refusal("E-NII-NONE", where=str(given))
        return files
    if not given.is_file():
        raise refusal("E-NII-FILE", where=str(given), problem="there is no such file")
    return [given]


def _of_file(
    file: Path, image: Image, names: Mapping[int, str] | None, who: _Who
) -> tuple[list[Outline], list[Note]]:
    values = np.asarray(image.array, dtype=np.float64)
    whole = bool((np.abs(values - np.rint(values)) <= WHOLE).all())
    if values.min() < 0 or (not whole and values.max() > 1.0):
        raise refusal("E-NII-LABELS", where=str(file))
    named = names or names_beside(file) or names_in_header(file)
    if not named and values.max() <= 1.0:
        if not values.any():
            return [], [note("I-NII-EMPTY", where=str(file), name=stem(file))]
        return [_outline(stem(file), file, "the file", Image(image.grid, values, "1"), who)], []
    if not whole:
        raise refusal("E-NII-LABELS", where=str(file))
    return _of_map(file, image, np.rint(values).astype(np.int64), (named or {}, who))


def _of_map(
    file: Path, image: Image, labels: NDArray[np.int64], about: tuple[Mapping[int, str], _Who]
) -> tuple[list[Outline], list[Note]]:
    named, who = about
    numbers = [int(n) for n in np.unique(labels) if n != 0]
    empty = [name for number, name in named.items() if number not in (0, *numbers)]
    notes = [note("I-NII-EMPTY", where=str(file), name=name) for name in empty]
    unnamed = [n for n in numbers if n not in named]
    if unnamed:
        words = ", ".join(map(str, unnamed))
        notes.append(note("W-NII-NAMES", where=str(file), labels=words))
    outlines = [
        _outline(named.get(n, f"label {n}"), file, f"label {n}",
                 Image(image.grid, (labels == n).astype(np.float32), "1"), who)
        for n in numbers
    ]  # fmt: skip
    return outlines, notes


def _outline(name: str, file: Path, part: str, mask: Image, who: _Who) -> Outline:
    """One region, its mask cut to its own box."""
    whole = Outline(name, who.frame_of_reference, mask=mask)
    return Outline(name, who.frame_of_reference, mask=region_mask(whole), author=who.author,
                   origin=f"{file.name}, {part}", machine=who.machine)  # fmt: skip


def _apart(outlines: list[Outline], given: Path) -> tuple[Outline, ...]:
    """E-NII-TWICE for two regions of one name: neither may silently win."""
    names = [outline.name for outline in outlines]
    for name in names:
        if names.count(name) > 1:
            raise refusal("E-NII-TWICE", where=str(given), name=name)
    return tuple(outlines)


def write_labels(outlines: Iterable[Outline], grid: Grid, path: Path | str) -> Path:
    """Outlines as one label map on a grid, with their names in a JSON of the same name.

    A voxel belongs to the region that fills most of it, at least half; so overlaps go to the
    later of equals. Numbers count from 1 in the order given. E-NII-NONE without outlines,
    E-IMG-EMPTY for a region with no volume, E-NII-LOST for one that half-fills no voxel.
    """
    given = tuple(outlines)
    file = Path(path)
    if not given:
        raise refusal("E-NII-NONE", where=str(file))
    labels = np.zeros(grid.shape, dtype=np.int16)
    most = np.full(grid.shape, HALF - 1e-6)
    for number, outline in enumerate(given, start=1):
        share = occupancy(region_mask(outline, like=grid), grid, Rigid.identity()).values
        mine = np.asarray(share >= most)
        labels[mine], most[mine] = number, share[mine]
    lost = [o.name for n, o in enumerate(given, start=1) if not (labels == n).any()]
    if lost:
        raise refusal("E-NII-LOST", where=str(file), name=lost[0])
    written = write_nifti(Image(grid, labels, "1"), file)
    rows = {str(n): outline.name for n, outline in enumerate(given, start=1)}
    beside = file.with_name(stem(file) + ".json")
    beside.write_text(json.dumps({"labels": rows}, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return written
