"""Planar views as DICOM: static frames of two heads in three energy windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import NuclearMedicineImageStorage

from quimby.demo.dicom_objects import Visit, code, decimal, imaged, instance, item, save
from quimby.demo.patient import camera_facts
from quimby.demo.planar_camera import Views, windows_kev
from quimby.demo.write_dicom import given, set_orientation, set_pixels

PLANAR = 4  # series number
VIEWS = (("R-10206", "anterior", "180.0", "1"), ("R-10214", "posterior", "0.0", "-1"))
"""Code of DICOM CID 26, name, start angle, and which way x runs along a row."""


def write_planar(views: Views, visit: Visit, path: Path, *, title: str, number: int = 1) -> None:
    """Whole counts, unsigned 16 bit: window by window, in each the front view, then the back."""
    data = instance(visit, NuclearMedicineImageStorage, modality="NM", series=PLANAR,
                    number=number, title=title)  # fmt: skip
    imaged(data, visit)
    data.ImageType = ["ORIGINAL", "PRIMARY", "STATIC", "EMISSION"]
    data.ActualFrameDuration = int(views.seconds * 1000)  # ms
    data.RadiopharmaceuticalInformationSequence = [given(visit)]
    set_orientation(data)
    frames = np.stack([frame for pair in views.counts for frame in pair])
    data.CountsAccumulated = int(frames.sum())
    data.NumberOfFrames = len(frames)
    data.FrameIncrementPointer = [0x00540010, 0x00540020]
    data.EnergyWindowVector = [n for n in range(1, len(views.counts) + 1) for _ in VIEWS]
    data.DetectorVector = [1, 2] * len(views.counts)
    _set_heads(data, len(views.counts))
    step = camera_facts()["voxel_mm"]
    set_pixels(data, frames.astype("<u2"), (step, step, step))
    save(data, path)


def _set_heads(data: Dataset, windows: int) -> None:
    data.NumberOfEnergyWindows, data.NumberOfDetectors = windows, len(VIEWS)
    data.EnergyWindowInformationSequence = [
        item(
            EnergyWindowRangeSequence=[
                item(EnergyWindowLowerLimit=str(low), EnergyWindowUpperLimit=str(high))
            ],
            EnergyWindowName=f"{(low + high) / 2:.0f} keV",
        )
        for low, high in windows_kev()[:windows]
    ]
    data.DetectorInformationSequence = [
        item(
            CollimatorGridName="MELP",
            CollimatorType="PARA",
            FieldOfViewShape="RECTANGLE",
            StartAngle=angle,
            ImageOrientationPatient=[across, "0", "0", "0", "0", "-1"],
            ImagePositionPatient=[decimal(x) for x in _first_pixel_mm(float(across))],
            ViewCodeSequence=[code(value, "SRT", view)],
        )
        for value, view, angle, across in VIEWS
    ]


def _first_pixel_mm(across: float) -> tuple[float, float, float]:
    """Middle of the upper left pixel on the head, LPS: the heads are centred on the phantom."""
    facts, step = camera_facts()["planar"], camera_facts()["voxel_mm"]
    rows, columns = facts["matrix"]
    return (-across * step * (columns - 1) / 2, -across * facts["distance_mm"],
            step * (rows - 1) / 2)  # fmt: skip
