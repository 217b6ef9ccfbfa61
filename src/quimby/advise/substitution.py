"""What may stand in for a device that a centre does not have. The table is data."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from quimby.protocols.words import HAS

TASKS = {
    "whole_body": "whole_body_retention",
    "thyroid": "thyroid_uptake",
    "blood": "blood_samples",
    "spect": "quantitative_spect",
    "planar": "quantitative_spect",
    "pet": "y90_verification",
    "ultrasound": "target_volume",
}
"""Kind of measurement in a protocol -> task in the table."""


@dataclass(frozen=True, slots=True)
class Substitute:
    """One row: what to use, on which conditions, with how much more doubt."""

    task: str
    missing: str
    use: str
    also: str = ""  # a second device that it needs
    note: str = ""
    conditions: tuple[str, ...] = ()
    u: float = 0.0  # relative, k = 1, added in quadrature
    camera_min: float = 0.0  # for each measurement
    source: str = ""
    tag: str = "V"


@dataclass(frozen=True, slots=True)
class Never:
    """A device that must not stand in, and why."""

    task: str
    missing: str
    use: str
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What to use instead, or None and why not."""

    use: Substitute | None
    reason: str


@cache
def _table() -> tuple[tuple[Substitute, ...], tuple[Never, ...]]:
    path = files("quimby.advise").joinpath("data", "substitutes.toml")
    rows = tomllib.loads(path.read_text("utf-8"))
    usual = {"source": rows["source"], "tag": rows["tag"]}
    found = tuple(
        Substitute(**{**usual, **row, "conditions": tuple(row["conditions"])})
        for row in rows["substitute"]
    )
    return found, tuple(Never(**row) for row in rows["never"])


def substitutes() -> tuple[Substitute, ...]:
    """Every row, the preferred first."""
    return _table()[0]


def nevers() -> tuple[Never, ...]:
    """Every device that must not stand in."""
    return _table()[1]


def at_hand(devices: Collection[str]) -> frozenset[str]:
    """The devices, and what they can do beside: a SPECT/CT is a gamma camera too."""
    return frozenset(devices) | {other for d in devices for other in HAS.get(d, ())}


def substitute(missing: str, *, task: str, available: Collection[str]) -> Answer:
    """The preferred substitute among what is there; None with the reason where there is none."""
    there = at_hand(available)
    for row in substitutes():
        if (row.task, row.missing) == (task, missing) and {row.use, row.also or row.use} <= there:
            return Answer(row, row.note)
    for no in nevers():
        if (no.task, no.missing) == (task, missing) and no.use in there:
            return Answer(None, no.reason)
    return Answer(None, "nothing that is there can stand in")
