"""Lists on the command line: every constant with its source, and empty tables to fill in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quimby.core.source import TAGS
from quimby.measure.readings.routes import names
from quimby.study.constants import constants
from tests.variants import quimby


def test_every_constant_has_a_source_a_unit_or_is_a_share_and_a_place_of_use() -> None:
    rows = constants()

    assert len(rows) > 100
    for used, constant in rows:
        assert used
        assert len(constant.source) > 3, constant
        assert constant.tag in TAGS
    assert len({(used, c.name) for used, c in rows}) == len(rows)


def test_the_list_as_json_holds_the_lutetium_energy_and_marks_what_is_from_memory() -> None:
    listed = json.loads(quimby("constants", "--json").out)

    lutetium = next(c for c in listed if c["name"] == "electron energy of Lu-177")
    assert (lutetium["value"], lutetium["unit"], lutetium["verified"]) == (0.1479, "MeV", True)
    doubtful = json.loads(quimby("constants", "--json", "--unverified").out)
    assert doubtful == [c for c in listed if c["tag"] == "M"]
    assert any(c["name"] == "limit kidneys" for c in doubtful)


def test_the_list_for_people_names_the_tags() -> None:
    said = quimby("constants", "--unverified").out

    assert "limit kidneys †" in said
    assert "from memory of the literature" in said


@pytest.mark.parametrize("route", names())
def test_a_template_is_written_once_and_never_over_another_file(route: str, tmp_path: Path) -> None:
    out = tmp_path / f"{route}.xlsx"

    assert quimby("template", route, "-o", out, "--language", "de").exit_code == 0
    before = out.read_bytes()
    again = quimby("template", route, "-o", out)

    assert again.exit_code == 10
    assert "E-OUT-EXISTS" in again.err
    assert out.read_bytes() == before


def test_an_unknown_route_and_form_are_refused_by_name(tmp_path: Path) -> None:
    assert "E-READ-ROUTE" in quimby("template", "toes", "-o", tmp_path / "x.csv").err
    assert "E-READ-TEMPLATE" in quimby("template", "whole_body", "-o", tmp_path / "x.doc").err
