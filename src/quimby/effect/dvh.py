"""Dose-volume figures of a region, weighted by how far each voxel belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quimby.core.notes import Note, note, refusal

Float = NDArray[np.float64]

CURVE_POINTS = 201  # bins of 0.5 % of the largest dose


@dataclass(frozen=True, slots=True)
class Dvh:
    """Dose-volume figures of one region."""

    mean_gy: float
    d98_gy: float
    d90_gy: float
    d70_gy: float
    d50_gy: float
    d2_gy: float
    dose_gy: tuple[float, ...]  # cumulative curve
    volume_fraction: tuple[float, ...]  # share that gets at least that dose


@dataclass(frozen=True, eq=False)
class Doses:
    """Doses of a region's voxels (rising) and the share of its volume each stands for."""

    dose_gy: Float
    share: Float

    @property
    def mean_gy(self) -> float:
        """Mean dose."""
        return float(self.dose_gy @ self.share)

    def d(self, percent: float) -> float:
        """D_x: the least dose to the hottest x % of the volume; linear between voxels."""
        if not 0 <= percent <= 100:
            raise refusal("E-DVH-PARAM", where="dose-volume", what="the percentage",
                          value=percent, must="0 to 100")  # fmt: skip
        colder = np.cumsum(self.share) - self.share / 2
        return float(np.interp(1 - percent / 100, colder, self.dose_gy))

    def v(self, dose_gy: float) -> float:
        """V_x: the share (0 to 1) of the volume that gets at least this dose."""
        return float(self.share[np.searchsorted(self.dose_gy, dose_gy, side="left") :].sum())

    def eud(self, alpha_per_gy: float) -> float:
        """The even dose that leaves as many cells alive as this one: -(1/a) ln sum v exp(-a D)."""
        if not alpha_per_gy > 0:
            raise refusal("E-BED-PARAM", where="EUD", what="alpha", value=alpha_per_gy,
                          unit="per Gy", must="above zero")  # fmt: skip
        least = float(self.dose_gy[0])  # taken out, so that nothing underflows
        alive = self.share @ np.exp(-alpha_per_gy * (self.dose_gy - least))
        return least - log(float(alive)) / alpha_per_gy

    def geud(self, a: float) -> float:
        """Generalised EUD, (sum v D**a)**(1/a). a < 0 for tumours: one cold voxel counts."""
        if a == 0 or not np.isfinite(a):
            raise refusal("E-DVH-PARAM", where="gEUD", what="a", value=a, must="other than zero")
        scale = float(self.dose_gy[-1] if a > 0 else self.dose_gy[0])
        if scale == 0:
            return 0.0
        mean_power = float(self.share @ (self.dose_gy / scale) ** a)
        return float(scale * mean_power ** (1 / a))

    def curve(self, points: int = CURVE_POINTS) -> tuple[Float, Float]:
        """Cumulative curve: doses from zero to the largest, and the share that gets at least so."""
        doses = np.linspace(0.0, float(self.dose_gy[-1]), points)
        below = np.concatenate([[0.0], np.cumsum(self.share)])
        share = 1 - below[np.searchsorted(self.dose_gy, doses, side="left")]
        return doses, np.clip(share, 0.0, 1.0)

    def figures(self) -> Dvh:
        """The reported figures and the curve."""
        doses, share = self.curve()
        return Dvh(
            self.mean_gy, self.d(98), self.d(90), self.d(70), self.d(50), self.d(2),
            tuple(doses.tolist()), tuple(share.tolist()),
        )  # fmt: skip


def doses(
    dose_gy: ArrayLike, occupancy: ArrayLike | None = None, *, where: str = "region"
) -> Doses:
    """The doses of a region, sorted.

    `dose_gy` and `occupancy` (0 to 1, or volumes of any one unit) have the same shape, any.
    Raises E-DVH-EMPTY when nothing is left, or a voxel of the region has no dose (NaN).
    """
    values = np.asarray(dose_gy, dtype=float).ravel()
    weight = np.ones_like(values) if occupancy is None else np.asarray(occupancy, float).ravel()
    inside = weight > 0
    values, weight = values[inside], weight[inside]
    if values.size == 0:
        raise refusal("E-DVH-EMPTY", where=where, why="its occupancy is zero everywhere")
    if not (np.isfinite(values).all() and np.isfinite(weight).all()):
        raise refusal("E-DVH-EMPTY", where=where, why="some of its voxels have no number")
    order = np.argsort(values, kind="stable")
    return Doses(values[order], weight[order] / weight.sum())


def resolution_note(volume_ml: float, fwhm_mm: float, *, where: str) -> Note | None:
    """W-DVH-RES for a region smaller than a cube of three resolutions."""
    limit = (3 * fwhm_mm / 10) ** 3
    if volume_ml >= limit:
        return None
    return note("W-DVH-RES", where=where, value=volume_ml, limit=limit)
