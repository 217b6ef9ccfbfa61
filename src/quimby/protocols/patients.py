"""Populations of curves: the patients whom a protocol's expected doubt is simulated over.

One TOML file a therapy, in a folder that is its own registry. What a table of priors already
says of a tissue is named, not repeated.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import isfinite
from typing import Any

from quimby.core.notes import refusal
from quimby.kinetics.priors import priors

FOLDER = files("quimby.protocols").joinpath("populations")
CURVES: Mapping[str, tuple[str, ...]] = {
    "uptake and clearance": ("effective", "uptake", "start ratio"),
    "two compartments": ("effective", "uptake", "share"),
    "two phases": ("fast", "slow", "fast_share"),
    "iodide": ("absorbed", "space", "back", "blood_share", "remnant", "release", "hormone",
               "hormone_lives", "slow", "slow_lives", "weight", "height"),
    "physical decay": (),
}  # fmt: skip
"""Kind of curve -> quantities that a region of it needs."""
ABOUT = ("therapy", "nuclide", "n", "source", "tag")
LOG_NORMAL, NORMAL = {"median", "sd_ln"}, {"mean", "sd", "low", "high"}


@dataclass(frozen=True, slots=True)
class Quantity:
    """How one quantity differs between patients: log-normal, or normal inside two limits.

    `middle` is the median or the mean, `spread` the standard deviation of the logarithm or of
    the value.
    """

    middle: float
    spread: float
    log: bool
    low: float
    high: float
    source: str
    tag: str


@dataclass(frozen=True, eq=False)
class Region:
    """The curves of one organ or fluid over the patients."""

    name: str
    curve: str  # a key of `CURVES`
    quantities: Mapping[str, Quantity]


@dataclass(frozen=True, eq=False)
class Population:
    """Patients of one therapy. `n` published patients are behind it; 0 where none are needed."""

    id: str
    therapy: str
    nuclide: str
    n: int
    source: str
    tag: str
    regions: Mapping[str, Region]

    def region(self, name: str) -> Region:
        """The region of this name; E-POPULATION-REGION."""
        if name not in self.regions:
            raise refusal("E-POPULATION-REGION", where=self.id, name=name,
                          known=", ".join(self.regions))  # fmt: skip
        return self.regions[name]


def names() -> list[str]:
    """Ids of the shipped populations. The folder is the registry."""
    return sorted(f.name[:-5] for f in FOLDER.iterdir() if f.name.endswith(".toml"))


@cache
def load(name: str) -> Population:
    """The shipped population of this id; E-POPULATION."""
    if name not in names():
        raise refusal("E-POPULATION", where="populations", name=name, known=", ".join(names()))
    return read(FOLDER.joinpath(f"{name}.toml").read_text("utf-8"), name=name)


def read(text: str, *, name: str) -> Population:
    """A population from TOML text; E-POPULATION-FILE names the key and what is wrong."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _broken(name, "TOML", error) from None
    about = {key: found.pop(key, None) for key in ABOUT}
    for key, value in about.items():
        if value is None or value == "":
            raise _broken(name, key, "it is missing")
    regions = {r: _region(r, row, name) for r, row in found.items()}
    if not regions:
        raise _broken(name, "regions", "there is none")
    return Population(name, str(about["therapy"]), str(about["nuclide"]), int(str(about["n"])),
                      str(about["source"]), str(about["tag"]), regions)  # fmt: skip


def _broken(name: str, key: str, why: object) -> Exception:
    return refusal("E-POPULATION-FILE", where=f"{name}, {key}", key=key, why=why)


def _region(region: str, given: Any, name: str) -> Region:
    row = dict(given) if isinstance(given, dict) else {}
    curve, table = str(row.pop("curve", "")), str(row.pop("priors", ""))
    if curve not in CURVES:
        raise _broken(name, f"{region}.curve", f"it is none of {', '.join(CURVES)}")
    told = priors(region, file=table, with_half_life=True) if table else ()
    found = {p.quantity: Quantity(p.median, p.sd_ln, True, 0.0, 0.0, p.source, p.tag)
             for p in told}  # fmt: skip
    found |= {q: _quantity(value, f"{region}.{q}", name) for q, value in row.items()}
    lacking = [q for q in CURVES[curve] if q not in found]
    if lacking:
        raise _broken(name, region, f"a curve of {curve} needs {' and '.join(lacking)}")
    return Region(region, curve, found)


def _quantity(given: Any, key: str, name: str) -> Quantity:
    row = given if isinstance(given, dict) else {}
    numbers = set(row) - {"source", "tag"}
    if numbers not in (LOG_NORMAL, NORMAL) or not row.get("source") or not row.get("tag"):
        raise _broken(name, key, "give median and sd_ln, or mean, sd, low and high; with source "
                      "and tag")  # fmt: skip
    if not all(isinstance(row[k], (int, float)) and isfinite(row[k]) and row[k] >= 0
               for k in numbers):  # fmt: skip
        raise _broken(name, key, "every number must be zero or more")
    log = numbers == LOG_NORMAL
    middle, spread = (row["median"], row["sd_ln"]) if log else (row["mean"], row["sd"])
    return Quantity(float(middle), float(spread), log, float(row.get("low", 0.0)),
                    float(row.get("high", 0.0)), str(row["source"]), str(row["tag"]))  # fmt: skip
