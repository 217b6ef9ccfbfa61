"""Tests of a counter: chi-square, check source, linearity, control chart."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.errors import InputError, QuimbyError
from quimby.devices import chi_square, control_chart, efficiency, linearity
from quimby.devices.control_chart import Dated, Recalibration
from quimby.devices.efficiency import Tolerance
from quimby.physics.nuclides import nuclide

LIMITS = Tolerance(0.03, 0.05)
CS_H = nuclide("Cs-137").half_life_h.value
CO_H = nuclide("Co-57").half_life_h.value


def test_poisson_counts_pass_in_ninety_five_of_a_hundred() -> None:
    draws = np.random.default_rng(2)
    found: list[str] = [
        chi_square.chi_square(row.tolist()).status for row in draws.poisson(1000, (3000, 10))
    ]
    for status, share in (("pass", 0.95), ("fail_too_small", 0.025), ("fail_too_large", 0.025)):
        assert found.count(status) / 3000 == pytest.approx(share, abs=0.012)


def test_counts_too_even_fail_as_counts_too_uneven_do() -> None:
    even, uneven = [1000, 1001, 999, 1000, 1000], [1000, 1200, 800, 1100, 900]
    for counts, status, word in ((even, "fail_too_small", "less"), (uneven, "fail_too_large",
                                                                     "more")):  # fmt: skip
        found = chi_square.chi_square(counts)
        assert found.status == status
        assert [n.code for n in found.notes] == ["S-QC-FAILED"]
        assert f"scatter {word} than" in found.notes[0].text


@pytest.mark.parametrize(
    ("counts", "says"),
    [([1, 2], "2 readings are too few"), ([0, 0, 0], "mean count is 0"),
     ([100, -1, 90], "count is -1"), ([100, float("nan"), 90], "count is nan")],
)  # fmt: skip
def test_counts_that_cannot_be_tested_are_refused(counts: list[float], says: str) -> None:
    with pytest.raises(InputError, match=says):
        chi_square.chi_square(counts)


def test_few_counts_are_tested_and_the_weakness_is_said() -> None:
    assert "W-QC-FEW-COUNTS" in [n.code for n in chi_square.chi_square([9, 12, 10]).notes]


def test_two_years_of_caesium_are_no_fault_of_the_counter() -> None:
    """4.5 % less after 730 days: a fault only to those who forget the decay."""
    after = efficiency.check_source(
        955.1, 1000, elapsed_h=730 * 24, half_life_h=CS_H, tolerance=LIMITS
    )
    assert after.expected == pytest.approx(955.1, abs=0.1)
    assert after.status == "pass"
    forgot = efficiency.check_source(955.1, 1000, elapsed_h=0, half_life_h=CS_H, tolerance=LIMITS)
    assert forgot.status == "warn"


@pytest.mark.parametrize(
    ("reading", "status", "codes"),
    [(1000, "pass", []), (1029, "pass", []), (1040, "warn", ["W-QC-WARN"]),
     (940, "action", ["S-QC-FAILED"]), (0, "action", ["S-QC-FAILED"]),
     (-3, "action", ["S-QC-FAILED"])],
)  # fmt: skip
def test_a_check_source_warns_and_then_stops(reading: float, status: str, codes: list[str]) -> None:
    found = efficiency.check_source(reading, 1000, elapsed_h=0, half_life_h=CS_H, tolerance=LIMITS)
    assert found.status == status
    assert [n.code for n in found.notes] == codes


def test_a_cobalt_source_is_replaced_after_two_half_lives() -> None:
    last = efficiency.replace_by(dt.date(2024, 1, 1), half_life_h=CO_H)
    assert (last - dt.date(2024, 1, 1)).days == 543
    for days, codes in ((543, []), (544, ["W-SOURCE-OLD"])):
        at = days * 24.0
        reading = 1000 * 2 ** (-at / CO_H)
        found = efficiency.check_source(
            reading, 1000, elapsed_h=at, half_life_h=CO_H, tolerance=LIMITS
        )
        assert [n.code for n in found.notes] == codes
    assert efficiency.replace_by(dt.date(2024, 1, 1), half_life_h=1e9) == dt.date.max


def test_a_reading_before_its_reference_and_limits_the_wrong_way_are_refused() -> None:
    with pytest.raises(InputError, match="time since the reference reading is -1"):
        efficiency.check_source(1, 1, elapsed_h=-1, half_life_h=1, tolerance=LIMITS)
    with pytest.raises(InputError, match=r"no more than 0\.03"):
        Tolerance(0.05, 0.03)
    with pytest.raises(InputError, match="reading is nan"):
        efficiency.check_source(float("nan"), 1, elapsed_h=0, half_life_h=1, tolerance=LIMITS)


@given(st.floats(0.1, 1e4), st.integers(0, 4))
def test_a_linear_meter_is_linear_from_any_reference(scale: float, index: int) -> None:
    times = [0.0, 6.0, 12.0, 24.0, 36.0]
    readings = [scale * 2 ** (-t / 6.015) for t in times]
    found = linearity.by_decay(times, readings, half_life_h=6.015, reference_index=index)
    assert found.status == "pass"
    assert max(map(abs, found.deviation)) < 1e-12


def test_a_meter_that_saturates_fails_at_its_highest_reading() -> None:
    times = [0.0, 6.015, 12.03, 18.045, 24.06]
    readings = [15_000.0, 9_900.0, 5_000.0, 2_500.0, 1_250.0]
    found = linearity.by_decay(times, readings, half_life_h=6.015)
    assert found.reference_index == 2
    assert found.worst == pytest.approx(-0.25)
    assert found.status == "fail"
    assert "reading 1 is -25.0 % off the line (limit 5 %)" in found.notes[0].text


def test_dilutions_are_judged_by_their_ratios_alone() -> None:
    assert linearity.against([1, 10, 100], [2, 20, 200]).status == "pass"
    assert linearity.against([1e6, 1e7, 1e8], [2, 20, 180]).worst == pytest.approx(-0.1)
    with pytest.raises(InputError, match="E-QC-READINGS"):
        linearity.against([1, 10], [2, 20])
    with pytest.raises(InputError, match="Reading is 0"):
        linearity.against([1, 10, 100], [0, 20, 200])
    with pytest.raises(InputError, match="reference index is 3"):
        linearity.against([1, 10, 100], [2, 20, 200], reference_index=3)


def test_the_moving_range_gives_back_the_spread_of_normal_readings() -> None:
    readings = np.random.default_rng(1).normal(100, 2, 20_000).tolist()
    found = control_chart.control_limits(readings)
    assert found.sigma == pytest.approx(2, rel=0.02)
    assert found.middle.u == pytest.approx(2 / np.sqrt(20_000), rel=0.02)
    assert found.notes == ()


def test_a_drift_in_the_baseline_does_not_widen_the_limits_as_it_would_by_plain_deviation() -> None:
    drifting = [100 + 0.5 * i + (-1) ** i * 0.2 for i in range(20)]
    assert control_chart.control_limits(drifting).sigma < 0.25 * np.std(drifting, ddof=1)


def test_a_baseline_needs_ten_readings_that_differ() -> None:
    with pytest.raises(InputError, match="9 readings are too few; a baseline needs 10"):
        control_chart.control_limits(list(range(9)))
    with pytest.raises(QuimbyError, match="E-QC-SPREAD"):
        control_chart.control_limits([5.0] * 10)
    codes = [n.code for n in control_chart.control_limits(list(range(10))).notes]
    assert codes == ["I-QC-BASELINE-SHORT"]


@pytest.mark.parametrize(
    ("z", "last"),
    [
        ([2.0], ()),
        ([-2.1], ("1_2s",)),
        ([3.1], ("1_2s", "1_3s")),
        ([2.1, -2.1], ("1_2s", "R_4s")),
        ([-2.1, -2.2], ("1_2s", "2_2s")),
        ([2.1, 0.0, 2.1], ("1_2s",)),
        ([1.1, 1.2, 1.1, 1.9], ("4_1s",)),
        ([1.1, 1.2, -1.1, 1.9], ()),
        ([0.1] * 9, ()),
        ([-0.1] * 10, ("10_x",)),
        ([0.1] * 9 + [-0.1], ()),
        ([0.0] * 10, ()),
        ([1.1, 1.2, 1.1], ()),
    ],
)
def test_each_rule_is_broken_by_what_it_names(z: list[float], last: tuple[str, ...]) -> None:
    assert control_chart.rules_broken(50, 2, [50 + 2 * x for x in z])[-1] == last


def test_a_chart_in_control_raises_few_false_alarms() -> None:
    readings = np.random.default_rng(4).normal(100, 1, 3000).tolist()
    broken = control_chart.rules_broken(100, 1, readings)
    alarms = sum(bool(set(rules) - {"1_2s"}) for rules in broken)
    assert 0 < alarms / 3000 < 0.05


CHART = control_chart.control_limits([99, 101] * 10)  # sigma 1.77


def test_both_the_chart_and_the_tolerance_must_hold() -> None:
    fine, moved = control_chart.judge(
        [100, 105.4], CHART, target=100, tolerance=Tolerance(0.2, 0.3)
    )
    assert (fine.status, fine.notes) == ("pass", ())
    assert (moved.status, moved.rules) == ("action", ("1_2s", "1_3s"))
    (tight,) = control_chart.judge([101], CHART, target=100, tolerance=Tolerance(0.002, 0.005))
    assert (tight.status, tight.rules) == ("action", ())
    assert [n.code for n in tight.notes] == ["S-QC-FAILED"]


def test_a_slow_drift_away_from_the_target_is_not_hidden_by_its_own_chart() -> None:
    drifted = control_chart.control_limits([x + 8 for x in [99, 101] * 10])
    (now,) = control_chart.judge([108], drifted, target=100, tolerance=LIMITS)
    assert now.rules == ()
    assert now.status == "action"


def day(n: int) -> dt.date:
    return dt.date(2024, 1, 1) + dt.timedelta(days=n)


def dated(first: int) -> list[Dated]:
    return [Dated(day(first + i), 100 + i % 2) for i in range(10)]


def test_a_baseline_starts_anew_only_after_a_recorded_recalibration() -> None:
    old = control_chart.new_baseline(list(reversed(dated(0))))
    assert old.readings[0].on == day(0)
    mended = Recalibration(day(20), "K. Lind", "new photomultiplier")
    new = control_chart.new_baseline(dated(20), old=old, after=mended)
    assert new.after == mended
    for after, first, why in (
        (None, 20, "no recalibration or repair is recorded"),
        (Recalibration(day(20), " ", "drift"), 20, "does not say who did it"),
        (Recalibration(day(5), "K. Lind", "drift"), 20, "is older than the baseline"),
        (mended, 15, "was made before the recalibration"),
    ):
        with pytest.raises(InputError, match=why):
            control_chart.new_baseline(dated(first), old=old, after=after)
