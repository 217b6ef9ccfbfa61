"""`quimby demo`: the whole job on a patient whose truth is known."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from quimby.cli.job import calculate
from quimby.cli.terminal import console
from quimby.core.uncertain import Uncertain
from quimby.demo.make import make_patient, truth_path
from quimby.demo.patient import Truth
from quimby.demo.radioiodine import compare as radioiodine
from quimby.demo.radioiodine.make import make_radioiodine
from quimby.report.rounding import interval, plus_minus, significant
from quimby.report.write import refuse_to_overwrite
from quimby.study.document import read_study
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
DOTATATE = "dotatate"
BEGINS = {
    "benign-thyroid": "A made-up woman with Graves' disease: a 131I tracer, three uptakes, "
    "ultrasound; then the therapy, measured too.",
    "dtc": "A made-up woman with thyroid cancer: a 131I tracer with blood samples and whole-body "
    "readings; then the therapy, measured too.",
    "mibg": "A made-up child with neuroblastoma: 131I-mIBG in two stages, each read at a "
    "dose-rate meter.",
}
"""What each radioiodine demo says first."""


def demo_job(out: Path, *, therapy: str = DOTATATE, quiet: bool = False) -> int:
    """Make a patient, run the chain on the files, and hold the result against the truth."""
    if therapy == DOTATATE:
        return _dotatate(out, quiet=quiet)
    to = console()
    refuse_to_overwrite(out / REPORT)
    if not quiet:
        to.print(f"{BEGINS[therapy]} The truth is known, so you can check us.", markup=False)
    known = make_radioiodine(therapy, out / PATIENT)
    result, _ = calculate(read_study(out / PATIENT / "study.toml"), out / REPORT, quiet=quiet)
    if not quiet:
        compare_readings(to, radioiodine.rows(result, known))
        _next_by_readings(to, out)
    return 0


def _dotatate(out: Path, *, quiet: bool) -> int:
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


def compare_readings(to: Console, rows: Sequence[radioiodine.Row]) -> None:
    """Truth beside result: integrals, doses, the plan, planned against measured."""
    head = ("Stage", "What", "Unit", "Truth", "Found", "95 % interval", "Inside?")
    lines = [head, *(_line(row) for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    to.print()
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        to.print(" " + "  ".join(cells).rstrip(), markup=False)
    dose = next(row for row in rows if row.unit.startswith("Gy"))
    to.print(f"\n {dose.what}: the largest doubt is {_largest(dose.found)}", markup=False)


def _line(row: radioiodine.Row) -> tuple[str, ...]:
    return (row.stage, row.what, row.unit, significant(row.true, 3), plus_minus(row.found),
            interval(row.found), "yes" if row.inside else "no")  # fmt: skip


def _next_by_readings(to: Console, out: Path) -> None:
    to.print(f"\n Open   {out / REPORT / 'report.pdf'}", markup=False)
    to.print(f" Read   {out / PATIENT / 'study.toml'}        every key is explained there",
             markup=False)  # fmt: skip
    to.print(f" Truth  {truth_path(out / PATIENT)}", markup=False)
    to.print(f" Try    change a figure in {out / PATIENT}, then", markup=False)
    to.print(f"        quimby run {out / PATIENT / 'study.toml'} -o OUT", markup=False)


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
