"""Cumulative dose-volume histograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from quimby.report.figures.style import RULE, Figure, Series, canvas, finished, spoken
from quimby.study.result import RegionResult

LETTER = 0.0195  # width of a letter as a share of the axis


def dvh_figure(
    regions: Sequence[RegionResult], styles: dict[str, Series], name: str, title: str
) -> Figure | None:
    """Volume receiving at least a dose, %, linear axes; None where no region has one."""
    drawn = [r for r in regions if r.dvh is not None]
    if not drawn:
        return None
    with canvas(88, 58) as drawing:
        axis = drawing.subplots()
        drawing.subplots_adjust(left=0.13, right=0.985, top=0.92, bottom=0.165)
        end = 1.06 * max(r.dvh.d2_gy for r in drawn if r.dvh)
        for region in drawn:
            assert region.dvh is not None
            style = styles[region.name]
            axis.plot(region.dvh.dose_gy, 100 * np.array(region.dvh.volume_fraction),
                      color=style.colour, lw=1.2)  # fmt: skip
        axis.set_xlim(0, end)
        axis.set_ylim(0, 103)
        _labels(axis, drawn, styles, end)
        axis.grid(color=RULE, lw=0.4)
        axis.set_axisbelow(True)
        axis.set_xlabel("Absorbed dose (Gy)")
        axis.set_ylabel("Volume receiving at least this dose (%)")
        axis.set_title(title)
        return finished(drawing, name, _alt(drawn))


def _labels(
    axis: Any, drawn: Sequence[RegionResult], styles: dict[str, Series], end: float
) -> None:
    """Name at the curve, at the height and side where its neighbour is farthest."""
    taken: list[tuple[float, float, float]] = []  # left, right (Gy), height
    for region in drawn:
        height, right = _roomiest(region, drawn, taken, end)
        at, width = _dose_at(region, height), LETTER * len(region.name) * end
        taken.append((at, at + width, height) if right else (at - width, at, height))
        style = styles[region.name]
        axis.plot([at], [height], style.marker, ms=3.6, mfc="white", mec=style.colour, mew=0.9)
        axis.annotate(
            spoken(region.name), (at, height), xytext=(4 if right else -4, 0),
            textcoords="offset points", ha="left" if right else "right", va="center",
            fontsize=6.5, fontweight="bold", color=style.words,
        )  # fmt: skip


def _dose_at(region: RegionResult, height: float) -> float:
    assert region.dvh is not None
    fraction = 100 * np.array(region.dvh.volume_fraction)
    return float(np.interp(-height, -fraction, region.dvh.dose_gy))


def _roomiest(
    region: RegionResult, drawn: Sequence[RegionResult],
    taken: Sequence[tuple[float, float, float]], end: float,
) -> tuple[float, bool]:  # fmt: skip
    """Height (%) and side with the widest free stretch beside the curve, up to what it needs."""
    need = (LETTER * len(region.name) + 0.02) * end
    best = -1.0, 50.0, True
    for height in (50, 60, 40, 70, 30, 80, 20, 90, 10):
        at = _dose_at(region, height)
        for right in (True, False):
            free = end - at if right else at
            for other in drawn:
                for level in (height - 4, height, height + 4):
                    gap = (_dose_at(other, level) - at) * (1 if right else -1)
                    if other is not region and gap >= 0:
                        free = min(free, gap)
            span = (at, at + need) if right else (at - need, at)
            meets = span[0] < 0 or any(a < span[1] and span[0] < b and abs(h - height) < 7
                                       for a, b, h in taken)  # fmt: skip
            score = min(free, need) - (need if meets else 0.0)
            if score > best[0] + 1e-9:
                best = score, float(height), right
    return best[1], best[2]


def _alt(drawn: Sequence[RegionResult]) -> str:
    parts = [f"{r.name} D50 {r.dvh.d50_gy:.2g} Gy" for r in drawn if r.dvh]
    return f"Cumulative dose-volume histograms: {', '.join(parts)}."
