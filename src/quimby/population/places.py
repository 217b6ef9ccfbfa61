"""Published values of a therapy, and where one patient stands among them."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import erf, exp, sqrt

from quimby.core.notes import refusal
from quimby.core.source import Confirmed, Constant
from quimby.population.compare import log_normal, standing
from quimby.population.groups import fits, read, said

FOLDER = files("quimby.population").joinpath("data")
NORMAL_95 = 1.6448536269514722  # 95th centile of the standard normal
DOSE_PER_ACTIVITY = "dose per activity"
WITHIN, ABOVE, BELOW = (f"{word} the published range" for word in ("within", "above", "below"))
NO_SPREAD = "no spread published"
NO_REFERENCE = "no reference available"


@dataclass(frozen=True, slots=True)
class Cohort:
    """One published row: one quantity of one organ in one group of patients.

    `n` is None for a model or where it was not seen; `mean` or `median` may be lacking, never
    both. Shares are fractions, unit "1". `group` holds words of `quimby.population.groups`;
    none means all patients.
    """

    agent: str
    organ: str  # canonical, "blood", "whole body"; "" where the quantity has none
    n: int | None
    unit: str  # "Gy/GBq", "h", …; a row in another unit is shown, never compared
    mean: float | None
    sd: float | None
    median: float | None
    low: float | None
    high: float | None
    method: str
    source: str
    tag: str
    quantity: str = DOSE_PER_ACTIVITY
    group: tuple[str, ...] = ()
    note: str = ""

    @property
    def middle(self) -> float:
        """Mean, or the median where no mean is published."""
        found = self.mean if self.mean is not None else self.median
        assert found is not None
        return found

    @property
    def name(self) -> str:
        """One name for the row: "published blood dose per activity, 131I-NaI, rhTSH, …"."""
        what = f"published {f'{self.organ} {self.quantity}'.strip()}"
        words = (what, self.agent, *self.group, self.method, self.source)
        return ", ".join(x for x in words if x)

    def constant(self) -> Constant:
        """The row's middle as a constant; `u` is its spread between patients."""
        return Constant(self.name, self.middle, self.unit, self.source, self.tag, self.sd or 0.0)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value lies among one cohort, all in `unit`; None for what was not published."""

    source: str
    n: int | None
    unit: str
    mean: float | None
    sd: float | None
    median: float | None
    published: tuple[float, float] | None  # lowest and highest patient
    centile: float | None  # 0 to 100
    range_5_95: tuple[float, float] | None  # 5 to 95 %, of the log-normal
    z_linear: float | None
    z_lognormal: float | None
    words: str  # WITHIN, ABOVE, BELOW or NO_SPREAD
    group: str  # in words, "" for all patients
    tag: str
    method: str
    name: str = ""
    note: str = ""
    confirmed: Confirmed | None = None

    @property
    def verified(self) -> bool:
        """False for an [M] row that the centre has not confirmed."""
        return self.tag != "M" or self.confirmed is not None

    @property
    def middle(self) -> float:
        """Mean, or the median where no mean is published."""
        found = self.mean if self.mean is not None else self.median
        assert found is not None
        return found

    @property
    def what(self) -> str:
        """What `middle` is: "mean" or "median"."""
        return "median" if self.mean is None else "mean"

    @property
    def size(self) -> str:
        """ "n = 20", or "n not stated"."""
        return f"n = {self.n}" if self.n else "n not stated"


def tables() -> list[str]:
    """Names of the tables. The folder is the registry."""
    return sorted(f.name[:-4] for f in FOLDER.iterdir() if f.name.endswith(".csv"))


@cache
def table(name: str) -> tuple[Cohort, ...]:
    """Rows of the table of this name, or E-POP-TABLE."""
    if name not in tables():
        raise refusal("E-POP-TABLE", where="population", name=name, known=tables())
    lines = FOLDER.joinpath(f"{name}.csv").read_text("utf-8").splitlines()
    return tuple(_cohort(row) for row in csv.DictReader(lines))


def _cohort(row: dict[str, str]) -> Cohort:
    mean, sd, median, low, high = (
        float(row[key]) if row[key] else None for key in ("mean", "sd", "median", "min", "max")
    )
    return Cohort(
        row["agent"], row["organ"], int(row["n"]) if row["n"] else None, row["unit"], mean, sd,
        median, low, high, row["method"], row["source"], row["mark"],
        row.get("quantity") or DOSE_PER_ACTIVITY, read(row.get("group") or ""),
        row.get("note") or "",
    )  # fmt: skip


def place(value: float, cohort: Cohort) -> Place:
    """Where a value in the cohort's unit stands, by the log-normal of its mean and sd.

    The words judge by the middle 95 % of that log-normal; without a spread by the lowest and
    highest patient.
    """
    ends = None if cohort.low is None or cohort.high is None else (cohort.low, cohort.high)
    centile = around = plain = lognormal = None
    words = _among(value, ends)
    if cohort.mean is not None and cohort.sd:
        around = _range_5_95(cohort.mean, cohort.sd)
        plain, lognormal = (value - cohort.mean) / cohort.sd, None
        centile, words = 0.0, BELOW
        if value > 0:
            found = standing(value, mean=cohort.mean, sd=cohort.sd)
            lognormal, words = found.z_lognormal, found.words
            centile = 50 * (1 + erf(lognormal / sqrt(2)))
    return Place(
        cohort.source, cohort.n, cohort.unit, cohort.mean, cohort.sd, cohort.median, ends,
        centile, around, plain, lognormal, words, said(cohort.group), cohort.tag, cohort.method,
        cohort.name, cohort.note,
    )  # fmt: skip


def _range_5_95(mean: float, sd: float) -> tuple[float, float]:
    middle, sigma = log_normal(mean=mean, sd=sd)
    return exp(middle - NORMAL_95 * sigma), exp(middle + NORMAL_95 * sigma)


def _among(value: float, ends: tuple[float, float] | None) -> str:
    if ends is None:
        return NO_SPREAD
    return WITHIN if ends[0] <= value <= ends[1] else ABOVE if value > ends[1] else BELOW


def places(
    value: float, organ: str, cohorts: Iterable[Cohort], *, quantity: str = DOSE_PER_ACTIVITY,
    unit: str = "Gy/GBq", group: Collection[str] = (), method: str = "",
) -> tuple[Place, ...]:  # fmt: skip
    """Every cohort of this organ, quantity and unit that the patient may belong to.

    `group` holds what is known of the patient, in words of `quimby.population.groups` ("first",
    "rhTSH", "F"); a cohort that contradicts it is left out (E-POP-GROUP for an unknown word).
    The most specific come first, then those with a spread and measured alike: `method` ("SPECT")
    puts cohorts whose method begins with it before others.
    """
    rows = [c for c in cohorts if (c.organ, c.quantity, c.unit) == (organ, quantity, unit)]
    rows = [c for c in rows if fits(c.group, group)]
    rows.sort(key=lambda c: (-len({*c.group} & {*group}), c.sd is None,
                             not c.method.startswith(method), c.tag == "M",
                             -(c.n or 0)))  # fmt: skip
    return tuple(place(value, c) for c in rows)


def in_words(found: Collection[Place]) -> str:
    """The first cohort's words; "no reference available" where there is none."""
    return next((p.words for p in found), NO_REFERENCE)
