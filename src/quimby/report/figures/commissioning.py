"""Plots of commissioning and constancy: heads, dead time, uniformity, records."""

from __future__ import annotations

from typing import Any

import numpy as np

from quimby.devices.constancy import DRIFT
from quimby.report.figures.commissioning_drawn import (
    SQUARE,
    WIDE,
    axis_of,
    picture,
    plot,
    slice_plot,
)
from quimby.report.figures.devices import Plot
from quimby.report.figures.devices_rates import dead_time_plot
from quimby.report.figures.style import BLUE, DARKER, INK, OCHRE, RULE, VERMILLION
from quimby.report.rounding import plus_minus
from quimby.study.commissioning.flood import FloodMeasured
from quimby.study.commissioning.planar import PlanarMeasured
from quimby.study.commissioning.rates import RatesMeasured
from quimby.study.commissioning.records import DriftMeasured, SimilarMade


def planar_plots(made: PlanarMeasured) -> tuple[Plot, ...]:
    """The source as the first head saw it, and every head's sensitivity."""
    first = made.heads[0]
    across, down = made.pixel_mm[1], made.pixel_mm[0]
    title = f"{first.name}: {first.frame.counts.sum():.0f} counts"
    shown = plot("source", SQUARE, lambda d: picture(
        d, np.sqrt(first.frame.counts), (across, down), title), f"Image of the source, {title}; "
        "shade as the square root of the counts.")  # fmt: skip
    alt = "Sensitivity of each head with twice its standard uncertainty."
    return shown, plot("sensitivity", WIDE, lambda d: _heads(d, made), alt)


def _heads(drawing: Any, made: PlanarMeasured) -> None:
    rows = [(h.name, h.sensitivity) for h in made.heads]
    rows += [("mean", made.mean)] if len(rows) > 1 else []
    axis = axis_of(drawing, f"Sensitivity {plus_minus(made.mean, 'cps/MBq')}, bars ± 2u",
                 "cps/MBq", "")  # fmt: skip
    drawing.subplots_adjust(left=0.24)
    for place, (name, value) in enumerate(rows):
        colour = BLUE if name == "mean" else INK
        axis.errorbar([value.value], [place], xerr=[2 * value.u], fmt="o", ms=5, mfc="white",
                      mec=colour, ecolor=colour, elinewidth=1.0)  # fmt: skip
    axis.set_yticks(range(len(rows)), [name for name, _ in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    reach = max(abs(v.value - made.mean.value) + 3 * v.u for _, v in rows)
    reach = max(reach, 0.02 * made.mean.value)
    axis.set_xlim(made.mean.value - reach, made.mean.value + reach)


def rates_plots(made: RatesMeasured) -> tuple[Plot, ...]:
    """Observed against true rate with both models; or the rate of each frame with its peak."""
    if made.compared is not None:
        return (dead_time_plot(made.compared, device=made.device, nuclide=made.nuclide),)
    assert made.peak is not None
    alt = f"Rate of each frame; the highest, {made.peak.cps.value:.0f} cps, in frame " \
          f"{made.peak.frame}."  # fmt: skip
    return (plot("rates", (182.0, 62.0), lambda d: _peak(d, made), alt),)


def _peak(drawing: Any, made: RatesMeasured) -> None:
    assert made.peak is not None
    rates = np.array(made.peak.rates_cps) / 1e3
    tau = plus_minus(made.tau_s.scaled(1e6), "µs")
    axis = axis_of(drawing, f"Highest rate in frame {made.peak.frame}: τ = {tau}", "frame",
                 "observed rate / kcps")  # fmt: skip
    drawing.subplots_adjust(left=0.07)
    axis.plot(range(1, len(rates) + 1), rates, "o-", color=BLUE, mfc="white", ms=4, lw=0.9)
    axis.axhline(rates.max(), color=VERMILLION, lw=0.8, ls=(0, (4, 2)))
    axis.annotate("1/(e τ)", (1, rates.max()), xytext=(2, -3), textcoords="offset points",
                  va="top", fontsize=6.5, color=DARKER[VERMILLION])  # fmt: skip
    axis.set_ylim(0, 1.1 * rates.max())


def flood_plots(made: FloodMeasured) -> tuple[Plot, ...]:
    """Each head's smoothed flood in a narrow grey scale, with the rims of both fields."""
    plots = []
    for number, (name, one) in enumerate(made.named[:2], 1):
        alt = f"Smoothed {name} with useful (full line) and central field (dashed)."

        def draw(drawing: Any, one: Any = one, name: str = name) -> None:
            inside = one.smoothed[one.useful_mask]
            axis = picture(
                drawing, one.smoothed, (one.pixel_mm, one.pixel_mm),
                f"{name}: useful field {100 * one.useful.integral:.1f} %, "
                f"central {100 * one.central.integral:.1f} %",
                low=float(inside.min()), high=float(inside.max()),
            )  # fmt: skip
            rows, columns = one.smoothed.shape
            x = (np.arange(columns) + 0.5) * one.pixel_mm
            y = (np.arange(rows) + 0.5) * one.pixel_mm
            for mask, line in ((one.useful_mask, "-"), (one.central_mask, "--")):
                axis.contour(x, y, mask.astype(float), [0.5], colors=[VERMILLION], linewidths=0.8,
                             linestyles=line)  # fmt: skip

        plots.append(plot(f"flood_{number}", (86.0, 66.0), draw, alt))
    if made.cold is not None and made.image is not None:
        circles = [(s.sphere.centre_mm, s.sphere.diameter_mm / 2, VERMILLION)
                   for s in made.cold.spheres]  # fmt: skip
        plots.append(
            slice_plot(
                made.image,
                made.cold.ring.centre_mm[2],
                circles,
                name="cold",
                title="Cold spheres as found",
                alt="Slice with the cold spheres.",
            )
        )
    return tuple(plots)


def similar_plots(made: SimilarMade) -> tuple[Plot, ...]:
    """The factor with its doubt on the measured camera and on this one."""

    def draw(drawing: Any) -> None:
        rows = ((f"measured camera\n{made.source.scanner.serial}", made.source, INK),
                (f"this camera\n{made.record.scanner.serial}", made.record, BLUE))  # fmt: skip
        unit = "measured over true" if made.record.factor.unit == "1" else made.record.factor.unit
        axis = axis_of(drawing, "The factor carried over, bars ± 2u", unit, "")
        drawing.subplots_adjust(left=0.16)
        for place, (_, record, colour) in enumerate(rows):
            value = record.calibration_factor().value
            axis.errorbar([value.value], [place], xerr=[2 * value.u], fmt="o", ms=5, mfc="white",
                          mec=colour, ecolor=colour, elinewidth=1.2)  # fmt: skip
            axis.annotate(
                f"± {100 * value.u_rel:.1f} %",
                (value.value + 2 * value.u, place),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=6.5,
            )
        axis.set_yticks(range(2), [r[0] for r in rows])
        axis.set_ylim(1.6, -0.6)
        axis.margins(x=0.2)

    return (plot("similar", (182.0, 48.0), draw, "Factor and doubt of both records."),)


def drift_plots(made: DriftMeasured) -> tuple[Plot, ...]:
    """Each record's factor over the first, with the limits."""

    def draw(drawing: Any) -> None:
        changes = [0.0, *(c.difference for c in made.against_first)]
        u = [r.calibration_factor().value.u_rel for r in made.records]
        days = [(r.date - made.records[0].date).days for r in made.records]
        axis = axis_of(drawing, f"Change since {made.records[0].date}, bars ± 2u of each factor",
                     "days", "change / %")  # fmt: skip
        drawing.subplots_adjust(left=0.07)
        reach = 1.2 * max(100 * DRIFT[1], *(100 * (abs(c) + 2 * d) for c, d in zip(
            changes, u, strict=True)))  # fmt: skip
        for limit, colour in ((DRIFT[0], OCHRE), (DRIFT[1], VERMILLION)):
            for side in (1, -1):
                axis.axhline(side * 100 * limit, color=colour, lw=0.8, ls=(0, (4, 2)))
        axis.axhline(0, color=RULE, lw=0.8)
        axis.errorbar(days, [100 * c for c in changes], [200 * d for d in u], fmt="o", ms=4.5,
                      mfc="white", mec=BLUE, ecolor=BLUE, elinewidth=0.9)  # fmt: skip
        axis.set_ylim(-reach, reach)

    worst = max((abs(c.difference) for c in made.against_first), default=0.0)
    return (plot("drift", (182.0, 62.0), draw,
                  f"Change of the factor over time, largest {100 * worst:.1f} %."),)  # fmt: skip
