"""Thyroid uptake from counts: neck, thigh, standard and room; probe or planar image.

Source: Hänscheid et al., EANM SOP II, EJNMMI 2013;40:1126 (the structure of the formula).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from quimby.core.notes import Note, note, refusal
from quimby.core.numbers import above_zero, zero_or_more
from quimby.core.uncertain import Uncertain
from quimby.devices.counting import BusyTime, Counting
from quimby.measure.rates import check_activity, counted
from quimby.physics.decay import decay_factor

LARGEST = 1.05  # a fraction above it is per cent, or a wrong standard [P]
POSITION_U = 0.05  # relative, position of the neck before the probe, anew at each reading [P]
DEPTH_U = 0.05  # relative, depth of the gland against the phantom's, alike at all readings [P]
EARLY_4H, EARLY_6H = 0.77, 0.80  # Thyroid 2000;10:779
TISSUE_PER_CM = 0.110  # attenuation of water at 364 keV, per cm


@dataclass(frozen=True, slots=True)
class Uptake:
    """Radioiodine uptake at one time, a fraction of the administered activity."""

    time_h: float
    effective: Uncertain  # as it was then: what integrals need
    decay_corrected: Uncertain  # brought back to the administration: what reports often show
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Rate per activity in the neck phantom."""

    cps_per_mbq: Uncertain
    notes: tuple[Note, ...] = ()


def check_uptake(uptake: float, time_h: float, *, where: str) -> None:
    """E-RIU-RANGE unless 0 < uptake <= 1.05: per cent for a fraction, or a wrong standard."""
    if not 0 < uptake <= LARGEST:
        raise refusal("E-RIU-RANGE", where=where, value=uptake, time=time_h, limit=LARGEST)


def sensitivity(
    standard: Counting,
    room: Counting,
    *,
    standard_mbq: Uncertain,
    busy: BusyTime | None = None,
    scale: float = 1.0,
) -> Sensitivity:
    """Sensitivity in the neck phantom; `standard_mbq` is the activity when it was counted.

    Raises E-ACTIVITY-RANGE, E-NUM-NONPOS, E-NET-NONPOSITIVE.
    """
    where = standard.what
    check_activity(standard_mbq.value, "activity of the standard", where=where)
    net = counted(standard, room, busy=busy, scale=scale, where=where)
    return Sensitivity(net.cps / standard_mbq, net.notes)


def uptake(
    neck: Counting,
    thigh: Counting,
    *,
    time_h: float,
    seen: Sensitivity,
    administered_mbq: Uncertain,
    half_life_h: float,
    busy: BusyTime | None = None,
    scale: float = 1.0,
    position_u: float = POSITION_U,
    depth_u: float | None = None,
) -> Uptake:
    """Uptake at `time_h` after the administration, by the sensitivity in the neck phantom.

    In a planar image the regions of thyroid and background take the places of neck and thigh,
    `scale` is the ratio of their sizes. Causes are those of the readings ("counts, neck 24 h"),
    of the standard, of the administered activity, "position, neck 24 h", and "depth of the
    thyroid", which all readings share (None: 5 %, or none where `position_u` is zero).
    Raises E-NUM-NONPOS, E-NUM-FINITE, E-ACTIVITY-RANGE, E-NET-NONPOSITIVE, E-RIU-RANGE.
    """
    where = f"thyroid uptake, {time_h:g} h"
    above_zero(time_h, "the time", "h", where=where)
    check_activity(administered_mbq.value, "administered activity", where=where)
    net = counted(neck, thigh, busy=busy, scale=scale, where=where)
    then = net.cps / seen.cps_per_mbq / administered_mbq
    if zero_or_more(position_u, "the doubt of position", "", where=where):
        then = then.because(f"position, {neck.what}", position_u * then.value)
    deep = (DEPTH_U if position_u else 0.0) if depth_u is None else depth_u
    if zero_or_more(deep, "the doubt of depth", "", where=where):
        then = then.because("depth of the thyroid", deep * then.value)
    corrected = then.scaled(1 / decay_factor(time_h, half_life_h))
    check_uptake(corrected.value, time_h, where=where)
    return Uptake(time_h, then, corrected, (*seen.notes, *net.notes))


def uptake_with_standard(
    neck: Counting,
    thigh: Counting,
    standard: Counting,
    room: Counting,
    *,
    time_h: float,
    standard_mbq: Uncertain,
    administered_mbq: Uncertain,
    half_life_h: float,
    standard_time_h: float | None = None,
    busy: BusyTime | None = None,
    position_u: float = POSITION_U,
    depth_u: float | None = None,
) -> Uptake:
    """Uptake with a standard in the neck phantom (the four countings of EANM SOP II).

    `standard_mbq` is the standard's activity at the time of the administration, and
    `standard_time_h` when it was counted (None: together with the neck). Counted together, both
    decay alike and the plain ratio is the decay-corrected uptake. Raises as `uptake`.
    """
    counted_h = time_h if standard_time_h is None else standard_time_h
    then = standard_mbq.scaled(decay_factor(counted_h, half_life_h))
    check_activity(standard_mbq.value, "activity of the standard", where=standard.what)
    seen = sensitivity(standard, room, standard_mbq=then, busy=busy)
    return uptake(neck, thigh, time_h=time_h, seen=seen, administered_mbq=administered_mbq,
                  half_life_h=half_life_h, busy=busy, position_u=position_u,
                  depth_u=depth_u)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Turnover:
    """The 4 h over the 24 h uptake; None where one of them is missing."""

    ratio: float | None
    notes: tuple[Note, ...]


def turnover(
    *, at_4h: float | None = None, at_6h: float | None = None, at_24h: float | None = None
) -> Turnover:
    """Look for rapid turnover in uptakes that are all effective or all decay-corrected.

    W-RAPID-TURNOVER for a 4 h value not below the 24 h one (23 % of 2543 patients with Graves'
    disease, PMC5557855); W-NEED-24H where an early value is so high that a 24 h one must follow
    (0.77 at 4 h, 0.80 at 6 h; Thyroid 2000;10:779). Raises E-RIU-RANGE.
    """
    where = "thyroid uptake"
    for value, time_h in ((at_4h, 4.0), (at_6h, 6.0), (at_24h, 24.0)):
        if value is not None:
            check_uptake(value, time_h, where=where)
    if at_24h is None:
        return Turnover(None, _need_24h(at_4h, at_6h, where))
    ratio = at_4h / at_24h if at_4h is not None else None
    rapid = ratio is not None and ratio >= 1
    notes = (note("W-RAPID-TURNOVER", where=where, value=ratio, limit=1.0),) if rapid else ()
    return Turnover(ratio, notes)


def _need_24h(at_4h: float | None, at_6h: float | None, where: str) -> tuple[Note, ...]:
    for value, limit in ((at_4h, EARLY_4H), (at_6h, EARLY_6H)):
        if value is not None and value >= limit:
            return (note("W-NEED-24H", where=where, value=value, limit=limit),)
    return ()


def depth_factor(
    distance_cm: float,
    depth_cm: float,
    *,
    phantom_depth_cm: float,
    mu_per_cm: float = TISSUE_PER_CM,
) -> float:
    """Counts of a source at the phantom's depth over those at `depth_cm` in the neck.

    ``((d + z)/(d + z0))**2 * exp(mu (z - z0))``: above one for a deeper thyroid. Take it as
    doubt, and correct only where the depth was measured. E-NUM-NONPOS. Source: elementary.
    """
    where = "depth of the thyroid"
    above_zero(distance_cm, "the distance", "cm", where=where)
    for value, what in ((depth_cm, "the depth"), (phantom_depth_cm, "the phantom's depth")):
        zero_or_more(value, what, "cm", where=where)
    spread = (distance_cm + depth_cm) / (distance_cm + phantom_depth_cm)
    return spread**2 * exp(mu_per_cm * (depth_cm - phantom_depth_cm))
