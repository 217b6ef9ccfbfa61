"""Notes on the report: one entry a code, its worst place first, and what differs elsewhere."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from quimby.core.notes import Note, note
from quimby.report import noted, words
from tests.sample_result import sample_result


def tail(where: str, share: float) -> Note:
    return note("W-TIA-TAIL", where=where, value=share, limit=0.2)


TAILS = [tail("Lesion 1", 0.23), tail("Lesion 2", 0.30), tail("Liver", 0.26)]


def test_notes_of_one_code_are_one_entry_and_the_worst_leads() -> None:
    group = noted.entries(TAILS)[0]
    assert len(noted.entries(TAILS)) == 1
    assert group[0].where == "Lesion 2"
    assert noted.where(group) == "Lesion 2; likewise Lesion 1 (23 %); Liver (26 %)"


def test_below_a_limit_the_least_is_the_worst() -> None:
    low = [note("W-RC-LOW", where=f"Lacrimal L, scan-{n}", value=v, limit=0.3)
           for n, v in ((1, 0.22), (2, 0.19), (3, 0.21), (4, 0.21))]  # fmt: skip
    group = noted.entries(low)[0]
    assert group[0].value == 0.19
    assert noted.where(group) == (
        "Lacrimal L, scan-2; likewise Lacrimal L, scan-1 (22 %); Lacrimal L, scan-3 and "
        "Lacrimal L, scan-4 (21 %)"
    )


def test_page_one_names_regions_without_their_scans_once() -> None:
    low = [note("W-RC-LOW", where=f"{name}, scan-{n}", value=v, limit=0.3)
           for name, v in (("Lacrimal L", 0.22), ("Lacrimal R", 0.19)) for n in (1, 2)]  # fmt: skip
    short = noted.where_shortly(noted.entries(low)[0], {"Lacrimal L", "Lacrimal R"})
    assert short == "Lacrimal R (worst), Lacrimal L"
    alone = [note("W-TIA-TAIL", where="scan-3, 71.2 h", value=0.3, limit=0.2)]
    assert noted.where_shortly(alone, {"Liver"}) == "scan-3, 71.2 h"


def test_many_regions_are_counted_and_one_place_says_of_how_many() -> None:
    many = [tail(f"Lesion {n}", 0.5 - 0.01 * n) for n in range(1, 11)]
    short = noted.where_shortly(many, {n.where for n in many})
    assert short.startswith("Lesion 1 (worst), Lesion 2")
    assert short.endswith("Lesion 7 and 3 more")
    twice = noted.entries([tail("thyroid", 0.43), tail("thyroid", 0.48)])[0]
    assert noted.where_shortly(twice, set()) == "thyroid (worst of 2)"
    assert noted.where(twice) == "thyroid; likewise 43 %"


def unsure(name: str, value: float, unit: str, source: str, where: str) -> Note:
    return note("S-CONST-UNVERIFIED", where=where, value=value, name=name, unit=unit, source=source)


def test_a_constant_that_differs_keeps_its_whole_name_and_unit() -> None:
    group = [
        unsure("blood beta constant", 108.0, " Gy ml/(GBq h)", "one, from memory", "plan"),
        unsure("whole-body photon constant", 0.0188, " Gy kg^(2/3)/(GBq h)", "two", "plan"),
    ]
    assert noted.where(group) == (
        "plan; likewise whole-body photon constant = 0.0188 Gy kg^(2/3)/(GBq h)"
    )
    thyroid = unsure("thyroid energy, offset", 18.0, " g^0.25", "a", "plan").text
    density = unsure("thyroid density", 1.05, " g/ml", "b", "plan").text
    assert noted.difference(density, thyroid) == "thyroid density = 1.05 g/ml"


def test_behind_a_colon_all_of_it_is_told() -> None:
    a = note("I-TIA-PRIOR", where="Liver", what="uptake half-life; share at start in liver")
    b = note("I-TIA-PRIOR", where="Spleen", what="uptake half-life; share at start")
    assert noted.difference(b.text, a.text) == "uptake half-life; share at start"


TEXTS = st.lists(st.sampled_from(["a", "b 1 %", "c (d", "4", "%", "the", "of"]), min_size=1)


@given(TEXTS, TEXTS)
def test_a_difference_is_a_part_of_the_text(one: list[str], other: list[str]) -> None:
    text, lead = " ".join(one), " ".join(other)
    found = noted.difference(text, lead)
    assert found in text or found == ""
    assert noted.difference(lead, lead) == ""


def test_the_conclusion_names_an_organ_once_and_the_number_of_its_note() -> None:
    odd = note("W-POP-OUTLIER", where="Spleen", value=0.0801, limit=0.1, organ="spleen", low=0.1,
               high=3.5, likely="")  # fmt: skip
    result = sample_result(pictures=False)
    rest = words.conclusion(replace(result, notes=(*TAILS, odd)))[1]
    assert rest[-1] == (
        "Spleen: 0.08 Gy/GBq lies outside the plausible 0.1 to 3.5 Gy/GBq; see note 2."
    )


def test_a_note_is_never_lost() -> None:
    result = sample_result(pictures=False)
    codes = {n["code"] for n in noted.every(result)}
    assert codes == {n.code for n in result.notes}
    numbers = [n["n"] for n in noted.every(result)]
    assert numbers == list(range(1, len(numbers) + 1))
