"""Numbers, units and times as people write them: understood, asked about, or refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from quimby.core.errors import QuimbyError
from quimby.core.time import aware, hours_between
from quimby.core.units import HOUSE, KINDS, quantity, written
from quimby.measure.readings.numbers import number, number_and_unit
from quimby.measure.readings.times import day, joined, moment
from quimby.measure.readings.units import header, unit_of

BERLIN = "Europe/Berlin"
MARCH = datetime(2026, 3, 2, 10, 12)


def code(error: pytest.ExceptionInfo[QuimbyError]) -> str:
    return error.value.code


def outcome(reader: Any, *args: Any, **words: Any) -> Any:
    """What a reader says, or the code of its refusal."""
    try:
        return reader(*args, **words)
    except QuimbyError as error:
        return error.code


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,5", 1.5), ("1.5", 1.5), ("-0,125", -0.125), ("0.125", 0.125), ("−3", -3),
        ("1.234,5", 1234.5), ("1,234.5", 1234.5), ("1 234,5", 1234.5), ("1\u202f234,5", 1234.5),
        ("1'234.5", 1234.5), ("1’234’567.8", 1234567.8), ("1.234.567", 1234567),
        ("1,234,567", 1234567), ("1.234.567,8", 1234567.8), ("1234,567", 1234.567), ("12,50", 12.5),
        ("1.500e3", 1500.0), ("2,5E-3", 0.0025), (" 41 ", 41), ("007", 7), ("5,", 5),
        ("12 345", 12345),
    ],
)  # fmt: skip
def test_numbers_of_three_languages_are_understood(text: str, value: float) -> None:
    assert number(text, where="A1") == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("text", ["1.500", "1,500", "12.345", "999,999", "-1,500"])
def test_a_thousand_or_one_and_a_half_is_asked_about_and_then_settled(text: str) -> None:
    with pytest.raises(QuimbyError) as error:
        number(text, where="r.csv, cell C4")
    small, large = float(text.replace(",", ".")), float(text.replace(",", "").replace(".", ""))

    assert code(error) == "E-READ-AMBIGUOUS"
    assert "r.csv, cell C4" in str(error.value)
    shown = error.value.what.split(" can be ")[1].removesuffix(".").split(" or ")
    assert [number(n, where="") for n in shown] == [abs(small), abs(large)]
    mark = "," if "," in text else "."
    assert number(text, where="", decimal=mark) == small
    assert number(text, where="", decimal="." if mark == "," else ",") == large


@pytest.mark.parametrize(
    "text",
    ["", "n/a", "<5", "ca. 3", "NaN", "inf", "1e999", "1,2,3", "1.23.456", "12,34.5", "1 23",
     "3 4", "--3", "1.5.2026", "0x10", "1_000", "٣", "1,5;", "1..5", "1 .5", "1. 5", "½", "1.5 2"],
)  # fmt: skip
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(QuimbyError, match="E-READ-NUMBER"):
        number(text, where="A1")


@given(st.integers(0, 10**12), st.integers(0, 99), st.sampled_from([".,", ",.", " ,", "'.", "’."]))
def test_a_number_written_with_groups_comes_back(whole: int, cents: int, marks: str) -> None:
    text = f"{whole:,}".replace(",", "_") + f"{marks[1]}{cents:02d}"

    assert number(text.replace("_", marks[0]), where="") == float(f"{whole}.{cents:02d}")


@given(st.floats(-1e15, 1e15), st.sampled_from(".,"))
def test_a_number_as_a_program_prints_it_comes_back(value: float, mark: str) -> None:
    assert number(repr(value).replace(".", mark), where="", decimal=mark) == value


@given(st.text(alphabet="0123456789.,' eE+-", max_size=12))
@example("0,0,0")
@example("1.")
def test_no_text_is_ever_read_as_two_numbers(text: str) -> None:
    """The decimal mark a person names never changes what was understood without it."""
    plain = outcome(number, text, where="")
    if isinstance(plain, str):
        assert plain in ("E-READ-NUMBER", "E-READ-AMBIGUOUS")
        return
    assert {number(text, where="", decimal=d) for d in ".,"} == {plain}


def test_a_unit_behind_the_number_is_told_apart() -> None:
    assert number_and_unit("7,4 GBq") == ("7,4", "GBq")
    assert number_and_unit("41µSv/h") == ("41", "µSv/h")
    assert number_and_unit("1.2e3 Bq") == ("1.2e3", "Bq")
    assert number_and_unit("25%") == ("25", "%")
    assert number_and_unit("<5") == ("<5", "")
    assert number_and_unit("5 400") == ("5 400", "")


@pytest.mark.parametrize(
    ("text", "kind", "words", "unit"),
    [
        ("activity [MBq]", "activity", "activity", "MBq"),
        ("Dosisleistung (µSv/h)", "dose rate", "Dosisleistung", "µSv/h"),
        ("front (anterior) [uSv/h]", "dose rate", "front (anterior)", "uSv/h"),
        ("counts/60 s", "counts", "counts", "counts/60 s"),
        ("Impulse (60 s)", "counts", "Impulse", "counts/60 s"),
        ("neck [counts/2 min]", "counts", "neck", "counts/2 min"),
        ("activity_MBq", "activity", "activity", "MBq"),
        ("Aktivität in kBq", "activity", "Aktivität", "kBq"),
        ("Uptake %", "fraction", "Uptake", "%"),
        ("activity", "activity", "activity", ""),
        ("activity [Mbq]", "activity", "activity", "Mbq"),
        ("thyroid (24 h) [%]", "fraction", "thyroid (24 h)", "%"),
    ],
)
def test_units_are_found_in_headers(text: str, kind: str, words: str, unit: str) -> None:
    found = header(text, (kind,))

    assert (found.words, found.unit) == (words, unit)


def test_case_of_a_prefix_is_never_bent() -> None:
    assert unit_of("mBq") is None
    assert unit_of("MSV/h") is None
    assert unit_of("mSv/h", ("dose rate",)).factor == 1000  # type: ignore[union-attr]
    assert unit_of("\u03bcSv/h") == unit_of("µSv/h") == unit_of("uSv/h")
    assert unit_of("ml", ("activity",)) is None
    assert unit_of("counts/0 s") is None


def test_counts_in_a_time_know_their_time() -> None:
    timed = {text: unit_of(text) for text in ("counts/60 s", "Imp/2 min", "counts per 0,5 min")}

    assert [u.live_s for u in timed.values() if u] == [60, 120, 30]
    assert unit_of("counts") is not None
    assert unit_of("counts").live_s is None  # type: ignore[union-attr]


def test_every_kind_has_its_house_unit_among_its_units() -> None:
    assert HOUSE.keys() == KINDS.keys()
    for kind, units in KINDS.items():
        if kind != "fraction":
            assert units[HOUSE[kind]] == 1.0


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("1 mSv/h", "dose rate", 1000), ("250 nSv/h", "dose rate", 0.25),
        ("1 mrem/h", "dose rate", 10), ("5 cm", "length", 50), ("2 min", "duration", 120),
        ("600 cpm", "count rate", 10), ("3 l", "volume", 3000),
        ("28 kBq/ml", "concentration", 0.028), ("28 kBq/l", "concentration", 2.8e-5),
    ],
)  # fmt: skip
def test_new_units_are_what_they_say(text: str, kind: str, value: float) -> None:
    assert quantity(text, kind, where="") == pytest.approx(value)


WRITTEN = [
    "2026-03-02T10:12", "2026-03-02 10:12:00", "2.3.2026 10:12", "02.03.2026, 10:12 Uhr",
    "2.3.26 10:12", "2. März 2026 10:12", "2 mars 2026 10h12", "2 Mar 2026 10:12",
    "March 2, 2026 10:12 AM", "2-Mar-2026 10:12", "2026/03/02 10:12",
    "2026-03-02 10:12:00.000",
]  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN)
def test_one_moment_in_many_hands(text: str) -> None:
    assert moment(text, where="B2", zone=BERLIN) == MARCH.replace(tzinfo=ZoneInfo(BERLIN))


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-03-02T10:12+01:00", 9), ("2026-03-02T10:12Z", 10), ("2026-03-02 10:12 -0500", 15),
        ("2.3.2026 10:12 MEZ", 9), ("2.3.2026 10:12 CEST", 8), ("2.3.2026 10:12 UTC", 10),
    ],
)  # fmt: skip
def test_an_offset_in_the_text_wins_over_the_centre_s_zone(text: str, hour: int) -> None:
    found = moment(text, where="B2", zone="America/New_York")

    assert found == datetime(2026, 3, 2, hour, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["2.3.2026", "10:12", "30.2.2026 10:12", "29.2.2026 10:12", "2.13.2026 10:12", "soon",
     "2.3.2026 25:12", "2.3.2026 13:12 PM", "2 Foo 2026 10:12", "2026-03-02", "", "2.3. 10:12",
     "2.3.2026 10:12 EST"],
)  # fmt: skip
def test_half_a_moment_and_days_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(QuimbyError, match="E-TIME-FORMAT"):
        moment(text, where="B2", zone=BERLIN)


def test_a_leap_day_is_a_day() -> None:
    assert moment("29.2.2028 10:12", where="", zone="UTC").month == 2


def test_slashes_are_asked_about_unless_one_number_or_a_person_decides() -> None:
    with pytest.raises(QuimbyError) as error:
        moment("3/2/2026 10:12", where="r.csv, cell B2", zone="UTC")
    assert code(error) == "E-READ-DATE-AMBIGUOUS"
    assert "03 Feb 2026 or 02 Mar 2026" in error.value.what

    assert moment("3/2/2026 10:12", where="", zone="UTC", order="dmy").month == 2
    assert moment("3/2/2026 10:12", where="", zone="UTC", order="mdy").month == 3
    assert moment("13/2/2026 10:12", where="", zone="UTC").month == 2
    assert moment("2/13/2026 10:12 PM", where="", zone="UTC").hour == 22
    assert moment("3/3/2026 12:05 am", where="", zone="UTC").hour == 0
    with pytest.raises(QuimbyError, match="E-TIME-FORMAT"):
        moment("13/2/2026 10:12", where="", zone="UTC", order="mdy")


def test_without_a_zone_there_is_no_moment() -> None:
    with pytest.raises(QuimbyError, match="E-TIME-ZONE"):
        moment("2.3.2026 10:12", where="B2")


@pytest.mark.parametrize("content", [MARCH, 46083.425, "46083.425", "46083,425"])
def test_a_spreadsheet_s_own_date_is_the_moment_it_shows(content: datetime | float | str) -> None:
    assert moment(content, where="", zone="UTC") == MARCH.replace(tzinfo=UTC)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 12, 30)))
def test_serial_dates_come_back_to_the_second(when: datetime) -> None:
    when = when.replace(microsecond=0)
    serial = (when - datetime(1899, 12, 30)) / timedelta(days=1)

    assert moment(serial, where="", zone="UTC") == when.replace(tzinfo=UTC)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)),
       st.sampled_from(["%Y-%m-%dT%H:%M", "%d.%m.%Y %H:%M", "%d.%m.%y %H:%M", "%d %b %Y %H:%M",
                        "%B %d, %Y %I:%M %p", "%Y-%m-%d %H:%M +0000"]))  # fmt: skip
def test_dates_in_every_format_come_back(when: datetime, form: str) -> None:
    when = when.replace(second=0, microsecond=0)

    assert moment(when.strftime(form), where="", zone="UTC") == when.replace(tzinfo=UTC)


@given(st.text(max_size=20))
@example("99999")
def test_any_text_is_a_moment_or_a_named_refusal(text: str) -> None:
    found = outcome(moment, text, where="", zone=BERLIN)

    assert str(found).startswith(("E-TIME-", "E-READ-")) or found.tzinfo is not None


def test_years_out_of_reach_are_a_number_shown_as_a_date() -> None:
    with pytest.raises(QuimbyError, match="E-READ-YEAR"):
        moment(41.0, where="", zone="UTC")
    with pytest.raises(QuimbyError, match="E-READ-YEAR"):
        moment("2.3.0026 10:12", where="", zone="UTC")
    with pytest.raises(QuimbyError, match="E-TIME-FORMAT"):
        moment(1e12, where="", zone="UTC")


def test_the_hour_that_stands_twice_is_asked_about_with_both_answers() -> None:
    with pytest.raises(QuimbyError) as error:
        moment("25.10.2026 02:30", where="r.csv, cell B2", zone=BERLIN)

    assert code(error) == "E-TIME-DST"
    assert "stands twice in Europe/Berlin" in error.value.what
    assert "2026-10-25T02:30+02:00 or 2026-10-25T02:30+01:00" in error.value.do


def test_the_hour_that_does_not_exist_is_refused() -> None:
    with pytest.raises(QuimbyError, match="does not exist"):
        moment("29.3.2026 02:30", where="", zone=BERLIN)


def test_a_change_of_the_clocks_between_two_readings_shifts_no_interval() -> None:
    before, after = (
        moment(t, where="", zone=BERLIN) for t in ("28.3.2026 12:00", "29.3.2026 12:00")
    )

    assert hours_between(before, after) == 23.0


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
       st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "UTC"]))  # fmt: skip
def test_every_local_time_is_one_moment_or_refused(when: datetime, zone: str) -> None:
    """Independent way: how many moments in UTC show this wall clock."""
    when = when.replace(second=0, microsecond=0)
    offsets = (when.replace(tzinfo=ZoneInfo(zone), fold=f).utcoffset() for f in (0, 1))
    candidates = {(when - (o or timedelta())).replace(tzinfo=UTC) for o in offsets}
    shows = {c for c in candidates
             if c.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == when}  # fmt: skip
    found = outcome(moment, when, where="", zone=zone)
    assert found == "E-TIME-DST" if len(shows) != 1 else {found.astimezone(UTC)} == shows


def test_date_and_clock_in_two_columns_are_one_moment() -> None:
    expected = MARCH.replace(tzinfo=UTC)
    for on in ("2.3.2026", date(2026, 3, 2), datetime(2026, 3, 2), 46083.0):
        for clock in ("10:12", time(10, 12), 0.425, timedelta(hours=10, minutes=12)):
            assert joined(on, clock, where="", zone="UTC") == expected
    halves: list[tuple[Any, Any]] = [("2.3.2026", None), (None, "10:12"), ("2.3.2026", 1.5)]
    for day_part, clock_part in halves:
        with pytest.raises(QuimbyError, match="E-TIME-FORMAT"):
            joined(day_part, clock_part, where="", zone="UTC")


def test_a_day_needs_no_clock() -> None:
    assert day("2.3.2026", where="") == day("2.3.2026 10:12", where="") == date(2026, 3, 2)
    assert day(datetime(2026, 3, 2), where="") == date(2026, 3, 2)
    with pytest.raises(QuimbyError, match="E-TIME-FORMAT"):
        day("31.4.2026", where="")


@given(st.integers(1, 28), st.integers(1, 12))
def test_slashes_read_both_ways_agree_only_where_the_numbers_do(d: int, m: int) -> None:
    assume(d <= 12)
    ways = {day(f"{d}/{m}/2026", where="", order=o) for o in ("dmy", "mdy")}
    assert (len(ways) == 1) == (d == m)


# Study documents follow the same rules


@pytest.mark.parametrize("text", ["1,500 MBq", "1.500 MBq", "7.370 GBq", "-12,345 MBq"])
def test_a_quantity_that_can_be_read_two_ways_is_refused_with_both(text: str) -> None:
    with pytest.raises(QuimbyError) as error:
        quantity(text, "activity", where="study.toml, activity")

    assert code(error) == "E-UNIT-AMBIGUOUS"
    ways = [quantity(way.strip('"'), "activity", where="")
            for way in error.value.do.removeprefix("write ").split(" or ")]  # fmt: skip
    number_only, unit = text.split()
    factor = KINDS["activity"][unit]
    small, large = (float(number_only.replace(",", m)) for m in (".", ""))
    if "." in number_only:
        small, large = float(number_only), float(number_only.replace(".", ""))
    assert ways == pytest.approx([small * factor, large * factor])


@given(st.floats(1e-6, 1e8), st.sampled_from(["MBq", "GBq", "Bq"]))
@example(12.345, "MBq")
@example(1.5, "GBq")
@example(185.125, "MBq")
def test_a_quantity_that_quimby_writes_is_read_back(value: float, unit: str) -> None:
    read = quantity(written(value, unit), "activity", where="")

    assert read == pytest.approx(value * KINDS["activity"][unit], rel=1e-9)


def test_a_study_s_clock_is_asked_about_where_it_stands_twice_or_never_stood() -> None:
    for text, why in [("2026-10-25T02:30", "stands twice"), ("2026-03-29T02:30", "does not exist")]:
        with pytest.raises(QuimbyError) as error:
            aware(text, where="scan 1", zone=BERLIN)
        assert code(error) == "E-TIME-DST"
        assert why in error.value.what
        told = aware(f"{text}+02:00", where="scan 1", zone=BERLIN)
        assert told.utcoffset() == timedelta(hours=2)
    assert aware("2026-10-25T03:30", where="", zone=BERLIN).utcoffset() == timedelta(hours=1)
