"""A monitor's log averaged in intervals: means, their doubt, gaps, drift, the device's clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from quimby.core.errors import QuimbyError
from quimby.core.time import hours_between
from quimby.devices.clock import Comparison
from quimby.measure.readings import checks
from quimby.measure.readings.log import Averaged, Window, averaged, whole_body
from quimby.measure.readings.reading import Reading, read
from quimby.measure.readings.suggest import suggest
from quimby.measure.readings.table import table_of
from quimby.measure.readings.template import template

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 5, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def log(values: Any, *, step_s: int = 1, unit: str = "µSv/h") -> tuple[Reading, ...]:
    """A log as the reader gives it, from a file of its kind."""
    lines = [f"{(START + timedelta(seconds=i * step_s)).isoformat()};{v:.10g}"
             for i, v in enumerate(values) if np.isfinite(v)]  # fmt: skip
    table = table_of("\n".join([f"time;value [{unit}]", *lines]).encode(), file="monitor.csv")
    columns = suggest(table, "monitor_log").columns
    return read(table, columns.confirmed("K. Lind", NOW)).readings


def relogged(readings: Sequence[Reading], values: Any) -> tuple[Reading, ...]:
    """The same log with other values."""
    return tuple(
        replace(r, quantities={"value": replace(r.quantities["value"], value=float(v))})
        for r, v in zip(readings, values, strict=True)
    )


def noise(count: int, sd: float, seed: int = 1) -> Any:
    return np.random.default_rng(seed).normal(0.0, sd, count)


def one(readings: Sequence[Reading], start: float, end: float, **words: Any) -> Averaged:
    (found,) = averaged(readings, [Window("front", at(start), at(end), "row 2")], **words)
    return found


def codes(found: Averaged) -> set[str]:
    return {n.code for n in found.notes}


def test_a_mean_is_of_the_values_from_begin_to_before_the_end() -> None:
    found = one(log(np.arange(600.0) % 60 + 40), 2, 3)  # the 120th to the 179th second

    assert found.count == 60
    assert found.mean.value == pytest.approx(np.mean(np.arange(60.0) + 40))
    assert (found.mean.unit, found.mean.where) == ("µSv/h", "row 2")


def test_independent_scatter_gives_the_doubt_of_the_mean_that_theory_says() -> None:
    us, errors = [], []
    base = log(40 + noise(120, 1.0))
    for seed in range(60):
        found = one(relogged(base, 40 + noise(120, 2.0, seed)), 0, 2)
        assert found.mean.u is not None
        us.append(found.mean.u)
        errors.append(found.mean.value - 40)

    assert np.mean(us) == pytest.approx(2 / np.sqrt(120), rel=0.15)
    assert np.std(errors) == pytest.approx(2 / np.sqrt(120), rel=0.25)


def test_a_slow_display_is_not_believed_to_measure_anew_every_second() -> None:
    """A rate meter of 20 s time constant: s/sqrt(n) would promise six times too much."""
    keep = np.exp(-1 / 20)
    covered, plain = [], []
    base = log(40 + noise(600, 1.0))
    for seed in range(40):
        raw, values = noise(900, 2.0, seed), [0.0]
        for x in raw[1:]:
            values.append(keep * values[-1] + (1 - keep) * x)
        found = one(relogged(base, 40 + np.array(values)[300:]), 0, 10)
        assert found.mean.u is not None
        covered.append(abs(found.mean.value - 40) < 2 * found.mean.u)
        plain.append(np.std(values[300:], ddof=1) / np.sqrt(600) / found.mean.u)

    assert np.mean(covered) > 0.85
    assert np.mean(plain) < 0.3


def test_the_last_digit_of_a_display_that_hardly_moves_is_part_of_the_doubt() -> None:
    values = [0.12] * 300
    values[200] = 0.13  # outside the interval
    found = one(log(values), 0, 3)

    assert found.mean.value == pytest.approx(0.12)
    assert found.mean.u == pytest.approx(0.01 / np.sqrt(12))


def test_a_log_that_never_changes_is_refused() -> None:
    with pytest.raises(QuimbyError, match=r"E-READ-LOG .*every one of its 300 values is 40"):
        one(log([40.0] * 300), 0, 3)


def test_a_patient_who_walks_away_in_the_interval_is_noted_and_a_still_one_is_not() -> None:
    still = 40 + noise(600, 1.0)
    assert codes(one(log(still), 0, 10)) == set()
    falling = still * np.linspace(1.1, 0.9, 600)
    found = one(log(falling), 0, 10)

    assert codes(found) == {"W-READ-LOG-DRIFT"}
    assert found.notes[0].value == pytest.approx(-0.20, abs=0.03)
    assert codes(one(log(still * np.linspace(1.01, 0.99, 600)), 0, 10)) == set()  # below 5 %


def test_still_patients_are_seldom_said_to_drift() -> None:
    base = log(40 + noise(300, 1.0))
    logs = (relogged(base, 40 + noise(300, 8.0, seed)) for seed in range(100))
    noted = [codes(one(readings, 0, 5)) for readings in logs]

    assert sum("W-READ-LOG-DRIFT" in c for c in noted) <= 4


def test_a_gap_is_noted_with_what_is_left() -> None:
    values = 40 + noise(600, 1.0)
    values[120:420] = np.nan
    found = one(log(values), 0, 10)

    assert found.count == 300
    assert codes(found) == {"W-READ-LOG-GAP"}
    assert found.notes[0].value == pytest.approx(0.5, abs=0.01)


def test_an_interval_outside_the_log_says_where_the_log_is() -> None:
    with pytest.raises(QuimbyError) as error:
        one(log(40 + noise(600, 1.0)), 60, 65)

    assert error.value.code == "E-READ-LOG"
    assert "the log runs from 2026-03-02 09:00 to 2026-03-02 09:09" in error.value.what


def test_a_minute_s_log_of_five_values_is_enough_and_of_four_is_not() -> None:
    readings = log(40 + noise(60, 1.0), step_s=60)

    assert one(readings, 10, 15).count == 5
    with pytest.raises(QuimbyError, match="holds 4 values"):
        one(readings, 10, 14)


def test_counts_in_a_second_become_a_rate_with_the_scatter_of_poisson() -> None:
    counts = np.random.default_rng(3).poisson(900, 400)
    found = one(log(counts, unit="counts/2 s"), 0, 5)

    assert (found.mean.unit, found.mean.kind) == ("cps", "count rate")
    assert found.mean.value == pytest.approx(450, rel=0.01)
    assert found.mean.u == pytest.approx(np.sqrt(450 / 2 / 300), rel=0.5)


def test_a_fast_clock_is_set_right_before_the_interval_is_cut_out() -> None:
    """The patient stood there from minute 5 to 10; the monitor's clock was 90 s ahead."""
    values = np.where(np.arange(1200) // 60 % 20 < 5, 0.1, 40.0) + noise(1200, 0.02)
    values[600:] = 0.1 + noise(600, 0.02)
    fast = [Comparison(shown=at(1.5), true=at(0))]
    shown = log(np.r_[np.full(90, 0.1) + noise(90, 0.02, 2), values])

    assert one(shown, 5, 10, clock=fast).mean.value == pytest.approx(40, abs=0.05)
    assert "W-DEV-CLOCK" in codes(one(shown, 5, 10, clock=fast))
    assert one(shown, 5, 10).mean.value < 30  # the clock as it was


def test_intervals_that_overlap_or_run_backwards_are_refused() -> None:
    readings = log(40 + noise(600, 1.0))
    with pytest.raises(QuimbyError, match="ends before it begins"):
        one(readings, 3, 2)
    two = [
        Window("front", at(0), at(3), "row 2, front"),
        Window("back", at(2), at(5), "row 2, back"),
    ]
    with pytest.raises(QuimbyError, match="runs into that of row 2, front"):
        averaged(readings, two)
    room = [
        Window("background", at(0), at(3), "row 2"),
        Window("background", at(0), at(3), "row 3"),
    ]
    assert len(averaged(readings, room)) == 2, "one empty room may serve two readings"


WINDOWS = (
    "patient;front from;front to;back from;back to;background from;background to;voided before\n"
    "0000-77;2026-03-02 10:05;2026-03-02 10:08;2026-03-02 10:09;2026-03-02 10:12;"
    "2026-03-02 10:15;2026-03-02 10:18;no\n"
    "0000-77;2026-03-02 10:25;2026-03-02 10:28;;;2026-03-02 10:15;2026-03-02 10:18;yes\n"
)


def windows(text: str = WINDOWS) -> tuple[Reading, ...]:
    table = table_of(text.encode(), file="windows.csv")
    return read(table, suggest(table, "monitor_windows", zone="Europe/Berlin").columns).readings


def test_a_log_and_its_intervals_are_whole_body_readings() -> None:
    """Berlin is an hour ahead of the log's UTC; nothing else says where the patient was."""
    minute = np.arange(40 * 60) / 60
    level = np.select([(minute > 4) & (minute < 8.5), (minute > 8.8) & (minute < 13),
                       (minute > 24) & (minute < 29)], [41.0, 37.0, 30.0], 0.12)  # fmt: skip
    readings, notes = whole_body(log(level + noise(2400, 0.01)), windows())
    first, second = readings

    assert [round(first.value(k), 1) for k in ("front", "back", "background")] == [41.0, 37.0, 0.1]
    assert second.quantities.keys() == {"front", "background"}
    assert (first.route, first.patient, first.answers["voided"]) == ("whole_body", "0000-77", "no")
    assert hours_between(at(8.5), first.at) == pytest.approx(0)  # type: ignore[arg-type]
    assert all(q.u is not None and 0 < q.u < 0.01 for q in first.quantities.values())
    assert notes == ()
    (series,) = checks.series(readings)
    assert (series.problems, series.notes) == ((), ())


def test_half_an_interval_is_refused_by_its_row() -> None:
    with pytest.raises(QuimbyError) as error:
        windows(WINDOWS.replace("2026-03-02 10:12;", ";"))

    assert error.value.code == "E-READ-MISSING"
    assert "'back to'" in error.value.what
    assert "row 2" in error.value.where


def test_the_template_of_intervals_asks_for_begin_and_end_in_three_languages() -> None:
    heads = [template("monitor_windows", language=n, form="csv").decode("utf-8-sig").splitlines()[0]
             for n in ("en", "de", "fr")]  # fmt: skip

    assert "front from,front to" in heads[0]
    assert "vorne von;vorne bis" in heads[1]
    assert "face de;face à" in heads[2]


def test_two_values_of_one_second_are_refused() -> None:
    readings = log([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    with pytest.raises(QuimbyError, match="two readings have the same time"):
        one([*readings, readings[0]], 0, 1)
