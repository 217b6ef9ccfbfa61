"""Small valid DICOM files, made to be spoilt in one respect at a time. Tests only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.path import Path as Polygon
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from quimby.core.grid import Grid

NM = "1.2.840.10008.5.1.4.1.1.20"
CT = "1.2.840.10008.5.1.4.1.1.2"
PT = "1.2.840.10008.5.1.4.1.1.128"
RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
SEG = "1.2.840.10008.5.1.4.1.1.66.4"
RWVM = "1.2.840.10008.5.1.4.1.1.67"
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"

STUDY, SERIES, FRAME = (f"2.25.{n}" for n in (101, 102, 103))
AXIAL = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]


def item(**elements: Any) -> Dataset:
    """A dataset of these elements; lists of datasets become sequences."""
    data = Dataset()
    for keyword, value in elements.items():
        setattr(data, keyword, value)
    return data


def base(sop_class: str, modality: str) -> Dataset:
    """What every file carries."""
    return item(
        SOPClassUID=sop_class, SOPInstanceUID=generate_uid(), Modality=modality,
        StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES, FrameOfReferenceUID=FRAME,
        PatientID="P1", PatientName="Doe^Jane", PatientSex="F", PatientBirthDate="19600131",
        PatientWeight=66.0, PatientPosition="HFS", StudyDate="20260303", SeriesDate="20260303",
        SeriesTime="095400", AcquisitionDate="20260303", AcquisitionTime="095400",
    )  # fmt: skip


def pixels(data: Dataset, array: NDArray[Any]) -> Dataset:
    """Put a (rows, columns) or (frames, rows, columns) array into the dataset."""
    signed = np.issubdtype(array.dtype, np.signedinteger)
    whole = array.astype("<i2" if signed else "<u2")
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = whole.shape[-2:]
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    data.PixelRepresentation = int(signed)
    if whole.ndim == 3:
        data.NumberOfFrames = len(whole)
    data.PixelData = whole.tobytes()
    return data


def drug(**changes: Any) -> Dataset:
    """A radiopharmaceutical item for 177Lu-DOTATATE."""
    code = item(CodeValue="177Lu", CodingSchemeDesignator="99LOCAL", CodeMeaning="^177^Lutetium")
    said = item(
        Radiopharmaceutical="Lu-177 DOTATATE", RadionuclideTotalDose=7350.0,
        RadionuclideHalfLife=574300.8, RadiopharmaceuticalStartDateTime="20260302101200",
        RadionuclideCodeSequence=[code],
    )  # fmt: skip
    for keyword, value in changes.items():
        setattr(said, keyword, value)
    return said


def spect(array: NDArray[Any] | None = None, **changes: Any) -> Dataset:
    """A RECON TOMO NM file in counts, 4 x 5 x 6 voxels of 4, 3, 2 mm (slice, row, column)."""
    voxels = np.arange(120, dtype="u2").reshape(4, 5, 6) if array is None else array
    data = pixels(base(NM, "NM"), voxels)
    count = len(voxels)
    data.ImageType = ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]
    data.PixelSpacing, data.SliceThickness, data.SpacingBetweenSlices = [3.0, 2.0], 4.0, 4.0
    data.NumberOfSlices, data.SliceVector = count, list(range(1, count + 1))
    data.NumberOfDetectors, data.Units = 2, "CNTS"
    data.DetectorInformationSequence = [
        item(ImagePositionPatient=[10.0, 20.0, 30.0], ImageOrientationPatient=AXIAL)
    ]
    data.RotationInformationSequence = [
        item(ActualFrameDuration=20000, NumberOfFramesInRotation=60, ScanArc=180, AngularStep=3)
    ]
    data.RadiopharmaceuticalInformationSequence = [drug()]
    return changed(data, **changes)


def slices(sop_class: str, modality: str, count: int = 4, **changes: Any) -> list[Dataset]:
    """A stack of single slices, 3 mm apart, each full of its own number (k + 1) * 10."""
    found = []
    for k in range(count):
        data = pixels(base(sop_class, modality), np.full((5, 6), 10 * (k + 1), dtype="i2"))
        data.ImagePositionPatient = [10.0, 20.0, 30.0 + 3.0 * k]
        data.ImageOrientationPatient, data.PixelSpacing = AXIAL, [3.0, 2.0]
        data.SliceThickness, data.RescaleSlope, data.RescaleIntercept = 3.0, 1.0, 0.0
        found.append(changed(data, **changes))
    return found


def ct(count: int = 4, **changes: Any) -> list[Dataset]:
    """A CT whose slices hold -1014, -1004, … HU."""
    return slices(CT, "CT", count, **{"RescaleIntercept": -1024.0, **changes})


def pet(count: int = 4, **changes: Any) -> list[Dataset]:
    """A PET in Bq/ml, corrected to the start."""
    given = drug(RadionuclideTotalDose=7.35e9)
    usual = {
        "Units": "BQML", "DecayCorrection": "START", "CorrectedImage": ["DECY", "ATTN"],
        "ActualFrameDuration": 300000, "RadiopharmaceuticalInformationSequence": [given],
    }  # fmt: skip
    return slices(PT, "PT", count, **{**usual, **changes})


def units(code: str) -> list[Dataset]:
    """A UCUM unit."""
    return [item(CodeValue=code, CodingSchemeDesignator="UCUM", CodeMeaning=code)]


def mapping(code: str = "Bq/ml", slope: float | None = 2.5, **changes: Any) -> Dataset:
    """A real-world value map."""
    data = item(MeasurementUnitsCodeSequence=units(code), RealWorldValueIntercept=0.0)
    data.add_new("RealWorldValueFirstValueMapped", "US", 0)
    data.add_new("RealWorldValueLastValueMapped", "US", 65535)
    if slope is not None:
        data.RealWorldValueSlope = slope
    return changed(data, **changes)


def rtstruct(contours: dict[str, Sequence[Sequence[float]]], **changes: Any) -> Dataset:
    """A structure set; each contour is a flat list of LPS coordinates."""
    data = base(RTSTRUCT, "RTSTRUCT")
    data.StructureSetLabel = "TEST"
    series = item(SeriesInstanceUID=SERIES)
    study = item(RTReferencedSeriesSequence=[series])
    data.ReferencedFrameOfReferenceSequence = [
        item(FrameOfReferenceUID=FRAME, RTReferencedStudySequence=[study])
    ]
    data.StructureSetROISequence = [
        item(ROINumber=n, ROIName=name, ReferencedFrameOfReferenceUID=FRAME,
             ROIGenerationAlgorithm="MANUAL")
        for n, name in enumerate(contours, 1)
    ]  # fmt: skip
    data.ROIContourSequence = [
        item(ReferencedROINumber=n, ContourSequence=[
            item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=len(flat) // 3,
                 ContourData=list(flat))
            for flat in many
        ])
        for n, many in enumerate(contours.values(), 1)
    ]  # fmt: skip
    return changed(data, **changes)


def seg(
    masks: dict[str, dict[int, NDArray[Any]]], *, step: float = 3.0, kind: str = "BINARY",
    spacing: float | None = 3.0, **changes: Any,
) -> Dataset:  # fmt: skip
    """A segmentation; `masks` holds the planes of each segment by slice number."""
    data = base(SEG, "SEG")
    data.SegmentationType, data.SamplesPerPixel = kind, 1
    data.PhotometricInterpretation, data.PixelRepresentation = "MONOCHROME2", 0
    planes = [(n, k, m) for n, mask in enumerate(masks.values(), 1) for k, m in mask.items()]
    stack = np.stack([plane for _, _, plane in planes])
    data.NumberOfFrames, data.Rows, data.Columns = stack.shape
    bits = 1 if kind == "BINARY" else 8
    data.BitsAllocated, data.BitsStored, data.HighBit = bits, bits, bits - 1
    flat = stack.astype("u1").ravel()
    raw = np.packbits(flat, bitorder="little").tobytes() if bits == 1 else flat.tobytes()
    data.PixelData = raw + b"\0" * (len(raw) % 2)
    if kind == "FRACTIONAL":
        data.MaximumFractionalValue, data.SegmentationFractionalType = 200, "OCCUPANCY"
    data.SegmentSequence = [
        item(SegmentNumber=n, SegmentLabel=name, SegmentAlgorithmType="MANUAL")
        for n, name in enumerate(masks, 1)
    ]
    measures = item(PixelSpacing=[3.0, 2.0], SliceThickness=3.0)
    if spacing is not None:
        measures.SpacingBetweenSlices = spacing
    data.SharedFunctionalGroupsSequence = [
        item(PlaneOrientationSequence=[item(ImageOrientationPatient=AXIAL)],
             PixelMeasuresSequence=[measures])
    ]  # fmt: skip
    data.PerFrameFunctionalGroupsSequence = [
        item(PlanePositionSequence=[item(ImagePositionPatient=[10.0, 20.0, 30.0 + step * k])],
             SegmentIdentificationSequence=[item(ReferencedSegmentNumber=n)])
        for n, k, _ in planes
    ]  # fmt: skip
    return changed(data, **changes)


def changed(data: Dataset, **changes: Any) -> Dataset:
    """The dataset with elements set, or taken out where the value is None."""
    for keyword, value in changes.items():
        if value is None:
            if keyword in data:
                delattr(data, keyword)
        else:
            setattr(data, keyword, value)
    return data


def save(folder: Path, *datas: Dataset, name: str = "f") -> list[Path]:
    """Write the datasets as files and give their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for n, data in enumerate(datas):
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        paths.append(folder / f"{name}{n:03d}.dcm")
        data.save_as(paths[-1], enforce_file_format=True)
    return paths


def voxels_within(
    grid: Grid, contours: Sequence[NDArray[np.float64]], *, reach_mm: float
) -> NDArray[np.bool_]:
    """Voxels with their centre in an axial contour no farther away than `reach_mm` in z.

    Plain and slow, for checking; each slice takes the nearest plane of contours, even-odd.
    """
    planes = np.array([contour[0, 2] for contour in contours])
    found = np.zeros(grid.shape, dtype=int)
    for k in range(grid.shape[0]):
        z = grid.points_mm([0, 0, k])[2]
        nearest = planes[np.abs(planes - z).argmin()]
        if abs(nearest - z) > reach_mm:
            continue
        for contour in (c for c in contours if c[0, 2] == nearest):
            _fill(found[k], grid, contour)
    return np.asarray(found % 2 == 1, dtype=np.bool_)


def _fill(plane: NDArray[np.int_], grid: Grid, contour: NDArray[np.float64]) -> None:
    index = grid.index_of(contour)
    low, high = np.floor(index.min(axis=0)).astype(int), np.ceil(index.max(axis=0)).astype(int)
    columns, rows = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
    points = np.stack([columns.ravel(), rows.ravel()], axis=-1)
    plane[low[1] : high[1] + 1, low[0] : high[0] + 1] += (
        Polygon(index[:, :2]).contains_points(points).reshape(rows.shape)
    )
