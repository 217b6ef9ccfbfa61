"""The first week with a new protocol: Monday devices, Tuesday phantoms, … Friday review."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from quimby.advise.setup_plan import Planned, SetupPlan

DAYS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("acceptance and background", ("acceptance", "baseline", "geometry")),
    ("one filling, all cameras", ("filling", "phantom-scan", "dead-time")),
    ("calibrate", ("source-calibration", "training")),
    ("dry run on the demo patient", ("benchmark", "dry-run")),
    ("review by physicist and physician", ("aim", "literature", "draft", "review")),
)
"""What each day is for, Monday first, and the tasks that fall on it."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the week, with its tasks; hours by role."""

    on: dt.date
    title: str
    tasks: tuple[Planned, ...]

    def hours(self) -> dict[str, float]:
        """Hours by role."""
        found: dict[str, float] = {}
        for task in self.tasks:
            for role, number in task.hours.items():
                found[role] = found.get(role, 0.0) + number
        return found


def first_week(plan: SetupPlan, *, after: dt.date) -> tuple[Day, ...]:
    """Monday to Friday of the first whole week after that day. Days without a task stay free."""
    monday = after + dt.timedelta(days=(7 - after.weekday()) % 7 or 7)
    return tuple(
        Day(monday + dt.timedelta(days=i), title,
            tuple(t for t in plan.tasks if t.id.split(":")[0] in ids))
        for i, (title, ids) in enumerate(DAYS)
    )  # fmt: skip
