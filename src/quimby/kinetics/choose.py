"""Which curve: the protocol names one, the readings may reject it, the doubt is kept.

With three or four scans no criterion can tell the models apart, and the simplest is not the
safest: on a true uptake and clearance a mono-exponential looks well and covers badly. So the
model is planned beforehand, a chi-square test must not reject it, and the spread of those that
stand beside it is one more cause of doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import copysign, inf, sqrt

from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, in_order, note
from quimby.core.uncertain import Uncertain
from quimby.kinetics.criteria import aic_known_variance, akaike_weights
from quimby.kinetics.fit import Fit, fit, gathered
from quimby.kinetics.priors import Prior
from quimby.kinetics.samples import looks

REJECT_BELOW = 0.05  # p of the chi-square test


@dataclass(frozen=True, slots=True)
class Alternative:
    """A model that was tried."""

    model: str
    tia_mbq_h: float | None
    chi2: float | None
    p: float | None
    verdict: str  # "used", "admissible", "rejected: …", "not possible: …"


@dataclass(frozen=True, eq=False)
class Choice:
    """The curve used, and what else was tried.

    `tia_mbq_h` has what only this curve suffers gathered as "curve fit, <region>" and the
    spread between admissible models as "curve model"; shared causes and priors keep their names.
    """

    fit: Fit
    tia_mbq_h: Uncertain
    alternatives: tuple[Alternative, ...]
    notes: tuple[Note, ...]


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
) -> Choice:
    """Fit the preferred model and its rivals, test them, and keep the doubt between them.

    The first model, in the order given, that is possible and not rejected (p >= 0.05) is used.
    When all are rejected the one that agrees best is used with its random doubt widened by
    sqrt(chi2 / degrees of freedom) and W-TIA-MISFIT. Rising or mistyped readings are noted.

    Raises what `fit` raises, when no model is possible (the preferred one's reason).
    """
    where = region or "curve"
    tried: dict[str, Fit | QuimbyError] = {}
    for name in dict.fromkeys((preferred, *candidates)):
        try:
            tried[name] = fit(
                name, times_h, activities_mbq, physical_half_life_h=physical_half_life_h,
                priors=priors, slower=slower, where=where,
            )  # fmt: skip
        except QuimbyError as error:
            tried[name] = error
    possible = [f for f in tried.values() if isinstance(f, Fit)]
    if not possible:
        raise next(error for error in tried.values() if isinstance(error, QuimbyError))
    good = [f for f in possible if not _rejected(f)]
    used = good[0] if good else max(possible, key=lambda f: f.p or 0.0)
    seen = used.samples
    notes = [*used.notes, *_choice_notes(used, tried, preferred, where=where, good=bool(good))]
    notes += looks(seen.times_h, [a.value for a in seen.activities_mbq], where=where,
                   physical_half_life_h=physical_half_life_h)  # fmt: skip
    return Choice(
        fit=used,
        tia_mbq_h=_with_model_doubt(used, good, region),
        alternatives=tuple(_alternative(name, f, used) for name, f in tried.items()),
        notes=in_order(notes),
    )


def _rejected(f: Fit) -> bool:
    return f.p is not None and f.p < REJECT_BELOW


def _choice_notes(used: Fit, tried: dict[str, Fit | QuimbyError], preferred: str, *,
                  where: str, good: bool) -> list[Note]:  # fmt: skip
    found = []
    first = tried[preferred]
    if not good:
        found.append(note("W-TIA-MISFIT", where=where, value=used.p, limit=REJECT_BELOW))
    elif isinstance(first, Fit) and first is not used:
        found.append(note("W-TIA-MODEL", where=where, value=first.p, limit=REJECT_BELOW,
                          planned=preferred, used=used.model))  # fmt: skip
    elif first is not used:
        found.append(note("I-TIA-MODEL", where=where, planned=preferred, used=used.model,
                          why=str(getattr(first, "what", first))))  # fmt: skip
    if used.priors:
        what = ", ".join(p.cause for p in used.priors)
        found.append(note("I-TIA-PRIOR", where=where, what=what))
    return found


def _with_model_doubt(used: Fit, good: Sequence[Fit], region: str) -> Uncertain:
    widen = (
        1.0 if good or not used.degrees_of_freedom else sqrt(used.chi2 / used.degrees_of_freedom)
    )
    name = f"curve fit, {region}" if region else "curve fit"
    tia = used.tia_mbq_h
    if len(used.samples.times_h) > 1:  # with one sample nothing can be told from a shared cause
        tia = gathered(tia, used.samples.random_causes, under=name)
    if widen > 1 and name in tia.parts:
        tia = Uncertain(tia.value, {**tia.parts, name: tia.parts[name] * widen})
    part = model_spread(used, good)
    return tia.because("curve model", part) if part else tia


def model_spread(used: Fit, admissible: Sequence[Fit]) -> float:
    """Weighted spread of the admissible models' TIA about the one used, signed, MBq h."""
    if len(admissible) < 2:
        return 0.0
    weights = akaike_weights([aic_known_variance(f) for f in admissible])
    away = [f.tia_mbq_h.value - used.tia_mbq_h.value for f in admissible]
    mean = sum(w * d for w, d in zip(weights, away, strict=True))
    return copysign(sqrt(sum(w * d * d for w, d in zip(weights, away, strict=True))), mean)


def _alternative(name: str, f: Fit | QuimbyError, used: Fit) -> Alternative:
    if isinstance(f, QuimbyError):
        return Alternative(name, None, None, None, f"not possible: {getattr(f, 'what', f)}")
    open_or_not = f"rejected: p = {f.p:.3f}" if _rejected(f) else "admissible"
    verdict = "used" if f is used else open_or_not
    return Alternative(name, f.tia_mbq_h.value, f.chi2, f.p, verdict)
