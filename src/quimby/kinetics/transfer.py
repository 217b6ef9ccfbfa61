"""From one nuclide to another on the same molecule: half-lives, measured activities, forecasts.

The molecule's own (biological) clearance is what the two share; only physical decay differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quimby.core.notes import Note, note, refusal
from quimby.core.numbers import above_zero
from quimby.core.uncertain import Uncertain, combine
from quimby.kinetics.models import LN2

REACH = 2.0  # effective half-lives of the therapy nuclide that readings must span
ASSUMED = ("the same ligand", "the same mass of substance", "the same region",
           "no saturation or blocking", "the same route")  # fmt: skip
UNCHECKED_U = 0.15  # relative, of each assumption that nobody checked [P]
LEAST_U = 0.40  # relative, of a forecast that is not validated locally [P]
LEAST_CAUSE = "least doubt of a forecast not validated"


def biological_half_life_h(
    effective_h: float, physical_h: float, *, where: str = "half-life"
) -> float:
    """1/T_b = 1/T_eff - 1/T_p, h. E-THE-TEFF unless the effective one is the shorter."""
    above_zero(effective_h, "the effective half-life", "h", where=where)
    above_zero(physical_h, "the physical half-life", "h", where=where)
    if effective_h >= physical_h:
        raise refusal("E-THE-TEFF", where=where, effective=effective_h, physical=physical_h)
    return 1.0 / (1.0 / effective_h - 1.0 / physical_h)


def effective_half_life_h(
    biological_h: float, physical_h: float, *, where: str = "half-life"
) -> float:
    """1/T_eff = 1/T_b + 1/T_p, h."""
    above_zero(biological_h, "the biological half-life", "h", where=where)
    above_zero(physical_h, "the physical half-life", "h", where=where)
    return 1.0 / (1.0 / biological_h + 1.0 / physical_h)


def transferred(
    activity: Uncertain, time_h: float, *, from_half_life_h: float, to_half_life_h: float
) -> Uncertain:
    """What the same administered activity of the other nuclide would show at the same time.

    `activity` as measured, without decay correction, `time_h` after administration:
    a_2(t) = a_1(t) e^{(l_1 - l_2) t}. Values that were corrected for decay to administration
    are biological: take them to the other nuclide with `from_half_life_h` infinite.
    """
    return activity.scaled(2.0 ** (time_h / from_half_life_h - time_h / to_half_life_h))


def reach_notes(
    last_h: float, *, biological_h: float, physical_h: float, where: str = "transfer"
) -> tuple[Note, ...]:
    """W-THE-REACH where the last reading lies before two half-lives of the therapy's curve."""
    reached = last_h / effective_half_life_h(biological_h, physical_h, where=where)
    return (
        (note("W-THE-REACH", where=where, value=reached, limit=REACH),) if reached < REACH else ()
    )


@dataclass(frozen=True, slots=True)
class Forecast:
    """TIA of a therapy that was not given yet, MBq h, from another nuclide's images."""

    tia_mbq_h: Uncertain
    notes: tuple[Note, ...]


def forecast_tia(
    share: Uncertain, time_h: float, *, administered_mbq: Uncertain, biological_h: Uncertain,
    physical_h: float, checked: Sequence[str] = (), validated: bool = False,
    where: str = "forecast",
) -> Forecast:  # fmt: skip
    """TIA of `administered_mbq` from one biological uptake and a population's clearance.

    `share` of the administered activity in the region at `time_h`, corrected for decay; it is
    drawn back to time zero by the biological half-life and integrated with the effective one.
    Each of `ASSUMED` that is not among `checked` adds 15 %; unless `validated` at this centre the
    doubt is at least 40 % (W-THE-UNVALIDATED). Always S-THE-PRESCRIBE. E-NUM-NONPOS.
    Source: elementary; the doubts are house policy.
    """
    above_zero(share.value, "the uptake", "", where=where)
    t_b = biological_h.value
    t_eff = effective_half_life_h(t_b, physical_h, where=where)
    per_share = 2.0 ** (time_h / t_b) * t_eff / LN2
    value = share.value * administered_mbq.value * per_share
    by_t_b = value * (t_eff - LN2 * time_h) / t_b**2
    tia = combine(value, (share, value / share.value), (biological_h, by_t_b),
                  (administered_mbq, value / administered_mbq.value))  # fmt: skip
    open_ = [one for one in ASSUMED if one not in checked]
    for one in open_:
        tia = tia.because(f"not checked: {one}", UNCHECKED_U * value)
    said = [note("S-THE-PRESCRIBE", where=where)]
    if not validated:
        missing = (LEAST_U * value) ** 2 - tia.u**2
        tia = tia.because(LEAST_CAUSE, missing**0.5) if missing > 0 else tia
        what = ", ".join(open_) or "nothing"
        said.append(note("W-THE-UNVALIDATED", where=where, limit=LEAST_U, what=what))
    return Forecast(tia, tuple(said))
