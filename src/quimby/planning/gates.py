"""What must be asked before radioiodine is planned, and what forbids it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from quimby.core.notes import Note, in_order, note, refusal


@cache
def questions() -> Mapping[str, Mapping[str, Any]]:
    """Every question by its key, with text, grade, remedy and source."""
    path = files("quimby.planning").joinpath("data", "gates.toml")
    return tomllib.loads(path.read_text("utf-8"))


def gate(
    answers: Mapping[str, bool | None], *, form: str = "", where: str = "plan"
) -> tuple[Note, ...]:
    """Notes on what the answers allow; True means that it holds.

    `form` is "capsule" or "solution". A finding that forbids is E-PLAN-CONTRAINDICATION; a
    question that must be asked and was not (None or left out) is S-PLAN-GATE; a caution is
    W-PLAN-GATE. An unknown key is a KeyError: a misspelt "pregnant" must not pass.
    """
    known = questions()
    if lost := sorted(set(answers) - set(known)):
        raise KeyError(f"no such questions: {lost}; there are {sorted(known)}")
    asked = {key: row for key, row in known.items() if form in row.get("only", [form])}
    for key, row in asked.items():
        if answers.get(key) and row["grade"] == "forbids":
            raise refusal("E-PLAN-CONTRAINDICATION", where=where, what=row["text"], do=row["do"])
    notes = []
    for key, row in asked.items():
        if answers.get(key):
            notes.append(note("W-PLAN-GATE", where=where, what=row["text"], do=row["do"]))
        elif row.get("ask") and answers.get(key) is None:
            notes.append(note("S-PLAN-GATE", where=where, what=row["text"]))
    return in_order(notes)
