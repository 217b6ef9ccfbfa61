"""Planar scans beside SPECT/CT: the counts used, in result.json, in tables/ and on the report."""

from __future__ import annotations

from typing import Any

from quimby.report import rounding as say
from quimby.report.values import maybe, uncertain
from quimby.study.result import PlanarCounts, Result

HEAD = ("measurement", "region", "view", "region [pixels]", "background [pixels]", "time [s]",
        "counts [1]", "scatter [1]", "background in region [1]", "net [1]", "u net [1]",
        "geometric mean [1/s]", "u geometric mean [1/s]", "use", "activity [MBq]",
        "u activity [MBq]", "activity by planar sensitivity [MBq]",
        "u activity by planar sensitivity [MBq]")  # fmt: skip

USES = {"point of the curve": "point", "sets the scale": "scale", "beside a SPECT/CT": "beside",
        "not used": "–"}  # fmt: skip
BY_SENSITIVITY = (
    "* Activity, MBq, by the camera's planar sensitivity, the SPECT/CT telling only where it lies: "
    "a check of the scale, not used."
)


def parts(result: Result) -> list[dict[str, Any]]:
    """The key `planar`: what each planar scan tells of each region."""
    return [
        {
            "measurement": x.measurement,
            "region": x.region,
            "pixels": float(x.pixels),
            "background_pixels": float(x.background_pixels),
            "seconds": float(x.seconds),
            "views": [
                {"name": v.name, "counts": float(v.counts), "scatter": float(v.scatter),
                 "background": float(v.background), "net": uncertain(v.net)}
                for v in x.views
            ],
            "net_cps": uncertain(x.net_cps),
            "use": x.use,
            "activity_mbq": uncertain(x.activity_mbq),
            "by_sensitivity_mbq": uncertain(x.by_sensitivity_mbq),
        }
        for x in result.planar
    ]  # fmt: skip


def rows(result: Result) -> list[list[Any]]:
    """One row a view, under `HEAD`."""
    return [
        [x.measurement, x.region, v.name, float(x.pixels), float(x.background_pixels),
         float(x.seconds), float(v.counts), float(v.scatter), float(v.background),
         float(v.net.value), float(v.net.u), float(x.net_cps.value), float(x.net_cps.u), x.use,
         maybe(x.activity_mbq.value if x.activity_mbq else None),
         maybe(x.activity_mbq.u if x.activity_mbq else None),
         maybe(x.by_sensitivity_mbq.value if x.by_sensitivity_mbq else None),
         maybe(x.by_sensitivity_mbq.u if x.by_sensitivity_mbq else None)]
        for x in result.planar
        for v in x.views
    ]  # fmt: skip


def table(result: Result) -> dict[str, Any]:
    """Counts of both views with what was taken away, as the report prints them."""
    views = result.planar[0].views if result.planar else ()
    head = ["Region", "Scan", "Counts", "Scatter", "Background", "Net", "Mean, 1/s", "Used as",
            "Activity, MBq"]  # fmt: skip
    checked = any(x.by_sensitivity_mbq for x in result.planar)
    if checked:
        head.append("By sensitivity*")
    ordered = sorted(result.planar, key=lambda x: x.region)
    return {"head": head, "rows": [_row(x, checked) for x in ordered],
            "both": " / ".join(v.name for v in views),
            "key": BY_SENSITIVITY if checked else ""}  # fmt: skip


def _row(x: PlanarCounts, checked: bool) -> list[str]:
    told = [
        x.region, x.measurement, _both(*(v.counts for v in x.views)),
        _both(*(v.scatter for v in x.views)), _both(*(v.background for v in x.views)),
        _both(*(v.net.value for v in x.views)), say.plus_minus(x.net_cps), USES.get(x.use, x.use),
        say.plus_minus(x.activity_mbq) if x.activity_mbq else "–",
    ]  # fmt: skip
    by = say.plus_minus(x.by_sensitivity_mbq) if x.by_sensitivity_mbq else "–"
    return [*told, by] if checked else told


def _both(first: float, second: float) -> str:
    """Two counts that stay on one line."""
    text = f"{say.fixed(first, 0)} / {say.fixed(second, 0)}"
    return text.replace(say.THIN, "\u202f").replace(" ", "\u00a0")
