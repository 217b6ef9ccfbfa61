"""Planar pairs of a study read: two opposite views of one moment, checked to belong to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from quimby.core.notes import Note, note, refusal
from quimby.core.time import aware
from quimby.measure import checks
from quimby.measure.dicom.planar import read_planar
from quimby.measure.planar_scan import PlanarScan, ViewPair, beside, chosen_window, view_pair
from quimby.measure.scans import Identity
from quimby.physics.nuclides import Nuclide
from quimby.study.document import Planar, Study
from quimby.study.files import Shelf
from quimby.study.inputs import Inputs
from quimby.study.result import InputFile, Measurement

LEAST_KEV, LEAST_PER_DECAY = 100.0, 0.02
"""Photon lines that planar images are made with [P]: weaker ones drown in scatter."""


@dataclass(frozen=True, eq=False)
class Pair:
    """One planar scan with its two views, in hours after the administration."""

    id: str
    scan: PlanarScan
    views: ViewPair
    energy_kev: float
    scatter: str  # windows beside the photopeak that are used
    acquired_at: datetime
    time_h: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Pairs:
    """Every planar pair of an administration, in order of time."""

    pairs: tuple[Pair, ...]
    files: tuple[InputFile, ...]
    shown: Mapping[str, str]  # absolute path -> as notes name it
    notes: tuple[Note, ...]


def read_pairs(study: Study, inputs: Inputs, substance: Nuclide) -> Pairs:
    """Reads every measurement of kind `planar`, each checked as the scans are.

    Raises what the reader and `view_pair` raise (E-PLN-ONE-VIEW, E-PLN-NO-WINDOW, …), what the
    checks of patient, nuclide and time raise, and E-STUDY-KEY for one that has no time.
    """
    shelf, zone = Shelf(study.folder), study.document.zone
    found: list[Pair] = []
    notes: list[Note] = []
    files: list[InputFile] = []
    for given in inputs.administration.planars:
        series = (given.image, *given.views)
        scan = read_planar([path for one in series for path in shelf.files(one)])
        _same_patient(inputs, given.id, scan)
        notes += checks.nuclide_agrees(substance.name, {given.id: scan.pharmaceutical.nuclide})
        pair, seen = _pair(given, scan, inputs, (substance, zone))
        found.append(pair)
        notes += [*scan.notes, *pair.views.notes, *seen]
        files.append(shelf.entry(f"{given.id}, planar", scan.files))
    in_time = tuple(sorted(found, key=lambda p: p.time_h))
    return Pairs(in_time, tuple(files), shelf.shown, tuple(notes))


def _same_patient(inputs: Inputs, name: str, scan: PlanarScan) -> None:
    first = inputs.visits[0]
    people: dict[str, Identity] = {f"{first.id}, SPECT": first.scan.identity, name: scan.identity}
    checks.same_patient(people)


def _pair(given: Planar, scan: PlanarScan, inputs: Inputs, told: tuple[Nuclide, str | None]
          ) -> tuple[Pair, tuple[Note, ...]]:  # fmt: skip
    substance, zone = told
    written = given.at or scan.acquired_at
    if written is None:
        problem = f"{given.id} says nowhere when it was acquired; give its at."
        raise refusal("E-STUDY-KEY", where=f"measurement {given.id}", problem=problem)
    started = inputs.started_at
    hours = checks.after_administration(started, {given.id: written}, zone=zone)[given.id]
    energy = energy_kev(scan, substance)
    views = view_pair(scan, energy)
    scatter, notes = _scatter(given, scan, energy)
    return Pair(given.id, scan, views, energy, scatter, aware(written, where=given.id, zone=zone),
                hours, views.seconds), notes  # fmt: skip


def energy_kev(scan: PlanarScan, substance: Nuclide) -> float:
    """The strongest line of a nuclide that a window of the scan holds; else its strongest."""
    lines = sorted(
        (p for p in substance.photons
         if p.energy_mev * 1e3 >= LEAST_KEV and p.per_decay >= LEAST_PER_DECAY),
        key=lambda p: -p.per_decay,
    )  # fmt: skip
    if not lines:
        raise refusal("E-PLN-NO-WINDOW", where=scan.where, role="energy",
                      wanted=f"a photon line of {substance.name}")  # fmt: skip
    energies = [p.energy_mev * 1e3 for p in lines]
    held = (e for e in energies if any(w.lower_kev <= e <= w.upper_kev for w in scan.windows))
    return next(held, energies[0])


def _scatter(given: Planar, scan: PlanarScan, energy: float) -> tuple[str, tuple[Note, ...]]:
    """What the study says, else the windows that the file has."""
    lower, upper = (w is not None for w in beside(scan, chosen_window(scan, energy)))
    held = "both" if lower and upper else "lower" if lower else "upper" if upper else "none"
    way = given.scatter or held
    said = (note("W-PLN-SCATTER", where=given.id),) if way == "none" else ()
    return way, said


def measurement_of(pair: Pair) -> Measurement:
    """The pair as a result lists it."""
    device = pair.scan.device
    return Measurement(
        id=pair.id, kind="planar", acquired_at=pair.acquired_at, time_h=pair.time_h,
        device=f"{device.manufacturer} {device.model}".strip(), duration_s=pair.seconds,
        voxel_mm=pair.scan.pixel_mm,
    )  # fmt: skip
