"""The sentences of the report, from the numbers."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime

from quimby.effect.limits import Check, probability_above
from quimby.report import noted
from quimby.report import rounding as say
from quimby.report.forecast import after, cycles_left, limiting, this_cycle
from quimby.study.result import RegionResult, Result

SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
           "eleven", "twelve")  # fmt: skip
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August",
          "September", "October", "November", "December")  # fmt: skip
DECIDES = (
    "Quimby calculates; it does not decide. It is not a certified medical device. "
    "Your centre checks it before clinical use."
)


def superscripted(text: str) -> str:
    """[177Lu] as [¹⁷⁷Lu]: digits before an element's letters inside brackets are raised."""
    out, inside = [], False
    for index, c in enumerate(text):
        inside = (inside or c == "[") and c != "]"
        lead = text[text.rfind("[", 0, index) + 1 : index]
        out.append(c.translate(SUPERSCRIPT) if inside and (not lead or lead.isdigit()) else c)
    return "".join(out)


def day(moment: datetime | date) -> str:
    """2 March 2026."""
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def short_day(moment: datetime | date) -> str:
    """2 Mar 2026."""
    return f"{moment.day} {MONTHS[moment.month - 1][:3]} {moment.year}"


def clock(moment: datetime) -> str:
    """2 Mar 2026, 10:12 CET (or +01:00 where the zone has no short name)."""
    name = (moment.tzname() or "").removeprefix("UTC") or "UTC"
    return f"{short_day(moment)}, {moment:%H:%M} {name}".strip()


def iso_day(text: str) -> str:
    """An ISO date as a person writes it; other text stays as it is."""
    try:
        return day(date.fromisoformat(text))
    except ValueError:
        return text


def age(result: Result) -> str:
    """Age at administration, "64 y"; empty where the birth date is not known."""
    try:
        born = date.fromisoformat(result.patient.birth_date)
    except ValueError:
        return ""
    on = result.administered_at.date()
    return f"{on.year - born.year - ((on.month, on.day) < (born.month, born.day))} y"


def measured(result: Result) -> str:
    """How it was measured: "four SPECT/CT", "four planar scans and one SPECT/CT"."""
    without_ct = result.pictures is not None and result.pictures.ct is None
    spect = "SPECT" if without_ct else "SPECT/CT"
    names = {"spect": (spect, spect), "planar": ("planar scan", "planar scans")}
    counts = Counter(m.kind for m in result.measurements)
    said = [f"{spelled(n)} {names.get(kind, (kind, kind))[n != 1]}"
            for kind, n in sorted(counts.items())]  # fmt: skip
    return joined(said) if said else "no scans"


def spelled(n: int) -> str:
    """Small numbers as words."""
    return NUMBERS[n] if n < len(NUMBERS) else str(n)


def subtitle(result: Result) -> str:
    """Agent, cycle, how measured."""
    of = f" of {result.cycles_planned}" if result.cycles_planned else ""
    agent = superscripted(result.radiopharmaceutical)
    how = measured(result)
    when = "" if " and " in how else "after therapy, "  # of two kinds, so that it is one line
    return f"{agent} · cycle {result.cycle}{of} · {when}{how}"


def blocking_count(result: Result) -> int:
    """Notes that forbid a signature until overridden."""
    return sum(n.severity == "blocking" for n in result.notes)


def state(result: Result) -> str:
    """The words after "Not yet signed." on page one."""
    n = blocking_count(result)
    first = "Physics review and the physician's signature are outstanding."
    if n:
        first = (
            "1 thing blocks signing, see notes."
            if n == 1
            else f"{n} things block signing, see notes."
        )
    return f"{first} Do not act on it until signed."


def conclusion(result: Result) -> tuple[str, list[str]]:
    """The first sentence (printed bold) and the others."""
    worst = limiting(result)
    if worst is None:
        return _without_limit(result)
    region, check = worst
    rest = [_reached(result, check), *_forecast(result, region, check), *_oddity(result)]
    return _limiting(region, check), [s for s in rest if s]


def _limiting(region: RegionResult, check: Check) -> str:
    cycle, total = this_cycle(region, check.quantity), check.total_gy
    what = f"{region.name}, BED" if check.quantity == "BED" else region.name
    mark = "" if check.constant.verified else "†"
    whose = "this centre's limit" if check.constant.tag == "P" else "the limit"
    so_far = "" if total.value == cycle.value else f", {say.plus_minus(total, 'Gy')} in total"
    return (
        f"{what}: {say.plus_minus(cycle, 'Gy')} this cycle{so_far} — "
        f"{say.percent(check.share)} of {whose} of {check.limit_gy:g} Gy{mark}."
    )


def reached(result: Result) -> list[tuple[RegionResult, Check]]:
    """Every limit that a cumulative value has come to."""
    rows = [*result.combined, *result.regions]
    return [(r, c) for r in rows for c in r.limits if c.reached]


def _reached(result: Result, check: Check) -> str:
    over = reached(result)
    if over:
        names = ", ".join(dict.fromkeys(r.name for r, _ in over))
        return f"LIMIT REACHED: {names}. The next cycle needs a physician's decision."
    if check.total_gy.interval()[1] > check.limit_gy:
        chance = say.probability(check.probability_above)
        return (
            "The mean is below the limit; its 95 % interval is not. "
            f"Chance of being above: {chance}."
        )
    return "No limit is reached."


def _forecast(result: Result, region: RegionResult, check: Check) -> list[str]:
    more = cycles_left(result)
    if not more:
        return []
    then = after(check.total_gy, this_cycle(region, check.quantity), more)
    number = result.cycle
    which = f"cycle {number + 1} repeats" if more == 1 else f"the {more} cycles left repeat"
    if more == 2:
        which = f"cycles {number + 1} and {number + 2} repeat"
    value = say.significant(then.value, 3)
    return [
        f"If {which} cycle {number}, the total is {value} Gy ({say.interval(then)} Gy); the chance "
        f"of passing the limit is {say.probability(probability_above(then, check.limit_gy))}."
    ]


def _oddity(result: Result) -> list[str]:
    number = noted.number_of(result, "W-POP-OUTLIER")
    if number is None:
        return []
    lead = noted.entries(result.notes)[number - 1][0]
    text = noted.capital(lead.text).rstrip(".")
    named = lead.where.split(",")[0].lower() in text.lower()
    place = "" if named else f"{lead.where}: "
    return [f"{place}{text}; see note {number}."]


def _without_limit(result: Result) -> tuple[str, list[str]]:
    rows = [*result.combined, *result.regions]
    if not rows:
        return "No region has a dose.", []
    first = max(rows, key=lambda r: (r.organ != "lesion", r.absorbed_dose_gy.value))
    bold = f"{first.name}: {say.plus_minus(first.absorbed_dose_gy, 'Gy')} this cycle."
    return bold, ["No limit is set for any region of this study.", *_oddity(result)]


def joined(words: list[str]) -> str:
    """ "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
