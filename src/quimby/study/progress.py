"""How a run tells where it stands; a door decides how to show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

STEPS = ("read", "outlines", "register", "quantify", "curves", "dose", "report")


@dataclass(frozen=True, slots=True)
class Step:
    """A step that begins, or a detail within it (scan 3 of 4)."""

    name: str
    detail: str = ""

    @property
    def number(self) -> int:
        """Place among STEPS, from 1."""
        return STEPS.index(self.name) + 1


Progress = Callable[[Step], None]


def silent(step: Step) -> None:
    """Show nothing."""
    del step
