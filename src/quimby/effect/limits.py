"""Cumulative dose and BED against what an organ is thought to stand."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import erfc, log, log1p, sqrt
from typing import Any

from quimby.core.notes import Note, note, refusal
from quimby.core.source import Constant
from quimby.core.uncertain import LOGNORMAL_ABOVE, Uncertain

FOLDER = files("quimby.effect").joinpath("data")
QUANTITIES = ("absorbed dose", "BED")


@dataclass(frozen=True, slots=True)
class Limit:
    """One tolerance value of one organ."""

    organ: str  # canonical, "kidney"
    quantity: str  # "absorbed dose" or "BED"
    applies: str  # "always", "risk factors" or "no risk factors"
    name: str  # "kidneys, risk factors"
    constant: Constant


@dataclass(frozen=True, slots=True)
class LimitTable:
    """Limits of one therapy, and what counts as a risk factor."""

    name: str
    limits: tuple[Limit, ...]
    risk_factors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A cumulative value against one limit."""

    quantity: str
    total_gy: Uncertain
    limit_gy: float
    limit_name: str
    probability_above: float
    constant: Constant

    @property
    def share(self) -> float:
        """Total as a fraction of the limit."""
        return self.total_gy.value / self.limit_gy

    @property
    def reached(self) -> bool:
        """At or above the limit."""
        return self.total_gy.value >= self.limit_gy


def tables() -> list[str]:
    """Names of the tables of limits. The folder is the registry."""
    return sorted(f.name[:-5] for f in FOLDER.iterdir() if f.name.endswith(".toml"))


@cache
def table(name: str) -> LimitTable:
    """The table of this name, or E-LIMIT-TABLE."""
    if name not in tables():
        raise refusal("E-LIMIT-TABLE", where="limits", name=name, known=tables())
    rows = tomllib.loads(FOLDER.joinpath(f"{name}.toml").read_text("utf-8"))
    return LimitTable(
        name, tuple(_limit(row) for row in rows["limit"]), tuple(rows["risk_factors"])
    )


def _limit(row: dict[str, Any]) -> Limit:
    value = Constant(
        f"limit {row['name']}", row["value_gy"], "Gy", row["source"], row["tag"], row.get("u_gy", 0)
    )
    return Limit(row["organ"], row["quantity"], row["applies"], row["name"], value)


def applicable(
    limits: Iterable[Limit],
    organ: str,
    *,
    risk_factors: Collection[str] = (),
    single_kidney: bool = False,
) -> tuple[Limit, ...]:
    """The limits that hold for this organ and patient.

    Any risk factor, or a single kidney, picks the limit with risk factors.
    """
    risk = bool(risk_factors) or (single_kidney and organ == "kidney")
    holds = {"always", "risk factors" if risk else "no risk factors"}
    return tuple(x for x in limits if x.organ == organ and x.applies in holds)


def probability_above(value: Uncertain, limit: float) -> float:
    """Chance that the true value lies above a limit, by the law that `interval` uses.

    Normal; log-normal when the doubt exceeds 30 %. Without any doubt it is 0 or 1.
    """
    if value.u == 0:
        return float(value.value > limit)
    if value.value <= 0 or value.u_rel <= LOGNORMAL_ABOVE or limit <= 0:
        return 0.5 * erfc((limit - value.value) / (sqrt(2) * value.u))
    spread = sqrt(log1p(value.u_rel**2))
    middle = log(value.value) - spread**2 / 2
    return 0.5 * erfc((log(limit) - middle) / (sqrt(2) * spread))


def check(
    limit: Limit,
    total_gy: Uncertain,
    *,
    where: str,
    rests_on: Sequence[Constant] = (),
    confirmed: Collection[str] = (),
) -> tuple[Check, tuple[Note, ...]]:
    """A course's total (all cycles and earlier exposures) against one limit.

    S-LU-DOSE-LIMIT or S-LU-BED-LIMIT when it is reached, W-LU-LIMIT-NEAR when only the upper
    95 % is beyond. Where either holds and the limit, or a constant in `rests_on`, is tagged [M]
    and its name is not among those `confirmed` by the centre, S-CONST-UNVERIFIED; where the
    total stays clear of the limit the same is told as I-CONST-UNVERIFIED.
    """
    upper = total_gy.interval()[1]
    chance = probability_above(total_gy, limit.constant.value)
    found = Check(
        limit.quantity, total_gy, limit.constant.value, limit.name, chance, limit.constant
    )
    close = found.reached or upper > found.limit_gy
    notes = [*_reached(found, upper, where)]
    notes += unverified(
        [limit.constant, *rests_on], where=where, decides=close, confirmed=confirmed
    )
    return found, tuple(notes)


def _reached(found: Check, upper: float, where: str) -> list[Note]:
    words = {"where": where, "name": found.limit_name, "limit": found.limit_gy}
    value = found.total_gy.value
    if found.reached:
        code = "S-LU-BED-LIMIT" if found.quantity == "BED" else "S-LU-DOSE-LIMIT"
        return [note(code, value=value, upper=upper, **words)]  # type: ignore[arg-type]
    if upper > found.limit_gy:
        return [note("W-LU-LIMIT-NEAR", value=value, chance=found.probability_above, **words)]  # type: ignore[arg-type]
    return []


def unverified(
    constants: Iterable[Constant], *, where: str, decides: bool, confirmed: Collection[str] = ()
) -> list[Note]:
    """One note for each constant nobody has checked: S where a decision rests on it, else I."""
    code = "S-CONST-UNVERIFIED" if decides else "I-CONST-UNVERIFIED"
    return [
        note(
            code,
            where=where,
            name=c.name,
            value=c.value,
            unit=f" {c.unit}" if c.unit else "",
            source=c.source,
        )
        for c in constants
        if not c.verified and c.name not in confirmed
    ]
