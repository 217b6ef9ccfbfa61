"""`quimby outline`: what it writes reads back as it was, says how it was made, and is judged."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from quimby.core.grid import Grid, Rigid
from quimby.devices.point_spread import blur
from quimby.measure.dicom import read_outline_file
from quimby.measure.occupancy import occupancy, region_mask, volume_ml
from quimby.study.outline_state import boundary_notes, making_constants, state_notes
from tests.dicom_builder import AXIAL, ct, item, save, spect
from tests.variants import Ran, quimby

STEP = 4.0
ORIGIN = (-50.0, -50.0, -50.0)
HOT = (6.0, -2.0, 1.0)
FWHM = ("--fwhm", "9 mm")
AT = ("--at", "6,-2,1", "--reach", "25 mm")


def grid() -> Grid:
    affine = np.diag([STEP, STEP, STEP, 1.0])
    affine[:3, 3] = ORIGIN
    return Grid((26, 26, 26), affine)


def uptake() -> np.ndarray[Any, Any]:
    """A ball of 28 mm, hot, and a box at the image's end, blurred by 9 mm."""
    centres = grid().centres_mm()
    ball = np.linalg.norm(centres - np.array(HOT), axis=-1) <= 14.0
    edge = (centres[..., 2] < -42.0) & (np.abs(centres[..., :2] - 30.0) < 10.0).all(axis=-1)
    return np.asarray(1000.0 * blur(1.0 * ball + 1.0 * edge, grid(), 9.0))


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with SPECT.dcm and CT/, of one frame of reference."""
    folder = tmp_path_factory.mktemp("outlined")
    head = item(ImagePositionPatient=list(ORIGIN), ImageOrientationPatient=AXIAL)
    scan = spect(np.rint(uptake()).astype("u2"), PixelSpacing=[STEP, STEP], SliceThickness=STEP,
                 SpacingBetweenSlices=STEP, DetectorInformationSequence=[head],
                 SeriesInstanceUID="1.2.3.77")  # fmt: skip
    save(folder, scan)[0].rename(folder / "SPECT.dcm")
    slices = ct(26)
    for k, data in enumerate(slices):
        body = np.full((26, 26), 24, dtype="i2")
        body[4:22, 3:23] = 1024 + 40
        data.Rows, data.Columns, data.PixelSpacing = 26, 26, [STEP, STEP]
        data.PixelData, data.SliceThickness = body.tobytes(), STEP
        data.ImagePositionPatient = [ORIGIN[0], ORIGIN[1], ORIGIN[2] + STEP * k]
        data.SeriesInstanceUID = "1.2.3.78"
    save(folder / "CT", *slices)
    return folder


def threshold(patient: Path, *words: str | Path, name: str = "Lesion 1") -> Ran:
    return quimby("outline", "threshold", patient / "SPECT.dcm", "--name", name, *words)


def written(file: Path) -> dict[str, Any]:
    return {o.name: o for o in read_outline_file(file).outlines}


def on_scan(outline: Any) -> np.ndarray[Any, Any]:
    return occupancy(region_mask(outline), grid(), Rigid.identity()).values


def test_an_adaptive_outline_reads_back_with_its_size_tool_and_image(
    patient: Path, tmp_path: Path
) -> None:
    file = tmp_path / "o.dcm"
    ran = threshold(patient, "--adaptive", *AT, *FWHM, "-o", file)
    assert ran.exit_code == 0, ran.err
    (found,) = written(file).values()
    assert volume_ml(region_mask(found)) == pytest.approx(np.pi / 6 * 2.8**3, rel=0.1)
    assert (found.status, found.machine, found.frame_of_reference) == (
        "draft", False, str(dcmread(patient / "SPECT.dcm").FrameOfReferenceUID))  # fmt: skip
    made = found.made
    assert made.tool == "adaptive threshold"
    assert made.program.startswith("Quimby ")
    assert "series 1.2.3.77" in made.image
    assert made.parameters["point spread"] == "9 mm"
    assert made.edge_u_mm > 0.1
    assert [c.name for c in making_constants([found])] == [
        "threshold, share of the maximum", "threshold, doubt of the level",
        "smallest diameter for a threshold, in widths of the blur"]  # fmt: skip
    assert made.constants[0].value == 0.41
    assert made.constants[0].tag == "M"


def test_the_file_says_what_the_terminal_said(patient: Path, tmp_path: Path) -> None:
    file = tmp_path / "o.dcm"
    ran = threshold(patient, "--share", "50%", *AT, *FWHM, "-o", file)
    segment = dcmread(file).SegmentSequence[0]
    assert segment.SegmentAlgorithmType == "SEMIAUTOMATIC"
    assert segment.SegmentDescription in ran.out
    assert "W-SEG-FIXED" in ran.out
    parameters = segment.SegmentationAlgorithmIdentificationSequence[0].AlgorithmParameters
    assert "share = 0.5" in parameters
    assert "constant: threshold, doubt of a fixed share = 0.05 1" in parameters
    assert "constant: threshold, share of the maximum" not in parameters  # a person said 50 %


def test_several_regions_fill_one_file_and_none_changes_another(
    patient: Path, tmp_path: Path
) -> None:
    file = tmp_path / "o.dcm"
    threshold(patient, "--share", "41%", *AT, *FWHM, "-o", file)
    before = written(file)["Lesion 1"]
    ran = quimby("outline", "sphere", patient / "SPECT.dcm", "--at=-20,10,8", "--volume", "4 ml",
                 "--doubt", "1 mm", "--name", "Ball", "--add-to", file)  # fmt: skip
    assert ran.exit_code == 0, ran.err
    after = written(file)
    assert list(after) == ["Lesion 1", "Ball"]
    np.testing.assert_array_equal(on_scan(after["Lesion 1"]), on_scan(before))
    assert after["Lesion 1"].made.parameters == before.made.parameters
    assert after["Lesion 1"].made.constants == before.made.constants
    assert volume_ml(region_mask(after["Ball"])) == pytest.approx(4.0, rel=0.01)
    k, j, i = np.nonzero(region_mask(after["Ball"]).values > 0.5)
    at = region_mask(after["Ball"]).grid.points_mm((i.mean(), j.mean(), k.mean()))
    assert at == pytest.approx([-20.0, 10.0, 8.0], abs=1.0)


def test_organs_of_a_ct_are_automatic_and_lie_on_its_slices(patient: Path, tmp_path: Path) -> None:
    file = tmp_path / "o.dcm"
    ran = quimby("outline", "organs", patient / "CT", "--only", "body", "-o", file)
    assert ran.exit_code == 0, ran.err
    data = dcmread(file)
    assert data.SegmentationType == "BINARY"
    assert data.SegmentSequence[0].SegmentAlgorithmType == "AUTOMATIC"
    body = written(file)["Body"]
    assert body.machine is True
    assert volume_ml(region_mask(body)) == pytest.approx(18 * 20 * 26 * STEP**3 / 1000, rel=0.06)
    uids = {str(dcmread(p).SOPInstanceUID) for p in (patient / "CT").iterdir()}
    (series,) = data.ReferencedSeriesSequence
    assert {str(i.ReferencedSOPInstanceUID) for i in series.ReferencedInstanceSequence} <= uids
    assert "W-SEG-CUT" in ran.out


def test_a_small_volume_is_placed_within_its_organ_and_tells_the_concentration(
    patient: Path, tmp_path: Path
) -> None:
    organ, file = tmp_path / "organ.dcm", tmp_path / "small.dcm"
    quimby("outline", "sphere", patient / "SPECT.dcm", "--at", "6,-2,1", "--diameter", "28 mm",
           "--name", "Organ", "-o", organ)  # fmt: skip
    ran = quimby("outline", "small", patient / "SPECT.dcm", "--outlines", organ, "--region",
                 "Organ", "--volume", "1 ml", *FWHM, "--name", "Small", "-o", file)  # fmt: skip
    assert ran.exit_code == 0, ran.err
    assert "recovery there at least 0.9" in ran.out
    small, whole = written(file)["Small"], written(organ)["Organ"]
    assert small.made.edge == "small volume"
    assert boundary_notes([small, whole]) == ()
    assert [n.code for n in boundary_notes([small])] == ["S-SEG-SMALL"]


def test_growing_on_a_ct_takes_what_hangs_together_between_two_numbers(
    patient: Path, tmp_path: Path
) -> None:
    file = tmp_path / "o.dcm"
    ran = quimby("outline", "grow", patient / "CT", "--at", "0,0,0", "--lower", "0 HU", "--upper",
                 "100 HU", "--reach", "20 mm", "--name", "Piece", "-o", file)  # fmt: skip
    assert ran.exit_code == 0, ran.err
    assert "W-SEG-REACH" in ran.out
    piece = written(file)["Piece"]
    assert volume_ml(region_mask(piece)) == pytest.approx(4 / 3 * np.pi * 2.0**3, rel=0.03)
    assert piece.made.edge == "ct"
    assert boundary_notes([piece]) == ()


PROGRAM = """
import sys
import SimpleITK as sitk
image = sitk.ReadImage(sys.argv[1])
sitk.WriteImage(sitk.Cast(image > -300, sitk.sitkUInt8), sys.argv[2] + "/soft.nii.gz")
sitk.WriteImage(sitk.Cast(image > 3000, sitk.sitkUInt8), sys.argv[2] + "/none.nii.gz")
"""


def test_a_program_of_the_centre_gives_drafts_that_name_it(patient: Path, tmp_path: Path) -> None:
    script, file = tmp_path / "segmenter.py", tmp_path / "o.dcm"
    script.write_text(PROGRAM)
    command = f"'{sys.executable}' '{script}' {{input}} {{output}}"
    ran = quimby("outline", "external", patient / "CT", "--command", command, "-o", file)
    assert ran.exit_code == 0, ran.err
    soft = written(file)["soft"]
    assert (soft.machine, soft.made.edge, soft.made.tool) == (True, "program", "outside program")
    assert "{input} {output}" in soft.made.words
    assert "series 1.2.3.78" in soft.made.image
    assert str(script.parent) not in soft.made.words  # no folders of this machine
    assert [n.code for n in state_notes([soft])] == ["S-OUTLINE-DRAFT"]


def test_dciodvfy_finds_no_error(patient: Path, tmp_path: Path) -> None:
    tool = shutil.which("dciodvfy")
    if tool is None:
        pytest.skip("dciodvfy (Debian dicom3tools) is not installed")
    file = tmp_path / "o.dcm"
    threshold(patient, "--share", "41%", *AT, *FWHM, "-o", file)
    found = subprocess.run([tool, str(file)], capture_output=True, text=True, check=False)
    said = (found.stdout + found.stderr).splitlines()
    assert [line for line in said if line.startswith("Error")] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--share", "41%", *AT), "E-OUTLINE-WIDTH"),
        (("--share", "41%", *FWHM), "E-OUTLINE-WAY  A region is looked for at a point or in a box"),
        (("--share", "much", *AT, *FWHM), "'much' is not a share"),
        (("--share", "41%", "--adaptive", *AT, *FWHM), "Give one of --share, --level and"),
        (("--share", "140%", *AT, *FWHM), "E-SEG-SHARE"),
        (("--level", "5 MBq/ml", *AT, *FWHM), "E-IMG-UNIT"),
        (("--at", "6,-2", *FWHM), "'6,-2' is not a point"),
        (("--in", "900,900,900,910,910,910", *FWHM), "E-OUTLINE-BOX"),
        (("--at", "600,0,0", *FWHM), "E-SEG-SEED"),
        (("--at", "30,30,-48", "--reach", "15 mm", *FWHM), "E-SEG-CUT  The region runs out of"),
        ((*AT, "--fwhm", "9"), "E-UNIT  '9' is not a quantity with a unit"),
    ],
)
def test_what_cannot_be_outlined_is_told(
    patient: Path, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    ran = threshold(patient, *words, "-o", tmp_path / "o.dcm")
    assert ran.exit_code >= 10
    assert says in ran.err
    assert not (tmp_path / "o.dcm").exists()


def test_a_cut_region_is_written_when_asked_for(patient: Path, tmp_path: Path) -> None:
    ran = threshold(patient, "--at", "30,30,-48", "--reach", "15 mm", *FWHM, "--allow-cut", "-o",
                    tmp_path / "o.dcm")  # fmt: skip
    assert ran.exit_code == 0, ran.err
    assert "W-SEG-CUT" in ran.out


def test_a_file_is_neither_overwritten_nor_mixed(patient: Path, tmp_path: Path) -> None:
    file = tmp_path / "o.dcm"
    threshold(patient, *AT, *FWHM, "-o", file)
    whole = file.read_bytes()
    again = threshold(patient, *AT, *FWHM, "-o", file)
    twice = threshold(patient, *AT, *FWHM, "--add-to", file)
    other = quimby("outline", "organs", patient / "CT", "--only", "body", "--add-to", file)
    neither = threshold(patient, *AT, *FWHM)
    for ran, says in ((again, "E-OUTLINE-FILE"), (twice, "E-OUTLINE-TWICE"),
                      (other, "lie on another image than this one: another series"),
                      (neither, "Give one of -o and --add-to")):  # fmt: skip
        assert ran.exit_code == 10
        assert says in ran.err
    assert file.read_bytes() == whole


def test_kidneys_need_a_scan_and_unknown_organs_are_named(patient: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.dcm"
    ran = quimby("outline", "organs", patient / "CT", "--only", "kidneys", "-o", out)
    assert "Kidneys are found in a scan and its CT together" in ran.err
    ran = quimby("outline", "organs", patient / "CT", "--only", "liver", "-o", out)
    assert "'liver' is none of body, lungs, bone, kidneys" in ran.err
    ran = quimby("outline", "organs", patient, "--only", "bone", "-o", out)
    assert ran.exit_code == 12, ran.err  # the folder's one CT is found; there is no bone in it
    assert "E-SEG-NONE" in ran.err


def test_a_list_tells_volume_state_and_tool(patient: Path, tmp_path: Path) -> None:
    file = tmp_path / "o.dcm"
    threshold(patient, "--adaptive", *AT, *FWHM, "-o", file)
    shown = quimby("outline", "list", file)
    assert "draft     adaptive threshold, Quimby" in shown.out
    assert "In frame of reference 2.25.103" in shown.out
    (row,) = json.loads(quimby("outline", "list", file, "--json").out)
    assert row["name"] == "Lesion 1"
    assert row["parameters"]["by"] == "mean"


STUDY = """\
# my patient, typed by hand
format = "quimby-study/1"
id = "s"
therapy = "t"
protocol = "p"

[patient]
id = "P1"

# the first cycle
[[administrations]]
id = "one"   # a remark
nuclide = "Lu-177"

[administrations.outlines]   # drawn here
paths = ["o.dcm"]
on = "scan-1"

[administrations.outlines.regions]
"Lesion 1" = "lesion"

# the second cycle has none
[[administrations]]
id = "two"
nuclide = "Lu-177"
"""


@pytest.fixture
def study(patient: Path, tmp_path: Path) -> Path:
    threshold(patient, "--adaptive", *AT, *FWHM, "-o", tmp_path / "o.dcm")
    quimby("outline", "sphere", patient / "SPECT.dcm", "--at", "6,-2,1", "--diameter", "20 mm",
           "--name", "Ball", "--add-to", tmp_path / "o.dcm")  # fmt: skip
    file = tmp_path / "study.toml"
    file.write_text(STUDY, "utf-8")
    return file


def test_review_and_approval_are_added_and_every_other_line_stays(study: Path) -> None:
    first = quimby("outline", "review", study, "--by", "B.  Physicist")
    second = quimby("outline", "approve", study, "--by", "Dr A", "--regions", "Lesion 1")
    assert (first.exit_code, second.exit_code) == (0, 0), first.err + second.err
    text = study.read_text("utf-8")
    assert [line for line in STUDY.splitlines() if line not in text.splitlines()] == []
    before, _, after = text.partition("[[administrations.outlines.review]]")
    assert before == STUDY.partition("# the second cycle")[0]
    assert after.rstrip().endswith(STUDY.rpartition("# the second cycle")[2].rstrip())
    rows = tomllib.loads(text)["administrations"][0]["outlines"]["review"]
    assert [(r["state"], r["by"], r.get("regions")) for r in rows] == [
        ("reviewed", "B. Physicist", None), ("approved", "Dr A", ["Lesion 1"])]  # fmt: skip
    assert all(r["at"].tzinfo is not None for r in rows)
    shown = quimby("outline", "list", study).out
    assert "approved by Dr A" in shown
    assert "reviewed by B. Physicist" in shown


def test_nobody_approves_what_nobody_reviewed(study: Path) -> None:
    quimby("outline", "review", study, "--by", "B", "--regions", "Ball")
    text = study.read_text("utf-8")
    ran = quimby("outline", "approve", study, "--by", "Dr A")
    assert ran.exit_code == 10
    assert "E-OUTLINE-UNSEEN  Nobody has reviewed Lesion 1." in ran.err
    assert study.read_text("utf-8") == text


def test_a_review_after_approval_says_that_it_lowers_the_state(study: Path) -> None:
    quimby("outline", "review", study, "--by", "B")
    quimby("outline", "approve", study, "--by", "Dr A")
    import time

    time.sleep(1.0)  # the latest counts, and times are kept to the second
    ran = quimby("outline", "review", study, "--by", "B", "--regions", "Ball")
    assert "approved before and are now only reviewed: Ball" in ran.out


def test_an_outline_made_anew_loses_its_approval_and_can_have_it_again(study: Path) -> None:
    quimby("outline", "review", study, "--by", "B")
    quimby("outline", "approve", study, "--by", "Dr A")
    one, two = tomllib.loads(study.read_text("utf-8"))["administrations"][0]["outlines"]["review"]
    assert set(one["digest"]) == set(two["digest"]) == {"Lesion 1", "Ball"}
    rows = tomllib.loads(study.read_text("utf-8"))
    assert rows["administrations"][1] == {"id": "two", "nuclide": "Lu-177"}
    other = {**two["digest"], "Ball": "0" * 64}
    text = study.read_text("utf-8").replace(two["digest"]["Ball"], other["Ball"])
    study.write_text(text, "utf-8")

    shown = quimby("outline", "list", study).out
    assert "approved by Dr A" in shown
    assert "does not count: changed" in " ".join(shown.split())
    refused = quimby("outline", "approve", study, "--by", "Dr A")
    assert "Nobody has reviewed Ball" in refused.err
    quimby("outline", "review", study, "--by", "B", "--regions", "Ball")
    again = quimby("outline", "approve", study, "--by", "Dr A", "--regions", "Ball")
    assert again.exit_code == 0, again.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--by", " "), "E-OUTLINE-BY"),
        (("--by", "B", "--regions", "Spleen"), "No outline is called 'Spleen'; there are Lesion 1"),
        (("--by", "B", "--administration", "two"), "E-OUTLINE-WHICH"),
    ],
)
def test_a_review_that_cannot_be_is_told(study: Path, words: tuple[str, ...], says: str) -> None:
    ran = quimby("outline", "review", study, *words)
    assert says in ran.err
    assert study.read_text("utf-8") == STUDY


def test_outlines_written_inline_are_left_to_a_hand_with_the_lines_to_add(study: Path) -> None:
    head, _, tail = STUDY.partition("[administrations.outlines]")
    text = head + 'outlines = { paths = ["o.dcm"], on = "scan-1" }\n' + (
        "#" + tail.partition("#")[2].partition("# the second")[1] + "\n")  # fmt: skip
    study.write_text(text, "utf-8")
    ran = quimby("outline", "review", study, "--by", "B")
    assert "E-OUTLINE-STUDY" in ran.err
    assert 'state = "reviewed"' in ran.err
    assert study.read_text("utf-8") == text


def test_a_review_goes_to_its_own_administration_whatever_brackets_the_text_holds(
    study: Path,
) -> None:
    odd = """agent = '''\n[[administrations]]'''\nnuclide = "Lu-177"\n\n[administrations.out"""
    text = STUDY.replace("""nuclide = "Lu-177"\n\n[administrations.out""", odd)
    assert text != STUDY
    study.write_text(text, "utf-8")
    ran = quimby("outline", "review", study, "--by", "B")
    assert ran.exit_code == 0, ran.err
    one, two = tomllib.loads(study.read_text("utf-8"))["administrations"]
    assert one["outlines"]["review"][0]["by"] == "B"
    assert "outlines" not in two
