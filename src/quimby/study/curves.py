"""Step 5, curves: from samples to time-integrated activity, as the protocol plans it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from quimby.core.notes import Note
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.kinetics.choose import Choice, choose
from quimby.kinetics.priors import Prior, priors
from quimby.kinetics.trapezoid import trapezoid
from quimby.protocols import Protocol
from quimby.study.quantify import Quantified, Reading
from quimby.study.result import Curve, Sample

FEW = 3  # fewer samples than this do not tell a half-life by themselves


@dataclass(frozen=True, eq=False)
class RegionCurve:
    """One region's samples, its curve and what is needed to make a picture of it."""

    samples: tuple[Sample, ...]
    curve: Curve
    tia_mbq_h: Uncertain
    weights_h: tuple[float, ...]  # d TIA / d activity, one a sample
    notes: tuple[Note, ...]
    constants: tuple[Constant, ...]


def region_curves(
    quantified: Quantified, organs: Mapping[str, str], protocol: Protocol, half_life_h: float
) -> dict[str, RegionCurve]:
    """A curve for every outlined region; `organs` names each one's canonical organ."""
    return {
        region.name: _curve(region.name, organs[region.name], quantified.readings, protocol,
                            half_life_h)
        for region in quantified.regions.organs
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """What a protocol says about a curve before the scans are seen."""

    models: tuple[str, ...]  # the preferred one first
    priors: tuple[Prior, ...]


def planned(protocol: Protocol, organ: str, samples: int) -> Plan:
    """Models and population knowledge for an organ with so many samples.

    With one or two samples the population's half-life joins the priors of the uptake; with more
    the patient tells it. E-NLME-PRIOR where the protocol's table lacks what is needed.
    """
    plan = protocol.calculation
    known = priors(organ, file=plan.priors, with_half_life=samples < FEW)
    return Plan(plan.models_for(organ, samples), known)


def _curve(
    name: str, organ: str, readings: tuple[Reading, ...], protocol: Protocol, half_life_h: float
) -> RegionCurve:
    samples = tuple(_sample(name, reading) for reading in readings)
    times = [s.time_h for s in samples]
    plan = planned(protocol, organ, len(samples))
    choice = choose(
        times, [s.activity_mbq for s in samples], physical_half_life_h=half_life_h,
        preferred=plan.models[0], candidates=plan.models[1:], priors=plan.priors, region=name,
    )  # fmt: skip
    constants = tuple(p.constant() for p in choice.fit.priors)
    return RegionCurve(samples, _reported(choice), choice.tia_mbq_h, choice.fit.tia_weights_h,
                       choice.notes, constants)  # fmt: skip


def _sample(name: str, reading: Reading) -> Sample:
    row = reading.recovery.regions[name]
    return Sample(
        measurement=reading.visit.id,
        time_h=reading.visit.time_h,
        activity_mbq=row.activity_mbq,
        uncorrected_mbq=row.apparent_mbq,
        by_recovery_curve_mbq=reading.by_curve_mbq.get(name),
    )


def _reported(choice: Choice) -> Curve:
    fit = choice.fit
    return Curve(
        model=fit.model,
        parameters=fit.parameters,
        covariance=fit.covariance,
        amplitudes_mbq=fit.amplitudes_mbq,
        rates_per_h=fit.rates_per_h,
        half_lives_h=fit.half_lives_h,
        residuals_u=fit.residuals_u,
        chi2=fit.chi2,
        degrees_of_freedom=fit.degrees_of_freedom,
        head_fraction=fit.head_fraction,
        tail_fraction=fit.tail_fraction,
        alternatives=choice.alternatives,
        band_times_h=fit.band_times_h,
        band_u_mbq=fit.band_u_mbq,
    )


def remainder_tia_mbq_h(readings: tuple[Reading, ...], half_life_h: float) -> float | None:
    """TIA of the rest of the body in the field of view: trapezoids, then physical decay.

    None where a scan saw no activity there; it is for closure, not for a dose.
    """
    values = [r.recovery.remainder.activity_mbq for r in readings]
    if len(values) < 2 or min(v.value for v in values) <= 0:
        return None
    area = trapezoid(
        [r.visit.time_h for r in readings], values, start="constant_backward", tail="physical",
        physical_half_life_h=half_life_h, where="rest of the body",
    )  # fmt: skip
    return area.tia_mbq_h.value
