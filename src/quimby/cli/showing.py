"""`quimby demo`: the whole job on a patient whose truth is known."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from quimby.cli.called import called_as
from quimby.cli.drafting import document_text
from quimby.cli.job import calculate
from quimby.cli.terminal import console
from quimby.core.uncertain import Uncertain
from quimby.demo.compare import Row, scanned_rows
from quimby.demo.make import make_patient, truth_path
from quimby.demo.patient import Truth, patients
from quimby.demo.radioiodine import compare as radioiodine
from quimby.demo.radioiodine.make import make_radioiodine
from quimby.demo.shown import begins, shown
from quimby.protocols import Protocol
from quimby.report.rounding import interval, plus_minus, significant
from quimby.report.write import refuse_to_overwrite
from quimby.study.document import Study, read_study
from quimby.study.draft import draft

PATIENT = "patient"
REPORT = "report"
STUDY = "study.toml"


def demo_job(out: Path, *, protocol: str = "", therapy: str = "", quiet: bool = False) -> int:
    """Make a patient, run the chain on the files, and hold the result against the truth.

    By the id of a protocol, or the short name of a therapy; without either, four SPECT/CT after
    177Lu-DOTATATE. Raises what `shown` raises.
    """
    asked = shown(protocol, therapy)
    refuse_to_overwrite(out / REPORT)
    to = console()
    if not quiet:
        to.print(begins(asked), markup=False)
    by_scans = asked.therapy in patients()
    rows = (_scanned if by_scans else _read)(asked, out, quiet=quiet)
    if not quiet:
        compare(to, rows)
        _next(to, out, by_scans=by_scans and asked.level > 1)
    return 0


def _scanned(asked: Protocol, out: Path, *, quiet: bool) -> tuple[Row, ...]:
    """A patient before a camera."""
    began = time.monotonic()
    truth = make_patient(out / PATIENT, protocol=asked.id)
    if not quiet:
        console(stderr=True).print(f" 0/7 make patient {time.monotonic() - began:6.1f} s")
    study = _drafted(out / PATIENT, truth) if asked.level > 1 else read_study(_study(out))
    result, _ = calculate(study, out / REPORT, quiet=quiet)
    return scanned_rows(result, truth)


def _read(asked: Protocol, out: Path, *, quiet: bool) -> tuple[Row, ...]:
    """A patient before a monitor, a probe, a well counter."""
    known = make_radioiodine(asked.id, out / PATIENT)
    result, _ = calculate(read_study(_study(out)), out / REPORT, quiet=quiet)
    return radioiodine.rows(result, known)


def _study(out: Path) -> Path:
    return out / PATIENT / STUDY


def _drafted(folder: Path, known: Truth) -> Study:
    """The study that a folder of DICOM gives, with what a person would have answered, kept beside
    the files."""
    facts = known.patient.facts
    answers = {
        "protocol": f'"{known.protocol}"',
        "centre.example": "true",
        "centre.name": "Demo, invented data",
        "residue": "0",
        "prescribed": f'"{facts["prescribed"]}"',
        "patient.indication": facts["indication"],
        "cycles_planned": str(facts["cycles_planned"]),
    }
    found = draft(folder, answers=answers)
    (folder / STUDY).write_text(document_text(found, folder / STUDY), "utf-8")
    return read_study(folder / STUDY)


def compare(to: Console, rows: Sequence[Row]) -> None:
    """Truth beside result: doses, integrals, the plan, planned against measured."""
    staged = any(row.stage for row in rows)
    head = (*(("Stage",) if staged else ()), "What", "Unit", "Truth", "Found", "95 % interval",
            "Inside?")  # fmt: skip
    lines = [head, *(_line(row)[0 if staged else 1 :] for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    to.print()
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        to.print(" " + "  ".join(cells).rstrip(), markup=False)
    first = next(row for row in rows if row.unit.startswith("Gy"))
    what = first.what.replace("_", " ")
    to.print(f"\n {what}: the largest doubt is {_largest(first.found)}", markup=False)


def _line(row: Row) -> tuple[str, ...]:
    return (row.stage.replace("-", " "), row.what.replace("_", " "), row.unit,
            significant(row.true, 3), plus_minus(row.found), interval(row.found),
            "yes" if row.inside else "no")  # fmt: skip


def _largest(dose: Uncertain) -> str:
    cause, u = dose.budget()[0]
    return f"{cause} ({100 * u / dose.value:.1f} %)"


def _next(to: Console, out: Path, *, by_scans: bool) -> None:
    """What to open and what to try, with the command as it was called."""
    quimby, patient = called_as(), out / PATIENT
    told = "what the DICOM files said" if by_scans else "every key is explained there"
    lines = [
        f"Open   {out / REPORT / 'report.pdf'}",
        f"Read   {_study(out)}        {told}",
        f"Truth  {truth_path(patient)}",
    ]
    if by_scans:
        lines += [
            f"Try    {quimby} study YOUR_FOLDER -o study.toml",
            f"       {quimby} run {_study(out)} -o OUT        the same patient, by hand",
            f"       {quimby} calibrate spect {patient}/calibration/cylinder "
            f"--fill {patient}/calibration/fill.json -o camera.toml",
        ]
    else:
        lines += [f"Try    change a figure in {patient}, then",
                  f"       {quimby} run {_study(out)} -o OUT"]  # fmt: skip
    to.print()
    for line in lines:
        to.print(f" {line}", markup=False)
