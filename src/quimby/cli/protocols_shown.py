"""What `quimby protocol` prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import Any

from quimby import protocols, therapies
from quimby.advise.recommend import UNDECLARED, percent, therapy_called
from quimby.cli.terminal import WIDTH, console, print_json
from quimby.core.notes import refusal
from quimby.protocols import Protocol
from quimby.protocols.words import spoken

SCANS = {"spect": "SPECT/CT", "pet": "PET/CT", "planar": "planar scan", "thyroid": "thyroid uptake"}


def list_job(therapy: str, *, as_json: bool) -> int:
    """List the shipped protocols; returns the exit code."""
    found = [protocols.load(name) for name in protocols.names()]
    if therapy:
        wanted = therapy_called(therapy)
        found = [p for p in found if p.therapy == wanted]
    if as_json:
        print_json([summary(p) for p in found])
        return 0
    to = console()
    to.print(f"{'Protocol':<15} {'Level':<6} {'Staff':>6} {'Camera':>7} {'Doubt':>6}  Measures",
             markup=False)  # fmt: skip
    for p in found:
        to.print(_listed(p), markup=False)
    to.print("Staff and camera in minutes a patient and cycle; doubt k = 1. All are estimates.",
             markup=False)  # fmt: skip
    return 0


def _listed(p: Protocol) -> str:
    staff = f"{p.burden.staff_min:.0f}" if p.burden else "?"
    camera = f"{p.burden.camera_min:.0f}" if p.burden else "?"
    u = percent(p.uncertainty.u_rel) if p.uncertainty else "?"
    level = "/".join(str(n) for n in p.serves)
    return f"{p.id:<15} {level:<6} {staff:>6} {camera:>7} {u:>6}  {p.in_short}"


def show_job(name: str, *, as_json: bool) -> int:
    """Show one protocol; returns the exit code."""
    found = protocols.called(name)
    if as_json:
        print_json({**summary(found), "document": found.model_dump(mode="json", by_alias=True)})
        return 0
    for text in lines(found):
        console().print(text, markup=False)
    return 0


def check_job(file: Path, *, as_json: bool) -> int:
    """Check a document; returns the exit code. What is wrong leaves as an error."""
    found = protocols.load_file(file)
    known = {*therapies.names(), *UNDECLARED}
    if found.therapy not in known:
        raise refusal("E-PROTOCOL-THERAPY", where=f"{file.name}, therapy", name=found.therapy,
                      known=", ".join(sorted(known)))  # fmt: skip
    lacking = [word for word, there in _recommended_parts(found) if not there]
    if as_json:
        print_json({**summary(found), "ok": True, "lacks": lacking})
        return 0
    console().print(f"{found.id} {found.version} can be used.", markup=False)
    if lacking:
        console().print(f"It does not say: {', '.join(lacking)}. The recommender then asks or "
                        "leaves it out.", markup=False)  # fmt: skip
    return 0


def _recommended_parts(p: Protocol) -> tuple[tuple[str, bool], ...]:
    return (
        ("aims", bool(p.aims)),
        ("requires", bool(p.requires.equipment)),
        ("burden", p.burden is not None),
        ("uncertainty", p.uncertainty is not None),
        ("validity", bool(p.validity)),
    )


def summary(p: Protocol) -> dict[str, Any]:
    """A protocol for programs: what a list needs."""
    burden = p.burden.model_dump(mode="json", by_alias=True) if p.burden else None
    return {
        "id": p.id,
        "therapy": p.therapy,
        "title": p.title,
        "level": p.level,
        "levels": list(p.serves),
        "status": p.status,
        "to_come": p.to_come,
        "aims": list(p.aims),
        "needs": p.requires.model_dump(mode="json"),
        "burden": burden,
        "uncertainty": {"on": p.uncertainty.on, "u_rel": p.uncertainty.u_rel,
                        "components": {c.name: c.u for c in p.uncertainty.component}}
        if p.uncertainty else None,
    }  # fmt: skip


def lines(p: Protocol) -> Iterator[str]:
    """A protocol for a terminal, at most 96 columns."""
    yield f"{p.id} {p.version}, {p.status}, level {' or '.join(map(str, p.serves))}"
    yield p.title
    yield from row("Aim", p.aim)
    if p.to_come:
        yield from row("To come", p.to_come)
    for i, a in enumerate(p.acquisition):
        may = "" if a.required else ", may be left out"
        low, high = a.window_h
        text = f"{a.id}: {SCANS.get(a.kind, spoken(a.kind))} at {low:g} to {high:g} h{may}"
        yield from row("Measure" if i == 0 else "", text)
    yield from _needs(p)
    yield from _cost(p)
    yield from _several("Valid", p.validity)
    yield from _several("Not for", p.patients.excluded)
    yield from _several("For", p.pros)
    yield from _several("Against", p.cons)
    yield from _several("Sources", [f"{s.what}: {s.source} [{s.tag}]" for s in p.source])


def _needs(p: Protocol) -> Iterator[str]:
    need = p.requires
    clauses = [*need.equipment, *need.staff, *need.facilities]
    yield from _several("Needs", [" or ".join(spoken(w) for w in c) for c in clauses])
    yield from _several("Trained", need.competencies)
    for i, c in enumerate(need.calibration):
        when = "at each patient" if c.each_patient else f"not older than {c.max_age_d} d"
        yield from row("Calibr." if i == 0 else "", f"{spoken(c.device)}: {c.what}, {when}")


def _cost(p: Protocol) -> Iterator[str]:
    if p.burden:
        by_role = ", ".join(f"{role} {m:g}" for role, m in p.burden.minutes.items())
        words = (f"{p.burden.staff_min:g} min staff ({by_role}), {p.burden.camera_min:g} min "
                 f"camera, {p.burden.visits:g} more visits, {p.burden.samples:g} samples; "
                 f"{p.burden.source} [{p.burden.tag}]")  # fmt: skip
        yield from row("Costs", words)
    if p.uncertainty:
        parts = ", ".join(f"{c.name} {percent(c.u)}" for c in p.uncertainty.component)
        words = f"± {percent(p.uncertainty.u_rel)} (k = 1) on {p.uncertainty.on}: {parts}"
        yield from row("Doubt", words)
        made = p.uncertainty.simulated
        if made is not None and made.simulation is not None:
            how = made.simulation
            yield from row("", f"{made.name}: {how.patients} simulated patients of "
                               f"{p.uncertainty.population}; {how.command}")  # fmt: skip


def _several(head: str, texts: Any) -> Iterator[str]:
    for i, text in enumerate(texts):
        yield from row(head if i == 0 else "", text)


def row(head: str, text: str, *, indent: bool = True) -> Iterator[str]:
    """One line with its head, broken at the width of a terminal."""
    first = f" {head:<9}" if indent else ""
    yield from wrap(text, WIDTH, initial_indent=first, subsequent_indent=" " * 10,
                    break_long_words=False, break_on_hyphens=False)  # fmt: skip
