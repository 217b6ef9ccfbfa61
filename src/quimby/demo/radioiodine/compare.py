"""Truth beside result: every integral, dose, plan and check that a run gave."""

from __future__ import annotations

from collections.abc import Iterator

from quimby.demo.compare import Row
from quimby.demo.radioiodine.truth import PlanTruth, StageTruth, Truth
from quimby.study.result import Result
from quimby.study.stages import Plan, Series, Stage

SHOWN = {"h": ("h", 1.0), "h/ml": ("h/l", 1000.0)}  # integrals as they are told


def rows(result: Result, known: Truth) -> tuple[Row, ...]:
    """Every row, stage by stage, then the plan, then planned against measured.

    Level 1 has the dose of published patients to show, beside the truth of this one.
    """
    found = [row for stage in result.stages for row in _of_stage(stage, known)]
    given = known.stages.get(result.administration)
    doses = given.dose_gy if given else {}
    found += [Row(result.administration, f"{name}, published patients", "Gy", doses[name],
                  d.dose_gy)
              for d in result.cohort if (name := d.organ.capitalize()) in doses]  # fmt: skip
    if result.plan is not None and known.plan is not None:
        found += _of_plan(result.plan, known.plan)
    for one in result.verified:
        true = known.verified[one.name]
        found.append(Row("verified", one.name, "of plan", true.ratio, one.ratio))
    return tuple(found)


def _of_stage(stage: Stage, known: Truth) -> Iterator[Row]:
    """Tracers are told by dose per activity: their own dose is of no interest."""
    true, name = known.stages[stage.administration], stage.administration
    yield from (_integral(one, name, true) for one in stage.series)
    for dose in stage.doses:
        if stage.kind == "tracer":
            yield Row(name, f"{dose.name}, dose per activity", "Gy/GBq", true.per_gbq(dose.name),
                      dose.dose_per_activity_gy_per_gbq)  # fmt: skip
        else:
            yield Row(name, f"{dose.name}, dose", "Gy", true.dose_gy[dose.name], dose.dose_gy)


def _integral(series: Series, stage: str, true: StageTruth) -> Row:
    unit, factor = SHOWN[series.tiac_unit]
    return Row(stage, f"{series.name}, integral", unit, true.tiac[series.name] * factor,
               series.tiac.scaled(factor))  # fmt: skip


def _of_plan(plan: Plan, known: PlanTruth) -> Iterator[Row]:
    """Every limit's activity where limits set it, else the activity for the aim."""
    if not plan.allowed:
        yield Row("plan", "Activity", "MBq", known.activity_mbq, plan.activity_mbq)
    for one in plan.allowed:
        true = next(mbq for name, mbq in known.allowed_mbq.items() if name in one.name)
        yield Row("plan", f"For {one.name}", "GBq", true / 1000,
                  one.activity_mbq.scaled(1e-3))  # fmt: skip
