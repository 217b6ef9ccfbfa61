"""Organs that lie over each other on planar views: what is shared, and three ways out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.measure.planar_roi import Roi

OVERLAP_LIMIT = 0.10  # share of the region
LEAST_VISIBLE = 0.25  # [P] of the organ, to tell the whole from it
UNEVEN_U = 0.15  # [P] relative: the visible part stands for the hidden one


@dataclass(frozen=True, slots=True)
class Estimate:
    """Counts (or activity) of a whole organ told from another part, and what was assumed."""

    value: Uncertain
    how: str
    notes: tuple[Note, ...]


def overlap_notes(rois: Sequence[Roi]) -> tuple[Note, ...]:
    """W-PLN-OVERLAP for each region of which more than 10 % lies in another."""
    found: list[Note] = []
    for one, other in combinations(rois, 2):
        for small, large in ((one, other), (other, one)):
            share = small.shared_with(large)
            if share > OVERLAP_LIMIT:
                found.append(note("W-PLN-OVERLAP", where=small.name, other=large.name,
                                  value=share, limit=OVERLAP_LIMIT))  # fmt: skip
    return tuple(found)


def from_visible_part(
    visible_counts: Uncertain, *, visible: Roi, whole: Roi, uneven_u_rel: float = UNEVEN_U
) -> Estimate:
    """Net counts of a whole organ from the part that nothing lies over, by their sizes.

    Taken as even uptake in the picture; the doubt of that grows with the hidden part and goes
    under "hidden part, <organ>". E-PLN-VISIBLE where less than a quarter is free.
    """
    seen = visible.pixels / whole.pixels
    outside = 1.0 - visible.shared_with(whole)
    if outside > 0.01:
        why = f"{outside:.0%} of the visible part lies outside the organ"
        raise refusal("E-PLN-VISIBLE", where=whole.name, why=why)
    if seen < LEAST_VISIBLE:
        why = f"only {seen:.0%} of it lies free"
        raise refusal("E-PLN-VISIBLE", where=whole.name, why=why)
    value = visible_counts.scaled(1.0 / seen)
    value = value.because(f"hidden part, {whole.name}", uneven_u_rel * (1.0 - seen) * value.value)
    said = (note("W-PLN-PART", where=whole.name, value=seen, limit=1.0),) if seen < 1.0 else ()
    return Estimate(value, f"{seen:.0%} of the organ", said)


def from_other_side(
    other_side: Uncertain, *, organ: str, difference_u_rel: float = UNEVEN_U
) -> Estimate:
    """A hidden kidney (or gland) taken as its fellow. Always S-PLN-OTHER-SIDE.

    The doubt that both work alike goes under "side taken as equal, <organ>".
    """
    value = other_side.because(f"side taken as equal, {organ}", difference_u_rel * other_side.value)
    return Estimate(value, "the other side", (note("S-PLN-OTHER-SIDE", where=organ),))
