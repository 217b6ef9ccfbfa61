"""Stage on stage against an aim, and the time line of administrations and readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from quimby.core.uncertain import Uncertain
from quimby.report.figures.plan import SIZE, level, whisker
from quimby.report.figures.style import (
    BLUE,
    BRAND,
    GREY,
    INK,
    VERMILLION,
    Figure,
    canvas,
    finished,
)
from quimby.report.rounding import plain_activity, significant
from quimby.study.stages import Stage

PALE = "#9CC7E2"
WIDE, ASIDE = 0.68, 0.22  # of a bar; whiskers stand beside the words in it


@dataclass(frozen=True, slots=True)
class Stack:
    """One column: a dose that stands, and one on it, planned or measured."""

    label: str
    first_gy: float
    second_gy: float
    total_gy: Uncertain
    planned: bool


def stage_bars(stacks: Sequence[Stack], aim_gy: float | None, target: str) -> Figure:
    """Stage on stage against the aim; what is only planned is hatched."""
    with canvas(*SIZE) as drawing:
        axis = drawing.subplots()
        drawing.subplots_adjust(left=0.13, right=0.975, top=0.975, bottom=0.165)
        for at, stack in enumerate(stacks):
            axis.bar(at, stack.first_gy, WIDE, color=BLUE, lw=0)
            if stack.second_gy:
                look: dict[str, Any] = {"color": PALE, "lw": 0}
                if stack.planned:
                    look = {"fc": "white", "ec": BLUE, "hatch": "////", "lw": 0.8}
                axis.bar(at, stack.second_gy, WIDE, bottom=stack.first_gy, **look)
            whisker(axis, at + ASIDE, stack.total_gy)
            high = stack.total_gy.interval()[1] if stack.total_gy.u else stack.total_gy.value
            axis.annotate(significant(stack.total_gy.value, 3), (at + ASIDE, high), xytext=(0, 2),
                          textcoords="offset points", ha="center", fontsize=7,
                          fontweight="normal" if stack.planned else "bold")  # fmt: skip
            _inside(axis, at, stack)
        highest = max(s.total_gy.interval()[1] for s in stacks)
        axis.set_ylim(0, 1.16 * max(highest, aim_gy or 0.0))
        axis.set_xlim(-0.62, len(stacks) - 0.38 + (0.25 if len(stacks) < 3 else 0.0))
        if aim_gy is not None:
            level(axis, aim_gy, f" aim {aim_gy:g} Gy")
        axis.set_xticks(range(len(stacks)), [s.label for s in stacks])
        axis.tick_params(axis="x", length=0)
        axis.set_ylabel(f"{target}, dose (Gy)")
        return finished(drawing, "plan", _stage_alt(stacks, aim_gy, target))


def _inside(axis: Any, at: float, stack: Stack) -> None:
    """Which stage a piece is, written in it."""
    if not stack.second_gy:
        return
    axis.text(
        at - 0.10,
        stack.first_gy / 2,
        "stage 1",
        ha="center",
        va="center",
        fontsize=6.4,
        color="white",
        fontweight="bold",
    )
    axis.text(
        at - 0.10,
        stack.first_gy + stack.second_gy * 0.42,
        "stage 2",
        ha="center",
        va="center",
        fontsize=6.4,
        fontweight="bold",
        bbox={"boxstyle": "round,pad=0.15", "fc": "white" if stack.planned else PALE, "lw": 0},
    )


def _stage_alt(stacks: Sequence[Stack], aim_gy: float | None, target: str) -> str:
    parts = ", ".join(f"{s.label.replace(chr(10), ' ')} {significant(s.total_gy.value, 3)} Gy"
                      for s in stacks)  # fmt: skip
    aim = f"; aim {aim_gy:g} Gy" if aim_gy is not None else ""
    return f"{target} dose by stage, with 95 per cent intervals: {parts}{aim}."


def timeline(stages: Sequence[Stage], names: Sequence[str]) -> Figure:
    """Administrations as diamonds, readings as ticks, on days; long pauses are cut."""
    with canvas(184, 17) as drawing:
        axis = drawing.add_axes((0.01, 0.0, 0.98, 1.0))
        axis.set_axis_off()
        axis.set_xlim(0, 1)
        axis.set_ylim(0, 1)
        for stage, name, (left, right) in zip(stages, names, _rooms(stages), strict=True):
            _one_stage(axis, stage, name, left, right)
        return finished(drawing, "timeline", _timeline_alt(stages, names))


def _rooms(stages: Sequence[Stage]) -> list[tuple[float, float]]:
    """Each stage's share of the width; at least a sixth."""
    spans = np.maximum([_span_h(s) for s in stages], 1.0)
    gap = 0.05
    width = (1 - gap * (len(stages) - 1)) * np.maximum(spans / spans.sum(), 1 / 6)
    width *= (1 - gap * (len(stages) - 1)) / width.sum()
    starts = np.concatenate([[0.0], np.cumsum(width + gap)[:-1]])
    return [(float(a), float(a + w)) for a, w in zip(starts, width, strict=True)]


def _span_h(stage: Stage) -> float:
    return max([24.0, *(p.time_h for s in stage.series for p in s.points)])


def _one_stage(axis: Any, stage: Stage, name: str, left: float, right: float) -> None:
    span = 1.06 * _span_h(stage)

    def at(hours: float) -> float:
        return left + 0.012 + (right - left - 0.012) * hours / span

    axis.plot([at(0), right], [0.42, 0.42], color=GREY, lw=1.0, solid_capstyle="butt")
    for day in range(int(span // 24) + 1):
        axis.plot([at(24 * day)] * 2, [0.34, 0.42], color=GREY, lw=0.6)
        if day and (right - left) * 184 * 24 / span > 7:
            axis.text(
                at(24 * day), 0.26, f"{24 * day} h", fontsize=6, color=GREY, ha="center", va="top"
            )
    for row, series in enumerate(stage.series[:2]):
        _ticks(axis, [at(p.time_h) for p in series.points], row)
    axis.plot([at(0)], [0.42], "D", ms=6.5, color=BRAND, zorder=5)
    when = _short(stage.administered_at)
    axis.text(
        at(0) - 0.006,
        0.95,
        f"{name}  {plain_activity(stage.administered_mbq.value)}  ·  {when}",
        fontsize=7,
        fontweight="bold",
        va="top",
        color=INK,
    )
    axis.text(at(0), 0.26, "0", fontsize=6, color=GREY, ha="center", va="top")


def _ticks(axis: Any, where: Sequence[float], row: int) -> None:
    colour, marker = ((BLUE, "o"), (VERMILLION, "s"))[row]
    height = 0.42 if row == 0 else 0.58
    axis.plot(where, [height] * len(where), marker, ms=3.8 if row == 0 else 3.0, mfc="white",
              mec=colour, mew=1.0, zorder=4)  # fmt: skip


def _short(moment: datetime) -> str:
    from quimby.report.words import short_day

    return f"{short_day(moment)}, {moment:%H:%M}"


def _timeline_alt(stages: Sequence[Stage], names: Sequence[str]) -> str:
    parts = "; ".join(
        f"{name} on {_short(s.administered_at)}, "
        f"{sum(len(x.points) for x in s.series)} readings to {_span_h(s):.0f} h"
        for s, name in zip(stages, names, strict=True)
    )
    return f"Time line of the administrations and their readings: {parts}."
