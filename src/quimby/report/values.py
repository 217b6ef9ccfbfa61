"""How values of Quimby stand in result.json: plain numbers, doubts by cause, sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.population.places import Place


def uncertain(x: Uncertain | None) -> dict[str, Any] | None:
    """`{value, u, budget}`, budget being the standard uncertainty from each cause.

    `lowers` names the causes that, going up, bring this value down: two numbers of one result
    that share a cause move together, or apart, by it.
    """
    if x is None:
        return None
    parts = {cause: float(x.parts[cause]) for cause in sorted(x.parts) if x.parts[cause]}
    return {
        "value": float(x.value),
        "u": float(x.u),
        "budget": {cause: abs(part) for cause, part in parts.items()},
        "lowers": [cause for cause, part in parts.items() if part < 0],
    }


def floats(values: Sequence[float]) -> list[float]:
    """Plain floats of any numbers."""
    return [float(v) for v in values]


def maybe(value: float | None) -> float | None:
    """A plain float, or None."""
    return None if value is None else float(value)


def place(x: Place) -> dict[str, Any]:
    """One cohort and where the patient stands in it."""
    return {
        "source": x.source,
        "n": x.n,
        "unit": x.unit,
        "mean": maybe(x.mean),
        "sd": maybe(x.sd),
        "median": maybe(x.median),
        "published": floats(x.published) if x.published else None,
        "centile": maybe(x.centile),
        "range_5_95": floats(x.range_5_95) if x.range_5_95 else None,
        "z_linear": maybe(x.z_linear),
        "z_lognormal": maybe(x.z_lognormal),
        "words": x.words,
        "group": x.group,
        "tag": x.tag,
        "verified": x.verified,
        "method": x.method,
        "note": x.note,
    }


def constant(c: Constant) -> dict[str, Any]:
    """One constant with its source."""
    return {
        "name": c.name,
        "value": float(c.value),
        "u": float(c.u),
        "unit": c.unit,
        "source": c.source,
        "tag": c.tag,
        "verified": c.verified,
        "confirmed": {"by": c.confirmed.by, "on": c.confirmed.on.isoformat()}
        if c.confirmed
        else None,
    }
