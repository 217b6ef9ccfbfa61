"""Certificates of the cylinder and of the spheres in water (`study.commission` measures them)."""

from __future__ import annotations

from collections.abc import Sequence

from quimby.core.uncertain import Uncertain
from quimby.devices.camera import CameraRecord
from quimby.devices.cylinder import UNIFORM_WITHIN
from quimby.devices.recovery import U_LIMIT
from quimby.measure.scans import EmissionScan
from quimby.physics.nuclides import canonical, nuclide
from quimby.study.commission import Commissioned, RecoveryMeasured
from quimby.study.commissioning import certificate as told
from quimby.study.commissioning.certificate import Certificate, Check, Quantity, Table
from quimby.study.files import Shelf
from quimby.study.result import InputFile

RATIO = "Measured over true activity"
FACTOR = "Calibration factor"
TIME = {"sum_of_projection_time": "all projections of all heads added",
        "elapsed_scan_time": "time on the clock"}  # fmt: skip


def factor_quantity(camera: CameraRecord) -> Quantity:
    """The record's factor, as it is used (a generic one with its larger doubt)."""
    used = camera.calibration_factor()
    name = RATIO if used.unit == "1" else FACTOR
    return Quantity(name, used.value, "" if used.unit == "1" else used.unit)


def by_what(camera: CameraRecord) -> str:
    """What the factor's counts and time are, in a sentence."""
    if camera.factor.unit == "1":
        return "The scan is in Bq/ml: the factor is measured over true activity, no time is needed."
    return f"Counting time is {TIME[camera.factor.convention]} ({camera.factor.convention})."


def nuclide_check(scan: EmissionScan, name: str) -> Check:
    """Whether the file names the nuclide that was filled (another one was refused before)."""
    said = scan.pharmaceutical.nuclide
    return Check("Nuclide in the file", said or "the file does not say it", canonical(name),
                 passed=True)  # fmt: skip


def cylinder_certificate(
    scan: EmissionScan, made: Commissioned, inputs: Sequence[InputFile], *, operator: str = ""
) -> Certificate:
    """Of a factor from a uniform cylinder."""
    found, camera = made.cylinder, made.record
    worst = max((abs(p - 1.0) for p in found.profile), default=0.0)
    checks = (
        nuclide_check(scan, camera.nuclide),
        told.at_most("Profile from wall to middle flat", worst, UNIFORM_WITHIN),
        told.without(("W-CAL-BACKGROUND",), "Background", "below 1 % of the counts", made.notes),
        told.without(("W-CAL-FOV",), "Phantom whole in the image", "clear of its edges",
                     made.notes),
        told.without(("W-CAL-RANGE",), "Factor plausible", "3 to 15 cps/MBq per head for 177Lu",
                     made.notes),
    )  # fmt: skip
    rows = (
        ("Activity at the moment of the scan", f"{found.activity_mbq.value:.4g} MBq"),
        ("Counted in the region" if camera.image_unit == "counts" else "Found in the region",
         f"{found.total:.4g} {'counts' if camera.image_unit == 'counts' else 'MBq'}"),
        ("Counting time", "not needed" if camera.factor.counting_s is None
         else f"{camera.factor.counting_s:.5g} s"),
        ("Phantom inside the half-height contour", f"{found.phantom_ml:.0f} ml"),
        ("Region with its margin", f"{found.region_ml:.0f} ml"),
        ("Background taken away", told.per_cent(found.background_fraction, 2)),
    )  # fmt: skip
    return Certificate(
        kind="spect-cylinder", title="Calibration factor from a cylinder",
        subtitle=f"{canonical(camera.nuclide)} · reconstructed scan in {camera.image_unit}",
        device=told.device_rows(scan.device, grid=scan.image.grid),
        how=f"The cylinder was found by its half-height contour and extended by 20 mm. "
            f"{by_what(camera)}",
        results=(factor_quantity(camera),), measured_at=scan.acquired_at, inputs=tuple(inputs),
        tables=(Table("What was counted", ("Of", "Found"), rows),), checks=checks,
        constants=(nuclide(camera.nuclide).half_life_h,), notes=made.notes,
        valid_until=camera.valid_until, operator=operator,
        extra={"record": camera.id, "convention": camera.factor.convention},
    )  # fmt: skip


def recovery_certificate(
    scan: EmissionScan, made: RecoveryMeasured, inputs: Sequence[InputFile], *, operator: str = ""
) -> Certificate:
    """Of a recovery curve and blur from spheres in cold water."""
    camera, curve, spread = made.record, made.fit.curve, made.point_spread
    rows = tuple(
        (f"{m.sphere.diameter_mm:g}", f"{m.sphere.volume_ml:.2f}", f"{m.coefficient.value:.3f}",
         f"{curve.at(m.sphere.volume_ml):.3f}", f"{r:+.1f}".replace("-", "−"))
        for m, r in zip(made.spheres, made.fit.residuals, strict=True)
    )  # fmt: skip
    u_curve = max(
        curve.coefficient(Uncertain(m.sphere.volume_ml)).u_rel for m in made.spheres
    )  # fmt: skip
    checks = (
        nuclide_check(scan, camera.nuclide),
        Check("Spheres", str(len(made.spheres)), "at least 3, better 6", len(made.spheres) >= 3),
        told.without(("W-RC-SHIFT",), "Phantom where it was said to be", "within 5 mm", made.notes),
        told.at_most("Largest doubt of the curve", u_curve, U_LIMIT),
        Check("Paired with the factor", f"both from a {camera.factor.geometry}"
              if curve.cf_geometry == camera.factor.geometry else curve.cf_geometry,
              camera.factor.geometry, curve.cf_geometry == camera.factor.geometry),
        _reconstructed(made),
    )  # fmt: skip
    head = ("Sphere, mm", "Volume, ml", "Recovery", "Curve", "Residual / u")
    return Certificate(
        kind="recovery", title="Recovery and blur from spheres",
        subtitle=f"{canonical(camera.nuclide)} · {len(made.spheres)} spheres in cold water",
        device=told.device_rows(scan.device, grid=scan.image.grid),
        how="Mean of each sphere's physical volume over its true concentration. The curve is "
            "RC(V) = 1 / (1 + (α/V)^β), weighted least squares. The blur is the Gaussian that "
            "makes the phantom look like the scan; its doubt is the jackknife over spheres.",
        results=(Quantity("Blur, FWHM", spread.fwhm_mm, "mm"), *curve_quantities(made)),
        measured_at=scan.acquired_at, inputs=tuple(inputs),
        tables=(Table("Spheres", head, rows, words=()),), checks=checks,
        constants=(nuclide(camera.nuclide).half_life_h,), notes=made.notes,
        valid_until=camera.valid_until, operator=operator,
        extra={"covariance": curve.covariance, "volume_range_ml": curve.volume_range_ml,
               "cf_geometry": curve.cf_geometry, "reconstruction": curve.reconstruction},
    )  # fmt: skip


def _reconstructed(made: RecoveryMeasured) -> Check:
    """Whether the spheres were reconstructed as the factor's scan; a silent file is no yes."""
    what, wanted = "Reconstructed as for the factor", "the same"
    for n in made.notes:
        if n.code == "W-CAL-RECON" or (n.code == "W-CAL-UNKNOWN" and "reconstruction" in n.text):
            return Check(what, f"see {n.code}", wanted, passed=False)
    return Check(what, made.record.reconstruction.method, wanted, passed=True)


def curve_quantities(made: RecoveryMeasured) -> tuple[Quantity, ...]:
    """alpha and beta with their doubts; their covariance is in the record."""
    curve = made.fit.curve
    u = [max(curve.covariance[i][i], 0.0) ** 0.5 for i in (0, 1)]
    return (Quantity("α", Uncertain(curve.alpha_ml, {"fit and concentration": u[0]}), "ml"),
            Quantity("β", Uncertain(curve.beta, {"fit and concentration": u[1]}), ""))  # fmt: skip


def inputs_of(scan: EmissionScan, shelf: Shelf, role: str, *records: InputFile
              ) -> tuple[InputFile, ...]:  # fmt: skip
    """The scan's files and the records beside it, with their digests."""
    return (shelf.entry(role, scan.files), *records)
