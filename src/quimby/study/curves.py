"""Step 5, curves: from samples to time-integrated activity, as the protocol plans it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import exp

from quimby.core.notes import Note, note
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.kinetics.choose import Choice
from quimby.kinetics.joint import Joint, common_factor
from quimby.kinetics.one_point import population_half_life_tia
from quimby.kinetics.one_scan import RULES
from quimby.kinetics.priors import Prior, PriorFile, is_wide, shipped
from quimby.kinetics.together import Asked, choose_together
from quimby.kinetics.trapezoid import Lines, trapezoid
from quimby.protocols import Protocol
from quimby.protocols.curve_plan import FEW, manner, planned
from quimby.study.hybrid import Scaled
from quimby.study.quantify import Quantified, Reading
from quimby.study.result import Curve, Sample


@dataclass(frozen=True, eq=False)
class RegionCurve:
    """One region's samples, its curve and what is needed to make a picture of it."""

    samples: tuple[Sample, ...]
    curve: Curve
    tia_mbq_h: Uncertain
    weights_h: tuple[float, ...]  # d TIA / d activity, one a SPECT/CT
    notes: tuple[Note, ...]
    constants: tuple[Constant, ...]
    choice: Choice  # the fits behind the curve
    lines: Lines = field(default_factory=Lines)  # how trapezoids were joined
    joint: Joint | None = None  # the fit that it has together with other regions


@dataclass(frozen=True, slots=True)
class Known:
    """What goes before the shipped priors: the centre's table, and the patient's own half-lives.

    `agent` is the substance given; `half_lives` names an outline's own one of an earlier cycle.
    """

    agent: str = ""
    table: PriorFile | None = None
    half_lives: Mapping[str, Prior] = field(default_factory=dict)


NOTHING = Known()
_NONE: Mapping[str, tuple[Scaled, ...]] = {}


def region_curves(
    quantified: Quantified, organs: Mapping[str, str], protocol: Protocol, half_life_h: float,
    known: Known = NOTHING, *, more: Mapping[str, tuple[Scaled, ...]] = _NONE,
) -> dict[str, RegionCurve]:  # fmt: skip
    """A curve for every outlined region; `organs` names each one's canonical organ.

    `more` are points of planar scans, each on the scale of one of the scans.
    """
    scans = {
        region.name: tuple(
            _sample(region.name, reading)
            for reading in quantified.readings
            if region.name in reading.recovery.regions
        )
        for region in quantified.regions.organs
    }
    samples = {
        name: _in_order([*of_scans, *(m.sample for m in more.get(name, ()))], protocol)
        for name, of_scans in scans.items()
    }
    shared = _shared(samples)
    asked = {name: _asked(name, organs[name], one, protocol, known, shared)
             for name, one in samples.items()}  # fmt: skip
    found: dict[str, tuple[Choice, Joint | None]] = {}
    for group in _groups(organs, list(samples), protocol):
        if len(group) == 1:
            found[group[0]] = asked[group[0]].alone(half_life_h), None
            continue
        both = choose_together([asked[name] for name in group], physical_half_life_h=half_life_h)
        found |= {name: (choice, both.joints.get(name)) for name, choice in both.choices.items()}
    ids = tuple(reading.visit.id for reading in quantified.readings)
    return {
        name: _curve(asked[name], ids, one, found[name], protocol, known,
                     more.get(name, ()))
        for name, one in samples.items()
    }  # fmt: skip


def _in_order(samples: list[Sample], protocol: Protocol) -> tuple[Sample, ...]:
    """Samples by time, each with its scan's common factor where the protocol states one."""
    u = protocol.imaging.scan_factor_u
    if u:
        samples = [replace(s, activity_mbq=common_factor(s.activity_mbq, s.measurement, u))
                   for s in samples]  # fmt: skip
    return tuple(sorted(samples, key=lambda s: s.time_h))


def _shared(samples: Mapping[str, tuple[Sample, ...]]) -> frozenset[str]:
    """Causes that more than one region has: they keep their names, so that sums stay right."""
    seen = Counter(
        cause
        for one in samples.values()
        for cause in {c for s in one for c, part in s.activity_mbq.parts.items() if part}
    )
    return frozenset(cause for cause, regions in seen.items() if regions > 1)


def _groups(organs: Mapping[str, str], names: list[str], protocol: Protocol) -> list[list[str]]:
    """Regions that are fitted at once, as the protocol says; each of the others by itself."""
    together = protocol.imaging.together
    groups = [[n for n in names if organs[n] in group] for group in together]
    taken = {n for group in groups for n in group}
    return [*(g for g in groups if g), *([n] for n in names if n not in taken)]


def _asked(
    name: str, organ: str, samples: tuple[Sample, ...], protocol: Protocol, known: Known,
    shared: frozenset[str],
) -> Asked:  # fmt: skip
    """What the protocol plans for one region."""
    way = protocol.imaging
    plan = planned(protocol, organ, len(samples), table=known.table,
                   half_life=known.half_lives.get(name))  # fmt: skip
    return Asked(
        name, tuple(s.time_h for s in samples), tuple(s.activity_mbq for s in samples),
        plan.models, plan.priors, organ if organ in way.same_washout else "",
        manner(protocol, organ, shared),
    )  # fmt: skip


def _curve(
    asked: Asked, scans: tuple[str, ...], samples: tuple[Sample, ...],
    found: tuple[Choice, Joint | None], protocol: Protocol, known: Known,
    more: tuple[Scaled, ...],
) -> RegionCurve:  # fmt: skip
    choice, joint = found
    tia, told = _of_half_life(asked.name, samples, choice, asked.priors)
    if len(samples) < FEW:
        own = known.half_lives.get(asked.name)
        told += _whose(asked.name, own, protocol.imaging.priors, known)
        told += _assumed(asked, own, protocol.imaging.priors, known)
    constants = tuple(p.constant() for p in choice.fit.priors)
    weights = _of_scans(scans, samples, choice.tia_weights_h, more)
    return RegionCurve(samples, _reported(choice), tia, weights, (*choice.notes, *told), constants,
                       choice, asked.manner.lines, joint)  # fmt: skip


def _of_scans(
    scans: tuple[str, ...], samples: tuple[Sample, ...], weights_h: tuple[float, ...],
    more: tuple[Scaled, ...],
) -> tuple[float, ...]:  # fmt: skip
    """d TIA / d activity of each scan, with what its planar points add through their ratio.

    Nothing for a scan that the region was left out of.
    """
    each = dict(zip((s.measurement for s in samples), weights_h, strict=True))
    for one in more:
        each[one.anchor] += one.ratio * each[one.sample.measurement]
    return tuple(each.get(scan, 0.0) for scan in scans)


def _of_half_life(
    name: str, samples: tuple[Sample, ...], choice: Choice, told: tuple[Prior, ...]
) -> tuple[Uncertain, tuple[Note, ...]]:
    """With one scan, the half-life's doubt from quantiles: its slope vanishes at T / ln 2.

    Rules for one scan have done so themselves.
    """
    tia = choice.tia_mbq_h
    half_life = next((p for p in told if p.quantity == "effective"), None)
    if len(samples) > 1 or half_life is None or choice.fit.model in RULES:
        return tia, ()
    (one,) = samples
    found = population_half_life_tia(one.activity_mbq, one.time_h, half_life, where=name)
    scale = tia.value / found.tia_mbq_h.value
    parts = dict(tia.parts)
    for cause, part in found.tia_mbq_h.parts.items():
        if cause not in one.activity_mbq.parts and abs(parts.get(cause, 0.0)) < part * scale:
            parts[cause] = part * scale
    return Uncertain(tia.value, parts), found.notes


def _whose(name: str, own: Prior | None, file: str, known: Known) -> tuple[Note, ...]:
    """Whose half-life one or two scans rest on, where it is another's than one would think."""
    if own is not None:
        return (note("I-TIA-CARRIED", where=name, cycle=f"the {own.cause}"),)
    agents = (known.table or shipped(file)).agents
    if not agents or any(_plain(a) in _plain(known.agent) for a in agents):
        return ()
    return (note("W-PRIOR-AGENT", where=name, known=" or ".join(agents),
                 agent=known.agent or "a substance not named"),)  # fmt: skip


def _assumed(asked: Asked, own: Prior | None, file: str, known: Known) -> tuple[Note, ...]:
    """W-PRIOR-WIDE for a curve on a half-life that no table has for this organ."""
    tissue = asked.manner.organ
    if own is not None or not is_wide(tissue, file=file, own=known.table):
        return ()
    half_life = next((p for p in asked.priors if p.quantity == "effective"), None)
    if half_life is None or half_life.fixed:
        return ()
    return (note("W-PRIOR-WIDE", where=asked.name, organ=tissue, value=half_life.median,
                 spread=exp(2 * half_life.sd_ln)),)  # fmt: skip


def _plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())


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
        drawn_mbq=fit.drawn_mbq,
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
