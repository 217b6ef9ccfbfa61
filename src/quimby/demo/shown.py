"""Which made-up patient shows a protocol, and what is said of the patient first."""

from __future__ import annotations

from collections.abc import Mapping

from quimby import protocols
from quimby.core.notes import refusal
from quimby.demo.patient import patients
from quimby.demo.radioiodine.make import PATIENTS
from quimby.protocols import Protocol

DEFAULT = "LU-FULL"
THERAPIES: Mapping[str, str] = {
    "dotatate": DEFAULT,
    "psma": "LU-PSMA-FULL",
    "benign-thyroid": "BT-FULL",
    "dtc": "DTC-BLOOD",
    "mibg": "MIBG-WB",
}
"""Short name of a therapy -> the protocol that shows it."""
WHO: Mapping[str, str] = {
    "lu177-dotatate": "A made-up woman with a neuroendocrine tumour, 177Lu-DOTATATE 7.40 GBq",
    "lu177-psma": "A made-up man with prostate cancer, 177Lu-PSMA-617 7.40 GBq",
    "i131-benign-thyroid": "A made-up woman with Graves' disease, 131I",
    "i131-dtc": "A made-up woman with thyroid cancer, 131I: a tracer, then the therapy",
    "i131-mibg": "A made-up child with neuroblastoma, 131I-mIBG in two stages",
}
"""What each demo says first, by therapy."""


def shown(protocol: str = "", therapy: str = "") -> Protocol:
    """The protocol to show: by its id, or the one that stands for a therapy's short name.

    E-PROTOCOL for an unknown one, E-DEMO-BOTH where both are said and disagree, E-DEMO-TO-COME
    for one that cannot be calculated yet, E-DEMO-PATIENT where nobody can show it.
    """
    by_name = THERAPIES[therapy] if therapy else ""
    found = protocols.load(protocol or by_name or DEFAULT)
    if protocol and by_name and protocols.load(by_name).therapy != found.therapy:
        raise refusal("E-DEMO-BOTH", where="demo", protocol=protocol, therapy=therapy)
    if not _calculated(found):
        raise refusal("E-DEMO-TO-COME", where=found.id, protocol=found.id, why=found.to_come,
                      known=", ".join(known()))  # fmt: skip
    if found.therapy not in therapies_shown():
        raise refusal("E-DEMO-PATIENT", where=found.id, protocol=found.id, therapy=found.therapy,
                      known=", ".join(known()))  # fmt: skip
    return found


def known() -> list[str]:
    """Ids of the shipped protocols that can be shown."""
    every = (protocols.load(name) for name in protocols.names())
    return [p.id for p in every if _calculated(p) and p.therapy in therapies_shown()]


def therapies_shown() -> tuple[str, ...]:
    """Therapies with a made-up patient."""
    return (*patients(), *PATIENTS)


def begins(protocol: Protocol) -> str:
    """One line on the patient and one on the protocol."""
    return (f"{WHO[protocol.therapy]}.\n{protocol.id}: {protocol.in_short}. "
            "The truth is known, so you can check us.")  # fmt: skip


def _calculated(protocol: Protocol) -> bool:
    """`to_come` with neither images nor readings to calculate: a plan of work, no more."""
    return not protocol.to_come or protocol.calculation is not None or (
        protocol.readings is not None)  # fmt: skip
