"""`quimby run`: a study or a folder in, a folder of results out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import wrap

from rich.console import Console
from rich.markup import escape

from quimby.cli.settings import for_a_draft
from quimby.cli.stages import stage_lines
from quimby.cli.terminal import WIDTH, StepLines, console
from quimby.core.notes import Note
from quimby.report import noted
from quimby.report.lettering import unbroken
from quimby.report.rounding import percent, plus_minus
from quimby.report.write import refuse_to_overwrite, write
from quimby.study.aligned import with_align
from quimby.study.answers import parse_answers
from quimby.study.document import Study, read_study
from quimby.study.draft import draft
from quimby.study.progress import Step
from quimby.study.result import RegionResult, Result
from quimby.study.run import run

BLOCKED = 3  # exit code with --strict
SHOWN = 4


def run_job(
    source: Path, out: Path, *, answers: Sequence[str] = (), zone: str | None = None,
    quiet: bool = False, as_json: bool = False, strict: bool = False, monte_carlo: bool = False,
    align: Sequence[str] = (), scans: Sequence[str] = (),
) -> int:  # fmt: skip
    """Run the whole chain and say what came of it; returns the exit code.

    `align` names outlines or organs to be registered by themselves, in all scans or in `scans`.
    """
    refuse_to_overwrite(out)
    study = with_align(load(source, answers, zone), listed(align), listed(scans))
    result, files = calculate(study, out, quiet=quiet, monte_carlo=monte_carlo)
    if as_json:
        sys.stdout.write((out / "result.json").read_text("utf-8"))
    elif not quiet:
        summary(console(), result, files, out)
    blocked = any(n.severity == "blocking" for n in result.notes)
    return BLOCKED if strict and blocked else 0


def load(source: Path, answers: Sequence[str], zone: str | None) -> Study:
    """A study from its document, or drafted from a folder."""
    given = parse_answers(answers)
    if source.is_dir():
        given, zone = for_a_draft(given, zone)
        return draft(source, answers=given, zone=zone).study()
    return read_study(source, answers=given, zone=zone)


def listed(texts: Sequence[str]) -> list[str]:
    """Names parted by commas, each once."""
    return list(dict.fromkeys(n.strip() for text in texts for n in text.split(",") if n.strip()))


def calculate(
    study: Study, out: Path, *, quiet: bool, monte_carlo: bool = False
) -> tuple[Result, tuple[Path, ...]]:
    """Run and write, with steps shown as they go."""
    with StepLines(quiet=quiet) as show:
        result = run(study, progress=show, monte_carlo=monte_carlo)
        show(Step("report"))
        files = write(result, out, ct_files=result.pictures.ct_files if result.pictures else ())
    return result, files


def summary(to: Console, result: Result, files: Sequence[Path], out: Path) -> None:
    """A short account: doses, what blocks signing, what to open."""
    to.print()
    paired = {name for pair in result.combined for name in pair.members}
    for row in (*result.combined, *(r for r in result.regions if r.name not in paired)):
        to.print(" " + escape(line(row)))
    for text in stage_lines(result):
        to.print(" " + escape(text))
    notes_lines(to, result)
    folders = sorted({f.parent.name for f in files if f.parent.resolve() != out.resolve()})
    to.print(f"\n Open {out / 'report.pdf'}", markup=False)
    to.print(f" Also {out / 'result.json'} · " + " · ".join(f"{f}/" for f in folders), markup=False)


def notes_lines(to: Console, result: Result) -> None:
    """What blocks signing, and the first warnings."""
    found = noted.entries(_spoken(result))
    blocking = [group for group in found if group[0].severity == "blocking"]
    warnings = [group for group in found if group[0].severity == "warning"]
    if blocking:
        things = _count(sum(map(len, blocking)), "thing")
        to.print(f"\n {things} to mend or override before signing")
        _list(to, blocking)
    if warnings:
        to.print(f"\n {_count(len(warnings), 'warning')}")
        _list(to, warnings[:SHOWN])
        if len(warnings) > SHOWN:
            to.print(f"  and {len(warnings) - SHOWN} more, on the report's page of notes")


def line(row: RegionResult) -> str:
    """One region in one line: dose, total and share of limit where there is one."""
    text = f"{row.name.replace('_', ' '):<12} {plus_minus(row.absorbed_dose_gy)} Gy"
    doses = [c for c in row.limits if c.quantity == "absorbed dose"]
    if doses:
        check = doses[0]
        if row.total_dose_gy.value != row.absorbed_dose_gy.value:
            text += f", {plus_minus(row.total_dose_gy)} in total"
        text += f", {percent(check.share)} of {check.limit_gy:g} Gy"
    return text


def _spoken(result: Result) -> list[Note]:
    """Notes with the names of regions as a person writes them."""
    names = sorted((r.name for r in result.regions if "_" in r.name), key=len, reverse=True)

    def said(text: str) -> str:
        for name in names:
            text = text.replace(name, name.replace("_", " "))
        return text

    return [replace(n, where=said(n.where), text=said(n.text)) for n in result.notes]


def _list(to: Console, groups: Sequence[Sequence[Note]]) -> None:
    """One entry a code: what is the matter, where it is worst and where else, what to do."""
    for group in groups:
        n = group[0]
        for first, text in ((n.code, n.text), ("", noted.where(group)), ("", f"→ {n.do}")):
            lead = f"  {first:<16} "
            under = " " * len(lead)
            for line in wrap(unbroken(text), WIDTH, initial_indent=lead, subsequent_indent=under):
                to.print(line.replace("\u00a0", " "), markup=False)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
