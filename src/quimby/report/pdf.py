"""report.pdf: the result as the data of its pages, typeset with its figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quimby.report import lesions, noted, planar, summary, tables, words
from quimby.report.cohort import page as cohort
from quimby.report.draw import drawings
from quimby.report.figures.style import Figure
from quimby.report.json import digest_of
from quimby.report.lettering import each_text, raised
from quimby.report.readings import view as readings
from quimby.report.typeset import typeset
from quimby.study.result import Result

LANGUAGE = "en"
FOOT_NAME = 40  # letters of a name in the foot; page one has it whole


def pdf(result: Result, figures: Sequence[Figure] | None = None) -> bytes:
    """The report. `figures` (from `drawings`) saves drawing them twice.

    The document's clock is the start of the last measurement, so the same result gives the same
    bytes on any day.
    """
    drawn = drawings(result) if figures is None else figures
    return typeset("report.typ", spaced(view(result, drawn), result), drawn, at=_clock(result))


def _clock(result: Result) -> float:
    return tables.last_moment(result).timestamp()


def spaced(page: Any, result: Result) -> Any:
    """Region names as a person writes them: "Kidney_L" is printed "Kidney L"."""
    names = sorted((r.name for r in result.regions if "_" in r.name), key=len, reverse=True)

    def spoken(text: str) -> str:
        for name in names:
            text = text.replace(name, name.replace("_", "\u00a0"))
        return text

    return each_text(page, lambda text: raised(spoken(text)), keep=("figure", "inputs"))


def view(result: Result, figures: Sequence[Figure]) -> dict[str, Any]:
    """Everything the template prints, as plain values; the layout is that of what was measured."""
    if result.cohort:
        return {**_every(result, figures), **cohort.view(result)}
    if not result.stages:
        return {**_every(result, figures), **_of_scans(result)}
    return _of_readings(result, figures)


def _of_readings(result: Result, figures: Sequence[Figure]) -> dict[str, Any]:
    """Readings before scans, where a study has both; tables and captions of all."""
    layers = [_every(result, figures), readings.view(result, figures)]
    if layers[1]["with_scans"]:
        layers.insert(1, _of_scans(result))
    found = {key: value for layer in layers for key, value in layer.items()}
    for shared in ("tables", "captions"):
        found[shared] = {k: v for layer in layers for k, v in layer.get(shared, {}).items()}
    return found


def _every(result: Result, figures: Sequence[Figure]) -> dict[str, Any]:
    """What every report prints, of scans or of readings."""
    return {
        "language": LANGUAGE,
        "example": result.example,
        "therapy": words.superscripted(result.therapy),
        "centre": result.centre or "Centre not stated",
        "report": _report_line(result),
        "foot": _foot(result),
        "state": words.state(result),
        "blocking": words.blocking_count(result),
        "figures": {f.name: f.alt for f in figures},
        "notes": noted.every(result),
        "notes_matter": noted.that_matter(result),
        "unverified": summary.unverified_box(result),
        "decides": words.DECIDES,
        "tables": {
            "constants": tables.constants(result),
            "inputs": tables.inputs(result),
            "methods": tables.methods(result),
        },
        "software": tables.software(result),
        "digests": _digests(result),
    }


def _of_scans(result: Result) -> dict[str, Any]:
    bold, rest = words.conclusion(result)
    return {
        "layout": "scans",
        "title": "Absorbed dose report",
        "subtitle": words.subtitle(result),
        "identity": summary.identity(result),
        "conclusion": {"bold": bold, "rest": " ".join(rest)},
        "reached": bool(words.reached(result)),
        "table": summary.table(result),
        "more": summary.table(result)["more"],
        "cycle_words": _cycle_words(result),
        "captions": _captions(result),
        "curve_panels": _curve_panels(result),
        "tables": _tables(result),
    }


def _report_line(result: Result) -> str:
    number = f"Report {result.report_number}, version 1" if result.report_number else "Version 1"
    return f"{number} · data to {tables.until(result)}"


def _short(digest: str) -> str:
    return f"{digest[:4]}…{digest[-4:]}"


def _foot(result: Result) -> dict[str, str]:
    p = result.patient
    report = f"report {result.report_number} v1" if result.report_number else "version 1"
    short = p.name if len(p.name) <= FOOT_NAME else f"{p.name[: FOOT_NAME - 1]}…"
    name = " · ".join(x for x in (short, p.id, report) if x)
    made = (f"Quimby {result.trace.quimby_version} · study {_short(result.trace.study_sha256)} · "
            f"result {_short(digest_of(result))}")  # fmt: skip
    return {"made": made, "patient": name}


def _digests(result: Result) -> list[list[str]]:
    return [["study", result.trace.study_sha256], ["result", digest_of(result)]]


def _cycle_words(result: Result) -> str:
    return "1 cycle ± u" if result.cycle == 1 else f"{result.cycle} cycles ± u"


def _captions(result: Result) -> dict[str, str]:
    from quimby.report.draw import captions

    return captions(result)


def _curve_panels(result: Result) -> list[dict[str, Any]]:
    from quimby.report.figures.curves import slug

    return [{**tables.curve_words(r), "figure": f"curve_{slug(r.name)}"}
            for r in result.regions if r.curve]  # fmt: skip


def _tables(result: Result) -> dict[str, Any]:
    return {
        "lesions": tables.lesions(result),
        "followed": lesions.table(result),
        "dvh": tables.dvh(result),
        "planar": planar.table(result),
        "activities": tables.activities(result),
        "integrals": tables.integrals(result),
        "effects": tables.effects(result),
        "budget": tables.budget(result),
        "monte_carlo": tables.monte_carlo(result),
        "registrations": tables.registrations(result),
        "constants": tables.constants(result),
        "exposures": tables.exposures(result),
        "devices": tables.devices(result),
        "inputs": tables.inputs(result),
        "methods": tables.methods(result),
    }
