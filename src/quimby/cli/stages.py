"""What the terminal says of readings without a camera: doses, the plan, how it was kept."""

from __future__ import annotations

from collections.abc import Iterator

from quimby.core.uncertain import Uncertain
from quimby.report import rounding as say
from quimby.study.result import Result
from quimby.study.stages import Plan, Stage, Verified

NAME = 26


def stage_lines(result: Result) -> Iterator[str]:
    """Every stage's curves and doses; then the plan and what became of it, where there is one."""
    yield from _cohort(result)
    for stage in result.stages:
        yield from _stage(stage)
    if result.plan is not None:
        yield ""
        yield from plan_lines(result.plan)
    if result.verified:
        yield ""
        yield from (_verified(row) for row in result.verified)


def _cohort(result: Result) -> Iterator[str]:
    """Level 1: what patients on average receive."""
    if result.cohort:
        yield "Published patients, with this activity (nothing was measured in this one):"
    for d in result.cohort:
        text = say.plus_minus(d.dose_gy, "Gy")
        if d.range_5_95_gy is not None:
            text += ", 5 to 95 % {}–{} Gy".format(*map(say.significant, d.range_5_95_gy))
        yield _row(d.organ.capitalize(), text)


def _stage(stage: Stage) -> Iterator[str]:
    given = " ".join(say.activity(stage.administered_mbq)[::2])
    yield f"{stage.administration}: {given} {stage.nuclide}"
    for one in stage.series:
        yield _row(one.name, f"residence {say.plus_minus(one.tiac, one.tiac_unit)}, "
                   f"{say.percent(one.tail_fraction)} after the last reading")  # fmt: skip
    for dose in stage.doses:
        per_gbq = say.significant(dose.dose_per_activity_gy_per_gbq.value)
        yield _row(f"{dose.name}, dose", f"{say.plus_minus(dose.dose_gy, 'Gy')}, {per_gbq} Gy/GBq")


def plan_lines(plan: Plan) -> Iterator[str]:
    """The proposal, what sets it, the dose that results, what drives its doubt."""
    yield f"{plan.title}: {_activity(plan.activity_mbq)}, set by {plan.limiting}"
    for term in plan.allowed:
        careful = say.plain_activity(term.careful_mbq)
        yield _row(term.name, f"{_activity(term.activity_mbq)}; upper 95 % kept with {careful}")
    step = f", in steps of {say.plain_activity(plan.step_mbq)}" if plan.step_mbq else ""
    yield _row("Proposed", f"{say.plain_activity(plan.proposed_mbq)}{step}")
    yield _row("gives", _dose(plan.dose_gy, plan.target))
    if plan.total_gy.value != plan.dose_gy.value:
        yield _row("in all", _dose(plan.total_gy, plan.target))
    if plan.thought_of_mbq is not None and plan.thought_of_gy is not None:
        yield _row("Thought of", f"{say.plain_activity(plan.thought_of_mbq)} gives "
                   f"{_dose(plan.thought_of_gy, plan.target)}")  # fmt: skip
    for name, figure in plan.compare:
        yield _row(name, figure)
    causes = ", ".join(f"{cause} {say.percent(share)}" for cause, share in plan.sensitivity[:3])
    yield _row("Doubt comes from", causes or say.NOT_KNOWN)
    open_gates = [name for name, _, state in plan.gates if state != "passed"]
    yield _row("Gates", f"to look at: {', '.join(open_gates)}" if open_gates else "all passed")
    yield "A proposal for the physician, not a prescription."


def _dose(dose: Uncertain, target: str) -> str:
    return f"{say.plus_minus(dose, 'Gy')} to the {target.lower()} (95 % {say.interval(dose)} Gy)"


def _activity(x: Uncertain) -> str:
    value, u, unit = say.activity(x)
    return f"{value} ± {u} {unit}"


def _verified(row: Verified) -> str:
    planned, measured, ratio = map(say.plus_minus, (row.planned, row.measured, row.ratio))
    return f"{row.name}: planned {planned}, measured {measured} {row.unit}, ratio {ratio}"


def _row(name: str, text: str) -> str:
    return f"  {name:<{NAME}} {text}"
