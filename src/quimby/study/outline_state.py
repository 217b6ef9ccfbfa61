"""The life of an outline: draft, reviewed, approved; by whom and when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Rigid
from quimby.core.notes import Note, note, refusal
from quimby.core.outline import Outline
from quimby.core.source import Constant
from quimby.core.time import aware
from quimby.measure.occupancy import occupancy, region_mask
from quimby.measure.regions import BODY_NAMES, NESTED
from quimby.study.document import Review

_SERIES = re.compile(r", series [0-9.]+")  # told in result and file; too long for a table
MADE = {True: "made by a program", False: "drawn by a person", None: "nobody says how it was made"}


def judged(
    outlines: Sequence[Outline], reviews: Iterable[Review], *, zone: str | None, where: str
) -> tuple[Outline, ...]:
    """The outlines in the state that the study document gives them, each with who and when.

    Reviews count in order of time; one without regions is of all outlines. One whose digest is
    of other points does not count (`changed_notes` tells). Without any, the file's own state
    stays. E-STUDY-KEY for a region that no outline has, E-TIME-ZONE.
    """
    names = {outline.name for outline in outlines}
    rows = []
    for number, review in enumerate(reviews):
        place = f"{where}.outlines.review.{number}"
        unknown = [name for name in review.regions if name not in names]
        if unknown:
            problem = f"{place}.regions: no outline is called {unknown[0]!r}."
            raise refusal("E-STUDY-KEY", where=place, problem=problem)
        rows.append((aware(review.at, where=place, zone=zone), review))
    rows.sort(key=lambda row: row[0])
    found = []
    for outline in outlines:
        mine = [(at, r) for at, r in rows if not r.regions or outline.name in r.regions]
        fits = [(at, r) for at, r in mine if _looked_at(r, outline)]
        if fits:
            at, last = fits[-1]
            found.append(replace(outline, status=last.state, judged=_who(last, at)))
        elif mine:
            gone = f"{outline.status}; {_who(mine[-1][1], mine[-1][0])}, does not count: changed"
            found.append(replace(outline, judged=f"{gone} since"))
        else:
            found.append(outline)
    return tuple(found)


def _who(review: Review, at: datetime) -> str:
    return f"{review.state} by {review.by}, {at.isoformat(timespec='minutes')}"


def _looked_at(review: Review, outline: Outline) -> bool:
    """Whether a review is of these very points; one without digests is of whatever is there."""
    return not review.digest or review.digest.get(outline.name) == content_digest(outline)


def content_digest(outline: Outline) -> str:
    """SHA-256 of an outline's points to 0.01 mm, or of its voxels and where they lie.

    Name, author, file and frame do not count, nor in which order contours stand.
    """
    if outline.mask is None:
        return sha256(b"".join(sorted(_points(c) for c in outline.contours))).hexdigest()
    grid, values = outline.mask.grid, np.asarray(outline.mask.array, dtype="<f4")
    head = f"{grid.shape}".encode() + _points(grid.affine)
    return sha256(head + np.round(values, 4).tobytes()).hexdigest()


def _points(mm: NDArray[np.float64]) -> bytes:
    return np.round(np.asarray(mm, dtype=np.float64) * 100.0).astype("<i8").tobytes()


def changed_notes(outlines: Sequence[Outline], reviews: Iterable[Review]) -> tuple[Note, ...]:
    """W-OUTLINE-CHANGED for each review of an outline that had other points."""
    found = []
    for review in reviews:
        of = [o for o in outlines if not review.regions or o.name in review.regions]
        found += [
            note("W-OUTLINE-CHANGED", where=o.name, by=review.by, state=review.state)
            for o in of
            if not _looked_at(review, o)
        ]
    return tuple(found)


def state_notes(outlines: Sequence[Outline]) -> tuple[Note, ...]:
    """S-OUTLINE-DRAFT for each made by a program and not approved; I-OUTLINE-STATE for others
    that nobody says to have looked at; and what an outline's own way of being made asks for."""
    notes = []
    for outline in outlines:
        if (outline.machine or outline.made is not None) and outline.status != "approved":
            notes.append(note("S-OUTLINE-DRAFT", where=outline.name, state=outline.status))
        elif outline.status == "draft":
            notes.append(note("I-OUTLINE-STATE", where=outline.name))
    return (*notes, *boundary_notes(outlines))


def boundary_notes(outlines: Sequence[Outline]) -> tuple[Note, ...]:
    """Where the correction for blur, which takes an outline for the physical boundary, is told
    another thing: W-SEG-BOUNDARY for a fixed threshold, I-SEG-BOUNDARY for an adaptive one,
    W-SEG-KIDNEY for a kidney by rule, S-SEG-SMALL for a small volume without its organ's
    outline round it."""
    notes = []
    for outline in outlines:
        edge = outline.made.edge if outline.made is not None else ""
        if edge == "threshold":
            notes.append(note("W-SEG-BOUNDARY", where=outline.name))
        elif edge == "adaptive threshold":
            notes.append(note("I-SEG-BOUNDARY", where=outline.name))
        elif edge == "rule":
            notes.append(note("W-SEG-KIDNEY", where=outline.name))
        elif edge == "small volume" and not _surrounded(outline, outlines):
            notes.append(note("S-SEG-SMALL", where=outline.name))
    return tuple(notes)


def _surrounded(small: Outline, outlines: Sequence[Outline]) -> bool:
    """Whether another outline, not the body, holds most of it."""
    mine = region_mask(small)
    whole = float(mine.values.sum())
    for other in outlines:
        if other is small or other.name.strip().lower() in BODY_NAMES:
            continue
        theirs = region_mask(other)
        if theirs.values.sum() * theirs.grid.voxel_ml <= whole * mine.grid.voxel_ml:
            continue
        there = occupancy(theirs, mine.grid, Rigid.identity()).values
        if float(np.minimum(there, mine.values).sum()) >= NESTED * whole:
            return True
    return False


def state_rows(outlines: Iterable[Outline]) -> tuple[tuple[str, str], ...]:
    """Each outline's state in words, for the trace, and how it was made where that is said."""
    rows = []
    for o in outlines:
        who = f" ({o.author})" if o.author and o.made is None else ""
        rows.append((f"outline {o.name}", f"{o.judged or o.status}; {how_made(o)}{who}"))
    return tuple(rows)


def how_made(outline: Outline) -> str:
    """How an outline was made: tool, version, image and what bounds it."""
    made = outline.made
    if made is None:
        return MADE[outline.machine]
    hand = "" if made.automatic else ", placed by a person"
    edge = f", edge ± {made.edge_u_mm:.1f} mm" if made.edge_u_mm else ""
    on = f", on {_SERIES.sub('', made.image)}" if made.image else ""
    return f"{made.tool}{hand}, {made.program}: {made.words}{edge}{on}"


def making_constants(outlines: Iterable[Outline]) -> tuple[Constant, ...]:
    """Constants that the outlines' makers used, each once."""
    return tuple(dict.fromkeys(c for o in outlines if o.made for c in o.made.constants))
