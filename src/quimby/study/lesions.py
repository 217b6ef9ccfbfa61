"""Lesions followed from one cycle to the next: by the tissue that they lie in, not by name.

Two outlines that share their tissue are one lesion. Without overlap the only one near is taken,
and said. Whatever else could be meant is asked by name, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import dist, hypot

from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain

OVERLAPS = 0.30  # share of the smaller volume in both, from which two outlines are one lesion [P]
NEAR_MM = 15.0  # between centres, for small lesions that moved with breathing [P]
BEYOND_DOUBT = 2.0  # standard uncertainties of a change of volume [P]
NEW = "new"

Common = Mapping[tuple[str, str], float]
"""Volume, ml, that a lesion of then and one of now hold both; pairs that do not meet may lack."""


@dataclass(frozen=True, slots=True)
class Lesion:
    """One lesion as outlined, in one frame for both cycles."""

    name: str
    centre_mm: tuple[float, float, float]
    volume_ml: Uncertain


@dataclass(frozen=True, slots=True)
class Event:
    """What became of lesions. `before` and `now` are names; one may be empty.

    `kind` is "same", "shrunk", "grown", "split", "merged", "new", "gone" or "unclear".
    """

    kind: str
    before: tuple[str, ...]
    now: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Followed:
    """Every lesion of two cycles, each in one event, and what is to be told."""

    events: tuple[Event, ...]
    notes: tuple[Note, ...]

    def origin(self, now: str) -> tuple[str, ...]:
        """Lesions of then whose tissue this one holds; empty for a new or unclear one."""
        return next((e.before for e in self.events if now in e.now and e.kind != "unclear"), ())


def follow(
    before: Sequence[Lesion], now: Sequence[Lesion], common_ml: Common, *,
    said: Mapping[str, str] | None = None, where: str = "lesions",
) -> Followed:  # fmt: skip
    """Match the lesions of two cycles, by overlap, then by nearness; `said` goes before both.

    `said` maps a lesion of now to its name of then, to several with commas, or to "new". Notes:
    S-LES-WHICH for what must be asked, W-LES-NAME, I-LES-NEAR, -SPLIT, -MERGED, -SIZE, -NEW and
    -GONE. Raises E-LES-NAME for a name that was not there.
    """
    links = _said(before, now, said or {}, where)
    told = {n for n, v in (said or {}).items() if n in {x.name for x in now}}
    links |= {(b.name, n.name) for b in before for n in now if n.name not in told
              and _share(b, n, common_ml) >= OVERLAPS}  # fmt: skip
    near, doubtful = _near(before, now, links, told, common_ml)
    links |= near
    events = [_event(group, before, now) for group in _groups(before, now, links, doubtful)]
    notes = [n for e in events for n in _notes(e, before, now, where)]
    notes += _near_notes(near, before, now)
    return Followed(tuple(events), tuple(notes))


def _said(
    before: Sequence[Lesion], now: Sequence[Lesion], said: Mapping[str, str], where: str
) -> set[tuple[str, str]]:
    known = {b.name for b in before}
    found = set()
    for name in [n.name for n in now if n.name in said]:
        for part in (p.strip() for p in said[name].split(",")):
            if part.lower() == NEW:
                continue
            if part not in known:
                raise refusal("E-LES-NAME", where=where, name=part,
                              known=", ".join(sorted(known)) or "none")  # fmt: skip
            found.add((part, name))
    return found


def _share(b: Lesion, n: Lesion, common_ml: Common) -> float:
    return common_ml.get((b.name, n.name), 0.0) / min(b.volume_ml.value, n.volume_ml.value)


def _near(
    before: Sequence[Lesion], now: Sequence[Lesion], links: set[tuple[str, str]], told: set[str],
    common_ml: Common,
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:  # fmt: skip
    """Pairs matched by nearness alone, and pairs that may be meant and must be asked.

    Only lesions without an overlap count. Touching ones are near whatever the distance.
    """
    left = [b for b in before if all(b.name != x for x, _ in links)]
    free = [n for n in now if n.name not in told and all(n.name != y for _, y in links)]
    close = {
        (b.name, n.name)
        for b in left
        for n in free
        if dist(b.centre_mm, n.centre_mm) <= NEAR_MM or _share(b, n, common_ml) > 0
    }
    alike = {(b.name, n.name) for b in left for n in free if b.name == n.name}
    sure = {
        (b, n)
        for b, n in close
        if sum(x == b for x, _ in close | alike) == 1 == sum(y == n for _, y in close | alike)
    }
    return sure, (close | alike) - sure  # fmt: skip


def _groups(
    before: Sequence[Lesion], now: Sequence[Lesion], links: set[tuple[str, str]],
    doubtful: set[tuple[str, str]],
) -> list[tuple[tuple[str, ...], tuple[str, ...], bool]]:  # fmt: skip
    """Connected lesions: names of then, of now, and whether a doubtful pair connects them."""
    groups = [({b.name}, set[str](), False) for b in before]
    groups += [(set[str](), {n.name}, False) for n in now]
    for b, n in sorted(links | doubtful):
        joined = [g for g in groups if b in g[0] or n in g[1]]
        rest = [g for g in groups if g not in joined]
        doubt = (b, n) in doubtful or any(g[2] for g in joined)
        groups = [*rest, (set().union(*(g[0] for g in joined)),
                          set().union(*(g[1] for g in joined)), doubt)]  # fmt: skip
    ordered = [(tuple(sorted(b)), tuple(sorted(n)), doubt) for b, n, doubt in groups]
    return sorted(ordered, key=lambda g: (g[1] or g[0], g[0]))


def _event(
    group: tuple[tuple[str, ...], tuple[str, ...], bool],
    before: Sequence[Lesion],
    now: Sequence[Lesion],
) -> Event:
    then, today, doubt = group
    if doubt or (len(then) > 1 and len(today) > 1):
        return Event("unclear", then, today)
    if not then:
        return Event("new", (), today)
    if not today:
        return Event("gone", then, ())
    if len(then) > 1 or len(today) > 1:
        return Event("merged" if len(then) > 1 else "split", then, today)
    return Event(_size(_named(before, then[0]), _named(now, today[0])), then, today)


def _named(lesions: Sequence[Lesion], name: str) -> Lesion:
    return next(x for x in lesions if x.name == name)


def _size(b: Lesion, n: Lesion) -> str:
    """ "same" unless the volume changed beyond the doubt of two outlines drawn anew."""
    change = n.volume_ml.value / b.volume_ml.value - 1
    doubt = hypot(b.volume_ml.u_rel, n.volume_ml.u_rel) * (1 + change)
    if abs(change) <= BEYOND_DOUBT * doubt:
        return "same"
    return "grown" if change > 0 else "shrunk"


def _notes(e: Event, before: Sequence[Lesion], now: Sequence[Lesion], where: str) -> list[Note]:
    then, today = " and ".join(e.before), " and ".join(e.now)
    place = f"{where}, {today or then}"
    if e.kind == "unclear":
        why = "several lie near" if set(e.before) != set(e.now) else "it lies elsewhere"
        return [note("S-LES-WHICH", where=place, now=today, before=then, why=why, id=where,
                     first=e.now[0])]  # fmt: skip
    plain = {"new": "I-LES-NEW", "gone": "I-LES-GONE", "split": "I-LES-SPLIT",
             "merged": "I-LES-MERGED"}  # fmt: skip
    if e.kind in plain:
        return [note(plain[e.kind], where=place, now=today, before=then)]
    found = []
    if then != today:
        found.append(note("W-LES-NAME", where=place, now=today, before=then))
    if e.kind != "same":
        ratio = _named(now, today).volume_ml.value / _named(before, then).volume_ml.value
        found.append(note("I-LES-SIZE", where=place, now=today, kind=e.kind, value=ratio))
    return found


def _near_notes(
    near: set[tuple[str, str]], before: Sequence[Lesion], now: Sequence[Lesion]
) -> list[Note]:
    return [
        note("I-LES-NEAR", where=n, now=n, before=b,
             value=dist(_named(before, b).centre_mm, _named(now, n).centre_mm))
        for b, n in sorted(near)
    ]  # fmt: skip
