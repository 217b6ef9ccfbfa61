"""The jobs behind `quimby centre`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from quimby import protocols
from quimby.advise.calendar_file import calendar as calendar_bytes
from quimby.advise.calibration_calendar import calibration_calendar
from quimby.advise.centre import read_centre
from quimby.advise.setup_plan import setup_plan
from quimby.advise.time_planner import time_plan
from quimby.cli.settings import centre_or_refuse
from quimby.cli.terminal import console, print_json
from quimby.report.paper import Paper, lines, pdf
from quimby.report.papers.setup import calibration_entries, setup_paper, setup_plain
from quimby.report.papers.year import year_paper, year_plain


def prepare_job(
    centre: Path | None, protocol: str, out: Path | None, calendar: Path | None, *, today: date,
    as_json: bool,
) -> int:  # fmt: skip
    """The set-up plan of one protocol."""
    place = read_centre(centre_or_refuse(centre), today=today)
    chosen = protocols.called(protocol)
    plan = setup_plan(chosen, place, today=today)
    due = calibration_calendar(chosen, place, today=today)
    paper = setup_paper(plan, due, place, today=today)
    if calendar is not None:
        zone = ZoneInfo(place.opening.zone) if place.opening else UTC
        made = datetime.combine(today, time(12), UTC)
        name = f"{place.name}: calibrations for {chosen.id}"
        entries = calibration_entries(due, zone=zone)
        calendar.write_bytes(calendar_bytes(entries, name=name, made_at=made))
    hand_out(paper, setup_plain(plan, due, paper), out, as_json=as_json)
    return 0


def year_job(
    centre: Path | None, use: Sequence[str], out: Path | None, *, today: date, as_json: bool
) -> int:
    """The time plan of the centre's year."""
    place = read_centre(centre_or_refuse(centre), today=today)
    chosen = [protocols.called(name) for name in use]
    plan = time_plan(place, {p.therapy: p for p in chosen})
    paper = year_paper(plan, place, today=today)
    hand_out(paper, year_plain(plan, paper), out, as_json=as_json)
    return 0


def hand_out(paper: Paper, data: Mapping[str, Any], out: Path | None, *, as_json: bool) -> None:
    """One document in its forms: lines or JSON on standard output, and the PDF where asked."""
    if out is not None:
        out.write_bytes(pdf(paper))
    if as_json:
        print_json(data)
        return
    for line in lines(paper):
        console().print(line, markup=False, highlight=False, soft_wrap=True)
    if out is not None:
        console().print(f"\n Open {out}", markup=False, highlight=False)
