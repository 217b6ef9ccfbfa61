"""A study drafted from a folder of tables, mappings and device documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quimby import protocols, therapies
from quimby.core.errors import QuimbyError
from quimby.devices.counting_device import Device, read_device
from quimby.measure.readings import ask
from quimby.measure.readings.mapping import ColumnMap, column_map, fitting
from quimby.measure.readings.table import Table, read_table
from quimby.study.answers import apply_answers
from quimby.study.counted import ACQUIRED, KINDS
from quimby.study.document import FORMAT
from quimby.study.drafted import Draft
from quimby.study.questions import Question, answered, question

MEASURED_BY = {
    "whole_body": ("dose-rate monitor", "thyroid probe"), "thyroid_counts": ("thyroid probe",),
    "blood_samples": ("gamma counter", "HPGe"),
}  # fmt: skip
"""Route -> kinds of device that can have made it, the likelier first."""

NEEDS = {"thyroid": ("thyroid",), "blood": ("blood", "whole_body"),
         "blood, one reading": ("whole_body",), "whole body": ("whole_body",),
         "marrow, blood": ("blood", "whole_body")}  # fmt: skip
"""Dose of a protocol -> what must have been measured for it."""


@dataclass(frozen=True)
class Found:
    """A table in the folder: its route, and the mapping that reads it."""

    path: Path
    route: str
    mapping: Path | None


@dataclass
class _Work:
    root: Path
    answers: Mapping[str, str]
    devices: Mapping[Path, Device]
    questions: list[Question] = field(default_factory=list)

    def ask(self, which: str, **words: object) -> None:
        """Add a question, unless it was answered."""
        asked = question(which, **words)
        if not answered(asked, self.answers):
            self.questions.append(asked)

    def shown(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def found_in(root: Path) -> tuple[Found, ...]:
    """Every table under a folder whose kind is known, by its mapping or its headers."""
    maps = dict(_mappings(root))
    return tuple(found for path in sorted(root.rglob("*")) if path.suffix in (".csv", ".xlsx")
                 for found in [_table(path, maps)] if found)  # fmt: skip


def _mappings(root: Path) -> Iterator[tuple[Path, ColumnMap]]:
    for path in sorted(root.rglob("*.toml")):
        try:
            yield path, column_map(path.read_text("utf-8"), where=path.name)
        except (QuimbyError, UnicodeDecodeError):
            continue


def _table(path: Path, maps: Mapping[Path, ColumnMap]) -> Found | None:
    try:
        table: Table = read_table(path)
        for file, columns in maps.items():
            if fitting([columns], table):
                return Found(path, columns.route, file)
        route = ask.guessed(table)
    except QuimbyError:
        return None
    return Found(path, route, None) if route in KINDS else None


def draft_readings(
    root: Path, tables: Sequence[Found], *, answers: Mapping[str, str], zone: str | None
) -> Draft:
    """A study of the tables: those of one folder belong to one administration.

    A folder with "tracer" in its name holds a tracer's. Everything the tables cannot say is
    asked.
    """
    work = _Work(root, answers, dict(_devices(root)))
    therapy = answers.get("therapy", "")
    if not therapy:
        work.ask("therapy", agent="no therapy", known=" or ".join(
            n for n in therapies.names() if therapies.load(n).plan))  # fmt: skip
    folders = sorted({t.path.parent for t in tables}, key=lambda f: ("tracer" not in f.name, f))
    kinds = {ACQUIRED.get(t.route, t.route) for t in tables}
    document: dict[str, Any] = {
        "format": FORMAT, "id": f"{answers.get('patient.id', root.name)}", "therapy": therapy,
        "protocol": answers.get("protocol") or fitting_protocol(therapy, kinds),
        "patient": {"id": answers.get("patient.id", "")},
        "administrations": [
            _administration(work, therapy, n, folder,
                            [t for t in tables if t.path.parent == folder],
                            alone=len(folders) == 1)
            for n, folder in enumerate(folders)
        ],
    }  # fmt: skip
    if zone:
        document["zone"] = zone
    else:
        work.ask("zone_of_tables")
    _ask_patient(work, document)
    apply_answers(document, answers)
    found = tuple(
        f"{t.route.replace('_', ' ')}: {work.shown(t.path)}"
        + (f", by {work.shown(t.mapping)}" if t.mapping else "")
        for t in tables
    )
    named = tuple(f"{d.kind} {d.id}: {work.shown(p)}" for p, d in work.devices.items())
    return Draft(document, root, tuple(work.questions), (*found, *named), (), ())


def _devices(root: Path) -> Iterator[tuple[Path, Device]]:
    for path in sorted(root.rglob("*.toml")):
        try:
            yield path, read_device(path)
        except QuimbyError:
            continue


def fitting_protocol(therapy: str, kinds: set[str]) -> str:
    """The therapy's protocol with the most doses that these measurements allow; "" for none."""
    best, most = "", 0
    for name in protocols.names():
        one = protocols.load(name)
        if one.therapy != therapy or one.readings is None:
            continue
        needed = [set(NEEDS[dose]) for dose in one.readings.doses]
        asked = {k for need in needed for k in need}
        size = 10 * len(asked) + len(one.acquisition)
        if all(need <= kinds for need in needed) and size > most:
            best, most = name, size
    return best


def _administration(
    work: _Work, therapy: str, number: int, folder: Path, tables: Sequence[Found], *, alone: bool
) -> dict[str, Any]:
    name = folder.name if not alone else "stage-1"
    tracer = "tracer" in folder.name.lower()
    given: dict[str, Any] = {"id": name, "kind": "tracer" if tracer else "therapy",
                             "cycle": 1}  # fmt: skip
    head = f"administrations.{number}"
    short = "" if number == 0 else f"{head}."
    given["nuclide"] = therapies.load(therapy).nuclide if therapy and not tracer else ""
    if tracer:  # may be another isotope than the therapy's: never guessed
        work.ask("given_nuclide", key=f"{short}nuclide", name=name)
    for key in ("activity", "at"):
        named = {"activity": "administered", "at": "administered_at"}[key] if not short else key
        if f"{head}.{key}" not in work.answers:
            work.ask(f"given_{key}", key=f"{short}{named}", name=name)
    meters = [p for p, d in work.devices.items() if d.kind == "radionuclide calibrator"]
    if len(meters) == 1:
        given["meter"] = work.shown(meters[0])
    if f"{head}.residuals" not in work.answers and number == 0:
        work.ask("residue")
    given["measurements"] = [_measurement(work, t, number, i) for i, t in enumerate(tables)]
    return given


def _measurement(work: _Work, table: Found, number: int, place: int) -> dict[str, Any]:
    name = table.path.stem
    found: dict[str, Any] = {"kind": table.route, "id": name, "table": work.shown(table.path)}
    head = f"administrations.{number}.measurements.{place}"
    if table.mapping:
        found["mapping"] = work.shown(table.mapping)
    for kind in MEASURED_BY.get(table.route, ()):
        made_by = [(p, d) for p, d in work.devices.items() if d.kind == kind]
        if len(made_by) == 1:
            path, device = made_by[0]
            found["device"] = work.shown(path)
            found |= _geometry(work, device, table, head)
            break
    else:
        if table.route in MEASURED_BY:
            work.ask("device", key=f"{head}.device", name=name)
    if table.route == "thyroid_counts" and f"{head}.standard" not in work.answers:
        work.ask("standard", key=f"{head}.standard", name=name)
    return found


def _geometry(work: _Work, device: Device, table: Found, head: str) -> dict[str, str]:
    """The only geometry that the device is calibrated in, or a question."""
    if table.route != "blood_samples":
        return {}
    known = sorted({c.geometry for c in device.calibration})
    if len(known) == 1:
        return {"geometry": known[0]}
    work.ask("geometry", key=f"{head}.geometry", known=" or ".join(known) or "none yet")
    return {}


def _ask_patient(work: _Work, document: Mapping[str, Any]) -> None:
    """What the therapy's doses need of the patient."""
    protocol = document["protocol"]
    work.ask("patient_id")
    if not protocol:
        return
    wanted = protocols.load(protocol).by_readings.doses
    if set(wanted) - {"thyroid"}:
        work.ask("weight")
    if "blood, one reading" in wanted:
        work.ask("height")
        work.ask("sex")
    work.ask("plan", example=_PLANS.get(therapies.load(document["therapy"]).plan, ""))


_PLANS = {
    "thyroid": '--set plan.dose="150 Gy" --set plan.step="37 MBq"',
    "blood and retention": '--set plan.activity="7.4 GBq" --set plan.lung_metastases=false',
    "two stages": '--set plan.dose="4 Gy" --set plan.stem_cells=true --set plan.weight="24.3 kg"',
}
