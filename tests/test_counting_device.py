"""The device document: what it holds, what it refuses, and what it says of a measurement."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Any

import pytest

from quimby.core.errors import QuimbyError, ReferenceMissing
from quimby.core.uncertain import Uncertain, exact
from quimby.devices import counting_device, qc_calendar
from quimby.devices.counting import Counting, net_rate
from quimby.devices.counting_device import Device

COUNTER = """
id = "counter 1"
kind = "gamma counter"
manufacturer = "Maker"
model = "2480"
serial = "77"
repaired = 2024-01-08

[[calibration]]
nuclide = "131I"
geometry = "2 ml in a 5 ml tube"
value = 0.25
unit = "cps/Bq"
u_relative = { standard = 0.03, counts = 0.004 }
standard = "vial read in activity meter 1"
dead_time_corrected = true
date = 2024-01-10
valid_until = 2025-01-09
by = "K. Lind"

[[calibration]]
nuclide = "I-131"
geometry = "2 ml in a 5 ml tube"
value = 260
unit = "cps/kBq"
u_relative = { standard = 0.02 }
standard = "certified source"
dead_time_corrected = true
date = 2024-06-10
valid_until = 2025-06-09
by = "K. Lind"

[dead_time]
tau_us = 2.5
u_us = 0.1
model = "non-paralysable"

[background]
counts = 600
time_s = 600
at = 2024-01-10T08:00:00+01:00

[check_source]
id = "Cs 12"
nuclide = "Cs-137"
reading = 1000
unit = "cps"
at = 2024-01-10T08:00:00+01:00

[[clock]]
shown = 2024-01-10T08:02:00+01:00
true = 2024-01-10T08:00:00+01:00

[[done]]
test = "constancy"
on = 2024-01-10
result = "pass"
by = "K. Lind"
"""
ON = dt.date(2024, 1, 10)


def counter(**changes: Any) -> Device:
    return counting_device.device({**tomllib.loads(COUNTER), **changes}, where="counter.toml")


def test_a_document_written_and_read_again_is_the_same(tmp_path: Path) -> None:
    found = counter()
    counting_device.write_device(found, tmp_path / "counter.toml")
    assert counting_device.read_device(tmp_path / "counter.toml") == found


@pytest.mark.parametrize(
    ("on", "value", "u_rel", "codes"),
    [
        (dt.date(2024, 5, 1), 0.25e6, 0.03027, []),
        (dt.date(2024, 6, 10), 0.26e6, 0.02, []),
        (dt.date(2025, 8, 1), 0.26e6, 0.02, ["W-CAL-EXPIRED"]),
        (dt.date(2027, 8, 1), 0.26e6, 0.02, ["S-CAL-EXPIRED"]),
        (dt.date(2024, 1, 9), 0.25e6, 0.03027, ["S-CAL-FUTURE"]),
    ],
)
def test_the_newest_calibration_of_the_day_is_used(
    on: dt.date, value: float, u_rel: float, codes: list[str]
) -> None:
    found = counter().calibration_for("131-I", "2 ml in a 5 ml TUBE", on=on)
    assert found.value.value == pytest.approx(value)
    assert found.value.u_rel == pytest.approx(u_rel, rel=1e-3)
    assert set(found.value.parts) == {"calibration of counter 1"}
    assert [n.code for n in found.notes] == codes


@pytest.mark.parametrize(("nuclide", "geometry"), [("I-124", "2 ml in a 5 ml tube"),
                                                   ("I-131", "1 ml in a 5 ml tube")])  # fmt: skip
def test_another_nuclide_or_volume_has_no_calibration(nuclide: str, geometry: str) -> None:
    with pytest.raises(ReferenceMissing, match=f"no calibration for {nuclide} in the geometry"):
        counter().calibration_for(nuclide, geometry, on=ON)


def test_two_samples_of_a_counter_share_calibration_dead_time_and_background() -> None:
    found = counter()
    held = found.calibration_for("I-131", "2 ml in a 5 ml tube", on=ON)
    background = found.background_counting()
    assert background is not None
    one, two = (
        counting_device.activity_mbq(
            net_rate(Counting(c, 60, name), background, busy=found.busy()).cps, held
        )
        for c, name in ((60_000, "sample 1"), (90_000, "sample 2"))
    )
    assert set(one.parts) & set(two.parts) == {
        "calibration of counter 1", "dead time of counter 1", "counts, background of counter 1",
    }  # fmt: skip
    assert "calibration of counter 1" not in dict((two / one).budget()) or (
        dict((two / one).budget())["calibration of counter 1"] < 1e-12
    )


def test_the_check_source_decays_and_the_clock_is_put_right() -> None:
    found = counter()
    at = dt.datetime(2026, 1, 10, 8, tzinfo=dt.UTC)
    check = found.check(955.0, at=at)
    assert check.expected == pytest.approx(1000 * 2 ** (-731.04 / 11018.3), rel=1e-4)
    assert check.status == "pass"
    assert found.true_time(at).ahead_s == pytest.approx(120)
    strict = counter(tolerance={"warn": 0.0001, "action": 0.01})
    assert strict.check(955.6, at=at).status == "warn"
    with pytest.raises(ReferenceMissing, match="has no check source"):
        _without("check_source").check(1.0, at=at)


def _without(key: str) -> Device:
    document = tomllib.loads(COUNTER)
    del document[key]
    return counting_device.device(document, where="counter.toml")


def test_a_new_counter_may_not_be_used_until_its_checks_are_done() -> None:
    found = counter()
    blocking = found.notes_for("sample activity", on=ON)
    assert "Constancy with the check source" not in " ".join(n.text for n in blocking)
    assert {n.code for n in blocking} == {"S-QC-NEVER"}
    rows = [
        {"test": t.id, "on": ON, "result": "pass", "by": "K. Lind"}
        for t in qc_calendar.calendar("gamma counter")
    ]
    ready = counter(done=rows)
    assert ready.notes_for("sample activity", on=ON) == ()
    tomorrow = ready.notes_for("sample activity", on=ON + dt.timedelta(days=2))
    assert "S-QC-OVERDUE" in {n.code for n in tomorrow}


def test_the_trace_back_names_each_failed_test_with_its_measurements() -> None:
    rows = [
        {"test": "constancy", "on": dt.date(2024, 3, d), "result": r, "by": "K. Lind"}
        for d, r in ((1, "pass"), (9, "fail"), (12, "pass"))
    ]
    measured = {"blood 4": dt.date(2024, 3, 10), "blood 1": dt.date(2024, 2, 1)}
    found = counter(done=rows).made_while_out(measured)
    assert found == {"Constancy with the check source": ("blood 4",)}


def test_an_activity_meter_is_corrected_by_its_factor() -> None:
    row = tomllib.loads(COUNTER)["calibration"][0] | {"unit": "1", "value": 1.04}
    meter = counter(kind="radionuclide calibrator", calibration=[row], dead_time="none")
    held = meter.calibration_for("I-131", "2 ml in a 5 ml tube", on=ON)
    true = held.true_mbq(Uncertain(100.0, {"reading": 1.0}))
    assert true.value == pytest.approx(104)
    assert set(true.parts) == {"reading", "calibration of counter 1"}
    assert meter.busy() is None
    with pytest.raises(QuimbyError, match="E-CAL-UNIT"):
        counting_device.activity_mbq(exact(1.0), held)


@pytest.mark.parametrize("mounting", ["hand-held", "fixed"])
def test_a_monitor_needs_no_calibration_and_says_how_it_is_held(mounting: str) -> None:
    monitor = counter(kind="dose-rate monitor", mounting=mounting, calibration=[], done=[])
    assert monitor.mounting == mounting
    assert "whole-body retention" in {b for t in monitor.tests() for b in t.blocks}


ROW = tomllib.loads(COUNTER)["calibration"][0]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"colour": "grey"}, "colour: Extra inputs are not permitted"),
        ({"kind": "dose-rate monitor", "calibration": []}, "mounting is"),
        ({"mounting": "fixed"}, "mounting is"),
        ({"calibration": [ROW | {"unit": "1"}]}, "a gamma counter is calibrated in cps/Bq or"),
        ({"calibration": [ROW | {"u_relative": {}}]}, "a calibration without doubt"),
        ({"calibration": [ROW | {"valid_until": ON}]}, "valid_until does not lie after date"),
        ({"calibration": [ROW | {"nuclide": "Xx-999"}]}, "no nuclide called 'Xx-999'"),
        ({"calibration": [ROW | {"value": float("nan")}]}, r"calibration.0.value"),
        ({"dead_time": {"tau_us": 2, "u_us": 0}}, "model: Field required"),
        ({"background": {"counts": 1, "time_s": 1, "at": dt.datetime(2024, 1, 1)}}, "timezone"),
        ({"done": [{"test": "luck", "on": ON, "result": "pass", "by": "me"}]},
         "no test is called 'luck'"),
        ({"tolerance": {"warn": 0.1, "action": 0.05}}, "warning limit is 0.1"),
    ],
)  # fmt: skip
def test_a_document_that_is_not_right_names_the_field(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(QuimbyError, match=says):
        counter(**changes)


def test_a_file_that_is_not_there_or_no_toml_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReferenceMissing, match="E-DEV-READ"):
        counting_device.read_device(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("id = ", "utf-8")
    with pytest.raises(ReferenceMissing, match="E-DEV-READ"):
        counting_device.read_device(tmp_path / "bad.toml")
