"""One molecule, two nuclides: half-lives, measured activities and a forecast."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.errors import InputError
from quimby.core.uncertain import Uncertain, exact
from quimby.kinetics.transfer import (
    ASSUMED,
    Forecast,
    biological_half_life_h,
    effective_half_life_h,
    forecast_tia,
    reach_notes,
    transferred,
)

LU, IN = 159.528, 67.31


@given(st.floats(0.5, 500), st.floats(0.5, 500))
def test_a_half_life_goes_there_and_back(biological: float, physical: float) -> None:
    effective = effective_half_life_h(biological, physical)
    assert effective < min(biological, physical)
    assert biological_half_life_h(effective, physical) == pytest.approx(biological, rel=1e-6)


@pytest.mark.parametrize("effective", [LU, 170.0])
def test_a_half_life_not_below_the_physical_one_is_refused(effective: float) -> None:
    with pytest.raises(InputError, match="does not lie below the physical") as caught:
        biological_half_life_h(effective, LU)
    assert caught.value.code == "E-THE-TEFF"


def test_a_measured_curve_of_one_nuclide_becomes_that_of_the_other() -> None:
    """A molecule that clears with 75 h, drawn with 111In and with 177Lu."""
    times = np.array([4.0, 24.0, 72.0, 168.0])
    kept = 2.0 ** (-times / 75.0)
    for t, share in zip(times, kept, strict=True):
        indium, lutetium = share * 2 ** (-t / IN), share * 2 ** (-t / LU)
        found = transferred(exact(indium), t, from_half_life_h=IN, to_half_life_h=LU)
        biological = transferred(exact(share), t, from_half_life_h=inf, to_half_life_h=LU)
        assert found.value == pytest.approx(lutetium)
        assert biological.value == pytest.approx(lutetium)


def test_readings_that_end_early_are_told() -> None:
    assert not reach_notes(110.0, biological_h=75.0, physical_h=LU)  # T_eff 51 h
    (said,) = reach_notes(4.0, biological_h=75.0, physical_h=LU)
    assert said.code == "W-THE-REACH"


def _found(**more: Any) -> Forecast:
    return forecast_tia(exact(0.025), 1.0, administered_mbq=exact(7400.0),
                        biological_h=Uncertain(75.0, {"population": 7.5}), physical_h=LU,
                        **more)  # fmt: skip


def test_a_forecast_is_the_integral_and_says_how_little_it_knows() -> None:
    found = _found()
    assert {n.code for n in found.notes} == {"S-THE-PRESCRIBE", "W-THE-UNVALIDATED"}
    tia = found.tia_mbq_h
    times = np.linspace(0, 3000, 300001)
    curve = 0.025 * 7400 * 2 ** (1 / 75) * 2 ** (-times / 75 - times / LU)
    assert tia.value == pytest.approx(np.trapezoid(curve, times), rel=1e-6)
    assert tia.u_rel == pytest.approx(0.40)


def test_what_was_checked_and_validated_narrows_a_forecast() -> None:
    found = _found(checked=ASSUMED, validated=True)
    tia = found.tia_mbq_h
    more = forecast_tia(exact(0.025), 1.0, administered_mbq=exact(7400.0),
                        biological_h=exact(75.0 + 0.01), physical_h=LU)  # fmt: skip
    slope = (more.tia_mbq_h.value - tia.value) / 0.01
    assert dict(tia.parts) == {"population": pytest.approx(slope * 7.5, rel=1e-3)}
    assert [n.code for n in found.notes] == ["S-THE-PRESCRIBE"]


def test_three_open_assumptions_stay_below_the_least_and_five_stand_beside_it() -> None:
    two = _found(checked=ASSUMED[:2])
    assert two.tia_mbq_h.u_rel == pytest.approx(0.40)
    assert sum("not checked" in c for c in two.tia_mbq_h.parts) == 3
