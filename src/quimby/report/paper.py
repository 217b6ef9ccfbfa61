"""Plain papers: plans, schedules, recommendations, letters. Blocks of text, tables, pictures.

One document has three forms that say the same: a terminal's lines, a PDF, and data for JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time
from textwrap import wrap
from typing import Any

from quimby import __version__
from quimby.report.figures.style import Figure
from quimby.report.lettering import each_text, raised
from quimby.report.typeset import typeset
from quimby.report.words import DECIDES, day

WIDTH = 96  # columns of a terminal
LEAST = 12  # columns of a table's narrowest text


@dataclass(frozen=True, slots=True)
class Heading:
    """A section begins."""

    words: str
    extra: str = ""  # small, beside it


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph."""

    words: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Points:
    """A list; `ordered` numbers it."""

    rows: tuple[str, ...]
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under their heads. Columns named in `numbers` stand to the right."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()
    wide: tuple[int, ...] = ()  # columns that take the room that is left; else the last text
    foot: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """A figure with its caption, on paper only."""

    figure: Figure
    caption: str
    width_mm: float = 150.0


Block = Heading | Words | Points | Table | Picture


@dataclass(frozen=True, eq=False, slots=True)
class Paper:
    """A document. `on` is its day, and its PDF's clock: the same content gives the same bytes."""

    title: str
    subtitle: str
    centre: str
    on: date
    blocks: tuple[Block, ...] = field(default_factory=tuple)
    language: str = "en"
    letter: bool = False  # larger type, for patients
    foot: str = DECIDES


def pdf(paper: Paper) -> bytes:
    """The document as PDF/A-2b."""
    figures = [b.figure for b in paper.blocks if isinstance(b, Picture)]
    clock = datetime.combine(paper.on, time(12)).timestamp()
    return typeset("paper.typ", each_text(_view(paper), raised), figures, at=clock)


def _view(paper: Paper) -> dict[str, Any]:
    return {
        "language": paper.language, "title": paper.title, "subtitle": paper.subtitle,
        "centre": paper.centre, "on": _on(paper), "letter": paper.letter,
        "foot": paper.foot, "made": f"Quimby {__version__}",
        "blocks": [_block(b) for b in paper.blocks],
    }  # fmt: skip


def _on(paper: Paper) -> str:
    return day(paper.on) if paper.language == "en" else paper.on.isoformat()


def _block(block: Block) -> dict[str, Any]:
    if isinstance(block, Picture):
        return {"kind": "picture", "name": block.figure.name, "alt": block.figure.alt,
                "caption": block.caption, "width": block.width_mm}  # fmt: skip
    return {"kind": type(block).__name__.lower(), **asdict(block)}


def lines(paper: Paper) -> Iterator[str]:
    """The document for a terminal, at most 96 columns; pictures are left to the PDF."""
    yield f"{paper.title} · {paper.centre}" if paper.centre else paper.title
    if paper.subtitle:
        yield from wrap(paper.subtitle, WIDTH)
    for block in paper.blocks:
        yield from _lines(block)


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield ""
        yield f"{block.words}  ({block.extra})" if block.extra else block.words
    elif isinstance(block, Words):
        yield from wrap(block.words, WIDTH, initial_indent=" ", subsequent_indent=" ")
    elif isinstance(block, Points):
        for i, row in enumerate(block.rows, start=1):
            mark = f" {i}. " if block.ordered else " - "
            yield from wrap(row, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark))
    elif isinstance(block, Table):
        yield from _table(block)


def _table(table: Table) -> Iterator[str]:
    """Columns as wide as their longest text; the wide ones give way and break."""
    widths = _widths(table)
    for row in (table.head, *table.rows):
        cells = [wrap(cell, w) or [""] for cell, w in zip(row, widths, strict=True)]
        for i in range(max(len(c) for c in cells)):
            parts = [c[i] if i < len(c) else "" for c in cells]
            told = [p.rjust(w) if n in table.numbers else p.ljust(w)
                    for n, (p, w) in enumerate(zip(parts, widths, strict=True))]  # fmt: skip
            yield f" {'  '.join(told)}".rstrip()
    if table.foot:
        yield from wrap(table.foot, WIDTH, initial_indent=" ", subsequent_indent=" ")


def _widths(table: Table) -> list[int]:
    rows = (table.head, *table.rows)
    widths = [max(1, *(len(row[i]) for row in rows)) for i in range(len(table.head))]
    text = [i for i in range(len(widths)) if i not in table.numbers]
    giving = list(table.wide or text[-1:] or range(len(widths)))
    while sum(widths) + 2 * len(widths) > WIDTH:
        widest = max(giving, key=lambda i: widths[i])
        if widths[widest] <= LEAST:
            giving = list(range(len(widths)))
            widest = max(giving, key=lambda i: widths[i])
            if widths[widest] <= LEAST:
                break
        widths[widest] -= 1
    return widths


def plain(paper: Paper) -> dict[str, Any]:
    """Title, place and day for JSON; what stands under them each document adds as its own data."""
    return {"title": paper.title, "centre": paper.centre, "on": paper.on.isoformat(),
            "quimby_version": __version__}  # fmt: skip


def table_of(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = (),
             wide: Sequence[int] = (), foot: str = "") -> Table:  # fmt: skip
    """A table from any sequences."""
    return Table(tuple(head), tuple(tuple(r) for r in rows), tuple(numbers), tuple(wide), foot)
