"""Make the patient, scan him, hand over the files: `make_patient` is the demo's own part.

The folder has the layout of any handed-over case: tp1 … tp4, calibration, administration.json.
The truth stands beside the folder, never in it, so that no reader can find it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from math import cos, pi, sin
from pathlib import Path
from typing import Any

import numpy as np

from quimby.core.grid import Image
from quimby.demo.contours import region_contours
from quimby.demo.dicom_objects import Visit, phantom_facts
from quimby.demo.level_one import write_study
from quimby.demo.patient import SEED, Patient, ScanTruth, Truth, camera_facts, truth
from quimby.demo.phantom import Solid
from quimby.demo.planar_camera import counted_views, dish_views, empty_views, patient_views
from quimby.demo.scanner import (
    acquisition_h,
    ct_grid,
    patient_ct,
    patient_spect,
    recorded,
    source_map,
    spect_grid,
    widened,
    with_noise,
)
from quimby.demo.write_dicom import write_ct, write_outlines, write_spect
from quimby.demo.write_planar import write_planar
from quimby.physics.decay import decay_factor, factor_to_start
from quimby.physics.nuclides import nuclide
from quimby.protocols import load

Progress = Callable[[int, int, str], None]
FULL = "LU-FULL"
WORKERS = 2


def make_patient(
    folder: Path, *, protocol: str = FULL, seed: int = SEED, progress: Progress | None = None
) -> Truth:
    """Write the DICOM and records of a made-up patient into a folder, and truth.json beside it.

    The patient is that of the protocol's therapy, the scans those the protocol asks for; at level 1
    there are none, and a study document says what was given.
    `progress(done, steps, what)` is called after each. The same seed gives the same bytes.
    Returns what was put in. Raises what `truth` raises.
    """
    asked = load(protocol)
    known = truth(asked, seed)
    if asked.level == 1:
        write_study(folder / "study.toml", known)
    else:
        _scan(folder, known, progress)
        _write_records(folder, known.patient)
    truth_path(folder).write_text(known.as_json() + "\n", "utf-8")
    return known


def _scan(folder: Path, known: Truth, progress: Progress | None) -> None:
    """Every scan and calibration, two at a time."""
    tasks = _tasks(folder, known)
    with ThreadPoolExecutor(WORKERS) as pool:
        running = [pool.submit(work) for _, work in tasks]
        for done, ((what, _), one) in enumerate(zip(tasks, running, strict=True), 1):
            one.result()
            if progress:
                progress(done, len(tasks), what)


def _tasks(folder: Path, known: Truth) -> list[tuple[str, Callable[[], None]]]:
    """Every scan and calibration, by its name."""
    tasks: list[tuple[str, Callable[[], None]]] = [
        (f"{scan.id}, {scan.time_h:g} h", partial(_visit, folder, known, n))
        for n, scan in enumerate(known.scans)
    ]
    tasks += [
        (f"{pair.id}, {pair.time_h:g} h", partial(make_planar, folder, known, n))
        for n, pair in enumerate(known.planars)
    ]
    phantoms = ("cylinder", "spheres", *(("dish",) if known.planars else ()))
    return [*tasks, *((f"calibration {one}", partial(_commission, folder, one, known.seed))
                      for one in phantoms)]  # fmt: skip


def truth_path(folder: Path) -> Path:
    """Where the truth of a folder stands: beside it."""
    return folder.resolve().parent / f"{folder.resolve().name}.truth.json"


def fill_record() -> dict[str, Any]:
    """What was filled into the commissioning phantoms, as the keeper of the camera records it."""
    c = camera_facts()["calibration"]
    return {
        "nuclide": c["nuclide"],
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


def administration_record(who: Patient) -> dict[str, Any]:
    """What was given, as the therapy record holds it."""
    facts = who.facts
    names = ("radiopharmaceutical", "nuclide", "administered_at", "administered_mbq",
             "administered_relative_u", "weight_kg", "sex", "cycle")  # fmt: skip
    return {"patient_id": facts["id"]} | {name: facts[name] for name in names}


def commissioning_counts(which: str) -> Image:
    """The "cylinder" or the "spheres" as recorded, before noise."""
    c = camera_facts()["calibration"]
    assayed = datetime.fromisoformat(c["assayed_at"])
    waited = datetime.fromisoformat(c[f"{which}_scanned_at"]) - assayed
    half_life = nuclide(c["nuclide"]).half_life_h.value
    left = decay_factor(waited.total_seconds() / 3600, half_life)
    left /= factor_to_start(acquisition_h(), half_life)  # mean over the scan
    held = [(solid, a * left) for solid, a in _sources(which)]
    return recorded(source_map(held, grid=widened(spect_grid(c["slices"]))))


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
    rng = np.random.default_rng([known.seed, *_marks(known, "spect", scan)])
    visit = _of_patient(known, scan)
    counts = with_noise(patient_spect(known, scan), rng)
    write_spect(counts, visit, here / "SPECT.dcm", title="Lu177 SPECT recon")
    slices = write_ct(patient_ct(known.patient, scan, rng), visit, here / "CT")
    if number == known.outlined:
        _outline(known, visit, here / "RTSTRUCT.dcm", slices)


def _of_patient(known: Truth, scan: ScanTruth) -> Visit:
    key = f"{known.seed}/{known.protocol}/{scan.id}"
    about = known.patient.facts
    return Visit(key, "Lu-177 after therapy (invented)", scan.acquired_at, about, given=True)


def _marks(known: Truth, kind: str, scan: ScanTruth) -> tuple[int, ...]:
    """The scan's own number among all that could be taken: it seeds the noise."""
    rows = known.patient.facts[kind]
    return (next(n for n, row in enumerate(rows) if row["id"] == scan.id),)


def _outline(known: Truth, visit: Visit, path: Path, slices: Sequence[Any]) -> None:
    grid, body = ct_grid(known.patient.ct_slices), known.patient.body
    heights = grid.points_mm([(0, 0, k) for k in range(grid.shape[0])])[:, 2]
    regions = {
        name: region_contours(body, name, heights)
        for name, region in known.regions.items()
        if region.outlined
    }
    write_outlines(regions, visit, path, grid=grid, slices=slices)


def make_planar(folder: Path, known: Truth, number: int) -> None:
    """Write one planar pair of a patient."""
    pair = known.planars[number]
    rng = np.random.default_rng([known.seed, 50, *_marks(known, "planar", pair)])
    views = counted_views(patient_views(known, pair), rng)
    write_planar(views, _of_patient(known, pair), folder / f"planar{number + 1}" / "PLANAR.dcm",
                 title="Lu177 planar, front and back")  # fmt: skip


def _commission(folder: Path, which: str, seed: int) -> None:
    here = folder / "calibration" / which
    if which == "dish":
        make_dish(here, seed)
        return
    visit, rng = _of_phantom(which, seed)
    counts = with_noise(commissioning_counts(which), rng)
    write_spect(counts, visit, here / "SPECT.dcm", title=f"Lu177 {which}")


def make_dish(here: Path, seed: int) -> None:
    """Write a Petri dish in air before both heads, and the empty room."""
    visit, rng = _of_phantom("dish", seed)
    for number, (name, views) in enumerate((("DISH", dish_views()), ("EMPTY", empty_views())), 1):
        write_planar(counted_views(views, rng), visit, here / f"{name}.dcm",
                     title=f"Lu177 {name.lower()}", number=number)  # fmt: skip


def _of_phantom(which: str, seed: int) -> tuple[Visit, np.random.Generator]:
    at = datetime.fromisoformat(camera_facts()["calibration"][f"{which}_scanned_at"])
    visit = Visit(f"{seed}/{which}", "Lu-177 commissioning (invented)", at, phantom_facts())
    return visit, np.random.default_rng([seed, 100 + len(which)])


def _write_records(folder: Path, who: Patient) -> None:
    for record, path in (
        (administration_record(who), folder / "administration.json"),
        (fill_record(), folder / "calibration" / "fill.json"),
    ):
        path.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
