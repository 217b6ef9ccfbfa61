"""How much a patient was given: the assay less what stayed behind, and its doubt."""

from __future__ import annotations

from datetime import datetime

from quimby.core.notes import Note, note
from quimby.core.time import aware, hours_between
from quimby.core.uncertain import Uncertain
from quimby.physics.decay import Residual, net_administered
from quimby.physics.nuclides import Nuclide
from quimby.protocols.level import as_prescribed
from quimby.study.document import Administration

ADMINISTERED = "administered activity"
USUAL_ACTIVITY_U = 0.03  # relative; assumed where none is given, and noted [P]


def administered_activity(
    given: Administration, started_at: datetime, substance: Nuclide, *, zone: str | None,
    cause: str = ADMINISTERED,
) -> tuple[Uncertain, tuple[Note, ...]]:  # fmt: skip
    """Net administered activity at the start of administration, MBq.

    Notes I-ADMIN-U where the doubt was not given, S-ADMIN-DEVIATION more than 10 % off the
    prescribed activity, and those on residues.
    """
    assert given.activity is not None
    notes: list[Note] = []
    u = given.activity_u
    if u is None:
        u = USUAL_ACTIVITY_U
        notes.append(note("I-ADMIN-U", where=given.id, value=u))
    assay = Uncertain(given.activity, {cause: u * given.activity})
    left = None if given.residuals is None else [
        Residual(Uncertain(r.activity), hours_between(started_at,
                 aware(r.at, where="residue", zone=zone)))
        for r in given.residuals
    ]  # fmt: skip
    net = net_administered(assay, left, assay_h=0.0, administered_h=0.0,
                           half_life_h=substance.half_life_h.value)  # fmt: skip
    value = net.activity_mbq
    off = value.value / given.prescribed - 1 if given.prescribed is not None else 0.0
    if given.prescribed is not None and not as_prescribed(off):
        notes.append(note("S-ADMIN-DEVIATION", where=given.id, value=value.value,
                          limit=given.prescribed, percent=100 * off))  # fmt: skip
    return value, (*notes, *net.notes)
