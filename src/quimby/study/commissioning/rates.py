"""Dead time of a camera: from a decaying source, from runs of known activity, from its peak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import e, log2
from pathlib import Path

from quimby.core.notes import Note, note, refusal
from quimby.core.time import aware, hours_between
from quimby.core.uncertain import Uncertain
from quimby.devices import matching
from quimby.devices.camera import CameraRecord, DeadTimeRecord
from quimby.devices.counting import Counting
from quimby.devices.dead_time import MODELS
from quimby.devices.dead_time_models import Compared, compare
from quimby.devices.planar_sensitivity import HighestRate, highest_rate
from quimby.measure.dicom.planar import read_planar
from quimby.measure.planar_scan import PlanarFrame, PlanarScan, chosen_window
from quimby.physics.nuclides import canonical, nuclide
from quimby.study.commissioning import certificate as told
from quimby.study.commissioning.certificate import Certificate, Check, Quantity, Table
from quimby.study.result import InputFile

LEAST_RUNS = 8
FIT_BELIEVED = 0.025  # chance of so much scatter
FALLS_BY = 0.02  # share of the peak by which the last rate must lie lower [P]
HOW = {
    "decay": "One source, counted while it decays; the true rate follows the half-life. Both "
             "models were fitted to all readings with their Poisson doubts.",
    "runs": "Runs with known activities; the true rate follows the activity. Both models were "
            "fitted to all readings with their Poisson doubts.",
    "peak": "A source brought nearer until the rate fell. A paralysable camera shows at most "
            "1/(e τ); a non-paralysable one would not fall.",
}  # fmt: skip
CAUTION = ("A dead time of a source in air holds for a patient as far as the scatter is alike "
           "(Heemskerk and Defrise, EJNMMI Phys 2020;7).")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """One reading: what was counted, from when, and the activity then where it is known."""

    counting: Counting
    started_at: datetime | None = None
    known_mbq: float | None = None


@dataclass(frozen=True, eq=False)
class Readings:
    """All readings of one head, with what their files say; `scan` is None for a table."""

    runs: tuple[Run, ...]
    inputs: tuple[InputFile, ...]
    notes: tuple[Note, ...] = ()
    background_cps: float = 0.0
    scan: PlanarScan | None = None
    frames: tuple[PlanarFrame, ...] = ()  # of one dynamic series


@dataclass(frozen=True, eq=False)
class RatesMeasured:
    """The dead time, by which method, and the certificate. `compared` or `peak` is there."""

    tau_s: Uncertain
    model: str
    compared: Compared | None
    peak: HighestRate | None
    device: str
    nuclide: str
    certificate: Certificate

    def record(self) -> DeadTimeRecord:
        """For the camera's record, µs to four digits."""
        tau, u = (float(f"{x * 1e6:.4g}") for x in (self.tau_s.value, self.tau_s.u))
        return DeadTimeRecord.model_validate({"tau_us": tau, "u_us": u, "model": self.model})


def read_series(
    files: Sequence[Path], inputs: Sequence[InputFile], *, energy_kev: float | None = None,
    head: int | None = None, zone: str | None = None,
) -> Readings:  # fmt: skip
    """Readings from planar files: static ones by their times, or one dynamic series.

    E-CAL-CORRECTED where the camera corrected for dead time itself, E-CAL-RUNS where two heads
    counted and none is chosen, E-PLN-NO-WINDOW.
    """
    scans = [read_planar([path]) for path in files]
    for scan in scans:
        if "DTIM" in scan.device.corrections:
            raise refusal("E-CAL-CORRECTED", where=scan.files[0].name)
    runs = [run for scan in scans for run in _runs(scan, energy_kev, head, zone)]
    frames = _of_head(scans[0], energy_kev, head) if len(scans) == 1 else []
    dynamic = tuple(frames) if scans[0].kind == "dynamic" else ()
    notes = told.noted(*(s.notes for s in scans))
    return Readings(tuple(runs), tuple(inputs), notes, scan=scans[0], frames=dynamic)


def _of_head(scan: PlanarScan, energy_kev: float | None, head: int | None) -> list[PlanarFrame]:
    window = chosen_window(scan, energy_kev)
    frames = [f for f in scan.frames if f.window == window and head in (None, f.detector)]
    if len({f.detector for f in frames}) != 1:
        heads = ", ".join(str(n) for n in dict.fromkeys(f.detector for f in scan.frames))
        raise refusal("E-CAL-RUNS", where=scan.files[0].name,
                      why=f"heads {heads} counted; choose one with --head")  # fmt: skip
    return frames


def _runs(
    scan: PlanarScan, energy_kev: float | None, head: int | None, zone: str | None
) -> list[Run]:
    where, start = scan.files[0].name, scan.acquired_at
    if scan.kind == "dynamic":
        zone = zone or "UTC"  # of one series only the differences count
    begun = aware(start, where=where, zone=zone) if start is not None else None
    found, past = [], 0.0
    for frame in _of_head(scan, energy_kev, head):
        label = f"{where}, frame {frame.number}" if scan.kind == "dynamic" else where
        at = begun + timedelta(seconds=past) if begun else None
        found.append(Run(Counting(float(frame.counts.sum()), frame.seconds, label), at))
        past += frame.seconds
    return found


def measure_rates(
    readings: Readings, *, name: str, method: str | None = None, model: str | None = None,
    operator: str = "",
) -> RatesMeasured:  # fmt: skip
    """The dead time by `method` ("decay", "runs", "peak"; the one that fits where None).

    E-CAL-RUNS where the readings serve none; E-CNT-DECAY-SPAN, E-CNT-DECAY-FIT, E-CAL-NUCLIDE.
    """
    if readings.scan is not None:
        matching.check_nuclide(readings.scan.pharmaceutical.nuclide, name, canonical=canonical,
                               where=readings.scan.files[0].name)  # fmt: skip
    way = method or _method(readings)
    if way == "peak":
        return _by_peak(readings, name, operator)
    found = _compared(readings, name, way, model)
    return _by_fit(readings, found, name, way, operator)


def _method(readings: Readings) -> str:
    if readings.frames:
        return "peak"
    known = [r.known_mbq is not None for r in readings.runs]
    return "runs" if known and all(known) else "decay"


def _compared(readings: Readings, name: str, way: str, model: str | None) -> Compared:
    half_life_h = nuclide(name).half_life_h.value
    times = _known_h(readings, half_life_h) if way == "runs" else _clock_h(readings)
    return compare(times, [r.counting for r in readings.runs], half_life_h=half_life_h,
                   background_cps=readings.background_cps, model=model,
                   where="dead time")  # fmt: skip


def _known_h(readings: Readings, half_life_h: float) -> list[float]:
    """Known activities as the hours after which the strongest would have decayed to them."""
    known = [r.known_mbq for r in readings.runs if r.known_mbq is not None and r.known_mbq > 0]
    if len(known) < len(readings.runs):
        raise refusal("E-CAL-RUNS", where="dead time", why="a run has no known activity above zero")
    return [half_life_h * log2(max(known) / one) for one in known]


def _clock_h(readings: Readings) -> list[float]:
    """Hours from the first reading's middle to each one's."""
    middles = [
        r.started_at + timedelta(seconds=r.counting.time_s / 2)
        for r in readings.runs
        if r.started_at is not None
    ]
    if len(middles) < len(readings.runs) or not middles:
        raise refusal("E-CAL-RUNS", where="dead time", why="a reading does not say when it was")
    first = min(middles)
    return [hours_between(first, m) for m in middles]


def _by_fit(
    readings: Readings, found: Compared, name: str, way: str, operator: str
) -> RatesMeasured:
    fit = found.fit
    results = [Quantity(f"Dead time, {found.chosen} (chosen)", fit.busy.tau_s.scaled(1e6), "µs")]
    results += [
        Quantity(f"Dead time, {m}", f.busy.tau_s.scaled(1e6), "µs")
        for m, f in found.fits.items()
        if m != found.chosen
    ]
    lost = 1.0 - max(
        found.expected_cps(found.chosen)[n] / t
        for n, t in enumerate(found.true_cps(found.chosen))
        if t == max(found.true_cps(found.chosen))
    )
    checks = [
        Check("Readings", str(len(readings.runs)), f"at least {LEAST_RUNS}",
              len(readings.runs) >= LEAST_RUNS),
        Check("Fit of the chosen model", f"p = {_chance(fit.p_value)}",
              f"p at least {FIT_BELIEVED:g}", fit.p_value >= FIT_BELIEVED),
        told.without(("W-CNT-MODELS",), "Models told apart", "one fits clearly better",
                     found.notes),
        Check("Highest loss", told.per_cent(lost), "above 2 %, else nothing is seen", lost > 0.02),
    ]  # fmt: skip
    made = _certificate(readings, name, way, operator, found.notes)
    made = replace(made, results=tuple(results), checks=tuple(checks),
                   tables=(_models(found), _readings_table(found)))  # fmt: skip
    return RatesMeasured(fit.busy.tau_s, found.chosen, found, None, _device(readings),
                         canonical(name), made)  # fmt: skip


def _chance(p: float) -> str:
    return f"{p:.2g}" if p >= 0.001 else "< 0.001"


def _models(found: Compared) -> Table:
    rows = tuple(
        (m, f"{f.busy.tau_s.value * 1e6:.4g} ± {f.busy.tau_s.u * 1e6:.2g}", f"{f.chi2:.1f}",
         str(f.dof), _chance(f.p_value))
        for m, f in found.fits.items()
    )  # fmt: skip
    rows += tuple((m, "does not fit", "", "", "") for m in MODELS if m not in found.fits)
    return Table("Both models", ("Model", "τ, µs", "χ²", "Freedom", "p"), rows)


def _readings_table(found: Compared, most: int = 12) -> Table:
    true = found.true_cps(found.chosen)
    step = max(1, -(-len(true) // most))
    rows = tuple(
        (str(n + 1), f"{r.counts:.0f}", f"{r.time_s:g}", f"{r.rate_cps.value:.0f}",
         f"{true[n]:.0f}", told.per_cent(1 - r.rate_cps.value / true[n]))
        for n, r in enumerate(found.readings) if n % step == 0
    )  # fmt: skip
    head = ("Reading", "Counts", "Time, s", "Observed, cps", "True, cps", "Lost")
    every = "" if step == 1 else f" (every {step}th of {len(true)})"
    return Table(f"Readings{every}", head, rows)


def _by_peak(readings: Readings, name: str, operator: str) -> RatesMeasured:
    frames = readings.frames
    if len(frames) < 3:
        raise refusal("E-CAL-RUNS", where="dead time", why="it is no dynamic series of a source")
    found = highest_rate([f.counts for f in frames], [f.seconds for f in frames])
    best, rates = found.frame - 1, found.rates_cps
    if rates[-1] > (1.0 - FALLS_BY) * found.cps.value:
        raise refusal("E-CAL-RUNS", where="dead time",
                      why="the rate never falls, so its highest is not the camera's")  # fmt: skip
    beside = [rates[n] for n in (best - 1, best + 1) if 0 <= n < len(rates)]
    missed = found.cps.value - sum(beside) / len(beside)  # the true peak may lie between frames
    top = found.cps.because("peak between two frames", missed)
    one = Uncertain(1.0 / e)
    tau = one / top
    said = note("W-CAL-PEAK", where="dead time")
    made = _certificate(readings, name, "peak", operator, (said,))
    results = (Quantity("Dead time, paralysable", tau.scaled(1e6), "µs"),
               Quantity("Highest rate shown", top, "cps"))  # fmt: skip
    checks = (
        Check("Rate falls after its peak", f"last frame {rates[-1] / found.cps.value:.0%} of it"
              .replace("%", " %"), "below 98 %", True),
        Check("Peak inside the series", f"frame {found.frame} of {len(rates)}",
              "neither first nor last", 0 < best < len(rates) - 1),
    )  # fmt: skip
    made = replace(made, results=results, checks=checks)
    return RatesMeasured(tau, "paralysable", None, found, _device(readings), canonical(name), made)


def _device(readings: Readings) -> str:
    if readings.scan is None:
        return "camera"
    device = readings.scan.device
    return f"{device.manufacturer} {device.model}".strip() or "camera"


def _certificate(
    readings: Readings, name: str, way: str, operator: str, notes: Sequence[Note]
) -> Certificate:
    scan, runs = readings.scan, readings.runs
    rows: tuple[tuple[str, str], ...] = (("Camera", told.UNKNOWN),)
    if scan is not None:
        rows = told.device_rows(
            scan.device, windows=scan.windows, collimators=[scan.frames[0].collimator]
        )
    at = scan.acquired_at if scan is not None else runs[0].started_at
    return Certificate(
        kind="dead-time", title="Dead time", subtitle=f"{canonical(name)} · {len(runs)} readings",
        device=rows, how=f"{HOW[way]} {CAUTION}", results=(), measured_at=at,
        inputs=readings.inputs,
        constants=() if way == "peak" else (nuclide(name).half_life_h,),
        notes=told.noted(readings.notes, notes), operator=operator,
        validity="until the detector, its electronics or the energy window change",
        extra={"method": way},
    )  # fmt: skip


def with_dead_time(camera: CameraRecord, found: RatesMeasured, scan: PlanarScan | None
                   ) -> CameraRecord:  # fmt: skip
    """The record with this dead time; its collimator and windows must be the scan's.

    E-CAL-WINDOW, E-CAL-NUCLIDE. A table says nothing of its set-up, so nothing is compared.
    """
    matching.check_nuclide(found.nuclide, camera.nuclide, canonical=canonical, where=camera.id)
    if scan is not None:
        frame = scan.frames[0]
        matching.check_collimator(
            frame.collimator or matching.UNKNOWN, camera.collimator, where=camera.id
        )
        used = [(w.lower_kev, w.upper_kev) for w in scan.windows]
        known = [(w.lower_kev, w.upper_kev) for w in camera.windows]
        matching.check_windows(used, known, where=camera.id)
    return camera.model_copy(update={"dead_time": found.record()})
