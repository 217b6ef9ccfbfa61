"""Kidneys from a CT and a scan of uptake: a rule of thumb, to be looked at every time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, log

import numpy as np
import SimpleITK as sitk  # noqa: N813 (its own documentation's name)
from numpy.typing import NDArray
from scipy import ndimage

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.notes import Note, note, refusal
from quimby.measure.resample import resample
from quimby.measure.segment.body import body_of
from quimby.measure.segment.bone import bone_in
from quimby.measure.segment.constants import constants, figure
from quimby.measure.segment.made import Segmented, Way, by_edge, checked, draft
from quimby.measure.segment.working import as_mask, closed, filled, largest, opened

# mypy: disallow-untyped-calls = False
# SimpleITK has no types of its own.

Bool = NDArray[np.bool_]
Float = NDArray[np.float64]
SOFT_HU = (-20.0, 300.0)  # kidney with or without contrast medium; fat lies below
SMOOTH_MM, DIP = 2.5, 0.15
"""Smoothing of scan and CT, and the relative dip between two hot places that parts them."""
THREADS_MM = 4.0
FAT_HU, FIRM_HU = -80.0, 20.0  # activity belongs to the one and not to the other
NECK_MM = 3.0  # a waist this much narrower than both halves, in radius, parts them
FLOOR = 0.02  # of the scan's maximum; below it nothing is parted
LEAST_ML = 20.0
SPINE_HALF_MM = 40.0
LEAST_SCORE = 0.02
AIR_HU = -1000.0
WAY = Way(
    "kidneys by rule", "rule", automatic=True,
    rests_on=("kidney_share", "kidney_aside_mm", "kidney_before_mm", "kidney_ml",
              "kidney_edge_mm", "body_hu", "bone_hu", "bone_seed_hu", "bone_least_ml"),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Kidneys:
    """Kidneys found, and None for a side without a candidate."""

    left: Segmented | None
    right: Segmented | None
    notes: tuple[Note, ...]


@dataclass(frozen=True, eq=False)
class _Scene:
    """CT and scan on the CT's working grid, and where the spine runs."""

    ct: Image
    uptake: Float
    inside: Bool
    spine_mm: tuple[float, float]  # x (left) and y (back) of its middle


def kidneys(
    ct: Image, scan: Image, *, moved: Rigid | None = None, frame_of_reference: str = ""
) -> Kidneys:
    """Left and right kidney: uptake beside the spine, bounded by the CT's soft tissue.

    The scan is parted into basins of uptake; a basin is scored by its distance from the spine
    and its volume, and the best of each side is cut at 41 % of its own maximum and at fat.
    `moved` takes the scan's points to the CT. Doubt: 4 mm of the edge.

    Always W-SEG-KIDNEY: spleen, bowel or a lesion may have been taken, or hang on.
    W-SEG-KIDNEY-SIDE for a side without a candidate. E-IMG-UNIT, E-IMG-NAN, E-SEG-NONE where
    there is none at all, or no spine to go by.
    """
    scene = _scene(ct, scan, moved or Rigid.identity())
    labels = _basins(scene)
    found: dict[str, Segmented | None] = {}
    notes: list[Note] = []
    for name, side in (("Kidney_L", 1.0), ("Kidney_R", -1.0)):
        region = _best(scene, labels, side)
        found[name] = None if region is None else _made(name, scene, region, frame_of_reference)
        if region is None:
            notes.append(note("W-SEG-KIDNEY-SIDE", where=name))
    if not any(found.values()):
        raise refusal("E-SEG-NONE", where="kidneys", what="kidney")
    return Kidneys(found["Kidney_L"], found["Kidney_R"], tuple(notes))


def _scene(ct: Image, scan: Image, moved: Rigid) -> _Scene:
    small, inside = body_of(ct, where="kidneys")
    checked(scan, where="kidneys")
    spread = Image(scan.grid, scan.values, "Bq/ml")  # a density of some kind: interpolated
    there = resample(spread, small.grid, moved, outside=0.0).values
    sigma = [SMOOTH_MM / step for step in small.grid.spacing_mm[::-1]]
    smooth = np.asarray(ndimage.gaussian_filter(there, sigma), dtype=np.float64)
    return _Scene(small, smooth, inside, _spine(small, inside))


def _spine(ct: Image, inside: Bool) -> tuple[float, float]:
    """Middle of the bone near the body's mid-line: medians over slices of its centres."""
    points = ct.grid.centres_mm()
    x, y = points[..., 0], points[..., 1]
    hard = bone_in(ct, inside, figure("bone_hu"))
    if not hard.any():
        raise refusal("E-SEG-NONE", where="kidneys", what="spine")
    middle = float(np.median(x[inside]))
    for _ in range(2):
        near = hard & (np.abs(x - middle) < SPINE_HALF_MM)
        if not near.any():
            raise refusal("E-SEG-NONE", where="kidneys", what="spine")
        middle = float(np.median(x[near]))
    return middle, float(np.median(y[near]))


def _basins(scene: _Scene) -> NDArray[np.int64]:
    """The scan parted along its valleys, on a logarithmic scale: a liver's dip counts as a
    hotter lesion's does. Fat between two organs makes a valley where the blur left none."""
    top = float(scene.uptake[scene.inside].max(initial=0.0))
    if not top > 0:
        raise refusal("E-SEG-NOTHING", where="kidneys", level="0")
    sigma = [SMOOTH_MM / step for step in scene.ct.grid.spacing_mm[::-1]]
    smooth = ndimage.gaussian_filter(np.asarray(scene.ct.array, dtype=np.float64), sigma)
    firm = np.clip((smooth - FAT_HU) / (FIRM_HU - FAT_HU), 0.0, 1.0)
    depth = -np.log(np.maximum(scene.uptake * firm, FLOOR * top)).astype(np.float32)
    relief = sitk.GetImageFromArray(depth)
    parted = sitk.MorphologicalWatershed(relief, level=-log(1.0 - DIP), markWatershedLine=False)
    return np.asarray(sitk.GetArrayFromImage(parted), dtype=np.int64)


def _best(scene: _Scene, labels: NDArray[np.int64], side: float) -> Bool | None:
    """The region of one side with the best score; None where no score is worth the name."""
    best, region = LEAST_SCORE, None
    for candidate in _candidates(scene, labels):
        score = _score(scene, candidate, side)
        if score > best:
            best, region = score, candidate
    return region


def _candidates(scene: _Scene, labels: NDArray[np.int64]) -> Iterator[Bool]:
    """Every basin's hot part, and the parts of it on either side of a neck, if large enough."""
    least = LEAST_ML / scene.ct.grid.voxel_ml
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        hot = _hot(scene, labels[box] == number, box)
        for part in _at_necks(hot, scene.ct.grid):
            if np.count_nonzero(part) >= least:
                whole = np.zeros(labels.shape, dtype=np.bool_)
                whole[box] = part
                yield whole


def _hot(scene: _Scene, basin: Bool, box: tuple[slice, ...]) -> Bool:
    """The hot and soft part of a basin, threads of 8 mm gone."""
    values, uptake = np.asarray(scene.ct.array)[box], scene.uptake[box]
    within = basin & scene.inside[box]
    top = float(uptake[within].max(initial=0.0))
    soft = (values > SOFT_HU[0]) & (values < SOFT_HU[1])
    hot = within & soft & (uptake >= figure("kidney_share") * top)
    return opened(hot, scene.ct.grid, THREADS_MM)


def _at_necks(hot: Bool, grid: Grid) -> Iterator[Bool]:
    """The parts of a region that narrow waists join, each without gaps."""
    deep = ndimage.distance_transform_edt(np.pad(hot, 1), sampling=grid.spacing_mm[::-1])
    relief = sitk.GetImageFromArray((-deep[1:-1, 1:-1, 1:-1]).astype(np.float32))
    parted = sitk.MorphologicalWatershed(relief, level=NECK_MM, markWatershedLine=False)
    parts = sitk.GetArrayFromImage(parted)
    for number in np.unique(parts[hot]):
        whole = largest(hot & (parts == number))
        yield filled(closed(whole, grid, THREADS_MM)) & (parts == number)


def _score(scene: _Scene, region: Bool, side: float) -> float:
    """How like a kidney's its place and size are: 1 for a perfect one."""
    x, y, _ = _centre(scene.ct.grid, region)
    aside, before = side * (x - scene.spine_mm[0]), scene.spine_mm[1] - y
    volume = float(np.count_nonzero(region)) * scene.ct.grid.voxel_ml
    rows = constants()
    off = (aside - rows["kidney_aside_mm"].value) / rows["kidney_aside_mm"].u
    off_y = (before - rows["kidney_before_mm"].value) / rows["kidney_before_mm"].u
    usual = rows["kidney_ml"]
    off_v = log(volume / usual.value) / (usual.u / usual.value)
    return exp(-(off**2 + off_y**2 + off_v**2) / 2.0)


def _centre(grid: Grid, region: Bool) -> tuple[float, float, float]:
    k, j, i = (float(np.mean(n)) for n in np.nonzero(region))
    x, y, z = grid.points_mm((i, j, k))
    return float(x), float(y), float(z)


def _made(name: str, scene: _Scene, region: Bool, frame: str) -> Segmented:
    mask = as_mask(scene.ct.grid, region)
    volume = by_edge(name, mask, figure("kidney_edge_mm"))
    method = (f"basin of uptake beside the spine, above {figure('kidney_share'):.0%} of its "
              f"maximum, CT from {SOFT_HU[0]:g} to {SOFT_HU[1]:g} HU")  # fmt: skip
    seen = (note("W-SEG-KIDNEY", where=name),)
    outline = draft(name, mask, method, frame_of_reference=frame, way=WAY)
    return Segmented(outline, volume, method, seen)
