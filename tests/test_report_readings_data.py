"""result.json, tables and sentences of studies by readings: the numbers of the result."""

from __future__ import annotations

import csv
import json
from dataclasses import fields, replace
from io import StringIO
from typing import Any

import pytest

from quimby.report import csv as report_csv
from quimby.report import json as document
from quimby.report import rounding as say
from quimby.report.readings import cards, page, rows, shown, words
from quimby.study.result import Result
from quimby.study.stages import Allowed, Plan, Point, Series, Stage, TargetDose, Verified
from tests.sample_result import sample_result
from tests.sample_stages import bare_result, dtc_result, mibg_result, thyroid_result

ALL = (thyroid_result(), dtc_result(), mibg_result(), bare_result())


def body(result: Result) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(document.text(result))
    return loaded


@pytest.mark.parametrize(
    ("kind", "get", "instead"),
    [
        (Stage, lambda b: b["stages"][0], {}),
        (Series, lambda b: b["stages"][0]["series"][0], {}),
        (Point, lambda b: b["stages"][0]["series"][0]["points"][0], {}),
        (TargetDose, lambda b: b["stages"][0]["doses"][0], {}),
        (Plan, lambda b: b["plan"], {}),
        (Allowed, lambda b: b["plan"]["allowed"][0], {}),
        (Verified, lambda b: b["verified"][0], {}),
    ],
)
def test_every_field_of_readings_is_written(kind: Any, get: Any, instead: dict[str, str]) -> None:
    assert {f.name for f in fields(kind)} == set(get(body(dtc_result()))), instead


def test_a_result_of_scans_alone_has_none_of_the_keys() -> None:
    keys = set(body(sample_result(pictures=False)))
    assert not {"stages", "plan", "verified"} & keys
    assert {"stages", "plan", "verified"} <= set(body(bare_result()))
    assert body(bare_result())["plan"] is None


@pytest.mark.parametrize("result", ALL)
def test_numbers_read_back_to_the_same_float(result: Result) -> None:
    for written, stage in zip(body(result)["stages"], result.stages, strict=True):
        for w, s in zip(written["series"], stage.series, strict=True):
            assert w["tiac"]["value"] == s.tiac.value
            assert w["tiac"]["u"] == s.tiac.u
            assert [p["value"]["value"] for p in w["points"]] == [p.value.value for p in s.points]
            assert list(zip(w["line"]["time_h"], w["line"]["value"], w["line"]["u"], strict=True)) \
                == [tuple(row) for row in s.line]  # fmt: skip
        for w, d in zip(written["doses"], stage.doses, strict=True):
            assert w["dose_gy"]["value"] == d.dose_gy.value


def test_what_was_written_in_the_table_stays_as_it_was() -> None:
    point = body(dtc_result())["stages"][0]["series"][0]["points"][1]
    assert point["written"] == dict(dtc_result().stages[0].series[0].points[1].written)
    assert point["after_void"] is True
    assert point["at"].endswith("+02:00")


def sheet(result: Result, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(report_csv.tables(result)[name])))


def test_the_tables_of_readings() -> None:
    names = {"readings.csv", "curves.csv", "integrals.csv", "doses.csv", "budget.csv",
             "constants.csv", "notes.csv"}  # fmt: skip
    assert set(report_csv.tables(bare_result())) == names
    assert set(report_csv.tables(dtc_result())) == names | {"plan.csv"}
    scans = sample_result(pictures=False)
    both = set(report_csv.tables(replace(mibg_result(), regions=scans.regions)))
    assert {"regions_doses.csv", "regions_budget.csv", "dvh.csv", "readings.csv"} <= both


def test_every_reading_stands_in_its_table_as_written_and_as_used() -> None:
    table = sheet(mibg_result(), "readings.csv")
    points = [p for s in mibg_result().stages for x in s.series for p in x.points]
    assert len(table) == len(points)
    for row, p in zip(table, points, strict=True):
        assert float(row["value"]) == p.value.value
        assert float(row["time after start [h]"]) == p.time_h
        assert f"front: {p.written['front']}" in row["as written"]
        assert row["after void"] == ("yes" if p.after_void else "no")


def test_doses_and_plan_are_the_unrounded_ones() -> None:
    result = dtc_result()
    plan = result.plan
    assert plan is not None
    found = {row["what"]: row for row in sheet(result, "plan.csv")}
    assert float(found["activity for the aim or limit"]["value"]) == plan.activity_mbq.value
    assert float(found["proposed activity"]["value"]) == plan.proposed_mbq
    assert float(found["upper 95 % within blood dose 2 Gy"]["value"]) == plan.allowed[0].careful_mbq
    assert float(found["Blood dose, measured"]["value"]) == result.verified[1].measured.value
    last = sheet(result, "doses.csv")[-1]
    assert float(last["absorbed dose [Gy]"]) == result.stages[-1].doses[0].dose_gy.value
    assert float(last["95 % low [Gy]"]) == result.stages[-1].doses[0].dose_gy.interval()[0]


def test_shares_of_variance_add_to_one_for_each_dose() -> None:
    total: dict[tuple[str, str], float] = {}
    for row in sheet(mibg_result(), "budget.csv"):
        key = row["administration"], row["target"]
        total[key] = total.get(key, 0.0) + float(row["share of variance [1]"])
    assert len(total) == 2
    assert all(x == pytest.approx(1.0) for x in total.values())


@pytest.mark.parametrize("result", ALL[:3])
def test_drawn_shares_add_to_one_and_the_largest_comes_first(result: Result) -> None:
    for causes in (
        rows.plan_causes(result),
        words.grouped(result.stages[-1].doses[0].dose_gy.parts),
    ):
        assert sum(share for _, share in causes) == pytest.approx(1.0)
        named = [share for cause, share in causes if cause != "smaller ones"]
        assert named == sorted(named, reverse=True)
        assert len(causes) <= words.ROWS + 1


def test_causes_of_one_kind_are_one_row() -> None:
    found = words.together([("reading, 1", 0.3), ("reading, 2", 0.3), ("volume, CT", 0.3)])
    assert found == [
        ("reading, 2 causes", 0.6),
        ("volume, CT", 0.3),
        ("smaller ones", pytest.approx(0.1)),
    ]


def test_the_mass_is_called_the_largest_part_only_when_it_is() -> None:
    assert words.leading([("ultrasound volume", 0.6), ("curve", 0.4)]).startswith("The mass (")
    assert words.leading([("mass", 0.6)]).startswith("The mass is the largest part")
    assert words.leading([("curve", 0.6), ("mass", 0.4)]).startswith("Curve is")
    assert words.leading([("curve", 0.35), ("mass", 0.33)]) == ""
    assert words.leading([]) == ""


def test_blood_is_shown_per_litre_and_shares_in_per_cent() -> None:
    body_, blood = dtc_result().stages[0].series
    assert shown.point(blood.points[0].value, blood).value == pytest.approx(
        1e5 * blood.points[0].value.value)  # fmt: skip
    assert shown.integral(blood)[1] == "h/l"
    assert shown.integral(blood)[0].value == pytest.approx(1000 * blood.tiac.value)
    assert shown.integral(body_)[1] == "h"
    assert shown.scale(body_).unit == "%"


@pytest.mark.parametrize("result", ALL)
def test_the_table_of_page_one_holds_the_numbers_of_the_result(result: Result) -> None:
    table = page.table(result)
    cells = {(r["label"], r["detail"]): r["cells"] for r in table["rows"]}
    stages = page.columns(result)
    assert len(table["heads"]) == len(stages)
    name = stages[-1].doses[0].name
    per = next(c for (_, detail), c in cells.items() if detail == "dose per activity")[-1]
    x = stages[-1].doses[0].dose_per_activity_gy_per_gbq
    assert (per["value"], per["u"]) == say.value_and_u(x), name
    assert per["interval"] == say.interval(x)


def test_a_tracers_own_dose_is_not_on_page_one_but_its_dose_per_activity_is() -> None:
    table = page.table(thyroid_result())["rows"]
    assert table[0]["detail"] == "absorbed dose"
    assert table[0]["cells"][0] is None
    assert table[1]["cells"][0] is not None


@pytest.mark.parametrize("result", ALL)
def test_there_are_one_to_four_boxes_and_one_of_them_leads(result: Result) -> None:
    boxes = cards.cards(result)
    assert 1 <= len(boxes) <= 4
    assert sum(b["strong"] for b in boxes) == 1


def test_a_limit_from_memory_carries_its_dagger_until_confirmed() -> None:
    plan = dtc_result().plan
    assert plan is not None
    first = plan.allowed[0]
    unsure = replace(first, limit=replace(first.limit, tag="M"))
    assert words.limiting(replace(plan, allowed=(unsure,))) == "blood dose 2 Gy †"
    assert words.limiting(plan) == "blood dose 2 Gy"


def test_without_an_agent_the_nuclide_is_named() -> None:
    assert words.subtitle(replace(bare_result(), radiopharmaceutical="")).startswith(
        "I-131 · tracer"
    )
