"""Appointments as an iCalendar file (RFC 5545), for a patient or for staff."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event

PRODUCT = "-//Quimby//dosimetry schedule//EN"
REMINDER = dt.timedelta(days=-1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: when, how long, what, and what else to know."""

    at: dt.datetime  # with its zone
    minutes: int
    title: str
    words: str = ""
    place: str = ""


def calendar(entries: Iterable[Entry], *, name: str, made_at: dt.datetime) -> bytes:
    """The file's bytes. Entries stand in UTC, so that no reader needs to know the zone.

    The same entries give the same bytes: an entry's UID is a digest of what it says.
    """
    found = Calendar()
    found.add("prodid", PRODUCT)
    found.add("version", "2.0")
    found.add("x-wr-calname", name)
    for entry in sorted(entries, key=lambda e: (e.at.astimezone(dt.UTC), e.title)):
        found.add_component(_event(entry, name, made_at))
    return bytes(found.to_ical())


def _event(entry: Entry, name: str, made_at: dt.datetime) -> Event:
    begins = entry.at.astimezone(ZoneInfo("UTC"))
    event = Event()
    said = "|".join((name, begins.isoformat(), str(entry.minutes), entry.title, entry.words))
    event.add("uid", f"{sha256(said.encode()).hexdigest()[:32]}@quimby")
    event.add("dtstamp", made_at.astimezone(ZoneInfo("UTC")))
    event.add("dtstart", begins)
    event.add("dtend", begins + dt.timedelta(minutes=entry.minutes))
    event.add("summary", entry.title)
    if entry.words:
        event.add("description", entry.words)
    if entry.place:
        event.add("location", entry.place)
    reminder = Alarm()
    reminder.add("action", "DISPLAY")
    reminder.add("description", entry.title)
    reminder.add("trigger", REMINDER)
    event.add_component(reminder)
    return event
