"""What is due, what is overdue, and what was measured while a device was out of control."""

from __future__ import annotations

import datetime as dt
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.errors import InputError
from quimby.devices import qc_calendar
from quimby.devices.qc_calendar import Done, Kind, Test

START = dt.date(2024, 2, 28)  # a leap year


def day(n: int) -> dt.date:
    return START + dt.timedelta(days=n)


def due(last: int | None, today: int, **words: Any) -> qc_calendar.Standing:
    words = {"period_d": 7, "grace_d": 2, "blocks": ["thyroid uptake"], **words}
    return qc_calendar.due(
        "Background", last_done=None if last is None else day(last), today=day(today), **words
    )


@pytest.mark.parametrize(
    ("today", "status", "overdue", "codes"),
    [(0, "ok", 0, []), (6, "ok", 0, []), (7, "due", 0, ["W-QC-DUE"]), (9, "due", 0, ["W-QC-DUE"]),
     (10, "overdue", 3, ["S-QC-OVERDUE"]), (40, "overdue", 33, ["S-QC-OVERDUE"])],
)  # fmt: skip
def test_a_test_is_due_then_in_its_grace_then_overdue(
    today: int, status: str, overdue: int, codes: list[str]
) -> None:
    found = due(0, today)
    assert (found.status, found.days_overdue) == (status, overdue)
    assert [n.code for n in found.notes] == codes
    assert found.blocks == (("thyroid uptake",) if status == "overdue" else ())


def test_the_29th_of_february_is_a_day() -> None:
    found = due(0, 3, period_d=1, grace_d=0)
    assert found.due_on == dt.date(2024, 2, 29)
    assert found.days_overdue == 2
    assert "overdue (due 2024-02-29)" in found.notes[0].text


def test_what_was_never_done_blocks_and_what_has_no_period_is_done_for_good() -> None:
    never = due(None, 5)
    assert (never.status, never.blocks) == ("never", ("thyroid uptake",))
    assert [n.code for n in never.notes] == ["S-QC-NEVER"]
    assert due(0, 3000, period_d=None).status == "ok"
    with pytest.raises(InputError, match=r"dated 2024-03-01, after 2024-02-28"):
        due(2, 0)


@given(st.integers(0, 400), st.integers(0, 60), st.integers(0, 800))
def test_days_overdue_are_those_since_the_due_day(period: int, grace: int, today: int) -> None:
    found = due(0, today, period_d=period, grace_d=grace)
    late = today - period
    assert (found.status == "overdue") is (late > grace and today > 0)
    assert found.days_overdue == (late if found.status == "overdue" else 0)


def done(test: str, on: int, result: str = "pass", why: str = "") -> Done:
    return Done.model_validate(
        {"test": test, "on": day(on), "result": result, "by": "K. Lind", "why": why}
    )


def probe() -> tuple[Test, ...]:
    return qc_calendar.calendar("thyroid probe")


def all_done(on: int) -> list[Done]:
    return [done(t.id, on) for t in probe()]


def test_a_device_with_every_check_done_today_blocks_nothing() -> None:
    found = qc_calendar.standing(probe(), all_done(0), today=day(0))
    assert {s.status for s in found} == {"ok"}
    assert qc_calendar.notes_for(found, "thyroid uptake") == ()


def test_a_failed_check_blocks_until_one_passes_and_later_records_do_not_count() -> None:
    records = [*all_done(0), done("constancy", 1, "fail", "7 % low"), done("constancy", 3)]
    at = {
        n: {s.test: s.status for s in qc_calendar.standing(probe(), records, today=day(n))}[
            "Constancy with the check source"
        ]
        for n in range(4)
    }
    assert at == {0: "ok", 1: "failed", 2: "failed", 3: "ok"}
    found = qc_calendar.standing(probe(), records, today=day(1))
    blocking = [n for n in qc_calendar.notes_for(found, "thyroid uptake") if n.code[0] == "S"]
    assert [n.text for n in blocking] == ["Constancy with the check source has failed: 7 % low."]
    others = qc_calendar.notes_for(found, "sample activity")
    assert "S-QC-FAILED" not in [n.code for n in others]


def test_a_repair_asks_for_the_acceptance_tests_again() -> None:
    found = qc_calendar.standing(probe(), all_done(0), today=day(1), repaired=day(1))
    never = {s.test for s in found if s.status == "never"}
    assert never == {t.title for t in probe() if t.after_repair}
    assert "Dead time" in never
    redone = [*all_done(0), *all_done(1)]
    found = qc_calendar.standing(probe(), redone, today=day(1), repaired=day(1))
    assert {s.status for s in found} == {"ok"}


def test_the_order_of_the_records_changes_nothing() -> None:
    records = [done("constancy", 0), done("constancy", 5, "fail"), done("constancy", 9)]
    for shuffled in (records, records[::-1]):
        (span,) = qc_calendar.out_of_control(shuffled, "constancy")
        assert (span.last_good, span.failed_on, span.good_again) == (day(0), day(5), day(9))


def test_all_that_was_measured_while_out_of_control_is_listed() -> None:
    records = [
        done("constancy", 0), done("constancy", 3), done("constancy", 5, "fail"),
        done("constancy", 6, "fail"), done("constancy", 8, "warn"), done("constancy", 20, "fail"),
    ]  # fmt: skip
    spans = qc_calendar.out_of_control(records, "constancy")
    assert [(s.last_good, s.failed_on, s.good_again) for s in spans] == [
        (day(3), day(5), day(8)),
        (day(8), day(20), None),
    ]
    measured = {"late": day(30), "safe": day(2), "before": day(4), "same day": day(8)}
    assert qc_calendar.traced(spans[:1], measured) == ("before", "same day")
    assert qc_calendar.traced(spans, measured) == ("before", "same day", "late")
    assert qc_calendar.out_of_control(records[:2], "constancy") == ()


def test_a_failure_before_any_good_record_puts_all_before_it_in_doubt() -> None:
    spans = qc_calendar.out_of_control([done("constancy", 5, "fail")], "constancy")
    assert qc_calendar.traced(spans, {"first": day(-100)}) == ("first",)


def test_a_device_at_rest_for_half_a_year_asks_for_everything() -> None:
    assert qc_calendar.idle_notes(day(0), day(183), where="probe") == ()
    codes = [n.code for n in qc_calendar.idle_notes(day(0), day(184), where="probe")]
    assert codes == ["W-QC-IDLE"]


@pytest.mark.parametrize("kind", get_args(Kind))
def test_the_calendar_of_a_kind_is_whole(kind: Any) -> None:
    tests = qc_calendar.calendar(kind)
    assert len({t.id for t in tests}) == len(tests) > 3
    assert {"constancy", "background"} <= {t.id for t in tests}
    assert all(t.source and t.blocks for t in tests)
    assert all((t.period_d is None) == (t.when == "acceptance") for t in tests)
    assert 0 < qc_calendar.tolerance(kind).warn < qc_calendar.tolerance(kind).action


def test_a_centre_may_set_its_own_period_and_add_a_test() -> None:
    shipped = {t.id: t for t in probe()}
    mine = shipped["constancy"].model_copy(update={"period_d": 7, "tag": "P"})
    extra = mine.model_copy(update={"id": "wipe", "title": "Wipe test"})
    found = {t.id: t for t in qc_calendar.calendar("thyroid probe", [mine, extra])}
    assert found["constancy"].period_d == 7
    assert set(found) == {*shipped, "wipe"}
