"""Truth beside result: one row for every figure that is known and was found."""

from __future__ import annotations

from dataclasses import dataclass

from quimby.core.uncertain import Uncertain
from quimby.demo.patient import Truth
from quimby.study.result import Result
from quimby.therapies import organ


@dataclass(frozen=True, slots=True)
class Row:
    """One figure that is known and was measured."""

    stage: str  # "tracer"; "plan"; "" where there is only one
    what: str
    unit: str
    true: float
    found: Uncertain

    @property
    def inside(self) -> bool:
        """Whether the truth lies within the stated 95 %."""
        low, high = self.found.interval()
        return low <= self.true <= high


def scanned_rows(result: Result, known: Truth) -> tuple[Row, ...]:
    """Dose of every region that was scanned; at level 1 that of published patients."""
    found = [Row("", r.name, "Gy", known.regions[r.name].electron_dose_gy, r.absorbed_dose_gy)
             for r in result.regions]  # fmt: skip
    true = organ_doses_gy(known)
    found += [Row("", d.organ.capitalize(), "Gy", true[d.organ], d.dose_gy)
              for d in result.cohort if d.organ in true]  # fmt: skip
    return tuple(found)


def organ_doses_gy(known: Truth) -> dict[str, float]:
    """True mean dose of every organ: of a pair, energy of both over mass of both."""
    sums: dict[str, tuple[float, float]] = {}
    for region in (r for r in known.regions.values() if r.outlined):
        name = organ(region.name).name
        energy, mass = sums.get(name, (0.0, 0.0))
        sums[name] = (energy + region.electron_dose_gy * region.mass_g, mass + region.mass_g)
    return {name: energy / mass for name, (energy, mass) in sums.items()}
