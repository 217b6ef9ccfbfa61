"""Tables as files: read cell for cell, or refused with file, sheet, row and column."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from quimby.core.errors import QuimbyError
from quimby.measure.readings.table import letters, read_table, table_of

Grid = Sequence[Sequence[Any]]
SIMPLE: Grid = [["time", "front [µSv/h]"], ["2.3.2026 10:12", "41,0"], ["2.3.2026 12:00", "37,5"]]


def texts(data: bytes, **words: Any) -> list[list[str]]:
    """Header and rows as text."""
    table = table_of(data, file="r", **words)
    return [list(table.names), *([c.text for c in row] for row in table.rows)]


def workbook(*sheets: Grid, change: Any = None) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for n, rows in enumerate(sheets, start=1):
        page = book.create_sheet(f"Tabelle{n}")
        for row in rows:
            page.append(row)
    if change:
        change(book.worksheets[0])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def separated(rows: Grid, delimiter: str) -> str:
    out = StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue()


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_delimiter_and_letters_are_recognised(delimiter: str, encoding: str) -> None:
    assert texts(separated(SIMPLE, delimiter).encode(encoding)) == [list(r) for r in SIMPLE]


def test_letters_that_had_to_be_guessed_are_noted() -> None:
    table = table_of("a;µ\n1;2\n".encode("cp1252"), file="r.csv")

    assert [n.code for n in table.notes] == ["I-TAB-ENCODING"]
    assert table_of("a;µ\n1;2\n".encode(), file="r.csv").notes == ()


def test_a_semicolon_file_with_commas_in_headers_and_numbers_keeps_its_columns() -> None:
    data = b'time;front, left;"a;b"\n2.3.2026 10:12;41,0;1,5\n'

    assert texts(data)[0] == ["time", "front, left", "a;b"]
    assert texts(data)[1] == ["2.3.2026 10:12", "41,0", "1,5"]


def test_a_decimal_comma_between_commas_is_refused_with_its_row() -> None:
    with pytest.raises(QuimbyError) as error:
        table_of(b"time,front\n2.3.2026 10:12,41\n2.3.2026 12:00,37,5\n", file="r.csv")

    assert error.value.code == "E-TAB-WIDTH"
    assert error.value.where == "r.csv, row 3"
    assert "decimals" in error.value.do


def test_what_excel_puts_on_top_is_not_the_header() -> None:
    assert texts(b"sep=;\na;b\n1;2\n") == [["a", "b"], ["1", "2"]]
    assert table_of(b"sep=;\na;b\n1;2\n", file="r").rows[0][0].row == 3


def test_comments_and_empty_rows_are_left_out_and_rows_keep_their_numbers() -> None:
    table = table_of(b"# monitor 2\n\na;b\n\n1;2\n;;\n# end\n3;4\n", file="r.csv")

    assert [row[0].row for row in table.rows] == [5, 8]
    assert table.where(table.rows[1][1]) == "r.csv, cell B8 (b)"


def test_an_instrument_s_preamble_is_passed_by_naming_the_header_s_row() -> None:
    data = b"Instrument;Wizard\nRun;17;x\nTube;Counts\nB1;6200\n"

    assert texts(data, header_row=3) == [["Tube", "Counts"], ["B1", "6200"]]
    with pytest.raises(QuimbyError, match="E-TAB-EMPTY"):
        table_of(data, file="r", header_row=9)


@pytest.mark.parametrize("header_row", [0, 3])
def test_a_one_column_table_is_a_table(header_row: int) -> None:
    assert texts(b"\n\nRIU [%]\n38\n"[0:], header_row=header_row) == [["RIU [%]"], ["38"]]


@pytest.mark.parametrize(
    ("data", "code", "where"),
    [
        (b"", "E-TAB-EMPTY", "r.csv"),
        (b"\n\n", "E-TAB-EMPTY", "r.csv"),
        (b"a;b\n", "E-TAB-EMPTY", "r.csv"),
        (b"a;\n1;2\n", "E-TAB-WIDTH", "r.csv, row 2"),
        (b"a;;c\n1;2;3\n", "E-TAB-HEADER", "r.csv, cell B1"),
        (b"a;b;a\n1;2;3\n", "E-TAB-HEADER-TWICE", "r.csv, cell C1"),
        (b"a;b\n1;\x81\n", "E-TAB-ENCODING", "r.csv"),
        (b"a;b\n1;\x00\n", "E-TAB-FORMAT", "r.csv"),
        (b"\xd0\xcf\x11\xe0 old", "E-TAB-FORMAT", "r.csv"),
        (b"PK\x03\x04 no zip", "E-TAB-FORMAT", "r.csv"),
        (b"a" * 20_000_001, "E-TAB-SIZE", "r.csv"),
    ],
)
def test_what_is_no_table_is_refused_by_name(data: bytes, code: str, where: str) -> None:
    with pytest.raises(QuimbyError) as error:
        table_of(data, file="r.csv")

    assert (error.value.code, error.value.where) == (code, where)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(QuimbyError, match=r"nowhere\.csv"):
        read_table(tmp_path / "nowhere.csv")
    (tmp_path / "r.csv").write_bytes(b"a;b\n1;2\n")
    assert read_table(tmp_path / "r.csv").file == "r.csv"


@given(st.lists(st.lists(st.text("abc ,;\t\"'äµ5.", min_size=1, max_size=6).map(lambda t: f"x{t}x"),
                         min_size=3, max_size=3), min_size=1, max_size=5),
       st.sampled_from([";", "\t", ","]))  # fmt: skip
def test_every_cell_comes_back_from_a_quoted_file(rows: list[list[str]], delimiter: str) -> None:
    head = ["one", "two", "three"]

    assert texts(separated([head, *rows], delimiter).encode()) == [head, *rows]


def test_a_workbook_keeps_types_and_knows_its_cells() -> None:
    data = workbook(
        [["time", "front"], [datetime(2026, 3, 2, 10, 12), 41], [None, None], ["x", 2.5]]
    )
    table = table_of(data, file="r.xlsx")

    assert table.rows[0][0].content == datetime(2026, 3, 2, 10, 12)
    assert table.rows[0][1].content == 41.0
    assert [r[0].row for r in table.rows] == [2, 4]
    assert table.where(table.rows[1][1]) == "r.xlsx, sheet Tabelle1, cell B4 (front)"


def test_per_cent_in_a_workbook_is_the_number_that_is_shown() -> None:
    def change(page: Any) -> None:
        page["A2"].number_format = "0.0%"

    cell = table_of(workbook([["uptake"], [0.28], [0.28]], change=change), file="r").rows[0][0]

    assert (cell.content, cell.unit) == (28.0, "%")


def test_the_one_filled_sheet_is_read_and_of_several_one_is_asked_for() -> None:
    assert table_of(workbook([], SIMPLE), file="r").sheet == "Tabelle2"
    with pytest.raises(QuimbyError, match="E-TAB-SHEET") as error:
        table_of(workbook(SIMPLE, SIMPLE), file="r.xlsx")
    assert "Tabelle1, Tabelle2" in error.value.do
    assert table_of(workbook(SIMPLE, SIMPLE), file="r", sheet="Tabelle2").sheet == "Tabelle2"
    with pytest.raises(QuimbyError, match="E-TAB-SHEET"):
        table_of(workbook(SIMPLE), file="r.xlsx", sheet="Mai")
    with pytest.raises(QuimbyError, match="E-TAB-EMPTY"):
        table_of(workbook([]), file="r.xlsx")


def test_a_formula_without_a_result_and_a_broken_one_are_refused_at_their_cell() -> None:
    with pytest.raises(QuimbyError) as error:
        table_of(workbook([["a"], ["=1+1"]]), file="r.xlsx")
    assert (error.value.code, error.value.where) == (
        "E-TAB-FORMULA",
        "r.xlsx, sheet Tabelle1, cell A2",
    )
    with pytest.raises(QuimbyError, match="#DIV/0!"):
        table_of(workbook([["a"], ["#DIV/0!"]]), file="r.xlsx")


def test_merged_cells_are_refused_and_hidden_rows_are_named() -> None:
    with pytest.raises(QuimbyError, match="A2:A3"):
        table_of(workbook(SIMPLE, change=lambda p: p.merge_cells("A2:A3")), file="r.xlsx")

    def hide(page: Any) -> None:
        page.row_dimensions[2].hidden = True
        page.column_dimensions["B"].hidden = True

    table = table_of(workbook(SIMPLE, change=hide), file="r.xlsx")
    assert len(table.rows) == 2
    assert [n.code for n in table.notes] == ["W-TAB-HIDDEN"]
    assert "row 2, column B" in table.notes[0].text


def test_the_other_day_zero_of_a_workbook_is_kept() -> None:
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    book = Workbook()
    book.epoch = CALENDAR_MAC_1904
    for row in (["a"], [1.0]):
        book.worksheets[0].append(row)
    out = BytesIO()
    book.save(out)

    assert table_of(out.getvalue(), file="r").epoch == datetime(1904, 1, 1)


@given(st.integers(1, 20000))
def test_columns_are_lettered_as_spreadsheets_do(column: int) -> None:
    from openpyxl.utils import get_column_letter

    if column <= 18278:
        assert letters(column) == get_column_letter(column)
