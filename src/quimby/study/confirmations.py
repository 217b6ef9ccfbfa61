"""What a centre confirmed of the constants from memory, and what that changes in a result."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from quimby.core.notes import Note, gathered, refusal
from quimby.core.source import Confirmation, Confirmed, Constant, confirmed_by_centre
from quimby.effect.limits import unverified
from quimby.population.places import Place
from quimby.study.constants import constants, is_shipped, parts_of
from quimby.study.document import Study
from quimby.study.result import InputFile, Pictures, Result

ROLE = "confirmed constants"


class _Row(BaseModel):
    """One [[confirmed]] table."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    value: float = Field(allow_inf_nan=False)
    unit: str
    by: str = Field(pattern=r"\S")
    on: date
    note: str = ""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    confirmed: list[_Row] = []


def read_confirmations(path: Path) -> tuple[Confirmation, ...]:
    """Every confirmation of a file, the oldest first. E-CONST-FILE names what is wrong."""
    try:
        return parsed(path.read_text("utf-8"), where=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise refusal("E-CONST-FILE", where=str(path), why=error) from None


def parsed(text: str, *, where: str) -> tuple[Confirmation, ...]:
    """The confirmations in a TOML text; E-CONST-FILE."""
    try:
        rows = _File.model_validate(tomllib.loads(text)).confirmed
    except tomllib.TOMLDecodeError as error:
        raise refusal("E-CONST-FILE", where=where, why=error) from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(step) for step in first["loc"])
        raise refusal("E-CONST-FILE", where=where, why=f"{key}: {first['msg']}") from None
    return tuple(Confirmation(r.name, r.value, r.unit, Confirmed(r.by, r.on), r.note) for r in rows)


def with_confirmations(result: Result, study: Study) -> Result:
    """The result with what the study's centre confirmed (`[centre] confirmed`), if anything."""
    name = study.document.centre.confirmed
    if not name:
        return result
    path = study.folder / name
    found = apply(result, read_confirmations(path))
    file = InputFile(ROLE, Path(name).name, 1, sha256(path.read_bytes()).hexdigest())
    return replace(found, trace=replace(found.trace, inputs=(*found.trace.inputs, file)))


def apply(result: Result, confirmations: Sequence[Confirmation]) -> Result:
    """The result with every constant and published row that was confirmed saying so.

    Notes S- and I-CONST-UNVERIFIED of those go; W-CONST-LAPSED comes where a constant in use
    has another value than was confirmed.
    """
    used: dict[Constant, Constant] = {}
    notes: list[Note] = []

    def seen(constant: Constant) -> Constant:
        if constant not in used:
            used[constant], told = _one(constant, confirmations)
            notes.extend(told)
        return used[constant]

    found: Result = _walked(result, seen)
    settled = [before for before, now in used.items() if now is not before]
    settled += _shipped(confirmations)
    doubts = {(n.code, n.text) for decides in (True, False)
              for n in unverified(settled, where="", decides=decides)}  # fmt: skip
    kept = [n for n in found.notes if (n.code, n.text) not in doubts]
    return replace(found, notes=gathered([*kept, *dict.fromkeys(notes)]))


def _shipped(confirmations: Sequence[Confirmation]) -> list[Constant]:
    """Confirmed constants as they ship: a note may name one that the result does not hold."""
    by_name = {c.name: c for _, c in constants()}
    return [by_name[c.name] for c in confirmations if c.name in by_name
            and c.holds(by_name[c.name])]  # fmt: skip


def _one(
    constant: Constant, confirmations: Sequence[Confirmation]
) -> tuple[Constant, Sequence[Note]]:  # fmt: skip
    """A constant, or a value worked out from constants, once each of those is confirmed."""
    parts = () if constant.tag != "M" or is_shipped(constant.name) else parts_of(constant.name)
    if not parts:
        (found,), told = confirmed_by_centre([constant], confirmations)
        return (found if found.confirmed else constant), told
    known, told = confirmed_by_centre(parts, confirmations)
    if all(c.verified for c in known):
        last = max((c.confirmed for c in known if c.confirmed), key=lambda who: who.on)
        return replace(constant, confirmed=last), told
    return constant, told


def _walked(value: Any, seen: Callable[[Constant], Constant]) -> Any:
    """The value with every constant in it changed; what holds none stays the same object."""
    if isinstance(value, Constant):
        return seen(value)
    if isinstance(value, Place):
        row = Constant(value.name, value.middle, value.unit, value.source, value.tag)
        who = seen(row).confirmed
        return replace(value, confirmed=who) if who else value
    if isinstance(value, tuple):
        new = tuple(_walked(v, seen) for v in value)
        return new if any(a is not b for a, b in zip(new, value, strict=True)) else value
    if isinstance(value, Mapping):
        changed = {k: _walked(v, seen) for k, v in value.items()}
        return changed if any(changed[k] is not v for k, v in value.items()) else value
    if is_dataclass(value) and not isinstance(value, (type, Pictures)):
        old = {f.name: getattr(value, f.name) for f in fields(value)}
        moved = {k: w for k, v in old.items() if (w := _walked(v, seen)) is not v}
        return replace(value, **moved) if moved else value
    return value
