"""A recommendation on paper: what to do, why, what else, what not and what would unlock it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from quimby.advise.centre import Centre
from quimby.advise.judging import Judged
from quimby.advise.recommend import Recommendation, percent
from quimby.protocols.words import spoken
from quimby.report.figures.devices import figure
from quimby.report.figures.recommend import front_plot
from quimby.report.paper import Block, Heading, Paper, Picture, Points, Words, table_of

HEADS = ("Protocol", "What is measured", "Doubt (k = 1)", "Staff min", "Camera min", "Level")


def recommendation_paper(found: Recommendation, place: Centre, *, today: dt.date) -> Paper:
    """The recommendation as a document; its table says what its picture shows."""
    limit = f"; ± {percent(found.u_max)} or better (k = 1)" if found.u_max else ""
    aim = spoken(found.aim.lower().replace("-", "_"))
    blocks = (*_first(found), *_fitting(found), *_picture(found, place), *_excluded(found),
              *_notes(found))  # fmt: skip
    return Paper("Which dosimetry", f"{found.title}; aim: {aim}{limit}", place.name, today, blocks)


def _first(found: Recommendation) -> Iterator[Block]:
    if not found.fits:
        yield Words("No protocol fits.", strong=True)
        for gap in found.gaps:
            yield Words(f"Would unlock one: {', '.join(gap)}.")
        return
    best = found.fits[0]
    yield Words(f"{best.protocol.id}: {best.protocol.title}.", strong=True)
    yield Points(found.reasons)
    if best.conditions:
        yield Heading("To be kept")
        yield Points(best.conditions)


def _fitting(found: Recommendation) -> Iterator[Block]:
    if found.fits:
        yield Heading("What fits", "least work first; * nothing beats it in both work and doubt")
        yield table_of(HEADS, [_row(j, found) for j in found.fits], numbers=(2, 3, 4, 5), wide=(1,))


def _row(judged: Judged, found: Recommendation) -> tuple[str, ...]:
    star = " *" if judged.protocol.id in found.front else ""
    doubt = "not stated" if judged.u_rel is None else f"± {percent(judged.u_rel)}"
    levels = " or ".join(str(n) for n in judged.protocol.serves)
    return (f"{judged.protocol.id}{star}", judged.protocol.in_short, doubt,
            f"{judged.staff_min:.0f}", f"{judged.camera_min:.0f}", levels)  # fmt: skip


def _picture(found: Recommendation, place: Centre) -> Iterator[Block]:
    if found.fits or found.excluded:
        yield Heading("Work against doubt")
        yield Picture(figure(front_plot(found, place.name)), "Estimates; the table says the same.",
                      120.0)  # fmt: skip


def _excluded(found: Recommendation) -> Iterator[Block]:
    if found.excluded:
        yield Heading("What does not fit, and what would unlock it")
        rows = [(j.protocol.id, "; ".join(m.sentence for m in j.missing),
                 "; ".join(m.unlock for m in j.missing)) for j in found.excluded]  # fmt: skip
        yield table_of(("Protocol", "Why not", "Unlock"), rows, wide=(1, 2))


def _notes(found: Recommendation) -> Iterator[Block]:
    if found.notes:
        yield Heading("Notes")
        yield Points(tuple(f"{n.text} {n.do[:1].upper()}{n.do[1:]}. ({n.code})"
                           for n in found.notes))  # fmt: skip
