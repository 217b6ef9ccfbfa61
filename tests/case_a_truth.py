"""What was put into case A, and small phantoms for the tests of images."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.outline import Outline
from quimby.measure.dicom.ct import read_ct
from quimby.measure.dicom.emission import read_emission
from quimby.measure.dicom.outlines import read_outlines
from tests.conftest import shared_path

REFERENCE = 2


@dataclass(frozen=True)
class Truth:
    """The truth file of case A."""

    document: dict[str, Any]

    def activity_mbq(self, scan: int) -> dict[str, float]:
        """Activity of every region at scan 1 to 4."""
        return dict(self.document["time_points"][scan - 1]["activity_mbq"])

    def pose(self, scan: int) -> Rigid:
        """From points of the reference CT (scan 2) to that scan."""
        pose = self.document["time_points"][scan - 1]["pose"]
        return turned_about_z(-pose["deg"], pose["shift_mm"])

    def volume_ml(self, region: str) -> float:
        """True volume."""
        return float(self.document["regions"][region]["volume_ml"])

    def tia_mbq_h(self, region: str) -> float:
        """True time-integrated activity."""
        return float(self.document["regions"][region]["tia_mbq_h"])

    @property
    def counts_per_mbq(self) -> float:
        """Counts in a scan for each MBq in view."""
        camera = self.document["camera"]
        return float(camera["cps_per_mbq"] * camera["views"] * camera["seconds_per_view"])


def truth() -> Truth:
    """The truth of case A; skips where the shared data are absent."""
    file = shared_path("data", "lu177_dotatate_case_a.truth.json")
    return Truth(json.loads(file.read_text("utf-8")))


def _folder(scan: int) -> Path:
    return shared_path("data", "lu177_dotatate_case_a") / f"tp{scan}"


@cache
def ct(scan: int) -> Image:
    """CT of scan 1 to 4, HU."""
    return read_ct(sorted((_folder(scan) / "CT").iterdir())).image


@cache
def activity(scan: int) -> Image:
    """SPECT of scan 1 to 4 with the true sensitivity, MBq a voxel."""
    image = read_emission([_folder(scan) / "SPECT.dcm"]).image
    return Image(image.grid, image.values / truth().counts_per_mbq, "MBq")


@cache
def outlines() -> tuple[Outline, ...]:
    """The contours drawn on scan 2."""
    return read_outlines(_folder(REFERENCE) / "RTSTRUCT.dcm")


def turned_about_z(degrees: float, shift_mm: list[float]) -> Rigid:
    """A turn about +z through the origin, then a shift."""
    angle = np.radians(degrees)
    c, s = np.cos(angle), np.sin(angle)
    return Rigid(np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]), np.array(shift_mm))


def centred_grid(shape: tuple[int, int, int], step_mm: float) -> Grid:
    """A grid of cubes about the origin."""
    affine = np.diag([step_mm, step_mm, step_mm, 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * step_mm for n in shape[::-1]]
    return Grid(shape, affine)


def sphere_ml(diameter_mm: float) -> float:
    """Volume of a sphere."""
    return float(np.pi * diameter_mm**3 / 6000.0)


def sphere_mask(
    diameter_mm: float,
    centre_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
    step_mm: float = 0.5,
) -> Image:
    """A sphere as a fine voxel mask, edges fractional to first order."""
    n = int(np.ceil(diameter_mm / step_mm)) + 6
    grid = centred_grid((n, n, n), step_mm)
    affine = np.array(grid.affine)
    affine[:3, 3] += centre_mm
    moved = Grid(grid.shape, affine)
    far = np.linalg.norm(moved.centres_mm() - np.array(centre_mm), axis=-1)
    filled = np.clip((diameter_mm / 2 - far) / step_mm + 0.5, 0.0, 1.0)
    return Image(moved, filled.astype(np.float32), "1")


def sphere_outline(
    name: str, diameter_mm: float, centre_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> Outline:
    """The same as an outline."""
    return Outline(name, "frame", mask=sphere_mask(diameter_mm, centre_mm))
