"""The table of priors that a cohort makes, as text to keep and to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import tomli_w

from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, in_order, note, refusal
from quimby.kinetics.cohort import Spread, grouped, spread
from quimby.study.cohort_files import Cohort

FIGURES = 4  # significant figures of numbers in the table
HEAD = """\
# What this centre's own patients tell of curves: median, and sd of ln for the next patient (spread
# between patients with the doubt of the median; the measurements' own doubt is taken off).
# Name it in a study document: priors = "prior.toml". It goes before the published values.

"""


@dataclass(frozen=True, slots=True)
class Learned:
    """Spreads by tissue and quantity, and what was left out or doubtful."""

    spreads: Mapping[tuple[str, str], Spread]
    notes: tuple[Note, ...]


def learn(cohort: Cohort) -> Learned:
    """A log-normal for every tissue and quantity with enough patients.

    One with too few is left out (W-PRIOR-LEFT-OUT); E-PRIOR-EMPTY where none is left.
    """
    found: dict[tuple[str, str], Spread] = {}
    notes = list(cohort.notes)
    for key, of in grouped(cohort.observations).items():
        where = ", ".join(key)
        try:
            found[key] = spread(of, where=where)
        except QuimbyError as error:
            if error.code != "E-PRIOR-FEW":
                raise
            notes.append(
                note("W-PRIOR-LEFT-OUT", where=where, what=where, why=error.what.rstrip("."))
            )
            continue
        notes += found[key].notes
    if not found:
        seen = ", ".join(sorted({o.tissue for o in cohort.observations})) or "no values"
        raise refusal("E-PRIOR-EMPTY", where="cohort", seen=seen)
    return Learned(found, in_order(notes))


def prior_text(cohort: Cohort, learned: Learned, *, centre: str = "", made: date) -> str:
    """The table as TOML, in the form that `kinetics.priors.read_priors` reads."""
    about = {
        "therapy": cohort.therapy, "agents": list(cohort.agents), "centre": centre, "made": made,
        "files": cohort.files, "sha256": cohort.sha256, "patients": list(cohort.patients),
    }  # fmt: skip
    tables: dict[str, dict[str, object]] = {"about": about}
    for (tissue, quantity), one in learned.spreads.items():
        tables.setdefault(tissue, {})[quantity] = _row(tissue, quantity, one, centre)
    return HEAD + tomli_w.dumps(tables)


def _row(tissue: str, quantity: str, one: Spread, centre: str) -> dict[str, object]:
    what = quantity if quantity == "start ratio" else f"{quantity} half-life"
    return {
        "median": _short(one.median), "sd_ln": _short(one.sd_ln),
        "cause": f"{what} of own patients, {tissue}",
        "source": f"own patients{f' of {centre}' if centre else ''}, n = {one.n}", "tag": "P",
        "n": one.n, "median_u_ln": _short(one.median_u_ln),
        "between_sd_ln": _short(one.between_sd_ln), "sd_ln_u": _short(one.sd_ln_u),
        "seen_sd_ln": _short(one.seen_sd_ln), "measured_u_ln": _short(one.measured_u_ln),
    }  # fmt: skip


def _short(value: float) -> float:
    return float(f"{value:.{FIGURES}g}")
