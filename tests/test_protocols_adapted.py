"""A protocol made a centre's own: the text says what was asked, and what it does is simulated."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from quimby import protocols
from quimby.advise import adapt_text
from quimby.advise.adapt import Changes, Move, Swap, adapted
from quimby.advise.adapt_document import in_short
from quimby.cli.app import app
from quimby.core.errors import QuimbyError

FOLDER = files("quimby.protocols").joinpath("data")
CENTRES = Path(__file__).parent / "centres"


def document(name: str) -> str:
    return FOLDER.joinpath(f"{name}.toml").read_text("utf-8")


def made(folder: Path, base: str, *words: str, patients: int = 60) -> tuple[Any, Path]:
    out = folder / "ours.toml"
    done = CliRunner().invoke(app, ["protocol", "new", "--from", base, "--id", "OURS", "-o",
                                    str(out), "--patients", str(patients), *words])  # fmt: skip
    return done, out


def said(
    folder: Path, base: str, *words: str, patients: int = 60
) -> tuple[Any, protocols.Protocol]:
    done, out = made(folder, base, *words, "--json", patients=patients)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), protocols.load_file(out)


# The text


@pytest.mark.parametrize("name", protocols.names())
def test_a_document_taken_apart_and_joined_is_the_document(name: str) -> None:
    text = document(name)

    assert "".join(lines for _, lines in adapt_text.blocks(text)) == text


@settings(max_examples=60)
@given(
    st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=30),
    st.integers(0, 10**6),
    st.booleans(),
    st.lists(st.sampled_from(["a", "[b", "#c"])),
)
def test_what_is_written_is_what_is_read(a: str, b: int, c: bool, d: list[str]) -> None:
    lines = "[part]\nfirst = 1  # kept\n\n"
    for key, value in (("a", a), ("b", b), ("c", c), ("d", d), ("first", a)):
        lines = adapt_text.with_key(lines, key, value)

    assert tomllib.loads(lines)["part"] == {"first": a, "a": a, "b": b, "c": c, "d": d}
    assert "# kept" in lines


def test_a_value_of_several_lines_is_replaced_whole_and_a_bracket_in_a_text_is_no_bracket() -> None:
    lines = 'a = [\n  "x [",  # "]"\n  "y",\n]\nb = 2\n'

    assert tomllib.loads(adapt_text.with_key(lines, "a", [1])) == {"a": [1], "b": 2}


def test_a_header_inside_a_list_of_several_lines_is_no_header() -> None:
    text = 'a = [\n"x",\n[1, 2],\n]\n# of b\n[b]\nc = 1\n'

    assert [h for h, _ in adapt_text.blocks(text)] == ["", "b"]
    assert dict(adapt_text.blocks(text))["b"].startswith("# of b")


# The protocol


def test_dropping_and_moving_changes_these_measurements_and_no_others(tmp_path: Path) -> None:
    _, ours = said(tmp_path, "LU-FULL", "--drop", "scan-1", "--move", "scan-3=72:96")
    base = protocols.load("LU-FULL")

    assert [(a.id, a.window_h) for a in ours.acquisition] == [
        ("scan-2", (18, 30)), ("scan-3", (72, 96)), ("scan-4", (140, 196))]  # fmt: skip
    assert (ours.id, ours.version, ours.status) == ("OURS", "0.1", "draft")
    assert ours.based_on == f"LU-FULL 0.1, sha256 {base.digest[:16]}"
    assert (ours.calculation, ours.requires, ours.source) == (
        base.calculation, base.requires, base.source)  # fmt: skip
    assert ours.title == "177Lu-DOTATATE, three SPECT/CT"


def test_comments_and_order_of_the_document_stay(tmp_path: Path) -> None:
    _, out = made(tmp_path, "LU-FULL", "--drop", "scan-1")
    old, new = document("LU-FULL"), out.read_text("utf-8")
    comments = [line for line in old.splitlines() if line.startswith("#")]

    assert [line for line in new.splitlines() if line.startswith("#")][1:] == comments
    assert "# draft -> reviewed -> active" in new
    assert new.splitlines()[0] == "# LU-FULL 0.1 made this centre's own: scan-1 dropped."


def test_rules_of_patients_lose_what_is_dropped_and_this_is_told(tmp_path: Path) -> None:
    found, ours = said(tmp_path, "LU-FULL", "--drop", "scan-1")
    base = protocols.load("LU-FULL")

    assert [r.when for r in base.patients.rule if r.what == ("scan-1",)] == ["claustrophobia"]
    assert len(ours.patients.rule) == len(base.patients.rule) - 1
    assert "claustrophobia" in next(n["text"] for n in found["notes"]
                                    if n["code"] == "W-ADAPT-RULE")  # fmt: skip


def test_a_new_protocol_can_be_changed_again(tmp_path: Path) -> None:
    _, first = made(tmp_path, "LU-FULL", "--drop", "scan-1")
    again = tmp_path / "again"
    again.mkdir()
    _, ours = said(again, str(first), "--drop", "scan-2")

    assert [a.id for a in ours.acquisition] == ["scan-3", "scan-4"]
    assert ours.based_on.startswith("OURS 0.1")


def test_no_title_no_id_and_no_figure_of_others_is_left_of_the_old_one(tmp_path: Path) -> None:
    _, ours = said(tmp_path, "LU-STP", "--move", "scan-1=22:26", "--title", "Day one")

    assert ours.title == "Day one"
    assert ours.uncertainty is not None
    assert ours.uncertainty.published == ()


@pytest.mark.parametrize(
    ("base", "short"),
    [("LU-HYB", "one SPECT/CT and four planar scans"), ("BT-FULL", "three uptakes and ultrasound"),
     ("DTC-BLOOD", "three blood samples and three whole-body readings")],
)  # fmt: skip
def test_what_is_measured_is_said_in_words(base: str, short: str) -> None:
    assert in_short(protocols.load(base)) == short


# Devices


def test_a_camera_for_the_probe_takes_its_place_with_conditions_and_doubt(tmp_path: Path) -> None:
    found, ours = said(tmp_path, "BT-SIMPLE", "--swap", "uptake_probe=gamma_camera")
    base = protocols.load("BT-SIMPLE")

    assert ("gamma_camera",) in ours.requires.equipment
    assert {c.device for c in ours.requires.calibration} == {"gamma_camera"}
    assert "gamma camera: neck-phantom standard" in ours.validity
    assert ours.validity[: len(base.validity)] == base.validity
    assert ours.burden is not None
    assert ours.burden.camera_min == 10
    assert ours.uncertainty is not None
    (added,) = (c for c in ours.uncertainty.component if c.name.startswith("gamma camera"))
    assert added.u == pytest.approx(0.05, abs=0.006)  # by simulation; each reading off by 5 %
    assert found["u_rel"]["after"] == pytest.approx(
        (found["u_rel"]["before"] ** 2 + added.u**2) ** 0.5, abs=1e-4)  # fmt: skip


def test_a_substitute_for_the_gamma_counter_counts_for_the_electrons_only(tmp_path: Path) -> None:
    _, ours = said(tmp_path, "DTC-BLOOD", "--swap", "gamma_counter=uptake_probe")
    assert ours.uncertainty is not None
    (added,) = (c for c in ours.uncertainty.component if c.name.startswith("uptake probe"))

    assert 0.6 * 0.07 < added.u < 0.85 * 0.07


def test_a_hand_held_monitor_is_in_the_simulated_curve_and_no_component(tmp_path: Path) -> None:
    found, ours = said(tmp_path, "MIBG-WB", "--swap", "dose_rate_monitor=hand_held_monitor",
                       patients=300)  # fmt: skip
    base = protocols.load("MIBG-WB").uncertainty

    assert base is not None
    assert ours.uncertainty is not None
    assert len(ours.uncertainty.component) == len(base.component)
    assert found["simulated"][0]["change"] > 0.003


def test_planar_scans_keep_one_spect_for_their_scale(tmp_path: Path) -> None:
    found, ours = said(tmp_path, "LU-FULL", "--swap", "spect_ct=gamma_camera")
    kinds = [(a.id, a.kind) for a in ours.acquisition]

    assert kinds == [("scan-1", "planar"), ("scan-2", "planar"), ("scan-3", "spect"),
                     ("scan-3-planar", "planar"), ("scan-4", "planar")]  # fmt: skip
    assert "planar outlines" in ours.requires.competencies
    assert "W-ADAPT-SCALE" in {n["code"] for n in found["notes"]}
    assert found["u_rel"]["after"] > found["u_rel"]["before"]
    assert ours.burden is not None
    assert ours.burden.camera_min < 160


def test_one_scan_alone_can_be_planar(tmp_path: Path) -> None:
    _, ours = said(tmp_path, "LU-FULL", "--swap", "scan-2=gamma_camera")

    assert [a.kind for a in ours.acquisition] == ["spect", "planar", "spect", "planar", "spect"]


def test_spect_without_ct_asks_for_a_ct(tmp_path: Path) -> None:
    _, ours = said(tmp_path, "LU-STP", "--swap", "spect_ct=spect")

    assert ("spect",) in ours.requires.equipment
    assert ("ct",) in ours.requires.equipment


# Refusals


@pytest.mark.parametrize(
    ("base", "words", "code", "says"),
    [
        ("LU-FULL", (), "E-ADAPT-NOTHING", "--drop"),
        ("LU-FULL", ("--drop", "scan-9"), "E-ADAPT-ID", "scan-1, scan-2"),
        ("LU-FULL", ("--move", "scan-9=1:2"), "E-ADAPT-ID", "scan-9"),
        ("LU-FULL", ("--move", "scan-3=day 3"), "E-ADAPT-FORM", "scan-3=72:96"),
        ("LU-FULL", ("--swap", "spect_ct"), "E-ADAPT-FORM", "uptake_probe=gamma_camera"),
        ("LU-FULL", ("--move", "scan-3=96:72"), "E-PROTOCOL-SCHEDULE", "does not rise"),
        ("LU-FULL", ("--move", "scan-3=20:28"), "E-PROTOCOL-SCHEDULE", "overlap"),
        ("LU-STP", ("--drop", "scan-1"), "E-PROTOCOL-SCHEDULE", "nothing is measured"),
        ("BT-SIMPLE", ("--drop", "uptake-late"), "E-PROTOCOL-SCHEDULE", "needs thyroid"),
        ("LU-HYB", ("--drop", "spect"), "E-PROTOCOL-SCHEDULE", "no scale"),
        ("LU-STP", ("--swap", "spect_ct=gamma_camera"), "E-ADAPT-SCALE", "LU-HYB"),
        ("DTC-BLOOD", ("--swap", "gamma_counter=activity_meter"), "E-ADAPT-SWAP", "hpge"),
        ("DTC-BLOOD", ("--drop", "blood-middle", "--drop", "blood-late"), "E-SIM-REFUSED",
         "E-TIA-FEW"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_remedy_and_leaves_no_file(
    tmp_path: Path, base: str, words: tuple[str, ...], code: str, says: str
) -> None:
    done, out = made(tmp_path, base, *words, patients=20)

    assert done.exit_code in (10, 11, 12)
    told = " ".join(done.output.split())
    assert code in told
    assert says in told
    assert " do " in told
    assert not out.exists()


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text("mine", "utf-8")
    done, out = made(tmp_path, "LU-FULL", "--drop", "scan-1")

    assert "E-ADAPT-EXISTS" in done.output
    assert out.read_text("utf-8") == "mine"


def test_a_document_that_cannot_be_changed_line_by_line_is_refused(tmp_path: Path) -> None:
    text = document("LU-STP")
    inline = text.replace("[[acquisition]]\n", "", 1)
    for line in ('id = "scan-1"\n', 'kind = "spect"\n', "window_h = [66.0, 126.0]\n",
                 "required = true\n"):  # fmt: skip
        inline = inline.replace(line, "", 1)
    row = 'acquisition = [{ id = "scan-1", kind = "spect", window_h = [66.0, 126.0] }]\n'
    other = tmp_path / "inline.toml"
    other.write_text(inline.replace("level = 2", row + "level = 2", 1), "utf-8")
    assert protocols.load_file(other).acquisition[0].id == "scan-1"
    done, out = made(tmp_path, str(other), "--move", "scan-1=40:60", patients=20)

    assert "E-ADAPT-TEXT" in done.output
    assert not out.exists()


# What it does


def test_the_change_is_of_the_same_patients_and_so_hardly_of_chance(tmp_path: Path) -> None:
    found, _ = said(tmp_path, "LU-FULL", "--drop", "scan-1", patients=300)
    (kidney, lesion) = found["simulated"]

    assert (kidney["region"], lesion["region"]) == ("kidney", "lesion")
    assert kidney["change"] > 0
    alone = (kidney["before"]["curve"]["u_mc"] ** 2 + kidney["after"]["curve"]["u_mc"] ** 2) ** 0.5
    assert kidney["change_u_mc"] < alone
    assert kidney["change"] == pytest.approx(
        kidney["after"]["curve"]["u_rel"] - kidney["before"]["curve"]["u_rel"])  # fmt: skip


def test_a_move_that_is_none_changes_nothing(tmp_path: Path) -> None:
    found, _ = said(tmp_path, "LU-STP", "--move", "scan-1=66:126")

    assert found["simulated"][0]["change"] == 0
    assert found["simulated"][0]["change_u_mc"] == 0


def test_the_new_document_says_the_doubt_that_was_simulated(tmp_path: Path) -> None:
    found, ours = said(tmp_path, "LU-TWO", "--move", "scan-1=36:48")
    assert ours.uncertainty is not None
    assert ours.uncertainty.simulated is not None

    assert ours.uncertainty.u_rel == pytest.approx(found["u_rel"]["after"], abs=1e-3)
    assert ours.uncertainty.simulated.u == pytest.approx(
        found["simulated"][0]["after"]["curve"]["u_rel"], abs=6e-4)  # fmt: skip


def test_an_early_single_scan_knows_less_and_is_warned_about(tmp_path: Path) -> None:
    found, _ = said(tmp_path, "LU-STP", "--move", "scan-1=3:5", patients=200)

    assert found["u_rel"]["after"] > found["u_rel"]["before"] + 0.05
    assert "W-ADAPT-WORSE" in {n["code"] for n in found["notes"]}


@pytest.mark.parametrize(
    ("base", "words", "staff", "camera", "visits"),
    [
        ("LU-FULL", ("--drop", "scan-1"), 400, 120, 3),  # the same day as the therapy
        ("LU-FULL", ("--drop", "scan-4"), 400, 120, 2),
        ("LU-TWO", ("--drop", "scan-1"), 120, 40, 1),  # as LU-STP says
        ("BT-FULL", ("--drop", "uptake-early"), 83, 0, 3),
    ],
)
def test_burden_after_is_the_old_one_less_what_was_dropped(
    tmp_path: Path, base: str, words: tuple[str, ...], staff: float, camera: float, visits: float
) -> None:
    _, ours = said(tmp_path, base, *words, patients=20)
    assert ours.burden is not None

    assert ours.burden.staff_min == pytest.approx(staff, abs=2)
    assert (ours.burden.camera_min, ours.burden.visits) == (camera, visits)
    assert "differences between" in ours.burden.source


def test_a_centre_is_told_whether_it_fits_now(tmp_path: Path) -> None:
    """Four scans of 48 studies are 128 camera hours, the centre has 100; three are 96."""
    centre = str(CENTRES / "mid_size.toml")
    found, _ = said(tmp_path, "LU-FULL", "--drop", "scan-1", "--centre", centre)
    items = {when: {m["item"] for m in found["centre"][when]} for when in ("before", "after")}

    assert "camera hours" in items["before"]
    assert "camera hours" not in items["after"]


def test_it_is_shown_in_the_width_of_a_terminal(tmp_path: Path) -> None:
    done, out = made(tmp_path, "LU-FULL", "--drop", "scan-1", "--centre",
                     str(CENTRES / "mid_size.toml"))  # fmt: skip

    assert done.exit_code == 0
    shown = done.stdout.replace(str(out), "ours.toml")
    assert max(map(len, shown.splitlines())) <= 96
    for words in ("before", "Doubt", "Staff", "Camera", "I-ADAPT-REVIEW", "Centre", "Next"):
        assert words in shown


def test_changes_without_any_document_are_told_in_words() -> None:
    changes = Changes(("scan-1",), (Move("scan-3", 72, 96),), (Swap("spect_ct", "gamma_camera"),))

    assert changes.told() == ("scan-1 dropped", "scan-3 at 72 to 96 h",
                              "gamma camera for SPECT/CT")  # fmt: skip
    with pytest.raises(QuimbyError, match="E-ADAPT-NOTHING"):
        adapted(protocols.load("LU-FULL"), Changes())
