"""Our DICOM ingest against pydicom's own full read of the same CT, in one run.

    python -m benchmarks.dicom_ingest [--slices 300] [--repeats 5] [--seed 1]

Ours is what `quimby run` does: the survey of the folder, then the volume in HU, slices in order.
Theirs is `pydicom.dcmread` of every file with its `pixel_array`, stacked: no order, no HU. Both
take turns, files are in the disk cache for both, and each counts with its best time. A CT is
made here, in a temporary folder: uncompressed first, then packed by RLE. Aim: at most 1.2 times
the time of pydicom, uncompressed; it fails above.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RLELossless, generate_uid

from quimby.measure.dicom import read_ct, survey
from quimby.measure.dicom.opened import Opened

LIMIT = 1.2
SIDE = 512


def slice_of(k: int, pixels: NDArray[np.int16], uids: Sequence[str]) -> Dataset:
    """One CT slice with what scanners write, `uids` being study, series and frame."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = CTImageStorage, generate_uid(), "CT"
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.PatientID, data.PatientName, data.PatientSex = "P1", "Doe^Jane", "F"
    data.PatientBirthDate, data.PatientWeight, data.PatientPosition = "19600131", 66.0, "HFS"
    data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = uids
    data.StudyDate = data.SeriesDate = data.AcquisitionDate = "20260303"
    data.StudyTime = data.SeriesTime = data.AcquisitionTime = "095400"
    data.Manufacturer, data.SeriesDescription = "Nobody", "CT for attenuation correction"
    data.KVP, data.XRayTubeCurrent, data.ConvolutionKernel = 130.0, 90, "B31s"
    data.ImagePositionPatient = [-250.0, -250.0, -400.0 + 3.0 * k]
    data.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    data.PixelSpacing, data.SliceThickness, data.InstanceNumber = [0.9766, 0.9766], 3.0, k + 1
    data.RescaleSlope, data.RescaleIntercept, data.RescaleType = 1.0, -1024.0, "HU"
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows = data.Columns = SIDE
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    data.PixelData = pixels.astype("<i2").tobytes()
    return data


def make(folder: Path, count: int, seed: int, *, packed: bool) -> list[Path]:
    """A round patient with noise; names in another order than the slices."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    body = np.where(np.hypot(rows / 0.7, columns) < 180, 1064, 24)
    uids = [generate_uid() for _ in range(3)]
    names = rng.permutation(count)
    paths = []
    for k in range(count):
        noise = np.rint(rng.normal(0.0, 12.0, body.shape))
        data = slice_of(k, np.clip(body + noise, 0, 4095).astype(np.int16), uids)
        if packed:
            data.compress(RLELossless, generate_instance_uid=False)
        paths.append(folder / f"im{names[k]:04d}.dcm")
        data.save_as(paths[-1], enforce_file_format=True)
    return paths


def ours(folder: Path) -> object:
    """The survey, then the one CT it found, in HU."""
    kept: dict[Path, Opened] = {}
    found = survey(folder, keep=kept)
    return read_ct(found.of("ct")[0].files, opened=kept).image.array


def theirs(folder: Path) -> object:
    """Every file read whole by pydicom, its numbers unpacked and stacked."""
    return np.stack([pydicom.dcmread(path).pixel_array for path in sorted(folder.iterdir())])


def best_of(repeats: int, *works: Callable[[], object]) -> list[float]:
    """Least wall seconds of each, taking turns."""
    least = [float("inf")] * len(works)
    for turn in range(repeats + 1):
        for n, work in enumerate(works):
            start = perf_counter()
            work()
            if turn:  # the first round warms disk and imports
                least[n] = min(least[n], perf_counter() - start)
    return least


def check(folder: Path, paths: Sequence[Path]) -> None:
    """Ours is the same CT: pydicom's numbers in order of place, plus the intercept."""
    datas = sorted(map(pydicom.dcmread, paths), key=lambda d: float(d.ImagePositionPatient[2]))
    plain = np.stack([data.pixel_array for data in datas]).astype(np.int32) - 1024
    assert np.array_equal(np.asarray(ours(folder)), plain)


def main(argv: Sequence[str] | None = None) -> int:
    """Prints a line a syntax; 0 when the first is within the limit."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    asked.add_argument("--slices", type=int, default=300)
    asked.add_argument("--repeats", type=int, default=5)
    asked.add_argument("--seed", type=int, default=1)
    said = asked.parse_args(argv)
    ratios = []
    print(f"{'syntax':<14} {'ours s':>8} {'pydicom s':>10} {'ratio':>7}")
    with tempfile.TemporaryDirectory() as temporary:
        for name, packed in (("uncompressed", False), ("RLE", True)):
            folder = Path(temporary) / name
            paths = make(folder, said.slices, said.seed, packed=packed)
            check(folder, paths)
            mine, other = best_of(said.repeats, partial(ours, folder), partial(theirs, folder))
            ratios.append(mine / other)
            print(f"{name:<14} {mine:8.3f} {other:10.3f} {ratios[-1]:7.2f}")
    passed = ratios[0] <= LIMIT
    print(f"{'PASS' if passed else 'FAIL'}  limit {LIMIT}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
