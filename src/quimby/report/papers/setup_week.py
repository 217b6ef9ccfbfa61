"""What `quimby setup` ends with: the recommended protocols and the first week, on paper."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence

from quimby.advise.calendar_file import Entry
from quimby.advise.first_week import Day
from quimby.advise.interview import Question
from quimby.advise.recommend import Recommendation, percent
from quimby.report.paper import Block, Heading, Paper, Points, Words, table_of

MORNING = dt.time(9)


def newcomer_paper(
    centre: str, found: Mapping[str, Recommendation], week: Mapping[str, Sequence[Day]],
    left: Iterable[Question], *, today: dt.date,
) -> Paper:  # fmt: skip
    """A recommendation for each therapy, the first week of each, and what is still to ask."""
    blocks: list[Block] = []
    for title, one in found.items():
        blocks += list(_recommended(title, one))
        blocks += list(_week(week.get(title, ())))
    open_ = [f"{q.asks} (ask {q.knows})" for q in left]
    if open_:
        blocks += [Heading("Still to ask"), Points(tuple(open_))]
    return Paper("What your centre can do", "after ten questions", centre, today, tuple(blocks))


def _recommended(title: str, one: Recommendation) -> Iterator[Block]:
    yield Heading(title)
    if not one.fits:
        yield Words(" ".join(f"{n.text} {n.do[:1].upper()}{n.do[1:]}." for n in one.notes))
        return
    best = one.fits[0]
    doubt = "" if best.u_rel is None else f", doubt ± {percent(best.u_rel)} (k = 1)"
    yield Words(f"{best.protocol.id}: {best.protocol.title}{doubt}.", strong=True)
    yield Points(one.reasons)
    shut = [j for j in one.excluded if j.unlock and not {m.cause for m in j.missing} & {"aim"}]
    if shut:
        yield Words("What one thing more would open:")
        yield Points(tuple(f"{j.protocol.id}: {j.unlock}" for j in shut[:3]))


def _week(days: Sequence[Day]) -> Iterator[Block]:
    if days:
        yield Heading("First week", "hours by role")
        yield table_of(("Day", "For", "Tasks", "Hours"), [_day(d) for d in days], wide=(2,))


def _day(day: Day) -> tuple[str, str, str, str]:
    tasks = "; ".join(t.title for t in day.tasks) or "nothing: all is there"
    hours = ", ".join(f"{role} {h:g}" for role, h in sorted(day.hours().items()))
    return f"{day.on:%a} {day.on.isoformat()}", day.title, tasks, hours


def week_entries(week: Mapping[str, Sequence[Day]], *, zone: dt.tzinfo) -> list[Entry]:
    """One entry a day that has tasks, as long as its hours, at most a working day."""
    return [
        Entry(dt.datetime.combine(day.on, MORNING, zone),
              min(480, round(60 * max(day.hours().values()))), f"{title}: {day.title}",
              "; ".join(t.title for t in day.tasks))
        for title, days in week.items() for day in days if day.tasks
    ]  # fmt: skip
