"""What the numbers of a result rest on: inputs, constants, methods, versions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.metadata import version

import quimby
from quimby.core.source import Constant
from quimby.devices.camera import CameraRecord
from quimby.protocols import Protocol
from quimby.study.document import StudyDocument
from quimby.study.result import InputFile, Trace
from quimby.study.stages import Stage

Methods = tuple[tuple[str, str], ...]
"""Step, and what was done."""

UNCERTAINTY = ("uncertainty", "first order by cause (GUM 5.1.2); log-normal interval above 30 %")
LIBRARIES = ("numpy", "scipy", "SimpleITK", "pydicom", "highdicom", "numba")
"""Libraries that a number passes through."""


def digest(document: StudyDocument) -> str:
    """SHA-256 of the study document, whatever the order or form it was written in."""
    return hashlib.sha256(document.model_dump_json().encode()).hexdigest()


def trace(
    document: StudyDocument, inputs: Iterable[InputFile], constants: Iterable[Constant],
    methods: Methods,
) -> Trace:  # fmt: skip
    """The trace of a run; each constant once."""
    return Trace(
        quimby_version=quimby.__version__,
        libraries={name: version(name) for name in LIBRARIES},
        inputs=tuple(inputs),
        constants=tuple(dict.fromkeys(constants)),
        methods=methods,
        study_sha256=digest(document),
    )


def of_images(
    camera: CameraRecord, protocol: Protocol, *, registration: str, mass: str, voxels: str
) -> Methods:
    """What was done with scans, step by step. How they were laid and weighed, and voxels
    integrated over time, is given in words.
    """
    factor, spread = camera.factor, camera.point_spread
    blur = f"FWHM {spread.fwhm_mm:.2f} ± {spread.u_mm:.2f} mm" if spread else "not measured"
    return (
        ("registration", registration),
        ("outlines", "fractional occupancy, at least 5 x 5 x 5 points a voxel"),
        ("calibration", f"{factor.value:.4g} {factor.unit} from a {factor.geometry}, time by "
                        f"{factor.convention.replace('_', ' ')}, made {camera.date}"),
        ("partial volume", f"geometric transfer matrix over all regions and the body; {blur}"),
        ("curves", "weighted least squares with log-normal priors on the uptake; models by "
                   f"protocol {protocol.id} {protocol.version}"),
        ("mass", mass),
        ("dose to regions", "electrons of the region's own activity; absorbed fraction of a sphere "
                            "of that mass; photons estimated, not added"),
        ("voxels over time", voxels),
        ("dose to voxels", "local energy deposition, scaled to each region's recovered activity"),
        ("effect", "linear-quadratic with exponential repair; cycles add by BED"),
        UNCERTAINTY,
    )  # fmt: skip


def of_readings(stages: Iterable[Stage]) -> Methods:
    """What was done with tables of readings: each series' and each dose's method, once."""
    rows: list[tuple[str, str]] = []
    for stage in stages:
        rows += [(s.name.lower(), s.method) for s in stage.series]
        rows += [(f"dose to {d.name.lower()}", d.method) for d in stage.doses]
    return (*dict.fromkeys(rows), UNCERTAINTY)
