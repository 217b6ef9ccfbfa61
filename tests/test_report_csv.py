"""tables/*.csv: units in the headers, points, no formulas, and the numbers of the result."""

from __future__ import annotations

import csv
from dataclasses import replace
from io import StringIO

import pytest

from quimby.report import csv as report_csv
from tests.sample_result import NOTES, sample_result

WITHOUT_UNIT = {"region", "organ", "side", "members", "measurement", "reference", "quantity",
                "cause", "constant", "value", "u", "unit", "source", "tag", "verified",
                "confirmed", "code", "severity", "text", "where", "do", "limit"}  # fmt: skip


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(report_csv.tables(sample_result(pictures=False))[name])))


def test_there_are_these_seven_tables() -> None:
    assert set(report_csv.tables(sample_result(pictures=False))) == {
        "doses.csv", "samples.csv", "budget.csv", "dvh.csv", "constants.csv",
        "registrations.csv", "notes.csv",
    }  # fmt: skip


@pytest.mark.parametrize("name", report_csv.tables(sample_result(pictures=False)))
def test_every_number_column_names_its_unit_and_every_row_is_full(name: str) -> None:
    table = rows(name)
    assert table
    for column in table[0]:
        assert column in WITHOUT_UNIT or column.endswith("]"), column
    assert all(None not in row and None not in row.values() for row in table)


def test_doses_are_the_unrounded_ones() -> None:
    result = sample_result(pictures=False)
    by_name = {row["region"]: row for row in rows("doses.csv")}
    for region in (*result.combined, *result.regions):
        row = by_name[region.name]
        assert float(row["absorbed dose [Gy]"]) == region.absorbed_dose_gy.value
        assert float(row["u absorbed dose [Gy]"]) == region.absorbed_dose_gy.u
    assert by_name["Liver"]["bed [Gy]"] == ""
    assert by_name["Kidneys"]["members"] == "Kidney L; Kidney R"


def test_shares_of_variance_add_to_one_for_each_dose() -> None:
    total: dict[tuple[str, str], float] = {}
    for row in rows("budget.csv"):
        key = row["region"], row["quantity"]
        total[key] = total.get(key, 0.0) + float(row["share of variance [1]"])
    assert all(value == pytest.approx(1.0) for value in total.values())
    assert ("Kidneys", "BED") in total


def test_all_samples_are_there_with_their_residuals() -> None:
    table = rows("samples.csv")
    assert len(table) == 8 * 4
    kidney = [row for row in table if row["region"] == "Kidney L"]
    assert [float(row["residual [u]"]) for row in kidney] == [0.4, -0.9, 1.1, -0.3]


def test_notes_come_blocking_first() -> None:
    assert rows("notes.csv")[0]["code"] == "S-CAL-EXPIRED"
    assert len(rows("notes.csv")) == len(NOTES)


def test_a_name_that_a_spreadsheet_would_run_is_led_by_an_apostrophe() -> None:
    result = sample_result(pictures=False)
    sly = replace(result.regions[0], name='=HYPERLINK("http://x")')
    text = report_csv.tables(replace(result, regions=(sly,)))["doses.csv"]
    names = [row["region"] for row in csv.DictReader(StringIO(text))]
    assert names[-1].startswith("'=HYPERLINK")
