"""The control chart: readings, baseline, ±2σ and ±3σ, tolerance, and the rules that were broken."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from quimby.devices.device_chart import Chart, Point
from quimby.report.figures.devices import Plot
from quimby.report.figures.style import GREEN, GREY, INK, OCHRE, RULE, VERMILLION, apart
from quimby.report.rounding import significant

WARNED, STOPPED = "#8A5A00", "#B34700"
STATES = {
    "pass": (GREEN, "o", "passed"),
    "warn": (OCHRE, "D", "warning"),
    "fail": (VERMILLION, "8", "failed"),
}
SAID = {"1_2s": "1-2s", "1_3s": "1-3s", "2_2s": "2-2s", "R_4s": "R-4s", "4_1s": "4-1s",
        "10_x": "10-x"}  # fmt: skip
BAND = "#FDF3DF"


def control_chart(chart: Chart) -> Plot:
    """Deviations from the decayed reference in per cent, or plain readings, against the day."""
    return Plot("control_chart", 170, 78, lambda drawing: _draw(drawing, chart), _alt(chart))


def _alt(chart: Chart) -> str:
    out = sum(p.result == "fail" for p in chart.points)
    return (
        f"Control chart of {chart.test}, {chart.device}: {len(chart.points)} readings from "
        f"{chart.points[0].on} to {chart.points[-1].on}, {out} of them failed."
    )


def _draw(drawing: Any, chart: Chart) -> None:
    axis = drawing.subplots()
    drawing.subplots_adjust(left=0.085, right=0.86, top=0.885, bottom=0.135)
    axis.set_title(_title(chart), pad=6)
    _days(axis, chart)
    low, high = _limits(chart)
    axis.set_ylim(low, high)
    _tolerance(axis, chart)
    _lines(axis, chart)
    _names(axis, chart)
    _baseline(axis, chart)
    _repairs(axis, chart)
    _points(axis, chart)
    axis.set_ylabel("deviation from the decayed reference / %" if chart.ratios
                    else f"reading / {chart.unit}")  # fmt: skip
    _legend(axis, chart)


def _title(chart: Chart) -> str:
    source = f", {chart.source}" if chart.ratios and chart.source else ""
    last = chart.points[-1]
    return f"{chart.device}: {chart.test}{source}. Last {last.on}: {STATES[last.result][2]}"


def shown(chart: Chart, value: float) -> float:
    """A value as the axis shows it: per cent off the reference, or the reading."""
    return 100.0 * (value - 1.0) if chart.ratios else value


def _limits(chart: Chart) -> tuple[float, float]:
    values = [shown(chart, p.value) for p in chart.points]
    if chart.limits:
        values += [shown(chart, v) for v in chart.limits.action]
    if chart.tolerance:
        values += [100 * chart.tolerance.action, -100 * chart.tolerance.action]
    room = 0.09 * (max(values) - min(values) or abs(values[0]) or 1.0)
    return min(values) - room, max(values) + room


def _tolerance(axis: Any, chart: Chart) -> None:
    """Outside the action limit is shaded; the warning limit is a thin dotted line."""
    if chart.tolerance is None:
        return
    warn, action = 100 * chart.tolerance.warn, 100 * chart.tolerance.action
    low, high = axis.get_ylim()
    for start, end in ((action, high), (low, -action)):
        axis.axhspan(start, end, color=BAND, lw=0, zorder=0)
    for level in (action, -action):
        axis.axhline(level, color=OCHRE, lw=0.8, zorder=1)
    for level in (warn, -warn):
        axis.axhline(level, color=OCHRE, lw=0.7, ls=(0, (1, 2)), zorder=1)


def _lines(axis: Any, chart: Chart) -> None:
    """Mean, ±2σ (dashed) and ±3σ."""
    for y, name in _sigmas(chart):
        dashed = "2σ" in name
        axis.axhline(y, color=INK if name == "mean" else GREY, lw=0.9 if name == "mean" else 0.7,
                     ls=(0, (5, 3)) if dashed else "-", zorder=1.5)  # fmt: skip


def _sigmas(chart: Chart) -> list[tuple[float, str]]:
    if chart.limits is None:
        return []
    limits = chart.limits
    found = ((limits.mean, "mean"), (limits.warn[0], "−2σ"), (limits.warn[1], "+2σ"),
             (limits.action[0], "−3σ"), (limits.action[1], "+3σ"))  # fmt: skip
    return [(shown(chart, value), name) for value, name in found]


def _names(axis: Any, chart: Chart) -> None:
    """Every line's name and level in the margin, none on another."""
    unit = " %" if chart.ratios else ""
    found = [(y, f"{name}  {_level(chart, y)}{unit}", INK) for y, name in _sigmas(chart)]
    if chart.tolerance:
        warn, action = 100 * chart.tolerance.warn, 100 * chart.tolerance.action
        found += [(action, f"tolerance ±{action:.3g} %", WARNED),
                  (warn, f"warning ±{warn:.3g} %", WARNED)]  # fmt: skip
    low, high = axis.get_ylim()
    heights = apart([(y - low) / (high - low) for y, _, _ in found], 0.052)
    for (_, text, colour), height in zip(found, heights, strict=True):
        axis.text(1.008, height, text, transform=axis.transAxes, fontsize=6.3, va="center",
                  color=colour)  # fmt: skip


def _level(chart: Chart, y: float) -> str:
    return f"{y:+.2f}".replace("-", "−") if chart.ratios else significant(y, 4)


def _baseline(axis: Any, chart: Chart) -> None:
    inside = [p.on for p in chart.points if p.in_baseline]
    if not inside:
        return
    half = dt.timedelta(hours=12)
    axis.axvspan(min(inside) - half, max(inside) + half, color=RULE, alpha=0.28, lw=0, zorder=0.5)
    middle = min(inside) + (max(inside) - min(inside)) / 2
    axis.text(middle, 0.015, f"baseline, {len(inside)} readings", fontsize=6.3, color=GREY,
              ha="center", va="bottom", transform=axis.get_xaxis_transform())  # fmt: skip


def _repairs(axis: Any, chart: Chart) -> None:
    first, last = chart.points[0].on, chart.points[-1].on
    for on in chart.repaired:
        if first <= on <= last:
            axis.axvline(on, color=INK, lw=0.9, ls=(0, (1, 1.5)))
            axis.text(on, 0.985, " repair", fontsize=6.3, color=INK, va="top",
                      transform=axis.get_xaxis_transform())  # fmt: skip


def _points(axis: Any, chart: Chart) -> None:
    days = [p.on for p in chart.points]
    axis.plot(days, [shown(chart, p.value) for p in chart.points], color=GREY, lw=0.5, zorder=2)
    for state, (colour, marker, _) in STATES.items():
        own = [p for p in chart.points if p.result == state]
        for filled in (False, True):
            some = [p for p in own if p.in_baseline != filled]
            axis.plot([p.on for p in some], [shown(chart, p.value) for p in some], marker,
                      ms=4.6 if state != "fail" else 5.6, mec=colour, mew=0.9,
                      mfc=colour if filled else "white", zorder=3, ls="none")  # fmt: skip
    _rules(axis, chart)


def _rules(axis: Any, chart: Chart) -> None:
    """Each rule beside the point that breaks it first, one below the other; a run says it once.

    A label beside another one stands above it.
    """
    low, high = axis.get_ylim()
    first, last = axis.get_xlim()
    before: tuple[str, ...] = ()
    side_of: dict[bool, tuple[float, float]] = {}  # (place, end of the last label, pt) by side
    for point in chart.points:
        said = _new(point, before)
        before = point.rules
        if not said:
            continue
        y, at = shown(chart, point.value), _place(axis, point)
        up = y >= (low + high) / 2
        start = abs(y - low) if up else abs(high - y)
        base = 200.0 * start / (high - low)
        place, end = side_of.get(up, (-1.0, 0.0))
        lift = max(end - base, 5.0) if (at - place) < 0.045 * (last - first) else 5.0
        _label(axis, point, y, said, lift if up else -lift)
        side_of[up] = (at, base + lift + 7.5 * len(said))


def _new(point: Point, before: Sequence[str]) -> list[str]:
    """Rules not yet broken at the point before; 1-2s says nothing new beside another one."""
    strong = [r for r in point.rules if r != "1_2s"]
    return [r for r in (strong or point.rules) if r not in before]


def _place(axis: Any, point: Point) -> float:
    return float(axis.convert_xunits(point.on))


def _label(axis: Any, point: Point, y: float, said: Sequence[str], lift: float) -> None:
    colour = STOPPED if set(point.rules) - {"1_2s"} else WARNED
    axis.annotate(
        "\n".join(SAID[r] for r in said), (point.on, y), xytext=(0, lift), fontsize=6,
        textcoords="offset points", ha="center", va="bottom" if lift > 0 else "top", zorder=4,
        fontweight="bold", color=colour, linespacing=1.0,
    )  # fmt: skip


def _days(axis: Any, chart: Chart) -> None:
    from matplotlib import dates as of_days

    dates: Any = of_days  # its functions carry no types
    first, last = chart.points[0].on, chart.points[-1].on
    room = max((last - first) * 0.02, dt.timedelta(days=1))
    axis.set_xlim(first - room, last + room)
    locator = dates.AutoDateLocator(minticks=4, maxticks=10)
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    axis.set_xlabel("day")


def _legend(axis: Any, chart: Chart) -> None:
    """The shapes that occur, with their words."""
    from matplotlib.lines import Line2D

    used = [s for s in STATES if any(p.result == s for p in chart.points)]
    marks = [Line2D([], [], marker=STATES[s][1], color=STATES[s][0], ls="none", ms=4.6)
             for s in used]  # fmt: skip
    axis.legend(marks, [STATES[s][2] for s in used], loc="lower left", bbox_to_anchor=(1.0, -0.02),
                fontsize=6.3, frameon=False, handletextpad=0.1, borderpad=0.2)  # fmt: skip
