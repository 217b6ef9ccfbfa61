"""A body with one organ of two tissues that clear at different rates: exact voxels, no camera.

The chain's own steps (outlines, activity, curves) stand on it; nothing is drawn at random but
what a test asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quimby import protocols
from quimby.core.grid import Image, Rigid
from quimby.core.outline import Outline
from quimby.core.uncertain import Uncertain
from quimby.measure.occupancy import occupancy
from quimby.measure.partial_volume import Recovery, recover
from quimby.measure.regions import Regions, prepare
from quimby.measure.registration import Registration
from quimby.measure.scans import Device, EmissionScan, Identity, Radiopharmaceutical
from quimby.protocols import Protocol
from quimby.study.curves import region_curves
from quimby.study.inputs import Visit
from quimby.study.masses import Masses
from quimby.study.quantify import Quantified, Reading
from quimby.study.voxel_scene import Scene
from tests.case_a_truth import centred_grid

Float = NDArray[np.float64]
Change = Callable[[Float], Float]

PHYSICAL_H = 159.528
LN2 = float(np.log(2.0))
WHEN = datetime(2026, 3, 3, tzinfo=UTC)
GRID = centred_grid((24, 26, 28), 4.8)
RADIUS_MM = 34.0
HALF_LIVES_H = {"fast": 20.0, "slow": 110.0, "body": 60.0}
AT_ZERO = {"fast": 1.0, "slow": 0.6, "body": 0.05}  # MBq/ml


@dataclass(frozen=True)
class Phantom:
    """What is scanned, when; `change` does something to each scan's voxels."""

    times_h: tuple[float, ...] = (24.0, 72.0, 168.0)
    half_lives_h: Mapping[str, float] = field(default_factory=lambda: HALF_LIVES_H)
    change: Mapping[int, Change] = field(default_factory=dict)
    lost: float = 0.0  # share of the organ's activity that its samples do not hold


def tissues() -> dict[str, NDArray[np.bool_]]:
    """Organ left of the middle (fast), right of it (slow), and the rest (body)."""
    place = GRID.centres_mm()
    organ = (place**2).sum(axis=-1) <= RADIUS_MM**2
    left = place[..., 0] < 0
    return {"fast": organ & left, "slow": organ & ~left, "body": ~organ}


def activity(phantom: Phantom, time_h: float) -> Float:
    """MBq/ml of every voxel."""
    found = np.zeros(GRID.shape)
    for name, where in tissues().items():
        found[where] = AT_ZERO[name] * 2.0 ** (-time_h / phantom.half_lives_h[name])
    return found


def true_tia(phantom: Phantom) -> Float:
    """MBq h/ml of every voxel."""
    found = np.zeros(GRID.shape)
    for name, where in tissues().items():
        found[where] = AT_ZERO[name] * phantom.half_lives_h[name] / LN2
    return found


def scanned(phantom: Phantom) -> Quantified:
    """The phantom's scans and outline, read."""
    ct = Image(GRID, np.zeros(GRID.shape, np.int16), "HU")
    organ = Image(GRID, (~tissues()["body"]).astype(np.float32), "1")
    regions = prepare([Outline("Kidney_L", "frame", mask=organ)], ct)
    readings = tuple(_reading(phantom, n, regions) for n in range(len(phantom.times_h)))
    return Quantified(regions, Masses.__new__(Masses), readings, ())


def scene(phantom: Phantom) -> Scene:
    """The phantom's scans, outline, samples and curve."""
    quantified = scanned(phantom)
    regions, readings = quantified.regions, quantified.readings
    curves = region_curves(quantified, {"Kidney_L": "kidney"}, protocols.load("LU-FULL"),
                           PHYSICAL_H)  # fmt: skip
    maps = tuple(np.asarray(r.activity.array, dtype=np.float32) for r in readings)
    shares = {r.name: occupancy(r.mask, GRID, Rigid.identity()).values for r in regions.organs}
    return Scene(GRID, readings, maps, 0.0, shares, curves, PHYSICAL_H)


def _reading(phantom: Phantom, n: int, regions: Regions) -> Reading:
    name = f"scan-{n + 1}"
    values = activity(phantom, phantom.times_h[n])
    change = phantom.change.get(n)
    image = Image(GRID, values if change is None else change(values), "MBq/ml")
    laid = Registration(Rigid.identity(), 1.0, 1.0, 1.0, 0.0, (0.0, 0.0, 0.0))
    found = recover(Image(GRID, image.values * (1.0 - phantom.lost), "MBq/ml"), regions,
                    Rigid.identity(), fwhm_mm=Uncertain(0.0), scan=name)  # fmt: skip
    return Reading(_visit(name, phantom.times_h[n], image), laid, image, _doubtful(found, name), {})


def _doubtful(found: Recovery, scan: str) -> Recovery:
    """5 % of doubt in every sample, each its own, so that every curve may have some misfit."""
    rows = {}
    for name, row in found.regions.items():
        u = Uncertain(row.activity_mbq.value, {f"sample, {scan}": 0.05 * row.activity_mbq.value})
        rows[name] = type(row)(row.name, u, row.apparent_mbq, row.recovery, row.volume_ml)
    return Recovery(rows, found.remainder, found.condition, found.noise, found.off_mm, ())


def _visit(name: str, time_h: float, image: Image) -> Visit:
    scan = EmissionScan(
        image=image, modality="NM", identity=Identity("1"), frame_of_reference="frame",
        study_uid="", series_uid="", description="", acquired_at=WHEN, timing=None,
        decay_reference="START", device=Device(), pharmaceutical=Radiopharmaceutical(),
        patient_position="HFS", files=(),
    )  # fmt: skip
    return Visit(name, scan, None, WHEN, time_h, None)


def protocol(**changes: Any) -> Protocol:
    """LU-FULL with another way of integrating voxels."""
    base = protocols.load("LU-FULL")
    return base.model_copy(update={"calculation": base.imaging.model_copy(update=changes)})
