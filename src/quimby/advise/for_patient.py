"""A protocol as one patient changes it: the rules of its document, proposed with their reasons."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from quimby.advise.adapt import Changes, Move, adapted
from quimby.protocols import Protocol
from quimby.protocols.patient_rules import SAID, Fact, PatientRule, rules_for


@dataclass(frozen=True, eq=False)
class ForPatient:
    """The changed protocol, and what was proposed. `excluded`: it does not suit this patient."""

    protocol: Protocol
    rules: tuple[PatientRule, ...]
    changed: bool

    @property
    def excluded(self) -> bool:
        """Whether a rule takes the protocol away."""
        return any(rule.then == "exclude" for rule in self.rules)

    @property
    def instead(self) -> tuple[str, ...]:
        """Protocols to take where this one is excluded, the preferred first."""
        return tuple(dict.fromkeys(name for rule in self.rules for name in rule.instead))

    def told(self) -> tuple[str, ...]:
        """Each rule in one sentence."""
        return tuple(sentence(rule) for rule in self.rules)


def for_patient(protocol: Protocol, patient: Collection[Fact]) -> ForPatient:
    """The protocol with what the patient's rules drop or move, checked as any other.

    E-PROTOCOL-SCHEDULE where what is left cannot be calculated.
    """
    rules = rules_for(protocol, patient)
    drop = tuple(dict.fromkeys(w for r in rules if r.then == "drop" for w in r.what))
    move = tuple(Move(w, *r.window_h) for r in rules if r.window_h for w in r.what if w not in drop)
    if not (drop or move):
        return ForPatient(protocol, rules, changed=False)
    return ForPatient(adapted(protocol, Changes(drop=drop, move=move)), rules, changed=True)


def sentence(rule: PatientRule) -> str:
    """What the rule proposes, and why."""
    who = SAID[rule.when]
    return f"{who[0].upper()}{who[1:]}: {_proposal(rule)} ({rule.because})."


def _proposal(rule: PatientRule) -> str:
    names = " and ".join(rule.what)
    if rule.then == "drop":
        return f"leave out {names}"
    if rule.then == "move":
        assert rule.window_h is not None
        return f"{names} between {rule.window_h[0]:g} and {rule.window_h[1]:g} h"
    if rule.then == "note":
        return "keep to it, and mind"
    return f"take {' or '.join(rule.instead)}" if rule.instead else "do not use it"
