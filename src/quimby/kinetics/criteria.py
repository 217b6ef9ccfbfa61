"""Figures by which curve models are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log

from quimby.kinetics.fit import Fit


def aicc_least_squares(n: int, parameters: int, sum_of_squares: float) -> float | None:
    """AICc of a least-squares fit whose noise is estimated from its own residuals.

    `parameters` counts sigma. None (undefined, so not admissible) for n - parameters - 1 <= 0.
    Source: Akaike 1974 and Hurvich & Tsai 1989.
    """
    spare = n - parameters - 1
    if spare <= 0:
        return None
    penalty = 2 * parameters * (parameters + 1) / spare
    return n * log(sum_of_squares / n) + 2 * parameters + penalty


def aicc_known_variance(readings: int, parameters: float, chi2: float) -> float | None:
    """``chi2 + 2K + 2K(K+1)/(N-K-1)``; None (undefined) for fewer than K + 2 readings.

    Source: Glatting et al. 2007.
    """
    spare = readings - parameters - 1
    if spare < 1:
        return None
    return chi2 + 2 * parameters + 2 * parameters * (parameters + 1) / spare


def aicc(fit: Fit) -> float | None:
    """AICc of a fit with known noise; its parameters are those that the samples settle.

    Without priors that is their number. None where undefined.
    """
    return aicc_known_variance(len(fit.samples.times_h), round(fit.parameters_told, 6), fit.chi2)


def best_by_aicc(values: Mapping[str, float | None]) -> str | None:
    """Name of the model with the smallest defined AICc; None where none is defined."""
    defined = {name: value for name, value in values.items() if value is not None}
    return min(defined, key=lambda name: defined[name]) if defined else None


def aic_known_variance(fit: Fit) -> float:
    """AIC of a fit whose noise is known: chi-square + 2 x parameters that the samples settle.

    No small-sample term: that term pays for a sigma estimated from the residuals, and here
    sigma comes from counts, outlines and recovery. A parameter that rests on its prior costs
    nothing, so a model may hold more of them than there are samples.
    """
    return fit.chi2 + 2 * fit.parameters_told


def akaike_weights(values: Sequence[float]) -> tuple[float, ...]:
    """Weights of models from their criteria; they sum to one."""
    low = min(values)
    raw = [exp(-(value - low) / 2) for value in values]
    return tuple(w / sum(raw) for w in raw)
