"""NIfTI labels of a folder that is drafted: they name no image, so their voxels must tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path

from quimby.core.errors import QuimbyError
from quimby.core.grid import Grid
from quimby.measure.dicom.bed_groups import place_of
from quimby.measure.dicom.split_series import stack_of
from quimby.measure.label_names import file_beside
from quimby.measure.nifti import ENDINGS, read_labels, read_nifti, same_voxels
from quimby.study.draft_work import Work
from quimby.study.sorting import Pair

Drawn = tuple[str, list[str]]
"""A file of outlines as the study names it, and the outlines in it."""


def draft_labels(work: Work, ids: Mapping[str, Pair]) -> dict[str, list[Drawn]]:
    """Files of labels by the measurement whose voxels they have: of its CT, else of its scan.

    By "" where several have the same, and no folder tells. Files whose voxels are those of no
    scan, or that hold no labels, say so among the files left out.
    """
    files = [path for path in work.others if path.name.lower().endswith(ENDINGS)]
    if not files:
        return {}
    images = list(_images(ids))
    found: dict[str, list[Drawn]] = {}
    for path in files:
        try:
            grid = read_nifti(path, unit="1").grid
            fitting = [name for name, image in images if same_voxels(grid, image)]
            names = [o.name for o in read_labels(path, frame_of_reference="").outlines]
        except QuimbyError as error:
            work.why[path] = error.what
            continue
        if not fitting:
            work.why[path] = "labels on the voxels of no scan found here, and of none's CT"
            continue
        on = _nearest(path, {name: ids[name] for name in fitting})
        work.read |= {path} | {beside for beside in [file_beside(path)] if beside}
        found.setdefault(on, []).append((path.relative_to(work.folder).as_posix(), names))
    return found


def _nearest(path: Path, ids: Mapping[str, Pair]) -> str:
    """Of scans with the same voxels the one in whose folder the labels lie; "" for none alone.

    Scanners often give every day's CT the same lattice, so voxels alone may not tell.
    """
    depth = {name: _shared_depth(path, pair) for name, pair in ids.items()}
    best = [name for name, deep in depth.items() if deep == max(depth.values())]
    return best[0] if len(best) == 1 else ""


def _shared_depth(path: Path, pair: Pair) -> int:
    """How many folders a file and the nearest file of a scan or its CT have in common."""
    files = (*pair.scan.files[:1], *(pair.ct.files[:1] if pair.ct else ()))
    return max(_in_common(path.parts, file.parts) for file in files)


def _in_common(one: Sequence[str], other: Sequence[str]) -> int:
    same = (a == b for a, b in zip(one, other, strict=False))
    return sum(takewhile(bool, same))


def _images(ids: Mapping[str, Pair]) -> Iterator[tuple[str, Grid]]:
    """What labels may lie on, as a run takes them: the CT of a scan that has one, else the scan."""
    for name, pair in ids.items():
        grid = place_of(pair.scan) if pair.ct is None else stack_of(pair.ct.files)
        if grid is not None:
            yield name, grid
