"""A patient's schedule: for staff, as data, as calendar entries, and as a letter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from quimby.advise.booked import Booked, Cost
from quimby.advise.calendar_file import Entry
from quimby.advise.schedule import Appointment
from quimby.report.letters import Letter
from quimby.report.paper import Block, Heading, Paper, Points, Words, plain, table_of
from quimby.report.rounding import fixed

KINDS = {"spect": "SPECT/CT", "planar": "planar images", "pet": "PET/CT",
         "whole_body": "whole-body reading", "blood": "blood sample", "thyroid": "thyroid uptake",
         "ultrasound": "ultrasound"}  # fmt: skip


def schedule_paper(found: Booked, *, centre: str, who: str) -> Paper:
    """Appointments with their windows, the price of what was moved, what the patient changes."""
    blocks: list[Block] = [Words(_verdict(found), strong=True)]
    if found.asked.rules:
        blocks += [Heading("Because of the patient", "proposed; people decide"),
                   Points(found.asked.told())]  # fmt: skip
    blocks += [Heading("Appointments", f"administration {_clock(found.started_at)}"),
               _appointments(found)]  # fmt: skip
    blocks += list(_price(found.cost))
    blocks += list(_days(found))
    title = f"Schedule: {found.protocol.id}"
    subtitle = " · ".join(x for x in (who, found.protocol.title) if x)
    return Paper(title, subtitle, centre, found.started_at.date(), tuple(blocks))


def _verdict(found: Booked) -> str:
    if found.asked.excluded:
        instead = " or ".join(found.asked.instead)
        tail = f" Take {instead}." if instead else ""
        return f"{found.protocol.id} does not suit this patient.{tail}"
    late = [r.id for r in found.rows if r.outside]
    if not late:
        return "Every measurement lies in its window and in opening hours."
    return f"Outside its window, because the centre is closed then: {', '.join(late)}."


def _clock(at: dt.datetime) -> str:
    return f"{at:%a} {at.day} {at:%b %Y, %H:%M}"


def _appointments(found: Booked) -> Block:
    rows = [(_clock(r.at), KINDS[r.kind], r.id, fixed(r.hours, -1),
             f"{_clock(r.earliest)} – {_clock(r.latest)}", f"{r.minutes}", _state(r))
            for r in found.rows]  # fmt: skip
    return table_of(("When", "What", "Id", "Hours", "Window", "min", ""), rows,
                    numbers=(3, 5), wide=(4,))  # fmt: skip


def _state(row: Appointment) -> str:
    if row.outside:
        return "OUTSIDE"
    return "" if row.required else "if possible"


def _price(cost: Cost) -> Iterator[Block]:
    yield Heading("What the times cost")
    if cost.at_best is None or cost.as_booked is None:
        yield Words(f"Not simulated: {cost.why or 'the protocol names no population'}")
        return
    yield Words(
        f"Expected doubt of the {cost.on} (k = 1): {_percent(cost.as_booked)} as booked, "
        f"{_percent(cost.at_best)} with every measurement at the middle of its window."
    )


def _percent(share: float) -> str:
    return f"{fixed(100 * share, -1)} %"


def _days(found: Booked) -> Iterator[Block]:
    if not found.days:
        return
    yield Heading("If the administration were on another day", "same hour")
    rows = [(d.day, ", ".join(d.outside) or "none: all can be kept") for d in found.days]
    yield table_of(("Administration", "Windows that cannot be kept"), rows)


def schedule_plain(found: Booked, paper: Paper) -> dict[str, Any]:
    """The schedule for programs."""
    return {
        **plain(paper),
        "protocol": found.protocol.id,
        "started_at": found.started_at.isoformat(),
        "excluded": found.asked.excluded,
        "instead": list(found.asked.instead),
        "patient_rules": list(found.asked.told()),
        "appointments": [_plain(r) for r in found.rows],
        "u_rel": {"on": found.cost.on, "at_best": found.cost.at_best,
                  "as_booked": found.cost.as_booked},
        "other_days": [{"day": d.day, "outside": list(d.outside)} for d in found.days],
    }  # fmt: skip


def _plain(row: Appointment) -> dict[str, Any]:
    return {
        "id": row.id, "kind": row.kind, "required": row.required, "at": row.at.isoformat(),
        "hours": row.hours, "minutes": row.minutes, "earliest": row.earliest.isoformat(),
        "latest": row.latest.isoformat(), "outside": row.outside,
    }  # fmt: skip


def staff_entries(found: Booked, *, who: str) -> list[Entry]:
    """Calendar entries for staff: whose, what, and the window that may be used."""
    return [
        Entry(r.at, r.minutes, f"{who or 'Patient'}: {KINDS[r.kind]} ({r.id})",
              f"{found.protocol.id}; window {_clock(r.earliest)} to {_clock(r.latest)}")
        for r in found.rows
    ]  # fmt: skip


def patient_entries(found: Booked, letter: Letter) -> list[Entry]:
    """Calendar entries for the patient, in the patient's language; nothing names a disease."""
    return [Entry(r.at, r.minutes, letter.what[r.kind], letter.call, letter.place)
            for r in found.rows]  # fmt: skip
