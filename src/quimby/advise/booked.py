"""A patient's schedule, and what keeping or missing its windows does to the doubt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from quimby.advise.for_patient import ForPatient, for_patient
from quimby.advise.opening import Opening
from quimby.advise.schedule import (
    Appointment,
    OtherDay,
    appointments,
    as_booked,
    at_middle,
    other_days,
)
from quimby.advise.simulate import simulate
from quimby.core.errors import QuimbyError
from quimby.protocols import Protocol
from quimby.protocols.patient_rules import Fact

PATIENTS = 300  # simulated; enough to tell a change of a tenth of the doubt


@dataclass(frozen=True, slots=True)
class Cost:
    """Doubt of the dose (k = 1, relative) with every measurement at its best hour, and as booked.

    None where the protocol names no population to simulate over.
    """

    on: str
    at_best: float | None
    as_booked: float | None
    why: str = ""  # why it could not be simulated


@dataclass(frozen=True, eq=False)
class Booked:
    """The schedule of one patient."""

    protocol: Protocol
    asked: ForPatient
    started_at: dt.datetime
    rows: tuple[Appointment, ...]
    days: tuple[OtherDay, ...]  # other days to begin on, where a window could not be kept
    cost: Cost


def booked(
    protocol: Protocol, started_at: dt.datetime, opening: Opening, *,
    patient: Collection[Fact] = (), patients: int = PATIENTS,
) -> Booked:  # fmt: skip
    """Appointments of a protocol as this patient changes it, with the price of what was moved.

    `patients` are simulated for the price; with none it is left out.
    """
    asked = for_patient(protocol, patient)
    rows = appointments(asked.protocol, started_at, opening, whole=protocol)
    missed = any(row.outside for row in rows)
    days = tuple(other_days(asked.protocol, started_at, opening)) if missed else ()
    return Booked(protocol, asked, started_at, rows, days, _cost(asked.protocol, rows, patients))


def _cost(protocol: Protocol, rows: tuple[Appointment, ...], patients: int) -> Cost:
    """Both simulations on the same patients."""
    on = protocol.uncertainty.on if protocol.uncertainty else ""
    if patients == 0:
        return Cost(on, None, None, "not asked for")
    try:
        best = simulate(at_middle(protocol), patients=patients).total
        found = simulate(as_booked(protocol, rows), patients=patients).total
    except QuimbyError as error:
        return Cost(on, None, None, error.what)
    return Cost(on, best, found)
