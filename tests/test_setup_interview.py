"""Ten questions make a centre's document, a protocol for each therapy and a first week."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Any

import icalendar
import pytest
import tomli_w
from typer.testing import CliRunner

from quimby.advise.centre import centre
from quimby.advise.first_week import first_week
from quimby.advise.interview import QUESTIONS, centre_of, parsed, still_to_ask
from quimby.advise.setup_plan import setup_plan
from quimby.cli.app import app
from quimby.cli.settings import settings
from quimby.core.errors import QuimbyError
from quimby.protocols import load

DAY = dt.date(2026, 3, 4)  # a Wednesday
ANSWERS = {
    "centre": "City Hospital, Europe/Berlin",
    "therapies": "177Lu-DOTATATE 12 x 4, i131-dtc 30",
    "aim": "verify",
    "staff": "physicist 10, technologist 10, physician 4, nurse 3",
    "cameras": "SPECT/CT, 120 min",
    "devices": "activity meter, monitor, gamma counter",
    "calibrated": "SPECT/CT Lu-177 2025-09-12",
    "doubt": "25 %",
    "visits": "2",
    "partner": "University hospital: PET/CT",
}


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings.cache_clear()
    monkeypatch.chdir(tmp_path)


def setup(folder: Path, *more: str, typed: str = "") -> Any:
    return CliRunner().invoke(app, ["setup", "-o", str(folder), "--on", "2026-03-04", *more],
                              input=typed)  # fmt: skip


def answered(folder: Path, **changes: str) -> Path:
    path = folder / "told.toml"
    path.write_text(tomli_w.dumps({**ANSWERS, **changes}), "utf-8")
    return path


def test_there_are_ten_questions_and_each_example_is_an_answer() -> None:
    assert len(QUESTIONS) == 10
    for question in QUESTIONS:
        assert parsed({question.id: question.example}), question.id


def test_the_answers_make_a_document_that_reads_back() -> None:
    made = centre(tomli_w.dumps(centre_of(parsed(ANSWERS))), where="made")
    assert made.name == "City Hospital"
    assert made.camera_h_a_year == pytest.approx(120 / 60 * 50)
    assert {"spect_ct", "gamma_counter", "dose_rate_monitor"} <= set(made.kinds)
    spect = next(d for d in made.device if d.kind == "spect_ct")
    assert spect.calibrated_on("Lu-177") == dt.date(2025, 9, 12)
    practice = made.practice("lu177-dotatate")
    assert practice is not None
    assert practice.studies == 48
    assert made.opening is not None
    assert made.partner[0].devices == ("pet_ct",)


def test_what_nobody_knows_is_not_said_in_the_document() -> None:
    made = centre_of(parsed({"staff": "?", "cameras": "", "centre": "A, Europe/Paris"}))
    assert made["staff"] == []
    assert "camera_min_a_week" not in made


def test_what_is_left_is_told_with_who_would_know() -> None:
    left = still_to_ask({**ANSWERS, "doubt": "?", "partner": ""})
    assert [q.id for q in left] == ["doubt", "partner"]
    assert "physicist" in left[0].knows


@pytest.mark.parametrize(
    ("key", "text"),
    [("centre", "City Hospital"), ("therapies", "177Lu-DOTATATE"), ("staff", "boss 3"),
     ("cameras", "telescope"), ("calibrated", "SPECT/CT since March"), ("visits", "many"),
     ("partner", "somebody"), ("doubt", "20"), ("aim", "fame")],
)  # fmt: skip
def test_an_answer_that_cannot_be_used_says_how_to_write_it(key: str, text: str) -> None:
    with pytest.raises(QuimbyError) as error:
        parsed({key: text})
    assert error.value.code in ("E-SETUP-ANSWER", "E-UNIT")


def test_a_file_of_answers_needs_no_questions(tmp_path: Path) -> None:
    ran = setup(tmp_path / "out", "--answers", str(answered(tmp_path)))
    assert ran.exit_code == 0, ran.output
    for words in ("LU-", "DTC-WB-SINGLE", "First week", "Mon 2026-03-09"):
        assert words in ran.output, words
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names == {"centre.toml", "quimby.toml", "first-week.pdf", "first-week.ics"}
    events: Any = icalendar.Calendar.from_ical((tmp_path / "out" / "first-week.ics").read_bytes())
    assert events.walk("VEVENT")


def test_an_interview_asks_again_after_a_wrong_answer_and_keeps_what_was_said(
    tmp_path: Path,
) -> None:
    told = [ANSWERS[q.id] for q in QUESTIONS]
    told[3:4] = ["boss 3", ANSWERS["staff"]]  # a wrong one first
    told[-1] = ""  # left, then asked once more
    ran = setup(tmp_path / "out", typed="\n".join([*told, "?"]) + "\n")
    assert ran.exit_code == 0, ran.output
    assert "'boss 3' is no role" in ran.output
    assert "Ask the head of department" in ran.output
    assert "Still to ask" in ran.output
    kept = tomllib.loads((tmp_path / "out" / "answers.toml").read_text("utf-8"))
    assert kept["staff"] == ANSWERS["staff"]


def test_documents_that_are_there_are_not_overwritten(tmp_path: Path) -> None:
    setup(tmp_path / "out", "--answers", str(answered(tmp_path)))
    before = (tmp_path / "out" / "centre.toml").read_text("utf-8")
    ran = setup(tmp_path / "out", "--answers", str(answered(tmp_path, visits="0")))
    assert ran.exit_code != 0
    assert "E-SETUP-EXISTS" in ran.output
    assert (tmp_path / "out" / "centre.toml").read_text("utf-8") == before


def test_fewer_visits_exclude_protocols_that_need_more(tmp_path: Path) -> None:
    ran = setup(tmp_path / "out", "--answers", str(answered(tmp_path, visits="0")))
    assert "LU-STP: ask the patient for 1 visits" in ran.output or "No" in ran.output


def test_a_week_has_five_days_each_task_once() -> None:
    place = centre(tomli_w.dumps(centre_of(parsed(ANSWERS))), where="made")
    plan = setup_plan(load("DTC-BLOOD"), place, today=DAY)
    week = first_week(plan, after=DAY)
    assert [d.on.weekday() for d in week] == [0, 1, 2, 3, 4]
    assert week[0].on == dt.date(2026, 3, 9)
    placed = [t.id for d in week for t in d.tasks]
    assert sorted(placed) == sorted(t.id for t in plan.tasks if t.step < 3)


def test_the_settings_spare_typing_the_centre(tmp_path: Path, monkeypatch: Any) -> None:
    setup(tmp_path / "out", "--answers", str(answered(tmp_path)))
    below = tmp_path / "out" / "studies"
    below.mkdir()
    monkeypatch.chdir(below)
    settings.cache_clear()
    assert settings().zone == "Europe/Berlin"
    ran = CliRunner().invoke(app, ["centre", "prepare", "LU-STP", "--on", "2026-03-04"])
    assert ran.exit_code == 0, ran.output
    assert "City Hospital" in ran.output


def test_without_settings_the_centre_is_asked_for() -> None:
    ran = CliRunner().invoke(app, ["centre", "prepare", "LU-STP"])
    assert ran.exit_code != 0
    assert "E-SETTINGS-CENTRE" in ran.output


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "quimby.toml").write_text('zone = "Europe/Berlin"\n', "utf-8")
    monkeypatch.setenv("QUIMBY_ZONE", "Europe/Lisbon")
    settings.cache_clear()
    assert settings().zone == "Europe/Lisbon"


def test_a_misspelt_setting_is_refused(tmp_path: Path) -> None:
    (tmp_path / "quimby.toml").write_text('zones = "Europe/Berlin"\n', "utf-8")
    settings.cache_clear()
    with pytest.raises(QuimbyError, match="zones") as error:
        settings()
    assert error.value.code == "E-SETTINGS"
