"""Documents of the study and its devices: commented texts, filled with what was measured."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from string import Template
from typing import get_args

from quimby.demo.radioiodine.facts import text
from quimby.devices.qc_calendar import Kind, Test, calendar

BY = "A. Example, MTA"
PART = "#: "
LONG = 60  # days: tests less frequent than this were done before, on one day


def write_document(
    path: Path, name: str, words: Mapping[str, object], *, parts: Container[str] = ()
) -> None:
    """A document from its text in the data folder, every $word filled.

    A paragraph that begins with "#: part" belongs to documents that have this part.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = [p for p in map(_part, text(name).split("\n\n")) if not p[0] or p[0] in parts]
    body = "\n\n".join(paragraph for _, paragraph in kept).rstrip() + "\n"
    path.write_text(Template(body).substitute(words), "utf-8")


def _part(paragraph: str) -> tuple[str, str]:
    """Which part a paragraph is of, "" for all, and its text."""
    first, _, rest = paragraph.partition("\n")
    return (first.removeprefix(PART), rest) if first.startswith(PART) else ("", paragraph)


def write_device(path: Path, name: str, *, used: Iterable[date], before: date) -> None:
    """A device with its tests done: the daily ones on every day used, none overdue.

    `before` is when the yearly tests and those at acceptance were done.
    """
    days = sorted(set(used))
    kind = _kind_in(text(name))
    rows = [row for test in calendar(kind) for row in _records(test, days, before)]
    words = {"done": "\n".join(rows), "before": before.isoformat(),
             "clock_day": days[0].isoformat(), "last_day": days[-1].isoformat()}  # fmt: skip
    write_document(path, name, words)


def _kind_in(document: str) -> Kind:
    return next(k for k in get_args(Kind) if f'kind = "{k}"' in document)


def _records(test: Test, days: list[date], before: date) -> Iterator[str]:
    for day in _done_on(test, days, before):
        yield f'  {{ test = "{test.id}", on = {day}, result = "pass", by = "{BY}" }},'


def _done_on(test: Test, days: list[date], before: date) -> list[date]:
    if test.period_d is None or test.period_d > LONG:
        return [before]
    if test.period_d <= 1:
        return days
    every = timedelta(days=test.period_d)
    span = (days[-1] - days[0]) // every
    return [days[0] + n * every for n in range(span + 1)]
