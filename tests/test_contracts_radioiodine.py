"""Constants: each has source, unit and tag; what is from memory is listed; names are one's own.

A data file is found by its being there: a new one with an [M] value that
`quimby constants --unverified` does not list fails here.
"""

from __future__ import annotations

import csv
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from quimby.core.source import TAGS, Constant
from quimby.population import groups, places
from quimby.study.constants import constants

PACKAGE = Path(str(files("quimby")))
INVENTED = {"demo"}  # the example patient: no result of a patient rests on it
DOUBTS = {"u", "u_gy", "sd_ln", "u_relative"}  # spreads stand as `u` of their constant
EXACT = {"daughter_z"}  # a number of protons
MADE = {"mass_g", "fraction"}  # worked out here from the emissions of the same file
RADIOIODINE = ("dose/data/radioiodine.toml", "planning/data/radioiodine.toml")


def data_files(suffix: str) -> list[str]:
    found = (p.relative_to(PACKAGE) for p in PACKAGE.rglob(f"data/**/*{suffix}"))
    return sorted(p.as_posix() for p in found if p.parts[0] not in INVENTED)


Found = tuple[float, str]
"""A number and the source it is said to come from."""


def numbers(value: Any, source: str) -> Iterator[Found]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in DOUBTS | MADE | EXACT:
                yield from numbers(inner, source)
    elif isinstance(value, list):
        for inner in value:
            yield from numbers(inner, source)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield float(value), source


def from_memory(value: Any) -> Iterator[Found]:
    """Numbers of every table tagged M, of `x_` keys where `x_tag` is M, and below them."""
    if isinstance(value, list):
        for inner in value:
            yield from from_memory(inner)
    if not isinstance(value, dict):
        return
    if value.get("tag") == "M":
        yield from numbers(value, value["source"])
    for key in [k for k in value if k.endswith("_tag") and value[k] == "M"]:
        stem = key.removesuffix("tag")
        told = {k: v for k, v in value.items() if k.startswith(stem) and "energy" not in k}
        yield from numbers(told, value[f"{stem}source"])
    for inner in value.values():
        yield from from_memory(inner)


@cache
def unverified() -> frozenset[Found]:
    return frozenset((float(c.value), c.source) for _, c in constants() if not c.verified)


def test_there_are_data_files_to_look_at() -> None:
    found = set(data_files(".toml"))
    assert {*RADIOIODINE, "planning/data/thyroid_aims.toml", "effect/data/lu177.toml"} <= found
    assert (
        len(
            [f for f in found if list(from_memory(tomllib.loads((PACKAGE / f).read_text("utf-8"))))]
        )
        > 10
    )


@pytest.mark.parametrize("file", data_files(".toml"))
def test_every_value_from_memory_is_listed_as_unverified(file: str) -> None:
    rows = tomllib.loads((PACKAGE / file).read_text("utf-8"))
    missing = set(from_memory(rows)) - unverified()
    assert not missing, f"{file}: {sorted(missing)} is not in quimby constants --unverified"


@pytest.mark.parametrize("file", data_files(".csv"))
def test_every_row_from_memory_is_listed_as_unverified(file: str) -> None:
    rows = list(csv.DictReader((PACKAGE / file).read_text("utf-8").splitlines()))
    doubtful = {(float(r["mean"] or r["median"]), r["source"]) for r in rows if r["mark"] == "M"}
    assert doubtful <= unverified()


def test_rules_from_memory_are_listed_too() -> None:
    names = {c.name for _, c in constants() if not c.verified}
    assert "asked before a plan: orbitopathy" in names


def test_no_two_constants_share_a_name() -> None:
    """A confirmation goes by name, so a name must mean one value."""
    meant: dict[str, set[tuple[float, str]]] = defaultdict(set)
    for _, c in constants():
        meant[c.name].add((c.value, c.unit))
    assert {name: found for name, found in meant.items() if len(found) > 1} == {}


def test_every_constant_has_name_source_and_tag() -> None:
    for used, c in constants():
        assert used
        assert c.name == c.name.strip() != ""
        assert len(c.source) > 3, c
        assert c.tag in TAGS
        assert c.verified == (c.tag != "M")
        assert c.confirmed is None


@pytest.mark.parametrize("file", RADIOIODINE)
def test_a_radioiodine_table_is_whole(file: str) -> None:
    rows = tomllib.loads((PACKAGE / file).read_text("utf-8"))
    listed = {c.name: c for _, c in constants()}
    for name, row in rows.items():
        assert set(row) <= {"value", "unit", "source", "tag", "u"}, name
        assert listed[name] == Constant(name, **row)
        assert row["value"] > 0
        assert 0 <= row.get("u", 0) < row["value"]


@pytest.mark.parametrize("file", RADIOIODINE)
def test_only_shares_and_factors_up_to_one_have_no_unit(file: str) -> None:
    rows = tomllib.loads((PACKAGE / file).read_text("utf-8"))
    assert [name for name, row in rows.items() if not row["unit"] and row["value"] > 1] == []


def test_an_aim_is_a_range_with_the_mass_it_is_for() -> None:
    rows = tomllib.loads((PACKAGE / "planning/data/thyroid_aims.toml").read_text("utf-8"))
    for row in rows.values():
        assert 0 < row["low_gy"] < row["high_gy"] <= 500
        assert row["mass"] in ("whole gland", "adenoma")
        assert row["source"]
        assert row["tag"] in TAGS


def test_a_gate_says_what_to_do() -> None:
    rows = tomllib.loads((PACKAGE / "planning/data/gates.toml").read_text("utf-8"))
    for row in rows.values():
        assert row["grade"] in ("forbids", "cautions")
        assert row["do"]
        assert row["source"]
        assert row["tag"] in TAGS


UNITS = {"Gy/GBq", "Gy/cycle", "Gy", "h", "1", "GBq", "MBq/kg"}


@pytest.mark.parametrize("name", places.tables())
def test_a_row_of_published_patients_is_whole(name: str) -> None:
    rows = places.table(name)
    assert len({c.name for c in rows}) == len(rows)
    for c in rows:
        assert c.mean is not None or c.median is not None
        assert c.unit in UNITS
        assert c.sd is None or c.mean is not None
        assert c.tag in TAGS
        assert c.source
        assert groups.fits(c.group, c.group)
        assert c.n or c.method.startswith("model") or c.note or c.source.startswith("Ertl")
        low, high = c.low, c.high
        assert low is None or high is None or low < c.middle < high


@pytest.mark.parametrize("name", [t for t in places.tables() if t.startswith("I-131")])
def test_a_mean_lies_well_inside_its_published_extremes(name: str) -> None:
    """A misprint by ten would not: 0.87 cannot be the mean of 0.057 to 0.130."""
    for c in places.table(name):
        if c.low is not None and c.high is not None and c.sd:
            assert c.low < c.middle - c.sd / 2 < c.middle + c.sd / 2 < c.high, c.name


def test_the_misprinted_row_says_so() -> None:
    (row,) = (c for c in places.table("I-131-DTC") if c.group == ("rhTSH", "F"))
    assert row.middle == 0.087
    assert "prints 0.87" in row.note
