"""`quimby device show` and `calendar`: may I measure with this today, and what is next?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from quimby.cli.devices import telling
from quimby.cli.devices.telling import line, per_cent, state
from quimby.cli.terminal import console
from quimby.core.notes import Note, in_order, refusal
from quimby.core.uncertain import Uncertain
from quimby.devices import matching, qc_calendar
from quimby.devices.clock import AGE_LIMIT_D, OFFSET_LIMIT_S
from quimby.devices.counting_device import Device, device, read_device, read_document
from quimby.devices.detection import K95
from quimby.devices.device_limits import DetectionLimits, detection_limits
from quimby.devices.due_list import Task, tasks
from quimby.devices.efficiency import replace_by
from quimby.physics.nuclides import nuclide
from quimby.report.rounding import plus_minus, significant


def show_job(path: Path, *, on: dt.date, time_s: float, as_json: bool, strict: bool) -> int:
    """Print one device's state on a day; returns the exit code."""
    found = read_device(path)
    limits = detection_limits(found, time_s=time_s, on=on)
    notes = blocking(found, on)
    if as_json:
        telling.document(**_document(found, limits, notes, on))
        return telling.strict(notes, wanted=strict)
    to = console()
    mounting = f", {found.mounting}" if found.mounting else ""
    line(to, f"{found.id}   {found.kind}{mounting}, {found.manufacturer} {found.model}, "
             f"serial {found.serial}, on {on}")  # fmt: skip
    _may(to, found, on)
    line(to)
    _calibrations(to, found, on)
    _properties(to, found, on)
    _limits(to, limits)
    line(to)
    _tests(to, found, on)
    return telling.strict(notes, wanted=strict)


def blocking(found: Device, on: dt.date) -> tuple[Note, ...]:
    """All that its checks say on a day, whatever is measured."""
    return in_order(n for m in sorted(found.measures()) for n in found.notes_for(m, on=on))


def _may(to: Console, found: Device, on: dt.date) -> None:
    for measurement in sorted(found.measures()):
        notes = found.notes_for(measurement, on=on)
        stop = [n for n in notes if n.severity == "blocking"]
        shape = "failed" if stop else "due" if notes else "ok"
        mark = state(shape, to).split(" ")[0]
        if found.is_new(on=on):
            word = "blocks signing: nothing was ever checked"
        elif stop:
            word = f"blocks signing: {len(stop)} of its checks failed, overdue or never done"
        else:
            word = "may be measured" + (f", {len(notes)} due" if notes else "")
        line(to, f" {mark} {measurement:<22} {word}")


def _calibrations(to: Console, found: Device, on: dt.date) -> None:
    if not found.calibration:
        line(to, "Calibration    none" + (
            " (a monitor that is used for retention needs none)"
            if found.kind == "dose-rate monitor" else ""))  # fmt: skip
    for c in found.calibration:
        notes = matching.date_notes(on, made=c.date, valid_until=c.valid_until, where=found.id)
        shape = "overdue" if any(n.code == "S-CAL-EXPIRED" for n in notes) else (
            "due" if notes else "ok")  # fmt: skip
        mark = state(shape, to).split(" ")[0]
        value = plus_minus(Uncertain(c.value, {"all": c.u_rel * c.value}))
        unit = "true/shown" if c.unit == "1" else c.unit
        line(to, f"Calibration  {mark} {c.nuclide:<7} {c.geometry:<24} {value} {unit} "
                 f"({per_cent(c.u_rel)})")  # fmt: skip
        word = _validity(notes, c.date)
        line(to, f"               {c.date} to {c.valid_until}, {word}; {c.standard}; {c.by}")


def _validity(notes: Sequence[Note], made: dt.date) -> str:
    if not notes:
        return "valid"
    n = notes[0]
    if n.code == "S-CAL-FUTURE":
        return f"not yet made on this day ({made})"
    return f"ran out {n.value:.0f} days ago" + (
        ", blocks signing" if n.code == "S-CAL-EXPIRED" else ""
    )


def _properties(to: Console, found: Device, on: dt.date) -> None:
    busy = found.busy()
    if busy is None:
        line(to, "Dead time      none recorded, none corrected")
    else:
        how = f", {found.dead_time.method}" if _method(found) else ""  # type: ignore[union-attr]
        tau = plus_minus(busy.tau_s.scaled(1e6), "µs")
        line(to, f"Dead time      {tau}, {busy.model}{how}; 5 % are lost at "
                 f"{significant(_rate_at_loss(busy.tau_s.value, 0.05), 3)} cps")  # fmt: skip
    source = found.check_source
    if source is None:
        line(to, "Check source   none")
    else:
        half_life = nuclide(source.nuclide).half_life_h.value
        last = replace_by(source.at.date(), half_life_h=half_life)
        until = "outlives the calendar" if last.year > on.year + 50 else f"good until {last}"
        line(to, f"Check source   {source.id}, {source.nuclide}: {source.reading:g} {source.unit} "
                 f"on {source.at.date()}; {until}; limits {per_cent(found.limits.warn)} and "
                 f"{per_cent(found.limits.action)}")  # fmt: skip
    line(to, f"Clock          {_clock(found, on)}")


def _method(found: Device) -> str:
    return "" if found.dead_time == "none" else (found.dead_time.method or "")


def _rate_at_loss(tau_s: float, loss: float) -> float:
    """True rate at which a small share is lost; both models agree to first order."""
    return loss / tau_s / (1.0 - loss)


def _clock(found: Device, on: dt.date) -> str:
    known = [c for c in found.clock if c.true.date() <= on]
    if not known:
        return "never compared"
    last = max(known, key=lambda c: c.true)
    ahead = (last.shown - last.true).total_seconds()
    days = (on - last.true.date()).days
    far = "" if abs(ahead) <= OFFSET_LIMIT_S else " (times from it are corrected)"
    old = f", {days} days ago: compare it again" if days > AGE_LIMIT_D else ""
    way = "fast" if ahead > 0 else "slow"
    said = "right" if ahead == 0 else f"{abs(ahead):.0f} s {way}{far}"
    return f"{said}, compared {last.true.date()}{old}"


def _limits(to: Console, limits: DetectionLimits | None) -> None:
    if limits is None:
        line(to, "Background     none recorded, so no detection limits")
        return
    line(to, f"Background     {significant(limits.background_cps, 3)} cps; counted for "
             f"{limits.time_s:g} s: L_C {limits.decision:.1f}, L_D {limits.detection:.1f} net "
             f"counts (k = {K95})")  # fmt: skip
    for one in limits.least:
        line(to, f"               least activity seen in 95 %: {plus_minus(one.bq, 'Bq')} "
                 f"{one.nuclide}, {one.geometry}")  # fmt: skip


def _tests(to: Console, found: Device, on: dt.date) -> None:
    line(to, "Check                                          last         due          state")
    for s in found.standing(today=on):
        last = str(s.last.on) if s.last else "–"
        late = f", {s.days_overdue} days" if s.days_overdue else ""
        line(to, f" {s.test[:44]:<45} {last:<12} {s.due_on or '–'!s:<12} "
                 f"{state(s.status, to)}{late}")  # fmt: skip
        if s.last and s.last.result != "pass" and s.last.why:
            line(to, f"   {s.last.why}")
        if s.status in qc_calendar.BLOCKING:
            line(to, f"   blocks {', '.join(s.blocks)} → quimby device enter … {s.id}")
    used = max((d.on for d in found.done if d.on <= on), default=None)
    telling.told(to, qc_calendar.idle_notes(used, on, where=found.id) if used else ())


def _document(
    found: Device, limits: DetectionLimits | None, notes: Sequence[Note], on: dt.date
) -> dict[str, Any]:
    least = limits.least if limits else ()
    return {
        "schema": "quimby.device", "on": on, "device": found.model_dump(mode="json"),
        "may_measure": {m: found.may_measure(m, on=on) for m in sorted(found.measures())},
        "detection": None if limits is None else {
            "time_s": limits.time_s, "background_cps": limits.background_cps,
            "decision_counts": limits.decision, "detection_counts": limits.detection,
            "least_activity_bq": [
                {"nuclide": a.nuclide, "geometry": a.geometry, **_number(a.bq)} for a in least
            ],
        },
        "checks": [
            {"id": s.id, "title": s.test, "state": s.status, "due_on": s.due_on,
             "days_overdue": s.days_overdue, "blocks": s.blocks, "concerns": s.concerns,
             "last": s.last.model_dump(mode="json", exclude_none=True) if s.last else None}
            for s in found.standing(today=on)
        ],
        "notes": telling.notes_json(notes),
    }  # fmt: skip


def _number(x: Uncertain) -> dict[str, float]:
    return {"value": x.value, "u": x.u}


def calendar_job(
    paths: Sequence[Path], *, on: dt.date, days: int, as_json: bool, strict: bool
) -> int:
    """Print what all devices need next; returns the exit code."""
    found, left_out = devices_in(paths)
    listed = tasks(found, on=on, days=days)
    notes = [n for d in found for n in blocking(d, on)]
    if as_json:
        telling.document(schema="quimby.device-calendar", on=on, days=days,
                         devices=[d.id for d in found], left_out=left_out,
                         tasks=[_task(t) for t in listed])  # fmt: skip
        return telling.strict(notes, wanted=strict)
    to = console()
    line(to, f"{_many(len(found), 'device')}, on {on} and the next {days} days")
    for name in left_out:
        line(to, f"Left out {name}: no device document")
    line(to, " due          state         device           what")
    for t in listed:
        line(
            to, f" {t.due_on or 'now'!s:<12} {state(t.state, to):<13} {t.device[:16]:<16} {t.what}"
        )
        if t.blocks:
            line(to, f"{'':44}blocks {', '.join(t.blocks)}")
    if not listed:
        line(to, " nothing is due")
    return telling.strict(notes, wanted=strict)


def _task(t: Task) -> dict[str, Any]:
    return {"device": t.device, "what": t.what, "test": t.test, "state": t.state,
            "due_on": t.due_on, "blocks": t.blocks}  # fmt: skip


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def devices_in(paths: Sequence[Path]) -> tuple[tuple[Device, ...], list[str]]:
    """Devices of these files and folders, and the names of TOML files that hold none.

    E-DEV-NONE where there is no device; E-DEV-TWICE for two documents of one id.
    """
    found: dict[str, tuple[Path, Device]] = {}
    left_out: list[str] = []
    for path in paths:
        for file in sorted(path.glob("*.toml")) if path.is_dir() else [path]:
            document = read_document(file)
            if path.is_dir() and "kind" not in document:
                left_out.append(file.name)
                continue
            made = device(document, where=str(file))
            if made.id in found:
                raise refusal("E-DEV-TWICE", where=str(file), device=made.id,
                              other=found[made.id][0])  # fmt: skip
            found[made.id] = (file, made)
    if not found:
        raise refusal("E-DEV-NONE", where=", ".join(str(p) for p in paths))
    return tuple(d for _, d in found.values()), left_out
