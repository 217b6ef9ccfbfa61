"""Dead time, calibration factors, constancy and scatter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from quimby.core.errors import InputError, MethodUnfit, QuimbyError
from quimby.core.uncertain import Uncertain
from quimby.devices import calibration, constancy, dead_time, scatter
from quimby.devices.calibration import ELAPSED, SUM, Projections

TAU = Uncertain(4.6e-6, {"dead time": 0.05e-6})


@given(st.floats(1.0, 2.0e5), st.sampled_from(dead_time.MODELS))
def test_the_true_rate_comes_back(rate: float, model: str) -> None:
    seen = dead_time.observed_rate(rate, TAU.value, model=model)
    assert dead_time.true_rate(seen, TAU.value, model=model) == pytest.approx(rate, rel=1e-6)


@given(st.floats(100.0, 79_000.0))
def test_lambert_agrees_with_a_plain_root_finder(seen: float) -> None:
    slow = brentq(lambda n: dead_time.observed_rate(n, TAU.value) - seen, 0, 1 / TAU.value)
    assert dead_time.true_rate(seen, TAU.value) == pytest.approx(slow, rel=1e-6)


@pytest.mark.parametrize("model", dead_time.MODELS)
def test_the_doubt_of_tau_moves_the_rate_as_a_small_step_does(model: str) -> None:
    found = dead_time.corrected_rate(18_000.0, TAU, model=model)
    up, down = (dead_time.true_rate(18_000.0, TAU.value + s * 1e-9, model=model) for s in (1, -1))
    assert found.true_cps.u == pytest.approx((up - down) / 2e-9 * TAU.u, rel=1e-5)
    assert found.factor.value == pytest.approx(found.true_cps.value / 18_000)


def test_a_rate_beyond_the_maximum_is_refused() -> None:
    assert dead_time.maximum_rate(4.6e-6) == pytest.approx(79973.79, abs=0.01)
    with pytest.raises(MethodUnfit, match="E-DT-NOSOLUTION"):
        dead_time.true_rate(80_000.0, 4.6e-6)
    with pytest.raises(MethodUnfit, match="E-DT-NOSOLUTION"):
        dead_time.true_rate(1 / 4.6e-6, 4.6e-6, model="non-paralysable")


def test_a_high_load_is_said() -> None:
    seen = dead_time.observed_rate(0.6 / TAU.value, TAU.value)
    assert [n.code for n in dead_time.corrected_rate(seen, TAU).notes] == ["W-DT-HIGH"]


def test_an_uncorrected_loss_above_two_percent_becomes_doubt() -> None:
    quiet = dead_time.uncorrected_loss(2_000.0, corrected=False, where="scan")
    busy = dead_time.uncorrected_loss(10_000.0, corrected=False, where="scan")
    assert quiet.notes == ()
    assert [n.code for n in busy.notes] == ["W-DT-UNCORRECTED"]
    assert busy.factor.u == pytest.approx(0.048, abs=0.001)
    assert dead_time.uncorrected_loss(10_000.0, corrected=True, where="scan").notes == ()


@pytest.mark.parametrize(
    ("unit", "convention", "code"),
    [(None, SUM, "E-CAL-UNIT"), ("cps", SUM, "E-CAL-UNIT"), ("cps/MBq", None, "E-CAL-CONVENTION"),
     ("cps/MBq", "total", "E-CAL-CONVENTION")],
)  # fmt: skip
def test_a_factor_that_does_not_say_what_it_is_is_refused(
    unit: str | None, convention: str | None, code: str
) -> None:
    with pytest.raises(InputError, match=code):
        calibration.factor(Uncertain(9.0), unit=unit, convention=convention)


@given(st.floats(0.01, 100.0), st.floats(0.0, 0.2))
def test_the_two_directions_give_the_same_activity(value: float, u: float) -> None:
    divide = calibration.factor(
        Uncertain(value, {"assay": u * value}), unit="cps/MBq", convention=SUM
    )
    multiply = calibration.factor(
        Uncertain(1 / value, {"assay": u / value}), unit="MBq/cps", convention=SUM
    )
    a, b = (
        calibration.activity_from_counts(Uncertain(1e5), f, duration_s=100.0)
        for f in (divide, multiply)
    )
    assert a.value == pytest.approx(b.value)
    assert a.u == pytest.approx(b.u)
    assert multiply.cps_per_mbq.parts["assay"] <= 0 <= divide.cps_per_mbq.parts["assay"]


@given(st.integers(1, 4))
def test_the_conventions_differ_by_the_number_of_heads(heads: int) -> None:
    time = Projections(120, heads, 20.0)
    assert calibration.seconds(time, SUM) == heads * calibration.seconds(time, ELAPSED)


def test_all_samples_of_a_camera_share_its_calibration() -> None:
    factor = calibration.factor_from_counts(
        calibration.poisson(1e6),
        Uncertain(500.0, {"assay": 10.0}),
        time=Projections(120, 2, 20.0),
        convention=SUM,
        elapsed_h=0.0,
        half_life_h=159.5,
    )
    assert set(factor.value.parts) == {"assay", "counts, calibration"}
    one, two = (
        calibration.activity_from_counts(Uncertain(c), factor, duration_s=2400.0)
        for c in (1e5, 3e5)
    )
    assert set(one.parts) == {"camera calibration"}
    assert (two / one).u == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("value", "heads", "fits"),
    [(9.4, 1, True), (18.7, 1, False), (18.7, 2, True), (2.0, 1, False)],
)
def test_a_factor_is_plausible_for_its_number_of_heads(
    value: float, heads: int, fits: bool
) -> None:
    assert (calibration.plausibility_notes(value, heads=heads) == ()) is fits


@pytest.mark.parametrize(
    ("new", "u", "codes"),
    [(10.3, 0.01, []), (10.6, 0.01, ["W-CAL-DRIFT"]), (10.6, 0.5, []), (11.2, 0.5, ["S-CAL-DRIFT"]),
     (8.9, 0.01, ["S-CAL-DRIFT"])],
)  # fmt: skip
def test_a_drift_is_weighed_against_its_doubt(new: float, u: float, codes: list[str]) -> None:
    found = constancy.constancy(Uncertain(10.0, {"a": 0.01}), Uncertain(new, {"b": u}))
    assert [n.code for n in found.notes] == codes


@pytest.mark.parametrize(("reading", "codes"), [(102.0, []), (107.0, ["W-RNC-DEV"]),
                                                (80.0, ["S-RNC-DEV"])])  # fmt: skip
def test_a_calibrator_far_from_its_certificate_is_said(reading: float, codes: list[str]) -> None:
    found = constancy.cross_calibration(
        Uncertain(200.0), Uncertain(reading), elapsed_h=159.5, half_life_h=159.5
    )
    assert found.factor.value == pytest.approx(100 / reading)
    assert [n.code for n in found.notes] == codes


def test_windows_that_overlap_are_refused() -> None:
    scatter.check_apart((166.4, 187.2), (187.2, 228.8), (228.8, 249.6))
    with pytest.raises(InputError, match="E-SC-WINDOW"):
        scatter.check_apart((166.4, 190.0), (187.2, 228.8))


def test_the_wrong_number_says_what_to_do() -> None:
    with pytest.raises(QuimbyError, match="count rate is -1"):
        dead_time.true_rate(-1.0, 4.6e-6)
