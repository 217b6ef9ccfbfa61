"""`quimby centre`: what to prepare for a protocol, and whether the year holds the work."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from quimby.cli.terminal import guarded

centre_app = typer.Typer(
    help="A centre: what to prepare for a protocol, and whether its year holds the work.",
    no_args_is_help=True, rich_markup_mode=None,
)  # fmt: skip
Document = Annotated[
    Path | None, typer.Option("--centre", help="the centre's document; else that of quimby.toml")
]
Json = Annotated[bool, typer.Option("--json", help="one JSON document on standard output")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="day; today if left out")]
Out = Annotated[Path | None, typer.Option("-o", "--out", help="PDF to write")]


@centre_app.command()
def prepare(
    protocol: Annotated[str, typer.Argument(help="id, e.g. LU-STP, or the file of your own")],
    centre: Document = None,
    out: Out = None,
    calendar: Annotated[
        Path | None, typer.Option(help="iCalendar file of the calibrations to write (.ics)")
    ] = None,
    on: Day = None,
    as_json: Json = False,
) -> None:
    """Plan what must be done before the first patient: tasks, owners, hours, phantoms, dates."""
    from quimby.cli.preparing import prepare_job

    day = on.date() if on else date.today()
    raise typer.Exit(guarded(lambda: prepare_job(centre, protocol, out, calendar, today=day,
                                                 as_json=as_json)))  # fmt: skip


@centre_app.command()
def year(
    use: Annotated[
        list[str], typer.Option("--protocol", help="id or file, one a therapy (repeatable)")
    ],
    centre: Document = None,
    out: Out = None,
    on: Day = None,
    as_json: Json = False,
) -> None:
    """Hold minutes by role and camera for the year's patients against what there is."""
    from quimby.cli.preparing import year_job

    day = on.date() if on else date.today()
    raise typer.Exit(guarded(lambda: year_job(centre, use, out, today=day, as_json=as_json)))


def schedule(
    protocol: Annotated[str, typer.Argument(help="id, e.g. LU-STP, or the file of your own")],
    at: Annotated[str, typer.Option(help='start of administration, "2026-03-02T10:12+01:00"')],
    centre: Document = None,
    patient: Annotated[
        list[str] | None, typer.Option(help="renal-impairment, catheter, far-away, … (repeatable)")
    ] = None,
    egfr: Annotated[float | None, typer.Option(help="ml/min")] = None,
    age: Annotated[float | None, typer.Option(help="years")] = None,
    distance: Annotated[float | None, typer.Option(help="km to the centre")] = None,
    who: Annotated[str, typer.Option(help="of the patient, on staff's papers")] = "",
    name: Annotated[str, typer.Option(help="in the letter, e.g. 'Ms Example'")] = "",
    phone: Annotated[str, typer.Option(help="in the letter")] = "",
    place: Annotated[str, typer.Option(help="where to come")] = "",
    language: Annotated[str, typer.Option(help="of the letter; else that of quimby.toml")] = "",
    letter_text: Annotated[Path | None, typer.Option(help="own words of the letter (TOML)")] = None,
    out: Out = None,
    calendar: Annotated[Path | None, typer.Option(help="iCalendar for staff (.ics)")] = None,
    letter: Annotated[Path | None, typer.Option(help="letter to write, .pdf or .txt")] = None,
    patient_calendar: Annotated[
        Path | None, typer.Option(help="iCalendar for the patient (.ics)")
    ] = None,
    as_json: Json = False,
) -> None:
    """Find a patient's appointments in opening hours, and say what a moved scan costs."""
    from quimby.cli.scheduling import Patient, Wanted, schedule_job

    known = Patient(tuple(patient or ()), egfr, age, distance)
    wanted = Wanted(who, name, phone, place, language, letter_text, out, calendar, letter,
                    patient_calendar)  # fmt: skip
    raise typer.Exit(guarded(lambda: schedule_job(protocol, at, centre, known, wanted,
                                                  as_json=as_json)))  # fmt: skip
