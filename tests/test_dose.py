"""Dose from a region's own electrons: the hand values, the kernels, the shared causes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.errors import InputError, MethodUnfit, ReferenceMissing
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain, exact
from quimby.dose.mird import check_pair, mird_sum, refuse_effective_dose, scale_self_s
from quimby.dose.photons import coefficients, photon_fraction
from quimby.dose.self_dose import full_absorption_dose, photon_estimate, photon_notes, self_dose
from quimby.dose.spectrum import beta_spectrum
from quimby.dose.spheres import (
    csda_range_cm,
    electron_fraction,
    make_fractions,
    nuclides,
    overlap,
    radius_cm,
    table,
)
from tests.conftest import shared_path

LU_ENERGY = Constant("electron energy of Lu-177", 0.1479, "MeV", "test", "V", u=0.0015)


def kernel(name: str) -> Any:
    file: Path = shared_path("data", "egsnrc_water", f"dpk_{name}.csv")
    return np.loadtxt(file, delimiter=",", comments=("#", "r"))


def absorbed(rows: Any, mass_g: float) -> float:
    """Energy that stays in a sphere, from energy laid down in shells around a point."""
    middle = (rows[:, 0] + rows[:, 1]) / 2
    return float((rows[:, 2] * overlap(middle, radius_cm(mass_g))).sum())


def test_3500_mbq_h_in_150_g_give_1_99_gy_by_hand() -> None:
    dose = full_absorption_dose(exact(3500.0), exact(150.0), exact(0.1479))

    assert dose.value == pytest.approx(3500 * 0.0853063 / 150, rel=1e-6)


@pytest.mark.parametrize("mass_g", [0.1, 0.5, 1.0, 5.0, 20.0, 100.0])
def test_lu177_absorbed_fractions_agree_with_monte_carlo_kernels_within_a_thousandth(
    mass_g: Any,
) -> None:
    rows = kernel("Lu-177_electrons")

    assert electron_fraction("Lu-177", mass_g) == pytest.approx(
        absorbed(rows, mass_g) / rows[:, 2].sum(), abs=1e-3
    )


@pytest.mark.parametrize(("nuclide", "tolerance"), [("I-131", 0.003), ("Y-90", 0.009)])
@pytest.mark.parametrize("mass_g", [0.01, 0.1, 1.0, 10.0, 100.0])
def test_other_nuclides_agree_within_a_hundredth(nuclide: Any, tolerance: Any, mass_g: Any) -> None:
    rows = kernel(f"{nuclide}_electrons")

    assert electron_fraction(nuclide, mass_g) == pytest.approx(
        absorbed(rows, mass_g) / rows[:, 2].sum(), abs=tolerance
    )


def test_more_than_97_percent_stays_in_a_gram_and_98_above_3_2_grams() -> None:
    assert electron_fraction("Lu-177", 1.0) == pytest.approx(0.970, abs=0.002)
    assert electron_fraction("Lu-177", 3.2) > 0.98


@pytest.mark.parametrize("nuclide", nuclides())
def test_the_shipped_tables_are_what_the_command_makes(nuclide: Any) -> None:
    import tomllib

    from quimby.dose.spheres import FOLDER

    rows = tomllib.loads(FOLDER.joinpath(f"{nuclide}.toml").read_text("utf-8"))
    known = table(nuclide)

    assert make_fractions(rows, known.mass_g[::7]) == pytest.approx(known.fraction[::7], abs=1e-5)


def test_the_chance_of_lying_inside_agrees_with_throwing_points() -> None:
    rng = np.random.default_rng(4)
    points = rng.normal(size=(200_000, 3))
    points *= (rng.random((200_000, 1)) ** (1 / 3)) / np.linalg.norm(points, axis=1)[:, None]
    ways = rng.normal(size=points.shape)
    ways *= 0.6 / np.linalg.norm(ways, axis=1)[:, None]

    inside = (np.linalg.norm(points + ways, axis=1) < 1).mean()

    assert float(overlap(np.array([0.6]), 1.0)[0]) == pytest.approx(inside, abs=0.004)


def test_mean_beta_energies_are_the_published_ones() -> None:
    energy, share = beta_spectrum(0.4983, 72)
    assert float(energy @ share) == pytest.approx(0.1494, rel=0.01)  # 177Lu, main branch

    energy, share = beta_spectrum(2.2785, 40, shape="unique")
    assert float(energy @ share) == pytest.approx(0.9331, rel=0.02)  # 90Y


@given(st.floats(0.0012, 5e4))
def test_a_larger_sphere_holds_more(mass_g: Any) -> None:
    assert 0 < electron_fraction("Lu-177", mass_g) < electron_fraction("Lu-177", 1.1 * mass_g) < 1


def test_far_below_the_known_energies_the_range_still_falls() -> None:
    low, lower = csda_range_cm(np.array([0.005, 0.001]))
    assert 0 < lower < low < 2.515e-4


def test_an_outline_too_large_by_a_tenth_changes_the_dose_less_than_the_mass() -> None:
    name = "outline kidney_l"
    tia = Uncertain(3300.0, {name: 0.06 * 3300, "camera calibration": 0.04 * 3300})
    mass = Uncertain(144.0, {name: 0.10 * 144})

    found = self_dose(tia, mass, LU_ENERGY, name="Lu-177").dose_gy

    assert found.parts[name] / found.value == pytest.approx(0.06 - 0.10, abs=0.001)
    assert found.parts["camera calibration"] / found.value == pytest.approx(0.04)
    assert found.parts["electron energy"] / found.value == pytest.approx(0.0015 / 0.1479)


def test_first_order_doubt_agrees_with_throwing_numbers() -> None:
    rng = np.random.default_rng(7)
    z = rng.normal(size=(4, 40_000))
    tia, mass = 3300 * (1 + 0.06 * z[0] + 0.04 * z[1]), 144 * (1 + 0.10 * z[0])
    energy = 0.1479 * (1 + 0.01 * z[2])
    thrown = tia * energy / mass

    first_order = full_absorption_dose(
        Uncertain(3300.0, {"outline": 0.06 * 3300, "calibration": 0.04 * 3300}),
        Uncertain(144.0, {"outline": 14.4}),
        Uncertain(0.1479, {"electron energy": 0.001479}),
    )

    assert first_order.u_rel == pytest.approx(thrown.std() / thrown.mean(), rel=0.05)


@given(st.floats(0.01, 100))
def test_twice_the_activity_twice_the_dose(factor: Any) -> None:
    once = self_dose(exact(1000.0), exact(100.0), LU_ENERGY, name="Lu-177").dose_gy
    more = self_dose(exact(1000.0 * factor), exact(100.0), LU_ENERGY, name="Lu-177").dose_gy

    assert more.value == pytest.approx(factor * once.value)
    assert more.u == pytest.approx(factor * once.u)


@pytest.mark.parametrize("mass_g", [1.0, 10.0, 100.0, 300.0, 1800.0])
def test_the_photon_estimate_agrees_with_monte_carlo_kernels_within_a_tenth(mass_g: Any) -> None:
    ours = photon_estimate("Lu-177", mass_g, 0.147828)
    theirs = absorbed(kernel("Lu-177_photons"), mass_g) / absorbed(
        kernel("Lu-177_electrons"), mass_g
    )

    assert ours == pytest.approx(theirs, rel=0.10)


def test_an_endless_medium_absorbs_every_photon() -> None:
    assert photon_fraction(0.2, 1e9) == pytest.approx(1.0, abs=0.04)
    assert coefficients(0.1) == pytest.approx((0.1707, 0.02546))
    assert coefficients(0.005)[0] > coefficients(0.01)[0]


def test_photons_are_told_and_not_added() -> None:
    found = self_dose(exact(3500.0), exact(150.0), LU_ENERGY, name="Lu-177")

    electrons = full_absorption_dose(exact(3500.0), exact(150.0), exact(0.1479)).value
    assert found.dose_gy.value == pytest.approx(electrons * found.electron_fraction)
    (told,) = photon_notes({"kidney": found.photon_estimate, "lesion": 0.007})
    assert told.code == "I-DOSE-PHOTON"
    assert told.where == "kidney: 2.2 %, lesion: 0.7 %"
    assert "0.7 % to 2.2 %" in told.text


def test_a_pure_beta_emitter_has_no_photon_note() -> None:
    energy = Constant("electron energy of Y-90", 0.9331, "MeV", "test", "V")
    found = self_dose(exact(1.0), exact(10.0), energy, name="Y-90")
    assert photon_notes({"tumour": found.photon_estimate}) == ()


@pytest.mark.parametrize(
    ("tia", "mass", "says"),
    [
        (-1.0, 100.0, "time-integrated activity is -1 MBq h, and must be zero or more"),
        (1.0, 0.0, "the mass is 0 g, and must be above zero"),
        (1.0, 1e-5, "at least 0.001 g"),
    ],
)
def test_what_it_says_of_numbers_that_cannot_be(tia: Any, mass: Any, says: Any) -> None:
    with pytest.raises(InputError, match=says) as caught:
        self_dose(exact(tia), exact(mass), LU_ENERGY, name="Lu-177")
    assert caught.value.code == "E-DOSE-INPUT"


def test_a_nuclide_without_a_table_is_named() -> None:
    with pytest.raises(ReferenceMissing, match=r"No electron absorbed fractions .* Xx-1"):
        electron_fraction("Xx-1", 10.0)


def test_more_mass_means_less_dose_and_electrons_shrink_faster_than_photons() -> None:
    s = scale_self_s(8e-5, 4e-6, reference_g=310.0, mass_g=620.0)

    assert s.electrons == pytest.approx(4e-5)
    assert s.photons == pytest.approx(4e-6 * 0.5 ** (2 / 3))
    assert s.s == pytest.approx(s.electrons + s.photons)
    assert s.notes == ()


@pytest.mark.parametrize("mass_g", [92.0, 940.0])
def test_a_mass_far_from_the_reference_is_warned_of(mass_g: Any) -> None:
    s = scale_self_s(8e-5, 0.0, reference_g=310.0, mass_g=mass_g)
    assert [n.code for n in s.notes] == ["W-MASS-SCALE"]


def test_one_kidney_does_not_meet_the_s_value_of_two() -> None:
    check_pair(table_side="both", patient_side="both", where="kidney")
    check_pair(table_side="left", patient_side="right", where="kidney")
    with pytest.raises(MethodUnfit, match="S value is for the pair and the mass for a single"):
        check_pair(table_side="both", patient_side="left", where="kidney")


def test_the_mird_sum_loses_no_source() -> None:
    tia = {"liver": Uncertain(10.0, {"cal": 1.0}), "kidneys": Uncertain(5.0, {"cal": 0.5})}
    dose = mird_sum(tia, {"liver": 2.0, "kidneys": 3.0})
    assert (dose.value, dose.u) == pytest.approx((35.0, 3.5))
    with pytest.raises(InputError, match="kidneys"):
        mird_sum(tia, {"liver": 2.0})


def test_effective_dose_is_refused_for_therapy_and_passes_for_diagnostics() -> None:
    refuse_effective_dose("FDG PET", therapy=False)
    with pytest.raises(MethodUnfit, match="not a quantity for therapy"):
        refuse_effective_dose("report", therapy=True)
