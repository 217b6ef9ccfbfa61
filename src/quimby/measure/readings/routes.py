"""What each route of measuring needs in its table: one declaration a route, in data/."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from quimby.core.notes import refusal
from quimby.core.units import KINDS

LANGUAGES = ("en", "de", "fr")
PLAIN = ("moment", "day", "clock", "text", "choice")
"""Kinds of field that are no quantity."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a route. `low` to `high` is what is plausible, in Quimby's unit of the first
    of `kinds`; `least` and `most` are what is possible. `live` and `background` name the fields
    that a count needs beside it.

    `kinds` are kinds of quantity (`core.units.KINDS`) or one of `PLAIN`. `choices` maps each
    answer to the words for it, English, German and French first. `source` says where the
    window comes from.
    """

    key: str
    kinds: tuple[str, ...]
    header: Mapping[str, str]
    example: str
    unit: str = ""
    words: tuple[str, ...] = ()
    required: bool = False
    low: float | None = None
    high: float | None = None
    least: float | None = None
    most: float | None = None
    live: str = ""
    background: str = ""
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source: str = ""

    @property
    def plain(self) -> bool:
        """No quantity: a time, a text or a choice."""
        return self.kinds[0] in PLAIN

    def called(self, language: str) -> str:
        """Header with its unit, as the template writes it."""
        return self.header[language] + (f" [{self.unit}]" if self.unit else "")


@dataclass(frozen=True, slots=True)
class Route:
    """A way of measuring: its fields in the order of the template.

    `at` is the field that says when; `apart` the fields that keep rows of one time apart
    (sample, region); `excused` the answers of `state` that excuse missing values; `together`
    the optional fields of which a row has all or none.
    """

    id: str
    title: Mapping[str, str]
    fields: tuple[Field, ...]
    at: str = ""
    apart: tuple[str, ...] = ()
    excused: tuple[str, ...] = ()
    together: tuple[tuple[str, ...], ...] = ()

    def field(self, key: str) -> Field:
        """The field of that key; KeyError where the route has none."""
        return {f.key: f for f in self.fields}[key]

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of all fields, in order."""
        return tuple(f.key for f in self.fields)


def names() -> tuple[str, ...]:
    """Every route that Quimby has; the folder is the registry."""
    folder = files("quimby.measure.readings").joinpath("data")
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".toml")))


@cache
def route(name: str) -> Route:
    """The route of that name; E-READ-ROUTE where there is none."""
    if name not in names():
        raise refusal("E-READ-ROUTE", where="route", name=name, known=", ".join(names()))
    path = files("quimby.measure.readings").joinpath("data", f"{name}.toml")
    data = tomllib.loads(path.read_text("utf-8"))
    fields = tuple(_field(row) for row in data["field"])
    return Route(name, data["title"], fields, data.get("at", ""),
                 tuple(data.get("apart", ())), tuple(data.get("excused", ())),
                 tuple(tuple(keys) for keys in data.get("together", ())))  # fmt: skip


def _field(row: Mapping[str, Any]) -> Field:
    told: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
    if "choices" in told:
        told["choices"] = {a: tuple(w) for a, w in told["choices"].items()}
    made = Field(**told)
    unknown = [k for k in made.kinds if k not in KINDS and k not in PLAIN]
    if unknown:
        raise ValueError(f"{made.key}: no such kind as {unknown}")
    return made
