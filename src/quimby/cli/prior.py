"""`quimby prior`: a centre's own patients in, a table of priors out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import exp
from pathlib import Path

from quimby.cli.terminal import console
from quimby.core.notes import refusal
from quimby.study.cohort_files import read_cohort
from quimby.study.prior_text import Learned, learn, prior_text


def prior_job(
    cohort: Sequence[Path], out: Path, *, therapy: str = "", centre: str = "", quiet: bool = False
) -> int:
    """Make the table and say what it holds; returns the exit code."""
    if out.exists():
        raise refusal("E-READ-EXISTS", where=str(out), name=out.name)
    found = read_cohort(cohort, therapy=therapy)
    learned = learn(found)
    text = prior_text(found, learned, centre=centre, made=date.today())
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, "utf-8")
    if not quiet:
        _say(out, len(found.patients), learned)
    return 0


def _say(out: Path, patients: int, learned: Learned) -> None:
    to = console()
    to.print(f"\n {patients} patients", markup=False)
    for (tissue, quantity), one in learned.spreads.items():
        unit = "" if quantity == "start ratio" else " h"
        to.print(f" {tissue:<14} {quantity:<12} {one.median:7.3g}{unit:<2}  x/÷ "
                 f"{exp(one.sd_ln):.2f}   n = {one.n}", markup=False)  # fmt: skip
    for n in learned.notes:
        to.print(f"  {n.code:<18} {n.where}: {n.text}", markup=False)
    to.print(f"\n Wrote {out}", markup=False)
    to.print(f' Name it in a study document: priors = "{out.name}"', markup=False)
