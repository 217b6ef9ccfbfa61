"""The set-up plan as a document and as data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from quimby.advise.calendar_file import Entry
from quimby.advise.calibration_calendar import CalibrationCalendar
from quimby.advise.centre import Centre
from quimby.advise.setup_plan import Holder, Planned, SetupPlan
from quimby.advise.setup_tasks import STEPS, source
from quimby.report.paper import Block, Heading, Paper, Points, Table, Words, plain, table_of

GUIDE = {1: "aim, literature, draft, review", 2: "devices, phantoms, training, dry run",
         3: "looking back"}  # fmt: skip
CHECK_MIN = 30


def setup_paper(
    plan: SetupPlan, calendar: CalibrationCalendar, centre: Centre, *, today: dt.date
) -> Paper:
    """Tasks by step, who may do what, phantoms, calibration calendar."""
    blocks: list[Block] = [Words(_sum(plan), strong=True)]
    blocks += list(_lacking(plan))
    if plan.look_up:
        blocks += [Heading("Look up", "the centre's document does not say"), Points(plan.look_up)]
    for step, name in STEPS.items():
        rows = [t for t in plan.tasks if t.step == step]
        if rows:
            blocks += [Heading(f"{step} · {name}", GUIDE[step]), _tasks(rows)]
    if plan.fillings:
        blocks += [Heading("Phantoms", "each filled once"), Points(plan.fillings)]
    if plan.holders:
        blocks += [Heading("Who may do it"), _holders(plan.holders)]
    blocks += list(_calendar(calendar))
    blocks.append(Words(f"Hours: {source()[0]}."))
    return Paper(f"Set-up plan: {plan.protocol}", plan.title, centre.name, today, tuple(blocks))


def _sum(plan: SetupPlan) -> str:
    hours = ", ".join(f"{role} {h:g} h" for role, h in sorted(plan.hours().items()))
    camera = f", camera {plan.camera_h:g} h" if plan.camera_h else ""
    weeks = "" if plan.weeks is None else (
        f" At the hours your staff have, {_weeks(plan.weeks)} to the dry run.")  # fmt: skip
    return f"{len(plan.tasks)} tasks: {hours}{camera}.{weeks}"


def _weeks(number: float) -> str:
    return "less than a week" if number < 1 else f"about {number:.0f} weeks"


def _lacking(plan: SetupPlan) -> Iterator[Block]:
    if plan.lacking:
        yield Heading("First", "no task of this plan mends these")
        yield Points(tuple(f"{m.sentence}: {m.unlock}" for m in plan.lacking))


def _tasks(rows: list[Planned]) -> Table:
    return table_of(
        ("Task", "Does", "Answers", "Hours", "Camera"),
        [(t.title, f"{t.owner}: {t.open}" if t.open else t.owner, t.answers, f"{t.staff_h:g}",
          f"{t.camera_h:g}" if t.camera_h else "") for t in rows],
        numbers=(3, 4), wide=(0,),
    )  # fmt: skip


def _holders(rows: tuple[Holder, ...]) -> Table:
    return table_of(
        ("Competence", "Trained and authorised", "Partner site"),
        [(h.competence, ", ".join(h.people) or "nobody yet", ", ".join(h.partners)) for h in rows],
        wide=(1,),
    )


def _calendar(found: CalibrationCalendar) -> Iterator[Block]:
    if not (found.due or found.rules):
        return
    yield Heading("Calibration calendar", "the year ahead")
    if found.due:
        yield table_of(
            ("Due", "Device", "What", ""),
            [(d.on.isoformat(), d.device, d.what, "now" if d.late else "") for d in found.due],
            wide=(2,),
        )
    every = {1: "each day", 7: "each week"}
    if found.rules:
        yield Points(tuple(f"{r.device}: {r.what} {every.get(r.every_d, f'every {r.every_d} d')}"
                           for r in found.rules))  # fmt: skip


def setup_plain(plan: SetupPlan, calendar: CalibrationCalendar, paper: Paper) -> dict[str, Any]:
    """The plan for programs."""
    return {
        **plain(paper),
        "protocol": plan.protocol,
        "hours": plan.hours(),
        "camera_h": plan.camera_h,
        "weeks": plan.weeks,
        "tasks": [{**asdict(t), "hours": dict(t.hours)} for t in plan.tasks],
        "fillings": list(plan.fillings),
        "holders": [asdict(h) for h in plan.holders],
        "lacking": [asdict(m) for m in plan.lacking],
        "look_up": list(plan.look_up),
        "calendar": [{**asdict(d), "on": d.on.isoformat()} for d in calendar.due],
        "rules": [asdict(r) for r in calendar.rules],
    }


def calibration_entries(calendar: CalibrationCalendar, *, zone: dt.tzinfo) -> list[Entry]:
    """Due days as calendar entries, at nine by the centre's clock."""
    nine = dt.time(9)
    return [Entry(dt.datetime.combine(d.on, nine, zone), CHECK_MIN, f"{d.device}: {d.what}")
            for d in calendar.due]  # fmt: skip
