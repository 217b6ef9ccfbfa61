"""The page on devices does what it says: its examples run, in order, in one folder."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from quimby.devices.counting_device import Device, read_device
from quimby.devices.device_file import changed
from quimby.devices.qc_calendar import Done
from tests.variants import quimby

PAGE = Path(__file__).resolve().parents[1] / "docs" / "devices.md"
BLOCK = re.compile(r"(?:^`(?P<file>[\w.]+)`[^\n]*\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$",
                   re.DOTALL | re.MULTILINE)  # fmt: skip
BLOCKED = 3


def seeded(path: Path) -> None:
    """Twenty readings of the check source, as twenty working days bring them."""

    def add(device: Device) -> Device:
        rows = tuple(
            Done.model_validate({"test": "constancy", "on": f"2025-01-{11 + n:02}", "by": "T. Ros",
                                 "result": "pass", "reading": 951.0 + (-1) ** n * (n % 4),
                                 "unit": "cps", "expected": 951.0})
            for n in range(3, 20)
        )  # fmt: skip
        return device.model_copy(update={"done": (*device.done, *rows)})

    changed(path, add)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, done from top to bottom."""
    made = tmp_path_factory.mktemp("devices")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        for block in BLOCK.finditer(PAGE.read_text("utf-8")):
            _do(block, made)
    return made


def _do(block: re.Match[str], folder: Path) -> None:
    if block["kind"] == "csv":
        assert block["file"], "a table says its name on the line before"
        (folder / block["file"]).write_text(block["text"], "utf-8")
    elif block["kind"] == "ini":
        document = folder / "counter.toml"
        document.write_text(document.read_text("utf-8") + "\n" + block["text"], "utf-8")
    elif block["kind"] == "bash":
        for line in block["text"].splitlines():
            if " baseline " in line:
                seeded(folder / "counter.toml")
            words = shlex.split(line)
            assert words[0] == "quimby"
            ended = quimby(*words[1:])
            assert ended.exit_code == 0, f"{line}\n{ended.out}\n{ended.err}"


def test_every_example_of_the_page_runs(folder: Path) -> None:
    made = {p.name for p in folder.iterdir()}
    assert {"counter.toml", "probe.toml", "monitor.toml", "meter.toml", "dead-time.png",
            "chart.png", "linearity.svg"} <= made  # fmt: skip
    assert not [name for name in made if name.startswith(".") or name.endswith(".old")]


def test_the_counter_of_the_page_may_be_used_on_its_day_and_not_a_week_later(folder: Path) -> None:
    document = folder / "counter.toml"
    assert quimby("device", "show", document, "--on", "2025-01-13", "--strict").exit_code == 0
    assert quimby("device", "show", document, "--on", "2025-03-10", "--strict").exit_code == BLOCKED


def test_the_dead_time_before_is_kept_beside_the_new_one(folder: Path) -> None:
    counter = read_device(folder / "counter.toml")
    assert counter.dead_time != "none"
    assert (counter.dead_time.method, counter.dead_time.model) == (
        "decaying source", "non-paralysable")  # fmt: skip
    assert [d.method for d in counter.former_dead_time] == ["two sources"]
    assert counter.former_dead_time[0].tau_us == pytest.approx(counter.dead_time.tau_us, rel=0.05)


def test_comments_of_the_template_are_still_there(folder: Path) -> None:
    text = (folder / "counter.toml").read_text("utf-8")
    assert "# Lines that begin with # are not read" in text
    assert "# most counters; or" in text


def keys_of(model: type[BaseModel]) -> set[str]:
    """Every key of a document and of the parts inside it."""
    found = set(model.model_fields)
    for field in model.model_fields.values():
        for part in _parts(field.annotation):
            found |= keys_of(part)
    return found


def _parts(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for inner in get_args(annotation) for part in _parts(inner)]


def test_every_key_of_the_document_is_explained() -> None:
    table = PAGE.read_text("utf-8").split("## The document")[1]
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", table))))
    assert keys_of(Device) - words == set()
