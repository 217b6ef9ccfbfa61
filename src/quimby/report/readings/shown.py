"""In which unit a quantity of readings is shown: shares in per cent, blood per litre."""

from __future__ import annotations

from dataclasses import dataclass

from quimby.core.uncertain import Uncertain
from quimby.report import rounding as say
from quimby.report.words import spelled
from quimby.study.result import Result
from quimby.study.stages import Series, Stage

ML_PER_L = 1000.0
PERCENT = 100.0
HALVES = {
    "effective": "T½ eff",
    "last phase": "T½ at the end",
    "effective, population": "T½ eff, assumed",
}
COUNTED = {"retention": ("reading", "readings"), "uptake": ("uptake", "uptakes"),
           "fraction per ml": ("sample", "samples")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scale:
    """How one quantity is printed and drawn."""

    factor: float
    unit: str
    axis: str
    logarithmic: bool


SCALES = {
    "retention": Scale(PERCENT, "%", "Retention (% of administered)", True),
    "uptake": Scale(PERCENT, "%", "Uptake (% of administered)", False),
    "fraction per ml": Scale(PERCENT * ML_PER_L, "%/l", "Activity (% of administered per l)", True),
}


def scale(series: Series) -> Scale:
    """The scale of a series; one unknown here is shown as it is."""
    plain = Scale(1.0, series.unit, f"{series.quantity} ({series.unit})", True)
    return SCALES.get(series.quantity, plain)


def point(value: Uncertain, series: Series) -> Uncertain:
    """A reading in the unit that is shown."""
    return value.scaled(scale(series).factor)


def integral(series: Series, x: Uncertain | None = None) -> tuple[Uncertain, str]:
    """The integral (or another in its unit) as shown: h, or h per litre of blood."""
    found = series.tiac if x is None else x
    if series.tiac_unit == "h/ml":
        return found.scaled(ML_PER_L), "h/l"
    return found, series.tiac_unit


def share(x: Uncertain) -> str:
    """A fraction with its doubt, in per cent."""
    return say.plus_minus(x.scaled(PERCENT), "%")


def half_name(name: str) -> str:
    """ "effective" as "T½ eff"."""
    return HALVES.get(name, f"T½ {name}")


def main_half_life(series: Series) -> tuple[str, Uncertain] | None:
    """The half-life that is named first: effective, else of the last phase, else any."""
    for name in ("effective", "last phase", *series.half_lives_h):
        if name in series.half_lives_h:
            return half_name(name), series.half_lives_h[name]
    return None


def largest(series: Series) -> tuple[float, float]:
    """Time (h) and value of the highest place of the line, else of the highest reading."""
    drawn = [(t, v) for t, v, _ in series.line]
    read = [(p.time_h, p.value.value) for p in series.points]
    return max(drawn or read, key=lambda row: row[1])


def judged(series: Series) -> bool:
    """Whether residuals say anything: a fit with more readings than parameters."""
    return len(series.residuals_u) == len(series.points) > 0 and bool(series.degrees_of_freedom)


def counted(series: Series) -> str:
    """ "three uptakes", "13 readings"."""
    n = len(series.points)
    one, many = COUNTED.get(series.quantity, ("reading", "readings"))
    return f"{spelled(n)} {one if n == 1 else many}"


def stage_name(stage: Stage, result: Result) -> str:
    """ "tracer", "therapy", "stage 1" of a plan in stages, or numbered where several are alike."""
    alike = [s for s in result.stages if s.kind == stage.kind]
    if stage.kind == "therapy" and result.plan is not None and result.plan.kind == "two stages":
        return f"stage {alike.index(stage) + 1}"
    return stage.kind if len(alike) == 1 else f"{stage.kind} {alike.index(stage) + 1}"


def capital(text: str) -> str:
    """The first letter as a capital, the others as they are."""
    return f"{text[:1].upper()}{text[1:]}"
