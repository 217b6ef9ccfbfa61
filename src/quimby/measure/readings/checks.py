"""What a series of readings must be before anything is worked out from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import sqrt

from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, note, refusal
from quimby.core.time import hours_between
from quimby.measure.readings.reading import Reading
from quimby.measure.readings.routes import route
from quimby.measure.readings.times import utc

RISE = 0.10
"""A whole-body reading that rises by more is asked about (specification, 4.2)."""
MIN = datetime.min
Rows = Sequence[Reading]


def of_patient(readings: Rows, patient: str = "") -> tuple[Reading, ...]:
    """The readings of one patient; E-READ-PATIENTS where nobody is named and there are several.

    Rows without a patient belong to nobody: they too need a name where others have one.
    """
    known = sorted({r.patient for r in readings})
    if patient and patient in known:
        return tuple(r for r in readings if r.patient == patient)
    if len(known) > 1 or patient:
        listed = ", ".join(k or "(none given)" for k in known)
        raise refusal("E-READ-PATIENTS", where=_spans(readings), asked=patient or "(none)",
                      known=listed)  # fmt: skip
    return tuple(readings)


def in_time_order(
    readings: Rows, *, administered_at: datetime | None = None
) -> tuple[tuple[Reading, ...], tuple[Note, ...]]:
    """One patient's readings sorted by time (UTC); a note where the table was not.

    Raises E-TIME-ORDER for two readings of one thing at one time, and for one before the
    administration.
    """
    timed = sorted((r for r in readings if r.at is not None), key=lambda r: utc(r.at or MIN))
    _check_apart(timed)
    if administered_at is not None and timed and utc(timed[0].at or MIN) < utc(administered_at):
        raise refusal("E-TIME-ORDER", where=timed[0].where, why="a reading is from before the "
                      f"administration at {administered_at.isoformat(' ', 'minutes')}")  # fmt: skip
    moved = [r.where for r in readings if r.at is not None] != [r.where for r in timed]
    notes = (note("I-READ-SORTED", where=_spans(readings)),) if moved else ()
    return (*timed, *(r for r in readings if r.at is None)), notes


def _check_apart(timed: Rows) -> None:
    seen: dict[object, Reading] = {}
    for r in timed:
        keys = ("patient", *route(r.route).apart)
        one = (utc(r.at or MIN), *(r.answers.get(k, "") for k in keys))
        if one in seen:
            raise refusal("E-TIME-ORDER", where=f"{seen[one].where} and {r.where}",
                          why="two readings have the same time")  # fmt: skip
        seen[one] = r


def reference(readings: Rows) -> tuple[Reading, tuple[Note, ...]]:
    """The whole-body reading that sets the scale: the first, before any voiding.

    After a voiding it serves only with the activity of that urine (W-REFERENCE-POST-VOID).
    Raises E-NO-REFERENCE otherwise, E-READ-PATIENTS for several patients at once.
    """
    timed, _ = in_time_order(of_patient(readings))
    if not timed:
        raise refusal("E-NO-REFERENCE", where="readings", why="there is no reading")
    first = timed[0]
    if first.answers.get("voided") == "no":
        return first, ()
    if "urine" not in first.quantities:
        why = f"the first reading, at {first.at:%Y-%m-%d %H:%M}, is after voiding"
        raise refusal("E-NO-REFERENCE", where=_whose(first), why=why)
    urine = first.value("urine")
    return first, (note("W-REFERENCE-POST-VOID", where=_whose(first), value=urine),)


def check_kinds(readings: Rows) -> None:
    """That a field and its background are one kind all the way; E-READ-KINDS otherwise."""
    for f in route(readings[0].route).fields:
        group = [r.quantities[k] for r in readings for k in (f.key, f.background)
                 if k in r.quantities] if f.background else []  # fmt: skip
        odd = [q for q in group if q.kind[:5] != group[0].kind[:5]]  # counts make a count rate
        if odd:
            raise refusal("E-READ-KINDS", where=odd[0].where, one=group[0].kind, other=odd[0].kind,
                          first=group[0].where)  # fmt: skip


def check_net(readings: Rows) -> tuple[Note, ...]:
    """Gross against background, field by field.

    A whole-body or uptake reading not above its background is E-NET-NONPOSITIVE: no geometric
    mean or uptake can be made of it. A sample below it is kept, with W-READ-NET.
    """
    if not readings:
        return ()
    check_kinds(readings)
    out = []
    for r in readings:
        for key, gross, background in _nets(r):
            if gross > background:
                continue
            q = r.quantities[key]
            if r.route in ("whole_body", "thyroid_counts"):
                raise refusal("E-NET-NONPOSITIVE", where=q.where, what=f"reading of {key}",
                              gross=gross, background=background)  # fmt: skip
            out.append(note("W-READ-NET", where=q.where, value=gross, limit=background))
    return tuple(out)


def _nets(r: Reading) -> list[tuple[str, float, float]]:
    """Field, gross and background, counts as rates (cps)."""
    out = []
    fields = () if r.answers.get("state") in route(r.route).excused else route(r.route).fields
    for f in fields:
        if f.background and {f.key, f.background} <= r.quantities.keys():
            pair = [r.quantities[k] for k in (f.key, f.background)]
            gross, room = (q.rate_cps if q.kind.startswith("count") else q.value for q in pair)
            out.append((f.key, gross, room))
    return out


def rising(readings: Rows) -> tuple[Note, ...]:
    """W-READ-RISING where the net whole-body reading grows by more than 10 % (data entry?).

    The geometric mean of front and back where both were read, else the one view.
    """
    timed, _ = in_time_order(of_patient(readings))
    levels = [(r, _level(r)) for r in timed]
    return tuple(
        note("W-READ-RISING", where=late.where, value=100 * (b / a - 1), limit=100 * RISE,
             hours=hours_between(early.at, late.at), earlier=early.where)
        for (early, a), (late, b) in pairwise(levels)
        if a > 0 and b > a * (1 + RISE) and early.at is not None and late.at is not None
    )  # fmt: skip


def _level(r: Reading) -> float:
    nets = [max(gross - room, 0.0) for _, gross, room in _nets(r)]
    return sqrt(nets[0] * nets[1]) if len(nets) == 2 else sum(nets)


@dataclass(frozen=True, slots=True)
class Series:
    """One patient's readings in order of time, and what speaks for or against using them."""

    patient: str
    readings: tuple[Reading, ...]
    problems: tuple[QuimbyError, ...]
    notes: tuple[Note, ...]


def series(readings: Rows, patient: str = "") -> tuple[Series, ...]:
    """Every patient's readings (or one's), each checked in every way that its route allows.

    Problems are gathered, not raised. Raises E-READ-PATIENTS for a patient who is not there, and
    where some rows name a patient and others none.
    """
    known = sorted({r.patient for r in readings})
    if patient or (len(known) > 1 and "" in known):
        return (_checked(patient, of_patient(readings, patient)),)
    return tuple(_checked(who, tuple(r for r in readings if r.patient == who)) for who in known)


def _checked(patient: str, readings: tuple[Reading, ...]) -> Series:
    problems: list[QuimbyError] = []
    notes: list[Note] = []
    ordered = readings
    try:
        ordered, sorted_notes = in_time_order(readings)
        notes += sorted_notes
    except QuimbyError as error:
        return Series(patient, readings, (error,), ())
    whole_body = readings[0].route == "whole_body"
    for check in (check_net, _referred, rising) if whole_body else (check_net,):
        try:
            notes += check(ordered)
        except QuimbyError as error:
            problems.append(error)
    return Series(patient, ordered, tuple(problems), tuple(notes))


def _referred(readings: Rows) -> tuple[Note, ...]:
    return reference(readings)[1]


def _spans(readings: Rows) -> str:
    if not readings:
        return "readings"
    return readings[0].where if len(readings) == 1 else f"{readings[0].where} and on"


def _whose(r: Reading) -> str:
    return f"{r.where}, patient {r.patient}" if r.patient else r.where
