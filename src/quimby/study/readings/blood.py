"""Blood samples to the blood's activity per ml over time, and its integral."""

from __future__ import annotations

from quimby.core.notes import Note, in_order, refusal
from quimby.core.uncertain import Uncertain
from quimby.devices.counting import Counting
from quimby.devices.counting_device import Calibrated
from quimby.devices.typical_doubt import with_typical
from quimby.dose.thyroid import table as constants
from quimby.kinetics import retention as kinetics
from quimby.kinetics.models import LN2
from quimby.measure.blood import BloodPoint, BloodSample, blood_point
from quimby.measure.readings.cells import Quantity
from quimby.measure.readings.reading import Reading
from quimby.study.readings.lines import through
from quimby.study.readings.tables import Read, Tables
from quimby.study.stages import Point, Series

NAME = "Blood"
LOST = ("lost", "spilt")


def blood_series(tables: Tables) -> tuple[Series, tuple[Note, ...]] | None:
    """The series of blood, effective fractions per ml; None without a table.

    Raises what `measure.blood` and `kinetics.retention.area` raise, E-READ-DEVICE where counts
    have no efficiency.
    """
    found = [*tables.of("blood_samples"), *tables.of("blood_concentration")]
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(r.given.id for r in found)
        raise refusal("E-STUDY-KEY", where=names, problem=f"{names}: one table of blood only.")
    table = found[0]
    counted = table.given.kind == "blood_samples"
    rows = [r for r in table.rows if r.answers.get("state") not in LOST]
    points: list[Point] = []
    notes: list[Note] = []
    for row in rows:
        value, said = _counted(row, table, tables) if counted else _told(row, tables)
        time_h = tables.hours(row.at)
        here = kinetics.of_other_nuclide(
            value, time_h, measured_half_life_h=tables.substance.half_life_h.value,
            wanted_half_life_h=tables.wanted.half_life_h.value)  # fmt: skip
        assert row.at is not None
        points.append(Point(row.where, row.at, time_h, here,
                            {k: q.written for k, q in row.quantities.items()}))  # fmt: skip
        notes += said
    return _series(tuple(points), table, tables, notes)


def _series(points: tuple[Point, ...], table: Read, tables: Tables, notes: list[Note]
            ) -> tuple[Series, tuple[Note, ...]]:  # fmt: skip
    times, values = [p.time_h for p in points], [p.value for p in points]
    half = tables.wanted.half_life_h.value
    area = kinetics.area(times, values, half_life_h=half, where="blood")
    return Series(
        name=NAME, quantity="fraction per ml", unit="1/ml", device=table.device_words,
        points=points,
        method="counts brought back to the draw; held at the first sample before it, exponential "
               "between samples, tail by the last ones",
        line=through(times, values, half_life_h=half, where="blood"),
        tiac=area.total, tiac_unit="h/ml",
        half_lives_h={"last phase": Uncertain(LN2) / area.tail_rate_per_h},
        head_fraction=area.head.value / area.total.value, tail_fraction=area.extrapolated,
        physical_tail=area.physical_total, residuals_u=(), chi2=None, degrees_of_freedom=None,
        figures={},
    ), in_order([*notes, *area.notes])  # fmt: skip


def _counted(row: Reading, table: Read, tables: Tables) -> tuple[Uncertain, tuple[Note, ...]]:
    calibrated = _calibrated(row, table, tables)
    assert table.device is not None
    gross, room = row.quantities["counts"], row.quantities["background"]
    drawn = tables.hours(row.at)
    counted = tables.hours(row.moments["counted"], table.device) + _seconds(gross) / 7200
    shared = room.written == table.rows[0].quantities["background"].written
    sample = BloodSample(
        drawn_h=drawn, counted_h=counted, gross=_counting(gross, f"blood {drawn:.1f} h"),
        background=_counting(room, "counter background" if shared else
                             f"background {drawn:.1f} h"),
        volume_ml=_volume(row, drawn),
    )  # fmt: skip
    found: BloodPoint = blood_point(
        sample, efficiency_cps_per_mbq=calibrated.value, administered_mbq=tables.administered_mbq,
        half_life_h=tables.substance.half_life_h.value, busy=table.device.busy(),
    )  # fmt: skip
    return found.fraction_per_ml, (*calibrated.notes, *found.notes)


def _calibrated(row: Reading, table: Read, tables: Tables) -> Calibrated:
    where, given = row.where, table.given
    if table.device is None or not given.geometry:
        why = "no device is named" if table.device is None else "no geometry is named"
        raise refusal("E-READ-DEVICE", where=where, what="blood samples", why=why)
    return table.device.calibration_for(tables.substance.name, given.geometry,
                                        on=row.moments["counted"].date())  # fmt: skip


def _seconds(counts: Quantity) -> float:
    return counts.live_s or 0.0


def _counting(written: Quantity, what: str) -> Counting:
    """Counts as they stand; a rate alone would have no doubt of its own."""
    if written.kind != "counts" or not written.live_s:
        why = "a count rate without its counting time has no counting doubt"
        raise refusal("E-READ-DEVICE", where=written.where, what="blood samples", why=why)
    return Counting(written.value, written.live_s, what)


def _volume(row: Reading, drawn_h: float) -> Uncertain:
    """Volume of the sample, ml; a weighed one by the density of blood."""
    written = row.quantities["volume"]
    ml = written.value
    if written.kind == "mass":
        ml /= constants()["blood density"].value
    usual = with_typical(Uncertain(1.0), "sample-volume").u
    return Uncertain(ml, {f"volume of blood {drawn_h:.1f} h": usual * ml})


def _told(row: Reading, tables: Tables) -> tuple[Uncertain, tuple[Note, ...]]:
    """A concentration worked out elsewhere; decay correction undone where it is said."""
    time_h = tables.hours(row.at)
    per_ml = Uncertain(row.value("concentration"))
    there = kinetics.as_effective(per_ml, time_h,
                                  decay_corrected=row.answers["decay_corrected"] == "yes",
                                  half_life_h=tables.substance.half_life_h.value)  # fmt: skip
    usual = with_typical(Uncertain(1.0), "sample-volume").u
    there = with_typical(there, "counter-efficiency")
    there = there.because(f"volume of blood {time_h:.1f} h", usual * there.value)
    return there / tables.administered_mbq, ()
