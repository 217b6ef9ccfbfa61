"""Who may do a task: a role, hours, and a training that has not run out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Annotated

from pydantic import Field, field_validator

from quimby.protocols.practice import NotNegative, Part, Text
from quimby.protocols.words import Role


class Training(Part):
    """A competence that somebody has been trained in and authorised for."""

    name: Text
    on: dt.date | None = None
    until: dt.date | None = None
    by: str = ""  # who authorised it

    def holds(self, day: dt.date) -> bool:
        """Whether it counts on that day."""
        begun = self.on is None or self.on <= day
        return begun and (self.until is None or day <= self.until)


class StaffRecord(Part):
    """A person or a group of staff, with hours a week for dosimetry.

    A competence is a name, or a table with `on`, `until` and `by`: one that ran out is none.
    """

    role: Role
    name: str = ""
    hours_a_week: NotNegative | None = None
    competencies: Annotated[tuple[Training, ...] | None, Field()] = None

    @field_validator("competencies", mode="before")
    @classmethod
    def _named(cls, given: object) -> object:
        if not isinstance(given, list):
            return given
        return [{"name": one} if isinstance(one, str) else one for one in given]

    @property
    def called(self) -> str:
        """Name, or the role where no name is given."""
        return self.name or self.role

    def trained(self, day: dt.date) -> Collection[str] | None:
        """Competencies that count on that day; None where nobody said."""
        if self.competencies is None:
            return None
        return {one.name for one in self.competencies if one.holds(day)}

    def lapsed(self, day: dt.date) -> Collection[str]:
        """Competencies that were held and are not any more."""
        now = self.trained(day) or ()
        return {one.name for one in self.competencies or () if one.name not in now}
