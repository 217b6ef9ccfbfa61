"""Cuts through images: planes in patient space, so that any grid is shown the right way round.

Axial: seen from the feet, the patient's right on the left side. Coronal: seen from the front.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Grid, Image
from quimby.report.figures.style import INK

Float = NDArray[np.float64]
STEP_MM = 1.5
CT_CENTRE, CT_WIDTH = 40.0, 400.0
BAR_MM = 50.0
SKIN_HU = -300.0
OTHER = "#F5A66B"  # outline of what has no colour of its own


@dataclass(frozen=True, slots=True)
class Plane:
    """A cut at one LPS coordinate, over a window in mm (left, right, top, bottom as shown)."""

    kind: str  # "axial" or "coronal"
    at_mm: float
    window: tuple[float, float, float, float]

    def points(self) -> Float:
        """LPS mm of the picture's pixels, shape (rows, columns, 3)."""
        left, right, top, bottom = self.window
        across = np.arange(left + STEP_MM / 2, right, STEP_MM)
        step = STEP_MM if bottom > top else -STEP_MM
        down = np.arange(top + step / 2, bottom, step)
        u, v = np.meshgrid(across, down)
        fixed = np.full_like(u, self.at_mm)
        order = (u, v, fixed) if self.kind == "axial" else (u, fixed, v)
        return np.stack(order, axis=-1)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """For imshow: left, right, bottom, top."""
        left, right, top, bottom = self.window
        return left, right, bottom, top

    @property
    def position(self) -> str:
        """Words for the plane's place."""
        if self.kind == "axial":
            return f"axial, z = {_whole(self.at_mm)} mm"
        return f"coronal, y = {_whole(self.at_mm)} mm"

    @property
    def aspect(self) -> float:
        """Height over width of the picture."""
        left, right, top, bottom = self.window
        return abs(bottom - top) / (right - left)


def _whole(mm: float) -> str:
    return f"{round(mm)}".replace("-", "\u2212")


def cut(image: Image, plane: Plane, *, outside: float = 0.0, order: int = 1) -> Float:
    """Values of an image on a plane, linear between voxels; `outside` where it has none."""
    from scipy.ndimage import map_coordinates

    index = image.grid.index_of(plane.points())[..., ::-1]
    low = np.clip(np.floor(index.min(axis=(0, 1))).astype(int) - 1, 0, image.grid.shape)
    high = np.clip(np.ceil(index.max(axis=(0, 1))).astype(int) + 2, 0, image.grid.shape)
    part = image.array[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    if part.size == 0:
        return np.full(index.shape[:2], outside)
    found: Float = map_coordinates(
        np.asarray(part, dtype=np.float64), np.moveaxis(index - low, -1, 0),
        order=order, mode="constant", cval=outside,
    )  # fmt: skip
    return found


def _box(grid: Grid, margin_mm: float = 0.0) -> tuple[Float, Float]:
    corners = grid.points_mm(
        [[i * (grid.shape[2] - 1), j * (grid.shape[1] - 1), k * (grid.shape[0] - 1)]
         for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    )  # fmt: skip
    return corners.min(axis=0) - margin_mm, corners.max(axis=0) + margin_mm


def body_box(ct: Image, within: Grid) -> tuple[Float, Float]:
    """Low and high LPS corner of the trunk on the CT, inside the grid shown."""
    low, high = _box(within)
    ct_low, ct_high = _box(ct.grid)
    low, high = np.maximum(low, ct_low), np.minimum(high, ct_high)
    step = tuple(max(1, n // 64) for n in ct.array.shape)
    coarse = np.asarray(ct.array[:: step[0], :: step[1], :: step[2]], dtype=np.float64)
    part = coarse > SKIN_HU
    if not part.any():
        return low, high
    at = np.argwhere(part) * np.array(step)
    points = ct.grid.points_mm(at[:, ::-1])
    near = np.all((points >= low - 20) & (points <= high + 20), axis=1)
    if not near.any():
        return low, high
    inner_low, inner_high = np.percentile(points[near], (0.2, 99.8), axis=0)
    return np.maximum(low, inner_low - 12), np.minimum(high, inner_high + 12)


def activity_box(scans: Sequence[Image], within: Grid) -> tuple[Float, Float]:
    """The same without a CT: where the first scans' sum lies above 2 % of its bright end."""
    low, high = _box(within)
    level = np.sum([s.values for s in scans], axis=0)
    points = within.points_mm(np.argwhere(level > 0.02 * np.percentile(level, 99.8))[:, ::-1])
    if not len(points):
        return low, high
    inner_low, inner_high = np.percentile(points, (0.2, 99.8), axis=0)
    return np.maximum(low, inner_low - 12), np.minimum(high, inner_high + 12)


def centroid_mm(image: Image) -> Float | None:
    """Centre of mass of an occupancy; None when it is empty."""
    weight = image.values
    if weight.sum() <= 0:
        return None
    index = np.array([
        (weight.sum(axis=tuple(a for a in range(3) if a != axis)) * np.arange(n)).sum()
        for axis, n in enumerate(weight.shape)
    ]) / weight.sum()  # fmt: skip
    return image.grid.points_mm(index[::-1])


def coronal_through(points: list[Float], low: Float, high: Float) -> Plane:
    """A coronal plane at the mean y of some points, over the trunk."""
    y = float(np.mean([p[1] for p in points])) if points else float((low[1] + high[1]) / 2)
    window = float(low[0]), float(high[0]), float(high[2]), float(low[2])
    return Plane("coronal", y, window)


def axial_through(points: list[Float], low: Float, high: Float) -> Plane:
    """An axial plane at the mean z of some points, over the trunk."""
    z = float(np.mean([p[2] for p in points])) if points else float((low[2] + high[2]) / 2)
    window = float(low[0]), float(high[0]), float(low[1]), float(high[1])
    return Plane("axial", z, window)


def show_ct(axis: Any, ct: Image, plane: Plane) -> None:
    """The CT in grey (W 400, L 40), with sides and scale bar."""
    grey = cut(ct, plane, outside=-1000.0)
    low, high = CT_CENTRE - CT_WIDTH / 2, CT_CENTRE + CT_WIDTH / 2
    axis.imshow(grey, cmap="gray", vmin=low, vmax=high, extent=plane.extent, aspect="equal")
    bare(axis)


def show_activity(axis: Any, scan: Image, plane: Plane) -> None:
    """A scan in grey, where there is no CT: square roots, so that the body's own shows."""
    grey = np.sqrt(np.maximum(cut(scan, plane), 0.0))
    end = float(np.sqrt(np.percentile(scan.values, 99.7))) or 1.0
    axis.imshow(grey, cmap="gray", vmin=0, vmax=end, extent=plane.extent, aspect="equal")
    bare(axis)


def bare(axis: Any) -> None:
    """No ticks, no frame."""
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)


def halo(width: float) -> list[Any]:
    """A dark rim, so that white words and lines read on any ground."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width, foreground=INK)]


def marks(axis: Any, plane: Plane, *, bar: bool = True, words: bool = True) -> None:
    """R and L, the plane's position and a 5 cm bar."""
    white = {"color": "white", "fontsize": 6.2}
    effect = halo(2.0)
    for x, side, align in ((0.015, "R", "left"), (0.985, "L", "right")):
        axis.text(x, 0.5, side, transform=axis.transAxes, ha=align, va="center",
                  fontweight="bold", path_effects=effect, **white)  # fmt: skip
    if words:
        axis.text(0.985, 0.985, plane.position, transform=axis.transAxes, ha="right", va="top",
                  path_effects=effect, color="white", fontsize=6)  # fmt: skip
    if bar:
        left, right, bottom, top = plane.extent
        start = left + 0.03 * (right - left)
        height = bottom + 0.045 * (top - bottom)
        axis.plot([start, start + BAR_MM], [height, height], color="white", lw=1.6,
                  path_effects=effect, solid_capstyle="butt")  # fmt: skip
        axis.text(start, height + 0.02 * (top - bottom), "5 cm", ha="left", va="bottom",
                  path_effects=effect, **white)  # fmt: skip


def outline(axis: Any, masks: Mapping[str, Image], plane: Plane, colours: Mapping[str, str],
            width: float = 1.0) -> list[str]:  # fmt: skip
    """Lines at occupancy 0.5; the names of those that this plane meets."""
    met = []
    for name, mask in masks.items():
        field = cut(mask, plane)
        if field.max() < 0.5:
            continue
        met.append(name)
        left, right, bottom, top = plane.extent
        rows, columns = field.shape
        x = left + (np.arange(columns) + 0.5) * (right - left) / columns
        y = top + (np.arange(rows) + 0.5) * (bottom - top) / rows
        axis.contour(x, y, field, levels=[0.5], colors=[INK], linewidths=width + 0.9, alpha=0.55)
        axis.contour(x, y, field, levels=[0.5], colors=[colours.get(name, OTHER)], linewidths=width)
    return met
