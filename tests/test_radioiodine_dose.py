"""Doses of the non-imaging routes against published figures and second ways."""

from __future__ import annotations

from math import log, pi
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.errors import QuimbyError
from quimby.core.source import TAGS
from quimby.core.tables import constants
from quimby.core.uncertain import Uncertain, exact, relative
from quimby.dose import marrow, whole_body
from quimby.dose.blood import BloodDose, blood_dose, blood_dose_one_reading, blood_volume
from quimby.dose.mird import mird_sum
from quimby.dose.thyroid import (
    dose,
    dose_mass_product,
    lesion_tiac_h,
    lobe_volume_ml,
    marinelli_constant,
    mean_energy,
    table,
    target_mass,
)
from quimby.physics.nuclides import LN2, delta_gy_g_per_mbq_h, nuclide

TP = nuclide("I-131").half_life_h.value


def codes(notes: object) -> set[str]:
    return {n.code for n in notes}  # type: ignore[attr-defined]


def test_every_constant_has_a_source_and_a_tag() -> None:
    for row in table().values():
        assert row.source
        assert row.tag in TAGS
    assert constants("quimby.dose", "radioiodine")["RMECFF"].value == 0.19
    assert not table()["blood beta constant"].verified


# Thyroid


@pytest.mark.parametrize(
    ("mass", "energy"), [(2, 2.665), (20, 2.794), (30, 2.825), (60, 2.887), (100, 2.939)]
)
def test_the_mean_energy_is_the_published_one(mass: float, energy: float) -> None:
    found = mean_energy(exact(mass))

    assert found.gy_g_per_mbq_d.value == pytest.approx(energy, abs=5e-4)
    assert found.notes == ()


def test_the_energy_lies_a_few_per_cent_above_the_electrons() -> None:
    electrons = 24 * delta_gy_g_per_mbq_h(0.1919)

    assert electrons == pytest.approx(2.656, abs=0.002)
    assert 1.0 < mean_energy(exact(20)).gy_g_per_mbq_d.value / electrons < 1.1


def test_the_classical_constant_is_a_fixed_energy_of_2_808() -> None:
    assert marinelli_constant(2.808) == pytest.approx(24.685, abs=5e-4)
    assert table()["Marinelli constant"].value / marinelli_constant(2.808) == pytest.approx(
        1.0006, abs=1e-4
    )
    assert marinelli_constant(2.795) == pytest.approx(24.8, abs=5e-3)


@given(mass=st.floats(1, 300), tiac=st.floats(1, 200), activity=st.floats(1, 3000))
def test_the_dose_is_linear_in_activity_and_carries_every_cause(
    mass: float, tiac: float, activity: float
) -> None:
    found = dose(relative(activity, meter=0.03), relative(tiac, uptake=0.1),
                 relative(mass, ultrasound=0.15)).dose_gy  # fmt: skip
    twice = dose(exact(2 * activity), exact(tiac), exact(mass)).dose_gy

    assert twice.value == pytest.approx(2 * found.value)
    assert found.parts["meter"] == pytest.approx(0.03 * found.value)
    assert found.parts["uptake"] == pytest.approx(0.10 * found.value)
    assert found.parts["mean energy per decay"] == pytest.approx(0.02 * found.value)
    root = mass**0.25
    slope = 0.25 * root / (root + 18) - 1  # E grows a little with the mass
    assert found.parts["ultrasound"] == pytest.approx(0.15 * slope * found.value)
    assert found.u >= max(abs(p) for p in found.parts.values())


def test_a_mass_outside_the_known_range_is_told() -> None:
    assert codes(mean_energy(exact(0.5)).notes) == {"W-MASS-EXTRAPOLATED"}
    assert codes(mean_energy(exact(400)).notes) == {"W-MASS-EXTRAPOLATED"}
    assert mean_energy(exact(0.5), model="fixed").notes == ()
    with pytest.raises(QuimbyError, match="E-NUM-NONPOS"):
        mean_energy(exact(0))
    with pytest.raises(QuimbyError, match=r"E-TIAC-RULE .*'olinda'"):
        mean_energy(exact(20), model="olinda")


def test_both_ellipsoid_factors_are_there_and_differ_by_nine_per_cent() -> None:
    lobes = [[5.0, 2.0, 2.0], [4.5, 1.8, 1.9]]
    one, other = target_mass(lobes), target_mass(lobes, factor="Brunn")

    assert one.volume_ml.value == pytest.approx(pi / 6 * 35.39)
    assert one.mass_g.value == pytest.approx(1.05 * pi / 6 * 35.39)
    assert one.volume_ml.value / other.volume_ml.value == pytest.approx(1.093, abs=1e-3)
    assert one.mass_g.u_rel == pytest.approx(0.15)
    assert set(one.mass_g.parts) == {"ultrasound volume"}
    assert other.factor.name == "Brunn factor"


@pytest.mark.parametrize(
    ("lobes", "says"),
    [
        ([[50, 20, 20], [45, 18, 19]], "lies outside 0.5 to 1000 ml"),
        ([[0.5, 0.2, 0.2]], "lies outside 0.5 to 1000 ml"),
        ([[5, -2, 2]], "The lobe's width is -2 cm, and must be above zero"),
        ([[5, 2, float("nan")]], "The lobe's depth is nan cm, which is no finite number"),
    ],
)
def test_millimetres_for_centimetres_and_other_slips_are_named(
    lobes: list[list[float]], says: str
) -> None:
    with pytest.raises(QuimbyError) as caught:
        target_mass(lobes)

    assert says in str(caught.value)
    assert lobe_volume_ml([3, 2, 1]) == pytest.approx(pi)


def test_a_remnant_gets_the_dose_of_its_own_half_life() -> None:
    tiac = lesion_tiac_h(exact(0.0005), exact(80))

    assert tiac.value == pytest.approx(0.04 / LN2)
    assert dose(exact(3700), tiac, exact(2)).dose_gy.value == pytest.approx(11.8555, rel=1e-4)
    product = dose_mass_product(exact(3700), tiac).value
    assert product / 2 == pytest.approx(11.8555, rel=0.06)
    with pytest.raises(QuimbyError, match="E-RIU-RANGE"):
        lesion_tiac_h(exact(5), exact(80))


# Blood


def single(retention: float = 0.1, time_h: float = 48, **extra: Any) -> BloodDose:
    return blood_dose_one_reading(
        exact(retention), time_h, weight_kg=exact(extra.pop("weight", 70)),
        blood_volume_ml=exact(extra.pop("volume", 5000)), half_life_h=TP, **extra,
    )  # fmt: skip


def test_the_published_mean_residences_give_the_published_mean_blood_dose() -> None:
    found = blood_dose(exact(2.9 / 5000), exact(22), exact(70))  # Jentzen 2015, after treatment

    assert found.total_gy_per_gbq.value == pytest.approx(0.09, abs=0.005)
    share = found.beta_gy_per_gbq.value / found.total_gy_per_gbq.value
    assert share == pytest.approx(0.74, abs=0.04)  # its table: 74 +- 4 %


def test_the_blood_constant_is_the_beta_energy_left_in_a_gram_of_blood() -> None:
    mean_beta_mev = 108 / (delta_gy_g_per_mbq_h(1.0) * 1000)

    assert 0.18 < mean_beta_mev < 0.1919  # betas alone, less than all electrons


def test_one_reading_and_the_full_method_agree_when_their_assumption_holds() -> None:
    body_h = -48 / log(0.1)
    full = blood_dose(exact(0.14 * body_h / 5000), exact(body_h), exact(70))

    assert single().total_gy_per_gbq.value == pytest.approx(full.total_gy_per_gbq.value)
    constant = table()["blood beta constant"].value * table()["blood fraction of whole body"].value
    assert constant == pytest.approx(15.12)


def test_the_one_reading_method_is_as_doubtful_as_its_published_deviation() -> None:
    found = single().total_gy_per_gbq

    assert found.u_rel > 0.14  # mean absolute deviation; the standard one is larger
    assert found.parts["one-reading model"] == pytest.approx(0.14 * (pi / 2) ** 0.5 * found.value,
                                                            rel=0.03)  # fmt: skip


def test_the_range_of_blood_fractions_is_shown() -> None:
    found = single()
    told = next(n for n in found.notes if n.code == "W-BLOOD-ONE-READING")

    low, high = (single(blood_fraction=f).total_gy_per_gbq.value for f in (0.11, 0.17))
    assert f"{low:.3g} to {high:.3g} Gy/GBq" in told.text


@pytest.mark.parametrize(
    ("retention", "time_h", "code"),
    [
        (10.0, 48, "E-RETENTION-RANGE"),
        (1.0, 48, "E-RETENTION-RANGE"),
        (0.9, 48, "E-RETENTION-GT-PHYS"),
        (0.3, -1, "E-NUM-NONPOS"),
    ],
)
def test_per_cent_and_decay_corrected_retention_are_named(
    retention: float, time_h: float, code: str
) -> None:
    with pytest.raises(QuimbyError) as caught:
        single(retention, time_h)
    assert caught.value.code == code


def test_outside_its_days_and_weights_the_method_says_so() -> None:
    assert "W-TIME-WINDOW" in codes(single(time_h=72).notes)
    assert "W-TIME-WINDOW" not in codes(single(time_h=20).notes)
    assert "W-MASS-EXTRAPOLATED" in codes(single(weight=25, volume=1750).notes)
    with pytest.raises(QuimbyError, match="E-BLOOD-VOLUME"):
        single(volume=5)  # litres


@pytest.mark.parametrize(
    ("sex", "height", "weight", "formula", "ml"),
    [
        ("M", 175, 75, "Nadler", 1000 * (0.3669 * 1.75**3 + 0.03219 * 75 + 0.6041)),
        ("F", 165, 60, "Nadler", 1000 * (0.3561 * 1.65**3 + 0.03308 * 60 + 0.1833)),
        ("M", 175, 75, "Retzlaff", 31.9 * 175 + 26.3 * 75 - 2402),
        ("F", 165, 60, "Retzlaff", 56.9 * 165 + 14.1 * 60 - 6460),
        ("F", 100, 16, "child", 1120),
    ],
)
def test_blood_volume_formulas(
    sex: str, height: float, weight: float, formula: str, ml: float
) -> None:
    found = blood_volume(sex, height_cm=height, weight_kg=weight, formula=formula)

    assert found.volume_ml.value == pytest.approx(ml)
    assert 0.05 < found.volume_ml.u_rel <= 0.10
    assert codes(found.notes) == {"W-BLOOD-FORMULA"}


def test_metres_for_centimetres_and_unknown_formulas_are_refused() -> None:
    with pytest.raises(QuimbyError, match="E-BLOOD-VOLUME"):
        blood_volume("F", height_cm=1.65, weight_kg=60, formula="Retzlaff")
    with pytest.raises(QuimbyError, match="E-BLOOD-MODEL"):
        blood_volume("X", height_cm=165, weight_kg=60)


# Whole body


@pytest.mark.parametrize("mass", [3.5, 5, 10, 20, 32, 50, 70, 100])
def test_the_mibg_s_value_is_electrons_and_photons_within_its_published_band(mass: float) -> None:
    found = whole_body.cross_check(mass)

    assert 0.97 <= found.ratio <= 1.066  # within 6.6 %; largest at 5 kg
    assert found.together == pytest.approx(
        delta_gy_g_per_mbq_h(0.1919) / (1000 * mass) + 1.88e-5 / mass ** (2 / 3)
    )


def test_at_70_kg_both_ways_agree_to_half_a_per_cent() -> None:
    assert whole_body.cross_check(70, 0.1919).ratio == pytest.approx(0.9962, abs=2e-4)


def test_the_whole_body_dose_carries_the_weight_with_its_exponent() -> None:
    found = whole_body.whole_body_dose(relative(206811.56, counts=0.05), relative(20, scales=0.02))

    assert found.dose_gy.value == pytest.approx(1.755622, rel=1e-5)
    assert found.dose_gy.parts["scales"] == pytest.approx(-0.921 * 0.02 * found.dose_gy.value)
    assert found.dose_gy.parts["counts"] == pytest.approx(0.05 * found.dose_gy.value)
    assert codes(whole_body.s_whole_body(exact(130)).notes) == {"W-MASS-EXTRAPOLATED"}
    assert whole_body.s_whole_body(exact(100)).notes == ()
    with pytest.raises(QuimbyError, match="E-NUM-NONPOS"):
        whole_body.whole_body_dose(exact(0), exact(20))


def test_a_phantoms_s_value_scales_electrons_and_photons_apart() -> None:
    def scaled(mass: Uncertain) -> Uncertain:
        return whole_body.scaled_dose(exact(1000), s_electron=2e-6, s_photon=1e-6, phantom_kg=70,
                                      mass_kg=mass)  # fmt: skip

    assert scaled(exact(70)).value == pytest.approx(3e-3)
    assert scaled(exact(35)).value == pytest.approx(1000 * (4e-6 + 1e-6 * 2 ** (2 / 3)))
    slope = (scaled(exact(50.001)).value - scaled(exact(50)).value) / 0.001
    assert scaled(Uncertain(50, {"scales": 1})).parts["scales"] == pytest.approx(slope, rel=1e-4)


# Marrow


def test_the_marrow_to_blood_ratio_is_the_published_one() -> None:
    found = marrow.marrow_to_blood(Uncertain(0.47, {"haematocrit": 0.02}))

    assert found.value == pytest.approx(0.36, abs=0.002)  # Sgouros 1993
    assert found.parts["haematocrit"] == pytest.approx(found.value * 0.02 / 0.53)
    with pytest.raises(QuimbyError, match="E-HCT-RANGE  A haematocrit of 47") as caught:
        marrow.marrow_to_blood(exact(47))
    assert "not per cent" in caught.value.do


def test_the_patients_marrow_mass_cancels() -> None:
    blood, ratio, s = exact(0.02), exact(0.36), 3e-5

    found = marrow.self_dose_from_blood(blood, ratio, phantom_marrow_kg=1.12, s_gy_per_mbq_h=s)

    for patient_kg in (0.8, 1.5):
        tia = marrow.marrow_tia_mbq_h(blood, ratio, exact(patient_kg)).value
        assert tia * s * 1.12 / patient_kg == pytest.approx(found.value)


def test_an_even_body_gets_its_whole_body_dose_whichever_way_it_is_divided() -> None:
    organs = [marrow.Organ("liver", 1.8, 1.2e-6)]
    rest = marrow.remainder_s(body_kg=70, marrow_kg=1.12, organs=organs, s_body=2.6e-6,
                              s_marrow=3e-5)  # fmt: skip
    per_kg = 10.0  # MBq h/kg everywhere

    found = marrow.marrow_dose(
        exact(1.12 * per_kg * 3e-5), remainder_tia=exact(rest.mass_kg * per_kg), remainder=rest,
        organ_tia={"liver": exact(1.8 * per_kg)}, organs=organs,
    )  # fmt: skip

    assert found.dose_gy.value == pytest.approx(70 * per_kg * 2.6e-6)
    assert set(found.shares_gy) == {"marrow", "remainder", "liver"}
    assert codes(found.notes) == {"W-MARROW-S"}
    assert mird_sum({"a": exact(2)}, {"a": 3}).value == 6


def test_what_cannot_be_is_named() -> None:
    with pytest.raises(QuimbyError, match=r"E-REMAINDER-NEGATIVE .*-10 MBq h"):
        marrow.remainder_tia_mbq_h(exact(100), exact(20), [exact(90)])
    assert marrow.remainder_tia_mbq_h(exact(100), exact(20), [exact(80)]).value == 0
    with pytest.raises(QuimbyError, match="E-S-NEGATIVE"):
        marrow.remainder_s(body_kg=70, marrow_kg=1.12, organs=[], s_body=4e-7, s_marrow=3e-5)
    with pytest.raises(QuimbyError, match="E-MARROW-MASS"):
        marrow.remainder_s(body_kg=1, marrow_kg=1.12, organs=[], s_body=4e-5, s_marrow=3e-5)
    rest = marrow.Remainder(60, 2e-6)
    with pytest.raises(QuimbyError, match="E-DOSE-INPUT"):
        marrow.marrow_dose(exact(1), remainder_tia=exact(1), remainder=rest,
                           organ_tia={"liver": exact(1)}, organs=[])  # fmt: skip
    ill = marrow.marrow_dose(exact(1), remainder_tia=exact(1), remainder=rest, organ_tia={},
                             organs=[], diseased=True)  # fmt: skip
    assert codes(ill.notes) == {"W-MARROW-DISEASE"}


def test_three_vertebrae_stand_for_all_red_marrow() -> None:
    assert marrow.from_lumbar_tia_mbq_h(exact(67)).value == pytest.approx(1000)
    assert marrow.from_lumbar_tia_mbq_h(exact(10), 0.1).value == pytest.approx(100)


def test_a_heavier_patient_gets_less_from_photons_and_the_doubt_of_weight_says_so() -> None:
    def photons(weight: Uncertain) -> Uncertain:
        return blood_dose(exact(6e-4), exact(22), weight).photon_gy_per_gbq

    slope = (photons(exact(70.001)).value - photons(exact(70)).value) / 0.001
    assert slope < 0
    assert photons(Uncertain(70, {"scales": 1.4})).parts["scales"] == pytest.approx(
        1.4 * slope, rel=1e-4
    )
