"""Dates and clock times as people and spreadsheets write them; aware, or refused."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import TypeVar

from quimby.core.notes import refusal
from quimby.core.time import in_zone
from quimby.measure.readings.table import EPOCH, Content

D = TypeVar("D", date, datetime)
FIRST_YEAR, LAST_YEAR = 1990, 2100
_MONTHS = (
    "jan january januar jänner janvier janv", "feb february februar fevrier février fév févr fev",
    "mar march märz mär mrz maerz mars", "apr april avril avr", "may mai", "jun june juni juin",
    "jul july juli juillet juil", "aug august août aout", "sep sept september septembre",
    "oct october okt oktober octobre", "nov november novembre",
    "dec december dez dezember décembre decembre déc",
)  # fmt: skip
MONTH = {name: n for n, names in enumerate(_MONTHS, start=1) for name in names.split()}
_ZONES = {"Z": 0, "UTC": 0, "GMT": 0, "MEZ": 60, "CET": 60, "MESZ": 120, "CEST": 120}
_CLOCK = re.compile(
    r"(?P<h>\d{1,2})(?:[:h](?P<m>\d{2})(?::(?P<s>\d{2})(?:[.,]\d+)?)?)\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
    r"(?:\s*Uhr|\s*h)?\s*(?P<zone>Z|UTC|GMT|MEZ|MESZ|CET|CEST|[+-]\d{2}:?\d{2})?$"
)
_DOTS = re.compile(r"^(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4}|\d{2})$")
_SLASHES = re.compile(r"^(\d{1,2})[/-](\d{1,2})[/-](\d{4})$")
_ISO = re.compile(r"^(\d{4})[-/](\d{1,2})[-/](\d{1,2})$")
_DAY_NAME = re.compile(r"^(\d{1,2})(?:\.|st|nd|rd|th|er)?[\s-]+([^\W\d]+)\.?,?[\s-]+(\d{4})$")
_NAME_DAY = re.compile(r"^([^\W\d]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})$")
_SERIAL = re.compile(r"^\d{5}(?:[.,]\d+)?$")


def moment(
    content: Content,
    *,
    where: str,
    zone: str | None = None,
    order: str = "",
    epoch: datetime = EPOCH,
) -> datetime:
    """The aware moment in a cell: text, a spreadsheet's date, or its serial number.

    A time without an offset is taken in `zone` (IANA). `order` ("dmy" or "mdy") is what a person
    said of dates with slashes. Raises E-TIME-FORMAT (also for a date without a clock time),
    E-READ-DATE-AMBIGUOUS, E-READ-YEAR, E-TIME-ZONE, E-TIME-DST where the clocks were changed.
    """
    found = _naive_or_aware(content, where=where, order=order, epoch=epoch)
    return _aware(_in_years(found, where), where=where, zone=zone)


def joined(
    day_content: Content,
    clock_content: Content,
    *,
    where: str,
    zone: str | None = None,
    order: str = "",
    epoch: datetime = EPOCH,
) -> datetime:
    """The aware moment of a date column and a clock column. Raises as `moment`."""
    on = day(day_content, where=where, order=order, epoch=epoch)
    clock = _clock_of(clock_content)
    if clock is None:
        raise refusal("E-TIME-FORMAT", where=where, text=_shown(clock_content))
    return _aware(datetime.combine(on, clock), where=where, zone=zone)


def day(content: Content, *, where: str, order: str = "", epoch: datetime = EPOCH) -> date:
    """The date in a cell (a clock time beside it is left out). Raises as `moment`."""
    if isinstance(content, date) and not isinstance(content, datetime):
        return _in_years(content, where)
    only = _date(content.strip(), where, order) if isinstance(content, str) else None
    if only is not None:
        return _in_years(only, where)
    return _in_years(_naive_or_aware(content, where=where, order=order, epoch=epoch).date(), where)


def _naive_or_aware(content: Content, *, where: str, order: str, epoch: datetime) -> datetime:
    if isinstance(content, datetime):
        return _second(content)
    if isinstance(content, float):
        return _serial(content, where, epoch)
    if isinstance(content, str) and _SERIAL.match(content.strip()):
        return _serial(float(content.strip().replace(",", ".")), where, epoch)
    found = _text(content.strip(), where, order) if isinstance(content, str) else None
    if found is None:
        raise refusal("E-TIME-FORMAT", where=where, text=_shown(content))
    return found


def _serial(days: float, where: str, epoch: datetime) -> datetime:
    """A spreadsheet counts days; a ten-millionth of a day is nearer than its rounding."""
    try:
        return _second(epoch + timedelta(days=days))
    except (OverflowError, ValueError):
        raise refusal("E-TIME-FORMAT", where=where, text=f"{days:g}") from None


def _second(found: datetime) -> datetime:
    return (found + timedelta(microseconds=500_000)).replace(microsecond=0)


def _text(text: str, where: str, order: str) -> datetime | None:
    match = _CLOCK.search(text)
    if match is None or match.start() == 0:
        return None
    before = text[: match.start()].rstrip(" ,T")
    if before.endswith((" um", " at", " à")):
        before = before.rsplit(" ", 1)[0].rstrip(",")
    on, clock = _date(before, where, order), _clock(match)
    if on is None or clock is None:
        return None
    return datetime.combine(on, clock)


def _date(text: str, where: str, order: str) -> date | None:
    try:
        if match := _ISO.match(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if match := _DOTS.match(text):
            return date(_year(match[3]), int(match[2]), int(match[1]))
        if match := _SLASHES.match(text):
            return _slashed(int(match[1]), int(match[2]), int(match[3]), where=where, order=order)
        if (match := _DAY_NAME.match(text)) and match[2].casefold() in MONTH:
            return date(int(match[3]), MONTH[match[2].casefold()], int(match[1]))
        if (match := _NAME_DAY.match(text)) and match[1].casefold() in MONTH:
            return date(int(match[3]), MONTH[match[1].casefold()], int(match[2]))
    except ValueError:  # 30 February
        return None
    return None


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def _slashed(first: int, second: int, year: int, *, where: str, order: str) -> date:
    """3/2/2026 is in March or in February, unless a person said which, or one is above 12."""
    if order:
        return date(year, first, second) if order == "mdy" else date(year, second, first)
    if first <= 12 and second <= 12 and first != second:
        raise refusal("E-READ-DATE-AMBIGUOUS", where=where, text=f"{first}/{second}/{year}",
                      one=f"{date(year, second, first):%d %b %Y}",
                      other=f"{date(year, first, second):%d %b %Y}")  # fmt: skip
    return date(year, second, first) if first > 12 else date(year, first, second)


def _clock_of(content: Content) -> time | None:
    if isinstance(content, datetime):
        return content.time()
    if isinstance(content, time):
        return content
    if isinstance(content, timedelta):
        return _of_day(content.total_seconds() / 86400)
    if isinstance(content, float):
        return _of_day(content)
    match = _CLOCK.match(content.strip()) if isinstance(content, str) else None
    return _clock(match) if match else None


def _of_day(fraction: float) -> time | None:
    return _second(EPOCH + timedelta(days=fraction)).time() if 0 <= fraction < 1 else None


def _clock(match: re.Match[str]) -> time | None:
    hour, half = int(match["h"]), (match["half"] or "").replace(".", "").lower()
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        return time(hour, int(match["m"]), int(match["s"] or 0), tzinfo=_offset(match["zone"]))
    except ValueError:
        return None


def _offset(text: str | None) -> timezone | None:
    if not text:
        return None
    if text in _ZONES:
        return timezone(timedelta(minutes=_ZONES[text]))
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _in_years(found: D, where: str) -> D:
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise refusal("E-READ-YEAR", where=where, text=found.isoformat(), year=found.year)
    return found


def _aware(found: datetime, *, where: str, zone: str | None) -> datetime:
    if found.tzinfo is not None:
        return found
    if zone is None:
        raise refusal("E-TIME-ZONE", where=where, text=found.isoformat(" ", "minutes"))
    return in_zone(found, zone, where=where)


def _shown(content: Content) -> str:
    return "" if content is None else str(content)


def utc(when: datetime) -> datetime:
    """The same moment in UTC, in which moments can be compared and subtracted."""
    return when.astimezone(UTC)
