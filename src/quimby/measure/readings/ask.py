"""What stands between a table and its readings: the kind of table, and what to ask a person."""

from __future__ import annotations

from collections.abc import Iterable

from quimby.core.errors import QuimbyError
from quimby.core.notes import refusal
from quimby.measure.readings.mapping import IGNORED, missing
from quimby.measure.readings.routes import names, route
from quimby.measure.readings.suggest import TEMPLATE, Question, suggest
from quimby.measure.readings.table import Table

ASKED = {
    "E-TIME-ZONE": ("zone", "Europe/Berlin", "In which zone stood the clock?"),
    "E-READ-AMBIGUOUS": ("decimal", ",", 'Which mark is the decimal one, "," or "."?'),
    "E-READ-DATE-AMBIGUOUS": ("date_order", "dmy", "Do dates begin with the day or the month?"),
}
"""Problems that one answer solves for the whole table."""


def guessed(table: Table) -> str:
    """The route that a table's headers speak of.

    The one whose needed fields are all there and that explains most columns; else the one that
    lacks least. E-READ-ROUTE-OPEN where two do equally well, or none does.
    """
    fits = {name: _fit(table, name) for name in names()}
    best = max(fits.values())
    likely = [name for name, fit in fits.items() if fit == best]
    if len(likely) > 1 or best[2] < 1:
        open_to = likely if best[2] > 0 else names()
        raise refusal("E-READ-ROUTE-OPEN", where=table.file, routes=", ".join(open_to),
                      first=open_to[0])  # fmt: skip
    return likely[0]


def _fit(table: Table, name: str) -> tuple[bool, bool, int, int]:
    """Whether it is the template, whether nothing lacks, columns explained less fields that
    lack, and needed fields that are there."""
    made = suggest(table, name).columns
    explained = sum(key != IGNORED for key in made.columns.values())
    lacks, needed = len(missing(made)), sum(f.required for f in route(name).fields)
    return made.confirmed_by == TEMPLATE, lacks == 0, explained - lacks, needed - lacks


def questions(open_still: Iterable[Question], problems: Iterable[QuimbyError]) -> list[Question]:
    """What to ask: of the columns, and what the problems show to be unknown; each once."""
    asked = dict.fromkeys(open_still)
    for error in problems:
        if error.code in ASKED:
            about, example, asks = ASKED[error.code]
            asked[Question(asks, about, example)] = None
        elif error.code == "E-READ-SLIP":
            field = error.what.split(" of ")[0]
            asks = f"Is {field} right as it is written, in all rows? (If not, mind its unit.)"
            asked[Question(asks, "accept", field)] = None
    return list(asked)
