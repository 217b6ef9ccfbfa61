"""Activity of an organ from two opposite planar views."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, expm1, sinh, sqrt, tanh

from quimby.core.notes import Note, note, refusal
from quimby.core.numbers import above_zero, zero_or_more
from quimby.core.uncertain import Uncertain, combine
from quimby.devices.calibration import as_applied

BACKGROUND_U = 0.20  # [P] relative, of the level where the background region was put
BACKGROUND_LIMIT = 0.5  # [P] of the counts in the region
SMALL = 1e-4  # below it the series of x/sinh(x) is exact to rounding


@dataclass(frozen=True, slots=True)
class Transmission:
    """What passes the body along the line of the views, 0 to 1, and where that is known from."""

    value: Uncertain
    how: str  # "transmission scan", "CT" or "stated thickness"


@dataclass(frozen=True, slots=True)
class PlanarActivity:
    """Activity from planar views, MBq, with what it was made of."""

    activity_mbq: Uncertain
    geometric_mean_cps: Uncertain | None  # None for a single view
    source_factor: Uncertain
    how: str
    notes: tuple[Note, ...] = ()


def transmission_of_thickness(mu_per_mm: Uncertain, body_mm: Uncertain) -> Transmission:
    """exp(-mu T) of a stated thickness; mu for the broad beam of the same window."""
    above_zero(mu_per_mm.value, "the attenuation coefficient", "/mm", where="attenuation")
    zero_or_more(body_mm.value, "the body thickness", "mm", where="attenuation")
    value = exp(-mu_per_mm.value * body_mm.value)
    slopes = ((mu_per_mm, -body_mm.value * value), (body_mm, -mu_per_mm.value * value))
    return Transmission(combine(value, *slopes), "stated thickness")


def transmission_of_scan(with_patient: Uncertain, without: Uncertain) -> Transmission:
    """Counts of a flat source behind the patient over those without the patient.

    Rates of the same region, both above zero; E-PLN-TRANSMISSION where more passes than came.
    """
    above_zero(with_patient.value, "the rate with the patient", "cps", where="transmission scan")
    above_zero(without.value, "the rate without the patient", "cps", where="transmission scan")
    ratio = with_patient / without
    if ratio.value > 1.0:
        raise refusal("E-PLN-TRANSMISSION", where="transmission scan",
                      why=f"{ratio.value:.2f} of the photons pass the patient")  # fmt: skip
    return Transmission(ratio, "transmission scan")


def source_factor(mu_per_mm: Uncertain, source_mm: Uncertain) -> Uncertain:
    """(mu t/2) / sinh(mu t/2): how an evenly filled organ of thickness t attenuates itself.

    To be multiplied into the geometric mean; 1 for a thin source. Derived for a slab.
    """
    zero_or_more(source_mm.value, "the organ thickness", "mm", where="source thickness")
    zero_or_more(mu_per_mm.value, "the attenuation coefficient", "/mm", where="source thickness")
    x = mu_per_mm.value * source_mm.value / 2.0
    factor = 1.0 - x**2 / 6.0 if x < SMALL else x / sinh(x)
    bend = -x / 3.0 if x < SMALL else factor * (1.0 / x - 1.0 / tanh(x))
    return combine(factor, (mu_per_mm, bend * source_mm.value / 2.0),
                   (source_mm, bend * mu_per_mm.value / 2.0))  # fmt: skip


def conjugate_views(
    anterior_cps: Uncertain,
    posterior_cps: Uncertain,
    transmission: Transmission,
    *,
    sensitivity_cps_per_mbq: Uncertain,
    factor: Uncertain | None = None,
    where: str = "conjugate views",
) -> PlanarActivity:
    """Activity of one organ: sqrt(I_A I_P / T) f / C.

    Rates are of the organ alone: without scatter, background and dead time. `factor` is
    `source_factor`, None for 1. The sensitivity is that of one head in air (for two unlike
    heads the root of their product); its whole doubt goes under "camera calibration".
    Source: MIRD pamphlet 16 (the method); the slab factor is derived.

    Raises E-NUM-NONPOS for a rate or sensitivity not above zero, E-PLN-TRANSMISSION.
    """
    above_zero(anterior_cps.value, "the anterior net rate", "cps", where=where)
    above_zero(posterior_cps.value, "the posterior net rate", "cps", where=where)
    above_zero(sensitivity_cps_per_mbq.value, "the sensitivity", "cps/MBq", where=where)
    if not 0.0 < transmission.value.value <= 1.0:
        raise refusal("E-PLN-TRANSMISSION", where=where,
                      why=f"{transmission.value.value:g} is no share from 0 to 1")  # fmt: skip
    mean = geometric_mean(anterior_cps, posterior_cps)
    f = factor or Uncertain(1.0)
    passed = transmission.value
    root = sqrt(passed.value)
    in_air = combine(mean.value / root, (mean, 1.0 / root),
                     (passed, -0.5 * mean.value / (root * passed.value)))  # fmt: skip
    activity = in_air * f / as_applied(sensitivity_cps_per_mbq)
    return PlanarActivity(activity, mean, f, transmission.how)


def geometric_mean(first: Uncertain, second: Uncertain) -> Uncertain:
    """Root of the product of two rates above zero, with the doubt of both."""
    value = sqrt(first.value * second.value)
    return combine(value, (first, 0.5 * value / first.value), (second, 0.5 * value / second.value))


def posterior_view(
    posterior_cps: Uncertain,
    *,
    depth_mm: Uncertain,
    source_mm: Uncertain,
    mu_per_mm: Uncertain,
    sensitivity_cps_per_mbq: Uncertain,
    where: str = "posterior view",
) -> PlanarActivity:
    """Activity of a kidney from the posterior view alone: I e^{mu d} mu t / (C (1 - e^{-mu t})).

    `depth_mm` runs from the back's skin to the near surface of the organ (CT or ultrasound).
    Always noted: W-PLN-SINGLEVIEW. Derived for an evenly filled slab.
    """
    above_zero(posterior_cps.value, "the posterior net rate", "cps", where=where)
    above_zero(sensitivity_cps_per_mbq.value, "the sensitivity", "cps/MBq", where=where)
    above_zero(mu_per_mm.value, "the attenuation coefficient", "/mm", where=where)
    zero_or_more(depth_mm.value, "the depth", "mm", where=where)
    zero_or_more(source_mm.value, "the organ thickness", "mm", where=where)
    mu, d, t = mu_per_mm.value, depth_mm.value, source_mm.value
    y = mu * t
    own = y / -expm1(-y) if y > SMALL else 1.0 + y / 2.0
    bend = own / y - own * exp(-y) / -expm1(-y) if y > SMALL else 0.5
    value = exp(mu * d) * own
    slopes = (
        (depth_mm, mu * value),
        (source_mm, exp(mu * d) * bend * mu),
        (mu_per_mm, d * value + exp(mu * d) * bend * t),
    )
    taken = combine(value, *slopes)
    activity = posterior_cps * taken / as_applied(sensitivity_cps_per_mbq)
    said = note("W-PLN-SINGLEVIEW", where=where)
    return PlanarActivity(activity, None, combine(own, (source_mm, bend * mu)), "stated depth",
                          (said,))  # fmt: skip


def background_share(source_mm: Uncertain, body_mm: Uncertain) -> Uncertain:
    """F = 1 - t/T: the share of the background beside an organ that also lies over and under it."""
    zero_or_more(source_mm.value, "the organ thickness", "mm", where="background")
    above_zero(body_mm.value, "the body thickness", "mm", where="background")
    if source_mm.value >= body_mm.value:
        why = f"the organ ({source_mm.value:g} mm) fills the body ({body_mm.value:g} mm)"
        raise refusal("E-PLN-THICKNESS", where="background", why=why)
    t, big = source_mm.value, body_mm.value
    return combine(1.0 - t / big, (source_mm, -1.0 / big), (body_mm, t / big**2))


@dataclass(frozen=True, slots=True)
class NetCounts:
    """Counts of an organ without its background."""

    counts: Uncertain
    background: Uncertain  # what was taken away
    notes: tuple[Note, ...] = ()


def net_counts(
    region: Uncertain,
    background: Uncertain,
    *,
    pixels: float,
    background_pixels: float,
    share: Uncertain | None = None,
    level_u_rel: float = BACKGROUND_U,
    where: str = "background",
) -> NetCounts:
    """I - F (B / n_B) n: counts of a region less those of the tissue before and behind it.

    `share` is `background_share`, None for 1 (a thin organ). `level_u_rel` is the doubt of the
    level itself: another place beside the organ gives another one; its cause is
    "background, <where>". E-NET-NONPOSITIVE where nothing is left; W-PLN-BACKGROUND above half.
    """
    above_zero(pixels, "the size of the region", "pixels", where=where)
    above_zero(background_pixels, "the size of the background", "pixels", where=where)
    zero_or_more(background.value, "the background", "counts", where=where)
    f = share or Uncertain(1.0)
    level = background.scaled(pixels / background_pixels) * f
    if level_u_rel:
        level = level.because(f"background, {where}", level_u_rel * level.value)
    net = region - level
    if net.value <= 0:
        raise refusal("E-NET-NONPOSITIVE", where=where, what="region", gross=region.value,
                      background=level.value)  # fmt: skip
    part = level.value / region.value
    said = note("W-PLN-BACKGROUND", where=where, value=part, limit=BACKGROUND_LIMIT)
    return NetCounts(net, level, (said,) if part > BACKGROUND_LIMIT else ())
