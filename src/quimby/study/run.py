"""The chain: one study in, one result out. Every door calls this."""

from __future__ import annotations

from quimby.core.notes import refusal
from quimby.study.assemble import assemble
from quimby.study.course import as_exposures, earlier
from quimby.study.cycle import calculate
from quimby.study.document import Study
from quimby.study.progress import Progress, silent
from quimby.study.result import Result


def run(study: Study, *, progress: Progress = silent) -> Result:
    """Calculate a study: from its files to absorbed dose, effect, limits and population.

    The last administration with measurements is reported; doses of earlier ones in the same
    document, and earlier exposures, count in the totals. Deterministic: the same inputs give
    the same result. Raises the errors of every step (see the catalogue); doubts that allow an
    answer are in `Result.notes`.
    """
    document = study.document
    measured = [a for a in document.administrations if a.measurements]
    if not measured:
        raise refusal("E-STUDY-KEY", where=f"study {document.id}",
                      problem="no administration has measurements.")  # fmt: skip
    exposures = earlier(document)
    for given in measured[:-1]:
        exposures += as_exposures(calculate(study, given, exposures, progress))
    cycle = calculate(study, measured[-1], exposures, progress)
    return assemble(study, cycle, exposures)
