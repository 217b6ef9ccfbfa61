"""From a protocol and the hour of administration to appointments a centre can keep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from quimby.advise.opening import WEEK, Opening
from quimby.core.notes import refusal
from quimby.protocols import Protocol
from quimby.protocols.check import IMAGES
from quimby.protocols.document import Acquisition

SCAN_MIN, READING_MIN = 45, 15  # an appointment, where the protocol does not say [P]
BOOKED_H = 0.01  # half width of a window that was booked, for a simulation
REACH = dt.timedelta(days=10)  # how far beyond a window the next open hour is looked for


@dataclass(frozen=True, slots=True)
class Appointment:
    """One measurement with the time that is proposed for it."""

    id: str
    kind: str
    required: bool
    earliest: dt.datetime  # the protocol's window
    latest: dt.datetime
    at: dt.datetime  # by the centre's clock
    minutes: int
    hours: float  # after the start of administration
    nominal_h: float  # the hour that the protocol would like best

    @property
    def outside(self) -> bool:
        """Whether the window could not be kept."""
        return not self.earliest <= self.at <= self.latest


def appointments(
    protocol: Protocol, started_at: dt.datetime, opening: Opening, *, whole: Protocol | None = None
) -> tuple[Appointment, ...]:
    """One appointment for each measurement, in order of time.

    In the window, at the open hour nearest to its middle; where the centre is closed all window
    long, at the open hour nearest to it (`outside`). `whole` is the protocol before
    a patient changed it: leaving out one scan makes the others no longer. E-SCHEDULE-TIME for a
    time without a zone, E-SCHEDULE-CLOSED where no hour is open within ten days of a window.
    """
    if started_at.tzinfo is None:
        raise refusal("E-SCHEDULE-TIME", where="--at", at=started_at.isoformat())
    found = [
        _appointment(whole or protocol, one, started_at, opening) for one in protocol.acquisition
    ]
    return tuple(sorted(found, key=lambda a: a.at))


def _appointment(
    protocol: Protocol, one: Acquisition, started_at: dt.datetime, opening: Opening
) -> Appointment:
    start = started_at.astimezone(dt.UTC)
    earliest, latest = (start + dt.timedelta(hours=h) for h in one.window_h)
    nominal_h = _middle(one)
    wanted = start + dt.timedelta(hours=nominal_h)
    minutes = _minutes(protocol, one)
    at = _nearest(opening, (earliest, latest), wanted, minutes, after=start)
    if at is None:
        raise refusal("E-SCHEDULE-CLOSED", where=one.id, what=one.id, days=REACH.days)
    hours = (at.astimezone(dt.UTC) - start) / dt.timedelta(hours=1)
    zone = at.tzinfo
    return Appointment(one.id, one.kind, one.required, earliest.astimezone(zone),
                       latest.astimezone(zone), at, minutes, hours, nominal_h)  # fmt: skip


def _nearest(
    opening: Opening, window: tuple[dt.datetime, dt.datetime], wanted: dt.datetime, minutes: int,
    *, after: dt.datetime,
) -> dt.datetime | None:  # fmt: skip
    """The open hour nearest to the wanted one, inside the window if any hour there is open."""
    length = dt.timedelta(minutes=minutes)
    inside = list(opening.slots(*window, length))
    if inside:
        return min(inside, key=lambda t: abs(t - wanted))
    first = max(after, window[0] - REACH)
    around = opening.slots(first, window[1] + REACH, length)
    return min(around, key=lambda t: max(window[0] - t, t - window[1]), default=None)


def _minutes(protocol: Protocol, one: Acquisition) -> int:
    """Length of an appointment: a scan's share of the protocol's camera time."""
    if one.kind not in IMAGES:
        return READING_MIN
    scans = sum(a.kind in IMAGES for a in protocol.acquisition)
    camera = protocol.burden.camera_min if protocol.burden else 0.0
    return max(READING_MIN, round(camera / scans)) if camera else SCAN_MIN


@dataclass(frozen=True, slots=True)
class OtherDay:
    """How the schedule would look if the patient were treated on another day of the week."""

    day: str
    outside: tuple[str, ...]  # measurements whose window cannot be kept


def other_days(protocol: Protocol, started_at: dt.datetime, opening: Opening) -> Iterator[OtherDay]:
    """The same hour on each of the next seven days that are open, and what cannot be kept then."""
    for days in range(7):
        moved = started_at + dt.timedelta(days=days)
        if opening.open_on(moved.date()):
            rows = appointments(protocol, moved, opening)
            yield OtherDay(f"{WEEK[moved.weekday()]} {moved.date().isoformat()}",
                           tuple(a.id for a in rows if a.outside))  # fmt: skip


def as_booked(protocol: Protocol, rows: Iterable[Appointment]) -> Protocol:
    """The protocol with each window drawn together to its appointment, for a simulation."""
    return _at(protocol, {a.id: a.hours for a in rows})


def at_middle(protocol: Protocol) -> Protocol:
    """The protocol with every measurement at the middle of its window."""
    return _at(protocol, {a.id: _middle(a) for a in protocol.acquisition})


def _at(protocol: Protocol, hours: Mapping[str, float]) -> Protocol:
    narrow = []
    for one in protocol.acquisition:
        window = (max(0.0, hours[one.id] - BOOKED_H), hours[one.id] + BOOKED_H)
        narrow.append(one.model_copy(update={"window_h": window}))
    return protocol.model_copy(update={"acquisition": tuple(narrow)})


def _middle(one: Acquisition) -> float:
    return sum(one.window_h) / 2
