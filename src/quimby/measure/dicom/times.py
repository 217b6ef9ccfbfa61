"""Dates and times of DICOM files, and the rules that keep hours since administration right."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

from pydicom.dataset import Dataset

from quimby.core.notes import Note, note, refusal
from quimby.core.time import hours_between
from quimby.measure.dicom.headers import text

DECAY_REFERENCE_LIMIT = 0.001  # [P] of the activity; below it the two clocks may differ unnoticed
FIRST_YEAR = 1900  # de-identifiers write the year 1
LATEST_H = 30 * 24.0  # spec 1.11: a scan later than 30 d after administration is refused
_DATE_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2})?(\d{2})?(\d{2})?(\.\d+)?([+-]\d{4})?$")


def zone_of(data: Dataset) -> timezone | None:
    """The file's offset from UTC (0008,0201), None when it says nothing readable."""
    return _offset(text(data, "TimezoneOffsetFromUTC"))


def _offset(written: str) -> timezone | None:
    found = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", written.strip())
    if not found:
        return None
    minutes = int(found[2]) * 60 + int(found[3])
    return timezone(timedelta(minutes=minutes if found[1] == "+" else -minutes))


def moment(date: str, time: str, zone: timezone | None = None) -> datetime | None:
    """A moment from DA and TM text (old dots and colons allowed); None when either is missing."""
    day, clock = date.replace(".", "").strip(), time.replace(":", "").strip()
    if not day or not clock:
        return None
    return moment_of(day + clock, zone)


def moment_of(written: str, zone: timezone | None = None) -> datetime | None:
    """A moment from DT text; its own offset goes before `zone`. None when it is not one."""
    found = _DATE_TIME.match(written.strip())
    if not found or found[4] is None:
        return None
    parts = [int(part or 0) for part in found.groups()[:6]]
    microseconds = round(float(found[7] or 0) * 1e6)
    try:
        naive = datetime(*parts)  # type: ignore[arg-type]
    except ValueError:
        return None
    if naive.year < FIRST_YEAR:
        return None
    return (naive + timedelta(microseconds=microseconds)).replace(
        tzinfo=_offset(found[8]) if found[8] else zone
    )


def acquired_at(data: Dataset) -> datetime | None:
    """Start of acquisition by the file: aware when it carries an offset, naive when not.

    SeriesTime is no substitute: some cameras stamp it when the study is closed.
    """
    zone = zone_of(data)
    whole = moment_of(text(data, "AcquisitionDateTime"), zone)
    parted = moment(text(data, "AcquisitionDate"), text(data, "AcquisitionTime"), zone)
    return whole or parted


def administration_start(
    start_datetime: str, start_time: str, *, zone: timezone | None = None, where: str
) -> datetime | None:
    """Start of administration from (0018,1078); None when the file says nothing.

    E-DCM-ADMIN-DATE when there is only a time of day (0018,1072): after a therapy scans are
    made days later, so the date cannot be guessed.
    """
    found = moment_of(start_datetime, zone)
    if found is None and start_time.strip():
        raise refusal("E-DCM-ADMIN-DATE", where=where, time=start_time)
    return found


def hours_post_injection(administered: datetime, acquired: datetime, *, where: str) -> float:
    """Hours from administration to acquisition; both with a zone, or both without.

    E-DCM-TIME when the scan lies before the administration or more than 30 d after it.
    """
    if (administered.tzinfo is None) != (acquired.tzinfo is None):
        raise refusal("E-TIME-ZONE", where=where, text=administered.isoformat())
    hours = hours_apart(administered, acquired)
    if not 0.0 <= hours <= LATEST_H:
        raise refusal(
            "E-DCM-TIME",
            where=where,
            acquired=f"{acquired:%Y-%m-%d %H:%M}",
            administered=f"{administered:%Y-%m-%d %H:%M}",
            when=f"{abs(hours):.1f} h {'before' if hours < 0 else 'after'}",
        )
    return hours


def hours_apart(start: datetime, end: datetime) -> float:
    """Hours from one clock time of a file to another; zones count where both have one."""
    if start.tzinfo is None or end.tzinfo is None:
        return (end.replace(tzinfo=None) - start.replace(tzinfo=None)).total_seconds() / 3600.0
    return hours_between(start, end)


def frame_seconds(milliseconds: float, *, where: str) -> float:
    """Time of one frame in s from (0018,1242), which is in ms.

    E-DCM-FRAMEDUR below 1000: probably written in seconds, and a guess would be wrong 1000-fold.
    """
    if milliseconds < 1000:
        raise refusal("E-DCM-FRAMEDUR", where=where,
                      found=f"the frame time is written as {milliseconds:g} ms; it may be seconds, "
                      "and a guess would be wrong 1000-fold")  # fmt: skip
    return milliseconds / 1000.0


def activity_ratio(reference: datetime, start: datetime, *, half_life_h: float) -> float:
    """Activity at `start` over that at `reference`; above 1 where the reference came later."""
    return float(2.0 ** (-hours_apart(reference, start) / half_life_h))


def decay_reference_note(
    series: datetime | None, acquisition: datetime | None, *, half_life_h: float, where: str
) -> tuple[float, tuple[Note, ...]]:
    """How much turns on whether START means SeriesTime or AcquisitionTime.

    Returns the ratio of activities, 2**(gap / half-life), with W-DCM-DECAY-REF when it leaves 1
    by more than 0.1 %. Some makers correct to SeriesTime, others to AcquisitionTime
    (dcm2niix issue 983).
    """
    if series is None or acquisition is None:
        return 1.0, ()
    gap_h = hours_apart(series, acquisition)
    factor = float(2.0 ** (gap_h / half_life_h))
    if abs(factor - 1.0) <= DECAY_REFERENCE_LIMIT:
        return factor, ()
    limit = 1.0 + DECAY_REFERENCE_LIMIT
    words = {"gap_min": f"{gap_h * 60:.0f}", "percent": f"{100 * (factor - 1):.2f}"}
    return factor, (note("W-DCM-DECAY-REF", where=where, value=factor, limit=limit, **words),)


def rough(moment: datetime) -> float:
    """A number to sort clock times by, zone or not (seconds of the clock as read)."""
    return moment.replace(tzinfo=UTC).timestamp()


def earliest(moments: Iterable[datetime | None]) -> datetime | None:
    """The first of the known clock times, None when there are none."""
    return min((m for m in moments if m is not None), key=rough, default=None)
