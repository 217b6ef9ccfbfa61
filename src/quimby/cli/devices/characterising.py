"""`quimby device dead-time`, `linearity`, `chi-square`, `position`: what a device is like."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from quimby.cli.devices import tables, telling, words
from quimby.cli.devices.drawing import save
from quimby.cli.devices.tables import Row, Rows
from quimby.cli.devices.telling import line, per_cent, signed, state
from quimby.cli.terminal import console
from quimby.core.notes import Note, refusal
from quimby.core.time import hours_between
from quimby.core.uncertain import Uncertain
from quimby.devices import chi_square, dead_time, linearity, position, two_source
from quimby.devices.counting import Counting, true_rate
from quimby.devices.counting_device import Device, read_device
from quimby.devices.dead_time_models import Compared, compare
from quimby.devices.device_file import changed
from quimby.devices.device_records import BusyRecord
from quimby.devices.qc_calendar import Done
from quimby.physics.decay import decay_factor
from quimby.physics.nuclides import canonical, nuclide
from quimby.report.rounding import plus_minus, significant


@dataclass(frozen=True, slots=True)
class Keep:
    """Where a result is to be recorded (None: nowhere), by whom, of what day."""

    path: Path | None
    by: str | None
    on: str | None

    def person(self) -> str:
        """Who did it; E-DEV-BY."""
        return words.person(self.by or "")

    def day(self) -> dt.date:
        """The day of the test, not ahead."""
        found = words.day(self.on, where="--on")
        words.not_ahead(found, "this test", where="--on")
        return found

    def device(self) -> Device | None:
        """The device that the result is of, where its document is named."""
        return None if self.path is None else read_device(self.path)

    def done(self, test: str, *, notes: Sequence[Note], said: str, reading: float,
             unit: str) -> None:  # fmt: skip
        """Add the test to the document; failed where a note blocks."""
        if self.path is None:
            return
        codes = {n.severity for n in notes}
        result = "fail" if "blocking" in codes else "warn" if "warning" in codes else "pass"
        record = Done(test=test, on=self.day(), result=result, by=self.person(), note=said,
                      why="" if result == "pass" else said, reading=reading, unit=unit)  # fmt: skip
        changed(self.path, lambda d: _added(d, record))
        line(console(stderr=True), f"Wrote   {self.path}: {test} {telling.SHAPES[result][2]}")


def _added(device: Device, record: Done) -> Device:
    device.test_called(record.test)
    return device.model_copy(update={"done": (*device.done, record)})


def two_source_job(texts: Sequence[str], *, model: str | None, keep: Keep, as_json: bool) -> int:
    """Dead time from two sources; returns the exit code."""
    names = ("first", "second", "together", "background")
    rates = [words.counting(t, what=n, where=f"--{n}").rate_cps
             for t, n in zip(texts, names, strict=True)]  # fmt: skip
    found = {m: two_source.two_source(*rates, model=m) for m in dead_time.MODELS}
    notes = tuple(dict.fromkeys(n for m in found.values() for n in m.notes))
    if as_json:
        telling.document(schema="quimby.dead-time", method="two sources", chosen=model,
                         models={m: {"tau_us": f.busy.tau_s.scaled(1e6), "loss": f.loss}
                                 for m, f in found.items()},
                         notes=telling.notes_json(notes))  # fmt: skip
    else:
        to = console()
        for m, f in found.items():
            mark = "→" if m == model else " "
            line(to, f" {mark} {m:<16} τ = {plus_minus(f.busy.tau_s.scaled(1e6), 'µs')}, "
                     f"{per_cent(f.loss)} lost with both sources")  # fmt: skip
        line(to, "        Two sources do not tell the models apart; a decaying source does.")
        telling.told(to, notes)
    if keep.path is not None:
        if model is None:
            raise refusal("E-DEV-OPTION", where="quimby device dead-time", option="--model")
        _keep_tau(keep, found[model].busy.tau_s, model, "two sources")
    return 0


def decay_job(
    table: Path, *, name: str, model: str | None, out: Path | None, zone: str | None,
    columns: Path | None, keep: Keep, as_json: bool, device: str,
) -> int:  # fmt: skip
    """Dead time from one decaying source; returns the exit code."""
    found = tables.rows(table, zone=zone, columns=columns)
    rows = sorted(found.of("sample", "standard"), key=lambda r: r.time())
    if not rows:
        raise refusal("E-DEV-TABLE", where=str(table), lacks="a row of a reading")
    start = rows[0].middle()
    floor = tables.background(found)
    half_life = nuclide(name).half_life_h.value
    compared = compare(
        [hours_between(start, r.middle()) for r in rows], [r.counted() for r in rows],
        half_life_h=half_life, model=model, where=str(table),
        background_cps=floor.rate_cps.value if floor else 0.0,
    )  # fmt: skip
    kept = keep.path and _named(keep)
    if as_json:
        _decay_json(compared)
    else:
        _tell_decay(compared, floor)
    if out is not None:
        from quimby.report.figures.devices_rates import dead_time_plot

        save(dead_time_plot(compared, device=kept or device, nuclide=canonical(name)), out,
             quiet=as_json)  # fmt: skip
    if keep.path is not None:
        _keep_tau(keep, compared.fit.busy.tau_s, compared.chosen, "decaying source")
    return 0


def _named(keep: Keep) -> str:
    from quimby.devices.counting_device import read_document

    assert keep.path is not None
    return str(read_document(keep.path).get("id", "counter"))


def _tell_decay(found: Compared, floor: Counting | None) -> None:
    to = console()
    line(to, f"{len(found.readings)} readings, the source fell by a factor of "
             f"{max(found.decayed) / min(found.decayed):.3g}")  # fmt: skip
    for m, f in found.fits.items():
        mark = "→" if m == found.chosen else " "
        line(to, f" {mark} {m:<16} τ = {plus_minus(f.busy.tau_s.scaled(1e6), 'µs')}, χ² = "
                 f"{f.chi2:.1f} for {f.dof} degrees of freedom (p = {f.p_value:.2g})")  # fmt: skip
    for m in dead_time.MODELS:
        if m not in found.fits:
            line(to, f"   {m:<16} does not fit")
    if floor is None:
        line(to, "        No background in the table: taken as zero.")
    telling.told(to, found.notes)


def _decay_json(found: Compared) -> None:
    telling.document(
        schema="quimby.dead-time", method="decaying source", chosen=found.chosen,
        delta_chi2=found.delta_chi2,
        models={m: {"tau_us": f.busy.tau_s.scaled(1e6), "chi2": f.chi2, "dof": f.dof,
                    "p_value": f.p_value, "start_cps": f.start_cps,
                    "residuals_u": found.residuals(m)} for m, f in found.fits.items()},
        observed_cps=[r.rate_cps.value for r in found.readings],
        true_cps=found.true_cps(found.chosen), notes=telling.notes_json(found.notes),
    )  # fmt: skip


def _keep_tau(keep: Keep, tau_s: Uncertain, model: str, method: str) -> None:
    """The dead time into the document; the one before stays in former_dead_time."""
    assert keep.path is not None
    tau, u = (float(f"{x * 1e6:.4g}") for x in (tau_s.value, tau_s.u))
    day, who = keep.day(), keep.person()
    record = BusyRecord.model_validate({"tau_us": tau, "u_us": u, "model": model,
                                        "method": method, "date": day, "by": who})  # fmt: skip

    def put(device: Device) -> Device:
        old = device.dead_time
        former = device.former_dead_time + (() if old == "none" else (old,))
        new = device.model_copy(update={"dead_time": record, "former_dead_time": former})
        if all(t.id != "dead-time" for t in device.tests()):
            return new
        done = Done(test="dead-time", on=day, result="pass", by=who, reading=tau, unit="µs",
                    note=f"{model}, {method}")  # fmt: skip
        return new.model_copy(update={"done": (*device.done, done)})

    changed(keep.path, put, lacking={"dead_time": "none"})
    line(console(stderr=True), f"Wrote   {keep.path}: dead time {tau:g} µs, {model}")


def linearity_job(
    table: Path, *, name: str | None, out: Path | None, zone: str | None, columns: Path | None,
    tolerance: str, keep: Keep, as_json: bool, device: str,
) -> int:  # fmt: skip
    """Linearity by decay or against known activities; returns the exit code."""
    limit = words.share(tolerance, where="--tolerance")
    owner = keep.device()
    found = tables.rows(table, zone=zone, columns=columns)
    rows = found.of("sample", "standard")
    net = _net_rates(found, rows, owner)
    expected, what = _expected(rows, name)
    result = linearity.against(expected, net, tolerance=limit, where=str(table))
    scale = net[result.reference_index] / expected[result.reference_index]
    shown = [e * scale for e in expected]
    if as_json:
        telling.document(schema="quimby.linearity", expected=shown, readings=net,
                         deviation=result.deviation, worst=result.worst, status=result.status,
                         unit=rows[0].unit, notes=telling.notes_json(result.notes))  # fmt: skip
    else:
        _tell_linearity(rows, net, shown, result, limit)
    if out is not None:
        from quimby.report.figures.devices_rates import LinearityData, linearity_plot

        label = owner.id if owner else device
        save(linearity_plot(LinearityData(label, shown, result, limit, rows[0].unit, what)), out,
             quiet=as_json)  # fmt: skip
    keep.done("linearity", notes=result.notes, reading=result.worst, unit="1",
              said=f"largest deviation {signed(result.worst)}")  # fmt: skip
    return 0


def _net_rates(found: Rows, rows: Sequence[Row], owner: Device | None) -> list[float]:
    """Readings less the mean background, counts freed from the device's dead time first."""
    units = {r.unit for r in found.rows}
    if len(units) != 1:
        raise refusal("E-DEV-TABLE", where=found.origin, lacks="one unit for all its readings")
    busy = owner.busy() if owner else None

    def freed(row: Row) -> float:
        return true_rate(row.counted(), busy).true_cps.value if busy and row.unit == "cps" else (
            row.value)  # fmt: skip

    floors = [freed(r) for r in found.of("background")]
    floor = fmean(floors) if floors else 0.0
    return [freed(r) - floor for r in rows]


def _expected(rows: Sequence[Row], name: str | None) -> tuple[list[float], str]:
    """Known activities of the table, or the decay of one source."""
    known = [r.known_mbq for r in rows if r.known_mbq is not None]
    if len(known) == len(rows) and known:
        return known, "reading expected from known activity"
    if name is None:
        raise refusal("E-DEV-OPTION", where="quimby device linearity", option="--nuclide")
    start = min(r.time() for r in rows)
    half_life = nuclide(name).half_life_h.value
    times = [hours_between(start, r.middle()) for r in rows]
    return [decay_factor(t, half_life) for t in times], (
        f"reading expected from the decay of {canonical(name)}")  # fmt: skip


def _tell_linearity(
    rows: Sequence[Row], net: Sequence[float], expected: Sequence[float],
    result: linearity.Linearity, limit: float,
) -> None:  # fmt: skip
    to, unit = console(), rows[0].unit
    line(to, f"  expected {unit:<6}  net reading  deviation")
    for i, (e, r, d) in enumerate(zip(expected, net, result.deviation, strict=True)):
        mark = "  reference" if i == result.reference_index else ""
        out = "  outside" if abs(d) > limit else ""
        line(to, f"  {significant(e, 4):>15}  {significant(r, 4):>11}  {signed(d):>9}{mark}{out}")
    word = state("pass" if result.status == "pass" else "fail", to)
    line(to, f"{word}: largest deviation {signed(result.worst)} (limit {per_cent(limit)})")
    telling.told(to, result.notes)


def chi_square_job(
    given: Sequence[str], *, zone: str | None, columns: Path | None, keep: Keep, as_json: bool
) -> int:
    """Chi-square of repeated counts; returns the exit code."""
    counts = _counts(given, zone, columns)
    found = chi_square.chi_square(counts)
    if as_json:
        telling.document(schema="quimby.chi-square", counts=counts, mean=found.mean,
                         chi2=found.chi2, dof=found.dof, p_value=found.p_value,
                         status=found.status, notes=telling.notes_json(found.notes))  # fmt: skip
    else:
        to = console()
        word = state("pass" if found.status == "pass" else "fail", to)
        line(to, f"{word}: {len(counts)} counts, mean {significant(found.mean, 5)}; χ² = "
                 f"{found.chi2:.2f} for {found.dof} degrees of freedom, p = {found.p_value:.3f} "
                 "(passes from 0.025 to 0.975)")  # fmt: skip
        telling.told(to, found.notes)
    said = f"chi-square {found.chi2:.2f} for {found.dof}, p = {found.p_value:.3f}"
    keep.done("chi-square", notes=found.notes, reading=found.p_value, unit="1", said=said)
    return 0


def _counts(given: Sequence[str], zone: str | None, columns: Path | None) -> list[float]:
    """Counts as typed, or the counts of a table, all of one counting time."""
    from quimby.measure.readings.numbers import number

    if len(given) > 1 or not Path(given[0]).exists():
        return [number(t, where="COUNTS") for t in given]
    found = tables.rows(Path(given[0]), zone=zone, columns=columns)
    counted = [r.counted() for r in found.of("sample", "standard", "check")]
    times = {c.time_s for c in counted}
    if len(times) > 1:
        raise refusal("E-DEV-TABLE", where=found.origin, lacks="one counting time for all rows")
    return [c.counts for c in counted]


def position_job(
    table: Path, *, zone: str | None, columns: Path | None, keep: Keep, as_json: bool
) -> int:
    """Repeatability of set-ups, and the law of distance where distances are given."""
    found = tables.rows(table, zone=zone, columns=columns)
    rows = found.of("sample", "standard")
    net = _net_rates(found, rows, keep.device())
    if all(r.distance_mm for r in rows) and len({r.distance_mm for r in rows}) > 2:
        return _distance(rows, net, keep, as_json=as_json)
    counted = [r.counting for r in rows if r.counting]
    share = fmean(c.rate_cps.u_rel for c in counted) if len(counted) == len(rows) else 0.0
    result = position.repeatability(net, counting_u_rel=share, where=str(table))
    if as_json:
        telling.document(schema="quimby.position", setups=result.setups, u_rel=result.u_rel,
                         counting_u_rel=share, notes=telling.notes_json(result.notes))  # fmt: skip
    else:
        to = console()
        word = state("warn" if result.notes else "pass", to)
        line(to, f"{word}: {result.setups} set-ups scatter by {per_cent(result.u_rel)} "
                 f"(counting alone {per_cent(share)} taken out; limit 5 %)")  # fmt: skip
        telling.told(to, result.notes)
    keep.done("position", notes=result.notes, reading=result.u_rel, unit="1",
              said=f"{result.setups} set-ups scatter by {per_cent(result.u_rel)}")  # fmt: skip
    return 0


def _distance(rows: Sequence[Row], net: Sequence[float], keep: Keep, *, as_json: bool) -> int:
    distances = [r.distance_mm or 0.0 for r in rows]
    off, notes = position.inverse_square(distances, net)
    worst = max(off, key=abs)
    if as_json:
        telling.document(schema="quimby.distance", distance_mm=distances, departure=off,
                         notes=telling.notes_json(notes))  # fmt: skip
    else:
        to = console()
        for d, o in zip(distances, off, strict=True):
            line(to, f"  {d / 10.0:6.1f} cm   {signed(o)} from the inverse square")
        telling.told(to, notes)
    if keep.path is not None:
        keep.done("distance", notes=notes, reading=worst, unit="1",
                  said=f"largest departure from the inverse square {signed(worst)}")  # fmt: skip
    return 0
