"""What populations tell about a curve before the patient is measured."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import log

from quimby.core.notes import refusal
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain

UNITS = {"effective": "h", "uptake": "h", "fast": "h", "start ratio": ""}


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

    def as_datum(self) -> Uncertain:
        """The logarithm as a pseudo-reading with its own cause."""
        return Uncertain(log(self.median), {self.cause: self.sd_ln})

    def constant(self) -> Constant:
        """The median as a constant for the trace; `u` is sd_ln times the median."""
        u = self.sd_ln * self.median
        unit = UNITS.get(self.quantity, "")
        return Constant(self.cause, self.median, unit, self.source, self.tag, u)


@cache
def _table(file: str) -> Mapping[str, Mapping[str, Mapping[str, object]]]:
    path = files("quimby.kinetics").joinpath("data", f"{file}.toml")
    if not path.is_file():
        raise refusal("E-NLME-PRIOR", where="curve", what=file)
    return tomllib.loads(path.read_text("utf-8"))


def priors(tissue: str, *, file: str = "priors_lu177_dotatate", with_half_life: bool = False
           ) -> tuple[Prior, ...]:  # fmt: skip
    """Priors of a tissue ("kidney", "liver", "spleen", "lesion", "organ", …).

    A tissue without a row of its own takes "organ". `with_half_life` adds the effective
    half-life, which is meant for one or two samples only: with more, the patient tells.

    Raises E-NLME-PRIOR when the file or the half-life is not there.
    """
    table = _table(file)
    row = {**table["organ"], **table.get(tissue, {})}
    if with_half_life and "effective" not in row:
        raise refusal("E-NLME-PRIOR", where="curve", what=f"effective half-life of {tissue}")
    wanted = [q for q in UNITS if q in row and (with_half_life or q != "effective")]
    return tuple(_prior(q, row[q]) for q in wanted)


def known_priors() -> Iterator[tuple[str, Prior]]:
    """Every prior of every table, with the table's name. The folder is the registry."""
    folder = files("quimby.kinetics").joinpath("data")
    for file in sorted(f.name[:-5] for f in folder.iterdir() if f.name.startswith("priors_")):
        for tissue in _table(file).values():
            for quantity, row in tissue.items():
                yield file, _prior(quantity, row)


def _prior(quantity: str, row: Mapping[str, object]) -> Prior:
    median, sd_ln = float(str(row["median"])), float(str(row["sd_ln"]))
    cause = str(row["cause"])
    return Prior(quantity, median, sd_ln, cause, str(row["source"]), str(row["tag"]))
