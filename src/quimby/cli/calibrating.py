"""`quimby calibrate`: camera records from phantom scans."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from quimby.cli.terminal import console
from quimby.core.notes import Note
from quimby.devices.camera import CameraRecord, read_camera, write_camera
from quimby.study.commission import commission_cylinder, commission_spheres, read_scan
from quimby.study.files import Shelf
from quimby.study.records import read_fill


def spect_job(scan: Path, fill: Path, out: Path, *, zone: str | None) -> int:
    """Calibrate from a cylinder and write the record; returns the exit code."""
    shelf = Shelf(Path.cwd())
    made = commission_cylinder(read_scan(scan, shelf), read_fill(fill), shelf=shelf, zone=zone)
    _save(made.record, out)
    to, f = console(), made.record.factor
    u = made.record.calibration_factor().value.u
    to.print(f"Factor  {f.value:.4g} ± {u:.2g} {f.unit}, by {f.convention}", markup=False)
    for cause, part in f.u_relative.items():
        to.print(f"        {cause}: {part:.2%}", markup=False)
    _told(to, made.notes, out)
    to.print(
        f"Next    quimby calibrate recovery SPHERES --fill {fill} --camera {out}", markup=False
    )
    return 0


def recovery_job(scan: Path, fill: Path, camera: Path, *, zone: str | None) -> int:
    """Measure recovery and point spread, and add them to the record; returns the exit code."""
    shelf = Shelf(Path.cwd())
    made = commission_spheres(read_scan(scan, shelf), read_fill(fill), read_camera(camera),
                              shelf=shelf, zone=zone)  # fmt: skip
    _save(made.record, camera)
    to, r, spread = console(), made.record.recovery, made.point_spread.fwhm_mm
    to.print(" sphere mm   volume ml   recovery   curve")
    for m in made.spheres:
        v = m.sphere.volume_ml
        to.print(f" {m.sphere.diameter_mm:9.0f} {v:11.2f} {m.coefficient.value:10.3f} "
                 f"{made.fit.curve.at(v):7.3f}")  # fmt: skip
    if r is not None:
        to.print(f"Curve   RC(V) = 1/(1 + ({r.alpha_ml:.3g} ml / V)^{r.beta:.3g})", markup=False)
    to.print(f"Blur    FWHM {spread.value:.2f} ± {spread.u:.2f} mm")
    _told(to, made.notes, camera)
    return 0


def _save(record: CameraRecord, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial")
    write_camera(record, partial)
    partial.rename(out)


def _told(to: Console, notes: Iterable[Note], out: Path) -> None:
    for n in notes:
        if n.severity != "information":
            to.print(f"{n.code}  {n.where}: {n.text}\n        → {n.do}", markup=False)
    to.print(f"Wrote   {out}", markup=False)
