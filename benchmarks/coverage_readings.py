"""Bias and coverage of the routes without a camera, on invented patients with known kinetics.

From counts to dose by the functions the chain uses, for patients as the method expects them
and for patients of stated other kinds. Exit code 1 where a row is out of band.

Run: python -m benchmarks.coverage_readings [--patients 2000] [--route thyroid] [--sparse]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any
from zlib import crc32

import numpy as np

from benchmarks import simulated_patients as sim
from benchmarks.coverage_routes import FROM_ZERO, FULL_H, ROUTES, THREE_H, Route, Window, iodide
from benchmarks.readings_taken import HALF_LIFE_H
from quimby.core.errors import QuimbyError
from quimby.core.uncertain import Uncertain
from quimby.kinetics import retention

MATCHED, OTHER = (0.92, 0.98), 0.90
SMALL = 250  # patients a row, below which chance is allowed for
MOST_LOST = (0.05, 0.10)  # share of patients that a method may refuse: as fitted, others


@dataclass(frozen=True, slots=True)
class Row:
    """How one quantity fared in one family of patients."""

    quantity: str
    family: str
    matched: bool
    patients: int
    lost: float
    coverage: float
    bias: float
    scatter: float
    u_rel: float  # median stated

    @property
    def slack(self) -> float:
        """Three standard deviations of a share, in runs too small to judge to a per cent."""
        return 3 * sqrt(0.05 * 0.95 / self.patients) if self.patients < SMALL else 0.0

    @property
    def passes(self) -> bool:
        """Coverage in the band, bias no larger than the stated u, few refused."""
        low, high = MATCHED if self.matched else (OTHER, 1.0)
        inside = low - self.slack <= self.coverage <= high + self.slack
        return inside and abs(self.bias) <= self.u_rel and self.lost <= MOST_LOST[not self.matched]


def rows(route: Route, family: Any, *, patients: int) -> list[Row]:
    """One row a quantity: `patients` patients of a family through a route."""
    found: dict[str, list[tuple[float, float, bool]]] = {}
    lost: dict[str, int] = {}
    for i in range(patients):
        rng = np.random.default_rng([2026, i, crc32(f"{route.name} {family.name}".encode())])
        try:
            judged = route.judge(rng, family)
        except QuimbyError as error:  # a refusal is an outcome: counted and shown
            lost[error.code] = lost.get(error.code, 0) + 1
            continue
        for quantity, value, true in judged:
            low, high = value.interval()
            found.setdefault(quantity, []).append(
                (value.value / true, value.u_rel, low <= true <= high)
            )
    if lost:
        print(f"  refused, {route.name}, {family.name}: {lost}", file=sys.stderr)
    share = sum(lost.values()) / patients
    matched = family is route.families[0]
    return [_row(f"{route.name}: {q}", family.name, matched, share, np.array(v))
            for q, v in found.items()]  # fmt: skip


def _row(quantity: str, family: str, matched: bool, lost: float, values: Any) -> Row:
    ratio, u, inside = values.T
    return Row(quantity, family, matched, len(values), lost, float(inside.mean()),
               float(ratio.mean()) - 1, float(ratio.std()), float(np.median(u)))  # fmt: skip


def table(routes: Sequence[Route], *, patients: int) -> list[Row]:
    """Matched patients, then as many in all of the other families, for each route."""
    found = []
    for route in routes:
        found += rows(route, route.families[0], patients=patients)
        others = route.families[1:]
        for family in others:
            found += rows(route, family, patients=-(-patients // len(others)))
    return found


def sparse(patients: int) -> None:
    """Print what schedules alone do: exact readings, so that only the drawing of curves is left."""
    family = sim.IODIDE[0]
    print(
        "exact readings           blood between     tail   whole body    dose  tolerable  bladder"
    )
    for name, windows in (("five pairs", FULL_H), ("three pairs", THREE_H)):
        found = np.array([_exactly(i, family, windows) for i in range(patients)])
        mean, sd = found.mean(axis=0), found.std(axis=0)
        print(f"{name:24}" + "".join(f"{m:+8.1%} ±{s:4.1%}" for m, s in zip(mean, sd, strict=True)))


def _exactly(seed: int, family: sim.IodideFamily, windows_h: Sequence[Window]) -> list[float]:
    rng = np.random.default_rng([seed, 7])
    patient, body, times, _ = iodide(rng, family, windows_h)
    blood = [Uncertain(patient.blood_fraction(t)) for t in times]
    whole = [Uncertain(body.fraction(t)) for t in times]
    a = retention.area(times, blood, half_life_h=HALF_LIFE_H, where="blood")
    b = retention.area(times, whole, half_life_h=HALF_LIFE_H)
    true_b, true_w = patient.blood_tiac_h(), body.tissue_tiac_h()
    after = float(np.sum(patient.in_blood / patient.modes * np.exp(-patient.modes * times[-1])))
    before = float(np.sum(patient.in_blood / patient.modes * np.exp(-patient.modes * times[0])))
    kg, ml = patient.weight_kg, patient.blood_volume_ml
    dose = 108 * a.total.value / ml + 0.0188 * kg ** (-2 / 3) * b.total.value
    true = 108 * true_b / ml + 0.0188 * kg ** (-2 / 3) * true_w
    return [(a.body.value - (before - after)) / true_b, (a.tail.value - after) / true_b,
            b.total.value / true_w - 1, dose / true - 1, true / dose - 1,
            body.tiac_h() / true_w - 1]  # fmt: skip


def main() -> int:
    """Print the table; 1 where a row is out of band."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--patients", type=int, default=2000)
    asked.add_argument("--route", help="only routes whose name holds this")
    asked.add_argument("--sparse", action="store_true", help="schedules alone, exact readings")
    asked.add_argument("--from-zero", action="store_true", help="blood by a line from zero")
    given = asked.parse_args()
    if given.sparse:
        sparse(min(given.patients, 500))
        return 0
    known = FROM_ZERO if given.from_zero else ROUTES
    wanted = [r for r in known if not given.route or given.route in r.name]
    print(f"{'route: quantity':52}{'patients like':27}{'n':>5}{'lost':>6}{'inside':>8}{'bias':>8}"
          f"{'scatter':>9}{'u':>7}  ")  # fmt: skip
    found = []
    for route in wanted:
        for r in table([route], patients=given.patients):
            found.append(r)
            print(f"{r.quantity:52}{r.family:27}{r.patients:5}{r.lost:6.1%}{r.coverage:8.1%}"
                  f"{r.bias:+8.1%}{r.scatter:9.1%}{r.u_rel:7.1%}  {'pass' if r.passes else 'FAIL'}",
                  flush=True)  # fmt: skip
    out = sum(not r.passes for r in found)
    print(f"{len(found)} rows, {out} out of band")
    return 1 if out else 0


if __name__ == "__main__":
    sys.exit(main())
