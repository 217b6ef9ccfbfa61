"""Numbers at the door: the rules of the house, the ties, and the ends of the scale."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.uncertain import Uncertain
from quimby.report import rounding as say

NARROW = say.THIN


def doubt(value: float, u: float) -> Uncertain:
    return Uncertain(value, {"one cause": u})


@pytest.mark.parametrize(
    ("value", "u", "printed"),
    [
        (3.4211, 0.4187, "3.42 ± 0.42"),
        (31.24, 7.41, "31.2 ± 7.4"),
        (0.2104, 0.0842, "0.210 ± 0.084"),
        (9.96, 0.996, "10.0 ± 1.0"),  # u gains a digit when it is rounded
        (70.4, 16.6, "70 ± 17"),
        (5.0, 0.50, "5.00 ± 0.50"),  # trailing zeros stay
        (12559.0, 1340.0, f"12{NARROW}600 ± 1300"),
        (-0.02, 0.31, f"{say.MINUS}0.02 ± 0.31"),
        (1234.0, 99.6, "1230 ± 100"),
    ],
)
def test_u_has_two_digits_and_the_value_the_same_decimal(
    value: float, u: float, printed: str
) -> None:
    assert say.plus_minus(doubt(value, u)) == printed


def test_without_a_cause_the_doubt_is_said_to_be_unknown() -> None:
    assert say.plus_minus(Uncertain(0.21904), "Gy") == "0.219 Gy, ± not known"
    assert say.interval(Uncertain(0.219)) == "not known"


@pytest.mark.parametrize(
    ("value", "u", "printed"),
    [(0.125, 0.20, "0.12"), (0.375, 0.20, "0.38"), (2.5, 12.0, "2"), (3.5, 12.0, "4")],
)
def test_a_tie_goes_to_the_even_digit(value: float, u: float, printed: str) -> None:
    assert say.value_and_u(doubt(value, u))[0] == printed


def test_an_interval_stands_to_two_digits_of_twice_u() -> None:
    assert say.interval(doubt(3.4211, 0.4187)) == "2.58–4.26"
    assert say.interval(doubt(5.241, 0.66)) == "3.9–6.6"


def test_above_thirty_per_cent_the_interval_is_log_normal_and_stays_above_zero() -> None:
    # spread² = ln(1 + 0.6²) = 0.30748; exp(ln 1 − 0.15374 ± 2·0.55451) = 0.2829 and 2.599
    assert say.interval(doubt(1.0, 0.6)) == "0.3–2.6"


@given(st.floats(1e-3, 1e4), st.floats(1e-4, 1e4))
def test_no_interval_of_a_dose_reaches_below_zero(value: float, u: float) -> None:
    low, _, high = say.interval(doubt(value, u)).partition("–")
    assert say.MINUS not in low
    assert float(low.replace(NARROW, "")) <= float(high.replace(NARROW, ""))


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e5))
def test_what_is_printed_lies_within_half_a_last_place(value: float, u: float) -> None:
    printed, printed_u = say.value_and_u(doubt(value, u))
    place = Decimal(1).scaleb(say.last_place(u))
    back = Decimal(printed.replace(NARROW, "").replace(say.MINUS, "-"))
    back_u = Decimal(printed_u.replace(NARROW, ""))
    assert abs(back - Decimal(repr(value))) <= place / 2
    assert abs(back_u - Decimal(repr(u))) <= place / 2
    assert 10 <= back_u / place <= 99


@given(st.floats(1e-6, 1e6))
def test_two_significant_digits_are_within_five_per_cent(x: float) -> None:
    assert float(say.significant(x).replace(NARROW, "")) == pytest.approx(x, rel=0.0501)


@pytest.mark.parametrize(
    ("x", "printed"),
    [(0.464, "0.46"), (4.239, "4.2"), (31.2, "31"), (0.02855, "0.029"), (1078.0, "1078"),
     (0.0, "0"), (9.96, "10")],
)  # fmt: skip
def test_dose_per_activity_has_two_digits(x: float, printed: str) -> None:
    assert say.significant(x) == printed


@pytest.mark.parametrize(
    ("share", "printed"),
    [(0.3013, "30 %"), (0.0, "0 %"), (0.0004, "< 0.1 %"), (0.004, "< 1 %"), (1.048, "105 %"),
     (0.125, "12 %")],
)  # fmt: skip
def test_share_of_a_limit_is_whole_per_cent(share: float, printed: str) -> None:
    assert say.percent(share) == printed


@pytest.mark.parametrize(
    ("p", "printed"),
    [(1e-9, "below 0.1 %"), (0.004, "below 1 %"), (0.118, "12 %"), (0.9999, "above 99.9 %")],
)
def test_a_chance_is_never_zero_nor_certain(p: float, printed: str) -> None:
    assert say.probability(p) == printed


def test_activity_turns_to_gbq_at_one() -> None:
    assert say.activity(doubt(7370.0, 186.0)) == ("7.37", "0.19", "GBq")
    assert say.activity(doubt(999.0, 30.0)) == ("999", "30", "MBq")
    assert say.plain_activity(7400.0) == "7.40 GBq"


def test_a_deviation_carries_its_sign() -> None:
    assert say.deviation(7370, 7400) == f"{say.MINUS}0.4 %"
    assert say.deviation(7474, 7400) == "+1.0 %"
    assert say.deviation(7400.1, 7400) == "+0.0 %" or say.deviation(7400.1, 7400) == "0.0 %"


def test_thousands_are_parted_from_ten_thousand_on() -> None:
    assert say.fixed(9999.0, 0) == "9999"
    assert say.fixed(10000.0, 0) == f"10{NARROW}000"
    assert say.fixed(-1234567.0, 0) == f"{say.MINUS}1{NARROW}234{NARROW}567"


def test_minus_nothing_is_nothing() -> None:
    assert say.fixed(-0.004, -2) == "0.00"


def test_centiles_stay_open_at_the_ends() -> None:
    assert [say.centile(x) for x in (0.4, 74.4, 99.6)] == ["< 1", "74", "> 99"]


def test_times_have_one_decimal() -> None:
    assert say.hours(167.41) == "167.4 h"


def test_long_numbers_inside_a_text_are_grouped_and_zero_has_no_sign() -> None:
    assert say.grouped_in("1.166e+07 counts") == "11\u2009660\u2009000 counts"
    assert say.grouped_in("10336 ml") == "10\u2009336 ml"
    for kept in ("2026-01-19", "9999", "0.123456", "tp1/12345.dcm", "1.2.84000.1", "EX-20417"):
        assert say.grouped_in(kept) == kept
    assert say.grouped_in("−0.0") == "0.0"
    assert say.grouped_in("−0.04") == "−0.04"
