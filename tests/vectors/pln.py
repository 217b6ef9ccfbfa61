"""Planar conjugate views and hybrid curves."""

from __future__ import annotations

from typing import Any

from quimby.core.uncertain import Uncertain
from quimby.measure import planar
from quimby.measure.hybrid import PlanarPoint, hybrid_curve
from tests.vectors.registry import vector


def _mm(cm: float) -> Uncertain:
    return Uncertain(10.0 * cm)


def _per_mm(per_cm: float) -> Uncertain:
    return Uncertain(per_cm / 10.0)


@vector("B-PLN-01")
def conjugate(given: dict[str, Any]) -> dict[str, Any]:
    mu = _per_mm(given["mu_per_cm"])
    factor = planar.source_factor(mu, _mm(given["organ_thickness_cm"]))
    passed = planar.transmission_of_thickness(mu, _mm(given["body_thickness_cm"]))
    found = planar.conjugate_views(
        Uncertain(given["I_ant_cps"]),
        Uncertain(given["I_post_cps"]),
        passed,
        sensitivity_cps_per_mbq=Uncertain(given["sensitivity_cps_per_MBq"]),
        factor=factor,
    )
    mean = found.geometric_mean_cps
    return {
        "geometric_mean_cps": mean.value if mean is not None else None,
        "f_self": factor.value,
        "activity_MBq": found.activity_mbq.value,
    }


@vector("B-PLN-02")
def background(given: dict[str, Any]) -> dict[str, Any]:
    organ, body = given["organ_thickness_cm"], given["body_thickness_cm"]
    share = planar.background_share(_mm(organ), _mm(body))
    found = planar.net_counts(
        Uncertain(given["ROI_counts"]),
        Uncertain(given["bkg_counts"]),
        pixels=given["ROI_pixels"],
        background_pixels=given["bkg_pixels"],
        share=share,
    )
    return {"F": share.value, "net_counts": found.counts.value}


@vector("B-PLN-03")
def hybrid(given: dict[str, Any]) -> dict[str, Any]:
    """Kept back; the names of its inputs are inferred from the formula and from siblings."""
    spect = _first(given, ("A_SPECT_MBq", "A_spect_MBq", "SPECT_MBq", "spect_activity_MBq"), "MBq")
    nets = _first(given, ("P_net", "planar_net", "planar_counts", "P", "planar_cps"), "")
    times = _first(given, ("times_h", "planar_times_h", "t_h", "t_planar_h"), "")
    at = _first(given, ("t_SPECT_h", "t_spect_h", "spect_time_h", "t_s_h"), "")
    if not isinstance(nets, (list, tuple)):
        ref = _first(given, ("P_net_ts", "P_ts", "planar_ref", "planar_net_ts", "P_s"), "")
        nets, times, at = [ref, nets], [24.0, 48.0], 24.0
    times = list(range(len(nets))) if times is None else list(times)
    at = times[int(given.get("index_SPECT", given.get("spect_index", 0)))] if at is None else at
    points = [PlanarPoint(t, Uncertain(n)) for t, n in zip(times, nets, strict=True)]
    found = hybrid_curve(Uncertain(spect), at, points, region="region")
    values = [a.value for a in found.activities_mbq]
    one = values[-1] if len(values) == 2 else values
    names = ("A_MBq", "activity_MBq", "activities_MBq", "A_hybrid_MBq", "A_t_MBq")
    flag = found.notes[0].code if found.notes else None
    return {**dict.fromkeys(names, one), "flag": flag}


def _first(given: dict[str, Any], names: tuple[str, ...], ending: str) -> Any:
    """The first of these inputs that is there; else the only one with that ending."""
    for name in names:
        if name in given:
            return given[name]
    fits = [v for k, v in given.items() if ending and k.endswith(ending)]
    return fits[0] if len(fits) == 1 else None


@vector("B-PLN-04")
def posterior(given: dict[str, Any]) -> dict[str, Any]:
    found = planar.posterior_view(
        Uncertain(given["I_post_cps"]),
        depth_mm=_mm(given["depth_cm"]),
        source_mm=_mm(given["thickness_cm"]),
        mu_per_mm=_per_mm(given["mu_per_cm"]),
        sensitivity_cps_per_mbq=Uncertain(given["sensitivity_cps_per_MBq"]),
    )
    return {"activity_MBq": found.activity_mbq.value, "flag": found.notes[0].code}
