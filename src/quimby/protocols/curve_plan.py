"""What a protocol says about a curve before the scans are seen: models, priors, manner."""

from __future__ import annotations

from dataclasses import dataclass

from quimby.kinetics.choose import Manner
from quimby.kinetics.priors import Prior, PriorFile, priors
from quimby.kinetics.trapezoid import Lines
from quimby.protocols.document import Protocol

HELD = {"effective": "effective half-life", "uptake": "uptake half-life",
        "fast": "fast half-life", "start ratio": "share at start"}  # fmt: skip
FEW = 3  # fewer samples than this do not tell a half-life by themselves


@dataclass(frozen=True, slots=True)
class Plan:
    """Models and population knowledge."""

    models: tuple[str, ...]  # the preferred one first
    priors: tuple[Prior, ...]


def planned(
    protocol: Protocol, organ: str, samples: int, *, table: PriorFile | None = None,
    half_life: Prior | None = None,
) -> Plan:  # fmt: skip
    """Models and population knowledge for an organ with so many samples.

    With one or two samples a half-life joins the priors of the uptake: the patient's own
    `half_life` of another cycle, or the population's; with more the patient tells it. Rows of
    `table`, the centre's own, go before the protocol's. E-NLME-PRIOR where what is needed lacks.
    """
    plan, few = protocol.imaging, samples < FEW
    found = priors(organ, file=plan.priors, own=table, with_half_life=few and half_life is None,
                   wide=True)  # fmt: skip
    if few and half_life is not None:
        found = (half_life, *found)
    held = tuple(
        Prior(quantity, one.value, one.u, f"{HELD[quantity]}, held, {organ}", one.source, "P", True)
        for quantity, one in plan.fixed_for(organ).items()
    )
    free = tuple(p for p in found if p.quantity not in {h.quantity for h in held})
    return Plan(plan.models_for(organ, samples), (*free, *held))


def manner(protocol: Protocol, organ: str, shared: frozenset[str] = frozenset()) -> Manner:
    """How curves of an organ are chosen; `shared` are causes that other regions have too."""
    plan = protocol.imaging
    joined = plan.trapezoid
    lines = Lines(joined.start, joined.between, joined.tail, joined.tail_half_life_h)
    return Manner(plan.selection, organ, shared, lines)
