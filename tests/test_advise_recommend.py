"""Recommending: what fits a centre, what does not, why, and what would change that."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from quimby import protocols
from quimby.advise.centre import Centre, centre, read_centre
from quimby.advise.recommend import Recommendation, Wish, front, recommend, therapy_called
from quimby.cli.app import app
from quimby.cli.recommending import lines, plain
from quimby.core.errors import QuimbyError
from quimby.report.figures.devices import figure
from quimby.report.figures.recommend import alt, front_plot

HERE = Path(__file__).parent
CENTRES = HERE / "centres"
APPROVED = HERE / "approved" / "recommend"
DAY = dt.date(2026, 5, 4)
WISHES = {
    "i131-benign-thyroid": Wish("plan", u_max=0.30),
    "i131-dtc": Wish("blood_dose", u_max=0.30),
    "i131-mibg": Wish("plan", u_max=0.20),
    "lu177-dotatate": Wish("verify", u_max=0.25),
    "lu177-psma": Wish("verify", u_max=0.25),
    "y90-microspheres": Wish("plan", u_max=0.40),
}
NAMES = ("one_physicist", "mid_size", "university")


def place(name: str) -> Centre:
    return read_centre(CENTRES / f"{name}.toml", today=DAY)


def advised(name: str, therapy: str, wish: Wish | None = None) -> Recommendation:
    return recommend(place(name), therapy, wish or WISHES[therapy], today=DAY)


@pytest.mark.parametrize("therapy", WISHES)
@pytest.mark.parametrize("name", NAMES)
def test_the_advice_for_an_example_centre_is_as_approved(name: str, therapy: str) -> None:
    """To approve a change: write the new text to the file, and read the difference."""
    found = "\n".join(lines(advised(name, therapy), place(name))) + "\n"

    assert found == (APPROVED / f"{name}-{therapy}.txt").read_text("utf-8")


def test_every_therapy_with_a_protocol_has_approved_advice() -> None:
    assert {protocols.load(p).therapy for p in protocols.names()} == set(WISHES)
    assert len(list(APPROVED.iterdir())) == len(WISHES) * len(NAMES)


@pytest.mark.parametrize("therapy", WISHES)
@pytest.mark.parametrize("name", NAMES)
def test_no_line_is_wider_than_a_terminal(name: str, therapy: str) -> None:
    assert max(map(len, lines(advised(name, therapy), place(name)))) <= 96


def test_the_recommended_one_is_the_least_burden_of_those_that_fit() -> None:
    found = advised("university", "lu177-dotatate")

    assert [j.protocol.id for j in found.fits] == ["LU-STP", "LU-TWO", "LU-HYB", "LU-FULL"]
    assert [j.burden for j in found.fits] == sorted(j.burden for j in found.fits)
    # by hand, LU-STP: 120 min of staff + 40 of camera + one visit at 30
    assert found.fits[0].burden == 190


def test_the_front_leaves_out_what_costs_more_and_knows_no_more() -> None:
    found = advised("university", "lu177-dotatate")

    assert found.front == ("LU-STP", "LU-TWO", "LU-FULL")  # LU-HYB: more work than two scans


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20)), min_size=1, max_size=8))
def test_the_front_is_what_a_slow_search_over_pairs_finds(points: list[tuple[int, int]]) -> None:
    from dataclasses import replace

    model = advised("university", "lu177-dotatate").fits[0]
    named = [
        replace(model, burden=float(b), u_rel=u / 100,
                protocol=model.protocol.model_copy(update={"id": f"p{i}"}))
        for i, (b, u) in enumerate(points)
    ]  # fmt: skip
    beaten = set()
    for one, other in [*combinations(named, 2), *((b, a) for a, b in combinations(named, 2))]:
        a, b = (one.burden, one.u_rel or 0), (other.burden, other.u_rel or 0)
        if a[0] <= b[0] and a[1] <= b[1] and (a != b or one.protocol.id < other.protocol.id):
            beaten.add(other.protocol.id)

    assert set(front(named)) == {j.protocol.id for j in named} - beaten


def test_a_substitute_adds_its_doubt_in_quadrature_and_its_conditions() -> None:
    (with_probe,) = (j for j in advised("university", "i131-benign-thyroid").fits
                     if j.protocol.id == "BT-SIMPLE")  # fmt: skip
    (with_camera,) = advised("one_physicist", "i131-benign-thyroid").fits

    assert with_camera.u_rel == pytest.approx(((with_probe.u_rel or 0) ** 2 + 0.05**2) ** 0.5)
    assert with_camera.camera_min == with_probe.camera_min + 10
    assert "gamma camera: neck-phantom standard" in with_camera.conditions


def test_camera_hours_that_are_not_there_exclude_and_the_optional_scan_unlocks() -> None:
    """48 studies of 160 min are 128 h; 120 min a week are 100 h a year; three scans take 96 h."""
    (full,) = (j for j in advised("mid_size", "lu177-dotatate").excluded
               if j.protocol.id == "LU-FULL")  # fmt: skip

    assert full.items == ("camera hours",)
    assert full.missing[0].sentence == "128 camera h a year, you have 100"
    assert full.unlock == "leave out scan-1 (96 h)"


def test_an_old_calibration_excludes_and_a_new_one_unlocks() -> None:
    old = advised("mid_size", "i131-benign-thyroid")
    text = (CENTRES / "mid_size.toml").read_text("utf-8").replace("2025-02-10", "2026-02-10")
    new = recommend(centre(text, where="c"), "i131-benign-thyroid", Wish("plan"), today=DAY)

    assert old.gaps == (("calibration of uptake_probe",),)
    assert [n.code for n in old.notes] == ["W-NO-PROTOCOL"]
    assert "calibrate 'probe'" in old.notes[0].do
    assert [j.protocol.id for j in new.fits] == ["BT-SIMPLE", "BT-FULL"]


@pytest.mark.parametrize("age", [365, 366])
def test_a_calibration_of_a_year_still_holds_and_one_day_more_does_not(age: int) -> None:
    made = DAY - dt.timedelta(days=age)
    text = (CENTRES / "mid_size.toml").read_text("utf-8").replace("2025-02-10", made.isoformat())
    found = recommend(centre(text, where="c"), "i131-benign-thyroid", Wish("plan"), today=DAY)

    assert bool(found.fits) == (age == 365)


def test_overdue_quality_control_excludes_until_the_checks_are_done() -> None:
    (blood,) = (j for j in advised("university", "i131-dtc").excluded)
    text = (CENTRES / "university.toml").read_text("utf-8").replace('"overdue"', '"ok"')
    after = recommend(centre(text, where="c"), "i131-dtc", WISHES["i131-dtc"], today=DAY)

    assert blood.unlock == "do the checks of counter"
    assert "DTC-BLOOD" in {j.protocol.id for j in after.fits}


def test_a_second_device_in_order_is_enough_but_not_half_of_each() -> None:
    text = (CENTRES / "mid_size.toml").read_text("utf-8")
    failed = '\n[[device]]\nid = "P2"\nkind = "uptake_probe"\nqc = "failed"\n' \
             'calibration = [{ nuclide = "I-131", on = 2026-03-01 }]\n'  # fmt: skip
    head, tail = text.split("[[therapy]]", 1)
    half = centre(f"{head}{failed}\n[[therapy]]{tail}", where="c")
    whole = centre(f"{head}{failed.replace('failed', 'ok')}\n[[therapy]]{tail}", where="c")

    assert not recommend(half, "i131-benign-thyroid", Wish("plan"), today=DAY).fits
    assert recommend(whole, "i131-benign-thyroid", Wish("plan"), today=DAY).fits


def test_what_nobody_said_is_a_condition_and_not_an_exclusion() -> None:
    bare = centre(
        'name = "bare"\nstaff = [{ role = "physicist" }, { role = "technologist" }]\n'
        'device = [{ id = "m", kind = "dose_rate_monitor" }, '
        '{ id = "a", kind = "activity_meter" }]',
        where="bare",
    )  # fmt: skip
    found = recommend(bare, "i131-dtc", Wish("blood_dose"), today=DAY)

    assert [j.protocol.id for j in found.fits] == ["DTC-WB-SINGLE"]
    assert "isolation room (not said)" in found.fits[0].conditions
    assert "How many patients a year is not known, so hours were not counted." in found.reasons


def test_planning_by_dose_asks_for_level_three() -> None:
    assert advised("university", "i131-dtc", Wish("plan")).minimum.level == 3
    assert advised("university", "i131-dtc", Wish("verify")).minimum.level == 1


def test_level_three_excludes_what_only_records() -> None:
    found = advised("university", "lu177-dotatate", Wish("verify", dose_prescribed=True))

    assert not found.fits
    assert all("level" in j.items for j in found.excluded)
    assert found.gaps == ()
    assert "Level 1 is not enough" in found.notes[0].text


def test_a_doubt_just_met_counts_as_met() -> None:
    u = protocols.load("LU-STP").uncertainty
    assert u is not None
    met = advised("university", "lu177-dotatate", Wish("verify", u_max=u.u_rel))
    missed = advised("university", "lu177-dotatate", Wish("verify", u_max=u.u_rel - 0.001))

    assert met.fits[0].protocol.id == "LU-STP"
    (stp,) = (j for j in missed.excluded if j.protocol.id == "LU-STP")
    assert stp.unlock == "accept ± 15 %"


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(NAMES), st.sampled_from(sorted(WISHES)), st.floats(0.05, 0.9))
def test_asking_for_less_doubt_never_lets_more_protocols_in(
    name: str, therapy: str, u_max: float
) -> None:
    wish = WISHES[therapy]
    free = {j.protocol.id for j in advised(name, therapy, Wish(wish.aim)).fits}
    asked = advised(name, therapy, Wish(wish.aim, u_max=u_max))
    every = {protocols.load(p).id for p in protocols.names()
             if protocols.load(p).therapy == therapy}  # fmt: skip

    assert {j.protocol.id for j in asked.fits} <= free
    assert {j.protocol.id for j in (*asked.fits, *asked.excluded)} == every  # none is lost
    assert all(j.missing for j in asked.excluded)


def test_a_retired_protocol_is_not_recommended() -> None:
    old = protocols.load("DTC-WB-SINGLE").model_copy(update={"status": "retired"})
    found = recommend(place("mid_size"), "i131-dtc", Wish("blood_dose"), today=DAY, known=[old])

    assert [j.items for j in found.excluded] == [("status",)]


@pytest.mark.parametrize(
    ("said", "meant"),
    [("177Lu-DOTATATE", "lu177-dotatate"), ("i131-dtc", "i131-dtc"), ("SIRT", "y90-microspheres"),
     ("90Y microspheres", "y90-microspheres"), ("mIBG", "i131-mibg")],
)  # fmt: skip
def test_a_therapy_is_known_by_id_and_by_agent(said: str, meant: str) -> None:
    assert therapy_called(said) == meant


@pytest.mark.parametrize(
    ("therapy", "aim", "code"),
    [("223Ra", "verify", "E-ADV-THERAPY"), ("i131-dtc", "cheaply", "E-ADV-AIM")],
)
def test_an_unknown_therapy_or_aim_is_refused_with_the_known(
    therapy: str, aim: str, code: str
) -> None:
    with pytest.raises(QuimbyError, match="Known: ") as caught:
        recommend(place("mid_size"), therapy, Wish(aim), today=DAY)
    assert caught.value.code == code


def test_the_command_gives_the_same_as_the_function(tmp_path: Path) -> None:
    picture = tmp_path / "recommend.png"
    done = CliRunner().invoke(
        app,
        ["recommend", "--centre", str(CENTRES / "mid_size.toml"), "--therapy", "177Lu-DOTATATE",
         "--aim", "verify", "--u-max", "25%", "--on", "2026-05-04", "--json",
         "--picture", str(picture)],
    )  # fmt: skip
    found = json.loads(done.stdout)

    assert done.exit_code == 0
    assert found == json.loads(json.dumps(plain(advised("mid_size", "lu177-dotatate"),
                                                place("mid_size"))))  # fmt: skip
    assert found["first"] == "LU-STP"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_bare_number_is_no_doubt() -> None:
    done = CliRunner().invoke(
        app, ["recommend", "--centre", str(CENTRES / "mid_size.toml"), "--therapy", "i131-dtc",
              "--aim", "verify", "--u-max", "0.2"],
    )  # fmt: skip
    assert done.exit_code == 10


def test_the_picture_says_in_words_what_it_shows() -> None:
    found = advised("mid_size", "lu177-dotatate")
    said = alt(found, "Mid-size hospital")

    assert "LU-STP 190 min, 15 %, fits" in said
    assert "LU-FULL 790 min, 12 %, does not fit" in said
    made: Callable[[], Any] = lambda: figure(front_plot(found, "Mid-size hospital")).svg  # noqa: E731
    assert made() == made()


def test_the_advice_on_the_page_is_the_approved_one() -> None:
    page = (HERE.parent / "docs" / "protocols.md").read_text("utf-8")
    shown = [f.name for f in APPROVED.iterdir() if f.read_text("utf-8") in page]

    assert len(shown) == page.count("```text") == 6


@pytest.mark.parametrize(("free", "fits"), [(153.6, True), (153.0, False)])
def test_camera_hours_that_are_just_enough_are_enough(free: float, fits: bool) -> None:
    """48 studies of 160 min in 50 weeks are 153.6 min a week."""
    text = (CENTRES / "mid_size.toml").read_text("utf-8").replace("= 120", f"= {free}")
    text = text.replace("hours_a_week = 10", "hours_a_week = 20")
    found = recommend(centre(text, where="c"), "lu177-dotatate", Wish("verify"), today=DAY)

    assert ("LU-FULL" in {j.protocol.id for j in found.fits}) == fits
