"""Each data file is found by its being there, and must be whole."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

import pytest

from quimby import protocols, therapies
from quimby.core.notes import catalogue
from quimby.dose import spheres
from quimby.effect import limits
from quimby.physics.nuclides import nuclide
from quimby.population import places
from quimby.therapies.organs import SIDED, known, organ

READINGS = {"blood", "remnant", "whole body"}  # measured without an outline


@pytest.mark.parametrize("name", therapies.names())
def test_a_therapy_is_whole(name: Any) -> None:
    therapy = therapies.load(name)
    assert therapy.id == name
    assert nuclide(therapy.nuclide).half_life_h.value > 0
    assert spheres.electron_fraction(therapy.nuclide, 100.0) > 0
    assert therapy.limits in ({*limits.tables()} if therapy.tissue else {*limits.tables(), ""})
    assert therapy.population in places.tables()
    assert {*therapy.organs_at_risk, *therapy.targets, *therapy.tissue} <= {*known()} | READINGS
    assert set(therapy.pairs) <= set(SIDED) & set(therapy.organs_at_risk)
    for tissue in therapy.tissue:
        found = therapy.tissue_of(tissue)
        assert found is not None
        assert all(c.value > 0 and c.source for c in found.constants)


@pytest.mark.parametrize("name", therapies.names())
def test_every_agent_of_a_therapy_leads_to_it(name: Any) -> None:
    therapy = therapies.load(name)
    assert all(therapies.find(agent).id == name for agent in therapy.agents)


@pytest.mark.parametrize("name", protocols.names())
def test_a_protocol_is_whole(name: Any) -> None:
    protocol = protocols.load(name)
    assert protocol.id == name
    assert protocol.therapy in therapies.names() or protocol.to_come
    assert protocol.compare.limits in ("", *limits.tables())
    assert protocol.compare.population in places.tables() or protocol.to_come
    assert protocol.calculation is None or set(protocol.imaging.models) - {"default"} <= set(
        known()
    )
    ids = [a.id for a in protocol.acquisition]
    assert len(ids) == len(set(ids)) > 0
    for kind in {a.kind for a in protocol.acquisition}:
        ends = [h for a in protocol.acquisition if a.kind == kind for h in a.window_h]
        assert ends == sorted(ends), f"windows of {kind} overlap"
    assert protocol.source


@pytest.mark.parametrize("name", limits.tables())
def test_a_table_of_limits_is_whole(name: Any) -> None:
    table = limits.table(name)
    assert {x.organ for x in table.limits} <= set(known())
    assert {x.quantity for x in table.limits} <= set(limits.QUANTITIES)
    assert {x.applies for x in table.limits} <= {"always", "risk factors", "no risk factors"}
    assert all(x.constant.value > 0 and x.constant.source for x in table.limits)
    assert len({x.name + x.quantity for x in table.limits}) == len(table.limits)


@pytest.mark.parametrize("name", spheres.nuclides())
def test_a_table_of_spheres_is_whole(name: Any) -> None:
    table = spheres.table(name)
    assert table.nuclide == name == nuclide(name).name
    assert list(table.mass_g) == sorted(table.mass_g)
    assert list(table.fraction) == sorted(table.fraction)
    assert 0 < table.fraction[0] < table.fraction[-1] < 1


def test_every_word_for_an_organ_leads_to_it_and_no_word_has_two_meanings() -> None:
    path = files("quimby.therapies").joinpath("data", "organ_names.toml")
    rows = tomllib.loads(path.read_text("utf-8"))["organ"]
    words = [word for row in rows.values() for word in row]
    assert len(words) == len(set(words))
    assert [w for name, row in rows.items() for w in row if organ(w).name != name] == []


def test_the_codes_of_this_floor_stand_in_the_catalogue() -> None:
    wanted = {"E-MASS-PAIR", "E-DOSE-EFFECTIVE", "E-DVH-EMPTY", "E-BED-PARAM", "E-UNC-CORR",
              "S-LU-BED-LIMIT", "S-LU-DOSE-LIMIT", "S-CONST-UNVERIFIED", "W-POP-OUTLIER",
              "W-LU-LR", "W-MASS-SCALE", "W-DVH-RES"}  # fmt: skip
    assert wanted <= set(catalogue())
