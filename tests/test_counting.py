"""Counting: net rates, limits, efficiency, samples, positions and clocks."""

from __future__ import annotations

import datetime as dt
from math import sqrt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.errors import InputError, MethodUnfit, QuimbyError, ReferenceMissing
from quimby.core.uncertain import Uncertain, exact
from quimby.devices import clock, counting, detection, efficiency, position, typical_doubt
from quimby.devices.counting import BusyTime, Counting
from quimby.physics.nuclides import nuclide

IODINE_H = nuclide("I-131").half_life_h.value
ROOM = Counting(600, 600, "background")


def test_the_doubt_of_a_net_rate_is_that_of_both_counts() -> None:
    net = counting.net_rate(Counting(3600, 60, "sample"), Counting(900, 300, "background"))
    assert net.cps.value == pytest.approx(57.0)
    assert net.cps.u == pytest.approx(sqrt(3600 / 60**2 + 900 / 300**2))
    assert set(net.cps.parts) == {"counts, sample", "counts, background"}
    assert net.detected


def test_repeated_counts_scatter_as_the_doubt_says() -> None:
    draws = np.random.default_rng(7)
    gross, room = draws.poisson(500, 4000), draws.poisson(300, 4000)
    nets = [
        counting.net_rate(Counting(float(g), 100), Counting(float(b), 200, "room")).cps
        for g, b in zip(gross, room, strict=True)
    ]
    assert np.std([n.value for n in nets]) == pytest.approx(
        float(np.mean([n.u for n in nets])), rel=0.04
    )


def test_no_counts_still_leave_the_doubt_of_one() -> None:
    assert Counting(0, 100).rate_cps.u == pytest.approx(0.01)


def test_samples_of_a_batch_share_their_background() -> None:
    one, two = (
        counting.net_rate(Counting(5000, 60, name), ROOM).cps for name in ("sample 1", "sample 2")
    )
    assert "counts, background" not in {c for c, _ in (one - two).budget()}


def test_below_the_decision_limit_the_rate_is_given_and_said_to_be_nothing() -> None:
    net = counting.net_rate(Counting(430, 600, "sample"), Counting(400, 600, "background"))
    assert net.cps.value == pytest.approx(0.05)
    assert not net.detected
    assert [n.code for n in net.notes] == ["W-BELOW-LC"]
    assert net.notes[0].limit == pytest.approx(46.5276, rel=1e-5)
    assert counting.net_rate(Counting(447, 600), Counting(400, 600, "background")).detected


def test_five_percent_of_blanks_pass_the_decision_limit() -> None:
    """And five of a hundred samples at the detection limit are missed: what Currie promises."""
    draws = np.random.default_rng(3)
    limits = detection.currie(400, sample_s=600, background_s=600)
    room = draws.poisson(400, 40_000)
    for true, wanted in ((0.0, 0.05), (limits.detection, 0.95)):
        net = draws.poisson(400 + true, 40_000) - room
        decided = [detection.currie(float(b), sample_s=600, background_s=600).decision
                   for b in room[:4000]]  # fmt: skip
        assert np.mean(net[:4000] > decided) == pytest.approx(wanted, abs=0.012)


@given(st.floats(1, 1e6), st.floats(1, 1e5), st.floats(1, 1e5))
def test_a_longer_background_lowers_both_limits(counts: float, time: float, more: float) -> None:
    """The same rate of background, known from a longer count."""
    short = detection.currie(counts, sample_s=time, background_s=time)
    long = detection.currie(counts * (1 + more), sample_s=time, background_s=time * (1 + more))
    assert long.decision < short.decision
    assert long.detection < short.detection


@given(st.floats(1.5, 1e4), st.floats(0.01, 1.0))
def test_no_other_division_of_the_time_knows_the_net_rate_better(gross: float, room: float) -> None:
    sample_s, room_s = detection.optimum_split(gross, room, total_s=1000)

    def variance(t: float) -> float:
        return gross / t + room / (1000 - t)

    grid = np.linspace(1, 999, 999)
    assert sample_s + room_s == pytest.approx(1000)
    assert variance(sample_s) <= min(variance(t) for t in grid) * (1 + 1e-12)


def test_the_minimum_detectable_activity_carries_the_doubt_of_the_efficiency() -> None:
    seen = detection.minimum_detectable(
        95.76125, Uncertain(0.25, {"efficiency": 0.01}), time_s=600, per_decay=0.817, amount=2.0
    )
    assert seen.value == pytest.approx(0.390703, rel=1e-5)
    assert seen.u_rel == pytest.approx(0.04)
    later = detection.minimum_detectable(
        95.76125, exact(0.25), time_s=600, per_decay=0.817, amount=2.0, decay=0.5
    )
    assert later.value == pytest.approx(2 * seen.value)


BUSY = BusyTime(Uncertain(5e-6, {"dead time": 1e-7}))


@pytest.mark.parametrize("model", ["paralysable", "non-paralysable"])
def test_the_doubt_of_the_counts_grows_with_the_dead_time(model: str) -> None:
    busy = BusyTime(BUSY.tau_s, model)
    found = counting.true_rate(Counting(2e6, 100, "sample"), busy).true_cps
    up, down = (
        counting.true_rate(Counting(2e6 + s, 100, "sample"), busy).true_cps.value
        for s in (1e3, -1e3)
    )
    assert found.parts["counts, sample"] == pytest.approx((up - down) / 2e3 * sqrt(2e6), rel=1e-4)
    assert found.parts["dead time"] > 0


def test_dead_time_comes_off_the_gross_rate_and_not_the_net_one() -> None:
    sample, room = Counting(2e6, 100, "sample"), Counting(5e5, 100, "background")
    net = counting.net_rate(sample, room, busy=BUSY).cps.value
    assert net == pytest.approx(20_000 / 0.9 - 5_000 / 0.975)
    assert net != pytest.approx(15_000 / (1 - 15_000 * 5e-6), rel=1e-3)


def test_a_sample_counts_back_to_when_it_was_drawn() -> None:
    held = efficiency.efficiency(
        Counting(60_600, 600, "standard"), ROOM, Uncertain(0.001, {"standard": 2e-5}),
        elapsed_h=0.0, half_life_h=IODINE_H,
    )  # fmt: skip
    assert held.value == pytest.approx(1e5, rel=1e-6)
    found = counting.sample_activity(
        Counting(30_600, 600, "sample 1"),
        ROOM,
        efficiency_cps_per_mbq=held,
        elapsed_h=IODINE_H,
        half_life_h=IODINE_H,
        geometry=Uncertain(0.5, {"geometry": 0.01}),
    )
    assert found.activity_mbq.value == pytest.approx(0.0005 * 2 / 0.5)
    assert {"standard", "geometry", "counts, sample 1"} <= set(found.activity_mbq.parts)
    assert found.notes == ()


@given(st.floats(1.0, 100.0), st.floats(0.1, 10.0))
def test_standard_and_sample_scaled_alike_leave_the_activity(scale: float, activity: float) -> None:
    """Only the ratio of counts to the standard's counts can matter."""

    def measured(factor: float) -> float:
        room = Counting(0, 600, "background")
        held = efficiency.efficiency(
            Counting(1e5 * factor, 600), room, exact(1.0), elapsed_h=24, half_life_h=IODINE_H
        )
        sample = Counting(1e5 * activity * factor, 600)
        return counting.sample_activity(
            sample, room, efficiency_cps_per_mbq=held, elapsed_h=24, half_life_h=IODINE_H
        ).activity_mbq.value

    assert measured(1.0) == pytest.approx(measured(scale)) == pytest.approx(activity)


def test_geometry_factors_run_straight_between_volumes_and_not_beyond() -> None:
    measured = {1.0: exact(1.0), 2.0: Uncertain(0.96, {"pipette": 0.01}), 5.0: exact(0.84)}
    assert efficiency.factor_at_volume(2.0, measured).u == pytest.approx(0.01)
    assert efficiency.factor_at_volume(3.0, measured).value == pytest.approx(0.92)
    assert efficiency.geometry_factor(exact(0.42), exact(0.5)).value == pytest.approx(0.84)
    with pytest.raises(ReferenceMissing, match=r"it was measured from 1 to 5 ml"):
        efficiency.factor_at_volume(5.1, measured)
    with pytest.raises(InputError, match="none is given"):
        efficiency.factor_at_volume(5.1, {})


def test_two_pipettings_agree_within_three_percent() -> None:
    assert efficiency.pipetting_notes(exact(100), exact(102.9), where="standard") == ()
    codes = [n.code for n in efficiency.pipetting_notes(exact(100), exact(103.2), where="standard")]
    assert codes == ["W-CNT-PIPETTE"]


def test_a_background_that_rose_during_the_batch_is_said() -> None:
    after = Counting(690, 600, "background after")
    assert [n.code for n in counting.batch_notes(ROOM, after, where="batch")] == []
    after = Counting(720, 600, "background after")
    assert [n.code for n in counting.batch_notes(ROOM, after, where="batch")] == ["W-CNT-BATCH"]


@pytest.mark.parametrize(
    ("counts", "seconds", "says"),
    [(-1, 60, "Number of counts is -1"), (5, 0, "Counting time is 0, and must be above zero"),
     (float("nan"), 60, "Number of counts is nan"), (5, float("inf"), "Counting time is inf")],
)  # fmt: skip
def test_a_reading_that_cannot_be_is_refused(counts: float, seconds: float, says: str) -> None:
    with pytest.raises(InputError, match=says):
        Counting(counts, seconds)


def test_a_standard_that_is_not_above_background_gives_no_efficiency() -> None:
    with pytest.raises(QuimbyError, match="Net rate of the standard is 0"):
        efficiency.efficiency(Counting(600, 600), ROOM, exact(1), elapsed_h=0, half_life_h=192.5)
    with pytest.raises(QuimbyError, match="E-NUM-NONPOS"):
        detection.optimum_split(9, 0, total_s=100)
    with pytest.raises(MethodUnfit, match="E-DT-NOSOLUTION"):
        counting.true_rate(Counting(2e7, 100), BUSY)


def test_ten_set_ups_tell_the_scatter_of_the_position() -> None:
    near = [100, 101, 99, 102, 98, 100, 103, 97, 101, 99]
    found = position.repeatability(near)
    assert found.u_rel == pytest.approx(np.std(near, ddof=1) / 100)
    assert found.notes == ()
    assert position.repeatability(near, counting_u_rel=0.02).u_rel < found.u_rel
    wide = [100 + 5 * (r - 100) for r in near]
    assert [n.code for n in position.repeatability(wide).notes] == ["W-CNT-POSITION"]
    with pytest.raises(QuimbyError, match="9 readings are too few"):
        position.repeatability(near[1:])


def test_scatter_from_the_walls_departs_from_the_inverse_square() -> None:
    metres = [1.0, 1.5, 2.0, 3.0]
    departures, notes = position.inverse_square(metres, [100 / d**2 for d in metres])
    assert max(map(abs, departures)) < 1e-12
    assert notes == ()
    _, notes = position.inverse_square(metres, [100 / d**2 + 2 for d in metres])
    assert [n.code for n in notes] == ["W-CNT-DISTANCE"]


ZONE = ZoneInfo("Europe/Berlin")


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> dt.datetime:
    return dt.datetime(2024, 3, day, hour, minute, second, tzinfo=ZONE)


def test_a_clock_that_drifts_is_taken_on_a_straight_line() -> None:
    compared = [clock.Comparison(at(1, 8, 2), at(1, 8)), clock.Comparison(at(21, 8), at(21, 8))]
    found = clock.true_time(at(11, 8, 1), compared)
    assert found.ahead_s == pytest.approx(60, abs=0.1)
    assert abs((found.at - at(11, 8)).total_seconds()) < 0.1
    assert clock.true_time(at(25, 8), compared).ahead_s == 0
    early = clock.true_time(at(1, 7), compared)
    assert early.ahead_s == 120
    assert [n.code for n in early.notes] == ["W-DEV-CLOCK"]
    assert clock.true_time(at(25, 8), []).at == at(25, 8)


def test_a_comparison_across_the_change_of_clocks_is_no_hour_off() -> None:
    compared = [clock.Comparison(at(30, 12), at(30, 12))]
    found = clock.true_time(at(31, 12), compared)
    assert found.ahead_s == 0
    assert found.notes == ()
    old = clock.true_time(at(31, 12) + dt.timedelta(days=60), compared)
    assert [n.code for n in old.notes] == ["W-DEV-CLOCK-OLD"]


def test_all_readings_of_a_clock_are_late_together() -> None:
    one, two = (
        clock.decay_doubt(exact(v), u_s=3600, half_life_h=1.8295, device="probe") for v in (10, 20)
    )
    assert one.u_rel == pytest.approx(np.log(2) / 1.8295)
    assert (two / one).u == pytest.approx(0, abs=1e-12)


def test_the_usual_doubts_are_policy_and_name_their_cause() -> None:
    assert {c.tag for c in typical_doubt.typical().values()} == {"P"}
    found = typical_doubt.with_typical(exact(200.0), "counter-efficiency", "sample-volume")
    assert found.u_rel == pytest.approx(sqrt(0.03**2 + 0.02**2))
    assert found.budget()[0][0] == "efficiency of the gamma counter"
    with pytest.raises(ReferenceMissing, match="no usual uncertainty called 'luck'"):
        typical_doubt.with_typical(exact(1.0), "luck")
