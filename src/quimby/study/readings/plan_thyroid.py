"""Activity of 131I for a dose aim to the thyroid or a nodule."""

from __future__ import annotations

from quimby.core.notes import refusal
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.planning import thyroid
from quimby.study.planned import PlanDocument
from quimby.study.readings.doses import Who
from quimby.study.readings.planning import Planned, asked, drivers, thought_of, when_given
from quimby.study.stages import Plan, Series, Stage


def for_dose_aim(document: PlanDocument, stage: Stage, who: Who) -> Planned:
    """Activity for the aim in steps, and the dose that results.

    The tracer's kinetics are taken for the therapy's, with 12.5 % of doubt [P].
    """
    series = next((s for s in stage.series if s.name == "Thyroid"), None)
    if series is None or who.target is None:
        raise refusal("E-PLAN-NOTHING", where="plan", what="thyroid uptakes and a mass")
    mass, aim_gy = who.target.mass_g, aimed_gy(document)
    change = thyroid.table()["tracer to therapy"]
    tiac = series.tiac.because("kinetics from tracer to therapy", change.value * series.tiac.value)
    found = thyroid.plan(aim_gy, mass, tiac, step_mbq=document.step, how=document.rounding,
                         site_limit_mbq=document.site_limit)  # fmt: skip
    dose = when_given(found.dose_gy)
    aim = thyroid.aim(document.aim) if document.aim else None
    plan = Plan(
        kind="thyroid", title=f"Activity for {aim_gy:g} Gy to the {_target(aim)}",
        target="Thyroid", aim_gy=aim_gy,
        limiting=f"dose aim {aim_gy:g} Gy" + (f", {aim.title}" if aim else ""),
        activity_mbq=found.activity_mbq, proposed_mbq=found.given_mbq, step_mbq=document.step,
        site_limit_mbq=document.site_limit, dose_gy=dose,
        total_gy=dose, allowed=(), compare=_classical(series, mass, aim_gy),
        sensitivity=drivers(dose), gates=asked(document), thought_of_mbq=document.activity,
        thought_of_gy=thought_of(document, found.per_activity.dose_gy),
    )  # fmt: skip
    asked_for = () if aim is None or document.dose is not None else (aimed(aim),)
    constants = (change, *asked_for, *found.per_activity.energy.constants,
                 *who.target.constants)  # fmt: skip
    return Planned(plan, constants, found.notes)


def aimed_gy(document: PlanDocument) -> float:
    """The dose aim, Gy: as given, or the lower end of the named aim's range."""
    if document.dose is not None:
        return document.dose
    if not document.aim:
        raise refusal("E-STUDY-KEY", where="plan", problem="plan.aim or plan.dose is missing.")
    return thyroid.aim(document.aim).low_gy


def _target(aim: thyroid.Aim | None) -> str:
    return "thyroid" if aim is None or aim.mass == "whole gland" else aim.mass


def aimed(aim: thyroid.Aim) -> Constant:
    """The dose that a named aim stands for, where the study gives none of its own."""
    return Constant(f"dose aim, {aim.title}", aim.low_gy, "Gy", aim.source, aim.tag)


def _classical(series: Series, mass_g: Uncertain, aim_gy: float) -> tuple[tuple[str, str], ...]:
    """Marinelli's formula beside the plan, where there is a half-life of any kind."""
    half = next(iter(series.half_lives_h.values()), None)
    if half is None:
        return ()
    classical = thyroid.marinelli_activity(
        aim_gy, mass_g, largest_uptake=series.figures["largest uptake"], half_life_h=half
    )
    return (("Marinelli's formula", f"{classical.value:.0f} MBq"),)
