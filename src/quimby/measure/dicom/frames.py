"""Single-frame files and multi-frame files with functional groups, seen alike: as frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from quimby.core.notes import refusal
from quimby.measure.dicom.geometry import Plane, checked_orientation
from quimby.measure.dicom.headers import first, items, number, numbers, text

LOSSY = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.81")
"""JPEG baseline and extended, JPEG-LS near-lossless: never the numbers that were measured."""
PLAIN = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99")


@dataclass(frozen=True, eq=False)
class Frame:
    """Where one frame lies and which datasets may hold its scale, the nearest first."""

    plane: Plane
    thickness_mm: float | None
    spacing_mm: float | None
    groups: tuple[Dataset, ...]


def frames_of(data: Dataset, *, where: str) -> tuple[Frame, ...]:
    """Every frame of a file whose geometry is per frame (not NM, see `nm`)."""
    per_frame = items(data, "PerFrameFunctionalGroupsSequence")
    if not per_frame:
        return (_frame((data,), where),)
    shared = first(data, "SharedFunctionalGroupsSequence") or Dataset()
    return tuple(_frame((own, shared, data), where) for own in per_frame)


def _frame(groups: tuple[Dataset, ...], where: str) -> Frame:
    position = _numbers(groups, "PlanePositionSequence", "ImagePositionPatient")
    orientation = _numbers(groups, "PlaneOrientationSequence", "ImageOrientationPatient")
    pixel = _numbers(groups, "PixelMeasuresSequence", "PixelSpacing")
    if len(position) != 3 or len(pixel) != 2 or min(pixel) <= 0:
        missing = "image position" if len(position) != 3 else "pixel spacing"
        raise refusal("E-DCM-GEOM", where=where, missing=missing)
    plane = Plane(
        np.array(position), checked_orientation(orientation, where=where), (pixel[0], pixel[1])
    )
    thickness = _numbers(groups, "PixelMeasuresSequence", "SliceThickness")
    spacing = _numbers(groups, "PixelMeasuresSequence", "SpacingBetweenSlices")
    return Frame(plane, next(iter(thickness), None), next(iter(spacing), None), groups)


def _numbers(groups: Sequence[Dataset], holder: str, keyword: str) -> tuple[float, ...]:
    for group in groups:
        inside = first(group, holder)
        if found := numbers(group if inside is None else inside, keyword):
            return found
    return ()


def stored(data: Dataset, *, where: str) -> NDArray[np.generic]:
    """Stored numbers, shape (frames, rows, columns); compressed ones are unpacked.

    E-DCM-PIXELS when there are none, too few, or they cannot be unpacked. Colour is refused.
    """
    if text(data, "SamplesPerPixel") not in ("", "1"):
        raise refusal("E-DCM-PIXELS", where=where, reason="it is a colour picture")
    try:
        found = _plain(data)
        found = data.pixel_array if found is None else found
    except (AttributeError, ValueError, RuntimeError, KeyError, NotImplementedError) as error:
        raise refusal("E-DCM-PIXELS", where=where, reason=str(error).split("\n")[0]) from None
    return found if found.ndim == 3 else found[np.newaxis]


def lossy(data: Dataset) -> bool:
    """Whether its numbers were changed by compression, now or before (0028,2110)."""
    syntax = str(data.file_meta.get("TransferSyntaxUID", "")) if hasattr(data, "file_meta") else ""
    return text(data, "LossyImageCompression") == "01" or syntax in LOSSY


def check_lossless(data: Dataset, *, where: str) -> None:
    """E-DCM-LOSSY: counts and activities must be the ones that were measured."""
    if lossy(data):
        raise refusal("E-DCM-LOSSY", where=where)


def _plain(data: Dataset) -> NDArray[np.generic] | None:
    """Little-endian 16-bit numbers as they lie in the file (the usual case, read at once)."""
    bits = (number(data, "BitsAllocated"), number(data, "BitsStored"))
    if bits != (16.0, 16.0) or "PixelData" not in data:
        return None
    if str(data.file_meta.get("TransferSyntaxUID", "")) not in PLAIN[:2]:
        return None
    kind = np.dtype("<i2" if number(data, "PixelRepresentation") == 1 else "<u2")
    frames = int(number(data, "NumberOfFrames") or 1)
    shape = (frames, int(data.Rows), int(data.Columns))
    size = shape[0] * shape[1] * shape[2]
    if len(data.PixelData) < 2 * size:
        raise ValueError(f"pixel data end after {len(data.PixelData)} of {2 * size} bytes")
    return np.frombuffer(data.PixelData, dtype=kind, count=size).reshape(shape)
