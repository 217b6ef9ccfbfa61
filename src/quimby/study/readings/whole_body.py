"""Whole-body readings to a retention curve and its integral."""

from __future__ import annotations

from collections.abc import Sequence

from quimby.core.notes import Note, in_order, refusal
from quimby.core.uncertain import Uncertain
from quimby.devices.counting import BusyTime, Counting, true_rate
from quimby.devices.typical_doubt import typical
from quimby.kinetics import retention as kinetics
from quimby.kinetics.models import LN2
from quimby.measure import whole_body as measure
from quimby.measure.readings import checks
from quimby.measure.readings.cells import Quantity
from quimby.measure.readings.reading import Reading
from quimby.study.readings.lines import through
from quimby.study.readings.tables import Read, Tables
from quimby.study.stages import Point, Series

NAME = "Whole body"
LIMIT_TIME_H = 48.0
WINDOW_H = (20.0, 52.0)  # of the one reading that a blood dose may rest on


def whole_body_series(tables: Tables, *, one_reading: bool = False
                      ) -> tuple[Series, tuple[Note, ...]] | None:  # fmt: skip
    """The series, or None without a table. `one_reading` takes the last in 20 to 52 h alone.

    Raises what `measure.whole_body` and `kinetics.retention` raise.
    """
    found = tables.of("whole_body")
    if not found:
        return None
    table = _only(found)
    body = _activities(table, tables)
    half = tables.wanted.half_life_h.value
    values = [kinetics.of_other_nuclide(
                  r, t, measured_half_life_h=tables.substance.half_life_h.value,
                  wanted_half_life_h=half)
              for t, r in zip(body.times_h, body.retention, strict=True)]  # fmt: skip
    points = tuple(_point(row, t, v) for row, t, v in
                   zip(table.rows, body.times_h, values, strict=True))  # fmt: skip
    notes = body.notes
    if one_reading:
        return _from_one(table, points, notes, half)
    area = kinetics.area(body.times_h, values, half_life_h=half)
    return Series(
        name=NAME, quantity="retention", unit="1", device=table.device_words, points=points,
        method="geometric mean of the views, scaled to the first reading; exponential between "
               "readings, all retained before the first, tail by the last ones",
        line=through(body.times_h, values, half_life_h=half, where=NAME),
        tiac=area.total, tiac_unit="h",
        half_lives_h={"last phase": _half_life(area.tail_rate_per_h)},
        head_fraction=area.head.value / area.total.value, tail_fraction=area.extrapolated,
        physical_tail=area.physical_total, residuals_u=(), chi2=None, degrees_of_freedom=None,
        figures=_at_48h(body.times_h, values, half),
    ), in_order([*notes, *area.notes])  # fmt: skip


def _only(found: Sequence[Read]) -> Read:
    """One table of a kind: two would be two scales."""
    if len(found) > 1:
        names = ", ".join(r.given.id for r in found)
        raise refusal("E-STUDY-KEY", where=names, problem=f"{names}: one table of a kind only.")
    return found[0]


def _activities(table: Read, tables: Tables) -> measure.WholeBody:
    checks.reference(table.rows)
    rows = [_reading(row, tables, table) for row in table.rows]
    first = table.rows[0]
    return measure.whole_body(
        rows[0], rows[1:], administered_mbq=tables.administered_mbq,
        half_life_h=tables.substance.half_life_h.value,
        voided_before_reference=first.answers.get("voided") == "yes",
        excreted=_excreted(first, rows[0].time_h, tables),
    )  # fmt: skip


def _reading(row: Reading, tables: Tables, table: Read) -> measure.Reading:
    hours = tables.hours(row.at, table.device)
    busy = table.device.busy() if table.device else None
    views = {k: rate(row.quantities[k], f"{words} {hours:.1f} h", busy)
             for k, words in (("front", "front view"), ("back", "back view"))
             if k in row.quantities}  # fmt: skip
    room = row.quantities["background"]
    same = room.written == table.rows[0].quantities["background"].written
    background = rate(room, "background" if same else f"background {hours:.1f} h", busy)
    return measure.Reading(hours, views["front"], views.get("back"), background)


def rate(written: Quantity, what: str, busy: BusyTime | None) -> Uncertain:
    """A rate in its own unit, with the doubt of its counts, else its own, else the usual 2 %."""
    if written.kind == "counts":
        assert written.live_s is not None
        return true_rate(Counting(written.value, written.live_s, what), busy).true_cps
    usual = typical()["monitor-reading"].value * written.value
    return Uncertain(written.value, {f"reading, {what}": written.u or usual})


def _excreted(first: Reading, time_h: float, tables: Tables) -> tuple[measure.Excreted, ...]:
    """Urine before the first reading, from its own row and from tables of urine."""
    found = []
    if "urine" in first.quantities:
        found.append(measure.Excreted(_doubtful(first.value("urine"), "urine"), time_h))
    for table in tables.of("urine"):
        for row in table.rows:
            voided = tables.hours(row.at)
            when = tables.hours(row.moments["measured"]) if "measured" in row.moments else voided
            amount = _doubtful(row.value("activity"), f"urine {voided:.1f} h")
            found.append(measure.Excreted(amount, when, voided_h=voided))
    return tuple(found)


def _doubtful(mbq: float, what: str) -> Uncertain:
    doubt = typical()["activity-meter-other-geometry"].value
    return Uncertain(mbq, {f"activity of {what}": doubt * mbq})


def _point(row: Reading, time_h: float, value: Uncertain) -> Point:
    assert row.at is not None
    voided = row.answers.get("voided")
    return Point(row.where, row.at, time_h, value,
                 {k: q.written for k, q in row.quantities.items()},
                 None if voided is None else voided == "yes")  # fmt: skip


def _half_life(rate_per_h: Uncertain) -> Uncertain:
    return Uncertain(LN2) / rate_per_h


def _at_48h(times_h: Sequence[float], values: Sequence[Uncertain], half_life_h: float
            ) -> dict[str, Uncertain]:  # fmt: skip
    at = kinetics.value_at(LIMIT_TIME_H, times_h, values, half_life_h=half_life_h, where=NAME)
    return {"retention at 48 h": at}


def _from_one(
    table: Read, points: Sequence[Point], notes: Sequence[Note], half_life_h: float
) -> tuple[Series, tuple[Note, ...]]:
    """One exponential from all at the start through one late reading."""
    later = [p for p in points[1:] if p.value.value > 0]
    inside = [p for p in later if WINDOW_H[0] <= p.time_h <= WINDOW_H[1]] or later
    if not inside:
        raise refusal("E-TIA-FEW", where=NAME, samples=len(points), priors=0, parameters=2,
                      model="one reading after the reference")  # fmt: skip
    used = inside[-1]
    tiac = kinetics.one_reading_tiac_h(used.value, used.time_h)
    cause = f"one exponential for the whole body, {table.given.id}"
    shares = kinetics.sampling()
    u = shares["one exponential for the whole body"].value / used.time_h
    tiac = tiac.because(cause, u * tiac.value)
    hourly = shares["one exponential to another hour"].value
    u_48h = hourly * abs(LIMIT_TIME_H - used.time_h)
    whole = Uncertain(1.0)
    ends = ((0.0, whole), (used.time_h, used.value))
    times, values = [t for t, _ in ends], [v for _, v in ends]
    return Series(
        name=NAME, quantity="retention", unit="1", device=table.device_words,
        points=(points[0], used),
        method=f"one exponential from all at the start, by the reading at {used.time_h:.1f} h",
        line=through(times, values, half_life_h=half_life_h, where=NAME),
        tiac=tiac, tiac_unit="h",
        half_lives_h={"effective": tiac.scaled(LN2)},
        head_fraction=0.0, tail_fraction=used.value.value, physical_tail=None, residuals_u=(),
        chi2=None, degrees_of_freedom=None,
        figures={name: x.because(cause, u_48h * x.value)
                 for name, x in _at_48h(times, values, half_life_h).items()},
    ), tuple(notes)  # fmt: skip
