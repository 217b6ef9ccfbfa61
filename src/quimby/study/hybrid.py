"""Planar scans beside SPECT/CT: more points of a region's curve, on the SPECT/CT's scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, note
from quimby.core.uncertain import Uncertain
from quimby.devices.counting import Counting
from quimby.measure.hybrid import GAP_LIMIT_H, PlanarPoint, hybrid_curve
from quimby.measure.planar import geometric_mean, net_counts
from quimby.measure.readings.reading import Reading as Row
from quimby.physics.nuclides import nuclide
from quimby.study.counted import PLANAR
from quimby.study.document import Study
from quimby.study.files import Shelf
from quimby.study.inputs import Inputs
from quimby.study.planar_pairs import Pairs, measurement_of
from quimby.study.planar_points import region_points
from quimby.study.quantify import Quantified
from quimby.study.readings.tables import Read, read_one
from quimby.study.result import InputFile, Measurement, PlanarCounts, PlanarPicture, Sample


@dataclass(frozen=True, slots=True)
class Scaled:
    """A planar point as a sample: its SPECT/CT times a ratio."""

    sample: Sample
    anchor: str  # id of the SPECT/CT that it is scaled to
    ratio: float  # activity over that of the SPECT/CT


@dataclass(frozen=True, eq=False)
class Planar:
    """What planar pairs and tables of planar regions add to one administration."""

    samples: Mapping[str, tuple[Scaled, ...]]  # by region
    measurements: tuple[Measurement, ...]
    files: tuple[InputFile, ...]
    notes: tuple[Note, ...]
    shown: Mapping[str, str] = field(default_factory=dict)  # absolute path -> as notes name it
    counts: tuple[PlanarCounts, ...] = ()
    pictures: tuple[PlanarPicture, ...] = ()


Named = tuple[str, PlanarPoint]  # a point and the measurement it is from


def planar(study: Study, inputs: Inputs, quantified: Quantified, pairs: Pairs) -> Planar:
    """Samples from the planar pairs and tables of planar regions of an administration.

    The geometric mean of the net front and back rates, scaled to the region's SPECT/CT nearest
    to a planar scan; that planar scan itself is no further sample. Pairs make one source, each
    table another: regions of two sources are not drawn alike. Notes W-HYB-REGION for a row
    that belongs to no outline, W-HYB-ALONE; raises what the readers and `measure.hybrid` raise.
    """
    of_tables, of_pairs = _tables(study, inputs, quantified), _pairs(inputs, quantified, pairs)
    samples = {
        name: (*of_tables.samples.get(name, ()), *of_pairs.samples.get(name, ()))
        for name in {**of_tables.samples, **of_pairs.samples}
    }
    return Planar(samples, (*of_tables.measurements, *of_pairs.measurements),
                  (*of_tables.files, *of_pairs.files), (*of_tables.notes, *of_pairs.notes),
                  of_pairs.shown, of_pairs.counts, of_pairs.pictures)  # fmt: skip


def _pairs(inputs: Inputs, quantified: Quantified, read: Pairs) -> Planar:
    """Samples of the planar pairs; W-HYB-ALONE for a region that they tell too little of."""
    half_life_h = nuclide(inputs.administration.nuclide).half_life_h.value
    found = region_points(read.pairs, inputs, quantified, half_life_h)
    samples: dict[str, tuple[Scaled, ...]] = {}
    notes = [*found.notes]
    for name, points in found.points.items():
        try:
            samples[name], seen = _scaled(name, points, quantified)
        except QuimbyError as error:
            if error.code != "E-HYB-FEW":
                raise
            seen = (note("W-HYB-ALONE", where=name),)
        notes += seen
    return Planar(samples, tuple(measurement_of(p) for p in read.pairs), read.files,
                  (*read.notes, *notes), read.shown,
                  _used(found.counts, samples, read, quantified), found.pictures)  # fmt: skip


def _used(
    counts: Sequence[PlanarCounts], samples: Mapping[str, Sequence[Scaled]], read: Pairs,
    quantified: Quantified,
) -> tuple[PlanarCounts, ...]:  # fmt: skip
    """Each row with what became of it: a point, the scale, or nothing."""
    times = {p.id: p.time_h for p in read.pairs}
    scans = {r.visit.id: r.visit.time_h for r in quantified.readings}
    found = []
    for row in counts:
        points = {s.sample.measurement: s for s in samples.get(row.region, ())}
        if row.measurement in points:
            activity = points[row.measurement].sample.activity_mbq
            found.append(replace(row, use="point of the curve", activity_mbq=activity))
        elif row.region in samples:
            near = min(abs(times[row.measurement] - t) for t in scans.values())
            others = min(abs(times[c.measurement] - t) for c in counts
                         if c.region == row.region for t in scans.values())  # fmt: skip
            use = "sets the scale" if near <= others else "beside a SPECT/CT"
            found.append(replace(row, use=use))
        else:
            found.append(row)
    return tuple(found)


def _tables(study: Study, inputs: Inputs, quantified: Quantified) -> Planar:
    tables = [t for t in inputs.administration.readings if t.kind == PLANAR]
    shelf = Shelf(study.folder)
    samples: dict[str, tuple[Scaled, ...]] = {}
    measurements: dict[str, Measurement] = {}
    notes: list[Note] = []
    files: list[InputFile] = []
    for given in tables:
        found, seen, entries = read_one(given, study.document, shelf, inputs.started_at)
        notes += seen
        files += entries
        for region, rows in _by_region(found).items():
            if region not in {r.name for r in quantified.regions.organs}:
                notes.append(note("W-HYB-REGION", where=found.given.id, name=region))
                continue
            points, more = _points(rows, region, inputs.started_at)
            named = [(_name(given.id, p.time_h), p) for p in points]
            scaled, told = _scaled(region, named, quantified)
            samples[region] = (*samples.get(region, ()), *scaled)
            notes += [*more, *told]
            measurements |= _measurements(found, rows, inputs.started_at)
    return Planar(samples, tuple(measurements.values()), tuple(files), tuple(notes))


def _by_region(found: Read) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {}
    for row in found.rows:
        rows.setdefault(row.answers["region"], []).append(row)
    return rows


def _hours(row: Row, started: datetime) -> float:
    assert row.at is not None
    return (row.at - started).total_seconds() / 3600.0


def _points(rows: Sequence[Row], region: str, started: datetime
            ) -> tuple[list[PlanarPoint], list[Note]]:  # fmt: skip
    points: list[PlanarPoint] = []
    notes: list[Note] = []
    for row in rows:
        time_h = _hours(row, started)
        views = []
        for side in ("front", "back"):
            net, seen = _net(row, side, f"{region}, {side} {time_h:.1f} h")
            views.append(net)
            notes += seen
        points.append(PlanarPoint(time_h, geometric_mean(views[0], views[1])))
    return points, notes


def _net(row: Row, side: str, what: str) -> tuple[Uncertain, tuple[Note, ...]]:
    """Net rate of one view, cps."""
    q, room = row.quantities[side], row.quantities[f"{side}_background"]
    assert q.live_s is not None
    counted = Counting(q.value, 1.0, what).rate_cps
    beside = Counting(room.value, 1.0, f"background, {what}").rate_cps
    found = net_counts(counted, beside, pixels=row.value("size"),
                       background_pixels=row.value("background_size"), where=what)  # fmt: skip
    return found.counts.scaled(1 / q.live_s), found.notes


def _scaled(region: str, named: Sequence[Named], quantified: Quantified
            ) -> tuple[tuple[Scaled, ...], tuple[Note, ...]]:  # fmt: skip
    """Points far from every SPECT/CT, as samples; the nearest SPECT/CT sets the scale."""
    names = {p.time_h: name for name, p in named}
    points = [p for _, p in named]

    def gap(time_h: float) -> float:
        return min(abs(p.time_h - time_h) for p in points)

    shown = [r for r in quantified.readings if region in r.recovery.regions]
    anchor = min(shown, key=lambda r: gap(r.visit.time_h))
    spect = anchor.recovery.regions[region].activity_mbq
    curve = hybrid_curve(spect, anchor.visit.time_h, points, region=region)
    taken = [r.visit.time_h for r in shown]
    rows = [
        Scaled(Sample(names[time_h], time_h, activity, activity.value), anchor.visit.id,
               activity.value / spect.value)
        for time_h, activity in zip(curve.times_h, curve.activities_mbq, strict=True)
        if min(abs(time_h - t) for t in taken) > GAP_LIMIT_H
    ]  # fmt: skip
    return tuple(rows), curve.notes


def _name(table: str, time_h: float) -> str:
    return f"{table} {time_h:.1f} h"


def _measurements(found: Read, rows: Sequence[Row], started: datetime) -> dict[str, Measurement]:
    made = {}
    for row in rows:
        assert row.at is not None
        name = _name(found.given.id, _hours(row, started))
        made[name] = Measurement(
            id=name, kind="planar", acquired_at=row.at, time_h=_hours(row, started),
            device=found.device_words, duration_s=row.quantities["front"].live_s or 0.0,
            voxel_mm=(),
        )  # fmt: skip
    return made
