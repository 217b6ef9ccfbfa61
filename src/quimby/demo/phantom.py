"""The stylised patient: ellipsoids and elliptic cylinders, after MIRD-5 and Cristy–Eckerman.

Shapes stand in LPS mm about the middle of the image, in the position of the reference scan. The
data file holds them in the published axes, which run as LPS does: left, back, up.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from math import cos, inf, pi, radians, sin, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]
REMAINDER = "Remainder"  # the body without its regions
PLANES = 300  # for a volume: right to about 1e-4
CORNERS = 60
# A polygon on an ellipse has a little less area than the ellipse; this makes up for it.
OUTWARD = sqrt(2 * pi / CORNERS / sin(2 * pi / CORNERS))


@dataclass(frozen=True, eq=False)
class Solid:
    """An ellipsoid (or elliptic cylinder, where a semi-axis is infinite) cut by planes.

    `axes` holds the unit vectors of its own axes as rows; `cuts` keep what lies at n·r <= d, rows
    (nx, ny, nz, d) with r from the centre along those axes. All lengths in mm.
    """

    centre_mm: Float
    semi_axes_mm: Float
    axes: Float
    cuts: Float
    hollow_mm: Float | None

    def inside(self, points_mm: ArrayLike) -> NDArray[np.bool_]:
        """Which of the points, (..., 3) LPS mm, lie in it."""
        r = (np.asarray(points_mm, dtype=float) - self.centre_mm) @ self.axes.T
        kept: NDArray[np.bool_] = ((r / self.semi_axes_mm) ** 2).sum(axis=-1) <= 1.0
        if self.hollow_mm is not None:
            kept &= ((r / self.hollow_mm) ** 2).sum(axis=-1) > 1.0
        for *normal, offset in self.cuts:
            kept &= r @ np.array(normal) <= offset
        return kept

    def box_mm(self) -> tuple[Float, Float]:
        """Lowest and highest corner of a box around it; infinite where it has no end."""
        reach = np.array([_reach(row, self.semi_axes_mm) for row in self.axes.T])
        low, high = self.centre_mm - reach, self.centre_mm + reach
        for *normal, offset in self.cuts:
            _trim(low, high, axis=np.array(normal) @ self.axes, at=offset, centre=self.centre_mm)
        return low, high


@dataclass(frozen=True, eq=False)
class Shape:
    """A part of the body: one tissue, one or more solids that do not overlap."""

    name: str
    tissue: str
    hu: float
    solids: tuple[Solid, ...]
    region: bool = False  # holds activity of its own
    outlined: bool = False  # delivered as an outline
    host: str = ""  # the region it lies in, whose volume it takes away
    outer: bool = False  # part of the body; what no region takes of it is the remainder


@dataclass(frozen=True, eq=False)
class Phantom:
    """All shapes, in the order in which they are painted, and where they come from."""

    shapes: tuple[Shape, ...]
    source: str
    tag: str

    def shape(self, name: str) -> Shape:
        """The shape of that name; KeyError if there is none."""
        return {shape.name: shape for shape in self.shapes}[name]

    @property
    def regions(self) -> tuple[Shape, ...]:
        """The shapes that hold activity of their own, without the remainder."""
        return tuple(shape for shape in self.shapes if shape.region)

    @property
    def outer(self) -> tuple[Shape, ...]:
        """The shapes that make the body."""
        return tuple(shape for shape in self.shapes if shape.outer)

    def guests(self, name: str) -> tuple[Shape, ...]:
        """The lesions that lie in a region."""
        return tuple(shape for shape in self.shapes if shape.host == name)

    @cached_property
    def gross_volumes_ml(self) -> Mapping[str, float]:
        """Volumes of the regions and of the body's parts, lesions in them included."""
        return {s.name: sum(map(solid_volume_ml, s.solids)) for s in (*self.regions, *self.outer)}

    def net_volume_ml(self, name: str) -> float:
        """Volume of a region without the lesions in it; the remainder is all that no region has."""
        gross = self.gross_volumes_ml
        if name == REMAINDER:
            body = sum(gross[shape.name] for shape in self.outer)
            return body - sum(self.net_volume_ml(shape.name) for shape in self.regions)
        return gross[name] - sum(gross[guest.name] for guest in self.guests(name))


def solid_volume_ml(solid: Solid) -> float:
    """Volume from its cross sections; the solid must have ends, and may not be hollow."""
    low, high = (float(side[2]) for side in solid.box_mm())
    heights = low + (np.arange(PLANES) + 0.5) * (high - low) / PLANES
    areas = [polygon_area(cross_section(solid, float(z))) for z in heights]
    return float(np.mean(areas)) * (high - low) / 1000.0


def cross_section(solid: Solid, z_mm: float) -> Float:
    """The polygon (n, 2) in which a plane of constant height cuts a solid; empty where it does not.

    Solids turn about z only, so the cut is an ellipse less what its cutting planes take.
    """
    height = z_mm - solid.centre_mm[2]
    left = 1.0 - (height / solid.semi_axes_mm[2]) ** 2
    if left <= 0:
        return np.empty((0, 2))
    angle = 2 * pi * np.arange(CORNERS) / CORNERS
    ellipse = np.stack([np.cos(angle), np.sin(angle)], axis=1) * OUTWARD
    own = ellipse * solid.semi_axes_mm[:2] * sqrt(left)
    for nx, ny, nz, offset in solid.cuts:
        own = _clipped(own, np.array([nx, ny]), offset - nz * height)
    centre: Float = solid.centre_mm[:2] + own @ solid.axes[:2, :2]
    return centre


def polygon_area(polygon: Float) -> float:
    """Area enclosed by a simple polygon, mm²."""
    if len(polygon) < 3:
        return 0.0
    x, y = polygon[:, 0], polygon[:, 1]
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2.0


def phantom(own: Sequence[Mapping[str, Any]], *, middle_cm: float) -> Phantom:
    """The shipped stylised adult with a patient's own shapes, seen from a height of the trunk."""
    data = tomllib.loads(data_text("phantom.toml"))
    middle = np.array([0.0, 0.0, middle_cm])
    shapes = tuple(_shape(row, data["tissue"], middle) for row in (*data["shape"], *own))
    return Phantom(shapes, data["source"], data["tag"])


def data_text(name: str) -> str:
    """A data file of the demo."""
    return files("quimby.demo").joinpath("data", name).read_text("utf-8")


def _shape(row: Mapping[str, Any], tissues: Mapping[str, float], middle_cm: Float) -> Shape:
    centres = row.get("each_cm", [row.get("centre_cm", [0.0, 0.0, 0.0])])
    region = row.get("region", False)
    return Shape(
        name=row["name"],
        tissue=row["tissue"],
        hu=float(tissues[row["tissue"]]),
        solids=tuple(_solid(row, np.array(centre, dtype=float) - middle_cm) for centre in centres),
        region=region,
        outlined=row.get("outlined", region),
        host=row.get("host", ""),
        outer=row.get("outer", False),
    )


def _solid(row: Mapping[str, Any], centre_cm: Float) -> Solid:
    turn = radians(row.get("turn_deg", 0.0))
    axes = np.array([[cos(turn), sin(turn), 0.0], [-sin(turn), cos(turn), 0.0], [0.0, 0.0, 1.0]])
    cuts = np.array(row.get("cuts_cm", []), dtype=float).reshape(-1, 4) * [1.0, 1.0, 1.0, 10.0]
    hollow = _semi_axes(row["hollow_cm"]) if "hollow_cm" in row else None
    return Solid(centre_cm * 10.0, _semi_axes(row["semi_axes_cm"]), axes, cuts, hollow)


def _semi_axes(values_cm: list[float]) -> Float:
    return np.array([value * 10.0 if value > 0 else inf for value in values_cm])


def _reach(row: Float, semi_axes: Float) -> float:
    """Half the width along one patient axis of an ellipsoid with these semi-axes."""
    used = np.abs(row) > 1e-12
    return float(np.sqrt((row[used] ** 2 * semi_axes[used] ** 2).sum()))


def _trim(low: Float, high: Float, *, axis: Float, at: float, centre: Float) -> None:
    """Cut the box by a plane square to a patient axis; oblique planes leave it as it is."""
    k = int(np.argmax(np.abs(axis)))
    if abs(axis[k]) < (1 - 1e-9) * float(np.linalg.norm(axis)):
        return
    plane = centre[k] + at / axis[k]
    if axis[k] > 0:
        high[k] = min(high[k], plane)
    else:
        low[k] = max(low[k], plane)


def _clipped(polygon: Float, normal: Float, offset: float) -> Float:
    """What of a convex polygon lies at n·r <= offset (Sutherland and Hodgman 1974)."""
    depth = offset - polygon @ normal
    if np.all(depth >= 0):
        return polygon
    after, next_depth = np.roll(polygon, -1, axis=0), np.roll(depth, -1)
    inside, crossing = depth >= 0, (depth >= 0) != (next_depth >= 0)
    share = np.divide(depth, depth - next_depth, out=np.zeros_like(depth), where=crossing)
    crossings = polygon + (after - polygon) * share[:, None]
    both = np.stack([polygon, crossings], axis=1).reshape(-1, 2)  # each corner, then its crossing
    kept: Float = both[np.stack([inside, crossing], axis=1).ravel()]
    return kept
