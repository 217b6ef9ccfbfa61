"""`quimby protocol new`: a shipped protocol made the centre's own, and what that does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from quimby import protocols
from quimby.advise.adapt import Changes, Move, Swap
from quimby.advise.adapt_effect import Compared, Effect, effect
from quimby.advise.centre import read_centre
from quimby.advise.judging import Judged, judge
from quimby.cli.protocols_shown import row
from quimby.cli.protocols_simulated import percent
from quimby.cli.protocols_simulated import plain as plain_simulated
from quimby.cli.terminal import console, print_json
from quimby.core.notes import refusal
from quimby.protocols.practice import Burden

COLUMN = 13


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for, as it stands on the command line."""

    base: str
    id: str
    out: Path
    title: str = ""
    drop: Sequence[str] = ()
    move: Sequence[str] = ()
    swap: Sequence[str] = ()
    centre: Path | None = None
    patients: int = 1000
    seed: int = 1


def new_job(wanted: Wanted, *, as_json: bool, on: dt.date) -> int:
    """Write the changed document and show what it does; returns the exit code."""
    if wanted.out.exists():
        raise refusal("E-ADAPT-EXISTS", where=str(wanted.out), name=wanted.out.name)
    base = protocols.called(wanted.base)
    changes = changes_of(wanted.drop, wanted.move, wanted.swap)
    text = protocols.text_of(wanted.base)
    made = effect(base, text, changes, new_id=wanted.id, title=wanted.title, file=wanted.out.name,
                  patients=wanted.patients, seed=wanted.seed, on=on)  # fmt: skip
    judged = _judged(made, wanted.centre, on)
    wanted.out.write_text(made.text, "utf-8")
    if as_json:
        print_json(plain(made, wanted, judged))
        return 0
    for line in lines(made, wanted, judged):
        console().print(line, markup=False)
    return 0


def changes_of(drop: Sequence[str], move: Sequence[str], swap: Sequence[str]) -> Changes:
    """Changes as typed: "scan-3=72:96", "spect_ct=gamma_camera"; E-ADAPT-FORM."""
    return Changes(tuple(drop), tuple(map(_move, move)), tuple(map(_swap, swap)))


def _move(text: str) -> Move:
    name, _, window = text.partition("=")
    low, _, high = window.partition(":")
    try:
        return Move(name, float(low), float(high))
    except ValueError:
        form = "ID=LOW:HIGH in hours, e.g. scan-3=72:96"
        raise refusal("E-ADAPT-FORM", where="--move", text=text, form=form) from None


def _swap(text: str) -> Swap:
    what, _, by = text.partition("=")
    if not what or not by:
        form = "DEVICE=DEVICE or ID=DEVICE, e.g. uptake_probe=gamma_camera"
        raise refusal("E-ADAPT-FORM", where="--swap", text=text, form=form)
    return Swap(what, by)


def _judged(made: Effect, centre: Path | None, on: dt.date) -> tuple[Judged, Judged] | None:
    """Both protocols at the centre; None without one."""
    if centre is None:
        return None
    place = read_centre(centre, today=on)
    return judge(made.before, place, today=on), judge(made.after, place, today=on)


def lines(made: Effect, wanted: Wanted, judged: tuple[Judged, Judged] | None) -> Iterator[str]:
    """What the change does, for a terminal of 96 columns."""
    base = made.before
    yield from row("", f"{wanted.id}, from {base.id} {base.version}: "
                   f"{'; '.join(made.changes.told())}", indent=False)  # fmt: skip
    yield _columns("", "before", "after", "change")
    on = base.uncertainty.on if base.uncertainty else ""
    if made.total_before is not None and made.total_after is not None:
        change = made.total_after - made.total_before
        yield _columns("Doubt", f"± {percent(made.total_before)}", f"± {percent(made.total_after)}",
                       _points(change), on)  # fmt: skip
    for one in made.compared:
        yield _columns("", percent(one.before.u_rel), percent(one.after.u_rel),
                       f"{_points(one.change)} ± {percent(one.change_u_mc)}",
                       f"curve, {one.region}, same {one.before.patients} patients")  # fmt: skip
    yield from _burden(base.burden, made.after.burden)
    yield from _centre(judged)
    for note in made.notes:
        yield from row("Note", f"{note.code}  {note.text} {note.do[:1].upper()}{note.do[1:]}.")
    yield from row("Written", str(wanted.out))
    yield from row("Next", f"quimby protocol check {wanted.out}")


def _columns(head: str, before: str, after: str, change: str = "", of: str = "") -> str:
    return f" {head:<9}{before:<{COLUMN}}{after:<{COLUMN}}{change:<{COLUMN + 3}}{of}".rstrip()


def _points(change: float) -> str:
    """A change in per cent of the dose."""
    return f"{100 * change:+.1f} %"


def _burden(before: Burden | None, after: Burden | None) -> Iterator[str]:
    if before is None or after is None:
        return
    rows = (("Staff", before.staff_min, after.staff_min, "min a cycle"),
            ("Camera", before.camera_min, after.camera_min, "min"),
            ("Visits", before.visits, after.visits, "beside those of the therapy"),
            ("Samples", before.samples, after.samples, ""))  # fmt: skip
    for head, old, new, unit in rows:
        if old or new:
            yield _columns(head, f"{old:g}", f"{new:g}", f"{new - old:+g}", unit)


def _centre(judged: tuple[Judged, Judged] | None) -> Iterator[str]:
    for when, one in zip(("before", "after"), judged or (), strict=False):
        said = "; ".join(m.sentence for m in one.missing) or "fits"
        hours = f" ({one.camera_h:.0f} h of camera a year)" if one.camera_h else ""
        yield from row("Centre" if when == "before" else "", f"{when}: {said}{hours}")


def plain(made: Effect, wanted: Wanted, judged: tuple[Judged, Judged] | None) -> dict[str, Any]:
    """The same for programs."""
    return {
        "id": wanted.id,
        "file": str(wanted.out),
        "from": {"id": made.before.id, "version": made.before.version,
                 "digest": made.before.digest},
        "changes": list(made.changes.told()),
        "u_rel": {"before": made.total_before, "after": made.total_after},
        "simulated": [_plain(c) for c in made.compared],
        "burden": {when: b.model_dump(mode="json", by_alias=True) if b else None
                   for when, b in (("before", made.before.burden), ("after", made.after.burden))},
        "centre": {when: [asdict(m) for m in one.missing] for when, one in
                   zip(("before", "after"), judged or (), strict=False)},
        "notes": [{**asdict(n), "severity": n.severity} for n in made.notes],
    }  # fmt: skip


def _plain(one: Compared) -> dict[str, Any]:
    return {
        "region": one.region,
        "before": plain_simulated(one.before),
        "after": plain_simulated(one.after),
        "change": one.change,
        "change_u_mc": one.change_u_mc,
    }
