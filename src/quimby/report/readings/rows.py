"""The pages behind page one as data: readings, integrals, doses, what the doubt is made of."""

from __future__ import annotations

from typing import Any

from quimby.core.uncertain import Uncertain
from quimby.population.places import Place
from quimby.report import rounding as say
from quimby.report import words as plain_words
from quimby.report.readings import cards, page, shown, words
from quimby.study.result import Result
from quimby.study.stages import Point, Series, Stage

Table = dict[str, Any]


def heading(stage: Stage, result: Result) -> str:
    """ "Tracer, 3.02 ± 0.09 MBq, 4 May 2026, 08:30 +02:00"."""
    name = shown.stage_name(stage, result)
    given = words.mbq(stage.administered_mbq)
    return f"{shown.capital(name)}, {given}, {plain_words.clock(stage.administered_at)}"


def panel(series: Series, stage: Stage, result: Result) -> Table:
    """The words under a curve: method, half-lives, integral, both tails, fit."""
    name = shown.stage_name(stage, result)
    many = len(result.stages) > 1
    return {"name": f"{series.name}, {name}" if many else series.name, "device": series.device,
            "method": f"{shown.capital(series.method)}.",
            "halves": _halves(series), "integral": _integral(series), "tails": _tails(series),
            "fit": _fit(series)}  # fmt: skip


def _halves(series: Series) -> str:
    return "; ".join(f"{shown.half_name(k)} {say.plus_minus(x, 'h')}"
                     for k, x in series.half_lives_h.items())  # fmt: skip


def _integral(series: Series) -> str:
    value, unit = shown.integral(series)
    head, tail = say.percent(series.head_fraction), say.percent(series.tail_fraction)
    return (f"Integral per administered activity {say.plus_minus(value, unit)}; before the first "
            f"reading {head}, after the last {tail}.")  # fmt: skip


def _tails(series: Series) -> str:
    if series.physical_tail is None:
        return ""
    value, unit = shown.integral(series, series.physical_tail)
    more = say.deviation(series.physical_tail.value, series.tiac.value)
    return (f"With nothing but decay after the last reading it would be "
            f"{say.plus_minus(value, unit)} ({more}): the truth lies between.")  # fmt: skip


def _fit(series: Series) -> str:
    if series.chi2 is None:
        return ""
    if not series.degrees_of_freedom:
        return "As many readings as parameters: nothing is left to judge the fit by."
    return f"χ² {series.chi2:.1f} with {series.degrees_of_freedom or 0} d.f."


def points(series: Series) -> Table:
    """Every reading: when, as written, as used."""
    scale = shown.scale(series)
    fitted = shown.judged(series)
    voided = any(p.after_void is not None for p in series.points)
    file, places = _places(series)
    head = ["After start, h", "Clock", "As written in the table", f"As used, {scale.unit} ± u"]
    head += (["After voiding"] if voided else []) + (["Residual, u"] if fitted else []) + ["Where"]
    rows = []
    for index, p in enumerate(series.points):
        value = _as_used(shown.point(p.value, series))
        row = [say.fixed(p.time_h, -1), _moment(p), _written(p), value]
        if voided:
            row.append("–" if p.after_void is None else "yes" if p.after_void else "no")
        if fitted:
            row.append(say.fixed(series.residuals_u[index], -1))
        rows.append([*row, places[index]])
    return {"head": head, "rows": rows, "file": file}


def _places(series: Series) -> tuple[str, list[str]]:
    """The one table that all readings stand in, and the row of each; else each place in full."""
    parts = [p.where.rsplit(", ", 1) for p in series.points]
    files = {part[0] for part in parts if len(part) == 2}
    if len(files) == 1 and all(len(part) == 2 for part in parts):
        return files.pop(), [part[1] for part in parts]
    return "", [p.where for p in series.points]


def _as_used(x: Uncertain) -> str:
    """A reading; the reference, which is all there was, has no doubt of its own."""
    value, u = say.value_and_u(x)
    return f"{value} (reference)" if u == say.NOT_KNOWN else f"{value} ± {u}"


def _moment(p: Point) -> str:
    return f"{plain_words.short_day(p.at)}, {p.at:%H:%M}"


def _written(p: Point) -> str:
    return "; ".join(f"{key.replace('_', ' ')} {text}" for key, text in p.written.items())


def doses(result: Result) -> Table:
    """Each dose with its parts and method."""
    rows = []
    for stage in result.stages:
        for d in stage.doses:
            name = shown.stage_name(stage, result)
            rows.append(
                [
                    d.name,
                    name,
                    say.plus_minus(d.dose_gy),
                    say.interval(d.dose_gy),
                    say.plus_minus(d.dose_per_activity_gy_per_gbq),
                    _mass(d.mass_g),
                    d.method,
                ]
            )
            rows += [[f"   {part}", name, say.plus_minus(x), say.interval(x), "", "", ""]
                     for part, x in d.shares_gy.items()]  # fmt: skip
    head = [
        "Target",
        "Administration",
        "Dose, Gy ± u",
        "95 %, Gy",
        "Gy/GBq ± u",
        "Mass ± u",
        "Formula",
    ]
    return {"head": head, "rows": rows}


def _mass(x: Uncertain | None) -> str:
    if x is None:
        return "–"
    if x.value >= 1000:
        return say.plus_minus(x.scaled(1e-3), "kg")
    return say.plus_minus(x, "g")


def masses(result: Result) -> str:
    """How each mass was found, once."""
    found = {f"{d.name}: {d.mass_how}" for s in result.stages for d in s.doses if d.mass_how}
    return "; ".join(sorted(found))


def budget(result: Result) -> Table:
    """Each dose's causes as per cent of the dose."""
    rows = []
    for stage in result.stages:
        for d in stage.doses:
            name = shown.stage_name(stage, result)
            x = d.dose_gy
            total = f"{100 * x.u_rel:.1f} %" if x.u and x.value else say.NOT_KNOWN
            rows.append([d.name, name, total, _causes(x)])
    return {"head": ["Dose", "Administration", "u (k = 1)", "Causes, as per cent of the dose"],
            "rows": rows}  # fmt: skip


def _causes(x: Uncertain) -> str:
    if not x.u or not x.value:
        return "no cause of doubt is carried"
    return "; ".join(f"{cause}: {100 * x.u_rel * share**0.5:.1f} %"
                     for cause, share in words.grouped(x.parts))  # fmt: skip


def figures(result: Result) -> Table:
    """Shares at named times, where page one has no room for all."""
    rows: list[list[str]] = []
    many = [s for stage in result.stages for s in stage.series]
    if len(page.columns(result)) == len(result.stages) and all(
        len(page.figure_labels([s])) <= page.FIGURES for s in many
    ):
        return {"head": [], "rows": rows}
    for stage in result.stages:
        name = shown.stage_name(stage, result)
        for s in stage.series:
            rows += [[s.name, name, label, shown.share(x), say.interval(x.scaled(100))]
                     for label, x in s.figures.items()]  # fmt: skip
    return {"head": ["Of", "Administration", "Figure", "Value ± u", "95 %, %"], "rows": rows}


def cohorts(result: Result) -> Table:
    """Every published cohort that a value was laid beside; sources by number, below."""
    rows: list[list[str]] = []
    sources: list[str] = []
    for stage in result.stages:
        name = shown.stage_name(stage, result)
        found = [(d.name + " dose per activity", p) for d in stage.doses for p in d.population]
        series = {s.name for s in stage.series}
        found += [(f"{what}, TIAC" if what in series else what, p)
                  for what, places in stage.places.items() for p in places]  # fmt: skip
        for what, p in found:
            *told, source = _published(p)
            sources += [source] if source not in sources else []
            rows.append([what, name, *told, f"{sources.index(source) + 1}"])
    head = [
        "Value",
        "Administration",
        "Published",
        "Lowest–highest",
        "Centile",
        "Patient",
        "Source",
    ]
    key = "; ".join(f"{i}: {source}" for i, source in enumerate(sources, start=1))
    return {"head": head, "rows": rows, "key": f"Sources. {key}." if key else ""}


def _published(p: Place) -> list[str]:
    """Middle and spread, lowest and highest, centile, judgement, source. Fractions in per cent."""
    factor, unit = (100.0, "%") if p.unit == "1" else (1.0, p.unit)
    ends = "–"
    if p.published:
        ends = f"{factor * p.published[0]:.4g}–{factor * p.published[1]:.4g}"
    spread = f" ± {factor * p.sd:.4g}" if p.sd is not None and p.mean is not None else ""
    mark, group = "" if p.verified else " †", f", {p.group}" if p.group else ""
    return [f"{p.what} {factor * p.middle:.4g}{spread} {unit}{mark}", ends,
            say.centile(p.centile) if p.centile is not None else "–",
        p.words.removesuffix(" the published range"),
            f"{p.source} ({p.size}{group}{f'; {p.method}' if p.method else ''})"]  # fmt: skip


def compare(result: Result) -> Table:
    """Other ways to the proposed activity."""
    on_page_one = any(c["label"] == cards.BESIDE for c in cards.cards(result))
    rows = [list(row) for row in result.plan.compare] if result.plan and not on_page_one else []
    return {"head": ["Beside the plan", "Found"], "rows": rows}


def leading(result: Result) -> str:
    """Words on the largest part of the doubt, of the plan or of the first dose."""
    if result.plan is not None:
        return words.leading(tuple(plan_causes(result)))
    dose = next((d for s in reversed(result.stages) for d in s.doses), None)
    return words.leading(tuple(words.grouped(dose.dose_gy.parts))) if dose else ""


def plan_causes(result: Result) -> list[tuple[str, float]]:
    """The plan's shares of the variance, kinds taken together."""
    if result.plan is None or not result.plan.sensitivity:
        return []
    return words.together(result.plan.sensitivity)
