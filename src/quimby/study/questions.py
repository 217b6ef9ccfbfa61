"""Questions to the person at the form; their words stand in data/questions.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Question:
    """Something the folder does not say: the key to answer, why it matters, an example."""

    key: str
    asks: str
    why: str
    example: str
    required: bool


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    path = files("quimby.study").joinpath("data", "questions.toml")
    return tomllib.loads(path.read_text("utf-8"))


def question(which: str, **words: object) -> Question:
    """The question of that name, its places filled."""
    row = _table()[which]
    return Question(
        key=str(row.get("key", which)).format(**words),
        asks=str(row["asks"]).format(**words),
        why=str(row["why"]).format(**words),
        example=str(row["example"]).format(**words),
        required=bool(row["required"]),
    )


def answered(asked: Question, answers: Mapping[str, str]) -> bool:
    """Whether an answer was given to it, or to a part of it."""
    return any(key == asked.key or key.startswith(f"{asked.key}.") for key in answers)
