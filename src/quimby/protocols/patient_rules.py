"""What a patient changes in a protocol: rules that stand in the document, each with its reason."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import Field, model_validator

from quimby.core.notes import refusal
from quimby.protocols.practice import Part, Tag, Text

if TYPE_CHECKING:
    from quimby.protocols.document import Protocol

Fact = Literal[
    "renal_impairment",
    "single_kidney",
    "incontinence",
    "catheter",
    "claustrophobia",
    "cannot_lie_still",
    "far_away",
    "child",
    "pregnancy",
    "breast_feeding",
]
SAID: dict[str, str] = {
    "renal_impairment": "kidney function is impaired",
    "single_kidney": "one kidney works",
    "incontinence": "urine cannot be held",
    "catheter": "a bladder catheter is in",
    "claustrophobia": "narrow spaces are not borne",
    "cannot_lie_still": "lying still is not possible",
    "far_away": "the way to the centre is long",
    "child": "the patient is a child",
    "pregnancy": "the patient is or may be pregnant",
    "breast_feeding": "the patient breast-feeds",
}
"""Fact -> how people say it."""
THRESHOLDS = {"egfr_below_ml_min": 60.0, "age_below_y": 18.0, "distance_above_km": 100.0}
"""Numbers from which a fact is taken: house policy [P]."""


class PatientRule(Part):
    """One rule: for this patient, this change, because of this."""

    when: Fact
    then: Literal["exclude", "drop", "move", "note"]
    what: tuple[Text, ...] = ()  # measurements that are dropped or moved
    window_h: tuple[float, float] | None = None  # of what is moved
    instead: tuple[Text, ...] = ()  # protocols to take where this one is excluded
    because: Text
    source: Text
    tag: Tag

    @model_validator(mode="after")
    def _whole(self) -> PatientRule:
        if (self.then in ("drop", "move")) != bool(self.what):
            raise ValueError("what names measurements, for drop and move only")
        if (self.then == "move") != (self.window_h is not None):
            raise ValueError("window_h goes with move, and only with it")
        if self.instead and self.then != "exclude":
            raise ValueError("instead goes with exclude")
        return self


class PatientConstraints(Part):
    """Patients whom the protocol does not suit, and what others change in it."""

    min_age_y: Annotated[float, Field(gt=0)] | None = None
    excluded: tuple[Text, ...] = ()
    note: str = ""
    rule: tuple[PatientRule, ...] = ()


def facts(
    said: Collection[str] = (), *, egfr_ml_min: float | None = None, age_y: float | None = None,
    distance_km: float | None = None,
) -> frozenset[Fact]:  # fmt: skip
    """Facts by their words, and those that numbers show. E-PATIENT-FACT for an unknown word."""
    found: set[str] = {word.strip().lower().replace("-", "_").replace(" ", "_") for word in said}
    for word in sorted(found):
        if word not in get_args(Fact):
            raise refusal("E-PATIENT-FACT", where="patient", word=word,
                          known=", ".join(get_args(Fact)))  # fmt: skip
    if egfr_ml_min is not None and egfr_ml_min < THRESHOLDS["egfr_below_ml_min"]:
        found.add("renal_impairment")
    if age_y is not None and age_y < THRESHOLDS["age_below_y"]:
        found.add("child")
    if distance_km is not None and distance_km > THRESHOLDS["distance_above_km"]:
        found.add("far_away")
    return frozenset(f for f in get_args(Fact) if f in found)


def rules_for(protocol: Protocol, patient: Collection[str]) -> tuple[PatientRule, ...]:
    """The protocol's rules that speak of this patient, in the document's order."""
    return tuple(rule for rule in protocol.patients.rule if rule.when in patient)


def check_rules(protocol: Protocol, *, where: str) -> None:
    """E-PROTOCOL-SCHEDULE for a rule about a measurement that the protocol has not."""
    ids = {a.id for a in protocol.acquisition}
    for i, rule in enumerate(protocol.patients.rule):
        key = f"patients.rule[{i}]"
        lost = [name for name in rule.what if name not in ids]
        if lost:
            _refuse(where, f"{key}.what", f"there is no measurement {lost[0]!r}")
        if rule.window_h is not None and not 0 <= rule.window_h[0] < rule.window_h[1]:
            _refuse(where, f"{key}.window_h", "the window does not rise")


def _refuse(where: str, key: str, why: str) -> None:
    raise refusal("E-PROTOCOL-SCHEDULE", where=f"{where}, {key}", key=key, why=why)
