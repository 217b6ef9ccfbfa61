"""Windows of plausible dose per activity. Outside lies more often a slip than a patient."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from quimby.core.notes import Note, note
from quimby.core.source import Constant

USUAL_CYCLE_GBQ = 7.4


@cache
def _windows() -> dict[str, Any]:
    path = files("quimby.population").joinpath("data", "windows.toml")
    return tomllib.loads(path.read_text("utf-8"))


def window(organ: str) -> tuple[float, float] | None:
    """Plausible Gy/GBq of an organ ("kidney", "kidneys" …), or None where none is set."""
    rows = _windows()
    found = rows["gy_per_gbq"].get(rows["also"].get(organ, organ))
    return None if found is None else (float(found[0]), float(found[1]))


def constants() -> Iterator[Constant]:
    """The ends of every window, Gy/GBq, and of left over right."""
    rows = _windows()
    known = {f"plausible dose of {organ}": (ends, "Gy/GBq")
             for organ, ends in rows["gy_per_gbq"].items()}  # fmt: skip
    known["plausible dose of left over right"] = (rows["left_right"], "")
    for name, (ends, unit) in known.items():
        for which, value in zip(("lowest", "highest"), ends, strict=True):
            yield Constant(f"{name}, {which}", float(value), unit, rows["source"], rows["tag"])


def outlier_note(
    dose_per_activity_gy_per_gbq: float,
    organ: str,
    *,
    where: str,
    cycle_gbq: float = USUAL_CYCLE_GBQ,
) -> Note | None:
    """W-POP-OUTLIER for a dose per activity outside the organ's window, with the likely slip."""
    limits, value = window(organ), dose_per_activity_gy_per_gbq
    if limits is None or limits[0] <= value <= limits[1]:
        return None
    slip = likely_slip(value, organ, cycle_gbq=cycle_gbq)
    return note("W-POP-OUTLIER", where=where, value=value, limit=limits[value > limits[0]],
                organ=organ, low=limits[0], high=limits[1],
                likely=f" Perhaps {slip}." if slip else "")  # fmt: skip


def likely_slip(value: float, organ: str, *, cycle_gbq: float = USUAL_CYCLE_GBQ) -> str:
    """The slip of units that would make an implausible value plausible, in words; or ""."""
    limits = window(organ)
    if limits is None or limits[0] <= value <= limits[1]:
        return ""
    per_gbq = value / cycle_gbq
    if limits[0] <= per_gbq <= limits[1]:
        return f"unit confusion: {value:g} Gy per {cycle_gbq:g} GBq cycle = {per_gbq:.3f} Gy/GBq"
    for factor, words in ((1000.0, "mGy taken as Gy, or GBq as MBq"), (1e-3, "Gy taken as mGy")):
        if limits[0] <= value / factor <= limits[1]:
            return f"unit confusion: {words}"
    return ""


def left_right_note(left_gy: float, right_gy: float, *, where: str) -> Note | None:
    """W-LU-LR when the left organ's dose over the right one's lies outside 0.6 to 1.6."""
    low, high = (float(x) for x in _windows()["left_right"])
    ratio = left_gy / right_gy if right_gy else float("inf")
    if low <= ratio <= high:
        return None
    return note("W-LU-LR", where=where, value=ratio, limit=high if ratio > high else low,
                low=low, high=high)  # fmt: skip
