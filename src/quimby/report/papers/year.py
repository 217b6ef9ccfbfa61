"""The time plan of a centre's year as a document and as data."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Any

from quimby.advise.centre import Centre
from quimby.advise.time_planner import Share, TimePlan
from quimby.report.paper import Block, Heading, Paper, Words, plain, table_of

NOT_SAID = "not said"


def year_paper(plan: TimePlan, centre: Centre, *, today: dt.date) -> Paper:
    """Needed against there, by role and camera; then each protocol's part."""
    blocks: list[Block] = [
        Words(_verdict(plan), strong=True),
        Heading("Hours a year", f"{centre.weeks_a_year:g} weeks of work"),
        table_of(("", "Needed", "There", "Share", "Lacking a week"),
                 [_row(r, centre) for r in plan.rows if r.needed_h or r.there_h],
                 numbers=(1, 2, 3, 4), wide=(0,)),
        Heading("By protocol"),
        table_of(("Protocol", "Studies", "Staff h", "Camera h", "Checks h", "Once h"),
                 [(name, f"{plan.studies[name]:g}", f"{part.patients_h:.0f}",
                   f"{part.camera_h:.0f}", f"{part.qc_h:g}", f"{part.preparation_h:g}")
                  for name, part in plan.parts.items()], numbers=(1, 2, 3, 4, 5), wide=(0,)),
        Words(f"Quality control beside the regular checks: {plan.qc_h:g} h a year, counted with "
              f"the physicist. Once, before the first patient: {plan.once_h:g} h, not counted in "
              "the year. Minutes are estimates until you measure your own."),
    ]  # fmt: skip
    return Paper("Time plan", "every therapy by its protocol", centre.name, today, tuple(blocks))


def _verdict(plan: TimePlan) -> str:
    short = [r for r in plan.rows if r.short_h > 0]
    if short:
        told = ", ".join(f"{r.short_h:.0f} h of {r.of}" for r in short)
        return f"The year does not hold it: {told} are lacking."
    unknown = [r.of for r in plan.rows if r.there_h is None and r.needed_h]
    if unknown:
        return f"It fits as far as is known; the hours of {', '.join(unknown)} are not stated."
    return "It fits into the year."


def _row(row: Share, centre: Centre) -> tuple[str, ...]:
    there = NOT_SAID if row.there_h is None else f"{row.there_h:.0f}"
    share = "" if row.share is None else f"{100 * row.share:.0f} %"
    short = f"{row.short_h / centre.weeks_a_year:.1f} h" if row.short_h else ""
    return row.of, f"{row.needed_h:.0f}", there, share, short


def year_plain(plan: TimePlan, paper: Paper) -> dict[str, Any]:
    """The time plan for programs."""
    return {
        **plain(paper),
        "fits": plan.fits,
        "rows": [{**asdict(r), "share": r.share, "short_h": r.short_h} for r in plan.rows],
        "protocols": {
            name: {**asdict(part), "staff_h": dict(part.staff_h), "studies": plan.studies[name]}
            for name, part in plan.parts.items()
        },
    }
