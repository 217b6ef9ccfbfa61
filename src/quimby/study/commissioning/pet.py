"""Recovery of the NEMA body phantom in PET: spheres and background found without help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quimby.core.grid import Image
from quimby.core.notes import Note, refusal
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.devices import matching
from quimby.devices.camera import CameraRecord, RecoveryRecord
from quimby.devices.nema_spheres import NemaResult, nema_spheres, published_ranges
from quimby.measure.scans import EmissionScan
from quimby.physics.nuclides import canonical, nuclide
from quimby.study.commission import facts
from quimby.study.commissioning import certificate as told
from quimby.study.commissioning.certificate import Certificate, Check, Quantity, Table
from quimby.study.commissioning.moment import moment
from quimby.study.records import FillRecord
from quimby.study.result import InputFile

FILL, BACKGROUND = "concentration in the spheres", "concentration around the spheres"
LIKE = 0.5  # mean likeness of the ring with spheres below which a person should look [P]
EVEN = 0.10  # variability of the background's largest discs [P]


@dataclass(frozen=True, eq=False)
class PetMeasured:
    """What was found, in which image, compared with which range, and the certificate."""

    found: NemaResult
    image: Image
    compared_with: str
    certificate: Certificate


def measure_pet(
    scan: EmissionScan, inputs: Sequence[InputFile], *, fill: FillRecord | None,
    zone: str | None = None, compared_with: str = "earl-1", operator: str = "",
) -> PetMeasured:  # fmt: skip
    """Recovery of the six spheres. Without `fill` only the shape of the curve (W-PET-NO-TRUTH).

    E-CAL-NUCLIDE, E-FILL-KEY for a filling without the spheres' concentration, E-PET-….
    """
    if compared_with not in published_ranges():
        raise refusal("E-CAL-RECORD", where="--compare", field=compared_with,
                      why=f"known are {', '.join(published_ranges())}")  # fmt: skip
    truth, more = _truth(scan, fill, zone)
    found = nema_spheres(scan.image, sphere_bq_ml=truth[0], background_bq_ml=truth[1],
                         compared_with=compared_with, where=scan.files[0].parent.name)  # fmt: skip
    notes = told.noted(scan.notes, more, found.notes)
    name = canonical(fill.nuclide if fill else scan.pharmaceutical.nuclide or "F-18")
    used = published_ranges()[compared_with]
    made = Certificate(
        kind="pet-recovery", title="PET recovery, NEMA body phantom",
        subtitle=f"{name} · six spheres, 37 to 10 mm, found automatically",
        device=told.device_rows(scan.device, grid=scan.image.grid),
        how="The ring of spheres was found by likeness with blurred spheres in every place, turn "
            "and sense; twelve background places in five planes keep 15 mm from edge, insert and "
            "spheres. c = (mean − background) / (true − background) over the physical volume.",
        results=_results(found, known=fill is not None), measured_at=scan.acquired_at,
        inputs=tuple(inputs), tables=(_spheres(found),),
        checks=_checks(found, notes, fill), notes=notes, operator=operator,
        constants=(nuclide(name).half_life_h,
                   Constant(f"published range: {used.name}", 1.0, "", used.source, used.tag)),
        validity="until reconstruction, filter or software change; repeat once a year",
        extra={"covariance": found.fit.curve.covariance if found.fit else None,
               "compared_with": compared_with},
    )  # fmt: skip
    return PetMeasured(found, scan.image, compared_with, made)


def _truth(
    scan: EmissionScan, fill: FillRecord | None, zone: str | None
) -> tuple[tuple[Uncertain | None, Uncertain | None], tuple[Note, ...]]:
    """Concentrations in Bq/ml at the moment of the scan's values; None where not stated."""
    if fill is None:
        return (None, None), ()
    if fill.sphere_concentration_mbq_per_ml is None:
        problem = "sphere_concentration_mbq_per_ml is missing."
        raise refusal("E-FILL-KEY", where="fill record", problem=problem)
    matching.check_nuclide(scan.pharmaceutical.nuclide, fill.nuclide, canonical=canonical,
                           where=scan.files[0].name)  # fmt: skip
    when = moment(scan, fill.assayed_at, fill.nuclide, zone=zone)
    rows = (
        (fill.sphere_concentration_mbq_per_ml, fill.sphere_assay_relative_u, FILL),
        (fill.background_concentration_mbq_per_ml, fill.background_assay_relative_u, BACKGROUND),
    )
    spheres, around = (
        None if c is None else
        when.held(Uncertain(c, {what: u * c} if u else {}), fill.nuclide).scaled(1e6)
        for c, u, what in rows
    )  # fmt: skip
    return (spheres, around), when.notes


def _results(found: NemaResult, *, known: bool) -> tuple[Quantity, ...]:
    each = [Quantity(f"c, {s.sphere.diameter_mm:g} mm", s.coefficient, "") for s in found.spheres]
    true = Quantity("True concentration" if known else "Concentration taken as true",
                    found.true_bq_ml, "Bq/ml")  # fmt: skip
    if found.fit is None:
        return (*each, true)
    curve = found.fit.curve
    u = [max(curve.covariance[i][i], 0.0) ** 0.5 for i in (0, 1)]
    return (
        Quantity("α of RC(V) = 1/(1 + (α/V)^β)",
                 Uncertain(curve.alpha_ml, {"fit and concentration": u[0]}), "ml"),
        Quantity("β", Uncertain(curve.beta, {"fit and concentration": u[1]}), ""), true,
    )  # fmt: skip


def _spheres(found: NemaResult) -> Table:
    rows = tuple(
        (f"{s.sphere.diameter_mm:g}", f"{s.maximum:.0f}", f"{s.recovery_max.value:.2f}",
         f"{s.recovery_contour.value:.2f}", f"{s.coefficient.value:.3f} ± {s.coefficient.u:.2g}",
         told.per_cent(s.contrast, 0), told.per_cent(s.variability, 1))
        for s in found.spheres
    )  # fmt: skip
    head = ("Sphere, mm", "Maximum, Bq/ml", "max / true", "50 % contour / true", "c",
            "NEMA contrast", "Variability")  # fmt: skip
    title = (f"Spheres; background {found.background.mean:.0f} Bq/ml in "
             f"{len(found.background.places_mm)} places")  # fmt: skip
    return Table(title, head, rows, words=())


def _checks(found: NemaResult, notes: Sequence[Note], fill: FillRecord | None) -> tuple[Check, ...]:
    in_range = [n for n in notes if n.code == "W-PET-RANGE"]
    rising = [s.coefficient.value for s in found.spheres]
    return (
        Check("Ring found", f"likeness {found.ring.likeness:.2f}, radius "
              f"{found.ring.ring_mm:.1f} mm", f"at least {LIKE:g}, 57.2 mm by design",
              found.ring.likeness >= LIKE),
        told.at_most("Background even, 37 mm discs", found.spheres[0].variability, EVEN),
        Check("Recovery rises with volume", "yes" if rising == sorted(rising, reverse=True)
              else "no", "yes", rising == sorted(rising, reverse=True)),
        Check("True concentration", "from the fill record" if fill else
              "not given, middle of the largest sphere", "from the fill record", fill is not None),
        Check("Inside the published range", _outside(in_range) or "all",
              "all spheres", not in_range),
    )  # fmt: skip


def _outside(notes: Sequence[Note]) -> str:
    """Which recoveries leave the range; the notes name the spheres."""
    found = [n.text.partition("(")[2].partition(":")[0] for n in notes]
    return f"outside by {' and '.join(found)}" if found else ""


def with_recovery(camera: CameraRecord, scan: EmissionScan, made: PetMeasured) -> CameraRecord:
    """The PET camera's record with this curve, tied to its factor's geometry.

    The scan is compared with the record (E-CAL-NUCLIDE, E-CAL-WINDOW, E-CAL-IMAGE-UNIT); a
    curve without known truth, or of another reconstruction, is refused (E-PET-TRUTH, E-RC-RECON).
    """
    if camera.image_unit != "Bq/ml":
        raise refusal("E-CAL-IMAGE-UNIT", where=camera.id, scan="Bq/ml", record=camera.image_unit)
    when = scan.acquired_at
    notes = camera.check(facts(scan, when), where="NEMA phantom") if when else ()
    if any(n.code == "W-CAL-RECON" for n in notes):
        raise refusal("E-RC-RECON", where=camera.id, calibrated=camera.reconstruction.method,
                      scan=scan.device.reconstruction)  # fmt: skip
    if made.found.fit is None or any(n.code == "W-PET-NO-TRUTH" for n in made.found.notes):
        raise refusal("E-PET-TRUTH", where=camera.id,
                      why="a curve without the true concentration is no recovery")  # fmt: skip
    c = made.found.fit.curve
    record = RecoveryRecord(alpha_ml=c.alpha_ml, beta=c.beta, covariance=c.covariance,
                            volume_range_ml=c.volume_range_ml,
                            cf_geometry=camera.factor.geometry)  # fmt: skip
    return camera.model_copy(update={"recovery": record})
