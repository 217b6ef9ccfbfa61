"""A certificate as a page (PDF/A-2b), as JSON and as plots; the same inputs, the same bytes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from quimby import __version__
from quimby.core.notes import Note, refusal
from quimby.core.source import TAGS, Constant
from quimby.core.uncertain import Uncertain
from quimby.report import words
from quimby.report.figures.devices import Plot, figure
from quimby.report.figures.style import Figure
from quimby.report.lettering import each_text, raised
from quimby.report.pdf import LANGUAGE
from quimby.report.rounding import grouped_in, interval, significant, value_and_u
from quimby.report.typeset import typeset
from quimby.study.commissioning.certificate import Certificate, Quantity

SCHEMA = "quimby.certificate"
NAME = "certificate"
MOST_NOTES, MOST_CAUSES = 6, 6
CENTRE = "Centre not stated"
STATES = {"passed": "All checks passed.", "warning": "All checks passed; notes to read.",
          "failed": "Not all checks passed: a physicist decides on its use."}  # fmt: skip


def contents(made: Certificate, plots: Sequence[Plot] = (), *, centre: str = ""
             ) -> dict[str, bytes]:  # fmt: skip
    """Every file of a certificate by its name: the page, the document, the plots."""
    drawn = [figure(plot) for plot in plots]
    found = {f"{NAME}.pdf": pdf(made, plots, drawn, centre=centre),
             f"{NAME}.json": document(made, centre=centre).encode()}  # fmt: skip
    for one in drawn:
        found |= {f"figures/{one.name}.png": one.png, f"figures/{one.name}.svg": one.svg}
    return found


def pdf(
    made: Certificate, plots: Sequence[Plot], drawn: Sequence[Figure], *, centre: str = ""
) -> bytes:
    """The page. Its clock is the moment of the scan, so that no day changes its bytes."""
    page = each_text(view(made, plots, drawn, centre=centre), raised, keep=("name", "inputs"))
    return typeset("certificate.typ", page, drawn, at=_clock(made))


def _clock(made: Certificate) -> float:
    at = made.measured_at
    if at is None:
        return 0.0
    if not isinstance(at, datetime):
        at = datetime(at.year, at.month, at.day, tzinfo=UTC)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def view(
    made: Certificate, plots: Sequence[Plot], drawn: Sequence[Figure], *, centre: str = ""
) -> dict[str, Any]:
    """Everything the template prints, as plain values."""
    notes = made.notes[:MOST_NOTES]
    return {
        "language": LANGUAGE,
        "title": made.title,
        "subtitle": made.subtitle,
        "centre": centre or CENTRE,
        "date": f"measured {_day(made.measured_at)}",
        "verdict": made.verdict,
        "state": _state(made),
        "device": [list(row) for row in made.device],
        "how": made.how,
        "results": [_quantity(q) for q in made.results],
        "budget": _budget(made.results[0]),
        "checks": [asdict(c) for c in made.checks],
        "passed": sum(c.passed for c in made.checks),
        "pictures": [
            {"name": f.name, "alt": f.alt, "width": p.width_mm}
            for p, f in zip(plots, drawn, strict=True)
        ],
        "tables": [
            {
                "title": t.title,
                "head": list(t.head),
                "rows": [[grouped_in(cell) for cell in r] for r in t.rows],
                "words": list(t.words),
            }
            for t in made.tables
        ],
        "notes": [_note(n, number) for number, n in enumerate(notes, 1)],
        "constants": [_constant(c) for c in made.constants],
        "inputs": [[i.role, i.path, str(i.files), i.sha256] for i in made.inputs],
        "measured_by": f"Measured by {made.operator}" if made.operator else "Measured",
        "valid": f"until {words.day(made.valid_until)}" if made.valid_until else "no date set",
        "validity": made.validity or "and while window, collimator and reconstruction are the same",
        "foot": _foot(made),
        "decides": words.DECIDES,
    }


def _day(at: date | None) -> str:
    if at is None:
        return "at a time not stated"
    if not isinstance(at, datetime):
        return words.short_day(at)
    if at.tzinfo:
        return words.clock(at)
    return f"{words.short_day(at)}, {at:%H:%M}, no zone in the file"


def _state(made: Certificate) -> str:
    more = len(made.notes) - MOST_NOTES
    rest = f" {more} more notes are in the JSON document." if more > 0 else ""
    return f"{STATES[made.verdict]} A medical physicist signs it before use.{rest}"


def _quantity(one: Quantity) -> dict[str, str]:
    value, u = value_and_u(one.value)
    relative = (
        f"{significant(100 * one.value.u_rel)} %"
        if one.value.u and one.value.value
        else "not known"
    )
    return {"name": one.name, "value": value, "u": u, "unit": one.unit, "relative": relative,
            "interval": f"{_to(interval(one.value))} {one.unit}".strip()}  # fmt: skip


def _to(text: str) -> str:
    """An interval with a minus in it is read with a word between."""
    return text.replace("–", " to ") if "−" in text else text


def _budget(one: Quantity) -> list[list[str]]:
    rows = one.value.budget()
    whole = one.value.value or 1.0
    shown = [
        [cause, f"{significant(u)} {one.unit}".strip(), f"{significant(100 * u / abs(whole))} %"]
        for cause, u in rows[:MOST_CAUSES]
    ]
    left = Uncertain(0.0, dict(rows[MOST_CAUSES:])).u
    if left:
        shown.append([f"{len(rows) - MOST_CAUSES} more", f"{significant(left)} {one.unit}".strip(),
                      f"{significant(100 * left / abs(whole))} %"])  # fmt: skip
    return shown


def _note(n: Note, number: int) -> dict[str, Any]:
    where = _place(n)
    return {"n": f"{number}.", "bold": n.text, "code": n.code, "severity": n.severity,
            "where": where, "do": n.do[:1].upper() + n.do[1:] + "."}  # fmt: skip


def _place(n: Note) -> str:
    """A file by its name: a certificate names no machine's folders."""
    return n.where.rsplit("/", 1)[-1]


def _constant(c: Constant) -> dict[str, str]:
    number = f" {c.value:.6g} {c.unit}" if c.unit else ""
    mark = "" if c.verified else " †"
    return {"words": f"{c.name}{number}{mark}: {c.source}", "tag": c.tag}


def _foot(made: Certificate) -> str:
    inputs = ", ".join(f"{i.sha256[:4]}…{i.sha256[-4:]}" for i in made.inputs[:3])
    return f"Quimby {__version__} · {made.kind} · inputs {inputs}"


def document(made: Certificate, *, centre: str = "") -> str:
    """The certificate as JSON, every number unrounded, with its doubt by cause."""
    at = made.measured_at
    found = {
        "schema": SCHEMA,
        "version": 1,
        "quimby_version": __version__,
        "kind": made.kind,
        "title": made.title,
        "subtitle": made.subtitle,
        "centre": centre,
        "device": dict(made.device),
        "how": made.how,
        "measured_at": at.isoformat() if at else None,
        "operator": made.operator,
        "verdict": made.verdict,
        "signed": False,
        "results": [
            {"name": q.name, "value": q.value.value, "u": q.value.u, "unit": q.unit,
             "budget": dict(q.value.budget())} for q in made.results
        ],
        "checks": [asdict(c) for c in made.checks],
        "tables": [asdict(t) for t in made.tables],
        "notes": [{**asdict(n), "where": _place(n), "severity": n.severity} for n in made.notes],
        "constants": [
            {"name": c.name, "value": c.value, "unit": c.unit, "source": c.source, "tag": c.tag,
             "meaning": TAGS[c.tag]} for c in made.constants
        ],
        "inputs": [asdict(i) for i in made.inputs],
        "valid_until": made.valid_until.isoformat() if made.valid_until else None,
        "validity": made.validity,
        **made.extra,
    }  # fmt: skip
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def write(
    made: Certificate, plots: Sequence[Plot], out: Path, *, centre: str = "",
    more: Mapping[str, bytes] | None = None,
) -> tuple[Path, ...]:  # fmt: skip
    """Write the page alone (a name that ends on .pdf), or a folder with page, JSON and plots.

    `more` are further files of a folder (camera.toml). A folder is made new, or replaces a
    former certificate; E-OUT-EXISTS for anything else.
    """
    if out.suffix.lower() == ".pdf":
        page = pdf(made, plots, [figure(p) for p in plots], centre=centre)
        partial = _beside(out)
        partial.write_bytes(page)
        partial.rename(out)
        return (out,)
    found = {**contents(made, plots, centre=centre), **(more or {})}
    check_free(out)
    partial = _beside(out)
    shutil.rmtree(partial, ignore_errors=True)
    try:
        for name, data in found.items():
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        if out.exists():
            shutil.rmtree(out)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return tuple(out / name for name in found)


def _beside(out: Path) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    return out.with_name(f".{out.name}.partial")


def check_free(out: Path) -> None:
    """E-OUT-EXISTS unless `out` is a page's name, absent, empty, or a former certificate."""
    if out.suffix.lower() == ".pdf" or not out.exists():
        return
    known = {f"{NAME}.pdf", f"{NAME}.json", "figures", "camera.toml"}
    held = {p.name for p in out.iterdir()} if out.is_dir() else {"?"}
    if held and (held - known or f'"{SCHEMA}"' not in _head(out / f"{NAME}.json")):
        raise refusal("E-OUT-EXISTS", where=str(out), name=out.name)


def _head(path: Path) -> str:
    return path.read_text("utf-8", errors="replace")[:200] if path.is_file() else ""
