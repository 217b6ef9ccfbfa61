"""131I-mIBG in two stages: the second activity from the first one's whole-body dose."""

from __future__ import annotations

from quimby.core.notes import refusal
from quimby.core.uncertain import Uncertain
from quimby.planning import mibg, thyroid
from quimby.study.planned import PlanDocument
from quimby.study.readings.planning import (
    Planned,
    asked,
    drivers,
    in_words,
    thought_of,
    when_given,
)
from quimby.study.stages import Plan, Stage


def second_stage(document: PlanDocument, stage: Stage) -> Planned:
    """Activity so that both stages together reach the aim, 4 Gy whole body by default."""
    body = stage.dose("Whole body")
    if body is None or stage.weight_kg is None:
        raise refusal("E-PLAN-NOTHING", where="plan", what="a whole-body dose")
    weight = document.weight / 1e3 if document.weight else stage.weight_kg.value
    target = document.dose or thyroid.table()["mIBG whole-body aim"].value
    found = mibg.second_activity(
        body.dose_gy, stage.administered_mbq.value / 1e3, mass1_kg=stage.weight_kg.value,
        mass2_kg=weight, target_gy=target,
        site_limit_gbq=document.site_limit / 1e3 if document.site_limit else None,
        stem_cells=document.stem_cells,
    )  # fmt: skip
    wanted = found.activity_gbq.scaled(1e3)
    proposed = wanted.value
    if document.step and proposed > 0:
        proposed = thyroid.rounded(proposed, document.step, document.rounding)
    per_mbq = foretold_per_mbq(stage, weight_kg=weight)
    dose = when_given(per_mbq.scaled(proposed)) if proposed else Uncertain(0.0)
    plan = Plan(
        kind="two stages", title=f"Second activity for {target:g} Gy to the whole body",
        target="Whole body", aim_gy=target, limiting=f"whole-body aim {target:g} Gy",
        activity_mbq=wanted, proposed_mbq=proposed, step_mbq=document.step,
        site_limit_mbq=document.site_limit, dose_gy=dose,
        total_gy=body.dose_gy + dose, allowed=(), compare=(),
        sensitivity=drivers(body.dose_gy + dose),
        gates=(*asked(document), _stem_cells(document)), thought_of_mbq=document.activity,
        thought_of_gy=thought_of(document, per_mbq),
    )  # fmt: skip
    return Planned(plan, found.constants, found.notes)


def foretold_per_mbq(stage: Stage, *, weight_kg: float) -> Uncertain:
    """Whole-body dose of one MBq more, Gy/MBq, at another weight and the same kinetics."""
    body = stage.dose("Whole body")
    assert body is not None
    assert stage.weight_kg is not None
    heavier = mibg.lighter_dose(stage.weight_kg.value, weight_kg)
    return body.dose_gy.scaled(heavier / stage.administered_mbq.value)


def _stem_cells(document: PlanDocument) -> tuple[str, str, str]:
    stored = document.stem_cells
    state = "open" if stored is None else "passed" if stored else "caution"
    return "Stem cells stored and available", in_words(stored), state
