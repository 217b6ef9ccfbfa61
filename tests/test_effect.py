"""DVH, BED and limits: hand values, slow ways, and the words of the notes."""

from __future__ import annotations

from math import exp, log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from quimby.core.errors import InputError, ReferenceMissing
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain, exact, total
from quimby.effect import bed as b
from quimby.effect.dvh import doses, resolution_note
from quimby.effect.limits import applicable, check, probability_above, table, tables

KIDNEY = b.Tissue(
    "kidney",
    Constant("alpha/beta kidney", 2.5, "Gy", "test", "M", u=0.1),
    Constant("repair half-time kidney", 2.8, "h", "test", "M", u=0.5),
)
LU177 = table("lu177")


def test_dose_volume_figures_of_an_even_spread() -> None:
    figures = doses((np.arange(1000) + 0.5) / 100).figures()

    assert figures.mean_gy == pytest.approx(5.0)
    assert (figures.d98_gy, figures.d50_gy, figures.d2_gy) == pytest.approx((0.2, 5.0, 9.8))
    assert figures.volume_fraction[0] == 1.0
    assert np.interp(7.5, figures.dose_gy, figures.volume_fraction) == pytest.approx(0.25, abs=5e-3)
    assert len(figures.dose_gy) >= 200


def test_one_dose_everywhere_gives_that_dose_everywhere() -> None:
    d = doses(np.full(10, 3.0))
    assert (d.d(98), d.d(2), d.eud(0.35), d.geud(-10)) == pytest.approx((3, 3, 3, 3))
    assert (d.v(3.0), d.v(3.0001)) == pytest.approx((1.0, 0.0))


@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(1, 9)), min_size=1, max_size=30),
    st.floats(0.5, 20),
)
def test_a_weight_of_three_is_the_same_voxel_three_times(rows: Any, gy: Any) -> None:
    values, weights = zip(*rows, strict=True)
    once, repeated = doses(values, weights), doses(np.repeat(values, weights))

    assert once.mean_gy == pytest.approx(repeated.mean_gy)
    assert once.v(gy) == pytest.approx(repeated.v(gy))
    assert once.eud(0.2) == pytest.approx(repeated.eud(0.2), abs=1e-6)


@given(st.lists(st.floats(0.1, 200), min_size=2, max_size=40))
def test_hot_and_cold_ends_stand_in_order(values: Any) -> None:
    d = doses(values)
    eps = 1e-9 * max(values)
    assert min(values) - eps <= d.d(98) <= d.d(50) + eps
    assert d.d(50) <= d.d(2) + eps <= max(values) + 2 * eps
    assert d.geud(-10) <= d.mean_gy + eps
    assert d.geud(10) >= d.mean_gy - eps
    assert min(values) - 1e-6 <= d.eud(0.35) <= d.mean_gy + 1e-6


def test_a_dose_far_too_large_for_an_exponential_still_has_an_eud() -> None:
    assert doses([9000.0, 9000.0]).eud(0.35) == pytest.approx(9000.0)


def test_a_cold_spot_makes_the_tumour_geud_zero() -> None:
    assert doses([0.0, 100.0]).geud(-10) == 0.0


@pytest.mark.parametrize(
    ("values", "weights", "says"),
    [([], None, "zero everywhere"), ([1.0], [0.0], "zero everywhere"),
     ([1.0, float("nan")], None, "no number")],
)  # fmt: skip
def test_a_region_without_doses_is_refused(values: Any, weights: Any, says: Any) -> None:
    with pytest.raises(InputError, match=says) as caught:
        doses(values, weights, where="liver")
    assert caught.value.code == "E-DVH-EMPTY"


@pytest.mark.parametrize(
    "call",
    [lambda d: d.d(101), lambda d: d.geud(0), lambda d: d.eud(0), lambda d: d.eud(float("nan"))],
)
def test_senseless_questions_to_a_dvh_are_refused(call: Any) -> None:
    with pytest.raises(InputError):
        call(doses([1.0, 2.0]))


def test_a_region_smaller_than_three_resolutions_is_told() -> None:
    assert resolution_note(28.0, 10.0, where="lesion") is None
    seen = resolution_note(26.0, 10.0, where="lesion")
    assert seen is not None
    assert seen.code == "W-DVH-RES"
    assert "26.0 ml; below 27.0 ml" in seen.text


def slow_g(a: Any, rates: Any, half_time: Any) -> Any:
    """G by its defining double integral."""
    mu = log(2) / half_time

    def rate(t: Any) -> Any:
        return sum(x * exp(-r * t) for x, r in zip(a, rates, strict=True))

    def before(t: Any) -> Any:
        return quad(lambda s: rate(s) * exp(-mu * (t - s)), 0, t)[0]

    dose = sum(x / r for x, r in zip(a, rates, strict=True))
    return 2 / dose**2 * quad(lambda t: rate(t) * before(t), 0, 40 / min(rates), limit=200)[0]


@given(st.floats(0.01, 0.05), st.floats(2.0, 30.0), st.floats(-1.0, 1.0), st.floats(0.5, 10.0))
@settings(max_examples=6, deadline=None)
def test_g_agrees_with_its_double_integral(
    slow: Any, faster: Any, amplitude: Any, half_time: Any
) -> None:
    a, rates = [1.0, amplitude], [slow, slow * faster]

    assert b.lea_catcheside(a, rates, half_time) == pytest.approx(
        slow_g(a, rates, half_time), rel=1e-4
    )


def test_one_exponential_has_the_short_form() -> None:
    assert b.lea_catcheside([3.0], [log(2) / 51], 2.8) == pytest.approx(2.8 / 53.8)
    assert b.lea_catcheside([3.0], [log(2) / 51], 0.0) == 0.0


def test_two_repair_components_weigh_their_factors() -> None:
    a, rates = [1.0], [log(2) / 51]
    both = b.g_two_components(a, rates, [(0.5, 0.3), (0.5, 4.0)])
    assert both == pytest.approx((b.g_mono(0.3, 51) + b.g_mono(4.0, 51)) / 2)
    with pytest.raises(InputError, match="must be one"):
        b.g_two_components(a, rates, [(0.5, 0.3)])


def test_bed_of_four_cycles_is_the_sum_and_not_that_of_the_summed_dose() -> None:
    g = b.g_mono(2.8, 51)
    assert b.bed_of_cycles([5.75] * 4, g, 2.5) == pytest.approx(25.75, abs=0.005)
    assert b.bed(23.0, g, 2.5) == pytest.approx(34.01, abs=0.005)


def test_the_doubt_of_a_bed_agrees_with_throwing_numbers() -> None:
    rng = np.random.default_rng(3)
    z = rng.normal(size=(4, 20_000))
    dose, half_life = 5.75 * (1 + 0.1 * z[0]), 51 * (1 + 0.05 * z[1])
    ratio, repair = 2.5 + 0.1 * z[2], 2.8 + 0.5 * z[3]
    g = repair / (repair + half_life)
    thrown = dose + g * dose**2 / ratio
    rate = log(2) / 51

    found = b.effect(
        Uncertain(5.75, {"dose": 0.575}),
        [1.0],
        [Uncertain(rate, {"kinetics": 0.05 * rate})],
        KIDNEY,
    )

    assert found.bed_gy.value == pytest.approx(6.438289962825279)
    assert found.bed_gy.u == pytest.approx(thrown.std(), rel=0.03)
    thrown_eqd2 = thrown / (1 + 2 / ratio)
    assert found.eqd2_gy.u == pytest.approx(thrown_eqd2.std(), rel=0.03)
    assert set(found.bed_gy.parts) == {
        "dose",
        "kinetics",
        "alpha/beta kidney",
        "repair time kidney",
    }


def test_two_cycles_share_the_doubt_of_the_radiobiology() -> None:
    one = b.effect(exact(5.75), [1.0], [log(2) / 51], KIDNEY).bed_gy
    assert total([one, one]).u == pytest.approx(2 * one.u)


def test_alpha_rays_weigh_more_and_stay_gray() -> None:
    assert b.rbe_weighted(1.2, 0.3, 5.0) == pytest.approx(6.3)
    mixed = b.bed_mixed(1.2, 0.3, rbe=5.0, g=0.05, alpha_beta_gy=2.5)
    assert mixed == pytest.approx(6.0 + 0.3 + 0.05 * 0.09 / 2.5)


def test_fractions_of_two_gray_have_the_text_book_bed() -> None:
    assert b.bed_of_fractions(20.0, 10, 2.5) == pytest.approx(20 * 1.8)
    assert b.eqd2(36.0, 2.5) == pytest.approx(20.0)


def test_an_even_bed_is_its_own_eubed_and_voxels_agree_with_one_by_one() -> None:
    assert b.eubed([7.0, 7.0], 0.35) == pytest.approx(7.0)
    assert b.eubed([20, 50, 100], 0.35, [10, 30, 60]) == pytest.approx(26.578578534439465)
    assert b.voxel_bed(np.array([5.75]), 0.05, 2.5)[0] == pytest.approx(b.bed(5.75, 0.05, 2.5))


@pytest.mark.parametrize(
    "call",
    [
        lambda: b.bed(1.0, 0.1, 0.0),
        lambda: b.bed(-1.0, 0.1, 2.5),
        lambda: b.g_mono(-1.0, 51.0),
        lambda: b.g_mono(2.8, 0.0),
        lambda: b.lea_catcheside([1.0], [0.0], 2.8),
        lambda: b.lea_catcheside([1.0, -9.0], [0.01, 0.02], 2.8),
        lambda: b.eqd2(1.0, -2.5),
        lambda: b.rbe_weighted(1.0, 1.0, 0.0),
        lambda: b.bed_of_fractions(10.0, 0, 2.5),
        lambda: b.eubed([1.0], -0.35),
        lambda: b.voxel_bed(np.ones(1), 0.1, 0.0),
    ],
)
def test_bad_radiobiology_is_refused(call: Any) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.code == "E-BED-PARAM"


def test_an_earlier_exposure_without_a_bed_leaves_the_total_unknown() -> None:
    known, notes = b.total_bed(exact(6.0), [("cycle 1", exact(7.0))], where="kidneys")
    assert known is not None
    assert (known.value, notes) == (13.0, ())

    unknown, notes = b.total_bed(exact(6.0), [("radiotherapy 2019", None)], where="kidneys")
    assert unknown is None
    assert [n.code for n in notes] == ["W-BED-EXPOSURE"]
    assert "radiotherapy 2019" in notes[0].text


@pytest.mark.parametrize(
    ("factors", "single", "limit"),
    [((), False, 40.0), (("hypertension",), False, 28.0), ((), True, 28.0)],
)
def test_risk_factors_and_a_single_kidney_pick_the_lower_bed_limit(
    factors: Any, single: Any, limit: Any
) -> None:
    found = applicable(LU177.limits, "kidney", risk_factors=factors, single_kidney=single)
    assert {x.quantity: x.constant.value for x in found} == {"absorbed dose": 23.0, "BED": limit}


def kidney_limit(quantity: Any = "absorbed dose") -> Any:
    return next(x for x in LU177.limits if x.organ == "kidney" and x.quantity == quantity)


@pytest.mark.parametrize(
    ("gray", "u", "codes"),
    [
        (24.1, 2.0, ["S-LU-DOSE-LIMIT", "S-CONST-UNVERIFIED"]),
        (21.0, 2.0, ["W-LU-LIMIT-NEAR", "S-CONST-UNVERIFIED"]),
        (12.0, 2.0, ["I-CONST-UNVERIFIED"]),
    ],
)
def test_reached_near_and_clear_of_a_limit(gray: Any, u: Any, codes: Any) -> None:
    found, notes = check(kidney_limit(), Uncertain(gray, {"all": u}), where="kidneys")
    assert [n.code for n in notes] == codes
    assert found.share == pytest.approx(gray / 23)


def test_a_confirmed_constant_no_longer_blocks() -> None:
    limit = kidney_limit()
    _, notes = check(
        limit, exact(24.1), where="kidneys", rests_on=KIDNEY.constants,
        confirmed={limit.constant.name, *(c.name for c in KIDNEY.constants)},
    )  # fmt: skip
    assert [n.code for n in notes] == ["S-LU-DOSE-LIMIT"]
    assert notes[0].text.startswith("LIMIT REACHED. kidneys: 24.1 Gy of 23 Gy")


def test_a_decision_names_each_constant_it_rests_on() -> None:
    limit = kidney_limit("BED")
    _, notes = check(limit, exact(41.0), where="kidneys", rests_on=KIDNEY.constants)
    assert [n.code for n in notes] == ["S-LU-BED-LIMIT"] + 3 * ["S-CONST-UNVERIFIED"]
    assert "alpha/beta kidney = 2.5 Gy" in notes[2].text


def test_the_chance_of_being_above_agrees_with_throwing_numbers() -> None:
    rng = np.random.default_rng(11)
    for u in (0.15, 0.6):
        value = Uncertain(20.0, {"all": 20 * u})
        if u < 0.3:
            thrown = rng.normal(20, 20 * u, 200_000)
        else:
            s = np.sqrt(np.log1p(u**2))
            thrown = rng.lognormal(np.log(20) - s**2 / 2, s, 200_000)
        assert probability_above(value, 23.0) == pytest.approx((thrown > 23).mean(), abs=0.004)


def test_without_doubt_it_is_above_or_not() -> None:
    assert probability_above(exact(24.0), 23.0) == 1.0
    assert probability_above(exact(22.0), 23.0) == 0.0


def test_an_unknown_table_of_limits_is_refused_with_what_there_is() -> None:
    with pytest.raises(ReferenceMissing, match="lu177"):
        table("nowhere")
    assert "lu177" in tables()


def test_a_larger_alpha_beta_means_less_bed_and_more_eqd2() -> None:
    found = b.effect(exact(5.75), [1.0], [log(2) / 51], KIDNEY)
    g, cause, step = b.g_mono(2.8, 51), "alpha/beta kidney", 1e-4
    more, less = (b.bed(5.75, g, 2.5 + s) for s in (step, -step))
    in_2gy = b.eqd2(more, 2.5 + step) - b.eqd2(less, 2.5 - step)

    assert found.bed_gy.parts[cause] == pytest.approx(0.1 * (more - less) / (2 * step), rel=1e-4)
    assert found.eqd2_gy.parts[cause] == pytest.approx(0.1 * in_2gy / (2 * step), rel=1e-4)
