"""The page of level 1 as data: every number rounded, every sentence written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log
from typing import Any

from quimby.report import rounding as say
from quimby.report import summary, words
from quimby.study.cohort_dose import CohortDose, Delivery
from quimby.study.result import Result

AVERAGE = "This is what patients on average receive. It was not measured in this patient."
CHOICES = ["Given as intended", "Measure this patient", "Review the deviation", "Amend"]
DASH = "–"


def view(result: Result) -> dict[str, Any]:
    """Keys that a report of level 1 has beside those of every report."""
    bold, rest = conclusion(result)
    identity = summary.identity(result)
    identity[1][4] = {"label": "Measured in this patient", "bold": "", "plain": "nothing"}
    return {
        "layout": "cohort",
        "title": "Level 1 dosimetry report",
        "subtitle": _subtitle(result),
        "identity": identity,
        "conclusion": {"bold": bold, "rest": rest},
        "reached": False,
        "cards": cards(result),
        "average": AVERAGE,
        "rows": rows(result),
        "sources": sources(result.cohort),
        "level": f"Level {result.level}. {result.level_reason}",
        "choices": CHOICES,
    }


def _subtitle(result: Result) -> str:
    of = f" of {result.cycles_planned}" if result.cycles_planned else ""
    agent = words.superscripted(result.radiopharmaceutical)
    return f"{agent} · cycle {result.cycle}{of} · dose of published patients"


def conclusion(result: Result) -> tuple[str, str]:
    """The bold sentence on the activity, and what published patients got."""
    found = result.delivery
    assert found is not None
    first = next((d for d in result.cohort if d.range_5_95_gy is not None), None)
    rest = [AVERAGE] if first is None else [_average(first), AVERAGE]
    return _given(found), " ".join(rest)


def _given(found: Delivery) -> str:
    if found.deviation is None:
        return "Whether the activity given is the intended cannot be said: none is stated."
    inside = "within" if found.within else "NOT within"
    return (f"The activity given is {say.deviation(1 + found.deviation, 1)} off the intended, "
            f"{inside} {say.percent(found.tolerance)}.")  # fmt: skip


def _average(row: CohortDose) -> str:
    low, high = _range(row)
    what = row.organ.capitalize()
    return (f"{what}: published patients would receive {say.plus_minus(row.dose_gy, 'Gy')} on "
            f"average with this activity, nine of ten between {low} and {high} Gy.")  # fmt: skip


def _range(row: CohortDose) -> tuple[str, str]:
    assert row.range_5_95_gy is not None
    place = say.last_place(2 * row.dose_gy.u)
    low, high = row.range_5_95_gy
    return say.fixed(low, place), say.fixed(high, place)


def cards(result: Result) -> list[dict[str, Any]]:
    """Activity, its deviation, and what was seen."""
    found = result.delivery
    assert found is not None
    value, u, unit = say.activity(result.administered_mbq)
    wanted = "not stated" if found.prescribed_mbq is None else say.plain_activity(
        found.prescribed_mbq)  # fmt: skip
    off = "" if found.deviation is None else f"{say.deviation(1 + found.deviation, 1)}"
    rule = f"Level 1 asks for {say.percent(found.tolerance)} or less."
    return [
        _card("Activity given", value, u, unit, f"intended {wanted}", strong=True),
        _card("Deviation from the intended", off or "not known", "", "", rule),
        _card("Where it went", *_seen(found)),
    ]


def _seen(found: Delivery) -> tuple[str, str, str, str]:
    if found.as_expected is None or found.at is None:
        return "not recorded", "", "", "Nobody wrote down what was seen."
    state = "as expected" if found.as_expected else "NOT as expected"
    who = f"{found.how}, {found.by}, {words.clock(found.at)}"
    return state, "", "", f"{who}. {found.words}".strip()


def _card(
    label: str, value: str, u: str, unit: str, line: str, *, strong: bool = False
) -> dict[str, Any]:
    shown = "" if u == say.NOT_KNOWN else u
    return {"label": label, "value": value, "u": shown, "unit": unit, "lines": [line],
            "strong": strong}  # fmt: skip


def rows(result: Result) -> list[dict[str, Any]]:
    """One row an organ: average, range, and where they stand on one log axis."""
    doses = result.cohort
    doubtful = {c.source for c in result.trace.constants if not c.verified}
    ends = [x for d in doses for x in (d.range_5_95_gy or (d.dose_gy.value,) * 2)]
    low, high = (min(ends), max(ends)) if ends else (1.0, 1.0)

    def at(x: float) -> float:
        return 0.5 if high <= low else log(x / low) / log(high / low)

    numbers = {s: i for i, s in enumerate(_all_sources(doses), start=1)}
    return [_row(d, at, numbers, " †" if doubtful & {*d.sources} else "") for d in doses]


def _row(
    d: CohortDose, at: Callable[[float], float], numbers: Mapping[str, int], mark: str
) -> dict[str, Any]:
    span = None if d.range_5_95_gy is None else [at(x) for x in d.range_5_95_gy]
    return {
        "organ": d.organ.capitalize() + mark,
        "group": d.group,
        "per_gbq": say.plus_minus(d.dose_per_activity_gy_per_gbq),
        "dose": say.plus_minus(d.dose_gy),
        "range": DASH.join(_range(d)) if d.range_5_95_gy else "not known",
        "n": str(d.n) if d.n else "not stated",
        "spread": d.spread,
        "sources": ", ".join(str(numbers[s]) for s in d.sources),
        "at": at(d.dose_gy.value),
        "span": span,
    }


def _all_sources(doses: Sequence[CohortDose]) -> list[str]:
    return list(dict.fromkeys(s for d in doses for s in d.sources))


def sources(doses: Sequence[CohortDose]) -> list[str]:
    """Where the rows come from, numbered as in the table."""
    return [f"{i} {s}" for i, s in enumerate(_all_sources(doses), start=1)]
