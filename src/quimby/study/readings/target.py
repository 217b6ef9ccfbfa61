"""Mass of the thyroid, nodule or remnant: by ultrasound, or as the plan says it."""

from __future__ import annotations

from collections.abc import Sequence

from quimby.core.notes import refusal
from quimby.core.uncertain import Uncertain
from quimby.dose import thyroid
from quimby.dose.thyroid import TargetMass
from quimby.study.document import StudyDocument
from quimby.study.readings.tables import Tables

SIDES = ("length", "width", "depth")


def target(document: StudyDocument, read: Sequence[Tables]) -> tuple[TargetMass | None, str]:
    """Mass of the target and how it was found; None where nothing says it.

    Raises E-VOLUME-RANGE (mm for cm), E-STUDY-KEY.
    """
    plan = document.plan
    if plan and plan.mass:
        return _told(document)
    tables = [t for found in read for t in found.of("ultrasound")]
    if not tables:
        return None, ""
    lobes = []
    for row in tables[-1].rows:
        length, width, depth = (row.value(side) / 10 for side in SIDES)  # mm -> cm
        lobes.append((row.answers["region"], (length, width, depth)))
    return _measured(lobes, plan.volume_factor if plan else "pi/6")


def _measured(lobes: Sequence[tuple[str, tuple[float, float, float]]], factor: str
              ) -> tuple[TargetMass, str]:  # fmt: skip
    found = thyroid.target_mass([size for _, size in lobes], factor=factor)
    each = "; ".join(f"{name} {thyroid.lobe_volume_ml(size, factor):.1f} ml"
                     for name, size in lobes)  # fmt: skip
    words = "π/6 · L · W · D" if factor == "pi/6" else "0.479 · L · W · D (Brunn)"
    return found, f"ultrasound, {words}: {each}"


def _told(document: StudyDocument) -> tuple[TargetMass, str]:
    assert document.plan is not None
    told = document.plan.mass
    assert told is not None
    density = thyroid.table()["thyroid density"]
    if (told.mass is None) == (told.volume is None):
        problem = "plan.mass needs either mass or volume."
        raise refusal("E-STUDY-KEY", where="plan.mass", problem=problem)
    volume = told.volume if told.volume is not None else (told.mass or 0.0) / density.value
    thyroid.check_volume(volume)
    known = Uncertain(volume, {f"volume, {told.how}": told.u * volume})
    made = TargetMass(known, known.scaled(density.value), thyroid.table()["ellipsoid factor"],
                      (density,))  # fmt: skip
    return made, told.how
