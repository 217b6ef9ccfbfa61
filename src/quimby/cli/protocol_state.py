"""`quimby protocol approve` and `retire`: the next state of a centre's own document."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from quimby import protocols
from quimby.cli.terminal import console
from quimby.protocols.lifecycle import State, moved

NEXT: dict[str, State] = {"draft": "reviewed"}
THEN = {
    "reviewed": "Next: a second person puts it to use with the same command.",
    "active": "It cannot be changed from now on; a change is a new version.",
    "retired": "Studies by it say so.",
}


def approve_job(path: Path, *, by: str, on: date) -> int:
    """Take a draft to reviewed, a reviewed one to active."""
    return _move(path, None, by=by, on=on)


def retire_job(path: Path, *, by: str, on: date) -> int:
    """Take a protocol out of use."""
    return _move(path, "retired", by=by, on=on)


def _move(path: Path, state: State | None, *, by: str, on: date) -> int:
    found = protocols.load_file(path)
    to = state or NEXT.get(found.status, "active")
    text = moved(path.read_text("utf-8"), found, to, by=by, on=on)
    protocols.read(text, where=path.name)
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text, "utf-8")
    fresh.replace(path)
    console().print(f"{found.id} {found.version} is {to}, by {by}, {on}. {THEN[to]}")
    return 0
