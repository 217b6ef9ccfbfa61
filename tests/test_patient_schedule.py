"""One patient's schedule: rules that a patient brings, the price of a moved scan, the letter."""

from __future__ import annotations

import datetime as dt
import json
from io import BytesIO
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import icalendar
import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from quimby import protocols
from quimby.advise.booked import Booked, booked
from quimby.advise.for_patient import for_patient
from quimby.advise.opening import Opening
from quimby.advise.recommend import Wish, recommend
from quimby.cli.app import app
from quimby.core.errors import QuimbyError
from quimby.protocols.patient_rules import SAID, Fact, facts
from quimby.report.letters import Letter, languages, letter_paper, texts, texts_of
from quimby.report.paper import lines, pdf
from quimby.report.papers.schedule import patient_entries, staff_entries
from tests.test_advise_setup import DAY, named

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = dt.datetime(2026, 3, 2, 10, 12, tzinfo=BERLIN)
OPEN = Opening(zone="Europe/Berlin")
NAMES = [n for n in protocols.names() if not n.startswith("Y90")]
FEW = 60
LETTER = Letter(texts("en"), "Ms Example", "+49 30 000", "Ground floor", "Example Hospital")


def shown(name: str = "LU-STP", *facts_: Fact, at: dt.datetime = MONDAY) -> Booked:
    """Without its price, which takes a simulation."""
    return booked(protocols.load(name), at, OPEN, patient=facts_, patients=0)


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_has_a_reason_a_source_and_protocols_that_exist(name: str) -> None:
    for rule in protocols.load(name).patients.rule:
        assert len(rule.because) > 10
        assert rule.source
        for other in rule.instead:
            found = protocols.load(other)
            assert found.therapy == protocols.load(name).therapy
            kept = [r for r in found.patients.rule if r.when == rule.when and r.then == "exclude"]
            assert not kept, f"{other} does not suit {rule.when} either"


@pytest.mark.parametrize("name", NAMES)
def test_a_patient_with_any_one_fact_leaves_a_protocol_that_can_be_calculated(name: str) -> None:
    for fact in get_args(Fact):
        assert for_patient(protocols.load(name), {fact}).protocol.acquisition


def test_narrow_spaces_leave_out_the_early_scan() -> None:
    found = for_patient(protocols.load("LU-FULL"), {"claustrophobia"})
    assert [a.id for a in found.protocol.acquisition] == ["scan-2", "scan-3", "scan-4"]
    assert "scan-1" in found.told()[0]


def test_impaired_kidneys_move_the_second_scan() -> None:
    found = for_patient(protocols.load("LU-TWO"), {"renal_impairment"})
    assert found.protocol.acquisition[1].window_h == (140.0, 196.0)
    assert found.changed


def test_impaired_kidneys_exclude_one_scan_and_name_the_way_out() -> None:
    found = for_patient(protocols.load("LU-STP"), {"renal_impairment"})
    assert found.excluded
    assert found.instead == ("LU-TWO", "LU-FULL")


def test_a_patient_without_facts_changes_nothing() -> None:
    for name in NAMES:
        found = for_patient(protocols.load(name), ())
        assert (found.protocol, found.rules) == (protocols.load(name), ())


def test_numbers_become_facts_at_their_threshold() -> None:
    assert facts(egfr_ml_min=59.9) == {"renal_impairment"}
    assert facts(egfr_ml_min=60) == frozenset()
    assert facts(age_y=17.9, distance_km=101) == {"child", "far_away"}
    assert facts(["Single kidney", "far-away"]) == {"single_kidney", "far_away"}


def test_an_unknown_fact_is_refused_with_the_known() -> None:
    with pytest.raises(QuimbyError, match="renal_impairment"):
        facts(["broken leg"])


def test_every_fact_can_be_said() -> None:
    assert set(SAID) == set(get_args(Fact))


def test_the_recommender_hears_the_patient() -> None:
    place = named("university")
    wish = Wish("verify", patient=frozenset({"renal_impairment"}))
    found = recommend(place, "177Lu-DOTATATE", wish, today=DAY)
    out = {j.protocol.id: j for j in found.excluded}
    assert "LU-STP" in out
    assert "LU-TWO" in next(m.unlock for m in out["LU-STP"].missing if m.cause == "patient")
    assert found.fits[0].protocol.id != "LU-STP"
    healthy = recommend(place, "177Lu-DOTATATE", Wish("verify"), today=DAY)
    assert "LU-STP" in [j.protocol.id for j in healthy.fits]


def test_a_moved_scan_costs_doubt() -> None:
    """One scan after one day instead of four: the half-life of others then decides."""
    early = Opening(zone="Europe/Berlin", days=("Tue",))
    protocol = protocols.load("LU-STP")
    found = booked(protocol, MONDAY, early, patients=200)
    assert found.rows[0].outside
    assert found.cost.at_best is not None
    assert found.cost.as_booked is not None
    assert found.cost.as_booked > 1.05 * found.cost.at_best


def test_a_protocol_without_a_population_says_that_nothing_was_simulated() -> None:
    bare = protocols.load("LU-STP").model_copy(update={"uncertainty": None})
    found = booked(bare, MONDAY, OPEN, patients=FEW)
    assert found.cost.as_booked is None
    assert found.cost.why


def test_other_days_are_told_only_where_a_window_is_lost() -> None:
    assert shown("LU-STP").days == ()
    assert shown("LU-FULL", at=MONDAY + dt.timedelta(days=2)).days


def test_the_letter_names_every_appointment_and_neither_disease_nor_dose() -> None:
    found = shown("LU-FULL")
    text = "\n".join(lines(letter_paper(found, LETTER)))
    for row in found.rows:
        assert f"{row.at:%H:%M}" in text
    assert "Ms Example" in text
    assert "+49 30 000" in text
    for word in ("tumour", "cancer", "Gy", "177Lu", "DOTATATE", "scan-1", "LU-FULL"):
        assert word not in text, word


@pytest.mark.parametrize("language", languages())
def test_every_language_has_words_for_every_measurement(language: str) -> None:
    said = texts(language)
    kinds = {a.kind for n in NAMES for a in protocols.load(n).acquisition}
    assert kinds <= set(said.what)
    assert kinds <= set(said.happens_text)
    made = letter_paper(shown("LU-HYB"), Letter(said, "X", "1"))
    assert made.language == language
    assert "{" not in "\n".join(lines(made))


def test_a_letter_in_german_is_german() -> None:
    text = "\n".join(lines(letter_paper(shown(), Letter(texts("de"), "Frau Muster", "1"))))
    assert "Freitag, 6. März 2026" in text


def test_a_letter_is_one_page() -> None:
    pages = PdfReader(BytesIO(pdf(letter_paper(shown("MIBG-FULL"), LETTER)))).pages
    assert len(pages) == 1


def test_a_centres_own_letter_must_be_whole(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('language = "fr"\n', "utf-8")
    with pytest.raises(QuimbyError, match="title"):
        texts_of(path)


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(QuimbyError, match="de, en"):
        texts("xx")


def test_calendars_hold_the_appointments_and_the_patients_none_of_the_ids() -> None:
    found = shown("LU-TWO")
    staff, patient = staff_entries(found, who="EXAMPLE, A."), patient_entries(found, LETTER)
    assert [e.at for e in staff] == [e.at for e in patient] == [r.at for r in found.rows]
    assert "LU-TWO" in staff[0].words
    assert all("LU-" not in e.title + e.words for e in patient)


def test_the_command_writes_every_paper(tmp_path: Path) -> None:
    centre = Path(__file__).parent / "centres" / "mid_size.toml"
    files = {k: tmp_path / v for k, v in {"--letter": "l.txt", "--calendar": "s.ics",
             "--patient-calendar": "p.ics", "-o": "s.pdf"}.items()}  # fmt: skip
    asked = ["schedule", "DTC-WB-SINGLE", "--at", "2026-03-02T10:12+01:00", "--centre",
             str(centre), "--patient", "catheter", "--json"]  # fmt: skip
    for key, path in files.items():
        asked += [key, str(path)]
    ran = CliRunner().invoke(app, asked)
    assert ran.exit_code == 0, ran.output
    found: Any = json.loads(ran.stdout)
    assert found["patient_rules"][0].startswith("A bladder catheter is in")
    assert found["u_rel"]["as_booked"] > 0.05
    assert files["-o"].read_bytes().startswith(b"%PDF")
    assert "Dear patient" in files["--letter"].read_text("utf-8")
    events: Any = icalendar.Calendar.from_ical(files["--calendar"].read_bytes())
    assert len(events.walk("VEVENT")) == len(found["appointments"])


def test_a_centre_without_opening_hours_is_asked_for_them(tmp_path: Path) -> None:
    centre = tmp_path / "c.toml"
    centre.write_text('name = "No hours"\n', "utf-8")
    ran = CliRunner().invoke(app, ["schedule", "LU-STP", "--at", "2026-03-02T10:12+01:00",
                                   "--centre", str(centre)])  # fmt: skip
    assert ran.exit_code != 0
    assert "E-SCHEDULE-OPENING" in ran.output
