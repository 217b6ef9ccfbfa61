"""What lies in a folder: every DICOM series by kind, read from headers only."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pydicom.dataset import Dataset

from quimby.core.errors import QuimbyError
from quimby.measure.dicom import about, times
from quimby.measure.dicom.headers import first, items, number, open_file, text, texts, tolerant
from quimby.measure.dicom.opened import Opened, open_any
from quimby.measure.scans import Identity

BASE = "1.2.840.10008.5.1.4.1.1."
KINDS = {
    "2": "ct", "2.1": "ct", "2.2": "ct", "128": "pet", "128.1": "pet", "130": "pet",
    "481.3": "rtstruct", "66.4": "seg", "66.7": "seg", "481.2": "rtdose", "67": "rwvm",
    "66.1": "reg", "66.3": "reg", "20": "nm",
}  # fmt: skip
NM_KINDS = {
    "RECON TOMO": "spect", "STATIC": "planar", "WHOLE BODY": "whole body",
    "DYNAMIC": "dynamic", "TOMO": "tomo projections",
}  # fmt: skip
STACKED = ("ct", "pet", "other")  # kinds whose files together make one thing
DIRECTORY = "1.2.840.10008.1.3.10"
TAGS = [
    "SpecificCharacterSet", "ImageType", "SOPClassUID", "SOPInstanceUID", "SeriesDate",
    "SeriesTime", "AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime", "Modality",
    "TimezoneOffsetFromUTC", "SeriesDescription", "Manufacturer", "ManufacturerModelName",
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientWeight",
    "PatientPosition", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID",
    "NumberOfFrames", "Units", "ReferencedSeriesSequence", "StructureSetLabel", "SeriesNumber",
    "ReferencedFrameOfReferenceSequence", "ReferencedImageRealWorldValueMappingSequence",
    "RadiopharmaceuticalInformationSequence",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Series:
    """Files that belong together: a CT or PET series, or one NM, RTSTRUCT, SEG … object.

    `kind` is "spect", "pet", "ct", "planar", "whole body", "dynamic", "tomo projections",
    "rtstruct", "seg", "rtdose", "rwvm", "reg" or "other". `references` are the series that
    outlines, masks and maps speak of; `frame_of_reference` is then the one referred to.
    """

    kind: str
    modality: str
    series_uid: str
    study_uid: str
    frame_of_reference: str
    references: tuple[str, ...]
    description: str
    identity: Identity
    acquired_at: datetime | None  # earliest; aware only where the files carry an offset
    nuclide: str
    patient_position: str
    manufacturer: str
    model: str
    frames: int
    files: tuple[Path, ...]
    sop_uids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """All series of a folder, in order of time, and every file left out with the reason."""

    folder: Path
    series: tuple[Series, ...]
    left_out: tuple[tuple[Path, str], ...]

    def of(self, *kinds: str) -> tuple[Series, ...]:
        """The series of these kinds."""
        return tuple(one for one in self.series if one.kind in kinds)

    def files_for(self, series: Series) -> tuple[Path, ...]:
        """Its files and those of real-world value maps that speak of it: for `read_emission`."""
        maps = (one for one in self.of("rwvm") if series.series_uid in one.references)
        return series.files + tuple(path for one in maps for path in one.files)


def survey(folder: Path | str, *, keep: dict[Path, Opened] | None = None) -> Survey:
    """Look through a folder, however deep and named; one bad file never stops it.

    Only headers are read. E-DCM-FILE (by `open_file`) ends as a reason in `left_out`. `keep`
    takes the headers of CT slices, so that `read_ct` need not read them again.
    """
    root = Path(folder)
    found: dict[tuple[str, ...], list[Series]] = {}
    seen: dict[str, Path] = {}
    left_out: list[tuple[Path, str]] = []
    with tolerant():
        for path in _walk(root):
            one = _look(path, keep)
            if isinstance(one, str):
                left_out.append((path, one))
            elif one.sop_uids[0] in seen:
                left_out.append((path, f"the same object as {seen[one.sop_uids[0]]}"))
            else:
                seen[one.sop_uids[0]] = path
                found.setdefault(_key(one), []).append(one)
    series = _resolved([_joined(group) for group in found.values()])
    return Survey(root, tuple(sorted(series, key=_by_time)), tuple(left_out))


def _walk(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
    for folder, inside, names in os.walk(root):
        inside.sort()
        yield from (Path(folder, name) for name in sorted(names))


def _look(path: Path, keep: dict[Path, Opened] | None) -> Series | str:
    """One file's facts, or why it is left out."""
    if path.name.upper() == "DICOMDIR":
        return "a medium's directory, not needed"
    try:
        data = _header(path, keep)
        if text(data, "SOPClassUID") == DIRECTORY:
            return "a medium's directory, not needed"
        if not text(data, "SOPInstanceUID"):
            return "a DICOM file without an instance UID"
        return _series(path, data)
    except QuimbyError as error:
        return error.what
    except Exception as error:  # a damaged header can fail anywhere; the rest must go on
        return f"the header cannot be read: {error}"


def _header(path: Path, keep: dict[Path, Opened] | None) -> Dataset:
    if keep is None:
        return open_file(path, pixels=False, tags=TAGS)
    found = open_any(path)
    if kind_of(found.data) == "ct":
        keep[path] = found
    return found.data


def _series(path: Path, data: Dataset) -> Series:
    frame, references = _refers(data)
    said = first(data, "RadiopharmaceuticalInformationSequence")
    return Series(
        kind=kind_of(data),
        modality=text(data, "Modality"),
        series_uid=text(data, "SeriesInstanceUID"),
        study_uid=text(data, "StudyInstanceUID"),
        frame_of_reference=frame or text(data, "FrameOfReferenceUID"),
        references=references,
        description=text(data, "SeriesDescription") or text(data, "StructureSetLabel"),
        identity=about.identity_of(data),
        acquired_at=times.acquired_at(data),
        nuclide=about.nuclide_of(said, where=str(path))[0] if said is not None else "",
        patient_position=text(data, "PatientPosition"),
        manufacturer=text(data, "Manufacturer"),
        model=text(data, "ManufacturerModelName"),
        frames=int(number(data, "NumberOfFrames") or 1),
        files=(path,),
        sop_uids=(text(data, "SOPInstanceUID"),),
    )


def kind_of(data: Dataset) -> str:
    """What kind of thing a header describes (see `Series`)."""
    uid = text(data, "SOPClassUID")
    kind = KINDS.get(uid.removeprefix(BASE), "other") if uid.startswith(BASE) else "other"
    image_type = texts(data, "ImageType")
    if kind == "nm":
        third = image_type[2] if len(image_type) > 2 else ""
        return "other" if "TRANSMISSION" in image_type else NM_KINDS.get(third, "other")
    return "other" if kind == "ct" and "LOCALIZER" in image_type else kind


def _refers(data: Dataset) -> tuple[str, tuple[str, ...]]:
    """Frame of reference and series (or, for maps, instances) that an object speaks of."""
    frame, series = (
        "",
        [text(one, "SeriesInstanceUID") for one in items(data, "ReferencedSeriesSequence")],
    )
    for one in items(data, "ReferencedFrameOfReferenceSequence"):
        frame = frame or text(one, "FrameOfReferenceUID")
        for study in items(one, "RTReferencedStudySequence"):
            inside = items(study, "RTReferencedSeriesSequence")
            series += [text(found, "SeriesInstanceUID") for found in inside]
    for holder in items(data, "ReferencedImageRealWorldValueMappingSequence"):
        images = items(holder, "ReferencedImageSequence")
        series += [text(image, "ReferencedSOPInstanceUID") for image in images]
    return frame, tuple(dict.fromkeys(uid for uid in series if uid))


def _key(one: Series) -> tuple[str, ...]:
    alone = "" if one.kind in STACKED else one.sop_uids[0]
    return one.kind, one.series_uid, one.identity.patient_id, one.frame_of_reference, alone


def _joined(group: list[Series]) -> Series:
    head = group[0]
    return replace(
        head,
        acquired_at=times.earliest(one.acquired_at for one in group),
        frames=sum(one.frames for one in group),
        files=tuple(path for one in group for path in one.files),
        sop_uids=tuple(uid for one in group for uid in one.sop_uids),
    )


def _resolved(series: Iterable[Series]) -> list[Series]:
    """Maps name images; say in which series those lie."""
    known = list(series)
    home = {uid: one.series_uid for one in known for uid in one.sop_uids}
    return [
        replace(one, references=tuple(dict.fromkeys(home.get(uid, uid) for uid in one.references)))
        for one in known
    ]


def _by_time(one: Series) -> tuple[bool, float, str, str]:
    when = one.acquired_at
    stamp = times.rough(when) if when is not None else 0.0
    return when is None, stamp, one.kind, str(one.files[0])
