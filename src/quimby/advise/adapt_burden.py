"""What a changed protocol costs: the old minutes, less what was dropped and with what came."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from quimby.advise.adapt import Swapped
from quimby.advise.substitution import TASKS
from quimby.protocols import Protocol
from quimby.protocols.document import Acquisition
from quimby.protocols.practice import Burden

STAYS_H = 12.0  # a measurement before this needs no visit of its own [P]


@cache
def _table() -> Any:
    path = files("quimby.advise").joinpath("data", "measure_minutes.toml")
    return tomllib.loads(path.read_text("utf-8"))


def burden_after(before: Protocol, after: Protocol, swapped: Swapped) -> Burden | None:
    """The burden of the changed protocol; None where the first one says none."""
    old = before.burden
    if old is None:
        return None
    rows = _table()["minutes"]
    staff = _sum(after.acquisition, rows, "staff") - _sum(before.acquisition, rows, "staff")
    camera = _sum(after.acquisition, rows, "camera") - _sum(before.acquisition, rows, "camera")
    camera += sum(r.camera_min * sum(TASKS[a.kind] == r.task for a in after.acquisition)
                  for r in swapped.rows)  # fmt: skip
    factor = max(old.staff_min + staff, 0.0) / old.staff_min if old.staff_min else 1.0
    return old.model_copy(update={
        "minutes": {role: round(m * factor) for role, m in old.minutes.items()},
        "camera_min": max(old.camera_min + camera, 0.0),
        "visits": _visits_after(old.visits, _visits(before), _visits(after)),
        "samples": _samples(before, after, old.samples),
        "source": f"that of {before.id} {before.version}, and {_table()['source']}",
        "tag": "P",
    })  # fmt: skip


def _sum(planned: Sequence[Acquisition], rows: Any, what: str) -> float:
    return float(sum(rows[a.kind][what] for a in planned if a.kind in rows))


def _visits(protocol: Protocol) -> int:
    """Visits of their own: measurements whose windows overlap are of one."""
    found, end = 0, 0.0
    for low, high in sorted(a.window_h for a in protocol.acquisition
                            if a.window_h[0] >= STAYS_H):  # fmt: skip
        if low >= end:
            found += 1
        end = max(end, high)
    return found


def _visits_after(old: float, planned_before: int, planned_after: int) -> float:
    """As many fewer as are planned fewer, yet no fewer than are left (some need none)."""
    return max(old + planned_after - planned_before, min(old, planned_after), 0.0)


def _samples(before: Protocol, after: Protocol, samples: float) -> float:
    drawn = [sum(a.kind == "blood" for a in p.acquisition) for p in (before, after)]
    return samples * drawn[1] / drawn[0] if drawn[0] else samples
