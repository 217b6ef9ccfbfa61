"""What populations tell about a curve before the patient is measured."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import isfinite, log
from pathlib import Path
from typing import Any

from quimby.core.notes import refusal
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain

UNITS = {"effective": "h", "uptake": "h", "fast": "h", "start ratio": ""}
FIXED_LN = 1e-5  # of a fixed quantity: nothing beside any reading, and still a slope
ABOUT = "about"
"""Table of a prior file that says whose values it holds; every other one is a tissue."""
ANY = "any"
"""Tissue whose half-life, wide, stands for one that no table has."""
ROW = ("median", "sd_ln", "cause", "source", "tag")


@dataclass(frozen=True, slots=True)
class Prior:
    """A log-normal belief about one quantity of a curve.

    `quantity` is "effective", "uptake" or "fast" (half-lives, h) or "start ratio" (activity at
    time zero over the amplitude of the clearance phase). `sd_ln` is the standard deviation of
    the logarithm, between patients. `cause` names the doubt it brings.
    """

    quantity: str
    median: float
    sd_ln: float
    cause: str
    source: str = ""
    tag: str = "P"
    fixed: bool = False
    """No reading moves it: `sd_ln` is then carried to the result and has no weight in the fit."""

    @property
    def pull_ln(self) -> float:
        """How far the readings may pull it, as standard deviation of the logarithm."""
        return FIXED_LN if self.fixed else self.sd_ln

    def as_datum(self) -> Uncertain:
        """The logarithm as a pseudo-reading with its own cause."""
        return Uncertain(log(self.median), {self.cause: self.sd_ln})

    def constant(self) -> Constant:
        """The median as a constant for the trace; `u` is sd_ln times the median."""
        u = self.sd_ln * self.median
        unit = UNITS.get(self.quantity, "")
        return Constant(self.cause, self.median, unit, self.source, self.tag, u)


Rows = Mapping[str, Mapping[str, Mapping[str, object]]]
"""Tissue -> quantity -> row."""


@dataclass(frozen=True, eq=False)
class PriorFile:
    """A table of priors with what it says about itself.

    `therapy` is the id of the therapy it was made for and `agents` the substances; empty where
    it does not say.
    """

    name: str
    therapy: str
    agents: tuple[str, ...]
    rows: Rows


@cache
def shipped(file: str) -> PriorFile:
    """The shipped table of this name; E-NLME-PRIOR when there is none."""
    path = files("quimby.kinetics").joinpath("data", f"{file}.toml")
    if not path.is_file():
        raise refusal("E-NLME-PRIOR", where="curve", what=file)
    return read_priors(path.read_text("utf-8"), name=file)


def read_priors(text: str, *, name: str) -> PriorFile:
    """A table of priors from TOML text, as `quimby prior` writes it; or E-PRIOR-FILE."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise refusal("E-PRIOR-FILE", where=name, problem=f"it cannot be read: {error}") from None
    about = found.pop(ABOUT, {})
    for tissue, rows in found.items():
        for quantity, row in rows.items() if isinstance(rows, dict) else [("", None)]:
            _check(row, f"{tissue}.{quantity}", quantity, name)
    return PriorFile(name, str(about.get("therapy", "")), tuple(about.get("agents", ())), found)


def _check(row: Any, key: str, quantity: str, name: str) -> None:
    """A row that a fit can rest on: all its keys, and numbers that make a log-normal."""
    missing = [k for k in ROW if not isinstance(row, dict) or k not in row]
    if quantity not in UNITS or missing:
        what = f"lacks {' and '.join(missing)}" if missing else f"is none of {', '.join(UNITS)}"
        raise refusal("E-PRIOR-FILE", where=name, problem=f"[{key}] {what}")
    for number in ("median", "sd_ln"):
        value = row[number]
        if not (isinstance(value, (int, float)) and isfinite(value) and value > 0):
            problem = f"[{key}] has {number} = {value!r}, which must be above zero"
            raise refusal("E-PRIOR-FILE", where=name, problem=problem)


def read_prior_file(path: Path) -> PriorFile:
    """A centre's own table of priors; E-PRIOR-FILE names what is wrong in it."""
    return read_priors(path.read_text("utf-8"), name=path.name)


def priors(
    tissue: str, *, file: str = "priors_lu177_dotatate", with_half_life: bool = False,
    own: PriorFile | None = None, wide: bool = False,
) -> tuple[Prior, ...]:  # fmt: skip
    """Priors of a tissue ("kidney", "liver", "spleen", "lesion", "organ", …).

    A tissue without a row of its own takes "organ". Rows of `own`, the centre's table, go before
    those of the shipped `file`. `with_half_life` adds the effective half-life, which is meant for
    one or two samples only: with more, the patient tells. `wide` lets a tissue without a half-life
    take that of "any", house policy with a wide spread (see `is_wide`).

    Raises E-NLME-PRIOR when the file or the half-life is not there.
    """
    row = _row_of(tissue, file, own)
    if wide and "effective" not in row:
        row |= _rows_of(ANY, file, own)
    if with_half_life and "effective" not in row:
        raise refusal("E-NLME-PRIOR", where="curve", what=f"effective half-life of {tissue}")
    wanted = [q for q in UNITS if q in row and (with_half_life or q != "effective")]
    return tuple(_prior(q, row[q]) for q in wanted)


def is_wide(tissue: str, *, file: str, own: PriorFile | None = None) -> bool:
    """Whether a tissue has a half-life only as one that no table has."""
    return ("effective" not in _row_of(tissue, file, own)
            and "effective" in _rows_of(ANY, file, own))  # fmt: skip


def _row_of(tissue: str, file: str, own: PriorFile | None) -> dict[str, Mapping[str, object]]:
    """Rows of "organ", then of the tissue."""
    return {**_rows_of("organ", file, own), **_rows_of(tissue, file, own)}


def _rows_of(name: str, file: str, own: PriorFile | None) -> dict[str, Mapping[str, object]]:
    tables = [shipped(file).rows, *([own.rows] if own else [])]
    return {q: row for table in tables for q, row in table.get(name, {}).items()}


def known_priors() -> Iterator[tuple[str, Prior]]:
    """Every prior of every table, with the table's name. The folder is the registry."""
    folder = files("quimby.kinetics").joinpath("data")
    for file in sorted(f.name[:-5] for f in folder.iterdir() if f.name.startswith("priors_")):
        for tissue in shipped(file).rows.values():
            for quantity, row in tissue.items():
                yield file, _prior(quantity, row)


def _prior(quantity: str, row: Mapping[str, object]) -> Prior:
    median, sd_ln = float(str(row["median"])), float(str(row["sd_ln"]))
    cause = str(row["cause"])
    return Prior(quantity, median, sd_ln, cause, str(row["source"]), str(row["tag"]))
