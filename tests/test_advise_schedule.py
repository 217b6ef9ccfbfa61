"""Appointments: in the window where the centre is open, else as near as can be, and said so."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from quimby import protocols
from quimby.advise.calendar_file import Entry, calendar
from quimby.advise.opening import Opening
from quimby.advise.schedule import appointments, other_days
from quimby.core.errors import QuimbyError

BERLIN = ZoneInfo("Europe/Berlin")
OPEN = Opening(zone="Europe/Berlin")
MONDAY = dt.datetime(2026, 3, 2, 10, 12, tzinfo=BERLIN)
HOUR = dt.timedelta(hours=1)
NAMES = [n for n in protocols.names() if not n.startswith("Y90")]


@pytest.mark.parametrize("name", NAMES)
@given(st.integers(0, 60), st.integers(8, 15))
@settings(max_examples=12, deadline=None)
def test_every_appointment_is_at_an_open_hour(name: str, day: int, hour: int) -> None:
    start = dt.datetime(2026, 3, 2, hour, tzinfo=BERLIN) + dt.timedelta(days=day)
    for one in appointments(protocols.load(name), start, OPEN):
        assert OPEN.holds(one.at, dt.timedelta(minutes=one.minutes))
        assert one.hours == pytest.approx((one.at.timestamp() - start.timestamp()) / 3600)
        assert one.hours >= 0


@given(st.integers(0, 27))
@settings(max_examples=28, deadline=None)
def test_a_window_is_left_only_where_no_hour_in_it_is_open(day: int) -> None:
    """Against every quarter of an hour of the window, looked at one by one."""
    start = MONDAY + dt.timedelta(days=day)
    for one in appointments(protocols.load("LU-FULL"), start, OPEN):
        length = dt.timedelta(minutes=one.minutes)
        quarters = range(int((one.latest - one.earliest) / HOUR * 4) + 2)
        first = one.earliest.astimezone(dt.UTC).replace(minute=0, second=0) - HOUR
        tried = (first + i * dt.timedelta(minutes=15) for i in range(len(quarters) + 8))
        open_inside = [t for t in tried if one.earliest <= t <= one.latest
                       and OPEN.holds(t, length)]  # fmt: skip
        assert one.outside == (not open_inside)


def test_one_late_scan_after_a_monday_is_on_friday() -> None:
    (one,) = appointments(protocols.load("LU-STP"), MONDAY, OPEN)
    assert one.at == dt.datetime(2026, 3, 6, 10, 15, tzinfo=BERLIN)
    assert not one.outside


def test_a_scan_that_falls_on_a_weekend_is_moved_and_says_so() -> None:
    tuesday_only = Opening(zone="Europe/Berlin", days=("Tue",))
    (one,) = appointments(protocols.load("LU-STP"), MONDAY, tuesday_only)
    assert one.outside
    assert one.at.date() == dt.date(2026, 3, 3)  # 66 - 30 h before, 9 March 42 h after the window


def test_a_holiday_is_avoided() -> None:
    friday_off = Opening(zone="Europe/Berlin", closed=(dt.date(2026, 3, 6),))
    (one,) = appointments(protocols.load("LU-STP"), MONDAY, friday_off)
    assert one.at.date() == dt.date(2026, 3, 5)


def test_a_change_of_the_clock_shifts_no_interval() -> None:
    """29 March 2026: clocks go forward in the night to Sunday."""
    before = dt.datetime(2026, 3, 27, 10, 0, tzinfo=BERLIN)
    (one,) = appointments(protocols.load("LU-STP"), before, OPEN)
    assert one.hours == pytest.approx((one.at.timestamp() - before.timestamp()) / 3600)
    assert one.at.utcoffset() == dt.timedelta(hours=2)


def test_another_day_may_keep_all_windows() -> None:
    wednesday = MONDAY + dt.timedelta(days=2)
    rows = list(other_days(protocols.load("LU-FULL"), wednesday, OPEN))
    assert [r.day[:3] for r in rows] == ["Wed", "Thu", "Fri", "Mon", "Tue"]
    assert {r.day[:3] for r in rows if not r.outside} >= {"Mon"}


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(QuimbyError) as error:
        appointments(protocols.load("LU-STP"), dt.datetime(2026, 3, 2, 10), OPEN)
    assert error.value.code == "E-SCHEDULE-TIME"


def test_a_centre_that_never_opens_is_refused() -> None:
    closed = tuple(dt.date(2026, 3, 1) + dt.timedelta(days=i) for i in range(40))
    shut = Opening(zone="Europe/Berlin", closed=closed)
    with pytest.raises(QuimbyError) as error:
        appointments(protocols.load("LU-STP"), MONDAY, shut)
    assert error.value.code == "E-SCHEDULE-CLOSED"


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="no time zone"):
        Opening(zone="Europe/Entenhausen")


def test_the_calendar_file_holds_what_was_planned() -> None:
    entries = [Entry(MONDAY, 45, "Scan, 24 h", "Bring: nothing; eat as usual, \n drink", "Room 3")]
    made = calendar(entries, name="Dosimetry", made_at=MONDAY)
    read: Any = icalendar.Calendar.from_ical(made)
    (event,) = read.walk("VEVENT")
    assert event["DTSTART"].dt == MONDAY
    assert event["DTEND"].dt - event["DTSTART"].dt == dt.timedelta(minutes=45)
    assert (str(event["SUMMARY"]), str(event["LOCATION"])) == ("Scan, 24 h", "Room 3")
    assert str(event["DESCRIPTION"]) == entries[0].words
    assert made == calendar(entries, name="Dosimetry", made_at=MONDAY)


def test_entries_have_different_uids() -> None:
    entries = [Entry(MONDAY + i * HOUR, 45, "Scan") for i in range(3)]
    read: Any = icalendar.Calendar.from_ical(calendar(entries, name="a", made_at=MONDAY))
    assert len({str(e["UID"]) for e in read.walk("VEVENT")}) == 3
