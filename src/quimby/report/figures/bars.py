"""Dose by cycle, and where the doubt comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from quimby.core.uncertain import Uncertain
from quimby.report.figures.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    OCHRE,
    PINK,
    RULE,
    SKY,
    VERMILLION,
    Figure,
    canvas,
    finished,
    spoken,
)
from quimby.report.rounding import significant
from quimby.study.result import RegionResult

DARK_VERMILLION = "#B34700"


@dataclass(frozen=True, slots=True)
class CycleBar:
    """Cumulative dose after one cycle; `forecast` where it has not been given yet."""

    label: str
    before_gy: float
    total_gy: Uncertain
    forecast: bool


def cycle_bars(bars: Sequence[CycleBar], name: str, limit_gy: float | None) -> Figure:
    """Cumulative dose by cycle with the limit; what is to come is hatched."""
    with canvas(49, 56) as drawing:
        axis = drawing.subplots()
        drawing.subplots_adjust(left=0.19, right=0.985, top=0.985, bottom=0.17)
        for index, bar in enumerate(bars):
            _bar(axis, index, bar)
        highest = max(bar.total_gy.interval()[1] for bar in bars)
        axis.set_ylim(0, 1.13 * max(highest, limit_gy or 0.0))
        if limit_gy:
            axis.axhline(limit_gy, color=DARK_VERMILLION, lw=1.3)
            left = bars[0].total_gy.interval()[1] < limit_gy  # there the line has room above it
            axis.text(
                0.015 if left else 1.0, limit_gy, f"limit {limit_gy:g} Gy",
                transform=axis.get_yaxis_transform(), ha="left" if left else "right",
                va="bottom", fontsize=6.5, fontweight="bold", color=DARK_VERMILLION,
            )  # fmt: skip
        axis.set_xticks(range(len(bars)), [bar.label for bar in bars])
        axis.set_xlim(-0.6, len(bars) - 0.4)
        axis.set_ylabel(f"{name}, total (Gy)")
        axis.set_xlabel("Cycle")
        return finished(drawing, "dose_by_cycle", _cycles_alt(bars, name, limit_gy))


def _bar(axis, index: int, bar: CycleBar) -> None:  # type: ignore[no-untyped-def]
    step = bar.total_gy.value - bar.before_gy
    if bar.forecast:
        axis.bar(index, bar.before_gy, 0.62, fill=False, ec=SKY, ls=":", lw=0.7)
        axis.bar(index, step, 0.62, bottom=bar.before_gy, fc="white", ec=BLUE, hatch="////", lw=0.8)
    else:
        axis.bar(index, bar.before_gy, 0.62, color=LIGHT_BLUE, lw=0)
        axis.bar(index, step, 0.62, bottom=bar.before_gy, color=BLUE, lw=0)
    low, high = bar.total_gy.interval()
    if bar.total_gy.u > 0:
        middle = bar.total_gy.value
        axis.errorbar(index, middle, yerr=((middle - low,), (high - middle,)), fmt="none",
                      ecolor=INK, elinewidth=0.9, capsize=2.2, capthick=0.9)  # fmt: skip
    axis.annotate(significant(bar.total_gy.value, 3 if bar.total_gy.value >= 10 else 2),
                  (index, high), xytext=(0, 2), textcoords="offset points", ha="center",
                  fontsize=6.5, fontweight="regular" if bar.forecast else "bold", zorder=6,
                  bbox={"fc": "white", "ec": "none", "pad": 0.6, "alpha": 0.85})  # fmt: skip


def _cycles_alt(bars: Sequence[CycleBar], name: str, limit_gy: float | None) -> str:
    parts = [
        f"{b.label}: {b.total_gy.value:.1f} Gy{' (forecast)' if b.forecast else ''}" for b in bars
    ]
    tail = f"; limit {limit_gy:g} Gy" if limit_gy else ""
    return f"Cumulative dose to {name} after each cycle: {', '.join(parts)}{tail}."


LIGHT_BLUE, LIGHT_GREEN = "#9CC7E2", "#8FD0B6"
GROUPS = {
    "outline": BLUE, "registration": LIGHT_BLUE, "recovery": OCHRE, "curve": GREEN,
    "slower phase, unseen": LIGHT_GREEN, "calibration": VERMILLION, "counts": PINK,
    "density, S": SKY, "other": GREY,
}  # fmt: skip
"""The report's colours of the causes; what is alike has one hue, the unseen is hatched."""
HATCHED = "slower phase, unseen"
KEYS = {
    HATCHED: ("slower phase",),
    "registration": ("registration",),
    "outline": ("outline", "volume", "mass"),
    "recovery": ("recovery", "point spread", "partial", "resolution"),
    "counts": ("count", "background", "scatter", "repeatability", "dead time"),
    "curve": ("curve", "prior", "model", "fit", "half-life", "population", "uptake", "one scan"),
    "calibration": ("calibration", "camera", "activity meter", "source"),
    "density, S": ("s value", "density", "energy", "deposition", "absorbed fraction"),
}


def group_of(cause: str) -> str:
    """Which of the report's colours a cause takes; its own name stays in the table."""
    low = cause.lower()
    for group, words in KEYS.items():
        if any(word in low for word in words):
            return group
    return "other"


def shares(dose: Uncertain) -> dict[str, float]:
    """Share of the variance by group, adding to one (empty without doubt)."""
    if dose.u == 0:
        return {}
    found = dict.fromkeys(GROUPS, 0.0)
    for cause, part in dose.parts.items():
        found[group_of(cause)] += (part / dose.u) ** 2
    return found


def budget_bars(regions: Sequence[RegionResult]) -> Figure:
    """Relative standard uncertainty of each dose, split by share of variance."""
    height = 21 + 5.0 * len(regions)
    with canvas(180, height) as drawing:
        axis = drawing.subplots()
        drawing.subplots_adjust(left=0.15, right=0.99, top=1 - 10 / height, bottom=11 / height)
        for row, region in enumerate(regions):
            _stack(axis, row, region.absorbed_dose_gy)
        widest = max((100 * r.absorbed_dose_gy.u_rel for r in regions), default=1.0)
        axis.set_xlim(0, 1.1 * max(widest, 1.0))
        axis.set_yticks(range(len(regions)), [spoken(r.name) for r in regions])
        axis.invert_yaxis()
        axis.tick_params(axis="y", length=0)
        axis.grid(axis="x", color=RULE, lw=0.4)
        axis.set_axisbelow(True)
        axis.set_xlabel("Standard uncertainty of the absorbed dose (%, k = 1)")
        shown = [g for g in GROUPS if any(shares(r.absorbed_dose_gy).get(g) for r in regions)]
        axis.legend([_patch(g) for g in shown], shown, ncols=len(shown), loc="lower left",
                    bbox_to_anchor=(-0.01, 1), frameon=False, fontsize=6.5, handlelength=1,
                    handleheight=0.8, columnspacing=1.4)  # fmt: skip
        return finished(drawing, "budget", "Standard uncertainty of each region's dose in per "
                        "cent, split by cause; the table below holds the numbers.")  # fmt: skip


def _patch(group: str):  # type: ignore[no-untyped-def]
    from matplotlib.patches import Patch

    return Patch(**_look(group))


def _look(group: str) -> dict[str, Any]:
    hatch = {"hatch": "//////", "edgecolor": GREEN} if group == HATCHED else {}
    return {"facecolor": GROUPS[group], "linewidth": 0, **hatch}


def _stack(axis, row: int, dose: Uncertain) -> None:  # type: ignore[no-untyped-def]
    """Lengths are u x share of variance: they add to u, as quadrature parts would not."""
    left = 0.0
    for group, share in shares(dose).items():
        width = 100 * dose.u_rel * share
        axis.barh(row, width, 0.62, left=left, **_look(group))
        left += width
    words = f"{left:.1f} %" if left else "not known"
    axis.annotate(words, (left, row), xytext=(3, 0), textcoords="offset points", va="center",
                  fontsize=6.5)  # fmt: skip
