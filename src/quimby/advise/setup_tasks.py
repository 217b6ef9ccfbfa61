"""The tasks of setting up a protocol, as they stand in the data; hours are estimates."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import Field

from quimby.protocols.practice import NotNegative, Part, Text
from quimby.protocols.words import Device, Role


class Task(Part):
    """One task; `each` says what it is done for, `after` what must be done first."""

    id: Text
    step: Literal[1, 2, 3]
    title: Text  # with places: {protocol}, {device}, {nuclide}, {phantom}, {cameras}, …
    hours: Mapping[Role, NotNegative] = Field(min_length=1)
    answers: Role
    each: Literal["once", "device", "calibration", "filling", "scan", "competence"] = "once"
    kinds: tuple[Device, ...] = ()
    only: Literal["", "unchecked"] = ""  # of devices: those without quality control
    camera_h: NotNegative = 0.0
    learner_h: NotNegative = 0.0  # of whoever is trained
    needs: str = ""  # competence of whoever does it, where the protocol asks for that competence
    after: tuple[Text, ...] = ()


STEPS = {1: "Protocol", 2: "Preparation", 3: "Patients"}
"""The three steps of the guide."""


@cache
def tasks() -> tuple[Task, ...]:
    """Every task, in the order of work."""
    rows = tomllib.loads(_text())["task"]
    return tuple(Task.model_validate(row) for row in rows)


@cache
def source() -> tuple[str, str]:
    """Where the hours come from, and their evidence tag."""
    found = tomllib.loads(_text())
    return found["source"], found["tag"]


def _text() -> str:
    return files("quimby.advise").joinpath("data", "setup_tasks.toml").read_text("utf-8")
