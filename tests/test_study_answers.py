"""Answers typed as key=value: where each goes, and the forms that are refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from quimby.core.errors import InputError
from quimby.study.answers import SHORT, apply_answers, parse_answers
from quimby.study.document import parse_study
from tests.test_study_document import written


def answered(*pairs: str) -> dict[str, Any]:
    """The raw document after some answers."""
    document = written()
    apply_answers(document, parse_answers(pairs))
    return document


def given(*pairs: str) -> dict[str, Any]:
    """Its administration."""
    return dict(answered(*pairs)["administrations"][0])


def refused(*pairs: str) -> InputError:
    """The refusal of an answer."""
    with pytest.raises(InputError) as caught:
        answered(*pairs)
    return caught.value


def test_short_names_go_where_the_questions_say() -> None:
    found = given("administered=7.1 GBq", "prescribed=7400 MBq", "cycle=3", "agent=DOTATOC")
    assert found["activity"] == "7.1 GBq"
    assert found["prescribed"] == "7400 MBq"
    assert found["cycle"] == 3
    assert found["agent"] == "DOTATOC"


def test_every_short_name_leads_to_a_key_that_the_document_allows() -> None:
    values = {
        "administered": "7 GBq", "administered_u": "3 %", "prescribed": "7 GBq", "residue": "0",
        "administered_at": "2026-03-02T10:12+01:00", "cycle": "2", "nuclide": "Lu-177",
        "agent": "x", "regions": "", "masses": "", "outlines": "r.dcm",
        "outlines_on": "scan-1", "sex": "M", "weight": "70 kg", "height": "168 cm",
        "camera": "c.toml", "fill": "f.json", "cylinder": "cylinder", "spheres": "spheres",
    }  # fmt: skip
    assert values.keys() == SHORT.keys()
    pairs = [f"{key}={value}" for key, value in values.items() if key not in ("regions", "masses")]
    ct = 'masses.Milz.2={ volume = "150 ml", by = "MR" }'
    parse_study(answered(*pairs, "regions.Milz=spleen", ct), where="s")


def test_a_dotted_path_reaches_any_key_and_makes_tables_on_the_way() -> None:
    document = answered("patient.single_kidney=true", "centre.name=St. Elsewhere", "zone=UTC")
    assert document["patient"]["single_kidney"] is True
    assert document["centre"]["name"] == "St. Elsewhere"
    document.pop("calibration")
    apply_answers(document, {"calibration.camera": "other.toml"})
    assert document["calibration"] == {"camera": "other.toml"}


def test_a_list_is_indexed_by_number() -> None:
    assert answered("administrations.0.cycle=3")["administrations"][0]["cycle"] == 3
    assert "no item 1" in refused("administrations.1.cycle=3").what
    assert "no item first" in refused("administrations.first.cycle=3").what


def test_a_list_is_written_as_in_toml() -> None:
    found = answered('patient.risk_factors=["diabetes", "hypertension"]')
    assert found["patient"]["risk_factors"] == ["diabetes", "hypertension"]


def test_a_scan_is_found_by_its_id() -> None:
    scan = given("scans.scan-1.counting=20 s x 60 x 2", "scans.scan-1.decay_reference=START")
    assert scan["measurements"][0]["counting"] == "20 s x 60 x 2"
    assert scan["measurements"][0]["decay_reference"] == "START"


def test_a_scan_that_is_not_there_is_refused_by_name() -> None:
    error = refused("scans.scan-9.counting=20 s x 60 x 2")
    assert error.code == "E-STUDY-KEY"
    assert "'scan-9'" in error.what
    assert error.where == "--set scans.scan-9.counting"


def test_the_moment_of_a_scan_is_read_as_a_time() -> None:
    scan = given("scans.scan-1.at=2026-03-03T09:54+01:00")["measurements"][0]
    assert scan["at"] == datetime.fromisoformat("2026-03-03T09:54+01:00")


@pytest.mark.parametrize("name", ["Milz", "PTV 1.5", "Niere li.", "Tumor.1.2"])
def test_an_outline_s_name_may_hold_dots_and_blanks(name: str) -> None:
    regions = given(f"regions.{name}=spleen")["outlines"]["regions"]
    assert regions == {"Leber": "liver", name: "spleen"}


def test_the_long_path_to_an_outline_means_the_same() -> None:
    short = given("regions.PTV 1.5=lesion")
    long = given("administrations.0.outlines.regions.PTV 1.5=lesion")
    assert short == long


def test_residue_is_an_activity_and_its_time() -> None:
    found = given("residue=12,5 MBq at 2026-03-02T10:40+01:00")["residuals"]
    assert found == [
        {"activity": "12,5 MBq", "at": datetime.fromisoformat("2026-03-02T10:40+01:00")}
    ]


@pytest.mark.parametrize("nothing", ["0", "none", "[]"])
def test_no_residue_is_said_with_an_empty_list(nothing: str) -> None:
    assert given(f"residue={nothing}")["residuals"] == []


@pytest.mark.parametrize("text", ["12 MBq", "12", "some at noon", "at 2026-03-02T10:40+01:00"])
def test_residue_without_activity_or_time_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_study(answered(f"residue={text}"), where="--set residue")
    assert caught.value.code in ("E-UNIT", "E-TIME-FORMAT", "E-STUDY-KEY")


@pytest.mark.parametrize("text", ["administered", "=7 GBq", " = 7 GBq", ""])
def test_an_answer_without_a_key_and_a_value_is_refused(text: str) -> None:
    error = refused(text)
    assert error.code == "E-STUDY-SET"
    assert repr(text) in error.what
    assert "administered=" in error.do


def test_a_value_may_hold_equal_signs() -> None:
    assert parse_answers(["patient.indication=SSTR = 4"]) == {"patient.indication": "SSTR = 4"}


def test_a_time_that_is_none_is_refused_by_the_name_of_its_key() -> None:
    error = refused("administered_at=2 March, ten past ten")
    assert error.code == "E-TIME-FORMAT"
    assert "administered_at" in error.where


def test_an_answer_to_an_unknown_key_is_refused_when_the_document_is_read() -> None:
    with pytest.raises(InputError, match=r"patient\.height"):
        parse_study(answered("patient.height=1.75"), where="s")


def test_an_answer_that_goes_through_a_plain_value_is_refused_in_words() -> None:
    error = refused("therapy.name=x")
    assert error.code == "E-STUDY-KEY"
    assert "--set therapy.name" in error.where


def test_names_and_numbers_of_people_stay_text() -> None:
    document = answered(
        "patient.id=00123456", "centre.report_number=2026", "patient.birth_date=1961-05-04",
        "patient.indication=1e3",
    )  # fmt: skip
    read = parse_study(document, where="s")
    assert read.patient.id == "00123456"
    assert read.centre.report_number == "2026"
    assert read.patient.birth_date == "1961-05-04"
    assert read.patient.indication == "1e3"
