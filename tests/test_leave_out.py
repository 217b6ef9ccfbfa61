"""A scan that does not tell one region is left out for it, and for it alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quimby import protocols
from quimby.core.errors import MethodUnfit
from quimby.core.grid import Grid, Image
from quimby.measure.partial_volume import Recovery, recover
from quimby.study.curves import region_curves
from quimby.study.voxels import integrate
from tests.test_partial_volume import FWHM, STILL, regions, scene
from tests.variants import one_scan, quick_patient, quimby
from tests.voxel_phantom import PHYSICAL_H, Phantom, protocol, scanned
from tests.voxel_phantom import scene as phantom_scene


def cut_off(*, columns: int) -> Image:
    """The scan of `scene`, its last columns (the patient's left, with the kidney) not seen."""
    whole = scene()
    kept = np.asarray(whole.values)[:, :, : whole.grid.shape[2] - columns]
    grid = Grid((*whole.grid.shape[:2], kept.shape[2]), whole.grid.affine)
    return Image(grid, np.ascontiguousarray(kept), "MBq")


def read(image: Image, *left_out: str) -> Recovery:
    return recover(image, regions(), STILL, fwhm_mm=FWHM, scan="scan-1", left_out=left_out)


@pytest.mark.parametrize("columns", [15, 22])
def test_the_others_are_read_as_if_nothing_were_cut(columns: int) -> None:
    short = cut_off(columns=columns)
    with pytest.raises(MethodUnfit, match=r"E-IMG-FOV.*(.|\n)*kidney, scan-1(.|\n)*leave_out"):
        read(short)
    found = read(short, "kidney")
    assert set(found.regions) == set(found.off_mm) == {"lesion"}
    assert found.regions["lesion"].activity_mbq.value == pytest.approx(6.0, rel=0.02)


def test_a_region_left_out_where_it_could_be_read_changes_no_other() -> None:
    whole, less = read(scene()), read(scene(), "kidney")
    assert set(less.regions) == {"lesion"}
    assert less.regions["lesion"].activity_mbq == whole.regions["lesion"].activity_mbq
    assert less.remainder.activity_mbq.value == whole.remainder.activity_mbq.value
    assert not any("kidney" in n.where for n in less.notes)


def test_the_curve_rests_on_the_other_scans_alone() -> None:
    whole = scanned(Phantom())
    first, second, last = whole.readings
    less = replace(second, recovery=replace(second.recovery, regions={}, off_mm={}))
    for readings, left in (((first, second, last), [24.0, 72.0, 168.0]),
                           ((first, less, last), [24.0, 168.0])):  # fmt: skip
        found = region_curves(replace(whole, readings=readings), {"Kidney_L": "kidney"},
                              protocols.load("LU-FULL"), PHYSICAL_H)["Kidney_L"]  # fmt: skip
        assert [s.time_h for s in found.samples] == left
        assert [w > 0 for w in found.weights_h] == [len(left) == 3 or n != 1 for n in range(3)]


@pytest.mark.parametrize("way", ["region", "one scan", "fit"])
def test_its_voxels_are_summed_without_that_scan(way: str) -> None:
    whole = phantom_scene(Phantom())
    first, second, last = whole.readings
    less = replace(second, recovery=replace(second.recovery, regions={}, off_mm={}))
    readings = (first, less, last)
    quantified = replace(scanned(Phantom()), readings=readings)
    curves = region_curves(quantified, {"Kidney_L": "kidney"}, protocols.load("LU-FULL"),
                           PHYSICAL_H)  # fmt: skip
    found = integrate(replace(whole, readings=readings, curves=curves), protocol(voxels=way))
    assert abs(found.closure["Kidney_L"]) < 0.01


def test_a_region_left_out_of_every_scan_is_refused(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    folder = one_scan(quick_patient(tmp_path_factory), tmp_path / "patient")
    ran = quimby("run", folder, "-o", tmp_path / "out", "--set", "residue=0",
                 "--set", 'scans.scan-1.leave_out=["Kidney_L"]')  # fmt: skip
    assert ran.exit_code == 10
    assert "E-STUDY-KEY" in ran.err
    assert "takes Kidney_L from every scan" in ran.err
