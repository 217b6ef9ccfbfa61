"""`quimby recommend`: what a centre could do, in words, as JSON, as a picture."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from textwrap import wrap
from typing import Any

from quimby.advise.centre import Centre, read_centre
from quimby.advise.judging import FIXED, Judged
from quimby.advise.recommend import Recommendation, Wish, percent, recommend
from quimby.cli.settings import centre_or_refuse
from quimby.cli.terminal import WIDTH, console, print_json
from quimby.core.numbers import above_zero
from quimby.core.units import quantity
from quimby.protocols import Protocol, load_file
from quimby.report.paper import pdf
from quimby.report.papers.recommendation import recommendation_paper

HEAD, NAME = 8, 15
"""Columns of the first word and of a protocol's name."""
HELD = "\N{NO-BREAK SPACE}"


def recommend_job(
    centre: Path | None, therapy: str, wish: Wish, *, today: dt.date, own: Sequence[Path],
    picture: Path | None, out: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Recommend, and show it; returns the exit code (0 also where nothing fits)."""
    place = read_centre(centre_or_refuse(centre), today=today)
    found = recommend(place, therapy, wish, today=today, known=_with_own(own))
    if as_json:
        print_json(plain(found, place))
    else:
        for text in lines(found, place):
            console().print(text, markup=False)
    if out is not None:
        out.write_bytes(pdf(recommendation_paper(found, place, today=today)))
    if picture is not None:
        _draw(found, place, picture, quiet=as_json)
    return 0


def _with_own(files: Sequence[Path]) -> tuple[Protocol, ...]:
    """The centre's own protocols beside the shipped ones; of one id, the centre's."""
    from quimby import protocols

    if not files:
        return ()
    named = {p: protocols.load(p) for p in protocols.names()}
    return tuple({**named, **{p.id: p for p in map(load_file, files)}}.values())


def _draw(found: Recommendation, place: Centre, out: Path, *, quiet: bool) -> None:
    from quimby.cli.devices.drawing import save
    from quimby.report.figures.recommend import front_plot

    save(front_plot(found, place.name), out, quiet=quiet)


def lines(found: Recommendation, place: Centre) -> Iterator[str]:
    """The recommendation for a terminal, at most 96 columns."""
    limit = f", ± {percent(found.u_max)} or better (k = 1)" if found.u_max else ""
    yield from _row("", f"{found.title}, at {place.name}; aim {found.aim}{limit}", indent=False)
    if found.fits:
        yield from _first(found)
    yield from _others(found)
    for judged in found.excluded:
        yield from _excluded(judged)
    for i, gap in enumerate(found.gaps):
        yield from _row("Unlock" if i == 0 else "", _in_words(gap, found.excluded))
    for one in found.notes:
        yield from _row("Note", f"{one.code}  {one.text} {one.do[:1].upper()}{one.do[1:]}.")
    yield from _next(found)


def _in_words(gap: Sequence[str], excluded: Sequence[Judged]) -> str:
    """What to do, for one of the protocols that lack just this."""
    one = next(j for j in excluded if set(j.items) == set(gap))
    return f"{one.protocol.id}: {'; '.join(m.unlock for m in one.missing)}"


def _first(found: Recommendation) -> Iterator[str]:
    best = found.fits[0]
    yield from _row("Do", f"{best.protocol.id:<{NAME}}{best.protocol.in_short}", hang=NAME)
    yield from _row(
        "", f"{'':<{NAME}}{_doubt(best)}; {_cost(best)}, level {_level(best)}", hang=NAME
    )
    for i, reason in enumerate(found.reasons):
        yield from _row("Why" if i == 0 else "", reason)
    for i, condition in enumerate(best.conditions):
        yield from _row("Check" if i == 0 else "", condition)


def _others(found: Recommendation) -> Iterator[str]:
    for i, judged in enumerate(found.fits[1:]):
        on = ("on the front: more work, less doubt" if judged.protocol.id in found.front
              else "more work, no less doubt")  # fmt: skip
        words = f"{judged.protocol.id:<{NAME}}{_doubt(judged)}; {_cost(judged)}; {on}"
        yield from _row("Also" if i == 0 else "", words, hang=NAME)


def _excluded(judged: Judged) -> Iterator[str]:
    said = "; ".join(m.sentence for m in judged.missing)
    yield from _row("Not", f"{judged.protocol.id:<{NAME}}{said}", hang=NAME)
    if judged.unlock:
        yield from _row("", f"{'':<{NAME}}unlock: {judged.unlock}", hang=NAME)


def _next(found: Recommendation) -> Iterator[str]:
    lacking = [j for j in found.excluded if not {m.cause for m in j.missing} & set(FIXED)]
    best = (*found.fits, *lacking, *found.excluded)
    if best:
        yield from _row("Next", f"quimby protocol show {best[0].protocol.id}")


def _doubt(judged: Judged) -> str:
    expected = judged.protocol.uncertainty
    if expected is None or judged.u_rel is None:
        return "doubt not stated"
    return f"{expected.on.partition(',')[0]} ± {percent(judged.u_rel)}"


def _cost(judged: Judged) -> str:
    return f"{judged.staff_min:.0f} min staff, {judged.camera_min:.0f} min camera a cycle"


def _level(judged: Judged) -> str:
    return " or ".join(str(n) for n in judged.protocol.serves)


def _row(head: str, text: str, *, hang: int = 0, indent: bool = True) -> Iterator[str]:
    """One line with its head, broken at the width; a sign stays with its number."""
    first = f" {head:<{HEAD - 1}}" if indent else ""
    kept = re.sub(r"(± )?\d+ %|k = 1", lambda found: found[0].replace(" ", HELD), text)
    for part in wrap(kept, WIDTH, initial_indent=first, subsequent_indent=" " * (HEAD + hang),
                     break_long_words=False, break_on_hyphens=False):  # fmt: skip
        yield part.replace(HELD, " ").rstrip()


def plain(found: Recommendation, place: Centre) -> dict[str, Any]:
    """The recommendation for programs."""
    return {
        "centre": place.name,
        "therapy": found.therapy,
        "aim": found.aim,
        "u_max": found.u_max,
        "minimum_level": asdict(found.minimum),
        "first": found.fits[0].protocol.id if found.fits else None,
        "reasons": list(found.reasons),
        "front": list(found.front),
        "fits": [_plain(j) for j in found.fits],
        "excluded": [
            {**_plain(j), "missing": [asdict(m) for m in j.missing], "unlock": j.unlock or None}
            for j in found.excluded
        ],
        "gaps": [list(gap) for gap in found.gaps],
        "notes": [{**asdict(n), "severity": n.severity} for n in found.notes],
    }


def _plain(judged: Judged) -> dict[str, Any]:
    return {
        "id": judged.protocol.id,
        "title": judged.protocol.title,
        "levels": list(judged.protocol.serves),
        "status": judged.protocol.status,
        "u_rel": judged.u_rel,
        "staff_min": judged.staff_min,
        "camera_min": judged.camera_min,
        "burden": judged.burden,
        "staff_h_a_year": judged.staff_h,
        "camera_h_a_year": judged.camera_h,
        "instead": [{"missing": r.missing, "use": r.use, "u": r.u} for r in judged.instead],
        "conditions": list(judged.conditions),
    }


def share(text: str) -> float:
    """A share written "20%"; E-UNIT without the sign, E-NUM-NONPOS for nothing or less."""
    return above_zero(quantity(text, "fraction", where="--u-max"), "uncertainty", "",
                      where="--u-max")  # fmt: skip


def activity_mbq(text: str, where: str) -> float | None:
    """An activity with its unit in MBq; None where nothing is given. E-UNIT."""
    return quantity(text, "activity", where=where) if text else None
