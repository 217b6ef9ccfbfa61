"""A factor from one source: the largest sphere, a point, or a patient before the first voiding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from quimby.core.grid import Image
from quimby.core.notes import Note, note, refusal
from quimby.core.time import aware
from quimby.core.uncertain import Uncertain
from quimby.devices import matching
from quimby.devices.calibration import SUM, plausibility_notes
from quimby.devices.camera import CameraRecord
from quimby.devices.point_spread import Sphere
from quimby.devices.point_width import PointWidths, point_widths
from quimby.devices.source_factor import (
    BACKGROUND_LIMIT,
    EDGE_LIMIT,
    MARGIN_MM,
    SourceResult,
    body_factor,
    point_of,
    source_factor,
)
from quimby.measure.scans import EmissionScan
from quimby.physics.nuclides import canonical, nuclide
from quimby.study.commission import ASSAY, camera_of, counted_s
from quimby.study.commissioning import certificate as told
from quimby.study.commissioning.certificate import Certificate, Check, Quantity, Table
from quimby.study.commissioning.moment import moment
from quimby.study.commissioning.phantom import by_what, factor_quantity, nuclide_check
from quimby.study.files import Shelf
from quimby.study.records import FillRecord
from quimby.study.result import InputFile

WIDTHS = 2.0  # point spreads around a point that hold all of it
CORRECTED = {"ATTN": "attenuation", "SCAT": "scatter"}


@dataclass(frozen=True, eq=False)
class SourceMeasured:
    """A factor's record (None where no activity was given), and what plots need."""

    record: CameraRecord | None
    found: SourceResult | None
    widths: PointWidths | None
    image: Image
    source: Sphere | None
    margin_mm: float
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Assayed:
    """An activity with its doubt, at its moment; `name` is its nuclide."""

    mbq: Uncertain
    at: datetime
    name: str


def assayed(mbq: Uncertain, at: str, name: str, *, zone: str | None) -> Assayed:
    """An activity as a person states it; E-TIME-…, E-NUC-UNKNOWN."""
    return Assayed(mbq, aware(at, where="--at", zone=zone), canonical(name))


def measure_sphere(
    scan: EmissionScan, fill: FillRecord, inputs: Sequence[InputFile], *, shelf: Shelf,
    zone: str | None = None, operator: str = "",
) -> SourceMeasured:  # fmt: skip
    """Factor from the largest sphere of the fill record, with 20 mm beyond its wall.

    Recovery measured with this factor carries `cf_geometry` "sphere" and is used with no other.
    E-FILL-KEY, E-CAL-NUCLIDE, E-CAL-SOURCE.
    """
    spheres = [Sphere(s.diameter_mm, s.centre_mm) for s in fill.spheres if s.centre_mm is not None]
    if fill.sphere_concentration_mbq_per_ml is None or not spheres:
        problem = "sphere_concentration_mbq_per_ml, or spheres with centre_mm, are missing."
        raise refusal("E-FILL-KEY", where="fill record", problem=problem)
    largest = max(spheres, key=lambda s: s.diameter_mm)
    others = [s for s in spheres if s is not largest]
    excess = fill.sphere_concentration_mbq_per_ml - (fill.background_concentration_mbq_per_ml or 0)
    if excess <= 0:
        raise refusal("E-FILL-KEY", where="fill record",
                      problem="the background is as strong as the spheres.")  # fmt: skip
    filled = excess * largest.volume_ml  # above the background, which the shell takes away
    given = Assayed(
        Uncertain(filled, {ASSAY: fill.sphere_assay_relative_u * filled}), fill.assayed_at,
        canonical(fill.nuclide),
    )  # fmt: skip
    return _made(scan, given, largest, others, inputs, shelf, zone=zone, kind="sphere",
                 operator=operator, margin_mm=MARGIN_MM, widths=None)  # fmt: skip


def measure_point(
    scan: EmissionScan, given: Assayed | None, inputs: Sequence[InputFile], *, shelf: Shelf,
    zone: str | None = None, operator: str = "",
) -> SourceMeasured:  # fmt: skip
    """Widths of a reconstructed point source, and with its activity the factor.

    E-PLN-POINT where no Gaussian fits; as `measure_sphere`.
    """
    widths = point_widths(scan.image, where=scan.files[0].name)
    margin = max(MARGIN_MM, WIDTHS * max(w.fwhm_mm for w in (widths.x, widths.y, widths.z)))
    if given is not None:
        point = point_of(scan.image, margin, where=scan.files[0].name)
        return _made(scan, given, point, (), inputs, shelf, zone=zone, kind="point",
                     operator=operator, margin_mm=margin, widths=widths)  # fmt: skip
    made = Certificate(
        kind="point-width", title="Resolution from a point source",
        subtitle=scan.pharmaceutical.nuclide or "nuclide not stated",
        device=told.device_rows(scan.device, grid=scan.image.grid),
        how="Gaussians through the centroid along the three axes, by least squares "
            "(IAEA Human Health Series 6, test 4.3.4).",
        results=_width_results(widths), measured_at=scan.acquired_at, inputs=tuple(inputs),
        tables=(_width_table(widths),), checks=_width_checks(widths, scan.image),
        notes=tuple(n for n in scan.notes if not n.code.endswith("DCM-DECAY-REF")),
        operator=operator, validity="until camera or reconstruction change",
    )  # fmt: skip
    return SourceMeasured(None, None, widths, scan.image, None, margin, made)


def measure_patient(
    scan: EmissionScan, given: Assayed, left_mbq: Uncertain, inputs: Sequence[InputFile], *,
    shelf: Shelf, zone: str | None = None, operator: str = "",
) -> SourceMeasured:  # fmt: skip
    """Factor from all counts of a whole-body scan over the activity the body held.

    `left_mbq` has left the body until the scan, decayed to `given.at`: nothing before the first
    voiding. E-CAL-EDGE where the body goes on outside the scan; W-CAL-PLAIN.
    """
    if left_mbq.value >= given.mbq.value:
        raise refusal("E-CAL-VALUE", where="--excreted", what="activity left in the body",
                      value=given.mbq.value - left_mbq.value)  # fmt: skip
    held = Assayed(given.mbq - left_mbq, given.at, given.name)
    return _made(scan, held, None, (), inputs, shelf, zone=zone, kind="patient",
                 operator=operator, margin_mm=0.0, widths=None)  # fmt: skip


RULES = {
    "sphere": ("Calibration factor from a sphere", "largest sphere, 20 mm beyond its wall",
               "Counts of the largest sphere with 20 mm beyond its wall, less the background of "
               "the shell around; voxels nearer to another sphere are not taken."),
    "point": ("Calibration factor from a point source", "point source with all of its blur",
              "Counts around the point out to two widths, less the background of the shell "
              "around; Gaussians through its centroid give the widths."),
    "patient": ("Calibration factor from the patient", "everything in the scan",
                "All counts of the scan over the activity in the body at that moment. It holds "
                "for scans of this patient on this camera, corrected alike."),
}  # fmt: skip


def _made(
    scan: EmissionScan, given: Assayed, source: Sphere | None, others: Sequence[Sphere],
    inputs: Sequence[InputFile], shelf: Shelf, *, zone: str | None, kind: str, operator: str,
    margin_mm: float, widths: PointWidths | None,
) -> SourceMeasured:  # fmt: skip
    matching.check_nuclide(scan.pharmaceutical.nuclide, given.name, canonical=canonical,
                           where=scan.files[0].name)  # fmt: skip
    when = moment(scan, given.at, given.name, zone=zone, given="--at or fill record")
    held, time_s = when.held(given.mbq, given.name), counted_s(scan)
    if source is None:
        found = body_factor(scan.image, activity_mbq=held, duration_s=time_s, convention=SUM)
    else:
        found = source_factor(scan.image, source, activity_mbq=held, duration_s=time_s,
                              convention=SUM, others=others, margin_mm=margin_mm,
                              where=f"{kind} source")  # fmt: skip
    title, rule, how = RULES[kind]
    camera = camera_of(
        scan, given.name, found.factor, shelf, role=kind, geometry=kind, voi_rule=rule,
        activity_mbq=given.mbq.value, activity_at=given.at, counts=found.total,
    )  # fmt: skip
    notes = told.noted(scan.notes, when.notes, found.notes, _doubts(scan, camera, kind))
    made = Certificate(
        kind=f"spect-{kind}", title=title, subtitle=f"{given.name} · scan in {camera.image_unit}",
        device=told.device_rows(scan.device, grid=scan.image.grid),
        how=f"{how} {by_what(camera)}",
        results=(factor_quantity(camera), *(_width_results(widths) if widths else ())),
        measured_at=scan.acquired_at, inputs=tuple(inputs),
        tables=(_counted(found, camera, time_s), *((_width_table(widths),) if widths else ())),
        checks=(nuclide_check(scan, given.name), *_checks(found, notes, kind)), notes=notes,
        constants=(nuclide(given.name).half_life_h,), valid_until=camera.valid_until,
        operator=operator, extra={"geometry": kind, "convention": SUM},
    )  # fmt: skip
    return SourceMeasured(camera, found, widths, scan.image, source, margin_mm, made)


def _doubts(scan: EmissionScan, camera: CameraRecord, kind: str) -> tuple[Note, ...]:
    found: list[Note] = []
    missing = [word for code, word in CORRECTED.items() if code not in scan.device.corrections]
    if missing and kind != "point":
        found.append(note("W-CAL-PLAIN", where=scan.files[0].name, what=" and ".join(missing)))
    if camera.factor.unit == "cps/MBq" and camera.nuclide == "Lu-177":
        found += plausibility_notes(camera.factor.value)
    return tuple(found)


def _counted(found: SourceResult, camera: CameraRecord, time_s: float | None) -> Table:
    rows = [
        ("Activity at the moment of the scan", f"{found.activity_mbq.value:.4g} MBq"),
        ("Counting time", "not needed" if time_s is None else f"{time_s:.5g} s"),
        ("Region", f"{found.region_ml:.0f} ml"),
        ("Background taken away", told.per_cent(found.background_fraction, 2)),
    ]
    if camera.image_unit == "counts":
        rows.insert(1, ("Counted", f"{found.total:.4g} counts"))
    return Table("What was counted", ("Of", "Found"), tuple(rows))


def _checks(found: SourceResult, notes: Sequence[Note], kind: str) -> tuple[Check, ...]:
    if kind == "patient":
        return (
            told.at_most("Counts in the end slices, of the fullest", found.edge, EDGE_LIMIT),
            told.without(("W-CAL-PLAIN",), "Corrected for attenuation and scatter", "both", notes),
        )  # fmt: skip
    return (
        told.at_most("Background", abs(found.background_fraction), BACKGROUND_LIMIT),
        told.without(("W-CAL-PLAIN",), "Corrected for attenuation and scatter", "both", notes)
        if kind == "sphere" else
        Check("Region inside the image", "whole", "whole", passed=True),
    )  # fmt: skip


def _axes(widths: PointWidths) -> tuple[tuple[str, float, float, float], ...]:
    return tuple(
        (name, w.fwhm_mm, w.fwtm_mm, w.u_fwhm_mm)
        for name, w in (("x", widths.x), ("y", widths.y), ("z", widths.z))
    )


def _width_results(widths: PointWidths) -> tuple[Quantity, ...]:
    return tuple(
        Quantity(f"FWHM, {name}", Uncertain(fwhm, {"fit": u} if u else {}), "mm")
        for name, fwhm, _, u in _axes(widths)
    )


def _width_table(widths: PointWidths) -> Table:
    rows = tuple((name, f"{fwhm:.2f}", f"{fwtm:.2f}") for name, fwhm, fwtm, _ in _axes(widths))
    return Table("Widths", ("Axis", "FWHM, mm", "FWTM, mm"), rows)


def _width_checks(widths: PointWidths, image: Image) -> tuple[Check, ...]:
    steps = image.grid.spacing_mm
    fewest = min(fwhm / mm for (_, fwhm, _, _), mm in zip(_axes(widths), steps, strict=True))
    return (Check("Voxels across a width", f"{fewest:.1f}", "at least 2", fewest >= 2.0),)
