"""Who reviewed and who approved: added to the study document, whose other lines stay."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import tomli_w

from quimby.core.errors import QuimbyError
from quimby.core.notes import refusal
from quimby.core.outline import Outline
from quimby.study.document import Administration, Study, parse_study, read_study
from quimby.study.outline_state import content_digest
from quimby.study.outlining.listing import in_state, with_outlines

State = Literal["reviewed", "approved"]
OUTLINES = "administrations.outlines"


@dataclass(frozen=True, slots=True)
class Judged:
    """What was written down."""

    administration: str
    names: tuple[str, ...]
    before: tuple[str, ...]  # the state each had
    state: State


def judge(
    path: Path, state: State, *, by: str, at: datetime, regions: Sequence[str] = (),
    administration: str = "",
) -> Judged:  # fmt: skip
    """Add a review to the study document: these outlines (all of them if none are named).

    Approving asks that somebody reviewed them before, the same person or another (R-G11: draft,
    reviewed, approved). The document is written beside itself, read again, and only then put in
    its place.

    Raises E-OUTLINE-BY, E-OUTLINE-NONE, E-OUTLINE-WHICH, E-OUTLINE-REGION, E-OUTLINE-UNSEEN,
    E-OUTLINE-STUDY where the table cannot be added by itself, and those of `read_study`.
    """
    who = " ".join(by.split())
    if not who:
        raise refusal("E-OUTLINE-BY", where="--by")
    study = read_study(path)
    given = _meant(study, administration)
    outlines = in_state(study, given)
    chosen = _chosen(outlines, regions, path)
    if state == "approved":
        _seen(chosen, path)
    row: dict[str, Any] = {"state": state, "by": who, "at": at.replace(microsecond=0)}
    if regions:
        row["regions"] = [o.name for o in chosen]
    row["digest"] = {o.name: content_digest(o) for o in chosen}
    number = study.document.administrations.index(given)
    _written(path, number, given.id, row)
    return Judged(given.id, tuple(o.name for o in chosen), tuple(o.status for o in chosen), state)


def _meant(study: Study, administration: str) -> Administration:
    given = with_outlines(study)
    known = ", ".join(a.id for a in given)
    if administration:
        given = [a for a in given if a.id == administration]
    if len(given) != 1:
        raise refusal("E-OUTLINE-WHICH", where=f"study {study.document.id}", known=known)
    return given[0]


def _chosen(
    outlines: Sequence[Outline], regions: Sequence[str], path: Path
) -> tuple[Outline, ...]:  # fmt: skip
    named = {o.name: o for o in outlines}
    for name in regions:
        if name not in named:
            known = ", ".join(named)
            raise refusal("E-OUTLINE-REGION", where=str(path), name=name, known=known)
    return tuple(named[n] for n in dict.fromkeys(regions)) if regions else tuple(outlines)


def _seen(chosen: Sequence[Outline], path: Path) -> None:
    drafts = [o.name for o in chosen if o.status == "draft"]
    if drafts:
        raise refusal("E-OUTLINE-UNSEEN", where=str(path), names=", ".join(drafts), study=path.name)


def _written(path: Path, number: int, administration: str, row: dict[str, Any]) -> None:
    """Put the table where it belongs; E-OUTLINE-STUDY where no place for it is found."""
    block = f"[[{OUTLINES}.review]]\n{_block(row)}"
    try:
        text = path.read_text("utf-8")
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise _by_hand(path, administration, block, "it is not TOML") from None
    after = deepcopy(before)
    after["administrations"][number]["outlines"].setdefault("review", []).append(row)
    for whole in _placements(text, number, block):
        if _reads(whole, after):
            parse_study(tomllib.loads(whole), where=str(path))
            _replaced(path, whole)
            return
    raise _by_hand(path, administration, block, "its outlines are not a table of their own")


def _block(row: dict[str, Any]) -> str:
    """The table's lines; its regions on one line, the digests last, a line each."""
    made = tomli_w.dumps({k: v for k, v in row.items() if k not in ("regions", "digest")})
    if "regions" in row:
        made += f"regions = [{', '.join(_quoted(n) for n in row['regions'])}]\n"
    return f"{made}\n[{OUTLINES}.review.digest]\n{tomli_w.dumps(row['digest'])}"


def _quoted(name: str) -> str:
    return tomli_w.dumps({"x": name}).removeprefix("x = ").strip()


def _by_hand(path: Path, administration: str, block: str, why: str) -> QuimbyError:
    lines = "".join(f"\n         {line}" for line in block.splitlines())
    return refusal("E-OUTLINE-STUDY", where=str(path), why=why, administration=administration,
                   block=lines)  # fmt: skip


def _placements(text: str, number: int, block: str) -> Iterator[str]:
    """The text with the block at every place it might belong, the likeliest first.

    That is behind the outlines of the administration, before the next table's comments.
    """
    lines = text.splitlines(keepends=True)
    heads = [n for n, line in enumerate(lines) if line.lstrip().startswith("[")]
    given = [n for n in heads if _head(lines[n]) == "administrations"]
    start = given[number] if number < len(given) else 0
    stop = given[number + 1] if number + 1 < len(given) else len(lines)
    mine = [n for n in heads if start <= n < stop and _head(lines[n]).startswith(OUTLINES)]
    ends = [next((h for h in heads if h > n), len(lines)) for n in reversed(mine)]
    for end in (*ends, *heads, len(lines)):
        while end and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
            end -= 1
        front = "".join(lines[:end])
        gap = "" if front.endswith("\n") or not front else "\n"
        yield f"{front}{gap}\n{block}{''.join(lines[end:]) or ''}"


def _head(line: str) -> str:
    """The name in a table's head: "administrations.outlines" of "[ administrations.outlines ]"."""
    return "".join(line.partition("#")[0].strip().strip("[]").replace('"', "").split())


def _reads(whole: str, wanted: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(whole) == wanted
    except tomllib.TOMLDecodeError:
        return False


def _replaced(path: Path, text: str) -> None:
    real = path.resolve()
    part = real.with_name(f".{real.name}.{os.getpid()}")
    try:
        part.write_text(text, "utf-8")
        part.chmod(real.stat().st_mode)
        part.replace(real)
    finally:
        part.unlink(missing_ok=True)
