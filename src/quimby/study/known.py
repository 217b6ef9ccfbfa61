"""What is known of a curve beside its scans: the centre's own patients, and earlier cycles."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot

from quimby.core.notes import Note, note, refusal
from quimby.kinetics.priors import Prior, PriorFile, read_prior_file
from quimby.kinetics.reduced import between_cycles
from quimby.study.document import StudyDocument
from quimby.study.files import Shelf
from quimby.study.result import InputFile, RegionResult
from quimby.therapies import Organ

OWN_SAMPLES = 3  # scans that a half-life must rest on to be carried to another cycle


def own_table(
    document: StudyDocument, shelf: Shelf, therapy: str
) -> tuple[PriorFile | None, tuple[InputFile, ...], tuple[Note, ...]]:
    """The centre's table of priors that the study names, its line in the trace, and I-PRIOR-OWN.

    Raises E-STUDY-FILE, E-PRIOR-FILE, E-PRIOR-THERAPY.
    """
    if document.priors is None:
        return None, (), ()
    path = shelf.path(document.priors)
    table = read_prior_file(path)
    if table.therapy and table.therapy != therapy:
        raise refusal("E-PRIOR-THERAPY", where=table.name, found=table.therapy, wanted=therapy)
    entry = shelf.entry("priors of own patients", [path])
    return table, (entry,), (note("I-PRIOR-OWN", where="curves", name=table.name),)


def own_half_lives(rows: Sequence[RegionResult], cycle: str) -> dict[Organ, Prior]:
    """Half-lives of the patient's organs in a cycle with three scans or more.

    Lesions are left out: they change from cycle to cycle. The spread of a half-life between
    cycles is house policy and joins its doubt.
    """
    found = {}
    for row in rows:
        if row.organ == "lesion" or row.curve is None or len(row.samples) < OWN_SAMPLES:
            continue
        half_life = row.curve.half_lives_h.get("effective")
        if half_life is not None:
            cause = f"half-life of {cycle}, {row.name}"
            sd = hypot(half_life.u_rel, between_cycles(row.organ))
            organ = Organ("marrow" if row.organ == "vertebra" else row.organ, row.side)
            found[organ] = Prior("effective", half_life.value, sd, cause,
                                 f"the patient's own, {cycle}", "D")  # fmt: skip
    return found
