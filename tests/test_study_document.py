"""The study document: what it takes, what it refuses and how it says so."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from quimby.core.errors import InputError
from quimby.study.document import Study, StudyDocument, parse_study, read_study
from quimby.study.trace import digest
from tests.variants import quimby


def written() -> dict[str, Any]:
    """A whole document, as a person writes it."""
    return {
        "format": "quimby-study/1",
        "id": "P1-cycle-2",
        "therapy": "lu177-dotatate",
        "protocol": "LU-FULL",
        "zone": "Europe/Berlin",
        "cycles_planned": 4,
        "centre": {"name": "A hospital", "report_number": "7"},
        "patient": {"id": "P1", "sex": "F", "weight": "68 kg", "risk_factors": ["diabetes"]},
        "earlier": [{"organ": "kidney", "what": "cycle 1", "dose": "3.1 Gy", "dose_u": "12 %"}],
        "calibration": {"camera": "camera.toml"},
        "administrations": [
            {
                "id": "cycle-2",
                "cycle": 2,
                "nuclide": "Lu-177",
                "agent": "Lu-177 DOTATATE",
                "activity": "7.37 GBq",
                "activity_u": "2.5 %",
                "prescribed": "200 mCi",
                "at": "2026-03-02T10:12:00+01:00",
                "residuals": [{"activity": "12 MBq", "at": "2026-03-02T10:40:00+01:00"}],
                "measurements": [
                    {
                        "id": "scan-1",
                        "image": {"path": "tp1/SPECT.dcm", "series": "1.2.3"},
                        "ct": {"path": "tp1/CT"},
                        "counting": "20 s x 60 x 2",
                    }
                ],
                "outlines": {
                    "paths": ["RTSTRUCT.dcm"],
                    "on": "scan-1",
                    "regions": {"Leber": "liver"},
                },
            }
        ],
    }


def changed(path: str, value: object) -> dict[str, Any]:
    """The same document with one key set; numbers in the path index lists."""
    document = written()
    at: Any = document
    *steps, last = path.split(".")
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at[step]
    at[last] = value
    return document


def refused(path: str, value: object) -> InputError:
    """The refusal of a document with one wrong key."""
    with pytest.raises(InputError) as caught:
        parse_study(changed(path, value), where="study.toml")
    assert caught.value.code == "E-STUDY-KEY"
    assert caught.value.where == "study.toml"
    assert "quimby schema" in caught.value.do
    return caught.value


def saved(folder: Path, text: str, name: str = "study.toml") -> Path:
    """A document on disk."""
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_quantities_are_read_into_one_set_of_units() -> None:
    document = parse_study(written(), where="study.toml")
    given = document.administrations[0]
    assert given.activity == pytest.approx(7370.0)
    assert given.prescribed == pytest.approx(7400.0)
    assert given.activity_u == pytest.approx(0.025)
    assert given.residuals is not None
    assert given.residuals[0].activity == pytest.approx(12.0)
    assert document.patient.weight == pytest.approx(68_000.0)
    assert document.earlier[0].dose == pytest.approx(3.1)
    assert document.earlier[0].dose_u == pytest.approx(0.12)


def test_how_long_a_scan_counted_is_read_from_one_text() -> None:
    told = parse_study(written(), where="s").administrations[0].scans[0].counting
    assert told is not None
    assert (told.seconds, told.projections, told.heads) == (20.0, 60, 2)


@pytest.mark.parametrize(
    ("path", "bare", "units"),
    [
        ("administrations.0.activity", 7370, "GBq"),
        ("administrations.0.activity", "7.37", "GBq"),
        ("administrations.0.activity", "7.37 Gy", "GBq"),
        ("administrations.0.activity_u", 0.025, "%"),
        ("administrations.0.residuals.0.activity", 12, "MBq"),
        ("patient.weight", 68, "kg"),
        ("earlier.0.dose", 3.1, "Gy"),
        ("earlier.0.dose_u", 0.12, "%"),
    ],
)
def test_a_number_without_its_unit_is_refused_by_the_name_of_its_key(
    path: str, bare: object, units: str
) -> None:
    error = refused(path, bare)
    assert f"{path}: " in error.what
    assert units in error.what


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("format", "quimby-study/9", "quimby-study/1"),
        ("patient.sex", "female", "'F'"),
        ("patient.wieght", "68 kg", "not permitted"),
        ("colour", "blue", "not permitted"),
        ("administrations.0.cycle", 0, "greater than or equal to 1"),
        ("administrations.0.activity", "0 MBq", "greater than 0"),
        ("administrations.0.activity_u", "100 %", "less than 1"),
        ("administrations.0.at", "yesterday", "datetime"),
        ("administrations.0.kind", "imaging", "'therapy' or 'tracer'"),
        ("administrations.0.measurements.0.kind", "pet", "'spect', 'planar'"),
        ("administrations.0.measurements.0.counting", "20 x 60 x 2", "20 s x 60 x 2"),
        ("administrations.0.measurements.0.image", "tp1/SPECT.dcm", "Series"),
        ("administrations.0.outlines.paths", [], "at least 1 item"),
        ("administrations", [], "at least 1 item"),
    ],
)
def test_a_wrong_key_is_named_with_what_is_allowed(path: str, value: object, says: str) -> None:
    error = refused(path, value)
    assert f"{path}: " in error.what
    assert says in error.what


def test_every_wrong_key_is_named_not_only_the_first() -> None:
    document = changed("patient.weight", 68)
    document["administrations"][0]["activity"] = 7370
    with pytest.raises(InputError) as caught:
        parse_study(document, where="study.toml")
    assert "patient.weight" in caught.value.what
    assert "administrations.0.activity" in caught.value.what


def test_a_missing_key_is_named() -> None:
    document = written()
    del document["administrations"][0]["nuclide"]
    with pytest.raises(InputError, match=r"administrations\.0\.nuclide: Field required"):
        parse_study(document, where="study.toml")


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    toml = read_study(saved(tmp_path, tomli_w.dumps(written())))
    plain = read_study(saved(tmp_path, json.dumps(written()), "study.json"))
    assert toml.document == plain.document
    assert digest(toml.document) == digest(plain.document)


def test_a_time_may_stand_in_toml_with_or_without_quotes(tmp_path: Path) -> None:
    quoted = tomli_w.dumps(written())
    text = '"2026-03-02T10:12:00+01:00"'
    bare = quoted.replace(text, text.strip('"'))
    assert bare != quoted
    one = read_study(saved(tmp_path, quoted)).document
    other = read_study(saved(tmp_path, bare, "other.toml")).document
    assert one.administrations[0].at == other.administrations[0].at


def test_the_digest_of_a_document_changes_with_what_it_says() -> None:
    one = parse_study(written(), where="s")
    other = parse_study(changed("administrations.0.activity", "7.38 GBq"), where="s")
    assert digest(one) != digest(other)


def test_paths_are_relative_to_the_document_not_to_the_caller(tmp_path: Path) -> None:
    study = read_study(saved(tmp_path, tomli_w.dumps(written())))
    assert isinstance(study, Study)
    assert study.folder == tmp_path.resolve()


def test_a_document_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="E-STUDY-FILE"):
        read_study(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("study.toml", 'id = "P1"\nactivity = 7 GBq\n', "line 2"),
        ("study.json", '{"id": "P1",\n "therapy": }\n', "line 2"),
    ],
)
def test_a_broken_document_is_refused_with_the_line(
    tmp_path: Path, name: str, text: str, says: str
) -> None:
    with pytest.raises(InputError, match="E-STUDY-SYNTAX") as caught:
        read_study(saved(tmp_path, text, name))
    assert says in caught.value.what


def test_a_document_in_another_encoding_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(b'id = "M\xfcller"\n')
    with pytest.raises(InputError, match="E-STUDY-SYNTAX"):
        read_study(path)


def test_a_json_document_that_is_a_list_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="E-STUDY-"):
        read_study(saved(tmp_path, "[1, 2]", "study.json"), answers={"weight": "70 kg"})


def test_answers_and_zone_go_before_the_document(tmp_path: Path) -> None:
    path = saved(tmp_path, tomli_w.dumps(written()))
    study = read_study(path, answers={"administered": "7.1 GBq"}, zone="Europe/Rome")
    assert study.document.administrations[0].activity == pytest.approx(7100.0)
    assert study.document.zone == "Europe/Rome"


def test_a_document_written_out_again_validates_and_stays_the_same() -> None:
    first = parse_study(written(), where="s")
    again = StudyDocument.model_validate(tomllib.loads(tomli_w.dumps(written())))
    assert first == again


def test_the_schema_lists_every_key_that_a_document_may_hold() -> None:
    ran = quimby("schema")
    assert ran.exit_code == 0
    schema = json.loads(ran.out)
    parts = schema["$defs"]
    assert set(written()) <= set(schema["properties"])
    assert schema["properties"].keys() == StudyDocument.model_fields.keys()
    assert schema["additionalProperties"] is False
    given = written()["administrations"][0]
    assert set(given) <= set(parts["Administration"]["properties"])
    assert set(given["measurements"][0]) <= set(parts["Spect"]["properties"])
    assert set(given["outlines"]) <= set(parts["Outlines"]["properties"])
    assert set(written()["patient"]) <= set(parts["PatientDocument"]["properties"])


def test_the_schema_asks_for_quantities_as_text() -> None:
    parts = json.loads(quimby("schema").out)["$defs"]
    kinds = [row["type"] for row in parts["Administration"]["properties"]["activity"]["anyOf"]]
    assert "string" in kinds
    assert "number" not in kinds
    assert parts["EarlierExposure"]["properties"]["dose"]["type"] == "string"
