"""What the coming cycles would add, if each repeats this one.

A plain extrapolation for the page: total + n x this cycle, shared causes kept shared. Planning
proper (which activity, how many cycles) stands in `quimby.planning`.
"""

from __future__ import annotations

from collections.abc import Sequence

from quimby.core.uncertain import Uncertain, combine
from quimby.effect.limits import Check
from quimby.report.figures.bars import CycleBar
from quimby.study.result import RegionResult, Result


def cycles_left(result: Result) -> int:
    """Cycles still planned after those given; 0 where none or not known."""
    given = result.last_cycle or result.cycle
    return max(0, (result.cycles_planned or given) - given)


def this_cycle(region: RegionResult, quantity: str) -> Uncertain:
    """This cycle's dose, or BED where the limit is one of BED."""
    if quantity == "BED" and region.bed_gy is not None:
        return region.bed_gy
    return region.absorbed_dose_gy


def after(total: Uncertain, cycle: Uncertain, more: int) -> Uncertain:
    """Total when `more` further cycles repeat this one (fully correlated with it)."""
    return combine(total.value + more * cycle.value, (total, 1.0), (cycle, float(more)))


def limiting(result: Result) -> tuple[RegionResult, Check] | None:
    """The region and limit with the greatest share, pairs before their members."""
    paired = {name for c in result.combined for name in c.members}
    rows = [*result.combined, *(r for r in result.regions if r.name not in paired)]
    checks = [(r, check) for r in rows for check in r.limits]
    return max(checks, key=lambda row: row[1].share, default=None)


def bars(result: Result, region: RegionResult, quantity: str) -> list[CycleBar]:
    """Cumulative dose: what came before, this cycle, and those planned."""
    cycle = this_cycle(region, quantity)
    total = region.total_bed_gy if quantity == "BED" else region.total_dose_gy
    total = total or cycle
    found = _earlier(result, region, quantity, total.value - cycle.value)
    found.append(CycleBar(str(result.cycle), max(total.value - cycle.value, 0.0), total, False))
    for more in range(1, cycles_left(result) + 1):
        before = total.value + (more - 1) * cycle.value
        found.append(
            CycleBar(
                str((result.last_cycle or result.cycle) + more),
                before,
                after(total, cycle, more),
                True,
            )
        )
    return found


def _earlier(
    result: Result, region: RegionResult, quantity: str, before_gy: float
) -> list[CycleBar]:
    """One bar for each earlier exposure of this organ; one for all where they do not add up."""
    doses: list[Uncertain] = []
    exposures = [e for e in result.exposures if e.organ == region.organ]
    for e in exposures:
        dose = e.bed_gy if quantity == "BED" else e.dose_gy
        if dose is not None:
            doses.append(dose)
    known = sum(d.value for d in doses)
    if before_gy <= 1e-9:
        return []
    if len(doses) != len(exposures) or abs(known - before_gy) > 0.02 * before_gy:
        return [CycleBar("before", 0.0, Uncertain(before_gy), False)]
    return _stacked(doses, [e.what for e in exposures])


def _stacked(doses: Sequence[Uncertain], what: Sequence[str]) -> list[CycleBar]:
    found, running = [], Uncertain(0.0)
    for dose, words in zip(doses, what, strict=True):
        label = words.removeprefix("cycle ") if words.startswith("cycle ") else words
        found.append(CycleBar(label, running.value, running + dose, False))
        running = running + dose
    return found
