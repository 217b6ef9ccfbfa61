"""`quimby calibrate`: commissioning and constancy of cameras, each with its certificate."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from quimby.cli.commissioning.signed import Signed
from quimby.cli.terminal import guarded

calibrate_app = typer.Typer(
    help="Commission a camera from phantom scans, and check it; with certificates.",
    no_args_is_help=True,
)


class Reference(StrEnum):
    """To which moment a scan is decay-corrected."""

    NONE = "NONE"
    START = "START"


Folder = Annotated[
    Path, typer.Option("-o", "--out", help="folder for certificate, plots and record; or a .pdf")
]
Certificate = Annotated[
    Path | None, typer.Option(help="certificate to write: a .pdf, or a folder with JSON and plots")
]
Fill = Annotated[Path, typer.Option(help="what was filled (JSON)")]
Zone = Annotated[
    str | None, typer.Option(help="IANA zone of times that have none, e.g. Europe/Berlin")
]
By = Annotated[str, typer.Option(help="who measured, for the certificate")]
Centre = Annotated[str, typer.Option(help="name of the centre, for the certificate")]
Corrected = Annotated[
    Reference | None,
    typer.Option("--decay-reference", help="where the file does not say it: NONE or START"),
]
Nuclide = Annotated[str, typer.Option(help="e.g. Lu-177")]
Energy = Annotated[
    float | None, typer.Option("--energy", help="keV inside the window to use, of several")
]
Activity = Annotated[str, typer.Option(help='with its doubt: "10.0 MBq ± 2 %"')]
At = Annotated[str, typer.Option(help="time that the activity holds for")]


@calibrate_app.command("spect")
def calibrate_spect(
    scan: Annotated[Path, typer.Argument(help="reconstructed scan of a filled cylinder")],
    fill: Fill,
    out: Annotated[Path, typer.Option("-o", "--out", help="camera record to write")],
    certificate: Certificate = None, zone: Zone = None, decay_reference: Corrected = None,
    by: By = "", centre: Centre = "",
) -> None:  # fmt: skip
    """Calibration factor of a SPECT (or PET) camera from a uniform cylinder."""
    from quimby.cli.commissioning.phantoms import spect_job

    _ends(lambda: spect_job(scan, fill, out, zone=zone, reference=_word(decay_reference),
                            signed=Signed(certificate, by, centre)))  # fmt: skip


@calibrate_app.command("recovery")
def calibrate_recovery(
    scan: Annotated[Path, typer.Argument(help="reconstructed scan of the spheres")],
    fill: Fill,
    camera: Annotated[Path, typer.Option(help="camera record to add to")],
    certificate: Certificate = None, zone: Zone = None, decay_reference: Corrected = None,
    by: By = "", centre: Centre = "",
) -> None:  # fmt: skip
    """Recovery curve and point spread from spheres, added to a camera record."""
    from quimby.cli.commissioning.phantoms import recovery_job

    _ends(lambda: recovery_job(scan, fill, camera, zone=zone, reference=_word(decay_reference),
                               signed=Signed(certificate, by, centre)))  # fmt: skip


@calibrate_app.command("sphere")
def calibrate_sphere(
    scan: Annotated[Path, typer.Argument(help="reconstructed scan of the spheres")],
    fill: Fill, out: Folder, zone: Zone = None, decay_reference: Corrected = None,
    by: By = "", centre: Centre = "",
) -> None:  # fmt: skip
    """Calibration factor from the largest sphere of the fill record."""
    from quimby.cli.commissioning.phantoms import sphere_job

    _ends(lambda: sphere_job(scan, fill, zone=zone, reference=_word(decay_reference),
                             signed=Signed(out, by, centre)))  # fmt: skip


@calibrate_app.command("point")
def calibrate_point(
    scan: Annotated[Path, typer.Argument(help="reconstructed scan of a point source")],
    out: Folder,
    activity: Annotated[
        str | None, typer.Option(help='for the factor: "37.0 MBq ± 2 %"; without it, widths')
    ] = None,
    at: Annotated[str | None, typer.Option(help="time that the activity holds for")] = None,
    nuclide: Annotated[str | None, typer.Option(help="e.g. Tc-99m")] = None,
    zone: Zone = None, decay_reference: Corrected = None, by: By = "", centre: Centre = "",
) -> None:  # fmt: skip
    """Resolution from a point source, and with its activity the calibration factor."""
    from quimby.cli.commissioning.sources import point_job

    _ends(lambda: point_job(scan, activity=activity, at=at, name=nuclide, zone=zone,
                            reference=_word(decay_reference),
                            signed=Signed(out, by, centre)))  # fmt: skip


@calibrate_app.command("patient")
def calibrate_patient(
    scan: Annotated[Path, typer.Argument(help="reconstructed scan of the whole body")],
    activity: Activity, at: At, nuclide: Nuclide, out: Folder,
    excreted: Annotated[
        str, typer.Option(help='left the body before the scan: "0 MBq" before the first voiding')
    ],
    zone: Zone = None, decay_reference: Corrected = None, by: By = "", centre: Centre = "",
) -> None:  # fmt: skip
    """Patient-relative factor: all counts over the activity in the body."""
    from quimby.cli.commissioning.sources import patient_job

    _ends(lambda: patient_job(scan, activity=activity, excreted=excreted, at=at, name=nuclide,
                              zone=zone, reference=_word(decay_reference),
                              signed=Signed(out, by, centre)))  # fmt: skip


@calibrate_app.command("pet")
def calibrate_pet(
    scan: Annotated[Path, typer.Argument(help="folder with the scan of the NEMA body phantom")],
    out: Folder,
    fill: Annotated[
        Path | None, typer.Option(help="what was filled (JSON); without it, the shape alone")
    ] = None,
    camera: Annotated[
        Path | None, typer.Option(help="PET camera's record to add the recovery to")
    ] = None,
    compare: Annotated[str, typer.Option(help="published range: earl-1 or earl-2")] = "earl-1",
    zone: Zone = None, decay_reference: Corrected = None, by: By = "", centre: Centre = "",
) -> None:  # fmt: skip
    """PET recovery: spheres and background of the NEMA phantom are found and measured."""
    from quimby.cli.commissioning.phantoms import pet_job

    _ends(lambda: pet_job(scan, fill, camera, compared_with=compare, zone=zone,
                          reference=_word(decay_reference),
                          signed=Signed(out, by, centre)))  # fmt: skip


@calibrate_app.command("planar")
def calibrate_planar(
    scans: Annotated[list[Path], typer.Argument(help="static images of a source in air")],
    activity: Activity, at: At, nuclide: Nuclide, out: Folder,
    background: Annotated[
        list[Path] | None, typer.Option(help="the same without the source (repeatable)")
    ] = None,
    camera: Annotated[
        Path | None, typer.Option(help="camera record to write the sensitivity to")
    ] = None,
    energy: Energy = None, zone: Zone = None, by: By = "", centre: Centre = "",
) -> None:  # fmt: skip
    """Planar sensitivity of each head, e.g. from a Petri dish."""
    from quimby.cli.commissioning.heads import planar_job

    _ends(lambda: planar_job(scans, background or [], activity=activity, at=at, name=nuclide,
                             energy_kev=energy, zone=zone, camera=camera,
                             signed=Signed(out, by, centre)))  # fmt: skip


@calibrate_app.command("dead-time")
def calibrate_dead_time(
    readings: Annotated[
        list[Path],
        typer.Argument(help="table (headers of quimby template device_readings), planar files, "
                            "or one dynamic series"),
    ],
    nuclide: Nuclide, out: Folder,
    camera: Annotated[
        Path | None, typer.Option(help="camera record to write the dead time to")
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="decay, runs (known activities) or peak; else what fits")
    ] = None,
    model: Annotated[str | None, typer.Option(help="paralysable or non-paralysable")] = None,
    energy: Energy = None,
    head: Annotated[int | None, typer.Option(help="number of the head, of several")] = None,
    columns: Annotated[
        Path | None, typer.Option(help="confirmed mapping (TOML) of a table with other headers")
    ] = None,
    zone: Zone = None, by: By = "", centre: Centre = "",
) -> None:  # fmt: skip
    """Dead time: a decaying source, runs of known activity, or the highest rate shown."""
    from quimby.cli.commissioning.heads import dead_time_job

    _ends(lambda: dead_time_job(
        readings, name=nuclide, camera=camera, method=method, model=model, energy_kev=energy,
        head=head, columns=columns, zone=zone, signed=Signed(out, by, centre),
    ))  # fmt: skip


@calibrate_app.command("uniformity")
def calibrate_uniformity(
    scans: Annotated[list[Path], typer.Argument(help="flood images, or one cylinder's SPECT")],
    out: Folder,
    limits: Annotated[
        str | None, typer.Option(help='integral and differential, useful field: "5 %, 4 %"')
    ] = None,
    spheres: Annotated[
        bool, typer.Option("--spheres", help="measure the cold spheres of the cylinder too")
    ] = False,
    by: By = "", centre: Centre = "",
) -> None:  # fmt: skip
    """Uniformity of each head's flood, or of SPECT through a cylinder."""
    from quimby.cli.commissioning.heads import uniformity_job

    _ends(lambda: uniformity_job(scans, limits=limits, spheres=spheres,
                                 signed=Signed(out, by, centre)))  # fmt: skip


@calibrate_app.command("similar")
def calibrate_similar(
    record: Annotated[Path, typer.Argument(help="record of a camera of the same model")],
    scan: Annotated[Path, typer.Option(help="any reconstructed scan of this camera")],
    out: Folder, by: By = "", centre: Centre = "",
) -> None:  # fmt: skip
    """Model-level calibration: another camera's record, with its larger doubt."""
    from quimby.cli.commissioning.records import similar_job

    _ends(lambda: similar_job(record, scan, signed=Signed(out, by, centre)))


@calibrate_app.command("drift")
def calibrate_drift(
    records: Annotated[list[Path], typer.Argument(help="records of one camera, of several dates")],
    out: Folder, by: By = "", centre: Centre = "",
) -> None:  # fmt: skip
    """Drift of the calibration factor between records."""
    from quimby.cli.commissioning.records import drift_job

    _ends(lambda: drift_job(records, signed=Signed(out, by, centre)))


def _word(reference: Reference | None) -> str | None:
    return reference.value if reference is not None else None


def _ends(job: Callable[[], int]) -> None:
    """Run a job and leave with its exit code."""
    raise typer.Exit(guarded(job))
