"""Page one as data: every number already rounded, every sentence already written."""

from __future__ import annotations

from math import log
from typing import Any

from quimby.core.uncertain import Uncertain
from quimby.effect.limits import Check
from quimby.population.places import Place
from quimby.report import rounding as say
from quimby.report import words
from quimby.report.forecast import limiting
from quimby.study.result import RegionResult, Result

LESIONS_ON_PAGE_ONE = 6
NAMES_IN_BOX = 6
TABLE_ROWS = 13
STRIP = (0.28, 0.72)  # where the published 5 and 95 % stand on the strip
NBSP = "\u00a0"
Row = dict[str, Any]


def identity(result: Result) -> list[list[dict[str, Any]]]:
    """Two lines of label and value."""
    p, given = result.patient, say.activity(result.administered_mbq)
    wanted = result.prescribed_mbq
    off = f" ({say.deviation(result.administered_mbq.value, wanted)})" if wanted else ""
    born = words.iso_day(p.birth_date) if p.birth_date else ""
    who = " · ".join(x for x in (f"{born} ({words.age(result)})" if born else "", p.sex) if x)
    body = " · ".join(
        x for x in (f"{p.weight_kg:.1f} kg" if p.weight_kg else "", p.renal_function) if x
    )
    times = ", ".join(say.fixed(m.time_h, -1) for m in result.measurements)
    if given[1] == say.NOT_KNOWN:
        rest = f" {given[2]}, ± not known{off}"
    else:
        rest = f" ± {given[1]} {given[2]}{off}"
    return [
        [
            _field("Patient", p.name or p.id, bold=True),
            _field("Patient ID", p.id),
            _field("Born · sex", who),
            _field("Weight · renal function", body),
            _field("Indication", p.indication),
        ],
        [
            _field("Administered (start)", words.clock(result.administered_at)),
            _field("Prescribed", say.plain_activity(wanted) if wanted else "not stated"),
            {"label": "Administered ± u (k = 1)", "bold": given[0], "plain": rest},
            _field("Protocol", f"{result.protocol} · level {result.level}"),
            _field("Scans after start", f"{times} h" if times else "none"),
        ],
    ]


def _field(label: str, value: str, *, bold: bool = False) -> dict[str, Any]:
    shown = value or "not stated"
    return {"label": label, "bold": shown if bold else "", "plain": "" if bold else shown}


def table(result: Result) -> dict[str, Any]:
    """Rows of page one, in order: pairs, their members, BED, organs, lesions."""
    worst = limiting(result)
    first = worst[0].name if worst else ""
    rows: list[Row] = []
    paired = {name for c in result.combined for name in c.members}
    for pair in result.combined:
        rows.append(_row(pair, bold=pair.name == first))
        rows += [_row(r, under=pair) for r in result.regions if r.name in pair.members]
        rows += _bed_rows(pair)
    single = [r for r in result.regions if r.name not in paired]
    for organ in (r for r in single if r.organ != "lesion"):
        rows += [_row(organ, bold=organ.name == first), *_bed_rows(organ)]
    lesions = [r for r in single if r.organ == "lesion"]
    room = max(0, min(LESIONS_ON_PAGE_ONE, TABLE_ROWS - len(rows)))
    rows += [_row(r) for r in lesions[:room]]
    return {"rows": rows, "more": _more(lesions, room), "footnotes": _footnotes(result)}


def _row(region: RegionResult, *, bold: bool = False, under: RegionResult | None = None) -> Row:
    value, u = say.value_and_u(region.absorbed_dose_gy)
    total, total_u = say.value_and_u(region.total_dose_gy)
    check = next((c for c in region.limits if c.quantity == "absorbed dose"), None)
    place = region.population[0] if region.population and under is None else None
    name = region.side if under is not None and region.side in ("left", "right") else region.name
    return {
        "name": name,
        "indent": under is not None,
        "bold": bold,
        "size": _size(region),
        "value": value,
        "u": u,
        "interval": say.interval(region.absorbed_dose_gy),
        "per_gbq": say.significant(region.dose_per_activity_gy_per_gbq.value),
        "total": total,
        "total_u": total_u,
        "limit": _limit(check) if check else _no_limit(region, under),
        "place": placed(place, region.dose_per_activity_gy_per_gbq) if place else _no_place(under),
        "group": "lesion" if region.organ == "lesion" else "organ",
    }


def _size(region: RegionResult) -> str:
    if region.organ == "lesion":
        return f"{say.significant(region.volume_ml.value)} ml"
    return f"{say.significant(region.mass_g.value, 3)} g"


def _bed_rows(region: RegionResult) -> list[Row]:
    check = next((c for c in region.limits if c.quantity == "BED"), None)
    if check is None or region.bed_gy is None or region.total_bed_gy is None:
        return []
    value, u = say.value_and_u(region.bed_gy)
    total, total_u = say.value_and_u(region.total_bed_gy)
    row = {
        "name": f"{region.name}, BED",
        "indent": False,
        "bold": False,
        "size": "",
        "value": value,
        "u": u,
        "interval": say.interval(region.bed_gy),
        "per_gbq": "–",
        "total": total,
        "total_u": total_u,
        "limit": _limit(check),
        "place": {"kind": "words", "words": "no reference available", "centile": "–"},
        "group": "organ",
    }
    return [row]


def _limit(check: Check) -> dict[str, Any]:
    low, high = check.total_gy.interval()
    mark = "" if check.constant.verified else " †"
    return {
        "kind": "bar",
        "share": check.share,
        "low": max(low, 0.0) / check.limit_gy,
        "high": high / check.limit_gy,
        "reached": check.reached,
        "words": f"{say.percent(check.share)} of {check.limit_gy:g} Gy{mark}".replace(" ", NBSP),
    }


def _no_limit(region: RegionResult, under: RegionResult | None) -> dict[str, Any]:
    if under is not None:
        return {"kind": "words", "words": f"as {under.name.lower()}"}
    return {"kind": "words", "words": "target" if region.organ == "lesion" else "report only"}


def placed(place: Place, found: Uncertain) -> dict[str, Any]:
    """A value on the strip of its cohort (both in the cohort's unit), or the cohort in words."""
    mark = "" if place.verified else "†"
    centile = f"{say.centile(place.centile)}{mark}" if place.centile is not None else "–"
    if place.range_5_95 is None or min(place.range_5_95) <= 0:
        mean = say.significant(place.middle)
        text = f"{place.what} {mean}{mark}, {place.size}"
        return {"kind": "words", "words": text, "centile": centile}
    low, high = found.interval()
    return {
        "kind": "strip",
        "at": _on_strip(found.value, place.range_5_95),
        "low": _on_strip(low, place.range_5_95),
        "high": _on_strip(high, place.range_5_95),
        "centre": _on_strip(place.middle, place.range_5_95),
        "centile": centile,
    }


def _on_strip(x: float, span: tuple[float, float]) -> float:
    """Place on a log axis whose 5 and 95 % always stand at the same two marks, kept inside."""
    if x <= 0:
        return 0.0
    share = log(x / span[0]) / log(span[1] / span[0])
    return min(1.0, max(0.0, STRIP[0] + share * (STRIP[1] - STRIP[0])))


def _no_place(under: RegionResult | None) -> dict[str, Any]:
    text = "" if under is not None else "no reference available"
    return {"kind": "words", "words": text, "centile": "" if under is not None else "–"}


def _more(lesions: list[RegionResult], room: int) -> str:
    """What page one says of lesions that stand on page 2 only."""
    left = lesions[room:]
    if not left:
        return ""
    doses = sorted(r.absorbed_dose_gy.value for r in lesions)
    volume = sum(r.volume_ml.value for r in lesions)
    ends = f"{say.significant(doses[0])}–{say.significant(doses[-1])}"
    count = "1 more lesion" if len(left) == 1 else f"{len(left)} more lesions"
    return (f"{count} on page 2. All {len(lesions)} lesions: {ends} Gy this cycle, "
            f"{say.significant(volume)} ml in sum.")  # fmt: skip


def _footnotes(result: Result) -> str:
    """Where the doubt comes from, BED parameters' place, sources of the ranges."""
    worst = limiting(result)
    region = worst[0] if worst else next(iter([*result.combined, *result.regions]), None)
    parts = []
    if region is not None and region.absorbed_dose_gy.u > 0:
        causes = ", ".join(f"{cause}: {say.percent(u / abs(region.absorbed_dose_gy.value))}"
                           for cause, u in region.absorbed_dose_gy.budget()[:3])  # fmt: skip
        parts.append(f"Largest causes of uncertainty, {region.name.lower()}: {causes}.")
    places = [(r, p) for r in [*result.combined, *result.regions] for p in r.population[:1]]
    sources: dict[str, list[str]] = {}
    for r, p in places:
        key = f"{p.source} ({', '.join(x for x in (p.size, p.method) if x)})"
        sources.setdefault(key, []).append(r.organ)
    if sources:
        said = "; ".join(f"{words.joined(list(dict.fromkeys(v)))}: {k}" for k, v in sources.items())
        parts.append(f"Published ranges: {said}. Another method: compare with care.")
    if unverified(result):
        parts.append("† rests on a constant not yet verified here; see box.")
    return " ".join(parts)


def unverified(result: Result) -> list[str]:
    """Names of constants and ranges from memory that the report rests on."""
    names = [c.name for c in result.trace.constants if not c.verified]
    regions = [*result.combined, *result.regions]
    names += [c.limit_name for r in regions for c in r.limits if not c.constant.verified]
    names += [f"published range, {r.organ}" for r in regions for p in r.population[:1]
              if not p.verified]  # fmt: skip
    names += [f"published range, {what}" for what, p in _stage_places(result) if not p.verified]
    allowed = result.plan.allowed if result.plan else ()
    names += [a.limit.name for a in allowed if not a.limit.verified]
    return list(dict.fromkeys(names))


def _stage_places(result: Result) -> list[tuple[str, Place]]:
    found = [(d.name.lower(), p) for s in result.stages for d in s.doses for p in d.population[:1]]
    return found + [(name, p) for s in result.stages for name, places in s.places.items()
                    for p in places[:1]]  # fmt: skip


def unverified_box(result: Result) -> dict[str, Any] | None:
    """The dashed box; None when nothing from memory is used."""
    names = unverified(result)
    if not names:
        return None
    shown = "; ".join(names[:6]) + (
        f"; {len(names) - 6} more under Constants" if len(names) > 6 else ""
    )
    return {
        "count": len(names),
        "words": f"{shown}. From memory of the literature, not checked here. "
        "Confirm each with name and date; until then what rests on it carries †.",
    }
