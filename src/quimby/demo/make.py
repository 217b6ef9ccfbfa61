"""Make the patient, scan him, hand over the files: `make_patient` is the demo's own part.

The folder has the layout of any handed-over case: tp1 … tp4, calibration, administration.json.
The truth stands beside the folder, never in it, so that no reader can find it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from math import cos, pi, sin
from pathlib import Path
from typing import Any

import numpy as np

from quimby.core.grid import Image
from quimby.demo.contours import region_contours
from quimby.demo.dicom_objects import Visit
from quimby.demo.patient import Truth, camera_facts, patient_facts, truth
from quimby.demo.phantom import Solid, phantom
from quimby.demo.scanner import (
    acquisition_h,
    ct_grid,
    patient_ct,
    patient_spect,
    recorded,
    source_map,
    with_noise,
)
from quimby.demo.write_dicom import write_ct, write_outlines, write_spect
from quimby.physics.decay import decay_factor, factor_to_start
from quimby.physics.nuclides import nuclide

Progress = Callable[[int, int, str], None]
SEED = 20260302
WORKERS = 2
REFERENCE = 1  # the scan whose CT carries the outlines


def make_patient(folder: Path, *, seed: int = SEED, progress: Progress | None = None) -> Truth:
    """Write the demo patient's DICOM and records into a folder, and truth.json beside it.

    `progress(done, steps, what)` is called after each scan. The same seed gives the same bytes.
    Returns what was put in.
    """
    known = truth(seed)
    tasks: list[tuple[str, Callable[[], None]]] = [
        (f"{scan.id}, {scan.time_h:g} h", lambda n=n: _visit(folder, known, n))  # type: ignore[misc]
        for n, scan in enumerate(known.scans)
    ]
    tasks += [
        ("calibration cylinder", lambda: _commission(folder, "cylinder", seed)),
        ("calibration spheres", lambda: _commission(folder, "spheres", seed)),
    ]
    with ThreadPoolExecutor(WORKERS) as pool:
        running = [pool.submit(work) for _, work in tasks]
        for done, ((what, _), one) in enumerate(zip(tasks, running, strict=True), 1):
            one.result()
            if progress:
                progress(done, len(tasks), what)
    _write_records(folder)
    truth_path(folder).write_text(known.as_json() + "\n", "utf-8")
    return known


def truth_path(folder: Path) -> Path:
    """Where the truth of a folder stands: beside it."""
    return folder.resolve().parent / f"{folder.resolve().name}.truth.json"


def fill_record() -> dict[str, Any]:
    """What was filled into the commissioning phantoms, as the keeper of the camera records it."""
    c = camera_facts()["calibration"]
    return {
        "nuclide": patient_facts()["nuclide"],
        "assayed_at": c["assayed_at"],
        "cylinder_activity_mbq": c["cylinder_activity_mbq"],
        "cylinder_volume_ml": pi * c["cylinder_radius_mm"] ** 2 * c["cylinder_length_mm"] / 1000,
        "cylinder_assay_relative_u": c["cylinder_assay_relative_u"],
        "sphere_concentration_mbq_per_ml": c["sphere_concentration_mbq_per_ml"],
        "sphere_assay_relative_u": c["sphere_assay_relative_u"],
        "spheres": [
            {"diameter_mm": d, "centre_mm": list(at), "volume_ml": pi * d**3 / 6000}
            for d, at in zip(c["sphere_diameters_mm"], _ring(), strict=True)
        ],
        "background": c["background"],
        "planar_sensitivity_cps_per_mbq_per_head": c["planar_sensitivity_cps_per_mbq_per_head"],
    }


def administration_record() -> dict[str, Any]:
    """What was given, as the therapy record holds it."""
    facts = patient_facts()
    names = ("radiopharmaceutical", "nuclide", "administered_at", "administered_mbq",
             "administered_relative_u", "weight_kg", "sex", "cycle")  # fmt: skip
    return {"patient_id": facts["id"]} | {name: facts[name] for name in names}


def commissioning_counts(which: str) -> Image:
    """The "cylinder" or the "spheres" as recorded, before noise."""
    c = camera_facts()["calibration"]
    assayed = datetime.fromisoformat(c["assayed_at"])
    waited = datetime.fromisoformat(c[f"{which}_scanned_at"]) - assayed
    half_life = nuclide(patient_facts()["nuclide"]).half_life_h.value
    left = decay_factor(waited.total_seconds() / 3600, half_life)
    left /= factor_to_start(acquisition_h(), half_life)  # mean over the scan
    return recorded(source_map([(solid, a * left) for solid, a in _sources(which)]))


def _sources(which: str) -> Sequence[tuple[Solid, float]]:
    c = camera_facts()["calibration"]
    if which == "cylinder":
        half = c["cylinder_length_mm"] / 2
        ends = np.array([[0.0, 0.0, 1.0, half], [0.0, 0.0, -1.0, half]])
        sides = np.array([c["cylinder_radius_mm"]] * 2 + [np.inf])
        return [(Solid(np.zeros(3), sides, np.eye(3), ends, None), c["cylinder_activity_mbq"])]
    return [
        (
            Solid(np.array(at), np.full(3, d / 2), np.eye(3), np.empty((0, 4)), None),
            c["sphere_concentration_mbq_per_ml"] * pi * d**3 / 6000,
        )
        for d, at in zip(c["sphere_diameters_mm"], _ring(), strict=True)
    ]


def _ring() -> list[tuple[float, float, float]]:
    """Centres of the spheres, LPS mm."""
    c = camera_facts()["calibration"]
    number, radius = len(c["sphere_diameters_mm"]), c["sphere_ring_mm"]
    angles = (2 * pi * n / number for n in range(number))
    return [(round(radius * cos(a), 2), round(radius * sin(a), 2), 0.0) for a in angles]


def _visit(folder: Path, known: Truth, number: int) -> None:
    scan, here = known.scans[number], folder / f"tp{number + 1}"
    rng = np.random.default_rng([known.seed, number])
    visit = Visit(f"{known.seed}/{scan.id}", "Lu-177 after therapy (invented)", scan.acquired_at)
    counts = with_noise(patient_spect(known, scan), rng)
    write_spect(counts, visit, here / "SPECT.dcm", title="Lu177 SPECT recon", patient=True)
    slices = write_ct(patient_ct(scan, rng), visit, here / "CT")
    if number == REFERENCE:
        _outline(known, visit, here / "RTSTRUCT.dcm", slices)


def _outline(known: Truth, visit: Visit, path: Path, slices: Sequence[Any]) -> None:
    grid = ct_grid()
    heights = grid.points_mm([(0, 0, k) for k in range(grid.shape[0])])[:, 2]
    regions = {
        name: region_contours(phantom(), name, heights)
        for name, region in known.regions.items()
        if region.outlined
    }
    write_outlines(regions, visit, path, grid=grid, slices=slices)


def _commission(folder: Path, which: str, seed: int) -> None:
    at = datetime.fromisoformat(camera_facts()["calibration"][f"{which}_scanned_at"])
    visit = Visit(f"{seed}/{which}", "Lu-177 commissioning (invented)", at)
    rng = np.random.default_rng([seed, 100 + len(which)])
    counts = with_noise(commissioning_counts(which), rng)
    path = folder / "calibration" / which / "SPECT.dcm"
    write_spect(counts, visit, path, title=f"Lu177 {which}", patient=False)


def _write_records(folder: Path) -> None:
    for record, path in (
        (administration_record(), folder / "administration.json"),
        (fill_record(), folder / "calibration" / "fill.json"),
    ):
        path.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
