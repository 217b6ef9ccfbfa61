"""Which moment a phantom scan's values stand for, and how long after the assay that was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from math import log, sqrt

from quimby.core.notes import Note, note, refusal
from quimby.core.time import aware, hours_between
from quimby.core.uncertain import Uncertain
from quimby.measure.scans import EmissionScan
from quimby.physics.decay import ASSAY_AGE_LIMIT, decay_factor
from quimby.physics.nuclides import nuclide

LONGEST_H = 1.0  # a scan whose length nobody says lasts at most so long [P]
MIDDLE = "middle of the scan, not known"


@dataclass(frozen=True, slots=True)
class Moment:
    """Hours from the assay to the moment that a scan's values stand for, with its doubt in h."""

    elapsed_h: float
    u_h: float = 0.0
    notes: tuple[Note, ...] = ()

    def held(self, assay_mbq: Uncertain, name: str) -> Uncertain:
        """What an assayed activity (or concentration) was at that moment."""
        half_life_h = nuclide(name).half_life_h.value
        value = assay_mbq.scaled(decay_factor(self.elapsed_h, half_life_h))
        slope = log(2.0) / half_life_h * value.value
        return value.because(MIDDLE, slope * self.u_h) if self.u_h else value


def told(scan: EmissionScan, reference: str | None) -> EmissionScan:
    """The scan with the decay reference that a person gave; a known one is kept where none was.

    E-CAL-DECAY-REF for a file that is decay-corrected without saying to when.
    """
    unsure = any(n.code == "S-DCM-DECAY-REF" for n in scan.notes)
    if reference is None:
        if unsure:
            raise refusal("E-CAL-DECAY-REF", where=scan.files[0].name,
                          why="it is decay-corrected and does not say to which moment")  # fmt: skip
        return scan
    kept = tuple(n for n in scan.notes if not n.code.endswith("DCM-DECAY-REF"))
    return replace(scan, decay_reference=reference, notes=kept)


def moment(scan: EmissionScan, assayed_at: datetime | str, name: str, *, zone: str | None,
           given: str = "fill record") -> Moment:  # fmt: skip
    """From the assay to the moment of the scan's values, by its decay reference.

    Not corrected: the middle of the scan (its start, with the doubt of half an hour, where a
    scan in Bq/ml does not say how long it lasted: I-CAL-MIDDLE). START: its start. ADMIN: the
    moment of filling in the header. E-CAL-SCAN-TIME, E-CAL-DECAY-REF, E-FILL-KEY where more
    than seven half-lives lie between.
    """
    start, where = _start(scan, zone), scan.files[0].name
    if scan.decay_reference == "ADMIN":
        filled = scan.pharmaceutical.started_at
        if filled is None:
            raise refusal("E-CAL-DECAY-REF", where=where,
                          why="it is corrected to a filling of unknown time")  # fmt: skip
        start = aware(filled, where=where, zone=zone)
    elapsed_h = hours_between(aware(assayed_at, where=given, zone=zone), start)
    if abs(elapsed_h) > ASSAY_AGE_LIMIT * nuclide(name).half_life_h.value:
        problem = f"assayed_at lies {abs(elapsed_h) / 24:.0f} days from the scan."
        raise refusal("E-FILL-KEY", where=given, problem=problem)
    if scan.decay_reference != "NONE":
        return Moment(elapsed_h)
    if scan.timing is not None:
        return Moment(elapsed_h + scan.timing.elapsed_scan_time_s / 7200.0)
    said = note("I-CAL-MIDDLE", where=where, value=LONGEST_H)
    return Moment(elapsed_h + LONGEST_H / 2.0, LONGEST_H / sqrt(12.0), (said,))


def _start(scan: EmissionScan, zone: str | None) -> datetime:
    where = scan.files[0].name
    if scan.acquired_at is None:
        raise refusal("E-CAL-SCAN-TIME", where=where)
    return aware(scan.acquired_at, where=where, zone=zone)
