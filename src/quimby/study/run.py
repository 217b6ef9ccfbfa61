"""The chain: one study in, one result out. Every door calls this."""

from __future__ import annotations

from collections.abc import Sequence

from quimby.core.notes import refusal
from quimby.protocols import Protocol
from quimby.study.assemble import assemble
from quimby.study.by_cohort import by_cohort, is_by_cohort
from quimby.study.confirmations import with_confirmations
from quimby.study.course import whole
from quimby.study.cycle import Cycle, calculate
from quimby.study.document import Administration, Study
from quimby.study.level import with_level
from quimby.study.monte_carlo import with_second_look
from quimby.study.practice import own_file, protocol_of, with_protocol
from quimby.study.progress import Progress, Step, silent
from quimby.study.readings.assemble import from_readings, with_readings
from quimby.study.readings.chain import by_readings
from quimby.study.result import Result


def run(study: Study, *, progress: Progress = silent, monte_carlo: bool = False) -> Result:
    """Calculate a study: from its files to absorbed dose, effect, limits and population.

    Scans give the doses of regions: the last administration with scans is reported; doses of the
    others in the same document, measured or not, and earlier exposures, count in the totals.
    Tables of readings give the result's stages, its plan, and how a plan was kept. A level-1
    protocol takes neither: it gives the dose of published patients. Deterministic: the same inputs
    give the same result. `monte_carlo` has the doubt of each dose from scans checked by drawing.
    Raises the errors of every step (see the catalogue);
    doubts that allow an answer are in `Result.notes`.
    """
    protocol, own = protocol_of(study), own_file(study)  # once: a file may change in a long run
    scanned = [a for a in study.document.administrations if a.scans]
    read = any(a.own_readings for a in study.document.administrations)
    if is_by_cohort(protocol):
        result = by_cohort(study, protocol)
    elif scanned:
        result = _from_scans(study, scanned, progress, protocol=protocol, monte_carlo=monte_carlo)
        result = with_readings(result, by_readings(study, protocol, progress)) if read else result
    elif read:
        result = from_readings(study, protocol, by_readings(study, protocol, progress))
    else:
        raise refusal("E-STUDY-KEY", where=f"study {study.document.id}",
                      problem="no administration has measurements.")  # fmt: skip
    return with_confirmations(with_protocol(with_level(result), protocol, own), study)


def _from_scans(
    study: Study, scanned: Sequence[Administration], progress: Progress, *, protocol: Protocol,
    monte_carlo: bool,
) -> Result:  # fmt: skip
    cycles: list[Cycle] = []
    for given in scanned:
        cycles.append(calculate(study, given, progress, protocol=protocol, before=cycles))
    result = assemble(study, whole(study.document, cycles))
    if not monte_carlo:
        return result
    progress(Step("dose", "Monte Carlo check"))
    return with_second_look(result, cycles[-1])
