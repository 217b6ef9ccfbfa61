"""The level of dosimetry that a study reached, from what its own result holds."""

from __future__ import annotations

from dataclasses import replace

from quimby.protocols.level import Reached, reached
from quimby.study.result import Result


def level_of(result: Result) -> Reached:
    """Level 1, 2 or 3 with the reason.

    Level 3 needs both the plan by a dose aim or limit and the therapy measured against it.
    """
    doses = len(result.regions) + sum(len(s.doses) for s in result.stages)
    return reached(doses=doses, planned_by_dose=result.plan is not None,
                   verified=bool(result.verified))  # fmt: skip


def with_level(result: Result) -> Result:
    """The result that says its level and why."""
    found = level_of(result)
    methods = (*result.trace.methods, (f"level {found.level}", found.reason))
    return replace(result, level=found.level, level_reason=found.reason,
                   trace=replace(result.trace, methods=methods))  # fmt: skip
