"""Sheets of an XLSX workbook as tables. What the sheet hides or has not worked out is said."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any
from zipfile import BadZipFile, ZipFile

from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from quimby.core.notes import Note, note, refusal
from quimby.measure.readings.table import EPOCH, Cell, Content, Rows, Table, letters, place, shaped

MOST_UNPACKED = 200_000_000
"""Bytes; a sheet of readings is far smaller, a bomb far larger."""
BROKEN = (BadZipFile, KeyError, ValueError, OSError, TypeError, AttributeError, IndexError)


def workbook_table(data: bytes, *, file: str, sheet: str = "", header_row: int = 0) -> Table:
    """The table on one sheet: the only one with content, or the one named.

    Raises E-TAB-FORMAT, E-TAB-SIZE, E-TAB-SHEET, E-TAB-MERGED, E-TAB-FORMULA (never worked
    out, so the file holds no value), E-TAB-CELL (#DIV/0! and the like), and what `shaped` raises.
    """
    values, formulas = _opened(data, file, values=True), _opened(data, file, values=False)
    chosen = _chosen(values, file, sheet)
    page: Worksheet = values[chosen]
    _check_merged(page, file)
    epoch = EPOCH if values.epoch.year < 1904 else values.epoch
    rows = _rows(page, formulas[chosen], file)
    notes = _hidden(page, rows, file)
    return shaped(rows, file=file, sheet=chosen, header_row=header_row, epoch=epoch, notes=notes)


def _opened(data: bytes, file: str, *, values: bool) -> Any:
    try:
        with ZipFile(BytesIO(data)) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
        if unpacked > MOST_UNPACKED:
            raise refusal("E-TAB-SIZE", where=file, found=unpacked / 1e6, most=MOST_UNPACKED / 1e6)
        return load_workbook(BytesIO(data), data_only=values)
    except BROKEN:
        raise refusal("E-TAB-FORMAT", where=file, found="not an Excel workbook") from None


def _chosen(book: Any, file: str, sheet: str) -> str:
    filled = [
        p.title for p in book.worksheets if any(any(r) for r in p.iter_rows(values_only=True))
    ]
    if sheet and sheet in book.sheetnames:
        return sheet
    if len(filled) == 1 and not sheet:
        return str(filled[0])
    if not filled:
        raise refusal("E-TAB-EMPTY", where=file, what="no row with headers")
    raise refusal(
        "E-TAB-SHEET", where=file, wanted=sheet or "(none named)", sheets=", ".join(filled)
    )


def _check_merged(page: Worksheet, file: str) -> None:
    for joined in page.merged_cells.ranges:
        raise refusal("E-TAB-MERGED", where=place(file, page.title), cells=str(joined))


def _rows(page: Any, formulas: Worksheet, file: str) -> Rows:
    return [
        tuple(_cell(cell, formulas, place(file, page.title, row=cell.row, column=cell.column))
              for cell in row)
        for row in page.iter_rows()
    ]  # fmt: skip


def _cell(cell: Any, formulas: Worksheet, where: str) -> Cell:
    value = cell.value
    if value is None and formulas.cell(cell.row, cell.column).value is not None:
        raise refusal("E-TAB-FORMULA", where=where)
    if cell.data_type == "e":
        raise refusal("E-TAB-CELL", where=where, found=value)
    content = _content(value)
    if isinstance(content, float) and "%" in cell.number_format:
        # 0.28 is shown as 28 %, but 0.28 * 100 is 28.000000000000004: what is shown is meant
        return Cell(float(f"{content * 100:.15g}"), cell.row, cell.column, "%")
    return Cell(content, cell.row, cell.column)


def _content(value: object) -> Content:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return float(value)
    if value is None or isinstance(value, str | datetime | date | time | timedelta):
        return value
    return str(value)


def _hidden(page: Worksheet, rows: Rows, file: str) -> tuple[Note, ...]:
    """Hidden rows and columns are read like the others, and named."""
    used_rows = [r[0].row for r in rows if r and any(not c.empty for c in r)]
    used = {c.column for r in rows for c in r if not c.empty}
    out = [f"row {r}" for r in used_rows if page.row_dimensions[r].hidden]
    out += [f"column {letters(c)}" for c in sorted(used)
            if page.column_dimensions[letters(c)].hidden]  # fmt: skip
    where = place(file, page.title)
    return (note("W-TAB-HIDDEN", where=where, what=", ".join(out)),) if out else ()
