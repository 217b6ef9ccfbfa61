"""A study's word on the moment that a scan's activities stand for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from quimby.core.grid import Image
from quimby.core.notes import refusal
from quimby.core.time import aware, hours_between
from quimby.measure.dicom.decay_moment import CAUSE
from quimby.measure.scans import EmissionScan
from quimby.physics.decay import decay_factor
from quimby.study.document import Spect


def with_decay_reference(
    scan: EmissionScan, asked: Spect, half_life_h: float, *, zone: str | None
) -> EmissionScan:
    """The scan with what the study says of it; its own doubt of the moment goes.

    Values of any other moment are brought to the start of the scan. E-STUDY-KEY for a moment
    beside a scan that does not say when it was acquired.
    """
    told = asked.decay_reference
    if told is None:
        return scan
    notes = tuple(n for n in scan.notes if not n.code.endswith("DCM-DECAY-REF"))
    doubts = {cause: u for cause, u in scan.doubts.items() if cause != CAUSE}
    known = replace(scan, notes=notes, doubts=doubts)
    if not isinstance(told, datetime):
        return replace(known, decay_reference=told)
    started = asked.at or scan.acquired_at
    if started is None:
        problem = f"{asked.id} says nowhere when it was acquired; give its at."
        raise refusal("E-STUDY-KEY", where=f"measurement {asked.id}", problem=problem)
    begin, moment = (aware(t, where=asked.id, zone=zone) for t in (started, told))
    factor = decay_factor(hours_between(moment, begin), half_life_h)
    image = Image(scan.image.grid, scan.image.values * factor, scan.image.unit)
    return replace(known, image=image, decay_reference="START")
