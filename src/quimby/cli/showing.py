"""`quimby demo`: the whole job on a patient whose truth is known."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console

from quimby.cli.job import calculate
from quimby.cli.terminal import console
from quimby.core.uncertain import Uncertain
from quimby.demo.make import make_patient, truth_path
from quimby.demo.patient import Truth
from quimby.report.rounding import plus_minus
from quimby.report.write import refuse_to_overwrite
from quimby.study.draft import draft
from quimby.study.result import Result

PATIENT = "patient"
REPORT = "report"
ANSWERS = {
    "centre.example": "true",
    "centre.name": "Demo, invented data",
    "residue": "0",
    "prescribed": '"7.40 GBq"',
    "patient.indication": "Midgut NET, invented",
    "cycles_planned": "4",
}
"""What a person would have answered to the questions that a folder of DICOM leaves open."""


def demo_job(out: Path, *, quiet: bool = False) -> int:
    """Make the patient, run the chain on his files, and hold the result against the truth."""
    to = console()
    refuse_to_overwrite(out / REPORT)
    if not quiet:
        to.print("A made-up patient, 177Lu-DOTATATE 7.40 GBq, four SPECT/CT. The truth is known, "
                 "so you can check us.")  # fmt: skip
    began = time.monotonic()
    truth = make_patient(out / PATIENT)
    if not quiet:
        console(stderr=True).print(f" 0/7 make patient {time.monotonic() - began:6.1f} s")
    study = draft(out / PATIENT, answers=ANSWERS).study()
    result, _ = calculate(study, out / REPORT, quiet=quiet)
    if not quiet:
        compare(to, result, truth)
        _next(to, out)
    return 0


def compare(to: Console, result: Result, truth: Truth) -> None:
    """Truth beside result, region by region."""
    to.print()
    to.print(" Region        truth Gy   found Gy         95 % interval    inside?")
    for row in result.regions:
        true = truth.regions[row.name].electron_dose_gy
        low, high = row.absorbed_dose_gy.interval()
        inside = "yes" if low <= true <= high else "no"
        to.print(f" {row.name:<12} {true:9.2f}   {plus_minus(row.absorbed_dose_gy):<15}  "
                 f"{low:6.2f} to {high:<6.2f}  {inside}", markup=False)  # fmt: skip
    first = (result.combined or result.regions)[0]
    to.print(f"\n {first.name}: the largest doubt is {_largest(first.absorbed_dose_gy)}",
             markup=False)  # fmt: skip


def _largest(dose: Uncertain) -> str:
    cause, u = dose.budget()[0]
    return f"{cause} ({u / dose.value:.1%})"


def _next(to: Console, out: Path) -> None:
    to.print(f"\n Open   {out / REPORT / 'report.pdf'}", markup=False)
    to.print(f" Truth  {truth_path(out / PATIENT)}", markup=False)
    to.print(" Try    quimby study YOUR_FOLDER -o study.toml", markup=False)
    to.print(f"        quimby run {out / PATIENT} -o OUT        the same patient, by hand",
             markup=False)  # fmt: skip
    to.print("        quimby calibrate spect "
             f"{out / PATIENT}/calibration/cylinder --fill {out / PATIENT}/calibration/fill.json "
             "-o camera.toml", markup=False)  # fmt: skip
