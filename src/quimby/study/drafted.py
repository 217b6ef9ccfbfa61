"""A draft of a study document: what a folder gave, and what is still asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quimby.core.notes import Note, refusal
from quimby.study.document import Study, parse_study
from quimby.study.questions import Question


@dataclass(frozen=True)
class Draft:
    """A raw document with its open questions, and what was found on the way."""

    document: dict[str, Any]
    folder: Path
    questions: tuple[Question, ...]
    found: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]  # file or folder, reason
    notes: tuple[Note, ...]

    def study(self) -> Study:
        """The study, or E-STUDY-MISSING for the first question that must be answered."""
        for open_question in self.questions:
            if open_question.required:
                raise refusal("E-STUDY-MISSING", where=str(self.folder), asks=open_question.asks,
                              why=open_question.why, example=open_question.example)  # fmt: skip
        document = parse_study(self.document, where=str(self.folder))
        return Study(document=document, folder=self.folder, notes=self.notes)
