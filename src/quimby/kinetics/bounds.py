"""What no time-integrated activity can exceed, and its ratio to the administered activity."""

from __future__ import annotations

from quimby.core.notes import refusal
from quimby.core.uncertain import Uncertain
from quimby.kinetics.models import LN2


def largest_tiac_h(physical_half_life_h: float, *, fraction: float = 1.0) -> float:
    """Time-integrated activity coefficient if `fraction` stays for ever, h (177Lu: 230.15)."""
    return fraction * physical_half_life_h / LN2


def implant_tia_mbq_h(activity_mbq: Uncertain, physical_half_life_h: float) -> Uncertain:
    """TIA of an implant that never clears: activity at time zero over the physical rate."""
    return activity_mbq.scaled(physical_half_life_h / LN2)


def tiac_h(tia_mbq_h: Uncertain, administered_mbq: Uncertain) -> Uncertain:
    """Time-integrated activity coefficient: TIA over administered activity, h."""
    return tia_mbq_h / administered_mbq


def check_bound(
    tiac: float, *, physical_half_life_h: float, fraction: float = 1.0, where: str = "curve"
) -> None:
    """Refuse a coefficient (h) above the physical bound: E-TIA-BOUND.

    For one region or the sum of regions that do not overlap; `fraction` is the largest share
    of the administered activity that can be there.
    """
    bound = largest_tiac_h(physical_half_life_h, fraction=fraction)
    if tiac > bound * (1 + 1e-9):
        raise refusal("E-TIA-BOUND", where=where, tiac=tiac, bound=bound)
