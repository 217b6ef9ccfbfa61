"""The life of a protocol: draft, reviewed, active, retired; by whom, when, and of which text.

From its review on a protocol cannot be changed: the approval holds the digest of the text that
was seen. A change is a new version, and begins as a draft.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Literal

from quimby.core.notes import Note, note, refusal

if TYPE_CHECKING:
    from quimby.protocols.document import Protocol

State = Literal["reviewed", "active", "retired"]
BEFORE: dict[State, tuple[str, ...]] = {
    "reviewed": ("draft",),
    "active": ("reviewed",),
    "retired": ("draft", "reviewed", "active"),
}
"""State -> states that it may follow."""
STATUS = re.compile(r'^status\s*=\s*"[a-z]+"', re.MULTILINE)


def check_approved(protocol: Protocol, *, where: str) -> None:
    """E-PROTOCOL-APPROVAL where nobody vouches for the status, E-PROTOCOL-CHANGED where they
    vouched for another text."""
    if protocol.status == "draft":
        return
    last = protocol.approval[-1] if protocol.approval else None
    if last is None or last.state != protocol.status:
        raise refusal("E-PROTOCOL-APPROVAL", where=where, status=protocol.status)
    if last.digest != protocol.digest:
        raise refusal("E-PROTOCOL-CHANGED", where=where, protocol=protocol.id,
                      version=protocol.version, by=last.by, on=last.on)  # fmt: skip


def moved(text: str, protocol: Protocol, state: State, *, by: str, on: dt.date) -> str:
    """The document's text in its next state, with who moved it; the rest stands as it was.

    E-PROTOCOL-STATE where the state cannot follow the one it has, E-PROTOCOL-FOUR-EYES where
    the reviewer would also put it to use.
    """
    if protocol.status not in BEFORE[state]:
        raise refusal("E-PROTOCOL-STATE", where=protocol.id, status=protocol.status, state=state,
                      needed=" or ".join(BEFORE[state]))  # fmt: skip
    if state == "active" and protocol.approval[-1].by.casefold() == by.strip().casefold():
        raise refusal("E-PROTOCOL-FOUR-EYES", where=protocol.id, by=by)
    row = (f'\n[[approval]]\nstate = "{state}"\nby = {_quoted(by.strip())}\n'
           f'on = {on.isoformat()}\ndigest = "{protocol.digest}"\n')  # fmt: skip
    return STATUS.sub(f'status = "{state}"', text, count=1).rstrip("\n") + "\n" + row


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def status_notes(protocol: Protocol) -> tuple[Note, ...]:
    """What a result says of a protocol that is not in use: I-PROTOCOL-DRAFT, W-PROTOCOL-RETIRED."""
    if protocol.status == "retired":
        return (note("W-PROTOCOL-RETIRED", where=protocol.id, protocol=protocol.id),)
    if protocol.status != "active":
        return (note("I-PROTOCOL-DRAFT", where=protocol.id, protocol=protocol.id,
                     status=protocol.status),)  # fmt: skip
    return ()
