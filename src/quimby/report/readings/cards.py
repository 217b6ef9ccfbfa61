"""The boxes of page one: the number asked for, and what it rests on."""

from __future__ import annotations

from typing import Any

from quimby.core.uncertain import Uncertain
from quimby.report import rounding as say
from quimby.report import summary
from quimby.report.readings import shown, words
from quimby.study.result import Result
from quimby.study.stages import Plan, Stage, TargetDose

Row = dict[str, Any]
BESIDE = "Beside it"
GRAMS = 1000.0  # a heavier mass is the patient's, which stands above
SHORT = 16  # letters of a figure that is kept on one line


def cards(result: Result) -> list[Row]:
    """Up to four boxes: the number asked for, and what it rests on."""
    plan = result.plan
    if plan is None:
        return _dose_cards(result)
    made = {"thyroid": _aim_cards, "blood and retention": _limit_cards, "two stages": _stage_cards}
    return made.get(plan.kind, _aim_cards)(result, plan)


def _card(label: str, value: str, unit: str, lines: list[str], *, strong: bool = False,
          u: str = "") -> Row:  # fmt: skip
    return {"label": label, "value": value, "u": u, "unit": unit, "strong": strong,
            "lines": [x for x in lines if x]}  # fmt: skip


def _gy_card(label: str, x: Uncertain, lines: list[str], unit: str = "Gy") -> Row:
    value, u = say.value_and_u(x)
    known = u != say.NOT_KNOWN
    first = f"95 %: {say.interval(x)} {unit}" if known else f"± {say.NOT_KNOWN}"
    return _card(label, value, unit, [first, *lines], u=u if known else "")


def _given_card(label: str, plan: Plan, lines: list[str]) -> Row:
    if not plan.proposed_mbq:
        return _card(label, "none", "", ["nothing is left to give", *lines], strong=True)
    value, _, unit = say.plain_activity(plan.proposed_mbq).partition(" ")
    return _card(label, value, unit, lines, strong=True)


def _in_steps(plan: Plan) -> str:
    return f"in steps of {plan.step_mbq:g} MBq" if plan.step_mbq else ""


def _site(plan: Plan) -> str:
    if plan.site_limit_mbq is None:
        return ""
    over = plan.proposed_mbq > plan.site_limit_mbq
    words_ = "ABOVE the site limit of" if over else "site limit"
    return f"{words_} {say.plain_activity(plan.site_limit_mbq)}"


def _asks(plan: Plan) -> str:
    if plan.aim_gy is None:
        return ""
    return f"for exactly {plan.aim_gy:g} Gy: {words.mbq(plan.activity_mbq)}"


def _aim_cards(result: Result, plan: Plan) -> list[Row]:
    aim = f"aim {plan.aim_gy:g} Gy" if plan.aim_gy is not None else ""
    label = "Activity proposed" if result.verified else "Activity to give"
    found = [_given_card(label, plan, [_in_steps(plan), _asks(plan), _site(plan)])]
    if plan.proposed_mbq:
        found.append(_gy_card("Dose that results", plan.dose_gy, [aim, _with_before(plan)]))
    found += _rests_on(result, plan)
    return found


def _with_before(plan: Plan) -> str:
    same = abs(plan.total_gy.value - plan.dose_gy.value) <= 1e-6 * abs(plan.dose_gy.value)
    return "" if same else f"with what was given before {say.plus_minus(plan.total_gy, 'Gy')}"


def _rests_on(result: Result, plan: Plan) -> list[Row]:
    """Mass and how it was found; other ways to the same."""
    dose = words.dose_before(result, plan)
    rows = []
    if dose is not None and dose.mass_g is not None:
        value, u = say.value_and_u(dose.mass_g)
        rows.append(_card("Mass", value, "g", [dose.mass_how], u="" if u == say.NOT_KNOWN else u))
    return [*rows, *_beside(plan)]


def _beside(plan: Plan) -> list[Row]:
    if not plan.compare:
        return []
    lines = [f"{name}: {_unbroken(figure)}" for name, figure in plan.compare]
    return [_card(BESIDE, "", "", lines)]


def _95(plan: Plan) -> str:
    return f"95 %: {words.mbq_interval(plan.activity_mbq)}" if plan.activity_mbq.u else ""


def _unbroken(figure: str) -> str:
    """A number and its unit on one line."""
    return figure.replace(" ", summary.NBSP) if len(figure) < SHORT else figure


def _limit_cards(result: Result, plan: Plan) -> list[Row]:
    value, u, unit = say.activity(plan.activity_mbq)
    found = [_card("Largest tolerable activity", value, unit,
                   [_95(plan), f"limiting term: {words.limiting(plan)}"], strong=True,
                   u="" if u == say.NOT_KNOWN else u)]  # fmt: skip
    if plan.proposed_mbq:
        gives = f"{say.plus_minus(plan.dose_gy, 'Gy')} to the {plan.target.lower()}"
        amount, _, gbq = say.plain_activity(plan.proposed_mbq).partition(" ")
        found.append(
            _card(
                "Proposed",
                amount,
                gbq,
                [
                    f"upper 95 % stays within {words.terms(plan)}",
                    gives,
                    _in_steps(plan),
                    _site(plan),
                ],
            )
        )
    if plan.thought_of_mbq is not None and plan.thought_of_gy is not None:
        amount = say.plain_activity(plan.thought_of_mbq)
        found.append(_gy_card(f"{plan.target} dose of {amount}", plan.thought_of_gy,
                              ["the activity considered"]))  # fmt: skip
    dose, held = words.dose_before(result, plan), _retained(result)
    if dose is not None:
        per = dose.dose_per_activity_gy_per_gbq
        line = [f"retention at 48 h: {shown.share(held)}"] if held else []
        found.append(_gy_card(f"{dose.name}, dose per activity", per, line, "Gy/GBq"))
    return [*found, *_beside(plan)][:4]


def _retained(result: Result) -> Uncertain | None:
    """Retention at 48 h of the first administration that has one."""
    held = [x.figures.get("retention at 48 h") for s in result.stages for x in s.series]
    return next((x for x in held if x is not None), None)


def _stage_cards(result: Result, plan: Plan) -> list[Row]:
    dose, found = words.dose_before(result, plan), []
    if dose is not None:
        aim = f"aim {plan.aim_gy:g} Gy with both" if plan.aim_gy is not None else ""
        found.append(_gy_card(f"{plan.target} dose, stage 1", dose.dose_gy, [aim]))
    lines = [_in_steps(plan), _asks(plan), _95(plan), _site(plan)] if plan.proposed_mbq else []
    found.append(_given_card("Activity of stage 2", plan, lines))
    if plan.proposed_mbq:
        found.append(_gy_card("Expected of both stages", plan.total_gy, []))
    return [*found, *_beside(plan)]


def _dose_cards(result: Result) -> list[Row]:
    """Without a plan: each dose (of a tracer its dose per activity), and what it rests on."""
    stage = words.reported(result)
    rows = [_dose_card(d, stage) for d in stage.doses[:2]]
    held, mass = _retained(result), next((d for d in stage.doses if d.mass_g is not None), None)
    if held is not None:
        rows.append(_gy_card("Whole-body retention, 48 h", held.scaled(100), [], "%"))
    half = next((h for x in stage.series if (h := shown.main_half_life(x))), None)
    if half is not None:
        rows.append(_gy_card(half[0], half[1], [], "h"))
    if mass is not None and mass.mass_g is not None and mass.mass_g.value < GRAMS:
        rows.append(_gy_card("Mass", mass.mass_g, [mass.mass_how], "g"))
    return [{**row, "strong": index == 0} for index, row in enumerate(rows[:4])]


def _dose_card(d: TargetDose, stage: Stage) -> Row:
    per = d.dose_per_activity_gy_per_gbq
    if stage.kind == "tracer":
        return _gy_card(f"{d.name}, dose per activity", per, [], "Gy/GBq")
    return _gy_card(f"{d.name}, absorbed dose", d.dose_gy, [say.plus_minus(per, "Gy/GBq")])
