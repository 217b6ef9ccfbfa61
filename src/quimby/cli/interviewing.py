"""`quimby setup`: ten questions, then a protocol for each therapy and the first week."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import tomli_w
import typer

from quimby import protocols
from quimby.advise.calendar_file import calendar
from quimby.advise.centre import Centre, read_centre
from quimby.advise.first_week import Day, first_week
from quimby.advise.interview import QUESTIONS, UNKNOWN, Question, centre_of, parsed, still_to_ask
from quimby.advise.recommend import Recommendation, Wish, recommend
from quimby.advise.setup_plan import setup_plan
from quimby.cli.settings import NAME
from quimby.cli.terminal import console
from quimby.core.errors import QuimbyError
from quimby.core.notes import refusal
from quimby.report.paper import lines, pdf
from quimby.report.papers.setup_week import newcomer_paper, week_entries

CENTRE, ANSWERS, PLAN, WEEK = "centre.toml", "answers.toml", "first-week.pdf", "first-week.ics"
AIM = "verify"  # what is recommended for where nobody said what for


def setup_job(out: Path, *, answers: Path | None, today: date) -> int:
    """Ask what is not answered yet; write the centre's documents; recommend and plan."""
    out.mkdir(parents=True, exist_ok=True)
    told = _read(answers) if answers else _read(out / ANSWERS, missing={})
    if answers is None:
        told = _asked(told, out)
    meaning = parsed(told)
    _refuse_to_overwrite(out)
    (out / CENTRE).write_text(tomli_w.dumps(centre_of(meaning)), "utf-8")
    (out / NAME).write_text(tomli_w.dumps(_settings(meaning)), "utf-8")
    place = read_centre(out / CENTRE, today=today)
    found, week = advice(place, meaning, today=today)
    paper = newcomer_paper(place.name, found, week, still_to_ask(told), today=today)
    (out / PLAN).write_bytes(pdf(paper))
    zone = ZoneInfo(place.opening.zone) if place.opening else UTC
    made = datetime.combine(today, time(12), UTC)
    entries = week_entries(week, zone=zone)
    (out / WEEK).write_bytes(calendar(entries, name=place.name, made_at=made))
    for line in lines(paper):
        console().print(line, markup=False, highlight=False, soft_wrap=True)
    _say(f"\n Wrote {out / CENTRE} · {out / NAME} · {out / PLAN} · {out / WEEK}")
    first = next((r.fits[0].protocol.id for r in found.values() if r.fits), "")
    if first:
        _say(f" Next  quimby demo --protocol {first} | quimby centre prepare {first} | "
             f"quimby protocol new --from {first} -o ours.toml")  # fmt: skip
    return 0


def advice(
    place: Centre, meaning: Mapping[str, Any], *, today: date
) -> tuple[dict[str, Recommendation], dict[str, Sequence[Day]]]:
    """For each therapy of the centre a recommendation, and a week where one fits."""
    found: dict[str, Recommendation] = {}
    week: dict[str, Sequence[Day]] = {}
    for practice in place.therapy:
        wish = Wish(meaning.get("aim", AIM), u_max=meaning.get("doubt"),
                    visits=meaning.get("visits"))  # fmt: skip
        one = recommend(place, practice.id, wish, today=today)
        found[one.title] = one
        if one.fits:
            plan = setup_plan(protocols.load(one.fits[0].protocol.id), place, today=today)
            week[one.title] = first_week(plan, after=today)
    return found, week


def _asked(told: dict[str, str], out: Path) -> dict[str, str]:
    """Ask each question; what was answered before is offered, what is left comes once more."""
    _say("Ten questions. Enter leaves one for later, ? is: I do not know.")
    for number, question in enumerate(QUESTIONS, start=1):
        told[question.id] = _ask(question, f"{number:>2} ", told.get(question.id, ""))
        (out / ANSWERS).write_text(tomli_w.dumps(told), "utf-8")
    left = [q for q in still_to_ask(told) if told[q.id] != UNKNOWN]
    if left:
        _say("Once more what you left:")
    for question in left:
        told[question.id] = _ask(question, " · ", "")
        (out / ANSWERS).write_text(tomli_w.dumps(told), "utf-8")
    return told


def _ask(question: Question, mark: str, before: str) -> str:
    """Until the answer can be used; an answer that cannot is told why, and asked again."""
    while True:
        _say(f"{mark}{question.asks}\n    e.g. {question.example}")
        text = str(typer.prompt("   ", default=before, show_default=bool(before))).strip()
        if text == UNKNOWN:
            _say(f"    Ask {question.knows}.")
        try:
            parsed({question.id: text})
        except QuimbyError as error:
            _say(f"    {error.what} {error.do[:1].upper()}{error.do[1:]}.")
            continue
        return text


def _read(path: Path, *, missing: dict[str, str] | None = None) -> dict[str, str]:
    if missing is not None and not path.is_file():
        return missing
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise refusal("E-SETUP-FILE", where=str(path), why=error) from None
    return {key: str(value) for key, value in found.items()}


def _refuse_to_overwrite(out: Path) -> None:
    for name in (CENTRE, NAME):
        if (out / name).exists():
            raise refusal("E-SETUP-EXISTS", where=str(out / name))


def _settings(meaning: Mapping[str, Any]) -> dict[str, Any]:
    about = meaning.get("centre", {})
    found: dict[str, Any] = {"centre": CENTRE}
    return found | {key: about[key] for key in ("name", "zone") if key in about}


def _say(text: str) -> None:
    console().print(text, markup=False, highlight=False, soft_wrap=True)
