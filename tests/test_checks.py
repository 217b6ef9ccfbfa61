"""One patient, lying as said, given what was said, left on the left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quimby.core.errors import QuimbyError
from quimby.core.grid import Grid
from quimby.measure import checks
from quimby.measure.dicom import read_outlines
from quimby.measure.scans import Identity

JANE = Identity("P1", "Doe^Jane", "1960-01-31", "F", 66.0)


def like_jane(**changes: Any) -> Identity:
    said = {
        "patient_id": "P1", "name": "Doe^Jane", "birth_date": "1960-01-31", "sex": "F",
        "weight_kg": 66.0,
    }  # fmt: skip
    return Identity(**{**said, **changes})


def test_the_same_patient_everywhere_needs_no_note() -> None:
    silent = Identity("P1")  # an RTSTRUCT often says no more

    assert checks.same_patient({"scan 1": JANE, "scan 2": JANE, "outlines": silent}) == ()


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"patient_id": "P2"}, "E-PAT-TWO", "P1 in scan 1; P2 in scan 2"),
        ({"sex": "M"}, "E-PAT-CONFLICT", "sex: F in scan 1; M in scan 2"),
        ({"birth_date": "1961-01-31"}, "E-PAT-CONFLICT", "date of birth"),
        ({"weight_kg": 73.0}, "E-PAT-CONFLICT", "66 kg in scan 1; 73 kg in scan 2"),
        ({"weight_kg": 59.0}, "E-PAT-CONFLICT", "59 kg in scan 2; 66 kg in scan 1"),
        ({"name": "Smith^Robert"}, "E-PAT-CONFLICT", "name: Doe^Jane in scan 1"),
    ],
)
def test_two_patients_are_refused_by_name(change: Any, code: str, says: str) -> None:
    with pytest.raises(QuimbyError) as caught:
        checks.same_patient({"scan 1": JANE, "scan 2": like_jane(**change)})

    assert caught.value.code == code
    assert says in caught.value.what
    assert caught.value.where in ("scan 1, scan 2", "scan 2, scan 1")


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"weight_kg": 70.0}, []),
        ({"name": "DOE^JANE"}, []),
        ({"name": "Doe Jane"}, []),
        ({"name": "Doe^Janet"}, ["W-PAT-NAME"]),
        ({"name": "Do^Jan"}, ["W-PAT-NAME"]),
        ({"patient_id": ""}, ["W-PAT-NO-ID"]),
    ],
)
def test_small_differences_are_noted_at_most(change: Any, codes: list[str]) -> None:
    notes = checks.same_patient({"scan 1": JANE, "scan 2": like_jane(**change)})

    assert [n.code for n in notes] == codes


def grid(x: int, y: int) -> Grid:
    z = x * y
    return Grid((4, 4, 4), np.diag([4.0 * x, 4.0 * y, 4.0 * z, 1.0]))


@pytest.mark.parametrize(
    ("position", "lying", "codes"),
    [
        ("HFS", grid(1, 1), []),
        ("FFS", grid(1, 1), []),  # as most consoles write: turned to the patient
        ("FFS", grid(-1, 1), []),  # as the detector saw it
        ("HFP", grid(-1, -1), []),
        ("FFP", grid(1, -1), []),
        ("HFS", grid(-1, 1), ["S-PAT-POSITION"]),
        ("HFS", grid(-1, -1), ["S-PAT-POSITION"]),
        ("HFP", grid(-1, 1), ["S-PAT-POSITION"]),
        ("HFDR", grid(-1, 1), []),
        ("", grid(-1, 1), []),
    ],
)
def test_a_position_that_contradicts_the_rows_is_stopped(
    position: str, lying: Grid, codes: list[str]
) -> None:
    assert [n.code for n in checks.positions({"scan 1": (position, lying)})] == codes


def test_a_patient_who_turned_between_scans_is_noted() -> None:
    notes = checks.positions({"scan 1": ("HFS", grid(1, 1)), "scan 2": ("FFP", grid(1, 1))})

    assert [(n.code, n.where) for n in notes] == [("W-PAT-POSITION", "scan 2")]
    assert "FFP here, HFS elsewhere" in notes[0].text


def test_another_nuclide_is_refused() -> None:
    assert checks.nuclide_agrees("177Lu", {"scan 1": "Lu-177"}) == ()
    assert checks.nuclide_agrees("Lu-177", {"scan 1": ""})[0].code == "W-PAT-NUCLIDE"
    with pytest.raises(QuimbyError) as caught:
        checks.nuclide_agrees("Lu-177", {"scan 1": "Lu-177", "scan 2": "I-131"})
    assert (caught.value.code, caught.value.where) == ("E-PAT-NUCLIDE", "scan 2")
    assert "I-131" in caught.value.what


def test_hours_cross_the_change_of_clocks() -> None:
    scan = {"scan 1": datetime(2026, 3, 29, 12)}  # clocks went forward at 2 in the night

    hours = checks.after_administration("2026-03-28T12:00", scan, zone="Europe/Berlin")

    assert hours == {"scan 1": 23.0}


def test_a_time_without_a_zone_is_refused() -> None:
    aware = datetime(2026, 3, 2, 10, tzinfo=UTC)

    with pytest.raises(QuimbyError, match="E-TIME-ZONE"):
        checks.after_administration(aware, {"scan 1": datetime(2026, 3, 3)})


def test_a_scan_before_the_administration_is_refused() -> None:
    aware = datetime(2026, 3, 2, 10, tzinfo=UTC)

    with pytest.raises(QuimbyError) as caught:
        checks.after_administration(aware, {"scan 1": aware - timedelta(hours=2)})

    assert (caught.value.code, caught.value.where) == ("E-DCM-TIME", "scan 1")


NORMAL = {
    "Liver": (-60.0, 0, 0), "Spleen": (90.0, 40, 0),
    "Kidney_L": (55.0, 60, -40), "Kidney_R": (-50.0, 60, -50),
}  # fmt: skip


def mirrored(**names: str) -> dict[str, tuple[float, float, float]]:
    return {names.get(name, name): (-x, y, z) for name, (x, y, z) in NORMAL.items()}


def test_a_normal_patient_passes() -> None:
    checks.sides(NORMAL)


@pytest.mark.parametrize(
    "places",
    [
        mirrored(),
        {**NORMAL, "Kidney_L": NORMAL["Kidney_R"], "Kidney_R": NORMAL["Kidney_L"]},
        {"Liver": (60, 0, 0), "Spleen": (-90, 0, 0)},
        {"left kidney": (-50, 0, 0), "right kidney": (50, 0, 0)},
        {"Niere links": (-50, 0, 0), "Niere rechts": (50, 0, 0)},
        {"KidneyLeft": (-50, 0, 0), "Leber": (60, 0, 0)},
        {"femur_left": (-90, 0, 0), "femur_right": (90, 0, 0)},
        {"Parotid L": (-50, 0, 0), "Parotid R": (50, 0, 0)},
    ],
)
def test_swapped_sides_are_refused(places: Any) -> None:
    with pytest.raises(QuimbyError, match="E-PAT-SIDES"):
        checks.sides(places)


def test_names_that_tell_no_side_are_passed_over() -> None:
    checks.sides({"Lesion_1": (50, 0, 0), "Lesion_2": (-50, 0, 0), "Body": (0, 0, 0)})
    checks.sides({"liver lesion left": (-90, 0, 0), "Liver": (-60, 0, 0)})


def test_case_a_has_left_on_the_left(case_a: Path) -> None:
    outlines = read_outlines(case_a / "tp2" / "RTSTRUCT.dcm")
    places = {o.name: np.vstack(o.contours).mean(axis=0) for o in outlines}

    checks.sides(places)
    with pytest.raises(QuimbyError, match="E-PAT-SIDES"):
        checks.sides({name: (-p[0], p[1], p[2]) for name, p in places.items()})
