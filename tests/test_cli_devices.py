"""`quimby device`: what it records, what it judges, what it refuses, and that it loses nothing."""

from __future__ import annotations

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from math import exp, log
from pathlib import Path
from typing import Any, get_args

import pytest

from quimby.core.errors import QuimbyError
from quimby.devices import counting_device
from quimby.devices.counting_device import Device, read_device
from quimby.devices.device_file import changed
from quimby.devices.qc_calendar import Done, Kind
from quimby.physics.nuclides import nuclide
from tests.device_documents import READY, counter, counter_text
from tests.variants import Ran, quimby

BLOCKED = 3
I131_H = nuclide("I-131").half_life_h.value
BATCH = """\
sample,kind,nuclide,counts [counts],live time [s],counted at,volume [ml]
S1,standard,I-131,61234,60,2025-01-13 10:00,2.00
S2,standard,I-131,{second},60,2025-01-13 10:02,2.00
blank,background,,60,60,2025-01-13 10:04,2.00
"""


def enter(path: Path, *words: str | Path, on: str = "2025-01-14") -> Ran:
    return quimby("device", "enter", path, *words, "--on", on, "--by", "T. Ros")


def last(path: Path) -> Done:
    return read_device(path).done[-1]


# A new document


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_new_document_of_each_kind_is_valid_once_its_dead_time_is_said(
    kind: Kind, tmp_path: Path
) -> None:
    mounting = ["--mounting", "hand-held"] if kind == "dose-rate monitor" else []
    open_path, path = tmp_path / "open.toml", tmp_path / "device.toml"

    assert quimby("device", "new", kind, "-o", open_path, *mounting).exit_code == 0
    assert quimby("device", "new", kind, "-o", path, "--no-dead-time", *mounting).exit_code == 0

    assert "E-DEV-DEAD-TIME" in quimby("device", "show", open_path).err
    made = read_device(path)
    assert made.kind == kind
    assert made.is_new(on=READY)
    assert quimby("device", "show", path, "--strict").exit_code == BLOCKED


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_commented_part_of_the_template_is_right_when_it_is_used(
    kind: Kind, tmp_path: Path
) -> None:
    mounting = ["--mounting", "fixed"] if kind == "dose-rate monitor" else []
    path = tmp_path / "device.toml"
    quimby("device", "new", kind, "-o", path, *mounting)
    lines = path.read_text("utf-8").splitlines()
    used = [
        line[2:]
        if line.startswith("# ")
        and ("=" in line or line.startswith("# ["))
        and not line.endswith(".")
        and "dead_time =" not in line
        else line
        for line in lines
    ]
    path.write_text("\n".join(used), "utf-8")

    made = read_device(path)

    assert made.dead_time != "none"
    assert made.background is not None
    assert made.check_source is not None
    assert made.tolerance is not None
    assert len(made.calibration) == len(made.test) == 1
    assert made.also_for == ("whole-body retention",)


def test_a_document_is_never_written_over(tmp_path: Path) -> None:
    path = counter(tmp_path)
    before = path.read_bytes()

    again = quimby("device", "new", "gamma counter", "-o", path)

    assert (again.exit_code, path.read_bytes()) == (10, before)
    assert "E-DEV-EXISTS" in again.err


def test_quotes_and_letters_of_any_kind_survive_in_a_new_document(tmp_path: Path) -> None:
    path = tmp_path / "d.toml"
    quimby("device", "new", "probe", "-o", path, "--id", 'Raum "3" µ\\x', "--no-dead-time")
    assert read_device(path).id == 'Raum "3" µ\\x'


# Checks


def test_the_reference_that_a_reading_is_held_against_decays(tmp_path: Path) -> None:
    path = counter(tmp_path)
    path.write_text(path.read_text("utf-8").replace("2025-01-13", "2015-01-13"), "utf-8")
    days = (dt.date(2025, 1, 13) - dt.date(2015, 1, 13)).days

    enter(path, "constancy", "--reading", "795 cps", on="2025-01-13T08:00+01:00")

    expected = 1000 * 2 ** (-days / (30.05 * 365.2422))
    assert last(path).expected == pytest.approx(expected, rel=1e-3)
    assert last(path).result == "pass"


@pytest.mark.parametrize(
    ("reading", "result", "code"),
    [("1015 cps", "pass", None), ("1040 cps", "warn", "W-QC-WARN"),
     ("0.94 kcps", "fail", "S-QC-FAILED"), ("60600 cpm", "pass", None),
     ("62430 counts in 60 s", "warn", "W-QC-WARN")],
)  # fmt: skip
def test_constancy_passes_warns_or_fails_by_the_tolerance_in_any_unit(
    reading: str, result: str, code: str | None, tmp_path: Path
) -> None:
    path = counter(tmp_path)

    ended = enter(path, "constancy", "--reading", reading, "--json")

    said = json.loads(ended.out)
    assert (last(path).result, said["result"]) == (result, result)
    assert [n["code"] for n in said["notes"]] == ([code] if code else [])
    assert last(path).unit == "cps"


def test_a_background_typed_with_the_reading_is_taken_away(tmp_path: Path) -> None:
    path = counter(tmp_path)
    enter(path, "constancy", "--reading", "61200 counts in 60 s", "--background",
          "600 counts in 60 s")  # fmt: skip
    assert last(path).reading == pytest.approx(1010)


def test_a_failed_check_blocks_from_that_day_until_one_passes(tmp_path: Path) -> None:
    path = counter(tmp_path)

    failed = enter(path, "constancy", "--reading", "900 cps", "--strict")

    assert failed.exit_code == BLOCKED
    assert "Out of control since 2025-01-14; the last good check was on 2025-01-13" in failed.out
    device = read_device(path)
    on = dt.date(2025, 1, 14)
    codes = [n.code for n in device.notes_for("sample activity", on=on)]
    assert "S-QC-FAILED" in codes
    assert not device.may_measure("sample activity", on=on)
    assert enter(path, "constancy", "--reading", "1001 cps").exit_code == 0
    assert read_device(path).may_measure("sample activity", on=on)
    assert [d.result for d in read_device(path).done[-2:]] == ["fail", "pass"]


def test_a_reading_that_fails_is_not_entered_as_passed_but_a_person_may_fail_a_good_one(
    tmp_path: Path,
) -> None:
    path = counter(tmp_path)
    before = path.read_bytes()

    refused = enter(path, "constancy", "--reading", "900 cps", "--status", "passed")

    assert "E-QC-JUDGED" in refused.err
    assert path.read_bytes() == before
    enter(path, "constancy", "--reading", "1000 cps", "--status", "failed", "--note", "noisy")
    assert (last(path).result, last(path).why) == ("fail", "noisy")


def test_a_background_far_from_the_recorded_one_warns(tmp_path: Path) -> None:
    path = counter(tmp_path)
    said = enter(path, "background", "--reading", "780 counts in 600 s").out
    assert "W-QC-BACKGROUND" in said
    assert last(path).result == "warn"
    assert enter(path, "background", "--reading", "615 counts in 600 s").exit_code == 0
    assert last(path).result == "pass"


def test_a_slow_drift_inside_the_tolerance_is_seen_by_the_chart(tmp_path: Path) -> None:
    path = counter(tmp_path)
    steady = [1000 + d for d in (0, 2, -2, 1, -1, 2, -1, 1, -2, 0, 2, -2)]
    for n, value in enumerate(steady):
        enter(path, "constancy", "--reading", f"{value} cps", on=f"2025-01-{14 + n}")
    assert quimby("device", "baseline", path, "constancy", "--by", "K. Lind").exit_code == 0

    drifted = enter(path, "constancy", "--reading", "1010 cps", on="2025-01-27")

    assert last(path).result == "fail"
    assert "1_3s" in last(path).why
    assert abs(last(path).deviation or 1) < 0.03
    assert "control chart: +" in drifted.out


def test_readings_of_the_baseline_do_not_count_into_the_runs_after_it(tmp_path: Path) -> None:
    path = counter(tmp_path)
    rows = [
        Done.model_validate(
            {"test": "constancy", "on": f"2025-01-{14 + n}", "result": "pass", "by": "T",
             "reading": 1004.0 + n % 2 if n > 2 else 990.0, "unit": "cps", "expected": 1000.0}
        ) for n in range(12)
    ]  # fmt: skip
    changed(path, lambda d: d.model_copy(update={"done": (*d.done, *rows)}))
    quimby("device", "baseline", path, "constancy", "--by", "K. Lind")

    enter(path, "constancy", "--reading", "1002 cps", on="2025-02-01")

    assert last(path).result == "pass"  # the tenth in a row above the mean, nine of them before


def test_a_calibration_that_ran_out_stands_on_the_calendar(tmp_path: Path) -> None:
    path = counter(tmp_path)
    calibrate(path, batch(tmp_path), "--valid-until", "2025-02-01")
    for on, state in (("2025-01-25", "next"), ("2025-02-02", "overdue")):
        found = json.loads(quimby("device", "calendar", path, "--on", on, "--json").out)
        (row,) = [t for t in found["tasks"] if t["what"] == "Calibration I-131, 2 ml tube"]
        assert (row["state"], row["due_on"]) == (state, "2025-02-01")


def test_a_new_baseline_needs_a_repair_and_then_rests_on_what_followed_it(tmp_path: Path) -> None:
    path = counter(tmp_path)
    for n in range(10):
        enter(path, "constancy", "--reading", f"{1000 + (-1) ** n * 3} cps", on=f"2025-01-{14 + n}")
    quimby("device", "baseline", path, "constancy", "--by", "K. Lind")
    again = quimby("device", "baseline", path, "constancy", "--by", "K. Lind")
    assert "E-QC-BASELINE" in again.err

    quimby("device", "repair", path, "--on", "2025-02-01", "--by", "K. Lind", "--why", "new tube")
    for n in range(10):
        enter(
            path, "constancy", "--reading", f"{1010 + (-1) ** n * 3} cps", on=f"2025-02-{2 + n:02}"
        )
    made = quimby("device", "baseline", path, "constancy", "--by", "K. Lind")

    assert made.exit_code == 0, made.err
    newest = read_device(path).baseline[-1]
    assert (newest.first, newest.last) == (dt.date(2025, 2, 2), dt.date(2025, 2, 11))
    states = {s.id: s.status for s in read_device(path).standing(today=dt.date(2025, 2, 12))}
    assert states["dead-time"] == "never"


# Nothing is lost


def test_comments_and_every_earlier_line_stay(tmp_path: Path) -> None:
    path = counter(tmp_path)
    before = path.read_text("utf-8")

    enter(path, "constancy", "--reading", "1000 cps")
    quimby("device", "clock", path, "--shown", "2025-01-14T08:01:30+01:00", "--true",
           "2025-01-14T08:00:00+01:00")  # fmt: skip

    assert path.read_text("utf-8").startswith(before)
    assert read_device(path).true_time(
        dt.datetime(2025, 1, 14, 9, tzinfo=dt.UTC)
    ).ahead_s == pytest.approx(90)


def test_a_replaced_dead_time_leaves_the_rest_of_the_text_alone(tmp_path: Path) -> None:
    path = counter(tmp_path)
    before = path.read_text("utf-8").splitlines()
    two_source(path)
    after = path.read_text("utf-8").splitlines()
    assert [line for line in before if line not in after] == ['dead_time = "none"']
    two_source(path)
    device = read_device(path)
    assert len(device.former_dead_time) == 1
    assert path.read_text("utf-8").count("\n[dead_time]\n") == 1


def test_a_document_with_records_on_one_line_is_written_anew_and_the_old_one_kept(
    tmp_path: Path,
) -> None:
    row = '{ test = "constancy", on = 2025-01-10, result = "pass", by = "K. Lind" }'
    path = counter(tmp_path, ready=False)
    text = path.read_text("utf-8").replace("dead_time =", f"done = [{row}]\ndead_time =")
    path.write_text(text, "utf-8")

    assert enter(path, "constancy", "--reading", "1000 cps").exit_code == 0

    assert [d.on.day for d in read_device(path).done] == [10, 14]
    assert (tmp_path / "counter.toml.old").read_text("utf-8") == text


def test_a_change_that_would_drop_a_record_is_not_made(tmp_path: Path) -> None:
    path = counter(tmp_path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="would be lost"):
        changed(path, lambda d: d.model_copy(update={"done": d.done[1:]}))
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["counter.toml"]


def test_two_people_who_write_at_once_both_stand_in_the_record(tmp_path: Path) -> None:
    path = counter(tmp_path, ready=False)

    def add(n: int) -> None:
        def more(device: Device) -> Device:
            row = Done.model_validate({"test": "peak", "on": READY, "result": "pass", "by": f"{n}"})
            return device.model_copy(update={"done": (*device.done, row)})

        changed(path, more)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(12)))

    assert sorted(int(d.by) for d in read_device(path).done) == list(range(12))


def test_a_writer_that_does_not_end_is_named_with_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = counter(tmp_path)
    (tmp_path / ".counter.toml.lock").touch()
    monkeypatch.setattr("quimby.devices.device_file.WAIT_S", 0.1)
    ended = enter(path, "peak", "--status", "passed")
    assert ended.exit_code == 14
    assert "delete .counter.toml.lock" in ended.err


def test_a_broken_document_is_not_touched(tmp_path: Path) -> None:
    path = counter(tmp_path, more="[tolerance]\nwarn = 0.1\naction = 0.05\n")
    before = path.read_bytes()
    ended = enter(path, "peak", "--status", "passed")
    assert (ended.exit_code, path.read_bytes()) == (10, before)
    assert not (tmp_path / ".counter.toml.lock").exists()


# Calibration


def batch(folder: Path, second: int = 60571) -> Path:
    path = folder / "batch.csv"
    path.write_text(BATCH.format(second=second), "utf-8")
    return path


def calibrate(path: Path, table: Path, *more: str) -> Ran:
    return quimby(
        "device", "calibrate", path, table, "--nuclide", "I-131", "--geometry", "2 ml tube",
        "--concentration", "2.10 kBq/ml ± 2 %", "--at", "2025-01-13T09:00", "--zone",
        "Europe/Berlin", "--standard", "meter 1", "--pipetting", "1 %", "--by", "K. Lind", *more,
    )  # fmt: skip


def test_the_efficiency_is_the_net_rate_over_the_decayed_activity(tmp_path: Path) -> None:
    path = counter(tmp_path)
    ended = calibrate(path, batch(tmp_path), "--json")
    record = read_device(path).calibration[-1]

    held = [4.2 * exp(-log(2) * h / I131_H) for h in (1 + 0.5 / 60, 1 + 2.5 / 60)]
    by_hand = sum(net / 60 / a for net, a in zip((61174, 60511), held, strict=True)) / 2
    assert record.value == pytest.approx(by_hand, rel=1e-4)
    assert record.unit == "cps/kBq"
    assert record.u_relative["standard activity"] == pytest.approx(0.02)
    assert record.u_relative["pipetting"] == pytest.approx(0.01 / 2**0.5, rel=1e-2)
    assert record.u_relative["counting"] == pytest.approx((2 * 60900) ** -0.5, rel=2e-2)
    assert (record.date, record.valid_until) == (READY, dt.date(2026, 1, 13))
    assert record.raw_data is not None
    assert record.raw_data.startswith("batch.csv, sha256 ")
    assert not record.dead_time_corrected
    assert json.loads(ended.out)["written"]
    assert (last(path).test, last(path).result) == ("efficiency", "pass")


def test_two_pipettings_that_differ_by_more_than_three_per_cent_are_told(tmp_path: Path) -> None:
    path = counter(tmp_path)
    assert "W-CNT-PIPETTE" not in calibrate(path, batch(tmp_path, 59600), "--dry-run").out
    assert "W-CNT-PIPETTE" in calibrate(path, batch(tmp_path, 59100), "--dry-run").out


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    path = counter(tmp_path)
    before = path.read_bytes()
    assert "Nothing was written" in calibrate(path, batch(tmp_path), "--dry-run").out
    assert path.read_bytes() == before


def test_a_counter_held_against_what_it_was_calibrated_with_agrees(tmp_path: Path) -> None:
    path = counter(tmp_path)
    calibrate(path, batch(tmp_path))
    words = [
        "device",
        "cross-check",
        str(path),
        str(batch(tmp_path)),
        "--nuclide",
        "I-131",
        "--geometry",
        "2 ml tube",
        "--at",
        "2025-01-13T09:00",
        "--zone",
        "Europe/Berlin",
    ]
    same = json.loads(quimby(*words, "--concentration", "2.10 kBq/ml ± 2 %", "--json").out)
    assert same["ratio"]["value"] == pytest.approx(1, abs=1e-4)
    off = quimby(*words, "--concentration", "1.90 kBq/ml ± 2 %", "--record", "--by", "K. Lind")
    assert "W-CNT-CROSS" in off.out
    assert last(path).result == "warn"


def meter(folder: Path) -> Path:
    path = folder / "meter.toml"
    quimby("device", "new", "activity meter", "-o", path, "--no-dead-time")
    return path


@pytest.mark.parametrize(
    ("reading", "code", "result"),
    [("36.9 MBq", None, "pass"), ("39.9 MBq", "W-RNC-DEV", "pass"),
     ("43000 kBq", "S-RNC-DEV", "fail")],
)  # fmt: skip
def test_an_activity_meter_gets_the_factor_of_true_over_shown(
    reading: str, code: str | None, result: str, tmp_path: Path
) -> None:
    path = meter(tmp_path)
    ended = quimby(
        "device", "calibrate", path, "--nuclide", "I-131", "--geometry", "10 ml vial",
        "--activity", "37.2 MBq ± 1.5 %", "--at", "2025-01-13T09:00+01:00", "--reading", reading,
        "--counted-at", "2025-01-13T09:00+01:00", "--standard", "certificate", "--by", "K. Lind",
    )  # fmt: skip
    assert ended.exit_code == 0, ended.err
    shown = float(reading.split()[0]) / (1000 if "kBq" in reading else 1)
    record = read_device(path).calibration[-1]
    assert record.value == pytest.approx(37.2 / shown, rel=1e-5)
    assert record.unit == "1"
    assert (code is None) or code in ended.out
    assert (last(path).test, last(path).result) == ("accuracy", result)


def test_a_monitor_is_calibrated_in_dose_rate_above_background(tmp_path: Path) -> None:
    path = tmp_path / "monitor.toml"
    quimby("device", "new", "monitor", "-o", path, "--mounting", "fixed", "--no-dead-time")
    ended = quimby(
        "device", "calibrate", path, "--nuclide", "I-131", "--geometry", "2 m", "--activity",
        "1.00 GBq ± 3 %", "--at", "2025-01-13T09:00+01:00", "--reading", "15.0 µSv/h",
        "--reading", "15.4 uSv/h", "--background", "200 nSv/h", "--counted-at",
        "2025-01-13T09:00+01:00", "--standard", "meter 1", "--by", "K. Lind",
    )  # fmt: skip
    assert ended.exit_code == 0, ended.err
    record = read_device(path).calibration[-1]
    assert record.value == pytest.approx(0.015)
    assert record.unit == "uSv/h/MBq"
    assert record.u_relative["repeated readings"] == pytest.approx(0.2 / 15.0, rel=1e-2)


# Dead time, linearity, scatter, position


def two_source(path: Path, *more: str) -> Ran:
    return quimby(
        "device", "dead-time", "two-source", "--first", "512340 counts in 60 s", "--second",
        "498770 counts in 60 s", "--together", "960100 counts in 60 s", "--background",
        "612 counts in 600 s", "--model", "non-paralysable", "--write", path, "--by", "K. Lind",
        "--on", "2025-01-13", *more,
    )  # fmt: skip


def test_two_sources_give_the_dead_time_that_makes_the_true_rates_add_up(tmp_path: Path) -> None:
    path = counter(tmp_path)
    said = json.loads(two_source(path, "--json").out)
    tau = said["models"]["non-paralysable"]["tau_us"]["value"] * 1e-6
    rates = [512340 / 60, 498770 / 60, 960100 / 60, 1.02]
    true = [m / (1 - m * tau) for m in rates]
    assert true[0] + true[1] == pytest.approx(true[2] + true[3], rel=1e-9)
    device = read_device(path)
    assert device.dead_time != "none"
    assert device.dead_time.tau_us == pytest.approx(tau * 1e6, rel=1e-3)
    assert (last(path).test, last(path).result) == ("dead-time", "pass")


def test_a_document_that_lacks_its_dead_time_gets_it_by_measuring(tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    quimby("device", "new", "gamma counter", "-o", path)
    assert two_source(path).exit_code == 0
    assert read_device(path).busy() is not None


def readings(folder: Path, header: str, rows: list[str]) -> Path:
    path = folder / "readings.csv"
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return path


def decaying(folder: Path, response: Any) -> Path:
    start, rows = dt.datetime(2025, 1, 14, 9, tzinfo=dt.UTC), []
    for n in range(12):
        true = 60000 * exp(-log(2) * n * 72 / I131_H)
        at = start + dt.timedelta(hours=72 * n)
        rows.append(f"{at:%Y-%m-%d %H:%M}+00:00,{response(true) * 60:.0f},60")
    return readings(folder, "time,reading [counts],live time [s]", rows)


@pytest.mark.parametrize(
    ("model", "response"),
    [("non-paralysable", lambda n: n / (1 + n * 5e-6)),
     ("paralysable", lambda n: n * exp(-n * 5e-6))],
)  # fmt: skip
def test_the_model_that_made_the_readings_is_found_with_its_dead_time(
    model: str, response: Any, tmp_path: Path
) -> None:
    table, plot = decaying(tmp_path, response), tmp_path / "plot.pdf"
    words = ["device", "dead-time", "decay", str(table), "--nuclide", "I-131"]
    said = json.loads(quimby(*words, "--json", "-o", plot).out)
    assert said["chosen"] == model
    assert said["models"][model]["tau_us"]["value"] == pytest.approx(5.0, rel=1e-3)
    assert said["delta_chi2"] > 50
    assert plot.read_bytes().startswith(b"%PDF")
    other = "paralysable" if model != "paralysable" else "non-paralysable"
    assert "W-CNT-OTHER-MODEL" in quimby(*words, "--model", other).out


def test_linearity_against_known_activities_frees_counts_from_dead_time(tmp_path: Path) -> None:
    path = counter(tmp_path)
    rows = [f"{60 * n / (1 + n * 6.3e-6):.0f},60,{n * 1e-4}" for n in (50, 500, 5000, 20000)]
    table = readings(tmp_path, "reading [counts],live time [s],known activity [MBq]", rows)
    lossy = json.loads(quimby("device", "linearity", table, "--json").out)
    assert lossy["status"] == "fail"
    probe = tmp_path / "probe.toml"
    probe.write_text(counter_text(ready=False).replace(
        'dead_time = "none"', 'dead_time = { tau_us = 6.3, u_us = 0.1, model = "non-paralysable" }'
    ).replace("gamma counter", "HPGe"), "utf-8")  # fmt: skip
    freed = quimby("device", "linearity", table, "--write", probe, "--by", "K. Lind", "--json")
    assert "E-QC-TEST" in freed.err  # an HPGe has no such test in its calendar
    assert json.loads(freed.out)["worst"] == pytest.approx(0, abs=1e-3)
    assert path.exists()


def test_counts_too_even_fail_and_block_the_probe(tmp_path: Path) -> None:
    path = counter(tmp_path)
    counts = ["10000", "10003", "9998", "10001", "10002", "9999"]
    ended = quimby("device", "chi-square", *counts, "--write", path, "--by", "K. Lind", "--on",
                   "2025-01-14")  # fmt: skip
    assert "S-QC-FAILED" in ended.out
    assert last(path).result == "fail"


def test_repeatability_takes_counting_out_and_distances_follow_the_inverse_square(
    tmp_path: Path,
) -> None:
    rows = [f"{n},{c},60" for n, c in enumerate((10100, 9900) * 5)]
    table = readings(tmp_path, "set-up,reading [counts],live time [s]", rows)
    said = json.loads(quimby("device", "position", table, "--json").out)
    assert said["setups"] == 10
    assert said["u_rel"] == pytest.approx(0.0032, abs=2e-4)  # 1.05 % seen, 1 % of it is counting
    rows = [f"{d},{1e6 / d**2}" for d in (100, 150, 200)]
    table = readings(tmp_path, "distance [cm],reading [cps]", rows)
    said = json.loads(quimby("device", "position", table, "--json").out)
    assert said["departure"] == pytest.approx([0, 0, 0], abs=1e-6)


# Showing, calendar, trace


def test_show_gives_the_detection_limits_of_currie(tmp_path: Path) -> None:
    path = counter(tmp_path)
    calibrate(path, batch(tmp_path))
    found = json.loads(quimby("device", "show", path, "--on", "2025-01-13", "--json").out)
    limits = found["detection"]
    assert limits["decision_counts"] == pytest.approx(1.645 * (60 * 1.1) ** 0.5)
    assert limits["detection_counts"] == pytest.approx(2.706 + 3.29 * (60 * 1.1) ** 0.5, abs=2e-3)
    efficiency = read_device(path).calibration[0].value / 1e3  # cps per Bq
    least = limits["least_activity_bq"][0]["value"]
    assert least == pytest.approx(limits["detection_counts"] / efficiency / 60)
    assert found["may_measure"] == {"sample activity": True}


def test_show_says_what_is_overdue_what_it_blocks_and_how_to_mend_it(tmp_path: Path) -> None:
    said = quimby("device", "show", counter(tmp_path), "--on", "2025-01-20").out
    assert "⯃ overdue, 6 days" in said
    assert "blocks sample activity → quimby device enter … constancy" in said
    assert "▲ due" in said
    assert "● done" in said


def test_the_calendar_lists_the_pressing_first_and_leaves_nothing_out_unsaid(
    tmp_path: Path,
) -> None:
    counter(tmp_path)
    meter(tmp_path)
    (tmp_path / "camera.toml").write_text('level = "local"\n', "utf-8")
    words = ["device", "calendar", str(tmp_path), "--on", "2025-01-20"]
    found = json.loads(quimby(*words, "--json", "--days", "30").out)
    assert found["left_out"] == ["camera.toml"]
    order = ["failed", "overdue", "never", "due", "next"]
    states = [order.index(t["state"]) for t in found["tasks"]]
    assert states == sorted(states)
    assert len(set(states)) == 4
    upcoming = [t["due_on"] for t in found["tasks"] if t["state"] == "next"]
    assert upcoming == sorted(upcoming)
    assert "2025-02-13" in upcoming
    assert "Left out camera.toml" in quimby(*words).out


def test_two_documents_of_one_device_are_refused(tmp_path: Path) -> None:
    (tmp_path / "copy.toml").write_text(counter_text(), "utf-8")
    counter(tmp_path)
    assert "E-DEV-TWICE" in quimby("device", "calendar", tmp_path).err


def test_trace_lists_what_was_measured_between_the_good_checks(tmp_path: Path) -> None:
    path = counter(tmp_path)
    enter(path, "constancy", "--reading", "900 cps", on="2025-01-20")
    enter(path, "constancy", "--reading", "1000 cps", on="2025-01-22")
    study = tmp_path / "study.toml"
    study.write_text('[blood]\ncounter = "Counter 1"\n[[blood.sample]]\n'
                     'counted = 2025-01-21T09:00:00+01:00\n', "utf-8")  # fmt: skip
    table = tmp_path / "batch.csv"
    table.write_text(BATCH.format(second=1000).replace("standard", "sample"), "utf-8")

    said = json.loads(
        quimby(
            "device",
            "trace",
            path,
            "early=2025-01-12",
            "late=2025-01-23",
            "in it=2025-01-16",
            study,
            table,
            "--zone",
            "UTC",
            "--json",
        ).out
    )

    (hit,) = said["found"].values()
    assert "in it" in hit
    assert "study.toml: blood.sample[0].counted" in hit
    assert not {"early", "late"} & set(hit)
    assert any(name.startswith("batch.csv: S1") for name in hit)  # on the day of the last good one
    other = tmp_path / "other.toml"
    other.write_text('[blood]\ncounter = "counter 9"\nat = 2025-01-21\n', "utf-8")
    assert "E-DEV-TRACE" in quimby("device", "trace", path, other).err


def test_a_plain_terminal_gets_letters_only() -> None:
    import io

    from rich.console import Console

    from quimby.cli.devices.telling import line, state

    raw = io.BytesIO()
    to = Console(file=io.TextIOWrapper(raw, encoding="ascii", write_through=True), width=96)
    line(to, f"{state('overdue', to)}  τ = 5 ± 1 µs → \u2009ok")
    assert raw.getvalue() == b"[XX] overdue  tau = 5 +- 1 us ->  ok\n"


# What it refuses


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["enter", "DOC", "constancy", "--reading", "1000", "--by", "T"], "E-UNIT"),
        (["enter", "DOC", "constancy", "--reading", "12 MBq", "--by", "T"], "E-UNIT-PAIR"),
        (["enter", "DOC", "luck", "--status", "passed", "--by", "T"], "E-QC-TEST"),
        (["enter", "DOC", "peak", "--by", "T"], "E-QC-STATUS"),
        (["enter", "DOC", "peak", "--status", "fine", "--by", "T"], "E-DEV-STATUS"),
        (["enter", "DOC", "peak", "--status", "passed", "--by", " "], "E-DEV-BY"),
        (["enter", "DOC", "peak", "--status", "passed", "--by", "T", "--on", "3.3.25"],
         "E-DEV-DAY"),
        (["enter", "DOC", "peak", "--status", "passed", "--by", "T", "--on", "2999-01-01"],
         "E-QC-ORDER"),
        (["enter", "DOC", "background", "--reading", "12 counts in a while", "--by", "T"],
         "E-DEV-COUNTS"),
        (["enter", "DOC", "constancy", "--reading", "9 cps", "--background", "1 MBq", "--by", "T"],
         "E-UNIT-PAIR"),
        (["repair", "DOC", "--by", "T", "--why", " "], "E-DEV-WHY"),
        (["baseline", "DOC", "constancy", "--by", "T"], "E-QC-READINGS"),
        (["chart", "DOC", "constancy", "-o", "c.png"], "E-QC-CHART"),
        (["chart", "DOC", "constancy", "-o", "c.gif"], "E-DEV-FORM"),
        (["clock", "DOC", "--shown", "2025-01-13T08:00", "--true", "2025-01-13T08:00"],
         "E-TIME-ZONE"),
        (["new", "toaster", "-o", "x.toml"], "E-DEV-KIND"),
        (["new", "monitor", "-o", "x.toml"], "E-DEV-MOUNTING"),
        (["new", "probe", "-o", "x.toml", "--also-for", "mood"], "E-QC-MEASUREMENT"),
        (["calendar", "EMPTY"], "E-DEV-NONE"),
        (["trace", "DOC", "blood 4"], "E-DEV-PAIR"),
        (["show", "EMPTY"], "E-DEV-READ"),
        (["chi-square", "100", "101"], "E-QC-READINGS"),
        (["dead-time", "two-source", "--first", "10 cps", "--second", "1 counts in 1 s",
          "--together", "1 counts in 1 s", "--background", "1 counts in 1 s"], "E-DEV-COUNTS"),
    ],
)  # fmt: skip
def test_what_it_refuses_and_that_nothing_changes(
    words: list[str], code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "EMPTY").mkdir()
    path = counter(tmp_path)
    before = path.read_bytes()

    ended = quimby("device", *[str(path) if w == "DOC" else w for w in words])

    assert f"{code}  " in ended.err
    assert ended.exit_code in (10, 11, 12)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["EMPTY", "counter.toml"]


STANDARD = ["--nuclide", "I-131", "--geometry", "g", "--at", "2025-01-13T09:00+01:00",
            "--standard", "s", "--by", "K"]  # fmt: skip
COUNTED = ["--counts", "600 counts in 60 s", "--counted-at", "2025-01-13T10:00+01:00"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--activity", "4 kBq"], "E-DEV-READINGS"),
        (["--counts", "600 counts in 60 s", "--activity", "4 kBq"], "E-DEV-OPTION"),
        ([*COUNTED, "--activity", "4 kBq"], "E-DEV-NO-DOUBT"),
        ([*COUNTED], "E-DEV-ACTIVITY"),
        ([*COUNTED, "--activity", "4"], "E-UNIT"),
        ([*COUNTED, "--activity", "4 kBq ± 2 %", "--valid-until", "2025-01-01"], "E-DEV-VALID"),
        ([*COUNTED, "--activity", "4 kBq ± 2 %", "--cause", "volume"], "E-DEV-PAIR"),
        ([*COUNTED, "--activity", "4 kBq ± 2 %", "--cause", "volume=1"], "E-UNIT"),
        (["--counts", "600 counts in 60 s", "--counted-at", "2026-01-13T10:00+01:00",
          "--activity", "4 kBq ± 2 %"], "E-DEC-TIME"),
        (["--reading", "36 MBq", "--counted-at", "2025-01-13T10:00+01:00", "--activity",
          "4 kBq ± 2 %"], "E-DEV-READINGS"),
    ],
)  # fmt: skip
def test_what_calibrate_refuses(more: list[str], code: str, tmp_path: Path) -> None:
    path = counter(tmp_path)
    before = path.read_bytes()
    ended = quimby("device", "calibrate", path, *STANDARD, *more)
    assert f"{code}  " in ended.err
    assert path.read_bytes() == before


def test_a_short_lived_check_source_asks_for_the_time_of_day(tmp_path: Path) -> None:
    path = counter(tmp_path)
    path.write_text(path.read_text("utf-8").replace("Cs-137", "I-131"), "utf-8")
    assert "E-QC-CLOCK" in enter(path, "constancy", "--reading", "900 cps").err
    ended = enter(path, "constancy", "--reading", "917 cps", on="2025-01-14T08:00+01:00")
    assert (ended.exit_code, last(path).result) == (0, "pass")


def test_a_table_with_other_headers_is_not_guessed(tmp_path: Path) -> None:
    table = readings(tmp_path, "when,value", ["2025-01-13 09:00,5"])
    assert "E-DEV-COLUMNS" in quimby("device", "linearity", table, "--nuclide", "I-131").err


def test_a_device_is_blocked_for_what_its_checks_cover_and_says_what_they_do_not() -> None:
    document: dict[str, Any] = {
        "id": "probe 1", "kind": "thyroid probe", "manufacturer": "M", "model": "P",
        "serial": "1", "dead_time": "none",
    }  # fmt: skip
    probe = counting_device.device(document, where="probe")
    assert [n.code for n in probe.notes_for("thyroid uptake", on=READY)] == ["S-QC-NEW"]
    assert [n.code for n in probe.notes_for("whole-body retention", on=READY)] == [
        "S-QC-UNCOVERED"]  # fmt: skip
    with pytest.raises(QuimbyError, match="E-QC-MEASUREMENT"):
        probe.notes_for("tyroid uptake", on=READY)
    rows = [{"test": t.id, "on": READY, "result": "pass", "by": "K"} for t in probe.tests()]
    document |= {"also_for": ["whole-body retention"], "done": rows}
    both = counting_device.device(document, where="probe")
    for measurement in ("thyroid uptake", "whole-body retention"):
        assert both.may_measure(measurement, on=READY)
        assert not both.may_measure(measurement, on=READY + dt.timedelta(days=5))
