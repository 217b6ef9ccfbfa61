"""Reading CT slices into a volume in HU."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from quimby.core.grid import Image
from quimby.core.notes import refusal
from quimby.measure.dicom import about, times
from quimby.measure.dicom.frames import Frame, frames_of, iterate, stored
from quimby.measure.dicom.geometry import stack_grid, stack_order
from quimby.measure.dicom.headers import open_file, text, texts, tolerant
from quimby.measure.dicom.scale import Scale, rescale_of
from quimby.measure.scans import CtScan

CT = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")
SAME = ("SeriesInstanceUID", "FrameOfReferenceUID", "PatientID", "Rows", "Columns")
TILT_DEG = 0.1


def read_ct(files: Iterable[Path | str]) -> CtScan:
    """One CT series as a volume in HU, slices along the planes' normal.

    A file given twice counts once. The array is int16 where HU are whole numbers, else float32.

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
        datas = list(iterate([open_file(path) for path in paths]))
        _one_series(datas, where)
        return _scan(datas, tuple(paths), where)


def _one_series(datas: Sequence[Dataset], where: str) -> None:
    for data in datas:
        if text(data, "SOPClassUID") not in CT or "LOCALIZER" in texts(data, "ImageType"):
            name = getattr(data.get("SOPClassUID"), "name", "no class")
            kind = "a localizer picture" if "LOCALIZER" in texts(data, "ImageType") else name
            raise refusal("E-DCM-SOP", where=where, found=kind, wanted="a CT image")
    for keyword in SAME:
        if len({text(data, keyword) for data in datas}) > 1:
            raise refusal("E-DCM-MIXED", where=where, what=keyword)


def _scan(datas: Sequence[Dataset], paths: tuple[Path, ...], where: str) -> CtScan:
    frames: list[Frame] = []
    pixels: list[NDArray[np.generic]] = []
    uids: list[str] = []
    for data in datas:
        own = frames_of(data, where=where)
        frames += own
        pixels += list(stored(data, where=where))
        uids += [text(data, "SOPInstanceUID")] * len(own)
    if len(frames) != len(pixels):
        raise refusal("E-DCM-FRAMES", where=where, frames=len(pixels), slices=len(frames))
    order = stack_order([frame.plane for frame in frames], where=where)
    grid, notes = stack_grid(
        [frames[i].plane for i in order], pixels[0].shape,
        thickness_mm=frames[0].thickness_mm, where=where,
    )  # fmt: skip
    data = datas[0]
    return CtScan(
        image=Image(grid, _hu(frames, pixels, order, where=where), "HU"),
        identity=about.identity_of(data),
        frame_of_reference=text(data, "FrameOfReferenceUID"),
        study_uid=text(data, "StudyInstanceUID"),
        series_uid=text(data, "SeriesInstanceUID"),
        description=text(data, "SeriesDescription"),
        acquired_at=times.earliest(times.acquired_at(each) for each in datas),
        patient_position=about.position_of(data),
        files=paths,
        sop_uids=tuple(uids[i] for i in order),
        contrast=text(data, "ContrastBolusAgent"),
        notes=notes,
    )


def _hu(
    frames: Sequence[Frame],
    pixels: Sequence[NDArray[np.generic]],
    order: NDArray[np.intp],
    *,
    where: str,
) -> NDArray[np.generic]:
    scales = [_scale(frames[i], where) for i in order]
    raw = [pixels[i] for i in order]
    whole = all(_fits_int16(one, scale) for one, scale in zip(raw, scales, strict=True))
    out = np.empty((len(raw), *raw[0].shape), dtype=np.int16 if whole else np.float32)
    for k, (one, scale) in enumerate(zip(raw, scales, strict=True)):
        if whole:  # wraps and unwraps: the sum is known to fit
            np.add(one, int(scale.intercept), out=out[k], dtype=np.int16, casting="unsafe")
        else:
            out[k] = scale.apply(one, where=where)
    return out


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
