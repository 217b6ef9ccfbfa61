"""`quimby calibrate similar`, `drift`: what other records tell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from quimby.cli.commissioning.signed import Signed
from quimby.cli.commissioning.telling import finish
from quimby.study.commission import read_scan
from quimby.study.commissioning.phantom import inputs_of
from quimby.study.commissioning.records import measure_drift, similar
from quimby.study.files import Shelf


def similar_job(record: Path, scan: Path, *, signed: Signed) -> int:
    """A record for the camera of a scan, from one of the same model; returns the exit code."""
    from quimby.report.figures.commissioning import similar_plots

    signed.free()
    shelf = Shelf(Path.cwd())
    read = read_scan(scan, shelf)
    made = similar(record, read, shown=inputs_of(read, shelf, "scan of this camera"),
                   operator=signed.by)  # fmt: skip
    return finish(made.certificate, similar_plots(made), signed, record=made.record)


def drift_job(records: Sequence[Path], *, signed: Signed) -> int:
    """Factors over time; returns the exit code."""
    from quimby.report.figures.commissioning import drift_plots

    signed.free()
    made = measure_drift(records, operator=signed.by)
    return finish(made.certificate, drift_plots(made), signed)
