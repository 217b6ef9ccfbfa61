"""The demo's scans as DICOM, with the attributes that real cameras write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID, CTImageStorage, NuclearMedicineImageStorage, RTStructureSetStorage

from quimby.core.grid import Grid, Image
from quimby.demo.contours import Contour
from quimby.demo.dicom_objects import (
    Visit,
    code,
    decimal,
    imaged,
    in_frame,
    instance,
    instance_uid,
    item,
    save,
    uid,
)
from quimby.demo.patient import camera_facts
from quimby.physics.nuclides import nuclide

SPECT, CT, OUTLINES = 1, 2, 3  # series numbers
FLAT = ["1", "0", "0", "0", "1", "0"]
HU_OFFSET = 1024
STUDY_COMPONENT = UID("1.2.840.10008.3.1.2.3.1")  # detached study management, retired
COLOURS = [(200, 120, 40), (120, 60, 160), (40, 150, 60), (40, 110, 190), (220, 40, 40)]


def write_spect(counts: Image, visit: Visit, path: Path, *, title: str) -> None:
    """A reconstructed tomogram in counts, unsigned 16 bit, one multi-frame file."""
    data = instance(visit, NuclearMedicineImageStorage, modality="NM", series=SPECT, number=1,
                    title=title)  # fmt: skip
    imaged(data, visit)
    data.ImageType = ["DERIVED", "PRIMARY", "RECON TOMO", "EMISSION"]
    data.CountsAccumulated = int(counts.array.sum())
    data.CorrectedImage = ["ATTN", "SCAT", "UNIF", "COR"]
    data.Units, data.CountsSource, data.DecayCorrection = "CNTS", "EMISSION", "NONE"
    _set_camera(data, counts.grid)
    data.RadiopharmaceuticalInformationSequence = [given(visit)]
    set_orientation(data)
    steps = counts.grid.spacing_mm
    data.SpacingBetweenSlices = data.SliceThickness = decimal(steps[2])
    data.NumberOfFrames = data.NumberOfSlices = counts.grid.shape[0]
    data.FrameIncrementPointer = 0x00540080
    data.SliceVector = list(range(1, counts.grid.shape[0] + 1))
    set_pixels(data, counts.array.astype("<u2"), steps)
    save(data, path)


def write_ct(hu: Image, visit: Visit, folder: Path) -> tuple[UID, ...]:
    """A CT as single slices, feet first; returns their SOP instance UIDs in that order."""
    pixels = (hu.array.astype(np.int32) + HU_OFFSET).clip(0).astype("<u2")
    data, uids = _ct_slice(hu.grid, visit), []
    for k, plane in enumerate(pixels):  # one data set for all: only these elements differ
        data.SOPInstanceUID = instance_uid(visit, CT, k + 1)
        data.InstanceNumber = k + 1
        data.ImagePositionPatient = [decimal(x) for x in hu.grid.points_mm((0, 0, k))]
        set_pixels(data, plane, hu.grid.spacing_mm)
        save(data, folder / f"ct{k + 1:03d}.dcm")
        uids.append(data.SOPInstanceUID)
    return tuple(uids)


def _ct_slice(grid: Grid, visit: Visit) -> Dataset:
    data = instance(visit, CTImageStorage, modality="CT", series=CT, number=1, title="CT low dose")
    imaged(data, visit)
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.PatientPosition, data.KVP, data.AcquisitionNumber = "HFS", "130", 1
    data.SliceThickness = decimal(grid.spacing_mm[2])
    data.ImageOrientationPatient = FLAT
    data.RescaleSlope, data.RescaleIntercept = "1", str(-HU_OFFSET)
    data.RescaleType = "HU"
    return data


def write_outlines(
    regions: Mapping[str, Sequence[Contour]],
    visit: Visit,
    path: Path,
    *,
    grid: Grid,
    slices: Sequence[UID],
) -> None:
    """An RT structure set on the slices of the CT whose grid is given."""
    data = instance(visit, RTStructureSetStorage, modality="RTSTRUCT", series=OUTLINES, number=1,
                    title="Outlines")  # fmt: skip
    in_frame(data, visit)
    data.StructureSetLabel, data.StructureSetName = "DOSIMETRY", "Outlines for dosimetry"
    data.StructureSetDate, data.StructureSetTime = data.SeriesDate, data.SeriesTime
    data.ReferencedFrameOfReferenceSequence = [_reference(visit, slices)]
    numbered = list(enumerate(regions, 1))
    data.StructureSetROISequence = [
        item(ROINumber=n, ReferencedFrameOfReferenceUID=visit.frame_uid, ROIName=name,
             ROIGenerationAlgorithm="MANUAL")
        for n, name in numbered
    ]  # fmt: skip
    data.ROIContourSequence = [
        item(ROIDisplayColor=list(COLOURS[n % len(COLOURS)]), ReferencedROINumber=n,
             ContourSequence=[_contour(c, grid, slices[c.slice]) for c in regions[name]])
        for n, name in numbered
    ]  # fmt: skip
    data.RTROIObservationsSequence = [
        item(ObservationNumber=n, ReferencedROINumber=n, RTROIInterpretedType="ORGAN",
             ROIInterpreter="")
        for n, _ in numbered
    ]  # fmt: skip
    data.ApprovalStatus = "UNAPPROVED"
    save(data, path)


def _contour(contour: Contour, grid: Grid, of: UID) -> Dataset:
    z = float(grid.points_mm((0, 0, contour.slice))[2])
    numbers = [f"{v:.2f}" for x, y in contour.polygon_mm for v in (x, y, z)]
    return item(
        ContourImageSequence=[_referenced(CTImageStorage, of)],
        ContourGeometricType="CLOSED_PLANAR",
        NumberOfContourPoints=len(contour.polygon_mm),
        ContourData=numbers,
    )


def _reference(visit: Visit, slices: Sequence[UID]) -> Dataset:
    series = item(
        SeriesInstanceUID=uid(visit.key, "series", CT),
        ContourImageSequence=[_referenced(CTImageStorage, one) for one in slices],
    )
    study = _referenced(STUDY_COMPONENT, visit.study_uid)
    study.RTReferencedSeriesSequence = [series]
    return item(FrameOfReferenceUID=visit.frame_uid, RTReferencedStudySequence=[study])


def _referenced(sop_class: UID, sop_instance: UID) -> Dataset:
    return item(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=sop_instance)


def _set_camera(data: Dataset, grid: Grid) -> None:
    """Energy window, detectors (which hold the image's geometry) and rotation."""
    camera = camera_facts()
    low, high = camera["window_kev"]
    window = item(EnergyWindowLowerLimit=str(low), EnergyWindowUpperLimit=str(high))
    data.NumberOfEnergyWindows = 1
    data.EnergyWindowInformationSequence = [
        item(EnergyWindowRangeSequence=[window], EnergyWindowName="208 keV")
    ]
    data.NumberOfDetectors = camera["heads"]
    data.DetectorInformationSequence = [_detector(grid) for _ in range(camera["heads"])]
    data.SoftwareVersions = camera["software"]
    data.ReconstructionMethod = camera["reconstruction"]  # not of NM by the standard; scanners do
    data.NumberOfRotations = 1
    data.RotationInformationSequence = [_rotation()]


def _detector(grid: Grid) -> Dataset:
    return item(
        CollimatorGridName="MELP",
        CollimatorType="PARA",
        ImagePositionPatient=[decimal(x) for x in grid.origin_mm],
        ImageOrientationPatient=FLAT,
    )


def _rotation() -> Dataset:
    camera = camera_facts()
    arc = 360.0 / camera["heads"]
    return item(
        StartAngle="180.0",
        AngularStep=decimal(arc / camera["frames"]),
        RotationDirection="CW",
        ScanArc=decimal(arc),
        ActualFrameDuration=int(camera["frame_s"] * 1000),  # ms
        NumberOfFramesInRotation=camera["frames"],
    )


def given(visit: Visit) -> Dataset:
    """The radiopharmaceutical's item: what was given; of a phantom only the nuclide."""
    facts = visit.about if visit.given else camera_facts()["calibration"]
    isotope = nuclide(facts["nuclide"])
    data = item(
        RadionuclideCodeSequence=[code("447553000", "SCT", "^177^Lutetium")],
        RadionuclideHalfLife=decimal(isotope.half_life_h.value * 3600),
        Radiopharmaceutical=facts.get("radiopharmaceutical", facts["nuclide"]),
    )
    if visit.given:
        at = datetime.fromisoformat(facts["administered_at"])
        data.RadiopharmaceuticalStartTime = at.strftime("%H%M%S")
        data.RadiopharmaceuticalStartDateTime = at.strftime("%Y%m%d%H%M%S%z")
        data.RadionuclideTotalDose = decimal(facts["administered_mbq"])  # MBq in NM
    return data


def set_orientation(data: Dataset) -> None:
    """Lying on the back, head first, in codes."""
    recumbent = code("102538003", "SCT", "recumbent")
    recumbent.PatientOrientationModifierCodeSequence = [code("40199007", "SCT", "supine")]
    data.PatientOrientationCodeSequence = [recumbent]
    data.PatientGantryRelationshipCodeSequence = [code("102540008", "SCT", "headfirst")]


def set_pixels(
    data: Dataset, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint16]],
    steps_mm: tuple[float, float, float],
) -> None:  # fmt: skip
    """Pixels of 16 bits; `steps_mm` along columns, rows, slices."""
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = pixels.shape[-2:]
    data.PixelSpacing = [decimal(steps_mm[1]), decimal(steps_mm[0])]
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 0
    data.PixelData = pixels.tobytes()
