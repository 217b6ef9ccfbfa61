"""An outside program: given a folder, it returns drafts, or its failure is told in words."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest

from quimby.core.errors import OutsideError, QuimbyError
from quimby.core.grid import Grid, Image
from quimby.measure.external import Segmenter, outline_with
from quimby.measure.occupancy import region_mask, volume_ml

PROGRAM = """
import sys, time
from pathlib import Path
import SimpleITK as sitk

def labels(ct, out):
    image = sitk.ReadImage(ct)
    body, hard = image > -300, image > 150
    sitk.WriteImage(sitk.Cast(body, sitk.sitkUInt8), out + "/body.nii.gz")
    sitk.WriteImage(sitk.Cast(hard, sitk.sitkUInt8), out + "/bone.nii.gz")

how, *words = sys.argv[1:]
if how == "version":
    print("segmenter 1.2.3")
elif how == "fail":
    print("out of {memory}", file=sys.stderr)
    sys.exit(3)
elif how == "nothing":
    pass
elif how == "sleep":
    Path(words[0]).write_text("started")
    time.sleep(60)
elif how == "moved":
    image = sitk.ReadImage(words[0])
    image.SetOrigin([x + 5.0 for x in image.GetOrigin()])
    sitk.WriteImage(sitk.Cast(image > 150, sitk.sitkUInt8), words[1] + "/bone.nii.gz")
else:
    labels(*words)
"""


@pytest.fixture
def program(tmp_path: Path) -> str:
    folder = tmp_path / "a folder; with $odd signs"
    folder.mkdir()
    file = folder / "segmenter.py"
    file.write_text(PROGRAM)
    return f"'{sys.executable}' '{file}'"


def ct() -> Image:
    affine = np.diag([3.0, 3.0, 5.0, 1.0])
    affine[:3, 3] = (-30.0, -40.0, 100.0)
    array = np.full((10, 20, 20), -1000, dtype=np.int16)
    array[2:9, 4:16, 3:17] = 40
    array[2:9, 12:15, 8:12] = 400
    return Image(Grid((10, 20, 20), affine), array, "HU")


def test_what_a_program_finds_comes_back_as_drafts_with_its_command_and_version(
    program: str,
) -> None:
    segmenter = Segmenter(f"{program} run {{ct}} {{out}}", version_command=f"{program} version")
    found = outline_with(segmenter, ct(), frame_of_reference="1.2.3")
    assert [o.name for o in found.outlines] == ["body", "bone"]
    assert found.version == "segmenter 1.2.3"
    for outline in found.outlines:
        assert (outline.status, outline.machine) == ("draft", True)
        assert outline.frame_of_reference == "1.2.3"
        assert "run {ct} {out}" in outline.origin
        assert "segmenter 1.2.3" in outline.author
    volume = volume_ml(region_mask(found.outlines[1]))
    assert volume == pytest.approx(7 * 3 * 4 * 0.045)


def test_they_lie_where_the_ct_lies(program: str) -> None:
    found = outline_with(Segmenter(f"{program} run {{ct}} {{out}}"), ct(), frame_of_reference="1")
    mask = region_mask(found.outlines[1])
    k, j, i = np.nonzero(mask.values)
    assert mask.grid.points_mm((i.mean(), j.mean(), k.mean())) == pytest.approx(
        ct().grid.points_mm((9.5, 13.0, 5.0)), abs=1e-3
    )
    assert [n.code for n in found.notes] == ["W-SEG-TOOL-VERSION"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("fail {ct} {out}", "E-SEG-TOOL-FAILED", "code 3 and said last: out of {memory}"),
        ("nothing {ct} {out}", "E-SEG-TOOL-EMPTY", "left no NIfTI file"),
        ("moved {ct} {out}", "E-NII-GRID", "do not lie on the grid of the CT"),
        ("run {ct}", "E-SEG-TOOL-COMMAND", "does not hold {out}"),
        ("run {out}", "E-SEG-TOOL-COMMAND", "does not hold {ct}"),
        ("run '{ct} {out}", "E-SEG-TOOL-COMMAND", "cannot be taken apart"),
    ],
)
def test_what_goes_wrong_is_told(program: str, words: str, code: str, says: str) -> None:
    with pytest.raises(QuimbyError) as caught:
        outline_with(Segmenter(f"{program} {words}"), ct(), frame_of_reference="1")
    assert caught.value.code == code
    assert says in str(caught.value)


def test_a_program_that_is_not_installed_is_named() -> None:
    with pytest.raises(OutsideError, match="E-SEG-TOOL-MISSING  The program no-such-segmenter"):
        outline_with(Segmenter("no-such-segmenter -i {ct} -o {out}"), ct(), frame_of_reference="1")


def test_a_program_that_hangs_is_stopped(program: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    segmenter = Segmenter(f"{program} sleep '{mark}' {{ct}} {{out}}", timeout_s=4.0)
    start = time.monotonic()
    with pytest.raises(OutsideError, match="E-SEG-TOOL-TIME"):
        outline_with(segmenter, ct(), frame_of_reference="1")
    assert mark.read_text() == "started"
    assert time.monotonic() - start < 30.0


def test_no_shell_reads_the_command(program: str, tmp_path: Path) -> None:
    victim = tmp_path / "touched"
    segmenter = Segmenter(f"{program} run {{ct}} {{out}} ; touch '{victim}'")
    with pytest.raises(OutsideError):
        outline_with(segmenter, ct(), frame_of_reference="1")
    assert not victim.exists()


def test_only_a_ct_is_sent() -> None:
    counts = Image(ct().grid, ct().array, "counts")
    with pytest.raises(QuimbyError, match="E-IMG-UNIT"):
        outline_with(Segmenter("x {ct} {out}"), counts, frame_of_reference="1")
