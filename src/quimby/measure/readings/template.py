"""Empty tables to fill in, one a route, in English, German or French; as XLSX or CSV."""

from __future__ import annotations

import csv
from datetime import date, datetime
from functools import cache
from io import BytesIO, StringIO
from typing import Any

from quimby.core.errors import QuimbyError
from quimby.core.notes import refusal
from quimby.measure.readings.cells import words_of
from quimby.measure.readings.numbers import number
from quimby.measure.readings.routes import LANGUAGES, Field, Route, route
from quimby.measure.readings.table import Cell, Content
from quimby.measure.readings.times import day, moment

FORMS = ("xlsx", "csv")
MARK = {
    "en": "EXAMPLE (not read)",
    "de": "BEISPIEL (wird nicht gelesen)",
    "fr": "EXEMPLE (non lu)",
}
SHEET = {"en": "readings", "de": "Messwerte", "fr": "mesures"}
_MARKS = {m.casefold() for m in MARK.values()}
LEAST_ALIKE = 2
ROOM = 200
"""Rows that are formatted for times and numbers of patients."""


def template(name: str, *, language: str, form: str = "xlsx") -> bytes:
    """The file to fill in: headers with their units, and one row marked as an example.

    The example row is never read. Where decimals take a comma (de, fr) a CSV has semicolons.
    Raises E-READ-ROUTE, E-READ-TEMPLATE for a language or form that there is not.
    """
    found = route(name)
    if language not in LANGUAGES or form not in FORMS:
        raise refusal("E-READ-TEMPLATE", where=name, asked=f"{language}, {form}",
                      languages=", ".join(LANGUAGES), forms=", ".join(FORMS))  # fmt: skip
    return _xlsx(found, language) if form == "xlsx" else _csv(found, language)


def _csv(found: Route, language: str) -> bytes:
    out = StringIO()
    writer = csv.writer(out, delimiter="," if language == "en" else ";")
    writer.writerow(f.called(language) for f in found.fields)
    example = [_example(f, language) for f in found.fields]
    if language != "en":
        example = [e.replace(".", ",") if _numeric(f) else e
                   for f, e in zip(found.fields, example, strict=True)]  # fmt: skip
    writer.writerow([MARK[language], *example[1:]])
    return out.getvalue().encode("utf-8-sig")


def _xlsx(found: Route, language: str) -> bytes:
    from openpyxl import Workbook  # only where a workbook is made
    from openpyxl.styles import Font

    book = Workbook()
    page: Any = book.active
    page.title = SHEET[language]
    page.append([f.called(language) for f in found.fields])
    page.append([MARK[language], *(_typed(f, language) for f in found.fields[1:])])
    for cell in (*page[1], *page[2]):
        first = cell.row == 1
        cell.font = Font(bold=first, italic=not first, color=None if first else "808080")
        page.column_dimensions[cell.column_letter].width = max(12, len(str(cell.value or "")) + 2)
    for column, f in enumerate(found.fields, start=1):
        _format(page, column, f)
    page.freeze_panes = "A2"
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _format(page: Any, column: int, f: Field) -> None:
    """Times as times, and numbers of patients as text, so that their zeros stay."""
    formats = {"moment": "yyyy-mm-dd hh:mm", "day": "yyyy-mm-dd", "text": "@"}
    if f.kinds[0] in formats:
        for row in range(2, ROOM + 2):
            page.cell(row, column).number_format = formats[f.kinds[0]]


def _example(f: Field, language: str) -> str:
    if f.choices and f.example:
        return f.choices[f.example][LANGUAGES.index(language)]
    return f.example


def _numeric(f: Field) -> bool:
    return not f.plain and bool(f.example)


def _typed(f: Field, language: str) -> Content:
    text = _example(f, language)
    if _numeric(f):
        return float(text)
    return datetime.fromisoformat(text) if f.kinds[0] in ("moment", "day") and text else text


def example_row(row: tuple[Cell, ...], found: Route) -> str | None:
    """Whether a row is the template's example: "as printed", "changed", or None for data.

    A row without the mark that is the example in all else is "changed": nobody measures it.
    """
    filled = [c for c in row if not c.empty]
    marked = any(words_of(c).casefold() in _MARKS for c in filled)
    others = [c for c in filled if c.column != row[0].column]
    if not marked and (not found.fields[0].example or len(others) < LEAST_ALIKE):
        return None  # one value alike is no sign of the example
    shown = [c for c in filled if words_of(c).casefold() not in _MARKS] if marked else others
    rest = {_canonical(c.content) for c in shown}
    if marked:
        return "as printed" if any(rest <= p for p in _printed(found.id)) else "changed"
    return "changed" if rest in _printed(found.id) else None


@cache
def _printed(name: str) -> tuple[frozenset[str], ...]:
    """The example row's values without its first cell, in each language."""
    fields = route(name).fields[1:]
    return tuple(frozenset(_canonical(_example(f, n)) for f in fields if f.example)
                 for n in LANGUAGES)  # fmt: skip


def _canonical(content: Content) -> str:
    """One text for one meaning: 41,0 and 41; 2026-03-02 10:12 and 02.03.2026 10:12."""
    if isinstance(content, float):
        return f"{content:.12g}"
    if isinstance(content, str):
        try:
            return f"{number(content, where='', decimal='.'):.12g}"
        except QuimbyError:
            pass
    try:
        found: date = moment(content, where="", zone="UTC")
    except QuimbyError:
        try:
            found = day(content, where="")
        except QuimbyError:
            return str(content).strip().casefold()
    return f"{found:%Y-%m-%d %H:%M}".removesuffix(" 00:00")
