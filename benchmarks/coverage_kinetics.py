"""Bias and coverage of curve fits on invented patients with known curves.

Run: python benchmarks/coverage_kinetics.py [patients]
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quimby import protocols
from quimby.core.uncertain import Uncertain
from quimby.kinetics.choose import choose
from quimby.study.curves import planned

PHYSICAL_H = 159.528
SCHEDULES = {
    "4/24/72/168": (4.1, 23.7, 71.2, 167.4),
    "4/24/96": (4.0, 24.0, 96.0),
    "24/72/168": (24.0, 72.0, 168.0),
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
    """Simulate `patients` of a family: 3 to 6 % random and 3 % shared doubt."""
    random = np.random.default_rng([seed, *(schedule + family.name).encode()])
    times = np.array(SCHEDULES[schedule])
    plan = planned(protocols.load("LU-FULL"), family.tissue, len(times))
    ratios, stated, inside, lost = [], [], 0, 0
    for _ in range(patients):
        amplitudes, rates = truth(family, random)
        clean = np.exp(-np.outer(times, rates)) @ amplitudes
        own = random.uniform(0.03, 0.06, len(times))
        seen = clean * (1 + own * random.standard_normal(len(times)))
        seen *= 1 + 0.03 * random.standard_normal()
        readings = [
            Uncertain(float(a), {f"counts, scan {i}": float(a * u), "camera": float(0.03 * a)})
            for i, (a, u) in enumerate(zip(seen, own, strict=True))
        ]
        try:
            found = choose(
                SCHEDULES[schedule], readings, physical_half_life_h=PHYSICAL_H,
                preferred=plan.models[0], candidates=plan.models[1:], priors=plan.priors,
            ).tia_mbq_h  # fmt: skip
        except Exception as error:  # counted and shown: a refusal is an outcome
            lost += 1
            print(family.name, schedule, str(error).splitlines()[0])
            continue
        true = float(np.sum(amplitudes / rates))
        low, high = found.interval()
        ratios.append(found.value / true)
        stated.append(found.u_rel)
        inside += low <= true <= high
    return Row(family, schedule, float(np.mean(ratios)) - 1, float(np.std(ratios)),
               float(np.mean(stated)), inside / len(ratios), lost)  # fmt: skip


def main() -> None:
    """Print the table."""
    patients = int(sys.argv[1]) if len(sys.argv) > 1 else 500 // len(FAMILIES) + 1
    print(f"{'family':24}{'schedule':14}{'bias':>8}{'scatter':>9}{'u':>8}{'inside':>8}{'lost':>6}")
    for family in FAMILIES:
        for schedule in SCHEDULES:
            r = row(family, schedule, patients=patients)
            print(
                f"{family.name:24}{schedule:14}{r.bias:8.1%}{r.scatter:9.1%}{r.u_rel:8.1%}"
                f"{r.coverage:8.1%}{r.lost:6d}"
            )


if __name__ == "__main__":
    main()
