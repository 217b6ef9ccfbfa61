"""Images: resampling, occupancies, masses, overlaps (specification 2)."""

from __future__ import annotations

from typing import Any

import numpy as np

from quimby.core.grid import Image, Rigid
from quimby.core.outline import Outline
from quimby.core.uncertain import Uncertain
from quimby.measure.mass import mass_of_density
from quimby.measure.occupancy import fov_notes, occupancy, volume_ml
from quimby.measure.overlap import dice_of, overlap_notes
from quimby.measure.regions import double_counted
from quimby.measure.registration import check_frame
from quimby.measure.resample import resample
from quimby.physics.materials import DensityCurve, lung_density
from tests.case_a_truth import centred_grid, sphere_mask, sphere_ml
from tests.vectors.naming import name_of
from tests.vectors.registry import vector


@vector("B-IMG-01")
def conserved(given: dict[str, Any]) -> dict[str, Any]:
    old, new = given["grid_mm"][0], given["new_grid_mm"][0]
    n = 12
    fine = round(n * old / new)
    source = np.full((n, n, n), given["total_Bq"] / n**3)
    image = Image(centred_grid((n, n, n), old), source, "Bq")
    after = resample(image, centred_grid((fine, fine, fine), new)).values
    return {"total_Bq": after.sum(), "mean_voxel_ratio": after.mean() / source.mean()}


@vector("B-IMG-02")
def sphere_on_a_grid(given: dict[str, Any]) -> dict[str, Any]:
    grid = centred_grid((12, 12, 12), given["voxel_mm"])
    found = occupancy(sphere_mask(given["diameter_mm"]), grid, Rigid.identity())
    centres = np.linalg.norm(grid.centres_mm(), axis=-1) <= given["diameter_mm"] / 2
    return {
        "analytic_mL": sphere_ml(given["diameter_mm"]),
        "fractional_mask_mL": volume_ml(found),
        "binary_mask_mL": float(centres.sum()) * grid.voxel_ml,
    }


@vector("B-IMG-03")
def mass_by_curve(given: dict[str, Any]) -> dict[str, Any]:
    """Kept back: names are inferred. The curve as pairs, or as two lists."""
    number = name_of(given, "hu", without=("curve", "points", "table", "rho", "nodes"))
    volume_key = name_of(given, "volume", "voxel")
    assert number is not None
    assert volume_key is not None
    rest = {k: v for k, v in given.items() if k not in (number, volume_key)}
    lists = [v for v in rest.values() if isinstance(v, (list, dict))]
    if isinstance(lists[0], dict):
        lists = list(lists[0].values())
    hu, rho = lists[:2] if len(lists) > 1 else zip(*lists[0], strict=True)
    curve = DensityCurve("vector", tuple(hu), tuple(rho), 0.0, "vector", "D")
    density = curve.density(given[number])
    volume = float(given[volume_key])
    mass = mass_of_density(Uncertain(volume), float(np.mean(density))).mass_g.value
    return {"density_g_mL": density.tolist(), "mass_g": mass}


@vector("B-IMG-04")
def lung_mass(given: dict[str, Any]) -> dict[str, Any]:
    density = lung_density(given["mean_HU"])
    found = mass_of_density(Uncertain(given["lung_volume_mL"]), density)
    return {"density_g_mL": density, "mass_g": found.mass_g.value}


@vector("B-IMG-05")
def dice_coefficient(given: dict[str, Any]) -> dict[str, Any]:
    a, b = given["n_A"], given["n_B"]
    value = dice_of(a, b, given["n_intersection"])
    return {"dice": value, "volume_difference": (a - b) / b}


@vector("B-IMG-06")
def another_frame(given: dict[str, Any]) -> dict[str, Any]:
    square = np.array([[0, 0, 0], [9, 0, 0], [9, 9, 0]], dtype=float)
    outline = Outline("kidney", given["rtstruct_FrameOfReferenceUID"], contours=(square,))
    check_frame(outline, given["spect_FrameOfReferenceUID"], given["registration"])
    return {"flag": None}


@vector("B-IMG-07")
def partly_outside(given: dict[str, Any]) -> dict[str, Any]:
    share = _share(given)
    found = fov_notes("kidney", share)
    return {"flag": found[0].code if found else None}


def _share(given: dict[str, Any]) -> float:
    """The share in the field of view, however the vector words it."""
    name = name_of(given, "frac", "inside", "in_fov", "share", "outside", "pct")
    assert name is not None
    part = float(given[name])
    others = [float(v) for k, v in given.items() if k != name and isinstance(v, (int, float))]
    whole = others[0] if others else 100.0 if part > 1.0 else 1.0
    return 1.0 - part / whole if "outside" in name.lower() else part / whole


@vector("B-IMG-08")
def overlapping(given: dict[str, Any]) -> dict[str, Any]:
    sizes = given["voi1"], given["voi2"], given["overlap"]
    found = overlap_notes(*sizes, where="two regions")
    return {"flag": found[0].code, "double_counted_fraction": double_counted(*sizes)}
