"""Published doses per activity: the place of a patient, and slips that look like patients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.errors import ReferenceMissing
from quimby.population.places import Cohort, place, places, table
from quimby.population.plausible import left_right_note, likely_slip, outlier_note, window

ROW = Cohort("x", "kidney", 20, "Gy/GBq", 0.38, 0.19, None, None, None, "m", "s", "V")


def test_a_centile_agrees_with_throwing_a_log_normal_cohort() -> None:
    s = np.sqrt(np.log1p(0.25))
    thrown = np.random.default_rng(2).lognormal(np.log(0.38) - s**2 / 2, s, 200_000)
    assert thrown.mean() == pytest.approx(0.38, rel=0.01)
    assert thrown.std() == pytest.approx(0.19, rel=0.02)

    found = place(0.5, ROW)

    assert found.centile == pytest.approx(100 * (thrown < 0.5).mean(), abs=0.5)
    assert found.range_gy_per_gbq == pytest.approx(np.percentile(thrown, [5, 95]), rel=0.02)


def test_the_ends_of_the_range_are_the_5th_and_95th_centile() -> None:
    low, high = place(0.4, ROW).range_gy_per_gbq or (0, 0)
    assert place(low, ROW).centile == pytest.approx(5)
    assert place(high, ROW).centile == pytest.approx(95)
    assert place(-0.1, ROW).centile == 0.0


@given(st.floats(0.01, 5), st.floats(1.01, 2))
def test_more_dose_is_a_higher_centile(value: Any, factor: Any) -> None:
    one, two = place(value, ROW).centile, place(value * factor, ROW).centile
    assert one is not None
    assert two is not None
    assert one <= two


def test_a_cohort_without_spread_gives_no_centile() -> None:
    rows = [c for c in table("177Lu-DOTATATE") if c.source.startswith("Rudisile")]
    found = place(0.5, rows[0])
    assert (found.centile, found.range_gy_per_gbq) == (None, None)


def test_places_show_what_can_be_compared_first_and_only_the_same_organ() -> None:
    found = places(0.5, "kidney", table("177Lu-DOTATATE"))
    assert len(found) == 9
    assert found[0].source.startswith("Gupta")
    assert [p.centile is None for p in found] == sorted(p.centile is None for p in found)
    assert places(0.5, "toe", table("177Lu-DOTATATE")) == ()


def test_rows_printed_with_the_wrong_unit_are_not_compared() -> None:
    shown = places(0.5, "kidney", table("177Lu-PSMA"))
    assert not [p for p in shown if "Ells" in p.source]


def test_an_implausible_dose_is_told_with_the_likely_slip() -> None:
    seen = outlier_note(4.04, "kidney", where="kidneys")
    assert seen is not None
    assert seen.code == "W-POP-OUTLIER"
    assert "outside the plausible 0.15 to 1.6 Gy/GBq" in seen.text
    assert "4.04 Gy per 7.4 GBq cycle = 0.546 Gy/GBq" in seen.text
    assert seen.limit == 1.6


def test_the_lower_end_is_named_when_it_is_the_lower_end() -> None:
    seen = outlier_note(0.05, "kidney", where="kidneys")
    assert seen is not None
    assert seen.limit == 0.15
    assert likely_slip(400.0, "kidney").startswith("unit confusion: mGy")
    assert likely_slip(0.0004, "kidney").startswith("unit confusion: Gy")
    assert likely_slip(0.05, "kidney") == ""


def test_the_ends_of_a_window_are_inside_and_an_unknown_organ_is_not_judged() -> None:
    assert outlier_note(0.15, "kidneys", where="") is None
    assert outlier_note(1.6, "kidneys", where="") is None
    assert outlier_note(99.0, "toe", where="") is None
    assert window("lesions") == (0.05, 40.0)


@pytest.mark.parametrize(
    ("left", "right", "told"),
    [(1.0, 1.0, False), (1.7, 1.0, True), (0.5, 1.0, True), (1.0, 0.0, True)],
)
def test_kidneys_that_differ_too_much_are_told(left: Any, right: Any, told: Any) -> None:
    assert (left_right_note(left, right, where="kidneys") is not None) == told


def test_an_unknown_table_is_refused_with_what_there_is() -> None:
    with pytest.raises(ReferenceMissing, match="177Lu-DOTATATE"):
        table("nobody")
