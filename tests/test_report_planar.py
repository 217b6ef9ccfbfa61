"""Planar scans on the report, in tables and in the result: what was counted, and where."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import cache
from io import StringIO

import numpy as np
import pytest
from numpy.typing import NDArray

from quimby.core.uncertain import Uncertain
from quimby.report import json as document
from quimby.report import planar
from quimby.report.csv import tables
from quimby.report.draw import captions
from quimby.report.figures.planar import planar_views
from quimby.report.figures.slices import _scan_title
from quimby.study.result import Measurement, PlanarCounts, PlanarPicture, PlanarView, Result
from tests.sample_result import sample_result

SHAPE = (60, 50)


def view(name: str, counts: float) -> PlanarView:
    net = 0.6 * counts
    return PlanarView(name, counts, 0.25 * counts, 0.15 * counts, Uncertain(net, {"counts": 20.0}))


def counts(scan: str, use: str, *, by: float | None = None) -> PlanarCounts:
    activity = Uncertain(40.0, {"counts": 2.0}) if use == "point of the curve" else None
    return PlanarCounts(scan, "Kidney_L", 300.0, 120.0, 600.0,
                        (view("anterior", 1000.0), view("posterior", 4000.0)),
                        Uncertain(2.0, {"counts": 0.1}), use, activity,
                        Uncertain(by, {"planar sensitivity": 3.0}) if by else None)  # fmt: skip


def box(rows: slice, columns: slice) -> NDArray[np.float64]:
    found = np.zeros(SHAPE)
    found[rows, columns] = 1.0
    return found


def picture(scan: str) -> PlanarPicture:
    seen = np.random.default_rng(1).poisson(20.0, SHAPE).astype(float)
    return PlanarPicture(scan, ("anterior", "posterior"), (seen, seen), (4.0, 4.0),
                         {"Kidney_L": box(slice(25, 35), slice(30, 36))},
                         {"Kidney_L": box(slice(37, 39), slice(30, 36))})  # fmt: skip


@cache
def whole(pictures: bool = True) -> Result:
    base = sample_result(pictures=pictures)
    scan = base.measurements[0]
    pair = Measurement("planar-1", "planar", scan.acquired_at, 2.0, "camera", 600.0, (4.0, 4.0))
    rows = (counts("planar-1", "point of the curve"), counts("planar-2", "sets the scale"))
    shown = base.pictures and replace(base.pictures, planar=tuple(map(picture, "1234567")))
    return replace(base, measurements=(pair, *base.measurements), planar=rows, pictures=shown)


def test_the_result_has_every_region_of_every_planar_scan() -> None:
    one, two = document.document(whole(pictures=False))["planar"]
    assert (one["measurement"], one["region"], one["use"]) == (
        "planar-1", "Kidney_L", "point of the curve")  # fmt: skip
    assert [v["name"] for v in one["views"]] == ["anterior", "posterior"]
    assert [v["counts"] - v["scatter"] - v["background"] for v in one["views"]] == [
        v["net"]["value"] for v in one["views"]]  # fmt: skip
    assert one["activity_mbq"]["value"] == 40.0
    assert two["activity_mbq"] is two["by_sensitivity_mbq"] is None


def test_the_table_has_a_row_a_view_and_is_there_only_with_planar_scans() -> None:
    rows = list(csv.DictReader(StringIO(tables(whole(pictures=False))["planar.csv"])))
    assert [(r["measurement"], r["view"]) for r in rows] == [
        (m, v) for m in ("planar-1", "planar-2") for v in ("anterior", "posterior")]  # fmt: skip
    assert float(rows[1]["net [1]"]) == pytest.approx(2400.0)
    assert rows[2]["activity [MBq]"] == ""
    assert "planar.csv" not in tables(sample_result(pictures=False))


def test_the_report_prints_both_views_and_what_the_counts_were_used_for() -> None:
    shown = planar.table(whole(pictures=False))
    assert (shown["both"], shown["key"]) == ("anterior / posterior", "")
    row = [cell.replace("\u00a0", " ") for cell in shown["rows"][0]]
    assert row == ["Kidney_L", "planar-1", "1000 / 4000", "250 / 1000", "150 / 600",
                                "600 / 2400", "2.00 ± 0.10", "point",
                                "40.0 ± 2.0"]  # fmt: skip
    checked = replace(whole(pictures=False), planar=(counts("p", "sets the scale", by=50.0),))
    assert planar.table(checked)["head"][-1] == "By sensitivity*"
    assert "not used" in planar.table(checked)["key"]
    assert planar.table(checked)["rows"][0][-1] == "50.0 ± 3.0"


def test_every_pair_is_pictured_and_a_result_without_pairs_has_no_picture() -> None:
    drawn = planar_views(whole())
    assert drawn is not None
    assert "1, 2, 3, 4, 5, 6, 7, anterior above posterior" in drawn.alt
    assert "Kidney_L" in drawn.alt
    assert "dashed: their backgrounds" in captions(whole())["planar"]
    assert planar_views(sample_result()) is None
    assert captions(sample_result())["planar"] == ""


def test_the_pages_of_spect_do_not_take_planar_scans_for_theirs() -> None:
    named = [_scan_title(whole(pictures=False), n) for n in range(2)]
    assert all("planar" not in title for title in named)
    assert named[0].startswith(whole(pictures=False).measurements[1].id)
