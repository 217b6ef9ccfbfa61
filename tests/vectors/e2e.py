"""Digital phantoms from counts to dose (specification 11)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Rigid
from quimby.core.uncertain import Uncertain, exact
from quimby.devices.calibration import activity_from_counts, factor
from quimby.devices.point_spread import blur
from quimby.devices.recovery import RecoveryCurve, recover, sphere_recovery
from quimby.dose.local import local_dose
from quimby.kinetics.fit import fit
from quimby.measure.occupancy import occupancy
from quimby.physics.nuclides import nuclide
from tests.case_a_truth import centred_grid, sphere_mask
from tests.vectors.registry import vector

Float = NDArray[np.float64]


@vector("B-E2E-01")
def counts_to_dose(given: dict[str, Any]) -> dict[str, Any]:
    n, step = given["grid"], given["voxel_mm"]
    grid = centred_grid((n[0], n[1], n[2]), step)
    places = {"sphere1": (-50.0, 0.0, 0.0), "sphere2": (50.0, 0.0, 0.0)}
    inside = {
        name: np.linalg.norm(grid.centres_mm() - at, axis=-1) <= 10 * given[name]["radius_cm"]
        for name, at in places.items()
    }
    inside["background"] = ~(inside["sphere1"] | inside["sphere2"])
    scans = [_counts(given, inside, grid.voxel_ml, t) for t in given["times_h"]]
    return {
        f"D_{name}_Gy": _dose(given, scans, voxels, grid.voxel_ml)
        for name, voxels in inside.items()
    }


def _counts(
    given: dict[str, Any], inside: dict[str, NDArray[np.bool_]], voxel_ml: float, t: float
) -> NDArray[np.float32]:
    per_mbq = given["CF_cps_per_MBq"] * given["sum_projection_time_s"]
    parts = (
        voxels * (given[name]["C0_MBq_mL"] * 2 ** (-t / given[name]["Teff_h"]))
        for name, voxels in inside.items()
    )
    return (sum(parts) * voxel_ml * per_mbq).astype(np.float32)  # type: ignore[no-any-return]


def _dose(
    given: dict[str, Any],
    scans: list[NDArray[np.float32]],
    voxels: NDArray[np.bool_],
    voxel_ml: float,
) -> float:
    camera = factor(exact(given["CF_cps_per_MBq"]), unit="cps/MBq",
                    convention="sum_of_projection_time")  # fmt: skip
    seconds = given["sum_projection_time_s"]
    activity = [
        activity_from_counts(exact(float(s[voxels].sum(dtype=float))), camera, duration_s=seconds)
        for s in scans
    ]
    curve = fit("mono", given["times_h"], activity,
                physical_half_life_h=given["half_life_phys_h"])  # fmt: skip
    per_ml = curve.tia_mbq_h.value / (voxels.sum() * voxel_ml)
    energy = nuclide("Lu-177").electron_mev.value
    return float(local_dose(np.array(per_ml), given["rho_g_mL"], energy))


@vector("B-E2E-02")
def blurred_sphere(given: dict[str, Any]) -> dict[str, Any]:
    diameter = 20.0 * given["sphere1_radius_cm"]
    grid = centred_grid((64, 64, 64), given["voxel_mm"])
    own = occupancy(sphere_mask(diameter), grid, Rigid.identity()).values
    hot, around = given["C_24h_MBq_mL"], given["background_24h_MBq_mL"]
    image = around + blur(own * (hot - around), grid, given["FWHM_mm"])
    apparent = float(np.sum(own * image) / np.sum(own))
    rc = sphere_recovery(diameter, given["FWHM_mm"])
    # A curve that passes through this one recovery: alpha = V for beta such that RC fits.
    volume = np.pi * diameter**3 / 6000.0
    curve = RecoveryCurve(float(volume * (1 / rc - 1)), 1.0)
    corrected = recover(Uncertain(apparent), Uncertain(volume), curve, background=exact(around))
    return {
        "RC": rc,
        "C_apparent_MBq_mL": apparent,
        "C_after_PVC_with_background_MBq_mL": corrected.value.value,
    }
