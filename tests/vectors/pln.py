"""Planar conjugate views and hybrid curves."""

from __future__ import annotations

import re
from typing import Any

from quimby.core.uncertain import Uncertain
from quimby.measure import planar
from quimby.measure.hybrid import PlanarPoint, hybrid_curve
from tests.vectors.naming import name_of, named, numbers, under
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
    """Kept back: names are inferred."""
    spect_key = name_of(
        given, "spect", without=("t_s", "time", "t_h", "index", "planar", "at_spect")
    )
    assert spect_key is not None
    planar = {k: v for k, v in given.items() if k != spect_key and _counted(k)}
    nets = [n for v in planar.values() for n in numbers(v)]
    listed = isinstance(next(reversed(planar.values())), list)
    times = next((v for k, v in given.items() if isinstance(v, list) and k not in planar), None)
    at = next((v for k, v in given.items() if not isinstance(v, list) and _when(k)), None)
    if times is None:  # the one at the SPECT first, then one or several others
        times, at = [24.0 * (n + 1) for n in range(len(nets))], 24.0
    elif at is None:
        hours = re.search(r"(\d+)h", spect_key)
        at = float(hours[1]) if hours else times[int(named(given, "index") or 0)]
    points = [PlanarPoint(t, Uncertain(n)) for t, n in zip(times, nets, strict=True)]
    found = hybrid_curve(Uncertain(given[spect_key]), at, points, region="region")
    values = [a.value for a in found.activities_mbq]
    one = values if len(values) == len(times) and listed and len(planar) == 1 else values[1:]
    same = one if listed else one[0]
    flag = found.notes[0].code if found.notes else None
    stems = ("A", "activity", "activities", "A_hybrid", "A_t", "A_ti", "A_i", "hybrid")
    return {**under(same, stems, ("", "_MBq")), "flag": flag}


def _counted(name: str) -> bool:
    low = name.lower()
    return (low.startswith("p") or "net" in low or "counts" in low) and not _when(name) and (
        "time" not in low and not low.endswith("t_h")
    )  # fmt: skip


def _when(name: str) -> bool:
    low = name.lower()
    return low.startswith(("t_s", "t_ref")) or (
        "spect" in low and (low.endswith(("time_h", "_t_h")) or low.startswith("t"))
    )


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
