"""What is typed at `quimby device`: readings, activities with their doubt, days and moments."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from pathlib import Path

from quimby.core.notes import refusal
from quimby.core.numbers import above_zero
from quimby.core.time import aware
from quimby.core.uncertain import Uncertain
from quimby.core.units import HOUSE, KINDS
from quimby.devices.check_entry import Read
from quimby.devices.counting import Counting
from quimby.measure.readings.numbers import number, number_and_unit
from quimby.measure.readings.units import unit_of

_COUNTED = re.compile(r"^(?P<counts>.+?)\s+in\s+(?P<time>.+)$")
_DOUBT = re.compile(r"^(?P<value>.+?)\s*(?:±|\+/-|\+-)\s*(?P<u>.+)$")


def reading(text: str, *, what: str, where: str) -> Read:
    """A reading: "61234 counts in 60 s", "951 cps", "37.1 MBq", "12.3 µSv/h", "661.5 keV".

    Counts become a rate in cps and keep their time. E-UNIT without a unit, E-READ-….
    """
    match = _COUNTED.match(text.strip())
    if match:
        counted = counting(text, what=what, where=where)
        return Read(counted.rate_cps.value, "cps", counted)
    digits, unit = number_and_unit(text)
    if not unit:
        raise refusal("E-UNIT", where=where, text=text, kind="reading",
                      units="cps, counts in 60 s, MBq, µSv/h")  # fmt: skip
    known = unit_of(unit)
    return Read(number(digits, where=where), known.text if known else unit)


def in_house_unit(text: str, *, where: str) -> tuple[float, str]:
    """An activity, dose rate or count rate in Quimby's unit of its kind, and that unit; E-UNIT."""
    kinds = ("activity", "dose rate", "count rate")
    digits, unit = number_and_unit(text)
    found = unit_of(unit, kinds) if unit else None
    if found is None:
        raise refusal("E-UNIT", where=where, text=text, kind=" or ".join(kinds),
                      units="MBq, µSv/h, cps")  # fmt: skip
    return number(digits, where=where) * found.factor, HOUSE[found.kind]


def counting(text: str, *, what: str, where: str) -> Counting:
    """Counts and their time: "61234 counts in 60 s"; E-DEV-COUNTS for anything else."""
    match = _COUNTED.match(text.strip())
    if match is None:
        raise refusal("E-DEV-COUNTS", where=where, text=text)
    digits, unit = number_and_unit(match["counts"])
    span, time_unit = number_and_unit(match["time"])
    counts, time = unit_of(unit or "counts", ("counts",)), unit_of(time_unit, ("duration",))
    if counts is None or time is None:
        raise refusal("E-DEV-COUNTS", where=where, text=text)
    seconds = number(span, where=where) * time.factor
    return Counting(number(digits, where=where) * counts.factor, seconds, what)


def in_kind(text: str, kind: str, *, where: str) -> float:
    """A number in Quimby's unit of that kind; E-UNIT."""
    digits, unit = number_and_unit(text)
    found = unit_of(unit, (kind,)) if unit else None
    if found is None:
        raise refusal("E-UNIT", where=where, text=text, kind=kind, units=", ".join(KINDS[kind]))
    return number(digits, where=where) * found.factor


def with_doubt(text: str, kind: str, *, cause: str, where: str) -> Uncertain:
    """ "4.20 kBq ± 2 %" or "4.20 kBq ± 0.08 kBq"; E-DEV-NO-DOUBT without ±, E-UNIT."""
    match = _DOUBT.match(text.strip())
    value = above_zero(in_kind(match["value"] if match else text, kind, where=where), kind, "",
                       where=where)  # fmt: skip
    if match is None:
        raise refusal("E-DEV-NO-DOUBT", where=where)
    u = match["u"].strip()
    size = share(u, where=where) * value if u.endswith("%") else in_kind(u, kind, where=where)
    return Uncertain(value, {cause: size})


def share(text: str, *, where: str) -> float:
    """A fraction written as per cent: "2 %" is 0.02; E-UNIT without the sign."""
    return in_kind(text, "fraction", where=where)


def causes(texts: Iterable[str]) -> dict[str, float]:
    """Causes of doubt: "pipette=1 %"; E-DEV-PAIR."""
    pairs = (pair(t, where="--cause", wanted="pipette=1 %") for t in texts)
    return {name: share(value, where="--cause") for name, value in pairs}


def pair(text: str, *, where: str, wanted: str) -> tuple[str, str]:
    """ "name=value" as its two sides; E-DEV-PAIR."""
    name, sign, value = text.partition("=")
    if not (sign and name.strip() and value.strip()):
        raise refusal("E-DEV-PAIR", where=where, text=text, wanted=wanted)
    return name.strip(), value.strip()


def moment(text: str, *, where: str, zone: str | None) -> dt.datetime:
    """An aware moment; E-TIME-…."""
    return aware(text, where=where, zone=zone)


def day(text: str | None, *, where: str) -> dt.date:
    """A day ("2025-03-03"), today where none is given; E-DEV-DAY."""
    if text is None:
        return dt.date.today()
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        raise refusal("E-DEV-DAY", where=where, text=text) from None


def day_or_moment(
    text: str | None, *, zone: str | None, where: str
) -> tuple[dt.date, dt.datetime | None]:
    """A day, with its moment where a clock time was given too."""
    if text is None or len(text.strip()) <= len("2025-03-03"):
        return day(text, where=where), None
    found = moment(text.strip(), where=where, zone=zone)
    return found.date(), found


def not_ahead(on: dt.date, what: str, *, where: str) -> None:
    """E-QC-ORDER for a record of a day that is still to come anywhere on Earth."""
    today = dt.datetime.now(dt.timezone(dt.timedelta(hours=14))).date()
    if on > today:
        raise refusal("E-QC-ORDER", where=where, what=what, on=on, today=today)


def person(name: str) -> str:
    """Who did it; E-DEV-BY for an empty name."""
    if not name.strip():
        raise refusal("E-DEV-BY", where="--by")
    return name.strip()


def fresh(out: Path) -> Path:
    """The path, where nothing stands yet; E-DEV-EXISTS."""
    if out.exists():
        raise refusal("E-DEV-EXISTS", where=str(out), name=out.name)
    return out
