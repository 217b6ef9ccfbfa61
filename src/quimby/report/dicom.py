"""DICOM out: the dose map as RTDOSE, the outlines as SEG on the reference CT.

UIDs are made from a digest of what they name (UUID roots, 2.25), so the same input gives the
same bytes. Patient, study and frame of reference are those of the reference CT.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

from quimby.core.grid import Grid, Image
from quimby.core.notes import refusal
from quimby.measure.dicom.about import MAKER
from quimby.report.dicom_file import IMPLEMENTATION, identity, in_bytes, uid
from quimby.report.seg import segmentation

__all__ = ["quantised", "read_headers", "rtdose", "segmentation", "uid"]

RT_PLAN = UID("1.2.840.10008.5.1.4.1.1.481.5")
RT_DOSE = UID("1.2.840.10008.5.1.4.1.1.481.2")
STEPS = 2**32 - 1
NOISE = 1e-9
PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
STUDY = ("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber",
         "ReferringPhysicianName")  # fmt: skip


def read_headers(files: Sequence[Path]) -> list[Dataset]:
    """Headers of CT files, without pixels."""
    return [dcmread(path, stop_before_pixels=True) for path in files]


def rtdose(dose: Image, *, ct: Dataset, version: str, comment: str = "") -> bytes:
    """A dose map in Gy as a DICOM RTDOSE file, 32 bit, rounded to the nearest step.

    `ct` is the header of one slice of the reference CT, whose patient, study and frame of
    reference it takes. Raises E-REP-NEGATIVE-DOSE for values below zero.
    """
    image = _right_handed(dose)
    stored, step = quantised(image.values)
    ds = _new(RT_DOSE, ct, "RTDOSE", version, stored.tobytes(), step, comment)
    _place(ds, image.grid)
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 32, 32, 31
    ds.PixelRepresentation = 0
    ds.DoseUnits, ds.DoseType, ds.DoseSummationType = "GY", "PHYSICAL", "PLAN"
    ds.DoseComment = comment or "absorbed dose of radionuclide therapy"
    ds.DoseGridScaling = step
    ds.ReferencedRTPlanSequence = [_administration(ct)]
    ds.TissueHeterogeneityCorrection = ["IMAGE"]
    ds.PixelData = stored.tobytes()
    ds["PixelData"].VR = "OW"
    return in_bytes(ds)


def _administration(ct: Dataset) -> Dataset:
    """The plan this dose belongs to. Radionuclide therapy has none in DICOM, yet a summation
    type that archives know (PLAN) demands one: the UID stands for the administration."""
    plan = Dataset()
    plan.ReferencedSOPClassUID = RT_PLAN
    plan.ReferencedSOPInstanceUID = uid("administration", str(ct.StudyInstanceUID))
    return plan


def quantised(dose_gy: NDArray[np.float64]) -> tuple[NDArray[np.uint32], str]:
    """Whole steps and the step (Gy) as the text DoseGridScaling holds, 16 letters at most."""
    top = float(dose_gy.max())
    low = dose_gy < 0
    if top < 0 or bool((dose_gy < -NOISE * max(top, NOISE)).any()):
        lowest = f"{float(dose_gy.min()):.3g}"
        raise refusal("E-REP-NEGATIVE-DOSE", where="dose map", voxels=int(low.sum()), lowest=lowest)
    step = _step(top / STEPS) if top > 0 else "1"
    return np.rint(np.maximum(dose_gy, 0.0) / float(step)).astype("<u4"), step


def _step(exact: float) -> str:
    """The exact step rounded up to 8 digits, so that the hottest voxel still fits."""
    mantissa, exponent = f"{exact:.7e}".split("e")
    digits = ceil(float(mantissa) * 1e7 - 1e-3) + 1
    return f"{digits / 1e7:.7f}e{int(exponent):d}"


def _right_handed(image: Image) -> Image:
    """The same image with slices running along the normal of its rows and columns."""
    if np.linalg.det(image.grid.affine[:3, :3]) > 0:
        return image
    affine = np.array(image.grid.affine)
    affine[:3, 3] = image.grid.points_mm((0, 0, image.grid.shape[0] - 1))
    affine[:3, 2] *= -1
    return Image(Grid(image.grid.shape, affine), image.array[::-1], image.unit)


def _place(ds: Dataset, grid: Grid) -> None:
    across, down, through = grid.spacing_mm
    rows = grid.affine[:3, 0] / across
    columns = grid.affine[:3, 1] / down
    ds.NumberOfFrames, ds.Rows, ds.Columns = grid.shape
    ds.ImageOrientationPatient = [_ds(x) for x in (*rows, *columns)]
    ds.ImagePositionPatient = [_ds(x) for x in grid.origin_mm]
    ds.PixelSpacing = [_ds(down), _ds(across)]
    ds.SliceThickness = _ds(through)
    ds.FrameIncrementPointer = 0x3004000C
    ds.GridFrameOffsetVector = [_ds(k * through) for k in range(grid.shape[0])]


def _ds(x: float) -> str:
    """A decimal string of at most 16 letters; numerical dust around zero is zero."""
    return format_number_as_ds(0.0 if abs(x) < 1e-9 else float(x))


def _new(kind: UID, ct: Dataset, modality: str, version: str, *content: bytes | str) -> FileDataset:
    """A dataset of the CT's patient and study in a series of its own."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = kind
    meta.MediaStorageSOPInstanceUID = uid(modality, "instance", identity(ct), *content)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION)
    meta.ImplementationVersionName = "QUIMBY"
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    if "SpecificCharacterSet" in ct:
        ds.SpecificCharacterSet = ct.SpecificCharacterSet
    for name in (*PATIENT, *STUDY):
        setattr(ds, name, ct.get(name, ""))
    ds.SOPClassUID, ds.SOPInstanceUID = kind, meta.MediaStorageSOPInstanceUID
    ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = modality, MAKER, MAKER
    ds.SoftwareVersions, ds.OperatorsName = version, ""
    ds.SeriesInstanceUID = uid(modality, "series", identity(ct), *content)
    ds.SeriesNumber, ds.InstanceNumber = "9101", "1"
    ds.SeriesDescription = "Quimby absorbed dose"
    ds.FrameOfReferenceUID = ct.FrameOfReferenceUID
    ds.PositionReferenceIndicator = ct.get("PositionReferenceIndicator", "")
    return ds
