"""What every plan has: its gates, what drives its doubt, the activity that is thought of."""

from __future__ import annotations

from dataclasses import dataclass

from quimby.core.notes import Note
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.planning.gates import questions
from quimby.planning.thyroid import table
from quimby.study.planned import PlanDocument
from quimby.study.stages import Plan

SHOWN_CAUSES = 6
CAPSULE = "activity of the next administration"


@dataclass(frozen=True, eq=False)
class Planned:
    """A plan with the constants it rests on and what was noted."""

    plan: Plan
    constants: tuple[Constant, ...]
    notes: tuple[Note, ...]


def when_given(dose: Uncertain) -> Uncertain:
    """The dose of a planned activity, with the doubt of the activity that will be given."""
    return dose.because(CAPSULE, table()["activity as given"].value * dose.value)


def thought_of(document: PlanDocument, per_mbq: Uncertain) -> Uncertain | None:
    """Dose, Gy, of the activity that somebody has in mind; None where nobody has."""
    return None if document.activity is None else when_given(per_mbq.scaled(document.activity))


def asked(document: PlanDocument) -> tuple[tuple[str, str, str], ...]:
    """Every question that was asked, or must be: its words, the answer, how it stands."""
    rows = []
    for key, row in questions().items():
        answer = document.gates.get(key)
        applies = document.form in row.get("only", [document.form])
        if not applies or (answer is None and not row.get("ask")):
            continue
        state = "open" if answer is None else "caution" if answer else "passed"
        rows.append((key.replace("_", " ").capitalize(), in_words(answer), state))
    return tuple(rows)


def in_words(answer: bool | None) -> str:
    """yes, no, or not asked."""
    return "not asked" if answer is None else "yes" if answer else "no"


def drivers(value: Uncertain) -> tuple[tuple[str, float], ...]:
    """The causes that drive the doubt, as shares of its variance; what is left is not shown."""
    whole = value.u**2
    rows = value.budget()[:SHOWN_CAUSES] if whole else []
    return tuple((cause, u**2 / whole) for cause, u in rows)
