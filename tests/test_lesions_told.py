"""What became of lesions between cycles, in the result, in tables and on the report."""

from __future__ import annotations

import csv
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest

from quimby.core.uncertain import Uncertain, exact
from quimby.report import json as document
from quimby.report import lesions
from quimby.report.csv import tables
from quimby.report.pdf import view
from quimby.study.lesions import Followed, follow
from quimby.study.lesions_seen import changes
from quimby.study.result import LesionChange, RegionResult, Result
from tests.sample_result import sample_result
from tests.test_lesions import lesion

WHOLE = sample_result(pictures=False)
MODEL = next(r for r in WHOLE.regions if r.organ == "lesion")


def row(name: str, ml: float, gy: float) -> RegionResult:
    """A lesion of unit density with a tenth of doubt in each value."""
    volume, dose = (Uncertain(x, {c: x / 10}) for x, c in ((ml, f"outline {name}"), (gy, "counts")))
    return replace(MODEL, name=name, volume_ml=volume, mass_g=exact(ml), absorbed_dose_gy=dose)


def of(found: Followed, before: list[RegionResult], now: list[RegionResult]) -> list[LesionChange]:
    return list(changes(found, before, now, (1, 3)))


def told(*found: LesionChange) -> Result:
    return replace(WHOLE, lesions=found)


A, B = lesion("A", 0), lesion("B", 100)
GROWN = follow([A], [lesion("X", 0, 20.0)], {("A", "X"): 9.0})


def test_a_change_holds_both_cycles_volumes_and_own_doses() -> None:
    (one,) = of(GROWN, [row("A", 10, 30)], [row("X", 20, 12)])
    assert (one.kind, one.before, one.now) == ("grown", ("A",), ("X",))
    assert (one.cycle_before, one.cycle) == (1, 3)
    assert one.volume_before_ml is not None
    assert one.volume_ml is not None
    assert one.dose_before_gy is not None
    assert one.dose_gy is not None
    assert (one.volume_before_ml.value, one.volume_ml.value) == (10, 20)
    assert (one.dose_before_gy.value, one.dose_gy.value) == (30, 12)
    assert one.dose_gy.u == pytest.approx(1.2)


def test_of_merged_lesions_volumes_are_added_and_doses_are_means_by_mass() -> None:
    found = follow([A, B], [lesion("AB", 50, 40)], {("A", "AB"): 9.0, ("B", "AB"): 9.0})
    (one,) = of(found, [row("A", 10, 40), row("B", 30, 20)], [row("AB", 40, 9)])
    assert one.kind == "merged"
    assert one.volume_before_ml is not None
    assert one.dose_before_gy is not None
    assert one.volume_before_ml.value == 40
    assert one.dose_before_gy.value == pytest.approx(25.0)


def test_what_is_new_or_gone_has_values_of_one_cycle_only() -> None:
    found = of(follow([A], [B], {}), [row("A", 10, 30)], [row("B", 5, 12)])
    gone, new = sorted(found, key=lambda x: x.kind)
    assert (gone.kind, new.kind) == ("gone", "new")
    assert gone.volume_ml is gone.dose_gy is None
    assert new.volume_before_ml is new.dose_before_gy is None
    assert new.volume_ml is not None
    assert new.volume_ml.value == 5


def test_the_result_has_one_entry_an_event_with_doubts_by_cause() -> None:
    body = document.document(told(*of(GROWN, [row("A", 10, 30)], [row("X", 20, 12)])))
    (one,) = body["lesions"]
    assert (one["event"], one["now"], one["before"]) == ("grown", ["X"], ["A"])
    assert (one["cycle_before"], one["cycle"]) == (1, 3)
    assert one["volume_ml"]["budget"] == {"outline X": 2.0}
    assert one["dose_before_gy"]["value"] == 30
    assert document.document(WHOLE)["lesions"] == []


def test_the_table_of_lesions_is_there_only_where_two_cycles_were_measured() -> None:
    assert "lesions.csv" not in tables(WHOLE)
    both = of(follow([A], [B], {}), [row("A", 10, 30)], [row("B", 5, 12)])
    (gone, new) = sorted(csv.DictReader(StringIO(tables(told(*both))["lesions.csv"])),
                         key=lambda r: r["event"])  # fmt: skip
    assert (gone["name before"], gone["name now"]) == ("A", "")
    assert (gone["dose before [Gy]"], gone["dose [Gy]"]) == ("30.0", "")
    assert (new["volume [ml]"], new["volume before [ml]"]) == ("5.0", "")


def page(*found: LesionChange) -> dict[str, Any]:
    table: dict[str, Any] = view(told(*found), ())["tables"]["followed"]
    return table


def test_the_report_says_it_in_a_sentence_and_a_row() -> None:
    shown = page(*of(GROWN, [row("A", 10, 30)], [row("X", 20, 12)]))
    assert shown["words"] == "Since cycle 1: X has grown to 200 % of its volume."
    assert shown["rows"] == [["X", "A", "10.0 ± 1.0 → 20.0 ± 2.0", "30.0 ± 3.0 → 12.0 ± 1.2",
                              "grown to 200 %"]]  # fmt: skip


@pytest.mark.parametrize(("kind", "before", "now", "words"), [
    ("shrunk", ("A",), ("A",), "A has shrunk to 50 % of its volume"),
    ("split", ("A",), ("A1", "A2"), "A1 and A2 are parts of A"),
    ("merged", ("A", "B"), ("AB",), "AB has grown together from A and B"),
    ("new", (), ("A",), "A is new"),
    ("gone", ("A", "B"), (), "A and B are gone"),
    ("unclear", ("A",), ("X", "Y"), "X and Y cannot be told from A: a person must say"),
    ("same", ("A",), ("A",), "1 unchanged in size within doubt"),
])  # fmt: skip
def test_every_event_has_its_words(
    kind: str, before: tuple[str, ...], now: tuple[str, ...], words: str
) -> None:
    one = LesionChange(kind, before, now, 1, 2, exact(10.0), exact(5.0), None, None)
    assert lesions.sentence([one]) == f"Since cycle 1: {words}."
    assert set(lesions.CHANGES) | {"same"} == set(lesions.EVENTS)


def test_the_sentence_is_of_the_last_step_and_the_table_of_all() -> None:
    first = LesionChange("new", (), ("A",), 1, 2, None, exact(1.0), None, exact(1.0))
    last = LesionChange("gone", ("A",), (), 2, 3, exact(1.0), None, exact(1.0), None)
    shown = page(first, last)
    assert shown["words"] == "Since cycle 2: A is gone."
    assert [r[0] for r in shown["rows"]] == ["1 → 2", "2 → 3"]
    assert shown["head"][0] == "Cycles"
