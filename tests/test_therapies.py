"""Names of organs and agents as people and files write them; documents that are wrong."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest

from quimby import protocols, therapies
from quimby.core.errors import InputError, ReferenceMissing
from quimby.therapies import Organ, organ
from quimby.therapies.declaration import read as read_therapy

PROTOCOL = files("quimby.protocols").joinpath("data", "LU-FULL.toml")
THERAPY = files("quimby.therapies").joinpath("data", "lu177-dotatate.toml")


@pytest.mark.parametrize(
    ("name", "canonical", "side"),
    [
        ("Kidney_L", "kidney", "left"),
        ("Kidney_R", "kidney", "right"),
        ("Niere links", "kidney", "left"),
        ("Niere re.", "kidney", "right"),
        ("Linke Niere", "kidney", "left"),
        ("rein gauche", "kidney", "left"),
        ("Rein D", "kidney", "right"),
        ("ren sinister", "kidney", "left"),
        ("LK", "kidney", "left"),
        ("kidney_left", "kidney", "left"),
        ("Left Kidney", "kidney", "left"),
        ("KidneyRight", "kidney", "right"),
        ("Kidneys", "kidney", "both"),
        ("beide Nieren", "kidney", "both"),
        ("Leber", "liver", ""),
        ("Liver_1", "liver", ""),
        ("foie", "liver", ""),
        ("Liver without lesions", "liver", ""),
        ("Leber ohne Metastasen", "liver", ""),
        ("foie sans lésions", "liver", ""),
        ("tumour-free liver", "liver", ""),
        ("Milz", "spleen", ""),
        ("rate", "spleen", ""),
        ("Lesion_1", "lesion", ""),
        ("Tumor 2", "lesion", ""),
        ("Met3", "lesion", ""),
        ("Lebermetastase links", "lesion", ""),
        ("Metastase Leber 2", "lesion", ""),
        ("Läsion 4", "lesion", ""),
        ("Body", "body", ""),
        ("BODY", "body", ""),
        ("External", "body", ""),
        ("Haut", "body", ""),
        ("Körper", "body", ""),
        ("L2-L4", "marrow", ""),
        ("vertebrae_L3", "marrow", ""),
        ("Knochenmark", "marrow", ""),
        ("moelle osseuse", "marrow", ""),
        ("Speicheldrüsen", "salivary", ""),
        ("Parotis li", "parotid", "left"),
        ("parotid_gland_right", "parotid", "right"),
        ("lung_upper_lobe_left", "lung", "left"),
        ("urinary_bladder", "bladder", ""),
    ],
)
def test_an_outline_is_known_by_its_name(name: Any, canonical: Any, side: Any) -> None:
    assert organ(name) == Organ(canonical, side)


@pytest.mark.parametrize("name", ["Kidney cyst", "kidney_cyst_left", "perirenal", "dose rate",
                                  "ROI 7", "", "Kidny_L", "Leber Segment"])  # fmt: skip
def test_a_guess_is_never_taken(name: Any) -> None:
    with pytest.raises(InputError) as caught:
        organ(name)
    assert caught.value.code == "E-ORGAN-NAME"


def test_the_near_names_are_offered() -> None:
    with pytest.raises(InputError, match="Near: kidney"):
        organ("Kidny_L")


def test_a_name_with_both_sides_is_asked_about() -> None:
    with pytest.raises(InputError) as caught:
        organ("Kidney L R")
    assert caught.value.code == "E-ORGAN-SIDE"


@pytest.mark.parametrize("text", ["Lu-177 DOTATATE", "177Lu-dotatate", "[177Lu]Lu-DOTA-TATE",
                                  "LUTATHERA", "dotatate"])  # fmt: skip
def test_the_agent_is_known_as_files_write_it(text: Any) -> None:
    assert therapies.find(text).id == "lu177-dotatate"


def test_another_agent_is_refused_with_what_is_known() -> None:
    with pytest.raises(ReferenceMissing, match=r"DOTA-JR11.* Known: .*lu177-dotatate"):
        therapies.find("DOTA-JR11")
    with pytest.raises(ReferenceMissing, match=r"Known: .*lu177-dotatate"):
        therapies.load("nothing")


def test_a_tissue_comes_with_its_constants_and_one_without_gives_none() -> None:
    kidney = therapies.load("lu177-dotatate").tissue_of("kidney")
    assert kidney is not None
    assert (kidney.alpha_beta.value, kidney.repair_half_time.value) == (2.5, 2.8)
    assert not kidney.alpha_beta.verified
    assert therapies.load("lu177-dotatate").tissue_of("toe") is None


def test_the_protocol_picks_models_by_organ_and_number_of_scans() -> None:
    calculation = protocols.load("LU-FULL").imaging
    assert calculation.models_for("kidney", 4) == ("partial-uptake", "mono", "uptake-clearance")
    assert "mono" not in calculation.models_for("lesion", 4)  # lesions take up over hours
    assert "bi-clearance" in calculation.models_for("kidney", 9)
    assert calculation.models_for("toe", 1) == ("partial-uptake",)


def test_a_scan_finds_its_window() -> None:
    protocol = protocols.load("LU-FULL")
    found = [protocol.acquisition_at(h) for h in (4.1, 23.7, 71.2, 167.4, 50.0)]
    assert [a.id if a else None for a in found] == ["scan-1", "scan-2", "scan-3", "scan-4", None]


@pytest.mark.parametrize(
    ("old", "new", "key", "why"),
    [
        (
            "registration_limit_mm = 5.0",
            "registration_limit_mm = 0",
            "calculation.registration_limit_mm",
            "greater",
        ),
        ("window_h = [2.0, 8.0]", "window_h = [8.0, 2.0]", "acquisition[0]", "must rise"),
        ("level = 2", "", "level", "required"),
        ("level = 2", "level = 2\ncolour = 1", "colour", "not permitted"),
        ("[calculation.models.default]", "[calculation.models.other]", "calculation", "default"),
        ("level = 2", "level = ", "TOML", "Invalid value"),
    ],
)
def test_a_broken_protocol_names_file_key_and_reason(
    old: Any, new: Any, key: Any, why: Any
) -> None:
    text = PROTOCOL.read_text("utf-8")
    assert old in text
    with pytest.raises(InputError) as caught:
        protocols.read(text.replace(old, new, 1), where="ours.toml")
    assert caught.value.code == "E-PROTOCOL-FILE"
    assert caught.value.what.startswith(f"{key}: ")
    assert why in caught.value.what
    assert "ours.toml" in caught.value.where


def test_a_centre_reads_its_own_protocol(tmp_path: Any) -> None:
    own = tmp_path / "ours.toml"
    own.write_text(PROTOCOL.read_text("utf-8").replace("LU-FULL", "ours", 1))
    assert protocols.load_file(own).title == "177Lu-DOTATATE, four SPECT/CT"


def test_an_unknown_protocol_is_refused_with_what_there_is() -> None:
    with pytest.raises(ReferenceMissing, match=r"Known: .*LU-FULL"):
        protocols.load("nothing")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [('nuclide = "Lu-177"', "", "nuclide"), ('tag = "M"', 'tag = "Z"', "tissue.kidney"),
     ('nuclide = "Lu-177"', "nuclide = ", "TOML")],
)  # fmt: skip
def test_a_broken_therapy_names_the_key(old: Any, new: Any, key: Any) -> None:
    with pytest.raises(InputError) as caught:
        read_therapy(THERAPY.read_text("utf-8").replace(old, new, 1), where="t.toml")
    assert caught.value.code == "E-THERAPY-FILE"
    assert caught.value.what.startswith(key)
