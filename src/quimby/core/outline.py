"""Outlines of organs and lesions, as they come from a person or a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Image
from quimby.core.source import Constant


@dataclass(frozen=True, eq=False)
class Making:
    """How a program made an outline: enough to make it again.

    `automatic` is False where a person placed a seed or a shape. `edge` says what bounds the
    region: "threshold" and "adaptive threshold" of a scan, "ct", "rule" (scan and CT together),
    "shape" or "small volume" (placed), "program" (an outside one). `edge_u_mm` is the standard
    uncertainty of the edge's place, where the way of making knows it.
    """

    tool: str  # "fixed threshold"
    program: str  # name and version
    words: str  # one sentence
    edge: str
    automatic: bool
    image: str = ""  # the image it was made on
    edge_u_mm: float | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    constants: tuple[Constant, ...] = ()


@dataclass(frozen=True, eq=False)
class Outline:
    """One region as delivered: planar contours, or a mask on its own grid (never both).

    `contours` are closed planar polygons, each (n, 3) LPS mm, all in planes of one family.
    `mask` holds fractional occupancies in [0, 1]. Volumes and occupancies are made in
    `measure.occupancy`, on the grid where they are used.
    """

    name: str
    frame_of_reference: str
    contours: tuple[NDArray[np.float64], ...] = ()
    mask: Image | None = None
    origin: str = ""  # file and number it was read from
    author: str = ""
    status: str = "draft"  # draft -> reviewed -> approved
    judged: str = ""  # "approved by …, time", where the study document says so
    machine: bool | None = None  # made by a program without a person's hand; None: nobody says
    made: Making | None = None  # how, where the program says it

    def __post_init__(self) -> None:
        if bool(self.contours) == (self.mask is not None):
            raise ValueError(f"{self.name}: an outline has contours or a mask, one of the two")
