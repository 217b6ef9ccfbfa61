"""Clock times from outside carry a zone; further in there are only hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from quimby.core.notes import refusal


def aware(text: str | datetime, *, where: str, zone: str | None = None) -> datetime:
    """A timezone-aware datetime from ISO 8601 text (or a datetime).

    A time without an offset takes `zone` (IANA name); with neither, E-TIME-ZONE. Raises
    E-TIME-FORMAT, and what `in_zone` raises.
    """
    try:
        moment = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    except ValueError:
        raise refusal("E-TIME-FORMAT", where=where, text=text) from None
    if moment.tzinfo is None:
        if zone is None:
            raise refusal("E-TIME-ZONE", where=where, text=moment.isoformat())
        moment = in_zone(moment, zone, where=where)
    return moment


def in_zone(local: datetime, zone: str, *, where: str) -> datetime:
    """A wall clock's time without an offset, in an IANA zone.

    Where the clocks are changed an hour stands twice, or is missing: E-TIME-DST, never a guess.
    Raises E-TIME-ZONE-NAME.
    """
    placed = local.replace(tzinfo=iana(zone, where=where))
    early, late = (placed.replace(fold=f).utcoffset() or timedelta(0) for f in (0, 1))
    if early == late:
        return placed
    why = "stands twice" if early > late else "does not exist"
    ways = [local.replace(tzinfo=timezone(o)).isoformat("T", "minutes") for o in (early, late)]
    raise refusal("E-TIME-DST", where=where, text=f"{local:%Y-%m-%d %H:%M}", zone=zone,
                  why=why, one=ways[0], other=ways[1])  # fmt: skip


def iana(zone: str, *, where: str) -> ZoneInfo:
    """The IANA time zone of that name, or E-TIME-ZONE-NAME."""
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise refusal("E-TIME-ZONE-NAME", where=where, zone=zone) from None


def hours_between(start: datetime, end: datetime) -> float:
    """Elapsed hours, across dates, zones and daylight-saving changes. Both must be aware."""
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("hours_between needs timezone-aware times")
    # Python subtracts wall clocks when both share a zone; UTC counts the hours that passed.
    return (end.astimezone(UTC) - start.astimezone(UTC)).total_seconds() / 3600.0
