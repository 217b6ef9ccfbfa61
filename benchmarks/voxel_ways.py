"""Which way of integrating voxels comes closest to the true dose picture, on case A's anatomy.

Two patients: case A's own curves, even in each region; and uneven ones, whose kidneys clear fast
inside (half-life x 0.7) and slowly outside (x 1.25), liver and spleen so in their two halves.
Blur, noise and positions are case A's. The true picture is what the camera would show of the
true time-integrated activity: blurred, without noise. Both pictures are scaled to the region.

Needs the shared data. Run: python -m benchmarks.voxel_ways
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from tests import variant_case as case
from tests.case_a_truth import REFERENCE, ct, outlines, truth

from quimby import protocols, therapies
from quimby.core.grid import Grid, Image, Rigid
from quimby.core.uncertain import Uncertain
from quimby.devices.point_spread import blur
from quimby.measure.occupancy import occupancy
from quimby.measure.partial_volume import recover
from quimby.measure.regions import prepare
from quimby.measure.registration import Registration
from quimby.measure.scans import Device, EmissionScan, Identity, Radiopharmaceutical
from quimby.measure.spline import resample_sharp
from quimby.protocols import Protocol
from quimby.study.curves import region_curves
from quimby.study.inputs import Visit
from quimby.study.masses import Masses
from quimby.study.quantify import Quantified, Reading, with_scan_doubts
from quimby.study.voxel_scene import Scene
from quimby.study.voxels import VoxelTia, integrate

Array = NDArray[np.floating]
TIMES_H = (4.1, 23.7, 71.2, 167.4)
FWHM_MM, VOXEL_MM, CORE_MM = 11.0, 4.7952, 12.0
FAST, SLOW = 0.7, 1.25
WAYS: Mapping[str, Mapping[str, Any]] = {
    "region": {"voxels": "region"},
    "one scan, 24 h": {"voxels": "one scan", "voxel_scan": "scan-2"},
    "one scan, 71 h": {"voxels": "one scan", "voxel_scan": "scan-3"},
    "one scan, 167 h": {"voxels": "one scan", "voxel_scan": "scan-4"},
    "fit": {"voxels": "fit"},
}
SCHEDULES = ((0, 1, 2, 3), (1, 2, 3), (1, 3))


@dataclass(frozen=True, eq=False)
class Patient:
    """Curves of every part, the parts of every region, and the anatomy they lie in."""

    name: str
    anatomy: case.Anatomy
    kinetics: Mapping[str, case.Kinetics]
    parts: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Off:
    """One region's picture against the true one."""

    rms: float  # over the region's mean
    d98: float
    d50: float
    d2: float


def even() -> Patient:
    """Case A as it is."""
    masks = case.anatomy().masks
    return Patient("even", case.anatomy(), {n: _curve(n) for n in masks}, {n: (n,) for n in masks})


def uneven() -> Patient:
    """Every organ in two parts that clear at different rates."""
    masks: dict[str, case.Mask] = {}
    kinetics: dict[str, case.Kinetics] = {}
    parts: dict[str, tuple[str, ...]] = {}
    for name, mask in case.anatomy().masks.items():
        if name not in case.ORGANS:
            masks[name], kinetics[name], parts[name] = mask, _curve(name), (name,)
            continue
        slow = _slow_part(name, mask)
        share = float(slow.sum() / mask.sum())
        parts[name] = (f"{name}, slow", f"{name}, fast")
        masks |= dict(zip(parts[name], (slow, mask & ~slow), strict=True))
        kinetics |= {parts[name][0]: _curve(name, SLOW, share),
                     parts[name][1]: _curve(name, FAST, 1.0 - share)}  # fmt: skip
    return Patient("uneven", case.Anatomy(case.anatomy().grid, masks), kinetics, parts)


def _slow_part(name: str, mask: case.Mask) -> case.Mask:
    if name.startswith("Kidney"):
        depth = distance_transform_edt(mask, sampling=case.anatomy().grid.spacing_mm[::-1])
        return np.asarray(mask & (depth <= CORE_MM))
    columns = np.argwhere(mask)[:, 2]
    return np.asarray(mask & (np.arange(mask.shape[2]) <= np.median(columns))[None, None, :])


def _curve(name: str, slower: float = 1.0, share: float = 1.0) -> case.Kinetics:
    """Case A's curve of a region, or of a share of it whose clearance is so much slower."""
    clearance, *uptake = truth().document["regions"][name]["kinetics"]
    terms = [(clearance[0], clearance[1] * slower), *uptake]
    return case.Kinetics(tuple((a * share, half) for a, half in terms))


class Camera:
    """All images of one patient: what the chain sees, and the true picture."""

    def __init__(self, patient: Patient) -> None:
        case.anatomy = lambda: patient.anatomy  # type: ignore[assignment]
        self.patient, self.grid = patient, case.spect_grid(VOXEL_MM)
        poses = tuple(truth().pose(n + 1) for n in range(len(TIMES_H)))
        variant = case.Variant(patient.kinetics, TIMES_H, poses, fwhm_mm=FWHM_MM)
        unit = case.COUNTS_PER_MBQ * self.grid.voxel_ml
        self.scans = [case.counts(variant, n, self.grid) / unit for n in range(len(TIMES_H))]
        whole = {n: k.tia_mbq_h for n, k in patient.kinetics.items()}
        sharp = case.activity_image(whole, Rigid.identity(), self.grid)
        self.true = blur(sharp, self.grid, FWHM_MM)
        self.regions = prepare(outlines(), ct(REFERENCE))
        self.readings = [self._reading(n, poses[n]) for n in range(len(TIMES_H))]

    def _reading(self, n: int, pose: Rigid) -> Reading:
        image, name = Image(self.grid, self.scans[n], "MBq/ml"), f"scan-{n + 1}"
        found = recover(image, self.regions, pose, fwhm_mm=Uncertain(FWHM_MM), scan=name)
        rows = {r: with_scan_doubts(a, {}, scan=name) for r, a in found.regions.items()}
        found = type(found)(rows, found.remainder, found.condition, found.noise, found.off_mm, ())
        laid = Registration(pose, 1.0, 1.0, 1.0, 0.0, (0.0, 0.0, 0.0))
        return Reading(_visit(name, TIMES_H[n], image), laid, image, found, {})

    def scene(self, scans: tuple[int, ...]) -> Scene:
        """The chain's own, from some of the scans."""
        readings = tuple(self.readings[n] for n in scans)
        names = {r.name: therapies.organ(r.name).name for r in self.regions.organs}
        quantified = Quantified(self.regions, _no_masses(), readings, ())
        curves = region_curves(quantified, names, protocols.load("LU-FULL"), case.PHYSICAL_H)
        maps = tuple(_laid(r, self.grid) for r in readings)
        shares = {r.name: occupancy(r.mask, self.grid, Rigid.identity()).values
                  for r in self.regions.organs}  # fmt: skip
        return Scene(self.grid, readings, maps, FWHM_MM, shares, curves, case.PHYSICAL_H)


def _no_masses() -> Masses:
    return Masses.__new__(Masses)


def _laid(reading: Reading, grid: Grid) -> NDArray[np.float32]:
    back = reading.registration.transform.inverse()
    return np.asarray(resample_sharp(reading.activity, grid, back, outside=0.0).array, np.float32)


def _visit(name: str, time_h: float, image: Image) -> Visit:
    when = datetime(2026, 3, 3, tzinfo=UTC)
    scan = EmissionScan(
        image=image, modality="NM", identity=Identity("1"), frame_of_reference="", study_uid="",
        series_uid="", description="", acquired_at=when, timing=None, decay_reference="START",
        device=Device(), pharmaceutical=Radiopharmaceutical(), patient_position="HFS", files=(),
    )  # fmt: skip
    return Visit(name, scan, None, when, time_h, None)


def with_way(changes: Mapping[str, Any]) -> Protocol:
    """LU-FULL with another way of integrating voxels."""
    base = protocols.load("LU-FULL")
    return base.model_copy(update={"calculation": base.imaging.model_copy(update=dict(changes))})


def off(camera: Camera, scene: Scene, found: VoxelTia) -> dict[str, Off]:
    """Every region's picture against the true one, both scaled to one total."""
    rows = {}
    for name, own in found.inside.items():
        occ = scene.occupancy[name][own.box]
        here = occ > 0
        share, seen, true = occ[here], own.per_ml[here], camera.true[own.box][here]
        seen, true = seen / np.dot(share, seen), true / np.dot(share, true)
        rms = float(np.sqrt(np.dot(share, (seen - true) ** 2) * share.sum()))
        high = [_least(seen, share, q) / _least(true, share, q) - 1 for q in (0.98, 0.5, 0.02)]
        rows[name] = Off(rms, *high)
    return rows


def _least(values: Array, share: Array, fraction: float) -> float:
    """Least value of the hottest fraction of the volume."""
    order = np.argsort(values)
    filled = np.cumsum(share[order])
    return float(np.interp((1 - fraction) * filled[-1], filled, values[order]))


def table(camera: Camera, scans: tuple[int, ...]) -> None:
    """All ways on one patient and schedule."""
    scene = camera.scene(scans)
    at = "/".join(f"{TIMES_H[n]:g}" for n in scans)
    print(f"\n{camera.patient.name}, scans at {at} h: rms, D98, D50, D2 off; closure; by rule")
    for label, changes in WAYS.items():
        named = str(changes.get("voxel_scan", "scan-2"))
        if named not in scene.scans:
            continue
        started = perf_counter()
        found = integrate(scene, with_way(changes))
        took = perf_counter() - started
        print(f"  {label} ({took:.2f} s)")
        for name, row in off(camera, scene, found).items():
            ruled = found.fallback.get(name)
            tail = f"{ruled:6.1%}" if ruled is not None else ""
            print(f"    {name:10}{row.rms:7.1%}{row.d98:+8.1%}{row.d50:+8.1%}{row.d2:+8.1%}"
                  f"{found.closure[name]:+8.1%} {tail}")  # fmt: skip


def main() -> None:
    """Both patients, with four, three and two scans."""
    for patient in (even(), uneven()):
        camera = Camera(patient)
        for scans in SCHEDULES:
            table(camera, scans)


if __name__ == "__main__":
    main()
