"""What the made-up results of readings share: points, series by integration, stages, traces.

Kinetics are closed forms; integrals come from Quimby's own public functions, so that the numbers
of one result agree with each other. They prove nothing. Nobody's data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from math import exp, log, sqrt

import numpy as np

from quimby.core.notes import Note
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.kinetics.retention import area, value_at
from quimby.physics.nuclides import nuclide
from quimby.population.places import WITHIN, Place
from quimby.study.result import InputFile, Patient, Result, Trace
from quimby.study.stages import Plan, Point, Series, Stage, TargetDose, Verified

PHYSICAL_H = nuclide("I-131").half_life_h.value
CEST = timezone(timedelta(hours=2))
LINE_POINTS = 160
LONG_NAME = "EXAMPLE-VON-UND-ZU-LANGENNAMEN, Maximiliane Alexandra Theodora"
Effective = Callable[[float], float]


def make_point(where: str, start: datetime, time_h: float, value: Uncertain,
           written: Mapping[str, str], after_void: bool | None = None) -> Point:  # fmt: skip
    at = start + timedelta(hours=time_h)
    return Point(where, at, time_h, value, written, after_void)


def make_line(curve: Effective, end_h: float, u_rel: Callable[[float], float]
          ) -> tuple[tuple[float, float, float], ...]:  # fmt: skip
    times = np.unique(np.concatenate([np.linspace(0, 12, 40), np.linspace(12, end_h, LINE_POINTS)]))
    return tuple((float(t), curve(float(t)), u_rel(float(t)) * curve(float(t))) for t in times)


def make_place(
    source: str, n: int, unit: str, mean: float, sd: float, ends: tuple[float, float],
    span: tuple[float, float], centile: float, method: str, tag: str = "V",
) -> Place:  # fmt: skip
    return Place(source=source, n=n, unit=unit, mean=mean, sd=sd, median=None, published=ends,
                 centile=centile, range_5_95=span, z_linear=None, z_lognormal=None, words=WITHIN,
                 group="", tag=tag, method=method)  # fmt: skip


def make_half_life(rate_per_h: float, u_rel: float, cause: str) -> Uncertain:
    half = log(2) / rate_per_h
    return Uncertain(half, {cause: u_rel * half})


def make_stage(series: Sequence[Series], doses: Sequence[TargetDose], *, kind: str, at: datetime,
           given: Uncertain, name: str, cycle: int = 1, weight: Uncertain | None = None,
           places: Mapping[str, tuple[Place, ...]] | None = None) -> Stage:  # fmt: skip
    return Stage(name, kind, cycle, "I-131", at, given, weight, tuple(series), tuple(doses),
                 places or {})  # fmt: skip


def make_trace(constants: Sequence[Constant], table: str) -> Trace:
    return Trace(
        "0.1.0",
        {"numpy": "2.4.6", "scipy": "1.17.1"},
        (
            InputFile("readings", f"readings/{table}", 1, "7c1e" * 16),
            InputFile("mapping", "readings/mapping.toml", 1, "a94f" * 16),
            InputFile("device", "devices/device.toml", 1, "0b3c" * 16),
        ),
        tuple(constants),
        (
            ("readings", f"{table}, by the mapping confirmed by K. Lind on 1 May 2026"),
            ("curve", "as said beside each curve; effective, not decay-corrected, values"),
            ("dose", "as said beside each dose; doubts carried by cause"),
            (
                "plan",
                "limits and aims of the study document; activities in steps that can be supplied",
            ),
        ),
        "3b90" * 16,
    )


def make_result(
    stages: Sequence[Stage], plan: Plan | None, verified: Sequence[Verified], *, study: str,
    therapy: str, agent: str, protocol: tuple[str, str], patient: Patient,
    notes: Sequence[Note], trace: Trace, prescribed_mbq: float | None = None, level: int = 3,
) -> Result:  # fmt: skip
    last = stages[-1]
    return Result(
        study_id=study, therapy=therapy, protocol=protocol[0], protocol_title=protocol[1],
        level=level, centre="Example University Hospital", report_number="2026-0207", example=True,
        patient=patient, administration=last.administration, cycle=last.cycle, cycles_planned=None,
        nuclide="I-131", radiopharmaceutical=agent, administered_at=last.administered_at,
        administered_mbq=last.administered_mbq, prescribed_mbq=prescribed_mbq, measurements=(),
        registrations=(), regions=(), combined=(), remainder_tia_mbq_h=None, exposures=(),
        notes=tuple(notes), trace=trace, stages=tuple(stages), plan=plan, verified=tuple(verified),
    )  # fmt: skip


def shares_of(x: Uncertain) -> tuple[tuple[str, float], ...]:
    return tuple((cause, (u / x.u) ** 2) for cause, u in x.budget())


def compared(name: str, unit: str, planned: Uncertain, measured: Uncertain) -> Verified:
    ratio = measured / planned
    words = "foretold for the activity given"
    return Verified(name, unit, planned, measured, ratio, words)


def body_curve(fast_h: float, slow_h: float, slow: float) -> Effective:
    a, b = log(2) / fast_h, log(2) / slow_h
    return lambda t: (1 - slow) * exp(-a * t) + slow * exp(-b * t)


def make_reading(curve: Effective, t: float, u: float, wiggle: float, shared: Mapping[str, float],
          name: str) -> Uncertain:  # fmt: skip
    value = curve(t) * (1 + wiggle)
    return Uncertain(
        value, {**{k: r * value for k, r in shared.items()}, f"reading, {name}": u * value}
    )


def integrated(
    name: str, quantity: str, points: Sequence[Point], *, unit: str, device: str, method: str,
    head: str, end_h: float, figures: Mapping[str, Uncertain],
) -> Series:  # fmt: skip
    times, values = [p.time_h for p in points], [p.value for p in points]
    found = area(
        times, values, half_life_h=PHYSICAL_H, head=head, tail_points=3, where=name.lower()
    )
    rate = found.tail_rate_per_h

    def through(t: float) -> float:
        if t <= times[0]:
            return values[0].value if head == "plateau" else values[0].value * t / times[0]
        if t >= times[-1]:
            return values[-1].value * exp(-rate.value * (t - times[-1]))
        return float(exp(np.interp(t, times, [log(v.value) for v in values])))

    def doubt(t: float) -> float:
        return sqrt(0.045**2 + ((t - times[-1]) * rate.u) ** 2) if t > times[-1] else 0.045

    half = log(2) / rate.value
    return Series(
        name=name,
        quantity=quantity,
        unit=unit,
        device=device,
        points=tuple(points),
        method=method,
        line=make_line(through, end_h, doubt),
        tiac=found.total,
        tiac_unit="h" if unit == "1" else "h/ml",
        half_lives_h={
            "last phase": Uncertain(
                half, {k: -half / rate.value * p for k, p in rate.parts.items()}
            )
        },
        head_fraction=found.head.value / found.total.value,
        tail_fraction=found.extrapolated,
        physical_tail=found.physical_total,
        residuals_u=(),
        chi2=None,
        degrees_of_freedom=None,
        figures=figures,
    )


def whole_body(
    start: datetime,
    times: Sequence[float],
    curve: Effective,
    *,
    first: float,
    voids: Sequence[bool],
    stage: str,
    end_h: float,
    device: str,
) -> Series:
    wiggles = [0.0, *(0.03 * (-1) ** i * (i % 3) / 2 for i in range(1, len(times)))]
    points = []
    for index, (t, w, void) in enumerate(zip(times, wiggles, voids, strict=True), start=1):
        value = make_reading(curve, t, 0.03, w, {"monitor's linearity": 0.02}, f"{stage} {index}")
        mean = first * value.value
        written = {"front": f"{1.06 * mean:.4g} µSv/h", "back": f"{0.94 * mean:.4g} µSv/h",
                   "room": "0.12 µSv/h"}  # fmt: skip
        points.append(
            make_point(f"whole_body.csv, row {index + 1}", start, t, value, written, void)
        )
    names = [p.time_h for p in points]
    at48 = value_at(48.0, names, [p.value for p in points], half_life_h=PHYSICAL_H)
    return integrated(
        "Whole body", "retention", points, unit="1", device=device, head="plateau",
        method="exponential from reading to reading, the last three for the tail; 100 % until the "
        "first void", end_h=end_h,
        figures={"retention at 48 h": at48},
    )  # fmt: skip


def make_blood(start: datetime, times: Sequence[float], curve: Effective, stage: str) -> Series:
    points = []
    for index, t in enumerate(times, start=1):
        value = make_reading(
            curve,
            t,
            0.025,
            0.02 * (-1) ** index,
            {"counter efficiency": 0.03, "pipette": 0.015},
            f"{stage} sample {index}",
        )
        written = {"tube": f"B{index}", "net counts": f"{round(2.6e9 * value.value)}",
                   "volume": "2.00 ml", "counted for": "600 s"}  # fmt: skip
        points.append(make_point(f"blood.csv, row {index + 1}", start, t, value, written))
    return integrated(
        "Blood",
        "fraction per ml",
        points,
        unit="1/ml",
        device="well counter 'WELL-1', 2 ml in 5 ml tube",
        head="from zero",
        end_h=168.0,
        figures={},
        method="exponential from sample to sample, a line from zero before the first, the last "
        "three for the tail",
    )
