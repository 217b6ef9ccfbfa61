"""`quimby calibrate spect`, `recovery`, `sphere`, `pet`: phantoms with a fill record."""

from __future__ import annotations

from pathlib import Path

from quimby.cli.commissioning.signed import Signed
from quimby.cli.commissioning.telling import finish, write_record
from quimby.cli.devices.telling import line
from quimby.cli.terminal import console
from quimby.devices.camera import read_camera
from quimby.report import certificate as page
from quimby.report.rounding import plus_minus
from quimby.study.commission import commission_cylinder, commission_spheres, read_scan
from quimby.study.commissioning.certificate import Certificate
from quimby.study.commissioning.moment import told
from quimby.study.commissioning.phantom import (
    cylinder_certificate,
    inputs_of,
    recovery_certificate,
)
from quimby.study.commissioning.records import record_file
from quimby.study.files import Shelf
from quimby.study.records import read_fill

FILL = "fill record"


def spect_job(
    scan: Path, fill: Path, out: Path, *, zone: str | None, reference: str | None = None,
    signed: Signed | None = None,
) -> int:  # fmt: skip
    """Calibrate from a cylinder and write the record; returns the exit code."""
    signed = signed or Signed()
    signed.free()
    shelf = Shelf(Path.cwd())
    read = told(read_scan(scan, shelf), reference)
    made = commission_cylinder(read, read_fill(fill), shelf=shelf, zone=zone)
    write_record(made.record, out)
    to, f = console(), made.record.factor
    used = made.record.calibration_factor().value
    line(to, f"Factor  {plus_minus(used, f.unit)}, by {f.convention}")
    for cause, part in f.u_relative.items():
        line(to, f"        {cause}: {part:.2%}".replace("%", " %"))
    sheet = cylinder_certificate(read, made, inputs_of(read, shelf, "cylinder", record_file(
        fill, FILL)), operator=signed.by)  # fmt: skip
    _checks_and_notes(sheet)
    line(to, f"Wrote   {out}")
    if signed.out is not None:
        from quimby.report.figures.commissioning_volumes import cylinder_plots

        page.write(sheet, cylinder_plots(read.image, made.cylinder), signed.out,
                   centre=signed.centre)  # fmt: skip
        line(to, f"Wrote   {signed.out}")
    line(to, f"Next    quimby calibrate recovery SPHERES --fill {fill} --camera {out}")
    return 0


def recovery_job(
    scan: Path, fill: Path, camera: Path, *, zone: str | None, reference: str | None = None,
    signed: Signed | None = None,
) -> int:  # fmt: skip
    """Measure recovery and point spread, and add them to the record; returns the exit code."""
    signed = signed or Signed()
    signed.free()
    shelf = Shelf(Path.cwd())
    read = told(read_scan(scan, shelf), reference)
    before = record_file(camera, "camera record before") if camera.is_file() else None
    made = commission_spheres(read, read_fill(fill), read_camera(camera), shelf=shelf, zone=zone)
    write_record(made.record, camera)
    to, r, spread = console(), made.record.recovery, made.point_spread.fwhm_mm
    line(to, " sphere mm   volume ml   recovery   curve")
    for m in made.spheres:
        v = m.sphere.volume_ml
        line(to, f" {m.sphere.diameter_mm:9.0f} {v:11.2f} {m.coefficient.value:10.3f} "
                 f"{made.fit.curve.at(v):7.3f}")  # fmt: skip
    if r is not None:
        line(to, f"Curve   RC(V) = 1/(1 + ({r.alpha_ml:.3g} ml / V)^{r.beta:.3g})")
    line(to, f"Blur    FWHM {spread.value:.2f} ± {spread.u:.2f} mm")
    records = (record_file(fill, FILL), *((before,) if before else ()))
    sheet = recovery_certificate(read, made, inputs_of(read, shelf, "spheres", *records),
                                 operator=signed.by)  # fmt: skip
    _checks_and_notes(sheet)
    line(to, f"Wrote   {camera}")
    if signed.out is not None:
        from quimby.report.figures.commissioning_volumes import recovery_plots

        page.write(sheet, recovery_plots(read.image, made), signed.out, centre=signed.centre)
        line(to, f"Wrote   {signed.out}")
    return 0


def _checks_and_notes(sheet: Certificate) -> None:
    from quimby.cli.devices.telling import told as notes_told

    to = console()
    line(to, f"Checks  {sum(c.passed for c in sheet.checks)} of {len(sheet.checks)} passed")
    notes_told(to, sheet.notes)


def sphere_job(
    scan: Path, fill: Path, *, zone: str | None, reference: str | None, signed: Signed
) -> int:
    """Factor from the largest sphere; the record lies beside the certificate."""
    from quimby.report.figures.commissioning_volumes import source_plots
    from quimby.study.commissioning.source import measure_sphere

    signed.free()
    shelf = Shelf(Path.cwd())
    read = told(read_scan(scan, shelf), reference)
    made = measure_sphere(
        read, read_fill(fill), inputs_of(read, shelf, "sphere", record_file(fill, FILL)),
        shelf=shelf, zone=zone, operator=signed.by,
    )  # fmt: skip
    step = f"quimby calibrate recovery {scan} --fill {fill} --camera {signed.out}/camera.toml"
    return finish(made.certificate, source_plots(made), signed, record=made.record,
                  next_step=step)  # fmt: skip


def pet_job(
    scan: Path, fill: Path | None, camera: Path | None, *, compared_with: str, zone: str | None,
    reference: str | None, signed: Signed,
) -> int:  # fmt: skip
    """Recovery of the NEMA body phantom; added to a PET camera's record where one is named."""
    from quimby.report.figures.commissioning_volumes import pet_plots
    from quimby.study.commissioning.pet import measure_pet, with_recovery

    signed.free()
    shelf = Shelf(Path.cwd())
    read = told(read_scan(scan, shelf), reference)
    filled = (record_file(fill, FILL),) if fill is not None and fill.is_file() else ()
    made = measure_pet(
        read, inputs_of(read, shelf, "NEMA phantom", *filled),
        fill=read_fill(fill) if fill is not None else None,
        zone=zone, compared_with=compared_with, operator=signed.by,
    )  # fmt: skip
    record = with_recovery(read_camera(camera), read, made) if camera is not None else None
    ended = finish(made.certificate, pet_plots(made), signed)
    if record is not None and camera is not None:
        write_record(record, camera)
        line(console(), f"Wrote   {camera}")
    return ended
