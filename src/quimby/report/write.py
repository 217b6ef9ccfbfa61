"""Everything a run leaves in its output folder, written beside it and then moved into place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from quimby.core.notes import refusal
from quimby.report import csv, dicom, tables
from quimby.report import json as document
from quimby.report.draw import drawings
from quimby.report.pdf import pdf
from quimby.study.result import Result

RESULT = "result.json"


def write(result: Result, out: Path, *, ct_files: Sequence[Path] | None = None) -> tuple[Path, ...]:
    """Write report.pdf, result.json, tables/, figures/ and dicom/ under `out`.

    `ct_files` are the slices of the reference CT (else those named in the result's pictures),
    whose patient and study the DICOM objects take; a result without pictures gets none. The
    files appear together or not at all. Returns their paths, report first.

    Raises E-OUT-EXISTS where `out` holds anything but a former result of Quimby,
    E-REP-NO-CT for pictures without `ct_files`, E-OUT-WRITE (outside) when the disk refuses.
    """
    out = Path(os.path.abspath(out))  # noqa: PTH100 - resolve() would follow a link
    refuse_to_overwrite(out)
    files = contents(result, ct_files=ct_files)
    try:
        _place(files, out)
    except OSError as error:
        reason = error.strerror or str(error)
        raise refusal("E-OUT-WRITE", where=str(out), reason=reason) from error
    return tuple(out / name for name in files)


def contents(result: Result, *, ct_files: Sequence[Path] | None = None) -> dict[str, bytes]:
    """Every file's bytes by its name relative to the output folder."""
    figures = drawings(result)
    files = {"report.pdf": pdf(result, figures), RESULT: document.text(result).encode()}
    files |= {f"tables/{name}": text.encode() for name, text in csv.tables(result).items()}
    for figure in figures:
        files |= {
            f"figures/{figure.name}.svg": figure.svg,
            f"figures/{figure.name}.png": figure.png,
        }
    files |= _dicom(result, ct_files)
    return files


def _dicom(result: Result, ct_files: Sequence[Path] | None) -> Mapping[str, bytes]:
    pictures = result.pictures
    if pictures is None:
        return {}
    ct_files = pictures.ct_files if ct_files is None else ct_files
    if not ct_files:
        raise refusal("E-REP-NO-CT", where=result.study_id)
    try:
        headers = dicom.read_headers(ct_files)
    except OSError as error:
        what = error.strerror or str(error)
        raise refusal("E-REP-CT-GRID", where=str(ct_files[0]), what=what) from error
    version = result.trace.quimby_version
    comment = f"{result.radiopharmaceutical}, cycle {result.cycle}"
    dose = dicom.rtdose(pictures.dose, ct=headers[0], version=version, comment=comment)
    organs = {r.name: (r.organ, r.side) for r in result.regions}
    outlines = dicom.segmentation(
        pictures.masks_ct, organs, ct=headers, made_at=tables.last_moment(result),
        version=version, outlines=pictures.outlines,
    )  # fmt: skip
    return {"dicom/RTDOSE.dcm": dose, "dicom/SEG.dcm": outlines}


def refuse_to_overwrite(out: Path) -> None:
    """E-OUT-EXISTS unless `out` is absent, an empty folder, or a former result of Quimby."""
    if not out.exists() and not out.is_symlink():
        return
    if out.is_symlink() or not out.is_dir():
        raise refusal("E-OUT-EXISTS", where=str(out), name=out.name)
    if any(out.iterdir()) and not _is_ours(out):
        raise refusal("E-OUT-EXISTS", where=str(out), name=out.name)


def _is_ours(out: Path) -> bool:
    """A former output: its result.json names our schema, and nothing else lies beside it."""
    known = {"report.pdf", RESULT, "tables", "figures", "dicom"}
    if {p.name for p in out.iterdir()} - known or not (out / RESULT).is_file():
        return False
    with (out / RESULT).open(encoding="utf-8", errors="replace") as file:
        return f'"schema": "{document.SCHEMA}"' in file.read(200)


def _place(files: Mapping[str, bytes], out: Path) -> None:
    """Write all beside `out`, then swap folders; on any failure leave what was there."""
    mark = f"{os.getpid()}-{uuid4().hex[:8]}"
    partial = out.parent / f".{out.name}.partial-{mark}"
    former = out.parent / f".{out.name}.former-{mark}"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for path, data in _laid_out(files, partial):
            _write_through(path, data)
        _swap(partial, out, former)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    shutil.rmtree(former, ignore_errors=True)


def _laid_out(files: Mapping[str, bytes], folder: Path) -> Iterator[tuple[Path, bytes]]:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        yield path, data


def _write_through(path: Path, data: bytes) -> None:
    """Write and reach the disk, so that a full disk shows now and not after the rename."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _swap(partial: Path, out: Path, former: Path) -> None:
    if not out.exists():
        partial.rename(out)
        return
    out.rename(former)
    try:
        partial.rename(out)
    except BaseException:
        former.rename(out)
        raise
