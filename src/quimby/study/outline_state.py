"""The life of an outline: draft, reviewed, approved; by whom and when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from quimby.core.notes import Note, note, refusal
from quimby.core.outline import Outline
from quimby.core.time import aware
from quimby.study.document import Review

MADE = {True: "made by a program", False: "drawn by a person", None: "nobody says how it was made"}


def judged(
    outlines: Sequence[Outline], reviews: Iterable[Review], *, zone: str | None, where: str
) -> tuple[Outline, ...]:
    """The outlines in the state that the study document gives them, each with who and when.

    Reviews count in order of time; one without regions is of all outlines. Without any, the
    file's own state stays. E-STUDY-KEY for a region that no outline has, E-TIME-ZONE.
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
        if mine:
            at, last = mine[-1]
            words = f"{last.state} by {last.by}, {at.isoformat(timespec='minutes')}"
            found.append(replace(outline, status=last.state, judged=words))
        else:
            found.append(outline)
    return tuple(found)


def state_notes(outlines: Iterable[Outline]) -> tuple[Note, ...]:
    """S-OUTLINE-DRAFT for each made by a program and not approved; I-OUTLINE-STATE for others
    that nobody says to have looked at."""
    notes = []
    for outline in outlines:
        if outline.machine and outline.status != "approved":
            notes.append(note("S-OUTLINE-DRAFT", where=outline.name, state=outline.status))
        elif outline.status == "draft":
            notes.append(note("I-OUTLINE-STATE", where=outline.name))
    return tuple(notes)


def state_rows(outlines: Iterable[Outline]) -> tuple[tuple[str, str], ...]:
    """Each outline's state in words, for the trace."""
    return tuple((f"outline {o.name}", f"{o.judged or o.status}; {MADE[o.machine]}"
                  + (f" ({o.author})" if o.author else "")) for o in outlines)  # fmt: skip
