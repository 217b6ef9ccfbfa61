"""`quimby constants confirm`: write down who confirmed what."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from quimby.cli.terminal import console
from quimby.study.confirming import add, confirm


def confirm_job(name: str, *, by: str, on: date | None, remark: str, file: Path) -> int:
    """Add to the file of confirmations; returns the exit code."""
    today = date.today()
    found = confirm(name, by=by, on=on or today, today=today, remark=remark)
    add(file, found)
    to = console()
    for one in found:
        value = f"{one.value:g} {one.unit}".rstrip()
        to.print(f"{one.name} = {value}: {one.confirmed.words}.", markup=False)
    to.print(f"Written to {file}. Name it in the study: [centre] confirmed.", markup=False)
    return 0
