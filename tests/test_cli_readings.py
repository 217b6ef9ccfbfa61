"""`quimby readings`: shown once, confirmed by name, found again, and never guessed in silence."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quimby.measure.readings import routes
from quimby.measure.readings.ask import guessed
from quimby.measure.readings.mapping import column_map
from quimby.measure.readings.table import table_of
from quimby.measure.readings.template import template
from tests.conftest import REPOSITORY
from tests.variants import Ran, quimby

HEAD = "Patient;Zeit;Dosisleistung vorne (µSv/h);Dosisleistung hinten (µSv/h);Leerwert;nach Miktion"
ROWS = (
    "0000-77;2.3.2026 10:12;41,0;37,5;120;nein",
    "0000-77;2.3.2026 14:12;31,0;27,5;120;ja",
    "0000-77;3.3.2026 10:12;12;10,5;120;ja",
)
ANSWERS = ("--zone", "Europe/Berlin", "--unit", "Leerwert=nSv/h")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def table(*rows: str, name: str = "readings.csv", head: str = HEAD) -> Path:
    Path(name).write_text("\n".join([head, *(rows or ROWS)]) + "\n", "utf-8")
    return Path(name)


def read(*words: str | Path) -> Ran:
    return quimby("readings", *words)


def as_json(*words: str | Path) -> Any:
    return json.loads(read(*words, "--json").out)


def confirmed(*words: str) -> Path:
    ran = read(table(), *ANSWERS, "--confirm-by", "K. Lind", "-o", "ours.toml", *words)
    assert ran.exit_code == 0, ran.err + ran.out
    return Path("ours.toml")


def options(said: str) -> Iterator[list[str]]:
    """The answers that the questions show, as a shell would split them."""
    for line in re.findall(r"^ {5}(--.*)$", said, re.MULTILINE):
        yield shlex.split(line)


# Showing


def test_columns_are_shown_on_three_rows_and_nothing_is_read_or_written() -> None:
    ran = read(table(*ROWS, "0000-77;4.3.2026 10:12;5;4;120;ja"), *ANSWERS)

    assert ran.exit_code == 0
    assert "whole_body: Whole-body dose rate" in ran.out
    assert "guessed from the headers" in ran.out
    assert '"Dosisleistung vorne (µSv/h)" → front: 41,0 · 31,0 · 12\n' in ran.out
    assert '--confirm-by "YOUR NAME"' in ran.out
    assert "Read " not in ran.out
    assert [p.name for p in Path().iterdir()] == ["readings.csv"]


def test_every_question_shows_the_option_that_answers_it() -> None:
    """What is typed back as shown leaves nothing open, in as many rounds as it takes."""
    usual = [row.replace(";120;", ";0,12;") for row in ROWS]
    path = table(usual[0].replace("41,0", "1,250").replace("2.3.2026", "3/4/2026"), *usual[1:])
    given: list[str] = []
    for _ in range(3):
        ran = read(path, *given)
        found = [word for words in options(ran.out) for word in words]
        given += found
        if not found:
            break

    assert "Problems" not in ran.out
    assert ran.exit_code == 0
    asked = {word for word in given if word.startswith("--")}
    assert asked == {"--unit", "--zone", "--decimal", "--date-order"}


def test_a_header_that_two_fields_could_claim_is_asked_about_and_then_settled() -> None:
    path = table("2026-03-02T10:12Z;41;40;0.1;no", head="time;front [µSv/h];anterior [µSv/h];"
                 "background [µSv/h];voided")  # fmt: skip
    ran = read(path, "--route", "whole_body")

    assert ran.exit_code == 10
    assert 'Is "anterior [µSv/h]" or "front [µSv/h]" the column for front?' in ran.out
    assert "E-READ-NO-FIELD" in ran.out
    settled = read(path, "--route", "whole_body", "--map", "anterior [µSv/h]=back")
    assert settled.exit_code == 0
    assert '"front [µSv/h]" → front' in settled.out
    assert "Questions" not in settled.out


def test_all_problems_are_shown_at_once_with_row_and_column() -> None:
    path = table("0000-77;2.3.2026 10:12;about 41;37,5;120;vielleicht",
                 "0000-77;2.3.2026;31,0;;120;ja", "0000-77;;12;10,5;120;ja")  # fmt: skip
    ran = read(path, *ANSWERS)

    assert ran.exit_code == 10
    wheres = [("E-READ-NUMBER", "C2"), ("E-READ-CHOICE", "F2"), ("E-TIME-FORMAT", "B3"),
              ("E-READ-MISSING", "row 4")]  # fmt: skip
    said = re.findall(r"^(E-[A-Z-]+)  .*\n  where  (.*)$", ran.out, re.MULTILINE)
    assert sorted(code for code, _ in said) == sorted(code for code, _ in wheres)
    assert all(any(code == c and at in where for c, where in said) for code, at in wheres)
    assert len(said) == 4
    codes = [p["code"] for p in as_json(path, *ANSWERS)["problems"]]
    assert codes == [code for code, _ in said]


def test_an_unusual_value_is_asked_about_and_accepted_by_its_field() -> None:
    path = table(ROWS[0].replace("41,0", "9000"), *ROWS[1:])
    ran = read(path, *ANSWERS)
    assert ran.exit_code == 10
    assert ["--accept", "front"] in list(options(ran.out))

    accepted = read(path, *ANSWERS, "--accept", "front", "--confirm-by", "K. Lind")
    assert accepted.exit_code == 0
    assert "W-READ-OUTSIDE" in accepted.out


# The kind of table


@pytest.mark.parametrize("language", routes.LANGUAGES)
@pytest.mark.parametrize("name", routes.names())
def test_every_template_is_known_by_its_headers(name: str, language: str) -> None:
    empty = table_of(template(name, language=language), file="t.xlsx")

    assert guessed(empty) == name


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("time;neck [counts];thigh [counts];live time [s]", "thyroid_counts"),
        ("Zeit;Dosisleistung (nSv/h)", "monitor_log"),
        ("Lappen;Länge (mm);Breite (mm);Tiefe (mm)", "ultrasound"),
        ("date;Uhrzeit;Aktivität in MBq;Menge [ml];vollständig", "urine"),
        ("time;uptake", "thyroid_uptake"),
        ("Tube;Draw time;Counting start;Volume (ml);Counts;Background [counts/60 s]",
         "blood_samples"),
    ],
)  # fmt: skip
def test_the_kind_of_table_is_guessed_from_its_headers_and_said(head: str, name: str) -> None:
    path = table(";".join("1" for _ in head.split(";")), head=head)

    found = as_json(path)
    assert (found["route"], found["how"][:7]) == (name, "guessed")


@pytest.mark.parametrize("head", ["a;b;c", "time;x", "comment;patient"])
def test_headers_that_say_nothing_are_asked_about(head: str) -> None:
    ran = read(table(";".join("1" for _ in head.split(";")), head=head))

    assert ran.exit_code == 10
    assert "E-READ-ROUTE-OPEN" in ran.err
    assert "--route" in ran.err


# Confirming


def test_a_confirmed_mapping_is_written_with_the_name_and_the_readings_are_shown() -> None:
    ran = read(table(), *ANSWERS, "--confirm-by", "K. Lind", "-o", "sub/ours.toml")

    assert ran.exit_code == 0
    written = column_map(Path("sub/ours.toml").read_text("utf-8"), where="m")
    assert (written.confirmed_by, written.route, written.zone) == (
        "K. Lind", "whole_body", "Europe/Berlin",
    )  # fmt: skip
    assert written.units == {"Leerwert": "nSv/h"}
    assert "Read     3 readings of patient 0000-77, times in Europe/Berlin" in ran.out
    assert re.search(r"2 Mar 2026 10:12 CET +41 +37.5 +0.12 +no", ran.out)
    assert re.search(r"3 Mar 2026 10:12 CET +12 +10.5 +0.12 +yes", ran.out)
    assert "I-TIME-ZONE" in ran.out
    assert "Wrote    sub/ours.toml" in ran.out


def test_a_name_without_a_file_writes_mapping_toml() -> None:
    assert read(table(), *ANSWERS, "--confirm-by", "K. Lind").exit_code == 0
    assert tomllib.loads(Path("mapping.toml").read_text("utf-8"))["confirmed_by"] == "K. Lind"


def test_nothing_is_written_over_and_nothing_while_something_is_wrong() -> None:
    Path("ours.toml").write_text("kept", "utf-8")
    ran = read(table(), *ANSWERS, "--confirm-by", "K. Lind", "-o", "ours.toml")
    assert ran.exit_code == 10
    assert "E-READ-EXISTS" in ran.err
    assert Path("ours.toml").read_text("utf-8") == "kept"

    wrong = read(
        table(ROWS[0].replace("nein", "?")), *ANSWERS, "--confirm-by", "K. Lind", "-o", "n"
    )
    assert wrong.exit_code == 10
    assert "Not read" in wrong.out
    assert not Path("n").exists()
    unnamed = read(table(), *ANSWERS, "--confirm-by", " ", "-o", "n")
    assert "nobody has confirmed" in unnamed.out
    assert not Path("n").exists()


def test_a_template_needs_no_confirmation() -> None:
    head = template("ultrasound", language="de", form="csv").decode("utf-8-sig").splitlines()[0]
    row = {"Lappen": "rechts", "Länge": "45", "Breite": "18", "Tiefe": "17"}
    cells = [next((v for k, v in row.items() if h.startswith(k)), "") for h in head.split(";")]
    ran = read(table(";".join(cells), head=head))

    assert ran.exit_code == 0
    assert "Read     1 reading" in ran.out
    assert "right" in ran.out


def test_a_kept_mapping_reads_the_next_table_and_says_when_it_does_not_fit() -> None:
    kept = confirmed()
    later = table("0000-78;9.3.2026 10:12;40,0;36,5;110;nein", name="later.csv")
    ran = read(later, "--mapping", kept)
    assert ran.exit_code == 0
    assert "confirmed by K. Lind" in ran.out
    assert "1 reading of patient 0000-78" in ran.out

    other = table(name="other.csv", head=HEAD.replace("Leerwert", "Raum"))
    ran = read(other, "--mapping", kept)
    assert ran.exit_code == 10
    assert 'gone: "Leerwert"; new: "Raum"' in ran.out


def test_of_several_kept_mappings_the_one_that_fits_is_taken() -> None:
    first = confirmed()
    Path("log.csv").write_text("Zeit;Wert [µSv/h]\n2026-03-02T10:12Z;41\n", "utf-8")
    assert read("log.csv", "--confirm-by", "K. Lind", "-o", "log.toml").exit_code == 0

    ran = as_json("log.csv", "--mapping", first, "--mapping", "log.toml")
    assert (ran["route"], ran["read"]) == ("monitor_log", True)


def test_an_answer_on_top_of_a_kept_mapping_must_be_confirmed_anew() -> None:
    kept = confirmed()
    ran = read(table(), "--mapping", kept, "--accept", "front")
    assert "nobody has confirmed" in ran.out
    assert "Read  " not in ran.out
    moved = read(table(), "--mapping", kept, "--zone", "Europe/Lisbon")
    assert "nobody has confirmed" in moved.out

    same = read(table(), "--mapping", kept, "--unit", "Leerwert=nSv/h")
    assert "Read     3 readings" in same.out


def test_a_zone_that_was_left_open_is_named_without_confirming_anew() -> None:
    kept = confirmed()
    kept.write_text(kept.read_text("utf-8").replace('zone = "Europe/Berlin"', ""), "utf-8")

    assert "E-TIME-ZONE" in read(table(), "--mapping", kept).out
    ran = read(table(), "--mapping", kept, "--zone", "Europe/Lisbon")
    assert "3 Mar 2026 10:12 WET" in ran.out


def test_a_unit_that_contradicts_the_header_is_refused() -> None:
    ran = read(table(), *ANSWERS, "--unit", "Dosisleistung vorne (µSv/h)=mSv/h")

    assert ran.exit_code == 10
    assert "a column whose header says µSv/h" in ran.out
    ran = read(table(), *ANSWERS, "--unit", "Leerwrt=nSv/h")
    assert "no such column" in ran.out
    ran = read(table(), *ANSWERS, "--map", "Leerwert")
    assert "is not COLUMN=VALUE" in ran.err


# What was read


def test_a_missing_reference_is_said_of_the_patient_it_concerns() -> None:
    confirmed()
    two = table(*ROWS, *(r.replace("0000-77", "0000-78").replace("nein", "ja") for r in ROWS))
    ran = read(two, "--mapping", "ours.toml")

    assert ran.exit_code == 12
    assert "E-NO-REFERENCE" in ran.out
    assert "patient 0000-78" in ran.out.split("E-NO-REFERENCE")[1]
    assert read(two, "--mapping", "ours.toml", "--patient", "0000-77").exit_code == 0
    unknown = read(two, "--mapping", "ours.toml", "--patient", "0000-79")
    assert unknown.exit_code == 10
    assert "E-READ-PATIENTS" in unknown.err


def test_json_is_one_document_with_values_units_and_places() -> None:
    confirmed()
    found = as_json(table(), "--mapping", "ours.toml")

    first = found["readings"][0]
    assert first["at"] == "2026-03-02T10:12:00+01:00"
    assert first["quantities"]["background"]["value"] == pytest.approx(0.12)
    assert first["quantities"]["background"]["unit"] == "µSv/h"
    assert first["quantities"]["background"]["where"] == "readings.csv, cell E2 (Leerwert)"
    assert [n["code"] for n in found["notes"]] == ["I-TIME-ZONE"]
    assert (found["problems"], found["questions"]) == ([], [])


def test_a_file_that_is_no_table_is_refused_without_a_traceback() -> None:
    Path("x.csv").write_bytes(b"\x00\x01")
    for name, code in [("x.csv", "E-TAB-FORMAT"), ("absent.csv", "E-TAB-FILE")]:
        ran = read(name)
        assert ran.exit_code == 10
        assert code in ran.err


# A monitor's log


def monitor(minutes: int = 40) -> None:
    """The patient stands there from 10:05 to 10:12; the room is empty afterwards."""
    noise = np.random.default_rng(1).normal(0, 0.02, minutes * 60)
    start = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    lines = ["time;value [µSv/h]"]
    for i, extra in enumerate(noise):
        level = 41.0 if 300 <= i < 720 else 0.12
        lines.append(f"{(start + timedelta(seconds=i)).isoformat()};{level + extra:.3f}")
    Path("monitor.csv").write_text("\n".join(lines) + "\n", "utf-8")


INTERVALS = "front from;front to;background from;background to;voided before"


def test_a_log_is_averaged_in_the_intervals_of_a_second_table() -> None:
    monitor()
    rows = table("2026-03-02 10:05;2026-03-02 10:12;2026-03-02 10:20;2026-03-02 10:30;no",
                 name="intervals.csv", head=INTERVALS)  # fmt: skip
    asked = ("monitor.csv", "--decimal", ".", "--zone", "Europe/Berlin", "--confirm-by", "K. Lind")
    ran = read(*asked, "--intervals", rows)

    assert ran.exit_code == 0, ran.out + ran.err
    assert re.search(r"2 Mar 2026 10:08:30 CET +(41(\.0+\d*)?|40\.99\d*) ± 0\.00", ran.out)
    assert ran.out.count("±") == 2
    kept = as_json("monitor.csv", "--mapping", "mapping.toml", "--zone", "Europe/Berlin",
                   "--intervals", rows, "--clock-ahead", "-20 s")  # fmt: skip
    assert kept["read_as"] == "whole_body"
    assert kept["readings"][0]["quantities"]["front"]["value"] < 40.5, "the first 20 s are missed"


def test_intervals_of_another_table_and_of_no_log_are_refused() -> None:
    monitor(10)
    ran = read(table(), *ANSWERS, "--confirm-by", "K", "-o", "m.toml", "--intervals", "monitor.csv")
    assert "E-READ-LOG" in ran.err
    assert not Path("m.toml").exists()


# The page about it


def test_the_page_shows_what_the_command_says() -> None:
    page = (REPOSITORY / "docs" / "readers.md").read_text("utf-8").split("## Tables of readings")[1]
    example = page.split("### A worked example")[1]
    tables = re.findall(r"^```csv\n(.*?)^```$", example, re.DOTALL | re.MULTILINE)
    shown = re.findall(r"^```text\n(.*?)^```$", example, re.DOTALL | re.MULTILINE)
    asked = re.findall(r"^quimby (readings readings.csv.*)$", example, re.MULTILINE)
    Path("readings.csv").write_text(tables[0], "utf-8")

    assert len(asked) == len(shown) == 2
    for words, wanted in zip(asked, shown, strict=True):
        said = quimby(*shlex.split(words)).out
        assert [line.rstrip() for line in said.splitlines()] == wanted.splitlines()


def test_the_page_names_every_route_and_every_field() -> None:
    page = (REPOSITORY / "docs" / "readers.md").read_text("utf-8")

    for name in routes.names():
        assert f"`{name}`" in page
        for f in routes.route(name).fields:
            assert f.key in page, f"{name}: {f.key}"
