"""A made-up result, rich enough to try every page of the report. Nobody's data.

Organs are ellipsoids in an elliptic trunk; curves are closed forms; numbers agree with each
other to the accuracy a report needs (mass x dose = energy x TIA) and prove nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import cache
from math import erfc, exp, log, sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.notes import Note
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain, combine, exact
from quimby.effect.dvh import Dvh
from quimby.effect.limits import Check
from quimby.kinetics.choose import Alternative
from quimby.population.places import WITHIN, Place
from quimby.report.draw import drawings
from quimby.report.figures.style import Figure
from quimby.report.pdf import pdf
from quimby.study.result import (
    Curve,
    Exposure,
    InputFile,
    Measurement,
    Patient,
    Pictures,
    RegionResult,
    RegistrationResult,
    Result,
    Sample,
    Trace,
)

Float = NDArray[np.float64]
TIMES_H = (4.1, 23.7, 71.2, 167.4)
GIVEN = Uncertain(7370.0, {"activity meter": 184.0, "syringe residue": 30.0})
GY_G_PER_MBQ_H = 0.0853
CET = timezone(timedelta(hours=1))
START = datetime(2026, 3, 2, 10, 12, tzinfo=CET)

LIMIT_KIDNEY = Constant("kidney dose limit", 23.0, "Gy", "from external beam practice", "P")
LIMIT_BED = Constant("kidney BED limit, risk factors", 28.0, "Gy", "ILUMINET protocol", "M")
LIMIT_MARROW = Constant("marrow dose limit", 2.0, "Gy", "general practice", "M")
LIMIT_LIVER = Constant("liver dose limit", 30.0, "Gy", "general practice", "M")

ELLIPSOIDS = {  # centre and half axes, mm LPS, about the middle of the trunk
    "Kidney L": ((62, 38, -20), (27, 24, 52)),
    "Kidney R": ((-62, 38, -32), (27, 24, 52)),
    "Liver": ((-62, -8, 52), (76, 66, 58)),
    "Spleen": ((96, 30, 52), (24, 38, 44)),
    "Bone marrow": ((0, 48, -20), (15, 15, 62)),
    "Lesion 1": ((-82, -30, 60), (13, 13, 13)),
    "Lesion 2": ((-38, 14, 74), (10, 10, 10)),
    "Lesion 3": ((-96, 10, 30), (9, 9, 9)),
    "Lesion 4": ((-60, -40, 40), (8, 8, 8)),
    "Lesion 5": ((-44, -28, 84), (9, 9, 9)),
    "Lesion 6": ((-30, -26, 46), (8, 8, 8)),
    "Lesion 7": ((-70, 26, 88), (8, 8, 8)),
}
ORGAN = {"Kidney L": ("kidney", "left"), "Kidney R": ("kidney", "right"), "Liver": ("liver", ""),
         "Spleen": ("spleen", ""), "Bone marrow": ("marrow", "")}  # fmt: skip
# dose Gy, mass g, effective half-life h, uptake half-time h (0 = none), relative doubts
FACTS: dict[str, tuple[float, float, float, float]] = {
    "Kidney L": (3.512, 151.0, 53.0, 2.1),
    "Kidney R": (3.337, 163.0, 52.0, 2.1),
    "Liver": (1.622, 1078.0, 66.0, 0.0),
    "Spleen": (5.241, 110.0, 70.0, 0.0),
    "Bone marrow": (0.2104, 88.0, 44.0, 0.0),
    "Lesion 1": (31.24, 6.4, 88.0, 6.0),
    "Lesion 2": (24.61, 3.8, 79.0, 5.0),
    "Lesion 3": (9.83, 6.1, 74.0, 7.0),
    "Lesion 4": (18.3, 2.2, 81.0, 5.0),
    "Lesion 5": (27.9, 3.1, 92.0, 6.0),
    "Lesion 6": (12.2, 2.2, 69.0, 5.0),
    "Lesion 7": (41.5, 2.2, 95.0, 6.0),
}


def _causes(name: str) -> dict[str, float]:
    small = name.startswith("Lesion")
    return {
        "outline": 0.17 if small else 0.08,
        "recovery": 0.14 if small else 0.05,
        f"curve, {name}": 0.08 if small else 0.05,
        "camera calibration": 0.03,
        f"counts, {name}": 0.02,
        "S value, electrons": 0.01,
    }


def _curve(name: str, tia: float, half_h: float, uptake_h: float) -> Curve:
    rate = log(2) / half_h
    rates: tuple[float, ...] = (rate, log(2) / uptake_h) if uptake_h else (rate,)
    signs = (1.0, -1.0)[: len(rates)]
    area = sum(s / r for s, r in zip(signs, rates, strict=True))
    amplitudes = tuple(s * tia / area for s in signs)
    after = sum(a / r * exp(-r * TIMES_H[-1]) for a, r in zip(amplitudes, rates, strict=True))
    before = tia - sum(a / r * exp(-r * TIMES_H[0]) for a, r in zip(amplitudes, rates, strict=True))
    parameters = {"A0_mbq": Uncertain(amplitudes[0], {f"curve, {name}": 0.05 * amplitudes[0]}),
                  "lambda_eff_per_h": Uncertain(rate, {f"curve, {name}": 0.04 * rate})}  # fmt: skip
    half = {"effective": Uncertain(half_h, {f"curve, {name}": 0.04 * half_h})}
    if uptake_h:
        parameters["lambda_up_per_h"] = Uncertain(rates[1], {"prior, uptake": 0.3 * rates[1]})
        half["uptake"] = Uncertain(uptake_h, {"prior, uptake": 0.3 * uptake_h})
    times = np.linspace(0, 240, 97)
    line = sum(a * np.exp(-r * times) for a, r in zip(amplitudes, rates, strict=True))
    spread = 0.02 + 0.0004 * np.abs(times - 50) + 0.10 * np.exp(-times / 4)
    model = "uptake-clearance" if uptake_h else "mono"
    return Curve(
        model=model,
        parameters=parameters,
        covariance=np.diag([p.u**2 for p in parameters.values()]),
        amplitudes_mbq=amplitudes,
        rates_per_h=rates,
        half_lives_h=half,
        residuals_u=(0.4, -0.9, 1.1, -0.3) if name != "Lesion 2" else (0.2, -2.4, 1.2, -0.1),
        chi2=2.3,
        degrees_of_freedom=4 - len(parameters),
        head_fraction=before / tia,
        tail_fraction=after / tia,
        alternatives=(
            Alternative(model, tia, 2.3, 0.32, "used"),
            Alternative("bi", tia * 1.018, 1.9, 0.17, "admissible"),
            Alternative("mono" if uptake_h else "uptake-clearance", tia * 1.06, 19.4, 0.0002,
                        "rejected: chi-squared test, p = 0.0002"),
        ),
        band_times_h=tuple(float(t) for t in times),
        band_u_mbq=tuple(float(x) for x in spread * np.abs(line)),
    )  # fmt: skip


def _samples(curve: Curve, name: str, recovery: float) -> tuple[Sample, ...]:
    found = []
    causes = {c: p for c, p in _causes(name).items() if not c.startswith(("curve", "S value"))}
    for index, time in enumerate(TIMES_H):
        line = sum(
            a * exp(-r * time) for a, r in zip(curve.amplitudes_mbq, curve.rates_per_h, strict=True)
        )
        value = line * (1 + 0.02 * curve.residuals_u[index])
        parts = {cause: part * value for cause, part in causes.items()}
        parts[f"counts, scan-{index + 1}"] = 0.02 * value
        found.append(Sample(f"scan-{index + 1}", time, Uncertain(value, parts), value * recovery))
    return tuple(found)


def _dvh(mean: float) -> Dvh:
    doses = np.linspace(0, 2.2 * mean, 120)
    volume = 0.5 * np.array([erfc((d - mean) / (sqrt(2) * 0.28 * mean)) for d in doses])
    volume = np.where(doses < 1e-9, 1.0, volume)
    at = {share: float(np.interp(-share, -volume, doses)) for share in (0.98, 0.9, 0.7, 0.5, 0.02)}
    return Dvh(mean, at[0.98], at[0.9], at[0.7], at[0.5], at[0.02],
               tuple(map(float, doses)), tuple(map(float, volume)))  # fmt: skip


def _limit(total: Uncertain, quantity: str, constant: Constant) -> Check:
    above = 0.5 * erfc((constant.value - total.value) / (sqrt(2) * total.u))
    return Check(quantity, total, constant.value, constant.name, above, constant)


def _population(organ: str, per_gbq: float) -> tuple[Place, ...]:
    known = {
        "kidney": ("Willowson 2018", 80, 0.42, 0.13, (0.24, 0.66), 74.0, "V", "SPECT/CT, 4 points"),
        "marrow": ("product label", 20, 0.027, 0.016, (0.010, 0.057), 53.0, "M", "planar"),
        "liver": ("product label", 20, 0.25, 0.12, (0.10, 0.48), 45.0, "M", "planar"),
        "lesion": ("Gupta 2013", 61, 4.1, 2.9, (1.2, 9.6), None, "V", "planar imaging"),
    }
    if organ not in known:
        return ()
    source, n, mean, sd, span, centile, tag, method = known[organ]
    if centile is None:
        centile = 100 / (1 + exp(-1.7 * (log(per_gbq) - log(mean)) / 0.6))
    place = Place(source=source, n=n, unit="Gy/GBq", mean=mean, sd=sd, median=None,
                  published=None, centile=centile, range_5_95=span, z_linear=None,
                  z_lognormal=None, words=WITHIN, group="", tag=tag, method=method)  # fmt: skip
    return (place,)


def _region(name: str) -> RegionResult:
    dose_gy, mass, half_h, uptake_h = FACTS[name]
    organ, side = ORGAN.get(name, ("lesion", ""))
    tia = dose_gy * mass / GY_G_PER_MBQ_H
    curve = _curve(name, tia, half_h, uptake_h)
    causes = _causes(name)
    dose = Uncertain(dose_gy, {c: r * dose_gy for c, r in causes.items()})
    tia_u = Uncertain(tia, {c: r * tia for c, r in causes.items() if not c.startswith("S value")})
    volume = Uncertain(mass / 1.05, {"outline": 0.10 * mass / 1.05})
    recovery = 0.62 if organ == "lesion" else 0.93
    earlier = {"kidney": 1.026, "marrow": 1.04, "liver": 1.0, "spleen": 1.02}.get(organ, 1.25)
    total = combine(dose_gy * (1 + earlier), (dose, 1 + earlier))
    bed = dose.scaled(1.07) if organ == "kidney" else None
    limits: tuple[Check, ...] = ()
    if organ == "marrow":
        limits = (_limit(total, "absorbed dose", LIMIT_MARROW),)
    if organ == "liver":
        limits = (_limit(total, "absorbed dose", LIMIT_LIVER),)
    return RegionResult(
        name=name,
        organ=organ,
        side=side,
        members=(),
        volume_ml=volume,
        mass_g=volume.scaled(1.05),
        samples=_samples(curve, name, recovery),
        curve=curve,
        tia_mbq_h=tia_u,
        tiac_h=tia_u / GIVEN,
        absorbed_dose_gy=dose,
        dose_per_activity_gy_per_gbq=dose.scaled(1000) / GIVEN,
        electron_fraction=0.97 if organ == "lesion" else 1.0,
        photon_estimate=0.021,
        bed_gy=bed,
        eqd2_gy=bed.scaled(1 / 1.8) if bed else None,
        total_dose_gy=total,
        total_bed_gy=bed.scaled(1 + earlier) if bed else None,
        limits=limits,
        population=_population(organ, 1000 * dose_gy / GIVEN.value),
        dvh=_dvh(dose_gy),
        voxel_rescale=1.04,
        recovery=(recovery,) * len(TIMES_H),
    )


def _kidneys(left: RegionResult, right: RegionResult) -> RegionResult:
    mass = left.mass_g + right.mass_g
    weights = left.mass_g.value / mass.value, right.mass_g.value / mass.value

    def pooled(a: Uncertain, b: Uncertain) -> Uncertain:
        value = weights[0] * a.value + weights[1] * b.value
        return combine(value, (a, weights[0]), (b, weights[1]))

    assert left.bed_gy
    assert right.bed_gy
    assert left.total_bed_gy
    assert right.total_bed_gy
    dose = pooled(left.absorbed_dose_gy, right.absorbed_dose_gy)
    bed = pooled(left.bed_gy, right.bed_gy)
    total = pooled(left.total_dose_gy, right.total_dose_gy)
    total_bed = pooled(left.total_bed_gy, right.total_bed_gy)
    samples = tuple(
        Sample(a.measurement, a.time_h, a.activity_mbq + b.activity_mbq,
               a.uncorrected_mbq + b.uncorrected_mbq)
        for a, b in zip(left.samples, right.samples, strict=True)
    )  # fmt: skip
    return replace(
        left,
        name="Kidneys",
        side="both",
        members=(left.name, right.name),
        volume_ml=left.volume_ml + right.volume_ml,
        mass_g=mass,
        samples=samples,
        curve=None,
        tia_mbq_h=left.tia_mbq_h + right.tia_mbq_h,
        tiac_h=left.tiac_h + right.tiac_h,
        absorbed_dose_gy=dose,
        dose_per_activity_gy_per_gbq=dose.scaled(1000) / GIVEN,
        bed_gy=bed,
        eqd2_gy=bed.scaled(1 / 1.8),
        total_dose_gy=total,
        total_bed_gy=total_bed,
        limits=(_limit(total, "absorbed dose", LIMIT_KIDNEY), _limit(total_bed, "BED", LIMIT_BED)),
        dvh=_dvh(dose.value),
    )


NOTES = (
    Note("S-CAL-EXPIRED", "The camera calibration was 97 days past its date.",
         "camera 'SPECT1', calibrated 2025-08-26", "calibrate, or sign with --override",
         97.0, 0.0),
    Note("W-TIA-TAIL", "28 % of this region's activity lies after the last scan.",
         "Lesion 1", "a later scan would lower the uncertainty; it is included in it", 0.28, 0.20),
    Note("W-POP-OUTLIER", "The dose per activity lies below the published range.",
         "Lesion 2", "compare with the uptake on PET before the next cycle", 1.33, 1.2),
    Note("W-STP-WINDOW", "The scan lies outside its planned window of 90–102 h.",
         "scan-3, 71.2 h", "nothing: the curve uses the true time; kidneys' u 11 → 12 %",
         71.2, 90.0),
    Note("W-RC-EXTRAPOLATE", "The volume is smaller than the smallest calibrated sphere.",
         "Lesion 1", "measure a smaller sphere, or read the dose as a lower bound", 3.6, 4.2),
    Note("W-IMG-REG", "The outlines lie 6.3 mm off the uptake.", "Kidney L, scan-4",
         "align this organ alone", 6.3, 5.0),
    Note("I-RES-ASSUMED0", "No residue was given; 0 MBq was assumed.", "administration 2",
         "measure the syringe after infusion", 0.0),
    Note("I-TIME-ZONE", "Times without a zone were read in Europe/Berlin.", "scan-1 to scan-4",
         "check that the camera's clock stood in that zone"),
    Note("I-MASS-CONTRAST", "The CT has contrast medium; masses use 1.05 g/ml.", "scan-2 CT",
         "nothing, unless the centre weighs organs by HU"),
)  # fmt: skip

CONSTANTS = (
    Constant("177Lu half-life", 159.53, "h", "DDEP 2011", "V", 0.1),
    Constant("177Lu electron energy per decay", 0.1479, "MeV", "ENSDF 2019", "V", 0.0006),
    Constant("kidney α/β", 2.5, "Gy", "Wessels 2008, MIRD Pamphlet 20", "M"),
    Constant("kidney repair half-time", 2.8, "h", "Wessels 2008, MIRD Pamphlet 20", "M"),
    Constant("soft-tissue density", 1.05, "g/ml", "ICRU 44", "V", 0.01),
    LIMIT_KIDNEY,
    LIMIT_BED,
    LIMIT_MARROW,
    LIMIT_LIVER,
)


def _grid(spacing_mm: float, shape: tuple[int, int, int]) -> Grid:
    affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    centre = (np.array(shape[::-1]) - 1) / 2 * spacing_mm
    affine[:3, 3] = -centre + np.array([0.0, 0.0, 10.0])
    return Grid(shape, affine)


def _ball(grid: Grid, name: str) -> Float:
    centre, half = ELLIPSOIDS[name]
    inside: NDArray[np.bool_] = (
        ((grid.centres_mm() - np.array(centre)) / np.array(half)) ** 2
    ).sum(axis=-1) <= 1
    return inside.astype(np.float64)


def _ct(grid: Grid, names: tuple[str, ...], shift_mm: float = 0.0) -> Image:
    moved = Grid(grid.shape, grid.affine - np.array([[0, 0, 0, shift_mm]] * 3 + [[0, 0, 0, 0]]))
    where = moved.centres_mm()
    rng = np.random.default_rng(7)
    hu = np.full(grid.shape, -1000.0)
    ring = (where[..., 0] / 172) ** 2 + (where[..., 1] / 118) ** 2
    hu[ring <= 1] = -90
    hu[ring <= 0.84] = 35
    for name in names:
        hu[_ball(moved, name) > 0] = 62 if "Bone" not in name else 240
    hu[(where[..., 0] ** 2 + (where[..., 1] - 48) ** 2) < 24**2] += 180
    return Image(grid, (hu + rng.normal(0, 9, grid.shape)).astype(np.float32), "HU")


def _pictures(regions: Mapping[str, RegionResult]) -> Pictures:
    grid, ct_grid = _grid(6.0, (40, 64, 64)), _grid(3.0, (80, 128, 128))
    names = tuple(regions)
    occupancy = {n: _ball(grid, n) for n in names}
    lesions = sum((occupancy[n] for n in names if n.startswith("Lesion")), np.zeros(grid.shape))
    occupancy["Liver"] = occupancy["Liver"] * (lesions == 0)
    spect = []
    for index, _time in enumerate(TIMES_H):
        density = np.full(grid.shape, 0.002)
        for n in names:
            per_ml = regions[n].samples[index].activity_mbq.value / regions[n].volume_ml.value
            density = np.where(occupancy[n] > 0, per_ml, density)
        spect.append(Image(grid, _blur(density), "MBq/ml"))
    dose = np.full(grid.shape, 0.02)
    for n in names:
        dose = np.where(occupancy[n] > 0, regions[n].absorbed_dose_gy.value, dose)
    ct = _ct(ct_grid, names)
    return Pictures(
        ct=ct,
        spect_mbq_per_ml=tuple(spect),
        dose=Image(grid, _blur(dose), "Gy"),
        occupancy={n: Image(grid, a, "1") for n, a in occupancy.items()},
        masks_ct={n: Image(ct_grid, _ball(ct_grid, n), "1") for n in names},
        ct_files=(),
        registered_ct={
            f"scan-{i}": _ct(ct_grid, names, shift_mm=s) for i, s in ((1, 1.5), (3, -2.0), (4, 5.0))
        },
    )


def _blur(array: Float) -> Float:
    from scipy.ndimage import gaussian_filter

    found: Float = gaussian_filter(array, 0.9)
    return found


def _measurement(index: int) -> Measurement:
    time = TIMES_H[index]
    return Measurement(
        f"scan-{index + 1}", "spect", START + timedelta(hours=time), time, "SPECT1", 1200.0,
        (4.42, 4.42, 4.42),
    )  # fmt: skip


def _registration(index: int, shift: tuple[float, float, float], off: float) -> RegistrationResult:
    return RegistrationResult(
        f"scan-{index}", "scan-2", Rigid(np.eye(3), np.array(shift)), shift, 0.7 + 0.3 * index,
        0.97, 0.81, 0.98, {"Kidney L": off, "Kidney R": 0.8 * off, "Liver": 2.1},
    )  # fmt: skip


@cache
def sample_result(*, lesions: int = 2, pictures: bool = True) -> Result:
    """A made-up 177Lu-DOTATATE cycle 2 of 4 with four SPECT/CT, up to seven lesions."""
    names = (*ORGAN, *(f"Lesion {i + 1}" for i in range(lesions)))
    regions = {name: _region(name) for name in names}
    return Result(
        study_id="example-anna-c2",
        therapy="[177Lu]Lu-DOTATATE, neuroendocrine tumours",
        protocol="LU-FULL",
        protocol_title="Four SPECT/CT",
        level=2,
        centre="Example University Hospital",
        report_number="2026-0118",
        example=True,
        patient=Patient("0000-1234", "EXAMPLE, Anna", "1961-05-14", "F", 66.0, "Midgut NET, G2",
                        "74 ml/min", ("hypertension",)),
        administration="2",
        cycle=2,
        cycles_planned=4,
        nuclide="Lu-177",
        radiopharmaceutical="[177Lu]Lu-DOTATATE",
        administered_at=START,
        administered_mbq=GIVEN,
        prescribed_mbq=7400.0,
        measurements=tuple(_measurement(i) for i in range(4)),
        registrations=(
            _registration(1, (2.1, -3.3, 1.0), 2.2),
            _registration(3, (-4.0, 2.5, 3.7), 3.9),
            _registration(4, (6.1, -5.2, 4.8), 6.3),
        ),
        regions=tuple(regions.values()),
        combined=(_kidneys(regions["Kidney L"], regions["Kidney R"]),),
        remainder_tia_mbq_h=41000.0,
        exposures=(
            Exposure("kidney", "cycle 1", "2026-01-05",
                     Uncertain(3.51, {"camera calibration": 0.105, "outline": 0.281})),
            Exposure("marrow", "cycle 1", "2026-01-05", exact(0.219)),
        ),
        notes=NOTES,
        trace=Trace(
            "0.1.0", {"numpy": "2.4.6", "scipy": "1.17.1", "SimpleITK": "2.5.7"},
            (InputFile("SPECT scan-1", "tp1/spect.dcm", 1, "7c1e" * 16),
             InputFile("CT scan-1", "tp1/ct", 181, "a94f" * 16),
             InputFile("outlines", "rtstruct.dcm", 1, "0b3c" * 16)),
            CONSTANTS,
            (("registration", "rigid, mean squares on CT, to scan-2"),
             ("outlines", "RTSTRUCT on the CT of scan-2, fractional at the edges"),
             ("activity", "counts x calibration factor, sphere recovery curve"),
             ("curves", "weighted least squares; model by AICc among those not rejected"),
             ("dose", "local deposition of electron energy; mass from the outline"),
             ("BED", "linear-quadratic, mono-exponential repair")),
            "3b90" * 16,
        ),
        pictures=_pictures(regions) if pictures else None,
    )  # fmt: skip


@cache
def sample_figures() -> tuple[Figure, ...]:
    """The figures of `sample_result()`, drawn once a test session."""
    return drawings(sample_result())


@cache
def sample_pdf() -> bytes:
    """The report of `sample_result()`, set once a test session."""
    return pdf(sample_result(), sample_figures())


def write_ct(folder: Path, image: Image) -> list[Path]:
    """A CT image as DICOM slices (made-up study), one file each, in the order of the image."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_slice(folder, image, k) for k in range(image.grid.shape[0])]


def _slice(folder: Path, image: Image, k: int) -> Path:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = UID(f"2.25.5550.{k + 1}")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "2.25.5551", "2.25.5552"
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = "2.25.5553", ""
    ds.PatientName, ds.PatientID = "EXAMPLE^Anna", "0000-1234"
    ds.PatientBirthDate, ds.PatientSex = "19610514", "F"
    ds.StudyDate, ds.StudyTime, ds.StudyID = "20260303", "095000", "1"
    ds.AccessionNumber = ds.ReferringPhysicianName = ""
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "CT", 2, k + 1
    ds.ImageType, ds.KVP, ds.AcquisitionNumber = ["ORIGINAL", "PRIMARY", "AXIAL"], "120", 1
    ds.Rows, ds.Columns = image.grid.shape[1:]
    across, down, through = image.grid.spacing_mm
    ds.PixelSpacing, ds.SliceThickness = [down, across], through
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.ImagePositionPatient = [float(x) for x in image.grid.points_mm((0, 0, k))]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    ds.RescaleIntercept, ds.RescaleSlope = 0, 1
    ds.PixelData = np.asarray(image.array[k]).astype("<i2").tobytes()
    path = folder / f"{k:03d}.dcm"
    ds.save_as(path, enforce_file_format=True)
    return path
