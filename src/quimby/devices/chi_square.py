"""Does a counter scatter as Poisson counts do? Too much is a fault, too little is one too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from scipy.stats import chi2 as chi2_distribution

from quimby.core.notes import Note, note, refusal

TAILS = (0.025, 0.975)
LEAST_MEAN = 20.0  # counts; below, the distribution of the statistic is not chi-square [P]
Verdict = Literal["pass", "fail_too_small", "fail_too_large"]


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """Chi-square of repeated counts; `p_value` is the chance of more scatter than seen."""

    mean: float
    chi2: float
    dof: int
    p_value: float
    status: Verdict
    notes: tuple[Note, ...] = ()


def chi_square(counts: Sequence[float], *, where: str = "chi-square test") -> ChiSquare:
    """Test repeated counts of one unmoved source: sum (n - mean)^2 / mean, N - 1.

    Passes for 0.025 < p < 0.975. Outside: S-QC-FAILED; both tails fail (counts too even are
    mains hum, pile-up or a copied number). W-QC-FEW-COUNTS, E-QC-READINGS, E-QC-VALUE.
    """
    if len(counts) < 3:
        raise refusal("E-QC-READINGS", where=where, given=len(counts), least=3,
                      what="the chi-square test")  # fmt: skip
    for n in counts:
        if not (isfinite(n) and n >= 0):
            raise refusal("E-QC-VALUE", where=where, what="count", value=n, must="zero or more")
    mean = sum(counts) / len(counts)
    if mean == 0:
        raise refusal("E-QC-VALUE", where=where, what="mean count", value=0.0, must="above zero")
    chi2, dof = sum((n - mean) ** 2 for n in counts) / mean, len(counts) - 1
    p = float(chi2_distribution.sf(chi2, dof))
    status = _verdict(p)
    return ChiSquare(mean, chi2, dof, p, status, _notes(mean, chi2 / dof, status, where))


def _verdict(p: float) -> Verdict:
    if p >= TAILS[1]:
        return "fail_too_small"
    return "fail_too_large" if p <= TAILS[0] else "pass"


def _notes(mean: float, per_dof: float, status: Verdict, where: str) -> tuple[Note, ...]:
    notes: tuple[Note, ...] = ()
    if mean < LEAST_MEAN:
        notes += (note("W-QC-FEW-COUNTS", where=where, value=mean, limit=LEAST_MEAN),)
    if status != "pass":
        much = "less" if status == "fail_too_small" else "more"
        why = f"the counts scatter {much} than counting allows ({per_dof:.2g} times the variance)"
        notes += (note("S-QC-FAILED", where=where, test="The chi-square test", why=why),)
    return notes
