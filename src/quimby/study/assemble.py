"""Step 7: everything a cycle gave, put together as one result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from quimby.core.notes import Note, gathered, note
from quimby.core.source import Constant
from quimby.measure.alignment import off_outline_notes
from quimby.study.aligned import align_rows
from quimby.study.course import Course
from quimby.study.curves import remainder_tia_mbq_h
from quimby.study.cycle import Cycle
from quimby.study.document import Study, StudyDocument
from quimby.study.doses import with_limits
from quimby.study.laid import way_of_laying
from quimby.study.masses import way_of_weighing
from quimby.study.other_device import of_scans
from quimby.study.outline_state import making_constants, state_rows
from quimby.study.pictures import draw, with_dvh
from quimby.study.result import (
    Measurement,
    Patient,
    RegionResult,
    RegistrationResult,
    Result,
)
from quimby.study.trace import of_images, trace


def assemble(study: Study, course: Course) -> Result:
    """The result of the reported cycle: dose figures, limits, notes and trace, with pictures."""
    document, cycle, inputs = study.document, course.cycle, course.cycle.inputs
    protocol, substance = cycle.setting.protocol, cycle.setting.nuclide
    drawn = draw(inputs, cycle.quantified, cycle.curves, cycle.setting)
    fwhm = inputs.camera.point_spread.fwhm_mm if inputs.camera.point_spread else 0.0
    notes = [*cycle.notes, *drawn.notes, *course.notes]
    rows: list[RegionResult] = []
    pairs: list[RegionResult] = []
    paired = {name for pair in cycle.pairs for name in pair.members}
    for row, into in [(r, rows) for r in cycle.regions] + [(p, pairs) for p in cycle.pairs]:
        # voxels of a vertebra are bone and marrow: they tell no histogram of the marrow
        whole, seen = (row, ()) if row.organ == "marrow" else with_dvh(row, drawn, fwhm)
        if row.name not in paired:  # a pair is held against the limit, not each of its sides
            whole, more = with_limits(whole, cycle.setting)
            notes += more
        into.append(whole)
        notes += seen
    registrations, shift_seen = _registrations(cycle)
    notes += [*shift_seen, *_deviations(cycle)]
    return Result(
        study_id=document.id, therapy=cycle.setting.therapy.title, protocol=protocol.id,
        protocol_title=protocol.title, level=protocol.level, centre=document.centre.name,
        report_number=document.centre.report_number, example=document.centre.example,
        patient=patient_of(document), administration=cycle.given.id, cycle=cycle.given.cycle,
        cycles_planned=document.cycles_planned, nuclide=substance.name,
        radiopharmaceutical=cycle.given.agent, administered_at=inputs.started_at,
        administered_mbq=cycle.administered_mbq, prescribed_mbq=cycle.given.prescribed,
        measurements=_measurements(cycle), registrations=registrations, regions=tuple(rows),
        combined=tuple(pairs),
        remainder_tia_mbq_h=remainder_tia_mbq_h(cycle.quantified.readings,
                                                substance.half_life_h.value),
        exposures=course.exposures, notes=_named(notes, inputs.shown),
        trace=trace(document, inputs.files, _constants(cycle, [*rows, *pairs]),
                    (*of_images(inputs.camera, protocol, registration=way_of_laying(inputs),
                                mass=way_of_weighing(inputs, cycle.quantified.masses),
                                voxels=drawn.tia.method),
                     *align_rows(cycle.given), *state_rows(inputs.outlines))),
        pictures=replace(drawn.pictures, planar=cycle.planar_pictures), last_cycle=course.last,
        planar=cycle.planar_counts,
        lesions=course.lesions,
    )  # fmt: skip


def _deviations(cycle: Cycle) -> list[Note]:
    """Scans outside the protocol's windows, and expected ones that are missing."""
    protocol = cycle.setting.protocol
    found = []
    seen = set()
    for visit in cycle.inputs.visits:
        expected = protocol.acquisition_at(visit.time_h)
        if expected is None:
            found.append(note("I-PROTOCOL-WINDOW", where=visit.id, value=visit.time_h,
                              protocol=protocol.id))  # fmt: skip
        else:
            seen.add(expected.id)
    for one in cycle.planar:
        found_planar = protocol.acquisition_at(one.time_h, "planar")
        seen |= {found_planar.id} if found_planar else set()
    found += of_scans(cycle.inputs.visits, cycle.planar, protocol)
    missing = [a for a in protocol.acquisition if a.id not in seen]
    found += [
        note("W-PROTOCOL-MISSING" if a.required else "I-PROTOCOL-MISSING", where=protocol.id,
             what=a.id, low=a.window_h[0], high=a.window_h[1])
        for a in missing
    ]  # fmt: skip
    return found


def _registrations(cycle: Cycle) -> tuple[tuple[RegistrationResult, ...], list[Note]]:
    """Each scan's place, with the distance of every region's activity from its outline."""
    rows: list[RegistrationResult] = []
    notes: list[Note] = []
    limit_mm = cycle.setting.protocol.imaging.registration_limit_mm
    for reading in cycle.quantified.readings:
        moved = reading.registration
        off_mm = reading.recovery.off_mm
        for row in (r for r in cycle.regions if r.name in off_mm):
            notes += off_outline_notes(off_mm[row.name], row.volume_ml.value, row.organ,
                                       where=f"{reading.visit.id}, {row.name}",
                                       limit_mm=limit_mm)  # fmt: skip
        rows.append(RegistrationResult(
            measurement=reading.visit.id, reference=cycle.inputs.reference,
            transform=moved.transform, shift_mm=moved.shift_mm, angle_deg=moved.angle_deg,
            similarity=moved.similarity, similarity_before=moved.similarity_before,
            overlap=moved.overlap, region_shift_mm=off_mm,
        ))  # fmt: skip
    return tuple(rows), notes


def patient_of(document: StudyDocument) -> Patient:
    """Who was treated, as a result tells it."""
    who = document.patient
    return Patient(who.id, who.name, who.birth_date, who.sex,
                   who.weight / 1000.0 if who.weight else None, who.indication,
                   who.renal_function, tuple(who.risk_factors), who.single_kidney)  # fmt: skip


def _measurements(cycle: Cycle) -> tuple[Measurement, ...]:
    scans = tuple(
        Measurement(
            id=v.id, kind="spect", acquired_at=v.acquired_at, time_h=v.time_h,
            device=f"{v.scan.device.manufacturer} {v.scan.device.model}".strip(),
            duration_s=v.scan.timing.elapsed_scan_time_s if v.scan.timing else 0.0,
            voxel_mm=v.scan.image.grid.spacing_mm,
        )
        for v in cycle.inputs.visits
    )  # fmt: skip
    return tuple(sorted([*scans, *cycle.planar], key=lambda m: m.time_h))


def _constants(cycle: Cycle, rows: Sequence[RegionResult]) -> list[Constant]:
    setting = cycle.setting
    found = [setting.nuclide.half_life_h, setting.nuclide.electron_mev, *cycle.constants]
    found += [c for curve in cycle.curves.values() for c in curve.constants]
    found += making_constants(cycle.inputs.outlines)
    found += [check.constant for row in rows for check in row.limits]
    for row in (*cycle.regions, *cycle.pairs):
        tissue = setting.therapy.tissue_of(row.organ)
        found += tissue.constants if tissue else ()
    return found


def _named(notes: Sequence[Note], shown: Mapping[str, str]) -> tuple[Note, ...]:
    """Notes name files as the trace does: a result tells nothing of the machine's folders."""
    longest_first = sorted(shown, key=len, reverse=True)

    def short(where: str) -> str:
        for path in longest_first:
            where = where.replace(path, shown[path])
        return where

    return gathered(replace(n, where=short(n.where)) for n in notes)
