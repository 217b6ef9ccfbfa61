"""Protocol documents: whole, possible, sourced; what is wrong is refused by its key."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from quimby import protocols
from quimby.cli.app import app
from quimby.cli.protocols_shown import lines, summary
from quimby.core.errors import InputError, QuimbyError, ReferenceMissing

FOLDER = files("quimby.protocols").joinpath("data")


def document(name: str) -> str:
    return FOLDER.joinpath(f"{name}.toml").read_text("utf-8")


@pytest.mark.parametrize("name", protocols.names())
def test_a_shipped_protocol_says_all_that_a_centre_decides_by(name: str) -> None:
    p = protocols.load(name)
    assert p.aims
    assert p.requires.equipment
    assert p.requires.staff
    assert p.burden is not None
    assert "any" not in p.burden.minutes  # by role
    assert p.uncertainty is not None
    assert p.validity
    assert p.pros
    assert p.cons
    assert p.outputs
    assert p.short


@pytest.mark.parametrize(
    ("therapy", "least"),
    [("i131-benign-thyroid", 3), ("i131-dtc", 2), ("i131-mibg", 2), ("lu177-dotatate", 5),
     ("lu177-psma", 2), ("y90-microspheres", 2)],
)  # fmt: skip
def test_every_therapy_has_a_choice(therapy: str, least: int) -> None:
    found = [n for n in protocols.names() if protocols.load(n).therapy == therapy]
    assert len(found) >= least


def test_the_documents_of_90y_say_that_their_calculation_is_to_come() -> None:
    for name in protocols.names():
        p = protocols.load(name)
        assert bool(p.to_come) == (p.therapy == "y90-microspheres")


@pytest.mark.parametrize("name", protocols.names())
def test_the_expected_doubt_is_within_30_per_cent_of_others_figures_or_says_why_not(
    name: str,
) -> None:
    expected = protocols.load(name).uncertainty
    assert expected is not None
    assert expected.published
    for one in expected.published:
        assert abs(expected.u_rel / one.u - 1) <= 0.30 or len(one.why) > 60
    assert expected.u_rel >= max(c.u for c in expected.component)


def test_only_one_scan_of_psma_needs_an_excuse() -> None:
    doubts = {name: protocols.load(name).uncertainty for name in protocols.names()}
    excused = [name for name, u in doubts.items() if u and any(one.why for one in u.published)]

    assert excused == ["LU-PSMA-STP"]


@pytest.mark.parametrize(
    ("name", "staff", "camera"),
    [("BT-SIMPLE", 45, 0), ("BT-FULL", 120, 0), ("BT-FIXED", 10, 0), ("DTC-WB-SINGLE", 65, 0),
     ("DTC-BLOOD", 180, 0), ("MIBG-WB", 150, 0), ("LU-STP", 120, 40), ("LU-FULL", 540, 160),
     ("Y90-SIMPLE", 120, 40), ("Y90-FULL", 330, 75)],
)  # fmt: skip
def test_minutes_by_role_add_to_the_planning_figures(
    name: str, staff: float, camera: float
) -> None:
    burden = protocols.load(name).burden
    assert burden is not None
    assert (burden.staff_min, burden.camera_min) == (staff, camera)


def test_a_first_form_document_with_one_number_of_minutes_still_reads() -> None:
    text = document("LU-STP")
    at = text.index("staff_min")
    line = text[at : text.index("\n", at)]
    found = protocols.read(text.replace(line, "staff_min = 120"), where="old.toml")
    assert found.burden is not None
    assert found.burden.staff_min == 120
    assert dict(found.burden.minutes) == {"any": 120}


def test_a_level_one_protocol_needs_no_calculation_and_gives_none() -> None:
    found = protocols.load("LU-COHORT")
    assert (found.level, found.calculation, found.readings) == (1, None, None)
    with pytest.raises(QuimbyError, match="takes no images"):
        _ = found.imaging


@pytest.mark.parametrize(
    ("name", "old", "new", "code", "says"),
    [
        ("LU-STP", '1 = ["partial-uptake"]', '1 = ["guess"]', "E-PROTOCOL-METHOD", "guess"),
        ("LU-STP", '"priors_lu177_dotatate"', '"nobody"', "E-PROTOCOL-METHOD",
         "calculation.priors"),
        ("LU-STP", 'limits = "lu177"', 'limits = "none"', "E-PROTOCOL-METHOD", "compare.limits"),
        ("DTC-BLOOD", '"blood"]', '"urine"]', "E-PROTOCOL-FILE", "readings.doses[0]"),
        ("BT-SIMPLE", '"washout only"', '"by eye"', "E-PROTOCOL-FILE", "readings.uptake.2"),
        ("LU-TWO", "window_h = [90.0, 196.0]", "window_h = [24.0, 196.0]", "E-PROTOCOL-SCHEDULE",
         "overlap"),
        ("LU-TWO", 'id = "scan-2"', 'id = "scan-1"', "E-PROTOCOL-SCHEDULE", "stands twice"),
        ("MIBG-WB", 'doses = ["whole body"]', 'doses = ["marrow, blood"]', "E-PROTOCOL-SCHEDULE",
         "needs blood readings"),
        ("LU-STP", 'kind = "spect"', 'kind = "blood"', "E-PROTOCOL-SCHEDULE", "1 scans at least"),
        ("LU-STP", 'source = "house policy"', 'source = ""', "E-PROTOCOL-SOURCE", "source[2]"),
        ("LU-STP", 'source = "engineering estimate for planning; a centre measures its own"',
         'source = " "', "E-PROTOCOL-SOURCE", "burden.source"),
        ("LU-STP", '[["spect_ct"], ', '[["toaster"], ', "E-PROTOCOL-FILE",
         "requires.equipment[0][0]"),
        ("LU-STP", '"verification"', '"profit"', "E-PROTOCOL-FILE", "aims[1]"),
        ("LU-STP", "max_age_d = 365", "", "E-PROTOCOL-FILE", "give max_age_d"),
        ("DTC-BLOOD", "levels = [2, 3]", "levels = [2]", "E-PROTOCOL-FILE", "levels must hold"),
    ],
)  # fmt: skip
def test_a_wrong_document_is_refused_with_file_key_and_remedy(
    name: str, old: str, new: str, code: str, says: str
) -> None:
    text = document(name)
    assert old in text
    with pytest.raises(InputError) as caught:
        protocols.read(text.replace(old, new), where="ours.toml")
    assert caught.value.code == code
    assert says in caught.value.what
    assert caught.value.where.startswith("ours.toml, ")
    assert caught.value.do


def test_a_document_without_any_source_is_refused() -> None:
    text = document("LU-COHORT")
    with pytest.raises(InputError) as caught:
        protocols.read(text[: text.index("[[source]]")], where="ours.toml")
    assert caught.value.code == "E-PROTOCOL-SOURCE"
    assert "tag" in caught.value.do


def invoked(*words: str) -> Any:
    return CliRunner().invoke(app, ["protocol", *words])


def test_the_list_gives_what_a_program_needs() -> None:
    rows = {row["id"]: row for row in json.loads(invoked("list", "--json").stdout)}

    assert set(rows) == set(protocols.names())
    assert {"id", "therapy", "title", "level", "status", "needs", "burden",
            "uncertainty"} <= rows["LU-STP"].keys()  # fmt: skip
    assert rows["LU-STP"] == json.loads(json.dumps(summary(protocols.load("LU-STP"))))
    # by hand: 2, 4, 5, 8 and 5 % with 9.7 % of the curve
    assert rows["LU-STP"]["uncertainty"]["u_rel"] == pytest.approx(0.0228**0.5, abs=1e-4)


def test_the_list_can_be_of_one_therapy() -> None:
    rows = json.loads(invoked("list", "--therapy", "177Lu-DOTATATE", "--json").stdout)
    assert {row["therapy"] for row in rows} == {"lu177-dotatate"}


@pytest.mark.parametrize("name", protocols.names())
def test_a_protocol_is_shown_in_the_width_of_a_terminal(name: str) -> None:
    shown = list(lines(protocols.load(name)))
    assert max(map(len, shown)) <= 96
    assert any(line.startswith(" Doubt") for line in shown)


def test_checking_names_what_a_document_leaves_open(tmp_path: Path) -> None:
    text = document("LU-COHORT")
    whole, bare = tmp_path / "whole.toml", tmp_path / "bare.toml"
    whole.write_text(text, "utf-8")
    bare.write_text(text.replace('aims = ["cohort_dose"]\n', ""), "utf-8")

    assert json.loads(invoked("check", str(whole), "--json").stdout)["lacks"] == []
    assert json.loads(invoked("check", str(bare), "--json").stdout)["lacks"] == ["aims"]
    assert invoked("show", str(bare)).exit_code == 0


def test_a_document_of_an_unknown_therapy_fails_its_check(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(document("LU-COHORT").replace('"lu177-dotatate"', '"lu178"'), "utf-8")

    assert invoked("check", str(wrong)).exit_code == InputError.exit_code
    assert invoked("show", "LU-NOTHING").exit_code == ReferenceMissing.exit_code
