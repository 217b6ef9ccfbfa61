"""Planar pairs beside SPECT/CT: net geometric means of the outlined regions on each pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import copysign

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.devices import dead_time
from quimby.devices.camera import CameraRecord
from quimby.measure.hybrid import PlanarPoint
from quimby.measure.planar import geometric_mean, net_counts
from quimby.measure.planar_expected import (
    Expected,
    Shadow,
    background_views,
    expected_views,
    shadow,
)
from quimby.measure.planar_free import Apart, apart
from quimby.measure.planar_place import Laid, lay
from quimby.measure.planar_roi import Roi, ring
from quimby.measure.planar_scatter import TwoViews, region_counts
from quimby.measure.planar_sweep import SweepFactor, sweep_factor
from quimby.physics.decay import factor_to_start
from quimby.physics.materials import water_mu_per_cm
from quimby.study.inputs import Inputs
from quimby.study.planar_pairs import Pair
from quimby.study.planar_read import NOTHING_READ, AllRead, Named, PairRead, checked
from quimby.study.quantify import Quantified, on_reference, reference_grid
from quimby.study.result import PlanarCounts, PlanarPicture, PlanarView

Float = NDArray[np.float64]
GAP_MM, WIDTH_MM = 10.0, 10.0  # between a region and its background ring; the ring [P]
LEAST_RING_MM2 = 150.0  # [P]
IN_BODY = 0.5  # of the thickness at the organ: the ring stays inside the body [P]
FIELD_MM = 390.0  # of a camera's head along the body [P]
SHAPE_U = 0.05  # relative, of the share of background over a region, from CT [P]
SCATTER_U = 0.10  # relative, of the scatter taken away: windows are an estimate [P]
SCATTER_LEFT, SCATTER_LEFT_U = 0.35, 0.10  # share of scatter where nothing was taken away [P]
LEAST_ON_IMAGE = 0.98  # of a region, to be read on a planar image [P]
SKIPPED = ("E-NET-NONPOSITIVE", "E-PLN-ROI", "E-PLN-THICKNESS", "E-NUM-NONPOS")
"""What keeps one region of one scan from being read, and nothing else."""


@dataclass(frozen=True, eq=False)
class Lost:
    """Factor for counts lost to dead time: one for all, and on a sweep one a row."""

    still: Uncertain
    rows: SweepFactor | None
    notes: tuple[Note, ...]

    def of(self, image: Float, roi: Roi) -> Uncertain:
        """Mean factor of a region."""
        return self.still * self.rows.of(image, roi.share) if self.rows else self.still


@dataclass(frozen=True, eq=False)
class Field:
    """One pair laid on the reference: every region's shadow and the body on its pixels."""

    pair: Pair
    laid: Laid
    rest: Expected  # the body evenly active, the regions empty
    water_mm: Float
    lost: Lost
    model: Expected
    depth_mm: float  # of a voxel of the model, front to back

    @property
    def frame(self) -> tuple[tuple[float, float], tuple[float, float], tuple[int, int]]:
        """Pixel size, corner and shape, as `Shadow.roi` takes them."""
        rows, columns = self.pair.views.first.shape
        return self.pair.views.pixel_mm, self.laid.corner_mm, (rows, columns)


def region_points(
    pairs: Sequence[Pair], inputs: Inputs, quantified: Quantified, half_life_h: float
) -> AllRead:
    """Net geometric means of every region that can be told from its neighbours, in cps.

    Each pair is laid on the SPECT/CT nearest in time. Notes are those of `apart`, which says
    what is read of a region, W-PLN-LEFT-OUT for a region that one pair cannot give, and
    W-PLN-BACKGROUND. Errors are those of `lay`.
    """
    if not pairs:
        return NOTHING_READ
    parts = apart([shadow(r.name, r.mask) for r in quantified.regions.organs])
    grid = reference_grid(quantified.readings, inputs.reference)
    mu = water_mu_per_cm(pairs[0].energy_kev / 1e3) / 10.0
    masks = [r.mask for r in quantified.regions.organs]
    rest = background_views(grid, masks, inputs.needed_ct("planar pairs").image, mu)
    models: dict[str, Expected] = {}
    found: dict[str, list[Named]] = {}
    read = [
        pair_points(pair, parts, _model(pair, inputs, quantified, models), rest=rest,
                    camera=inputs.camera, half_life_h=half_life_h,
                    depth_mm=grid.spacing_mm[1])
        for pair in pairs
    ]  # fmt: skip
    read = [checked(pair, one, quantified, inputs.camera)
            for pair, one in zip(pairs, read, strict=True)]  # fmt: skip
    for pair, one in zip(pairs, read, strict=True):
        for name, point in one.points.items():
            found.setdefault(name, []).append((pair.id, point))
    return AllRead({name: tuple(rows) for name, rows in found.items()},
                   tuple(c for one in read for c in one.counts), tuple(r.picture for r in read),
                   (*parts.notes, *(n for one in read for n in one.notes)))  # fmt: skip


def pair_points(
    pair: Pair,
    parts: Apart,
    model: Expected,
    *,
    rest: Expected,
    camera: CameraRecord,
    half_life_h: float,
    depth_mm: float = 1.0,
) -> PairRead:
    """Net geometric mean, cps at the start of the scan, of every free region that can be read.

    `model` is what a SPECT/CT leads one to expect; the pair is laid on it first. `depth_mm` is
    the size of its voxels from front to back. `rest` is
    `background_views`: how background over a region compares with that beside it.
    """
    laid = lay(pair.views, model, where=pair.id)
    rows, columns = pair.views.first.shape
    water = model.water_mm.at(pair.views.pixel_mm, laid.corner_mm, (rows, columns))
    field = Field(pair, laid, rest, water, _lost(pair, camera), model, depth_mm)
    decayed = factor_to_start(pair.seconds / 3600.0, half_life_h)
    found: dict[str, PlanarPoint] = {}
    notes: list[Note] = [*laid.notes, *field.lost.notes]
    counted: list[Counted] = []
    for name in parts.free:
        try:
            one = _net(name, parts, field)
        except QuimbyError as error:
            if error.code not in SKIPPED:
                raise
            notes.append(note("W-PLN-LEFT-OUT", where=f"{name}, {pair.id}",
                              why=error.what.rstrip(".")))  # fmt: skip
            continue
        notes += one.notes
        counted.append(one)
        found[name] = PlanarPoint(pair.time_h, one.mean.scaled(decayed))
    return PairRead(found, tuple(_row(one, pair, found) for one in counted),
                    _picture(counted, pair), _worst(notes),
                    {one.roi.name: one.foretold for one in counted})  # fmt: skip


def _row(one: Counted, pair: Pair, points: Mapping[str, PlanarPoint]) -> PlanarCounts:
    name = one.roi.name
    return PlanarCounts(pair.id, name, one.roi.pixels, one.beside.pixels, pair.seconds, one.views,
                        points[name].net)  # fmt: skip


def _picture(counted: Sequence[Counted], pair: Pair) -> PlanarPicture:
    views = pair.views
    return PlanarPicture(pair.id, views.names, (views.first, views.second), views.pixel_mm,
                         {one.roi.name: one.roi.share for one in counted},
                         {one.roi.name: one.beside.share for one in counted})  # fmt: skip


def _worst(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Of the two views' notes on one background the worse one."""
    high: dict[str, Note] = {}
    for one in (n for n in notes if n.code == "W-PLN-BACKGROUND"):
        region = one.where.rpartition(" ")[0].rpartition(" ")[0]
        before = high.get(region)
        if before is None or (one.value or 0.0) > (before.value or 0.0):
            high[region] = one
    return (*(n for n in notes if n.code != "W-PLN-BACKGROUND"), *high.values())


def _model(
    pair: Pair, inputs: Inputs, quantified: Quantified, made: dict[str, Expected]
) -> Expected:
    """What the SPECT/CT nearest in time leads one to expect on a pair."""
    nearest = min(quantified.readings, key=lambda r: abs(r.visit.time_h - pair.time_h))
    name = nearest.visit.id
    if name not in made:
        ct = inputs.needed_ct("planar pairs").image
        image = on_reference(nearest, reference_grid(quantified.readings, inputs.reference))
        mu = water_mu_per_cm(pair.energy_kev / 1e3) / 10.0
        made[name] = expected_views(image, ct, mu)
    return made[name]


def _lost(pair: Pair, camera: CameraRecord) -> Lost:
    """What brings counts back that were lost while the heads were busy."""
    views = pair.views.first, pair.views.second
    busier = max(views, key=lambda v: float(v.sum()))
    rate = float(busier.sum()) / pair.seconds
    if camera.dead_time == "none":
        found = dead_time.uncorrected_loss(rate, corrected=False, where=pair.id)
        return Lost(found.factor, None, found.notes)
    tau = Uncertain(camera.dead_time.tau_us * 1e-6, {"dead time": camera.dead_time.u_us * 1e-6})
    sweep = pair.scan.sweep
    if sweep is not None and sweep.velocity_mm_s:
        rows = sweep_factor(
            busier.sum(axis=1), row_mm=pair.views.pixel_mm[0], field_mm=FIELD_MM,
            velocity_mm_s=sweep.velocity_mm_s, tau_s=tau, where=pair.id,
        )  # fmt: skip
        return Lost(Uncertain(1.0), rows, rows.notes)
    still = dead_time.corrected_rate(rate, tau, model=camera.dead_time.model)
    return Lost(still.factor, None, still.notes)


def _roi(cast: Shadow, field: Field) -> Roi:
    """A region on a planar image; E-PLN-ROI where not the whole of it lies there."""
    roi = cast.roi(*field.frame)
    on_image = roi.area_mm2(field.pair.views.pixel_mm) / cast.area_mm2
    if on_image < LEAST_ON_IMAGE:
        why = f"only {on_image:.0%} of it lies on the planar image"
        raise refusal("E-PLN-ROI", where=cast.name, why=why)
    return roi


def _near(casts: Mapping[str, Shadow], field: Field, but: str) -> list[Roi]:
    """The other regions on a planar image, as far as they lie on it."""
    found = []
    for name, cast in casts.items():
        share = cast.flat.at(*field.frame)
        if name != but and share.max() > 0:
            found.append(Roi(name, np.clip(share, 0.0, 1.0)))
    return found


@dataclass(frozen=True, eq=False)
class Counted:
    """A region on one pair: where it lies, what each view counted, and their mean, cps."""

    roi: Roi
    beside: Roi
    views: tuple[PlanarView, PlanarView]
    mean: Uncertain
    notes: tuple[Note, ...]
    foretold: float = 0.0


def _net(name: str, parts: Apart, field: Field) -> Counted:
    """Net geometric mean of a region, cps, with the doubt of where the views lie.

    That doubt is one for all regions of a pair: they move together.
    """
    roi = _roi(parts.free[name], field)
    beside = _beside(name, parts, field)
    shares = _shares(roi, beside, field)
    found = _mean(roi, beside, shares, field)
    mean = found.mean
    for axis, way in (("across", 1), ("along", 0)):
        step = field.laid.u_mm[1 - way] / field.pair.views.pixel_mm[way]
        less, more = (
            _mean(_moved(roi, way, d), _moved(beside, way, d), shares, field).mean.value
            - found.mean.value
            for d in (-step, step)
        )
        part = copysign(max(abs(less), abs(more)), more - less)
        mean = mean.because(f"registration, planar views {axis}, {field.pair.id}", part)
    return replace(found, mean=mean, foretold=_foretold(roi, beside, shares, field))


def _foretold(roi: Roi, beside: Roi, shares: tuple[Uncertain, Uncertain], field: Field) -> float:
    """What the same regions hold of the views that the SPECT/CT leads one to expect.

    In MBq as a head without attenuation would see them, of a model in MBq/ml; background taken
    away as from the scan. 0 where nothing is left.
    """
    pixel = field.pair.views.pixel_mm
    views = []
    for n, flat in enumerate((field.model.first, field.model.second)):
        image = flat.at(*field.frame) * (field.depth_mm * pixel[0] * pixel[1] / 1000.0)
        net = roi.counts(image) - shares[n].value * roi.pixels * _over(beside, image)
        views.append(max(net, 0.0))
    return float(np.sqrt(views[0] * views[1]))


def _moved(roi: Roi, axis: int, pixels: float) -> Roi:
    shift = (pixels, 0.0) if axis == 0 else (0.0, pixels)
    return Roi(roi.name, np.clip(ndimage.shift(roi.share, shift, order=1, cval=0.0), 0.0, 1.0))


def _beside(name: str, parts: Apart, field: Field) -> Roi:
    """A ring about the whole region, inside the body and clear of all others."""
    pixel = field.pair.views.pixel_mm
    gap, width = (max(1, round(mm / min(pixel))) for mm in (GAP_MM, WIDTH_MM))
    whole = _roi(parts.whole[name], field)
    around = ring(name, whole, gap_px=gap, width_px=width, free_of=_near(parts.grown, field, name))
    inside = field.water_mm > IN_BODY * _over(whole, field.water_mm)
    share = np.where(inside, around.share, 0.0)
    if share.sum() * pixel[0] * pixel[1] < LEAST_RING_MM2:
        raise refusal("E-PLN-ROI", where=name, why="no room is left beside it for its background")
    return Roi(f"background {name}", share)


def _over(roi: Roi, image: Float) -> float:
    return float((roi.share * image).sum()) / roi.pixels


def _shares(roi: Roi, beside: Roi, field: Field) -> tuple[Uncertain, Uncertain]:
    """How much of the background beside the region lies before and behind it, in each view.

    1 - t/T of the slab, with the patient's own shape and attenuation: both places on the views
    of an evenly active body that is empty in the regions.
    """
    found = []
    for flat in (field.rest.first, field.rest.second):
        image = flat.at(*field.frame)
        share = _over(roi, image) / _over(beside, image)
        found.append(Uncertain(share, {f"shape of the background, {roi.name}": SHAPE_U * share}))
    return found[0], found[1]


def _mean(roi: Roi, beside: Roi, shares: tuple[Uncertain, Uncertain], field: Field) -> Counted:
    pair = field.pair
    held, room = (
        region_counts(pair.scan, r, label=pair.id, energy_kev=pair.energy_kev, scatter=pair.scatter)
        for r in (roi, beside)
    )
    views, notes = list[PlanarView](), [*held.notes, *room.notes]
    for n, view in enumerate(held.names):
        found = net_counts(_of_window(held, n, pair), _of_window(room, n, pair),
                           pixels=roi.pixels, background_pixels=beside.pixels, share=shares[n],
                           where=f"{roi.name} {view}, {pair.id}")  # fmt: skip
        gross = held.gross[n]
        views.append(PlanarView(view, gross, gross - held.counts[n].value,
                                found.background.value, found.counts))  # fmt: skip
        notes += found.notes
    mean = geometric_mean(views[0].net, views[1].net) * field.lost.of(
        pair.views.geometric_mean, roi
    )
    told = tuple(n for n in notes if n.code != "I-SC-ONE-WINDOW")
    return Counted(roi, beside, (views[0], views[1]), mean.scaled(1.0 / held.seconds), told)


def _of_window(views: TwoViews, n: int, pair: Pair) -> Uncertain:
    """Counts of one view with the doubt of scatter, which is much the same on every scan.

    Only its change from scan to scan stays: what is common cancels in the ratio of two scans.
    """
    counts = views.counts[n]
    if pair.scatter == "none":
        left = SCATTER_LEFT * SCATTER_LEFT_U * counts.value
        return counts.because(f"scatter left in, {pair.id}", left)
    return counts.because("scatter on planar views", SCATTER_U * (views.gross[n] - counts.value))
