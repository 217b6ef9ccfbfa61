"""Folders for tests: the demo patient, made once, and copies of it with one thing changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from typer.testing import CliRunner

from quimby.cli.app import app
from quimby.demo.make import make_patient

REFERENCE = "tp2"  # the scan with the outlines
COARSER = 2  # a quick patient's CT keeps every second slice, row and column


def demo_patient(factory: pytest.TempPathFactory) -> Path:
    """The demo patient's folder; made once a session. Nobody writes into it."""
    return _demo(factory.getbasetemp())


def light_patient(factory: pytest.TempPathFactory) -> Path:
    """The same with ten slices a CT: enough to be drafted, not to be calculated."""
    return _light(factory.getbasetemp())


def quick_patient(factory: pytest.TempPathFactory) -> Path:
    """The demo patient's first two scans with coarser CTs: a run takes seconds."""
    return _quick(factory.getbasetemp())


@cache
def _demo(base: Path) -> Path:
    folder = base / "demo" / "patient"
    make_patient(folder)
    return folder


@cache
def _light(base: Path) -> Path:
    folder = copy(_demo(base), base / "light" / "patient")
    for number, path in enumerate(sorted(folder.glob("tp*/CT/*"))):
        if number % 10:
            path.unlink()
    return folder


@cache
def _quick(base: Path) -> Path:
    folder = copy(_demo(base), base / "quick" / "patient")
    for later in ("tp3", "tp4"):
        shutil.rmtree(folder / later)
    for visit in ("tp1", REFERENCE):
        _coarser(folder / visit / "CT")
    return folder


def one_scan(source: Path, target: Path) -> Path:
    """A copy that holds the reference scan alone, so that nothing needs registration."""
    copy(source, target)
    for other in target.glob("tp*"):
        if other.name != REFERENCE:
            shutil.rmtree(other)
    return target


def copy(source: Path, target: Path) -> Path:
    """A copy by hard links; `edit` gives a file of its own to what it changes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copytree(source, target, copy_function=os.link))


def edit(path: Path, change: Callable[[Dataset], object]) -> None:
    """Change one DICOM file of a copy."""
    data = pydicom.dcmread(path)
    change(data)
    path.unlink()
    data.save_as(path)


def edit_all(paths: Iterable[Path], change: Callable[[Dataset], object]) -> None:
    """Change several."""
    for path in sorted(paths):
        edit(path, change)


def rewrite(path: Path, text: str) -> None:
    """Change one text file of a copy."""
    path.unlink()
    path.write_text(text, "utf-8")


def cut_short(path: Path, keep: float) -> None:
    """Keep the first part of a file, as a broken transfer does."""
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(whole[: int(len(whole) * keep)])


def _coarser(folder: Path) -> None:
    files = sorted(folder.iterdir())
    for number, path in enumerate(files):
        if number % COARSER:
            path.unlink()
        else:
            edit(path, _thinned)


def _thinned(data: Dataset) -> None:
    pixels = np.ascontiguousarray(data.pixel_array[::COARSER, ::COARSER])
    data.Rows, data.Columns = pixels.shape
    data.PixelSpacing = [float(step) * COARSER for step in data.PixelSpacing]
    data.SliceThickness = float(data.SliceThickness) * COARSER
    data.PixelData = pixels.tobytes()


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended and what it said."""

    exit_code: int
    out: str
    err: str


def quimby(*words: str | Path) -> Ran:
    """Run the command line in this process."""
    ended = CliRunner().invoke(app, [str(word) for word in words])
    return Ran(ended.exit_code, ended.stdout, ended.stderr)
