"""What every way of making an outline hands back, and how its volume is doubted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version

import numpy as np

from quimby.core.grid import Grid, Image
from quimby.core.notes import Note, refusal
from quimby.core.outline import Making, Outline
from quimby.core.uncertain import Uncertain
from quimby.measure.occupancy import region_mask, volume_ml
from quimby.measure.regions import edge_of, edge_u_mm
from quimby.measure.segment.constants import constants

MAKER = f"Quimby {version('quimby')}"


@dataclass(frozen=True, eq=False)
class Way:
    """A tool and what it was told; `rests_on` are keys of the constants it used."""

    tool: str
    edge: str  # see `Making`
    automatic: bool = False
    rests_on: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Segmented:
    """A draft outline that the machine made.

    `volume_ml` has its doubt by cause; `method` says in words how it was made, for the trace.
    """

    outline: Outline
    volume_ml: Uncertain
    method: str
    notes: tuple[Note, ...] = ()

    @property
    def mask(self) -> Image:
        """Occupancies in [0, 1] on the grid of the image it was made on."""
        assert self.outline.mask is not None
        return self.outline.mask

    @property
    def edge_u_mm(self) -> float:
        """The same doubt as a standard uncertainty of the edge, for `regions.prepare`."""
        return self.volume_ml.u * 1000.0 / surface_mm2(self.mask)

    def told(self, image: str) -> Outline:
        """The outline, saying the image that it was made on and how well its edge is known."""
        assert self.outline.made is not None
        edge = self.edge_u_mm or None
        made = replace(self.outline.made, image=image, edge_u_mm=edge)
        return replace(self.outline, made=made)


def surface_mm2(mask: Image) -> float:
    """Area of a region's surface."""
    edge = edge_of(region_mask(Outline("region", "", mask=mask)))
    return float(np.sum(edge.array, dtype=np.float64)) * edge.grid.voxel_ml * 1000.0


def drawn_volume(name: str, mask: Image, fwhm_mm: float) -> Uncertain:
    """Volume of a mask; its edge is known as well as voxel and resolution of the image allow.

    Source: Gear et al. 2018 (PMC6208822).
    """
    return by_edge(name, mask, edge_u_mm(voxel_mm(mask.grid), fwhm_mm))


def by_edge(name: str, mask: Image, edge_mm: float) -> Uncertain:
    """Volume of a mask whose edge is doubted by a distance, mm."""
    moved = surface_mm2(mask) * edge_mm / 1000.0
    return Uncertain(volume_ml(mask), {f"outline {name}": moved})


def with_causes(volume: Uncertain, causes: Mapping[str, float]) -> Uncertain:
    """The volume with more signed parts, ml."""
    return Uncertain(volume.value, {**volume.parts, **{c: u for c, u in causes.items() if u}})


def voxel_mm(grid: Grid) -> float:
    """Edge of a cube as large as a voxel."""
    return float(np.cbrt(grid.voxel_ml * 1000.0))


def draft(
    name: str, mask: Image, method: str, *, frame_of_reference: str, way: Way
) -> Outline:  # fmt: skip
    """An outline by the machine: state draft, how it was made in words and in figures."""
    made = Making(way.tool, MAKER, method, way.edge, way.automatic, parameters=way.parameters,
                  constants=tuple(constants()[key] for key in way.rests_on))  # fmt: skip
    return Outline(name, frame_of_reference, mask=mask, origin=method, author=MAKER,
                   machine=way.automatic, made=made)  # fmt: skip


def checked(image: Image, *, where: str, unit: str = "") -> Image:
    """The image; E-IMG-NAN for values that are none, E-IMG-UNIT where another unit is needed."""
    if unit and image.unit != unit:
        raise refusal("E-IMG-UNIT", where=where, unit=image.unit, wanted=unit)
    if not np.isfinite(image.array).all():
        raise refusal("E-IMG-NAN", where=where)
    return image


def above_zero(value: float, what: str, *, where: str) -> float:
    """The number; E-SEG-NUMBER unless it is finite and above zero."""
    if not (np.isfinite(value) and value > 0):
        raise refusal("E-SEG-NUMBER", where=where, what=what, value=f"{value:g}")
    return value
