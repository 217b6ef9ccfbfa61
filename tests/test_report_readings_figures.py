"""Figures of readings: axes that hold what is shown, sentences, and the same bytes again."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from matplotlib.image import imread

from quimby.core.uncertain import Uncertain
from quimby.report.figures import plan as plans
from quimby.report.figures import series as figures_series
from quimby.report.figures.causes import cause_bars
from quimby.report.figures.series import LEAST_DECADES, series_figure, shared
from quimby.report.figures.stages import timeline
from quimby.report.readings.drawings import stage_stacks
from quimby.study.result import Result
from tests.sample_stages import bare_result, drawn, dtc_result, mibg_result, thyroid_result

FIGURES = {
    "thyroid": ["series_summary", "plan", "series_tracer_thyroid", "series_therapy_thyroid",
                "causes_plan", "causes_dose"],
    "dtc": ["series_summary", "plan", "series_tracer_whole_body", "series_tracer_blood",
            "series_therapy_whole_body", "series_therapy_blood", "causes_plan", "causes_dose"],
    "mibg": ["series_summary", "plan", "timeline", "series_1_whole_body", "series_2_whole_body",
             "causes_plan", "causes_dose"],
    "bare": ["series_summary", "series_tracer_thyroid"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "result"),
    [("thyroid", thyroid_result()), ("dtc", dtc_result()), ("mibg", mibg_result()),
     ("bare", bare_result())],
)  # fmt: skip
def test_each_report_has_its_figures_with_a_sentence_and_something_on_them(
    name: str, result: Result
) -> None:
    found = drawn(result)
    assert [f.name for f in found] == FIGURES[name]
    for figure in found:
        assert figure.alt.endswith(".")
        assert len(figure.alt) > 30
        assert imread(BytesIO(figure.png))[..., :3].std() > 0.02
        text = re.sub(rb'(?:data:image/png;base64,|[ "]d=")[^"]*', b"", figure.svg)
        assert b"dc:date" not in text
        assert b"<text" not in figure.svg


def test_a_figure_drawn_again_has_the_same_bytes() -> None:
    plan = thyroid_result().plan
    assert plan is not None
    assert plans.dose_for_activity(plan).svg == plans.dose_for_activity(plan).svg


def test_log_axes_hold_every_point_and_at_least_a_decade_and_a_half() -> None:
    for stage in (*dtc_result().stages, *mibg_result().stages):
        for series in stage.series:
            axes = shared([series])
            factor = 1e5 if series.unit == "1/ml" else 100.0
            values = [factor * (p.value.value + 2 * p.value.u) for p in series.points]
            assert axes.low < min(values)
            assert max(values) < axes.high
            assert np.log10(axes.high / axes.low) >= LEAST_DECADES - 1e-9


def test_uptake_starts_at_zero_and_time_ends_on_a_whole_day_after_the_last_reading() -> None:
    series = [s.series[0] for s in thyroid_result().stages]
    axes = shared(series)
    assert axes.low == 0.0
    assert axes.end_h % 24 == 0
    assert axes.end_h > max(p.time_h for s in series for p in s.points)


def test_the_sentence_of_a_retention_tells_of_voids_and_of_a_limit_figure_every_limit() -> None:
    found = {f.name: f.alt for f in drawn(dtc_result())}
    assert "readings after voiding ticked" in found["series_summary"]
    assert "logarithmic" in found["series_tracer_blood"]
    assert "blood dose 2 Gy" in found["plan"]
    assert "48 h retention 4.44 GBq" in found["plan"]
    assert "considered: 7.40 GBq" in found["plan"]


def test_both_stages_stand_on_each_other_to_their_sum() -> None:
    result = mibg_result()
    assert result.plan is not None
    first, planned, measured = stage_stacks(result, result.plan)
    doses = [s.doses[0].dose_gy.value for s in result.stages]
    assert first.total_gy.value == doses[0]
    assert measured.total_gy.value == pytest.approx(sum(doses))
    assert planned.planned
    assert planned.total_gy.value == result.plan.total_gy.value
    assert measured.second_gy == pytest.approx(doses[1])


def test_doubts_that_both_stages_share_are_added_before_they_are_squared() -> None:
    result = mibg_result()
    assert result.plan is not None
    measured = stage_stacks(result, result.plan)[2].total_gy
    parts = [s.doses[0].dose_gy.parts["whole-body S value"] for s in result.stages]
    assert measured.parts["whole-body S value"] == pytest.approx(sum(parts))


def test_figures_hold_without_doubt_without_a_line_and_with_residuals() -> None:
    stage = thyroid_result().stages[0]
    series = stage.series[0]
    points = tuple(replace(p, value=Uncertain(p.value.value)) for p in series.points)
    plain = replace(series, line=(), half_lives_h={}, figures={}, points=points)
    fitted = replace(series, residuals_u=(0.4, -1.2, 5.0), chi2=2.0, degrees_of_freedom=1)
    for one in (plain, fitted):
        assert series_figure("x", one, shared([one]), half_life_h=192.5).png
    assert cause_bars("x", "dose", []).png
    assert timeline([stage], ["Tracer"]).png


def test_the_words_at_48_hours_stand_where_they_do_not_cross_the_axis() -> None:
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(88 / 25.4, 52 / 25.4))
    axis = drawing.add_axes((0.2, 0.2, 0.75, 0.7))
    axis.set_xlim(0, 240)
    assert figures_series._room_mm(axis, 48.0) == pytest.approx(88 * 0.75 * 48 / 240)
