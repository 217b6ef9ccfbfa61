"""One scan and few scans against simulated patients: shares, and what the intervals hold."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks import few_scans_coverage as few
from benchmarks.kidney_scans import (
    DRAWS,
    KIDNEY_MBQ,
    Amiss,
    Fault,
    read,
    readings,
    shifted,
)
from benchmarks.one_point_shares import (
    KIDNEY,
    PUBLISHED,
    READING_U,
    SHARES,
    Population,
    hanscheid_share,
    madsen_share,
    map_share,
    map_tia,
    population_of,
    simulated_share,
    tias,
)

from quimby.core.uncertain import Uncertain
from quimby.kinetics.fit import fit
from quimby.kinetics.one_point import population_half_life_tia


@pytest.mark.parametrize("time", [24.0, 48.0, 72.0, 96.0, 168.0])
@pytest.mark.parametrize("name", ["Hänscheid", "Madsen", "MAP"])
def test_as_many_patients_are_off_by_ten_percent_as_the_closed_form_says(
    name: str, time: float
) -> None:
    assert simulated_share(name, time, KIDNEY, 2000) == pytest.approx(
        SHARES[name](time, KIDNEY), abs=0.01
    )


def test_the_maps_value_is_the_fits_and_the_tables() -> None:
    reading = Uncertain(33.0, {"counts": READING_U * 33})
    found = fit("mono", [96.0], [reading], priors=[KIDNEY.half_life(), KIDNEY.amplitude()])
    assert map_tia(96.0, reading, KIDNEY) == pytest.approx(found.tia_mbq_h.value, rel=1e-9)
    row = tias("MAP", 96.0, np.array([20.0, 33.0, 60.0]), KIDNEY)
    assert row[1] == pytest.approx(found.tia_mbq_h.value, rel=1e-6)


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


def test_a_drawn_scan_is_read_right_and_its_causes_are_the_products() -> None:
    found = read(Amiss(), 1.0).activity_mbq
    assert found.value == pytest.approx(KIDNEY_MBQ, rel=0.006)  # voxels at the edge
    assert set(found.parts) == {
        "camera calibration", "point spread", "outline kidney", "background model",
        "registration, this scan", "counts, kidney, this scan", "repeatability, kidney, this scan",
    }  # fmt: skip


def test_readings_scatter_as_they_say() -> None:
    random = np.random.default_rng(3)
    rows = [readings(np.array([30.0]), Fault(), random)[0] for _ in range(1000)]
    off = np.array([r.value for r in rows]) / 30 - 1
    assert np.std(off) == pytest.approx(np.median([r.u_rel for r in rows]), rel=0.08)
    assert abs(np.mean(off)) < 0.006


def test_displaced_scans_are_read_low_and_no_less_sure_than_they_say() -> None:
    once = shifted(1.0, 1.0)
    assert len(once.ratios) == DRAWS
    named = [parts["registration, this scan"] for parts in once.parts]
    counts = [parts["counts, kidney, this scan"] for parts in once.parts]
    rms = np.sqrt(np.mean((once.ratios - 1) ** 2))
    assert rms < 1.5 * np.hypot(np.mean(named), np.mean(counts))


ONE_SCAN = [("Hänscheid", 48.0), ("Hänscheid", 72.0), ("Madsen", 72.0), ("Madsen", 96.0),
            ("MAP", 72.0)]  # fmt: skip


@pytest.mark.parametrize(("way", "time"), ONE_SCAN)
def test_the_interval_of_one_scan_without_its_least_doubt_holds_95_of_100_patients(
    way: str, time: float
) -> None:
    found = few.coverage(few.one_scan(way, time, few.WIDE), few.ONE_PHASE, few.WIDE, count=2000)
    assert found.bare == pytest.approx(0.95, abs=0.015)  # 3 standard deviations of 2,000
    assert found.stated >= found.bare


@pytest.mark.parametrize("way", ["Hänscheid", "Madsen", "MAP"])
def test_the_table_over_readings_is_the_method_itself(way: str) -> None:
    scheme = few.one_scan(way, 72.0, few.WIDE)
    rows = [[Uncertain(y, {"a": u * y, "b": 0.03 * y})] for y in (9.0, 27.0)
            for u in (0.02, 0.04)]  # fmt: skip
    direct, table = few.directly(scheme, rows), few.tabled(scheme, rows)
    assert table.value == pytest.approx(direct.value, rel=2e-4)
    assert table.bare_rel == pytest.approx(direct.bare_rel, rel=2e-2)


@pytest.mark.parametrize("world", [*few.WORLDS, *few.BEYOND], ids=lambda w: w.name)
def test_ninety_of_other_patients_at_the_planned_time(world: few.World) -> None:
    scheme = few.one_scan("Madsen", 96.0, KIDNEY)
    assert few.coverage(scheme, world, KIDNEY, count=1000).stated >= 0.90


def test_two_scans_hold_95_of_100_patients_with_the_populations_uptake() -> None:
    scheme = next(s for s in few.SEVERAL if s.name == "two points, 24, 168 h")
    found = few.coverage(scheme, few.AS_TOLD, KIDNEY, count=1000)
    assert 0.93 <= found.stated <= 0.98


def test_the_planned_curve_holds_them() -> None:
    scheme = next(s for s in few.SEVERAL if s.name == "planned curve, 24, 72, 168 h")
    assert few.coverage(scheme, few.AS_TOLD, KIDNEY, count=60).stated >= 0.88


def test_a_line_fails_outside_its_band() -> None:
    one = few.one_scan("Madsen", 96.0, KIDNEY)

    def passes(world: few.World, stated: float, bare: float, scheme: few.Scheme = one) -> bool:
        return few.Line(scheme, world, KIDNEY, few.Coverage(0, 0.1, stated, bare, 9)).passes

    assert passes(few.ONE_PHASE, 0.99, 0.95)
    assert not passes(few.ONE_PHASE, 0.99, 0.985)
    assert not passes(few.ONE_PHASE, 0.95, 0.915)
    assert passes(few.WORLDS[1], 0.91, 0.80)
    assert not passes(few.BEYOND[0], 0.89, 0.80)
    assert passes(few.BEYOND[0], 0.80, 0.80, few.SEVERAL[0])
    assert not passes(few.WORLDS[1], 0.89, 0.95)


def test_a_one_sided_population_needs_more_than_the_sum_of_squares() -> None:
    random = np.random.default_rng(8)
    true = 51 * np.exp(0.18 * random.standard_normal(40_000))
    seen = 80 * 2 ** (-72 / true) * (1 + 0.04 * random.standard_normal(40_000))
    found = population_half_life_tia(
        Uncertain(30.0, {"counts": 0.04 * 30}), 72, KIDNEY.half_life()
    ).tia_mbq_h
    own = Uncertain(1.0, {c: p / found.value for c, p in found.parts.items()
                          if c in ("counts", KIDNEY.half_life().cause)})  # fmt: skip
    low, high = own.interval()
    ratios = 80 * true / np.log(2) / (seen * found.value / 30.0)
    assert np.mean((low <= ratios) & (ratios <= high)) == pytest.approx(0.95, abs=0.004)
