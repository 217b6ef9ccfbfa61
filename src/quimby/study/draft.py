"""Draft a study document from a folder, and ask for what the folder does not say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from quimby import protocols, therapies
from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, in_order, note, refusal
from quimby.core.units import written
from quimby.measure import checks
from quimby.measure.dicom import Series, Survey, survey
from quimby.measure.dicom.about import administered_mbq, pharmaceutical_of
from quimby.measure.dicom.headers import open_file
from quimby.measure.scans import Identity, Radiopharmaceutical
from quimby.study import unfit
from quimby.study.answers import apply_answers
from quimby.study.document import FORMAT
from quimby.study.draft_outlines import draft_outlines
from quimby.study.draft_work import Work, series_of
from quimby.study.drafted import Draft
from quimby.study.readings.draft import draft_readings, found_in
from quimby.study.records import AdministrationRecord, find_records, parse_administration
from quimby.study.sorting import (
    Pair,
    common_path,
    not_used,
    sort,
)

DICOM_ENDINGS = (".dcm", ".ima", ".dicom")


def draft(
    folder: str | Path, *, answers: Mapping[str, str] | None = None, zone: str | None = None
) -> Draft:
    """Find a study in a folder of DICOM: time points, pairs, outlines, administration, phantoms.

    A folder without DICOM but with tables of readings becomes a study by readings.

    `answers` are those of `parse_answers`; `zone` is the IANA zone of times that carry none.

    Raises
    ------
    InputError
        E-STUDY-FILE, E-STUDY-EMPTY (no scan), and what the patient checks refuse (two patients
        in one folder, a sex or weight that disagrees).
    """
    root = Path(folder).resolve()
    if not root.is_dir():
        raise refusal("E-STUDY-FILE", where="folder", path=folder)
    seen = survey(root)
    parts = sort(seen)
    if not parts.pairs and not seen.series and (tables := found_in(root)):
        return draft_readings(root, tables, answers=answers or {}, zone=zone)
    if not parts.pairs:
        unfit.check_instead(seen)
        raise refusal("E-STUDY-EMPTY", where=str(folder), here=_what_lies_here(seen))
    unfit.check_scans(scan for pair in parts.pairs for scan in (pair.scan, *pair.beds))
    header, notes = _header(parts.pairs[0].scan)
    given, fills = find_records(path for path, _ in seen.left_out)
    work = Work(root, answers or {}, zone, parts, _record(given, root), header, fills,
                 notes=[*notes], others=[path for path, _ in seen.left_out],
                 read={*given, *fills})  # fmt: skip
    work.notes += [*_one_patient(work), *_damaged(seen)]
    document = _document(work)
    apply_answers(document, work.answers)
    unused = [row for row in parts.unused if row[0] not in work.taken]
    needs = "" if _planar_with_ct(work) else "planar pairs need the CT of their SPECT"
    unused += [(s, needs or not_used(s)) for s in _aside(work, document)]
    left_out = [(common_path(s.files, root), why) for s, why in unused]
    left_out += [
        (path.relative_to(root).as_posix(), work.why.get(path, why))
        for path, why in seen.left_out
        if path not in work.read
    ]
    return Draft(document, root, tuple(work.questions), tuple(work.found), tuple(left_out),
                 in_order(work.notes))  # fmt: skip


def _what_lies_here(seen: Survey) -> str:
    """Kinds of series with their number, for the one who gave the wrong folder."""
    kinds = Counter(series.kind for series in seen.series)
    said = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    return said or f"no DICOM at all ({len(seen.left_out)} other files)"


def _header(scan: Series) -> tuple[Radiopharmaceutical, tuple[Note, ...]]:
    where = scan.files[0].name
    return pharmaceutical_of(open_file(scan.files[0], pixels=False), where=where)


def _record(administrations: Mapping[Path, Any], root: Path) -> AdministrationRecord | None:
    if len(administrations) > 1:
        names = ", ".join(path.name for path in administrations)
        problem = f"two administration records lie in one folder: {names}."
        raise refusal("E-STUDY-KEY", where=str(root), problem=problem)
    for path, data in administrations.items():
        return parse_administration(data, path)
    return None


def _damaged(seen: Survey) -> tuple[Note, ...]:
    """A file that was meant to be DICOM and cannot be read may be a scan that is now missing."""
    return tuple(
        note(
            "W-STUDY-LEFT-OUT", where=path.relative_to(seen.folder).as_posix(), why=why.rstrip(".")
        )
        for path, why in seen.left_out
        if path.suffix.lower() in DICOM_ENDINGS and "the same object" not in why
    )


def _one_patient(work: Work) -> tuple[Note, ...]:
    """Everything in the folder belongs to one patient, and to the one of the record."""
    used = [s for p in work.parts.pairs for s in (p.scan, p.ct, *p.beds) if s is not None]
    used += [s for views in work.parts.planars for s in views]
    people = {common_path(s.files, work.folder): s.identity for s in [*used, *work.parts.outlines]}
    if work.record is not None:
        people["administration record"] = Identity(
            work.record.patient_id, sex=work.record.sex, weight_kg=work.record.weight_kg
        )
    return checks.same_patient(people)


def _document(work: Work) -> dict[str, Any]:
    scan, record = work.parts.pairs[0].scan, work.record
    nuclide, agent = _what_was_given(work)
    therapy = _therapy(work, agent)
    cycle = record.cycle if record else 1
    document: dict[str, Any] = {
        "format": FORMAT,
        "id": f"{scan.identity.patient_id or 'patient'}-cycle-{cycle}",
        "therapy": therapy,
        "protocol": _proposed(work, therapy),
        "patient": _patient(work),
        "calibration": _calibration(work),
    }
    if work.zone:
        document["zone"] = work.zone
    elif scan.acquired_at is not None and scan.acquired_at.tzinfo is None:
        work.ask("zone")
    given = _administration(work, cycle, nuclide, agent)
    if _hybrid(document["protocol"]):
        given["measurements"] += _planars(work)
    document["administrations"] = [given]
    return document


def _what_was_given(work: Work) -> tuple[str, str]:
    record, header = work.record, work.header
    nuclide = (record.nuclide if record else "") or header.nuclide
    if not nuclide:
        work.ask("nuclide")
    return nuclide, (record.radiopharmaceutical if record else "") or header.agent


def _therapy(work: Work, agent: str) -> str:
    try:
        return therapies.find(work.answer("agent", agent)).id
    except QuimbyError:
        work.ask("therapy", agent=agent or "no agent", known=" or ".join(therapies.names()))
        return work.answer("therapy", "")


def _proposed(work: Work, therapy: str) -> str:
    """The shipped protocol that fits the scans found, told why (I-STUDY-PROTOCOL)."""
    scans = len(work.parts.pairs)
    planar = len(work.parts.planars) if _planar_with_ct(work) else 0
    chosen = protocol_for(therapy, scans=scans, planar=planar)
    if chosen is None:
        return ""
    if "protocol" not in work.answers:
        found = f"{scans} SPECT scan{'s' if scans > 1 else ''}"
        used = _takes_planar(chosen)
        found += f" and {planar} planar pair{'s' if planar > 1 else ''}" if used else ""
        work.notes.append(note("I-STUDY-PROTOCOL", where="protocol", found=found, id=chosen.id,
                               title=chosen.title))  # fmt: skip
    return chosen.id


def protocol_for(therapy: str, *, scans: int, planar: int = 0) -> protocols.Protocol | None:
    """The shipped protocol of a therapy for so many SPECT scans and planar pairs, or None.

    Planar pairs beside one SPECT: the one that takes both. Else the one that asks for the most
    scans of those that are there; with fewer than any asks for, the one that asks for the fewest.
    """
    known = [protocols.load(p) for p in protocols.names()]
    fit = [p for p in known if p.therapy == therapy and p.calculation and _spects(p)]
    hybrid = [p for p in fit if planar and scans == 1 and _takes_planar(p)]
    plain = sorted((p for p in fit if not _takes_planar(p)), key=_spects)
    enough = [p for p in plain if _spects(p) <= scans]
    return next(iter((*hybrid, *enough[::-1], *plain)), None)


def _spects(protocol: protocols.Protocol) -> int:
    """SPECT scans that it requires, at least one; 0 for a protocol without any."""
    asked = [a for a in protocol.acquisition if a.kind == "spect"]
    return max(1, sum(a.required for a in asked)) if asked else 0


def _planar_with_ct(work: Work) -> bool:
    """Planar pairs rest on a CT: without one they lie aside."""
    return bool(work.parts.planars) and work.parts.pairs[0].ct is not None


def _takes_planar(protocol: protocols.Protocol) -> bool:
    return any(a.kind == "planar" for a in protocol.acquisition)


def _hybrid(protocol: str) -> bool:
    return bool(protocol) and _takes_planar(protocols.load(protocol))


def _aside(work: Work, document: Mapping[str, Any]) -> tuple[Series, ...]:
    """Planar pairs of a therapy without a protocol for them."""
    views = tuple(s for those in work.parts.planars for s in those)
    return () if _hybrid(document["protocol"]) else views


def _patient(work: Work) -> dict[str, Any]:
    who, record = work.parts.pairs[0].scan.identity, work.record
    weight = (record.weight_kg if record else None) or who.weight_kg
    patient: dict[str, Any] = {
        "id": who.patient_id or (record.patient_id if record else ""),
        "name": who.name.replace("^", ", ", 1).replace("^", " "),
        "birth_date": who.birth_date,
        "sex": who.sex or (record.sex if record else ""),
    }
    return patient | ({"weight": written(weight, "kg")} if weight else {})


def _calibration(work: Work) -> dict[str, Any]:
    """The camera's scans and filling, or its record, or a question for one."""
    if "camera" in work.answers:
        return {}
    camera = sorted(work.folder.glob("camera*.toml"))
    if len(camera) == 1:
        work.read.add(camera[0])
        return {"camera": camera[0].name}
    found: dict[str, Any] = {}
    for name, series in (("cylinder", work.parts.cylinder), ("spheres", work.parts.spheres)):
        if series is not None:
            found[name] = series_of(series, work)
            work.found.append(f"{name} scan of {_date(series.acquired_at)}")
    fills = work.fills
    if len(fills) == 1:
        found["fill"] = next(iter(fills)).relative_to(work.folder).as_posix()
    if "cylinder" not in found or "fill" not in found:
        work.ask("camera")
    return found


def _administration(work: Work, cycle: int, nuclide: str, agent: str) -> dict[str, Any]:
    ids = {f"scan-{n}": pair for n, pair in enumerate(work.parts.pairs, start=1)}
    given: dict[str, Any] = {
        "id": f"cycle-{cycle}", "cycle": cycle, "kind": "therapy", "nuclide": nuclide,
        "agent": agent, **_activity(work), **_start(work),
    }  # fmt: skip
    if work.record is not None and work.record.prescribed_mbq is not None:
        given["prescribed"] = written(work.record.prescribed_mbq, "MBq")
    work.ask("residue")
    given["measurements"] = [_measurement(work, name, pair) for name, pair in ids.items()]
    outlines = draft_outlines(work, ids)
    if without := [name for name, pair in ids.items() if pair.ct is None]:
        work.ask("ct", scan=", ".join(without))
    return given | ({"outlines": outlines} if outlines else {})


def _activity(work: Work) -> dict[str, Any]:
    record, as_written = work.record, work.header.activity_as_written
    if record is not None and record.activity_mbq is not None:
        given = {"activity": written(record.activity_mbq, "MBq")}
        if record.administered_relative_u is not None:
            given["activity_u"] = f"{100 * record.administered_relative_u:g} %"
        return given
    if "administered" in work.answers:
        return {}
    if as_written is None:
        work.ask("administered")
        return {}
    scan = work.parts.pairs[0].scan
    where = f"{scan.files[0].name} (0018,1074)"
    found, notes = administered_mbq(as_written, modality=scan.modality, where=where)
    work.notes += notes
    work.ask("administered-check", written=f"{as_written:g}", mbq=found)
    return {"activity": written(found, "MBq")}


def _start(work: Work) -> dict[str, Any]:
    started = work.record.administered_at if work.record else work.header.started_at
    if started is None:
        work.ask("administered_at")
        return {}
    return {"at": started}


def _measurement(work: Work, name: str, pair: Pair) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": "spect", "id": name, "image": series_of(pair.scan, work)
    }  # fmt: skip
    when = _date(pair.scan.acquired_at)
    if pair.rivals:
        work.ask("reconstruction", **_choice(work, name, pair))
    if pair.beds:
        found["beds"] = [series_of(bed, work) for bed in pair.beds]
        when += f" in {1 + len(pair.beds)} beds"
    if pair.ct is None:
        work.found.append(f"{name} of {when}, without a CT")
        return found
    work.found.append(f"{name} of {when}, with its CT ({len(pair.ct.files)} slices)")
    return found | {"ct": series_of(pair.ct, work)}


def _choice(work: Work, name: str, pair: Pair) -> dict[str, str]:
    """Words of the question which of several reconstructions is meant."""
    other = series_of(pair.rivals[0], work)
    names = [repr(s.description or s.files[0].name) for s in (pair.scan, *pair.rivals)]
    return {"scan": name, "found": ", ".join(names), "path": other["path"],
            "series": other["series"]}  # fmt: skip


def _planars(work: Work) -> list[dict[str, Any]]:
    """Every planar pair beside the one SPECT/CT."""
    found: list[dict[str, Any]] = []
    for n, (first, *others) in enumerate(work.parts.planars, start=1):
        row = {"kind": "planar", "id": f"planar-{n}", "image": series_of(first, work)}
        apart = {"views": [series_of(one, work) for one in others]} if others else {}
        found.append(row | apart)
        files = f" in {1 + len(others)} files" if others else ""
        work.found.append(f"planar-{n} of {_date(first.acquired_at)}{files}, for the curve's shape")
    return found


def _date(moment: datetime | None) -> str:
    return f"{moment:%d %b %Y %H:%M}" if moment else "an unknown time"
