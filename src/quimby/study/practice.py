"""The protocol that a study names: one that ships, or the centre's own file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from quimby import protocols, therapies
from quimby.core.notes import Note, gathered, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.protocols import Protocol
from quimby.protocols.lifecycle import status_notes
from quimby.study.document import Study
from quimby.study.files import Shelf
from quimby.study.result import InputFile, Result

DEVIATIONS = ("W-PROTOCOL-MISSING", "I-PROTOCOL-MISSING", "I-PROTOCOL-WINDOW",
              "W-PROTOCOL-DEVICE")  # fmt: skip


def protocol_of(study: Study) -> Protocol:
    """The protocol by id, or from the file that the study names.

    E-PROTOCOL or E-STUDY-FILE when there is none, E-PROTOCOL-FILE when it is broken,
    E-THERAPY for a therapy that is none, E-STUDY-PROTOCOL when the protocol is of another.
    """
    name = study.document.protocol
    found = protocols.called(_file(study) if protocols.is_own(name) else name)
    therapies.load(study.document.therapy)
    if found.therapy != study.document.therapy:
        raise refusal("E-STUDY-PROTOCOL", where="protocol", protocol=found.id,
                      therapy=found.therapy, wanted=study.document.therapy)  # fmt: skip
    return found


def _file(study: Study) -> Path:
    return Shelf(study.folder).path(study.document.protocol)


def own_file(study: Study) -> tuple[InputFile, ...]:
    """The trace's line for the protocol's file; none for one that ships."""
    if not protocols.is_own(study.document.protocol):
        return ()
    return (Shelf(study.folder).entry("protocol", [_file(study)]),)


def with_protocol(result: Result, protocol: Protocol, own: tuple[InputFile, ...]) -> Result:
    """The result that says which text of the protocol it followed, and what deviating cost."""
    said = f"{protocol.id} {protocol.version}, {protocol.title}; {protocol.status}; SHA-256 "
    methods = (("protocol", said + protocol.digest), *result.trace.methods)
    inputs = (*result.trace.inputs, *own)
    notes = gathered([*result.notes, *status_notes(protocol), *_price(result, protocol)])
    return replace(result, notes=notes,
                   trace=replace(result.trace, methods=methods, inputs=inputs))  # fmt: skip


def _price(result: Result, protocol: Protocol) -> tuple[Note, ...]:
    """After a deviation: the doubt reached, beside the one that the protocol promises."""
    deviates = any(n.code in DEVIATIONS for n in result.notes)
    if not deviates or protocol.uncertainty is None:
        return ()
    region = protocol.uncertainty.on.split(",")[0]
    dose = _dose(result, region)
    if dose is None:
        return ()
    return (note("I-PROTOCOL-DOUBT", where=region, on=protocol.uncertainty.on,
                 protocol=protocol.id, value=dose.u / dose.value,
                 limit=protocol.uncertainty.u_rel),)  # fmt: skip


def _dose(result: Result, region: str) -> Uncertain | None:
    """This administration's dose to a region by name; None where it has none above zero."""
    rows = {r.name: r.absorbed_dose_gy for r in (*result.regions, *result.combined)}
    rows |= {d.name: d.dose_gy for stage in result.stages for d in stage.doses}
    named = {name.casefold(): dose for name, dose in rows.items()}
    found = named.get(region.casefold())
    return found if found is not None and found.value > 0 else None
