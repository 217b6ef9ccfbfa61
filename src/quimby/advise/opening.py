"""When a centre is open: days, hours, days on which it is closed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from quimby.protocols.practice import Part, Text

Weekday = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
WEEK: tuple[Weekday, ...] = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
STEP = dt.timedelta(minutes=15)  # appointments begin on a quarter of an hour


class Opening(Part):
    """Opening hours, by the centre's own clock."""

    zone: Text  # IANA
    days: tuple[Weekday, ...] = Field(("Mon", "Tue", "Wed", "Thu", "Fri"), min_length=1)
    start: dt.time = dt.time(8)
    end: dt.time = dt.time(16)
    closed: tuple[dt.date, ...] = ()  # holidays

    @field_validator("zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{name!r} is no time zone; write one like Europe/Berlin") from None
        return name

    @model_validator(mode="after")
    def _in_order(self) -> Opening:
        if not self.start < self.end:
            raise ValueError("opening must end after it starts, on the same day")
        return self

    def open_on(self, day: dt.date) -> bool:
        """Whether the centre works on this day."""
        return WEEK[day.weekday()] in self.days and day not in self.closed

    def holds(self, begins: dt.datetime, length: dt.timedelta) -> bool:
        """Whether an appointment lies in the opening hours whole."""
        own = begins.astimezone(ZoneInfo(self.zone))
        ends = (begins.astimezone(dt.UTC) + length).astimezone(ZoneInfo(self.zone))
        return (self.open_on(own.date()) and own.date() == ends.date()
                and self.start <= own.time() and ends.time() <= self.end)  # fmt: skip

    def slots(
        self, begins: dt.datetime, ends: dt.datetime, length: dt.timedelta
    ) -> Iterator[dt.datetime]:
        """Every quarter of an hour from `begins` to `ends` at which an appointment may begin."""
        at = _next_quarter(begins.astimezone(dt.UTC))
        while at <= ends:
            if self.holds(at, length):
                yield at.astimezone(ZoneInfo(self.zone))
            at += STEP


def _next_quarter(at: dt.datetime) -> dt.datetime:
    floor = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
    return floor if floor == at else floor + STEP
