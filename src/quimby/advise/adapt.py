"""A shipped protocol made a centre's own: measurements dropped or moved, a device swapped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quimby.advise.substitution import TASKS, Substitute, substitutes
from quimby.core.notes import refusal
from quimby.protocols import Protocol
from quimby.protocols.check import check
from quimby.protocols.document import Acquisition
from quimby.protocols.practice import Component
from quimby.protocols.words import HAS, spoken

BEST_H = 96.0  # a SPECT/CT near it sets the scale of planar scans
PLANAR = ("spect_ct", "gamma_camera")
PER_READING = ("whole_body_retention",)  # what a substitute adds is simulated at each reading


@dataclass(frozen=True, slots=True)
class Move:
    """A measurement and its new window, h."""

    id: str
    low_h: float
    high_h: float


@dataclass(frozen=True, slots=True)
class Swap:
    """A device (for all its measurements) or a measurement, and the device instead."""

    what: str
    by: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be different."""

    drop: Sequence[str] = ()
    move: Sequence[Move] = ()
    swap: Sequence[Swap] = ()

    def told(self) -> tuple[str, ...]:
        """Each change in words."""
        return (
            *(f"{name} dropped" for name in self.drop),
            *(f"{m.id} at {m.low_h:g} to {m.high_h:g} h" for m in self.move),
            *(f"{spoken(s.by)} for {spoken(s.what)}" for s in self.swap),
        )


@dataclass(frozen=True, slots=True)
class Swapped:
    """What swaps do to a document beside its measurements."""

    devices: Mapping[str, str] = field(default_factory=dict)  # old -> new, in all that is required
    rows: tuple[Substitute, ...] = ()
    planar: tuple[str, ...] = ()  # measurements that become planar
    beside: str = ""  # the SPECT/CT that gets a planar scan beside it, to set the scale
    kept: bool = False  # that SPECT/CT was to become planar too


def adapted(protocol: Protocol, changes: Changes) -> Protocol:
    """The changed protocol, checked, with its figures of doubt and burden as they were.

    E-ADAPT-NOTHING, E-ADAPT-ID, E-ADAPT-SWAP, E-ADAPT-SCALE; E-PROTOCOL-SCHEDULE where no
    schedule or model is left.
    """
    if not (changes.drop or changes.move or changes.swap):
        raise refusal("E-ADAPT-NOTHING", where=protocol.id)
    _known(protocol, changes)
    planned = _moved(protocol, changes)
    swapped = swaps(protocol, planned, changes.swap)
    found = protocol.model_copy(update={
        "acquisition": tuple(_swapped(planned, swapped)),
        "requires": _requires(protocol, swapped),
        "patients": _patients(protocol, changes),
        "uncertainty": _no_longer(protocol),
    })  # fmt: skip
    check(found, where=protocol.id)
    return found


def _known(protocol: Protocol, changes: Changes) -> None:
    ids = [a.id for a in protocol.acquisition]
    for name in (*changes.drop, *(m.id for m in changes.move)):
        if name not in ids:
            raise refusal("E-ADAPT-ID", where=protocol.id, name=name, known=", ".join(ids))


def _moved(protocol: Protocol, changes: Changes) -> list[Acquisition]:
    windows = {m.id: (m.low_h, m.high_h) for m in changes.move}
    for name, (low, high) in windows.items():
        if not 0 <= low < high:
            raise refusal("E-PROTOCOL-SCHEDULE", where=name, key=f"--move {name}",
                          why=f"a window from {low:g} to {high:g} h does not rise")  # fmt: skip
    return [a.model_copy(update={"window_h": windows.get(a.id, a.window_h)})
            for a in protocol.acquisition if a.id not in changes.drop]  # fmt: skip


def swaps(protocol: Protocol, planned: Sequence[Acquisition], asked: Sequence[Swap]) -> Swapped:
    """What the swaps come to: devices by the table of substitutes, scans to planar ones.

    E-ADAPT-SWAP, E-ADAPT-SCALE.
    """
    devices: dict[str, str] = {}
    rows: list[Substitute] = []
    planar: list[str] = []
    for one in asked:
        scans = [a.id for a in planned if a.kind == "spect" and one.what in (a.id, PLANAR[0])]
        if one.by == PLANAR[1] and scans:
            planar += scans
        else:
            row = _row(protocol, one)
            devices[row.missing] = row.use
            rows.append(row)
    beside, kept = _scale(planned, planar)
    if planar and {*planar} == {beside}:
        raise refusal("E-ADAPT-SCALE", where=protocol.id, scan=beside)
    return Swapped(devices, tuple(rows), tuple(p for p in planar if p != beside), beside, kept)


def _row(protocol: Protocol, asked: Swap) -> Substitute:
    """The row of the table for a device that the protocol needs; E-ADAPT-SWAP."""
    needed = {d for clause in protocol.requires.equipment for d in clause}
    tasks = {*(TASKS[a.kind] for a in protocol.acquisition), "calculation"}
    known = [r for r in substitutes() if r.missing in needed and r.task in tasks]
    for row in known:
        if (row.missing, row.use) == (asked.what, asked.by):
            return row
    may = [f"{r.missing}={r.use}" for r in known]
    if PLANAR[0] in needed and any(a.kind == "spect" for a in protocol.acquisition):
        may.append("=".join(PLANAR))
    raise refusal("E-ADAPT-SWAP", where=protocol.id, what=f"{asked.what}={asked.by}",
                  known=", ".join(may) or "none")  # fmt: skip


def _scale(planned: Sequence[Acquisition], planar: Sequence[str]) -> tuple[str, bool]:
    """The SPECT/CT nearest to day 4, which gets a planar scan beside it; whether it was asked to
    become planar itself. Planar views alone have no scale."""
    spects = [a for a in planned if a.kind == "spect"]
    if not planar or not spects:
        return "", False
    left = [a for a in spects if a.id not in planar]
    best = min(left or spects, key=lambda a: abs(sum(a.window_h) / 2 - BEST_H))
    return best.id, not left


def _swapped(planned: Sequence[Acquisition], swapped: Swapped) -> list[Acquisition]:
    found = []
    for a in planned:
        found.append(a.model_copy(update={"kind": "planar"}) if a.id in swapped.planar else a)
        if a.id == swapped.beside:
            found.append(a.model_copy(update={"id": f"{a.id}-planar", "kind": "planar"}))
    return found


def _requires(protocol: Protocol, swapped: Swapped) -> Any:
    """Needs with the devices exchanged; a second device that a substitute needs joins them."""
    need = protocol.requires
    equipment = [tuple(dict.fromkeys(swapped.devices.get(d, d) for d in clause))
                 for clause in need.equipment]  # fmt: skip
    there = {d for clause in equipment for d in clause}
    there |= {other for d in there for other in HAS.get(d, ())}
    also = [(r.also,) for r in swapped.rows if r.also and r.also not in there]
    taught = need.competencies
    if swapped.planar and "planar outlines" not in taught:
        taught = (*taught, "planar outlines")
    return need.model_copy(update={
        "equipment": (*equipment, *also),
        "competencies": taught,
        "calibration": tuple(_exchanged(c, swapped) for c in need.calibration),
        "qc": tuple(_exchanged(c, swapped) for c in need.qc),
    })  # fmt: skip


def _patients(protocol: Protocol, changes: Changes) -> Any:
    """Rules of patients, without what was dropped; one that spoke of nothing else is gone."""
    there = (r for r in protocol.patients.rule if not lost_rule(r.what, changes.drop))
    rules = [r.model_copy(update={"what": _left(r.what, changes.drop)}) for r in there]
    return protocol.patients.model_copy(update={"rule": tuple(rules)})


def lost_rule(what: Sequence[str], drop: Sequence[str]) -> bool:
    """Whether a rule about these measurements has none of them left."""
    return bool(what) and not _left(what, drop)


def _left(what: Sequence[str], drop: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in what if name not in drop)


def _exchanged(part: Any, swapped: Swapped) -> Any:
    return part.model_copy(update={"device": swapped.devices.get(part.device, part.device)})


def adding(swapped: Swapped) -> tuple[Substitute, ...]:
    """Substitutes that are off alike at all readings. A monitor's own part is at each one."""
    return tuple(r for r in swapped.rows if r.u and r.task not in PER_READING)


def component(row: Substitute, u: float, *, how: str) -> Component:
    """What a substitute adds to the dose, as a component of its doubt."""
    name = f"{spoken(row.use)} for the {spoken(row.missing)}"
    return Component(name=name, u=u, source=f"{how}; {row.source}", tag="P")


def _no_longer(protocol: Protocol) -> Any:
    """The doubt without figures that were published of the protocol as it was."""
    expected = protocol.uncertainty
    return expected and expected.model_copy(update={"published": ()})
