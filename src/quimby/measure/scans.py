"""What the readers hand on: scans as values, with what their files say about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from quimby.core.grid import Image
from quimby.core.notes import Note


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose scan it is, as its file says (empty text or None where the file is silent)."""

    patient_id: str
    name: str = ""
    birth_date: str = ""  # ISO date
    sex: str = ""  # F, M or O
    weight_kg: float | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a tomographic scan counted.

    `frame_s` is the time of one projection; `frames` the projections of one head over all
    rotations; `heads` the detectors that counted at once.
    """

    frame_s: float
    frames: int
    heads: int

    @property
    def sum_of_projection_time_s(self) -> float:
        """All projections' times added, both heads counted."""
        return self.frame_s * self.frames * self.heads

    @property
    def elapsed_scan_time_s(self) -> float:
        """Time on the clock while counting."""
        return self.frame_s * self.frames


@dataclass(frozen=True, slots=True)
class EnergyWindow:
    """One energy window, keV."""

    name: str
    lower_kev: float
    upper_kev: float


@dataclass(frozen=True, slots=True)
class Radiopharmaceutical:
    """What the file says was given; never trusted over the therapy record."""

    agent: str = ""
    nuclide: str = ""  # "Lu-177"; empty when the file does not say
    half_life_h: float | None = None
    activity_as_written: float | None = None  # (0018,1074), unit unclear, see measure.dicom
    started_at: datetime | None = None  # aware, or naive when the file has no zone


@dataclass(frozen=True, slots=True)
class Device:
    """The machine and its set-up, compared with the calibration's."""

    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    software: str = ""
    collimator: str = ""
    windows: tuple[EnergyWindow, ...] = ()
    corrections: tuple[str, ...] = ()  # CorrectedImage, e.g. ATTN, SCAT, DECY
    reconstruction: str = ""  # method text where the file has it


@dataclass(frozen=True, eq=False)
class EmissionScan:
    """A reconstructed SPECT or PET scan.

    `image.unit` is "counts" (over the whole scan) or "Bq/ml". `acquired_at` is the start of
    acquisition; naive when the files carry no zone (the study's zone is then applied, noted).
    `decay_reference` is NONE (as it was during the scan), START or ADMIN. `doubts` are relative
    standard uncertainties of all its values that reading brought, by cause. `busiest_bed` is the
    largest share of the image's sum that the heads saw at once, below 1 where beds were joined.
    """

    image: Image
    modality: str  # NM or PT
    identity: Identity
    frame_of_reference: str
    study_uid: str
    series_uid: str
    description: str
    acquired_at: datetime | None
    timing: Timing | None
    decay_reference: str
    device: Device
    pharmaceutical: Radiopharmaceutical
    patient_position: str
    files: tuple[Path, ...]
    notes: tuple[Note, ...] = field(default=())
    doubts: Mapping[str, float] = field(default_factory=dict)
    busiest_bed: float = 1.0


@dataclass(frozen=True, eq=False)
class CtScan:
    """A CT volume in HU, slices sorted along +k."""

    image: Image
    identity: Identity
    frame_of_reference: str
    study_uid: str
    series_uid: str
    description: str
    acquired_at: datetime | None
    patient_position: str
    files: tuple[Path, ...]
    sop_uids: tuple[str, ...]  # one a slice, in the order of the image
    contrast: str = ""
    notes: tuple[Note, ...] = field(default=())
