"""What a doubt is made of: shares of the variance by cause."""

from __future__ import annotations

from collections.abc import Sequence

from quimby.report.figures.style import OCHRE, RULE, Figure, canvas, finished

LONG = 38  # letters of a cause beside its bar


def cause_bars(name: str, title: str, causes: Sequence[tuple[str, float]]) -> Figure:
    """Share of each cause in the variance, largest first, in per cent."""
    height = 13.0 + 4.2 * max(len(causes), 1)
    with canvas(88, height) as drawing:
        axis = drawing.subplots()
        drawing.subplots_adjust(left=0.56, right=0.93, top=1 - 1.5 / height, bottom=10.5 / height)
        for row, (_cause, share) in enumerate(causes):
            axis.barh(row, 100 * share, 0.62, color=OCHRE if row == 0 else RULE, lw=0)
            words = f"{100 * share:.0f} %" if share >= 0.005 else "< 1 %"
            axis.annotate(
                words,
                (100 * share, row),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=6.5,
                fontweight="bold" if row == 0 else "normal",
            )
        axis.set_yticks(range(len(causes)), [_cut(cause) for cause, _ in causes])
        axis.set_xlim(0, 100)
        axis.invert_yaxis()
        axis.tick_params(axis="y", length=0)
        axis.set_xlabel("Share of the variance (%)")
        parts = ", ".join(f"{cause} {100 * share:.0f} per cent" for cause, share in causes[:4])
        return finished(drawing, name, f"{title}: shares of the variance; {parts}.")


def _cut(words: str) -> str:
    return words if len(words) <= LONG else f"{words[: LONG - 1]}…"
