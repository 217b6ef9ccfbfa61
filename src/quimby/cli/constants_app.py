"""`quimby constants`: the list, and a person's confirmation of what is from memory."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from quimby.cli.terminal import guarded

constants_app = typer.Typer(
    help="List every constant with its value, source, evidence tag and where it is used.",
    invoke_without_command=True, rich_markup_mode=None,
)  # fmt: skip


@constants_app.callback()
def constants(
    context: typer.Context,
    as_json: Annotated[
        bool, typer.Option("--json", help="the list as JSON on standard output")
    ] = False,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="only those from memory and not confirmed")
    ] = False,
    confirmed: Annotated[
        Path | None, typer.Option(help="what the centre confirmed, e.g. constants.toml")
    ] = None,
) -> None:
    """List every constant with its value, source, evidence tag and where it is used."""
    if context.invoked_subcommand is not None:
        return
    from quimby.cli.listing import constants_job

    raise typer.Exit(
        guarded(lambda: constants_job(as_json=as_json, unverified=unverified, confirmed=confirmed))
    )


@constants_app.command()
def confirm(
    name: Annotated[str, typer.Argument(help='as listed; "range of *" for several of one source')],
    by: Annotated[str, typer.Option(help="who read the source")],
    file: Annotated[Path, typer.Option(help="file to add to, made where there is none")],
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="when; today if left out")
    ] = None,
    note: Annotated[str, typer.Option(help="what was read, e.g. page and equation")] = "",
) -> None:
    """Confirm a constant that ships from memory, after reading it in its source."""
    from quimby.cli.confirming import confirm_job

    day = on.date() if on else None
    raise typer.Exit(guarded(lambda: confirm_job(name, by=by, on=day, remark=note, file=file)))
