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


def recommend(
    centre: Annotated[Path, typer.Option(help="the centre's document (TOML)")],
    therapy: Annotated[str, typer.Option(help="e.g. 177Lu-DOTATATE, i131-dtc")],
    aim: Annotated[str, typer.Option(help="verify, record, plan, blood_dose, lesion_dose, …")],
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
    as_json: Json = False,
) -> None:
    """Recommend a protocol for a centre: what to do, why, what not, and what would unlock it."""
    from quimby.advise.recommend import Wish
    from quimby.cli.recommending import activity_mbq, recommend_job, share

    def job() -> int:
        wish = Wish(
            aim, u_max=share(u_max) if u_max else None, level=level or None,
            planned_mbq=activity_mbq(planned, "--planned"),
            label_mbq=activity_mbq(label, "--label"), approved=not not_approved,
            investigational=investigational, dose_prescribed=dose_prescribed,
        )  # fmt: skip
        day = on.date() if on else date.today()
        return recommend_job(centre, therapy, wish, today=day, own=protocols or (),
                             picture=picture, as_json=as_json)  # fmt: skip

    raise typer.Exit(guarded(job))
