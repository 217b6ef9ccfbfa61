"""A centre confirms a constant: what is written, what it changes, and when it lapses."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.errors import QuimbyError
from quimby.core.notes import gathered
from quimby.core.source import Confirmation, Confirmed, Constant, confirmed_by_centre
from quimby.core.uncertain import Uncertain
from quimby.dose.blood import blood_volume
from quimby.effect import limits
from quimby.report import csv, summary, tables
from quimby.report import json as document
from quimby.study.confirmations import apply, read_confirmations, with_confirmations
from quimby.study.confirming import add, confirm, gone
from quimby.study.constants import constants, named, parts_of
from quimby.study.document import Study, parse_study
from quimby.study.result import Result
from quimby.study.run import run
from tests.readings_study import mibg_study
from tests.sample_result import sample_result
from tests.variants import quimby

LIND = Confirmed("K. Lind", date(2026, 11, 22))
TODAY = date(2026, 11, 30)
BETA = "blood beta constant"


def of(constant: Constant, who: Confirmed = LIND) -> Confirmation:
    return Confirmation(constant.name, constant.value, constant.unit, who)


def lind(name: str, **more: Any) -> tuple[Confirmation, ...]:
    told: dict[str, Any] = {"by": "K. Lind", "on": LIND.on, "today": TODAY}
    return confirm(name, **told | more)


# A constant


def test_a_confirmed_constant_is_verified_and_keeps_its_tag() -> None:
    memory = Constant("x", 1.0, "Gy", "somewhere", "M")
    other = Constant("y", 1.0, "Gy", "somewhere", "M")

    (found, left), notes = confirmed_by_centre([memory, other], [of(memory)])

    assert (found.tag, found.verified, found.confirmed) == ("M", True, LIND)
    assert not memory.verified
    assert left == other
    assert notes == ()
    assert LIND.words == "confirmed by K. Lind, 2026-11-22"


@pytest.mark.parametrize("change", [{"value": 1.0001}, {"unit": "mGy"}])
def test_a_confirmation_lapses_with_the_value_or_unit_it_was_for(change: dict[str, Any]) -> None:
    then = Constant("x", 1.0, "Gy", "somewhere", "M")

    (found,), (told,) = confirmed_by_centre([replace(then, **change)], [of(then)])

    assert not found.verified
    assert told.code == "W-CONST-LAPSED"
    assert "x by K. Lind on 2026-11-22 has lapsed: it was for 1 Gy" in told.text


def test_a_change_of_source_or_spread_does_not_undo_a_confirmation() -> None:
    then = Constant("x", 1.0, "Gy", "somewhere", "M")
    (found,), notes = confirmed_by_centre([replace(then, source="there", u=0.2)], [of(then)])
    assert found.verified
    assert notes == ()


def test_the_last_confirmation_that_still_holds_counts() -> None:
    now = Constant("x", 2.0, "Gy", "somewhere", "M")
    early, late = Confirmed("A", date(2026, 1, 1)), Confirmed("B", date(2026, 2, 1))
    given_ = [of(now, early), of(now, late), of(replace(now, value=1.0))]

    (found,), notes = confirmed_by_centre([now], given_)

    assert found.confirmed == late
    assert notes == ()


@given(st.floats(1e-9, 1e9))
def test_a_value_survives_the_file_exactly(value: float) -> None:
    row = Confirmation("x", value, "Gy", LIND)
    assert row.holds(Constant("x", float(repr(value)), "Gy", "s", "M"))
    assert not row.holds(Constant("x", value * (1 + 1e-9), "Gy", "s", "M"))


# What may be confirmed


def test_the_confirmation_says_name_value_unit_person_and_day() -> None:
    (found,) = lind(BETA, remark=" SOP I, eq. 5, read ")

    assert found == Confirmation(BETA, 108.0, "Gy ml/(GBq h)", LIND, "SOP I, eq. 5, read")


@pytest.mark.parametrize(
    ("name", "more", "code", "words"),
    [
        ("blood beta constan", {}, "E-CONST-UNKNOWN", "Did you mean 'blood beta constant'"),
        ("RMECFF", {}, "E-CONST-VERIFIED", "seen in the published source"),
        ("rounding limit", {}, "E-CONST-VERIFIED", "house policy"),
        (BETA, {"by": "  "}, "E-CONST-BY", "name of the person"),
        (BETA, {"on": date(2026, 12, 1)}, "E-CONST-DATE", "2026-12-01"),
        ("*", {}, "E-CONST-MANY", "one source at a time"),
    ],
)
def test_what_cannot_be_confirmed_is_refused(
    name: str, more: dict[str, Any], code: str, words: str
) -> None:
    with pytest.raises(QuimbyError) as error:
        lind(name, **more)
    assert error.value.code == code
    assert words in f"{error.value.what} {error.value.do}"


def test_a_pattern_confirms_the_values_of_one_source_and_only_those_from_memory() -> None:
    found = lind("electron range in water, *")

    assert len(found) == 20
    assert {c.name for c in found} == {c.name for c in named("electron range in water, *")}


def test_every_name_from_memory_can_be_confirmed_by_itself() -> None:
    for _, c in constants():
        if not c.verified and not {"*", "?", "["} & set(c.name):
            (found,) = lind(c.name)
            assert found.holds(c)


def test_no_name_holds_a_sign_that_a_pattern_would_read() -> None:
    assert [c.name for _, c in constants() if {"*", "?", "["} & set(c.name)] == []


# The file


def test_the_file_is_added_to_and_reads_back(tmp_path: Path) -> None:
    file = tmp_path / "constants.toml"
    add(file, lind(BETA, remark='SOP I, "eq. 5"'))
    own = file.read_text("utf-8") + "# seen by two of us\n"
    file.write_text(own, "utf-8")
    add(file, lind("Brunn factor"))

    assert file.read_text("utf-8").startswith(own)
    assert read_confirmations(file) == (
        *lind(BETA, remark='SOP I, "eq. 5"'), *lind("Brunn factor"),
    )  # fmt: skip
    assert tomllib.loads(file.read_text("utf-8"))["confirmed"][0]["on"] == LIND.on
    assert [p.name for p in tmp_path.iterdir()] == ["constants.toml"]


def test_the_file_keeps_its_rights_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "constants.toml"
    add(real, lind(BETA))
    real.chmod(0o640)
    link.symlink_to(real)
    add(link, lind("Brunn factor"))

    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert len(read_confirmations(real)) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[confirmed]\n", "Expected"),
        ('[[confirmed]]\nname = "x"\n', "confirmed.0.value"),
        ('[[confirmed]]\nname = "x"\nvalue = nan\nunit = ""\nby = "A"\non = 2026-01-01\n', "value"),
        ('[[confirmed]]\nname = "x"\nvalue = 1\nunit = ""\nby = " "\non = 2026-01-01\n', "by"),
        ('[[confirmd]]\nname = "x"\n', "confirmd"),
    ],
)
def test_a_file_that_is_not_right_is_refused_and_left_alone(
    tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "constants.toml"
    file.write_text(text, "utf-8")

    with pytest.raises(QuimbyError, match="E-CONST-FILE") as error:
        add(file, lind(BETA))
    assert words in error.value.what
    assert file.read_text("utf-8") == text


def test_a_confirmation_of_what_ships_no_longer_is_told() -> None:
    (told,) = gone([Confirmation("old limit", 1.0, "Gy", LIND), *lind(BETA)])
    assert told.code == "W-CONST-GONE"
    assert "old limit" in told.text


# A result


def doubted() -> Result:
    """A result with two limits from memory reached, and the notes that say so."""
    result = sample_result(pictures=False)
    own = [c.constant for r in result.combined for c in r.limits if not c.constant.verified]
    told = limits.unverified(own, where="Kidneys", decides=True)
    told += limits.unverified(own, where="Kidneys", decides=False)
    return replace(result, notes=gathered([*result.notes, *told]))


def all_of(result: Result) -> list[Confirmation]:
    rows = [*result.combined, *result.regions]
    used = [*result.trace.constants, *(c.constant for r in rows for c in r.limits)]
    return [of(c) for c in used if c.tag == "M"]


def test_what_is_confirmed_carries_no_dagger_and_blocks_nothing() -> None:
    before = doubted()
    after = apply(before, all_of(before))

    assert {n.code for n in before.notes} - {n.code for n in after.notes} >= {"S-CONST-UNVERIFIED"}
    assert not [n for n in after.notes if "CONST" in n.code]
    assert all(c.verified for c in after.trace.constants)
    assert all(c.constant.verified for r in after.regions for c in r.limits)
    left = summary.unverified(after)
    assert [name for name in left if not name.startswith("published range")] == []
    cells = [cell for row in tables.constants(after)["rows"] for cell in row]
    assert any(cell.endswith("; confirmed by K. Lind, 2026-11-22") for cell in cells)
    assert not any(cell.endswith("†") for cell in cells)
    assert "confirmed by K. Lind, 2026-11-22" in csv.tables(after)["constants.csv"]
    shown = json.loads(document.text(after))["trace"]["constants"]
    assert {"by": "K. Lind", "on": "2026-11-22"} in [c["confirmed"] for c in shown]


def test_only_what_was_confirmed_loses_its_notes() -> None:
    before = doubted()
    first, *others = all_of(before)
    after = apply(before, [first])
    told = {n.text for n in after.notes if n.code.endswith("CONST-UNVERIFIED")}

    assert not any(text.startswith(f"{first.name} =") for text in told)
    assert [c.name for c in after.trace.constants if c.confirmed] == [first.name]
    assert len({o.name for o in others}) > 0


def test_a_note_of_a_constant_that_the_result_does_not_hold_goes_too() -> None:
    result, beta = sample_result(pictures=False), named(BETA)
    told = limits.unverified(beta, where="plan", decides=True)
    before = replace(result, notes=gathered([*result.notes, *told]))

    assert told[0] in before.notes
    assert apply(before, lind(BETA)).notes == gathered(result.notes)


def test_no_confirmation_changes_nothing() -> None:
    before = doubted()
    assert document.text(apply(before, [])) == document.text(replace(before))


def test_a_lapsed_confirmation_is_told_and_does_not_count() -> None:
    before = doubted()
    old = [replace(c, value=2 * c.value) for c in all_of(before)[:1]]
    after = apply(before, old)

    assert [n.where for n in after.notes if n.code == "W-CONST-LAPSED"] == [old[0].name]
    assert after.trace.constants == before.trace.constants


def test_a_published_row_can_be_confirmed() -> None:
    before = sample_result(pictures=False)
    rows = [(r, p) for r in before.regions for p in r.population if p.tag == "M"]
    given_ = [Confirmation(p.name, p.middle, p.unit, LIND) for _, p in rows]
    after = apply(before, given_)

    assert rows
    assert all(p.verified for r in after.regions for p in r.population)
    assert not [n for n in summary.unverified(after) if n.startswith("published range")]


def test_a_blood_volume_is_confirmed_with_all_the_factors_of_its_formula() -> None:
    used = blood_volume("F", height_cm=165, weight_kg=60, formula="Retzlaff").constant
    result = sample_result(pictures=False)
    before = replace(result, trace=replace(result.trace, constants=(used,)))
    factors = [of(c) for c in parts_of("blood volume, Retzlaff")]

    assert len(factors) == 8
    assert apply(before, factors).trace.constants[0].confirmed == LIND
    assert not apply(before, factors[1:]).trace.constants[0].verified


def test_a_result_keeps_every_other_value_and_its_doubt() -> None:
    before = doubted()
    after = apply(before, all_of(before))
    for a, b in zip(before.regions, after.regions, strict=True):
        assert a.absorbed_dose_gy is b.absorbed_dose_gy
        assert isinstance(b.total_dose_gy, Uncertain)


def study(folder: Path, confirmed: str | None) -> Study:
    centre = {"confirmed": confirmed} if confirmed else {}
    told = {"id": "x", "therapy": "lu177-dotatate", "protocol": "LU-FULL", "centre": centre,
            "patient": {"id": "p"},
            "administrations": [{"id": "c1", "nuclide": "Lu-177"}]}  # fmt: skip
    return Study(document=parse_study(told, where="x"), folder=folder)


def test_a_study_names_its_centres_file_and_the_trace_holds_its_digest(tmp_path: Path) -> None:
    before = doubted()
    add(tmp_path / "constants.toml", all_of(before))

    after = with_confirmations(before, study(tmp_path, "constants.toml"))

    assert all(c.verified for c in after.trace.constants)
    (entry,) = [i for i in after.trace.inputs if i.role == "confirmed constants"]
    assert (entry.path, entry.files, len(entry.sha256)) == ("constants.toml", 1, 64)
    assert with_confirmations(before, study(tmp_path, None)) is before


def test_a_study_whose_file_is_missing_does_not_pass_for_confirmed(tmp_path: Path) -> None:
    with pytest.raises(QuimbyError, match="E-CONST-FILE"):
        with_confirmations(doubted(), study(tmp_path, "constants.toml"))


def test_a_plan_that_rests_on_confirmed_constants_does_not_block_on_them(tmp_path: Path) -> None:
    open_study = mibg_study(tmp_path, dose="4 Gy", stem_cells=True)
    before = run(open_study)
    names = [c.name for c in before.trace.constants if not c.verified]
    for name in names:
        add(tmp_path / "constants.toml", lind(name))
    centre = open_study.document.centre.model_copy(update={"confirmed": "constants.toml"})
    told = open_study.document.model_copy(update={"centre": centre})

    after = run(open_study.model_copy(update={"document": told}))

    assert names
    assert [n for n in before.notes if n.code.endswith("CONST-UNVERIFIED")]
    assert not [n for n in after.notes if n.code.endswith("CONST-UNVERIFIED")]
    assert all(c.verified for c in after.trace.constants)
    assert after.stages[0].doses[0].dose_gy == before.stages[0].doses[0].dose_gy


# The command


def test_the_command_writes_and_the_list_shows_who_confirmed_what(tmp_path: Path) -> None:
    file = tmp_path / "constants.toml"
    done = quimby("constants", "confirm", BETA, "--by", "K. Lind", "--on", "2026-11-20",
                  "--note", "SOP I, eq. 5, read", "--file", file)  # fmt: skip

    assert done.exit_code == 0
    assert "blood beta constant = 108 Gy ml/(GBq h): confirmed by K. Lind" in done.out
    listed = json.loads(quimby("constants", "--json", "--confirmed", file).out)
    (beta,) = [c for c in listed if c["name"] == BETA]
    assert (beta["verified"], beta["tag"]) == (True, "M")
    assert beta["confirmed"] == {"by": "K. Lind", "on": "2026-11-20"}
    left = json.loads(quimby("constants", "--json", "--unverified", "--confirmed", file).out)
    assert BETA not in {c["name"] for c in left}
    assert len(left) == sum(c["tag"] == "M" for c in listed) - 1


def test_the_command_refuses_in_words_and_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "constants.toml"
    for name, code in (("nothing", "E-CONST-UNKNOWN"), ("RMECFF", "E-CONST-VERIFIED")):
        done = quimby("constants", "confirm", name, "--by", "K. Lind", "--file", file)
        assert done.exit_code == 10
        assert code in done.err
    assert not file.exists()


def test_the_list_tells_what_lapsed_and_what_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "constants.toml"
    add(file, [Confirmation(BETA, 107.0, "Gy ml/(GBq h)", LIND),
               Confirmation("old limit", 1.0, "Gy", LIND)])  # fmt: skip
    done = quimby("constants", "--unverified", "--confirmed", file)

    assert done.exit_code == 0
    assert "W-CONST-LAPSED" in done.err
    assert "W-CONST-GONE" in done.err
    assert f"{BETA} †" in " ".join(done.out.split())
