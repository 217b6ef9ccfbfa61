"""From a centre's table to readings: routes, mappings, units, checks, templates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from quimby.core.errors import QuimbyError
from quimby.core.time import hours_between
from quimby.core.units import HOUSE, KINDS
from quimby.measure.readings import checks, routes
from quimby.measure.readings.mapping import ColumnMap, check_fit, column_map, fitting
from quimby.measure.readings.reading import Reading, Readings, problems, read
from quimby.measure.readings.suggest import normal, shown, suggest, with_answers
from quimby.measure.readings.table import Table, table_of
from quimby.measure.readings.template import FORMS, MARK, template
from quimby.measure.readings.units import header, unit_of

NOW = datetime(2026, 3, 5, 8, 0, tzinfo=UTC)
BERLIN = "Europe/Berlin"
GERMAN = """Patient;Zeit;Dosisleistung vorne (µSv/h);Dosisleistung hinten (µSv/h);Leerwert [nSv/h];nach Miktion;Bemerkung
0000-77;2.3.2026 10:12;41,0;37,5;120;nein;
0000-77;2.3.2026 14:12;31,0;27,5;120;ja;gut
0000-77;3.3.2026 10:12;12;10,5;120;ja;
"""  # noqa: E501
LEVELS = "0000-77;2.3.2026 10:12;41,0;37,5;120;nein;"
ROUTES = pytest.mark.parametrize("name", routes.names())
LANGUAGES = pytest.mark.parametrize("language", routes.LANGUAGES)
FORM = pytest.mark.parametrize("form", FORMS)


def german(text: str = GERMAN) -> Table:
    return table_of(text.encode("cp1252"), file="r.csv")


def confirmed(table: Table, route: str, **answers: Any) -> ColumnMap:
    return with_answers(suggest(table, route, zone=BERLIN), **answers).confirmed("K. Lind", NOW)


def taken(text: str = GERMAN, route: str = "whole_body", **answers: Any) -> Readings:
    table = german(text)
    return read(table, confirmed(table, route, **answers))


def refused(text: str, route: str = "whole_body", **answers: Any) -> QuimbyError:
    with pytest.raises(QuimbyError) as error:
        taken(text, route, **answers)
    return error.value


def codes(found: Readings) -> set[str]:
    return {n.code for n in found.notes}


def whole_body(*rows: str) -> tuple[Reading, ...]:
    """Readings from rows "time;front;back;background;voided;urine"."""
    head = "time;front [µSv/h];back [µSv/h];background [µSv/h];voided;urine [MBq]"
    table = table_of("\n".join([head, *rows]).encode(), file="r.csv")
    return read(table, confirmed(table, "whole_body")).readings


# Routes: contract


@ROUTES
def test_a_route_is_whole(name: str) -> None:
    route = routes.route(name)
    assert set(route.title) == set(routes.LANGUAGES)
    assert len(set(route.keys)) == len(route.keys)
    assert not route.at or route.field(route.at).kinds == ("moment",)
    assert set(route.apart) <= set(route.keys)
    assert not route.excused or set(route.excused) < set(route.field("state").choices)
    for f in route.fields:
        assert set(f.header) == set(routes.LANGUAGES), f.key
        assert {f.live, f.background} - {""} <= set(route.keys), f.key
        assert f.plain or (f.unit in KINDS[f.kinds[0]] and f.source and f.least is not None), f.key
        assert f.plain or (f.low is not None and f.high is not None and f.low < f.high), f.key
        assert ("choice" in f.kinds) == bool(f.choices), f.key
        assert not f.choices or f.example in {*f.choices, ""}, f.key
        assert all(len(words) >= 3 for words in f.choices.values() if name != "whole_body"), f.key


@ROUTES
def test_no_word_of_a_route_means_two_columns(name: str) -> None:
    words = [(f.key, w) for f in routes.route(name).fields
             for w in {normal(t) for t in (*f.header.values(), *f.words)}]  # fmt: skip
    meanings: dict[str, set[str]] = {}
    for key, word in words:
        meanings.setdefault(word, set()).add(key)
    assert {w: k for w, k in meanings.items() if len(k) > 1} == {}


@ROUTES
def test_no_answer_of_a_choice_means_two_things(name: str) -> None:
    for f in routes.route(name).fields:
        said = [w for words in f.choices.values() for w in {x.casefold() for x in words}]
        assert len(said) == len(set(said)), f.key


def test_a_route_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(QuimbyError, match="whole_body"):
        routes.route("hair")


# Suggestion and mapping


def test_a_german_table_is_understood_and_waits_for_its_confirmation() -> None:
    table = german()
    suggestion = suggest(table, "whole_body", zone=BERLIN)

    assert list(suggestion.columns.columns.values()) == [
        "patient", "time", "front", "back", "background", "voided", "comment",
    ]  # fmt: skip
    assert suggestion.questions == ()
    assert '"Leerwert [nSv/h]" → background: 120 · 120 · 120' in shown(table, suggestion.columns)
    with pytest.raises(QuimbyError, match="E-READ-UNCONFIRMED"):
        read(table, suggestion.columns)


@pytest.mark.parametrize(
    ("route", "heads", "keys"),
    [
        ("thyroid_counts",
         "Heure;Cou [coups];Cuisse [coups];Étalon [coups];Bruit de fond [coups];Durée [s]",
         "time neck thigh standard room live_time"),
        ("blood_samples",
         "Tube;Draw time;Counting start;Sample volume (ml);Gross counts;Live time [s];"
         "Background [counts/60 s];Hct [%]",
         "sample drawn counted volume counts live_time background haematocrit"),
        ("gamma_counter", "Pos;Isotope;CPM;Count time [min];Clock",
         "sample nuclide - live_time counted"),
        ("ultrasound", "Lappen;Länge (mm);Breite (mm);Tiefe (mm)", "region length width depth"),
        ("urine", "date;Uhrzeit;Aktivität in MBq;Menge [ml];vollständig",
         "time.date time.clock activity volume complete"),
        ("thyroid_uptake", "time;RAIU %;decay-corrected", "time uptake decay_corrected"),
        ("blood_concentration", "Abnahme;Aktivitätskonzentration [kBq/ml];zerfallskorrigiert",
         "drawn concentration decay_corrected"),
    ],
)  # fmt: skip
def test_columns_are_suggested_from_words_of_three_languages(
    route: str, heads: str, keys: str
) -> None:
    table = table_of(f"{heads}\n{';'.join('1' for _ in heads.split(';'))}\n".encode(), file="r")

    assert " ".join(suggest(table, route).columns.columns.values()) == keys


def test_two_columns_for_one_field_are_asked_about_and_neither_is_taken() -> None:
    table = table_of("time;front [µSv/h];anterior [µSv/h]\n1;2;3\n".encode(), file="r.csv")
    suggestion = suggest(table, "whole_body")

    assert suggestion.columns.of("front") is None
    asked = [q.asks for q in suggestion.questions]
    assert any('"anterior [µSv/h]" or "front [µSv/h]"' in asks for asks in asked)
    assert "Which column is background?" in asked


def test_of_two_columns_of_one_name_the_one_with_its_unit_is_taken() -> None:
    table = table_of("time;front;front [µSv/h]\n1;2;3\n".encode(), file="r.csv")

    assert suggest(table, "whole_body").columns.of("front") == "front [µSv/h]"


def test_a_column_in_another_kind_of_unit_is_not_taken_for_the_field() -> None:
    table = table_of(b"time [h];counts [ml];x\n1;2;3\n", file="r.csv")

    assert set(suggest(table, "gamma_counter").columns.columns.values()) == {"-"}


def test_a_mapping_comes_back_from_its_document() -> None:
    told = ColumnMap("whole_body", {"Zeit": "time", 'a "b" [x]': "-"}, {"Zeit": "h"}, ",", "dmy",
                     BERLIN, "Mai", 3, ("front",)).confirmed("K. Lind", NOW)  # fmt: skip

    assert column_map(told.document(), where="m.toml") == told
    assert told.confirmed_at == "2026-03-05T08:00:00+00:00"


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("route = ", "m.toml"),
        ('route = "whole_body"', "[columns]"),
        ('colour = 1\nroute = "whole_body"\n[columns]', "colour"),
        ('route = 3\n[columns]', "route must be a str"),
        ('route = "whole_body"\n[columns]\na = 3', "[columns]"),
        ('route = "whole_body"\n[columns]\na = "lobe"', "no field 'lobe'"),
        ('route = "whole_body"\n[columns]\na = "time.zone"', "time.zone"),
        ('route = "whole_body"\n[columns]\na = "time"\nb = "time"', "two columns are mapped"),
        ('route = "whole_body"\n[columns]\n[units]\na = "mBq"', "'mBq'"),
        ('route = "whole_body"\ndecimal = ";"\n[columns]', "decimal must be one of ., ,"),
        ('route = "hair"\n[columns]', "hair"),
        ('route = "whole_body"\naccept = ["x"]\n[columns]', "'x'"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_refused_by_its_key(document: str, says: str) -> None:
    with pytest.raises(QuimbyError) as error:
        column_map(document, where="m.toml")
    assert says in str(error.value)
    assert error.value.code in ("E-READ-MAPPING", "E-READ-ROUTE")


def test_a_kept_mapping_serves_the_next_file_of_its_kind_and_no_other() -> None:
    table = german()
    kept = confirmed(table, "whole_body")
    other = german(GERMAN.replace("Bemerkung", "Kommentar"))

    assert fitting([kept], german(GERMAN.replace("41,0", "39,0"))) is kept
    assert fitting([kept], other) is None
    assert fitting([suggest(table, "whole_body").columns], table) is None
    with pytest.raises(QuimbyError, match='gone: none; new: "Raum"'):
        check_fit(
            german(GERMAN.replace("Bemerkung", "Bemerkung;Raum").replace("gut", "gut;1")), kept
        )
    with pytest.raises(QuimbyError) as error:
        check_fit(other, kept)
    assert error.value.code == "E-READ-COLUMNS"
    assert 'gone: "Bemerkung"; new: "Kommentar"' in error.value.what


def test_a_field_without_a_column_is_named_with_a_header_to_use() -> None:
    table = table_of(b"time;voided\n2.3.2026 10:12;no\n", file="r.csv")
    with pytest.raises(QuimbyError) as error:
        read(table, confirmed(table, "whole_body"))

    assert error.value.code == "E-READ-NO-FIELD"
    assert '"front [µSv/h]"' in error.value.do


# Reading


def test_readings_carry_house_units_aware_times_and_their_cells() -> None:
    found = taken()
    first, second, _ = found.readings

    assert first.value("front") == 41.0
    assert first.quantities["background"].value == pytest.approx(0.12)
    assert first.quantities["background"].unit == HOUSE["dose rate"] == "µSv/h"
    assert first.quantities["background"].written == "120 nSv/h"
    assert first.quantities["front"].where == "r.csv, cell C2 (Dosisleistung vorne (µSv/h))"
    assert first.at is not None
    assert first.at.astimezone(UTC) == datetime(2026, 3, 2, 9, 12, tzinfo=UTC)
    assert (first.patient, first.answers["voided"], second.answers["voided"]) == (
        "0000-77", "no", "yes",
    )  # fmt: skip
    assert codes(found) == {"I-TAB-ENCODING", "I-TIME-ZONE"}


@pytest.mark.parametrize(
    ("old", "new", "code", "where"),
    [
        ("41,0", "1.500", "E-READ-AMBIGUOUS", "cell C2"),
        ("41,0", "about 41", "E-READ-NUMBER", "cell C2"),
        ("41,0", "41 MBq", "E-UNIT", "cell C2"),
        ("41,0", "", "E-READ-MISSING", "row 2"),
        ("31,0", "-31", "E-READ-RANGE", "cell C3"),
        ("31,0", "31000", "E-READ-SLIP", "cell C3"),
        (";ja;gut", ";vielleicht;gut", "E-READ-CHOICE", "cell F3"),
        ("2.3.2026 14:12", "2.3.2026", "E-TIME-FORMAT", "cell B3"),
        ("2.3.2026 14:12", "25.10.2026 2:30", "E-TIME-DST", "cell B3"),
        ("2.3.2026 14:12", "2/3/2026 14:12", "E-READ-DATE-AMBIGUOUS", "cell B3"),
        ("(µSv/h);Dosisleistung hinten", ";Dosisleistung hinten", "E-UNIT", "cell C1"),
        ("[nSv/h]", "[MBq]", "E-UNIT", "cell E1"),
    ],
)
def test_what_is_wrong_is_named_with_its_cell(old: str, new: str, code: str, where: str) -> None:
    table = german(GERMAN.replace(old, new))
    keys = suggest(german(), "whole_body", zone=BERLIN).columns.columns.values()
    mapping = ColumnMap("whole_body", dict(zip(table.names, keys, strict=True)), zone=BERLIN)
    with pytest.raises(QuimbyError) as error:
        read(table, mapping.confirmed("K. Lind", NOW))

    assert error.value.code == code
    assert where in error.value.where
    assert error.value.where.startswith("r.csv")


def test_a_column_without_unit_shows_its_values_and_the_mapping_may_name_it() -> None:
    text = GERMAN.replace("Leerwert [nSv/h]", "Leerwert")
    error = refused(text)

    assert error.where == "r.csv, cell E1; values 120 to 120"
    assert "background [µSv/h]" in error.do
    assert taken(text, units={"Leerwert": "nSv/h"}).readings[0].value("background") == 0.12
    table = german(text)
    (question,) = suggest(table, "whole_body").questions
    assert question.asks.startswith('In what unit is "Leerwert" (dose rate or')


def test_units_in_cells_are_converted_one_by_one_and_a_contradiction_is_noted() -> None:
    bare = "time;activity;complete\n2.3.2026 10:00;1,2 GBq;yes\n2.3.2026 12:00;340 MBq;yes\n"
    mixed = bare.replace("activity", "activity [MBq]")

    found = taken(bare, "urine")
    assert [r.value("activity") for r in found.readings] == [1200, 340]
    assert "W-READ-UNIT-MIXED" not in codes(found)
    assert "W-READ-UNIT-MIXED" in codes(taken(mixed, "urine"))
    error = refused(bare.replace("340 MBq", "340"), "urine")
    assert error.code == "E-UNIT"
    assert "values 1,2 GBq to 340" in error.where


@pytest.mark.parametrize(
    ("route", "heads", "row", "fits"),
    [
        ("ultrasound", "lobe;length [cm];width [cm];depth [cm]", "right;50;20;20", "mm"),
        ("ultrasound", "lobe;length [mm];width [mm];depth [mm]", "right;5,0;2;2", "cm"),
        ("thyroid_uptake", "time;uptake [%];decay-corrected", "2.3.2026 10:00;0,38;no",
         "a fraction of one"),
        ("thyroid_uptake", "time;uptake [fraction];decay-corrected", "2.3.2026 10:00;38;no", "%"),
        ("urine", "time;activity [MBq];complete", "2.3.2026 10:00;1250000000;yes", "Bq"),
        ("urine", "time;activity [Bq];complete", "2.3.2026 10:00;1250;yes", "MBq"),
        ("whole_body", "time;front [mSv/h];background [µSv/h];voided", "2.3.2026 10:00;41;0,1;no",
         "µSv/h"),
        ("blood_samples", "tube;drawn at;counted at;volume [l];counts;live time [s];blank [counts]",
         "B1;2.3.2026 10:00;3.3.2026 10:00;2;6200;600;1200", "ml"),
        ("blood_concentration", "drawn at;concentration [MBq/ml];decay corrected",
         "2.3.2026 10:00;28;no", "kBq/ml"),
    ],
)  # fmt: skip
def test_a_slip_of_the_unit_is_caught_by_name(route: str, heads: str, row: str, fits: str) -> None:
    error = refused(f"{heads}\n{row}\n", route)

    assert error.code == "E-READ-SLIP"
    assert fits in error.what.split("; in ")[1]
    assert "cell" in error.where


def test_the_span_that_is_usual_is_shown_in_the_unit_that_was_written() -> None:
    head = "time;uptake [%];decay-corrected\n2.3.2026 10:00;"
    slip = refused(f"{head}0,38;no\n", "thyroid_uptake")
    assert "0,38 % is outside what is usual (1 to 100 %)" in slip.what
    error = refused(f"{head}110;no\n", "thyroid_uptake", accept=("uptake",))
    assert error.what == "uptake of 110 % is not possible; it must not be above 105 %."


def test_a_value_out_of_the_common_is_kept_once_a_person_has_accepted_it() -> None:
    text = "lobe;length [mm];width [mm];depth [mm]\nisthmus;20;15;4\n"
    assert refused(text, "ultrasound").code == "E-READ-SLIP"

    found = taken(text, "ultrasound", accept=("depth",))
    assert found.readings[0].value("depth") == 4.0
    assert "W-READ-OUTSIDE" in codes(found)


def test_what_cannot_be_is_refused_even_when_accepted() -> None:
    head = "time;uptake [%];decay-corrected\n2.3.2026 10:00;"
    assert refused(f"{head}110;no\n", "thyroid_uptake", accept=("uptake",)).code == "E-READ-RANGE"
    lobe = "lobe;length [mm];width [mm];depth [mm]\nright;0;20;20\n"
    assert refused(lobe, "ultrasound", accept=("length",)).code == "E-READ-RANGE"


COUNTS = "tube;drawn at;counted at;volume [ml];{};{}background [{}]\n{}\n"


def test_counts_take_their_time_from_the_header_or_from_the_row() -> None:
    times = "B1;2.3.2026 10:00;3.3.2026 10:00;2;6200;"
    in_row = COUNTS.format("counts", "live time [min];", "counts/120 s", times + "10;240")
    in_header = COUNTS.format("counts/600 s", "", "counts/120 s", times + "240")

    for text in (in_row, in_header):
        reading = taken(text, "blood_samples").readings[0]
        assert reading.quantities["counts"].live_s == 600
        assert reading.quantities["counts"].rate_cps == pytest.approx(6200 / 600)
        assert reading.quantities["background"].rate_cps == 2.0
    error = refused(COUNTS.format("counts", "", "counts/120 s", times + "240"), "blood_samples")
    assert error.code == "E-READ-LIVE"


def test_rates_need_no_time_and_a_length_has_no_rate() -> None:
    times = "B1;2.3.2026 10:00;3.3.2026 10:00;2;620;12"
    reading = taken(COUNTS.format("counts [cpm]", "", "cpm", times), "blood_samples").readings[0]

    assert reading.quantities["counts"].rate_cps == pytest.approx(620 / 60)
    with pytest.raises(ValueError, match="no count rate"):
        _ = reading.quantities["volume"].rate_cps


def test_counts_that_are_not_whole_are_noted() -> None:
    times = "B1;2.3.2026 10:00;3.3.2026 10:00;2;62,5;240"

    found = taken(COUNTS.format("counts/600 s", "", "counts/120 s", times), "blood_samples")
    assert "W-READ-NOT-WHOLE" in codes(found)


def test_a_lost_sample_keeps_its_row_without_a_result() -> None:
    text = ("tube;drawn at;counted at;volume [ml];counts/600 s;background [counts/600 s];state\n"
            "B1;2.3.2026 10:00;3.3.2026 10:00;2;6200;1200;gut\n"
            "B2;2.3.2026 12:00;;;;;verloren\n")  # fmt: skip
    found = taken(text, "blood_samples")

    assert [r.answers["state"] for r in found.readings] == ["good", "lost"]
    assert found.readings[1].quantities == {}
    assert "I-READ-LOST" in codes(found)
    assert refused(text.replace("verloren", "gut"), "blood_samples").code == "E-READ-MISSING"


def test_what_a_spreadsheet_made_of_1_5_is_not_taken_for_a_number() -> None:
    book = Workbook()
    for row in (["lobe", "length [cm]", "width [cm]", "depth [cm]"],
                ["right", datetime(2026, 5, 1), 2, 2]):  # fmt: skip
        book.worksheets[0].append(row)
    out = BytesIO()
    book.save(out)
    table = table_of(out.getvalue(), file="us.xlsx")
    with pytest.raises(QuimbyError) as error:
        read(table, confirmed(table, "ultrasound"))

    assert error.value.code == "E-READ-AS-DATE"
    assert error.value.where == "us.xlsx, sheet Sheet, cell B2 (length [cm])"


def test_a_workbook_s_per_cent_is_what_it_shows_under_any_header_of_its_kind() -> None:
    for head in ("uptake [%]", "uptake", "uptake [fraction]"):
        book = Workbook()
        page = book.worksheets[0]
        page.append(["time", head, "decay-corrected"])
        page.append([datetime(2026, 3, 2, 10), 0.38, True])
        page["B2"].number_format = "0%"
        out = BytesIO()
        book.save(out)
        table = table_of(out.getvalue(), file="u.xlsx")
        reading = read(table, confirmed(table, "thyroid_uptake")).readings[0]

        assert reading.value("uptake") == pytest.approx(0.38)
        assert reading.answers["decay_corrected"] == "yes"


def test_all_problems_of_a_table_are_shown_at_once() -> None:
    text = GERMAN.replace("41,0", "1.500").replace(";ja;gut", ";vielleicht;gut")
    table = german(text)

    found = problems(table, confirmed(table, "whole_body"))
    assert [e.code for e in found] == ["E-READ-AMBIGUOUS", "E-READ-CHOICE"]
    unitless = german(GERMAN.replace("[nSv/h]", ""))
    assert [e.code for e in problems(unitless, confirmed(unitless, "whole_body"))] == ["E-UNIT"]
    assert problems(german(), confirmed(german(), "whole_body")) == ()
    assert (
        problems(german(), suggest(german(), "whole_body").columns)[0].code == "E-READ-UNCONFIRMED"
    )


def test_columns_left_out_are_named() -> None:
    found = taken(GERMAN.replace("Bemerkung", "Zimmer"))

    assert any(n.code == "I-READ-COLUMN" and '"Zimmer"' in n.text for n in found.notes)


def test_a_spilt_sample_s_counts_are_kept_and_not_judged() -> None:
    text = ("tube;drawn at;counted at;volume [ml];counts;live time [s];background [counts];state\n"
            "B1;2.3.2026 10:00;3.3.2026 10:00;2;120;;240;spilled\n")  # fmt: skip
    found = taken(text, "blood_samples")

    assert found.readings[0].value("counts") == 120
    assert checks.check_net(found.readings) == ()


def test_a_bracket_that_is_no_unit_may_be_given_one_but_another_unit_stands() -> None:
    named = GERMAN.replace("[nSv/h]", "[Monitor 2]")
    units = {"Leerwert [Monitor 2]": "nSv/h"}
    assert taken(named, units=units).readings[0].value("background") == 0.12

    table = german(GERMAN.replace("[nSv/h]", "[MBq]"))
    keys = suggest(german(), "whole_body", zone=BERLIN).columns.columns.values()
    mapping = ColumnMap("whole_body", dict(zip(table.names, keys, strict=True)),
                        {"Leerwert [MBq]": "nSv/h"}, zone=BERLIN)  # fmt: skip
    with pytest.raises(QuimbyError, match="'MBq' is not a quantity with a unit of dose rate"):
        read(table, mapping.confirmed("K. Lind", NOW))


# Checks of a series


def test_the_reference_is_the_first_reading_before_voiding() -> None:
    rows = ["2.3.2026 14:00;31;28;0,1;yes;", "2.3.2026 10:00;41;37;0,1;no;"]
    first, notes = checks.reference(whole_body(*rows))

    assert (first.value("front"), notes) == (41.0, ())


def test_without_a_reading_before_voiding_there_is_no_scale() -> None:
    with pytest.raises(QuimbyError) as error:
        checks.reference(
            whole_body("2.3.2026 12:30;41;37;0,1;yes;", "2.3.2026 14:00;31;28;0,1;no;")
        )
    assert error.value.code == "E-NO-REFERENCE"
    assert "2026-03-02 12:30, is after voiding" in error.value.what

    with pytest.raises(QuimbyError, match="there is no reading"):
        checks.reference(())
    _, notes = checks.reference(whole_body("2.3.2026 12:30;41;37;0,1;yes;1250"))
    assert [(n.code, n.value) for n in notes] == [("W-REFERENCE-POST-VOID", 1250.0)]


def test_the_order_of_the_rows_changes_nothing_but_a_note() -> None:
    rows = ["2.3.2026 10:00;41;37;0,1;no;", "2.3.2026 14:00;31;28;0,1;yes;",
            "3.3.2026 10:00;12;10;0,1;yes;"]  # fmt: skip
    values = []
    for order in permutations(rows):
        ordered, notes = checks.in_time_order(whole_body(*order))
        values.append([r.value("front") for r in ordered])
        assert [n.code for n in notes] == ([] if list(order) == rows else ["I-READ-SORTED"])
    assert values == [[41, 31, 12]] * 6


def test_one_time_twice_is_refused_also_when_written_in_two_zones() -> None:
    rows = ("2.3.2026 10:00;41;37;0,1;no;", "2026-03-02T09:00Z;31;28;0,1;yes;")
    with pytest.raises(QuimbyError) as error:
        checks.in_time_order(whole_body(*rows))

    assert error.value.code == "E-TIME-ORDER"
    assert error.value.where == "r.csv, row 2 and r.csv, row 3"


def test_two_tubes_counted_at_one_time_are_no_duplicate() -> None:
    head = "tube;kind;counts [cpm];counted at\n"
    rows = "A;sample;600;2.3.2026 10:00\n{};sample;500;2.3.2026 10:00\n"

    checks.in_time_order(taken(head + rows.format("B"), "gamma_counter").readings)
    thrice = head + rows.format("B") + "A;sample;600;2.3.2026 10:00\n"
    with pytest.raises(QuimbyError, match=r"row 2 and .*, row 4"):
        checks.in_time_order(taken(thrice, "gamma_counter").readings)
    with pytest.raises(QuimbyError, match="E-TIME-ORDER"):
        checks.in_time_order(taken(head + rows.format("A"), "gamma_counter").readings)


def test_a_reading_before_the_administration_is_refused() -> None:
    rows = whole_body("2.3.2026 10:00;41;37;0,1;no;")
    checks.in_time_order(rows, administered_at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
    with pytest.raises(QuimbyError, match="before the administration"):
        checks.in_time_order(rows, administered_at=datetime(2026, 3, 2, 9, 1, tzinfo=UTC))


def test_several_patients_in_a_table_are_never_one_series() -> None:
    other = GERMAN.replace("0000-77;3.3", "0000-78;3.3")
    readings = taken(other).readings

    with pytest.raises(QuimbyError, match="E-READ-PATIENTS"):
        checks.reference(readings)
    assert len(checks.of_patient(readings, "0000-77")) == 2
    with pytest.raises(QuimbyError, match="0000-79"):
        checks.of_patient(readings, "0000-79")
    nameless = taken(GERMAN.replace("0000-77;3.3", ";3.3")).readings
    with pytest.raises(QuimbyError, match="none given"):
        checks.of_patient(nameless)


def test_nothing_above_background_is_refused_for_a_body_and_noted_for_a_sample() -> None:
    with pytest.raises(QuimbyError) as error:
        checks.check_net(whole_body("2.3.2026 10:00;0,1;37;0,1;no;"))
    assert error.value.code == "E-NET-NONPOSITIVE"
    assert "cell B2" in error.value.where

    times = "B1;2.3.2026 10:00;3.3.2026 10:00;2;1100;240"
    text = COUNTS.format("counts/600 s", "", "counts/120 s", times)
    notes = checks.check_net(taken(text, "blood_samples").readings)
    assert [n.code for n in notes] == ["W-READ-NET"]
    assert checks.check_net(taken(text.replace("1100", "1300"), "blood_samples").readings) == ()


def test_a_count_rate_and_a_dose_rate_are_not_subtracted() -> None:
    text = "time;front [cps];background [µSv/h];voided\n2.3.2026 10:00;41;0,1;no\n"
    with pytest.raises(QuimbyError, match="E-READ-KINDS"):
        checks.check_net(taken(text).readings)


def test_a_probe_s_counts_in_a_time_and_a_rate_are_one_kind() -> None:
    text = "time;front [counts/60 s];background [cps];voided\n2.3.2026 10:00;600;{};no\n"

    assert checks.check_net(taken(text.format("9,9")).readings) == ()
    with pytest.raises(QuimbyError, match=r"10 gross, 10\.1 background"):
        checks.check_net(taken(text.format("10,1")).readings)
    assert refused(text.replace("/60 s", "").format("9,9")).code == "E-READ-LIVE"


@settings(max_examples=30)
@given(st.floats(1.0, 200.0), st.floats(0.5, 2.0))
def test_a_rise_is_noted_when_it_is_more_than_a_tenth(level: float, factor: float) -> None:
    """The level is the geometric mean of the net views; both are scaled here."""
    front, back = level + 0.1, 0.9 * level + 0.1
    later = [f"{factor * (x - 0.1) + 0.1:.9f}" for x in (front, back)]
    rows = whole_body(f"2.3.2026 10:00;{front:.9f};{back:.9f};0.1;no;",
                      f"2.3.2026 14:00;{later[0]};{later[1]};0.1;yes;")  # fmt: skip
    notes = checks.rising(rows)

    if abs(factor - 1.1) > 1e-6:
        assert bool(notes) == (factor > 1.1)
    assert all(n.value == pytest.approx(100 * (factor - 1), abs=1e-3) for n in notes)


def test_one_view_rising_hides_no_fall_of_the_mean() -> None:
    rows = whole_body("2.3.2026 10:00;40;40;0,1;no;", "2.3.2026 14:00;50;20;0,1;yes;")

    assert checks.rising(rows) == ()


# Templates


def filled(
    name: str, data: bytes, language: str, form: str, rows: Sequence[Sequence[Any]]
) -> Table:
    """A template with its example row kept and rows typed below it."""
    if form == "csv":
        mark = "," if language == "en" else ";"
        more = "".join(mark.join(str(c) for c in row) + "\r\n" for row in rows)
        return table_of(data + more.encode(), file=f"{name}.csv")
    book = load_workbook(BytesIO(data))
    for n, row in enumerate(rows, start=3):
        for column, content in enumerate(row, start=1):
            book.worksheets[0].cell(n, column, content)
    out = BytesIO()
    book.save(out)
    return table_of(out.getvalue(), file=f"{name}.xlsx")


def typed(f: routes.Field, language: str, form: str) -> Any:
    """What a person would type in this field: the example, and a text where it has none."""
    if not f.example:
        return ""
    if f.choices:
        return f.choices[f.example][routes.LANGUAGES.index(language)]
    if f.plain:
        return f.example.replace("2026-03-0", "2026-04-0")
    text = f.example if language == "en" else f.example.replace(".", ",")
    return float(f.example) if form == "xlsx" else text


@ROUTES
@LANGUAGES
@FORM
def test_a_template_filled_in_is_read_without_a_question(
    name: str, language: str, form: str
) -> None:
    route = routes.route(name)
    row = [typed(f, language, form) for f in route.fields]
    table = filled(name, template(name, language=language, form=form), language, form, [row])
    suggestion = suggest(table, name, zone=BERLIN)
    found = read(table, suggestion.columns)

    assert suggestion.questions == ()
    assert len(found.readings) == 1, "the example row is never read"
    assert codes(found) == {"I-READ-EXAMPLE", "I-TIME-ZONE"}
    for f in route.fields:
        if not f.plain and f.example:
            unit = unit_of(header(f.called(language), f.kinds).unit, f.kinds)
            assert unit is not None
            assert found.readings[0].value(f.key) == pytest.approx(float(f.example) * unit.factor)
        elif f.kinds == ("moment",) and f.example:
            assert found.readings[0].moments[f.key].month == 4


@ROUTES
@LANGUAGES
def test_an_untouched_template_holds_no_reading(name: str, language: str) -> None:
    for form in FORMS:
        table = table_of(template(name, language=language, form=form), file="t")
        with pytest.raises(QuimbyError, match="E-TAB-EMPTY"):
            read(table, suggest(table, name, zone=BERLIN).columns)


@FORM
def test_an_example_row_that_was_written_over_is_never_lost_in_silence(form: str) -> None:
    data = template("whole_body", language="en", form=form)
    head = [f.called("en") for f in routes.route("whole_body").fields]
    row = {"time": "2.3.2026 12:00", "front [µSv/h]": 33, "background [µSv/h]": 0.1,
           "voided before": "no"}  # fmt: skip
    table = filled("w", data, "en", form, [[MARK["en"], *(row.get(h, "") for h in head[1:])]])

    with pytest.raises(QuimbyError) as error:
        read(table, suggest(table, "whole_body", zone=BERLIN).columns)
    assert error.value.code == "E-READ-EXAMPLE"
    assert "row 3" in error.value.where


def test_an_example_row_under_a_patient_s_number_is_not_taken_for_a_reading() -> None:
    data = template("whole_body", language="de", form="csv")
    saved_again = data.decode("utf-8-sig").replace("2026-03-02 10:12", "02.03.2026 10:12")
    table = table_of(saved_again.replace(MARK["de"], "0000-77").encode(), file="w.csv")

    with pytest.raises(QuimbyError, match="E-READ-EXAMPLE"):
        read(table, suggest(table, "whole_body", zone=BERLIN).columns)


def test_a_template_s_numbers_of_patients_keep_their_zeros() -> None:
    page = load_workbook(BytesIO(template("whole_body", language="en"))).worksheets[0]

    assert page["A3"].number_format == "@"
    assert page["B3"].number_format == "yyyy-mm-dd hh:mm"


def test_a_german_template_has_semicolons_and_decimal_commas() -> None:
    data = template("whole_body", language="de", form="csv")

    assert data.startswith(b"\xef\xbb\xbfPatient;Zeit;vorne [")
    assert ";41,0;37,5;0,12;nein;" in data.decode("utf-8-sig")
    assert ",41.0,37.5,0.12,no," in template("whole_body", language="en", form="csv").decode()


def test_a_template_in_no_language_we_have_is_refused() -> None:
    with pytest.raises(QuimbyError, match="en, de, fr"):
        template("whole_body", language="it")
    with pytest.raises(QuimbyError, match="xlsx, csv"):
        template("whole_body", language="en", form="pdf")


def test_summer_time_between_readings_leaves_their_hours_alone() -> None:
    rows = whole_body("28.3.2026 12:00;41;37;0,1;no;", "29.3.2026 12:00;12;10;0,1;yes;")
    first, second = (r.at for r in rows)

    assert first is not None
    assert second is not None
    assert hours_between(first, second) == 23.0


# What the routes leave open


PROBE = "time;neck [counts];thigh [counts]{};live time [s]\n2.3.2026 10:00;184500;9600{};300\n"


def test_a_calibrated_probe_needs_no_standard_but_half_a_standard_is_refused() -> None:
    (alone,) = taken(PROBE.format("", ""), "thyroid_counts").readings
    assert set(alone.quantities) == {"neck", "thigh", "live_time"}
    assert checks.check_net([alone]) == ()

    both = PROBE.format(";standard [counts];room [counts]", ";1203600;3600")
    (found,) = taken(both, "thyroid_counts").readings
    assert found.quantities["standard"].rate_cps == pytest.approx(4012)
    for half in (
        PROBE.format(";standard [counts]", ";1203600"),
        PROBE.format(";standard [counts];room [counts]", ";1203600;"),
        PROBE.format(";standard [counts];room [counts]", ";;3600"),
    ):
        error = refused(half, "thyroid_counts")
        assert error.code == "E-READ-MISSING"
        assert "row 2" in error.where


def test_a_monitor_that_counts_takes_its_time_from_the_row() -> None:
    head = "time;front [counts];back [counts];background [counts/60 s];voided;live time [s]\n"
    (found,) = taken(head + "2.3.2026 10:00;41000;37000;120;no;30\n").readings

    assert found.quantities["front"].rate_cps == pytest.approx(41000 / 30)
    assert found.quantities["background"].rate_cps == 2.0
    assert refused(head + "2.3.2026 10:00;41000;37000;120;no;\n").code == "E-READ-LIVE"


def test_a_row_names_each_of_its_faults() -> None:
    table = german(GERMAN.replace("41,0;37,5;120;nein", "viel;-3;;nie"))

    found = problems(table, suggest(table, "whole_body", zone=BERLIN).columns,
                     before_confirming=True)  # fmt: skip
    assert sorted(e.code for e in found) == [
        "E-READ-CHOICE", "E-READ-MISSING", "E-READ-NUMBER", "E-READ-RANGE",
    ]  # fmt: skip


def test_clocks_without_a_zone_are_one_fault() -> None:
    table = german()
    found = problems(table, suggest(table, "whole_body").columns, before_confirming=True)

    assert [e.code for e in found] == ["E-TIME-ZONE"]


def test_a_column_whose_cells_carry_their_units_is_not_asked_about() -> None:
    bare = "time;activity;complete\n2.3.2026 10:00;{};yes\n2.3.2026 12:00;340 MBq;yes\n"

    assert suggest(german(bare.format("1,2 GBq")), "urine").questions == ()
    (asked,) = suggest(german(bare.format("1,2")), "urine").questions
    assert (asked.about, asked.example) == ("unit", "activity=MBq")


def test_what_a_person_said_of_a_column_is_not_suggested_otherwise() -> None:
    table = table_of("time;front [µSv/h];anterior [µSv/h]\n1;2;3\n".encode(), file="r.csv")
    said = suggest(table, "whole_body", given={"anterior [µSv/h]": "-"})

    assert said.columns.of("front") == "front [µSv/h]"
    assert said.columns.columns["anterior [µSv/h]"] == "-"


def test_a_real_log_s_value_is_not_taken_for_the_template_s_example() -> None:
    (found,) = taken("time;value [µSv/h]\n2.4.2026 10:12;41,0\n", "monitor_log").readings

    assert found.value("value") == 41.0


def test_series_are_checked_patient_by_patient() -> None:
    other = GERMAN + "0000-78;2.3.2026 10:12;41,0;37,5;120;ja;\n"
    good, bad = checks.series(taken(other).readings)

    assert (good.patient, good.problems) == ("0000-77", ())
    assert [e.code for e in bad.problems] == ["E-NO-REFERENCE"]
    assert [s.patient for s in checks.series(taken(other).readings, "0000-77")] == ["0000-77"]
    twice = GERMAN + "0000-77;2.3.2026 10:12;41,0;37,5;120;nein;\n"
    (doubled,) = checks.series(taken(twice).readings)
    assert [e.code for e in doubled.problems] == ["E-TIME-ORDER"]
    with pytest.raises(QuimbyError, match="E-READ-PATIENTS"):
        checks.series(taken(GERMAN.replace("0000-77;3.3", ";3.3")).readings)
