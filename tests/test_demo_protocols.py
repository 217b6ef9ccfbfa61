"""Every shipped protocol at work on a made-up patient: the contract of the folder of protocols."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from quimby import protocols
from quimby.cli.app import app
from quimby.cli.called import CALLED_AS, called_as
from quimby.cli.showing import demo_job
from quimby.core.errors import InputError, MethodUnfit, ReferenceMissing
from quimby.demo.compare import Row, scanned_rows
from quimby.demo.make import make_patient
from quimby.demo.measured import one_each, readings
from quimby.demo.patient import patients, truth
from quimby.demo.radioiodine.compare import rows
from quimby.demo.radioiodine.make import make_radioiodine
from quimby.demo.shown import THERAPIES, begins, known, shown, therapies_shown
from quimby.measure.readings.table import read_table
from quimby.protocols import Protocol
from quimby.protocols.document import Acquisition
from quimby.study.counted import ACQUIRED
from quimby.study.document import read_study
from quimby.study.run import run

SHOWN = known()
IMAGED = [p for p in SHOWN if protocols.load(p).therapy in patients()]
SCANNED = [p for p in IMAGED if protocols.load(p).level > 1]
LIGHT = [p for p in SHOWN if p not in SCANNED]
OUTSIDE: dict[str, set[str]] = {}
"""Figures whose truth lies outside, each for a reason that is known. Nothing else may."""


def asking(*acquisitions: dict[str, object]) -> Protocol:
    """A shipped protocol that asks for these SPECT/CT."""
    made = tuple(Acquisition.model_validate({"kind": "spect"} | a) for a in acquisitions)
    return protocols.load("LU-STP").model_copy(update={"acquisition": made})


# The contract


@pytest.mark.parametrize("name", protocols.names())
def test_every_shipped_protocol_is_shown_or_says_why_not_yet(name: str) -> None:
    if name in SHOWN:
        assert shown(name).id == name
        assert begins(shown(name)).count(".") >= 3
        return
    with pytest.raises(MethodUnfit, match="cannot be shown yet") as refused:
        shown(name)
    assert protocols.load(name).to_come in str(refused.value)
    assert "LU-FULL" in str(refused.value)


def test_nothing_but_90y_waits_for_its_issue() -> None:
    assert [n for n in protocols.names() if n not in SHOWN] == ["Y90-FULL", "Y90-SIMPLE"]


@pytest.mark.parametrize("name", SCANNED)
def test_scans_lie_in_the_windows_of_the_protocol_and_no_other_kind_is_taken(name: str) -> None:
    asked, made = protocols.load(name), truth(protocols.load(name))

    for kind, scans in (("spect", made.scans), ("planar", made.planars)):
        wanted = [a for a in asked.acquisition if a.kind == kind]
        assert len(scans) <= len(wanted)
        for one in wanted:
            assert any(one.holds(s.time_h) for s in scans) or not one.required, one.id
    assert not any(made.scans[made.outlined].shift_mm)


@pytest.mark.parametrize("name", [p for p in LIGHT if p not in IMAGED])
def test_tables_hold_the_readings_that_the_protocol_asks_for_and_no_other_kind(
    name: str, tmp_path: Path
) -> None:
    asked = protocols.load(name)
    make_radioiodine(name, tmp_path / "patient")
    document = read_study(tmp_path / "patient" / "study.toml").document
    taken = {m.kind for a in document.administrations for m in a.readings}

    wanted = {a.kind for a in asked.acquisition} if asked.level > 1 else set()
    assert {ACQUIRED.get(kind, kind) for kind in taken} == wanted
    assert not [n.code for n in run(read_study(tmp_path / "patient" / "study.toml")).notes
                if n.code == "W-PROTOCOL-MISSING"]  # fmt: skip


def test_one_reading_is_taken_once_beside_its_reference(tmp_path: Path) -> None:
    make_radioiodine("DTC-WB-SINGLE", tmp_path / "patient")
    document = read_study(tmp_path / "patient" / "study.toml").document

    tables = [m.table for a in document.administrations for m in a.readings]
    assert [len(read_table(tmp_path / "patient" / table).rows) for table in tables] == [2, 2]


def test_a_patient_stands_for_every_therapy_that_has_a_protocol_to_show() -> None:
    assert {protocols.load(name).therapy for name in THERAPIES.values()} == set(therapies_shown())


# Which times are taken


def test_of_several_times_in_a_window_the_one_nearest_its_middle_is_taken() -> None:
    between = asking({"id": "a", "window_h": (66.0, 126.0)})

    assert one_each(between, "spect", [67.0, 95.0, 120.0]) == (1,)


def test_a_time_serves_one_acquisition_only() -> None:
    twice = asking({"id": "a", "window_h": (10.0, 30.0)}, {"id": "b", "window_h": (10.0, 30.0)})

    assert one_each(twice, "spect", [12.0, 21.0, 200.0]) == (0, 1)


def test_an_acquisition_that_nobody_can_serve_is_left_out_or_refused() -> None:
    late: dict[str, object] = {"id": "late", "window_h": (400.0, 500.0)}

    assert one_each(asking(late | {"required": False}), "spect", [9.0]) == ()
    with pytest.raises(ReferenceMissing, match="between 400 and 500 h"):
        one_each(asking(late), "spect", [9.0])


def test_level_one_measures_nothing() -> None:
    assert one_each(protocols.load("LU-COHORT"), "planar", [24.0]) == ()
    assert readings(protocols.load("BT-FIXED"), "thyroid", [24.0]) == ()


def test_readings_are_all_taken_but_where_one_is_the_method() -> None:
    hours = [1.0, 6.0, 24.0, 48.0, 96.0, 250.0]

    assert readings(protocols.load("MIBG-WB"), "whole_body", hours) == (0, 1, 2, 3, 4)
    assert readings(protocols.load("DTC-WB-SINGLE"), "whole_body", hours) == (0, 2)
    assert readings(protocols.load("DTC-WB-SINGLE"), "blood", hours) == ()


# At work


@pytest.mark.parametrize("name", LIGHT)
def test_the_light_ones_run_and_the_truth_is_inside_but_for_known_reasons(
    name: str, tmp_path: Path
) -> None:
    if name in IMAGED:
        known_truth = make_patient(tmp_path / "patient", protocol=name)
        compared = scanned_rows(run(read_study(tmp_path / "patient" / "study.toml")), known_truth)
    else:
        told = make_radioiodine(name, tmp_path / "patient")
        compared = rows(run(read_study(tmp_path / "patient" / "study.toml")), told)

    assert compared
    assert _outside(compared) <= OUTSIDE.get(name, set())


def _outside(compared: tuple[Row, ...]) -> set[str]:
    return {row.what for row in compared if not row.inside}


@pytest.mark.parametrize("name", ["BT-SIMPLE", "LU-COHORT"])
def test_the_command_writes_a_report_and_says_how_to_go_on(name: str, tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["demo", "--protocol", name, "-o", str(tmp_path / "out")])

    assert answer.exit_code == 0, answer.output
    assert f"{name}: " in answer.output
    assert "Inside?" in answer.output
    assert f"{called_as()} run {tmp_path / 'out' / 'patient' / 'study.toml'}" in answer.output
    assert (tmp_path / "out" / "report" / "report.pdf").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("name", SCANNED)
def test_the_scanned_ones_run_and_every_region_is_inside(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo_job(tmp_path / "out", protocol=name) == 0

    said = capsys.readouterr().out.splitlines()
    regions = [line for line in said if line.rstrip().endswith(("  yes", "  no"))]
    assert len(regions) >= 7
    assert not [line for line in regions if line.endswith("no")]


# What cannot be shown


def test_a_therapy_and_a_protocol_of_another_are_refused() -> None:
    with pytest.raises(InputError, match="LU-STP is not a protocol of mibg"):
        shown("LU-STP", "mibg")

    assert shown("LU-STP", "dotatate").id == "LU-STP"
    assert shown(therapy="psma").id == "LU-PSMA-FULL"
    assert shown().id == "LU-FULL"


def test_the_command_refuses_90y_with_the_way_out(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["demo", "--protocol", "Y90-FULL", "-o", str(tmp_path)])

    assert answer.exit_code == 12
    assert "E-DEMO-TO-COME" in answer.output


# How it was called


def test_the_command_is_named_as_the_script_of_a_checkout_was_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(CALLED_AS, "./quimby")

    assert called_as() == "./quimby"


def test_a_command_that_the_shell_does_not_find_is_named_by_its_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(CALLED_AS, raising=False)
    own = tmp_path / "quimby"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setattr("sys.argv", [str(own)])

    monkeypatch.setenv("PATH", str(tmp_path))
    assert called_as() == "quimby"
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    assert called_as() == str(own)
