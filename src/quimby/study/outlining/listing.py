"""What a file of outlines holds, or the outlines of a study with the state it gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from quimby.core.notes import Note, refusal
from quimby.core.outline import Outline
from quimby.measure.dicom import read_outline_file
from quimby.measure.nifti import ENDINGS, read_labels
from quimby.measure.occupancy import contour_volume_ml, region_mask, volume_ml
from quimby.study.document import Administration, Study, read_study
from quimby.study.files import Shelf
from quimby.study.outline_state import how_made, judged

STUDIES = (".toml", ".json")


@dataclass(frozen=True, slots=True)
class Listed:
    """One outline in words and figures."""

    name: str
    volume_ml: float
    state: str  # "draft", "reviewed", "approved"
    judged: str  # by whom and when; empty where nobody says
    how: str
    frame_of_reference: str
    made: Outline


def listed(path: Path) -> tuple[tuple[Listed, ...], tuple[Note, ...]]:
    """Every outline of an RTSTRUCT, SEG or NIfTI file, or of every file that a study names."""
    if path.suffix.lower() in STUDIES:
        outlines = of_study(path)
        notes: tuple[Note, ...] = ()
    else:
        outlines, notes = outlines_in(path)
    return tuple(_row(outline) for outline in outlines), notes


def _row(outline: Outline) -> Listed:
    volume = (volume_ml(region_mask(outline)) if outline.mask is not None
              else contour_volume_ml(outline, spacing_mm=_spacing(outline)))  # fmt: skip
    return Listed(outline.name, volume, outline.status, outline.judged, how_made(outline),
                  outline.frame_of_reference, outline)  # fmt: skip


def _spacing(outline: Outline) -> float | None:
    """A single contour has no spacing of its own; it is listed as a plane of 1 mm."""
    return 1.0 if len(outline.contours) == 1 else None


def outlines_in(path: Path) -> tuple[tuple[Outline, ...], tuple[Note, ...]]:
    """The outlines of one file."""
    if not path.exists():
        raise refusal("E-STUDY-FILE", where="outlines", path=path)
    if path.is_dir() or path.name.lower().endswith(ENDINGS):
        found = read_labels(path, frame_of_reference="")
        return found.outlines, found.notes
    file = read_outline_file(path)
    return file.outlines, file.notes


def of_study(path: Path) -> tuple[Outline, ...]:
    """The outlines of every administration of a study, in the state that it gives them."""
    study = read_study(path)
    found: list[Outline] = []
    for given in with_outlines(study):
        found += in_state(study, given)
    return tuple(found)


def with_outlines(study: Study) -> Sequence[Administration]:
    """The administrations that name outlines; E-OUTLINE-NONE where none does."""
    given = [a for a in study.document.administrations if a.outlines is not None]
    if not given:
        raise refusal("E-OUTLINE-NONE", where=f"study {study.document.id}")
    return given


def in_state(study: Study, given: Administration) -> tuple[Outline, ...]:
    """One administration's outlines, each reviewed, approved or still a draft."""
    assert given.outlines is not None
    shelf = Shelf(study.folder)
    drawn: list[Outline] = []
    for name in given.outlines.paths:
        drawn += [replace(o, origin=name) for o in outlines_in(shelf.path(name))[0]]
    return judged(drawn, given.outlines.review, zone=study.document.zone,
                  where=f"administrations.{given.id}")  # fmt: skip
