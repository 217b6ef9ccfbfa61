"""The changed protocol as a document: the old text with what is different, comments kept."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from quimby.advise import adapt_text as edit
from quimby.advise.adapt import Changes, Swapped, lost_rule
from quimby.advise.restate import restated
from quimby.advise.simulate import Simulated
from quimby.core.notes import refusal
from quimby.protocols import Protocol, read
from quimby.protocols.practice import Component
from quimby.protocols.words import spoken

COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SAID = {"spect": "SPECT/CT", "pet": "PET/CT", "planar": "planar scan", "thyroid": "uptake",
        "whole_body": "whole-body reading", "blood": "blood sample"}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Made:
    """What a new document is made of."""

    id: str
    title: str  # "" for one worked out
    before: Protocol
    after: Protocol
    changes: Changes
    swapped: Swapped
    simulated: Simulated | None
    added: tuple[Component, ...] = ()  # what substitutes add to the doubt


def document(text: str, made: Made, *, file: str, on: dt.date) -> str:
    """The new document's text, read again and held against `made.after`.

    E-ADAPT-TEXT where the old one is written so that it cannot be changed line by line.
    """
    found = edit.edited(text, _change(made))
    if made.simulated is not None and made.after.uncertainty and made.after.uncertainty.simulated:
        found = restated(found, made.simulated, name=file, on=on)
    said = f"# {made.before.id} {made.before.version} made this centre's own: "
    found = f"{said}{'; '.join(made.changes.told())}.\n{found}"
    again = read(found, where=file)
    if not _same(again, made):
        raise refusal("E-ADAPT-TEXT", where=made.before.id)
    return found


def _same(again: Protocol, made: Made) -> bool:
    """Whether the text says what was worked out."""
    names = [{c.name for c in p.uncertainty.component} if p.uncertainty else set()
             for p in (again, made.after)]  # fmt: skip
    return (again.id == made.id and again.acquisition == made.after.acquisition
            and again.requires == made.after.requires and names[0] == names[1]
            and again.burden == made.after.burden
            and again.patients == made.after.patients)  # fmt: skip


def in_short(protocol: Protocol) -> str:
    """What is measured, in a few words: "three SPECT/CT and one planar scan"."""
    kinds = [a.kind for a in protocol.acquisition]
    parts = []
    for kind in dict.fromkeys(kinds):
        many = kinds.count(kind)
        word = SAID.get(kind, kind)
        plural = word if many == 1 or word.endswith("CT") else f"{word}s"
        if kind not in SAID:
            parts.append(word)
        else:
            parts.append(f"{COUNTS[many] if many < len(COUNTS) else many} {plural}")
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]


def _change(made: Made) -> Callable[[str, str], str]:
    waiting = [_components(made)]

    def change(header: str, lines: str) -> str:
        if header in ("uncertainty.published", "approval"):
            return ""
        if header in _PARTS:
            lines = _PARTS[header](lines, made)
        if header == "uncertainty":  # TOML adds later ones to the list in any case
            return lines.rstrip("\n") + "\n\n" + waiting.pop() if waiting else lines
        return lines

    return change


def _head(lines: str, made: Made) -> str:
    short = in_short(made.after)
    topic = re.split(r"[:,] ", made.before.title)[0]
    before = made.before
    for key, value in (
        ("id", made.id), ("title", made.title or f"{topic}, {short}"), ("version", "0.1"),
        ("status", "draft"), ("short", short),
        ("based_on", f"{before.id} {before.version}, sha256 {before.digest[:16]}"),
    ):  # fmt: skip
        lines = edit.with_key(lines, key, value, after="version")
    conditions = [f"{spoken(r.use)}: {c}" for r in made.swapped.rows for c in r.conditions]
    if conditions:
        lines = edit.with_key(lines, "validity", [*before.validity, *conditions])
    return lines


def _acquisition(lines: str, made: Made) -> str:
    name = str(edit.value_of(lines, "id")).strip("\"'").split('"')[0]
    new = {a.id: a for a in made.after.acquisition}
    if name not in new:
        return edit.dropped(lines)
    a = new[name]
    if a.window_h != next(b.window_h for b in made.before.acquisition if b.id == name):
        lines = edit.with_key(lines, "window_h", list(a.window_h))
    if name in made.swapped.planar:
        lines = edit.with_key(lines, "kind", a.kind)
    beside = new.get(f"{name}-planar") if name == made.swapped.beside else None
    if beside is None:
        return lines
    rows: dict[str, Any] = {
        "id": beside.id, "kind": beside.kind, "window_h": list(beside.window_h),
        "required": beside.required,
    }  # fmt: skip
    return lines.rstrip("\n") + "\n\n" + edit.table("acquisition", rows)


def _requires(lines: str, made: Made) -> str:
    need = made.after.requires
    if need.equipment != made.before.requires.equipment:
        lines = edit.with_key(lines, "equipment", [list(c) for c in need.equipment])
    if need.competencies != made.before.requires.competencies:
        lines = edit.with_key(lines, "competencies", list(need.competencies))
    return lines


def _rule(lines: str, made: Made) -> str:
    what = tomllib.loads(lines)["patients"]["rule"][0].get("what", [])
    if lost_rule(what, made.changes.drop):
        return edit.dropped(lines)
    left = [name for name in what if name not in made.changes.drop]
    return edit.with_key(lines, "what", left) if left != what else lines


def _device(lines: str, made: Made) -> str:
    device = str(edit.value_of(lines, "device")).split('"')[1]
    if device not in made.swapped.devices:
        return lines
    return edit.with_key(lines, "device", made.swapped.devices[device])


def _burden(lines: str, made: Made) -> str:
    new = made.after.burden
    assert new is not None
    for key, value in (
        ("staff_min", {role: _whole(m) for role, m in new.minutes.items()}),
        ("camera_min", _whole(new.camera_min)), ("visits", _whole(new.visits)),
        ("samples", _whole(new.samples)), ("source", new.source), ("tag", new.tag),
    ):  # fmt: skip
        lines = edit.with_key(lines, key, value)
    return lines


def _whole(number: float) -> float:
    """A whole number without its point."""
    return int(number) if number == int(number) else number


def _components(made: Made) -> str:
    """What substitutes add to the doubt, as parts of the document."""
    return "".join(
        edit.table("uncertainty.component", {"name": c.name, "u": c.u, "source": c.source,
                                             "tag": c.tag})
        for c in made.added
    )  # fmt: skip


_PARTS: Mapping[str, Callable[[str, Made], str]] = {
    "": _head,
    "acquisition": _acquisition,
    "requires": _requires,
    "requires.calibration": _device,
    "requires.qc": _device,
    "patients.rule": _rule,
    "burden": _burden,
}
