"""The command line: what it prints, how it ends, and that it adds nothing to the numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import quimby as package
from quimby.cli import terminal
from quimby.cli.job import line, summary
from quimby.core.notes import refusal
from quimby.report import json as document
from quimby.study.draft import draft
from quimby.study.progress import STEPS, Step
from quimby.study.result import Result
from quimby.study.run import run
from tests.sample_result import sample_result
from tests.variants import Ran, light_patient, quick_patient, quimby

BLOCKED = 3


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scans of the demo patient with coarse CTs, not to be changed."""
    return quick_patient(tmp_path_factory)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the one whole run writes to."""
    return tmp_path_factory.mktemp("doors") / "out"


@pytest.fixture(scope="module")
def ran(patient: Path, out: Path) -> Ran:
    """One whole run."""
    return quimby("run", patient, "-o", out, "--set", "residue=0", "--json", "--quiet", "--strict")


@pytest.fixture(scope="module")
def result(patient: Path) -> Result:
    """The same without the command line."""
    return run(draft(patient, answers={"residue": "0"}).study())


def test_json_prints_one_document_and_nothing_else(ran: Ran, out: Path) -> None:
    found = json.loads(ran.out)
    assert found["schema"] == "quimby.result"
    assert ran.out == (out / "result.json").read_text("utf-8")


def test_quiet_says_nothing(ran: Ran) -> None:
    assert ran.err == ""


def test_strict_ends_with_three_where_something_blocks(ran: Ran) -> None:
    blocking = [n for n in json.loads(ran.out)["notes"] if n["code"].startswith("S-")]
    assert blocking
    assert ran.exit_code == BLOCKED


def test_everything_is_written_and_nothing_lies_beside_it(ran: Ran, out: Path) -> None:
    assert ran.out
    names = {p.name for p in out.iterdir()}
    assert names == {"report.pdf", "result.json", "tables", "figures", "dicom"}
    assert [p.name for p in out.parent.iterdir()] == [out.name]


def test_the_same_files_give_the_same_bytes(ran: Ran, result: Result) -> None:
    assert ran.out == document.text(result)


def test_the_command_in_a_process_of_its_own_gives_the_same_version() -> None:
    program = Path(sys.executable).with_name("quimby")
    ended = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert ended.stdout == f"quimby {package.__version__}\n"
    assert ended.stderr == ""


def test_version_and_help_end_well() -> None:
    assert quimby("--version").out == f"quimby {package.__version__}\n"
    for words in (["--help"], ["run", "-h"], ["study", "-h"], ["calibrate", "spect", "-h"]):
        asked = quimby(*words)
        assert asked.exit_code == 0
        assert "Usage" in asked.out


def spoken(result: Result) -> str:
    """What the terminal says of a result."""
    to = Console(file=StringIO(), width=96, soft_wrap=True, highlight=False)
    summary(to, result, [Path("out/report.pdf"), Path("out/dicom/RTDOSE.dcm")], Path("out"))
    assert isinstance(to.file, StringIO)
    return to.file.getvalue()


def test_the_terminal_names_doses_blocking_notes_and_what_to_open(result: Result) -> None:
    said = spoken(result)
    assert line(result.combined[0]) in said
    assert "Kidneys" in said
    assert "Kidney_L " not in said  # the pair stands for both
    for note in result.notes:
        if note.severity == "blocking":
            assert f"{note.code}" in said
            assert note.do in " ".join(said.split())  # lines end at 96 columns
    assert "to mend or override before signing" in said
    assert "Open out/report.pdf" in said
    assert "dicom/" in said


def test_a_line_gives_dose_total_and_share_of_its_limit() -> None:
    pair = sample_result(pictures=False).combined[0]
    said = line(pair)
    assert said.startswith(pair.name)
    assert " Gy" in said
    assert "% of " in said


def test_each_step_is_shown_with_its_number_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.StepLines(quiet=False) as show:
        for name in STEPS:
            show(Step(name))
            show(Step(name, "scan 2 of 4"))
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert [text.split()[:2] for text in lines] == [
        [f"{n}/{len(STEPS)}", name] for n, name in enumerate(STEPS, start=1)
    ]
    assert all(text.endswith(" s") for text in lines)


def test_quiet_steps_are_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.StepLines(quiet=True) as show:
        show(Step("read"))
    assert capsys.readouterr().err == ""


def test_study_quiet_says_nothing(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    asked = quimby("study", light_patient(tmp_path_factory), "-o", tmp_path / "s.toml", "--quiet")
    assert (asked.exit_code, asked.out, asked.err) == (0, "", "")


def test_study_verbose_lists_what_is_left_out(case_a: Path, tmp_path: Path) -> None:
    brief = quimby("study", case_a, "-o", tmp_path / "s.toml")
    long = quimby("study", case_a, "-o", tmp_path / "s.toml", "--verbose")
    assert "Left out 4  (list: --verbose)" in brief.out
    assert "PLANAR" not in brief.out
    assert "tp1/PLANAR.dcm: whole body views are not used" in long.out


@pytest.mark.parametrize(
    ("code", "exits"), [("E-STUDY-EMPTY", 10), ("E-CAL-READ", 11), ("E-TIA-NOCLEAR", 12),
                        ("E-OUT-WRITE", 14)],
)  # fmt: skip
def test_each_family_of_errors_has_its_own_exit_code(
    capsys: pytest.CaptureFixture[str], code: str, exits: int
) -> None:
    def job() -> int:
        raise refusal(code, where="here", here="x", what="x", why="z", reason="full")

    assert terminal.guarded(job) == exits
    said = capsys.readouterr().err
    assert said.startswith(f"\n{code}  ")
    assert "  where  here" in said


def test_a_full_disk_or_a_closed_folder_is_nobody_s_bug(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def job() -> int:
        (tmp_path / "absent" / "file").write_text("x")
        return 0

    assert terminal.guarded(job) == 14
    said = capsys.readouterr().err
    assert "E-OUTSIDE" in said
    assert "absent/file" in said


def test_stopping_by_hand_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    def job() -> int:
        raise KeyboardInterrupt

    assert terminal.guarded(job) == 130
    assert "Nothing half-written" in capsys.readouterr().err


def test_a_bug_ends_with_one_and_names_its_log_and_shows_no_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from quimby.cli import job

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("broken on purpose")

    monkeypatch.setattr(job, "draft", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "patient").mkdir()
    ended = quimby("run", tmp_path / "patient", "-o", tmp_path / "out")
    assert ended.exit_code == 1
    assert "E-QUIMBY" in ended.err
    assert "Traceback" not in ended.err
    (log,) = tmp_path.glob("quimby-error-*.txt")
    assert str(log) in ended.err
    text = log.read_text("utf-8")
    assert "ZeroDivisionError: broken on purpose" in text
    assert not (tmp_path / "out").exists()
