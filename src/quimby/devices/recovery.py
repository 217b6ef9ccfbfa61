"""Recovery coefficients: model, fit to spheres, and use for a region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erf, exp, log, pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import expit

from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain, combine

Float = NDArray[np.float64]
CURVE_CAUSES = ("recovery curve, position", "recovery curve, steepness")
LOW = 0.3  # [P]
LEAST_BEST = 0.05  # recovery of the best sphere below which something else is wrong [P]
U_LIMIT = 0.25  # [P]
FWHM_PER_SIGMA = 2.0 * sqrt(2.0 * log(2.0))


@dataclass(frozen=True, slots=True)
class RecoveryCurve:
    """RC(V) = 1 / (1 + (alpha/V)^beta), with the covariance of alpha (ml) and beta.

    `cf_geometry` and `reconstruction` say what it may be used with ("" = not said).
    """

    alpha_ml: float
    beta: float
    covariance: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 0.0), (0.0, 0.0))
    volume_range_ml: tuple[float, float] = (0.0, float("inf"))
    cf_geometry: str = ""
    reconstruction: str = ""

    def at(self, volume_ml: float) -> float:
        """Recovery coefficient of a volume; E-RC-VOLUME unless above zero."""
        return float(1.0 / (1.0 + (self.alpha_ml / _volume(volume_ml)) ** self.beta))

    def slopes(self, volume_ml: float) -> tuple[float, float, float]:
        """d RC by volume (1/ml), alpha (1/ml) and beta."""
        z = (_volume(volume_ml) / self.alpha_ml) ** self.beta
        bend = z / (1.0 + z) ** 2
        by_volume = self.beta * bend / volume_ml
        by_alpha = -self.beta * bend / self.alpha_ml
        return by_volume, by_alpha, bend * log(volume_ml / self.alpha_ml)

    def coefficient(self, volume_ml: Uncertain) -> Uncertain:
        """Recovery with the doubt of the curve (two causes, shared by all regions) and volume."""
        by_volume, by_alpha, by_beta = self.slopes(volume_ml.value)
        gradient = np.array([by_alpha, by_beta])
        parts = gradient @ _root(np.array(self.covariance))
        curve = {c: float(p) for c, p in zip(CURVE_CAUSES, parts, strict=True) if p}
        value = self.at(volume_ml.value)
        return combine(value, (Uncertain(value, curve), 1.0), (volume_ml, by_volume))


@dataclass(frozen=True, slots=True)
class RecoveryFit:
    """A fitted curve; residuals in units of each sphere's uncertainty."""

    curve: RecoveryCurve
    residuals: tuple[float, ...]
    chi2: float
    degrees_of_freedom: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """Activity (or concentration) after recovery, and the coefficient used."""

    value: Uncertain
    coefficient: Uncertain
    notes: tuple[Note, ...] = ()


def fit_recovery(
    volumes_ml: Sequence[float],
    coefficients: Sequence[float],
    u: Sequence[float] | None = None,
    *,
    u_common: float = 0.0,
    cf_geometry: str = "",
    reconstruction: str = "",
) -> RecoveryFit:
    """Weighted least squares of the recovery curve to measured spheres.

    `u` are standard uncertainties of the coefficients; without them (or where the points
    scatter more than they say) the covariance is scaled by the reduced chi-square.
    `u_common` is the relative doubt that all coefficients share (the spheres' concentration).
    Raises E-RC-FIT with fewer than three spheres, or none between 0 and 1.
    """
    v, rc = np.asarray(volumes_ml, float), np.asarray(coefficients, float)
    weight_u = np.ones_like(rc) if u is None else np.asarray(u, float)
    _check_fit(v, rc, weight_u)

    p, bends, missed = _solve(v, rc, weight_u)
    chi2, dof = float(np.sum(missed**2)), v.size - 2
    spread = chi2 / dof if u is None else max(1.0, chi2 / dof)
    cov = np.linalg.inv(bends.T @ bends) * spread
    if u_common:
        moved = _solve(v, rc * (1.0 + u_common), weight_u)[0] - p
        cov = cov + np.outer(moved, moved)
    alpha, beta = float(np.exp(p[0])), float(p[1])
    stretch = np.diag([alpha, 1.0])  # the fit runs in ln(alpha)
    cov, measured = stretch @ cov @ stretch, (float(v.min()), float(v.max()))
    cov = (cov + cov.T) / 2.0  # equal to the last digit, as a record asks
    curve = RecoveryCurve(alpha, beta, _pairs(cov), measured, cf_geometry, reconstruction)
    return RecoveryFit(curve, tuple(float(r) for r in missed), chi2, dof)


def _solve(v: Float, rc: Float, u: Float) -> tuple[Float, Float, Float]:
    """ln(alpha) and beta, the Jacobian, and the residuals in units of u."""

    def residuals(p: Float) -> Float:
        return np.asarray((expit(p[1] * (np.log(v) - p[0])) - rc) / u)

    fit = least_squares(residuals, _logit_start(v, rc), method="lm", xtol=1e-14, ftol=1e-14)
    if fit.x[1] <= 0:
        raise refusal("E-RC-FIT", where="recovery", why="recovery does not rise with volume")
    return np.asarray(fit.x), np.asarray(fit.jac), np.asarray(fit.fun)


def recover(
    measured: Uncertain,
    volume_ml: Uncertain,
    curve: RecoveryCurve,
    *,
    already_corrected: bool = False,
    background: Uncertain | None = None,
    cf_geometry: str = "",
    reconstruction: str = "",
    where: str = "recovery",
) -> Recovered:
    """Correct activity or concentration for partial volume.

    Without `background`, measured / RC, for cold surroundings. With it (same unit as
    `measured`, in the tissue around): (measured - (1 - RC) background) / RC, exact for a
    linear blur and a region drawn on the true boundary.
    Raises E-RC-DOUBLE, E-RC-CFPAIR, E-RC-RECON, E-RC-VOLUME. W-RC-EXTRAPOLATE, W-RC-LOW
    (below 0.3) and W-RC-UNC (above 25 %) travel with the result.
    """
    if already_corrected:
        raise refusal("E-RC-DOUBLE", where=where)
    check_pair(curve, cf_geometry=cf_geometry, reconstruction=reconstruction, where=where)
    r = curve.coefficient(volume_ml)
    b = background or Uncertain(0.0)
    value = (measured.value - (1.0 - r.value) * b.value) / r.value
    by_rc = (b.value - value) / r.value
    out = combine(value, (measured, 1 / r.value), (r, by_rc), (b, -(1 - r.value) / r.value))
    return Recovered(out, r, _notes(curve, volume_ml.value, r, where))


def check_pair(
    curve: RecoveryCurve, *, cf_geometry: str = "", reconstruction: str = "",
    where: str = "recovery",
) -> None:  # fmt: skip
    """E-RC-CFPAIR and E-RC-RECON where both sides say what they are and they differ."""
    if cf_geometry and curve.cf_geometry and cf_geometry != curve.cf_geometry:
        raise refusal("E-RC-CFPAIR", where=where, curve=curve.cf_geometry, factor=cf_geometry)
    if reconstruction and curve.reconstruction and reconstruction != curve.reconstruction:
        raise refusal("E-RC-RECON", where=where, calibrated=curve.reconstruction,
                      scan=reconstruction)  # fmt: skip


def sphere_recovery(diameter_mm: float, fwhm_mm: float) -> float:
    """Mean of a uniform sphere inside its own boundary after a Gaussian blur, cold outside.

    Closed form from the sphere's autocorrelation.
    """
    if not (diameter_mm > 0 and fwhm_mm > 0):
        raise refusal("E-RC-RESOLUTION", where="blurred sphere", diameter=diameter_mm, fwhm=fwhm_mm)
    r, sigma = diameter_mm / 2.0, fwhm_mm / FWHM_PER_SIGMA
    a = sqrt(2.0) * r / sigma
    tail = exp(-(a**2))
    m2 = erf(a) - 2.0 * a / sqrt(pi) * tail
    m3 = sigma * sqrt(8.0 / pi) * (1.0 - (1.0 + a**2) * tail)
    m5 = 4.0 * sigma**3 * sqrt(8.0 / pi) * (1.0 - (1.0 + a**2 + a**4 / 2.0) * tail)
    return m2 - 3.0 * m3 / (4.0 * r) + m5 / (16.0 * r**3)


def _volume(volume_ml: float) -> float:
    if not volume_ml > 0:
        raise refusal("E-RC-VOLUME", where="recovery", volume=volume_ml)
    return volume_ml


def _notes(curve: RecoveryCurve, volume: float, r: Uncertain, where: str) -> tuple[Note, ...]:
    found: list[Note] = []
    lowest, highest = curve.volume_range_ml
    if not lowest <= volume <= highest:
        found.append(note("W-RC-EXTRAPOLATE", where=where, value=volume,
                          limit=lowest if volume < lowest else highest,
                          lowest=lowest, highest=highest))  # fmt: skip
    if r.value < LOW:
        found.append(note("W-RC-LOW", where=where, value=r.value, limit=LOW))
    if r.u_rel > U_LIMIT:
        found.append(note("W-RC-UNC", where=where, value=r.u_rel, limit=U_LIMIT))
    return tuple(found)


def _check_fit(v: Float, rc: Float, u: Float) -> None:
    if not v.shape == rc.shape == u.shape or v.size < 3:
        why = f"{v.size} volumes and {rc.size} coefficients"
    elif not (np.all(v > 0) and np.all(np.isfinite(v)) and np.all(np.isfinite(rc))):
        why = "a volume or coefficient is not a number above zero"
    elif not np.all(u > 0):
        why = "an uncertainty is not above zero"
    elif rc.max() < LEAST_BEST:
        why = f"the best sphere recovers {rc.max():.2g}; activity, unit or calibration is wrong"
    elif np.count_nonzero((rc > 0) & (rc < 1)) < 2:
        why = "fewer than two coefficients lie between 0 and 1"
    else:
        return
    raise refusal("E-RC-FIT", where="recovery", why=why)


def _logit_start(v: Float, rc: Float) -> Float:
    """ln(alpha) and beta from logit(RC) = beta ln V - beta ln alpha."""
    use = (rc > 0) & (rc < 1)
    slope, level = np.polyfit(np.log(v[use]), np.log(rc[use] / (1.0 - rc[use])), 1)
    if slope <= 0:
        raise refusal("E-RC-FIT", where="recovery", why="recovery does not rise with volume")
    return np.array([-float(level) / float(slope), float(slope)])


def _root(covariance: Float) -> Float:
    """Lower triangle L with L L^T = covariance; zero stays zero."""
    a = sqrt(max(covariance[0, 0], 0.0))
    b = covariance[0, 1] / a if a else 0.0
    return np.array([[a, 0.0], [b, sqrt(max(covariance[1, 1] - b**2, 0.0))]])


def _pairs(c: Float) -> tuple[tuple[float, float], tuple[float, float]]:
    return (float(c[0, 0]), float(c[0, 1])), (float(c[1, 0]), float(c[1, 1]))
