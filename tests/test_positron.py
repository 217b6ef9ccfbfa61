"""PET under another nuclide: the activity that gave the counts comes back."""

from __future__ import annotations

from math import exp, log
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from quimby.core.errors import InputError
from quimby.core.uncertain import Uncertain, exact
from quimby.measure.positron import Y90_POSITRONS, Assumed, noise_notes, rescale

GA, Y = log(2) / (67.71 / 60), log(2) / 64.1


@given(start=st.floats(0.0, 2.0), lasting=st.floats(0.05, 1.0))
def test_a_scan_under_gallium_gives_the_yttrium_that_was_there(
    start: float, lasting: float
) -> None:
    counted = quad(lambda t: 1e6 * exp(-Y * t), start, start + lasting)[0] * 31.86e-6
    # What the scanner prints at the reference time, believing in 68Ga.
    believed = quad(lambda t: exp(-GA * t), start, start + lasting)[0] * 0.8914
    assumed = Assumed("Ga-68", 0.8914, 67.71 / 60)

    found = rescale(assumed, nuclide="Y-90", branching=exact(31.86e-6), half_life_h=64.1,
                    duration_h=lasting, start_after_reference_h=start)  # fmt: skip

    assert found.applied(counted / believed).value == pytest.approx(1e6, rel=1e-9)
    assert [n.code for n in found.notes] == ["W-PET-NUCLIDE"]


def test_decay_that_the_scanner_left_in_is_taken_out() -> None:
    left_in = Assumed("Y-90", 31.86e-6, 64.1, during_scan_undone=False)
    mean = quad(lambda t: 1e6 * exp(-Y * t), 0, 0.5)[0] / 0.5

    found = rescale(left_in, nuclide="Y-90", branching=exact(31.86e-6), half_life_h=64.1,
                    duration_h=0.5)  # fmt: skip

    assert found.applied(mean).value == pytest.approx(1e6)


def test_another_figure_for_the_same_nuclide_is_rescaled_without_alarm() -> None:
    true = Uncertain(Y90_POSITRONS.value, {"positrons a decay": Y90_POSITRONS.u})

    found = rescale(Assumed("Y-90", 3.2e-5), nuclide="Y-90", branching=true, half_life_h=64.1)

    assert found.factor.value == pytest.approx(1.00439422)
    assert found.factor.u_rel == pytest.approx(0.47 / 31.86)
    assert not found.notes


@pytest.mark.parametrize(
    ("assumed", "code"),
    [(Assumed("Ga-68", 0.8914, 1.1285), "E-PET-RESCALE"), (Assumed("Y-90", 0.0), "E-NUM-NONPOS")],
)
def test_what_is_missing_is_named(assumed: Assumed, code: str) -> None:
    with pytest.raises(InputError) as caught:
        rescale(assumed, nuclide="Y-90", branching=exact(31.86e-6), half_life_h=64.1)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("volume", "variation", "says"),
    [(26.5, 0.1, None), (5.0, 0.1, "5.0 ml"), (26.5, 0.4, "40 %"), (5.0, 0.4, "and")],
)
def test_small_or_noisy_regions_are_noted(volume: float, variation: float, says: Any) -> None:
    found = noise_notes(volume, variation, where="lesion")
    assert bool(found) == bool(says)
    if says:
        assert says in found[0].text
