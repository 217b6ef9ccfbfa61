"""A second look at the doubt of each dose: the chain from readings to dose, 100 000 times over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from quimby.core.notes import Note, gathered, note
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.dose.self_dose import ABSORBED_FRACTION, ELECTRON_ENERGY
from quimby.dose.spheres import SHAPE_DOUBT, electron_fraction
from quimby.kinetics.joint import Joint
from quimby.kinetics.monte_carlo import (
    AGREES,
    Comparison,
    Draws,
    compare,
    fitted_tia,
    joint_tia,
    remaining,
)
from quimby.physics.nuclides import Nuclide, delta_gy_g_per_mbq_h
from quimby.study.curves import RegionCurve
from quimby.study.cycle import Cycle
from quimby.study.result import RegionResult, Result

Array = NDArray[np.float64]
MASSES = 60  # where the absorbed fraction is worked out; straight lines between
METHOD = "Monte Carlo check"


def with_second_look(result: Result, cycle: Cycle, *, draws: Draws | None = None) -> Result:
    """The result with every dose's doubt by Monte Carlo beside that to first order.

    W-UNC-S1 for each whose standard uncertainties differ by more than 10 %. Rows that rest on
    more than curves and masses (marrow) are not looked at. Raises E-UNC-TRIALS.
    """
    draws = draws or Draws()
    doses = _doses(result.regions, cycle, draws)
    rows = [r for r in (*result.combined, *result.regions) if r.name in doses or _pair(r, doses)]
    looked = tuple(compare(r.name, r.absorbed_dose_gy, _draws_of(r, doses, cycle, draws))
                   for r in rows)  # fmt: skip
    notes = gathered((*result.notes, *_notes(looked)))
    said = f"{draws.trials:,} trials, seed {draws.seed}".replace(",", " ")
    methods = (*result.trace.methods, (METHOD, f"GUM Supplement 1: {said}"))
    return replace(result, monte_carlo=looked, notes=notes,
                   trace=replace(result.trace, methods=methods))  # fmt: skip


def _notes(looked: Sequence[Comparison]) -> list[Note]:
    return [
        note("W-UNC-S1", where=one.name, value=one.ratio, limit=AGREES,
             first=one.first_order.u_rel, drawn=one.monte_carlo.u / one.first_order.value)
        for one in looked
        if not one.agrees
    ]  # fmt: skip


def _pair(row: RegionResult, doses: dict[str, Array]) -> bool:
    return row.organ != "marrow" and bool(row.members) and all(m in doses for m in row.members)


def _doses(rows: Sequence[RegionResult], cycle: Cycle, draws: Draws) -> dict[str, Array]:
    """Drawn dose of every region, Gy."""
    nuclide = cycle.setting.nuclide
    joints: dict[int, dict[str, Array]] = {}
    return {
        row.name: _tia(row.name, cycle.curves[row.name], draws, joints)
        * _dose_factor(row.mass_g, nuclide, nuclide.electron_mev, draws)
        for row in rows
    }


def _tia(name: str, curve: RegionCurve, draws: Draws, joints: dict[int, dict[str, Array]]
         ) -> Array:  # fmt: skip
    """Drawn integrals of one region: its curves fitted again, and what stands beside them."""
    fits = [f for f, _ in curve.choice.averaged]
    beside = draws.deviations(remaining(curve.tia_mbq_h, fits))
    if curve.joint is not None:
        return _joint(curve.joint, draws, joints)[name] + beside
    found = sum(w * fitted_tia(f, draws, lines=curve.lines) for f, w in curve.choice.averaged)
    return np.asarray(found + beside)


def _joint(joint: Joint, draws: Draws, joints: dict[int, dict[str, Array]]) -> dict[str, Array]:
    if id(joint) not in joints:
        joints[id(joint)] = joint_tia(joint, draws)
    return joints[id(joint)]


def _dose_factor(mass_g: Uncertain, nuclide: Nuclide, energy: Constant, draws: Draws) -> Array:
    """Drawn dose per time-integrated activity, Gy/(MBq h), as `dose.self_dose` has it."""
    mass = draws.positive(mass_g)
    mev = draws.positive(Uncertain(energy.value, {ELECTRON_ENERGY: energy.u}))
    grid = np.geomspace(mass.min(), mass.max() * (1 + 1e-9), MASSES)
    kept = np.interp(mass, grid, [electron_fraction(nuclide.name, float(m)) for m in grid])
    shape = SHAPE_DOUBT * (1 - electron_fraction(nuclide.name, mass_g.value))
    kept = kept + draws.deviations(Uncertain(0.0, {ABSORBED_FRACTION: shape}))
    return np.asarray(delta_gy_g_per_mbq_h(1.0) * mev * kept / mass)


def _draws_of(row: RegionResult, doses: dict[str, Array], cycle: Cycle, draws: Draws) -> Array:
    if row.name in doses:
        return doses[row.name]
    by_name = {r.name: r for r in cycle.regions}
    masses = [draws.positive(by_name[m].mass_g) for m in row.members]
    weighted = sum(m * doses[name] for m, name in zip(masses, row.members, strict=True))
    return np.asarray(weighted / sum(masses))
