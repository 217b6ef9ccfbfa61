"""From simulated scans to time-integrated activity, by the models that a run would use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quimby.advise.simulate_batch import Batch, chosen
from quimby.advise.simulate_curves import Array, Curves
from quimby.advise.simulate_readings import Taken
from quimby.core.errors import QuimbyError
from quimby.core.uncertain import Uncertain
from quimby.kinetics.choose import Manner, choose
from quimby.kinetics.samples import samples
from quimby.measure.hybrid import GAP_LIMIT_H, PlanarPoint, hybrid_curve
from quimby.protocols import Protocol
from quimby.protocols.curve_plan import Plan, manner, planned

Reading = tuple[float, Uncertain]
Found = tuple[Array, tuple[str, ...]]  # values, and a code for each that was refused
WHERE = "simulated region"


def image_tias(
    protocol: Protocol, region: str, taken: Sequence[Taken], curve: Curves, *, half_life_h: float
) -> Found:
    """TIA of every patient from his scans, unit of the curve times h; NaN where a run refuses."""
    values = {t.id: t.of(curve) for t in taken}
    count = len(curve.amplitudes)
    read: list[list[Reading]] = []
    refused: list[str] = []
    found = np.full(count, np.nan)
    for number in range(count):
        try:
            read.append(readings(taken, values, number))
        except QuimbyError as error:
            read.append([])
            refused.append(error.code)
    refused += ["E-TIA-FEW"] * (sum(not r for r in read) - len(refused))
    for size in {len(r) for r in read} - {0}:
        rows = [i for i in range(count) if len(read[i]) == size]
        plan = planned(protocol, region, size)
        found[rows], codes = _tias([read[i] for i in rows], plan, manner(protocol, region),
                                   half_life_h)  # fmt: skip
        refused += codes
    return found, tuple(refused)


def readings(taken: Sequence[Taken], values: dict[str, Array], number: int) -> list[Reading]:
    """SPECT/CT and PET as they are, planar scans on the scale of the nearest SPECT/CT."""
    scans = [_read(t, values, number) for t in taken if t.kind in ("spect", "pet")]
    planar = [_read(t, values, number) for t in taken if t.kind == "planar"]
    if scans and planar:
        points = [PlanarPoint(t, a) for t, a in planar]
        time_h, spect = min(scans, key=lambda s: min(abs(s[0] - p.time_h) for p in points))
        scaled = hybrid_curve(spect, time_h, points, region=WHERE)
        at = [t for t, _ in scans]
        scans += [(t, a) for t, a in zip(scaled.times_h, scaled.activities_mbq, strict=True)
                  if min(abs(t - s) for s in at) > GAP_LIMIT_H]  # fmt: skip
    return sorted(scans, key=lambda row: row[0])


def _read(one: Taken, values: dict[str, Array], number: int) -> Reading:
    value = float(values[one.id][number])
    return float(one.times_h[number]), Uncertain(value, {f"counts, {one.id}": one.u_rel * value})


def _tias(read: Sequence[Sequence[Reading]], plan: Plan, how: Manner, half_life_h: float
          ) -> tuple[Array, list[str]]:  # fmt: skip
    """The values that `kinetics.choose` gives, most of them without the work on their doubt."""
    plain = how.selection == "planned" and not any(p.fixed for p in plan.priors)
    models = plan.models if plain else ()  # else `choose` has each one to itself
    found = chosen(_batch(read), models, plan.priors, half_life_h=half_life_h)
    refused = []
    for i in np.flatnonzero(np.isnan(found)).tolist():
        try:
            found[i] = by_choice(read[i], plan, how, half_life_h=half_life_h)
        except QuimbyError as error:  # an outcome: counted and shown
            refused.append(error.code)
    return found, refused


def _batch(read: Sequence[Sequence[Reading]]) -> Batch:
    sorted_ = [samples([t for t, _ in row], [a for _, a in row], where=WHERE) for row in read]
    values = np.array([[a.value for a in s.activities_mbq] for s in sorted_]).T
    random = np.array([s.random_mbq for s in sorted_]).T
    return Batch(np.array([s.times_h for s in sorted_]).T, np.log(values), random / values)


def by_choice(read: Sequence[Reading], plan: Plan, how: Manner, *, half_life_h: float) -> float:
    """One patient's value by `kinetics.choose`, as a run has it."""
    found = choose([t for t, _ in read], [a for _, a in read], physical_half_life_h=half_life_h,
                   preferred=plan.models[0], candidates=plan.models[1:], priors=plan.priors,
                   region=WHERE, manner=how)  # fmt: skip
    return found.tia_mbq_h.value
