"""`quimby device trace`: what was measured while the device was out of control."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from quimby.cli.devices import tables, telling, words
from quimby.cli.devices.telling import line
from quimby.cli.terminal import console
from quimby.core.notes import refusal
from quimby.devices.counting_device import Device, read_device
from quimby.devices.qc_calendar import Span, out_of_control


def trace_job(
    path: Path, given: Sequence[str], *, zone: str | None, columns: Path | None, as_json: bool
) -> int:
    """List measurements made while the device was, or may have been, out of control."""
    device = read_device(path)
    measured: dict[str, dt.date] = {}
    for text in given:
        measured |= _measured(text, device, zone, columns)
    spans = {t.title: out_of_control(device.done, t.id) for t in device.tests()}
    found = device.made_while_out(measured)
    if as_json:
        flat = [_span(title, s) for title, all_ in spans.items() for s in all_]
        telling.document(schema="quimby.device-trace", device=device.id, measured=measured,
                         found=dict(found), spans=flat)  # fmt: skip
        return 0
    to = console()
    for title, all_ in spans.items():
        for s in all_:
            good = s.last_good or "the beginning"
            until = f"good again {s.good_again}" if s.good_again else "not good since"
            line(to, f"Out of control  {title}: failed {s.failed_on}, last good {good}, {until}")
    if not any(spans.values()):
        line(to, f"{device.id} was never out of control.")
        return 0
    names = _by_name(found)
    line(to, f"{len(names)} of {len(measured)} measurements were made in between")
    for name in sorted(names, key=lambda n: (measured[n], n)):
        line(to, f" {measured[name]}  {name}  ({', '.join(names[name])})")
    if names:
        line(to, "Next    measure again, or state in each study who accepts it and why")
    return 0


def _by_name(found: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for title, hit in found.items():
        for name in hit:
            names.setdefault(name, []).append(title)
    return names


def _span(title: str, span: Span) -> dict[str, Any]:
    return {"test": title, "last_good": span.last_good, "failed_on": span.failed_on,
            "good_again": span.good_again}  # fmt: skip


def _measured(
    text: str, device: Device, zone: str | None, columns: Path | None
) -> dict[str, dt.date]:
    """Measurements with their days: "blood 4=2025-03-10", a table, a study or a result."""
    path = Path(text)
    if not path.exists():
        name, day = words.pair(text, where="STUDY", wanted="blood 4=2025-03-10")
        return {name: words.day(day, where=name)}
    if path.suffix.lower() not in (".toml", ".json"):
        found = tables.rows(path, zone=zone, columns=columns)
        return {f"{path.name}: {r.name}, {r.where.split(', ')[-1]}": r.time().date()
                for r in found.rows if r.what == "sample"}  # fmt: skip
    return _in_document(path, device)


def _in_document(path: Path, device: Device) -> dict[str, dt.date]:
    """Days of every part of a document that names the device; E-DEV-TRACE where none does."""
    try:
        text = path.read_text("utf-8")
        document = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise refusal("E-DEV-READ", where=str(path), why=str(error).rstrip(".")) from None
    names = {device.id.casefold(), device.serial.casefold()}
    found = {f"{path.name}: {where}": on for where, on in _days(document, names, "", named=False)}
    if not found:
        raise refusal("E-DEV-TRACE", where=str(path), device=device.id)
    return found


def _days(part: Any, names: set[str], where: str, *, named: bool) -> Iterator[tuple[str, dt.date]]:
    """(path, day) of every time below a part that names the device."""
    if isinstance(part, Mapping):
        mine = named or any(isinstance(v, str) and v.casefold() in names for v in part.values())
        for key, value in part.items():
            yield from _days(value, names, f"{where}.{key}".strip("."), named=mine)
    elif isinstance(part, list):
        for n, value in enumerate(part):
            yield from _days(value, names, f"{where}[{n}]", named=named)
    elif named and (on := _day(part)):
        yield where, on


def _day(value: Any) -> dt.date | None:
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.datetime.fromisoformat(value).date() if isinstance(value, str) else None
    except ValueError:
        return None
