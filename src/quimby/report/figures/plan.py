"""What is proposed: dose against activity, and what each limit allows."""

from __future__ import annotations

import re
from textwrap import wrap
from typing import Any

import numpy as np

from quimby.core.uncertain import Uncertain
from quimby.report.figures.style import (
    BLUE,
    GREY,
    INK,
    Figure,
    canvas,
    finished,
)
from quimby.report.rounding import plain_activity, significant
from quimby.study.stages import Plan

PALE = "#9CC7E2"
DARK_VERMILLION = "#B34700"
DARK_GREEN = "#00704F"
SIZE = (74.0, 56.0)
MBQ_PER_GBQ = 1000.0
STEPS_DRAWN = 14


def _unit(mbq: float) -> tuple[float, str]:
    return (MBQ_PER_GBQ, "GBq") if mbq >= MBQ_PER_GBQ else (1.0, "MBq")


def whisker(axis: Any, at: float, x: Uncertain, colour: str = INK, **more: Any) -> None:
    """95 % interval of a value, upright."""
    if x.u == 0:
        return
    low, high = x.interval()
    axis.errorbar(
        at,
        x.value,
        yerr=((x.value - low,), (high - x.value,)),
        fmt="none",
        ecolor=colour,
        elinewidth=1.0,
        capsize=2.4,
        capthick=1.0,
        **more,
    )


def dose_for_activity(plan: Plan, measured: tuple[float, Uncertain] | None = None,
                      step_mbq: float | None = None) -> Figure:  # fmt: skip
    """Dose to the target against activity, the aim, what is proposed, and what was measured."""
    with canvas(*SIZE) as drawing:
        axis = drawing.subplots()
        drawing.subplots_adjust(left=0.155, right=0.975, top=0.975, bottom=0.165)
        divide, unit = _unit(plan.proposed_mbq)
        right = 1.55 * max(plan.proposed_mbq, plan.activity_mbq.value) / divide
        _fan(axis, plan, divide, right)
        _steps(axis, step_mbq, divide, right)
        top = max(plan.dose_gy.interval()[1], measured[1].interval()[1] if measured else 0.0)
        axis.set_ylim(0, 1.2 * max(top, plan.aim_gy or 0.0))
        axis.set_xlim(0, right)
        if plan.aim_gy is not None:
            level(axis, plan.aim_gy, f"aim {plan.aim_gy:g} Gy")
        _proposed(axis, plan, divide, alone=measured is None)
        if measured is not None:
            at = measured[0] / divide
            whisker(axis, at, measured[1], DARK_GREEN, zorder=6)
            axis.plot([at], [measured[1].value], "D", ms=4.6, mfc="white", mec=DARK_GREEN, mew=1.2,
                      zorder=7)  # fmt: skip
            _said(
                axis,
                f"measured\n{significant(measured[1].value, 3)} Gy",
                (at, measured[1].value),
                (-7, -4),
                DARK_GREEN,
                ha="right",
            )
        axis.set_xlabel(f"Activity ({unit})")
        axis.set_ylabel(f"{plan.target}, dose (Gy)")
        return finished(drawing, "plan", _dose_alt(plan, measured))


def _fan(axis: Any, plan: Plan, divide: float, right: float) -> None:
    per = plan.dose_gy.scaled(divide / plan.proposed_mbq)
    low, high = per.interval()
    xs = np.array([0.0, right])
    axis.fill_between(xs, low * xs, high * xs, color=BLUE, alpha=0.15, lw=0)
    axis.plot(xs, per.value * xs, color=BLUE, lw=1.1)


def _steps(axis: Any, step_mbq: float | None, divide: float, right: float) -> None:
    """What can be supplied: a tick on the floor at every step."""
    if step_mbq is None or not 2 <= right * divide / step_mbq <= 4 * STEPS_DRAWN:
        return
    at = np.arange(1, int(right * divide / step_mbq) + 1) * step_mbq / divide
    axis.plot(at, [0.02] * len(at), "|", ms=5.5, mew=1.0, color=GREY,
              transform=axis.get_xaxis_transform())  # fmt: skip
    axis.text(0.015, 0.08, f"| steps of {step_mbq:g} MBq", fontsize=6, color=GREY,
              transform=axis.transAxes)  # fmt: skip


def level(axis: Any, gy: float, words: str) -> None:
    """An aim as a dashed line with its words."""
    axis.axhline(gy, color=DARK_VERMILLION, lw=1.1, ls=(0, (5, 2)))
    axis.text(0.02, gy, words, transform=axis.get_yaxis_transform(), ha="left", va="bottom",
              fontsize=6.5, fontweight="bold", color=DARK_VERMILLION)  # fmt: skip


def _said(axis: Any, text: str, at: tuple[float, float], off: tuple[float, float], ink: str,
          **look: Any) -> None:  # fmt: skip
    from matplotlib.patheffects import withStroke

    axis.annotate(
        text,
        at,
        xytext=off,
        textcoords="offset points",
        fontsize=6.8,
        color=ink,
        va="top",
        fontweight="bold",
        linespacing=1.15,
        zorder=8,
        path_effects=[withStroke(linewidth=2.2, foreground="white")],
        **look,
    )


def _proposed(axis: Any, plan: Plan, divide: float, *, alone: bool) -> None:
    at = plan.proposed_mbq / divide
    axis.plot([at, at], [0, plan.dose_gy.value], color=BLUE, lw=0.8, ls=":")
    if alone:  # else the band says the same, and two whiskers would lie on each other
        whisker(axis, at, plan.dose_gy, INK, zorder=5)
    axis.plot([at], [plan.dose_gy.value], "o", ms=5, color=BLUE, zorder=6)
    gives = f"{plain_activity(plan.proposed_mbq)}\n{significant(plan.dose_gy.value, 3)} Gy"
    _said(axis, gives, (at, plan.dose_gy.value), (7, -4), BLUE, ha="left")


def _dose_alt(plan: Plan, measured: tuple[float, Uncertain] | None) -> str:
    after = (
        f"; measured after the therapy {significant(measured[1].value, 3)} Gy" if measured else ""
    )
    aim = f", aim {plan.aim_gy:g} Gy" if plan.aim_gy is not None else ""
    return (f"Dose to the {plan.target.lower()} against activity with its 95 per cent interval: "
            f"{plain_activity(plan.proposed_mbq)} give {significant(plan.dose_gy.value, 3)} Gy"
            f"{aim}{after}.")  # fmt: skip


def limit_bars(plan: Plan) -> Figure:
    """What each limit allows, its interval, the careful mark, and the activity thought of."""
    with canvas(*SIZE) as drawing:
        axis = drawing.subplots()
        drawing.subplots_adjust(left=0.27, right=0.965, top=0.90, bottom=0.165)
        for row, allowed in enumerate(plan.allowed):
            value = allowed.activity_mbq.scaled(1 / MBQ_PER_GBQ)
            axis.barh(row, value.value, 0.46, color=BLUE if row == 0 else PALE, lw=0)
            if value.u > 0:
                low, high = value.interval()
                axis.errorbar(
                    value.value,
                    row,
                    xerr=((value.value - low,), (high - value.value,)),
                    fmt="none",
                    ecolor=INK,
                    elinewidth=1.0,
                    capsize=2.6,
                    capthick=1.0,
                )
            careful = allowed.careful_mbq / MBQ_PER_GBQ
            axis.plot(
                [careful], [row], "D", ms=4.6, mfc="white", mec=DARK_VERMILLION, mew=1.2, zorder=6
            )
            axis.annotate(f"{significant(value.value, 3)} GBq", (value.value, row - 0.28),
                          xytext=(0, 1), textcoords="offset points", fontsize=6.8, ha="right",
                          va="bottom", fontweight="bold" if row == 0 else "normal")  # fmt: skip
            _said(axis, significant(careful, 3), (careful, row + 0.25), (0, -1), DARK_VERMILLION,
                  ha="center")  # fmt: skip
        tops = [a.activity_mbq.interval()[1] for a in plan.allowed]
        axis.set_xlim(0, 1.06 * max([*tops, plan.thought_of_mbq or 0.0]) / MBQ_PER_GBQ)
        axis.set_ylim(len(plan.allowed) - 0.38, -0.62)
        axis.set_yticks(range(len(plan.allowed)), [_named(a.name) for a in plan.allowed])
        axis.tick_params(axis="y", length=0)
        axis.set_xlabel("Activity that the limit allows (GBq)")
        _thought_of(axis, plan)
        return finished(drawing, "plan", _limits_alt(plan))


def _named(name: str) -> str:
    """A limit's name on lines of its own, number and unit together."""
    kept = re.sub(r"(\d) (?=[A-Za-z])", "\\1\u00a0", name)
    return "\n".join(wrap(kept, 15, break_long_words=False))


def _thought_of(axis: Any, plan: Plan) -> None:
    if plan.thought_of_mbq is None:
        return
    at = plan.thought_of_mbq / MBQ_PER_GBQ
    axis.axvline(at, color=DARK_GREEN, lw=1.3, ls=(0, (4, 2)), zorder=5)
    axis.text(
        at,
        1.02,
        f" considered: {significant(at, 3)} GBq ",
        fontsize=6.4,
        fontweight="bold",
        color=DARK_GREEN,
        ha="right" if at > 0.6 * axis.get_xlim()[1] else "left",
        va="bottom",
        transform=axis.get_xaxis_transform(),
    )


def _limits_alt(plan: Plan) -> str:
    parts = ", ".join(
        f"{a.name} {significant(a.activity_mbq.value / MBQ_PER_GBQ, 3)} GBq "
        f"(upper 95 per cent within it up to {significant(a.careful_mbq / MBQ_PER_GBQ, 3)})"
        for a in plan.allowed
    )
    thought = (f"; considered: {significant(plan.thought_of_mbq / MBQ_PER_GBQ, 3)} GBq"
               if plan.thought_of_mbq else "")  # fmt: skip
    return f"Bars of the activity that each limit allows: {parts}{thought}."
