"""The check by drawing, from the study to what is written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from quimby import protocols
from quimby.core.uncertain import Uncertain
from quimby.dose.self_dose import self_dose
from quimby.kinetics.monte_carlo import Comparison, Draws, Spread, compare
from quimby.physics.nuclides import nuclide
from quimby.report import json as document
from quimby.report import tables
from quimby.study.curves import _groups, _shared
from quimby.study.monte_carlo import _dose_factor, _notes
from quimby.study.result import Sample
from tests.sample_result import sample_result

DRAWS = Draws(trials=50_000)
LU = nuclide("Lu-177")


def test_a_drawn_dose_has_mean_and_doubt_of_the_dose_to_first_order() -> None:
    mass = Uncertain(140.0, {"outline kidney": 9.0, "CT density": 2.8})
    tia = Uncertain(5800.0, {"outline kidney": 210.0, "camera": 120.0})
    stated = self_dose(tia, mass, LU.electron_mev, name=LU.name).dose_gy
    drawn = DRAWS.positive(tia) * _dose_factor(mass, LU, LU.electron_mev, DRAWS)
    looked = compare("kidney", stated, drawn)
    assert looked.ratio == pytest.approx(1, abs=0.03)
    assert looked.monte_carlo.mean == pytest.approx(stated.value, rel=0.01)
    apart = Uncertain(5800.0, {"outline, another": 210.0, "camera": 120.0})
    wider = DRAWS.positive(apart) * _dose_factor(mass, LU, LU.electron_mev, DRAWS)
    assert np.std(wider) > 1.15 * np.std(drawn)  # an outline's gain and its mass cancel in part


def looked(u: float) -> Comparison:
    first = Uncertain(3.0, {"all": 0.3})
    return Comparison("Kidney L", first, Spread(3.01, u, (2.4, 3.7), 12), 100_000)


def test_more_than_ten_per_cent_apart_is_told_with_both() -> None:
    assert _notes([looked(0.32)]) == []
    (told,) = _notes([looked(0.36)])
    assert told.code == "W-UNC-S1"
    assert told.where == "Kidney L"
    assert "1.20 of that to first order (12.0 % and 10.0 % of the dose)" in told.text


def test_the_check_stands_in_the_result_and_on_the_page_of_uncertainty() -> None:
    plain = sample_result(pictures=False)
    result = replace(plain, monte_carlo=(looked(0.36),))
    (row,) = document.document(result)["monte_carlo"]
    assert (row["u_first_order"], row["u"], row["agrees"], row["lost"]) == (0.3, 0.36, False, 12)
    assert row["interval_first_order"] == pytest.approx([2.4, 3.6])
    (line,) = tables.monte_carlo(result)["rows"]
    assert line == ["Kidney L", "10.0 %", "12.0 %", "no: +20 %", "2.40–3.60", "2.40–3.70", "12"]
    assert document.document(plain)["monte_carlo"] == []
    assert tables.monte_carlo(plain)["rows"] == []


def sample(scan: str, **parts: float) -> Sample:
    return Sample(scan, 24.0, Uncertain(10.0, {k.replace("_", " "): v for k, v in parts.items()}),
                  10.0)  # fmt: skip


def test_causes_of_more_than_one_region_keep_their_names() -> None:
    samples = {
        "left": (sample("s1", registration=0.1, left_counts=0.2, none=0.0),),
        "right": (sample("s1", registration=0.2, right_counts=0.2, none=0.0),),
    }
    assert _shared(samples) == {"registration"}


def test_regions_of_organs_named_together_make_one_group() -> None:
    shipped = protocols.load("LU-FULL")
    assert shipped.calculation is not None
    way = shipped.calculation.model_copy(update={"together": (("kidney", "spleen"),)})
    own = shipped.model_copy(update={"calculation": way})
    organs = {"L": "kidney", "A": "liver", "R": "kidney", "S": "spleen"}
    assert _groups(organs, list(organs), own) == [["L", "R", "S"], ["A"]]
    assert _groups(organs, list(organs), shipped) == [["L"], ["A"], ["R"], ["S"]]
