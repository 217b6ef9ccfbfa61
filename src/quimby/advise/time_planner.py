"""Hours a year by role and camera for all therapies of a centre, against what it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from quimby.advise.centre import Centre
from quimby.advise.workload import Workload, workload
from quimby.core.notes import refusal
from quimby.protocols import Protocol
from quimby.protocols.words import Role

ROLES: tuple[Role, ...] = ("physicist", "technologist", "physician", "nurse")


@dataclass(frozen=True, slots=True)
class Share:
    """Hours a year that one role, or the camera, needs and has."""

    of: str
    needed_h: float
    there_h: float | None  # None where the centre does not say

    @property
    def share(self) -> float | None:
        """Needed over there; None where there is not known, or nothing."""
        return None if not self.there_h else self.needed_h / self.there_h

    @property
    def short_h(self) -> float:
        """Hours that are lacking."""
        return 0.0 if self.there_h is None else max(0.0, self.needed_h - self.there_h)


@dataclass(frozen=True, slots=True)
class TimePlan:
    """The year: rows by role and camera, each therapy's part, what is done once."""

    rows: tuple[Share, ...]
    parts: Mapping[str, Workload]  # protocol -> its hours
    studies: Mapping[str, float]  # protocol -> studies a year
    once_h: float
    qc_h: float

    @property
    def fits(self) -> bool:
        """Whether nothing is short, as far as known."""
        return all(row.short_h == 0 for row in self.rows)


def time_plan(centre: Centre, chosen: Mapping[str, Protocol]) -> TimePlan:
    """The centre's year when each therapy follows the chosen protocol.

    `chosen` is protocol by therapy. Quality control and preparation are the physicist's unless
    the protocol splits them. E-TIME-PRACTICE for a therapy whose patients a year nobody states.
    """
    parts: dict[str, Workload] = {}
    studies: dict[str, float] = {}
    for therapy, protocol in chosen.items():
        practice = centre.practice(therapy)
        if practice is None:
            raise refusal("E-TIME-PRACTICE", where=centre.name, therapy=therapy)
        studies[protocol.id] = practice.studies
        parts[protocol.id] = _part(protocol, practice.patients_a_year, practice.cycles,
                                   practice.studied)  # fmt: skip
    rows = [_role(role, parts.values(), centre) for role in ROLES]
    camera = Share("camera", sum(p.camera_h for p in parts.values()), centre.camera_h_a_year)
    return TimePlan((*rows, camera), parts, studies,
                    sum(p.preparation_h for p in parts.values()),
                    sum(p.qc_h for p in parts.values()))  # fmt: skip


def _part(protocol: Protocol, patients: float, cycles: float, studied: float) -> Workload:
    burden = protocol.burden
    if burden is None:
        raise refusal("E-TIME-BURDEN", where=protocol.id, protocol=protocol.id)
    by_role: dict[str, float] = {("physicist" if role == "any" else role): minutes / 60
               for role, minutes in burden.minutes.items()}  # fmt: skip
    return workload(
        patients_a_year=patients, cycles=cycles, studied=studied, staff_h=by_role,
        camera_h=burden.camera_min / 60, preparation_h=sum(burden.setup_h.values()),
        qc_h_a_year=burden.qc_h_a_year,
    )  # fmt: skip


def _role(role: Role, parts: Iterable[Workload], centre: Centre) -> Share:
    work = list(parts)
    needed = sum(p.staff_h.get(role, 0.0) for p in work)
    if role == "physicist":
        needed += sum(p.qc_h for p in work)
    return Share(role, needed, centre.hours_a_year(role))
