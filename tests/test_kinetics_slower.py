"""The doubt of a phase that clears more slowly than the scans can tell."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from quimby.core.uncertain import Uncertain
from quimby.kinetics.choose import Choice, Manner, choose
from quimby.kinetics.priors import Prior
from quimby.kinetics.slower import CAUSE, SHARE

TP, LN2 = 159.528, log(2)
TIMES = (24.0, 72.0, 168.0)
PRIORS = (
    Prior("uptake", 2.0, 0.7, "prior, uptake"),
    Prior("start ratio", 0.7, 0.5, "prior, start"),
)


def readings(half_life: float, *, slow: float = 0.0, height: float = 100.0,
             times: tuple[float, ...] = TIMES) -> list[Uncertain]:  # fmt: skip
    later = min(2 * half_life, TP)
    values = [height * ((1 - slow) * 2 ** (-t / half_life) + slow * 2 ** (-t / later))
              for t in times]  # fmt: skip
    return [Uncertain(v, {f"counts, {i}": 0.03 * v}) for i, v in enumerate(values)]


def true_tia(half_life: float, *, slow: float) -> float:
    later = min(2 * half_life, TP)
    return 100.0 * ((1 - slow) * half_life + slow * later) / LN2


def chosen(read: list[Uncertain], model: str = "mono", *, times: tuple[float, ...] = TIMES,
           priors: tuple[Prior, ...] = (), organ: str = "kidney") -> Choice:  # fmt: skip
    return choose(times, read, physical_half_life_h=TP, preferred=model, priors=priors,
                  region="Kidney L", manner=Manner(organ=organ))  # fmt: skip


def part(found: Choice, organ: str = "kidney") -> float:
    return found.tia_mbq_h.parts.get(f"{CAUSE}, {organ}", 0.0)


@pytest.mark.parametrize(("model", "priors"), [("mono", ()), ("partial-uptake", PRIORS)])
@pytest.mark.parametrize("half_life", [40.0, 51.0, 67.0, 88.0])
def test_it_is_what_a_patient_with_such_a_phase_has_and_the_fit_does_not_find(
    model: str, priors: tuple[Prior, ...], half_life: float
) -> None:
    little = 1e-4
    without = chosen(readings(half_life), model, priors=priors)
    having = chosen(readings(half_life, slow=little), model, priors=priors)
    missed = (true_tia(half_life, slow=little) - true_tia(half_life, slow=0.0)) - (
        having.tia_mbq_h.value - without.tia_mbq_h.value)  # fmt: skip
    # the model with an uptake phase has its own amplitude, a little off the true one
    assert part(without) == pytest.approx(SHARE * missed / little, rel=0.05)
    assert part(without) > 0


def test_it_grows_with_the_activity_and_with_what_lies_after_the_last_scan() -> None:
    whole, double = (chosen(readings(51.0, height=h)) for h in (100.0, 200.0))
    assert part(double) == pytest.approx(2 * part(whole))
    early = (24.0, 48.0, 72.0)
    short = chosen(readings(51.0, times=early), times=early)
    assert part(short) > 1.5 * part(whole)


def test_a_curve_at_physical_decay_can_have_no_slower_phase() -> None:
    assert part(chosen(readings(TP))) == pytest.approx(0.0, abs=1e-6)


def test_it_is_the_organs_so_that_left_and_right_go_together() -> None:
    found = chosen(readings(51.0), organ="")
    assert part(found, "Kidney L") == pytest.approx(part(chosen(readings(51.0))))


def test_one_scan_has_its_own_least_doubt_and_two_phases_have_been_seen() -> None:
    told = Prior("effective", 51.0, 0.18, "population half-life")
    one = chosen(readings(51.0, times=(72.0,)), times=(72.0,), priors=(told,))
    assert part(one) == 0.0
    many = (1.0, 4.0, 24.0, 48.0, 72.0, 120.0, 168.0)
    values = [60 * 2 ** (-t / 3) + 40 * 2 ** (-t / 51) for t in many]
    read = [Uncertain(v, {f"counts, {i}": 0.01 * v}) for i, v in enumerate(values)]
    two = chosen(read, "bi-clearance", times=many)
    assert two.fit.model == "bi-clearance"
    assert part(two) == 0.0


def test_an_average_has_the_average_of_its_curves() -> None:
    times = (6.0, 12.0, 24.0, 48.0, 96.0, 168.0)
    values = [40 * 2 ** (-t / 60) - 12 * 2 ** (-t / 3) for t in times]
    read = [Uncertain(v, {f"counts, {i}": 0.05 * v}) for i, v in enumerate(values)]

    def by(models: tuple[str, ...], selection: str) -> Choice:
        return choose(times, read, physical_half_life_h=TP, preferred=models[0],
                      candidates=models[1:], manner=Manner(selection, organ="kidney"))  # fmt: skip

    mean = by(("uptake-clearance", "mono"), "average")
    alone = {m: part(by((m,), "planned")) for m in ("uptake-clearance", "mono")}
    wanted = sum(w * alone[f.model] for f, w in mean.averaged)
    assert len(mean.averaged) == 2
    assert np.isclose(part(mean), wanted)
