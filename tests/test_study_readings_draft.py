"""A study drafted from a folder of tables, and the plan in the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quimby.cli.drafting import draft_job
from quimby.cli.planning import plan_job
from quimby.core.errors import QuimbyError
from quimby.study.document import read_study
from quimby.study.draft import draft
from quimby.study.readings.draft import fitting_protocol
from quimby.study.run import run
from tests.readings_study import dtc_study, thyroid_study

ANSWERS = {
    "therapy": "i131-dtc", "administered": "3.7 GBq", "patient.id": "0000-00",
    "administered_at": "2026-03-02T10:00+01:00", "weight": "70 kg", "residue": "0",
}  # fmt: skip
TYPED = [f"{key}={value}" for key, value in ANSWERS.items()]


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """A folder with tables of blood and whole body and a counter's document."""
    folder = tmp_path / "0000-00"
    folder.mkdir()
    dtc_study(folder)
    (folder / "study.toml").unlink()
    return folder


def test_a_folder_of_tables_asks_what_tables_cannot_say(tables: Path) -> None:
    found = draft(tables)
    asked = {q.key for q in found.questions if q.required}
    assert {"therapy", "administered", "administered_at", "zone", "patient.id"} <= asked


def test_the_drafted_study_gives_what_the_written_one_gives(tables: Path) -> None:
    written = run(dtc_study(tables))
    (tables / "study.toml").unlink()
    out = tables.parent / "drafted.toml"
    draft_job(tables, out, answers=TYPED, zone="Europe/Berlin", quiet=True)
    drafted = run(read_study(out))
    first, second = (r.stages[0].doses[0].dose_gy for r in (written, drafted))
    assert first.value == pytest.approx(second.value)
    assert drafted.protocol == "DTC-BLOOD"


@pytest.mark.parametrize(
    ("therapy", "kinds", "protocol"),
    [
        ("i131-dtc", {"whole_body"}, "DTC-WB-SINGLE"),
        ("i131-dtc", {"whole_body", "blood"}, "DTC-BLOOD"),
        ("i131-mibg", {"whole_body"}, "MIBG-WB"),
        ("i131-mibg", {"whole_body", "blood"}, "MIBG-FULL"),
        ("i131-benign-thyroid", {"thyroid", "ultrasound"}, "BT-FULL"),
        ("i131-dtc", {"urine"}, ""),
    ],
)
def test_the_protocol_is_the_fullest_that_was_measured_for(
    therapy: str, kinds: set[str], protocol: str
) -> None:
    assert fitting_protocol(therapy, kinds) == protocol


def test_the_neck_phantoms_activity_is_asked_for(tmp_path: Path) -> None:
    thyroid_study(tmp_path)
    (tmp_path / "study.toml").unlink()
    found = draft(tmp_path, answers={"therapy": "i131-benign-thyroid"}, zone="Europe/Berlin")
    assert any(q.key.endswith(".standard") for q in found.questions)


def test_the_plan_is_told_in_the_terminal(tables: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dtc_study(tables, activity="7.4 GBq", lung_metastases=False)
    assert plan_job(tables / "study.toml", None) == 0
    said = capsys.readouterr().out
    assert "Largest tolerable activity" in said
    assert "set by blood dose 2 Gy" in said
    assert "not a prescription" in said
    assert "S-PLAN-GATE" in said


def test_strict_planning_stops_where_something_blocks(tables: Path) -> None:
    dtc_study(tables, activity="7.4 GBq")
    assert plan_job(tables / "study.toml", None, quiet=True, strict=True) == 3


def test_the_plan_as_json_is_one_document(tables: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = dtc_study(tables, activity="7.4 GBq")
    plan_job(tables / "study.toml", None, as_json=True)
    told = json.loads(capsys.readouterr().out)
    plan = run(study).plan
    assert plan is not None
    assert told["limiting"] == plan.limiting


def test_a_study_without_a_plan_says_so(tables: Path) -> None:
    dtc_study(tables)
    with pytest.raises(QuimbyError) as error:
        plan_job(tables / "study.toml", None, quiet=True)
    assert error.value.code == "E-PLAN-NONE"


def test_a_tracers_nuclide_is_asked_for_and_never_guessed(tables: Path) -> None:
    tables.rename(tables.parent / "tracer")
    answers = {"therapy": "i131-dtc"}
    found = draft(tables.parent / "tracer", answers=answers, zone="Europe/Berlin")
    assert any(q.key == "nuclide" and q.required for q in found.questions)
    told = draft(tables.parent / "tracer", answers={**answers, "nuclide": "I-124"}, zone="UTC")
    assert told.document["administrations"][0]["nuclide"] == "I-124"
