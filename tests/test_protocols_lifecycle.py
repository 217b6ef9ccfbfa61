"""Draft, reviewed, active, retired: in order, by two people, of one text."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from quimby import protocols
from quimby.cli.app import app
from quimby.core.errors import QuimbyError
from quimby.protocols.lifecycle import moved

DAY = date(2026, 3, 2)
TEXT = files("quimby.protocols").joinpath("data", "BT-SIMPLE.toml").read_text("utf-8")


def code_of(error: pytest.ExceptionInfo[QuimbyError]) -> str:
    return error.value.code


def read(text: str) -> protocols.Protocol:
    return protocols.read(text, where="ours.toml")


def reviewed() -> str:
    return moved(TEXT, read(TEXT), "reviewed", by="A. One", on=DAY)


def active() -> str:
    return moved(reviewed(), read(reviewed()), "active", by="B. Two", on=DAY)


def test_a_protocol_moves_from_draft_to_retired() -> None:
    assert read(reviewed()).status == "reviewed"
    assert read(active()).status == "active"
    retired = read(moved(active(), read(active()), "retired", by="A. One", on=DAY))
    assert retired.status == "retired"
    assert [a.by for a in retired.approval] == ["A. One", "B. Two", "A. One"]


def test_comments_and_everything_else_stay() -> None:
    kept = [line for line in TEXT.splitlines() if not line.startswith("status")]
    assert [line for line in active().splitlines() if line in kept][: len(kept)] == kept
    assert TEXT.splitlines()[0].startswith("#")


def test_a_name_with_quotes_is_kept() -> None:
    text = moved(TEXT, read(TEXT), "reviewed", by='A. "Al" One\\Two', on=DAY)
    assert read(text).approval[0].by == 'A. "Al" One\\Two'


def test_an_approved_protocol_cannot_be_changed() -> None:
    changed = active().replace('version = "', 'version = "9')
    with pytest.raises(QuimbyError) as error:
        read(changed)
    assert code_of(error) == "E-PROTOCOL-CHANGED"
    assert "B. Two" in str(error.value)


def test_a_status_without_approval_is_refused() -> None:
    with pytest.raises(QuimbyError) as error:
        read(TEXT.replace('status = "draft"', 'status = "active"'))
    assert code_of(error) == "E-PROTOCOL-APPROVAL"


def test_one_person_cannot_review_and_activate() -> None:
    with pytest.raises(QuimbyError) as error:
        moved(reviewed(), read(reviewed()), "active", by=" a. one ", on=DAY)
    assert code_of(error) == "E-PROTOCOL-FOUR-EYES"


def test_a_draft_cannot_be_activated() -> None:
    with pytest.raises(QuimbyError) as error:
        moved(TEXT, read(TEXT), "active", by="A. One", on=DAY)
    assert code_of(error) == "E-PROTOCOL-STATE"
    assert "reviewed" in str(error.value)


def test_every_shipped_protocol_stands_as_a_draft() -> None:
    """Nobody's centre has approved it."""
    assert {protocols.load(name).status for name in protocols.names()} == {"draft"}


def test_the_commands_take_a_protocol_to_use_and_out_of_it(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_text(TEXT, "utf-8")
    for command, by, state in (
        ("approve", "A. One", "reviewed"), ("approve", "B. Two", "active"),
        ("retire", "A. One", "retired"),
    ):  # fmt: skip
        ran = CliRunner().invoke(app, ["protocol", command, str(path), "--by", by])
        assert ran.exit_code == 0, ran.output
        assert f"is {state}" in ran.output
        assert protocols.load_file(path).status == state


def test_an_active_protocol_is_not_approved_again(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_text(active(), "utf-8")
    ran = CliRunner().invoke(app, ["protocol", "approve", str(path), "--by", "C. Three"])
    assert ran.exit_code != 0
    assert path.read_text("utf-8") == active()
