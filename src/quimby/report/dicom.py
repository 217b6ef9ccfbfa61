"""DICOM out: the dose map as RTDOSE, the outlines as SEG on the reference CT.

UIDs are made from a digest of what they name (UUID roots, 2.25), so the same input gives the
same bytes. Patient, study and frame of reference are those of the reference CT.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

from quimby.core.grid import Grid, Image
from quimby.core.notes import refusal
from quimby.measure.dicom.about import MAKER

RT_PLAN = UID("1.2.840.10008.5.1.4.1.1.481.5")
RT_DOSE = UID("1.2.840.10008.5.1.4.1.1.481.2")
IMPLEMENTATION = "2.25.209846357120931857640912375801923475601"
STEPS = 2**32 - 1
SEEN_AT = 0.5
NOISE = 1e-9
TOLERANCE_MM = 0.02
PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
STUDY = ("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber",
         "ReferringPhysicianName")  # fmt: skip


def uid(*parts: str | bytes) -> UID:
    """A UID under 2.25 from a digest of the parts: the same parts, the same UID."""
    whole = sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "big") + data)
    return UID(f"2.25.{uuid.UUID(bytes=whole.digest()[:16], version=5).int}")


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
    return _bytes(ds)


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
    meta.MediaStorageSOPInstanceUID = uid(modality, "instance", _identity(ct), *content)
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
    ds.SeriesInstanceUID = uid(modality, "series", _identity(ct), *content)
    ds.SeriesNumber, ds.InstanceNumber = "9101", "1"
    ds.SeriesDescription = "Quimby absorbed dose"
    ds.FrameOfReferenceUID = ct.FrameOfReferenceUID
    ds.PositionReferenceIndicator = ct.get("PositionReferenceIndicator", "")
    return ds


def _identity(ct: Dataset) -> str:
    return f"{ct.StudyInstanceUID} {ct.SeriesInstanceUID}"


def _bytes(ds: Dataset) -> bytes:
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def segmentation(
    masks: Mapping[str, Image], organs: Mapping[str, tuple[str, str]], *,
    ct: Sequence[Dataset], made_at: datetime, version: str,
) -> bytes:  # fmt: skip
    """Outlines on the CT's grid as a binary DICOM SEG, voxels at least half inside.

    `organs` gives (organ, side) of each region, `made_at` the content's date. `ct` holds the
    headers of every slice, in any order. Raises E-REP-CT-GRID where headers and masks disagree,
    E-REP-EMPTY-OUTLINE for an outline that meets no voxel.
    """
    grid = next(iter(masks.values())).grid
    slices = in_slice_order(ct, grid)
    pixels = np.stack([_inside(name, mask) for name, mask in masks.items()], axis=-1)
    used = np.flatnonzero(pixels.any(axis=(1, 2, 3)))
    first, last = int(used[0]), int(used[-1]) + 1
    seg = _segment_object(slices[first:last], pixels[first:last], masks, organs, version)
    _made_the_same_again(seg, made_at)
    return _bytes(seg)


def in_slice_order(ct: Sequence[Dataset], grid: Grid) -> list[Dataset]:
    """CT headers sorted along the grid's slices, each checked to lie where the grid says."""
    if len(ct) != grid.shape[0]:
        _off(f"{len(ct)} files, {grid.shape[0]} slices")
    normal = grid.affine[:3, 2]
    found = sorted(ct, key=lambda d: float(np.dot(d.ImagePositionPatient, normal)))
    for k, header in enumerate(found):
        if (header.Rows, header.Columns) != grid.shape[1:]:
            _off(f"{header.Rows} × {header.Columns} pixels, not {grid.shape[1]} × {grid.shape[2]}")
        gap = np.abs(np.array(header.ImagePositionPatient, float) - grid.points_mm((0, 0, k))).max()
        if gap > TOLERANCE_MM:
            _off(f"slice {k} lies {gap:.2f} mm away")
    return found


def _off(what: str) -> None:
    raise refusal("E-REP-CT-GRID", where="reference CT", what=what)


def _inside(name: str, mask: Image) -> NDArray[np.bool_]:
    """Voxels at least half inside; for a region smaller than any voxel, its fullest ones."""
    array = np.asarray(mask.array)
    top = float(array.max())
    if top <= 0:
        raise refusal("E-REP-EMPTY-OUTLINE", where=name, region=name)
    inside: NDArray[np.bool_] = array >= min(SEEN_AT, top)
    return inside


CODES = {  # SNOMED CT
    "kidney": ("64033007", "Kidney"),
    "liver": ("10200004", "Liver"),
    "spleen": ("78961009", "Spleen"),
    "marrow": ("14016003", "Bone marrow"),
    "bone marrow": ("14016003", "Bone marrow"),
    "lesion": ("52988006", "Lesion"),
    "parotid": ("45289007", "Parotid gland"),
    "lung": ("39607008", "Lung"),
    "bladder": ("89837001", "Urinary bladder"),
    "pancreas": ("15776009", "Pancreas"),
    "heart": ("80891009", "Heart"),
    "thyroid": ("69748006", "Thyroid gland"),
    "pituitary": ("56329008", "Pituitary gland"),
}
ORGAN = ("113343008", "Organ")
STRUCTURE = ("91723000", "Anatomical Structure")
ABNORMAL = ("49755003", "Morphologically Altered Structure")


def _segment_object(slices: list[Dataset], pixels: NDArray[np.bool_], masks: Mapping[str, Image],
                    organs: Mapping[str, tuple[str, str]], version: str) -> Any:  # fmt: skip
    import highdicom as hd

    study = _identity(slices[0])
    seed: tuple[str | bytes, ...] = (study, pixels.tobytes(), *masks)
    return hd.seg.Segmentation(
        source_images=slices,
        pixel_array=pixels,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[
            _description(number, name, organs.get(name, ("", "")), study)
            for number, name in enumerate(masks, start=1)
        ],
        series_instance_uid=uid("SEG", "series", *seed),
        series_number=9102,
        sop_instance_uid=uid("SEG", "instance", *seed),
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=MAKER,
        software_versions=version,
        device_serial_number="0",
        content_label="OUTLINES",
        content_description="Outlines used for dosimetry",
        series_description="Quimby outlines",
        omit_empty_frames=True,
    )


def _description(number: int, name: str, organ: tuple[str, str], seed: str) -> Any:
    import highdicom as hd

    kind, _side = organ
    code = CODES.get(kind, ORGAN)
    category = ABNORMAL if kind == "lesion" else STRUCTURE
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=name[:64],
        segmented_property_category=_code(category),
        segmented_property_type=_code(code),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        tracking_uid=uid("SEG", "region", seed, name),
        tracking_id=name[:64],
    )


def _code(row: tuple[str, str]) -> Any:
    import highdicom as hd

    return hd.sr.CodedConcept(value=row[0], scheme_designator="SCT", meaning=row[1])


def _made_the_same_again(seg: Any, made_at: datetime) -> None:
    """Replace what highdicom takes from the clock or from chance."""
    seg.ContentDate, seg.ContentTime = f"{made_at:%Y%m%d}", f"{made_at:%H%M%S}"
    for name in ("InstanceCreationDate", "InstanceCreationTime"):
        if name in seg:
            delattr(seg, name)
    for item in seg.get("ContributingEquipmentSequence", []):
        item.ContributionDateTime = f"{made_at:%Y%m%d%H%M%S%z}"
    organisation = uid("SEG", "dimensions", seg.SOPInstanceUID)
    for sequence in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in seg.get(sequence, []):
            item.DimensionOrganizationUID = organisation
    seg.file_meta.ImplementationClassUID = UID(IMPLEMENTATION)
    seg.file_meta.ImplementationVersionName = "QUIMBY"
