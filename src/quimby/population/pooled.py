"""What patients on average receive: published rows of an organ taken together."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import exp, sqrt

from quimby.population.compare import log_normal
from quimby.population.groups import fits, said
from quimby.population.places import DOSE_PER_ACTIVITY, NORMAL_95, Cohort

PER_GBQ = "Gy/GBq"
DOUBTFUL_FIRST = "MPDV"
ENOUGH = 2  # cohorts that tell how cohorts differ


@dataclass(frozen=True, slots=True)
class Pooled:
    """Dose per activity of one organ, Gy/GBq, over the rows that were taken together."""

    organ: str
    group: str  # in words, "" for all patients
    mean: float
    sd: float | None  # between patients; None where nobody published one
    n: int | None
    rows: tuple[Cohort, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the rows come from."""
        return tuple(dict.fromkeys(c.source for c in self.rows))

    @property
    def tag(self) -> str:
        """The most doubtful tag of the rows."""
        return min((c.tag for c in self.rows), key=DOUBTFUL_FIRST.index)

    @property
    def range_5_95(self) -> tuple[float, float] | None:
        """5 and 95 % of patients, by the log-normal of mean and spread; None without a spread."""
        if self.sd is None:
            return None
        middle, sigma = log_normal(mean=self.mean, sd=self.sd)
        return exp(middle - NORMAL_95 * sigma), exp(middle + NORMAL_95 * sigma)


def pooled(
    cohorts: Iterable[Cohort], *, agent: str = "", group: Collection[str] = (), method: str = ""
) -> tuple[Pooled, ...]:
    """Doses per activity by organ, and by group of patients where rows tell them apart.

    Of an organ's rows those count that have the patient's `agent` (all, where none has), say
    nothing else of the patient's `group`, and were measured alike: a published spread goes before
    none, `method` ("SPECT") before others. Rows from memory are left out where two that were seen
    remain: one cohort alone does not tell how cohorts differ. Means are weighted by the number of
    patients; the spread holds that within the rows and that between them. E-POP-GROUP for an
    unknown word of `group`.
    """
    rows = [c for c in cohorts if (c.quantity, c.unit) == (DOSE_PER_ACTIVITY, PER_GBQ)
            and fits(c.group, group)]  # fmt: skip
    organs = dict.fromkeys((c.organ, c.group) for c in rows)
    found = []
    for organ, words in organs:
        own = [c for c in rows if (c.organ, c.group) == (organ, words)]
        found.append(_together(organ, said(words), _alike(own, agent, method)))
    return tuple(found)


def _alike(rows: Sequence[Cohort], agent: str, method: str) -> list[Cohort]:
    """The best of an organ's rows; each wish narrows the choice only where something is left."""
    left = list(rows)
    for wish in (
        lambda c: _ligand(c.agent) in _plain(agent),
        lambda c: c.sd is not None and c.mean is not None and bool(c.n),
        lambda c: c.method.startswith(method),
    ):
        left = [c for c in left if wish(c)] or left
    seen = [c for c in left if c.tag != "M"]
    return seen if len(seen) >= ENOUGH else left


def _ligand(agent: str) -> str:
    """ "177Lu-PSMA-617" -> "psma617"."""
    return _plain(agent.partition("-")[2] or agent)


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _together(organ: str, group: str, rows: Sequence[Cohort]) -> Pooled:
    spread = [c for c in rows if c.sd is not None and c.mean is not None and c.n]
    if not spread:
        first = max(rows, key=lambda c: c.n or 0)
        return Pooled(organ, group, first.middle, None, first.n, (first,))
    n = sum(c.n or 0 for c in spread)
    share = [(c.n or 0) / n for c in spread]
    mean = sum(w * c.middle for w, c in zip(share, spread, strict=True))
    within = sum(w * (c.sd or 0.0) ** 2 for w, c in zip(share, spread, strict=True))
    between = sum(w * (c.middle - mean) ** 2 for w, c in zip(share, spread, strict=True))
    return Pooled(organ, group, mean, sqrt(within + between), n, tuple(spread))
