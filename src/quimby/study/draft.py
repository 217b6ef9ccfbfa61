"""Draft a study document from a folder, and ask for what the folder does not say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from quimby import protocols, therapies
from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, in_order, note, refusal
from quimby.core.units import written
from quimby.measure import checks
from quimby.measure.dicom import Series, Survey, read_outlines, survey
from quimby.measure.dicom.about import administered_mbq, pharmaceutical_of
from quimby.measure.dicom.headers import open_file
from quimby.measure.scans import Identity, Radiopharmaceutical
from quimby.study import unfit
from quimby.study.answers import apply_answers
from quimby.study.document import FORMAT
from quimby.study.drafted import Draft
from quimby.study.questions import Question, answered, question
from quimby.study.readings.draft import draft_readings, found_in
from quimby.study.records import AdministrationRecord, find_records, parse_administration
from quimby.study.sorting import (
    Pair,
    Sorted,
    common_path,
    not_used,
    outlined_scan,
    sort,
    with_maps,
)

DICOM_ENDINGS = (".dcm", ".ima", ".dicom")


@dataclass
class _Work:
    """What a draft gathers; lives only while one is made."""

    folder: Path
    answers: Mapping[str, str]
    zone: str | None
    parts: Sorted
    record: AdministrationRecord | None
    header: Radiopharmaceutical
    questions: list[Question] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def ask(self, which: str, **words: object) -> None:
        """Add a question, unless it was answered."""
        asked = question(which, **words)
        if not answered(asked, self.answers):
            self.questions.append(asked)

    def answer(self, key: str, otherwise: str) -> str:
        """What the user said for a key, else what the files say."""
        return self.answers.get(key, otherwise)


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
    unfit.check_scans(pair.scan for pair in parts.pairs)
    header, notes = _header(parts.pairs[0].scan)
    work = _Work(root, answers or {}, zone, parts, _record(root), header, notes=[*notes])
    work.notes += [*_one_patient(work), *_damaged(seen)]
    document = _document(work)
    apply_answers(document, work.answers)
    unused = [*parts.unused, *((s, not_used(s)) for s in _aside(work, document))]
    left_out = [(common_path(s.files, root), why) for s, why in unused]
    records = {path for found in find_records(root) for path in found}
    left_out += [
        (path.relative_to(root).as_posix(), why)
        for path, why in seen.left_out
        if path not in records
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


def _record(root: Path) -> AdministrationRecord | None:
    administrations, _ = find_records(root)
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


def _one_patient(work: _Work) -> tuple[Note, ...]:
    """Everything in the folder belongs to one patient, and to the one of the record."""
    used = [s for p in work.parts.pairs for s in (p.scan, p.ct) if s is not None]
    used += work.parts.planars
    people = {common_path(s.files, work.folder): s.identity for s in [*used, *work.parts.outlines]}
    if work.record is not None:
        people["administration record"] = Identity(
            work.record.patient_id, sex=work.record.sex, weight_kg=work.record.weight_kg
        )
    return checks.same_patient(people)


def _document(work: _Work) -> dict[str, Any]:
    scan, record = work.parts.pairs[0].scan, work.record
    nuclide, agent = _what_was_given(work)
    therapy = _therapy(work, agent)
    cycle = record.cycle if record else 1
    document: dict[str, Any] = {
        "format": FORMAT,
        "id": f"{scan.identity.patient_id or 'patient'}-cycle-{cycle}",
        "therapy": therapy,
        "protocol": _protocol(therapy, planar=bool(work.parts.planars)),
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


def _what_was_given(work: _Work) -> tuple[str, str]:
    record, header = work.record, work.header
    nuclide = (record.nuclide if record else "") or header.nuclide
    if not nuclide:
        work.ask("nuclide")
    return nuclide, (record.radiopharmaceutical if record else "") or header.agent


def _therapy(work: _Work, agent: str) -> str:
    try:
        return therapies.find(work.answer("agent", agent)).id
    except QuimbyError:
        work.ask("therapy", agent=agent or "no agent", known=" or ".join(therapies.names()))
        return work.answer("therapy", "")


def _protocol(therapy: str, *, planar: bool = False) -> str:
    """The first shipped protocol of the therapy that takes scans; empty when there is none.

    With planar pairs, the first that also takes those, where there is one.
    """
    known = [protocols.load(p) for p in protocols.names()]
    fit = [p for p in known if p.therapy == therapy and p.calculation]
    hybrid = [p for p in fit if planar and _takes_planar(p)]
    plain = [p for p in fit if not _takes_planar(p)]
    return next((p.id for p in (*hybrid, *plain)), "")


def _takes_planar(protocol: protocols.Protocol) -> bool:
    return any(a.kind == "planar" for a in protocol.acquisition)


def _hybrid(protocol: str) -> bool:
    return bool(protocol) and _takes_planar(protocols.load(protocol))


def _aside(work: _Work, document: Mapping[str, Any]) -> tuple[Series, ...]:
    """Planar pairs of a therapy without a protocol for them."""
    return () if _hybrid(document["protocol"]) else work.parts.planars


def _patient(work: _Work) -> dict[str, Any]:
    who, record = work.parts.pairs[0].scan.identity, work.record
    weight = (record.weight_kg if record else None) or who.weight_kg
    patient: dict[str, Any] = {
        "id": who.patient_id or (record.patient_id if record else ""),
        "name": who.name.replace("^", ", ", 1).replace("^", " "),
        "birth_date": who.birth_date,
        "sex": who.sex or (record.sex if record else ""),
    }
    return patient | ({"weight": written(weight, "kg")} if weight else {})


def _calibration(work: _Work) -> dict[str, Any]:
    """The camera's scans and filling, or its record, or a question for one."""
    if "camera" in work.answers:
        return {}
    camera = sorted(work.folder.glob("camera*.toml"))
    if len(camera) == 1:
        return {"camera": camera[0].name}
    found: dict[str, Any] = {}
    for name, series in (("cylinder", work.parts.cylinder), ("spheres", work.parts.spheres)):
        if series is not None:
            found[name] = _series(series, work)
            work.found.append(f"{name} scan of {_date(series.acquired_at)}")
    _, fills = find_records(work.folder)
    if len(fills) == 1:
        found["fill"] = next(iter(fills)).relative_to(work.folder).as_posix()
    if "cylinder" not in found or "fill" not in found:
        work.ask("camera")
    return found


def _administration(work: _Work, cycle: int, nuclide: str, agent: str) -> dict[str, Any]:
    ids = {f"scan-{n}": pair for n, pair in enumerate(work.parts.pairs, start=1)}
    given: dict[str, Any] = {
        "id": f"cycle-{cycle}", "cycle": cycle, "kind": "therapy", "nuclide": nuclide,
        "agent": agent, **_activity(work), **_start(work),
    }  # fmt: skip
    if work.record is not None and work.record.prescribed_mbq is not None:
        given["prescribed"] = written(work.record.prescribed_mbq, "MBq")
    work.ask("residue")
    given["measurements"] = [_measurement(work, name, pair) for name, pair in ids.items()]
    outlines = _outlines(work, ids)
    return given | ({"outlines": outlines} if outlines else {})


def _activity(work: _Work) -> dict[str, Any]:
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


def _start(work: _Work) -> dict[str, Any]:
    started = work.record.administered_at if work.record else work.header.started_at
    if started is None:
        work.ask("administered_at")
        return {}
    return {"at": started}


def _measurement(work: _Work, name: str, pair: Pair) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": "spect", "id": name, "image": _series(pair.scan, work)
    }  # fmt: skip
    when = _date(pair.scan.acquired_at)
    if pair.ct is None:
        work.found.append(f"{name} of {when}, without a CT")
        work.ask("ct", scan=name)
        return found
    work.found.append(f"{name} of {when}, with its CT ({len(pair.ct.files)} slices)")
    return found | {"ct": _series(pair.ct, work)}


def _planars(work: _Work) -> list[dict[str, Any]]:
    """Every planar pair beside the one SPECT/CT."""
    found = [
        {"kind": "planar", "id": f"planar-{n}", "image": _series(s, work)}
        for n, s in enumerate(work.parts.planars, start=1)
    ]
    work.found += [
        f"planar-{n} of {_date(s.acquired_at)}, for the curve's shape"
        for n, s in enumerate(work.parts.planars, start=1)
    ]
    return found


def _outlines(work: _Work, ids: Mapping[str, Pair]) -> dict[str, Any] | None:
    """The outlines drawn on one CT; of several sets, the one with the most regions."""
    sets: dict[str, list[tuple[str, list[str]]]] = {}
    for series in work.parts.outlines:
        on = outlined_scan(series, ids) or ""
        names = [outline.name for outline in read_outlines(series.files[0])]
        sets.setdefault(on, []).append((common_path(series.files, work.folder), names))
    if not sets:
        work.ask("outlines")
        return None
    on, chosen = max(sets.items(), key=lambda row: sum(len(names) for _, names in row[1]))
    if not on:
        work.ask("outlines_on")
    _each_drawn_once(work, chosen)
    names = list(dict.fromkeys(name for _, those in chosen for name in those))
    work.found.append(f"{len(names)} outlines on the CT of {on or '?'}")
    work.found += [f"other outlines on the CT of {o or '?'}, not used" for o in sets if o != on]
    meanings = {name: _meaning(work, name) for name in names}
    return {
        "paths": [path for path, _ in chosen],
        "on": on,
        "regions": {name: meaning for name, meaning in meanings.items() if meaning},
    }


def _each_drawn_once(work: _Work, chosen: Sequence[tuple[str, list[str]]]) -> None:
    """Two files that draw the same region are versions; only a person knows which one counts."""
    drawn = [name for _, names in chosen for name in names]
    twice = {name for name in drawn if drawn.count(name) > 1}
    if twice:
        paths = [path for path, names in chosen if twice & set(names)]
        work.ask("outlines_twice", paths=" and ".join(paths), name=min(twice), first=paths[0])


def _meaning(work: _Work, name: str) -> str:
    """The organ and side that an outline's name means; asked for when unknown."""
    try:
        found = therapies.organ(name)
    except QuimbyError:
        work.ask("region", name=name)
        return ""
    return f"{found.name} {found.side}".strip()


def _series(series: Series, work: _Work) -> dict[str, str]:
    """The file, or the folder that holds all files and maps of the series."""
    files = with_maps(series, work.parts.maps)
    return {"path": common_path(files, work.folder), "series": series.series_uid}


def _date(moment: datetime | None) -> str:
    return f"{moment:%d %b %Y %H:%M}" if moment else "an unknown time"
