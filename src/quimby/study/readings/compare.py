"""Where a patient's doses and curves stand among published patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from quimby.population import places
from quimby.population.places import Place
from quimby.study.document import PatientDocument
from quimby.study.stages import Series, TargetDose

ORGANS = {"Red marrow": "marrow"}  # else the name in small letters
SEXES = ("F", "M")
BLOOD_ELECTRONS = "electrons in blood"


def group_of(patient: PatientDocument) -> tuple[str, ...]:
    """What is known of the patient, in the words of `population.groups`."""
    return (*patient.group, *([patient.sex] if patient.sex in SEXES else []))


def placed(dose: TargetDose, table: str, group: Sequence[str]) -> TargetDose:
    """The dose with its place among published doses per activity."""
    organ = ORGANS.get(dose.name, dose.name.lower())
    found = places.places(dose.dose_per_activity_gy_per_gbq.value, organ, places.table(table),
                          group=group)  # fmt: skip
    return replace(dose, population=found)


def of_series(
    series: Sequence[Series], table: str, group: Sequence[str], *, blood_ml: float | None = None
) -> Mapping[str, tuple[Place, ...]]:
    """Places of residence times, by the series' name, and of its figures, by theirs.

    A residence per ml of blood is compared as that of all the blood, where its volume is known.
    """
    found: dict[str, tuple[Place, ...]] = {}
    rows = places.table(table)
    for one in series:
        organ = one.name.lower()
        hours = one.tiac.value * (1.0 if one.tiac_unit == "h" else blood_ml or 0.0)
        if hours:
            found[one.name] = places.places(hours, organ, rows, quantity="residence time",
                                            unit="h", group=group)  # fmt: skip
        for name, figure in one.figures.items():
            found[name] = places.places(figure.value, organ, rows, quantity=name, unit="1",
                                        group=group)  # fmt: skip
    return {name: rows for name, rows in found.items() if rows}


def of_shares(doses: Sequence[TargetDose], table: str, group: Sequence[str]
              ) -> Mapping[str, tuple[Place, ...]]:  # fmt: skip
    """Place of the electrons' share of the blood dose."""
    found = {}
    for dose in doses:
        electrons = dose.shares_gy.get(BLOOD_ELECTRONS)
        if electrons is not None:
            found["electrons' share of the blood dose"] = places.places(
                electrons.value / dose.dose_gy.value, "blood", places.table(table),
                quantity="beta share of dose", unit="1", group=group)  # fmt: skip
    return {name: rows for name, rows in found.items() if rows}
