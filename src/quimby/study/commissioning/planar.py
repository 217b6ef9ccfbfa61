"""Planar sensitivity of each head, from a source of known activity in air."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from quimby.core.notes import Note, note, refusal
from quimby.core.time import aware, hours_between
from quimby.core.uncertain import Uncertain, total
from quimby.devices import matching
from quimby.devices.calibration import plausibility_notes
from quimby.devices.camera import CameraRecord, PlanarRecord
from quimby.devices.planar_sensitivity import Background, planar_sensitivity
from quimby.measure.dicom.planar import read_planar
from quimby.measure.planar_scan import SAME_KEV, PlanarFrame, PlanarScan, chosen_window
from quimby.physics.decay import ASSAY_AGE_LIMIT, decay_factor
from quimby.physics.nuclides import canonical, nuclide
from quimby.study.commissioning import certificate as told
from quimby.study.commissioning.certificate import Certificate, Check, Quantity, Table
from quimby.study.files import Shelf

HEADS_WITHIN = 0.05  # sensitivity of two heads of one camera [P]
COUNTED_WITHIN = 0.01  # relative Poisson doubt of the source's counts [P]
VALID_FOR = timedelta(days=365)


@dataclass(frozen=True, eq=False)
class HeadMeasured:
    """One frame of the source: what was counted, and the sensitivity in cps/MBq."""

    name: str
    frame: PlanarFrame
    background_cps: float | None
    activity_mbq: Uncertain  # at the start of the counting
    sensitivity: Uncertain


@dataclass(frozen=True, eq=False)
class PlanarMeasured:
    """All heads, their mean, and the certificate."""

    heads: tuple[HeadMeasured, ...]
    mean: Uncertain
    pixel_mm: tuple[float, float]
    certificate: Certificate
    measured: date | None


def measure_planar(
    files: Sequence[Path], *, activity_mbq: Uncertain, at: str, name: str, shelf: Shelf,
    background: Sequence[Path] = (), energy_kev: float | None = None, zone: str | None = None,
    operator: str = "",
) -> PlanarMeasured:  # fmt: skip
    """Sensitivity of every head that saw the source, cps/MBq; the background is its own head's.

    `activity_mbq` at the moment `at`. Raises what `read_planar` raises, E-PLN-KIND for moving or
    dynamic frames, E-PLN-NO-WINDOW, E-CAL-NUCLIDE, E-CAL-SCAN-TIME, E-CAL-HEAD.
    """
    scans = [read_planar([path]) for path in files]
    empty = [read_planar([path]) for path in background]
    for scan in (*scans, *empty):
        _fits(scan, name)
    heads = [
        _measured(scan, frame, empty, (activity_mbq, at, name), energy_kev, zone)
        for scan in scans
        for frame in _frames(scan, energy_kev)
    ]
    mean = total([h.sensitivity for h in heads]).scaled(1.0 / len(heads))
    notes = told.noted(*(s.notes for s in (*scans, *empty)), _notes(heads, mean, name))
    inputs = [shelf.entry("source", files)]
    inputs += [shelf.entry("background", background)] if background else []
    made = Certificate(
        kind="planar-sensitivity",
        title="Planar sensitivity",
        subtitle=f"{canonical(name)} · {', '.join(h.name for h in heads)}",
        device=told.device_rows(
            scans[0].device, windows=scans[0].windows,
            collimators=[h.frame.collimator for h in heads],
        ),
        how="Counts of the whole field in the photopeak window, over counting time and the "
            "activity at the start of the counting; decay while counting is corrected. "
            "The background is that of the same head.",
        results=_results(heads, mean),
        measured_at=scans[0].acquired_at,
        inputs=tuple(inputs),
        tables=(_table(heads),),
        checks=_checks(heads, notes, bool(background)),
        constants=(nuclide(name).half_life_h,),
        notes=notes,
        valid_until=scans[0].acquired_at.date() + VALID_FOR if scans[0].acquired_at else None,
        operator=operator,
    )  # fmt: skip
    day = scans[0].acquired_at.date() if scans[0].acquired_at else None
    return PlanarMeasured(tuple(heads), mean, scans[0].pixel_mm, made, day)


def with_planar(camera: CameraRecord, found: PlanarMeasured, name: str) -> CameraRecord:
    """The record with this planar sensitivity: a check of what planar pairs and SPECT/CT say.

    E-CAL-NUCLIDE, E-CAL-WINDOW for a dish of another nuclide or collimator, or without its energy
    window and day.
    """
    matching.check_nuclide(name, camera.nuclide, canonical=canonical, where=camera.id)
    first = found.heads[0].frame
    matching.check_collimator(first.collimator or matching.UNKNOWN, camera.collimator,
                              where=camera.id)  # fmt: skip
    window, day = first.window, found.measured
    if window is None or day is None:
        raise refusal("E-CAL-WINDOW", where=camera.id, what="energy window or day", scan="not said",
                      record="needed")  # fmt: skip
    mean = found.mean
    made = PlanarRecord(
        cps_per_mbq=mean.value,
        u_relative={cause: abs(part) / mean.value for cause, part in mean.parts.items() if part},
        heads=len(found.heads), lower_kev=window.lower_kev, upper_kev=window.upper_kev,
        measured=day,
    )  # fmt: skip
    return camera.model_copy(update={"planar": made})


def _fits(scan: PlanarScan, name: str) -> None:
    if scan.kind != "static" or not scan.emission:
        raise refusal("E-PLN-KIND", where=scan.where, found=f"a {scan.kind} image",
                      wanted="a static image of a source")  # fmt: skip
    matching.check_nuclide(
        scan.pharmaceutical.nuclide, name, canonical=canonical, where=scan.files[0].name
    )


def _frames(scan: PlanarScan, energy_kev: float | None) -> list[PlanarFrame]:
    window = chosen_window(scan, energy_kev)
    return [f for f in scan.frames if f.window == window]


def _measured(
    scan: PlanarScan, frame: PlanarFrame, empty: Sequence[PlanarScan],
    source: tuple[Uncertain, str, str], energy_kev: float | None, zone: str | None,
) -> HeadMeasured:  # fmt: skip
    assay, at, name = source
    where = scan.files[0].name
    if scan.acquired_at is None:
        raise refusal("E-CAL-SCAN-TIME", where=where)
    start = aware(scan.acquired_at, where=where, zone=zone)
    half_life_h = nuclide(name).half_life_h.value
    elapsed_h = hours_between(aware(at, where="--at", zone=zone), start)
    if abs(elapsed_h) > ASSAY_AGE_LIMIT * half_life_h:
        raise refusal("E-CAL-ASSAY", where="--at", half_lives=abs(elapsed_h) / half_life_h,
                      days=abs(elapsed_h) / 24, limit=ASSAY_AGE_LIMIT)  # fmt: skip
    held = assay.scaled(decay_factor(elapsed_h, half_life_h))
    behind = _background(frame, [f for s in empty for f in _frames(s, energy_kev)], where)
    found = planar_sensitivity(frame.counts.sum(), frame.seconds, held, half_life_h=half_life_h,
                               background=behind, where=where)  # fmt: skip
    cps = behind.counts / behind.seconds if behind else None
    return HeadMeasured(_named(frame), frame, cps, held, found)


def _named(frame: PlanarFrame) -> str:
    return f"head {frame.detector}" + (f", {frame.view}" if frame.view else "")


def _background(frame: PlanarFrame, empty: Sequence[PlanarFrame], where: str) -> Background | None:
    """The empty frame of the same head: by the collimator's own name, else view, else number."""
    if not empty:
        return None
    same = [f for f in empty if _same_window(f, frame)]
    own_names = len({f.collimator for f in same}) == len(same) > 1  # else it names the type only
    for key in ("collimator", "view", "detector") if own_names else ("view", "detector"):
        mine = [f for f in same if getattr(f, key) and getattr(f, key) == getattr(frame, key)]
        if len(mine) == 1:
            return Background(float(mine[0].counts.sum()), mine[0].seconds)
    known = ", ".join(f"{_named(f)} ({f.collimator})" for f in empty)
    raise refusal("E-CAL-HEAD", where=where, head=f"{_named(frame)} ({frame.collimator})",
                  known=known)  # fmt: skip


def _same_window(one: PlanarFrame, other: PlanarFrame) -> bool:
    a, b = one.window, other.window
    if a is None or b is None:
        return a is b
    return max(abs(a.lower_kev - b.lower_kev), abs(a.upper_kev - b.upper_kev)) <= SAME_KEV


def _spread(heads: Sequence[HeadMeasured], mean: Uncertain) -> float:
    values = [h.sensitivity.value for h in heads]
    return (max(values) - min(values)) / mean.value


def _notes(heads: Sequence[HeadMeasured], mean: Uncertain, name: str) -> tuple[Note, ...]:
    found: list[Note] = []
    if any(h.background_cps is None for h in heads):
        found.append(note("W-CAL-NO-BACKGROUND", where="planar sensitivity"))
    if (size := _spread(heads, mean)) > HEADS_WITHIN:
        found.append(note("W-CAL-HEADS", where="planar sensitivity", value=size,
                          limit=HEADS_WITHIN))  # fmt: skip
    if canonical(name) == "Lu-177":
        for h in heads:
            found += plausibility_notes(h.sensitivity.value)
    return tuple(dict.fromkeys(found))


def _results(heads: Sequence[HeadMeasured], mean: Uncertain) -> tuple[Quantity, ...]:
    each = [Quantity(f"Sensitivity, {h.name}", h.sensitivity, "cps/MBq") for h in heads]
    if len(each) == 1:
        return tuple(each)
    return (Quantity("Sensitivity, mean of the heads", mean, "cps/MBq"), *each)


def _table(heads: Sequence[HeadMeasured]) -> Table:
    rows = tuple(
        (
            h.name, h.frame.collimator or told.UNKNOWN, f"{h.frame.counts.sum():.0f}",
            f"{h.frame.seconds:.2f}",
            "none" if h.background_cps is None else f"{h.background_cps:.2f}",
            f"{h.activity_mbq.value:.4g}",
        )
        for h in heads
    )  # fmt: skip
    head = ("Head", "Collimator", "Counts", "Time, s", "Background, cps", "Activity, MBq")
    return Table("What was counted", head, rows, words=(0, 1))


def _checks(
    heads: Sequence[HeadMeasured], notes: Sequence[Note], background: bool
) -> tuple[Check, ...]:
    u = max(float(h.frame.counts.sum()) ** -0.5 for h in heads)
    found = [
        told.at_most("Doubt of the counts", u, COUNTED_WITHIN, 2),
        told.without(("W-PLN-COUNTS", "S-PLN-CLIPPED", "S-PLN-COPY"), "Counts whole",
                     "pixels as the camera counted them", notes),
        Check("Background of the same head", "counted" if background else "none given", "counted",
              background),
    ]  # fmt: skip
    if len(heads) > 1:
        mean = sum(h.sensitivity.value for h in heads) / len(heads)
        found.append(told.at_most("Heads apart", _spread(heads, Uncertain(mean)), HEADS_WITHIN))
    return tuple(found)
