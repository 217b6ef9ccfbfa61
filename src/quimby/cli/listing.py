"""`quimby constants` and `quimby template`: lists and empty tables."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from quimby.cli.terminal import console
from quimby.core.notes import refusal
from quimby.core.source import TAGS
from quimby.measure.readings.template import template
from quimby.study.constants import constants


def constants_job(*, as_json: bool, unverified: bool) -> int:
    """Print the constants; returns the exit code."""
    rows = [(used, c) for used, c in constants() if not (unverified and c.verified)]
    if as_json:
        listed = [{"used_in": used, **asdict(c), "verified": c.verified} for used, c in rows]
        json.dump(listed, sys.stdout, indent=1, ensure_ascii=False)
        sys.stdout.write("\n")
        return 0
    table = Table("Used in", "Constant", "Value", "Tag", "Source", box=None, pad_edge=False)
    for used, c in rows:
        mark = "" if c.verified else " †"
        table.add_row(used, f"{c.name}{mark}", f"{c.value:g} {c.unit}", c.tag, c.source)
    to = console()
    to.print(table)
    for tag, meaning in TAGS.items():
        to.print(f" {tag}  {meaning}{'  †' if tag == 'M' else ''}", markup=False)
    return 0


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
