"""Published figures of doubt, and the protocols and patients by which they can be simulated."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from quimby import protocols
from quimby.advise.adapt import Changes, Move, adapted
from quimby.advise.simulate import PATIENTS, SEED, Simulated, simulate
from quimby.protocols import Protocol

WITHIN = 0.30  # relative; beyond it the difference is explained


@dataclass(frozen=True, slots=True)
class Anchor:
    """One figure. `of` is "total", or "kinetics" with exact readings."""

    what: str
    base: str  # id of a shipped protocol
    changes: Changes
    uptake: str  # method for the uptakes instead of the protocol's; "" for its own
    of: str
    u: float
    source: str
    why: str  # where they do not agree: what differs

    def protocol(self) -> Protocol:
        """The protocol that the figure is of."""
        found = adapted(protocols.load(self.base), self.changes)
        if not self.uptake:
            return found
        rows: Any = {1: self.uptake}
        readings = found.by_readings.model_copy(update={"uptake": rows})
        return found.model_copy(update={"readings": readings})


@dataclass(frozen=True, eq=False)
class Held:
    """A figure beside the simulated one."""

    anchor: Anchor
    simulated: Simulated
    u_rel: float

    @property
    def agrees(self) -> bool:
        """Within 30 % of the published figure."""
        return abs(self.u_rel / self.anchor.u - 1) <= WITHIN


@cache
def anchors() -> tuple[Anchor, ...]:
    """Every figure, as the data file has them."""
    text = files("quimby.advise").joinpath("data", "anchors.toml").read_text("utf-8")
    return tuple(_anchor(row) for row in tomllib.loads(text)["anchor"])


def _anchor(row: dict[str, Any]) -> Anchor:
    moves = tuple(Move(name, low, high) for name, (low, high) in row.get("move", {}).items())
    changes = Changes(drop=tuple(row.get("drop", ())), move=moves)
    return Anchor(row["what"], row["from"], changes, row.get("uptake", ""), row["of"], row["u"],
                  row["source"], row.get("why", ""))  # fmt: skip


def held(anchor: Anchor, *, patients: int = PATIENTS, seed: int = SEED) -> Held:
    """The figure simulated; without the scatter of readings where it is of kinetics alone."""
    kinetics = anchor.of == "kinetics"
    found = simulate(anchor.protocol(), patients=patients, seed=seed, exact=kinetics)
    u = found.u_rel if kinetics else found.total
    return Held(anchor, found, u if u is not None else found.u_rel)
