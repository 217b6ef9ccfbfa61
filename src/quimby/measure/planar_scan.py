"""Planar scans as values: frames by view, head, energy window and time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from quimby.core.grid import frozen
from quimby.core.notes import Note, note, refusal
from quimby.measure.scans import Device, EnergyWindow, Identity, Radiopharmaceutical

Float = NDArray[np.float64]
ANTERIOR, POSTERIOR = "anterior", "posterior"
OPPOSITE = {ANTERIOR: POSTERIOR, POSTERIOR: ANTERIOR, "left": "right", "right": "left"}
SAME_KEV = 0.5  # windows whose limits agree so far are one
TURNED_BY = 0.02  # correlation that a turned-round view must gain before it is noted [P]
BROAD_MM = 20.0  # smoothing before two views are compared


@dataclass(frozen=True, eq=False)
class PlanarFrame:
    """One frame, (rows, columns) counts as the head saw them.

    `view` is "anterior", "posterior", "left", "right", or "" where the file does not say.
    `seconds` is the frame's own time; of a whole-body sweep, that of the whole sweep.
    """

    counts: Float
    view: str
    detector: int
    window: EnergyWindow | None
    seconds: float
    number: int = 1  # of a dynamic series, from 1
    collimator: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", frozen(self.counts, np.float64))


@dataclass(frozen=True, slots=True)
class Sweep:
    """How a whole-body image was swept; None where the file does not say."""

    velocity_mm_s: float | None = None
    length_mm: float | None = None
    technique: str = ""


@dataclass(frozen=True, eq=False)
class PlanarScan:
    """Static, whole-body or dynamic planar frames of one acquisition.

    `kind` is "static", "whole body" or "dynamic"; `pixel_mm` between rows and columns.
    """

    kind: str
    frames: tuple[PlanarFrame, ...]
    pixel_mm: tuple[float, float]
    emission: bool
    sweep: Sweep | None
    identity: Identity
    device: Device
    pharmaceutical: Radiopharmaceutical
    acquired_at: datetime | None
    study_uid: str
    series_uid: str
    description: str
    patient_position: str
    files: tuple[Path, ...]
    notes: tuple[Note, ...] = field(default=())

    @property
    def where(self) -> str:
        """The file, for messages."""
        return str(self.files[0]) if self.files else self.description or "planar scan"

    @property
    def views(self) -> tuple[str, ...]:
        """Every view once, in the order of the frames."""
        return tuple(dict.fromkeys(f.view or f"head {f.detector}" for f in self.frames))

    @property
    def windows(self) -> tuple[EnergyWindow, ...]:
        """Every energy window once."""
        return tuple(dict.fromkeys(f.window for f in self.frames if f.window is not None))


@dataclass(frozen=True, eq=False)
class ViewPair:
    """Two opposite views of one energy window, the second turned onto the first.

    One region drawn on `first` then holds for both. `seconds` of each frame.
    """

    first: Float
    second: Float
    names: tuple[str, str]
    window: EnergyWindow | None
    seconds: float
    pixel_mm: tuple[float, float]
    notes: tuple[Note, ...] = ()

    @property
    def geometric_mean(self) -> Float:
        """Square root of the product of both views, counts; to look at and to draw on."""
        return np.sqrt(np.clip(self.first, 0, None) * np.clip(self.second, 0, None))


def check_for_dosimetry(scan: PlanarScan) -> None:
    """Refuse what no planar activity can rest on, with the way out.

    E-PLN-KIND for a transmission scan, E-PLN-ONE-VIEW, E-PLN-NO-WINDOW.
    """
    if not scan.emission:
        raise refusal("E-PLN-KIND", where=scan.where, found="a transmission scan",
                      wanted="an emission scan")  # fmt: skip
    if len(scan.views) < 2:
        said = f"{scan.kind}, {scan.views[0]}"
        raise refusal("E-PLN-ONE-VIEW", where=scan.where, found=said)
    if any(f.window is None for f in scan.frames):
        raise refusal(
            "E-PLN-NO-WINDOW", where=scan.where, role="energy", wanted="its limits in keV"
        )


def view_pair(scan: PlanarScan, energy_kev: float | None = None, *, number: int = 1) -> ViewPair:
    """The two opposite views whose window holds `energy_kev` (may be left out for one window).

    `number` is that of a dynamic series. Raises E-PLN-ONE-VIEW, E-PLN-NO-WINDOW (several
    windows and none chosen, or none that holds the energy) and E-PLN-KIND.
    """
    check_for_dosimetry(scan)
    window = chosen_window(scan, energy_kev)
    frames = [f for f in scan.frames if f.window == window and f.number == number]
    first, second = _opposite(frames, scan)
    turned = np.ascontiguousarray(second.counts[:, ::-1])
    turned.flags.writeable = False
    notes = _turn_notes(first.counts, second.counts, scan)
    if not (first.view and second.view):
        notes += (note("S-PLN-SIDES", where=scan.where),)
    names = (first.view or f"head {first.detector}", second.view or f"head {second.detector}")
    return ViewPair(first.counts, turned, names, window,
                    _one_time(first, second, scan), scan.pixel_mm, notes)  # fmt: skip


def chosen_window(scan: PlanarScan, energy_kev: float | None) -> EnergyWindow:
    """The window that holds an energy; the only one there is where none is named."""
    if energy_kev is None and len(scan.windows) == 1:
        return scan.windows[0]
    fits = [w for w in scan.windows if energy_kev and w.lower_kev <= energy_kev <= w.upper_kev]
    if len(fits) != 1:
        held = ", ".join(f"{w.lower_kev:g}-{w.upper_kev:g} keV" for w in scan.windows)
        wanted = "the photopeak energy named" if energy_kev is None else f"{energy_kev:g} keV"
        raise refusal("E-PLN-NO-WINDOW", where=scan.where, role=f"single energy ({held})",
                      wanted=wanted)  # fmt: skip
    return fits[0]


def beside(scan: PlanarScan, peak: EnergyWindow) -> tuple[EnergyWindow | None, EnergyWindow | None]:
    """The windows just below and just above a photopeak, None where there is none."""
    below = [w for w in scan.windows if w.upper_kev <= peak.lower_kev + SAME_KEV]
    above = [w for w in scan.windows if w.lower_kev >= peak.upper_kev - SAME_KEV]
    lower = max(below, key=lambda w: w.upper_kev, default=None)
    return lower, min(above, key=lambda w: w.lower_kev, default=None)


def _opposite(frames: list[PlanarFrame], scan: PlanarScan) -> tuple[PlanarFrame, PlanarFrame]:
    """Anterior and posterior (or left and right); two heads where no view is named."""
    named = {f.view: f for f in frames if f.view}
    for one in (ANTERIOR, "left"):
        if one in named and OPPOSITE[one] in named:
            return named[one], named[OPPOSITE[one]]
    unnamed = [f for f in frames if not f.view]
    if len(unnamed) == 2 and not named:
        return unnamed[0], unnamed[1]
    said = ", ".join(dict.fromkeys(f.view or f"head {f.detector}" for f in frames)) or "none"
    raise refusal("E-PLN-ONE-VIEW", where=scan.where, found=said)


def _one_time(first: PlanarFrame, second: PlanarFrame, scan: PlanarScan) -> float:
    longer, shorter = max(first.seconds, second.seconds), min(first.seconds, second.seconds)
    if longer > 1.01 * shorter:
        raise refusal("E-DCM-MIXED", where=scan.where, what="the time of their views")
    return (first.seconds + second.seconds) / 2.0


def _turn_notes(first: Float, second: Float, scan: PlanarScan) -> tuple[Note, ...]:
    """W-PLN-MIRROR where the second view fits the first better as it is than turned round."""
    widths = [BROAD_MM / mm for mm in scan.pixel_mm]
    a, b = (np.sqrt(gaussian_filter(np.clip(c, 0, None), widths)) for c in (first, second))
    if not (a.std() > 0 and b.std() > 0):
        return ()
    turned, plain = (float(np.corrcoef(a.ravel(), c.ravel())[0, 1]) for c in (b[:, ::-1], b))
    if plain <= turned + TURNED_BY:
        return ()
    return (note("W-PLN-MIRROR", where=scan.where, value=plain, limit=turned),)
