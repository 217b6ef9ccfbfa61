"""`quimby schedule`: one patient's appointments, for staff, for the patient, for calendars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from quimby import protocols
from quimby.advise.booked import Booked, booked
from quimby.advise.calendar_file import Entry, calendar
from quimby.advise.centre import Centre, read_centre
from quimby.advise.opening import Opening
from quimby.cli.preparing import hand_out
from quimby.cli.settings import centre_or_refuse, settings
from quimby.cli.terminal import console
from quimby.core.notes import refusal
from quimby.protocols.patient_rules import facts
from quimby.report.letters import Letter, letter_paper, texts, texts_of
from quimby.report.paper import lines, pdf
from quimby.report.papers.schedule import (
    patient_entries,
    schedule_paper,
    schedule_plain,
    staff_entries,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command was asked for beside the schedule itself."""

    who: str = ""  # of the patient, on staff's papers
    name: str = ""  # in the letter
    phone: str = ""
    place: str = ""
    language: str = ""  # that of the settings
    letter_text: Path | None = None
    out: Path | None = None
    calendar: Path | None = None  # staff
    letter: Path | None = None  # PDF, or text for .txt
    patient_calendar: Path | None = None


@dataclass(frozen=True, slots=True)
class Patient:
    """What is known of the patient that may change the protocol."""

    said: tuple[str, ...] = ()
    egfr_ml_min: float | None = None
    age_y: float | None = None
    distance_km: float | None = None


def schedule_job(
    protocol: str, at: str, centre: Path | None, patient: Patient, wanted: Wanted, *, as_json: bool
) -> int:
    """Appointments in opening hours; files where asked."""
    started = _moment(at)
    place = read_centre(centre_or_refuse(centre), today=started.date())
    found = booked(protocols.called(protocol), started, _opening(place), patient=facts(
        patient.said, egfr_ml_min=patient.egfr_ml_min, age_y=patient.age_y,
        distance_km=patient.distance_km))  # fmt: skip
    paper = schedule_paper(found, centre=place.name, who=wanted.who)
    _files(found, place, wanted)
    hand_out(paper, schedule_plain(found, paper), wanted.out, as_json=as_json)
    return 0


def _moment(at: str) -> datetime:
    try:
        return datetime.fromisoformat(at)
    except ValueError:
        raise refusal("E-SCHEDULE-TIME", where="--at", at=at) from None


def _opening(place: Centre) -> Opening:
    if place.opening is None:
        raise refusal("E-SCHEDULE-OPENING", where=place.name)
    return place.opening


def _files(found: Booked, place: Centre, wanted: Wanted) -> None:
    said = (
        texts_of(wanted.letter_text)
        if wanted.letter_text
        else texts(wanted.language or settings().language)
    )
    letter = Letter(said, wanted.name, wanted.phone, wanted.place, place.name)
    if wanted.letter is not None:
        made = letter_paper(found, letter)
        if wanted.letter.suffix == ".txt":
            wanted.letter.write_text("\n".join(lines(made)) + "\n", "utf-8")
        else:
            wanted.letter.write_bytes(pdf(made))
        console(stderr=True).print(f" Letter {wanted.letter}", markup=False, highlight=False)
    if wanted.patient_calendar is not None:
        entries = patient_entries(found, letter)
        _calendar(wanted.patient_calendar, entries, said.title, found.started_at.date())
    if wanted.calendar is not None:
        entries = staff_entries(found, who=wanted.who)
        _calendar(wanted.calendar, entries, place.name, found.started_at.date())


def _calendar(path: Path, entries: list[Entry], name: str, day: date) -> None:
    made = datetime.combine(day, time(12), UTC)
    path.write_bytes(calendar(entries, name=name, made_at=made))
    console(stderr=True).print(f" Calendar {path}", markup=False, highlight=False)
