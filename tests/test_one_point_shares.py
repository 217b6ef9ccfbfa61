"""One scan against simulated patients: shares in closed form, and what the intervals hold."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.one_point_shares import (
    KIDNEY,
    ONE_SCAN,
    PUBLISHED,
    READING_U,
    SHARES,
    WIDE,
    WORLDS,
    Population,
    coverage,
    hanscheid_share,
    madsen_share,
    map_share,
    map_tia,
    population_of,
    simulated_share,
)

from quimby.core.uncertain import Uncertain
from quimby.kinetics.fit import fit


@pytest.mark.parametrize("time", [24.0, 48.0, 72.0, 96.0, 168.0])
@pytest.mark.parametrize("name", ["Hänscheid", "Madsen"])
def test_as_many_patients_are_off_by_ten_percent_as_the_closed_form_says(
    name: str, time: float
) -> None:
    assert simulated_share(name, time, KIDNEY, 400) == pytest.approx(
        SHARES[name](time, KIDNEY), abs=0.015
    )


def test_the_map_too() -> None:
    found = simulated_share("MAP", 96.0, KIDNEY, 150)
    assert found == pytest.approx(map_share(96.0, KIDNEY), abs=0.03)


def test_the_maps_value_is_the_fits() -> None:
    reading = Uncertain(33.0, {"counts": READING_U * 33})
    found = fit("mono", [96.0], [reading], priors=[KIDNEY.half_life(), KIDNEY.amplitude()])
    assert map_tia(96.0, reading, KIDNEY) == pytest.approx(found.tia_mbq_h.value, rel=1e-9)


def test_a_map_that_knows_no_uptake_is_the_population_method() -> None:
    free = Population(51, 0.18, amplitude_sd_ln=50.0)
    assert map_share(96.0, free) == pytest.approx(madsen_share(96.0, free), abs=0.003)


def test_the_population_behind_the_published_shares() -> None:
    found = population_of(PUBLISHED["Hänscheid"], PUBLISHED["Madsen"], time_h=96, start_h=50)
    assert (found.median_h, found.sd_ln) == pytest.approx((46.26, 0.1911), rel=1e-3)
    random = np.random.default_rng(1).standard_normal(200_000)
    x = 96 / (found.median_h * np.exp(found.sd_ln * random))
    assert np.mean(2 * x / 2**x < 0.9) == pytest.approx(0.20, abs=0.004)
    assert hanscheid_share(96, found) == pytest.approx(0.20)


@pytest.mark.parametrize("scheme", [s for s in ONE_SCAN if not s.name.startswith("MAP")],
                         ids=lambda s: s.name)  # fmt: skip
def test_intervals_of_one_scan_hold_95_of_100_matched_patients(scheme: object) -> None:
    found = coverage(scheme, WORLDS[0], WIDE, count=250)  # type: ignore[arg-type]
    assert 0.91 <= found.without_least <= 0.99  # 95 % +- 3 standard deviations of 250
    assert found.stated >= found.without_least


@pytest.mark.parametrize("world", WORLDS[1:], ids=lambda w: w.name)
def test_and_ninety_of_others_at_the_planned_time(world: object) -> None:
    scheme = next(s for s in ONE_SCAN if s.name == "Madsen, 96 h")
    assert coverage(scheme, world, KIDNEY, count=200).stated >= 0.88  # type: ignore[arg-type]
