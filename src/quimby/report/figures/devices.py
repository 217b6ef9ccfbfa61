"""Plots of counting devices: control chart, dead time, linearity. Drawn as the report's figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from quimby.report.figures.style import Figure, canvas, finished

FORMS = ("png", "svg", "pdf")


@dataclass(frozen=True, slots=True)
class Plot:
    """Something to draw: its size in mm, how, and one sentence of text."""

    name: str
    width_mm: float
    height_mm: float
    draw: Callable[[Any], None]
    alt: str


def figure(plot: Plot) -> Figure:
    """The plot as SVG and PNG, for a page."""
    with canvas(plot.width_mm, plot.height_mm) as drawing:
        plot.draw(drawing)
        return finished(drawing, plot.name, plot.alt)


def as_bytes(plot: Plot, form: str) -> bytes:
    """The plot as one file ("png", "svg" or "pdf"), the same bytes each time."""
    if form != "pdf":
        made = figure(plot)
        return made.png if form == "png" else made.svg
    out = BytesIO()
    with canvas(plot.width_mm, plot.height_mm) as drawing:
        plot.draw(drawing)
        about = {"CreationDate": None, "Creator": "Quimby", "Title": plot.alt}
        drawing.savefig(out, format="pdf", metadata=about)
    return out.getvalue()
