"""Whole studies whose protocol integrates voxels in each of the three ways, from files to files."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from quimby.report import json as document
from quimby.report import tables
from quimby.report.dicom import rtdose
from quimby.report.rounding import deviation
from quimby.study.document import Study, parse_study
from quimby.study.draft import draft
from quimby.study.result import Result
from quimby.study.run import run
from tests.variants import copy, quick_patient

WAYS = ("region", "one scan", "fit")
SHIPPED = files("quimby.protocols").joinpath("data", "LU-FULL.toml")


@cache
def drafted(folder: Path) -> dict[str, Any]:
    return draft(folder, answers={"residue": "0"}).document


def calculated(folder: Path, way: str) -> Result:
    """The demo patient's folder by LU-FULL with that way of integrating voxels."""
    text = SHIPPED.read_text("utf-8").replace('id = "LU-FULL"', 'id = "OURS"')
    own = f'[calculation]\nvoxels = "{way}"\n'
    (folder / "ours.toml").write_text(text.replace("[calculation]\n", own), "utf-8")
    raw = deepcopy(drafted(folder))
    raw["protocol"] = "ours.toml"
    return run(Study(document=parse_study(raw, where="test"), folder=folder))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """Two scans, at 4 and 24 h, in every way."""
    folder = copy(quick_patient(tmp_path_factory), tmp_path_factory.mktemp("voxels") / "patient")
    return {way: calculated(folder, way) for way in WAYS}


@pytest.mark.parametrize("way", WAYS)
def test_the_mean_of_the_voxels_is_the_regions_dose_whichever_way(
    results: dict[str, Result], way: str
) -> None:
    for row in results[way].regions:
        assert row.dvh is not None
        assert row.dvh.mean_gy == pytest.approx(row.absorbed_dose_gy.value, rel=0.05)


def test_doses_of_regions_do_not_hang_on_their_voxels(results: dict[str, Result]) -> None:
    doses = [[r.absorbed_dose_gy.value for r in results[way].regions] for way in WAYS]
    assert doses[0] == doses[1] == doses[2]


def test_the_pictures_differ_by_the_way(results: dict[str, Result]) -> None:
    found = {}
    for way, result in results.items():
        assert result.pictures is not None
        found[way] = result.pictures.dose.values
        assert np.isfinite(found[way]).all()
        assert found[way].min() >= 0.0
    for one, other in (("region", "fit"), ("region", "one scan"), ("fit", "one scan")):
        apart = np.abs(found[one] - found[other]).max()
        assert apart > 0.01 * found[one].max()


def test_the_trace_says_how_they_were_integrated_and_how_that_closes(
    results: dict[str, Result],
) -> None:
    said = {way: dict(r.trace.methods)["voxels over time"] for way, r in results.items()}
    assert said["region"].startswith("scans summed with the weights of each region's own curve")
    assert said["one scan"].startswith("scan-2 (23.7 h) alone")
    assert said["fit"].startswith("one exponential a voxel")
    assert all("before scaling they differ by" in text for text in said.values())


def test_closure_and_fallback_stand_in_the_result(results: dict[str, Result]) -> None:
    for way, result in results.items():
        rows = json.loads(document.text(result))["regions"]
        assert all(isinstance(r["voxel_closure"], float) for r in rows)
        assert all((r["voxel_fallback"] is not None) == (way == "fit") for r in rows)
    by_region = [r.voxel_closure for r in results["region"].regions]
    assert max(abs(c) for c in by_region if c is not None) < 0.03


def test_what_does_not_close_within_3_percent_is_noted_and_nothing_else(
    results: dict[str, Result],
) -> None:
    for result in results.values():
        off = {r.name for r in result.regions if abs(r.voxel_closure or 0.0) > 0.03}
        told = [n.where for n in result.notes if n.code == "W-VOX-CLOSURE"]
        assert {part.split()[0] for where in told for part in where.split(", ")} == off


def test_the_dicom_dose_is_of_the_same_picture(results: dict[str, Result]) -> None:
    pictures = results["fit"].pictures
    assert pictures is not None
    header = dcmread(pictures.ct_files[0], stop_before_pixels=True)
    data = dcmread(BytesIO(rtdose(pictures.dose, ct=header, version="test")))
    gy = data.pixel_array * float(data.DoseGridScaling)
    assert gy == pytest.approx(pictures.dose.values, abs=2e-3 * pictures.dose.values.max())


def test_the_report_shows_closure_and_what_went_by_rule(results: dict[str, Result]) -> None:
    plain, fitted = tables.dvh(results["region"]), tables.dvh(results["fit"])
    assert plain["head"][-2:] == ["Organ / voxel sum", "Closure"]
    assert fitted["head"][-2:] == ["Closure", "By rule"]
    for row, region in zip(fitted["rows"], results["fit"].regions, strict=False):
        assert len(row) == len(fitted["head"])
        if region.voxel_closure is not None and row[0] == region.name:
            assert row[-2] == deviation(1 + region.voxel_closure, 1)
