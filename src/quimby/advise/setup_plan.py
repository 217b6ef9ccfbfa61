"""What a centre must do before the first patient of a protocol: tasks, owners, hours, phantoms.

The guide's three steps: protocol, preparation, patients. Only what this centre still lacks is in
the plan: a device with valid quality control is not accepted again, a valid calibration not made.
What the centre's document does not say is to be looked up, and plans no task.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from quimby.advise.centre import Centre, DeviceRecord
from quimby.advise.judging import Missing, judge
from quimby.advise.setup_tasks import Task, tasks
from quimby.advise.staff import StaffRecord
from quimby.protocols import Protocol
from quimby.protocols.practice import Calibration
from quimby.protocols.words import Role

CAMERAS = ("spect_ct", "spect", "gamma_camera", "pet_ct")
PHANTOMS = {"cylinder_phantom": ("cylinder phantom", "spect --cylinder"),
            "sphere_phantom": ("sphere phantom", "recovery"),
            "neck_phantom": ("neck phantom", "sphere")}  # fmt: skip
"""Facility -> how people call it, and the command for its scan."""
NOBODY = "nobody yet"


@dataclass(frozen=True, slots=True)
class Planned:
    """One task of the plan."""

    id: str
    step: int
    title: str
    hours: Mapping[str, float]  # by role
    owner: str  # who does the most of it, by name or role
    answers: str
    camera_h: float
    after: tuple[str, ...]  # ids of planned tasks
    open: str = ""  # why nobody can be planned for it yet

    @property
    def staff_h(self) -> float:
        """All roles."""
        return sum(self.hours.values())


@dataclass(frozen=True, slots=True)
class Holder:
    """A competence that the protocol asks for, and who may be given its tasks."""

    competence: str
    people: tuple[str, ...]  # with the day their training runs out, where it does
    partners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetupPlan:
    """The plan, in the order of work."""

    protocol: str
    title: str
    tasks: tuple[Planned, ...]
    fillings: tuple[str, ...]  # phantoms to fill, each once for all its cameras
    holders: tuple[Holder, ...]
    lacking: tuple[Missing, ...]  # what no task of the plan mends: devices, hours, camera
    weeks: float | None  # at the hours that staff have; None where those are not known
    look_up: tuple[str, ...]  # what the centre's document does not say

    def hours(self) -> dict[str, float]:
        """Hours by role over all tasks."""
        found: dict[str, float] = {}
        for task in self.tasks:
            for role, number in task.hours.items():
                found[role] = found.get(role, 0.0) + number
        return found

    @property
    def camera_h(self) -> float:
        """Camera hours for phantoms."""
        return sum(t.camera_h for t in self.tasks)


MENDED = ("calibration", "qc", "competence")
"""Causes that a task of the plan takes away."""


def setup_plan(protocol: Protocol, centre: Centre, *, today: dt.date) -> SetupPlan:
    """Every task that this centre still has before it, with an owner who may do it."""
    used = _devices(protocol, centre)
    found: list[Planned] = []
    for task in tasks():
        occasions = _occasions(task, protocol, centre, used, today)
        found += [_planned(task, words, protocol, centre, today) for words in occasions]
    there = {t.id.split(":")[0] for t in found}
    kept = tuple(_linked(t, found, there) for t in found)
    lacking = tuple(m for m in judge(protocol, centre, today=today).missing
                    if m.cause not in MENDED)  # fmt: skip
    fillings = tuple(t.title for t in kept if t.id.startswith("filling"))
    return SetupPlan(protocol.id, protocol.title, kept, fillings, _holders(protocol, centre, today),
                     lacking, _weeks(kept, centre),
                     tuple(_unsaid(protocol, used, today)))  # fmt: skip


def _devices(protocol: Protocol, centre: Centre) -> list[DeviceRecord]:
    """The centre's devices that the protocol, or what stands in, would use."""
    judged = judge(protocol, centre, today=dt.date.min)
    kinds = {d for clause in protocol.requires.equipment for d in clause}
    kinds |= {row.use for row in judged.instead}  # type: ignore[misc]
    return [d for d in centre.device if any(d.does(kind) for kind in kinds)]


def _occasions(
    task: Task, protocol: Protocol, centre: Centre, used: Sequence[DeviceRecord], today: dt.date
) -> Iterator[dict[str, str]]:
    """One set of words for each time that the task is done."""
    if task.each == "once":
        yield {}
    elif task.each == "device":
        for device in used:
            if device.kind in task.kinds and _wanted(task, device):
                yield {"device": device.called, "key": device.id}
    elif task.each == "calibration":
        for device, wanted in _due(protocol, used, today):
            if device.kind in task.kinds:
                yield {"device": device.called, "key": device.id,
                       "nuclide": wanted.nuclide or "its nuclide"}  # fmt: skip
    elif task.each in ("filling", "scan"):
        yield from _phantoms(task, protocol, used, today)
    else:
        for one in judge(protocol, centre, today=today).missing:
            if one.cause == "competence":
                yield {"competence": one.item, "key": one.item}


def _wanted(task: Task, device: DeviceRecord) -> bool:
    return task.only != "unchecked" or device.qc in ("never", "failed", "overdue")


def _due(
    protocol: Protocol, used: Sequence[DeviceRecord], today: dt.date
) -> Iterator[tuple[DeviceRecord, Calibration]]:
    """Calibrations that are missing or too old, of each device that would need one."""
    for device, wanted in _wanted_of(protocol, used):
        stands = device.standing(wanted, today=today)
        if stands.known and not stands.valid:
            yield device, wanted


def _wanted_of(
    protocol: Protocol, used: Sequence[DeviceRecord]
) -> Iterator[tuple[DeviceRecord, Calibration]]:
    """Calibrations that are kept and not made at each patient, for each device they are of."""
    for wanted in protocol.requires.calibration:
        if not wanted.each_patient:
            yield from ((device, wanted) for device in used if device.does(wanted.device))


def _unsaid(protocol: Protocol, used: Sequence[DeviceRecord], today: dt.date) -> Iterator[str]:
    """What the centre's document leaves open: it may be there, so no task is planned for it."""
    checked = {kind for task in tasks() if task.only == "unchecked" for kind in task.kinds}
    for device in used:
        if device.qc is None and device.kind in checked:
            yield f"{device.called}: whether its quality control is in order (not said)"
    for device, wanted in _wanted_of(protocol, used):
        if not device.standing(wanted, today=today).known:
            yield device.unsaid(wanted)


def _phantoms(
    task: Task, protocol: Protocol, used: Sequence[DeviceRecord], today: dt.date
) -> Iterator[dict[str, str]]:
    """One filling serves every camera that is due; each camera scans it."""
    due = [(d, c) for d, c in _due(protocol, used, today) if d.kind in CAMERAS]
    wanted = [f for clause in protocol.requires.facilities for f in clause if f in PHANTOMS]
    if not due:
        return
    nuclide = due[0][1].nuclide or "its nuclide"
    cameras = list(dict.fromkeys(d.called for d, _ in due))
    for facility in wanted:
        name, command = PHANTOMS[facility]
        words = {"phantom": name, "nuclide": nuclide, "command": command,
                 "cameras": " and ".join(cameras)}  # fmt: skip
        if task.each == "filling":
            yield {**words, "key": name}
        else:
            for device in dict.fromkeys(d.id for d, _ in due):
                record = next(d for d, _ in due if d.id == device)
                yield {**words, "device": record.called, "key": f"{name}, {device}"}


def _planned(
    task: Task, words: Mapping[str, str], protocol: Protocol, centre: Centre, today: dt.date
) -> Planned:
    title = task.title.format(protocol=protocol.id, **words)
    hours: dict[str, float] = {role: float(h) for role, h in task.hours.items()}
    if task.learner_h:
        hours["technologist"] = hours.get("technologist", 0.0) + task.learner_h
    role = max(task.hours, key=lambda r: task.hours[r])
    needs = task.needs if task.needs in protocol.requires.competencies else ""
    owner, why = _owner(role, centre, needs, today)
    key = words.get("key", "")
    return Planned(f"{task.id}:{key}" if key else task.id, task.step, title, hours, owner,
                   task.answers, task.camera_h, task.after, why)  # fmt: skip


def _owner(role: Role, centre: Centre, needs: str, today: dt.date) -> tuple[str, str]:
    """Who has the role, hours and training; why nobody can be planned, where nobody has."""
    free = [s for s in centre.staff if s.role == role and s.hours_a_week != 0]
    able = [s for s in free if not needs or needs in (s.trained(today) or ())]
    if able:
        return max(able, key=_hours).called, ""
    helper = next((p.name for p in centre.partner if not needs or needs in p.competencies), "")
    why = f"no {role} trained in {needs}" if free else f"no {role} with hours"
    return NOBODY, why + (f"; {helper} can help" if helper else "")


def _holders(protocol: Protocol, centre: Centre, today: dt.date) -> tuple[Holder, ...]:
    return tuple(
        Holder(wanted, tuple(_told(s, wanted) for s in centre.staff
                             if wanted in (s.trained(today) or ())),
               tuple(p.name for p in centre.partner if wanted in p.competencies))
        for wanted in protocol.requires.competencies
    )  # fmt: skip


def _told(person: StaffRecord, wanted: str) -> str:
    one = next(c for c in person.competencies or () if c.name == wanted)
    return f"{person.called} (until {one.until})" if one.until else person.called


def _hours(person: StaffRecord) -> float:
    return person.hours_a_week or 0.0


def _linked(task: Planned, found: Sequence[Planned], there: set[str]) -> Planned:
    """`after` as ids of this plan: every occasion of a task it waits for."""
    waits = tuple(t.id for t in found for wanted in task.after
                  if wanted in there and t.id.split(":")[0] == wanted)  # fmt: skip
    return Planned(task.id, task.step, task.title, task.hours, task.owner, task.answers,
                   task.camera_h, waits, task.open)  # fmt: skip


def _weeks(found: Sequence[Planned], centre: Centre) -> float | None:
    """Weeks until the dry run, at each role's own hours: the slowest role sets it."""
    longest = 0.0
    before = [t for t in found if t.step < 3]
    roles = {role for t in before for role in t.hours}
    for role in roles:
        year = centre.hours_a_year(role)
        if not year:
            return None
        needed = sum(t.hours.get(role, 0.0) for t in before)
        longest = max(longest, needed / (year / centre.weeks_a_year))
    return longest
