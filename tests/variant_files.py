"""Invented patients as DICOM, in the forms that other cameras and archives write. Tests only.

The headers start from case A's; everything a `Style` names is then written otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import UID, generate_uid
from scipy.ndimage import map_coordinates

from quimby.core.grid import Grid, Image, Rigid
from tests.case_a_truth import REFERENCE, ct, sphere_ml
from tests.conftest import shared_path
from tests.dicom_builder import RWVM, base, item, mapping
from tests.variant_case import (
    ADMINISTERED_MBQ,
    COUNTS_PER_MBQ,
    LESIONS,
    ORGANS,
    PHYSICAL_H,
    Variant,
    anatomy,
    counts,
    recorded,
    spect_grid,
)

STARTED = datetime.fromisoformat("2026-03-02T10:12:00+01:00")
ASSAYED = datetime.fromisoformat("2026-01-19T08:30:00+01:00")
SCANNED = datetime.fromisoformat("2026-01-19T11:05:00+01:00")
CYLINDER_MBQ, CYLINDER_MM = 512.0, (108.0, 86.0)  # radius and half length
SPHERE_MBQ_PER_ML = 1.21
SPHERES_MM = (13, 17, 22, 28, 37, 60)
AWAY_MM = 75.0
NAMES = {"Liver": "Liver", "Spleen": "Spleen", "Kidney_L": "Left kidney",
         "Kidney_R": "Right kidney", "Lesion_1": "Lesion 1", "Lesion_2": "Lesion 2",
         "Lesion_3": "Lesion 3"}  # fmt: skip


@dataclass(frozen=True)
class Style:
    """How the files say it.

    `scale` is where the SPECT's scale stands: "rescale", or a real-world value map "top", in
    "frames", or as its own "object". `unit` is what it maps to.
    """

    scale: str = "top"
    unit: str = "{counts}"
    slope: float = 0.25  # of one stored number, in the unit of the numbers before storing
    negative: bool = False  # frames from the head down, with negative spacing
    flat: bool = False  # all files in one folder, without endings
    zoned: bool = True  # files carry TimezoneOffsetFromUTC
    fractional: bool = False
    one_file: bool = True  # of outlines; else one file per segment
    names: Mapping[str, str] | None = None
    record: str = "bq"  # "bq", "mbq" or "none": administration.json
    crop_slices: tuple[int, int] | None = None  # of the CT
    exposure: float = 1.0


class _Out:
    """Where files go, by the style."""

    def __init__(self, root: Path, style: Style) -> None:
        self.root, self.flat, self.number = root, style.flat, 0

    def save(self, data: Dataset, *names: str) -> Path:
        self.number += 1
        path = self.root / (f"IM{self.number:05d}" if self.flat else "/".join(names))
        path.parent.mkdir(parents=True, exist_ok=True)
        data.save_as(path, enforce_file_format=True)
        return path


def write_case(root: Path, variant: Variant, style: Style) -> Path:
    """A whole folder: scans with CTs, outlines as SEG, commissioning, records. Returns it."""
    out = _Out(root, style)
    root.mkdir(parents=True, exist_ok=True)
    for scan, hours in enumerate(variant.times_h):
        when = STARTED + timedelta(hours=hours)
        study, frame = str(generate_uid()), str(generate_uid())
        grid = _cropped(spect_grid(variant.voxel_mm), style)
        values = counts(variant, scan, grid, exposure=style.exposure)
        _spect(out, style, values, grid, when, study, frame, f"tp{scan + 1}",
               "Lu177 SPECT recon")  # fmt: skip
        slices = _ct(out, style, variant.poses[scan], scan, when, study, frame)
        if scan == variant.reference:
            _outlines(out, style, slices)
    _phantoms(out, style, variant)
    _records(root, style)
    return root


def write_scan(root: Path, values: NDArray[np.float64], grid: Grid, style: Style) -> Path:
    """One SPECT alone (counts), with its map where the style has one. Returns its folder."""
    _spect(_Out(root, style), style, values, grid, STARTED + timedelta(hours=24), generate_uid(),
           generate_uid(), "tp", "Lu177 SPECT recon")  # fmt: skip
    return root


def _cropped(grid: Grid, style: Style) -> Grid:
    """The field of a smaller scanner: the slices of the cropped CT, and 420 mm across."""
    if style.crop_slices is None:
        return grid
    affine = anatomy().grid.affine
    low, high = (affine[2, 3] + affine[2, 2] * k for k in style.crop_slices)
    at = grid.index_of(np.array([[-210.0, -150.0, low], [210.0, 150.0, high]]))
    start = np.maximum(np.floor(at[0]), 0).astype(int)
    stop = np.minimum(np.ceil(at[1]) + 1, grid.shape[::-1]).astype(int)
    return grid.cropped(tuple(map(int, start[::-1])), tuple(map(int, stop[::-1])))  # type: ignore[arg-type]


@cache
def _template(*parts: str) -> Dataset:
    return dcmread(shared_path("data", "lu177_dotatate_case_a", *parts))


def _dated(data: Dataset, when: datetime, style: Style) -> None:
    for what in ("Study", "Series", "Acquisition", "Content"):
        setattr(data, f"{what}Date", f"{when:%Y%m%d}")
        setattr(data, f"{what}Time", f"{when:%H%M%S}")
    if not style.zoned:
        del data.TimezoneOffsetFromUTC


def _fresh(data: Dataset, study: str, frame: str, series: str) -> None:
    data.SOPInstanceUID = generate_uid()
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.StudyInstanceUID, data.FrameOfReferenceUID = study, frame
    data.SeriesInstanceUID = series


def _spect(
    out: _Out, style: Style, values: NDArray[np.float64], grid: Grid, when: datetime, study: str,
    frame: str, folder: str, title: str,
) -> None:  # fmt: skip
    data = deepcopy(_template("tp2", "SPECT.dcm"))
    _fresh(data, study, frame, generate_uid())
    _dated(data, when, style)
    data.SeriesDescription = title
    given = data.RadiopharmaceuticalInformationSequence[0]
    given.RadionuclideTotalDose = f"{ADMINISTERED_MBQ * 1e6:.0f}"
    place = np.array(grid.origin_mm)
    if style.negative:
        values, place = values[::-1], grid.points_mm((0, 0, grid.shape[0] - 1))
    if values.max() / style.slope > 65535:
        raise ValueError("the slope is too fine for 16 bits")
    stored = np.rint(values / style.slope).astype("<u2")
    data.NumberOfFrames = data.NumberOfSlices = len(stored)
    data.SliceVector = list(range(1, len(stored) + 1))
    data.Rows, data.Columns = stored.shape[1:]
    steps = grid.spacing_mm
    data.PixelSpacing = [f"{steps[1]:.5f}", f"{steps[0]:.5f}"]
    data.SliceThickness = f"{steps[2]:.5f}"
    data.SpacingBetweenSlices = f"{-steps[2] if style.negative else steps[2]:.5f}"
    for head in data.DetectorInformationSequence:
        head.ImagePositionPatient = [f"{x:.4f}" for x in place]
    data.PixelData = stored.tobytes()
    _scaled(out, data, style, grid, folder)
    out.save(data, folder, "SPECT.dcm")


def _scaled(out: _Out, data: Dataset, style: Style, grid: Grid, folder: str) -> None:
    """Take the rescale out and put the scale where the style wants it."""
    slope = style.slope * _per_count(style.unit, grid)
    if style.scale == "rescale":
        data.RescaleSlope, data.RescaleIntercept = f"{slope:.9g}", "0"
        if style.unit != "{counts}":
            data.Units = "BQML"
        return
    del data.RescaleSlope, data.RescaleIntercept, data.Units
    said = mapping(style.unit, slope=slope)
    if style.scale == "top":
        data.RealWorldValueMappingSequence = [said]
    elif style.scale == "frames":
        data.PerFrameFunctionalGroupsSequence = [
            item(RealWorldValueMappingSequence=[said]) for _ in range(int(data.NumberOfFrames))
        ]
    else:
        _map_object(out, data, said, folder)


def _per_count(unit: str, grid: Grid) -> float:
    if unit == "{counts}":
        return 1.0
    factor = {"bq": 1e6, "kbq": 1e3, "mbq": 1.0}[unit.lower().split("/")[0]]
    volume = grid.voxel_ml if "/" in unit else 1.0
    return factor / (COUNTS_PER_MBQ * volume)


def _map_object(out: _Out, data: Dataset, said: Dataset, folder: str) -> None:
    whole = base(RWVM, "RWV")
    for key in ("PatientID", "PatientName", "PatientSex", "PatientBirthDate", "StudyInstanceUID"):
        setattr(whole, key, data[key].value)
    whole.SeriesInstanceUID = generate_uid()
    named = item(ReferencedSOPClassUID=data.SOPClassUID,
                 ReferencedSOPInstanceUID=data.SOPInstanceUID)  # fmt: skip
    whole.ReferencedImageRealWorldValueMappingSequence = [
        item(ReferencedImageSequence=[named], RealWorldValueMappingSequence=[said])
    ]
    meta = deepcopy(data).file_meta
    meta.MediaStorageSOPClassUID = UID(RWVM)
    meta.MediaStorageSOPInstanceUID = whole.SOPInstanceUID
    whole.file_meta = meta
    out.save(whole, folder, "MAP.dcm")


def _ct(
    out: _Out, style: Style, pose: Rigid, scan: int, when: datetime, study: str, frame: str
) -> list[Dataset]:  # fmt: skip
    """The reference CT as it would be seen with the patient in this position."""
    image = ct(REFERENCE)
    grid = image.grid
    low, high = style.crop_slices or (0, grid.shape[0])
    values = image.values if _still(pose) else _moved(image, pose)
    random = np.random.default_rng(scan)
    noisy = values + random.normal(0, 8.0, values.shape)
    stored = np.clip(np.rint(noisy + 1024), 0, 4095).astype("<u2")
    series = generate_uid()
    found = []
    for k in range(low, high):
        data = deepcopy(_template("tp2", "CT", "ct001.dcm"))
        _fresh(data, study, frame, series)
        _dated(data, when - timedelta(minutes=4), style)
        data.InstanceNumber = k + 1
        data.ImagePositionPatient = [f"{x:.4f}" for x in grid.points_mm((0, 0, k))]
        data.PixelData = stored[k].tobytes()
        out.save(data, f"tp{scan + 1}", "CT", f"ct{k + 1:03d}.dcm")
        found.append(data)
    return found


def _still(pose: Rigid) -> bool:
    return bool(np.allclose(pose.rotation, np.eye(3)) and not np.any(pose.translation_mm))


def _moved(image: Image, pose: Rigid) -> NDArray[np.float64]:
    back = pose.inverse()
    points = image.grid.centres_mm() @ back.rotation.T + back.translation_mm
    index = np.moveaxis(image.grid.index_of(points.reshape(-1, 3)), -1, 0)[::-1]
    flat = map_coordinates(image.values, index, order=1, cval=-1000.0)
    return np.asarray(flat.reshape(image.grid.shape))


def _outlines(out: _Out, style: Style, slices: list[Dataset]) -> None:
    """SEG objects by highdicom, on the CT's own slices."""
    low, high = style.crop_slices or (0, anatomy().grid.shape[0])
    names = style.names or NAMES
    regions = [*ORGANS, *LESIONS]
    sets = [regions] if style.one_file else [[one] for one in regions]
    for number, these in enumerate(sets, 1):
        stack = np.stack([anatomy().masks[name][low:high] for name in these], axis=-1)
        made = hd.seg.Segmentation(
            source_images=slices,
            pixel_array=stack.astype(np.float32) if style.fractional else stack.astype(np.uint8),
            segmentation_type="FRACTIONAL" if style.fractional else "BINARY",
            segment_descriptions=[_described(n, names[one]) for n, one in enumerate(these, 1)],
            series_instance_uid=generate_uid(), series_number=300 + number,
            sop_instance_uid=generate_uid(), instance_number=1, manufacturer="Maker",
            manufacturer_model_name="Drawer", software_versions="1", device_serial_number="1",
            fractional_type="OCCUPANCY" if style.fractional else "PROBABILITY",
        )  # fmt: skip
        out.save(made, f"seg{number}", "SEG.dcm")


def _described(number: int, name: str) -> hd.seg.SegmentDescription:
    return hd.seg.SegmentDescription(
        segment_number=number, segment_label=name, algorithm_type="MANUAL",
        segmented_property_category=codes.SCT.Organ, segmented_property_type=codes.SCT.Organ,
    )  # fmt: skip


def _phantoms(out: _Out, style: Style, variant: Variant) -> None:
    """The cylinder and the spheres on the patient's voxels, with the patient's blur and noise."""
    n = 2 * round(320.0 / variant.voxel_mm / 2)
    affine = np.diag([variant.voxel_mm] * 3 + [1.0])
    affine[:3, 3] = -(n - 1) / 2 * variant.voxel_mm
    grid = Grid((n, n, n), affine)
    decay = 2.0 ** (-((SCANNED - ASSAYED).total_seconds() / 3600.0 + 1 / 6) / PHYSICAL_H)
    for name, sharp in (("cylinder", _cylinder(grid)), ("spheres", _spheres(grid))):
        values = recorded(sharp * decay, grid, variant, seed=len(name))
        finest = replace(style, slope=float(values.max()) / 60000.0)  # each file has its own
        _spect(out, finest, values, grid, SCANNED, generate_uid(), generate_uid(),
               f"calibration/{name}", f"Lu177 {name}")  # fmt: skip


def _points(grid: Grid) -> NDArray[np.float64]:
    """Five places along each axis of every voxel, (axis, n, 5) mm."""
    part = (np.arange(5) + 0.5) / 5 - 0.5
    return np.stack([
        grid.origin_mm[a] + grid.spacing_mm[a] * (np.arange(grid.shape[0])[:, None] + part)
        for a in range(3)
    ])  # fmt: skip


def _cylinder(grid: Grid) -> NDArray[np.float64]:
    """MBq in each voxel at assay, evenly filled, its axis along z."""
    x, y, z = _points(grid)
    radius, half = CYLINDER_MM
    n = grid.shape[0]
    inside = (x.ravel()[None, :] ** 2 + y.ravel()[:, None] ** 2) <= radius**2
    disc = inside.reshape(n, 5, n, 5).mean(axis=(1, 3))
    along = (np.abs(z) <= half).mean(axis=1)
    filled = along[:, None, None] * disc[None]
    return np.asarray(CYLINDER_MBQ * filled / filled.sum())


def _centres() -> list[tuple[float, float, float]]:
    angles = 2 * np.pi * np.arange(len(SPHERES_MM)) / len(SPHERES_MM)
    return [(round(AWAY_MM * float(np.cos(a)), 2), round(AWAY_MM * float(np.sin(a)), 2), 0.0)
            for a in angles]  # fmt: skip


def _spheres(grid: Grid) -> NDArray[np.float64]:
    """MBq in each voxel at assay, hot spheres in cold water."""
    total = np.zeros(grid.shape)
    points = _points(grid)
    n = grid.shape[0]
    for diameter, centre in zip(SPHERES_MM, _centres(), strict=True):
        x, y, z = ((p.ravel() - c) ** 2 for p, c in zip(points, centre, strict=True))
        inside = z[:, None, None] + y[None, :, None] + x[None, None, :] <= (diameter / 2) ** 2
        total += inside.reshape(n, 5, n, 5, n, 5).mean(axis=(1, 3, 5))
    return total * SPHERE_MBQ_PER_ML * grid.voxel_ml


def _records(root: Path, style: Style) -> None:
    fill = {
        "nuclide": "Lu-177", "assayed_at": ASSAYED.isoformat(),
        "cylinder_activity_mbq": CYLINDER_MBQ, "cylinder_assay_relative_u": 0.02,
        "sphere_concentration_mbq_per_ml": SPHERE_MBQ_PER_ML, "sphere_assay_relative_u": 0.03,
        "spheres": [{"diameter_mm": d, "centre_mm": c, "volume_ml": sphere_ml(d)}
                    for d, c in zip(SPHERES_MM, _centres(), strict=True)],
    }  # fmt: skip
    if style.record == "bq":
        fill["cylinder_activity_bq"] = CYLINDER_MBQ * 1e6
        fill["sphere_concentration_bq_per_ml"] = SPHERE_MBQ_PER_ML * 1e6
        del fill["cylinder_activity_mbq"], fill["sphere_concentration_mbq_per_ml"]
    (root / "fill.json").write_text(json.dumps(fill), "utf-8")
    if style.record == "none":
        return
    given = {
        "patient_id": "LUDOTA-A", "radiopharmaceutical": "Lu-177 DOTATATE", "nuclide": "Lu-177",
        "administered_at": STARTED.isoformat(), "administered_relative_u": 0.03,
        "weight_kg": 66.0, "sex": "F", "cycle": 1,
    }  # fmt: skip
    key, factor = {"bq": ("administered_bq", 1e6), "mbq": ("administered_mbq", 1.0)}[style.record]
    (root / "administration.json").write_text(
        json.dumps({**given, key: ADMINISTERED_MBQ * factor}), "utf-8"
    )
