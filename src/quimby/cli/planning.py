"""`quimby plan`: the next activity from a study, in the terminal or as the whole report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from quimby.cli.job import BLOCKED, load, notes_lines
from quimby.cli.stages import plan_lines
from quimby.cli.terminal import StepLines, console, print_json
from quimby.core.notes import refusal
from quimby.report import json as document
from quimby.report.write import refuse_to_overwrite, write
from quimby.study.progress import Step
from quimby.study.run import run


def plan_job(
    source: Path, out: Path | None, *, answers: Sequence[str] = (), zone: str | None = None,
    quiet: bool = False, as_json: bool = False, strict: bool = False,
) -> int:  # fmt: skip
    """Work out the plan of a study; returns the exit code.

    E-PLAN-NONE where the study asks for none.
    """
    if out is not None:
        refuse_to_overwrite(out)
    study = load(source, answers, zone)
    if study.document.plan is None:
        raise refusal("E-PLAN-NONE", where=str(source))
    with StepLines(quiet=quiet) as show:
        result = run(study, progress=show)
        if out is not None:
            show(Step("report"))
            write(result, out)
    assert result.plan is not None
    if as_json:
        print_json(document.document(result)["plan"])
    elif not quiet:
        to = console()
        to.print()
        for line in plan_lines(result.plan):
            to.print(" " + escape(line))
        notes_lines(to, result)
        if out is not None:
            to.print(f"\n Open {out / 'report.pdf'}", markup=False)
    blocked = any(n.severity == "blocking" for n in result.notes)
    return BLOCKED if strict and blocked else 0
