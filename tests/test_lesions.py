"""Lesions are followed by the tissue they lie in; what is unclear is asked, never guessed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quimby.core.errors import InputError
from quimby.core.uncertain import Uncertain, exact
from quimby.study.lesions import Followed, Lesion, follow
from quimby.study.lesions_seen import carried_on
from quimby.study.result import Exposure


def lesion(name: str, x_mm: float, ml: float = 10.0, *, u: float = 0.1) -> Lesion:
    """A lesion on the x axis; its volume's doubt is a fraction of it."""
    return Lesion(name, (x_mm, 0.0, 0.0), Uncertain(ml, {f"outline {name}": u * ml}))


def kinds(found: Followed) -> list[str]:
    return [e.kind for e in found.events]


def codes(found: Followed) -> set[str]:
    return {n.code for n in found.notes}


A, B = lesion("A", 0), lesion("B", 100)


def test_lesions_that_share_their_tissue_are_the_same_without_a_word() -> None:
    found = follow([A, B], [A, B], {("A", "A"): 9.0, ("B", "B"): 6.0})
    assert kinds(found) == ["same", "same"]
    assert found.notes == ()


def test_place_counts_and_not_the_name() -> None:
    found = follow([A, B], [A, B], {("A", "B"): 9.0, ("B", "A"): 9.0})
    assert found.origin("A") == ("B",)
    assert found.origin("B") == ("A",)
    assert codes(found) == {"W-LES-NAME"}
    assert "A lies where B lay" in found.notes[0].text


def test_one_lesion_in_two_outlines_has_split() -> None:
    parts = [lesion("A1", -5, 4), lesion("A2", 5, 4)]
    found = follow([A], parts, {("A", "A1"): 3.5, ("A", "A2"): 3.5})
    assert kinds(found) == ["split"]
    assert found.origin("A1") == found.origin("A2") == ("A",)
    assert codes(found) == {"I-LES-SPLIT"}


def test_two_lesions_in_one_outline_have_merged() -> None:
    big = lesion("AB", 10, 25)
    found = follow([A, lesion("B", 20)], [big], {("A", "AB"): 9.0, ("B", "AB"): 9.0})
    assert kinds(found) == ["merged"]
    assert found.origin("AB") == ("A", "B")
    assert codes(found) == {"I-LES-MERGED"}


@pytest.mark.parametrize(("ml", "kind"), [(5.0, "shrunk"), (8.5, "same"), (12.0, "same"),
                                          (20.0, "grown")])  # fmt: skip
def test_a_size_has_changed_only_beyond_the_doubt_of_both_outlines(ml: float, kind: str) -> None:
    found = follow([A], [lesion("A", 0, ml)], {("A", "A"): min(ml, 10.0)})
    assert kinds(found) == [kind]
    assert codes(found) == (set() if kind == "same" else {"I-LES-SIZE"})


def test_a_lesion_of_one_cycle_alone_is_gone_or_new() -> None:
    found = follow([A], [B], {})
    assert sorted(kinds(found)) == ["gone", "new"]
    assert found.origin("B") == ()
    assert codes(found) == {"I-LES-GONE", "I-LES-NEW"}


def test_the_only_one_near_is_taken_and_said() -> None:
    found = follow([A], [lesion("A", 12)], {})
    assert kinds(found) == ["same"]
    assert codes(found) == {"I-LES-NEAR"}
    assert "12 mm away" in found.notes[-1].text


def test_of_two_near_ones_none_is_taken_and_it_is_asked() -> None:
    found = follow([A], [lesion("X", -8), lesion("Y", 8)], {}, where="cycle-2")
    assert kinds(found) == ["unclear"]
    assert found.origin("X") == found.origin("Y") == ()
    (asked,) = found.notes
    assert asked.code == "S-LES-WHICH"
    assert "administrations.cycle-2.outlines.same_as.X" in asked.do


def test_one_name_in_two_places_is_asked() -> None:
    found = follow([A], [lesion("A", 60)], {})
    assert kinds(found) == ["unclear"]
    assert "it lies elsewhere" in found.notes[0].text


def test_two_that_cross_two_are_asked() -> None:
    now = [lesion("X", 0), lesion("Y", 10)]
    common = {("A", "X"): 5.0, ("A", "Y"): 5.0, ("C", "X"): 5.0, ("C", "Y"): 5.0}
    assert kinds(follow([A, lesion("C", 10)], now, common)) == ["unclear"]


def test_a_person_s_word_goes_before_the_place() -> None:
    now = [lesion("X", -8), lesion("Y", 8)]
    found = follow([A], now, {}, said={"X": "A", "Y": "new"})
    assert found.origin("X") == ("A",)
    assert found.origin("Y") == ()
    moved = follow([A, B], [lesion("Z", 0)], {("A", "Z"): 9.0}, said={"Z": "B"})
    assert moved.origin("Z") == ("B",)
    several = follow([A, B], [lesion("Z", 50)], {}, said={"Z": "A, B"})
    assert several.origin("Z") == ("A", "B")


def test_a_name_that_was_not_there_is_refused_with_those_that_were() -> None:
    with pytest.raises(InputError, match=r"no lesion called 'C'.*there were A, B") as caught:
        follow([A, B], [lesion("X", 0)], {}, said={"X": "C"})
    assert caught.value.code == "E-LES-NAME"


places = st.lists(st.floats(-60, 60), max_size=5, unique=True)


@given(places, places, st.integers(0, 3))
@settings(max_examples=80, deadline=None)
def test_every_lesion_has_exactly_one_event(
    then: list[float], today: list[float], seed: int
) -> None:
    before = [lesion(f"b{i}", x) for i, x in enumerate(then)]
    now = [lesion(f"n{i}", x) for i, x in enumerate(today)]
    common = {(b.name, n.name): max(10 - abs(b.centre_mm[0] - n.centre_mm[0]) / (seed + 1), 0)
              for b in before for n in now}  # fmt: skip
    found = follow(before, now, common)
    assert sorted(b for e in found.events for b in e.before) == sorted(b.name for b in before)
    assert sorted(n for e in found.events for n in e.now) == sorted(n.name for n in now)
    asked = sum(n.code == "S-LES-WHICH" for n in found.notes)
    assert asked == kinds(found).count("unclear")


@given(places, places)
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_lists_does_not_matter(then: list[float], today: list[float]) -> None:
    before = [lesion(f"b{i}", x) for i, x in enumerate(then)]
    now = [lesion(f"n{i}", x) for i, x in enumerate(today)]
    assert follow(before, now, {}).events == follow(before[::-1], now[::-1], {}).events


def dose(name: str, gy: float, *, bed: float | None = None, what: str = "cycle 1") -> Exposure:
    return Exposure(name, what, "2026-01-05", Uncertain(gy, {f"counts, {name}": 0.1 * gy}),
                    None if bed is None else exact(bed))  # fmt: skip


MASSES = {"A": exact(10.0), "B": exact(30.0)}


def test_each_part_of_a_split_lesion_got_its_whole_dose() -> None:
    found = follow([A], [lesion("A1", 0, 4), lesion("A2", 5, 4)],
                   {("A", "A1"): 3.5, ("A", "A2"): 3.5})  # fmt: skip
    doses = carried_on([dose("A", 20.0, bed=30.0)], found, MASSES, "cycle-1")
    assert [(e.organ, e.dose_gy.value) for e in doses] == [("A1", 20.0), ("A2", 20.0)]
    assert all(e.bed_gy is not None and e.bed_gy.value == 30.0 for e in doses)


def test_a_merged_lesion_got_the_mean_by_mass() -> None:
    found = follow([A, B], [lesion("AB", 50, 40)], {("A", "AB"): 9.0, ("B", "AB"): 9.0})
    (one,) = carried_on([dose("A", 40.0), dose("B", 20.0)], found, MASSES, "cycle-1")
    assert one.organ == "AB"
    assert one.dose_gy.value == pytest.approx(25.0)
    assert one.dose_gy.parts["counts, A"] == pytest.approx(0.25 * 4.0)
    assert one.bed_gy is None


def test_what_was_not_yet_there_had_no_dose_in_the_mean() -> None:
    found = follow([A, B], [lesion("AB", 50, 40)], {("A", "AB"): 9.0, ("B", "AB"): 9.0})
    (one,) = carried_on([dose("A", 40.0)], found, MASSES, "cycle-1")
    assert one.dose_gy.value == pytest.approx(10.0)


def test_a_dose_without_a_lesion_now_is_kept_and_adds_to_nothing() -> None:
    gone = follow([A], [B], {})
    (one,) = carried_on([dose("A", 40.0)], gone, MASSES, "cycle-1")
    assert one.organ == "A, cycle-1"
    unclear = follow([A], [lesion("X", -8), lesion("A", 8)], {})
    (other,) = carried_on([dose("A", 40.0)], unclear, MASSES, "cycle-1")
    assert other.organ == "A, cycle-1"


def test_doses_of_two_cycles_are_carried_side_by_side() -> None:
    found = follow([A], [lesion("X", 0)], {("A", "X"): 9.0})
    both = [dose("A", 20.0), dose("A", 10.0, what="cycle 2")]
    kept = carried_on([*both, dose("elsewhere", 1.0)], found, MASSES, "cycle-1")
    assert [(e.organ, e.what) for e in kept] == [
        ("X", "cycle 1"), ("elsewhere", "cycle 1"), ("X", "cycle 2"),
    ]  # fmt: skip
    assert kept[0] == replace(both[0], organ="X")
