"""Reading outlines from RT structure sets and DICOM segmentations."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from quimby.core.notes import Note, note, refusal
from quimby.core.outline import Outline
from quimby.measure.dicom import rtstruct, seg
from quimby.measure.dicom.headers import open_file, text, tolerant

READERS = {
    "1.2.840.10008.5.1.4.1.1.481.3": rtstruct.outlines_of,
    "1.2.840.10008.5.1.4.1.1.66.4": seg.outlines_of,
    "1.2.840.10008.5.1.4.1.1.66.7": seg.outlines_of,
}


@dataclass(frozen=True, eq=False)
class OutlineFile:
    """The outlines of one file, and what could not be taken from it."""

    outlines: tuple[Outline, ...]
    notes: tuple[Note, ...]


def read_outline_file(path: Path | str) -> OutlineFile:
    """Outlines of an RTSTRUCT or SEG file, with notes on regions that hold nothing.

    Raises
    ------
    InputError
        E-DCM-SOP for another kind of object, E-DCM-OUTLINE for one that cannot be read right
        or holds no region at all, E-DCM-OUTLINE-REJECTED for a rejected structure set.
    """
    where = str(path)
    with tolerant():
        data = open_file(path)
        reader = READERS.get(text(data, "SOPClassUID"))
        if reader is None:
            name = getattr(data.get("SOPClassUID"), "name", "no class")
            raise refusal("E-DCM-SOP", where=where, found=name, wanted="an RTSTRUCT or SEG")
        outlines, notes = reader(data, where=where)
    if not outlines:
        raise refusal("E-DCM-OUTLINE", where=where, what="There is no region in this file")
    named, twins = _apart(outlines, where)
    return OutlineFile(named, notes + twins)


def read_outlines(path: Path | str) -> tuple[Outline, ...]:
    """The outlines of an RTSTRUCT or SEG file (see `read_outline_file`, which also notes)."""
    return read_outline_file(path).outlines


def _apart(
    outlines: tuple[Outline, ...], where: str
) -> tuple[tuple[Outline, ...], tuple[Note, ...]]:
    """Regions of one name are numbered, so that none replaces another."""
    counts = Counter(outline.name for outline in outlines)
    used: Counter[str] = Counter()
    named = []
    for outline in outlines:
        used[outline.name] += 1
        twin = counts[outline.name] > 1
        named.append(
            replace(outline, name=f"{outline.name} ({used[outline.name]})") if twin else outline
        )
    notes = tuple(
        note(
            "W-DCM-CONTOUR",
            where=where,
            what=f"{count} regions are called {name!r}; they were numbered",
        )
        for name, count in counts.items()
        if count > 1
    )
    return tuple(named), notes
