"""What level 1 hands back: doses of published patients, and what is known of the delivery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from quimby.core.uncertain import Uncertain


@dataclass(frozen=True, slots=True)
class CohortDose:
    """What patients on average receive in one organ with this activity. Not measured here."""

    organ: str
    group: str  # of patients, in words; "" for all
    dose_per_activity_gy_per_gbq: Uncertain
    dose_gy: Uncertain
    range_5_95_gy: tuple[float, float] | None  # of patients; None where no spread is known
    n: int | None
    sources: tuple[str, ...]
    tag: str  # the most doubtful of the sources
    spread: str  # where the spread between patients comes from


@dataclass(frozen=True, slots=True)
class Delivery:
    """Whether the patient got what was meant, and who saw where it went."""

    prescribed_mbq: float | None
    deviation: float | None  # administered / prescribed - 1
    within: bool | None  # the tolerance
    tolerance: float
    how: str = ""  # "planar image", "dose-rate reading"; "" where nobody looked
    by: str = ""
    at: datetime | None = None
    as_expected: bool | None = None
    words: str = ""
