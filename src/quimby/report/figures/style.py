"""Palette, type and the one way a figure becomes bytes. matplotlib loads here, not before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from io import BytesIO
from typing import Any

INK, GREY, RULE, BRAND, SHADE = "#1B2733", "#4D5C6A", "#C5CFD8", "#0B4F6C", "#F1F4F7"
BLUE, GREEN, VERMILLION, OCHRE = "#0072B2", "#009E73", "#D55E00", "#B87A00"
PINK, SKY, YELLOW = "#CC79A7", "#56B4E9", "#F0E442"
DARKER = {GREEN: "#00704F", VERMILLION: "#B34700", OCHRE: "#8A5A00", PINK: "#8F3F6B",
          SKY: "#1F6E9C"}  # fmt: skip
"""Twins dark enough (4.5 : 1 on white) for words beside a curve."""

SERIES = (
    (BLUE, "o"), (GREEN, "^"), (VERMILLION, "s"), (OCHRE, "D"), (PINK, "v"), (SKY, ">"),
    (INK, "<"), (GREY, "p"),
)  # fmt: skip
PNG_DPI = 200
MM = 1 / 25.4

RC: Any = {
    "svg.hashsalt": "quimby",
    "svg.fonttype": "path",
    "font.family": ["Inter", "DejaVu Sans"],
    "font.size": 7.0,
    "axes.titlesize": 7.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelsize": 7.0,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "text.color": INK,
    "hatch.linewidth": 0.6,
    "hatch.color": BLUE,
    "figure.dpi": 100,
    "savefig.dpi": PNG_DPI,
    "image.interpolation": "antialiased",
    "path.simplify": True,
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One drawn figure: a file name without ending, its bytes, and one sentence of text."""

    name: str
    svg: bytes
    png: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class Series:
    """How a region is drawn everywhere: colour, marker, and the colour of its words."""

    colour: str
    marker: str

    @property
    def words(self) -> str:
        """Colour of the label, dark enough to read."""
        return DARKER.get(self.colour, self.colour)


def series(names: Sequence[str]) -> dict[str, Series]:
    """A colour and a shape for each region, in order, the same in every figure."""
    return {name: Series(*SERIES[i % len(SERIES)]) for i, name in enumerate(names)}


@cache
def _fonts() -> None:
    """Make the fonts in the wheel known to matplotlib."""
    from matplotlib import font_manager

    with as_file(files("quimby.report").joinpath("fonts")) as folder:
        for path in sorted(folder.glob("*.otf")):
            font_manager.fontManager.addfont(str(path))


@contextmanager
def canvas(width_mm: float, height_mm: float) -> Iterator[Any]:
    """A matplotlib figure of that size under our settings, without a display."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure as Drawing

    _fonts()
    with rc_context(RC):
        yield Drawing(figsize=(width_mm * MM, height_mm * MM))


def finished(drawing: Any, name: str, alt: str) -> Figure:
    """The figure as SVG and PNG without dates; call inside `canvas`."""
    svg, png = BytesIO(), BytesIO()
    drawing.savefig(svg, format="svg", metadata={"Date": None, "Creator": "Quimby"})
    drawing.savefig(png, format="png", metadata={"Software": "Quimby"})
    return Figure(name, svg.getvalue(), png.getvalue(), alt)


def spoken(name: str) -> str:
    """A region's name as a person writes it, without underscores."""
    return name.replace("_", " ")


def apart(wanted: Sequence[float], gap: float) -> list[float]:
    """Positions as near the wanted ones as may be, at least `gap` from each other.

    Neighbours that are too close are pooled about their common mean (isotonic regression), so
    the order stays and no label lies on another.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    blocks: list[list[float]] = []  # [sum of (wanted - rank * gap), count]
    for rank, i in enumerate(order):
        blocks.append([wanted[i] - rank * gap, 1.0])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            last = blocks.pop()
            blocks[-1] = [blocks[-1][0] + last[0], blocks[-1][1] + last[1]]
    base = [total / count for total, count in blocks for _ in range(int(count))]
    placed = [0.0] * len(wanted)
    for rank, i in enumerate(order):
        placed[i] = base[rank] + rank * gap
    return placed
