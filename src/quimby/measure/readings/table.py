"""A table as its file holds it: cells that remember where they stand, nothing interpreted."""

from __future__ import annotations

import codecs
import csv
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

from quimby.core.notes import Note, note, refusal

Content = str | float | datetime | date | time | timedelta | None
EPOCH = datetime(1899, 12, 30)
"""Day zero of serial dates in spreadsheets, unless a workbook says 1904."""
DELIMITERS = ("\t", ";", ",")
MOST_BYTES = 20_000_000
Rows = list[tuple["Cell", ...]]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell. `row` and `column` count from 1, as a spreadsheet shows them.

    `unit` is "%" where the spreadsheet shows the number as per cent; `content` is then the
    number that is shown (25 for 25 %).
    """

    content: Content
    row: int
    column: int
    unit: str = ""

    @property
    def empty(self) -> bool:
        """Nothing in it but spaces."""
        return self.content is None or (isinstance(self.content, str) and not self.content.strip())

    @property
    def text(self) -> str:
        """What it holds, as text."""
        return "" if self.content is None else str(self.content).strip()


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns and rows of cells. `sheet` is empty for a text file."""

    file: str
    sheet: str
    header: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    epoch: datetime = EPOCH
    notes: tuple[Note, ...] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        """The headers, left to right."""
        return tuple(cell.text for cell in self.header)

    def where(self, cell: Cell) -> str:
        """File, sheet, row and column of a cell, for messages."""
        heads = [h.text for h in self.header if h.column == cell.column and h.row != cell.row]
        named = f" ({heads[0]})" if heads else ""
        return place(self.file, self.sheet, row=cell.row, column=cell.column) + named

    def row_where(self, row: tuple[Cell, ...]) -> str:
        """File, sheet and row."""
        return place(self.file, self.sheet, row=row[0].row)

    def column(self, name: str) -> tuple[Cell, ...]:
        """The cells under a header."""
        at = self.names.index(name)
        return tuple(row[at] for row in self.rows)


def place(file: str, sheet: str = "", *, row: int = 0, column: int = 0) -> str:
    """Where something stands: "readings.xlsx, sheet Mai, cell D4" or "readings.csv, row 4"."""
    parts = [file, *([f"sheet {sheet}"] if sheet else [])]
    if row and column:
        parts.append(f"cell {letters(column)}{row}")
    elif row:
        parts.append(f"row {row}")
    return ", ".join(parts)


def letters(column: int) -> str:
    """A column's name in a spreadsheet: 1 is A, 27 is AA."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def read_table(path: Path, *, sheet: str = "", header_row: int = 0) -> Table:
    """The table in a CSV, TSV or XLSX file. See `table_of`.

    Raises E-TAB-FILE where the file cannot be opened, and what `table_of` raises.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise refusal("E-TAB-FILE", where=str(path), why=error.strerror or "no such file") from None
    return table_of(data, file=path.name, sheet=sheet, header_row=header_row)


def table_of(data: bytes, *, file: str, sheet: str = "", header_row: int = 0) -> Table:
    """The table in the bytes of a file; the bytes decide what it is, not the name.

    `header_row` counts from 1; without it the first row that is not empty and does not begin
    with # is the header. `sheet` is needed where several sheets hold something.
    Raises E-TAB-… with file, sheet and cell for whatever cannot be read without a guess.
    """
    from quimby.measure.readings.xlsx import workbook_table  # openpyxl loads only where needed

    if len(data) > MOST_BYTES:
        raise refusal("E-TAB-SIZE", where=file, found=len(data) / 1e6, most=MOST_BYTES / 1e6)
    if data.startswith(b"PK\x03\x04"):
        return workbook_table(data, file=file, sheet=sheet, header_row=header_row)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise refusal("E-TAB-FORMAT", where=file, found="an old or protected Excel file")
    text, notes = _decoded(data, file)
    return shaped(_text_rows(text, file, header_row), file=file, header_row=header_row, notes=notes)


def _decoded(data: bytes, file: str) -> tuple[str, tuple[Note, ...]]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="strict"), ()
    if b"\0" in data:
        raise refusal("E-TAB-FORMAT", where=file, found="not a text file")
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252"), (note("I-TAB-ENCODING", where=file),)
    except UnicodeDecodeError as error:
        raise refusal("E-TAB-ENCODING", where=file, byte=error.start) from None


def _text_rows(text: str, file: str, header_row: int) -> Rows:
    lines = text.splitlines(keepends=True)
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip()) == 5:
        return _split("\n" + "".join(lines[1:]), lines[0][4])  # the row still counts
    splits = [rows for rows in (_split(text, d) for d in DELIMITERS) if _head(rows, header_row)]
    if not splits:
        return []
    widest = sorted(splits, key=lambda rows: _cells(rows, header_row), reverse=True)
    for rows in widest:
        if _width(rows, header_row) > 1 and _even(rows, header_row):
            return rows
    rows = widest[0]
    _check_widths(rows, file, header_row)
    return rows


def _split(text: str, delimiter: str) -> Rows:
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    return [
        tuple(Cell(content, r, c) for c, content in enumerate(row, start=1))
        for r, row in enumerate(reader, start=1)
    ]


def _head(rows: Rows, header_row: int) -> tuple[Cell, ...] | None:
    """The header; a line that begins with # is a comment."""
    if header_row:
        return rows[header_row - 1] if len(rows) >= header_row else None
    return next((row for row in rows if _filled(row) and not _comment(row)), None)


def _width(rows: Rows, header_row: int) -> int:
    head = _head(rows, header_row) or ()
    return max((c.column for c in head if not c.empty), default=0)


def _cells(rows: Rows, header_row: int) -> tuple[int, int]:
    """Filled cells of the header, and all of them."""
    return _width(rows, header_row), len(_head(rows, header_row) or ())


def _filled(row: tuple[Cell, ...]) -> bool:
    return any(not cell.empty for cell in row)


def _comment(row: tuple[Cell, ...]) -> bool:
    return row[0].text.startswith("#")


def _even(rows: Rows, header_row: int) -> bool:
    return not _uneven(rows, header_row)


def _uneven(rows: Rows, header_row: int) -> Rows:
    """Rows that hold something to the right of the last header, or too little for any."""
    head, width = _head(rows, header_row), _width(rows, header_row)
    body = [row for row in rows[rows.index(head) + 1 :] if _filled(row)] if head else []
    data = [row for row in body if not _comment(row)]
    return [row for row in data if any(not c.empty for c in row[width:])]


def _check_widths(rows: Rows, file: str, header_row: int) -> None:
    for row in _uneven(rows, header_row):
        raise refusal(
            "E-TAB-WIDTH", where=place(file, row=row[0].row),
            found=len(row), expected=_width(rows, header_row),
        )  # fmt: skip


def shaped(
    rows: Rows,
    *,
    file: str,
    sheet: str = "",
    header_row: int = 0,
    epoch: datetime = EPOCH,
    notes: tuple[Note, ...] = (),
) -> Table:
    """Header and body, every row as wide as the header; empty rows and comments left out.

    Raises E-TAB-EMPTY without a header or a row below it, E-TAB-HEADER for a column with
    values and no name, E-TAB-HEADER-TWICE for two columns of one name.
    """
    head = _head(rows, header_row)
    if not head:
        raise refusal("E-TAB-EMPTY", where=place(file, sheet), what="no row with headers")
    body = [r for r in rows[rows.index(head) + 1 :] if _filled(r) and not _comment(r)]
    if not body:
        raise refusal("E-TAB-EMPTY", where=place(file, sheet), what="no row below the headers")
    used = sorted({c.column for r in (head, *body) for c in r if not c.empty})
    full = [tuple(_at(row, column) for column in used) for row in (head, *body)]
    _check_header(full[0], file, sheet)
    return Table(file, sheet, full[0], tuple(full[1:]), epoch, notes)


def _at(row: tuple[Cell, ...], column: int) -> Cell:
    found = row[column - 1] if column <= len(row) else None
    return found or Cell(None, row[0].row, column)


def _check_header(head: tuple[Cell, ...], file: str, sheet: str) -> None:
    seen: dict[str, int] = {}
    for cell in head:
        where = place(file, sheet, row=cell.row, column=cell.column)
        if cell.empty:
            raise refusal("E-TAB-HEADER", where=where, column=letters(cell.column))
        if cell.text in seen:
            raise refusal("E-TAB-HEADER-TWICE", where=where, name=cell.text,
                          other=letters(seen[cell.text]))  # fmt: skip
        seen[cell.text] = cell.column
