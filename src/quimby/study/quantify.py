"""Steps 2 to 4: lay the scans on each other, outline, and read activity with its doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from quimby.core.grid import Grid, Image
from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.devices import dead_time
from quimby.devices.camera import CameraRecord
from quimby.devices.matching import same
from quimby.measure.partial_volume import (
    POINT_SPREAD,
    Recovery,
    RegionActivity,
    by_recovery_curve,
    recover,
)
from quimby.measure.regions import Regions
from quimby.measure.registration import Registration
from quimby.measure.resample import resample
from quimby.physics.decay import decay_factor, factor_to_start
from quimby.study.aligned import aligned, named_outlines
from quimby.study.attenuation import RELATIVE, relative_activity, uniform_doubt
from quimby.study.commission import counting_time
from quimby.study.inputs import Inputs, Visit
from quimby.study.laid import place_u_mm, ready, registrations
from quimby.study.masses import Masses, masses
from quimby.study.progress import Progress, Step
from quimby.therapies import Organ

NO_BLUR = Uncertain(0.0)
TRANSFER_U_MM = 0.3
"""Standard uncertainty of carrying a point spread from a phantom to a patient, whose body holds
the heads farther off and whose counts let the reconstruction converge otherwise [P]."""
REPEATABILITY_U = 0.02
"""Relative standard uncertainty of a region in one scan beyond noise and movement: breathing,
reconstruction, an outline that fits this day a little less [P]. Without it four scans of case A
that agree to 2 % reject every curve."""
COUNTS_U = {"organ": 0.03, "lesion": 0.05}
"""Relative standard uncertainty by counts alone above which a region is noted [P]."""
TRANSMITTED = 0.3
"""Share of 208 keV photons that leave an adult's trunk towards the camera: exp(-0.13/cm x 9 cm),
mean depth by rule of thumb [P]. Only for judging whether dead time may matter."""


@dataclass(frozen=True, eq=False)
class Reading:
    """One scan, calibrated and laid on the reference."""

    visit: Visit
    registration: Registration
    activity: Image  # MBq/ml at the start of the scan, on the scan's own grid
    recovery: Recovery
    by_curve_mbq: Mapping[str, float]  # recovered by the volume-recovery curve instead


@dataclass(frozen=True, eq=False)
class Quantified:
    """What steps 2 to 4 hand to the curves."""

    regions: Regions
    masses: Masses
    readings: tuple[Reading, ...]
    notes: tuple[Note, ...]


def quantify(
    inputs: Inputs, organs: Mapping[str, Organ], half_life_h: float, *, progress: Progress,
    sex: str = "",
) -> Quantified:  # fmt: skip
    """Ready the outlines, lay them on every scan, weigh them, and read every scan.

    `organs` says what each outline is; `sex` is for masses of a reference adult.
    """
    progress(Step("outlines", f"{len(inputs.outlines)} outlines"))
    regions = ready(inputs)
    moves = registrations(inputs, regions, progress)
    weighed = masses(regions, inputs, organs, sex)
    readings = []
    notes = [*regions.notes, *weighed.notes]
    for number, visit in enumerate(inputs.visits, start=1):
        progress(Step("quantify", f"scan {number} of {len(inputs.visits)}"))
        reading, seen = _read(visit, inputs, regions, moves[visit.id], half_life_h=half_life_h)
        readings.append(reading)
        notes += [*seen, *moves[visit.id].notes,
                  *few_counts(reading.recovery.regions, organs, scan=visit.id)]  # fmt: skip
    _each_seen([r.name for r in regions.organs], readings)
    return Quantified(regions, weighed, tuple(readings), tuple(notes))


def few_counts(
    rows: Mapping[str, RegionActivity], organs: Mapping[str, Organ], *, scan: str
) -> tuple[Note, ...]:
    """W-COUNTS-LOW for each region whose noise alone exceeds 3 %, of a lesion 5 %."""
    found = []
    for name, row in rows.items():
        a = row.activity_mbq
        limit = COUNTS_U["lesion" if name in organs and organs[name].name == "lesion" else "organ"]
        noise = abs(a.parts.get(f"counts, {name}, {scan}", 0.0))
        if a.value > 0 and noise > limit * a.value:
            found.append(note("W-COUNTS-LOW", where=f"{name}, {scan}", value=noise / a.value,
                              limit=limit))  # fmt: skip
    return tuple(found)


def _each_seen(names: Sequence[str], readings: Sequence[Reading]) -> None:
    """E-STUDY-KEY for a region that every scan leaves out."""
    for name in names:
        if all(name not in r.recovery.regions for r in readings):
            problem = f"leave_out takes {name} from every scan; leave its outline out instead."
            raise refusal("E-STUDY-KEY", where="measurements", problem=problem)


def _read(
    visit: Visit, inputs: Inputs, regions: Regions, moved: Registration, *, half_life_h: float
) -> tuple[Reading, list[Note]]:
    """Activity of every region in one scan, at the scan's start."""
    camera = inputs.camera
    image, shared, notes = _activity(visit, inputs, half_life_h)
    width = _blur(camera)
    left_out, seen = _left_out(visit, inputs, regions)
    regions, own = aligned(regions, visit, inputs, moved.transform, activity=image,
                           fwhm_mm=width.value)  # fmt: skip
    found = recover(image, regions, moved.transform, fwhm_mm=width, scan=visit.id,
                    registration_u_mm=place_u_mm(inputs, visit), left_out=left_out)  # fmt: skip
    carried = {
        name: with_scan_doubts(row, shared, scan=visit.id)
        for name, row in (*found.regions.items(), ("", found.remainder))
    }
    remainder = carried.pop("")
    recovery = replace(found, regions=carried, remainder=remainder)
    made_with = visit.scan.device.reconstruction
    curve = {}
    if inputs.reference_ct:
        curve = _by_curve(found, regions, camera, scan=visit.id, made_with=made_with)
    return Reading(visit, moved, image, recovery, curve), [*notes, *seen, *own, *found.notes]


def _left_out(
    visit: Visit, inputs: Inputs, regions: Regions
) -> tuple[frozenset[str], tuple[Note, ...]]:
    """Regions that the study leaves out of this scan, each told (W-IMG-LEFT-OUT)."""
    asked = next((m for m in inputs.administration.scans if m.id == visit.id), None)
    if asked is None or not asked.leave_out:
        return frozenset(), ()
    names = [region.name for region in regions.organs]
    found = named_outlines(asked.leave_out, names, inputs.administration,
                           key=f"{visit.id}.leave_out")  # fmt: skip
    return found, tuple(note("W-IMG-LEFT-OUT", where=f"{n}, {visit.id}") for n in sorted(found))


def _activity(
    visit: Visit, inputs: Inputs, half_life_h: float
) -> tuple[Image, dict[str, float], list[Note]]:
    """MBq/ml at the start of the scan, by the camera or as shares of what is in view."""
    asked = next((m for m in inputs.administration.scans if m.id == visit.id), None)
    if asked is not None and asked.attenuation == RELATIVE:
        return relative_activity(asked, visit.scan.image)
    image, shared, notes = activity_image(visit, inputs.camera, half_life_h)
    more, told = ({}, []) if visit.ct else uniform_doubt(visit.id)
    return image, {**shared, **more}, [*notes, *told]


def _blur(camera: CameraRecord) -> Uncertain:
    """The camera's blur in this patient: that of the phantom, with the doubt of the transfer."""
    measured = camera.point_spread_mm()
    return measured.because(POINT_SPREAD, TRANSFER_U_MM) if measured else NO_BLUR


def with_scan_doubts(
    row: RegionActivity, shared: Mapping[str, float], *, scan: str
) -> RegionActivity:
    """The same region with doubts that a scan shares (relative), and its own repeatability."""
    a = row.activity_mbq
    relative = {**shared, f"repeatability, {row.name}, {scan}": REPEATABILITY_U}
    parts = {**a.parts, **{cause: u * a.value for cause, u in relative.items()}}
    return RegionActivity(row.name, Uncertain(a.value, parts), row.apparent_mbq, row.recovery,
                          row.volume_ml)  # fmt: skip


def activity_image(
    visit: Visit, camera: CameraRecord, half_life_h: float
) -> tuple[Image, dict[str, float], list[Note]]:
    """MBq/ml at the start of the scan, the relative doubts it shares, and notes.

    Order: dead time, calibration, decay during the scan (or back from the decay reference).
    """
    scan = visit.scan
    calibrated = camera.activity_image(
        scan.image, counting_time(scan) if scan.image.unit == "counts" else None
    )
    shared = {**calibrated.u_relative, **scan.doubts}
    notes = list(calibrated.notes)
    factor = _to_start(visit, half_life_h)
    loss, loss_u, loss_notes = _dead_time(visit, camera)
    if loss_u:
        shared["dead time"] = loss_u
    image = Image(calibrated.image.grid, calibrated.image.values * (factor * loss), "MBq/ml")
    return image, shared, notes + loss_notes


def _to_start(visit: Visit, half_life_h: float) -> float:
    """From the time the voxel values stand for to the start of the scan."""
    scan = visit.scan
    if scan.decay_reference == "START":
        return 1.0
    if scan.decay_reference == "ADMIN":
        return decay_factor(visit.time_h, half_life_h)
    if scan.timing is None:
        return 1.0
    return factor_to_start(scan.timing.elapsed_scan_time_s / 3600.0, half_life_h)


def _dead_time(visit: Visit, camera: CameraRecord) -> tuple[float, float, list[Note]]:
    """Factor, its relative doubt and notes, from the rate of one head."""
    rate = count_rate(visit)
    if rate is None:
        return 1.0, 0.0, []
    if camera.dead_time == "none":
        found = dead_time.uncorrected_loss(rate, corrected=False, where=visit.id)
    else:
        tau = Uncertain(camera.dead_time.tau_us * 1e-6, {"dead time": camera.dead_time.u_us * 1e-6})
        found = dead_time.corrected_rate(rate, tau, model=camera.dead_time.model)
    return found.factor.value, found.factor.u_rel, list(found.notes)


def count_rate(visit: Visit) -> float | None:
    """Photopeak counts per second of one head; None for a scan that does not show counts.

    Where the projections' own rate was not given it is estimated from the reconstruction: its
    sum, less what attenuation correction put in.
    """
    scan = visit.scan
    if visit.count_rate is not None:
        return visit.count_rate
    if scan.image.unit != "counts" or scan.timing is None:
        return None
    seen = TRANSMITTED if "ATTN" in scan.device.corrections else 1.0
    counts = max(float(scan.image.values.sum()) * scan.busiest_bed, 0.0)
    return seen * counts / scan.timing.sum_of_projection_time_s


def _by_curve(
    found: Recovery, regions: Regions, camera: CameraRecord, *, scan: str, made_with: str
) -> dict[str, float]:
    """The guide's own way, for comparison: apparent activity through the recovery curve.

    Nothing for a scan `made_with` another reconstruction than the spheres' (W-CAL-RECON).
    The curve was measured with the spheres' own walls as outlines: of no use for an edge drawn on
    a scan.
    """
    curve = camera.recovery_curve()
    if curve is None or same(made_with, camera.reconstruction.method) is False:
        return {}
    return {
        name: by_recovery_curve(row, regions.named(name), curve, scan=scan).value.value
        for name, row in found.regions.items()
    }


def reference_grid(readings: Sequence[Reading], reference: str) -> Grid:
    """The grid of the reference scan's activity; where a CT alone is it, the first scan's there.

    Moved to that CT's place, since a stand-alone CT may lie anywhere, and not turned.
    """
    found = next((r for r in readings if r.visit.id == reference), readings[0])
    grid, moved = found.activity.grid, found.registration.transform
    if moved.still:
        return grid
    middle = grid.points_mm((np.array(grid.shape[::-1]) - 1) / 2)
    affine = np.array(grid.affine)
    affine[:3, 3] += moved.inverse().apply(middle) - middle
    return Grid(grid.shape, affine)


def on_reference(reading: Reading, grid: Grid) -> Image:
    """A scan's activity on the reference grid; what the scan did not see counts as zero."""
    image, moved = reading.activity, reading.registration.transform
    if not (image.grid.matches(grid) and moved.still):
        image = resample(image, grid, moved.inverse(), outside=0.0)
    return Image(grid, np.asarray(image.array, dtype=np.float32), image.unit)
