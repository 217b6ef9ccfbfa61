"""How `quimby device` speaks: a shape and a word for each state, notes, one JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Console

from quimby.cli.terminal import print_json
from quimby.core.notes import Note, in_order
from quimby.core.uncertain import Uncertain

SHAPES: Mapping[str, tuple[str, str, str]] = {
    "ok": ("●", "[ok]", "done"),
    "pass": ("●", "[ok]", "passed"),
    "next": ("◌", "[  ]", "next"),
    "due": ("▲", "[ !]", "due"),
    "warn": ("▲", "[ !]", "passed with a warning"),
    "overdue": ("⯃", "[XX]", "overdue"),
    "never": ("⯃", "[XX]", "never done"),
    "failed": ("⯃", "[XX]", "failed"),
    "fail": ("⯃", "[XX]", "failed"),
}
"""State: shape, its ASCII twin, its word."""
BLOCKED = 3  # exit code with --strict


def plain(to: Console) -> bool:
    """Whether this terminal shows ASCII only."""
    return not to.encoding.lower().startswith("utf")


def state(name: str, to: Console) -> str:
    """Shape and word of a state."""
    shape, twin, word = SHAPES[name]
    return f"{twin if plain(to) else shape} {word}"


def line(to: Console, text: str = "") -> None:
    """One line, without markup; in ASCII where the terminal has no more."""
    if plain(to):
        for old, new in (("±", "+-"), ("–", "-"), ("−", "-"), ("→", "->"), ("µ", "u"), ("·", "|"),
                         ("τ", "tau"), ("²", "2"), ("\u2009", " ")):  # fmt: skip
            text = text.replace(old, new)
        text = text.encode("ascii", "replace").decode()
    to.print(text.rstrip(), markup=False)


def told(to: Console, notes: Iterable[Note]) -> None:
    """What is odd, and what to do about it."""
    for n in in_order(notes):
        if n.severity != "information":
            line(to, f"{n.code}  {n.where}: {n.text}")
            line(to, f"        → {n.do}")


def document(**content: Any) -> None:
    """One JSON document on standard output."""
    print_json(content, default=_simple)


def _simple(value: Any) -> Any:
    if isinstance(value, Uncertain):
        return {"value": value.value, "u": value.u, "budget": dict(value.budget())}
    return value.isoformat() if hasattr(value, "isoformat") else list(value)


def notes_json(notes: Iterable[Note]) -> list[dict[str, Any]]:
    """Notes as JSON, the severe ones first."""
    return [{**asdict(n), "severity": n.severity} for n in in_order(notes)]


def strict(notes: Iterable[Note], *, wanted: bool) -> int:
    """Exit code: 3 where something blocks and `--strict` was asked."""
    return BLOCKED if wanted and any(n.severity == "blocking" for n in notes) else 0


def signed(fraction: float) -> str:
    """ "+1.2 %"."""
    return f"{100 * fraction:+.1f} %".replace("-", "−")


def per_cent(fraction: float) -> str:
    """A size in per cent, as many digits as it needs: "0.35 %", "12 %"."""
    return f"{100 * fraction:.2g} %"
