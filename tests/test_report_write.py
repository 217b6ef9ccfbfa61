"""The output folder: whole or not at all, never over somebody else's files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from quimby.core.errors import InputError, OutsideError
from quimby.report import json as document
from quimby.report import write as writing
from quimby.report.write import refuse_to_overwrite, write
from quimby.study.result import Result
from tests.sample_result import sample_result, write_ct


@pytest.fixture(scope="module")
def ct_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    pictures = sample_result().pictures
    assert pictures is not None
    assert pictures.ct is not None
    return write_ct(tmp_path_factory.mktemp("ct"), pictures.ct)


@pytest.fixture(scope="module")
def former() -> dict[str, bytes]:
    """What a small result writes, made once."""
    return writing.contents(bare())


def bare() -> Result:
    result = sample_result(pictures=False)
    lone = replace(result.regions[3], curve=None, dvh=None)
    return replace(result, regions=(lone,), combined=(), registrations=())


def pictured() -> Result:
    """With pictures, on fewer regions and scans."""
    result = sample_result()
    assert result.pictures is not None
    few = replace(result.pictures, spect_mbq_per_ml=result.pictures.spect_mbq_per_ml[:1])
    return replace(result, regions=result.regions[:2], registrations=(), pictures=few)


def left_beside(out: Path) -> list[str]:
    return [p.name for p in out.parent.iterdir() if p.name.startswith(".")]


def test_everything_is_written_and_named(tmp_path: Path, ct_files: list[Path]) -> None:
    out = tmp_path / "OUT"
    paths = write(pictured(), out, ct_files=ct_files)
    assert paths[0] == out / "report.pdf"
    assert sorted(paths) == sorted(p for p in out.rglob("*") if p.is_file())
    assert (out / "report.pdf").read_bytes().startswith(b"%PDF")
    assert json.loads((out / "result.json").read_text("utf-8"))["schema"] == document.SCHEMA
    names = {str(p.relative_to(out)) for p in paths}
    assert {"dicom/RTDOSE.dcm", "dicom/SEG.dcm", "tables/doses.csv", "figures/fused.svg"} <= names
    figures = {name for name in names if name.startswith("figures/")}
    assert {n[:-4] + ".png" for n in figures} | {n[:-4] + ".svg" for n in figures} == figures
    assert left_beside(out) == []


def test_a_former_result_is_replaced_whole(tmp_path: Path, former: dict[str, bytes]) -> None:
    out = tmp_path / "OUT"
    writing._place(former, out)
    (out / "tables" / "old.csv").write_text("from an older version")
    write(bare(), out)
    assert not (out / "tables" / "old.csv").exists()
    assert {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()} == set(former)
    assert left_beside(out) == []


def test_the_same_result_gives_the_same_folder(tmp_path: Path, former: dict[str, bytes]) -> None:
    write(bare(), tmp_path / "A")
    for name, data in former.items():
        assert (tmp_path / "A" / name).read_bytes() == data, name


@pytest.mark.parametrize("kind", ["file", "folder with a stranger", "stranger beside ours", "link"])
def test_what_quimby_did_not_write_is_left_alone(
    kind: str, tmp_path: Path, former: dict[str, bytes]
) -> None:
    out = tmp_path / "OUT"
    if kind == "file":
        out.write_text("mine")
    elif kind == "link":
        (tmp_path / "elsewhere").mkdir()
        out.symlink_to(tmp_path / "elsewhere")
    else:
        out.mkdir()
        (out / "thesis.docx").write_text("mine")
        if kind == "stranger beside ours":
            (out / "result.json").write_bytes(former["result.json"])
    before = sorted(str(p) for p in tmp_path.rglob("*"))
    with pytest.raises(InputError, match=r"E-OUT-EXISTS .*holds files that Quimby did not write"):
        write(bare(), out)
    assert sorted(str(p) for p in tmp_path.rglob("*")) == before


def test_another_programs_result_json_is_not_taken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text('{"schema": "other.result"}')
    with pytest.raises(InputError, match="E-OUT-EXISTS"):
        refuse_to_overwrite(tmp_path)


def test_an_empty_or_absent_folder_is_welcome(tmp_path: Path) -> None:
    refuse_to_overwrite(tmp_path)
    refuse_to_overwrite(tmp_path / "deep" / "down")


def test_pictures_without_the_ct_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    result = sample_result()
    with pytest.raises(InputError, match="E-REP-NO-CT"):
        writing._dicom(result, None)
    assert list(tmp_path.iterdir()) == []


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from quimby.core.errors import QuimbyError
from quimby.core.notes import refusal
from quimby.report import write
try:
    out = Path(sys.argv[1])
    files = {"report.pdf": b"x" * 100, "result.json": b"x" * 9999}
    write.contents = lambda result, ct_files=None: files
    write.write(None, out)
except QuimbyError as error:
    print(error.code, error.exit_code)
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limits on Windows")
def test_a_write_that_fails_midway_leaves_the_former_result_and_nothing_half_written(
    tmp_path: Path, former: dict[str, bytes]
) -> None:
    out = tmp_path / "OUT"
    writing._place(former, out)
    found = subprocess.run([sys.executable, "-c", FULL_DISK, str(out)], capture_output=True,
                           text=True, check=False, env={**os.environ})  # fmt: skip
    assert found.stdout.startswith("E-OUT-WRITE 14"), found.stderr
    assert "File too large" in found.stdout
    assert (out / "report.pdf").read_bytes() == former["report.pdf"]
    assert left_beside(out) == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_outside_us(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutsideError, match=r"E-OUT-WRITE .*Permission denied"):
        write(bare(), tmp_path / "OUT")
    tmp_path.chmod(0o700)


def test_a_parent_that_is_a_file_is_outside_us(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutsideError, match=r"(?s)E-OUT-WRITE .*nothing half-written"):
        write(bare(), tmp_path / "file" / "OUT")


def test_a_move_that_fails_puts_the_former_result_back(
    tmp_path: Path, former: dict[str, bytes]
) -> None:
    out = tmp_path / "OUT"
    writing._place(former, out)
    with pytest.raises(FileNotFoundError):
        writing._swap(tmp_path / "never written", out, tmp_path / ".former")
    assert (out / "report.pdf").read_bytes() == former["report.pdf"]
