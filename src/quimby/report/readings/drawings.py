"""Which figures a report on readings gets, in the order of its pages."""

from __future__ import annotations

from collections.abc import Iterator

from quimby.core.uncertain import Uncertain, combine
from quimby.physics.nuclides import nuclide
from quimby.report.figures import causes, stages
from quimby.report.figures import plan as plans
from quimby.report.figures.curves import slug
from quimby.report.figures.series import Axes, series_figure, shared
from quimby.report.figures.style import Figure
from quimby.report.readings import rows, shown, words
from quimby.study.result import Result
from quimby.study.stages import Plan, Series, Stage

ONE = (106.0, 56.0)
WHOLE = (182.0, 62.0)
HALF = (89.0, 52.0)
FEW = 8


def drawings(result: Result) -> Iterator[Figure]:
    """Every figure; those without data are left out."""
    yield from _first_curve(result)
    yield from _plan(result)
    if timed(result):
        names = [_name(s, result) for s in result.stages]
        yield stages.timeline(result.stages, names)
    yield from _curves(result)
    yield from _causes(result)


def with_scans(result: Result) -> bool:
    """Whether regions of scans were dosed beside the readings."""
    return bool(result.regions or result.combined)


def timed(result: Result) -> bool:
    """Whether page one has the time line: several therapies, or a plan in two stages."""
    staged = result.plan is not None and result.plan.kind == "two stages"
    return staged or sum(s.kind == "therapy" for s in result.stages) > 1


def _name(stage: Stage, result: Result) -> str:
    return shown.capital(shown.stage_name(stage, result))


def first_series(result: Result) -> Series | None:
    """The series of page one: of the stage reported, or of the latest that has any."""
    for stage in (words.reported(result), *reversed(result.stages)):
        if any(s.points for s in stage.series):
            return next(s for s in stage.series if s.points)
    return None


def _half_life(series: Series, result: Result) -> float:
    stage = next(s for s in result.stages if any(x is series for x in s.series))
    return nuclide(stage.nuclide).half_life_h.value


def _alike(series: Series, result: Result) -> list[tuple[Stage, Series]]:
    """The same thing at every administration, in order of time."""
    return [(stage, s) for stage in result.stages for s in stage.series
            if (s.name, s.quantity) == (series.name, series.quantity) and s.points]  # fmt: skip


def _first_curve(result: Result) -> Iterator[Figure]:
    series = first_series(result)
    if series is None:
        return
    many = _alike(series, result)
    place = next(i for i, (_, s) in enumerate(many) if s is series)
    stage, before = many[place - 1] if place else (None, None)
    yield series_figure(
        "series_summary", series, _axes(series, result), half_life_h=_half_life(series, result),
        size_mm=ONE, before=before, before_name=shown.stage_name(stage, result) if stage else "",
    )  # fmt: skip


def _axes(series: Series, result: Result) -> Axes:
    return shared([s for _, s in _alike(series, result)])


def curve_name(stage: Stage, series: Series) -> str:
    """File name of a panel."""
    return f"series_{slug(stage.administration)}_{slug(series.name)}"


def panels(result: Result) -> list[tuple[Stage, Series]]:
    """Every series that has readings."""
    return [(stage, s) for stage in result.stages for s in stage.series if s.points]


def together(result: Result) -> bool:
    """Whether so few readings were taken that they stand on the curves' page."""
    return sum(len(s.points) for _, s in panels(result)) <= FEW


def wide(result: Result) -> bool:
    """Whether each curve takes the page's whole width."""
    many = panels(result)
    return len(many) == 1 or (len(many) == 2 and not together(result))


def _curves(result: Result) -> Iterator[Figure]:
    many = panels(result)
    size = WHOLE if wide(result) else HALF
    for stage, series in many:
        yield series_figure(curve_name(stage, series), series, _axes(series, result),
                            half_life_h=_half_life(series, result), size_mm=size)  # fmt: skip


def _plan(result: Result) -> Iterator[Figure]:
    plan = result.plan
    if plan is None:
        return
    if plan.kind == "blood and retention":
        if plan.allowed:
            yield plans.limit_bars(plan)
    elif plan.kind == "two stages":
        stacks = stage_stacks(result, plan)
        if stacks:
            yield stages.stage_bars(stacks, plan.aim_gy, plan.target)
    elif plan.proposed_mbq > 0:
        yield plans.dose_for_activity(plan, _measured(result, plan), plan.step_mbq)


def _measured(result: Result, plan: Plan) -> tuple[float, Uncertain] | None:
    """Administered activity and dose after the planned therapy, where it was measured."""
    for stage in reversed(result.stages[1:]):
        dose = stage.dose(plan.target)
        if dose is not None and stage.kind == "therapy" and result.verified:
            return stage.administered_mbq.value, dose.dose_gy
    return None


def stage_stacks(result: Result, plan: Plan) -> list[stages.Stack]:
    """Stage 1 as measured, both as planned, both as measured."""
    doses = [d.dose_gy for s in result.stages if (d := s.dose(plan.target)) is not None]
    if not doses:
        return []
    first = doses[0]
    found = [stages.Stack("stage 1\nmeasured", first.value, 0.0, first, False)]
    if plan.proposed_mbq > 0:
        found.append(stages.Stack("both\nplanned", first.value, max(plan.dose_gy.value, 0.0),
                                 plan.total_gy, True))  # fmt: skip
    if len(doses) > 1:
        later = doses[1:]
        total = combine(sum(d.value for d in doses), *((d, 1.0) for d in doses))
        found.append(stages.Stack("both\nmeasured", first.value, sum(d.value for d in later), total,
                                 False))  # fmt: skip
    return found


def _causes(result: Result) -> Iterator[Figure]:
    planned = rows.plan_causes(result)
    if planned:
        yield causes.cause_bars("causes_plan", "Dose of the plan", planned)
    dose = next((d for s in reversed(result.stages) for d in s.doses), None)
    if dose is not None and dose.dose_gy.u:
        title = f"{dose.name} dose as measured"
        yield causes.cause_bars("causes_dose", title, words.grouped(dose.dose_gy.parts))
