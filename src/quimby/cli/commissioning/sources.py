"""`quimby calibrate point`, `patient`: one source, or the patient as the source."""

from __future__ import annotations

from pathlib import Path

from quimby.cli.commissioning.signed import Signed
from quimby.cli.commissioning.telling import finish
from quimby.cli.devices import words
from quimby.core.notes import refusal
from quimby.core.uncertain import Uncertain
from quimby.study.commission import ASSAY, read_scan
from quimby.study.commissioning.moment import told
from quimby.study.commissioning.phantom import inputs_of
from quimby.study.commissioning.source import Assayed, assayed, measure_patient, measure_point
from quimby.study.files import Shelf

LEFT = "activity that left the body"


def point_job(
    scan: Path, *, activity: str | None, at: str | None, name: str | None, zone: str | None,
    reference: str | None, signed: Signed,
) -> int:  # fmt: skip
    """Widths of a point source, and with its activity the factor; returns the exit code."""
    from quimby.report.figures.commissioning_volumes import source_plots

    signed.free()
    shelf = Shelf(Path.cwd())
    read = read_scan(scan, shelf)
    given = _given(activity, at, name, zone)
    read = told(read, reference) if given is not None else read
    made = measure_point(read, given, inputs_of(read, shelf, "point source"), shelf=shelf,
                         zone=zone, operator=signed.by)  # fmt: skip
    return finish(made.certificate, source_plots(made), signed, record=made.record)


def _given(
    activity: str | None, at: str | None, name: str | None, zone: str | None
) -> Assayed | None:
    """The source's activity; all three or none, else E-DEV-OPTION."""
    if activity is None:
        return None
    for option, value in (("--at", at), ("--nuclide", name)):
        if value is None:
            raise refusal("E-DEV-OPTION", where="quimby calibrate point", option=option)
    mbq = words.with_doubt(activity, "activity", cause=ASSAY, where="--activity")
    return assayed(mbq, at or "", name or "", zone=zone)


def patient_job(
    scan: Path, *, activity: str, excreted: str, at: str, name: str, zone: str | None,
    reference: str | None, signed: Signed,
) -> int:  # fmt: skip
    """Factor from a whole-body scan over the activity in the body; returns the exit code."""
    from quimby.report.figures.commissioning_volumes import source_plots

    signed.free()
    shelf = Shelf(Path.cwd())
    read = told(read_scan(scan, shelf), reference)
    mbq = words.with_doubt(activity, "activity", cause="administered activity", where="--activity")
    made = measure_patient(
        read, assayed(mbq, at, name, zone=zone), _left(excreted),
        inputs_of(read, shelf, "whole body"), shelf=shelf, zone=zone, operator=signed.by,
    )  # fmt: skip
    return finish(made.certificate, source_plots(made), signed, record=made.record)


def _left(text: str) -> Uncertain:
    """What has left the body: "0 MBq" before the first voiding, else with its doubt."""
    if "±" not in text and words.in_kind(text, "activity", where="--excreted") == 0:
        return Uncertain(0.0)
    return words.with_doubt(text, "activity", cause=LEFT, where="--excreted")
