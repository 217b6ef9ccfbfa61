"""Which protocol a centre should use, why, and what would unlock the others.

Rules, each told in one sentence: the least level, the aim, what is there, the doubt, the least
burden. Every protocol that is not worse in both burden and doubt stands on the front.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from quimby import protocols, therapies
from quimby.advise.centre import Centre
from quimby.advise.for_patient import sentence
from quimby.advise.judging import FIXED, Judged, Missing, judge
from quimby.advise.levels import MinimumLevel, minimum_level
from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, note, refusal
from quimby.protocols import Protocol
from quimby.protocols.patient_rules import SAID, Fact, PatientRule, rules_for
from quimby.protocols.words import Aim, aim_words, aims_of, spoken

WORDS = {"sirt": "y90-microspheres", "90y": "y90-microspheres", "y90": "y90-microspheres",
         "90ymicrospheres": "y90-microspheres"}  # fmt: skip
"""Other names of therapies that have protocols but no declaration yet."""
UNDECLARED = {"y90-microspheres": "90Y microspheres"}
"""Titles of those."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted. Activities in MBq; `u_max` relative, k = 1; `level` 1 to 3 where set."""

    aim: str
    u_max: float | None = None
    level: int | None = None
    planned_mbq: float | None = None
    label_mbq: float | None = None
    approved: bool = True
    investigational: bool = False
    dose_prescribed: bool = False
    patient: frozenset[Fact] = frozenset()
    visits: int | None = None  # most that a patient can be asked for beside the therapy's own


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The answer: what fits (the first is recommended), what does not, and why."""

    therapy: str
    title: str  # of the therapy
    aim: str
    u_max: float | None
    minimum: MinimumLevel
    fits: tuple[Judged, ...]  # least burden first
    front: tuple[str, ...]  # ids of those that none beats in both burden and doubt
    excluded: tuple[Judged, ...]
    reasons: tuple[str, ...]  # of the first, one sentence a rule
    gaps: tuple[tuple[str, ...], ...]  # where none fits: least sets that would unlock one
    notes: tuple[Note, ...]


def therapy_called(name: str, *, known: Sequence[Protocol] = ()) -> str:
    """The id of a therapy by id or agent ("177Lu-DOTATATE"); E-ADV-THERAPY."""
    ids = sorted({p.therapy for p in (known or _shipped())})
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    for one in ids:
        if plain == re.sub(r"[^a-z0-9]", "", one):
            return one
    if plain in WORDS and WORDS[plain] in ids:
        return WORDS[plain]
    try:
        found = therapies.find(name).id
    except QuimbyError:
        found = ""
    if found not in ids:
        raise refusal("E-ADV-THERAPY", where="therapy", name=name, known=", ".join(ids))
    return found


def recommend(
    centre: Centre, therapy: str, wish: Wish, *, today: dt.date | None = None,
    known: Sequence[Protocol] = (),
) -> Recommendation:  # fmt: skip
    """Rank the protocols of a therapy for a centre.

    `known` are the protocols to choose from, the shipped ones where it is empty. A draft counts
    (I-ADV-DRAFT says so), a retired one does not. Where none fits: W-NO-PROTOCOL with `gaps`.
    E-ADV-AIM, E-ADV-THERAPY.
    """
    day, aims = today or dt.date.today(), _aims(wish.aim)
    name = therapy_called(therapy, known=known)
    minimum = _minimum(wish, aims)
    candidates = [p for p in (known or _shipped()) if p.therapy == name]
    judged = [_asked(judge(p, centre, today=day), wish, minimum, aims) for p in candidates]
    fits = sorted((j for j in judged if not j.missing), key=_rank)
    excluded = sorted((j for j in judged if j.missing), key=_rank)
    gaps = () if fits else _gaps(excluded)
    notes = _notes(fits, name, minimum, excluded)
    reasons = _reasons(fits, wish, minimum, centre) if fits else ()
    return Recommendation(
        name, _title(name), wish.aim, wish.u_max, minimum, tuple(fits), front(fits),
        tuple(excluded), reasons, gaps, notes,
    )  # fmt: skip


def _title(therapy: str) -> str:
    if therapy in therapies.names():
        return therapies.load(therapy).title
    return UNDECLARED.get(therapy, therapy)


def _shipped() -> list[Protocol]:
    return [protocols.load(name) for name in protocols.names()]


def _aims(word: str) -> frozenset[Aim]:
    found = aims_of(word)
    if found is None:
        raise refusal("E-ADV-AIM", where="aim", name=word, known=", ".join(aim_words()))
    return found


def _minimum(wish: Wish, aims: frozenset[Aim]) -> MinimumLevel:
    """By the rules; a level that is asked for can only raise it."""
    by_rule = minimum_level(
        planned_mbq=wish.planned_mbq, label_mbq=wish.label_mbq, approved=wish.approved,
        investigational=wish.investigational,
        dose_prescribed=wish.dose_prescribed or aims == {"activity_planning"},
    )  # fmt: skip
    if wish.level is not None and wish.level > by_rule.level:
        return MinimumLevel(wish.level, "asked", f"You asked for level {wish.level} at least.")
    return by_rule


def _asked(found: Judged, wish: Wish, minimum: MinimumLevel, aims: frozenset[Aim]) -> Judged:
    """The judgement with what the wish itself excludes."""
    protocol, more = found.protocol, list(found.missing)
    if not aims & set(protocol.aims):
        serves = ", ".join(spoken(a) for a in protocol.aims)
        more.append(Missing("aim", "aim", f"serves another aim: {serves}", "ask for that aim"))
    if max(protocol.serves) < minimum.level:
        said = f"reaches level {max(protocol.serves)}, and {minimum.level} is the least"
        more.append(Missing("level", "level", said, "none: the level is by rule or by wish"))
    if protocol.status == "retired":
        more.append(Missing("status", "status", "is retired", "use the version that replaced it"))
    more.extend(_too_doubtful(found.u_rel, wish.u_max))
    more.extend(_too_many_visits(protocol, wish.visits))
    rules = rules_for(protocol, wish.patient)
    more.extend(_unsuited(r) for r in rules if r.then == "exclude")
    kept = tuple(sentence(r) for r in rules if r.then != "exclude")
    return replace(found, missing=tuple(more), conditions=(*kept, *found.conditions))


def _unsuited(rule: PatientRule) -> Missing:
    take = f"take {' or '.join(rule.instead)}" if rule.instead else "none: the patient decides"
    return Missing("patient", rule.when, f"{SAID[rule.when]}: {rule.because}", take)


def _too_many_visits(protocol: Protocol, most: int | None) -> list[Missing]:
    visits = protocol.burden.visits if protocol.burden else 0.0
    if most is None or visits <= most:
        return []
    said = f"{visits:g} visits more, you said {most} at most"
    return [Missing("visits", "visits", said, f"ask the patient for {visits:g} visits")]


def _too_doubtful(u_rel: float | None, u_max: float | None) -> list[Missing]:
    if u_max is None or (u_rel is not None and u_rel <= u_max + 1e-9):
        return []
    if u_rel is None:
        return [Missing("doubt", "uncertainty", "does not say its doubt", "state its doubt")]
    said = f"± {percent(u_rel)}, you asked for {percent(u_max)} or less"
    return [Missing("doubt", "uncertainty", said, f"accept ± {percent(u_rel)}")]


def _rank(found: Judged) -> tuple[float, float, str]:
    return found.burden, found.u_rel if found.u_rel is not None else 9.9, found.protocol.id


def front(found: Sequence[Judged]) -> tuple[str, ...]:
    """Ids of those that no other beats in burden and doubt together, by rising burden."""
    best, kept = float("inf"), []
    for one in sorted(found, key=_rank):
        if one.u_rel is not None and one.u_rel < best:
            best = one.u_rel
            kept.append(one.protocol.id)
    return tuple(kept)


def _gaps(excluded: Sequence[Judged]) -> tuple[tuple[str, ...], ...]:
    """Least sets of things that would unlock a protocol; what no purchase mends is left out."""
    sets = {frozenset(j.items) for j in excluded if not any(m.cause in FIXED for m in j.missing)}
    least = [s for s in sets if not any(other < s for other in sets)]
    return tuple(sorted((tuple(sorted(s)) for s in least), key=lambda s: (len(s), s)))


def _notes(
    fits: Sequence[Judged], therapy: str, minimum: MinimumLevel, excluded: Sequence[Judged]
) -> tuple[Note, ...]:
    if not fits:
        return (note("W-NO-PROTOCOL", where=therapy, therapy=_title(therapy),
                     fallback=_fallback(minimum), cheapest=_cheapest(excluded)),)  # fmt: skip
    first = fits[0].protocol
    found = []
    if first.to_come:
        found.append(note("W-ADV-TO-COME", where=first.id, protocol=first.id, what=first.to_come))
    if first.status != "active":
        found.append(note("I-ADV-DRAFT", where=first.id, protocol=first.id, status=first.status))
    return tuple(found)


def _fallback(minimum: MinimumLevel) -> str:
    if minimum.level == 1:
        return ("Level 1 remains open: the activity within 10 %, and the dose of published "
                "patients.")  # fmt: skip
    return f"{minimum.sentence} Level 1 is not enough: another site must measure."


def _cheapest(excluded: Sequence[Judged]) -> str:
    """The single thing that unlocks the lightest protocol; a device comes last."""
    single = [j for j in excluded if j.unlock and j.missing[0].cause not in ("aim", "level")]
    order = ("qc", "calibration", "doubt", "competence", "hours", "camera", "facility", "staff")
    rank = {cause: i for i, cause in enumerate(order)}
    single.sort(key=lambda j: (rank.get(j.missing[0].cause, 99), *_rank(j)))
    if single:
        return f"cheapest next step: {single[0].unlock}, for {single[0].protocol.id}"
    return "see what each protocol lacks; no single thing would unlock one"


def _reasons(
    fits: Sequence[Judged], wish: Wish, minimum: MinimumLevel, centre: Centre
) -> tuple[str, ...]:
    """One sentence a rule."""
    first = fits[0]
    return tuple(filter(None, (
        minimum.sentence,
        f"It serves the aim you asked for: {spoken(wish.aim.lower().replace('-', '_'))}.",
        _why_devices(first),
        _why_capacity(first, centre),
        _why_doubt(first, wish),
        _why_rank(fits),
    )))  # fmt: skip


def _why_devices(first: Judged) -> str:
    if not first.instead:
        return "Every device it needs is there."
    told = (f"the {spoken(row.use)} for the {spoken(row.missing)}" for row in first.instead)
    return f"Standing in: {' and '.join(told)}; the doubt holds this."


def _why_capacity(first: Judged, centre: Centre) -> str:
    there = centre.camera_h_a_year
    if first.camera_h is None:
        return "How many patients a year is not known, so hours were not counted."
    staff = f"{sum(first.staff_h.values()):.0f} h of staff a year"
    if first.camera_min == 0:
        return f"It takes no camera, and {staff}."
    of = f" of your {there:.0f}" if there is not None else ""
    return f"It takes {first.camera_h:.0f}{of} camera hours and {staff}."


def _why_doubt(first: Judged, wish: Wish) -> str:
    if first.u_rel is None:
        return "It does not say its doubt."
    if wish.u_max is None:
        return f"Its doubt is ± {percent(first.u_rel)} (k = 1); you set no limit."
    return f"± {percent(first.u_rel)} (k = 1) meets the {percent(wish.u_max)} you asked for."


def _why_rank(fits: Sequence[Judged]) -> str:
    if len(fits) == 1:
        return "It is the only one that fits."
    return f"It is the least work of the {len(fits)} that fit."


def percent(share: float) -> str:
    """A share in whole per cent."""
    return f"{100 * share:.0f} %"
