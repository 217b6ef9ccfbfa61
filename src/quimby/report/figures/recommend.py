"""Burden against doubt: what a centre could do, what it could not, and the front between."""

from __future__ import annotations

from typing import Any

from quimby.advise.judging import Judged
from quimby.advise.recommend import Recommendation
from quimby.report.figures.devices import Plot
from quimby.report.figures.style import BLUE, DARKER, GREY, INK, RULE, VERMILLION, apart
from quimby.report.lettering import raised


def front_plot(found: Recommendation, centre: str) -> Plot:
    """The protocols of a recommendation: fitting ones joined along the front, others crossed."""
    return Plot("recommend", 150, 90, lambda drawing: _draw(drawing, found, centre),
                alt(found, centre))  # fmt: skip


def alt(found: Recommendation, centre: str) -> str:
    """The picture in a sentence."""
    told = [f"{j.protocol.id} {_figures(j)}, fits" for j in found.fits if j.u_rel is not None]
    told += [f"{j.protocol.id} {_figures(j)}, does not fit" for j in found.excluded
             if j.u_rel is not None]  # fmt: skip
    return (f"Burden against expected uncertainty of the protocols for {found.title} at "
            f"{centre}: {'; '.join(told)}.")  # fmt: skip


def _figures(judged: Judged) -> str:
    return f"{judged.burden:.0f} min, {100 * (judged.u_rel or 0):.0f} %"


def _draw(drawing: Any, found: Recommendation, centre: str) -> None:
    axis = drawing.subplots()
    drawing.subplots_adjust(left=0.09, right=0.98, top=0.92, bottom=0.13)
    shown = [j for j in (*found.fits, *found.excluded) if j.u_rel is not None]
    _front(axis, found)
    for judged in shown:
        _mark(axis, judged, found)
    top = 100 * max((j.u_rel or 0.0 for j in shown), default=0.3)
    wide = max((j.burden for j in shown), default=1.0)
    axis.set_xlim(0, 1.35 * wide)
    axis.set_ylim(0, 1.15 * max(top, 100 * (found.u_max or 0.0)))
    _labels(axis, shown, found)
    if found.u_max is not None:
        axis.axhline(100 * found.u_max, color=DARKER[VERMILLION], lw=0.9, ls="--")
        axis.text(0.995, 100 * found.u_max, f"asked: {100 * found.u_max:.0f} %", ha="right",
                  va="bottom", fontsize=6.5, color=DARKER[VERMILLION],
                  transform=axis.get_yaxis_transform())  # fmt: skip
    axis.grid(color=RULE, lw=0.4)
    axis.set_axisbelow(True)
    axis.set_xlabel("Burden a patient and cycle (weighted minutes of staff)")
    axis.set_ylabel("Expected standard uncertainty (%, k = 1)")
    axis.set_title(raised(f"{found.title} · {centre}"))


def _front(axis: Any, found: Recommendation) -> None:
    on = [j for j in found.fits if j.protocol.id in found.front]
    axis.plot([j.burden for j in on], [100 * (j.u_rel or 0) for j in on], color=BLUE, lw=1.1)


def _mark(axis: Any, judged: Judged, found: Recommendation) -> None:
    at = (judged.burden, 100 * (judged.u_rel or 0))
    if judged in found.excluded:
        axis.plot(*at, "X", color=VERMILLION, ms=6, mec="white", mew=0.6)
        return
    first = judged is found.fits[0]
    axis.plot(*at, "s" if first else "o", color=BLUE, ms=7 if first else 5.5, mec=BLUE, mew=1.0,
              mfc=BLUE if first else "white")  # fmt: skip


def _labels(axis: Any, shown: list[Judged], found: Recommendation) -> None:
    low, high = axis.get_ylim()
    heights = apart([100 * (j.u_rel or 0) for j in shown], 0.055 * (high - low))
    for judged, height in zip(shown, heights, strict=True):
        out = judged in found.excluded
        words = f"{judged.protocol.id}{_why(judged) if out else ''}"
        axis.annotate(words, (judged.burden, height), xytext=(6, 0), textcoords="offset points",
                      va="center", fontsize=6.5, color=GREY if out else INK,
                      fontweight="bold" if judged in found.fits[:1] else "regular")  # fmt: skip


def _why(judged: Judged) -> str:
    if len(judged.missing) > 1:
        return f": {len(judged.missing)} things missing"
    return f": {judged.missing[0].item.replace('_', ' ')}"
