"""The orientation that a NIfTI-1 header states, read before anything is turned by it."""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Grid
from quimby.core.notes import refusal

SIZE = 348
MOST = 4_000_000  # bytes of header and its extensions that are looked at
TO_LPS = np.diag([-1.0, -1.0, 1.0])
OFF_MM = 0.1


@dataclass(frozen=True, eq=False)
class Header:
    """The orientations that are stated, (3, 4) index -> RAS, and text of the extensions."""

    stated: tuple[NDArray[np.float64], ...]
    text: str

    def check(self, grid: Grid, *, where: str) -> None:
        """E-NII-ORIENT unless an orientation is stated, and every one stated is the one used."""
        if not self.stated:
            raise refusal("E-NII-ORIENT", where=where, what="states no orientation")
        for matrix in self.stated:
            affine = np.eye(4)
            affine[:3] = TO_LPS @ matrix
            if not Grid(grid.shape, affine).matches(grid, tolerance_mm=OFF_MM):
                what = "states two orientations that differ, or axes that are not at right angles"
                raise refusal("E-NII-ORIENT", where=where, what=what)


def read_header(path: Path) -> Header:
    """The header of a NIfTI-1 file, plain or gzipped; E-NII-FILE where it is none."""
    data = _start(path)
    order = next((o for o in "<>" if data[:4] == struct.pack(f"{o}i", SIZE)), "")
    if len(data) < SIZE or not order or data[344:347] not in (b"n+1", b"ni1"):
        raise refusal("E-NII-FILE", where=str(path), problem="it is no NIfTI-1 file")
    qform, sform = struct.unpack_from(f"{order}2h", data, 252)
    matrix = np.array(struct.unpack_from(f"{order}12f", data, 280)).reshape(3, 4)
    stated = ([_turned(data, order)] if qform > 0 else []) + ([matrix] if sform > 0 else [])
    begins = int(struct.unpack_from(f"{order}f", data, 108)[0])
    text = data[SIZE : min(begins, MOST)].decode("utf-8", errors="ignore")
    return Header(tuple(stated), text)


def _turned(data: bytes, order: str) -> NDArray[np.float64]:
    """The orientation stated as quaternion, offset and steps (method 2 of the standard)."""
    b, c, d, x, y, z = struct.unpack_from(f"{order}6f", data, 256)
    side, *steps = struct.unpack_from(f"{order}4f", data, 76)
    a = sqrt(max(0.0, 1.0 - b * b - c * c - d * d))
    rotation = np.array([
        [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
        [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
        [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ])  # fmt: skip
    scaled = rotation * (np.array(steps) * [1.0, 1.0, -1.0 if side < 0 else 1.0])
    return np.column_stack([scaled, [x, y, z]])


def _start(path: Path) -> bytes:
    if not path.is_file():
        raise refusal("E-NII-FILE", where=str(path), problem="there is no such file")
    try:
        if path.name.lower().endswith(".gz"):
            with gzip.open(path) as file:
                return file.read(MOST)
        with path.open("rb") as plain:
            return plain.read(MOST)
    except (OSError, EOFError, zlib.error):
        raise refusal("E-NII-FILE", where=str(path), problem="it cannot be unpacked") from None
