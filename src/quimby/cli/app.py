"""The `quimby` command."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import quimby
from quimby.cli.calibrate_app import calibrate_app
from quimby.cli.centre_app import centre_app, schedule
from quimby.cli.constants_app import constants_app
from quimby.cli.device_app import device_app
from quimby.cli.outline_app import outline_app
from quimby.cli.protocol_app import protocol_app, recommend
from quimby.cli.terminal import StepLines, console, guarded

app = typer.Typer(
    help="Dosimetry for molecular radiotherapy: from files to an absorbed-dose report.",
    epilog="Decision support: a physicist and a physician review and sign.",
    no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
app.add_typer(calibrate_app, name="calibrate")
app.add_typer(device_app, name="device")
app.add_typer(constants_app, name="constants")
app.add_typer(outline_app, name="outline")
app.add_typer(protocol_app, name="protocol")
app.add_typer(centre_app, name="centre")
app.command("recommend")(recommend)
app.command("schedule")(schedule)

Out = Annotated[Path, typer.Option("-o", "--out", help="folder to write (made new)")]
Answers = Annotated[
    list[str] | None, typer.Option("--set", help="answer a question: key=value (repeatable)")
]
Zone = Annotated[
    str | None, typer.Option(help="IANA zone of times that have none, e.g. Europe/Berlin")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="errors only")]
Json = Annotated[bool, typer.Option("--json", help="the result as JSON on standard output")]


class Check(StrEnum):
    """Second looks at the doubt of a result."""

    MONTE_CARLO = "monte-carlo"


class Shown(StrEnum):
    """Patients that `quimby demo` can make."""

    DOTATATE = "dotatate"
    PSMA = "psma"
    BENIGN = "benign-thyroid"
    DTC = "dtc"
    MIBG = "mibg"


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
    check: Annotated[
        Check | None, typer.Option(help="check the uncertainty of each dose by 100 000 draws")
    ] = None,
    align: Annotated[
        list[str] | None,
        typer.Option(help="outlines or organs to register by themselves: kidneys,Liver"),
    ] = None,
    scan: Annotated[
        list[str] | None, typer.Option(help="scans in which (all if left out): scan-3")
    ] = None,
) -> None:
    """Calculate a study and write report, result, tables, figures and DICOM."""
    from quimby.cli.job import run_job

    _ends(lambda: run_job(source, out, answers=answers or [], zone=zone, quiet=quiet,
                          as_json=as_json, strict=strict,
                          monte_carlo=check is Check.MONTE_CARLO,
                          align=align or [], scans=scan or []))  # fmt: skip


@app.command()
def plan(
    source: Annotated[Path, typer.Argument(help="study.toml with a [plan]")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="folder for the whole report (made new)")
    ] = None,
    answers: Answers = None,
    zone: Zone = None,
    quiet: Quiet = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="the plan as JSON on standard output")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="exit 3 when something blocks signing")
    ] = False,
) -> None:
    """Propose the next activity: for a dose aim, by the limits, or the second of two stages."""
    from quimby.cli.planning import plan_job

    _ends(lambda: plan_job(source, out, answers=answers or [], zone=zone, quiet=quiet,
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


@app.command()
def demo(
    out: Annotated[Path, typer.Option("-o", "--out", help="folder to write")] = Path("quimby-demo"),
    protocol: Annotated[
        str, typer.Option(help="which protocol, e.g. LU-STP (all: quimby protocol list)")
    ] = "",
    therapy: Annotated[
        Shown | None, typer.Option(help="the usual protocol of a therapy (dotatate if left out)")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Make a patient whose truth is known, measure what a protocol asks for, and report."""
    from quimby.cli.showing import demo_job

    _ends(lambda: demo_job(out, protocol=protocol, therapy=therapy.value if therapy else "",
                           quiet=quiet))  # fmt: skip


@app.command()
def prior(
    cohort: Annotated[
        list[Path], typer.Argument(help="result.json files, folders of them, or a CSV of values")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="table of priors to write")],
    therapy: Annotated[str, typer.Option(help="whose values a CSV holds, e.g. lu177-psma")] = "",
    centre: Annotated[str, typer.Option(help="name of the centre, for the table's source")] = "",
    quiet: Quiet = False,
) -> None:
    """Make priors of half-lives from a centre's own patients."""
    from quimby.cli.prior import prior_job

    _ends(lambda: prior_job(cohort, out, therapy=therapy, centre=centre, quiet=quiet))


@app.command()
def setup(
    out: Annotated[Path, typer.Option("-o", "--out", help="folder to write")] = Path(),
    answers: Annotated[
        Path | None, typer.Option(help="answers in a file (TOML); then nothing is asked")
    ] = None,
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="day; today if left out")
    ] = None,
) -> None:
    """Ask ten questions; end with a protocol for each therapy and a plan of the first week."""
    from quimby.cli.interviewing import setup_job

    day = on.date() if on else date.today()
    _ends(lambda: setup_job(out, answers=answers, today=day))


@app.command()
def schema() -> None:
    """Print the JSON Schema of a study document."""
    from quimby.study.document import StudyDocument

    typer.echo(json.dumps(StudyDocument.model_json_schema(), indent=2))


@app.command()
def template(
    route: Annotated[str, typer.Argument(help="what is measured, e.g. whole_body")],
    out: Annotated[Path, typer.Option("-o", "--out", help="file to write, .xlsx or .csv")],
    language: Annotated[str, typer.Option(help="en, de or fr")] = "en",
) -> None:
    """Write an empty table to fill in, with its units in the header."""
    from quimby.cli.listing import template_job

    _ends(lambda: template_job(route, out, language=language))


@app.command()
def readings(
    table: Annotated[Path, typer.Argument(help="table of readings, .csv or .xlsx")],
    route: Annotated[str, typer.Option(help="what it holds (else guessed), e.g. whole_body")] = "",
    mapping: Annotated[
        list[Path] | None, typer.Option(help="mapping confirmed before (repeatable)")
    ] = None,
    zone: Zone = None,
    patient: Annotated[str, typer.Option(help="whose rows")] = "",
    columns: Annotated[
        list[str] | None, typer.Option("--map", help="COLUMN=field; field - is not read")
    ] = None,
    units: Annotated[
        list[str] | None, typer.Option("--unit", help="COLUMN=unit, where the header has none")
    ] = None,
    accept: Annotated[
        list[str] | None, typer.Option(help="field whose unusual values are right")
    ] = None,
    decimal: Annotated[str, typer.Option(help="decimal mark, . or ,")] = "",
    date_order: Annotated[str, typer.Option(help="dmy or mdy")] = "",
    sheet: Annotated[str, typer.Option(help="sheet of a workbook")] = "",
    header_row: Annotated[int, typer.Option(help="row of the headers, from 1", min=0)] = 0,
    confirm_by: Annotated[str, typer.Option(help="your name: these columns are right")] = "",
    out: Annotated[Path | None, typer.Option("-o", "--out", help="mapping to write")] = None,
    intervals: Annotated[
        Path | None, typer.Option(help="table of intervals in which a monitor's log is averaged")
    ] = None,
    clock_ahead: Annotated[str, typer.Option(help='of the monitor, e.g. "90 s"')] = "",
    as_json: Json = False,
) -> None:
    """Read a table of readings; its columns are confirmed once, by name."""
    from quimby.cli.reading import Said, readings_job

    said = Said(
        route=route, zone=zone or "", patient=patient, columns=tuple(columns or ()),
        units=tuple(units or ()), accept=tuple(accept or ()), decimal=decimal,
        date_order=date_order, sheet=sheet, header_row=header_row, mappings=tuple(mapping or ()),
        confirm_by=confirm_by.strip(), out=out, intervals=intervals, clock_ahead=clock_ahead,
    )  # fmt: skip
    _ends(lambda: readings_job(table, said, as_json=as_json))


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
