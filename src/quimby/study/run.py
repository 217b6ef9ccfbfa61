"""The chain: one study in, one result out. Every door calls this."""

from __future__ import annotations

from collections.abc import Sequence

from quimby.core.notes import refusal
from quimby.study.assemble import assemble
from quimby.study.confirmations import with_confirmations
from quimby.study.course import whole
from quimby.study.cycle import Cycle, calculate
from quimby.study.document import Administration, Study
from quimby.study.level import with_level
from quimby.study.progress import Progress, silent
from quimby.study.readings.assemble import from_readings, with_readings
from quimby.study.readings.chain import by_readings
from quimby.study.result import Result


def run(study: Study, *, progress: Progress = silent) -> Result:
    """Calculate a study: from its files to absorbed dose, effect, limits and population.

    Scans give the doses of regions: the last administration with scans is reported; doses of the
    others in the same document, measured or not, and earlier exposures, count in the totals.
    Tables of readings give the result's stages, its plan, and how a plan was kept. Deterministic:
    the same inputs give the same result. Raises the errors of every step (see the catalogue);
    doubts that allow an answer are in `Result.notes`.
    """
    scanned = [a for a in study.document.administrations if a.scans]
    read = any(a.own_readings for a in study.document.administrations)
    if scanned:
        result = _from_scans(study, scanned, progress)
        result = with_readings(result, by_readings(study, progress)) if read else result
    elif read:
        result = from_readings(study, by_readings(study, progress))
    else:
        raise refusal("E-STUDY-KEY", where=f"study {study.document.id}",
                      problem="no administration has measurements.")  # fmt: skip
    return with_confirmations(with_level(result), study)


def _from_scans(study: Study, scanned: Sequence[Administration], progress: Progress) -> Result:
    cycles: list[Cycle] = []
    for given in scanned:
        cycles.append(calculate(study, given, progress, before=cycles))
    return assemble(study, whole(study.document, cycles))
