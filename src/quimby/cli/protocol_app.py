"""`quimby protocol`: list, show and check documents; `quimby recommend`: which one to use."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from quimby.cli.terminal import guarded

protocol_app = typer.Typer(
    help="Protocols: what is measured, when, at what cost, with what doubt.",
    no_args_is_help=True, rich_markup_mode=None,
)  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="one JSON document on standard output")]


@protocol_app.command("list")
def list_(
    therapy: Annotated[str, typer.Option(help="only of this therapy, e.g. 177Lu-DOTATATE")] = "",
    as_json: Json = False,
) -> None:
    """List the shipped protocols with level, burden and expected doubt."""
    from quimby.cli.protocols_shown import list_job

    raise typer.Exit(guarded(lambda: list_job(therapy, as_json=as_json)))


@protocol_app.command()
def show(
    name: Annotated[str, typer.Argument(help="id, e.g. LU-STP, or a protocol's file")],
    as_json: Json = False,
) -> None:
    """Show one protocol: schedule, needs, burden, doubt, for and against, sources."""
    from quimby.cli.protocols_shown import show_job

    raise typer.Exit(guarded(lambda: show_job(name, as_json=as_json)))


@protocol_app.command()
def check(
    file: Annotated[Path, typer.Argument(help="protocol document (TOML)")], as_json: Json = False
) -> None:
    """Check a protocol document: methods known, schedule possible, sources given."""
    from quimby.cli.protocols_shown import check_job

    raise typer.Exit(guarded(lambda: check_job(file, as_json=as_json)))


@protocol_app.command()
def simulate(
    name: Annotated[str, typer.Argument(help="id or file; all shipped ones if left out")] = "",
    patients: Annotated[int, typer.Option(help="simulated patients", min=20)] = 1000,
    seed: Annotated[int, typer.Option(help="of the random numbers", min=0)] = 1,
    region: Annotated[str, typer.Option(help="another region of the population")] = "",
    exact: Annotated[bool, typer.Option("--exact", help="readings without scatter")] = False,
    published: Annotated[
        bool, typer.Option("--published", help="published figures beside simulated ones")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="put the figure into the protocol's file")
    ] = False,
    as_json: Json = False,
) -> None:
    """Simulate patients of a protocol's population: how well will the dose be known?"""
    from quimby.cli.protocols_simulated import Asked, anchors_job, simulate_job

    asked = Asked(patients, seed, region, exact)

    def job() -> int:
        if published:
            return anchors_job(asked, as_json=as_json)
        return simulate_job(name, asked, write=write, as_json=as_json, on=date.today())

    raise typer.Exit(guarded(job))


@protocol_app.command()
def new(
    base: Annotated[str, typer.Option("--from", help="id or file to start from, e.g. LU-FULL")],
    new_id: Annotated[str, typer.Option("--id", help="id of the new one")],
    out: Annotated[Path, typer.Option("-o", "--out", help="file to write (TOML)")],
    drop: Annotated[
        list[str] | None, typer.Option(help="measurement to leave out (repeatable)")
    ] = None,
    move: Annotated[
        list[str] | None, typer.Option(help="new window in hours, scan-3=72:96 (repeatable)")
    ] = None,
    swap: Annotated[
        list[str] | None,
        typer.Option(help="device instead, spect_ct=gamma_camera, scan-2=gamma_camera"),
    ] = None,
    title: Annotated[str, typer.Option(help="title; worked out if left out")] = "",
    centre: Annotated[Path | None, typer.Option(help="the centre's document: does it fit?")] = None,
    patients: Annotated[int, typer.Option(help="simulated patients", min=20)] = 1000,
    seed: Annotated[int, typer.Option(help="of the random numbers", min=0)] = 1,
    as_json: Json = False,
) -> None:
    """Make a protocol the centre's own, and say what the change does to doubt and work."""
    from quimby.cli.protocols_adapted import Wanted, new_job

    wanted = Wanted(base, new_id, out, title, drop or (), move or (), swap or (), centre,
                    patients, seed)  # fmt: skip
    raise typer.Exit(guarded(lambda: new_job(wanted, as_json=as_json, on=date.today())))


File = Annotated[Path, typer.Argument(help="the centre's own protocol (TOML)")]
By = Annotated[str, typer.Option(help="your name: you have read it and answer for it")]


@protocol_app.command()
def approve(file: File, by: By) -> None:
    """Take a draft to reviewed, a reviewed one to active: two people, one text."""
    from quimby.cli.protocol_state import approve_job

    raise typer.Exit(guarded(lambda: approve_job(file, by=by, on=date.today())))


@protocol_app.command()
def retire(file: File, by: By) -> None:
    """Take a protocol out of use; studies that followed it keep it."""
    from quimby.cli.protocol_state import retire_job

    raise typer.Exit(guarded(lambda: retire_job(file, by=by, on=date.today())))


def recommend(
    therapy: Annotated[str, typer.Option(help="e.g. 177Lu-DOTATATE, i131-dtc")],
    aim: Annotated[str, typer.Option(help="verify, record, plan, blood_dose, lesion_dose, …")],
    centre: Annotated[
        Path | None, typer.Option(help="the centre's document; else that of quimby.toml")
    ] = None,
    u_max: Annotated[str, typer.Option(help='largest acceptable doubt (k = 1), e.g. "20%"')] = "",
    level: Annotated[int, typer.Option(help="least level wanted, 1 to 3", min=0, max=3)] = 0,
    planned: Annotated[str, typer.Option(help='activity planned, e.g. "9.3 GBq"')] = "",
    label: Annotated[str, typer.Option(help="activity of the product's label")] = "",
    not_approved: Annotated[bool, typer.Option("--not-approved", help="no approved use")] = False,
    investigational: Annotated[
        bool, typer.Option("--investigational", help="in a trial or in development")
    ] = False,
    dose_prescribed: Annotated[
        bool, typer.Option("--dose-prescribed", help="an absorbed dose is prescribed")
    ] = False,
    protocols: Annotated[
        list[Path] | None, typer.Option("--protocol", help="the centre's own (repeatable)")
    ] = None,
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="day; today if left out")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="burden against doubt: .png, .svg or .pdf")
    ] = None,
    visits: Annotated[
        int, typer.Option(help="most visits more that a patient can be asked for", min=-1)
    ] = -1,
    patient: Annotated[
        list[str] | None, typer.Option(help="renal-impairment, catheter, far-away, … (repeatable)")
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="PDF to write")] = None,
    as_json: Json = False,
) -> None:
    """Recommend a protocol for a centre: what to do, why, what not, and what would unlock it."""
    from quimby.advise.recommend import Wish
    from quimby.cli.recommending import activity_mbq, recommend_job, share
    from quimby.protocols.patient_rules import facts

    def job() -> int:
        wish = Wish(
            aim, u_max=share(u_max) if u_max else None, level=level or None,
            planned_mbq=activity_mbq(planned, "--planned"),
            label_mbq=activity_mbq(label, "--label"), approved=not not_approved,
            investigational=investigational, dose_prescribed=dose_prescribed,
            visits=visits if visits >= 0 else None, patient=facts(patient or ()),
        )  # fmt: skip
        day = on.date() if on else date.today()
        return recommend_job(centre, therapy, wish, today=day, own=protocols or (),
                             picture=picture, out=out, as_json=as_json)  # fmt: skip

    raise typer.Exit(guarded(job))
