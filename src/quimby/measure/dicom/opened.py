"""A file's header, read once, and where its numbers lie, to be fetched when they are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from quimby.core.errors import QuimbyError
from quimby.core.notes import refusal
from quimby.measure.dicom.frames import PLAIN, stored
from quimby.measure.dicom.headers import number, open_file, open_stream, text

PIXELS = b"\xe0\x7f\x10\x00"


@dataclass(frozen=True, eq=False)
class Opened:
    """One file without its picture. `numbers_at` is None where the picture must be unpacked."""

    path: Path
    data: Dataset
    numbers_at: int | None  # byte in the file
    numbers_size: int = 0  # bytes

    @property
    def uid(self) -> str:
        """Of this instance; the path where the file names none."""
        return text(self.data, "SOPInstanceUID") or str(self.path)

    def plain(self, shape: tuple[int, int]) -> bool:
        """Whether `fetch` can take its numbers as they lie: one frame of 16 bits, little-endian."""
        bits = number(self.data, "BitsAllocated"), int(number(self.data, "NumberOfFrames") or 1)
        high = int(number(self.data, "HighBit") or -1), int(number(self.data, "BitsStored") or 0)
        own = int(number(self.data, "Rows") or 0), int(number(self.data, "Columns") or 0)
        whole = self.numbers_size >= 2 * shape[0] * shape[1]
        grey = text(self.data, "SamplesPerPixel") in ("", "1")
        return (self.numbers_at is not None and bits == (16.0, 1) and high[0] == high[1] - 1
                and own == shape and whole and grey)  # fmt: skip

    def fetch(self, into: NDArray[np.int16]) -> None:
        """Its numbers as they lie in the file, into one slice. Bits that mean nothing are cut."""
        with self.path.open("rb") as stream:
            stream.seek(self.numbers_at or 0)
            got = stream.readinto(into.data.cast("B"))
        if got != into.nbytes:
            reason = f"pixel data end after {got} of {into.nbytes} bytes"
            raise refusal("E-DCM-PIXELS", where=str(self.path), reason=reason)
        spare = 16 - int(number(self.data, "BitsStored") or 16)
        if spare:  # the sign is in the highest bit stored
            meant = into if self.signed else into.view(np.uint16)
            np.left_shift(meant, spare, out=meant)
            np.right_shift(meant, spare, out=meant)

    @property
    def signed(self) -> bool:
        """Whether its numbers may be below zero."""
        return number(self.data, "PixelRepresentation") == 1

    def frames(self, *, where: str) -> NDArray[np.generic]:
        """Every frame, unpacked (E-DCM-PIXELS)."""
        return stored(open_file(self.path), where=where)


def open_header(path: Path) -> Opened:
    """A file's header. E-DCM-FILE when it is not DICOM or cannot be read."""
    with path.open("rb") as stream:
        data = open_stream(stream, path)
        at, head = stream.tell(), stream.read(12)
    syntax = str(data.file_meta.get("TransferSyntaxUID", ""))
    if syntax not in PLAIN[:2] or head[:4] != PIXELS:
        return Opened(path, data, None)
    explicit = syntax == PLAIN[1]
    size = int.from_bytes(head[8:12] if explicit else head[4:8], "little")
    return Opened(path, data, at + (12 if explicit else 8), size)


def open_headers(paths: Iterable[Path], kept: Mapping[Path, Opened]) -> list[Opened]:
    """The headers of files, those already read among them; each instance once."""
    found: dict[str, Opened] = {}
    for path in paths:
        one = kept.get(path) or open_any(path)
        found.setdefault(one.uid, one)
    return list(found.values())


def open_any(path: Path) -> Opened:
    """As `open_header`; an old file without its preamble is read whole."""
    try:
        return open_header(path)
    except QuimbyError:
        return Opened(path, open_file(path, pixels=False), None)
