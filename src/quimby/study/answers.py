"""Answers typed as key=value, and where in a study document each goes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from quimby.core.notes import refusal

SHORT = {
    "administered": "administrations.0.activity",
    "administered_u": "administrations.0.activity_u",
    "administered_at": "administrations.0.at",
    "prescribed": "administrations.0.prescribed",
    "residue": "administrations.0.residuals",
    "cycle": "administrations.0.cycle",
    "nuclide": "administrations.0.nuclide",
    "agent": "administrations.0.agent",
    "regions": "administrations.0.outlines.regions",
    "masses": "administrations.0.outlines.masses",
    "outlines": "administrations.0.outlines.paths",
    "outlines_on": "administrations.0.outlines.on",
    "sex": "patient.sex",
    "weight": "patient.weight",
    "height": "patient.height",
    "camera": "calibration.camera",
    "fill": "calibration.fill",
    "cylinder": "calibration.cylinder.path",
    "spheres": "calibration.spheres.path",
}
"""Short names that questions use, and the path each stands for."""

PATHS = ("camera", "fill", "cylinder", "spheres")
"""Short names whose value is a path."""

_RESIDUE = re.compile(r"^(.*?)\s+at\s+(\S+)$")


def parse_answers(pairs: Sequence[str]) -> dict[str, str]:
    """`key=value` texts as a mapping; E-STUDY-SET for one without `=`.

    A path is taken as seen from the current folder, where it was typed.
    """
    answers = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or not key.strip():
            raise refusal("E-STUDY-SET", where="--set", text=pair)
        name = key.strip()
        answers[name] = str(Path(value.strip()).resolve()) if name in PATHS else value.strip()
    return answers


def apply_answers(document: dict[str, Any], answers: Mapping[str, str]) -> None:
    """Write each answer into the raw document, in place."""
    for key, text in answers.items():
        head, _, rest = key.partition(".")
        path = SHORT.get(key) or (f"{SHORT[head]}.{rest}" if head in SHORT else key)
        if head == "scans":
            path = _scan_path(document, rest, where=f"--set {key}")
        _put(document, path, _value(path, text, f"--set {key}"), where=f"--set {key}")


def _scan_path(document: dict[str, Any], rest: str, *, where: str) -> str:
    """`scans.scan-2.at` is the measurement of that id, wherever in the list it stands."""
    name, _, field = rest.partition(".")
    for a, given in enumerate(document.get("administrations", [])):
        for m, measured in enumerate(given.get("measurements", [])):
            if measured.get("id") == name:
                return f"administrations.{a}.measurements.{m}.{field}"
    raise refusal("E-STUDY-KEY", where=where, problem=f"there is no scan called {name!r}.")


def _value(path: str, text: str, where: str) -> Any:
    """Yes and no, whole numbers, lists and tables as in TOML; all else is text.

    A birth date, or a number with zeros in front, stays as it was typed.
    """
    if path.endswith("residuals"):
        return _residuals(text, where)
    if path.endswith((".at", "_at")):
        return _moment(text, where)
    if path.endswith("outlines.paths") and not text.startswith("["):
        return [text]
    try:
        found = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    whole = isinstance(found, int) and str(found) == text
    return found if whole or isinstance(found, (bool, str, list, dict)) else text


def _moment(text: str, where: str) -> Any:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise refusal("E-TIME-FORMAT", where=where, text=text) from None


def _residuals(text: str, where: str) -> list[dict[str, Any]]:
    if text in ("0", "none", "[]"):
        return []
    match = _RESIDUE.match(text)
    if match is None:
        raise refusal("E-UNIT", where=where, text=text, kind="activity and time",
                      units='"12 MBq at 2026-03-02T10:40+01:00"')  # fmt: skip
    return [{"activity": match[1], "at": _moment(match[2], where)}]


def _put(document: dict[str, Any], path: str, value: Any, *, where: str) -> None:
    """Walk a dotted path (numbers index lists); the last step is set, tables are made."""
    steps = _steps(path)
    at: Any = document
    for step in steps[:-1]:
        listed = isinstance(at, list)
        at = _item(at, step, where) if listed else at.setdefault(step, {})
        if not isinstance(at, (list, dict)):
            raise refusal(
                "E-STUDY-KEY", where=where, problem=f"{step} is {at!r} and holds no keys."
            )
    if isinstance(at, list):
        at[_index(at, steps[-1], where)] = value
    else:
        at[steps[-1]] = value


def _steps(path: str) -> list[str]:
    """Steps of a path; an outline's name after `regions.` or `masses.` may itself contain dots."""
    for named in ("regions", "masses"):
        head, mark, name = path.partition(f".{named}.")
        if mark:
            return [*head.split("."), named, name]
    return path.split(".")


def _index(at: list[Any], step: str, where: str) -> int:
    if not step.isdigit() or int(step) >= len(at):
        raise refusal("E-STUDY-KEY", where=where, problem=f"there is no item {step} in the list.")
    return int(step)


def _item(at: list[Any], step: str, where: str) -> Any:
    return at[_index(at, step, where)]
