"""How `quimby calibrate` ends: the result, its doubt, the checks, and what was written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from quimby.cli.commissioning.signed import Signed
from quimby.cli.devices.telling import line, told
from quimby.cli.terminal import console
from quimby.core.notes import refusal
from quimby.devices.camera import CameraRecord, camera_text
from quimby.measure.dicom import survey
from quimby.report import certificate as page
from quimby.report.figures.devices import Plot
from quimby.report.rounding import plus_minus
from quimby.study.commissioning.certificate import Certificate, Quantity

FEW = 8  # results shown on the terminal; the certificate has them all
PLANAR = ("planar", "whole body", "dynamic")


def finish(
    made: Certificate, plots: Sequence[Plot], signed: Signed, *, record: CameraRecord | None = None,
    next_step: str = "",
) -> int:  # fmt: skip
    """Show the measurement and write its certificate; `record` goes into the folder too."""
    to = console()
    say(to, made)
    if signed.out is not None:
        folder = signed.out.suffix.lower() != ".pdf"
        more = {"camera.toml": camera_text(record).encode()} if record and folder else {}
        page.write(made, plots, signed.out, centre=signed.centre, more=more)
        shown = signed.out / "certificate.pdf" if folder else signed.out
        line(to, f"Wrote   {shown}")
        if more:
            line(to, f"Wrote   {signed.out / 'camera.toml'}")
    if next_step:
        line(to, f"Next    {next_step}")
    return 0


def say(to: Console, made: Certificate) -> None:
    """Title, results, budget of the first, checks that failed, notes."""
    line(to, f"{made.title}, {made.subtitle}")
    for one in made.results[:FEW]:
        line(to, f"        {_said(one)}")
    first = made.results[0]
    for cause, u in first.value.budget():
        line(to, f"        u of {first.name}, {cause}: {u:.2g} {first.unit}")
    passed = sum(c.passed for c in made.checks)
    if made.checks:
        line(to, f"Checks  {passed} of {len(made.checks)} passed")
    for check in made.checks:
        if not check.passed:
            line(to, f"        {check.what}: {check.found} (wanted {check.wanted})")
    told(to, made.notes)


def _said(one: Quantity) -> str:
    return f"{one.name}  {plus_minus(one.value, one.unit)}"


def planar_files(paths: Sequence[Path]) -> list[Path]:
    """Planar files: those named, and all in the folders named; E-STUDY-FILE."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise refusal("E-STUDY-FILE", where=str(path), path=path)
        if path.is_dir():
            found += [f for s in survey(path).series if s.kind in PLANAR for f in s.files]
        else:
            found.append(path)
    if not found:
        raise refusal("E-STUDY-FILE", where="planar scans", path=", ".join(map(str, paths)))
    return found


def write_record(record: CameraRecord, out: Path) -> None:
    """Write a camera's record, whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial")
    partial.write_text(camera_text(record), "utf-8")
    partial.rename(out)
