"""The letter to a patient: appointments, what happens, who to call. Its words are data."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from quimby.advise.booked import Booked
from quimby.advise.schedule import Appointment
from quimby.core.notes import refusal
from quimby.report.paper import Block, Heading, Paper, Points, Words, table_of

FOLDER = files("quimby.report").joinpath("texts")
Text = Annotated[str, Field(min_length=1)]


class Texts(BaseModel):
    """Every text of the letter in one language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")]
    title: Text
    dear: Text
    dear_nobody: Text
    opening: Text
    appointments: Text
    when: Text
    what_head: Text
    how_long: Text
    minutes: Text
    if_possible: Text
    happens: Text
    prepare: Text
    points: tuple[Text, ...]
    late: Text
    call: Text
    call_nobody: Text
    greeting: Text
    date_format: Text
    day_format: Text
    weekdays: Annotated[tuple[Text, ...], Field(min_length=7, max_length=7)]
    months: Annotated[tuple[Text, ...], Field(min_length=12, max_length=12)]
    what: Mapping[str, Text]
    happens_text: Mapping[str, Text]


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter's words and whom it is to; what is not known is left out, not guessed."""

    texts: Texts
    name: str = ""
    phone: str = ""
    place: str = ""
    centre: str = ""

    @property
    def what(self) -> Mapping[str, str]:
        """Kind of measurement -> what a patient calls it."""
        return self.texts.what

    @property
    def call(self) -> str:
        """Whom to call."""
        if not self.phone:
            return self.texts.call_nobody
        return self.texts.call.format(phone=self.phone)


def languages() -> list[str]:
    """Languages that ship. The folder is the registry."""
    return sorted(f.name[7:-5] for f in FOLDER.iterdir() if f.name.startswith("letter_"))


def texts(language: str) -> Texts:
    """The words of a shipped language; E-LETTER-LANGUAGE."""
    if language not in languages():
        raise refusal("E-LETTER-LANGUAGE", where="--language", language=language,
                      known=", ".join(languages()))  # fmt: skip
    return _parsed(FOLDER.joinpath(f"letter_{language}.toml").read_text("utf-8"), language)


def texts_of(path: Path) -> Texts:
    """A centre's own words; E-LETTER-FILE names the key and what is wrong."""
    try:
        return _parsed(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise refusal("E-LETTER-FILE", where=str(path), why=error) from None


def _parsed(text: str, where: str) -> Texts:
    try:
        return Texts.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise refusal("E-LETTER-FILE", where=where, why=error) from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(step) for step in first["loc"])
        raise refusal("E-LETTER-FILE", where=where, why=f"{key}: {first['msg']}") from None


def letter_paper(found: Booked, letter: Letter) -> Paper:
    """The letter. It names no disease and no dose: it may lie on a kitchen table."""
    said = letter.texts
    kinds = dict.fromkeys(row.kind for row in found.rows)
    blocks: list[Block] = [
        Words(said.dear.format(name=letter.name) if letter.name else said.dear_nobody),
        Words(said.opening.format(day=_day(found.started_at, said))),
        Heading(said.appointments),
        table_of((said.when, said.what_head, said.how_long),
                 [_row(row, letter) for row in found.rows], wide=(1,)),
        Heading(said.happens),
        Points(tuple(f"{said.what[kind]}. {said.happens_text[kind]}" for kind in kinds)),
        Heading(said.prepare),
        Points(said.points),
        Words(said.late),
        Words(letter.call, strong=True),
        Words(said.greeting),
        Words(letter.centre or letter.place),
    ]  # fmt: skip
    return Paper(said.title, letter.place, letter.centre, found.started_at.date(),
                 tuple(b for b in blocks if not isinstance(b, Words) or b.words),
                 language=said.language, letter=True, foot="")  # fmt: skip


def _day(at: dt.datetime, said: Texts) -> str:
    return said.day_format.format(day=at.day, month=said.months[at.month - 1], year=at.year)


def _row(row: Appointment, letter: Letter) -> tuple[str, str, str]:
    said = letter.texts
    long = said.minutes.format(minutes=row.minutes)
    tail = "" if row.required else f" ({said.if_possible})"
    return _moment(row.at, said), f"{said.what[row.kind]}{tail}", long


def _moment(at: dt.datetime, said: Texts) -> str:
    return said.date_format.format(weekday=said.weekdays[at.weekday()], day=at.day,
                                   month=said.months[at.month - 1], year=at.year,
                                   clock=f"{at:%H:%M}")  # fmt: skip
