"""Page one of a report on readings, as data: identity, table, gates, planned against measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quimby.core.uncertain import Uncertain
from quimby.population.places import Place
from quimby.report import rounding as say
from quimby.report import summary
from quimby.report import words as plain_words
from quimby.report.readings import shown, words
from quimby.study.result import Result
from quimby.study.stages import Series, Stage, TargetDose

Row = dict[str, Any]
FIGURES = 2  # of one series on page one


def identity(result: Result) -> list[list[Row]]:
    """The imaging report's two lines, with readings for scans."""
    lines = summary.identity(result)
    stage = words.reported(result)
    lines[1][-1] = {"label": "Readings after start", "bold": "", "plain": times(stage)}
    if stage.weight_kg is not None:
        label = "Weight · renal function"
        body = " · ".join(x for x in (say.plus_minus(stage.weight_kg, "kg"),
                                      result.patient.renal_function) if x)  # fmt: skip
        lines[0][3] = {"label": label, "bold": "", "plain": body}
    return lines


def times(stage: Stage) -> str:
    """ "5.2, 26.1, 148.3 h", or "13, 0.4–95.7 h" where they are many."""
    at = sorted({round(p.time_h, 1) for s in stage.series for p in s.points})
    if not at:
        return "none"
    if len(at) <= 4:
        return f"{', '.join(say.fixed(t, -1) for t in at)} h"
    return f"{len(at)} times, {say.fixed(at[0], -1)}–{say.fixed(at[-1], -1)} h"


def gates(result: Result) -> list[Row]:
    """What was asked before giving, each with its answer."""
    if result.plan is None:
        return []
    return [{"question": q, "answer": a, "state": state} for q, a, state in result.plan.gates]


def columns(result: Result) -> list[Stage]:
    """The stages on page one: the first and the one reported."""
    shown_ = [result.stages[0], words.reported(result)]
    return list(dict.fromkeys(shown_))


def table(result: Result) -> Row:
    """One row a quantity, one pair of columns a stage; the range is for the last of them."""
    stages = columns(result)
    rows = [r for r in (*_dose_rows(stages), *_series_rows(stages)) if any(r["cells"])]
    order = list(dict.fromkeys(r["label"] for r in rows))
    rows.sort(key=lambda r: order.index(r["label"]))  # dose and curve of one thing together
    return {"heads": [_head(s, result) for s in stages], "rows": _named_once(rows),
            "footnotes": _footnotes(result, stages)}  # fmt: skip


def _named_once(rows: list[Row]) -> list[Row]:
    """The name of a group stands at its first row only."""
    before = ["", *(r["label"] for r in rows)]
    return [{**r, "first": r["label"] != b, "label": r["label"] if r["label"] != b else ""}
            for r, b in zip(rows, before, strict=False)]  # fmt: skip


def _head(stage: Stage, result: Result) -> Row:
    name = shown.stage_name(stage, result)
    value, _, unit = say.activity(stage.administered_mbq)
    return {"name": shown.capital(name),
            "what": f"{value} {unit}, {plain_words.short_day(stage.administered_at)}"}  # fmt: skip


def _cell(x: Uncertain | None, unit: str) -> Row | None:
    if x is None:
        return None
    value, u = say.value_and_u(x)
    return {"value": value, "u": u, "unit": unit, "interval": say.interval(x)}


def _row(label: str, detail: str, cells: list[Row | None], place: Row | None = None) -> Row:
    empty = {"kind": "words", "words": "", "centile": ""}
    return {"label": label, "detail": detail, "cells": cells, "place": place or empty}


def _dose_rows(stages: list[Stage]) -> list[Row]:
    rows = []
    for name in dict.fromkeys(d.name for s in stages for d in s.doses):
        doses = [s.dose(name) for s in stages]
        given = [d.dose_gy if d and s.kind != "tracer" else None
                 for d, s in zip(doses, stages, strict=True)]  # fmt: skip
        per = [d.dose_per_activity_gy_per_gbq if d else None for d in doses]
        rows += [_row(name, "absorbed dose", [_cell(x, "Gy") for x in given]),
                 _row(name, "dose per activity", [_cell(x, "Gy/GBq") for x in per],
                      _dose_place(doses))]  # fmt: skip
    return rows


def _dose_place(doses: list[TargetDose | None]) -> Row | None:
    last = next((d for d in reversed(doses) if d is not None), None)
    if last is None:
        return None
    return place_cell(last.population, last.dose_per_activity_gy_per_gbq, "Gy/GBq")


def place_cell(places: tuple[Place, ...], x: Uncertain, unit: str) -> Row:
    """The first cohort in this unit as a strip; words where there is none."""
    first = next((p for p in places if p.unit == unit), None)
    if first is None:
        return {"kind": "words", "words": "no reference available", "centile": "–"}
    return summary.placed(first, x)


def _series_rows(stages: list[Stage]) -> list[Row]:
    rows: list[Row] = []
    for name in dict.fromkeys(x.name for s in stages for x in s.series):
        many = [next((x for x in s.series if x.name == name), None) for s in stages]
        rows += [*_figure_rows(name, many, stages), *_half_rows(name, many),
                 _integral_row(name, many, stages)]  # fmt: skip
    return rows


def _figure_rows(name: str, many: list[Series | None], stages: list[Stage]) -> list[Row]:
    rows = []
    for label in figure_labels(many)[:FIGURES]:
        found = [s.figures.get(label) if s else None for s in many]
        cells = [_cell(x.scaled(100) if x else None, "%") for x in found]
        rows.append(_row(name, label, cells, _figure_place(label, found, stages)))
    return rows


def figure_labels(many: Sequence[Series | None]) -> list[str]:
    """Names of the figures that any of the series has."""
    return list(dict.fromkeys(label for s in many if s for label in s.figures))


def _figure_place(label: str, found: list[Uncertain | None], stages: list[Stage]) -> Row | None:
    pairs = [(x, s.places.get(label)) for x, s in zip(found, stages, strict=True) if x]
    if not pairs or not pairs[-1][1]:
        return None
    return place_cell(pairs[-1][1], pairs[-1][0], "1")


def _half_rows(name: str, many: list[Series | None]) -> list[Row]:
    named = [shown.main_half_life(s) if s else None for s in many]
    label = next((x[0] for x in named if x), None)
    if label is None:
        return []
    return [_row(name, label, [_cell(x[1], "h") if x else None for x in named])]


def _integral_row(name: str, many: list[Series | None], stages: list[Stage]) -> Row:
    pairs = [shown.integral(s) if s else None for s in many]
    cells = [_cell(*pair) if pair else None for pair in pairs]
    last = [(s, stage) for s, stage in zip(many, stages, strict=True) if s is not None][-1]
    places = last[1].places.get(name)
    place = place_cell(places, last[0].tiac, last[0].tiac_unit) if places else None
    return _row(name, "TIAC", cells, place)


def _footnotes(result: Result, stages: list[Stage]) -> str:
    parts = ["TIAC: time-integrated activity coefficient (residence time)."]
    skipped = len(result.stages) - len(stages)
    if skipped:
        count = "1 more administration" if skipped == 1 else f"{skipped} more administrations"
        parts.append(f"{count} on the pages behind.")
    doubt = _largest_causes(result)
    if doubt:
        parts.append(doubt)
    sources = _sources(stages[-1])
    if sources:
        parts.append(f"Published ranges (of the last column): {sources}. Another method: compare "
                     "with care.")  # fmt: skip
    if summary.unverified(result):
        parts.append("† rests on a constant not yet verified here; see box.")
    return " ".join(parts)


def _largest_causes(result: Result) -> str:
    dose = next((d for s in reversed(columns(result)) for d in s.doses), None)
    if dose is None or not dose.dose_gy.u:
        return ""
    rows = words.grouped(dose.dose_gy.parts)[:3]
    said = ", ".join(f"{cause}: {say.percent(share)}" for cause, share in rows)
    return f"Largest parts of the variance, {dose.name.lower()} dose: {said}."


def _sources(stage: Stage) -> str:
    found: dict[str, list[str]] = {}
    named = [(d.name.lower(), p) for d in stage.doses for p in d.population[:1]]
    named += [(name, p) for name, places in stage.places.items() for p in places[:1]]
    for name, p in named:
        found.setdefault(
            f"{p.source} ({', '.join(x for x in (p.size, p.method) if x)})", []
        ).append(name)
    return "; ".join(f"{plain_words.joined(list(dict.fromkeys(v)))}: {k}" for k, v in found.items())


def verified(result: Result) -> list[list[str]]:
    """Planned, measured, ratio: a row each."""
    return [[v.name, say.plus_minus(v.planned, v.unit), say.plus_minus(v.measured, v.unit),
             say.plus_minus(v.ratio), v.words] for v in result.verified]  # fmt: skip
