"""`stages`, `plan` and `verified` of result.json. A result of scans alone has none of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quimby.core.uncertain import Uncertain
from quimby.population.places import Place
from quimby.report.values import constant, floats, maybe, place, uncertain
from quimby.study.result import Result
from quimby.study.stages import Allowed, Plan, Point, Series, Stage, TargetDose, Verified

Row = dict[str, Any]


def parts(r: Result) -> Row:
    """The three keys where the result holds readings; nothing where it holds scans alone."""
    if not (r.stages or r.plan or r.verified):
        return {}
    return {
        "stages": [_stage(s) for s in r.stages],
        "plan": _plan(r.plan) if r.plan else None,
        "verified": [_verified(v) for v in r.verified],
    }


def _each(values: Mapping[str, Uncertain]) -> Row:
    return {name: uncertain(x) for name, x in values.items()}


def _places(found: tuple[Place, ...]) -> list[Row]:
    return [place(x) for x in found]


def _stage(s: Stage) -> Row:
    return {
        "administration": s.administration,
        "kind": s.kind,
        "cycle": s.cycle,
        "nuclide": s.nuclide,
        "administered_at": s.administered_at.isoformat(),
        "administered_mbq": uncertain(s.administered_mbq),
        "weight_kg": uncertain(s.weight_kg),
        "series": [_series(x) for x in s.series],
        "doses": [_dose(d) for d in s.doses],
        "places": {name: _places(found) for name, found in s.places.items()},
    }


def _series(s: Series) -> Row:
    times, values, doubts = zip(*s.line, strict=True) if s.line else ((), (), ())
    return {
        "name": s.name,
        "quantity": s.quantity,
        "unit": s.unit,
        "device": s.device,
        "points": [_point(p) for p in s.points],
        "method": s.method,
        "line": {"time_h": floats(times), "value": floats(values), "u": floats(doubts)},
        "tiac": uncertain(s.tiac),
        "tiac_unit": s.tiac_unit,
        "half_lives_h": _each(s.half_lives_h),
        "head_fraction": float(s.head_fraction),
        "tail_fraction": float(s.tail_fraction),
        "physical_tail": uncertain(s.physical_tail),
        "residuals_u": floats(s.residuals_u),
        "chi2": maybe(s.chi2),
        "degrees_of_freedom": s.degrees_of_freedom,
        "figures": _each(s.figures),
    }


def _point(p: Point) -> Row:
    return {
        "where": p.where,
        "at": p.at.isoformat(),
        "time_h": float(p.time_h),
        "value": uncertain(p.value),
        "written": dict(p.written),
        "after_void": p.after_void,
    }


def _dose(d: TargetDose) -> Row:
    return {
        "name": d.name,
        "method": d.method,
        "dose_gy": uncertain(d.dose_gy),
        "dose_per_activity_gy_per_gbq": uncertain(d.dose_per_activity_gy_per_gbq),
        "shares_gy": _each(d.shares_gy),
        "mass_g": uncertain(d.mass_g),
        "mass_how": d.mass_how,
        "population": _places(d.population),
    }


def _plan(p: Plan) -> Row:
    return {
        "kind": p.kind,
        "title": p.title,
        "target": p.target,
        "aim_gy": maybe(p.aim_gy),
        "limiting": p.limiting,
        "activity_mbq": uncertain(p.activity_mbq),
        "proposed_mbq": float(p.proposed_mbq),
        "step_mbq": maybe(p.step_mbq),
        "site_limit_mbq": maybe(p.site_limit_mbq),
        "dose_gy": uncertain(p.dose_gy),
        "total_gy": uncertain(p.total_gy),
        "allowed": [_allowed(a) for a in p.allowed],
        "compare": [{"name": name, "figure": figure} for name, figure in p.compare],
        "sensitivity": [{"cause": cause, "share": float(x)} for cause, x in p.sensitivity],
        "gates": [{"question": q, "answer": a, "state": state} for q, a, state in p.gates],
        "thought_of_mbq": maybe(p.thought_of_mbq),
        "thought_of_gy": uncertain(p.thought_of_gy),
    }


def _allowed(a: Allowed) -> Row:
    return {
        "name": a.name,
        "activity_mbq": uncertain(a.activity_mbq),
        "careful_mbq": float(a.careful_mbq),
        "limit": constant(a.limit),
    }


def _verified(v: Verified) -> Row:
    return {
        "name": v.name,
        "unit": v.unit,
        "planned": uncertain(v.planned),
        "measured": uncertain(v.measured),
        "ratio": uncertain(v.ratio),
        "words": v.words,
    }
