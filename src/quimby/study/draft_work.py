"""What a draft gathers while it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quimby.core.notes import Note
from quimby.measure.dicom import Series
from quimby.measure.scans import Radiopharmaceutical
from quimby.study.questions import Question, answered, question
from quimby.study.records import AdministrationRecord
from quimby.study.sorting import Sorted, common_path, with_maps


@dataclass
class Work:
    """What a draft gathers; lives only while one is made."""

    folder: Path
    answers: Mapping[str, str]
    zone: str | None
    parts: Sorted
    record: AdministrationRecord | None
    header: Radiopharmaceutical
    fills: Mapping[Path, Any]  # records of what was filled into phantoms
    questions: list[Question] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    taken: list[Series] = field(default_factory=list)  # beside those that `sort` gave a part
    others: Sequence[Path] = ()  # files that are no DICOM
    read: set[Path] = field(default_factory=set)  # of those, the ones that were of use
    why: dict[Path, str] = field(default_factory=dict)  # a better reason to leave one out

    def ask(self, which: str, **words: object) -> None:
        """Add a question, unless it was answered."""
        asked = question(which, **words)
        if not answered(asked, self.answers):
            self.questions.append(asked)

    def answer(self, key: str, otherwise: str) -> str:
        """What the user said for a key, else what the files say."""
        return self.answers.get(key, otherwise)


def series_of(series: Series, work: Work) -> dict[str, str]:
    """The file, or the folder that holds all files and maps of the series."""
    files = with_maps(series, work.parts.maps)
    return {"path": common_path(files, work.folder), "series": series.series_uid}
