"""Every constant that a result may rest on, with its source and where it is used."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache

from quimby.core.source import Constant
from quimby.study import shipped_physics as physics
from quimby.study import shipped_practice as practice


@cache
def constants() -> tuple[tuple[str, Constant], ...]:
    """(where it is used, constant), each once, by place and name."""
    parts = (
        physics.nuclides, physics.electrons, physics.tissues, practice.devices,
        practice.radioiodine, practice.blood_volumes, practice.effects, practice.curves,
        practice.populations, practice.schedules, practice.outlines, practice.recovery_ranges,
    )  # fmt: skip
    rows = {row for part in parts for row in part()}
    return tuple(sorted(rows, key=lambda row: (row[0], row[1].name, row[1].value)))


def named(pattern: str) -> tuple[Constant, ...]:
    """Every constant of that name, each once; * stands for any text."""
    found = dict.fromkeys(c for _, c in constants() if fnmatchcase(c.name, pattern))
    return tuple(found)


@cache
def _names() -> frozenset[str]:
    return frozenset(c.name for _, c in constants())


def is_shipped(name: str) -> bool:
    """Whether a constant of this very name ships."""
    return name in _names()


def parts_of(name: str) -> tuple[Constant, ...]:
    """What a value worked out for a patient is made of: "blood volume, Retzlaff" of its factors."""
    return tuple(c for _, c in constants() if c.name.startswith(f"{name}, "))
