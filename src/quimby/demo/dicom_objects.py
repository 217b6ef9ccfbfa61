"""What every DICOM object of the demo has in common: identifiers, patient, study, file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from quimby import __version__
from quimby.demo.patient import camera_facts

ROOT = uuid5(NAMESPACE_OID, "quimby demo")


def uid(*words: object) -> UID:
    """An identifier made from words: the same words give the same one (PS3.5 B.2, 2.25.)."""
    return UID(f"2.25.{uuid5(ROOT, '/'.join(str(word) for word in words)).int}")


@dataclass(frozen=True, slots=True)
class Visit:
    """What the objects of one visit share."""

    key: str  # makes the identifiers
    description: str
    started: datetime
    about: Mapping[str, Any]  # who lies there
    given: bool = False  # whether a radiopharmaceutical was administered

    @property
    def study_uid(self) -> UID:
        """Of the study."""
        return uid(self.key, "study")

    @property
    def frame_uid(self) -> UID:
        """Of the frame of reference: one table position, so SPECT and CT share it."""
        return uid(self.key, "frame of reference")


def phantom_facts() -> Mapping[str, Any]:
    """What the objects of commissioning scans say in place of a patient."""
    facts: Mapping[str, Any] = camera_facts()["phantom"]
    return facts


def instance_uid(visit: Visit, series: int, number: int) -> UID:
    """Of one object of a series."""
    return uid(visit.key, "series", series, "instance", number)


def instance(
    visit: Visit, sop_class: UID, *, modality: str, series: int, number: int, title: str
) -> Dataset:
    """A data set with the patient, study, series, equipment and SOP common modules filled."""
    data = Dataset()
    data.SOPClassUID = sop_class
    data.SOPInstanceUID = instance_uid(visit, series, number)
    data.Modality, data.SeriesNumber, data.InstanceNumber = modality, series, number
    data.SeriesInstanceUID = uid(visit.key, "series", series)
    data.StudyInstanceUID, data.StudyID = visit.study_uid, "1"
    data.StudyDescription, data.SeriesDescription = visit.description, title
    data.AccessionNumber = data.ReferringPhysicianName = data.OperatorsName = ""
    _set_times(data, visit.started)
    _set_patient(data, visit.about)
    camera = camera_facts()
    data.Manufacturer, data.ManufacturerModelName = camera["manufacturer"], camera["model"]
    data.DeviceSerialNumber, data.SoftwareVersions = camera["serial"], f"quimby {__version__}"
    return data


def in_frame(data: Dataset, visit: Visit) -> Dataset:
    """The same with the visit's frame of reference."""
    data.FrameOfReferenceUID, data.PositionReferenceIndicator = visit.frame_uid, ""
    return data


def imaged(data: Dataset, visit: Visit) -> Dataset:
    """An image: the same with its frame of reference, body part and times."""
    in_frame(data, visit)
    data.BodyPartExamined = visit.about.get("body_part", "ABDOMEN")
    data.ImageComments = visit.about["comment"]
    data.AcquisitionDate, data.AcquisitionTime = data.SeriesDate, data.SeriesTime
    data.ContentDate, data.ContentTime = data.SeriesDate, data.SeriesTime
    return data


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """An item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def item(**elements: Any) -> Dataset:
    """An item of a sequence, by keyword."""
    data = Dataset()
    for keyword, value in elements.items():
        setattr(data, keyword, value)
    return data


def save(data: Dataset, path: Path) -> None:
    """Write one file (explicit little endian); the same data set gives the same bytes."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data.SOPClassUID
    meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = uid("implementation")
    meta.ImplementationVersionName = "QUIMBY_DEMO"
    data.file_meta = meta
    data.SpecificCharacterSet = "ISO_IR 192"
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)


def decimal(value: float) -> str:
    """A decimal string of at most 16 characters, as DICOM wants."""
    return f"{value:.4f}"


def _set_times(data: Dataset, started: datetime) -> None:
    date, clock = started.strftime("%Y%m%d"), started.strftime("%H%M%S")
    data.StudyDate = data.SeriesDate = date
    data.StudyTime = data.SeriesTime = clock
    data.TimezoneOffsetFromUTC = started.strftime("%z")


def _set_patient(data: Dataset, facts: Mapping[str, Any]) -> None:
    data.PatientName, data.PatientID = facts["name"], facts["id"]
    data.PatientBirthDate = facts["birth_date"].replace("-", "")
    data.PatientSex = facts["sex"]
    if "weight_kg" in facts:
        data.PatientWeight = decimal(facts["weight_kg"])
    data.PatientComments = facts["comment"]
