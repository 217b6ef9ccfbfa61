"""Constants that carry where they came from and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from math import isclose

from quimby.core.notes import Note, note

TAGS = {
    "V": "seen in the published source",
    "D": "derived here, the algebra is in the docs",
    "M": "from memory of the literature, not checked here",
    "P": "house policy, a centre may set its own",
}


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Who confirmed a constant for the centre, and when (ISO date)."""

    by: str
    on: date

    @property
    def words(self) -> str:
        """For a report."""
        return f"confirmed by {self.by}, {self.on.isoformat()}"


@dataclass(frozen=True, slots=True)
class Constant:
    """A number used in a calculation, with its source and evidence tag (V, D, M or P)."""

    name: str
    value: float
    unit: str
    source: str
    tag: str
    u: float = 0.0  # standard uncertainty, unit of `value`
    confirmed: Confirmed | None = None  # of an [M] one, by the centre

    def __post_init__(self) -> None:
        if self.tag not in TAGS:
            raise ValueError(f"{self.name}: evidence tag {self.tag!r} is none of {sorted(TAGS)}")

    @property
    def verified(self) -> bool:
        """False for [M] until the centre confirms it: marked on every report that rests on it."""
        return self.tag != "M" or self.confirmed is not None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a centre confirmed: that this constant has this value, in this unit."""

    name: str
    value: float
    unit: str
    confirmed: Confirmed
    note: str = ""

    def holds(self, constant: Constant) -> bool:
        """True while the constant still has the value and unit that were confirmed."""
        same = isclose(self.value, constant.value, rel_tol=1e-12, abs_tol=0.0)
        return same and self.unit == constant.unit


def confirmed_by_centre(
    constants: Iterable[Constant], confirmations: Iterable[Confirmation]
) -> tuple[tuple[Constant, ...], tuple[Note, ...]]:
    """The constants, those that were confirmed saying so; W-CONST-LAPSED for what changed since.

    Only [M] constants need one. Where a name was confirmed more than once, the last that still
    holds counts.
    """
    by_name: dict[str, list[Confirmation]] = {}
    for one in confirmations:
        by_name.setdefault(one.name, []).append(one)
    found, notes = [], []
    for constant in constants:
        given = by_name.get(constant.name, []) if constant.tag == "M" else []
        holding = [c for c in given if c.holds(constant)]
        if holding:
            found.append(replace(constant, confirmed=holding[-1].confirmed))
        else:
            found.append(constant)
            notes += [_lapsed(given[-1], constant)] if given else []
    return tuple(found), tuple(dict.fromkeys(notes))


def _lapsed(given: Confirmation, now: Constant) -> Note:
    who = given.confirmed
    return note("W-CONST-LAPSED", where=now.name, name=now.name, by=who.by,
                on=who.on.isoformat(), was=f"{given.value:.12g} {given.unit}".rstrip(),
                now=f"{now.value:.12g} {now.unit}".rstrip())  # fmt: skip
