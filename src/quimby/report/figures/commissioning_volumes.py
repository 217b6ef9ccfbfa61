"""Plots of reconstructed phantoms and sources: cylinder, spheres, NEMA body phantom, patient."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi
from typing import Any

import numpy as np

from quimby.core.grid import Image
from quimby.core.uncertain import Uncertain
from quimby.devices.cylinder import UNIFORM_WITHIN, CylinderResult
from quimby.devices.nema_spheres import published_ranges
from quimby.devices.point_spread import Sphere
from quimby.devices.point_width import PER_SIGMA_HALF
from quimby.devices.recovery import RecoveryCurve
from quimby.report.figures.commissioning_drawn import (
    SQUARE,
    WIDE,
    axis_of,
    picture,
    plot,
    slice_plot,
)
from quimby.report.figures.devices import Plot
from quimby.report.figures.devices_rates import BAND
from quimby.report.figures.style import BLUE, DARKER, GREEN, GREY, INK, OCHRE, VERMILLION
from quimby.study.commission import RecoveryMeasured
from quimby.study.commissioning.pet import PetMeasured
from quimby.study.commissioning.source import SourceMeasured


def cylinder_plots(image: Image, found: CylinderResult) -> tuple[Plot, ...]:
    """The slice through the middle, and the profile from the wall inwards."""
    alt = "Slice through the middle of the cylinder."
    shown = slice_plot(image, found.centre_mm[2], (), name="cylinder", alt=alt,
                          title="Slice through the middle")  # fmt: skip
    if not found.profile:
        return (shown,)
    worst = max(abs(p - 1.0) for p in found.profile)
    alt = f"Mean by depth under the wall over the mean, largest departure {100 * worst:.1f} %."
    return shown, plot("profile", WIDE, lambda d: _profile(d, found, worst), alt)


def _profile(drawing: Any, found: CylinderResult, worst: float) -> None:
    axis = axis_of(drawing, f"Profile flat within {100 * worst:.1f} %", "depth under the wall / mm",
                 "mean / mean of all")  # fmt: skip
    reach = 1.4 * max(worst, UNIFORM_WITHIN)
    axis.set_ylim(1 - reach, 1 + reach)
    for low in (1 + UNIFORM_WITHIN, 1 - reach):
        axis.axhspan(low, low + reach - UNIFORM_WITHIN, color=BAND, lw=0)
    axis.axhline(1, color=GREY, lw=0.6)
    axis.plot(found.profile_depth_mm, found.profile, "o-", color=BLUE, mfc="white", ms=4, lw=0.9)


def recovery_plots(image: Image, made: RecoveryMeasured) -> tuple[Plot, ...]:
    """The slice with the spheres as they were fitted, and the curve through them."""
    shift = np.asarray(made.point_spread.shift_mm)
    circles = []
    for m in made.spheres:
        x, y, z = (float(v) for v in np.asarray(m.sphere.centre_mm) + shift)
        circles.append(((x, y, z), m.sphere.diameter_mm / 2, VERMILLION))
    largest = max(made.spheres, key=lambda m: m.sphere.diameter_mm).sphere
    shown = slice_plot(
        image,
        largest.centre_mm[2] + float(shift[2]),
        circles,
        name="spheres",
        title="Spheres as fitted",
        alt="Slice with the spheres outlined.",
    )
    points = [(m.sphere.volume_ml, m.coefficient) for m in made.spheres]
    alt = f"Recovery of {len(points)} spheres against volume, with the fitted curve."
    return shown, plot("recovery", WIDE, lambda d: _recovery(d, points, made.fit.curve), alt)


def _recovery(drawing: Any, points: Sequence[tuple[float, Uncertain]], curve: RecoveryCurve
              ) -> None:  # fmt: skip
    title = f"RC(V) = 1 / (1 + ({curve.alpha_ml:.3g} ml / V)^{curve.beta:.3g}), band k = 2"
    axis = axis_of(drawing, title, "volume / ml", "recovery")
    _curve(axis, curve, min(v for v, _ in points), max(v for v, _ in points))
    axis.errorbar([v for v, _ in points], [c.value for _, c in points],
                  [2 * c.u for _, c in points], fmt="o", ms=4, mfc="white", mec=INK, mew=0.9,
                  ecolor=INK, elinewidth=0.8, zorder=4)  # fmt: skip
    _plain_log(axis)
    axis.set_ylim(0, 1.1)


def _curve(axis: Any, curve: RecoveryCurve, least: float, most: float) -> None:
    volumes = np.geomspace(0.8 * least, 1.25 * most, 120)
    rows = [curve.coefficient(Uncertain(float(v))) for v in volumes]
    axis.fill_between(volumes, [r.value - 2 * r.u for r in rows],
                      [r.value + 2 * r.u for r in rows], color=BLUE, alpha=0.15, lw=0)  # fmt: skip
    axis.plot(volumes, [r.value for r in rows], color=BLUE, lw=1.2)


def _plain_log(axis: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())


def pet_plots(made: PetMeasured) -> tuple[Plot, ...]:
    """Spheres and background places as they were found, and the curves beside published ranges."""
    found = made.found
    circles = [(s.sphere.centre_mm, s.sphere.diameter_mm / 2, VERMILLION) for s in found.spheres]
    z = found.ring.centre_mm[2]
    circles += [((x, y, z), 18.5, BLUE) for x, y in found.background.places_mm]
    shown = slice_plot(made.image, z, circles, name="phantom", alt="Slice of the phantom with "
                          "the six spheres and the background places as they were found.",
                          title="Found: spheres (red), background (blue)")  # fmt: skip
    alt = "Recovery of the six spheres by maximum and by 50 % contour, beside published ranges."
    return shown, plot("recovery", WIDE, lambda d: _pet(d, made), alt)


def _pet(drawing: Any, made: PetMeasured) -> None:
    used, spheres = published_ranges()[made.compared_with], made.found.spheres
    name = used.name.split(" (")[0]
    axis = axis_of(drawing, f"Recovery beside {name} (bands)", "sphere / mm", "recovery")
    for what, limits, colour, mark in (("maximum", used.maximum, VERMILLION, "s"),
                                       ("50 % contour", used.contour, BLUE, "o")):  # fmt: skip
        across = sorted(limits)
        if across:
            axis.fill_between(
                across,
                [limits[mm][0] for mm in across],
                [limits[mm][1] for mm in across],
                color=colour,
                alpha=0.13,
                lw=0,
            )
        rows = sorted((s.sphere.diameter_mm, s.recovery_max if what == "maximum" else
                       s.recovery_contour) for s in spheres)  # fmt: skip
        _series(axis, [r[0] for r in rows], [r[1] for r in rows], what, colour, mark)
    rows = sorted((s.sphere.diameter_mm, s.coefficient) for s in spheres)
    _series(axis, [r[0] for r in rows], [r[1] for r in rows], "c, whole sphere", DARKER[GREEN], "^")
    if made.found.fit is not None:
        curve = made.found.fit.curve
        mm = np.linspace(9, 38, 100)
        axis.plot(mm, [curve.at(pi * d**3 / 6000) for d in mm], color=DARKER[GREEN], lw=0.9)
    axis.set_xlim(8, 46)
    axis.set_xticks([10, 13, 17, 22, 28, 37])
    axis.set_ylim(0, None)


def _series(
    axis: Any, across: Sequence[float], rows: Sequence[Uncertain], name: str, colour: str, mark: str
) -> None:
    line = "none" if mark == "^" else ":"
    axis.errorbar(across, [r.value for r in rows], [2 * r.u for r in rows], fmt=mark, ls=line,
                  ms=4, mfc="white", mec=colour, color=colour, lw=0.8, elinewidth=0.8)  # fmt: skip
    axis.annotate(name, (across[-1], rows[-1].value), xytext=(5, 0), textcoords="offset points",
                  fontsize=6.3, va="center", color=colour)  # fmt: skip


def source_plots(made: SourceMeasured) -> tuple[Plot, ...]:
    """The source in its slice with its region; widths of a point; slices of a patient."""
    if made.source is None and made.found is not None:
        return (_front(made), _by_slice(made))
    plots = []
    if made.source is not None:
        plots.append(_region(made, made.source))
    if made.widths is not None:
        alt = "Profiles through the point along the three axes with their Gaussians."
        plots.append(plot("widths", WIDE, lambda d: _widths(d, made), alt))
    return tuple(plots)


def _region(made: SourceMeasured, source: Sphere) -> Plot:
    radius = source.diameter_mm / 2
    circles = [(source.centre_mm, radius + made.margin_mm, VERMILLION)]
    circles += [(source.centre_mm, radius, BLUE)] if radius > 1 else []
    return slice_plot(made.image, source.centre_mm[2], circles, name="source",
                       title="Source and region counted", alt="Slice through the source with the "
                       "region that was counted.")  # fmt: skip


def _widths(drawing: Any, made: SourceMeasured) -> None:
    assert made.widths is not None
    w, values = made.widths, made.image.values
    k, j, i = w.voxel
    across, down, along = made.image.grid.spacing_mm
    said = ", ".join(f"{one.fwhm_mm:.1f}" for one in (w.x, w.y, w.z))
    axis = axis_of(drawing, f"FWHM {said} mm along x, y, z", "from the centre / mm", "of the peak")
    rows = ((w.x, values[k, j, :], across, BLUE, "o", "x"),
            (w.y, values[k, :, i], down, VERMILLION, "s", "y"),
            (w.z, values[:, j, i], along, DARKER[GREEN], "^", "z"))  # fmt: skip
    reach = 2.2 * max(w.x.fwhm_mm, w.y.fwhm_mm, w.z.fwhm_mm)
    x = np.linspace(-reach, reach, 200)
    for one, profile, step, colour, mark, name in rows:
        at = np.arange(profile.size) * step - one.centre_mm
        axis.plot(at, profile / profile.max(), mark, mfc="white", mec=colour, ms=3.5, label=name)
        axis.plot(x, np.exp(-0.5 * (x * PER_SIGMA_HALF / one.fwhm_mm) ** 2), color=colour, lw=0.8)
    axis.set_xlim(-reach, reach)
    axis.legend(frameon=False, fontsize=6.5)


def _front(made: SourceMeasured) -> Plot:
    across, _, along = made.image.grid.spacing_mm
    sums = np.asarray(made.image.values.sum(axis=1)[::-1], dtype=np.float64)
    high = float(np.percentile(sums, 99.5)) or None
    return plot("front", SQUARE, lambda d: picture(
        d, sums, (across, along), "Sum from front to back", high=high),
        "All counts added from front to back.")  # fmt: skip


def _by_slice(made: SourceMeasured) -> Plot:
    def draw(drawing: Any) -> None:
        slices = made.image.values.sum(axis=(1, 2))
        axis = axis_of(
            drawing, "Does the scan hold the whole body?", "slice", "of the fullest slice"
        )
        axis.fill_between(range(1, len(slices) + 1), slices / slices.max(), color=BLUE, alpha=0.3,
                          lw=0)  # fmt: skip
        axis.axhline(0.05, color=OCHRE, lw=0.8)
        axis.annotate("5 %: limit at both ends", (0.5, 0.05), xycoords=("axes fraction", "data"),
                      xytext=(0, 3), textcoords="offset points", ha="center", fontsize=6.3,
                      color=DARKER[OCHRE])  # fmt: skip
        axis.set_ylim(0, 1.05)
        axis.set_xlim(1, len(slices))

    return plot("slices", WIDE, draw, "Counts of each slice over the fullest one.")
