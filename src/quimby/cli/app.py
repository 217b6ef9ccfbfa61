"""The `quimby` command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

import quimby
from quimby.cli.terminal import StepLines, console, guarded

app = typer.Typer(
    help="Dosimetry for molecular radiotherapy: from files to an absorbed-dose report.",
    epilog="Decision support: a physicist and a physician review and sign.",
    no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
calibrate = typer.Typer(help="Make a camera record from phantom scans.", no_args_is_help=True)
app.add_typer(calibrate, name="calibrate")

Out = Annotated[Path, typer.Option("-o", "--out", help="folder to write (made new)")]
Answers = Annotated[
    list[str] | None, typer.Option("--set", help="answer a question: key=value (repeatable)")
]
Zone = Annotated[
    str | None, typer.Option(help="IANA zone of times that have none, e.g. Europe/Berlin")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="errors only")]
Json = Annotated[bool, typer.Option("--json", help="the result as JSON on standard output")]


@app.command()
def run(
    source: Annotated[Path, typer.Argument(help="study.toml, or a folder of DICOM")],
    out: Out,
    answers: Answers = None,
    zone: Zone = None,
    quiet: Quiet = False,
    as_json: Json = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="exit 3 when something blocks signing")
    ] = False,
) -> None:
    """Calculate a study and write report, result, tables, figures and DICOM."""
    from quimby.cli.job import run_job

    _ends(lambda: run_job(source, out, answers=answers or [], zone=zone, quiet=quiet,
                          as_json=as_json, strict=strict))  # fmt: skip


@app.command()
def study(
    folder: Annotated[Path, typer.Argument(help="folder of DICOM, as it came from the archive")],
    out: Annotated[Path, typer.Option("-o", "--out", help="study document to write")],
    answers: Answers = None,
    zone: Zone = None,
    quiet: Quiet = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="list every file left out")] = False,
) -> None:
    """Draft a study document from a folder, and ask for what is missing."""
    from quimby.cli.drafting import draft_job

    _ends(lambda: draft_job(folder, out, answers=answers or [], zone=zone, quiet=quiet,
                            verbose=verbose))  # fmt: skip


@calibrate.command("spect")
def calibrate_spect(
    scan: Annotated[Path, typer.Argument(help="reconstructed scan of a filled cylinder")],
    fill: Annotated[Path, typer.Option(help="what was filled (JSON)")],
    out: Annotated[Path, typer.Option("-o", "--out", help="camera record to write")],
    zone: Zone = None,
) -> None:
    """Calibration factor of a SPECT camera from a uniform cylinder."""
    from quimby.cli.calibrating import spect_job

    _ends(lambda: spect_job(scan, fill, out, zone=zone))


@calibrate.command("recovery")
def calibrate_recovery(
    scan: Annotated[Path, typer.Argument(help="reconstructed scan of the spheres")],
    fill: Annotated[Path, typer.Option(help="what was filled (JSON)")],
    camera: Annotated[Path, typer.Option(help="camera record to add to")],
    zone: Zone = None,
) -> None:
    """Recovery curve and point spread from spheres, added to a camera record."""
    from quimby.cli.calibrating import recovery_job

    _ends(lambda: recovery_job(scan, fill, camera, zone=zone))


@app.command()
def demo(
    out: Annotated[Path, typer.Option("-o", "--out", help="folder to write")] = Path("quimby-demo"),
    quiet: Quiet = False,
) -> None:
    """Make a patient whose truth is known, treat him, and report on him."""
    from quimby.cli.showing import demo_job

    _ends(lambda: demo_job(out, quiet=quiet))


@app.command()
def schema() -> None:
    """Print the JSON Schema of a study document."""
    from quimby.study.document import StudyDocument

    typer.echo(json.dumps(StudyDocument.model_json_schema(), indent=2))


@app.command()
def constants(
    as_json: Json = False,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="only those from memory of the literature")
    ] = False,
) -> None:
    """List every constant with its value, source, evidence tag and where it is used."""
    from quimby.cli.listing import constants_job

    _ends(lambda: constants_job(as_json=as_json, unverified=unverified))


@app.command()
def template(
    route: Annotated[str, typer.Argument(help="what is measured, e.g. whole_body")],
    out: Annotated[Path, typer.Option("-o", "--out", help="file to write, .xlsx or .csv")],
    language: Annotated[str, typer.Option(help="en, de or fr")] = "en",
) -> None:
    """Write an empty table to fill in, with its units in the header."""
    from quimby.cli.listing import template_job

    _ends(lambda: template_job(route, out, language=language))


@app.callback(invoke_without_command=True)
def about(
    version: Annotated[bool, typer.Option("--version", help="print the version")] = False,
) -> None:
    """Say the version, when asked."""
    if version:
        typer.echo(f"quimby {quimby.__version__}")
        raise typer.Exit


def _ends(job: Callable[[], int]) -> None:
    """Run a job and leave with its exit code."""
    raise typer.Exit(guarded(job))


def main() -> None:
    """Entry point of the command."""
    app()


__all__ = ["StepLines", "app", "console", "main"]
