"""Step 1, read: every file of a study as values, checked to belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from quimby.core.grid import Image
from quimby.core.notes import Note, note, refusal
from quimby.core.outline import Outline
from quimby.core.time import aware
from quimby.devices.camera import CameraRecord, read_camera
from quimby.measure import checks
from quimby.measure.dicom import OutlineFile, read_emission, read_outline_file
from quimby.measure.dicom.beds import join_beds
from quimby.measure.fitness import check_for_dosimetry
from quimby.measure.nifti import ENDINGS, LabelFile, read_labels
from quimby.measure.scans import CtScan, EmissionScan, Identity, Timing
from quimby.physics.nuclides import nuclide
from quimby.study.attenuation import check_attenuation
from quimby.study.commission import commission_cylinder, commission_spheres, facts
from quimby.study.decay_reference import with_decay_reference
from quimby.study.document import Administration, Calibration, Series, Spect, Study
from quimby.study.files import Shelf
from quimby.study.outline_state import changed_notes, judged
from quimby.study.progress import Progress, Step
from quimby.study.records import read_fill
from quimby.study.result import InputFile


@dataclass(frozen=True, eq=False)
class Visit:
    """One measurement read: the scan, its CT where it has one, and when it was, in hours."""

    id: str
    scan: EmissionScan
    ct: CtScan | None
    acquired_at: datetime
    time_h: float
    count_rate: float | None  # photopeak counts per second of one head, where known


@dataclass(frozen=True, eq=False)
class Inputs:
    """All that one administration's chain starts from."""

    administration: Administration
    started_at: datetime
    visits: tuple[Visit, ...]  # in order of time
    reference: str  # id of the visit on which the outlines lie, or the name of their own CT
    outlines: tuple[Outline, ...]
    camera: CameraRecord
    files: tuple[InputFile, ...]
    shown: Mapping[str, str]  # absolute path -> as notes name it
    notes: tuple[Note, ...]
    outlined_ct: CtScan | None = None  # where it is none of a visit

    @property
    def reference_ct(self) -> CtScan | None:
        """The CT in whose place the outlines lie; None where they lie on a scan without one."""
        return self.outlined_ct or next(v.ct for v in self.visits if v.id == self.reference)

    @property
    def outlined(self) -> CtScan | EmissionScan:
        """What the outlines were drawn on: that CT, or the reference scan itself."""
        scans = (v.scan for v in self.visits if v.id == self.reference)
        return self.reference_ct or next(scans)

    @property
    def outlined_image(self) -> Image:
        """Its image, in HU or in the scan's unit."""
        return self.outlined.image

    def needed_ct(self, what: str) -> CtScan:
        """The reference CT, or E-STUDY-NO-CT for what cannot do without."""
        if self.reference_ct is None:
            raise refusal("E-STUDY-NO-CT", where=self.reference, what=what)
        return self.reference_ct


def read_inputs(study: Study, given: Administration, *, progress: Progress) -> Inputs:
    """Read and check everything one administration names.

    Raises the readers' and the checks' errors, E-STUDY-KEY for a key that a run needs.
    """
    shelf = Shelf(study.folder)
    zone = study.document.zone
    _needed(given, study)
    camera, camera_notes = read_calibration(study.document.calibration, shelf, zone=zone)
    scans: dict[str, EmissionScan] = {}
    cts: dict[str, CtScan | None] = {}
    entries: list[InputFile] = []
    for number, measured in enumerate(given.scans, start=1):
        progress(Step("read", f"scan {number} of {len(given.scans)}"))
        scans[measured.id], cts[measured.id] = _pair(measured, shelf, given.nuclide, zone)
        check_attenuation(measured, scans[measured.id], camera)
        entries.append(shelf.entry(f"{measured.id}, SPECT", scans[measured.id].files))
        if (ct := cts[measured.id]) is not None:
            entries.append(shelf.entry(f"{measured.id}, CT", ct.files))
    own = _own_ct(given, shelf, entries)
    assert given.outlines is not None
    drawn_on = own or cts.get(given.outlines.on) or scans.get(given.outlines.on)
    outlines, outline_notes = _outlines(given, shelf, entries, drawn_on)
    outlines = judged(outlines, given.outlines.review, zone=zone,
                      where=f"administrations.{given.id}")  # fmt: skip
    outline_notes = (*outline_notes, *changed_notes(outlines, given.outlines.review))
    entries += [InputFile(r.role, r.path, 1, r.sha256) for r in camera.raw_data]
    visits, time_notes = _in_time(given, scans, cts, zone)
    notes = [*study.notes, *camera_notes, *outline_notes, *time_notes]
    notes += _belongs_together(study, given, visits, own)
    notes += [n for v in visits for n in (*v.scan.notes, *(v.ct.notes if v.ct else ()))]
    notes += [n for v in visits for n in camera.check(facts(v.scan, v.acquired_at), where=v.id)]
    notes += own.notes if own else ()
    outlines, frame_notes = in_one_frame(outlines, given, visits)
    notes += frame_notes
    reference = _reference(given, visits, outlines, own)
    started = aware(given.at or "", where="administration", zone=zone)
    return Inputs(given, started, visits, reference, outlines, camera, tuple(entries), shelf.shown,
                  tuple(notes), own)  # fmt: skip


def _own_ct(given: Administration, shelf: Shelf, entries: list[InputFile]) -> CtScan | None:
    """The CT that the outlines name for themselves; E-STUDY-KEY where they name two."""
    assert given.outlines is not None
    on = given.outlines.on
    if given.outlines.ct is None:
        return None
    if on in {m.id for m in given.scans}:
        problem = f"outlines.on says {on!r}, which is a scan; leave ct out or rename on."
        raise refusal("E-STUDY-KEY", where=f"administrations.{given.id}", problem=problem)
    found = shelf.ct(given.outlines.ct)
    entries.append(shelf.entry(f"{on}, CT of the outlines", found.files))
    return found


def _needed(given: Administration, study: Study) -> None:
    """Keys that a draft may leave open and a run cannot."""
    for key in ("activity", "at", "outlines", "scans"):
        if not getattr(given, key):
            raise refusal("E-STUDY-KEY", where=f"study {study.document.id}",
                          problem=f"administrations.{given.id}.{key} is missing.")  # fmt: skip


def _pair(measured: Spect, shelf: Shelf, nuclide_name: str, zone: str | None
          ) -> tuple[EmissionScan, CtScan | None]:  # fmt: skip
    """The scan, its beds joined, and its CT."""
    half_life_h = nuclide(nuclide_name).half_life_h.value
    beds = [
        with_decay_reference(_bed(measured, series, shelf), measured, half_life_h, zone=zone)
        for series in (measured.image, *measured.beds)
    ]
    scan = join_beds(beds, half_life_h=half_life_h) if len(beds) > 1 else beds[0]
    return scan, shelf.ct(measured.ct) if measured.ct else None


def _bed(measured: Spect, series: Series, shelf: Shelf) -> EmissionScan:
    told = measured.counting
    timing = Timing(told.seconds, told.projections, told.heads) if told else None
    scan = read_emission(shelf.files(series), timing=timing)
    check_for_dosimetry(scan)
    return scan


def read_calibration(
    calibration: Calibration, shelf: Shelf, *, zone: str | None
) -> tuple[CameraRecord, tuple[Note, ...]]:
    """The camera's record: read, or made here from its cylinder, spheres and filling."""
    if calibration.camera is not None:
        record = read_camera(shelf.path(calibration.camera))
        return record, _no_point_spread(record)
    if calibration.cylinder is None or calibration.fill is None:
        problem = "calibration names neither a camera nor a cylinder with its fill."
        raise refusal("E-STUDY-KEY", where="calibration", problem=problem)
    fill = read_fill(shelf.path(calibration.fill))
    made = commission_cylinder(
        read_emission(shelf.files(calibration.cylinder)), fill, shelf=shelf, zone=zone
    )
    record, notes = made.record, made.notes
    if calibration.spheres is not None:
        scan = read_emission(shelf.files(calibration.spheres))
        more = commission_spheres(scan, fill, record, shelf=shelf, zone=zone)
        record, notes = more.record, (*notes, *more.notes)
    return record, (*notes, *_no_point_spread(record))


def _no_point_spread(record: CameraRecord) -> tuple[Note, ...]:
    if record.point_spread is not None:
        return ()
    return (note("S-PVC-NONE", where=record.id),)


def _outlines(
    given: Administration, shelf: Shelf, entries: list[InputFile],
    drawn_on: CtScan | EmissionScan | None,
) -> tuple[tuple[Outline, ...], tuple[Note, ...]]:  # fmt: skip
    """Every outline of the files named. NIfTI labels say no frame: they lie on that image."""
    assert given.outlines is not None
    found: list[Outline] = []
    notes: list[Note] = []
    for path in given.outlines.paths:
        file = _outline_file(shelf.path(path), drawn_on)
        found += file.outlines
        notes += file.notes
        entries.append(shelf.entry("outlines", [shelf.path(path)]))
    _each_drawn_once(found, given)
    return tuple(found), tuple(notes)


def _outline_file(path: Path, drawn_on: CtScan | EmissionScan | None) -> OutlineFile | LabelFile:
    if not path.name.lower().endswith(ENDINGS):
        return read_outline_file(path)
    frame = drawn_on.frame_of_reference if drawn_on else ""
    return read_labels(path, frame_of_reference=frame,
                       like=drawn_on.image.grid if drawn_on else None)  # fmt: skip


def _each_drawn_once(outlines: Sequence[Outline], given: Administration) -> None:
    """Two outlines of one name are two versions: neither may silently win."""
    names = [outline.name for outline in outlines]
    for outline in outlines:
        if names.count(outline.name) > 1:
            problem = (f"outline {outline.name!r} is drawn more than once; name one set in "
                       f"administrations.{given.id}.outlines.paths.")  # fmt: skip
            raise refusal("E-STUDY-KEY", where=outline.origin or "outlines", problem=problem)


def _in_time(
    given: Administration, scans: Mapping[str, EmissionScan],
    cts: Mapping[str, CtScan | None], zone: str | None,
) -> tuple[tuple[Visit, ...], tuple[Note, ...]]:  # fmt: skip
    """Visits in order of time; naive clock times take the study's zone, with a note."""
    written = {m.id: m.at or scans[m.id].acquired_at for m in given.scans}
    missing = [name for name, moment in written.items() if moment is None]
    if missing:
        problem = f"{missing[0]} says nowhere when it was acquired; give its at."
        raise refusal("E-STUDY-KEY", where=f"measurement {missing[0]}", problem=problem)
    known = {name: moment for name, moment in written.items() if moment is not None}
    hours = checks.after_administration(given.at or "", known, zone=zone)
    if len(set(hours.values())) < len(hours):
        found = ", ".join(f"{name} at {h:.1f} h" for name, h in hours.items())
        raise refusal("E-TIA-TIME", where="measurements", times=found)
    rates = {m.id: m.count_rate for m in given.scans}
    visits = [
        Visit(
            name,
            scans[name],
            cts[name],
            aware(moment, where=name, zone=zone),
            hours[name],
            rates[name],
        )
        for name, moment in known.items()
    ]
    naive = any(moment.tzinfo is None for moment in known.values())
    notes = (note("I-TIME-ZONE", where="acquisition times", zone=zone),) if naive else ()
    return tuple(sorted(visits, key=lambda v: v.time_h)), notes


def _belongs_together(
    study: Study, given: Administration, visits: tuple[Visit, ...], own: CtScan | None
) -> tuple[Note, ...]:
    """One patient, one nuclide, lying as said. The study document is one of the witnesses."""
    patient = study.document.patient
    people = {f"{v.id}, SPECT": v.scan.identity for v in visits}
    people |= {f"{v.id}, CT": v.ct.identity for v in visits if v.ct}
    people |= {"outlines, CT": own.identity} if own else {}
    weight = patient.weight / 1000.0 if patient.weight else None
    people["study document"] = Identity(patient.id, birth_date=patient.birth_date,
                                        sex=patient.sex, weight_kg=weight)  # fmt: skip
    lying = {f"{v.id}, SPECT": (v.scan.patient_position, v.scan.image.grid) for v in visits}
    lying |= {f"{v.id}, CT": (v.ct.patient_position, v.ct.image.grid) for v in visits if v.ct}
    lying |= {"outlines, CT": (own.patient_position, own.image.grid)} if own else {}
    scanned = {v.id: v.scan.pharmaceutical.nuclide for v in visits}
    return (
        *checks.same_patient(people),
        *checks.positions(lying),
        *checks.nuclide_agrees(given.nuclide, scanned),
        *_activity_agrees(given, visits),
    )


def _activity_agrees(given: Administration, visits: tuple[Visit, ...]) -> tuple[Note, ...]:
    """W-ADMIN-DIFFERS when the headers' activity, in either unit, is not the record's."""
    written = visits[0].scan.pharmaceutical.activity_as_written
    if written is None or given.activity is None:
        return ()
    nearest = min((written, written * 1e-6), key=lambda mbq: abs(mbq / (given.activity or 1) - 1))
    if abs(nearest / given.activity - 1) <= 0.02:
        return ()
    return (note("W-ADMIN-DIFFERS", where=visits[0].id, value=given.activity, limit=nearest),)


def in_one_frame(
    outlines: tuple[Outline, ...], given: Administration, visits: tuple[Visit, ...]
) -> tuple[tuple[Outline, ...], tuple[Note, ...]]:
    """Outlines drawn in a SPECT's own frame of reference, taken over into its CT's.

    Only where the two frames differ and the SPECT says itself where it lies (no S-DCM-GEOM):
    scan and CT of one scanner then share their coordinates, whatever their frames are called.
    W-IMG-FRAMES tells each.
    """
    on = given.outlines.on if given.outlines else ""
    visit = next((v for v in visits if v.id == on and v.ct is not None), None)
    if visit is None or visit.ct is None or any(n.code == "S-DCM-GEOM" for n in visit.scan.notes):
        return outlines, ()
    own, other = visit.scan.frame_of_reference, visit.ct.frame_of_reference
    if not own or not other or own == other:
        return outlines, ()
    mine = {o.name for o in outlines if o.frame_of_reference == own}
    moved = tuple(replace(o, frame_of_reference=other) if o.name in mine else o for o in outlines)
    return moved, tuple(note("W-IMG-FRAMES", where=n, scan=visit.id) for n in sorted(mine))


def _reference(
    given: Administration, visits: tuple[Visit, ...], outlines: tuple[Outline, ...],
    own: CtScan | None,
) -> str:  # fmt: skip
    """The visit (or CT) on which the outlines lie; E-IMG-FOR when their frames differ."""
    assert given.outlines is not None
    on = given.outlines.on
    drawn_on = own or next((v.ct or v.scan for v in visits if v.id == on), None)
    if drawn_on is None:
        raise refusal("E-STUDY-OUTLINE-CT", where=f"outlines, on = {on!r}")
    for outline in outlines:
        frame, theirs = outline.frame_of_reference, drawn_on.frame_of_reference
        if frame and theirs and frame != theirs:
            raise refusal("E-IMG-FOR", where=outline.name, outline=frame, scan=theirs)
    return on
