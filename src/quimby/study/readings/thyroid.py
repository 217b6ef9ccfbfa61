"""Thyroid (or remnant) uptakes to a curve and its integral, by the protocol's method."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import exp

from quimby.core.notes import Note, in_order, refusal
from quimby.core.uncertain import Uncertain
from quimby.devices.counting import BusyTime, Counting
from quimby.kinetics import retention, thyroid
from quimby.kinetics.models import LN2
from quimby.kinetics.priors import Prior, priors
from quimby.kinetics.thyroid import ThyroidCurve
from quimby.measure import uptake as measure
from quimby.measure.readings.cells import Quantity
from quimby.measure.readings.reading import Reading
from quimby.physics.decay import decay_factor
from quimby.protocols import Protocol
from quimby.study.readings.tables import Read, Tables
from quimby.study.stages import Point, Series

NECK_PHANTOM = "neck phantom"
STANDARD_U = 0.03  # relative, activity of the standard where none is given [P]
LATE = 1.5  # the line is drawn this far past the last reading, in its time
DRAWN = 80
AT_24H = (20.0, 28.0)


def thyroid_series(tables: Tables, protocol: Protocol, *, tissue: str, name: str
                   ) -> tuple[Series, tuple[Note, ...]] | None:  # fmt: skip
    """The series of uptakes; None without a table.

    `tissue` picks the population ("graves"); a remnant has its own name. Raises what
    `measure.uptake` and `kinetics.thyroid` raise, E-READ-DEVICE without standard or calibration.
    """
    found = tables.of("thyroid_counts", "thyroid_uptake")
    if not found:
        return None
    points: list[Point] = []
    notes: list[Note] = []
    for table in found:
        for row in table.rows:
            point, said = _point(row, table, tables)
            points.append(point)
            notes += said
    points.sort(key=lambda p: p.time_h)
    notes += _turnover(points)
    curve = fitted(points, protocol, tissue=tissue, half_life_h=tables.wanted.half_life_h.value)
    series = _series(curve, tuple(points), found[0].device_words, name)
    return series, in_order([*notes, *curve.notes])


def fitted(points: Sequence[Point], protocol: Protocol, *, tissue: str, half_life_h: float
           ) -> ThyroidCurve:  # fmt: skip
    """The curve by the method that the protocol names for so many readings."""
    plan = protocol.by_readings
    times, values = [p.time_h for p in points], [p.value for p in points]
    method = plan.uptake_method(len(points))
    if method is None:
        raise refusal("E-TIA-FEW", where="thyroid", samples=len(points), priors=0,
                      parameters=min(plan.uptake, default=1), model=protocol.id)  # fmt: skip
    known = {p.quantity: p for p in _population(plan.kinetics, tissue)}
    if method == "two compartments":
        return thyroid.two_compartments(times, values, physical_half_life_h=half_life_h)
    if method == "washout only":
        return thyroid.washout_only(times, values, physical_half_life_h=half_life_h)
    if method == "two readings, assumed uptake":
        return thyroid.assumed_uptake(times, values, known["uptake"],
                                      physical_half_life_h=half_life_h)  # fmt: skip
    single = (thyroid.one_reading_twice_time if method == "one reading, twice the time"
              else thyroid.one_reading)  # fmt: skip
    return single(times[-1], values[-1], known["effective"])


def _population(table: str, tissue: str) -> tuple[Prior, ...]:
    return priors(tissue, file=table, with_half_life=True)


def _point(row: Reading, table: Read, tables: Tables) -> tuple[Point, tuple[Note, ...]]:
    counted = table.given.kind == "thyroid_counts"
    value, notes = (_counted if counted else _told)(row, table, tables)
    time_h = tables.hours(row.at, table.device)
    here = retention.of_other_nuclide(
        value, time_h, measured_half_life_h=tables.substance.half_life_h.value,
        wanted_half_life_h=tables.wanted.half_life_h.value)  # fmt: skip
    assert row.at is not None
    written = {k: q.written for k, q in row.quantities.items()}
    return Point(row.where, row.at, time_h, here, written), notes


def _counted(row: Reading, table: Read, tables: Tables) -> tuple[Uncertain, tuple[Note, ...]]:
    time_h = tables.hours(row.at, table.device)
    busy = table.device.busy() if table.device else None
    found = measure.uptake(
        _counting(row, "neck", time_h), _counting(row, "thigh", time_h), time_h=time_h,
        seen=_sensitivity(row, table, tables, time_h, busy),
        administered_mbq=tables.administered_mbq,
        half_life_h=tables.substance.half_life_h.value, busy=busy,
        scale=table.given.region_ratio,
    )  # fmt: skip
    return found.effective, found.notes


def _sensitivity(row: Reading, table: Read, tables: Tables, time_h: float, busy: BusyTime | None
                 ) -> measure.Sensitivity:  # fmt: skip
    """By the standard counted with the patient, else by the probe's own calibration."""
    standard = table.given.standard
    if "standard" in row.quantities and standard is not None:
        before_h = tables.hours(standard.at)
        cause = "activity of the standard"
        u = STANDARD_U if standard.activity_u is None else standard.activity_u
        then = standard.activity * decay_factor(time_h - before_h,
                                                tables.substance.half_life_h.value)  # fmt: skip
        return measure.sensitivity(
            _counting(row, "standard", time_h), _counting(row, "room", time_h),
            standard_mbq=Uncertain(then, {cause: u * then}), busy=busy,
        )  # fmt: skip
    if table.device is None:
        why = "neither a standard with its activity nor a calibrated probe is named"
        raise refusal("E-READ-DEVICE", where=row.where, what="the neck", why=why)
    found = table.device.calibration_for(tables.substance.name,
                                         table.given.geometry or NECK_PHANTOM,
                                         on=(row.at or tables.started_at).date())  # fmt: skip
    return measure.Sensitivity(found.value, found.notes)


def _counting(row: Reading, key: str, time_h: float) -> Counting:
    q: Quantity = row.quantities[key]
    if q.kind != "counts" or not q.live_s:
        why = "a count rate without its counting time has no counting doubt"
        raise refusal("E-READ-DEVICE", where=q.where, what=key, why=why)
    return Counting(q.value, q.live_s, f"{key} {time_h:.1f} h")


def _told(row: Reading, table: Read, tables: Tables) -> tuple[Uncertain, tuple[Note, ...]]:
    """An uptake worked out elsewhere; decay correction undone where it is said."""
    time_h = tables.hours(row.at, table.device)
    said = row.value("uptake")
    measure.check_uptake(said, time_h, where=row.where)
    value = Uncertain(said, {f"position, neck {time_h:.1f} h": measure.POSITION_U * said,
                             "depth of the thyroid": measure.DEPTH_U * said})  # fmt: skip
    there = retention.as_effective(value, time_h,
                                   decay_corrected=row.answers["decay_corrected"] == "yes",
                                   half_life_h=tables.substance.half_life_h.value)  # fmt: skip
    return there, ()


def _turnover(points: Sequence[Point]) -> tuple[Note, ...]:
    def near(low: float, high: float) -> float | None:
        return next((p.value.value for p in points if low <= p.time_h <= high), None)

    return measure.turnover(at_4h=near(3.0, 5.0), at_6h=near(5.0, 7.0), at_24h=near(*AT_24H)).notes


def _series(curve: ThyroidCurve, points: tuple[Point, ...], device: str, name: str) -> Series:
    fit, half = curve.fit, curve.half_life_h
    line = _line(curve, points)
    halves = {"effective": half} if half else {}
    if curve.one_point and not half:
        assumed = curve.one_point
        halves = {"effective, population": Uncertain(
            assumed.half_life_h,
            {"half-life, population": assumed.half_life_sd_ln * assumed.half_life_h})}  # fmt: skip
    last = points[-1]
    highest = max(line, key=lambda row: row[1])[1]
    return Series(
        name=name, quantity="uptake", unit="1", device=device, points=points,
        method=curve.method, line=line, tiac=curve.tiac_h, tiac_unit="h", half_lives_h=halves,
        head_fraction=fit.head_fraction if fit else _share(line, curve, points[0].time_h),
        tail_fraction=fit.tail_fraction if fit else 1 - _share(line, curve, last.time_h),
        physical_tail=None,
        residuals_u=fit.residuals_u if fit else (), chi2=fit.chi2 if fit else None,
        degrees_of_freedom=fit.degrees_of_freedom if fit else None,
        figures=_figures(highest, points, line),
    )  # fmt: skip


def _figures(highest: float, points: Sequence[Point], line: Sequence[tuple[float, float, float]]
             ) -> dict[str, Uncertain]:  # fmt: skip
    """Largest uptake, and that at 24 h, with the doubt of the nearest reading."""

    def like(value: float, time_h: float) -> Uncertain:
        near = min(points, key=lambda p: abs(p.time_h - time_h)).value
        return near.scaled(value / near.value)

    peak_h = max(line, key=lambda row: row[1])[0]
    at_24h = min(line, key=lambda row: abs(row[0] - 24.0))
    return {"largest uptake": like(highest, peak_h), "uptake at 24 h": like(at_24h[1], 24.0)}


def _line(curve: ThyroidCurve, points: Sequence[Point]) -> tuple[tuple[float, float, float], ...]:
    """The curve to be drawn, from zero to past the last reading."""
    end = points[-1].time_h * LATE
    times = [end * i / DRAWN for i in range(DRAWN + 1)]
    u_rel = max(p.value.u_rel for p in points)
    if curve.fit is not None:
        band = curve.fit.band_times_h, curve.fit.band_u_mbq
        return tuple((t, curve.fit.activity_mbq(t), _between(t, *band)) for t in times)
    if curve.one_point is not None:
        rate, at = LN2 / curve.one_point.half_life_h, points[-1]
        spread = curve.one_point.half_life_sd_ln
        values = [at.value.value * exp(-rate * (t - at.time_h)) for t in times]
        return tuple((t, v, v * (at.value.u_rel**2 + (rate * (t - at.time_h) * spread) ** 2) ** 0.5)
                     for t, v in zip(times, values, strict=True))  # fmt: skip
    assert curve.uptake_rate_per_h is not None
    assert curve.half_life_h is not None
    k_t, k = curve.uptake_rate_per_h.value, LN2 / curve.half_life_h.value
    values = [thyroid.uptake_at(t, k_t=k_t, k_b=k, k_thyroid=k) for t in times]
    return tuple((t, v, u_rel * v) for t, v in zip(times, values, strict=True))


def _between(time_h: float, times_h: Sequence[float], values: Sequence[float]) -> float:
    """A band's height between the times it was worked out for; held at its ends."""
    later = next((i for i, t in enumerate(times_h) if t >= time_h), None)
    if later is None or later == 0:
        return values[-1] if later is None else values[0]
    share = (time_h - times_h[later - 1]) / (times_h[later] - times_h[later - 1])
    return values[later - 1] * (1 - share) + values[later] * share


def _share(line: Sequence[tuple[float, float, float]], curve: ThyroidCurve, until_h: float
           ) -> float:  # fmt: skip
    """Share of the integral before a time, by trapezoids under the drawn line."""
    inside = [(t, v) for t, v, _ in line if t <= until_h]
    area = sum((t2 - t1) * (v1 + v2) / 2 for (t1, v1), (t2, v2)
               in pairwise(inside))  # fmt: skip
    return min(max(area / curve.tiac_h.value, 0.0), 1.0)
