"""What tables gave, as a result: alone, or beside what scans gave."""

from __future__ import annotations

from dataclasses import replace

from quimby import therapies
from quimby.core.notes import gathered
from quimby.protocols import Protocol
from quimby.study.assemble import patient_of
from quimby.study.course import earlier
from quimby.study.document import Study
from quimby.study.readings.chain import ByReadings
from quimby.study.result import Result
from quimby.study.trace import of_readings, trace


def from_readings(study: Study, protocol: Protocol, found: ByReadings) -> Result:
    """The result of a study without scans; the last administration with tables is reported."""
    document, last = study.document, found.last
    given = last.administration
    return Result(
        study_id=document.id, therapy=therapies.load(document.therapy).title,
        protocol=protocol.id, protocol_title=protocol.title, level=protocol.level,
        centre=document.centre.name, report_number=document.centre.report_number,
        example=document.centre.example, patient=patient_of(document),
        administration=given.id, cycle=given.cycle, cycles_planned=document.cycles_planned,
        nuclide=last.substance.name, radiopharmaceutical=given.agent,
        administered_at=last.started_at, administered_mbq=last.administered_mbq,
        prescribed_mbq=given.prescribed, measurements=(), registrations=(), regions=(),
        combined=(), remainder_tia_mbq_h=None, exposures=tuple(earlier(document)),
        notes=gathered(found.notes),
        trace=trace(document, found.files, found.constants,
                    of_readings(found.stages)),
        stages=found.stages, plan=found.plan, verified=found.verified,
    )  # fmt: skip


def with_readings(result: Result, found: ByReadings) -> Result:
    """The result of scans, with what the study's tables add."""
    whole = replace(
        result.trace,
        inputs=(*result.trace.inputs, *found.files),
        constants=tuple(dict.fromkeys([*result.trace.constants, *found.constants])),
        methods=tuple(dict.fromkeys([*result.trace.methods,
                                     *of_readings(found.stages)])),
    )  # fmt: skip
    return replace(result, stages=found.stages, plan=found.plan, verified=found.verified,
                   notes=gathered([*result.notes, *found.notes]), trace=whole)  # fmt: skip
