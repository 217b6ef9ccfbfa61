"""Planar views with the regions that were counted and their backgrounds, scan by scan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quimby.report.figures.planes import bare
from quimby.report.figures.slices import line_colours
from quimby.report.figures.style import Figure, canvas, finished
from quimby.study.result import PlanarPicture, Result

Float = NDArray[np.float64]
ROOM_MM = 45.0  # shown beyond the regions and their backgrounds
BRIGHTEST = 99.7  # centile that ends the grey scale
PER_ROW, WIDTH_MM, GAP_MM, TITLE_MM = 4, 180.0, 1.2, 4.5


def planar_views(result: Result) -> Figure | None:
    """Both views of every pair, one column each: regions as lines, backgrounds dashed."""
    pictures = result.pictures.planar if result.pictures else ()
    shown = [p for p in pictures if p.regions]
    if not shown:
        return None
    boxes = _alike([_box(p) for p in shown], shown)
    column = (WIDTH_MM - GAP_MM * (PER_ROW - 1)) / PER_ROW
    tall = max(column * _height(b, p) / _width(b, p) for b, p in zip(boxes, shown, strict=True))
    bands = [range(n, min(n + PER_ROW, len(shown))) for n in range(0, len(shown), PER_ROW)]
    height = len(bands) * (2 * (tall + GAP_MM) + TITLE_MM)
    colours = line_colours(result.regions)
    with canvas(WIDTH_MM, height) as drawing:
        for band, members in enumerate(bands):
            top = band * (2 * (tall + GAP_MM) + TITLE_MM) + TITLE_MM
            for place, n in enumerate(members):
                for view in (0, 1):
                    down = top + view * (tall + GAP_MM)
                    axis = drawing.add_axes((place * (column + GAP_MM) / WIDTH_MM,
                                             1 - (down + tall) / height, column / WIDTH_MM,
                                             tall / height))  # fmt: skip
                    _view(axis, shown[n], boxes[n], view, colours)
                    if view == 0:
                        axis.set_title(_title(result, shown[n]), pad=3, fontsize=7)
        return finished(drawing, "planar", _alt(shown))


def words(result: Result) -> str:
    """What the figure shows, above it."""
    if not result.pictures or not result.pictures.planar:
        return ""
    return ("Counts of the photopeak, grey by their root, each view on its own scale; the second "
            "view turned onto the first. Lines: regions as far as they were counted; dashed: "
            "their backgrounds.")  # fmt: skip


def _alt(shown: Sequence[PlanarPicture]) -> str:
    names = dict.fromkeys(name for p in shown for name in p.regions)
    return (f"Planar views of {', '.join(p.measurement for p in shown)}, "
            f"{' above '.join(shown[0].names)}; outlined with backgrounds: "
            f"{', '.join(names)}.")  # fmt: skip


def _title(result: Result, picture: PlanarPicture) -> str:
    times = [m.time_h for m in result.measurements if m.id == picture.measurement]
    return f"{picture.measurement} · {times[0]:.1f} h" if times else picture.measurement


Box = tuple[slice, slice]


def _box(picture: PlanarPicture) -> Box:
    """Rows and columns around all that is drawn, with room."""
    drawn = _any([*picture.regions.values(), *picture.backgrounds.values()])
    found = []
    for axis, pixel in enumerate(picture.pixel_mm):
        at = np.flatnonzero(drawn.any(axis=1 - axis))
        room = round(ROOM_MM / pixel)
        low, high = max(0, int(at[0]) - room), min(drawn.shape[axis], int(at[-1]) + room + 1)
        found.append(slice(low, high))
    return found[0], found[1]


def _alike(boxes: list[Box], shown: Sequence[PlanarPicture]) -> list[Box]:
    """One window for all where all have the same pixels, so that they can be compared."""
    if len({(p.pixel_mm, np.shape(p.views[0])) for p in shown}) > 1:
        return boxes
    ends = [slice(min(b[i].start for b in boxes), max(b[i].stop for b in boxes)) for i in (0, 1)]
    return [(ends[0], ends[1])] * len(boxes)


def _any(shares: Iterable[Float]) -> NDArray[np.bool_]:
    return np.asarray(np.any([s > 0 for s in shares], axis=0))


def _width(box: Box, picture: PlanarPicture) -> float:
    return float((box[1].stop - box[1].start) * picture.pixel_mm[1])


def _height(box: Box, picture: PlanarPicture) -> float:
    return float((box[0].stop - box[0].start) * picture.pixel_mm[0])


def _view(
    axis: Any, picture: PlanarPicture, box: Box, view: int, colours: Mapping[str, str]
) -> None:
    counts = np.sqrt(np.clip(picture.views[view][box], 0.0, None))
    end = float(np.percentile(counts, BRIGHTEST)) or 1.0
    extent = (0.0, _width(box, picture), _height(box, picture), 0.0)
    axis.imshow(counts, cmap="gray", vmin=0, vmax=end, extent=extent, aspect="equal")
    for shares, style in ((picture.regions, "solid"), (picture.backgrounds, "dashed")):
        for name, share in shares.items():
            _line(axis, share[box], extent, colours.get(name, "#FFFFFF"), style)
    bare(axis)
    axis.set_anchor("N")
    axis.text(0.02, 0.985, picture.names[view], transform=axis.transAxes, va="top", color="white",
              fontsize=6.2)  # fmt: skip
    for at, side in ((0.02, "R"), (0.98, "L")):
        axis.text(at, 0.02, side, transform=axis.transAxes, color="white", fontsize=6.2,
                  ha="left" if side == "R" else "right")  # fmt: skip


def _line(axis: Any, share: Float, extent: Sequence[float], colour: str, style: str) -> None:
    if not (share.max() > 0.5 > share.min()):
        return
    rows, columns = share.shape
    x = (np.arange(columns) + 0.5) * extent[1] / columns
    y = (np.arange(rows) + 0.5) * extent[2] / rows
    axis.contour(x, y, share, levels=[0.5], colors=colour, linestyles=style,
                 linewidths=0.9 if style == "solid" else 0.5)  # fmt: skip
