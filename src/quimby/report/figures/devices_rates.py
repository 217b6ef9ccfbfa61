"""Dead time (observed against true rate, residuals) and linearity (deviation against activity)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from quimby.devices import dead_time
from quimby.devices.dead_time_models import Compared
from quimby.devices.linearity import Linearity
from quimby.report.figures.devices import Plot
from quimby.report.figures.style import BLUE, DARKER, GREY, INK, OCHRE, RULE, VERMILLION
from quimby.report.rounding import plus_minus

BAND = "#FDF3DF"
STYLES = {"non-paralysable": (BLUE, "-", "o"), "paralysable": (VERMILLION, (0, (4, 2)), "s")}


@dataclass(frozen=True, slots=True)
class LinearityData:
    """What the plot of a linearity test needs; `expected` readings are in `unit`."""

    device: str
    expected: Sequence[float]
    result: Linearity
    tolerance: float
    unit: str
    what: str  # "131I decaying over 34 days"


def dead_time_plot(found: Compared, *, device: str, nuclide: str) -> Plot:
    """The counter's response to a decaying source, both models, and what they leave."""
    fit = found.fit
    alt = (
        f"Observed against true count rate of {device} with a decaying {nuclide} source: "
        f"{len(found.readings)} readings, dead time {plus_minus(fit.busy.tau_s.scaled(1e6))} µs "
        f"({found.chosen}), with the residuals below."
    )
    return Plot("dead_time", 120, 95, lambda d: _dead_time(d, found, device, nuclide), alt)


def _dead_time(drawing: Any, found: Compared, device: str, nuclide: str) -> None:
    top, low = drawing.subplots(2, 1, sharex=True, height_ratios=(3.2, 1.3),
                                gridspec_kw={"hspace": 0.1})  # fmt: skip
    drawing.subplots_adjust(left=0.125, right=0.97, top=0.915, bottom=0.115)
    tau = plus_minus(found.fit.busy.tau_s.scaled(1e6), "µs")
    top.set_title(f"{device}: dead time {tau}, {found.chosen} ({nuclide})", pad=6)
    scale, unit = _rate_unit(max(found.true_cps(found.chosen)))
    _curves(top, found, scale)
    for axis in (top, low):
        axis.set_xlim(0, 1.04 * max(found.true_cps(found.chosen)) / scale)
    _residuals(low, found, scale)
    top.set_ylabel(f"observed rate / {unit}")
    low.set_xlabel(f"true rate / {unit}")


def _rate_unit(largest_cps: float) -> tuple[float, str]:
    return (1e3, "kcps") if largest_cps >= 5e3 else (1.0, "cps")


def _curves(axis: Any, found: Compared, scale: float) -> None:
    true = np.array(found.true_cps(found.chosen))
    end = 1.04 * true.max()
    grid = np.linspace(0.0, end, 240)
    axis.plot(grid / scale, grid / scale, color=GREY, lw=0.7, ls=(0, (1, 2)))
    for model, fit in found.fits.items():
        colour, line, _ = STYLES[model]
        ratio = fit.start_cps.value / found.fit.start_cps.value
        tau = fit.busy.tau_s.value
        seen = [dead_time.observed_rate(n * ratio, tau, model=model) for n in grid]
        name = f"{model}: τ = {plus_minus(fit.busy.tau_s.scaled(1e6), 'µs')}, " \
               f"χ² = {fit.chi2:.1f} / {fit.dof}"  # fmt: skip
        axis.plot(grid / scale, np.array(seen) / scale, color=colour, ls=line, label=name,
                  lw=1.3 if model == found.chosen else 0.9)  # fmt: skip
    rates = [r.rate_cps for r in found.readings]
    axis.errorbar(true / scale, [r.value / scale for r in rates],
                  [2 * r.u / scale for r in rates], fmt="o", ms=4, mfc="white", mec=INK,
                  mew=0.9, ecolor=INK, elinewidth=0.8, label="readings ± 2u", zorder=4)  # fmt: skip
    top = 1.12 * max(max(r.value for r in rates), 0.0) / scale
    axis.set_ylim(0, min(top * 1.25, end / scale))
    at = min(axis.get_ylim()[1], end / scale) * 0.93
    axis.annotate("no loss", (at, at), xytext=(-9, 3), textcoords="offset points", fontsize=6.3,
                  color=GREY, ha="right", va="center")  # fmt: skip
    axis.legend(loc="lower right", fontsize=6.3, frameon=False)


def _residuals(axis: Any, found: Compared, scale: float) -> None:
    true = np.array(found.true_cps(found.chosen)) / scale
    axis.axhspan(-2, 2, color=RULE, alpha=0.35, lw=0)
    axis.axhline(0, color=GREY, lw=0.6)
    widest = 3.0
    for model in found.fits:
        colour, _, marker = STYLES[model]
        left = np.array(found.residuals(model))
        chosen = model == found.chosen
        axis.plot(true, left, marker, ms=3.8 if chosen else 3.2, mec=colour, mew=0.9,
                  mfc=colour if chosen else "white", ls="none", zorder=3 + chosen)  # fmt: skip
        widest = max(widest, float(np.abs(left).max()))
    axis.set_ylim(-1.15 * widest, 1.15 * widest)
    axis.set_ylabel("residual / u")


def linearity_plot(data: LinearityData) -> Plot:
    """Deviation of each reading from the line through the reference reading."""
    worst = data.result.worst
    alt = (
        f"Linearity of {data.device}: deviation from the line against {data.unit}, "
        f"{len(data.expected)} readings, the largest {100 * worst:+.1f} per cent."
    )
    return Plot("linearity", 120, 70, lambda drawing: _linearity(drawing, data), alt)


def _linearity(drawing: Any, data: LinearityData) -> None:
    axis = drawing.subplots()
    drawing.subplots_adjust(left=0.12, right=0.975, top=0.88, bottom=0.165)
    worst = f"{100 * data.result.worst:+.1f} %".replace("-", "−")
    word = "within" if data.result.status == "pass" else "outside"
    axis.set_title(
        f"{data.device}: largest deviation {worst}, {word} ±{100 * data.tolerance:.3g} %", pad=6
    )
    deviation = 100 * np.array(data.result.deviation)
    limit = 100 * data.tolerance
    reach = 1.25 * max(limit, float(np.abs(deviation).max()))
    axis.set_ylim(-reach, reach)
    for start, end in ((limit, reach), (-reach, -limit)):
        axis.axhspan(start, end, color=BAND, lw=0)
    for level in (limit, -limit):
        axis.axhline(level, color=OCHRE, lw=0.8)
    axis.axhline(0, color=GREY, lw=0.6)
    _readings(axis, data, deviation)
    axis.set_xscale("log")
    _plain_ticks(axis, data.expected)
    axis.set_xlabel(f"{data.what} / {data.unit}")
    axis.set_ylabel("deviation from the line / %")


def _plain_ticks(axis: Any, values: Sequence[float]) -> None:
    """Numbers a person reads, not powers, where they span few decades."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    few = max(values) / min(values) < 300
    axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())


def _readings(axis: Any, data: LinearityData, deviation: Any) -> None:
    at = data.result.reference_index
    for i, (x, y) in enumerate(zip(data.expected, deviation, strict=True)):
        out = abs(y) > 100 * data.tolerance
        colour = VERMILLION if out else BLUE
        axis.plot([x], [y], "8" if out else "o", ms=5.5 if out else 4.5, mec=colour, mew=0.9,
                  mfc=colour if i == at else "white", zorder=3)  # fmt: skip
        if out:
            late = x * x > min(data.expected) * max(data.expected)
            axis.annotate(f"{y:+.1f} %".replace("-", "−"), (x, y), xytext=(-6 if late else 6, 0),
                          textcoords="offset points", va="center", fontsize=6.3,
                          ha="right" if late else "left", color=DARKER[VERMILLION])  # fmt: skip
    axis.annotate("reference", (data.expected[at], deviation[at]), xytext=(0, -9), fontsize=6.3,
                  textcoords="offset points", ha="center", va="top", color=GREY)  # fmt: skip
