"""Level 1: nothing measured in this patient; what patients on average receive, times activity."""

from __future__ import annotations

from collections.abc import Iterable

from quimby import therapies
from quimby.core.notes import Note, gathered, note, refusal
from quimby.core.source import Constant
from quimby.core.time import aware
from quimby.core.uncertain import Uncertain, exact
from quimby.physics.nuclides import nuclide
from quimby.population import places
from quimby.population.pooled import Pooled, pooled
from quimby.protocols import Protocol
from quimby.protocols.level import ACTIVITY_TOLERANCE, as_prescribed
from quimby.study.administered import administered_activity
from quimby.study.assemble import patient_of
from quimby.study.cohort_dose import CohortDose, Delivery
from quimby.study.course import earlier
from quimby.study.document import Administration, Study, StudyDocument
from quimby.study.files import Shelf
from quimby.study.readings.compare import group_of
from quimby.study.readings.tables import started_at
from quimby.study.result import InputFile, Result
from quimby.study.trace import UNCERTAINTY, trace

SPREAD = "spread between patients"
PUBLISHED, BY_PROTOCOL, UNKNOWN = "published", "stated by the protocol", "not known"
METHOD = "SPECT"  # rows measured so go before others


def is_by_cohort(protocol: Protocol) -> bool:
    """Whether a protocol takes the dose of published patients and nothing else."""
    return protocol.level == 1 and protocol.calculation is None and protocol.readings is None


def by_cohort(study: Study, protocol: Protocol) -> Result:
    """The result of the last administration: delivery, and the doses of published patients.

    E-STUDY-KEY where measurements are given, which such a protocol does not use, or activity
    or time is missing; E-POP-GROUP for an unknown word of the patient's group.
    """
    document = study.document
    _refuse_measurements(document, protocol)
    given = document.administrations[-1]
    started, substance = started_at(document, given), nuclide(given.nuclide)
    administered, notes = administered_activity(given, started, substance, zone=document.zone)
    rows = pooled(places.table(protocol.compare.population), agent=given.agent,
                  group=group_of(document.patient), method=METHOD)  # fmt: skip
    doses = tuple(_dose_of(row, administered, protocol) for row in rows)
    delivery, seen = _delivery(document, given, administered)
    return Result(
        study_id=document.id, therapy=therapies.load(document.therapy).title,
        protocol=protocol.id, protocol_title=protocol.title, level=protocol.level,
        centre=document.centre.name, report_number=document.centre.report_number,
        example=document.centre.example, patient=patient_of(document), administration=given.id,
        cycle=given.cycle, cycles_planned=document.cycles_planned, nuclide=substance.name,
        radiopharmaceutical=given.agent, administered_at=started, administered_mbq=administered,
        prescribed_mbq=given.prescribed, measurements=(), registrations=(), regions=(),
        combined=(), remainder_tia_mbq_h=None, exposures=tuple(earlier(document)),
        notes=gathered([*study.notes, *notes, *seen, *_spread_notes(doses)]),
        trace=trace(document, _files(study, given), _constants(rows), _methods(protocol)),
        cohort=doses, delivery=delivery,
    )  # fmt: skip


def _refuse_measurements(document: StudyDocument, protocol: Protocol) -> None:
    for given in document.administrations:
        if given.measurements:
            problem = (f"administrations.{given.id}.measurements: protocol {protocol.id} takes "
                       "none; write what was seen as [administrations.verification], or choose "
                       "a protocol that measures.")  # fmt: skip
            raise refusal("E-STUDY-KEY", where=f"study {document.id}", problem=problem)


def _dose_of(row: Pooled, administered: Uncertain, protocol: Protocol) -> CohortDose:
    """Dose per activity times activity; without any spread its doubt is not known."""
    sd, whence = row.sd, PUBLISHED
    if sd is None:
        stated = _stated(row.organ, protocol)
        sd = None if stated is None else stated * row.mean
        whence = UNKNOWN if stated is None else BY_PROTOCOL
    if sd is None:
        per_gbq = exact(row.mean)
        dose = exact(row.mean * administered.value / 1e3)
    else:
        per_gbq = Uncertain(row.mean, {SPREAD: sd})
        dose = per_gbq * administered.scaled(1e-3)
    ends = row.range_5_95
    range_gy = None if ends is None else (ends[0] * administered.value / 1e3,
                                          ends[1] * administered.value / 1e3)  # fmt: skip
    return CohortDose(row.organ, row.group, per_gbq, dose, range_gy, row.n, row.sources, row.tag,
                      whence)  # fmt: skip


def _stated(organ: str, protocol: Protocol) -> float | None:
    """The spread between patients that the protocol states for this organ, relative."""
    expected = protocol.uncertainty
    if expected is None or not expected.on.lower().startswith(organ):
        return None
    return next((c.u for c in expected.component if c.name == SPREAD), None)


def _delivery(
    document: StudyDocument, given: Administration, administered: Uncertain
) -> tuple[Delivery, tuple[Note, ...]]:
    """Deviation from what was prescribed, and what was seen; W-VERIFY-NONE, S-VERIFY-OTHER."""
    notes: list[Note] = []
    off = None if given.prescribed is None else administered.value / given.prescribed - 1
    if off is None:
        notes.append(note("W-VERIFY-PRESCRIBED", where=given.id))
    within = None if off is None else as_prescribed(off)
    base = Delivery(given.prescribed, off, within, ACTIVITY_TOLERANCE)
    seen = given.verification
    if seen is None:
        return base, (*notes, note("W-VERIFY-NONE", where=given.id))
    if not seen.as_expected:
        notes.append(note("S-VERIFY-OTHER", where=given.id, by=seen.by, words=seen.words or "–"))
    at = aware(seen.at, where="verification", zone=document.zone)
    return Delivery(given.prescribed, off, within, ACTIVITY_TOLERANCE, seen.how, seen.by, at,
                    seen.as_expected, seen.words), tuple(notes)  # fmt: skip


def _spread_notes(doses: Iterable[CohortDose]) -> list[Note]:
    return [note("W-COHORT-SPREAD", where=d.organ) for d in doses if d.spread == UNKNOWN]


def _files(study: Study, given: Administration) -> list[InputFile]:
    seen = given.verification
    if seen is None or seen.image is None:
        return []
    shelf = Shelf(study.folder)
    return [shelf.entry("verification", shelf.files(seen.image))]


def _constants(rows: Iterable[Pooled]) -> list[Constant]:
    return [c.constant() for row in rows for c in row.rows]


def _methods(protocol: Protocol) -> tuple[tuple[str, str], ...]:
    table = protocol.compare.population
    return (
        ("dose of published patients", f"mean dose per activity of table {table}, weighted by "
                                       "number of patients, times the activity administered"),
        ("range", "5 to 95 % of patients, log-normal with the spread within and between cohorts"),
        UNCERTAINTY,
    )  # fmt: skip
