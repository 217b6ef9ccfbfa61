"""From a filled cylinder and spheres to a camera record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import hypot
from pathlib import Path

from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.devices import matching
from quimby.devices.calibration import SUM, Factor, plausibility_notes, seconds
from quimby.devices.camera import (
    CameraRecord,
    FactorRecord,
    PointSpreadRecord,
    RawData,
    Reconstruction,
    RecoveryRecord,
    ScanFacts,
    Scanner,
    WindowRecord,
)
from quimby.devices.cylinder import CylinderResult, cylinder_factor
from quimby.devices.matching import UNKNOWN
from quimby.devices.point_spread import (
    PointSpread,
    Sphere,
    SphereRecovery,
    fit_point_spread,
    measured_recovery,
)
from quimby.devices.recovery import RecoveryFit, fit_recovery
from quimby.measure.dicom import read_emission
from quimby.measure.scans import EmissionScan, Timing
from quimby.physics.nuclides import canonical, nuclide
from quimby.study.commissioning.moment import moment
from quimby.study.document import Series
from quimby.study.files import Shelf
from quimby.study.records import FillRecord

ASSAY = "calibrator assay of the phantom"
VALID_FOR = timedelta(days=365)
NOISE = 0.01
"""Least relative uncertainty of one sphere's recovery; its noise is not known from one scan."""
LEVEL_BY = 3.0
"""Standard uncertainties by which the spheres may differ from what was filled [P]."""


@dataclass(frozen=True, eq=False)
class Commissioned:
    """A camera record and what its making showed."""

    record: CameraRecord
    cylinder: CylinderResult
    notes: tuple[Note, ...]


@dataclass(frozen=True, eq=False)
class RecoveryMeasured:
    """Recovery and point spread from one sphere scan."""

    record: CameraRecord
    spheres: tuple[SphereRecovery, ...]
    fit: RecoveryFit
    point_spread: PointSpread
    notes: tuple[Note, ...]


def counting_time(scan: EmissionScan) -> Timing:
    """How long a scan counted, or E-DCM-FRAMEDUR: it is never guessed."""
    if scan.timing is None:
        raise refusal("E-DCM-FRAMEDUR", where=scan.files[0].name, found="the file does not say it")
    return scan.timing


def commission_cylinder(
    scan: EmissionScan, fill: FillRecord, *, shelf: Shelf, zone: str | None = None
) -> Commissioned:
    """Calibrate a camera from a cylinder scan and what was filled into it.

    Counting time is the sum of projection times (all heads); the record says so. A scan in
    Bq/ml needs none. E-FILL-KEY when the filling names no cylinder activity.
    """
    if fill.cylinder_activity_mbq is None:
        problem = "cylinder_activity_mbq is missing."
        raise refusal("E-FILL-KEY", where="fill record", problem=problem)
    _same_nuclide(scan, fill.nuclide)
    duration_s = counted_s(scan)
    assay = Uncertain(
        fill.cylinder_activity_mbq,
        {ASSAY: fill.cylinder_assay_relative_u * fill.cylinder_activity_mbq},
    )
    when = moment(scan, fill.assayed_at, fill.nuclide, zone=zone)
    found = cylinder_factor(
        scan.image, duration_s=duration_s, convention=SUM,
        activity_mbq=when.held(assay, fill.nuclide), elapsed_h=0.0,
        half_life_h=nuclide(fill.nuclide).half_life_h.value,
    )  # fmt: skip
    notes = [*scan.notes, *when.notes, *found.notes]
    if found.factor.unit == "cps/MBq" and canonical(fill.nuclide) == "Lu-177":
        notes += plausibility_notes(found.factor.value.value)
    record = camera_of(
        scan, fill.nuclide, found.factor, shelf, role="cylinder", geometry="cylinder",
        voi_rule="whole phantom, 20 mm beyond its wall", activity_mbq=fill.cylinder_activity_mbq,
        activity_at=fill.assayed_at, counts=found.total,
    )  # fmt: skip
    return Commissioned(record, found, tuple(notes))


def counted_s(scan: EmissionScan) -> float | None:
    """Seconds of all projections; None for a scan in Bq/ml, whose values hold no counts."""
    return None if scan.image.unit == "Bq/ml" else seconds(counting_time(scan), SUM)


def _same_nuclide(scan: EmissionScan, filled: str) -> None:
    """E-CAL-NUCLIDE where the scan says another nuclide than was filled."""
    matching.check_nuclide(scan.pharmaceutical.nuclide, filled, canonical=canonical,
                           where=scan.files[0].name)  # fmt: skip


def camera_of(
    scan: EmissionScan, name: str, found: Factor, shelf: Shelf, *, role: str, geometry: str,
    voi_rule: str, activity_mbq: float, activity_at: datetime, counts: float,
) -> CameraRecord:  # fmt: skip
    """The record of a camera whose factor was measured with this scan, valid for 365 days."""
    device, value = scan.device, found.value
    made = activity_at.date() if scan.acquired_at is None else scan.acquired_at.date()
    raw = shelf.entry(role, scan.files)
    counted = scan.image.unit == "counts"
    return CameraRecord(
        id=f"{device.manufacturer or UNKNOWN} {device.model or UNKNOWN}, {name}",
        level="local",
        nuclide=name,
        image_unit="counts" if counted else "Bq/ml",
        scanner=Scanner(
            manufacturer=device.manufacturer or UNKNOWN, model=device.model or UNKNOWN,
            serial=device.serial or UNKNOWN, software=device.software or UNKNOWN,
        ),
        collimator=device.collimator or UNKNOWN,
        windows=tuple(
            WindowRecord(role="photopeak", lower_kev=w.lower_kev, upper_kev=w.upper_kev)
            for w in device.windows
        ),
        reconstruction=Reconstruction(
            method=device.reconstruction or UNKNOWN, corrections=device.corrections,
            matrix=scan.image.grid.shape, voxel_mm=scan.image.grid.spacing_mm,
        ),
        calibrator="unknown",
        factor=FactorRecord(
            value=value.value, unit=found.unit, convention=found.convention,
            u_relative={cause: u / value.value for cause, u in value.budget()},
            geometry=geometry, voi_rule=voi_rule, heads=scan.timing.heads if scan.timing else 1,
            counts=counts if counted else None, counting_s=counted_s(scan),
            activity_mbq=activity_mbq, activity_at=activity_at.isoformat(),
        ),
        dead_time="none",
        date=made,
        valid_until=made + VALID_FOR,
        operator=UNKNOWN,
        reviewer=UNKNOWN,
        raw_data=(RawData(role=raw.role, path=raw.path, sha256=raw.sha256),),
    )  # fmt: skip


def commission_spheres(
    scan: EmissionScan, fill: FillRecord, camera: CameraRecord, *, shelf: Shelf,
    zone: str | None = None,
) -> RecoveryMeasured:  # fmt: skip
    """Measure recovery and point spread with a calibrated camera, and add them to its record.

    E-FILL-KEY when the filling names no concentration or no sphere with its centre,
    E-CAL-IMAGE-UNIT and E-RC-RECON when the scan is in another unit, or of another reconstruction,
    than the record's. W-RC-LEVEL where the spheres hold another concentration than stated.
    """
    spheres = [Sphere(s.diameter_mm, s.centre_mm) for s in fill.spheres if s.centre_mm is not None]
    if fill.sphere_concentration_mbq_per_ml is None or not spheres:
        problem = "sphere_concentration_mbq_per_ml, or spheres with centre_mm, are missing."
        raise refusal("E-FILL-KEY", where="fill record", problem=problem)
    if fill.background_concentration_mbq_per_ml:
        raise refusal("E-FILL-KEY", where="fill record", problem="the spheres' surroundings are "
                      "warm; recovery for this record is measured in cold water.")  # fmt: skip
    _same_nuclide(scan, fill.nuclide)
    _as_the_factor(scan, camera)
    time = counting_time(scan) if scan.image.unit == "counts" else None
    when = moment(scan, fill.assayed_at, fill.nuclide, zone=zone)
    filled = fill.sphere_concentration_mbq_per_ml
    true = when.held(
        Uncertain(filled, {"sphere assay": fill.sphere_assay_relative_u * filled}), fill.nuclide
    )
    concentration = true.value
    image = camera.activity_image(scan.image, time).image
    spread = fit_point_spread(image, spheres, concentration)
    measured = measured_recovery(image, spheres, true, shift_mm=spread.shift_mm)
    fit = fit_recovery(
        [m.sphere.volume_ml for m in measured], [m.coefficient.value for m in measured],
        [NOISE] * len(measured), u_common=fill.sphere_assay_relative_u,
        cf_geometry=camera.factor.geometry, reconstruction=camera.reconstruction.method,
    )  # fmt: skip
    raw = shelf.entry("spheres", scan.files)
    record = camera.model_copy(update={
        "recovery": RecoveryRecord(
            alpha_ml=fit.curve.alpha_ml, beta=fit.curve.beta, covariance=fit.curve.covariance,
            volume_range_ml=fit.curve.volume_range_ml, cf_geometry=camera.factor.geometry,
        ),
        "point_spread": PointSpreadRecord(fwhm_mm=spread.fwhm_mm.value, u_mm=spread.fwhm_mm.u),
        "raw_data": (
            *(r for r in camera.raw_data if r.role != "spheres"),
            RawData(role=raw.role, path=raw.path, sha256=raw.sha256),
        ),
    })  # fmt: skip
    doubt = hypot(fill.sphere_assay_relative_u, camera.calibration_factor().value.u_rel)
    notes = (*scan.notes, *when.notes, *_as_calibrated(scan, camera), *spread.notes,
             *_level_notes(spread.amplitude, doubt))  # fmt: skip
    return RecoveryMeasured(record, measured, fit, spread, notes)


def _as_the_factor(scan: EmissionScan, camera: CameraRecord) -> None:
    """A curve belongs to its factor's image unit and to one reconstruction."""
    if scan.image.unit != camera.image_unit:
        raise refusal("E-CAL-IMAGE-UNIT", where=camera.id, scan=scan.image.unit,
                      record=camera.image_unit)  # fmt: skip
    method = camera.reconstruction.method
    if matching.same(scan.device.reconstruction, method) is False:
        raise refusal("E-RC-RECON", where=camera.id, calibrated=method,
                      scan=scan.device.reconstruction)  # fmt: skip


def _level_notes(amplitude: float, doubt: float) -> tuple[Note, ...]:
    """W-RC-LEVEL where the blurred phantom fits the scan at another level than was filled."""
    if abs(amplitude - 1.0) <= LEVEL_BY * doubt:
        return ()
    return (note("W-RC-LEVEL", where="spheres", value=amplitude - 1.0, limit=LEVEL_BY * doubt),)


def _as_calibrated(scan: EmissionScan, camera: CameraRecord) -> tuple[Note, ...]:
    """The spheres' scan was made as the cylinder's: E-CAL-NUCLIDE, E-CAL-WINDOW, or notes."""
    when = scan.acquired_at
    return () if when is None else camera.check(facts(scan, when), where="spheres")


def facts(scan: EmissionScan, moment: datetime) -> ScanFacts:
    """What a scan says about its set-up, for the comparison with the camera's record."""
    device = scan.device
    return ScanFacts(
        date=moment.date(), nuclide=scan.pharmaceutical.nuclide, collimator=device.collimator,
        windows_kev=tuple((w.lower_kev, w.upper_kev) for w in device.windows),
        reconstruction=device.reconstruction, software=device.software, serial=device.serial,
        model=device.model,
    )  # fmt: skip


def read_scan(path: Path, shelf: Shelf) -> EmissionScan:
    """The one reconstructed scan at a path: a file, or a folder that holds it."""
    return read_emission(shelf.files(Series(path=str(path))))
