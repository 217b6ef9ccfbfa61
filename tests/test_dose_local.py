"""The dose picture: closes to its regions, agrees with the organ's dose, refuses mismatches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quimby.core.errors import InputError, MethodUnfit
from quimby.dose.local import (
    RegionTia,
    RegionWeights,
    box_of,
    deposited,
    local_dose,
    sum_of_scans,
    trapezoid_weights,
    voxel_dose,
)
from quimby.physics.nuclides import delta_gy_g_per_mbq_h

DELTA = delta_gy_g_per_mbq_h(0.1479)
SHAPE = (6, 5, 7)
HOURS = (10.0, 40.0)


def scene(seed: int = 1) -> Any:
    """Two scans, a density and two regions that share voxels."""
    rng = np.random.default_rng(seed)
    maps = [rng.random(SHAPE, dtype=np.float32) + 0.1 for _ in HOURS]
    density = rng.uniform(0.9, 1.2, SHAPE)
    a, b = np.zeros(SHAPE), np.zeros(SHAPE)
    a[1:4, 1:4, 1:4], b[3:6, 1:4, 1:4] = 1.0, 1.0
    a[3], b[3] = 0.4 * (a[3] > 0), 0.5 * (b[3] > 0)
    return maps, density, {"a": a, "b": b}


def slow(
    maps: Any, density: Any, occupancy: Any, weights: Any, remainder: Any, voxel_ml: Any
) -> Any:
    """The same voxel by voxel, in plain Python, in double precision."""
    out = np.zeros(SHAPE)
    factors = {}
    for name, occ in occupancy.items():
        held = sum(
            w * float((occ * c).sum()) * voxel_ml
            for w, c in zip(weights[name].hours, maps, strict=True)
        )
        factors[name] = 1.0 if weights[name].tia_mbq_h is None else weights[name].tia_mbq_h / held
    for at in np.ndindex(SHAPE):
        rest = 1 - sum(occ[at] for occ in occupancy.values())
        for i, c in enumerate(maps):
            hours = rest * remainder[i] + sum(
                occ[at] * factors[n] * weights[n].hours[i] for n, occ in occupancy.items()
            )
            out[at] += hours * c[at]
        out[at] *= DELTA / max(density[at], 0.1)
    return out, factors


@given(st.integers(0, 50))
@settings(max_examples=10, deadline=None)
def test_it_agrees_with_a_slow_voxel_by_voxel_sum(seed: Any) -> None:
    maps, density, occupancy = scene(seed)
    weights = {"a": RegionWeights((12.0, 60.0), 300.0), "b": RegionWeights((20.0, 30.0))}
    wanted, factors = slow(maps, density, occupancy, weights, HOURS, 0.11)

    found = voxel_dose(maps, density, occupancy, weights=weights, remainder_hours=HOURS,
                       voxel_ml=0.11, energy_mev=0.1479)  # fmt: skip

    np.testing.assert_allclose(found.dose_gy, wanted, rtol=2e-5)
    assert found.rescale["a"] == pytest.approx(factors["a"], rel=1e-5)
    assert found.rescale["b"] == 1.0


def test_a_region_of_its_own_closes_to_its_recovered_activity() -> None:
    maps, density, occupancy = scene()
    only = {"a": (occupancy["a"] > 0).astype(float)}

    found = voxel_dose(maps, density, only, weights={"a": RegionWeights((12.0, 60.0), 300.0)},
                       remainder_hours=HOURS, voxel_ml=0.11, energy_mev=0.1479)  # fmt: skip

    energy = (found.dose_gy * density * only["a"]).sum() * 0.11  # Gy g
    assert energy / DELTA == pytest.approx(300.0, rel=1e-5)
    assert [n.code for n in found.notes] == ["I-DOSE-LOCAL"]


def test_nothing_is_written_into_what_was_given() -> None:
    maps, density, occupancy = scene()
    before = [m.copy() for m in maps]
    for array in (*maps, density, *occupancy.values()):
        array.flags.writeable = False

    voxel_dose(maps, density, occupancy, weights={n: RegionWeights(HOURS) for n in occupancy},
               remainder_hours=HOURS, voxel_ml=1.0, energy_mev=0.1479)  # fmt: skip

    assert all((m == b).all() for m, b in zip(maps, before, strict=True))


def test_air_is_taken_as_a_tenth_of_water() -> None:
    dose = local_dose(np.array([1.0, 1.0]), np.array([0.001, 1.0]), 0.1479)
    assert dose == pytest.approx([DELTA / 0.1, DELTA])


def test_the_trapezoid_of_a_decaying_voxel_is_near_its_true_area() -> None:
    times, rate = np.linspace(1, 300, 80), np.log(2) / 159.5
    hours = trapezoid_weights(list(times), 159.5)
    assert np.dot(hours, np.exp(-rate * times)) == pytest.approx(1 / rate, rel=1e-3)


def test_weights_of_two_scans_by_hand() -> None:
    hours = trapezoid_weights([10.0, 30.0], 100 * np.log(2))
    assert hours == pytest.approx((10 + 10, 10 + 100))


def test_scans_out_of_order_are_refused() -> None:
    with pytest.raises(InputError, match="step between scans"):
        trapezoid_weights([30.0, 10.0], 159.5)


def test_a_region_with_nothing_to_scale_is_refused() -> None:
    maps, density, occupancy = scene()
    blank = [np.zeros_like(m) for m in maps]
    with pytest.raises(MethodUnfit, match="cannot be spread over") as caught:
        voxel_dose(blank, density, occupancy,
                   weights={n: RegionWeights(HOURS, 5.0) for n in occupancy},
                   remainder_hours=HOURS, voxel_ml=1.0, energy_mev=0.1479)  # fmt: skip
    assert caught.value.where == "a"


def test_maps_on_another_grid_and_lost_weights_are_refused() -> None:
    maps, density, occupancy = scene()
    weights = {n: RegionWeights(HOURS) for n in occupancy}
    more: dict[str, Any] = {"remainder_hours": HOURS, "voxel_ml": 1.0, "energy_mev": 0.1479}
    with pytest.raises(InputError, match=r"scan 2 has shape \(2, 5, 7\)"):
        voxel_dose([maps[0], maps[1][:2]], density, occupancy, weights=weights, **more)
    with pytest.raises(InputError, match="0 weights for no scans"):
        voxel_dose([], density, occupancy, weights=weights, **more)
    with pytest.raises(InputError, match="b has 0 weights for 2 scans"):
        voxel_dose(maps, density, occupancy, weights={"a": RegionWeights(HOURS)}, **more)


def test_a_regions_own_voxels_close_to_its_activity_where_the_picture_shares_its_edge() -> None:
    maps, _, occupancy = scene()
    density = np.full(SHAPE, 1.04)
    weights = {"a": RegionWeights((12.0, 60.0), 300.0), "b": RegionWeights((20.0, 30.0), 50.0)}
    picture = voxel_dose(maps, density, occupancy, weights=weights, remainder_hours=HOURS,
                         voxel_ml=0.11, energy_mev=0.1479)  # fmt: skip

    own = local_dose(picture.rescale["a"] * sum_of_scans(maps, (12.0, 60.0)), density, 0.1479)

    share = occupancy["a"]
    mass_g = share.sum() * 0.11 * 1.04
    mean = (share * own).sum() / share.sum()
    shared = (share * picture.dose_gy).sum() / share.sum()
    assert mean == pytest.approx(300.0 * DELTA / mass_g, rel=1e-6)
    assert shared < 0.98 * mean  # the picture's edge voxels hold the neighbour's part too


def test_maps_integrated_any_way_are_deposited_as_sums_of_scans_are() -> None:
    maps, density, occupancy = scene()
    weights = {"a": RegionWeights((12.0, 60.0), 300.0), "b": RegionWeights((20.0, 30.0), 50.0)}
    more: dict[str, Any] = {"voxel_ml": 0.11, "energy_mev": 0.1479}
    known = voxel_dose(maps, density, occupancy, weights=weights, remainder_hours=HOURS, **more)

    whole = (slice(None),) * 3
    inside = {n: RegionTia(whole, sum_of_scans(maps, w.hours), w.tia_mbq_h)
              for n, w in weights.items()}  # fmt: skip
    found = deposited(sum_of_scans(maps, HOURS), density, occupancy, inside=inside, **more)

    np.testing.assert_allclose(found.dose_gy, known.dose_gy, rtol=1e-5)
    assert found.rescale == pytest.approx(dict(known.rescale))


def test_a_region_without_voxels_is_refused_by_its_name() -> None:
    with pytest.raises(MethodUnfit, match="cannot be spread over") as caught:
        box_of(np.zeros(SHAPE), where="a")
    assert caught.value.where == "a"
