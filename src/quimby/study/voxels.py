"""How voxels are integrated over time, as the protocol says, and how well that closes to regions.

Preferences and limits: IMAGING.md 3.7 of the specification [P]. Whichever way is taken, a
region's voxels are compared with the region's own uncorrected activity, integrated by its own
curve, before the picture is scaled to the recovered activity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from statistics import median

import numpy as np

from quimby.core.notes import Note, note
from quimby.dose.local import RegionTia, held_mbq_h, sum_of_scans
from quimby.kinetics.voxelwise import CLOSURE_WARNS
from quimby.protocols import Protocol
from quimby.study.voxel_curves import by_own_curves
from quimby.study.voxel_scene import Array, Mapped, Scene

LN2 = log(2.0)
LEAST_SCANS = 2  # for a curve in every voxel


@dataclass(frozen=True, eq=False)
class VoxelTia(Mapped):
    """`Mapped` with `closure`: the voxels' sum over the region's own, less one, unscaled."""

    closure: Mapping[str, float]


def integrate(scene: Scene, protocol: Protocol) -> VoxelTia:
    """Voxels integrated the way the protocol chose.

    Notes W-VOX-SCANS (too few scans for "fit": the regions' curves are taken), W-VOX-SCAN (the
    scan named is not there), W-VOX-FALLBACK, W-VOX-CLOSURE. Raises E-VOX-REGION.
    """
    way = protocol.imaging.voxels
    if way == "one scan":
        found = _from_one_scan(scene, protocol)
    elif way == "fit" and len(scene.scans) >= LEAST_SCANS:
        found = by_own_curves(scene)
    else:
        found = _by_region_curve(scene, asked_for_fit=way == "fit")
    closure = {n: c for n in found.inside if (c := _closure(scene, n, found.inside[n])) is not None}
    return VoxelTia(
        outside=found.outside, inside=found.inside, method=_with_closure(found.method, closure),
        fallback=found.fallback, closure=closure, notes=(*found.notes, *_closure_notes(closure)),
    )  # fmt: skip


def apparent_tia_mbq_h(scene: Scene, name: str) -> float:
    """A region's uncorrected samples, each read on its own scan, integrated by its own curve.

    The curve's weights are those of recovered activity. Recovered over apparent activity is the
    region's partial-volume factor, so voxels that close to this close to the recovered one.
    """
    curve = scene.curves[name]
    seen = {s.measurement: s.uncorrected_mbq for s in curve.samples}
    return float(np.dot(curve.weights_h, [seen.get(scan, 0.0) for scan in scene.scans]))


def _closure(scene: Scene, name: str, own: RegionTia) -> float | None:
    wanted = apparent_tia_mbq_h(scene, name)
    held = held_mbq_h(own.per_ml, scene.occupancy[name][own.box], scene.grid.voxel_ml)
    return held / wanted - 1.0 if wanted > 0 else None


def _closure_notes(closure: Mapping[str, float]) -> tuple[Note, ...]:
    off = {name: c for name, c in closure.items() if abs(c) > CLOSURE_WARNS}
    if not off:
        return ()
    return (note("W-VOX-CLOSURE", where=", ".join(f"{n} {_percent(c)}" for n, c in off.items()),
                 value=max(off.values(), key=abs), limit=CLOSURE_WARNS),)  # fmt: skip


def _with_closure(method: str, closure: Mapping[str, float]) -> str:
    if not closure:
        return method
    low, high = (_percent(end(closure.values())) for end in (min, max))
    off = low if low == high else f"{low} to {high}"
    return (
        f"{method}; before scaling they differ by {off} from the regions' uncorrected samples "
        "integrated by the regions' own curves"
    )


def _percent(change: float) -> str:
    text = f"{100 * change:+.1f} %".replace("-", "−")
    return "0.0 %" if text[1:] == "0.0 %" else text


def _by_region_curve(scene: Scene, *, asked_for_fit: bool) -> Mapped:
    """The scans summed with each region's weights; elsewhere with those of trapezoids."""
    notes: tuple[Note, ...] = ()
    if asked_for_fit:
        notes = (note("W-VOX-SCANS", where="voxel dose", found=len(scene.scans),
                      least=LEAST_SCANS),)  # fmt: skip
    return Mapped(
        sum_of_scans(scene.maps, scene.outside_hours),
        {name: scene.inside(name, scene.by_curve(name)) for name in scene.curves},
        "scans summed with the weights of each region's own curve; elsewhere trapezoids and "
        "physical decay", {}, notes,
    )  # fmt: skip


def _from_one_scan(scene: Scene, protocol: Protocol) -> Mapped:
    """One scan times each region's time-integrated activity over its activity in that scan."""
    at, notes = _chosen(scene, protocol)
    image, scan = scene.maps[at], scene.scans[at]
    inside = {}
    for name, curve in scene.curves.items():
        then = next((s.activity_mbq.value for s in curve.samples if s.measurement == scan), None)
        if then is None:  # the study leaves the region out of this scan
            inside[name] = scene.inside(name, scene.by_curve(name))
            continue
        hours = np.float32(curve.tia_mbq_h.value / then)
        inside[name] = scene.inside(name, image[scene.box(name)] * hours)
    said = (
        f"{scan} ({scene.times_h[at]:.1f} h) alone, times each region's time-integrated activity "
        "over its activity then; elsewhere as all voxels outside regions together"
    )
    return Mapped(_outside_of_one(scene, at), inside, said, {}, notes)


def _outside_of_one(scene: Scene, at: int) -> Array:
    """What no region holds shares one time course: that of its sum, by trapezoids."""
    free = np.clip(1.0 - sum(scene.occupancy.values()), 0.0, 1.0)
    sums = np.array([float(np.vdot(free, m)) for m in scene.maps])
    if not sums[at] > 0:
        return sum_of_scans(scene.maps, scene.outside_hours)
    return scene.maps[at] * np.float32(np.dot(scene.outside_hours, sums) / sums[at])


def _chosen(scene: Scene, protocol: Protocol) -> tuple[int, tuple[Note, ...]]:
    """The scan that the protocol names, else the one nearest T_eff / ln 2 of the regions.

    There one scan tells most of the integral: its error to first order in the half-life is nil.
    """
    wanted = protocol.imaging.voxel_scan
    for n, time_h in enumerate(scene.times_h):
        planned = protocol.acquisition_at(time_h)
        if wanted and planned is not None and planned.id == wanted:
            return n, ()
    halves = [c.curve.half_lives_h["effective"].value for c in scene.curves.values()
              if "effective" in c.curve.half_lives_h] or [scene.half_life_h]  # fmt: skip
    best_h = median(halves) / LN2
    at = min(range(len(scene.times_h)), key=lambda n: abs(log(scene.times_h[n] / best_h)))
    if not wanted:
        return at, ()
    return at, (note("W-VOX-SCAN", where="voxel dose", wanted=wanted, taken=scene.scans[at]),)
