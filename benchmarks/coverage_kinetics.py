"""Bias and coverage of curve fits on invented patients with known curves.

Run: python -m benchmarks.coverage_kinetics [patients] [--more]

--more takes schedules of five scans, where AICc is defined for two models, and has each curve both
as planned and averaged with Akaike weights (decision 11).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quimby import protocols
from quimby.core.errors import QuimbyError
from quimby.core.uncertain import Uncertain
from quimby.kinetics.choose import SELECTIONS, Manner, all_tried, settled
from quimby.protocols.curve_plan import planned

PHYSICAL_H = 159.528
SCHEDULES = {
    "4/24/72/168": (4.1, 23.7, 71.2, 167.4),
    "4/24/96": (4.0, 24.0, 96.0),
    "24/72/168": (24.0, 72.0, 168.0),
}
MORE = {
    "4/24/48/96/168": (4.0, 24.0, 48.0, 96.0, 168.0),
    "24/48/72/120/168": (24.0, 48.0, 72.0, 120.0, 168.0),
}


@dataclass(frozen=True, slots=True)
class Family:
    """Curves a * 2**(-t/clearance) - (1 - start) * a * 2**(-t/uptake), varied by patient."""

    name: str
    tissue: str
    clearance_h: float
    uptake_h: float
    start: float  # activity at time zero / a
    spread: float  # sd of ln, of all three
    as_planned: bool = True


FAMILIES = (
    Family("kidney", "kidney", 51, 2, 0.74, 0.2),
    Family("liver", "liver", 66, 2, 1.0, 0.0),
    Family("spleen", "spleen", 63, 3, 0.53, 0.2),
    Family("lesion", "lesion", 80, 5, 0.25, 0.2),
    Family("kidney, slow uptake", "kidney", 51, 4, 0.4, 0.2, as_planned=False),
    Family("lesion, fast uptake", "lesion", 70, 2, 0.5, 0.2, as_planned=False),
    Family("kidney, early washout", "kidney", 51, 4, 1.4, 0.1, as_planned=False),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What one family gives on one schedule."""

    family: Family
    schedule: str
    selection: str
    bias: float
    scatter: float
    u_rel: float  # mean stated
    coverage: float  # of the 95 % interval
    lost: int


def truth(family: Family, random: np.random.Generator) -> tuple[NDArray[np.float64], ...]:
    """Amplitudes and rates of one patient."""
    vary = np.exp(family.spread * random.standard_normal(3))
    clearance = min(family.clearance_h * vary[0], 140.0)
    start = family.start * vary[2]
    amplitudes = np.array([100.0, -100.0 * (1 - start)])
    return amplitudes, np.log(2) / np.array([clearance, family.uptake_h * vary[1]])


def row(family: Family, schedule: str, *, patients: int, seed: int = 1) -> Row:
    """One family on one schedule, curves as planned."""
    return rows(family, schedule, ("planned",), patients=patients, seed=seed)[0]


def rows(
    family: Family, schedule: str, selections: Sequence[str], *, patients: int, seed: int = 1
) -> list[Row]:
    """Simulate `patients` of a family: 3 to 6 % random and 3 % shared doubt."""
    random = np.random.default_rng([seed, *(schedule + family.name).encode()])
    hours = {**SCHEDULES, **MORE}[schedule]
    plan = planned(protocols.load("LU-FULL"), family.tissue, len(hours))
    found: dict[str, list[tuple[float, float, bool]]] = {s: [] for s in selections}
    for _ in range(patients):
        amplitudes, rates = truth(family, random)
        readings = measured(amplitudes, rates, np.array(hours), random)
        true = float(np.sum(amplitudes / rates))
        try:
            tried = all_tried(hours, readings, plan.models, priors=plan.priors,
                              physical_half_life_h=PHYSICAL_H)  # fmt: skip
            for name in selections:
                tia = settled(tried, region="", manner=Manner(name, family.tissue),
                              physical_half_life_h=PHYSICAL_H).tia_mbq_h  # fmt: skip
                low, high = tia.interval()
                found[name].append((tia.value / true, tia.u_rel, low <= true <= high))
        except QuimbyError as error:  # counted and shown: a refusal is an outcome
            print(family.name, schedule, str(error).splitlines()[0])
    return [_row(family, schedule, name, np.array(seen), patients)
            for name, seen in found.items()]  # fmt: skip


def measured(
    amplitudes: NDArray[np.float64],
    rates: NDArray[np.float64],
    times: NDArray[np.float64],
    random: np.random.Generator,
) -> list[Uncertain]:
    """Readings of one patient, with the doubt that they state."""
    clean = np.exp(-np.outer(times, rates)) @ amplitudes
    own = random.uniform(0.03, 0.06, len(times))
    seen = clean * (1 + own * random.standard_normal(len(times)))
    seen *= 1 + 0.03 * random.standard_normal()
    return [
        Uncertain(float(a), {f"counts, scan {i}": float(a * u), "camera": float(0.03 * a)})
        for i, (a, u) in enumerate(zip(seen, own, strict=True))
    ]


def _row(family: Family, schedule: str, name: str, seen: NDArray[np.float64], patients: int
         ) -> Row:  # fmt: skip
    ratio, stated, inside = seen.T
    return Row(family, schedule, name, float(ratio.mean()) - 1, float(ratio.std()),
               float(stated.mean()), float(inside.mean()), patients - len(seen))  # fmt: skip


def main() -> None:
    """Print the table."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("patients", type=int, nargs="?", default=500 // len(FAMILIES) + 1)
    ask.add_argument("--more", action="store_true")
    said = ask.parse_args()
    print(f"{'family':22}{'schedule':18}{'curve':9}{'bias':>7}{'scatter':>9}{'u':>7}{'inside':>8}"
          f"{'lost':>6}")  # fmt: skip
    for family in FAMILIES:
        for schedule in MORE if said.more else SCHEDULES:
            for r in rows(family, schedule, SELECTIONS if said.more else ("planned",),
                          patients=said.patients):  # fmt: skip
                print(f"{family.name:22}{schedule:18}{r.selection:9}{r.bias:7.1%}{r.scatter:9.1%}"
                      f"{r.u_rel:7.1%}{r.coverage:8.1%}{r.lost:6d}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
