"""Published doses per activity: the place of a patient, and slips that look like patients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.errors import QuimbyError, ReferenceMissing
from quimby.population.compare import standing
from quimby.population.places import Cohort, in_words, place, places, table
from quimby.population.plausible import left_right_note, likely_slip, outlier_note, window

ROW = Cohort("x", "kidney", 20, "Gy/GBq", 0.38, 0.19, None, None, None, "m", "s", "V")


def test_a_centile_agrees_with_throwing_a_log_normal_cohort() -> None:
    s = np.sqrt(np.log1p(0.25))
    thrown = np.random.default_rng(2).lognormal(np.log(0.38) - s**2 / 2, s, 200_000)
    assert thrown.mean() == pytest.approx(0.38, rel=0.01)
    assert thrown.std() == pytest.approx(0.19, rel=0.02)

    found = place(0.5, ROW)

    assert found.centile == pytest.approx(100 * (thrown < 0.5).mean(), abs=0.5)
    assert found.range_5_95 == pytest.approx(np.percentile(thrown, [5, 95]), rel=0.02)


def test_the_ends_of_the_range_are_the_5th_and_95th_centile() -> None:
    low, high = place(0.4, ROW).range_5_95 or (0, 0)
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
    assert (found.centile, found.range_5_95) == (None, None)


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


# Any quantity of a therapy, by the patient's group

DTC = table("I-131-DTC")


def groups_of(found: Any) -> list[str]:
    return [p.group for p in found]


def test_a_row_of_a_patients_own_group_comes_first_and_contradicting_ones_are_left_out() -> None:
    found = places(0.25, "blood", DTC, group={"first", "rhTSH", "F"})

    assert groups_of(found) == [
        "recombinant human TSH, women",
        "before the first radioiodine",
        "recombinant human TSH",
    ]
    assert found[0].mean == 0.087
    assert "prints 0.87" in found[0].note


def test_nothing_known_of_a_patient_shows_every_row() -> None:
    rows = [c for c in DTC if (c.organ, c.quantity) == ("blood", "dose per activity")]

    assert len(places(0.1, "blood", DTC)) == len(rows) == 8


def test_a_value_stands_where_jentzens_table_puts_it() -> None:
    (found,) = [p for p in places(0.25, "blood", DTC, group={"first"}) if "Jentzen" in p.source]

    assert (found.n, found.mean, found.sd, found.median) == (108, 0.11, 0.05, 0.09)
    assert found.published == (0.04, 0.34)
    assert found.z_linear == pytest.approx(2.8)
    assert found.z_lognormal == pytest.approx(2.1111, abs=1e-4)
    assert found.words == "above the published range"
    assert found.centile == pytest.approx(98.26, abs=0.01)


@pytest.mark.parametrize(
    ("value", "organ", "quantity", "unit", "words"),
    [
        (22.0, "whole body", "residence time", "h", "within"),
        (5.0, "whole body", "residence time", "h", "below"),
        (0.6, "whole body", "retention at 48 h", "1", "above"),
        (25.0, "", "largest tolerable activity", "GBq", "within"),
        (0.72, "blood", "beta share of dose", "1", "within"),
        (60.0, "remnant", "effective half-life", "h", "within"),
    ],
)
def test_any_quantity_of_a_therapy_is_told_in_words(
    value: float, organ: str, quantity: str, unit: str, words: str
) -> None:
    found = places(value, organ, DTC, quantity=quantity, unit=unit, group={"later", "THW"})

    assert in_words(found) == f"{words} the published range"
    assert all(p.unit == unit for p in found)


def test_without_a_spread_the_published_patients_are_the_range() -> None:
    rows = [c for c in table("I-131-mIBG") if (c.organ, c.unit) == ("whole body", "Gy")]
    matthay = rows[0]

    assert place(0.5, matthay).words == "below the published range"
    assert place(0.57, matthay).words == place(6.5, matthay).words == "within the published range"
    assert place(6.6, matthay).words == "above the published range"
    assert place(2.0, matthay).centile is None
    assert (place(2.0, matthay).middle, place(2.0, matthay).what) == (2.28, "median")


def test_a_model_has_no_spread_and_says_so() -> None:
    (found,) = places(60.0, "thyroid", table("I-131-benign"), group={"uptake 5 %"})

    assert (found.words, found.n, found.size) == ("no spread published", None, "n not stated")


def test_a_quantity_nobody_published_has_no_reference_and_never_passes() -> None:
    assert in_words(places(1.0, "toe", DTC)) == "no reference available"
    assert in_words(places(22.0, "whole body", DTC, quantity="residence time", unit="d")) == (
        "no reference available"
    )


def test_zero_and_less_lie_below_every_cohort_with_a_spread() -> None:
    found = place(-0.1, ROW)
    assert (found.words, found.centile, found.z_lognormal) == (
        "below the published range", 0.0, None,
    )  # fmt: skip
    assert found.z_linear == pytest.approx(-0.48 / 0.19)


@given(st.floats(0.01, 5))
def test_the_words_are_those_of_the_log_normal_distance(value: Any) -> None:
    found, judged = place(value, ROW), standing(value, mean=0.38, sd=0.19)

    assert found.words == judged.words
    assert found.z_lognormal == pytest.approx(judged.z_lognormal)


def test_an_unknown_group_is_refused_with_what_there_is() -> None:
    with pytest.raises(QuimbyError, match=r"E-POP-GROUP.*rhTSH"):
        places(0.1, "blood", DTC, group={"thyrogen"})


@pytest.mark.parametrize("words", [{"THW", "rhTSH"}, {"F", "M"}])
def test_a_patient_of_two_groups_at_once_is_refused(words: set[str]) -> None:
    with pytest.raises(QuimbyError, match="E-POP-GROUP-TWO"):
        places(0.1, "blood", DTC, group=words)
