"""What a protocol has measured of a made-up patient: its own kinds, in its own windows."""

from __future__ import annotations

from collections.abc import Sequence

from quimby.core.notes import refusal
from quimby.protocols import Protocol
from quimby.protocols.document import Acquisition

ONE = "one reading"
"""Doses of that name rest on a single reading: no more are taken."""


def asks_for(protocol: Protocol, kind: str) -> bool:
    """Whether anything of this kind is measured: level 1 measures nothing."""
    return protocol.level > 1 and any(a.kind == kind for a in protocol.acquisition)


def one_each(protocol: Protocol, kind: str, hours: Sequence[float]) -> tuple[int, ...]:
    """Numbers of the times taken, one an acquisition: the nearest to the middle of its window.

    An acquisition that is not required may go without. E-DEMO-WINDOW for one that is.
    """
    if not asks_for(protocol, kind):
        return ()
    taken: list[int] = []
    for wanted in (a for a in protocol.acquisition if a.kind == kind):
        fitting = [n for n, h in enumerate(hours) if wanted.holds(h) and n not in taken]
        if fitting:
            taken.append(min(fitting, key=lambda n: abs(hours[n] - _middle_h(wanted))))
        elif wanted.required:
            low, high = wanted.window_h
            raise refusal("E-DEMO-WINDOW", where=protocol.id, what=wanted.id, low=low, high=high)
    return tuple(sorted(taken))


def readings(protocol: Protocol, kind: str, hours: Sequence[float]) -> tuple[int, ...]:
    """Numbers of the readings taken. They cost little: all between first and last window.

    A dose from one reading takes one each.
    """
    kept = one_each(protocol, kind, hours)
    single = protocol.readings is not None and any(ONE in d for d in protocol.readings.doses)
    if not kept or single:
        return kept
    windows = [a.window_h for a in protocol.acquisition if a.kind == kind]
    low, high = min(w[0] for w in windows), max(w[1] for w in windows)
    return tuple(n for n, h in enumerate(hours) if low <= h <= high)


def _middle_h(wanted: Acquisition) -> float:
    return sum(wanted.window_h) / 2.0
