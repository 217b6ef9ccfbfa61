"""Choose among curve models by AICc when the noise of the readings is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.kinetics.criteria import akaike_weights, best_by_aicc
from quimby.kinetics.fit import Fit, fit
from quimby.kinetics.models import model


@dataclass(frozen=True, eq=False)
class Selection:
    """What each model scored. Models without a defined AICc are excluded."""

    selected: str
    fits: Mapping[str, Fit]
    aicc: Mapping[str, float | None]
    weights: Mapping[str, float]
    excluded: tuple[str, ...]
    notes: tuple[Note, ...]


def aicc_known_variance(readings: int, parameters: int, chi2: float) -> float | None:
    """``chi2 + 2K + 2K(K+1)/(N-K-1)``; None (undefined) for N <= K + 1.

    Source: Glatting et al. 2007.
    """
    spare = readings - parameters - 1
    if spare <= 0:
        return None
    return chi2 + 2 * parameters + 2 * parameters * (parameters + 1) / spare


def select(
    times_h: Sequence[float],
    values: Sequence[Uncertain],
    models: Sequence[str],
    *,
    physical_half_life_h: float = inf,
    where: str = "curve",
) -> Selection:
    """Fit each model and score it; a model with an undefined criterion is left out and told
    (W-AICC-UNDEFINED). Raises what `fit` raises, and E-TIA-FEW where none has a score.
    """
    n, sizes = len(times_h), {name: model(name).size for name in models}
    lost = tuple(name for name in models if n <= sizes[name] + 1)
    fits = {
        name: fit(name, times_h, values, physical_half_life_h=physical_half_life_h, where=where)
        for name in models
        if name not in lost
    }
    aicc = {name: aicc_known_variance(n, sizes[name], f.chi2) for name, f in fits.items()}
    best = best_by_aicc(aicc)
    if best is None:
        raise refusal("E-TIA-FEW", where=where, samples=n, priors=0,
                      parameters=min(sizes.values()), model=", ".join(models))  # fmt: skip
    scored = {name: value for name, value in aicc.items() if value is not None}
    weights = dict(zip(scored, akaike_weights(list(scored.values())), strict=True))
    notes = tuple(note("W-AICC-UNDEFINED", where=where, value=n, name=name) for name in lost)
    return Selection(best, fits, aicc, weights, lost, notes)
