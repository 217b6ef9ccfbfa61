"""A person confirms constants: what may be confirmed, and how it is written down.

The file is TOML, one [[confirmed]] table a constant; it is added to, never rewritten.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path

import tomli_w

from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, note, refusal
from quimby.core.source import TAGS, Confirmation, Confirmed, Constant
from quimby.study.confirmations import parsed, read_confirmations
from quimby.study.constants import constants, is_shipped, named

HEAD = "# Constants that this centre read in their source and confirmed. Quimby adds to it.\n"


def confirm(
    pattern: str, *, by: str, on: date, today: date, remark: str = ""
) -> tuple[Confirmation, ...]:  # fmt: skip
    """Confirmations of the shipped [M] constants of a name, or of a pattern within one source.

    Raises E-CONST-BY, E-CONST-DATE (a day to come), E-CONST-UNKNOWN, E-CONST-VERIFIED,
    E-CONST-MANY.
    """
    if not by.strip():
        raise refusal("E-CONST-BY", where="constants")
    if on > today:
        raise refusal("E-CONST-DATE", where="constants", on=on.isoformat())
    found = named(pattern)
    open_ones = [c for c in found if c.tag == "M"]
    if not open_ones:
        raise _none_open(pattern, found)
    if len(sources := {c.source for c in open_ones}) > 1:
        raise refusal("E-CONST-MANY", where="constants", pattern=pattern, count=len(open_ones),
                      sources=len(sources))  # fmt: skip
    who = Confirmed(" ".join(by.split()), on)
    return tuple(Confirmation(c.name, c.value, c.unit, who, remark.strip()) for c in open_ones)


def _none_open(pattern: str, found: Sequence[Constant]) -> QuimbyError:
    if found:
        one = found[0]
        return refusal("E-CONST-VERIFIED", where="constants", name=one.name,
                       meaning=TAGS[one.tag], source=one.source)  # fmt: skip
    near = get_close_matches(pattern, {c.name for _, c in constants()}, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return refusal("E-CONST-UNKNOWN", where="constants", name=pattern, near=meant)


def add(path: Path, confirmations: Iterable[Confirmation]) -> None:
    """Append to the file, made where there is none: written beside it, then put in its place.

    Raises E-CONST-FILE, and leaves the file as it was, where what stands there is not right.
    """
    path = path.resolve()
    before = HEAD
    if path.exists():
        read_confirmations(path)
        before = path.read_text("utf-8")
    text = before.rstrip("\n") + "\n" + "".join(f"\n{_block(c)}" for c in confirmations)
    parsed(text, where=str(path))
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, "utf-8")
        if path.exists():
            beside.chmod(path.stat().st_mode)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise refusal("E-CONST-FILE", where=str(path), why=error) from None


def _block(c: Confirmation) -> str:
    row = {"name": c.name, "value": c.value, "unit": c.unit, "by": c.confirmed.by,
           "on": c.confirmed.on}  # fmt: skip
    return "[[confirmed]]\n" + tomli_w.dumps(row | ({"note": c.note} if c.note else {}))


def gone(confirmations: Iterable[Confirmation]) -> tuple[Note, ...]:
    """W-CONST-GONE for each confirmation of a name that ships no longer."""
    return tuple(
        note("W-CONST-GONE", where=c.name, name=c.name, by=c.confirmed.by,
             on=c.confirmed.on.isoformat())
        for c in confirmations if not is_shipped(c.name)
    )  # fmt: skip
