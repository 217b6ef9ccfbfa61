"""Notes, errors, time, units and grids: what the lowest floor promises."""

from __future__ import annotations

import ast
import re
import string
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.errors import FAMILIES, InputError, QuimbyError
from quimby.core.grid import Grid, Image, Rigid
from quimby.core.notes import SEVERITY, catalogue, gathered, in_order, note, refusal
from quimby.core.source import Constant
from quimby.core.time import aware, hours_between
from quimby.core.units import quantity


def test_every_code_has_a_text_that_is_a_sentence_and_says_what_to_do() -> None:
    for code, entry in catalogue().items():
        assert code[0] in {*SEVERITY, "E"}, code
        assert code[1] == "-", code
        assert code == code.upper(), code
        assert entry.text.endswith((".", "}")), code
        assert entry.do.strip(), code
        assert entry.family in FAMILIES, code
        list(string.Formatter().parse(entry.text + entry.do))


def test_an_error_says_what_where_and_what_to_do() -> None:
    error = refusal("E-TIME-ZONE", where="tp1/SPECT.dcm", text="2026-03-02T10:12")

    assert isinstance(error, InputError)
    assert error.exit_code == 10
    assert str(error).splitlines()[1] == "  where  tp1/SPECT.dcm"
    assert "--zone" in error.do


def test_a_note_that_stops_and_an_error_that_does_not_are_both_refused() -> None:
    with pytest.raises(ValueError, match="stops"):
        note("E-TIME-ZONE", where="x", text="y")
    with pytest.raises(ValueError, match="attach"):
        refusal("I-TIME-ZONE", where="x", zone="UTC")
    with pytest.raises(LookupError, match="not in the catalogue"):
        note("W-NO-SUCH-THING", where="x")


def test_notes_come_in_order_of_weight_and_once() -> None:
    info = note("I-TIME-ZONE", where="scan", zone="UTC")
    blocking = note("S-ADMIN-DEVIATION", where="a", value=1.0, limit=2.0, percent=-50.0)

    assert in_order([info, blocking, info]) == (blocking, info)


def test_one_note_of_several_places_names_them_all_once() -> None:
    notes = [note("I-TIME-ZONE", where=place, zone="UTC") for place in ("a", "b", "a")]

    assert [n.where for n in gathered([*notes, note("I-TIME-ZONE", where="c", zone="CET")])] == [
        "a, b",
        "c",
    ]


def test_an_evidence_tag_that_nobody_knows_is_refused() -> None:
    assert not Constant("x", 1.0, "Gy", "somewhere", "M").verified
    with pytest.raises(ValueError, match="evidence tag"):
        Constant("x", 1.0, "Gy", "somewhere", "Q")


def test_hours_run_through_a_daylight_saving_change() -> None:
    before = aware("2026-03-28T12:00", where="x", zone="Europe/Berlin")
    after = aware("2026-03-29T12:00", where="x", zone="Europe/Berlin")

    assert hours_between(before.astimezone(UTC), after.astimezone(UTC)) == pytest.approx(23.0)
    assert hours_between(before, after) == pytest.approx(23.0)


def test_a_time_without_a_zone_is_refused_by_name() -> None:
    for text, zone, code in [
        ("2026-03-02T10:12", None, "E-TIME-ZONE"),
        ("2026-03-02T10:12", "Mars/Olympus", "E-TIME-ZONE-NAME"),
        ("yesterday", "UTC", "E-TIME-FORMAT"),
    ]:
        with pytest.raises(QuimbyError) as caught:
            aware(text, where="x", zone=zone)
        assert caught.value.code == code
    with pytest.raises(ValueError, match="aware"):
        hours_between(datetime(2026, 1, 1), datetime(2026, 1, 2))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("7.37 GBq", "activity", 7370.0),
        ("7,37 GBq", "activity", 7370.0),
        ("200 mCi", "activity", 7400.0),
        ("7.37e9Bq", "activity", 7370.0),
        ("66 kg", "mass", 66000.0),
        ("3 %", "fraction", 0.03),
        ("90 min", "time", 1.5),
    ],
)
def test_quantities_as_people_write_them(text: str, kind: str, value: float) -> None:
    assert quantity(text, kind, where="form") == pytest.approx(value)


@pytest.mark.parametrize("text", ["7370", "7.37 Gy", "seven GBq", "1.234,5 MBq", ""])
def test_a_number_without_the_right_unit_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        quantity(text, "activity", where="form")
    assert caught.value.code == "E-UNIT"


def grid(shape: tuple[int, int, int] = (4, 5, 6)) -> Grid:
    """An oblique grid with unequal spacings."""
    turn = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, -1.0]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([2.0, 3.0, 5.0])
    affine[:3, 3] = (10.0, -20.0, 30.0)
    return Grid(shape, affine)


def test_a_grid_knows_its_spacing_and_volume_and_the_way_back() -> None:
    g = grid()
    centres = g.centres_mm()

    assert g.spacing_mm == pytest.approx((2.0, 3.0, 5.0))
    assert g.voxel_ml == pytest.approx(0.03)
    assert centres.shape == (4, 5, 6, 3)
    assert g.index_of(centres[3, 2, 1]) == pytest.approx([1, 2, 3])


def test_a_cropped_grid_keeps_every_voxel_where_it_was() -> None:
    g = grid()
    part = g.cropped((1, 2, 3), (4, 5, 6))

    assert part.shape == (3, 3, 3)
    assert part.centres_mm() == pytest.approx(g.centres_mm()[1:4, 2:5, 3:6])
    assert g.matches(grid())
    assert not g.matches(part)


def test_images_cannot_be_changed_and_fit_their_grid() -> None:
    image = Image(grid(), np.zeros((4, 5, 6)), "counts")

    with pytest.raises(ValueError, match="read-only"):
        image.array[0, 0, 0] = 1.0
    with pytest.raises(ValueError, match="does not fit"):
        Image(grid(), np.zeros((4, 5, 7)), "counts")


@given(st.floats(-3, 3), st.tuples(*[st.floats(-50, 50)] * 3))
def test_a_movement_and_its_inverse_end_where_they_began(
    angle: float, shift: tuple[float, float, float]
) -> None:
    c, s = np.cos(angle), np.sin(angle)
    move = Rigid(np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]), np.array(shift))
    points = np.array([[1.0, 2.0, 3.0], [-40.0, 5.0, 60.0]])

    assert move.inverse().apply(move.apply(points)) == pytest.approx(points, abs=1e-9)
    assert move.angle_deg == pytest.approx(abs(np.degrees(angle)), abs=1e-4)
    assert Rigid.identity().shift_mm(points[0]) == 0.0


def test_every_code_of_the_catalogue_is_used_and_every_code_used_is_in_it() -> None:
    source = Path(str(files("quimby")))
    said = "".join(file.read_text("utf-8") for file in sorted(source.rglob("*.py")))
    named = set(re.findall(r"\"([ESWI]-(?!\d)[A-Z0-9]+(?:-[A-Z0-9]+)*)\"", said))

    assert sorted(set(catalogue()) - named) == []
    assert sorted(named - set(catalogue())) == []


def calls() -> list[tuple[str, str, set[str]]]:
    """(file and line, code, words given) of every note and refusal worded by the catalogue."""
    found = []
    for file in sorted(Path(str(files("quimby"))).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id not in ("note", "refusal") or not node.args:
                continue
            if not isinstance(node.args[0], ast.Constant) or None in [k.arg for k in node.keywords]:
                continue  # a code or words that are chosen elsewhere
            words = {str(k.arg) for k in node.keywords}
            found.append((f"{file.name}:{node.lineno}", str(node.args[0].value), words))
    return found


def test_every_call_fills_every_place_of_its_text() -> None:
    assert len(calls()) > 200
    for where, code, said in calls():
        entry = catalogue()[code]
        parsed = string.Formatter().parse(entry.text + entry.do)
        places = {name for _, name, _, _ in parsed if name}
        wanted = {place.split(".")[0].split("[")[0] for place in places}
        assert not wanted - said, f"{where} {code} lacks {wanted - said}"
