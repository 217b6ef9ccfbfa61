"""The sentences of a report on readings, from the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from quimby.core.uncertain import Uncertain
from quimby.report import rounding as say
from quimby.report import words
from quimby.report.readings import shown
from quimby.study.result import Result
from quimby.study.stages import Plan, Series, Stage, TargetDose, Verified

NOT_AN_ORDER = "Proposal for the physician, not a prescription."
PLAN_TITLES = {"thyroid": "Activity and absorbed dose",
               "blood and retention": "Tolerable activity and dose",
               "two stages": "Second activity and dose"}  # fmt: skip
THINGS = {"Whole body": "whole body", "Blood": "blood", "Thyroid": "thyroid"}
SMALL = 0.005  # share of the variance that has a row of its own
ROWS = 8  # causes that are named
LONG = 36  # letters of a cause beside its bar
LEADS = 0.4  # share of the variance from which one cause is called the largest part


def title(result: Result) -> str:
    """What the report is about."""
    if result.plan is None:
        return "Absorbed dose report"
    return PLAN_TITLES.get(result.plan.kind, "Activity and absorbed dose")


def reported(result: Result) -> Stage:
    """The stage of the administration reported, else the last."""
    own = [s for s in result.stages if s.administration == result.administration]
    return own[-1] if own else result.stages[-1]


def measured(stage: Stage) -> str:
    """ "five whole-body readings and four blood samples"."""
    parts = []
    for series in stage.series:
        number, _, what = shown.counted(series).partition(" ")
        kind = "whole-body" if series.name == "Whole body" else series.name.lower()
        parts.append(f"{number} {kind} {what}")
    return words.joined(parts) if parts else "no readings"


def subtitle(result: Result) -> str:
    """Agent, stage, how measured."""
    stage = reported(result)
    agent = words.superscripted(result.radiopharmaceutical) or result.nuclide
    name = shown.stage_name(stage, result)
    return f"{agent} · {name} · {measured(stage)}"


def conclusion(result: Result) -> tuple[str, list[str]]:
    """The first sentence (printed bold) and the others."""
    plan = result.plan
    if plan is None:
        return _doses_only(result), [*_by_scans(result), "No activity is proposed."]
    said = {"blood and retention": _limits, "two stages": _second}
    bold, rest = said.get(plan.kind, _aim)(result, plan)
    return bold, [*rest, *_kept(result.verified), *_by_scans(result), NOT_AN_ORDER]


def _by_scans(result: Result) -> list[str]:
    """What scans of the same study found: their first sentence; their pages stand behind."""
    if not (result.regions or result.combined):
        return []
    return [f"By scans: {words.conclusion(result)[0]}"]


def _interval(x: Uncertain, unit: str) -> str:
    return f" ({say.interval(x)} {unit}, k = 2)" if x.u else ""


def mbq(x: Uncertain) -> str:
    """ "541 ± 98 MBq", GBq from 1 GBq."""
    value, u, unit = say.activity(x)
    return f"{value} {unit}, ± {say.NOT_KNOWN}" if u == say.NOT_KNOWN else f"{value} ± {u} {unit}"


def mbq_interval(x: Uncertain) -> str:
    """95 % interval of an activity with its unit."""
    big = abs(x.value) >= say.MBQ_PER_GBQ
    found = say.interval(x.scaled(1 / say.MBQ_PER_GBQ) if big else x)
    return found if found == say.NOT_KNOWN else f"{found} {'GBq' if big else 'MBq'}"


def _aim(result: Result, plan: Plan) -> tuple[str, list[str]]:
    if not plan.proposed_mbq:
        return "No activity is proposed: nothing is left to give.", []
    first = "Activity proposed" if result.verified else "Activity to give"
    bold = (f"{first}: {say.plain_activity(plan.proposed_mbq)}, for "
            f"{say.plus_minus(plan.dose_gy, 'Gy')} to the {plan.target.lower()}"
            f"{_interval(plan.dose_gy, 'Gy')}.")  # fmt: skip
    rest = []
    if plan.aim_gy is not None:
        rest.append(f"The aim of {plan.aim_gy:g} Gy asks for {mbq(plan.activity_mbq)}.")
    return bold, [*rest, *_over_site_limit(plan), *filter(None, [leading(plan.sensitivity)])]


def _over_site_limit(plan: Plan) -> list[str]:
    if plan.site_limit_mbq is None or plan.proposed_mbq <= plan.site_limit_mbq:
        return []
    return [f"This is above the site's limit of {say.plain_activity(plan.site_limit_mbq)}."]


def _limits(_result: Result, plan: Plan) -> tuple[str, list[str]]:
    bold = (f"Largest tolerable activity: {mbq(plan.activity_mbq)}; limiting term: "
            f"{limiting(plan)}.")  # fmt: skip
    rest = []
    if plan.proposed_mbq:
        rest.append(f"With {say.plain_activity(plan.proposed_mbq)} the upper 95 % stays within "
                    f"{terms(plan)}; it gives {say.plus_minus(plan.dose_gy, 'Gy')} to the "
                    f"{plan.target.lower()}.")  # fmt: skip
    if plan.thought_of_mbq is not None and plan.thought_of_gy is not None:
        rest.append(
            f"The activity considered, {say.plain_activity(plan.thought_of_mbq)}, gives "
            f"{say.plus_minus(plan.thought_of_gy, 'Gy')} to the {plan.target.lower()}"
            f"{_interval(plan.thought_of_gy, 'Gy')}."
        )
    return bold, [*rest, *_over_site_limit(plan)]


def limiting(plan: Plan) -> str:
    """The limiting term, marked where its limit is not verified here."""
    sure = not plan.allowed or plan.allowed[0].limit.verified
    return plan.limiting if sure else f"{plan.limiting} †"


def terms(plan: Plan) -> str:
    """ "the limit", or "every limit" where there are several."""
    return "every limit" if len(plan.allowed) > 1 else "the limit"


def _second(result: Result, plan: Plan) -> tuple[str, list[str]]:
    first = dose_before(result, plan)
    gave = "Stage 1 was measured"
    if first is not None:
        gave = f"Stage 1 gave {say.plus_minus(first.dose_gy, 'Gy')} to the {plan.target.lower()}"
    aim = f"{plan.aim_gy:g} Gy" if plan.aim_gy is not None else "the aim"
    if not plan.proposed_mbq:
        return f"{gave}: {aim} is reached, nothing is left to give.", []
    bold = f"{gave}; stage 2: {say.plain_activity(plan.proposed_mbq)} for {aim} with both."
    rest = [f"Expected of both stages: {say.plus_minus(plan.total_gy, 'Gy')}"
            f"{_interval(plan.total_gy, 'Gy')}."]  # fmt: skip
    return bold, [*rest, *_over_site_limit(plan)]


def dose_before(result: Result, plan: Plan) -> TargetDose | None:
    """The dose of the first stage to the plan's target."""
    return next((d for s in result.stages if (d := s.dose(plan.target)) is not None), None)


def _kept(rows: tuple[Verified, ...]) -> list[str]:
    if not rows:
        return []
    v = rows[-1]
    return [f"{v.name} measured: {say.plus_minus(v.measured, v.unit)}, "
            f"{say.significant(v.ratio.value)} times what was predicted."]  # fmt: skip


def _doses_only(result: Result) -> str:
    stage = reported(result)
    if not stage.doses:
        return "No target has a dose."
    return "; ".join(_dosed(d, stage) for d in stage.doses) + "."


def _dosed(d: TargetDose, stage: Stage) -> str:
    """A therapy's dose; of a tracer the dose per activity, which is what it is given for."""
    per = d.dose_per_activity_gy_per_gbq
    if stage.kind == "tracer":
        return f"{d.name}: {say.plus_minus(per, 'Gy/GBq')}{_interval(per, 'Gy/GBq')}"
    return f"{d.name}: {say.plus_minus(d.dose_gy, 'Gy')}{_interval(d.dose_gy, 'Gy')}"


def leading(shares: Sequence[tuple[str, float]]) -> str:
    """ "The mass is the largest part of the doubt (59 % of the variance)."; "" when none leads."""
    if not shares:
        return ""
    cause, share = max(shares, key=lambda row: row[1])
    if share < LEADS or cause == "smaller ones":
        return ""
    return f"{spoken_cause(cause)} is the largest part of the doubt ({say.percent(share)})."


MASS_WORDS = ("mass", "volume", "ultrasound")


def spoken_cause(cause: str) -> str:
    """A cause as the subject of a sentence; what sets the mass is called the mass."""
    if any(word in cause.lower() for word in MASS_WORDS):
        return f"The mass ({cause})" if cause.lower() != "mass" else "The mass"
    return f"{cause[0].upper()}{cause[1:]}"


def figure_title(series: Series) -> str:
    """What is seen in the figure of this series."""
    if series.quantity == "uptake":
        named = series.figures.get("largest uptake")
        top = (
            shown.share(named) if named else f"{say.significant(100 * shown.largest(series)[1])} %"
        )
        return f"{series.name}: largest uptake {top}{_halved(series)}"
    held = series.figures.get("retention at 48 h")
    if held is not None:
        return f"{series.name}: {shown.share(held)} left at 48 h{_halved(series)}"
    what = "share per litre" if series.quantity == "fraction per ml" else series.quantity
    return f"{series.name}, {what}{_halved(series)}"


def _halved(series: Series) -> str:
    named = shown.main_half_life(series)
    return f", {named[0]} {say.significant(named[1].value)} h" if named else ""


def plan_title(plan: Plan) -> str:
    """What is seen in the plan's figure."""
    if plan.kind == "blood and retention":
        return f"What each limit allows: {plan.limiting} sets it"
    if plan.kind == "two stages":
        aim = f" against the aim of {plan.aim_gy:g} Gy" if plan.aim_gy is not None else ""
        return f"{plan.target} dose by stage{aim}"
    gives = f"{say.significant(plan.dose_gy.value, 3)} Gy"
    return f"{say.plain_activity(plan.proposed_mbq)} give {gives}; band k = 2"


def _kind(kind: str, causes: Sequence[str]) -> str:
    """How a kind is called: its one cause in full, where that is short, else the kind."""
    if len(causes) > 1:
        return f"{kind}, {len(causes)} causes"
    return causes[0] if len(causes[0]) <= LONG else kind


def plan_note(plan: Plan) -> str:
    """What the marks of the plan's figure mean, where it is not said in it."""
    if plan.kind == "blood and retention":
        return (
            "Bars with 95 %; diamond: up to here the upper 95 % of the dose stays within the limit."
        )
    return ""


def grouped(causes: Mapping[str, float]) -> list[tuple[str, float]]:
    """Shares of the variance from signed parts, kinds together; see `together`."""
    total = sum(part**2 for part in causes.values())
    return together([(c, part**2 / total) for c, part in causes.items()]) if total else []


def together(shares: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Causes of one kind ("reading, sample 1", "reading, sample 2") as one, the largest first.

    What is below half a per cent, beyond eight, or left out by the shares, is summed.
    """
    kinds: dict[str, list[tuple[str, float]]] = {}
    for cause, share in shares:
        kinds.setdefault(cause.split(",")[0], []).append((cause, share))
    rows = [(_kind(kind, [c for c, _ in found]), sum(x for _, x in found))
            for kind, found in kinds.items()]  # fmt: skip
    kept = sorted((row for row in rows if row[1] >= SMALL), key=lambda row: -row[1])[:ROWS]
    left = 1.0 - sum(x for _, x in kept)
    return [*kept, ("smaller ones", left)] if left > 1e-4 else kept
