"""Which curve: the protocol names one, the readings may reject it, the doubt is kept.

With three or four scans no criterion can tell the models apart, and the simplest is not the
safest: on a true uptake and clearance a mono-exponential looks well and covers badly. So the
model is planned beforehand, a chi-square test must not reject it, and the spread of those that
stand beside it is one more cause of doubt. A protocol may ask for an average instead, where
AICc is defined for two models at least (docs/decisions/0011-curve-choice.md has the numbers).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import copysign, inf, sqrt

from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, in_order, note, refusal
from quimby.core.uncertain import Uncertain, combine
from quimby.kinetics import trapezoid
from quimby.kinetics.criteria import aic_known_variance, aicc, akaike_weights
from quimby.kinetics.fit import Fit, fit, gathered
from quimby.kinetics.models import LN2
from quimby.kinetics.one_scan import RULES, one_scan_fit
from quimby.kinetics.priors import Prior
from quimby.kinetics.samples import looks
from quimby.kinetics.slower import with_slower_phase

REJECT_BELOW = 0.05  # p of the chi-square test
SELECTIONS = ("planned", "average")
Tried = Mapping[str, Fit | QuimbyError]


@dataclass(frozen=True, slots=True)
class Alternative:
    """A model that was tried."""

    model: str
    tia_mbq_h: float | None
    chi2: float | None
    p: float | None
    verdict: str  # "used", "admissible", "averaged, weight …", "rejected: …", "not possible: …"


@dataclass(frozen=True, eq=False)
class Choice:
    """The curve used, and what else was tried.

    `tia_mbq_h` has what only this curve suffers gathered as "curve fit, <region>", the spread
    between admissible models as "choice of curve model, <organ>" and what no scan shows as
    "slower phase, unseen, <organ>"; shared causes and priors keep their names. `weights` are those
    of the averaged models, {used: 1} without.
    """

    fit: Fit
    tia_mbq_h: Uncertain
    alternatives: tuple[Alternative, ...]
    notes: tuple[Note, ...]
    averaged: tuple[tuple[Fit, float], ...] = ()  # each curve of the result with its weight

    @property
    def tia_weights_h(self) -> tuple[float, ...]:
        """d(TIA)/d(activity), one a sample."""
        rows = [[w * slope for slope in f.tia_weights_h] for f, w in self.averaged]
        return tuple(sum(column) for column in zip(*rows, strict=True))


@dataclass(frozen=True, slots=True)
class Manner:
    """How a curve is chosen and named.

    `selection` is "planned" or "average". `organ` names the choice's doubt, which paired regions
    share. `shared` are causes of other regions too: they keep their names, so that sums over
    regions stay right. `lines` says how trapezoids are drawn, where they are planned.
    """

    selection: str = "planned"
    organ: str = ""
    shared: frozenset[str] = frozenset()
    lines: trapezoid.Lines = field(default_factory=trapezoid.Lines)


PLANNED = Manner()


def choose(
    times_h: Sequence[float],
    activities_mbq: Sequence[Uncertain],
    *,
    physical_half_life_h: float = inf,
    preferred: str = "mono",
    candidates: Sequence[str] = (),
    priors: Sequence[Prior] = (),
    slower: str = "refuse",
    region: str = "",
    manner: Manner = PLANNED,
) -> Choice:
    """Fit the preferred model and its rivals, test them, and keep the doubt between them.

    The first model, in the order given, that is possible and not rejected (p >= 0.05) is used.
    When all are rejected the one that agrees best is used with its random doubt widened by
    sqrt(chi2 / degrees of freedom) and W-TIA-MISFIT. Rising or mistyped readings are noted.
    `manner.selection` "average" takes the mean of all that stand, with Akaike weights, where
    AICc is defined for two of them at least.

    Raises what `fit` raises, when no model is possible (the preferred one's reason).
    """
    tried = all_tried(
        times_h, activities_mbq, (preferred, *candidates), priors=priors, slower=slower,
        physical_half_life_h=physical_half_life_h, where=region or "curve", lines=manner.lines,
    )  # fmt: skip
    return settled(tried, region=region, manner=manner, physical_half_life_h=physical_half_life_h)


def all_tried(
    times_h: Sequence[float], activities_mbq: Sequence[Uncertain], models: Sequence[str], *,
    physical_half_life_h: float, priors: Sequence[Prior] = (), slower: str = "refuse",
    where: str = "curve", lines: trapezoid.Lines = PLANNED.lines,
) -> Tried:  # fmt: skip
    """Every model's fit, or why there is none."""
    tried: dict[str, Fit | QuimbyError] = {}
    for name in dict.fromkeys(models):
        try:
            tried[name] = _fitted(name, times_h, activities_mbq, physical_half_life_h, priors,
                                  slower, where, lines)  # fmt: skip
        except QuimbyError as error:
            tried[name] = error
    return tried


def _fitted(
    name: str, times_h: Sequence[float], values: Sequence[Uncertain], physical_h: float,
    priors: Sequence[Prior], slower: str, where: str, lines: trapezoid.Lines,
) -> Fit:  # fmt: skip
    if name == trapezoid.NAME:
        return trapezoid.trapezoid_fit(times_h, values, lines=lines, where=where,
                                       physical_half_life_h=physical_h)  # fmt: skip
    if name in RULES:
        return one_scan_fit(name, times_h, values, priors=priors, where=where,
                            physical_half_life_h=physical_h)  # fmt: skip
    return fit(name, times_h, values, physical_half_life_h=physical_h, priors=priors,
               slower=slower, where=where)  # fmt: skip


def settled(tried: Tried, *, region: str, manner: Manner, physical_half_life_h: float) -> Choice:
    """The choice among models that were tried, the planned one first.

    Raises the planned model's reason, where none was possible.
    """
    where = region or "curve"
    if manner.selection not in SELECTIONS:
        raise refusal("E-TIA-MODEL", where=where, name=manner.selection,
                      known=", ".join(SELECTIONS))  # fmt: skip
    possible = [f for f in tried.values() if isinstance(f, Fit)]
    if not possible:
        raise next(error for error in tried.values() if isinstance(error, QuimbyError))
    good = [f for f in possible if not _rejected(f)]
    used = good[0] if good else max(possible, key=lambda f: f.p or 0.0)
    averaged = _averaged(good) if manner.selection == "average" else ()
    if averaged:
        used = max(averaged, key=lambda row: row[1])[0]
    seen = used.samples
    notes = list(used.notes)
    notes += _choice_notes(used, tried, where=where, good=bool(good), averaged=averaged)
    notes += _average_notes(good, averaged, manner, where)
    notes += looks(seen.times_h, [a.value for a in seen.activities_mbq], where=where,
                   physical_half_life_h=physical_half_life_h)  # fmt: skip
    rows = averaged or ((used, 1.0),)
    tia = _gathered(_mean(rows), used, bool(good), region, manner.shared)
    tia = _with_choice(tia, rows, good, manner.organ or region)
    return Choice(
        fit=used,
        tia_mbq_h=with_slower_phase(tia, rows, physical_rate=LN2 / physical_half_life_h,
                                    organ=manner.organ or region),
        alternatives=tuple(_alternative(name, f, used, dict(averaged))
                           for name, f in tried.items()),
        notes=in_order(notes),
        averaged=rows,
    )  # fmt: skip


def _rejected(f: Fit) -> bool:
    return f.p is not None and f.p < REJECT_BELOW


def _averaged(good: Sequence[Fit]) -> tuple[tuple[Fit, float], ...]:
    """Models that stand, with their weights; none where AICc is defined for fewer than two.

    Trapezoids have no criterion: they stand alone or not at all.
    """
    scored = [(f, score) for f in good if f.problem and (score := aicc(f)) is not None]
    if len(scored) < 2:
        return ()
    weights = akaike_weights([score for _, score in scored])
    return tuple((f, w) for (f, _), w in zip(scored, weights, strict=True))


def _mean(rows: Sequence[tuple[Fit, float]]) -> Uncertain:
    value = sum(w * f.tia_mbq_h.value for f, w in rows)
    return combine(value, *((f.tia_mbq_h, w) for f, w in rows))


def _average_notes(good: Sequence[Fit], averaged: Sequence[tuple[Fit, float]], manner: Manner,
                   where: str) -> tuple[Note, ...]:  # fmt: skip
    """I-TIA-NO-AVERAGE where a mean was asked for and curves that stand cannot be weighed."""
    if manner.selection != "average" or averaged or len(good) < 2:
        return ()
    weighed = sum(bool(f.problem) and aicc(f) is not None for f in good)
    return (note("I-TIA-NO-AVERAGE", where=where, samples=len(good[0].samples.times_h),
                 models=str(weighed) if weighed else "none"),)  # fmt: skip


def _choice_notes(used: Fit, tried: Tried, *, where: str, good: bool,
                  averaged: Sequence[tuple[Fit, float]]) -> list[Note]:  # fmt: skip
    found = []
    preferred, first = next(iter(tried.items()))
    if averaged:
        said = ", ".join(f"{f.model} {w:.0%}" for f, w in averaged)
        found.append(note("I-TIA-AVERAGE", where=where, what=said))
    elif not good:
        found.append(note("W-TIA-MISFIT", where=where, value=used.p, limit=REJECT_BELOW))
    elif isinstance(first, Fit) and first is not used:
        found.append(note("W-TIA-MODEL", where=where, value=first.p, limit=REJECT_BELOW,
                          planned=preferred, used=used.model))  # fmt: skip
    elif first is not used:
        found.append(note("I-TIA-MODEL", where=where, planned=preferred, used=used.model,
                          why=str(getattr(first, "what", first))))  # fmt: skip
    told = "; ".join(p.cause.removeprefix("prior, ") for p in used.priors if not p.fixed)
    held = "; ".join(p.cause.removeprefix("prior, ") for p in used.priors if p.fixed)
    found += [note("I-TIA-PRIOR", where=where, what=told)] if told else []
    found += [note("I-TIA-FIXED", where=where, what=held)] if held else []
    return found


def _gathered(
    tia: Uncertain, used: Fit, good: bool, region: str, shared: frozenset[str]
) -> Uncertain:
    """What only this curve suffers under one name, and wider where no model agrees."""
    widen = (
        1.0 if good or not used.degrees_of_freedom else sqrt(used.chi2 / used.degrees_of_freedom)
    )
    name = f"curve fit, {region}" if region else "curve fit"
    if len(used.samples.times_h) > 1:  # with one sample nothing can be told from a shared cause
        tia = gathered(tia, used.samples.random_causes - shared, under=name)
    if widen > 1 and name in tia.parts:
        tia = Uncertain(tia.value, {**tia.parts, name: tia.parts[name] * widen})
    return tia


def _with_choice(
    tia: Uncertain, rows: Sequence[tuple[Fit, float]], good: Sequence[Fit], name: str
) -> Uncertain:
    """With the doubt of the choice: the spread of the models about the value."""
    cause = f"choice of curve model, {name}" if name else "choice of curve model"
    if len(rows) > 1:  # signed by the first, so that left and right differ alike
        away = [f.tia_mbq_h.value - tia.value for f, _ in rows]
        size = sqrt(sum(w * d * d for (_, w), d in zip(rows, away, strict=True)))
        part = copysign(size, away[0])
    else:
        part = model_spread(rows[0][0], [f for f in good if f.problem])
    return Uncertain(tia.value, {**tia.parts, cause: part}) if part else tia


def model_spread(used: Fit, admissible: Sequence[Fit]) -> float:
    """Weighted spread of the admissible models' TIA about the one used, signed, MBq h."""
    if len(admissible) < 2:
        return 0.0
    weights = akaike_weights([aic_known_variance(f) for f in admissible])
    away = [f.tia_mbq_h.value - used.tia_mbq_h.value for f in admissible]
    mean = sum(w * d for w, d in zip(weights, away, strict=True))
    return copysign(sqrt(sum(w * d * d for w, d in zip(weights, away, strict=True))), mean)


def _alternative(
    name: str, f: Fit | QuimbyError, used: Fit, averaged: Mapping[Fit, float]
) -> Alternative:
    if isinstance(f, QuimbyError):
        return Alternative(name, None, None, None, f"not possible: {getattr(f, 'what', f)}")
    verdict = f"rejected: p = {f.p:.3f}" if _rejected(f) else "admissible"
    if f in averaged:
        verdict = f"averaged, weight {averaged[f]:.0%}"
    return Alternative(name, f.tia_mbq_h.value, f.chi2, f.p, "used" if f is used else verdict)
