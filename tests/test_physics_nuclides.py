"""Nuclides and decay: hand values, spellings, and the words of the errors."""

from __future__ import annotations

import itertools
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from quimby.core.errors import InputError, ReferenceMissing
from quimby.core.uncertain import Uncertain
from quimby.physics import decay, nuclides

LU = nuclides.nuclide("Lu-177")


def test_one_gbq_of_lu177_leaves_19_63_gy_in_a_kilogram() -> None:
    dose = nuclides.gy_kg_per_gbq(LU.half_life_h.value, LU.charged_mev)
    assert dose == pytest.approx(19.63, abs=0.005)
    assert nuclides.delta_gy_g_per_mbq_h(LU.charged_mev) == pytest.approx(0.08531, abs=5e-6)


def test_lu177_rests_on_values_seen_in_print() -> None:
    assert LU.half_life_h.value == pytest.approx(6.647 * 24)
    assert all(constant.verified for constant in LU.constants)


@pytest.mark.parametrize("name", nuclides.registry())
def test_each_nuclide_is_whole(name: str) -> None:
    one = nuclides.registry()[name]
    assert one.half_life_h.value > 0
    assert one.charged_mev > 0
    assert all(constant.source and constant.value >= 0 for constant in one.constants)
    photons = sum(line.energy_mev * line.per_decay for line in one.photons)
    assert photons <= one.photon_mev.value + 1e-9
    assert nuclides.canonical(name) == name


@pytest.mark.parametrize(
    ("name", "constant"),
    [("Y-90", 49.77), ("I-131", 30.71), ("Tb-161", 27.93), ("Ac-225", 5626), ("Pb-212", 77.03)],
)
def test_whole_decay_agrees_with_the_printed_table(name: str, constant: float) -> None:
    one = nuclides.nuclide(name)
    found = nuclides.gy_kg_per_gbq(one.half_life_h.value, one.charged_mev)
    assert found == pytest.approx(constant, rel=2e-3)


@pytest.mark.parametrize(
    "text",
    ["Lu-177", "177Lu", "Lu177", "^177^Lutetium", "177LU", "lu177", "447553000", "C-101ED",
     "[177Lu]Lu-PSMA-617", "177Lu-DOTATATE", "Lu-177 DOTATATE", "Lutetium-177"],
)  # fmt: skip
def test_lu177_is_known_however_a_file_spells_it(text: str) -> None:
    assert nuclides.canonical(text) == "Lu-177"


@pytest.mark.parametrize("text", ["^99m^Technetium", "99mTc", "Tc99m", "Technetium Tc-99m"])
def test_the_m_of_technetium_belongs_to_its_number(text: str) -> None:
    assert nuclides.canonical(text) == "Tc-99m"


@pytest.mark.parametrize("text", ["Lu-176", "Lu-177m", "", "177", "DOTATATE"])
def test_an_unknown_nuclide_never_passes_for_another(text: str) -> None:
    with pytest.raises(ReferenceMissing, match="E-NUC-UNKNOWN"):
        nuclides.nuclide(text)


def test_a_near_name_is_offered() -> None:
    with pytest.raises(ReferenceMissing, match=r"did you mean Lu-177\?"):
        nuclides.nuclide("Lu-176")


def test_no_two_nuclides_share_a_code() -> None:
    codes = [code for one in nuclides.registry().values() for code in one.codes]
    assert len(codes) == len(set(codes))


@given(st.floats(1e-6, 50.0), st.floats(0.5, 5000.0))
def test_decay_during_a_scan_agrees_with_plain_quadrature(
    duration: float, half_life: float
) -> None:
    mean = quad(lambda t: exp(-log(2) * t / half_life), 0, duration)[0] / duration
    assert decay.factor_to_start(duration, half_life) == pytest.approx(1 / mean, rel=1e-9)


@given(st.floats(1e-12, 50.0))
def test_the_middle_of_a_scan_lies_between_its_start_and_end(duration: float) -> None:
    middle = decay.factor_to_middle(duration, 10.0)
    assert middle == pytest.approx(
        decay.factor_to_start(duration, 10.0) * 2 ** (-duration / 20), rel=1e-12
    )
    assert middle <= 1.0 + 1e-12


def _net(
    assay: float, residuals: list[decay.Residual] | None, administered_h: float = 1.0
) -> decay.NetActivity:
    return decay.net_administered(
        Uncertain(assay, {"calibrator": 0.02 * assay}),
        residuals,
        assay_h=0.0,
        administered_h=administered_h,
        half_life_h=159.528,
    )


def test_one_calibrator_reads_syringe_and_residual_so_its_doubt_is_of_their_difference() -> None:
    left = decay.Residual(Uncertain(1000.0, {"calibrator": 20.0}), 1.0)
    found = _net(7000.0, [left])
    assert found.activity_mbq.u_rel == pytest.approx(0.02)
    assert found.notes == ()


def test_a_quarter_left_behind_blocks_the_signature() -> None:
    found = _net(7000.0, [decay.Residual(Uncertain(1800.0), 1.0)])
    assert [n.code for n in found.notes] == ["S-RES-HIGH"]
    assert found.residual_fraction == pytest.approx(1800 / (7000 * 2 ** (-1 / 159.528)))


def test_a_residual_read_later_was_more_at_the_administration() -> None:
    found = _net(7000.0, [decay.Residual(Uncertain(50.0), 1.0 + 159.528)])
    assert found.activity_mbq.value == pytest.approx(7000 * 2 ** (-1 / 159.528) - 100)


def test_an_unmeasured_residual_costs_one_percent_and_says_so() -> None:
    found = _net(7000.0, None)
    assert [n.code for n in found.notes] == ["I-RES-ASSUMED0"]
    assert dict(found.activity_mbq.budget())["residual not measured"] == pytest.approx(
        0.01 * found.activity_mbq.value
    )


@pytest.mark.parametrize(
    ("assay", "residual", "hours", "says"),
    [
        (0.0, 0.0, 1.0, "The assayed activity is 0 MBq."),
        (10.0, -1.0, 1.0, "The residual is -1 MBq."),
        (10.0, 11.0, 1.0, "The net activity is -1"),
        (10.0, 0.0, 1200.0, "7.5 half-lives lie between the assay and its use"),
    ],
)
def test_what_a_wrong_activity_is_told(
    assay: float, residual: float, hours: float, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        _net(assay, [decay.Residual(Uncertain(residual), hours)], hours)
    assert says in str(caught.value)


def test_times_that_are_not_above_zero_are_refused() -> None:
    for duration, half_life in itertools.product([0.0, -1.0, float("nan")], [10.0]):
        with pytest.raises(InputError, match="E-DEC-DURATION"):
            decay.factor_to_start(duration, half_life)
    with pytest.raises(InputError, match="E-DEC-DURATION"):
        decay.decay_factor(1.0, 0.0)
