"""tables/*.csv of studies by readings: every point as written and as used, lines, doses, plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from quimby.core.uncertain import Uncertain
from quimby.study.result import Result
from quimby.study.stages import Plan, Series, Stage, TargetDose, Verified

Cell = str | float | int | bool | None
Sheet = tuple[Sequence[str], Iterable[Sequence[Cell]]]


def sheets(result: Result) -> dict[str, Sheet]:
    """File name -> (head, rows); plan.csv only with a plan or a comparison."""
    found: dict[str, Sheet] = {
        "readings.csv": _readings(result),
        "curves.csv": _curves(result),
        "integrals.csv": _integrals(result),
        "doses.csv": _doses(result),
        "budget.csv": _budget(result),
    }
    if result.plan or result.verified:
        found["plan.csv"] = _plan(result)
    return found


def _series(result: Result) -> Iterator[tuple[Stage, Series]]:
    for stage in result.stages:
        for series in stage.series:
            yield stage, series


def _targets(result: Result) -> Iterator[tuple[Stage, TargetDose]]:
    for stage in result.stages:
        for dose in stage.doses:
            yield stage, dose


def _pair(x: Uncertain | None) -> tuple[Cell, Cell]:
    return (float(x.value), float(x.u)) if x is not None else (None, None)


def _readings(result: Result) -> Sheet:
    head = ["administration", "series", "quantity", "where", "at", "time after start [h]",
            "as written", "value", "u", "unit", "after void", "residual [u]"]  # fmt: skip
    return head, (row for stage, series in _series(result) for row in _points(stage, series))


def _points(stage: Stage, series: Series) -> Iterator[list[Cell]]:
    fitted = len(series.residuals_u) == len(series.points)
    for index, p in enumerate(series.points):
        written = "; ".join(f"{key}: {text}" for key, text in p.written.items())
        yield [stage.administration, series.name, series.quantity, p.where, p.at.isoformat(),
               float(p.time_h), written, *_pair(p.value), series.unit, p.after_void,
               float(series.residuals_u[index]) if fitted else None]  # fmt: skip


def _curves(result: Result) -> Sheet:
    head = ["administration", "series", "quantity", "time after start [h]", "value", "u", "unit"]
    rows: Iterable[list[Cell]] = (
        [stage.administration, s.name, s.quantity, *map(float, at), s.unit]
        for stage, s in _series(result)
        for at in s.line
    )
    return head, rows


def _integrals(result: Result) -> Sheet:
    head = ["administration", "series", "quantity", "value", "u", "unit"]
    return head, (row for stage, s in _series(result) for row in _figures(stage, s))


def _figures(stage: Stage, s: Series) -> Iterator[list[Cell]]:
    first = [stage.administration, s.name]
    yield [*first, "integral per administered activity", *_pair(s.tiac), s.tiac_unit]
    if s.physical_tail is not None:
        yield [*first, "the same, physical decay after the last reading", *_pair(s.physical_tail),
               s.tiac_unit]  # fmt: skip
    yield [*first, "share before the first reading", float(s.head_fraction), None, "1"]
    yield [*first, "share after the last reading", float(s.tail_fraction), None, "1"]
    for name, x in s.half_lives_h.items():
        yield [*first, f"half-life, {name}", *_pair(x), "h"]
    for name, x in s.figures.items():
        yield [*first, name, *_pair(x), "1"]


def _doses(result: Result) -> Sheet:
    head = ["administration", "kind", "administered [MBq]", "u administered [MBq]", "target",
            "absorbed dose [Gy]", "u absorbed dose [Gy]", "95 % low [Gy]", "95 % high [Gy]",
            "dose per activity [Gy/GBq]", "u dose per activity [Gy/GBq]", "mass [g]", "u mass [g]",
            "mass from", "method"]  # fmt: skip
    rows: Iterable[list[Cell]] = (
            [stage.administration, stage.kind, *_pair(stage.administered_mbq), d.name,
             *_pair(d.dose_gy), *map(float, d.dose_gy.interval()),
             *_pair(d.dose_per_activity_gy_per_gbq), *_pair(d.mass_g), d.mass_how, d.method]
            for stage, d in _targets(result))  # fmt: skip
    return head, rows


def _budget(result: Result) -> Sheet:
    head = ["administration", "target", "cause", "signed u [Gy]", "share of variance [1]"]
    rows: Iterable[list[Cell]] = (
            [stage.administration, d.name, cause, float(d.dose_gy.parts[cause]),
             (d.dose_gy.parts[cause] / d.dose_gy.u) ** 2]
            for stage, d in _targets(result) for cause, _ in d.dose_gy.budget())  # fmt: skip
    return head, rows


def _plan(result: Result) -> Sheet:
    head = ["what", "value", "u", "unit", "words"]
    made = _planned(result.plan) if result.plan else iter(())
    return head, (row for part in (made, _compared(result.verified)) for row in part)


def _planned(p: Plan) -> Iterator[list[Cell]]:
    if p.aim_gy is not None:
        yield ["aim", float(p.aim_gy), None, "Gy", p.title]
    yield ["activity for the aim or limit", *_pair(p.activity_mbq), "MBq", p.limiting]
    yield ["proposed activity", float(p.proposed_mbq), None, "MBq", "proposal for the physician"]
    yield ["dose of the proposed activity", *_pair(p.dose_gy), "Gy", p.target]
    yield ["with what was given before", *_pair(p.total_gy), "Gy", p.target]
    for a in p.allowed:
        yield [f"allowed by {a.name}", *_pair(a.activity_mbq), "MBq", a.limit.source]
        yield [f"upper 95 % within {a.name}", float(a.careful_mbq), None, "MBq", a.limit.source]
    if p.thought_of_mbq is not None:
        yield ["activity considered", float(p.thought_of_mbq), None, "MBq", ""]
        yield ["its dose", *_pair(p.thought_of_gy), "Gy", p.target]
    for cause, share in p.sensitivity:
        yield [f"share of the variance: {cause}", float(share), None, "1", ""]
    for name, figure in p.compare:
        yield [name, None, None, "", figure]
    for question, answer, state in p.gates:
        yield [question, None, None, "", f"{answer} ({state})"]


def _compared(rows: Sequence[Verified]) -> Iterator[list[Cell]]:
    for v in rows:
        yield [f"{v.name}, planned", *_pair(v.planned), v.unit, ""]
        yield [f"{v.name}, measured", *_pair(v.measured), v.unit, ""]
        yield [f"{v.name}, measured over planned", *_pair(v.ratio), "1", v.words]
