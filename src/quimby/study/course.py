"""What came before: earlier exposures, and earlier cycles of the same document."""

from __future__ import annotations

from collections.abc import Sequence

from quimby import therapies
from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, note
from quimby.core.uncertain import Uncertain
from quimby.study.cycle import Cycle
from quimby.study.document import StudyDocument
from quimby.study.result import Exposure

OF_A_CYCLE = ("counts,", "registration,", "repeatability,", "curve fit")
"""How causes of doubt begin that belong to one cycle's own scans."""


def earlier(document: StudyDocument) -> list[Exposure]:
    """Doses from before, as the study gives them; organs by their canonical name."""
    found = []
    for number, row in enumerate(document.earlier, start=1):
        cause = f"earlier dose {number}, {row.organ}"
        found.append(Exposure(
            organ=_canonical(row.organ), what=row.what, date=row.date,
            dose_gy=Uncertain(row.dose, {cause: row.dose_u * row.dose}),
            bed_gy=None if row.bed is None else Uncertain(row.bed, {cause: row.dose_u * row.bed}),
        ))  # fmt: skip
    return found


def _canonical(organ: str) -> str:
    try:
        named = therapies.organ(organ)
    except QuimbyError:
        return organ
    return organ if named.name == "lesion" else named.name


def as_exposures(cycle: Cycle) -> list[Exposure]:
    """An earlier cycle of this document, as doses that count in the totals.

    An organ with two sides counts once, as the pair.
    """
    paired = {name for pair in cycle.pairs for name in pair.members}
    return [
        Exposure(r.name if r.organ == "lesion" else r.organ, f"cycle {cycle.given.cycle}, measured",
                 cycle.inputs.started_at.date().isoformat(),
                 _of_cycle(r.absorbed_dose_gy, cycle),
                 None if r.bed_gy is None else _of_cycle(r.bed_gy, cycle))
        for r in (*cycle.pairs, *cycle.regions)
        if r.name not in paired
    ]  # fmt: skip


def _of_cycle(value: Uncertain, cycle: Cycle) -> Uncertain:
    """Doubts of an earlier cycle's own scans get its name, so that they stay independent.

    Camera, population and outlines are the same sources in every cycle, and stay shared.
    """
    return Uncertain(value.value, {
        f"{cause}, {cycle.given.id}" if cause.startswith(OF_A_CYCLE) else cause: part
        for cause, part in value.parts.items()
    })  # fmt: skip


def course_notes(
    document: StudyDocument, cycle: Cycle, exposures: Sequence[Exposure]
) -> tuple[Note, ...]:
    """What of the course the totals do not hold."""
    now = cycle.given.cycle
    unmeasured = [
        a for a in document.administrations
        if a.kind == "therapy" and not a.measurements and a.cycle < now
    ]  # fmt: skip
    if now > 1 and not exposures and not unmeasured:
        return (note("W-COURSE-UNKNOWN", where=cycle.given.id, value=now),)
    return tuple(note("W-COURSE-UNMEASURED", where=a.id) for a in unmeasured)
