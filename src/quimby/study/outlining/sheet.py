"""A file of outlines on one image: what lies in it already, and what may be added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from quimby import therapies
from quimby.core.errors import QuimbyError
from quimby.core.grid import Grid
from quimby.core.notes import refusal
from quimby.core.outline import Outline
from quimby.measure.dicom import read_outline_file, survey
from quimby.study.outlining.image import Scanned

ON_LATTICE = 0.02
"""How far, in voxels, an outline's voxels may lie from those of the image."""


def beside(file: Path, scan: Scanned, new: Sequence[Outline]) -> tuple[Outline, ...]:
    """The outlines of a file made here before, and the new ones after them.

    E-OUTLINE-ADD unless they lie on the voxels of the same image, E-OUTLINE-TWICE for a name
    that is taken, E-STUDY-FILE where there is no file.
    """
    if not file.is_file():
        raise refusal("E-STUDY-FILE", where="--add-to", path=file)
    old = read_outline_file(file).outlines
    for outline in old:
        if what := _elsewhere(outline, file, scan):
            raise refusal("E-OUTLINE-ADD", where=str(file), what=what)
    return each_once((*old, *new), where=str(file))


def each_once(outlines: Sequence[Outline], *, where: str) -> tuple[Outline, ...]:
    """The outlines; E-OUTLINE-TWICE where two share a name."""
    names = [outline.name for outline in outlines]
    for name in names:
        if names.count(name) > 1:
            raise refusal("E-OUTLINE-TWICE", where=where, name=name)
    return tuple(outlines)


def _elsewhere(outline: Outline, file: Path, scan: Scanned) -> str:
    """Why an outline cannot share a file with others on this image; empty where it can."""
    if outline.frame_of_reference != scan.frame_of_reference:
        return "another frame of reference"
    if outline.mask is None:
        return "it holds contours and no masks"
    seen = [s for s in survey(file.parent).series if file.resolve() in s.files]
    if seen and scan.series_uid not in seen[0].references:
        return "another series"
    return "" if _same_lattice(outline.mask.grid, scan.image.grid) else "other voxels"


def _same_lattice(part: Grid, whole: Grid) -> bool:
    if not np.allclose(part.affine[:3, :3], whole.affine[:3, :3], atol=1e-3):
        return False
    index = whole.index_of(part.origin_mm)
    return bool(np.abs(index - np.rint(index)).max() <= ON_LATTICE)


def meanings(outlines: Sequence[Outline]) -> Mapping[str, tuple[str, str]]:
    """Organ and side of each outline whose name says it."""
    found = {}
    for outline in outlines:
        try:
            organ = therapies.organ(outline.name)
        except QuimbyError:
            continue
        found[outline.name] = (organ.name, organ.side)
    return found
