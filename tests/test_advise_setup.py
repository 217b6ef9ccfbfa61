"""The set-up plan asks for what is lacking, once, of those who may do it; the year adds up."""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
from pathlib import Path

import icalendar
import pytest
from typer.testing import CliRunner

from quimby import protocols
from quimby.advise.calibration_calendar import calibration_calendar
from quimby.advise.centre import Centre, centre, read_centre
from quimby.advise.judging import judge
from quimby.advise.setup_plan import NOBODY, SetupPlan, setup_plan
from quimby.advise.setup_tasks import tasks
from quimby.advise.time_planner import time_plan
from quimby.cli.app import app
from quimby.core.errors import QuimbyError
from quimby.protocols.patient_rules import PatientRule

DAY = dt.date(2026, 3, 2)
CENTRES = Path(__file__).parent / "centres"
NAMES = [n for n in protocols.names() if not n.startswith("Y90")]
TWO_CAMERAS = """
name = "Two cameras"
facilities = ["cylinder_phantom", "sphere_phantom"]
[[staff]]
role = "physicist"
name = "K. Lind"
hours_a_week = 10
competencies = ["outlining of organs", { name = "quantitative SPECT", until = 2026-12-31 }]
[[staff]]
role = "technologist"
hours_a_week = 10
competencies = []
[[staff]]
role = "physician"
hours_a_week = 5
competencies = []
[[device]]
id = "meter"
kind = "activity_meter"
qc = "ok"
[[device]]
id = "A"
kind = "spect_ct"
qc = "ok"
calibration = []
[[device]]
id = "B"
kind = "spect_ct"
qc = "ok"
calibration = [{ nuclide = "Lu-177", on = 2024-01-10 }]
[[device]]
id = "software"
kind = "dosimetry_software"
[[therapy]]
id = "lu177-dotatate"
patients_a_year = 10
cycles = 4
"""


def named(name: str) -> Centre:
    return read_centre(CENTRES / f"{name}.toml", today=DAY)


def two_cameras(*changes: tuple[str, str]) -> Centre:
    text = TWO_CAMERAS
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return centre(text, where="test")


def plan_of(place: Centre, protocol: str = "LU-STP") -> SetupPlan:
    return setup_plan(protocols.load(protocol), place, today=DAY)


def kinds(plan: SetupPlan) -> list[str]:
    return [t.id.split(":")[0] for t in plan.tasks]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", ["one_physicist", "mid_size", "university"])
def test_every_protocol_has_a_plan_whose_tasks_stand_after_what_they_wait_for(
    name: str, place: str
) -> None:
    plan = plan_of(named(place), name)
    seen: set[str] = set()
    for task in plan.tasks:
        assert set(task.after) <= seen
        assert task.staff_h > 0
        assert "{" not in task.title
        seen.add(task.id)
    assert len(seen) == len(plan.tasks)
    assert sum(plan.hours().values()) == pytest.approx(sum(t.staff_h for t in plan.tasks))
    assert {1, 3} <= {t.step for t in plan.tasks}


def test_one_filling_serves_both_cameras() -> None:
    plan = plan_of(two_cameras())
    assert len(plan.fillings) == 2  # cylinder and spheres
    assert all("'A'" in f and "'B'" in f for f in plan.fillings)
    assert kinds(plan).count("phantom-scan") == 4
    assert plan.camera_h == 4.0


def test_a_valid_calibration_is_not_made_again() -> None:
    plan = plan_of(two_cameras(("on = 2024-01-10", "on = 2026-01-10")))
    scans = [t.title for t in plan.tasks if t.id.startswith("phantom-scan")]
    assert scans
    assert not any("'B'" in title for title in scans)


def test_what_the_document_does_not_say_is_looked_up_and_plans_no_task() -> None:
    meter = 'kind = "activity_meter"\n'
    place = two_cameras(("calibration = []\n", ""), (f'{meter}qc = "ok"', meter))
    plan = plan_of(place)
    assert plan.look_up == (
        "activity meter 'meter': whether its quality control is in order (not said)",
        "SPECT/CT 'A': sensitivity with Lu-177, not older than 365 d (not said)",
    )
    assert "acceptance" not in kinds(plan)
    scans = [t.title for t in plan.tasks if t.id.startswith(("filling", "phantom-scan"))]
    assert any("'B'" in title for title in scans)
    assert not any("'A'" in title for title in scans)
    assert plan_of(two_cameras()).look_up == ()


def test_a_calibration_counts_for_what_the_device_is() -> None:
    record = two_cameras(("on = 2024-01-10", "on = 2026-01-10")).device[2]
    for_spect = protocols.load("LU-STP").requires.calibration[0]
    stands = record.standing(for_spect, today=DAY)
    assert (stands.known, stands.valid, stands.age_d) == (True, True, 51)
    for_planar = for_spect.model_copy(update={"device": "gamma_camera"})
    assert record.does("gamma_camera")
    assert not record.standing(for_planar, today=DAY).known


def test_the_calendar_asks_to_look_up_what_the_document_does_not_say() -> None:
    place = two_cameras(("calibration = []\n", ""))
    found = calibration_calendar(protocols.load("LU-STP"), place, today=DAY)
    rows = [(d.on, d.what, d.late) for d in found.due if "'A'" in d.device and "sens" in d.what]
    assert rows == [(DAY, "look up when: sensitivity with Lu-177", False)]


def test_a_device_in_order_is_not_accepted_again() -> None:
    assert "acceptance" not in kinds(plan_of(two_cameras()))
    never = two_cameras(('id = "meter"\nkind = "activity_meter"\nqc = "ok"',
                         'id = "meter"\nkind = "activity_meter"\nqc = "never"'))  # fmt: skip
    assert kinds(plan_of(never)).count("acceptance") == 1


def test_a_task_is_planned_only_for_someone_who_holds_its_training() -> None:
    scan = next(t for t in plan_of(two_cameras()).tasks if t.id.startswith("phantom-scan"))
    assert (scan.owner, scan.open) == ("K. Lind", "")
    lapsed = plan_of(two_cameras(("2026-12-31", "2026-02-28")))
    late = next(t for t in lapsed.tasks if t.id.startswith("phantom-scan"))
    assert late.owner == NOBODY
    assert "quantitative SPECT" in late.open
    training = next(t for t in lapsed.tasks if t.id.startswith("training"))
    assert training.id in late.after


def test_who_may_do_it_is_told_with_its_end() -> None:
    held = {h.competence: h.people for h in plan_of(two_cameras()).holders}
    assert held["quantitative SPECT"] == ("K. Lind (until 2026-12-31)",)
    assert held["outlining of organs"] == ("K. Lind",)


def test_the_slowest_role_sets_the_weeks() -> None:
    plan = plan_of(two_cameras())
    before = [t for t in plan.tasks if t.step < 3]
    weekly = {"physicist": 10, "technologist": 10, "physician": 5}
    by_hand = max(sum(t.hours.get(r, 0) for t in before) / h for r, h in weekly.items())
    assert plan.weeks == pytest.approx(by_hand)


def test_what_no_task_mends_is_told_first() -> None:
    plan = plan_of(named("one_physicist"))
    assert "no SPECT/CT" in [m.sentence for m in plan.lacking]
    assert not any(m.cause == "competence" for m in plan.lacking)


def test_the_calendar_repeats_a_calibration_over_the_year() -> None:
    protocol = protocols.load("LU-STP")
    found = calibration_calendar(protocol, two_cameras(), today=DAY)
    rows = [d for d in found.due if "'B'" in d.device]
    assert [d.on for d in rows] == [DAY, DAY + dt.timedelta(days=365)]
    assert [d.late for d in rows] == [True, False]
    made = two_cameras(("on = 2024-01-10", "on = 2026-01-10"))
    rows = [d for d in calibration_calendar(protocol, made, today=DAY).due if "'B'" in d.device]
    assert [(d.on, d.late) for d in rows] == [(dt.date(2027, 1, 10), False)]


def test_checks_of_every_day_are_rules_and_no_dates() -> None:
    found = calibration_calendar(protocols.load("LU-STP"), two_cameras(), today=DAY)
    assert ("constancy", 1) in [(r.what, r.every_d) for r in found.rules]
    assert not any("constancy" in d.what for d in found.due)


def test_the_year_is_patients_times_minutes() -> None:
    protocol = protocols.load("LU-STP")
    assert protocol.burden is not None
    plan = time_plan(two_cameras(), {"lu177-dotatate": protocol})
    rows = {r.of: r.needed_h for r in plan.rows}
    assert rows["camera"] == pytest.approx(40 * protocol.burden.camera_min / 60)
    minutes = protocol.burden.minutes["physicist"]
    assert rows["physicist"] == pytest.approx(40 * minutes / 60 + protocol.burden.qc_h_a_year)


def test_a_year_that_does_not_hold_it_says_so() -> None:
    busy = two_cameras(("patients_a_year = 10", "patients_a_year = 400"))
    plan = time_plan(busy, {"lu177-dotatate": protocols.load("LU-FULL")})
    assert not plan.fits
    assert max(r.short_h for r in plan.rows) > 100


def test_patients_that_nobody_counted_are_asked_for() -> None:
    with pytest.raises(QuimbyError) as error:
        time_plan(two_cameras(), {"i131-dtc": protocols.load("DTC-WB-SINGLE")})
    assert error.value.code == "E-TIME-PRACTICE"


def test_the_data_name_only_tasks_that_are_there() -> None:
    known = {t.id for t in tasks()}
    assert all(set(t.after) <= known for t in tasks())


def test_the_commands_give_lines_pdf_json_and_calendar(tmp_path: Path) -> None:
    place = tmp_path / "centre.toml"
    place.write_text(TWO_CAMERAS, "utf-8")
    common = ["--centre", str(place), "--on", "2026-03-02"]
    ics, out = tmp_path / "c.ics", tmp_path / "plan.pdf"
    ran = CliRunner().invoke(app, ["centre", "prepare", "LU-STP", *common, "-o", str(out),
                                   "--calendar", str(ics)])  # fmt: skip
    assert ran.exit_code == 0, ran.output
    assert "Fill the cylinder phantom" in ran.output
    assert max(map(len, ran.output.splitlines())) <= 97
    assert out.read_bytes().startswith(b"%PDF")
    events = icalendar.Calendar.from_ical(ics.read_bytes()).walk("VEVENT")
    plan = plan_of(two_cameras())
    found = calibration_calendar(protocols.load("LU-STP"), two_cameras(), today=DAY)
    assert len(events) == len(found.due)
    ran = CliRunner().invoke(app, ["centre", "prepare", "LU-STP", *common, "--json"])
    assert [t["id"] for t in json.loads(ran.output)["tasks"]] == [t.id for t in plan.tasks]
    ran = CliRunner().invoke(app, ["centre", "year", *common, "--protocol", "LU-STP", "--json"])
    assert json.loads(ran.output)["protocols"]["LU-STP"]["studies"] == 40


def test_a_partners_device_counts_once_it_is_agreed() -> None:
    text = TWO_CAMERAS.replace('kind = "spect_ct"', 'kind = "gamma_camera"')
    partner = '[[partner]]\nname = "U"\ndevices = ["spect_ct"]\ncompetencies = []\n'
    asked, agreed = (
        judge(protocols.load("LU-STP"), centre(text + partner + more, where="t"), today=DAY)
        for more in ("", "agreed = true\n")
    )
    assert [m.unlock for m in asked.missing if m.cause == "device"] == ["use the SPECT/CT of U"]
    assert not [m for m in agreed.missing if m.cause == "device"]
    assert "SPECT/CT at U, with its calibration and checks" in agreed.conditions


def test_a_partners_people_count_once_it_is_agreed() -> None:
    text = TWO_CAMERAS.replace('"outlining of organs", ', "")
    partner = '[[partner]]\nname = "U"\ncompetencies = ["outlining of organs"]\nagreed = true\n'
    found = judge(protocols.load("LU-STP"), centre(text + partner, where="t"), today=DAY)
    assert "outlining of organs by U" in found.conditions
    assert not [m for m in found.missing if m.cause == "competence"]


def test_the_page_on_centres_shows_a_document_and_a_rule_that_can_be_used() -> None:
    page = (Path(__file__).parents[1] / "docs" / "centre.md").read_text("utf-8")
    document, rule = re.findall(r"```\{code-block\} toml\n(.*?)```", page, re.DOTALL)
    assert centre(document, where="centre.md").opening is not None
    (row,) = tomllib.loads(rule)["patients"]["rule"]
    assert PatientRule.model_validate(row).instead == ("LU-TWO", "LU-FULL")
