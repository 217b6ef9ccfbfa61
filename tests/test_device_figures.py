"""Plots of devices: what they say in words, that they differ where data differ, the same bytes."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from quimby.devices.counting import Counting
from quimby.devices.counting_device import Device, device
from quimby.devices.dead_time_models import compare
from quimby.devices.device_chart import Chart, chart_of
from quimby.devices.linearity import against
from quimby.report.figures.devices import FORMS, Plot, as_bytes, figure
from quimby.report.figures.devices_chart import control_chart
from quimby.report.figures.devices_rates import LinearityData, dead_time_plot, linearity_plot
from tests.device_documents import counter_text

STEADY = [1000.0 + d for d in (0, 2, -2, 1, -1, 2, -1, 1, -2, 0, 2, -2)]


def charted(after: list[float], *, baseline: bool = True, results: str = "") -> Chart:
    """A counter's constancy: twelve steady readings, then these."""
    import tomllib

    document = tomllib.loads(counter_text(ready=False))
    rows = []
    for n, value in enumerate([*STEADY, *after]):
        result = {"w": "warn", "f": "fail"}.get(results[n - 12 : n - 11] if n >= 12 else "", "pass")
        rows.append({"test": "constancy", "on": dt.date(2025, 1, 14) + dt.timedelta(days=n),
                     "result": result, "by": "T. Ros", "reading": value, "unit": "cps",
                     "expected": 1000.0})  # fmt: skip
    document["done"] = rows
    if baseline:
        document["baseline"] = [{"test": "constancy", "first": dt.date(2025, 1, 14),
                                 "last": dt.date(2025, 1, 25), "by": "K. Lind"}]  # fmt: skip
    found: Device = device(document, where="counter")
    return chart_of(found, "constancy")


def texts(plot: Plot) -> list[str]:
    """Every text drawn, from a drawing whose words stay words."""
    from quimby.report.figures.style import canvas

    with canvas(plot.width_mm, plot.height_mm) as drawing:
        plot.draw(drawing)
        found = [t.get_text() for axis in drawing.axes for t in axis.texts]
        for axis in drawing.axes:
            legend = axis.get_legend()
            found += [t.get_text() for t in legend.get_texts()] if legend else []
            found += [axis.get_title(loc="left"), axis.get_xlabel(), axis.get_ylabel()]
        return found


def test_a_chart_knows_which_rules_each_point_after_the_baseline_breaks() -> None:
    chart = charted([1001.0, 1011.0], results="pf")
    assert [p.rules for p in chart.points[:13]] == [()] * 13
    assert chart.points[-1].rules == ("1_2s", "1_3s")
    assert [p.in_baseline for p in chart.points] == [True] * 12 + [False] * 2
    assert chart.limits is not None
    assert chart.limits.mean == pytest.approx(1.0)


def test_the_chart_names_its_lines_its_tolerance_its_baseline_and_the_broken_rule() -> None:
    said = texts(control_chart(charted([1001.0, 1011.0], results="pf")))
    assert "1-3s" in said
    assert "tolerance ±5 %" in said
    assert "warning ±3 %" in said
    assert "baseline, 12 readings" in said
    assert {"passed", "failed"} <= set(said)
    assert any(t.startswith("+3σ") for t in said)
    assert any(t.startswith("mean") for t in said)
    assert "deviation from the decayed reference / %" in said
    assert any("Last 2025-01-27: failed" in t for t in said)


def test_a_run_of_one_rule_is_named_once() -> None:
    said = texts(control_chart(charted([1011.0, 1012.0, 1011.5], results="fff")))
    assert sum("1-3s" in t for t in said) == 1
    assert sum("2-2s" in t for t in said) == 1


def test_without_a_baseline_there_is_tolerance_and_no_limits() -> None:
    said = texts(control_chart(charted([1001.0], baseline=False)))
    assert "tolerance ±5 %" in said
    assert not [t for t in said if "σ" in t or "baseline" in t]


def test_each_state_has_its_own_shape() -> None:
    from quimby.report.figures.devices_chart import STATES

    assert len({marker for _, marker, _ in STATES.values()}) == len(STATES)


def decay(tau_s: float = 6e-6) -> Plot:
    times = [96.0 * n for n in range(10)]
    true = [60000 * 0.5 ** (t / 192.5) for t in times]
    counted = [Counting(round(60 * n / (1 + n * tau_s)), 60, f"{i}") for i, n in enumerate(true)]
    found = compare(times, counted, half_life_h=192.5)
    return dead_time_plot(found, device="counter 1", nuclide="I-131")


def test_the_dead_time_plot_names_both_models_and_its_units() -> None:
    said = texts(decay())
    assert any(t.startswith("non-paralysable: τ = 6.0") for t in said)
    assert any(t.startswith("paralysable: τ = ") for t in said)
    assert {"observed rate / kcps", "true rate / kcps", "residual / u", "no loss"} <= set(said)
    assert any(re.match(r"counter 1: dead time 6\.0\d+ ± 0\.0\d+ µs, non-paralysable", t)
               for t in said)  # fmt: skip


def linear(last: float) -> Plot:
    expected = [1.0, 10.0, 100.0, 1000.0]
    result = against(expected, [1.0, 10.0, 100.0, last])
    return linearity_plot(LinearityData("meter", expected, result, 0.05, "MBq", "reading expected"))


def test_linearity_says_the_largest_deviation_and_marks_what_is_outside() -> None:
    outside, within = texts(linear(920.0)), texts(linear(980.0))
    assert "meter: largest deviation −8.0 %, outside ±5 %" in outside
    assert "−8.0 %" in outside
    assert "meter: largest deviation −2.0 %, within ±5 %" in within
    assert "−2.0 %" not in within
    assert "reference" in within
    assert "reading expected / MBq" in within


@pytest.mark.parametrize("form", FORMS)
def test_a_plot_gives_the_same_bytes_each_time(form: str) -> None:
    plot = linear(980.0)
    head = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[form]
    first = as_bytes(plot, form)
    assert first.startswith(head)
    assert first == as_bytes(plot, form)
    assert first != as_bytes(linear(920.0), form)


def test_every_plot_has_a_sentence_for_those_who_do_not_see_it(tmp_path: Path) -> None:
    for plot in (control_chart(charted([1001.0])), decay(), linear(980.0)):
        made = figure(plot)
        assert made.alt.endswith(".")
        assert len(made.alt) > 60
        (tmp_path / f"{made.name}.png").write_bytes(made.png)
