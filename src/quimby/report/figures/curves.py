"""Time-activity curves: points ± 2u, fit, band, tail on grey, residuals in u."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quimby.report.figures.style import (
    GREY,
    RULE,
    SHADE,
    Figure,
    Series,
    apart,
    canvas,
    finished,
    spoken,
)
from quimby.study.result import Curve, RegionResult

Float = NDArray[np.float64]
LEAST_DECADES = 1.5
TICKS_H = 24


def activity(curve: Curve, times_h: Float) -> Float:
    """A(t) of the fitted curve, MBq; of trapezoids as they were drawn, then falling as they end."""
    if curve.drawn_mbq:
        return _joined(curve, times_h)
    parts = zip(curve.amplitudes_mbq, curve.rates_per_h, strict=True)
    line: Float = np.sum([a * np.exp(-r * times_h) for a, r in parts], axis=0)
    return line


def _joined(curve: Curve, times_h: Float) -> Float:
    (one, two), (before, last) = curve.band_times_h[-2:], curve.drawn_mbq[-2:]
    rate = np.log(before / last) / (two - one)
    inside = np.interp(times_h, curve.band_times_h, curve.drawn_mbq)
    line: Float = np.where(times_h > two, last * np.exp(-rate * (times_h - two)), inside)
    return line


def band(curve: Curve, times_h: Float) -> Float:
    """Standard uncertainty of the curve (k = 1), MBq, between the stored times."""
    if not curve.band_times_h:
        return np.zeros_like(times_h)
    return np.interp(times_h, curve.band_times_h, curve.band_u_mbq)


def last_time(regions: Sequence[RegionResult]) -> float:
    """Time of the last sample of all, h."""
    return max(s.time_h for r in regions for s in r.samples)


def span(regions: Sequence[RegionResult]) -> float:
    """End of the time axis: some way past the last scan, on a whole day."""
    return float(TICKS_H * np.ceil(max(1.4 * last_time(regions), 48.0) / TICKS_H))


def page_one_curves(regions: Sequence[RegionResult], styles: dict[str, Series]) -> Figure:
    """The chosen regions on one axis with their residuals below."""
    with canvas(78, 56) as drawing:
        top, low = drawing.subplots(
            2, 1, sharex=True, height_ratios=(4.0, 1.0), gridspec_kw={"hspace": 0.16}
        )
        drawing.subplots_adjust(left=0.155, right=0.785, top=0.985, bottom=0.17)
        end = span(regions)
        for region in regions:
            _one(top, region, styles[region.name], end)
            _residuals(low, region, styles[region.name], shift=_shift(regions, region, end))
        _frame(top, low, regions, end, step=2 * TICKS_H if end > 5 * TICKS_H else TICKS_H)
        _labels(top, regions, styles, end)
        return finished(drawing, "curves_summary", _alt(regions))


def curve_panel(region: RegionResult, style: Series, limits: tuple[float, float]) -> Figure:
    """One region alone, on the axis it is compared on."""
    with canvas(88, 43.5) as drawing:
        top, low = drawing.subplots(
            2, 1, sharex=True, height_ratios=(3.4, 1.0), gridspec_kw={"hspace": 0.16}
        )
        drawing.subplots_adjust(left=0.15, right=0.975, top=0.98, bottom=0.215)
        end = span([region])
        _one(top, region, style, end)
        _residuals(low, region, style)
        _frame(top, low, [region], end, step=TICKS_H if end <= 264 else 2 * TICKS_H)
        top.set_ylim(*limits)
        return finished(drawing, f"curve_{slug(region.name)}", _alt([region]))


def slug(name: str) -> str:
    """A file name from a region's name: letters and digits of ASCII, the rest `_`."""
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in name.lower())


def shared_limits(regions: Sequence[RegionResult]) -> tuple[float, float]:
    """One log axis for regions that are compared, at least one and a half decades."""
    high = max(s.activity_mbq.value + 2 * s.activity_mbq.u for r in regions for s in r.samples)
    high = max([high, *(_highest(r) for r in regions)])
    low = min(_floor(r) for r in regions)
    return _decades(low, high)


def _highest(region: RegionResult) -> float:
    """Top of the band, which between scans may lie above every sample."""
    if region.curve is None:
        return 0.0
    times = np.linspace(0.05, region.samples[-1].time_h, 100)
    return float(np.max(activity(region.curve, times) + 2 * band(region.curve, times)))


def _floor(region: RegionResult) -> float:
    assert region.curve is not None
    tail = float(activity(region.curve, np.array([span([region])]))[0])
    return max(min([tail, *(s.activity_mbq.value for s in region.samples)]), 1e-6)


def _decades(low: float, high: float) -> tuple[float, float]:
    low, high = low / 1.5, high * 1.6
    missing = LEAST_DECADES - np.log10(high / low)
    return (low * 10 ** (-max(missing, 0.0)), high)


def _one(axis: Any, region: RegionResult, style: Series, end: float) -> None:
    assert region.curve is not None
    last = region.samples[-1].time_h
    times = np.unique(np.concatenate([np.linspace(0.05, 12, 60), np.linspace(12, end, 140)]))
    line, spread = activity(region.curve, times), band(region.curve, times)
    low = np.maximum(line - 2 * spread, line * 0.05)
    axis.fill_between(times, low, line + 2 * spread, color=style.colour, alpha=0.18, lw=0)
    seen = times <= last
    axis.plot(times[seen], line[seen], color=style.colour, lw=1.2)
    axis.plot(times[~seen], line[~seen], color=style.colour, lw=1.2, ls=(0, (3, 2)))
    at = np.array([s.time_h for s in region.samples])
    value = np.array([s.activity_mbq.value for s in region.samples])
    doubt = np.array([2 * s.activity_mbq.u for s in region.samples])
    below = np.minimum(doubt, 0.95 * value)
    axis.errorbar(
        at, value, yerr=(below, doubt), fmt=style.marker, ms=4, mfc="white", mec=style.colour,
        mew=1.0, ecolor=style.colour, elinewidth=0.9, capsize=1.6, capthick=0.9, zorder=5,
    )  # fmt: skip


def _shift(regions: Sequence[RegionResult], region: RegionResult, end: float) -> float:
    middle = (len(regions) - 1) / 2
    return (list(regions).index(region) - middle) * 0.022 * end


def _residuals(axis: Any, region: RegionResult, style: Series, shift: float = 0.0) -> None:
    assert region.curve is not None
    at = [s.time_h + shift for s in region.samples]
    axis.plot(
        at, region.curve.residuals_u, style.marker, ms=3.4, mfc="white", mec=style.colour, mew=0.9,
        clip_on=False, zorder=5,
    )  # fmt: skip


def _frame(top: Any, low: Any, regions: Sequence[RegionResult], end: float, step: int) -> None:
    last = last_time(regions)
    for axis in (top, low):
        axis.axvspan(last, end, color=SHADE, lw=0, zorder=0)
    words = {"fontsize": 6, "color": GREY, "va": "top", "ha": "right"}
    top.text(end * 0.995, 0.985, "after last scan", transform=top.get_xaxis_transform(), **words)
    top.set_yscale("log")
    top.set_xlim(0, end)
    top.set_ylabel("Activity (MBq)")
    top.set_ylim(*shared_limits(regions))
    _plain_log(top)
    worst = max((abs(x) for r in regions if r.curve for x in r.curve.residuals_u), default=0.0)
    reach = max(3.2, 1.15 * worst)
    low.set_ylim(-reach, reach)
    low.axhspan(-2, 2, color=RULE, alpha=0.35, lw=0, zorder=0)
    low.axhline(0, color=GREY, lw=0.6)
    low.set_yticks([-2, 0, 2], ["−2", "0", "+2"])
    low.set_ylabel("Resid.\n(u)", fontsize=6.2)
    low.set_xticks(np.arange(0, end + 1, step))
    low.set_xlabel("Time after start of administration (h)")


def _plain_log(axis: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_ylim()
    steps = (1.0, 2.0, 5.0) if np.log10(high / low) < 3 else (1.0,)
    axis.yaxis.set_major_locator(LogLocator(subs=steps, numticks=20))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _p: f"{y:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())


def _labels(
    axis: Any, regions: Sequence[RegionResult], styles: dict[str, Series], end: float
) -> None:
    """Each name at the right end of its curve, moved apart where two would touch."""
    low, high = np.log10(axis.get_ylim())
    words = [_label_words(r) for r in regions]
    ends = [np.log10(float(activity(r.curve, np.array([end]))[0])) for r in regions if r.curve]
    wanted = [(y - low) / (high - low) for y in ends]
    room = 0.07 * (1 + max((w.count("\n") for w in words), default=0)) + 0.04
    heights = apart(wanted, room)
    lift = max(0.0, room / 2 - 0.05 - min(heights))
    for region, text, height in zip(regions, words, heights, strict=True):
        axis.text(
            1.02, height + lift, text, transform=axis.transAxes, fontsize=6.3, va="center",
            fontweight="bold", color=styles[region.name].words, linespacing=1.1,
        )  # fmt: skip


def _label_words(region: RegionResult) -> str:
    from textwrap import wrap

    assert region.curve is not None
    half = region.curve.half_lives_h.get("effective")
    tail = [f"T½ eff {half.value:.0f} h"] if half else []
    return "\n".join([*wrap(spoken(region.name), 14), *tail])


def _alt(regions: Sequence[RegionResult]) -> str:
    names = ", ".join(r.name for r in regions)
    return (
        f"Activity against time on a logarithmic axis for {names}: measured points with bars of "
        "two standard uncertainties, the fitted curve, dashed after the last scan, and residuals."
    )
