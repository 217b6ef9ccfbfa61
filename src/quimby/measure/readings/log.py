"""A monitor's log averaged in stated intervals: one whole-body reading an interval.

A fixed monitor that writes a value every second or minute needs no one at its display. What it
needs is the moments between which the patient stood before it, and the room was empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from quimby.core.notes import Note, in_order, note, refusal
from quimby.devices.clock import Comparison, true_time
from quimby.measure.readings.cells import Quantity
from quimby.measure.readings.checks import check_kinds, in_time_order
from quimby.measure.readings.reading import Reading
from quimby.measure.readings.times import utc

VIEWS = ("front", "back", "background")
FEWEST = 5  # values in an interval [P]
COVERED = 0.9  # of the interval [P]
BLOCKS, LEAST_BLOCKS = 10, 5
DRIFT_LIMIT, DRIFT_P = 0.05, 0.005  # of the mean over the interval; chance in one tail [P]
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Window:
    """An interval of the log: `start` belongs to it, `end` does not. Both aware, true time."""

    what: str
    start: datetime
    end: datetime
    where: str


@dataclass(frozen=True, slots=True)
class Averaged:
    """Mean of the values in an interval; `mean.u` is its standard uncertainty, from scatter."""

    window: Window
    mean: Quantity
    count: int
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class _Log:
    """A log as numbers: true seconds, values in `unit`, usual step between values."""

    seconds: Array
    values: Array
    step_s: float
    digit: float  # smallest difference of two values: what the display can tell apart
    like: Quantity
    where: str
    notes: tuple[Note, ...]


def averaged(
    log: Sequence[Reading], windows: Sequence[Window], *, clock: Sequence[Comparison] = ()
) -> tuple[Averaged, ...]:
    """The mean in each interval, and what its own scatter says of it.

    Neighbouring values of a rate meter are not independent: the scatter is also taken from
    blocks of a tenth of the interval, and the larger answer counts. The display's last digit is
    part of it. `clock` compares the monitor's clock with the true one.

    Raises E-READ-LOG (fewer than 5 values, or a log that never changes), E-TIME-ORDER; notes
    W-READ-LOG-GAP below 90 % of the values, W-READ-LOG-DRIFT for more than 5 % from begin to
    end, W-DEV-CLOCK. Source: type A of JCGM 101, 6.4.9, on block means.
    """
    whole = _log(log, clock)
    _check_windows(windows)
    return tuple(_average(whole, w) for w in windows)


def whole_body(
    log: Sequence[Reading], rows: Sequence[Reading], *, clock: Sequence[Comparison] = ()
) -> tuple[tuple[Reading, ...], tuple[Note, ...]]:
    """Readings of route whole_body, one for each row of route monitor_windows.

    The time of a reading is the middle of its views. Raises and notes as `averaged`.
    """
    views = [(row, view) for row in rows for view in VIEWS if f"{view}_start" in row.moments]
    found = averaged(log, [_window(row, view) for row, view in views], clock=clock)
    means: dict[str, dict[str, Quantity]] = {}
    for (row, view), one in zip(views, found, strict=True):
        means.setdefault(row.where, {})[view] = one.mean
    made = tuple(replace(row, route="whole_body", at=_middle(row), moments={"time": _middle(row)},
                         quantities={**row.quantities, **means[row.where]})
                 for row in rows)  # fmt: skip
    return made, in_order(n for one in found for n in one.notes)


def _window(row: Reading, view: str) -> Window:
    start, end = (row.moments[f"{view}_{edge}"] for edge in ("start", "end"))
    return Window(view, start, end, f"{row.where}, {view}")


def _middle(row: Reading) -> datetime:
    ends = [row.moments[k] for v in VIEWS[:2] for k in (f"{v}_start", f"{v}_end")
            if k in row.moments]  # fmt: skip
    first, last = min(ends, key=utc), max(ends, key=utc)
    return (utc(first) + (utc(last) - utc(first)) / 2).astimezone(first.tzinfo)


def _log(log: Sequence[Reading], clock: Sequence[Comparison]) -> _Log:
    ordered, _ = in_time_order(log)
    where = log[0].where.rsplit(", row", 1)[0] if log else "log"
    if len(ordered) < FEWEST:
        raise _unfit(where, f"it holds {len(ordered)} values")
    check_kinds(ordered)
    moments = [true_time(r.at, clock, where=where) for r in ordered if r.at is not None]
    seconds = np.array([m.at.timestamp() for m in moments])
    likes = [r.quantities["value"] for r in ordered]
    values = np.array([q.rate_cps if q.kind.startswith("count") else q.value for q in likes])
    gaps = np.diff(np.unique(values))
    gaps = gaps[gaps > 1e-9 * abs(values).max()]
    if not len(gaps):
        raise _unfit(where, f"every one of its {len(values)} values is {likes[0].written}")
    unit = "cps" if likes[0].kind.startswith("count") else likes[0].unit
    like = replace(likes[0], unit=unit, live_s=None,
                   kind="count rate" if unit == "cps" else likes[0].kind)  # fmt: skip
    notes = in_order([*moments[0].notes, *moments[-1].notes])
    return _Log(seconds, values, float(np.median(np.diff(seconds))), float(gaps.min()), like, where,
                notes)  # fmt: skip


def _unfit(where: str, why: str) -> Exception:
    return refusal("E-READ-LOG", where=where, why=why)


def _check_windows(windows: Sequence[Window]) -> None:
    """E-TIME-ORDER for an interval that ends before it begins, or runs into another."""
    for w in windows:
        if utc(w.end) <= utc(w.start):
            raise refusal("E-TIME-ORDER", where=w.where, why="the interval ends before it begins")
    for early, late in pairwise(sorted(windows, key=lambda w: utc(w.start))):
        same = (early.what, early.start, early.end) == (late.what, late.start, late.end)
        if utc(late.start) < utc(early.end) and not (same and early.what == "background"):
            raise refusal("E-TIME-ORDER", where=late.where,
                          why=f"the interval runs into that of {early.where}")  # fmt: skip


def _average(log: _Log, window: Window) -> Averaged:
    start, end = window.start.timestamp(), window.end.timestamp()
    inside = (log.seconds >= start) & (log.seconds < end)
    values, seconds = log.values[inside], log.seconds[inside]
    if len(values) < FEWEST:
        raise _unfit(window.where, f"the interval holds {len(values)} values; {_span(log, window)}")
    mean = float(values.mean())
    u = float(np.hypot(_u_of_mean(values), log.digit / np.sqrt(12)))
    notes = [*log.notes, *_gap_notes(len(values), end - start, log, window),
             *_drift_notes(seconds, values, end - start, window)]  # fmt: skip
    written = f"mean of {len(values)} values, {mean:.6g} {log.like.unit}"
    found = replace(log.like, value=mean, u=u, written=written, where=window.where)
    return Averaged(window, found, len(values), in_order(notes))


def _span(log: _Log, window: Window) -> str:
    first, last = (datetime.fromtimestamp(s, window.start.tzinfo) for s in log.seconds[[0, -1]])
    return f"the log runs from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}, {log.where}"


def _u_of_mean(values: Array) -> float:
    return max(_type_a(values), _type_a(_blocks(values)))


def _type_a(values: Array) -> float:
    """s/sqrt(n), widened as few values ask: the spread of Student's t (JCGM 101, 6.4.9.4)."""
    n = len(values)
    return float(values.std(ddof=1) / np.sqrt(n) * np.sqrt((n - 1) / (n - 3)))


def _blocks(values: Array) -> Array:
    """Means of up to ten blocks in order; the values themselves where there are few."""
    count = min(BLOCKS, len(values) // LEAST_BLOCKS)
    if count < LEAST_BLOCKS:
        return values
    return np.array([b.mean() for b in np.array_split(values, count)])


def _gap_notes(count: int, length_s: float, log: _Log, window: Window) -> list[Note]:
    share = count * log.step_s / length_s
    if share >= COVERED:
        return []
    return [note("W-READ-LOG-GAP", where=window.where, value=share, limit=COVERED)]


def _drift_notes(seconds: Array, values: Array, length_s: float, window: Window) -> list[Note]:
    """A straight line through the blocks that is steeper than their scatter and than 5 %."""
    x, y = _blocks(seconds), _blocks(values)
    line = np.polynomial.Polynomial.fit(x, y, 1).convert(domain=[-1, 1])
    rest, spread = y - line(x), float(np.sum((x - x.mean()) ** 2))
    slope = float(line.coef[1]) if len(line.coef) > 1 else 0.0
    u_slope = float(np.sqrt(np.sum(rest**2) / (len(x) - 2) / spread))
    change = slope * length_s / float(values.mean()) if values.mean() else 0.0
    steep = abs(slope) > float(stdtrit(len(x) - 2, 1 - DRIFT_P)) * u_slope
    if not steep or abs(change) <= DRIFT_LIMIT:
        return []
    return [note("W-READ-LOG-DRIFT", where=window.where, value=change, limit=DRIFT_LIMIT)]
