"""Level 1 of a scanned patient: a study with an administration, and nothing measured."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from string import Template

from quimby.core.units import written
from quimby.demo.patient import Truth
from quimby.demo.phantom import data_text


def write_study(path: Path, known: Truth) -> None:
    """study.toml of a patient who got an activity by rule."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(Template(data_text("study-level-1.toml")).substitute(_words(known)), "utf-8")


def _words(known: Truth) -> dict[str, object]:
    facts = known.patient.facts
    at = datetime.fromisoformat(facts["administered_at"])
    return {
        "protocol": known.protocol,
        "weight": written(facts["weight_kg"], "kg"),
        "name": facts["name"].replace("^", ", "),
        "activity": written(facts["administered_mbq"], "MBq"),
        "activity_u": written(100 * facts["administered_relative_u"], "%"),
        "prescribed": facts["prescribed"],
        "at": at.isoformat(timespec="minutes"),
        "seen_at": (at + timedelta(hours=23)).isoformat(timespec="minutes"),
    } | {
        key: facts[key]
        for key in ("id", "therapy", "birth_date", "sex", "nuclide", "indication",
                    "cycles_planned", "cycle")
    } | {"agent": facts["radiopharmaceutical"]}  # fmt: skip
