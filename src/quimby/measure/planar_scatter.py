"""Scatter on planar images, from one window beside the photopeak or from two."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.devices.scatter import Primary, Window, negative_notes, triple_window
from quimby.measure.planar_roi import Roi
from quimby.measure.planar_scan import PlanarScan, ViewPair, beside, chosen_window, view_pair
from quimby.measure.scans import EnergyWindow

WAYS = ("both", "lower", "upper", "none")
LOWER_ALONE = "nothing is taken to scatter above the photopeak"
UPPER_ALONE = "the scatter from higher energies is taken as even across the photopeak"


@dataclass(frozen=True, slots=True)
class Windows:
    """A photopeak with the windows measured beside it."""

    peak: Window
    lower: Window | None = None
    upper: Window | None = None


def primary(windows: Windows, *, cause: str = "counts", where: str = "scatter") -> Primary:
    """Photopeak counts without scatter, with the Poisson doubt of every window used.

    Both windows: the triple-window estimate. The lower one alone: a triangle that ends at the
    upper edge of the photopeak. The upper one alone: a level background (photons of higher
    energy). One window is said: I-SC-ONE-WINDOW. E-PLN-NO-WINDOW for neither. Negative results
    are kept; W-SC-NEGATIVE tells of one.
    """
    peak, low, up = windows.peak, windows.lower, windows.upper
    if low is not None and up is not None:
        both = triple_window(peak, lower=low, upper=up)
        return Primary(both.scatter, Uncertain(both.primary.value, {cause: both.primary.u}),
                       both.notes)  # fmt: skip
    side = low if low is not None else up
    if side is None:
        raise refusal("E-PLN-NO-WINDOW", where=where, role="scatter",
                      wanted="a window beside the photopeak")  # fmt: skip
    if not (peak.width_kev > 0 and side.width_kev > 0):
        what = f"widths {peak.width_kev:g} and {side.width_kev:g} keV"
        raise refusal("E-SC-WINDOW", where=where, what=what)
    weight = peak.width_kev / side.width_kev * (0.5 if low is not None else 1.0)
    left = peak.counts - weight * side.counts
    u = sqrt(peak.counts + weight**2 * side.counts)
    which, how = ("the lower", LOWER_ALONE) if low is not None else ("the upper", UPPER_ALONE)
    said = note("I-SC-ONE-WINDOW", where=where, which=which, how=how)
    return Primary(weight * side.counts, Uncertain(left, {cause: u}),
                   (*negative_notes([left]), said))  # fmt: skip


@dataclass(frozen=True, slots=True)
class TwoViews:
    """Counts of one region in two opposite views, without scatter where it was corrected.

    `names` of the views; `gross` are the photopeak's, before any correction.
    """

    counts: tuple[Uncertain, Uncertain]
    gross: tuple[float, float]
    names: tuple[str, str]
    pixels: float
    seconds: float
    notes: tuple[Note, ...] = ()


def region_counts(
    scan: PlanarScan,
    roi: Roi,
    *,
    label: str,
    energy_kev: float | None = None,
    scatter: str = "both",
    number: int = 1,
) -> TwoViews:
    """Counts of a region, drawn on the first view, in both views of a scan.

    `scatter` is "both", "lower", "upper" or "none": which windows beside the photopeak are used.
    `label` names the scan in the causes: "counts, kidney anterior, 24 h". Raises what
    `view_pair` does, E-PLN-NO-WINDOW where a window asked for is missing.
    """
    peak = chosen_window(scan, energy_kev)
    pair = _pair_of(scan, peak, number)
    sides = (None, None) if scatter == "none" else _sides(scan, peak, scatter)
    others = [None if s is None else _pair_of(scan, s, number) for s in sides]
    found, notes = [], list(pair.notes)
    for n, view in enumerate(pair.names):
        cause, where = f"counts, {roi.name} {view}, {label}", f"{roi.name} {view}, {label}"
        gross = _held(pair, roi, n)
        if scatter == "none":
            found.append(Uncertain(gross.counts, {cause: sqrt(max(gross.counts, 0.0))}))
            continue
        held = [None if o is None else _held(o, roi, n) for o in others]
        one = primary(Windows(gross, held[0], held[1]), cause=cause, where=where)
        found.append(one.primary)
        notes += one.notes
    both = (_held(pair, roi, 0).counts, _held(pair, roi, 1).counts)
    return TwoViews((found[0], found[1]), both, pair.names, roi.pixels, pair.seconds,
                    tuple(dict.fromkeys(notes)))  # fmt: skip


def _pair_of(scan: PlanarScan, window: EnergyWindow, number: int) -> ViewPair:
    return view_pair(scan, (window.lower_kev + window.upper_kev) / 2.0, number=number)


def _held(pair: ViewPair, roi: Roi, view: int) -> Window:
    """Counts of a region in one view of one window."""
    width = pair.window.upper_kev - pair.window.lower_kev if pair.window is not None else 0.0
    return Window(roi.counts((pair.first, pair.second)[view]), width)


def _sides(
    scan: PlanarScan, peak: EnergyWindow, scatter: str
) -> tuple[EnergyWindow | None, EnergyWindow | None]:
    """The scatter windows asked for; E-PLN-NO-WINDOW where one is missing."""
    if scatter not in WAYS:
        raise refusal("E-PLN-NO-WINDOW", where=scan.where, role="scatter",
                      wanted=f"one of {', '.join(WAYS)}, not {scatter!r},")  # fmt: skip
    lower, upper = beside(scan, peak)
    for name, window in (("lower", lower), ("upper", upper)):
        if scatter in ("both", name) and window is None:
            raise refusal("E-PLN-NO-WINDOW", where=scan.where, role="scatter",
                          wanted=f"the {name} one")  # fmt: skip
    return (lower if scatter != "upper" else None), (upper if scatter != "lower" else None)
