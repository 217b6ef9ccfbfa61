"""Choose among curve models by AICc when the noise of the readings is known.

For curves that rest on priors, and for what a study does, see `choose`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.kinetics.criteria import aicc_known_variance, akaike_weights, best_by_aicc
from quimby.kinetics.fit import Fit, fit
from quimby.kinetics.models import LN2, model
from quimby.kinetics.samples import samples
from quimby.kinetics.solve import Problem, solve

__all__ = ["Score", "Selection", "aicc_known_variance", "select"]


@dataclass(frozen=True, eq=False)
class Score:
    """How one model did. `fit` is None where the readings do not show all its phases."""

    chi2: float
    aicc: float
    weight: float  # Akaike's; those of all scored models sum to one
    tia: float
    fit: Fit | None


@dataclass(frozen=True, eq=False)
class Selection:
    """The model of the smallest AICc, all scores, and models without a defined AICc."""

    selected: str
    scores: Mapping[str, Score]
    excluded: tuple[str, ...]
    notes: tuple[Note, ...]


def select(
    times_h: Sequence[float],
    values: Sequence[Uncertain],
    models: Sequence[str],
    *,
    physical_half_life_h: float = inf,
    where: str = "curve",
) -> Selection:
    """Fit each model and score it.

    A model whose criterion is undefined is left out and told (W-AICC-UNDEFINED); one with a
    phase that the readings do not show is scored and told (W-AICC-UNSEEN). Raises what `fit`
    raises otherwise, and E-TIA-FEW where no model has a score.
    """
    n, found = len(times_h), {}
    lost = tuple(name for name in models if n <= model(name).size + 1)
    for name in models:
        if name not in lost:
            found[name] = _tried(name, times_h, values, physical_half_life_h, where)
    aicc = {name: aicc_known_variance(n, model(name).size, row[0]) for name, row in found.items()}
    best = best_by_aicc(aicc)
    if best is None:
        raise refusal("E-TIA-FEW", where=where, samples=n, priors=0, model=", ".join(models),
                      parameters=min(model(name).size for name in models))  # fmt: skip
    weights = akaike_weights([a for a in aicc.values() if a is not None])
    scores = {
        name: Score(chi2, aicc[name] or 0.0, weight, tia, fitted)
        for (name, (chi2, tia, fitted)), weight in zip(found.items(), weights, strict=True)
    }
    notes = [note("W-AICC-UNDEFINED", where=where, value=n, name=name) for name in lost]
    notes += [note("W-AICC-UNSEEN", where=where, name=name)
              for name, score in scores.items() if score.fit is None]  # fmt: skip
    return Selection(best, scores, lost, tuple(notes))


def _tried(name: str, times_h: Sequence[float], values: Sequence[Uncertain], physical_h: float,
           where: str) -> tuple[float, float, Fit | None]:  # fmt: skip
    """Chi-square, integral, and the fit where every phase is seen."""
    try:
        found = fit(name, times_h, values, physical_half_life_h=physical_h, where=where)
    except QuimbyError as error:
        if error.code != "E-TIA-UNSEEN":
            raise
        problem = Problem(model(name), samples(times_h, values, where=where), (), LN2 / physical_h)
        x = solve(problem)
        misfit = problem.residuals(x)
        return float(misfit @ misfit), problem.model.build(x, LN2 / physical_h).integral(), None
    return found.chi2, found.tia_mbq_h.value, found
