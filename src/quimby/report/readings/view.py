"""What the template prints of a result with readings, beside what every report prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quimby.report.figures.style import Figure
from quimby.report.readings import cards, drawings, page, rows, words
from quimby.study.result import Result

CHOICES = {
    "thyroid": [
        "Give as proposed",
        "Activity _________ MBq",
        "Measure more",
        "Do not give",
        "Amend",
    ],
    "measured": ["Accept as measured", "Review the deviation", "Measure more", "Amend"],
    "": ["As proposed", "Activity _________ GBq", "Measure more", "Do not give", "Amend"],
}


def view(result: Result, figures: Sequence[Figure]) -> dict[str, Any]:
    """Keys that a report on readings has in place of, or beside, those of scans."""
    bold, rest = words.conclusion(result)
    return {
        "layout": "readings",
        "title": words.title(result),
        "subtitle": words.subtitle(result),
        "identity": page.identity(result),
        "conclusion": {"bold": bold, "rest": " ".join(rest)},
        "reached": False,
        "cards": cards.cards(result),
        "gates": page.gates(result),
        "table": page.table(result),
        "verified": page.verified(result),
        "captions": _captions(result, figures),
        "choices": _choices(result),
        "notes_page": "the page Methods, notes and trace",
        "together": drawings.together(result),
        "wide": drawings.wide(result),
        "with_scans": drawings.with_scans(result),
        "panels": [{**rows.panel(s, stage, result), "figure": drawings.curve_name(stage, s)}
                   for stage, s in drawings.panels(result)],
        "points": [{"name": f"{s.name} · {rows.heading(stage, result)}", "device": s.device,
                    **rows.points(s)} for stage, s in drawings.panels(result)],
        "leading": rows.leading(result),
        "masses": rows.masses(result),
        "tables": {
            "doses": rows.doses(result),
            "doubt": rows.budget(result),
            "figures": rows.figures(result),
            "cohorts": rows.cohorts(result),
            "compare": rows.compare(result),
        },
    }  # fmt: skip


def _choices(result: Result) -> list[str]:
    if result.plan is None or result.verified:
        return CHOICES["measured"]
    return CHOICES["thyroid" if result.plan.kind == "thyroid" else ""]


def _captions(result: Result, figures: Sequence[Figure]) -> dict[str, str]:
    series = drawings.first_series(result)
    drawn = {f.name for f in figures}
    found = {"series_summary": words.figure_title(series) if series else "",
             "timeline": "Administrations and readings"}  # fmt: skip
    if result.plan is not None and "plan" in drawn:
        found["plan"] = words.plan_title(result.plan)
        found["plan_note"] = words.plan_note(result.plan)
    if "causes_plan" in drawn and result.plan is not None:
        found["causes_plan"] = "What the doubt of the planned dose is made of"
    if "causes_dose" in drawn:
        found["causes_dose"] = "What the doubt of the measured dose is made of"
    return found
