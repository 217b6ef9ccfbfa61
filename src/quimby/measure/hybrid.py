"""Hybrid curves: several planar scans scaled to one SPECT/CT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, isclose, log

from quimby.core.notes import Note, note, refusal
from quimby.core.numbers import above_zero
from quimby.core.uncertain import Uncertain, combine

GAP_LIMIT_H = 2.0  # [P]
SAME_AREA = 0.02  # [P] relative; a region copied from scan to scan


@dataclass(frozen=True, slots=True)
class PlanarPoint:
    """Net geometric mean of a region on one planar scan (any one unit), above zero.

    Counts with a time behind them must be rates. Its causes name the scan, so that each
    planar scan's doubt is its own. `area_mm2` of the region, None where it is not known.
    """

    time_h: float
    net: Uncertain
    area_mm2: float | None = None


@dataclass(frozen=True, slots=True)
class HybridCurve:
    """Activities at the times of the planar scans, MBq, on the scale of the SPECT/CT."""

    times_h: tuple[float, ...]
    activities_mbq: tuple[Uncertain, ...]
    scale_mbq: Uncertain  # MBq for one unit of the planar scans
    notes: tuple[Note, ...]


def hybrid_curve(
    spect_mbq: Uncertain, spect_h: float, planar: Sequence[PlanarPoint], *, region: str
) -> HybridCurve:
    """A(t_i) = A_SPECT P(t_i) / P(t_s) for one region.

    The planar scan nearest to the SPECT/CT stands for P(t_s) within 2 h of it. Farther away
    the planar curve is read at t_s, along the straight line in ln P of its neighbours (or of
    the two nearest, outside them): W-HYB-GAP. All causes of the SPECT/CT are shared by every
    point; those of the scaling scan too, and they cancel at that scan itself.

    Raises E-HYB-FEW, E-HYB-ROI, E-NUM-NONPOS.
    Source: the method of Sundlöv et al. 2018 (PMC6031553).
    """
    points = sorted(planar, key=lambda p: p.time_h)
    _check(spect_mbq, points, region)
    at_spect, gap = _at(points, spect_h, region)
    scale = spect_mbq / at_spect
    found = tuple(spect_mbq * (p.net / at_spect) for p in points)
    said = note("W-HYB-GAP", where=region, value=gap, limit=GAP_LIMIT_H)
    notes = (said,) if gap > GAP_LIMIT_H else ()
    return HybridCurve(tuple(p.time_h for p in points), found, scale, notes)


def _at(points: Sequence[PlanarPoint], time_h: float, region: str) -> tuple[Uncertain, float]:
    """The planar value at a time, and how far away the nearest scan is, h."""
    nearest = min(points, key=lambda p: abs(p.time_h - time_h))
    gap = abs(nearest.time_h - time_h)
    if gap <= GAP_LIMIT_H:
        return nearest.net, gap
    if len(points) < 2:
        raise refusal("E-HYB-FEW", where=region,
                      what=f"a planar scan within {GAP_LIMIT_H:g} h of it, or two")  # fmt: skip
    before = [p for p in points if p.time_h < time_h]
    after = [p for p in points if p.time_h > time_h]
    if before and after:
        return _between(before[-1], after[0], time_h), gap
    first, second = points[:2] if after else points[-2:]
    return _between(first, second, time_h), gap


def _between(first: PlanarPoint, second: PlanarPoint, time_h: float) -> Uncertain:
    """Along the straight line in ln P through two points."""
    share = (time_h - first.time_h) / (second.time_h - first.time_h)
    p, q = first.net, second.net
    value = exp((1.0 - share) * log(p.value) + share * log(q.value))
    return combine(value, (p, (1.0 - share) * value / p.value), (q, share * value / q.value))


def _check(spect: Uncertain, points: Sequence[PlanarPoint], region: str) -> None:
    above_zero(spect.value, "the activity by SPECT/CT", "MBq", where=region)
    if not points:
        raise refusal("E-HYB-FEW", where=region, what="at least one planar scan")
    for point in points:
        above_zero(point.net.value, f"the net planar value at {point.time_h:g} h", "", where=region)
    for one, other in pairwise(points):
        if isclose(one.time_h, other.time_h, abs_tol=1e-6):
            raise refusal("E-HYB-FEW", where=region, what="planar scans at different times")
    known = [p for p in points if p.area_mm2 is not None]
    for point in known[1:]:
        a, b = known[0].area_mm2 or 0.0, point.area_mm2 or 0.0
        if abs(b - a) > SAME_AREA * a:
            raise refusal("E-HYB-ROI", where=region, first=a, first_h=known[0].time_h,
                          other=b, other_h=point.time_h)  # fmt: skip
