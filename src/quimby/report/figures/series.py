"""Readings over time: retention, blood and uptake, with what lies after the last one on grey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quimby.core.uncertain import Uncertain
from quimby.report.figures.style import (
    BLUE,
    DARKER,
    GREEN,
    GREY,
    OCHRE,
    RULE,
    SHADE,
    VERMILLION,
    Figure,
    canvas,
    finished,
)
from quimby.report.readings import shown
from quimby.report.rounding import significant, value_and_u
from quimby.study.stages import Series

Float = NDArray[np.float64]
LEAST_DECADES = 1.5
HEADROOM = 1.2  # above the highest band of a linear axis
LABEL_AT = 0.66  # where words beside a line stand at the latest, so that they end inside
BEFORE_AT = 0.72  # where the name of an earlier line stands, as a share of the time axis
DAY_H = 24.0
LETTER_MM = 1.5  # width of a letter beside a line, with room before the axis
LOOKS = {"Whole body": (BLUE, "o"), "Blood": (VERMILLION, "s"), "Thyroid": (GREEN, "^"),
         "Remnant": (OCHRE, "D")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Axes:
    """What several panels share: end of the time axis (h), and the span of values shown."""

    end_h: float
    low: float
    high: float


def look(series: Series) -> tuple[str, str]:
    """Colour and marker of what was measured, the same in every figure."""
    return LOOKS.get(series.name, (BLUE, "o"))


def shared(many: Sequence[Series]) -> Axes:
    """One pair of axes for series that are compared."""
    end = max(_end(s) for s in many)
    factor, logarithmic = shown.scale(many[0]).factor, shown.scale(many[0]).logarithmic
    tops, lows = [], []
    for s in many:
        inside = [(v, u) for t, v, u in s.line if t <= end]
        tops += [v + 2 * u for v, u in inside] + [p.value.value + 2 * p.value.u for p in s.points]
        lows += [v for v, _ in inside if v > 0]
        lows += [p.value.value for p in s.points if p.value.value > 0]
    high = factor * max(tops)
    if not logarithmic:
        return Axes(end, 0.0, HEADROOM * high)
    high = max(high, 100.0) * 1.35 if many[0].quantity == "retention" else 1.6 * high
    low = max(factor * min(lows) / 1.6, high * 1e-5)
    missing = LEAST_DECADES - float(np.log10(high / low))
    return Axes(end, low * 10 ** -max(missing, 0.0), high)


def _end(series: Series) -> float:
    last = max(p.time_h for p in series.points)
    return float(DAY_H * np.ceil(max(1.35 * last, 48.0) / DAY_H))


def series_figure(
    name: str,
    series: Series,
    axes: Axes,
    *,
    half_life_h: float,
    size_mm: tuple[float, float] = (88.0, 52.0),
    before: Series | None = None,
    before_name: str = "",
) -> Figure:
    """One series alone; `before` is the same thing at an earlier administration, drawn faintly.

    `half_life_h` draws decay alone beside a retention.
    """
    width, height = size_mm
    with canvas(width, height) as drawing:
        top, low = _frames(drawing, series, size_mm)
        colour = look(series)[0]
        if before is not None:
            _before(top, before, before_name, axes, above=_above(series, before, 0.7 * axes.end_h))
        _band_and_line(top, series, colour)
        _points(top, series)
        _frame(top, series, axes)
        if series.quantity == "retention":
            _decay(top, half_life_h, axes)
            _voids(top, series)
        _words(top, series, axes, under=_above(series, before, 0.7 * axes.end_h))
        if low is not None:
            _residuals(low, series, axes)
        (top if low is None else low).set_xlabel("Time after start of administration (h)")
        return finished(drawing, name, alt(series))


def _frames(drawing: Any, series: Series, size_mm: tuple[float, float]) -> tuple[Any, Any]:
    width, height = size_mm
    left = 15.5 if series.unit == "1/ml" else 12.5  # its ticks have more figures, "0.0001"
    room = {"left": left / width, "right": 1 - 2.0 / width, "top": 1 - 1.5 / height,
            "bottom": 9.2 / height}  # fmt: skip
    if not shown.judged(series):
        top = drawing.subplots()
        drawing.subplots_adjust(**room)
        return top, None
    top, low = drawing.subplots(
        2, 1, sharex=True, height_ratios=(3.4, 1.0), gridspec_kw={"hspace": 0.14}
    )
    drawing.subplots_adjust(**room)
    return top, low


def _lines(series: Series) -> tuple[Float, Float, Float]:
    at = np.array(series.line, dtype=float).reshape(-1, 3)
    factor = shown.scale(series).factor
    return at[:, 0], factor * at[:, 1], factor * at[:, 2]


def _band_and_line(axis: Any, series: Series, colour: str) -> None:
    times, line, spread = _lines(series)
    if not times.size:
        return
    last = max(p.time_h for p in series.points)
    low = np.maximum(line - 2 * spread, 0.02 * line)
    axis.fill_between(times, low, line + 2 * spread, color=colour, alpha=0.18, lw=0)
    seen = times <= last
    at_last = np.interp(last, times, line)
    axis.plot([*times[seen], last], [*line[seen], at_last], color=colour, lw=1.4)
    axis.plot([last, *times[~seen]], [at_last, *line[~seen]], color=colour, lw=1.4, ls=(0, (3, 2)))


def _points(axis: Any, series: Series) -> None:
    colour, marker = look(series)
    values = [shown.point(p.value, series) for p in series.points]
    up = np.array([2 * v.u for v in values])
    down = np.minimum(up, [0.95 * abs(v.value) for v in values])
    axis.errorbar([p.time_h for p in series.points], [v.value for v in values], yerr=(down, up),
                  fmt=marker, ms=4.2, mfc="white", mec=colour, mew=1.1, ecolor=colour,
                  elinewidth=0.9, capsize=1.6, capthick=0.9, zorder=5)  # fmt: skip


def _said(axis: Any, text: str, at: tuple[float, float], off: tuple[float, float], ink: str,
          **look_: Any) -> None:  # fmt: skip
    """Words beside a line, with a white rim so that they read on it."""
    from matplotlib.patheffects import withStroke

    style = {"fontsize": 6.6, "fontweight": "bold", "ha": "center", "va": "bottom"} | look_
    axis.annotate(text, at, xytext=off, textcoords="offset points", color=ink, zorder=8,
                  path_effects=[withStroke(linewidth=2.2, foreground="white")],
                  **style)  # fmt: skip


def _above(series: Series, before: Series | None, time_h: float) -> bool:
    """Whether the earlier line lies above this one at that time."""
    if before is None or not before.line or not series.line:
        return False
    values = [float(np.interp(time_h, _lines(s)[0], _lines(s)[1])) for s in (series, before)]
    return values[1] >= values[0]


def _before(axis: Any, series: Series, name: str, axes: Axes, *, above: bool) -> None:
    times, line, _ = _lines(series)
    axis.plot(times, line, color=GREY, lw=0.9, ls=(0, (1, 1.4)))
    values = [shown.point(p.value, series).value for p in series.points]
    axis.plot([p.time_h for p in series.points], values, "x", ms=3.2, mew=0.8, color=GREY)
    at = BEFORE_AT * min(axes.end_h, float(times[-1]))
    height = float(np.interp(at, times, line))
    _said(axis, name, (at, height), (0, 4 if above else -4), GREY, fontweight="normal",
          va="bottom" if above else "top")  # fmt: skip


def _frame(axis: Any, series: Series, axes: Axes) -> None:
    last = max(p.time_h for p in series.points)
    if last < axes.end_h:
        axis.axvspan(last, axes.end_h, color=SHADE, lw=0, zorder=0)
        axis.text(axes.end_h * 0.995, 0.985, "after last reading", fontsize=6, color=GREY, va="top",
                  ha="right", transform=axis.get_xaxis_transform())  # fmt: skip
    axis.set_xlim(0, axes.end_h)
    if shown.scale(series).logarithmic:
        axis.set_yscale("log")
        _plain_log(axis, axes)
    axis.set_ylim(axes.low, axes.high)
    axis.set_ylabel(shown.scale(series).axis)
    step = DAY_H if axes.end_h <= 264 else 2 * DAY_H
    axis.set_xticks(np.arange(0, axes.end_h + 1, step))


def _plain_log(axis: Any, axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    steps = (1.0, 2.0, 5.0) if np.log10(axes.high / axes.low) < 3 else (1.0,)
    axis.yaxis.set_major_locator(LogLocator(subs=steps, numticks=20))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _p: f"{y:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())


def _decay(axis: Any, half_life_h: float, axes: Axes) -> None:
    """What would be left had nothing been voided."""
    times = np.linspace(0, axes.end_h, 60)
    left = 100 * 0.5 ** (times / half_life_h)
    axis.plot(times, left, color=GREY, lw=0.8)
    at = 0.5 * axes.end_h
    axis.annotate("decay alone", (at, 100 * 0.5 ** (at / half_life_h)), xytext=(0, 2.5),
                  textcoords="offset points", fontsize=6.2, color=GREY, ha="center")  # fmt: skip


def _voids(axis: Any, series: Series) -> None:
    """A tick on the floor under each reading that was taken after voiding."""
    times = [p.time_h for p in series.points if p.after_void]
    if not times:
        return
    axis.plot(times, [0.025] * len(times), "|", ms=5, mew=1.0, color=GREY, zorder=4,
              transform=axis.get_xaxis_transform())  # fmt: skip
    axis.text(0.012, 0.075, "| after voiding", fontsize=6, color=GREY, transform=axis.transAxes)


def _words(axis: Any, series: Series, axes: Axes, *, under: bool) -> None:
    """Half-life at the line, the largest uptake, the retention at 48 h."""
    colour = look(series)[0]
    ink = DARKER.get(colour, colour)
    if not shown.scale(series).logarithmic:
        _peak(axis, series, ink, axes)
    _at_48(axis, series, ink)
    named = shown.main_half_life(series)
    if named is None or not series.line:
        return
    times, line, _ = _lines(series)
    last = max(p.time_h for p in series.points)
    at = min(0.5 * (last + axes.end_h), max(LABEL_AT * axes.end_h, last + 0.035 * axes.end_h))
    _said(
        axis,
        f"{named[0]} {significant(named[1].value)} h",
        (at, float(np.interp(at, times, line))),
        (-3, -4) if under else (3, 3),
        ink,
        va="top" if under else "bottom",
        ha="right" if under else "left",
    )  # a falling line leaves both corners free


def _peak(axis: Any, series: Series, ink: str, axes: Axes) -> None:
    at, value = shown.largest(series)
    high = shown.scale(series).factor * value
    named = series.figures.get("largest uptake")
    words = f"{_share(named) if named else significant(high)} % at {significant(at)} h"
    axis.plot([at], [high], "_", ms=9, mew=1.2, color=ink, zorder=6)
    _said(axis, f"largest {words}", (at, axes.high / HEADROOM), (0, 3), ink, ha="left")


def _share(x: Uncertain) -> str:
    return value_and_u(x.scaled(100))[0]


def _at_48(axis: Any, series: Series, ink: str) -> None:
    held = series.figures.get("retention at 48 h")
    if held is None:
        return
    axis.axvline(48.0, color=RULE, lw=0.8, zorder=1)
    axis.plot([48.0], [100 * held.value], "D", ms=3.4, color=ink, zorder=6)
    text, at = f"{_share(held)} % at 48 h", (48.0, 100 * held.value)
    if _room_mm(axis, 48.0) > LETTER_MM * len(text):
        _said(axis, text, at, (-4, -7), ink, ha="right", va="top")
    else:  # a falling line leaves the upper right free too
        _said(axis, text, at, (5, 4), ink, ha="left", va="bottom")


def _room_mm(axis: Any, time_h: float) -> float:
    """From the axis to a time, mm on paper."""
    low, high = axis.get_xlim()
    whole = axis.figure.get_size_inches()[0] * 25.4 * axis.get_position().width
    return float(whole * (time_h - low) / (high - low))


def _residuals(axis: Any, series: Series, axes: Axes) -> None:
    colour, marker = look(series)
    worst = max((abs(x) for x in series.residuals_u), default=0.0)
    axis.set_ylim(-max(3.2, 1.15 * worst), max(3.2, 1.15 * worst))
    axis.axhspan(-2, 2, color=RULE, alpha=0.35, lw=0, zorder=0)
    axis.axhline(0, color=GREY, lw=0.6)
    axis.plot([p.time_h for p in series.points], series.residuals_u, marker, ms=3.4, mfc="white",
              mec=colour, mew=0.9)  # fmt: skip
    axis.set_yticks([-2, 0, 2], ["−2", "0", "+2"])
    axis.set_ylabel("Resid.\n(u)", fontsize=6.2)
    axis.set_xlim(0, axes.end_h)


def alt(series: Series) -> str:
    """One sentence on what is drawn."""
    kind = "logarithmic" if shown.scale(series).logarithmic else "linear"
    named = shown.main_half_life(series)
    half = f"; {named[0]} {significant(named[1].value)} h" if named else ""
    voids = ", readings after voiding ticked" if any(p.after_void for p in series.points) else ""
    return (
        f"{series.name}, {series.quantity}, against time on a {kind} axis: {len(series.points)} "
        f"readings with bars of two standard uncertainties{voids}, the line through them, dashed "
        f"after the last{half}."
    )
