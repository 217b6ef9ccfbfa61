"""Lesions followed from cycle to cycle: in result.json, in tables/ and on the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quimby.core.uncertain import Uncertain
from quimby.report import rounding as say
from quimby.report.values import uncertain
from quimby.study.result import LesionChange, Result

EVENTS = {
    "same": "unchanged in size, within doubt",
    "shrunk": "shrunk",
    "grown": "grown",
    "split": "split",
    "merged": "merged",
    "new": "new",
    "gone": "gone",
    "unclear": "to be told by a person",
}
HEAD = ("event", "name now", "name before", "cycle before", "cycle", "volume before [ml]",
        "u volume before [ml]", "volume [ml]", "u volume [ml]", "dose before [Gy]",
        "u dose before [Gy]", "dose [Gy]", "u dose [Gy]")  # fmt: skip
CHANGES = ("grown", "shrunk", "split", "merged", "new", "gone", "unclear")


def parts(result: Result) -> list[dict[str, Any]]:
    """The key `lesions` of result.json: every lesion of two cycles, each in one event."""
    return [
        {
            "event": x.kind,
            "now": list(x.now),
            "before": list(x.before),
            "cycle_before": x.cycle_before,
            "cycle": x.cycle,
            "volume_before_ml": uncertain(x.volume_before_ml),
            "volume_ml": uncertain(x.volume_ml),
            "dose_before_gy": uncertain(x.dose_before_gy),
            "dose_gy": uncertain(x.dose_gy),
        }
        for x in result.lesions
    ]


def rows(result: Result) -> list[list[Any]]:
    """One row an event, under `HEAD`; a field without a value is empty."""
    return [
        [x.kind, "; ".join(x.now), "; ".join(x.before), x.cycle_before, x.cycle,
         *(part for v in (x.volume_before_ml, x.volume_ml, x.dose_before_gy, x.dose_gy)
           for part in ((float(v.value), float(v.u)) if v else (None, None)))]
        for x in result.lesions
    ]  # fmt: skip


def table(result: Result) -> dict[str, Any]:
    """The report's table, with a sentence above it; no rows for one cycle alone."""
    several = len({(x.cycle_before, x.cycle) for x in result.lesions}) > 1
    cells = [
        [*([f"{x.cycle_before} → {x.cycle}"] if several else []), _names(x.now), _names(x.before),
         _then_now(x.volume_before_ml, x.volume_ml), _then_now(x.dose_before_gy, x.dose_gy),
         _event(x)]
        for x in result.lesions
    ]  # fmt: skip
    head = [*(["Cycles"] if several else []), "Name now", "Name before", "Volume, ml",
            "Dose of each cycle, Gy", "What became of it"]  # fmt: skip
    return {"head": head, "rows": cells, "words": sentence(result.lesions)}


def sentence(found: Sequence[LesionChange]) -> str:
    """What became of the lesions since the cycle measured before, in one sentence."""
    if not found:
        return ""
    last = max(x.cycle for x in found)
    mine = [x for x in found if x.cycle == last]
    said = [f"{_names(x.now or x.before)} {_said(x)}" for kind in CHANGES
            for x in mine if x.kind == kind]  # fmt: skip
    same = sum(x.kind == "same" for x in mine)
    if same:
        said.append(f"{same} unchanged in size within doubt")
    return f"Since cycle {mine[0].cycle_before}: {'; '.join(said)}."


def _said(x: LesionChange) -> str:
    """The end of a clause: "has grown to 1.4 of its volume"."""
    plural = len(x.now or x.before) > 1
    if x.kind in ("grown", "shrunk"):
        return f"has {x.kind} to {100 * _ratio(x):.0f} % of its volume"
    if x.kind == "split":
        return f"are parts of {_names(x.before)}"
    if x.kind == "merged":
        return f"has grown together from {_names(x.before)}"
    if x.kind == "unclear":
        return f"cannot be told from {_names(x.before)}: a person must say"
    return f"{'are' if plural else 'is'} {x.kind}"


def _event(x: LesionChange) -> str:
    if x.kind in ("grown", "shrunk"):
        return f"{x.kind} to {100 * _ratio(x):.0f} %"
    return EVENTS[x.kind]


def _ratio(x: LesionChange) -> float:
    if x.volume_ml is None or x.volume_before_ml is None:
        raise ValueError(f"a lesion that has {x.kind} needs two volumes")
    return x.volume_ml.value / x.volume_before_ml.value


def _names(names: Sequence[str]) -> str:
    return " and ".join(names) if names else "–"


def _then_now(then: Uncertain | None, now: Uncertain | None) -> str:
    return " → ".join(say.plus_minus(x) if x is not None else "–" for x in (then, now))
