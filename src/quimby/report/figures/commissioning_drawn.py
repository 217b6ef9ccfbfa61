"""How plots of commissioning are drawn: an axis, a picture in mm, circles on a slice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Image
from quimby.report.figures.devices import Plot
from quimby.report.figures.style import INK, MM

Float = NDArray[np.float64]
Ring = tuple[tuple[float, float, float], float, str]  # centre, radius in mm, colour
SQUARE, WIDE = (62.0, 62.0), (112.0, 62.0)
BELOW_MM, ABOVE_MM = 10.5, 6.8  # room for the axis' words and for the title
PICTURE = "gray_r"
SEEN = 0.1  # of the largest value: what a picture is cut to
AROUND_MM = 25.0


def plot(name: str, size: tuple[float, float], draw: Callable[[Any], object], alt: str) -> Plot:
    """A plot of this size in mm; what `draw` returns is not looked at."""
    return Plot(name, *size, lambda drawing: _drawn(draw, drawing), alt)


def _drawn(draw: Callable[[Any], object], drawing: Any) -> None:
    draw(drawing)


def axis_of(drawing: Any, title: str, across: str, up: str) -> Any:
    """One axis with its title and words, in a room of the same mm in every plot."""
    axis = drawing.subplots()
    tall = drawing.get_size_inches()[1] / MM
    drawing.subplots_adjust(left=0.15, right=0.97, top=1 - ABOVE_MM / tall, bottom=BELOW_MM / tall)
    axis.set_title(title, pad=5)
    axis.set_xlabel(across)
    axis.set_ylabel(up)
    return axis


def picture(
    drawing: Any, plane: Float, steps_mm: tuple[float, float], title: str, *,
    low: float = 0.0, high: float | None = None,
) -> Any:  # fmt: skip
    """What a plane shows, in mm from its corner, with a bar of 5 cm."""
    axis = drawing.subplots()
    drawing.subplots_adjust(left=0.01, right=0.99, top=0.9, bottom=0.01)
    rows, columns = plane.shape
    axis.imshow(plane, cmap=PICTURE, vmin=low, vmax=high,
                extent=(0, columns * steps_mm[0], rows * steps_mm[1], 0))  # fmt: skip
    left, right, top, bottom = _bounds(plane, steps_mm)
    axis.set_xlim(left, right)
    axis.set_ylim(bottom, top)
    axis.set_title(title, pad=4)
    axis.set_axis_off()
    _bar(axis, left + 0.04 * (right - left), bottom - 0.03 * (bottom - top))
    return axis


def _bounds(plane: Float, steps_mm: tuple[float, float]) -> tuple[float, float, float, float]:
    """Left, right, top and bottom of what is seen, mm, with some room around."""
    seen = plane > SEEN * float(np.percentile(plane, 99.9))
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if not rows.size:
        return 0.0, plane.shape[1] * steps_mm[0], 0.0, plane.shape[0] * steps_mm[1]
    ends = []
    for found, step, size in ((columns, steps_mm[0], plane.shape[1]),
                              (rows, steps_mm[1], plane.shape[0])):  # fmt: skip
        ends += [max(found[0] * step - AROUND_MM, 0.0),
                 min((found[-1] + 1) * step + AROUND_MM, size * step)]  # fmt: skip
    return ends[0], ends[1], ends[2], ends[3]


def _bar(axis: Any, left: float, at: float) -> None:
    axis.plot([left, left + 50.0], [at, at], color=INK, lw=1.6, solid_capstyle="butt")
    axis.annotate("5 cm", (left + 25.0, at), xytext=(0, 3), fontsize=6.3, ha="center", color=INK,
                  textcoords="offset points")  # fmt: skip


def slice_plot(
    image: Image, z_mm: float, circles: Sequence[Ring], *, name: str, title: str, alt: str
) -> Plot:
    """The slice nearest to a height, with circles on it."""

    def draw(drawing: Any) -> None:
        axis = picture(drawing, _slice(image, z_mm), image.grid.spacing_mm[:2], title)
        for one in circles:
            _circle(axis, image, one)

    return plot(name, SQUARE, draw, alt)


def _slice(image: Image, z_mm: float) -> Float:
    x, y, _ = (float(v) for v in image.grid.points_mm((0, 0, 0)))
    k = round(float(image.grid.index_of((x, y, z_mm))[2]))
    k = min(max(k, 0), image.grid.shape[0] - 1)
    return np.asarray(image.values[k], dtype=np.float64)


def _circle(axis: Any, image: Image, ring: Ring) -> None:
    from matplotlib.patches import Circle

    centre, radius_mm, colour = ring
    column, row = (float(v) for v in image.grid.index_of(centre)[:2])
    across, down = image.grid.spacing_mm[:2]
    at = ((column + 0.5) * across, (row + 0.5) * down)
    axis.add_patch(Circle(at, radius_mm, fill=False, ec=colour, lw=0.9))
