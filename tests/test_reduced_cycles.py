"""Cycles with fewer scans or none: what the measured ones tell of them, with its doubt."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quimby.core.grid import Grid, Image
from quimby.core.uncertain import Uncertain
from quimby.effect.bed import bed, lea_catcheside
from quimby.kinetics.priors import Prior
from quimby.kinetics.reduced import another_cycle, same_dose_per_activity
from quimby.protocols import load
from quimby.protocols.curve_plan import planned
from quimby.study.course import Course, whole
from quimby.study.cycle import Cycle, calculate
from quimby.study.document import Administration, Study, StudyDocument, parse_study
from quimby.study.draft import draft
from quimby.study.inputs import Visit
from quimby.study.known import own_half_lives
from quimby.study.lesions_seen import follow_cycles
from quimby.study.practice import protocol_of
from quimby.study.progress import silent
from quimby.study.result import Exposure, RegionResult
from quimby.therapies import Organ
from tests.variants import one_scan, quick_patient

PER_GBQ = Uncertain(0.5, {"camera calibration": 0.02, "administered activity": -0.015})


def test_a_cycle_from_another_has_its_dose_by_activity_and_its_own_doubt() -> None:
    found = another_cycle(PER_GBQ, Uncertain(7400.0, {"administered activity": 222.0}),
                          tissue="kidney", cycle="cycle-2")  # fmt: skip
    assert found.value == pytest.approx(3.7)
    older = same_dose_per_activity(PER_GBQ.scaled(7.4), 7.4, 7.4)
    spread = [p for c, p in found.parts.items() if c.startswith("spread between cycles")]
    assert sqrt(sum(p**2 for p in spread)) == pytest.approx(
        older.value.parts["spread between cycles"]
    )


def test_an_assay_that_is_wrong_in_both_cycles_does_not_change_the_later_dose() -> None:
    later = Uncertain(7400.0, {"administered activity": 0.03 * 7400.0})
    found = another_cycle(PER_GBQ, later, tissue="kidney", cycle="cycle-2")
    assert found.parts["administered activity"] == pytest.approx(0.0, abs=1e-12)


def test_three_cycles_from_one_are_wrong_together_in_half_of_the_variance() -> None:
    doses = [another_cycle(PER_GBQ, Uncertain(7400.0), tissue="lesion", cycle=f"cycle-{k}")
             for k in (2, 3, 4)]  # fmt: skip
    sum_of = doses[0] + doses[1] + doses[2]
    one = 0.25 * 3.7
    spread = [p for c, p in sum_of.parts.items() if c.startswith("spread")]
    assert sqrt(sum(p**2 for p in spread)) == pytest.approx(one * sqrt((9 + 3) / 2))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return one_scan(quick_patient(tmp_path_factory), tmp_path_factory.mktemp("reduced") / "patient")


@pytest.fixture(scope="module")
def raw(folder: Path) -> dict[str, Any]:
    return draft(folder, answers={"residue": "0"}).document


@pytest.fixture(scope="module")
def measured(raw: dict[str, Any], folder: Path) -> Cycle:
    """One cycle, calculated once; tests give it other numbers and dates."""
    study = Study(document=parse_study(raw, where="test"), folder=folder)
    given = study.document.administrations[0]
    return calculate(study, given, silent, protocol=protocol_of(study))


def numbered(cycle: Cycle, number: int, *, factor: float = 1.0) -> Cycle:
    """The same cycle as another of its course, with doses times a factor."""
    given = cycle.given.model_copy(update={"id": f"cycle-{number}", "cycle": number})

    def other(r: RegionResult) -> RegionResult:
        dose, per_gbq = r.absorbed_dose_gy, r.dose_per_activity_gy_per_gbq
        return replace(r, absorbed_dose_gy=dose.scaled(factor),
                       dose_per_activity_gy_per_gbq=per_gbq.scaled(factor))  # fmt: skip

    started = cycle.inputs.started_at + timedelta(weeks=8 * (number - 1))
    rows, pairs = (tuple(map(other, of)) for of in (cycle.regions, cycle.pairs))
    return replace(cycle, given=given, inputs=replace(cycle.inputs, started_at=started),
                   regions=rows, pairs=pairs)  # fmt: skip


def unmeasured(number: int, **more: Any) -> Administration:
    return Administration.model_validate({
        "id": f"cycle-{number}", "cycle": number, "nuclide": "Lu-177", "activity": "3.7 GBq",
        "activity_u": "3 %", "residuals": [], "at": f"2026-0{number + 2}-09T10:00:00+01:00", **more,
    })  # fmt: skip


def course(raw: dict[str, Any], cycles: list[Cycle], others: list[Administration], **more: Any
           ) -> Course:  # fmt: skip
    document: StudyDocument = parse_study(deepcopy(raw) | more, where="test")
    rows = sorted([*(c.given for c in cycles), *others], key=lambda a: a.cycle)
    return whole(document.model_copy(update={"administrations": rows}), cycles)


def row(found: Course, name: str) -> RegionResult:
    return next(r for r in (*found.cycle.pairs, *found.cycle.regions) if r.name == name)


def codes(found: Course, where: str) -> set[str]:
    return {n.code for n in found.notes if n.where == where}


def of(found: Course, organ: str) -> list[Exposure]:
    return [e for e in found.exposures if e.organ == organ]


def test_first_cycle_only_the_later_ones_count_with_their_doubt(
    raw: dict[str, Any], measured: Cycle
) -> None:
    found = course(raw, [measured], [unmeasured(2), unmeasured(3)])
    kidneys = row(found, "Kidneys")
    one = kidneys.absorbed_dose_gy
    half = 3700 / measured.administered_mbq.value
    assert kidneys.total_dose_gy.value == pytest.approx(one.value * (1 + 2 * half))
    shared = kidneys.total_dose_gy.parts["spread between cycles"]
    assert shared == pytest.approx(2 * half * one.value * 0.10 / sqrt(2))
    assert found.last == 3
    assert codes(found, "cycle-2") >= {"W-COURSE-UNMEASURED", "I-TIA-CARRIED", "W-TIA-TUMOUR-CARRY"}
    noise = next(c for c in one.parts if c.startswith("counts"))
    assert kidneys.total_dose_gy.parts[noise] == pytest.approx(one.parts[noise] * (1 + 2 * half))


def test_bed_of_a_carried_cycle_grows_with_the_square_of_its_dose(
    raw: dict[str, Any], measured: Cycle
) -> None:
    """Against the linear-quadratic formula itself with the kidneys' own curves."""
    found = course(raw, [measured], [unmeasured(2)])
    (carried,) = of(found, "kidney")
    sides = [r.curve for r in measured.regions if r.organ == "kidney" and r.curve]
    g = lea_catcheside([a for c in sides for a in c.amplitudes_mbq],
                       [x for c in sides for x in c.rates_per_h], 2.8)  # fmt: skip
    assert carried.bed_gy is not None
    assert carried.bed_gy.value == pytest.approx(bed(carried.dose_gy.value, g, 2.5), rel=1e-9)


def test_alternate_cycles_lie_on_a_line_in_dose_per_activity(
    raw: dict[str, Any], measured: Cycle
) -> None:
    found = course(raw, [measured, numbered(measured, 3, factor=1.4)], [unmeasured(2)])
    per_gbq = next(r for r in measured.pairs if r.name == "Kidneys").dose_per_activity_gy_per_gbq
    first, second = of(found, "kidney")
    assert (first.what, second.what) == (
        "cycle 1, measured", "cycle 2, not measured: from cycle-1 and cycle-3",
    )  # fmt: skip
    assert second.dose_gy.value == pytest.approx(3.7 * 1.2 * per_gbq.value)
    lesion = next(e for e in of(found, "Lesion_1") if e.what.startswith("cycle 2"))
    own = next(r for r in measured.regions if r.name == "Lesion_1").dose_per_activity_gy_per_gbq
    assert lesion.dose_gy.value == pytest.approx(3.7 * own.value)  # of the cycle before


def test_a_cycle_before_the_first_measured_takes_the_first(
    raw: dict[str, Any], measured: Cycle
) -> None:
    found = course(raw, [numbered(measured, 2)], [unmeasured(1)])
    (carried,) = of(found, "kidney")
    assert carried.what == "cycle 1, not measured: from cycle-2"
    assert found.last == 2


def test_a_dose_given_by_hand_for_that_cycle_is_not_counted_twice(
    raw: dict[str, Any], measured: Cycle
) -> None:
    given = [{"organ": "Nieren", "what": "cycle 2, elsewhere", "dose": "2 Gy", "bed": "2.2 Gy"}]
    found = course(raw, [measured], [unmeasured(2)], earlier=given)
    (kidney,) = of(found, "kidney")
    assert kidney.dose_gy.value == 2.0
    assert len(of(found, "liver")) == 1


def test_what_cannot_be_counted_is_said_and_what_is_to_come_is_not(
    raw: dict[str, Any], measured: Cycle
) -> None:
    other = unmeasured(1, nuclide="I-131")
    planned_one = unmeasured(4, activity=None, at=None)
    found = course(raw, [numbered(measured, 2)], [other, planned_one])
    assert codes(found, "cycle-1") == {"W-COURSE-UNCOUNTED"}
    assert codes(found, "cycle-4") == set()
    assert found.exposures == ()
    assert row(found, "Liver").total_dose_gy == row(found, "Liver").absorbed_dose_gy


def renamed(cycle: Cycle, names: dict[str, str]) -> Cycle:
    """The same lesions under other names."""

    def new(name: str) -> str:
        return names.get(name, name)

    regions = replace(cycle.quantified.regions, organs=tuple(
        replace(r, name=new(r.name)) for r in cycle.quantified.regions.organs))  # fmt: skip
    return replace(cycle, quantified=replace(cycle.quantified, regions=regions),
                   regions=tuple(replace(r, name=new(r.name)) for r in cycle.regions))  # fmt: skip


def test_lesions_add_by_place_when_names_were_exchanged(
    raw: dict[str, Any], measured: Cycle
) -> None:
    swapped = renamed(numbered(measured, 2), {"Lesion_1": "Lesion_2", "Lesion_2": "Lesion_1"})
    found = course(raw, [measured, swapped], [])
    then = next(r for r in measured.regions if r.name == "Lesion_2").absorbed_dose_gy.value
    now = row(found, "Lesion_1")
    assert now.total_dose_gy.value == pytest.approx(now.absorbed_dose_gy.value + then)
    assert sum(n.code == "W-LES-NAME" for n in found.notes) == 2


def lying_elsewhere(cycle: Cycle, shift_mm: tuple[float, float, float]) -> Cycle:
    """The patient on another day: CT and outlines moved together, in files of their own."""

    def moved(image: Image) -> Image:
        affine = np.array(image.grid.affine)
        affine[:3, 3] += shift_mm
        return Image(Grid(image.grid.shape, affine), image.array, image.unit)

    def day(visit: Visit) -> Visit:
        assert visit.ct is not None
        ct = replace(visit.ct, image=moved(visit.ct.image), files=(Path("another day"),))
        return replace(visit, ct=ct)

    regions = replace(cycle.quantified.regions, organs=tuple(
        replace(r, mask=moved(r.mask)) for r in cycle.quantified.regions.organs))  # fmt: skip
    inputs = replace(cycle.inputs, visits=tuple(map(day, cycle.inputs.visits)))
    return replace(cycle, inputs=inputs, quantified=replace(cycle.quantified, regions=regions))


def test_lesions_are_found_again_in_a_patient_who_lies_elsewhere(measured: Cycle) -> None:
    """23 mm off, without registration each would be gone or taken for another."""
    names = {"Lesion_1": "a", "Lesion_2": "b", "Lesion_3": "c"}
    second = lying_elsewhere(renamed(numbered(measured, 2), names), (9.0, -8.0, 20.0))
    found, notes = follow_cycles(measured, second)
    assert {e.now: e.before for e in found.events} == {
        (new,): (old,) for old, new in names.items()
    }  # fmt: skip
    assert {e.kind for e in found.events} == {"same"}
    assert {n.code for n in found.notes} == {"W-LES-NAME"}
    assert notes == ()


def test_how_near_is_told_in_one_frame(measured: Cycle) -> None:
    """Every lesion moved by 14 mm more than the patient: near, whatever the overlap."""
    second = lying_elsewhere(numbered(measured, 2), (9.0, -8.0, 20.0))
    apart = lying_elsewhere(measured, (23.0, -8.0, 20.0)).quantified.regions
    only = replace(second, quantified=replace(second.quantified, regions=apart))
    found, _ = follow_cycles(measured, only)
    near = [n.value for n in found.notes if n.code == "I-LES-NEAR"]
    assert near
    assert near == pytest.approx([14.0] * len(near), abs=1.0)


def test_a_carried_dose_of_a_lesion_follows_it_too(raw: dict[str, Any], measured: Cycle) -> None:
    third = renamed(numbered(measured, 3), {"Lesion_1": "left lobe"})
    found = course(raw, [measured, third], [unmeasured(2)])
    assert [e.what[:7] for e in of(found, "left lobe")] == ["cycle 1", "cycle 2"]
    assert of(found, "Lesion_1") == []


def test_a_later_scan_uses_the_patients_own_half_life() -> None:
    own = Prior("effective", 44.0, 0.11, "half-life of cycle-1, Kidney_L", "own", "D")
    by_quantity = {
        p.quantity: p for p in planned(load("LU-STP"), "kidney", 1, half_life=own).priors
    }
    assert by_quantity["effective"] == own
    assert set(by_quantity) == {"effective", "uptake", "start ratio"}
    three = planned(load("LU-FULL"), "kidney", 3, half_life=own)
    assert own not in three.priors


def test_only_half_lives_of_three_scans_are_the_patients_own(measured: Cycle) -> None:
    assert own_half_lives(measured.regions, "cycle-1") == {}
    (sample,) = measured.regions[0].samples
    more = [replace(r, samples=(sample,) * 3) for r in measured.regions]
    found = own_half_lives(more, "cycle-1")
    assert Organ("kidney", "left") in found
    assert all(o.name != "lesion" for o in found)
    assert all(p.sd_ln > 0.10 for p in found.values())
