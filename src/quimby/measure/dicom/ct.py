"""Reading CT slices into a volume in HU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from quimby.core.grid import Image
from quimby.core.notes import Note, note, refusal
from quimby.measure.dicom import about, times
from quimby.measure.dicom.frames import Frame, frames_of, lossy
from quimby.measure.dicom.geometry import stack_grid, stack_order
from quimby.measure.dicom.headers import number, text, texts, tolerant
from quimby.measure.dicom.opened import Opened, open_headers
from quimby.measure.dicom.scale import Scale, rescale_of
from quimby.measure.dicom.split_series import first_at_each_place
from quimby.measure.scans import CtScan

CT = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")
SAME = ("SeriesInstanceUID", "FrameOfReferenceUID", "PatientID", "Rows", "Columns")
NOTHING: Mapping[Path, Opened] = MappingProxyType({})


def read_ct(
    files: Iterable[Path | str], *, opened: Mapping[Path, Opened] = NOTHING, split: bool = False
) -> CtScan:
    """One CT series as a volume in HU, slices along the planes' normal.

    A file given twice counts once. The array is int16 where HU are whole numbers, else float32.
    `opened` are headers that a survey has kept: their files' pictures are fetched, no more.
    `split` says that one volume arrived as several series; noted (I-DCM-SPLIT).

    Raises
    ------
    InputError
        E-DCM-SOP for another kind of object, E-DCM-MIXED for files of more than one series,
        E-DCM-GAP, E-DCM-DUPLICATE, E-DCM-TILT or E-DCM-ONE-SLICE where the stack is not whole.
    """
    with tolerant():
        paths = [Path(path) for path in files]
        if not paths:
            raise refusal("E-DCM-EMPTY", where="CT")
        where = str(paths[0]) if len(paths) == 1 else f"{paths[0].parent} ({len(paths)} files)"
        found = open_headers(paths, opened)
        datas = [one.data for one in found]
        _one_series(datas, where, SAME[1:] if split else SAME)
        scan = _scan(_once(found, where) if split else found, tuple(paths), where)
        parts = len({text(data, "SeriesInstanceUID") for data in datas})
        if parts == 1:
            return scan
        return replace(scan, notes=(*scan.notes, note("I-DCM-SPLIT", where=where, number=parts)))


def _once(found: Sequence[Opened], where: str) -> Sequence[Opened]:
    """Of single slices those that lie where no earlier one does: CTs of two beds overlap."""
    frames = {one.uid: frames_of(one.data, where=where) for one in found}
    if any(len(own) > 1 for own in frames.values()):
        return found
    return first_at_each_place(found, key=lambda one: frames[one.uid][0].plane)


def _one_series(datas: Sequence[Dataset], where: str, same: Sequence[str]) -> None:
    for data in datas:
        if text(data, "SOPClassUID") not in CT or "LOCALIZER" in texts(data, "ImageType"):
            name = getattr(data.get("SOPClassUID"), "name", "no class")
            kind = "a localizer picture" if "LOCALIZER" in texts(data, "ImageType") else name
            raise refusal("E-DCM-SOP", where=where, found=kind, wanted="a CT image")
    for keyword in same:
        if len({text(data, keyword) for data in datas}) > 1:
            raise refusal("E-DCM-MIXED", where=where, what=keyword)


def _scan(found: Sequence[Opened], paths: tuple[Path, ...], where: str) -> CtScan:
    frames: list[Frame] = []
    uids: list[str] = []
    for one in found:
        own = frames_of(one.data, where=where)
        frames += own
        uids += [text(one.data, "SOPInstanceUID")] * len(own)
    data = found[0].data
    shape = int(number(data, "Rows") or 0), int(number(data, "Columns") or 0)
    order = stack_order([frame.plane for frame in frames], where=where)
    grid, notes = stack_grid(
        [frames[i].plane for i in order], shape, thickness_mm=frames[0].thickness_mm, where=where
    )
    scales = [_scale(frame, where) for frame in frames]
    return CtScan(
        image=Image(grid, _hu(found, scales, order, where=where), "HU"),
        identity=about.identity_of(data),
        frame_of_reference=text(data, "FrameOfReferenceUID"),
        study_uid=text(data, "StudyInstanceUID"),
        series_uid=text(data, "SeriesInstanceUID"),
        description=text(data, "SeriesDescription"),
        acquired_at=times.earliest(times.acquired_at(one.data) for one in found),
        patient_position=about.position_of(data),
        files=paths,
        sop_uids=tuple(uids[i] for i in order),
        contrast=text(data, "ContrastBolusAgent"),
        notes=notes + _lossy_notes(found, where),
    )


def _lossy_notes(found: Sequence[Opened], where: str) -> tuple[Note, ...]:
    """W-DCM-LOSSY: HU that are a little off change a mass little; counts would be refused."""
    return (note("W-DCM-LOSSY", where=where),) if any(lossy(one.data) for one in found) else ()


def _hu(
    found: Sequence[Opened], scales: Sequence[Scale], order: NDArray[np.intp], *, where: str
) -> NDArray[np.generic]:
    """HU in order of place; straight from the files where their numbers lie plainly."""
    data = found[0].data
    shape = int(number(data, "Rows") or 0), int(number(data, "Columns") or 0)
    if len(found) == len(scales) and all(one.plain(shape) for one in found):
        return _plain_hu(found, scales, order, where=where)
    pixels = [plane for one in found for plane in one.frames(where=where)]
    if len(pixels) != len(scales):
        raise refusal("E-DCM-FRAMES", where=where, frames=len(pixels), slices=len(scales))
    whole = all(_fits_int16(one, scale) for one, scale in zip(pixels, scales, strict=True))
    out = np.empty((len(pixels), *pixels[0].shape), dtype=np.int16 if whole else np.float32)
    for k, i in enumerate(order):
        _apply(pixels[i], scales[i], out[k], where)
    return out


def _plain_hu(
    found: Sequence[Opened], scales: Sequence[Scale], order: NDArray[np.intp], *, where: str
) -> NDArray[np.generic]:
    first = found[0].data
    raw = np.empty((len(order), int(first.Rows), int(first.Columns)), dtype="<i2")
    meant = [raw[k] if found[i].signed else raw[k].view("<u2") for k, i in enumerate(order)]
    for k, i in enumerate(order):
        found[i].fetch(raw[k])
    if all(_fits_int16(one, scales[i]) for one, i in zip(meant, order, strict=True)):
        for k, i in enumerate(order):
            _apply(meant[k], scales[i], raw[k], where)
        return raw
    out = np.empty(raw.shape, dtype=np.float32)
    for k, i in enumerate(order):
        _apply(meant[k], scales[i], out[k], where)
    return out


def _apply(stored: NDArray[np.generic], scale: Scale, out: NDArray[np.generic], where: str) -> None:
    if out.dtype == np.int16:  # wraps and unwraps: the sum is known to fit
        np.add(stored, int(scale.intercept), out=out, dtype=np.int16, casting="unsafe")
    else:
        out[...] = scale.apply(stored, where=where)


def _fits_int16(stored: NDArray[np.generic], scale: Scale) -> bool:
    if scale.slope != 1.0 or scale.intercept != int(scale.intercept):
        return False
    low, high = int(stored.min()), int(stored.max())
    return low + scale.intercept >= -32768 and high + scale.intercept <= 32767


def _scale(frame: Frame, where: str) -> Scale:
    found = next((s for g in frame.groups if (s := rescale_of(g)) is not None), None)
    if found is None:
        raise refusal("E-DCM-HU", where=where)
    return found
