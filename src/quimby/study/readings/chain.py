"""Readings in tables, stage by stage: what `study.run` does without images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quimby import therapies
from quimby.core.notes import Note, note, refusal
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.dose.thyroid import TargetMass
from quimby.planning import thyroid
from quimby.protocols import Protocol
from quimby.study.counted import ACQUIRED
from quimby.study.document import Administration, Study, StudyDocument
from quimby.study.files import Shelf
from quimby.study.other_device import of_tables
from quimby.study.progress import Progress, Step
from quimby.study.readings.blood import blood_series
from quimby.study.readings.compare import group_of, of_series, of_shares, placed
from quimby.study.readings.doses import WEIGHT_U, Who, blood_ml, doses
from quimby.study.readings.plan import planned
from quimby.study.readings.tables import Tables, read_tables
from quimby.study.readings.target import target
from quimby.study.readings.thyroid import thyroid_series
from quimby.study.readings.verify import basis, verify
from quimby.study.readings.whole_body import whole_body_series
from quimby.study.result import InputFile
from quimby.study.stages import Plan, Stage, Verified
from quimby.therapies import Therapy


@dataclass(frozen=True, eq=False)
class ByReadings:
    """Everything that tables gave."""

    stages: tuple[Stage, ...]
    plan: Plan | None
    verified: tuple[Verified, ...]
    constants: tuple[Constant, ...]
    files: tuple[InputFile, ...]
    notes: tuple[Note, ...]
    last: Tables


def by_readings(study: Study, protocol: Protocol, progress: Progress) -> ByReadings:
    """Every administration with tables, in order of time; the plan; planned against measured."""
    document = study.document
    therapy = therapies.load(document.therapy)
    shelf = Shelf(study.folder)
    progress(Step("read"))
    given = [a for a in document.administrations if a.own_readings]
    read = sorted((read_tables(document, a, therapy.nuclide, shelf) for a in given),
                  key=lambda t: t.started_at.timestamp())  # fmt: skip
    for tables in read:
        _check_nuclide(tables, therapy)
    notes = [*study.notes, *(n for t in read for n in t.notes)]
    progress(Step("curves"))
    mass, how = target(document, read)
    stages: list[Stage] = []
    constants: list[Constant] = []
    for tables in read:
        who = _who(document, tables.administration, mass, how)
        stage, used, seen = _stage(tables, therapy, protocol, document, who)
        stages.append(stage)
        constants += used
        notes += [*seen, *_deviations(tables, protocol)]
    progress(Step("dose"))
    plan, plan_notes, more = _plan(document, therapy, stages, mass, how, constants)
    checked, check_notes = _verified(document, therapy, stages)
    return ByReadings(
        tuple(stages), plan, checked, (*constants, *more),
        tuple(f for t in read for f in t.files),
        (*notes, *plan_notes, *check_notes), read[-1],
    )  # fmt: skip


def _check_nuclide(tables: Tables, therapy: Therapy) -> None:
    """A therapy is given with its nuclide; a tracer may be another isotope of it."""
    given, kind = tables.substance.name, tables.administration.kind
    allowed = (therapy.nuclide,) if kind == "therapy" else (therapy.nuclide, *therapy.tracers)
    if given not in allowed:
        raise refusal("E-THERAPY-NUCLIDE", where=tables.administration.id, given=given,
                      therapy=therapy.id, wanted=" or ".join(dict.fromkeys(allowed)))  # fmt: skip


def _stage(
    tables: Tables, therapy: Therapy, protocol: Protocol, document: StudyDocument, who: Who
) -> tuple[Stage, tuple[Constant, ...], tuple[Note, ...]]:
    gland = "Remnant" if "remnant" in therapy.targets else "Thyroid"
    one = "blood, one reading" in protocol.by_readings.doses
    aim = document.plan.aim if document.plan else ""
    tissue = thyroid.aim(aim).kinetics if aim else "organ"
    found = [
        whole_body_series(tables, one_reading=one),
        blood_series(tables),
        thyroid_series(tables, protocol, tissue=tissue, name=gland)
        if protocol.by_readings.uptake else None,
    ]  # fmt: skip
    pairs = [pair for pair in found if pair is not None]
    series = {s.name: s for s, _ in pairs}
    dosed = doses(series, protocol, who, tables.administered_mbq, tables.wanted, target=gland)
    notes = [n for _, seen in pairs for n in seen]
    given = tables.administration
    table, group = protocol.compare.population, group_of(document.patient)
    stage = Stage(
        administration=given.id, kind=given.kind, cycle=given.cycle,
        nuclide=tables.substance.name, administered_at=tables.started_at,
        administered_mbq=tables.administered_mbq, weight_kg=who.weight_kg,
        series=tuple(series.values()),
        doses=tuple(placed(d, table, group) for d in dosed.doses),
        places={**of_series(tuple(series.values()), table, group, blood_ml=blood_ml(who)),
                **of_shares(dosed.doses, table, group)},
    )  # fmt: skip
    physical = (tables.substance.half_life_h, tables.wanted.half_life_h)
    return stage, (*physical, *dosed.constants), (*notes, *dosed.notes)


def _who(document: StudyDocument, given: Administration, mass: TargetMass | None, how: str) -> Who:
    patient = document.patient
    grams = given.weight or patient.weight
    kg = grams / 1e3 if grams else None
    weight = Uncertain(kg, {"patient's weight": WEIGHT_U * kg}) if kg else None
    return Who(patient.sex, weight, patient.height / 10 if patient.height else None,
               patient.haematocrit, patient.blood_volume, mass, how)  # fmt: skip


def _plan(
    document: StudyDocument, therapy: Therapy, stages: Sequence[Stage], mass: TargetMass | None,
    how: str, constants: Sequence[Constant],
) -> tuple[Plan | None, tuple[Note, ...], tuple[Constant, ...]]:  # fmt: skip
    if document.plan is None:
        return None, (), ()
    stage = _foretelling(document, stages)
    given = next(a for a in document.administrations if a.id == stage.administration)
    found = planned(therapy.plan, document.plan, stage, _who(document, given, mass, how),
                    rests_on=constants)  # fmt: skip
    return found.plan, found.notes, found.constants


def _foretelling(document: StudyDocument, stages: Sequence[Stage]) -> Stage:
    therapies_given = [a.id for a in document.administrations if a.kind == "therapy"]
    return basis(stages, therapies_given, [a.id for a in document.administrations])


def _verified(document: StudyDocument, therapy: Therapy, stages: Sequence[Stage]
              ) -> tuple[tuple[Verified, ...], tuple[Note, ...]]:  # fmt: skip
    before, after = _foretelling(document, stages), stages[-1]
    if before is after or after.kind != "therapy":
        return (), ()
    return verify(therapy.plan, before, after)


def _deviations(tables: Tables, protocol: Protocol) -> list[Note]:
    """What the protocol expects of the kinds that were taken, and was not or otherwise taken."""
    taken = {ACQUIRED[r.given.kind] for r in tables.read if r.given.kind in ACQUIRED}
    hours = {kind: [tables.hours(row.at, r.device) for r in tables.read for row in r.rows
                    if ACQUIRED.get(r.given.kind) == kind] for kind in taken}  # fmt: skip
    missing = [a for a in protocol.acquisition if a.kind in taken
               and not any(a.holds(t) for t in hours[a.kind])]  # fmt: skip
    return of_tables(tables.read, protocol) + [
        note("W-PROTOCOL-MISSING" if a.required else "I-PROTOCOL-MISSING", where=protocol.id,
             what=a.id, low=a.window_h[0], high=a.window_h[1])
        for a in missing
    ]  # fmt: skip
