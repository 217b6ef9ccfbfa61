"""Measurements by another device than the protocol asks for, as far as a study tells of devices.

A table of readings names its device document, a SPECT has a CT or has none, a planar pair is a
planar pair. Which camera it was that gave an uptake typed by hand, nobody says.
"""

from __future__ import annotations

from collections.abc import Sequence

from quimby.core.notes import Note, note
from quimby.devices.counting_device import Device as Counter
from quimby.protocols import Protocol
from quimby.protocols.words import DOCUMENTED, HAS, Device, spoken
from quimby.study.counted import ACQUIRED
from quimby.study.inputs import Visit
from quimby.study.readings.tables import Read
from quimby.study.result import Measurement


def of_tables(read: Sequence[Read], protocol: Protocol) -> list[Note]:
    """W-PROTOCOL-DEVICE for tables of readings."""
    return [
        n
        for one in read
        if one.device is not None and one.given.kind in ACQUIRED
        for n in _told(ACQUIRED[one.given.kind], _word(one.device), protocol, where=one.given.id)
    ]


def _word(device: Counter) -> Device:
    """A device document's kind in the words of protocols; monitors say how they are mounted."""
    usual, *others = DOCUMENTED[device.kind]
    return others[0] if others and device.mounting == "hand-held" else usual


def of_scans(
    visits: Sequence[Visit], planar: Sequence[Measurement], protocol: Protocol
) -> list[Note]:
    """W-PROTOCOL-DEVICE for SPECT without CT, and for planar scans that took a SPECT's place."""
    found: list[Note] = []
    for visit in visits:
        used: Device = "spect" if visit.ct is None else "spect_ct"
        found += _told("spect", used, protocol, where=visit.id)
    scanned = {a.id for v in visits if (a := protocol.acquisition_at(v.time_h)) is not None}
    for one in planar:
        instead = protocol.acquisition_at(one.time_h)
        if protocol.acquisition_at(one.time_h, "planar") or instead is None:
            continue
        if instead.id not in scanned:
            found += _told("spect", "gamma_camera", protocol, where=one.id)
    return found


def _told(kind: str, used: Device, protocol: Protocol, *, where: str) -> list[Note]:
    planned = protocol.devices_for(kind)
    if not planned or _able(used) & set(planned):
        return []
    return [note("W-PROTOCOL-DEVICE", where=where, used=spoken(used), protocol=protocol.id,
                 planned=" or ".join(map(spoken, planned)))]  # fmt: skip


def _able(used: Device) -> set[Device]:
    return {used, *HAS.get(used, ())}
