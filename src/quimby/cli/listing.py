"""`quimby constants` and `quimby template`: lists and empty tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table
from rich.text import Text

from quimby.cli.terminal import console, print_json
from quimby.core.notes import Note, refusal
from quimby.core.source import TAGS, Constant, confirmed_by_centre
from quimby.measure.readings.template import template
from quimby.study.confirmations import read_confirmations
from quimby.study.confirming import gone
from quimby.study.constants import constants

COLUMNS = (
    ("Used in", 12, 14),
    ("Constant", 32, 32),
    ("Value", 12, 14),
    ("Tag", 3, 3),
    ("Source", 20, None),
)
"""Heading, least and most letters; a name stays on one line where it can."""


def constants_job(*, as_json: bool, unverified: bool, confirmed: Path | None = None) -> int:
    """Print the constants; returns the exit code."""
    rows, notes = _with_confirmed(confirmed)
    rows = [(used, c) for used, c in rows if not (unverified and c.verified)]
    if as_json:
        print_json([_plain(*row) for row in rows])
    else:
        _show(rows)
    for one in notes:
        console(stderr=True).print(f"{one.code}  {one.text} {one.do}.", markup=False)
    return 0


def _with_confirmed(file: Path | None) -> tuple[list[tuple[str, Constant]], tuple[Note, ...]]:
    """Every constant, those in the file saying who confirmed them, and what no longer holds."""
    rows = list(constants())
    if file is None:
        return rows, ()
    given = read_confirmations(file)
    known, lapsed = confirmed_by_centre([c for _, c in rows], given)
    used = [used for used, _ in rows]
    return list(zip(used, known, strict=True)), (*lapsed, *gone(given))


def _plain(used: str, c: Constant) -> dict[str, object]:
    who = c.confirmed
    said = {"by": who.by, "on": who.on.isoformat()} if who else None
    return {"used_in": used, **asdict(c), "confirmed": said, "verified": c.verified}


def _show(rows: Sequence[tuple[str, Constant]]) -> None:
    table = Table(box=None, pad_edge=False)
    for head, least, most in COLUMNS:
        table.add_column(head, min_width=least, max_width=most)
    for used, c in rows:
        mark = "" if c.verified else " †"
        source = f"{c.source}; {c.confirmed.words}" if c.confirmed else c.source
        cells = (used, f"{c.name}{mark}", f"{c.value:g} {c.unit}", c.tag, source)
        table.add_row(*(Text(cell) for cell in cells))
    to = console()
    to.print(table)
    for tag, meaning in TAGS.items():
        to.print(f" {tag}  {meaning}{'  †' if tag == 'M' else ''}", markup=False)


def template_job(route: str, out: Path, *, language: str) -> int:
    """Write a route's empty table; returns the exit code."""
    if out.exists():
        raise refusal("E-OUT-EXISTS", where=str(out), name=out.name)
    content = template(route, language=language, form=out.suffix.lstrip(".").lower())
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    console().print(f"Wrote {out}. Fill it in; the row marked as an example is never read.",
                    markup=False)  # fmt: skip
    return 0
