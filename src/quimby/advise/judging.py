"""One protocol against one centre: what is missing, what stands in, what it would take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import hypot
from typing import Literal

from quimby.advise.centre import Centre, DeviceRecord, blocks
from quimby.advise.substitution import TASKS, Substitute, at_hand, substitute
from quimby.protocols import Protocol
from quimby.protocols.check import IMAGES
from quimby.protocols.practice import Calibration
from quimby.protocols.words import spoken

Cause = Literal["device", "calibration", "qc", "staff", "facility", "competence", "camera",
                "hours", "doubt", "level", "aim", "status", "patient",
                "visits"]  # fmt: skip
FIXED: tuple[Cause, ...] = ("doubt", "level", "aim", "status", "patient", "visits")
"""Causes that no purchase and no check would take away."""
UNCOUNTED = ("dosimetry software", "ultrasound", "CT", "MR")


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that stands in the way, and what would take it away."""

    cause: Cause
    item: str  # a word for programs: "gamma_counter"
    sentence: str
    unlock: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A protocol at a centre."""

    protocol: Protocol
    missing: tuple[Missing, ...]
    instead: tuple[Substitute, ...]
    conditions: tuple[str, ...]  # to be kept or looked up
    u_rel: float | None  # of the dose, k = 1, with what substitutes add
    staff_min: float  # all roles, for each study
    camera_min: float
    burden: float  # weighted, in minutes of staff
    staff_h: dict[str, float]  # a year by role; empty where patients a year are not known
    camera_h: float | None  # a year

    @property
    def items(self) -> tuple[str, ...]:
        """Words for what is missing."""
        return tuple(m.item for m in self.missing)

    @property
    def unlock(self) -> str:
        """The one thing that would make it fit; empty where more than one is missing."""
        return self.missing[0].unlock if len(self.missing) == 1 else ""


def judge(protocol: Protocol, centre: Centre, *, today: dt.date) -> Judged:
    """What the centre lacks for the protocol, on that day. Doubt, level and aim come later."""
    missing: list[Missing] = []
    instead: list[Substitute] = []
    conditions: list[str] = []
    for clause in protocol.requires.equipment:
        shared = _shared(centre, clause)
        if shared:
            conditions.append(shared)
        else:
            _equipment(protocol, centre, clause, missing, instead)
    told = (_devices(protocol, centre, today, instead), _people(protocol, centre, today),
            _places(protocol, centre))  # fmt: skip
    for found in chain.from_iterable(told):
        if isinstance(found, Missing):
            missing.append(found)
        else:
            conditions.append(found)
    for row in instead:
        conditions += [f"{spoken(row.use)}: {c}" for c in row.conditions]
    return _costed(protocol, centre, missing, instead, conditions)


def _equipment(
    protocol: Protocol, centre: Centre, clause: tuple[str, ...],
    missing: list[Missing], instead: list[Substitute],
) -> None:  # fmt: skip
    if set(clause) & at_hand(centre.kinds):
        return
    tasks = (*dict.fromkeys(TASKS[a.kind] for a in protocol.acquisition), "calculation")
    answers = [substitute(d, task=t, available=centre.kinds) for d in clause for t in tasks]
    used = next((a.use for a in answers if a.use), None)
    if used is not None:
        instead.append(used)
        return
    why = next((a.reason for a in answers if a.reason.startswith(("activity", "brems"))), "")
    words = " or ".join(spoken(d) for d in clause)
    said = f"no {words}: {why}" if why else f"no {words}"
    unlock = _from_partner(centre, clause) or f"access to {_one(words)}"
    missing.append(Missing("device", clause[0], said, unlock))


def _shared(centre: Centre, clause: tuple[str, ...]) -> str:
    """Where a device that the centre lacks is used by agreement; empty where it is not."""
    if set(clause) & at_hand(centre.kinds):
        return ""
    for partner in (p for p in centre.partner if p.agreed):
        for device in clause:
            if device in at_hand(partner.devices):
                return f"{spoken(device)} at {partner.name}, with its calibration and checks"
    return ""


def _from_partner(centre: Centre, clause: tuple[str, ...]) -> str:
    """The device of a partner site that would do; empty where none has one."""
    for partner in centre.partner:
        for device in clause:
            if device in at_hand(partner.devices):
                return f"use the {spoken(device)} of {partner.name}"
    return ""


def _devices(
    protocol: Protocol, centre: Centre, today: dt.date, instead: Sequence[Substitute]
) -> Iterator[Missing | str]:  # fmt: skip
    """What calibration and quality control say of each device that would be used.

    Of several of a kind, the one with the fewest faults counts.
    """
    stands_in = {row.missing: row.use for row in instead}
    wanted = dict.fromkeys(d for clause in protocol.requires.equipment for d in clause)
    for kind in wanted:
        used = stands_in.get(kind, kind)
        devices = [d for d in centre.device if d.does(used)]
        judged = [list(_device(d, protocol, kind, today)) for d in devices]
        if judged:
            yield from min(judged, key=lambda found: sum(isinstance(f, Missing) for f in found))
            yield from _routine(protocol, kind, used)


def _device(
    device: DeviceRecord, protocol: Protocol, kind: str, today: dt.date
) -> Iterator[Missing | str]:  # fmt: skip
    if blocks(device.qc):
        said = f"{device.called}: quality control {device.qc}"
        yield Missing("qc", f"quality control of {kind}", said, f"do the checks of {device.id}")
    for wanted in protocol.requires.calibration:
        if wanted.device == kind and not wanted.each_patient:
            yield from _calibration(device, wanted, today)


def _calibration(
    device: DeviceRecord, wanted: Calibration, today: dt.date
) -> Iterator[Missing | str]:  # fmt: skip
    """What is wrong with a device's calibration; a condition where nobody said."""
    stands = device.standing(wanted, today=today)
    if not stands.known:
        yield device.unsaid(wanted)
        return
    item, unlock = f"calibration of {wanted.device}", f"calibrate {device.id!r} ({wanted.what})"
    if stands.made is None:
        yield Missing("calibration", item, f"{device.called} has no {wanted.what}", unlock)
    elif not stands.valid:
        old = f"{wanted.what} is {stands.age_d} d old, at most {wanted.max_age_d}"
        yield Missing("calibration", item, f"{device.called}: {old}", unlock)


def _routine(protocol: Protocol, kind: str, used: str) -> Iterator[str]:
    """What is done at each patient and at each check."""
    for wanted in protocol.requires.calibration:
        if wanted.device == kind and wanted.each_patient:
            yield f"{spoken(used)}: {wanted.kind}, at each patient"
    for check in protocol.requires.qc:
        if check.device == kind:
            every = "each day" if check.max_age_d == 1 else f"every {check.max_age_d} d"
            yield f"{spoken(used)}: {check.test} {every}"


def _people(protocol: Protocol, centre: Centre, today: dt.date) -> Iterator[Missing | str]:
    roles = {s.role for s in centre.staff}
    for clause in protocol.requires.staff:
        if not roles & set(clause):
            words = " or ".join(clause)
            yield Missing("staff", clause[0], f"no {words}", f"hours of {_one(words)}")
    taught = [s.trained(today) for s in centre.staff]
    lapsed = {c for s in centre.staff for c in s.lapsed(today)}
    known = {c for group in taught if group is not None for c in group}
    agreed = {c: p.name for p in centre.partner if p.agreed for c in p.competencies}
    for wanted in protocol.requires.competencies:
        if wanted in known:
            continue
        if wanted in agreed:
            yield f"{wanted} by {agreed[wanted]}"
            continue
        if None in taught:
            yield f"somebody trained in {wanted} (not said)"
            continue
        helper = next((p.name for p in centre.partner if wanted in p.competencies), "")
        unlock = f"let {helper} do the {wanted}" if helper else f"train somebody in {wanted}"
        said = f"nobody is trained in {wanted}"
        if wanted in lapsed:
            said, unlock = f"training in {wanted} has run out", f"renew the training in {wanted}"
        yield Missing("competence", wanted, said, unlock)


def _one(words: str) -> str:
    """With its article, where it has one."""
    if words.startswith(UNCOUNTED):
        return words
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _places(protocol: Protocol, centre: Centre) -> Iterator[Missing | str]:
    for clause in protocol.requires.facilities:
        words = " or ".join(spoken(f) for f in clause)
        if centre.facilities is None:
            yield f"{words} (not said)"
        elif not set(clause) & set(centre.facilities):
            yield Missing("facility", clause[0], f"no {words}", f"access to {_one(words)}")


def _costed(
    protocol: Protocol, centre: Centre, missing: list[Missing], instead: list[Substitute],
    conditions: list[str],
) -> Judged:  # fmt: skip
    burden, weights = protocol.burden, centre.weights
    times = {t: sum(TASKS[a.kind] == t for a in protocol.acquisition) for t in TASKS.values()}
    more = sum(row.camera_min * times.get(row.task, 0) for row in instead)
    camera_min = (burden.camera_min if burden else 0.0) + more
    staff_min = burden.staff_min if burden else 0.0
    weighted = weights.staff * staff_min + weights.camera * camera_min
    if burden:
        weighted += weights.visit * burden.visits + weights.sample * burden.samples
    practice = centre.practice(protocol.therapy)
    studies = practice.studies if practice else None
    camera_h = None if studies is None else studies * camera_min / 60
    staff_h = _staff_h(protocol, studies)
    for role, hours in staff_h.items():
        missing.extend(_short_of(role, hours, centre))
    if camera_h is not None:
        missing.extend(_short_of_camera(protocol, camera_h, centre))
    u = protocol.uncertainty
    u_rel = hypot(u.u_rel, *(row.u for row in instead)) if u else None
    return Judged(protocol, tuple(missing), tuple(instead), tuple(dict.fromkeys(conditions)),
                  u_rel, staff_min, camera_min, weighted, staff_h, camera_h)  # fmt: skip


def _staff_h(protocol: Protocol, studies: float | None) -> dict[str, float]:
    """Hours a year by role; minutes that nobody split are the physicist's."""
    found: dict[str, float] = {}
    if studies is not None and protocol.burden is not None:
        for role, minutes in protocol.burden.minutes.items():
            name = "physicist" if role == "any" else role
            found[name] = found.get(name, 0.0) + studies * minutes / 60
    return found


def _short_of(role: str, hours: float, centre: Centre) -> Iterator[Missing]:
    there = centre.hours_a_year(role)
    if there is not None and hours > there:
        more = (hours - there) / centre.weeks_a_year
        said = f"{hours:.0f} h of a {role} a year, you have {there:.0f}"
        share = f"{more:.1f} h a week more of a {role}, or measure {_share(there, hours)} of cycles"
        yield Missing("hours", f"hours of {role}", said, share)


def _share(there: float, wanted: float) -> str:
    return f"{100 * there / wanted:.0f} %"


def _short_of_camera(protocol: Protocol, hours: float, centre: Centre) -> Iterator[Missing]:
    there = centre.camera_h_a_year
    if there is None or hours <= there:
        return
    said = f"{hours:.0f} camera h a year, you have {there:.0f}"
    images = [a for a in protocol.acquisition if a.kind in IMAGES]
    optional = [a for a in images if not a.required]
    less = hours * (1 - len(optional) / len(images)) if images else hours
    if optional and less <= there:
        names = " and ".join(a.id for a in optional)
        unlock = f"leave out {names} ({less:.0f} h)"
    else:
        more = (hours - there) * 60 / centre.weeks_a_year
        unlock = f"{more:.0f} camera min a week more, or measure {_share(there, hours)} of cycles"
    yield Missing("camera", "camera hours", said, unlock)
