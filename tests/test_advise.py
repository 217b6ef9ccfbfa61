"""Levels, substitution, the centre's document, workload."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.advise import levels, substitution
from quimby.advise.centre import centre, read_centre
from quimby.advise.workload import workload
from quimby.core.errors import InputError, QuimbyError
from quimby.protocols.level import reached
from quimby.protocols.words import Device
from quimby.study.level import level_of
from tests.sample_result import sample_result
from tests.sample_thyroid import thyroid_result

DAY = dt.date(2026, 5, 4)


def test_an_activity_ten_per_cent_off_is_still_within_and_more_is_not() -> None:
    assert levels.activity_check(8140, 7400).within  # 7400 * 1.1
    assert levels.activity_check(6660, 7400).within
    low = levels.activity_check(6659, 7400)
    assert not low.within
    assert [n.code for n in low.notes] == ["W-ACTIVITY-DEVIATION"]
    assert "-10.0 %, more than 10 %" in low.notes[0].text


@given(st.floats(1, 1e5), st.floats(0.5, 2.0), st.floats(0.1, 100))
def test_the_deviation_does_not_depend_on_the_unit(mbq: float, ratio: float, unit: float) -> None:
    once = levels.activity_check(ratio * mbq, mbq).deviation
    assert levels.activity_check(unit * ratio * mbq, unit * mbq).deviation == pytest.approx(once)


@pytest.mark.parametrize("pair", [(0.0, 1.0), (1.0, 0.0), (float("nan"), 1.0), (-1.0, 1.0)])
def test_an_activity_that_cannot_be_is_refused(pair: tuple[float, float]) -> None:
    with pytest.raises(InputError) as caught:
        levels.activity_check(*pair)
    assert caught.value.code in ("E-NUM-NONPOS", "E-NUM-FINITE")


@pytest.mark.parametrize(
    ("given_", "level"),
    [
        ({}, 1),
        ({"label_mbq": 7400, "planned_mbq": 9250}, 1),  # exactly 25 % above
        ({"label_mbq": 7400, "planned_mbq": 9251}, 2),
        ({"planned_mbq": 9251}, 1),  # no label to be above
        ({"investigational": True}, 2),
        ({"approved": False}, 2),
        ({"approved": False, "dose_prescribed": True}, 3),
    ],
)
def test_the_least_level_follows_the_three_rules(given_: dict[str, Any], level: int) -> None:
    found = levels.minimum_level(**given_)
    assert found.level == level
    assert found.sentence.endswith(f"level {level} is the least.")


def test_the_level_of_a_study_is_computed_from_its_records() -> None:
    assert reached(doses=0, planned_by_dose=True, verified=False).level == 1
    assert reached(doses=1, planned_by_dose=False, verified=False).level == 2
    assert reached(doses=1, planned_by_dose=True, verified=False).level == 2
    assert reached(doses=1, planned_by_dose=True, verified=True).level == 3


def test_a_result_with_doses_is_level_two_and_one_without_is_level_one() -> None:
    result = sample_result(pictures=False)

    assert level_of(result).level == 2
    assert level_of(replace(result, regions=())).level == 1


def test_a_result_with_plan_and_verification_is_level_three() -> None:
    result = thyroid_result()
    whole = level_of(result)

    assert (result.plan is not None, bool(result.verified)) == (True, True)
    assert whole.level == 3
    assert level_of(replace(result, verified=())).level == 2
    assert level_of(replace(result, plan=None)).level == 2


def test_every_row_of_the_table_names_known_devices_and_conditions() -> None:
    devices = set(get_args(Device))
    for row in substitution.substitutes():
        assert {row.missing, row.use, row.also or row.use} <= devices
        assert row.conditions
        assert row.source
        assert 0 < row.u < 0.5
    for no in substitution.nevers():
        assert {no.missing, no.use} <= devices
        assert not [s for s in substitution.substitutes()
                    if (s.task, s.missing, s.use) == (no.task, no.missing, no.use)]  # fmt: skip


def test_the_preferred_substitute_is_taken_where_several_are_there() -> None:
    found = substitution.substitute(
        "gamma_counter", task="blood_samples", available=["uptake_probe", "hpge"]
    )
    assert found.use is not None
    assert found.use.use == "hpge"


def test_a_substitute_that_needs_two_devices_needs_both() -> None:
    def use(*there: str) -> str | None:
        found = substitution.substitute("spect_ct", task="quantitative_spect", available=there)
        return found.use.use if found.use else None

    assert use("spect") is None
    assert use("spect", "ct") == "spect"
    assert use("spect", "pet_ct") == "spect"  # its CT


def test_a_spect_ct_is_a_gamma_camera_too() -> None:
    found = substitution.substitute("uptake_probe", task="thyroid_uptake", available=["spect_ct"])
    assert found.use is not None


def test_the_hours_of_a_year_add_up_by_hand() -> None:
    """24 patients x 4 cycles x half of them = 48 studies of 2 h and 0.5 h, 1 h of camera."""
    found = workload(
        patients_a_year=24, cycles=4, studied=0.5, staff_h={"physicist": 2, "technologist": 0.5},
        camera_h=1, preparation_h=40, qc_h_a_year=24,
    )  # fmt: skip
    assert found.staff_h == {"physicist": 96, "technologist": 24}
    assert found.camera_h == 48
    assert found.first_year_h == 96 + 24 + 40 + 24


def test_a_negative_number_of_patients_is_refused() -> None:
    with pytest.raises(InputError, match="Patients a year"):
        workload(patients_a_year=-1, cycles=1, staff_h={}, camera_h=0)


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("name = ", "E-CENTRE-READ", "Invalid value"),
        ('name = "x"\ncameras = 2', "E-CENTRE-FILE", "cameras"),
        ('name = "x"\n[[device]]\nid = "a"\nkind = "toaster"', "E-CENTRE-FILE", "device[0].kind"),
        ('name = "x"\n[[staff]]\nrole = "physicist"\nhours_a_week = -1', "E-CENTRE-FILE",
         "staff[0].hours_a_week"),
        ('name = "x"\ndevice = [{ id = "a", kind = "ct" }, { id = "a", kind = "ct" }]',
         "E-CENTRE-FILE", "stands twice"),
        ('name = "x"\n[[device]]\nid = "a"\nkind = "spect_ct"\n'
         'calibration = [{ nuclide = "Lu-777", on = 2026-01-01 }]', "E-CENTRE-FILE",
         "device[0].calibration[0].nuclide"),
    ],
)  # fmt: skip
def test_a_wrong_centre_document_is_refused_by_its_key(text: str, code: str, says: str) -> None:
    with pytest.raises(QuimbyError) as caught:
        centre(text, where="centre.toml")
    assert caught.value.code == code
    assert says in f"{caught.value.what} {caught.value.where}"
    assert "centre.toml" in caught.value.where


def test_a_centre_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(QuimbyError, match="No such file"):
        read_centre(tmp_path / "centre.toml", today=DAY)


def test_the_state_of_a_device_comes_from_its_own_document(tmp_path: Path) -> None:
    """A device without one recorded check is new, and nothing measured with it can be signed."""
    (tmp_path / "counter.toml").write_text(
        'id = "C1"\nkind = "gamma counter"\nmanufacturer = "M"\nmodel = "M1"\nserial = "1"\n'
        'dead_time = "none"\n', "utf-8",
    )  # fmt: skip
    file = tmp_path / "centre.toml"
    file.write_text('name = "x"\n[[device]]\nid = "C1"\nkind = "gamma_counter"\n'
                    'document = "counter.toml"\nqc = "ok"\n', "utf-8")  # fmt: skip
    (found,) = read_centre(file, today=DAY).device
    file.write_text(file.read_text("utf-8").replace("gamma_counter", "uptake_probe"), "utf-8")

    assert (found.qc, found.calibration) == ("never", ())
    with pytest.raises(InputError, match="is of a gamma counter"):
        read_centre(file, today=DAY)


def test_hours_are_known_only_where_every_group_of_the_role_says_them() -> None:
    both = centre('name = "x"\nstaff = [{ role = "nurse", hours_a_week = 2 }, '
                  '{ role = "nurse", hours_a_week = 1 }]', where="c")  # fmt: skip
    half = centre('name = "x"\nstaff = [{ role = "nurse", hours_a_week = 2 }, { role = "nurse" }]',
                  where="c")  # fmt: skip

    assert both.hours_a_year("nurse") == 150  # 3 h in 50 weeks
    assert half.hours_a_year("nurse") is None
