"""What a run hands back: frozen values, each with its doubt, notes and trace.

The arrays a report draws from ride along in `Pictures`; everything else goes to result.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Image, Rigid
from quimby.core.notes import Note
from quimby.core.outline import Outline
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.effect.dvh import Dvh
from quimby.effect.limits import Check
from quimby.kinetics.choose import Alternative
from quimby.kinetics.monte_carlo import Comparison
from quimby.population.places import Place
from quimby.study.cohort_dose import CohortDose, Delivery
from quimby.study.stages import Plan, Stage, Verified


@dataclass(frozen=True, slots=True)
class Sample:
    """Activity in a region at one time (physical, not decay-corrected)."""

    measurement: str  # id of the measurement in the study
    time_h: float  # h after start of administration
    activity_mbq: Uncertain
    uncorrected_mbq: float  # before partial-volume correction
    by_recovery_curve_mbq: float | None = None  # corrected by the volume-recovery curve instead


@dataclass(frozen=True, eq=False)
class Curve:
    """A fitted time-activity curve: A(t) = sum of amplitude * exp(-rate * t)."""

    model: str  # "mono", "uptake-clearance", "bi"
    parameters: Mapping[str, Uncertain]
    covariance: NDArray[np.float64]  # of the parameters, in their order
    amplitudes_mbq: tuple[float, ...]
    rates_per_h: tuple[float, ...]
    half_lives_h: Mapping[str, Uncertain]  # "effective", "uptake", …
    residuals_u: tuple[float, ...]  # (measured - curve) / random u, one a sample
    chi2: float
    degrees_of_freedom: int
    head_fraction: float  # share of the TIA before the first sample
    tail_fraction: float  # share after the last
    alternatives: tuple[Alternative, ...]
    band_times_h: tuple[float, ...]  # for the plot
    band_u_mbq: tuple[float, ...]  # k = 1, random and prior causes
    drawn_mbq: tuple[float, ...] = ()  # the curve at `band_times_h`, where it is no exponentials


@dataclass(frozen=True, eq=False)
class RegionResult:
    """One region, or a pair taken together ("Kidneys")."""

    name: str  # as outlined
    organ: str  # canonical: "kidney", "liver", "spleen", "lesion", …
    side: str  # "left", "right", "both" or ""
    members: tuple[str, ...]  # regions it combines; empty for an outlined one
    volume_ml: Uncertain
    mass_g: Uncertain
    samples: tuple[Sample, ...]
    curve: Curve | None  # None for a combination
    tia_mbq_h: Uncertain
    tiac_h: Uncertain
    absorbed_dose_gy: Uncertain
    dose_per_activity_gy_per_gbq: Uncertain
    electron_fraction: float  # absorbed fraction used for electrons
    photon_estimate: float  # photon self-dose as a fraction of the electron dose; not included
    bed_gy: Uncertain | None
    eqd2_gy: Uncertain | None
    total_dose_gy: Uncertain  # this course so far, with earlier exposures
    total_bed_gy: Uncertain | None
    limits: tuple[Check, ...]
    population: tuple[Place, ...]
    dvh: Dvh | None
    voxel_rescale: float | None  # region TIA / sum of voxel TIA before rescaling
    recovery: tuple[float, ...]  # apparent / recovered activity, one a sample
    voxel_closure: float | None = None  # voxels' sum / uncorrected samples by the curve, less 1
    voxel_fallback: float | None = None  # share of its volume without a voxel curve of its own


@dataclass(frozen=True, eq=False)
class RegistrationResult:
    """How one scan was laid on the reference: by their CTs, else outlines on its activity."""

    measurement: str
    reference: str
    transform: Rigid  # reference points -> scan points
    shift_mm: tuple[float, float, float]
    angle_deg: float
    similarity: float  # correlation (CTs, or outlines and activity) after it, 0 to 1
    similarity_before: float
    overlap: float  # share of the reference CT's body seen by the scan
    region_shift_mm: Mapping[str, float]  # SPECT centroid against outline, by region


@dataclass(frozen=True, slots=True)
class Measurement:
    """One scan as used."""

    id: str
    kind: str  # "spect" or "planar"
    acquired_at: datetime
    time_h: float
    device: str
    duration_s: float
    voxel_mm: tuple[float, ...]  # none for a table of planar regions


@dataclass(frozen=True, slots=True)
class InputFile:
    """One input, or one series of files taken together."""

    role: str
    path: str
    files: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Trace:
    """What the numbers rest on."""

    quimby_version: str
    libraries: Mapping[str, str]
    inputs: tuple[InputFile, ...]
    constants: tuple[Constant, ...]
    methods: tuple[tuple[str, str], ...]  # step, what was done
    study_sha256: str
    result_sha256: str = ""  # of the result without this line


@dataclass(frozen=True, slots=True)
class PlanarView:
    """One view of a region on a planar scan: counts of the photopeak, and what was taken away."""

    name: str  # "anterior"
    counts: float
    scatter: float
    background: float  # of the tissue before and behind the region
    net: Uncertain


@dataclass(frozen=True, slots=True)
class PlanarCounts:
    """What one planar scan tells of one region."""

    measurement: str
    region: str
    pixels: float
    background_pixels: float
    seconds: float
    views: tuple[PlanarView, PlanarView]
    net_cps: Uncertain  # geometric mean at the start of the scan
    use: str = "not used"  # "sets the scale", "point of the curve", "beside a SPECT/CT"
    activity_mbq: Uncertain | None = None  # on the SPECT/CT's scale, where it is a point
    by_sensitivity_mbq: Uncertain | None = None  # without the SPECT/CT, by the camera's record


@dataclass(frozen=True, eq=False)
class PlanarPicture:
    """Both views of a planar pair, the second turned onto the first, and where was counted."""

    measurement: str
    names: tuple[str, str]
    views: tuple[NDArray[np.float64], NDArray[np.float64]]  # counts, (rows, columns)
    pixel_mm: tuple[float, float]
    regions: Mapping[str, NDArray[np.float64]]  # share of each pixel, 0 to 1
    backgrounds: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Arrays for the report and the DICOM writers. All on the reference scan's position."""

    ct: Image | None  # HU, the reference CT; None where the outlines lie on a scan without one
    spect_mbq_per_ml: tuple[Image, ...]  # each scan brought to `dose.grid`
    dose: Image  # Gy, after rescaling to recovered activity
    occupancy: Mapping[str, Image]  # region -> [0, 1] on `dose.grid`
    masks_ct: Mapping[str, Image]  # region -> [0, 1] on the CT's grid, or on that scan's
    ct_files: tuple[Path, ...]  # slices of the reference CT, or that scan's file
    registered_ct: Mapping[str, Image]  # measurement -> its CT brought to the reference CT's grid
    outlines: Mapping[str, Outline] = field(default_factory=dict)  # region -> as it was read
    planar: tuple[PlanarPicture, ...] = ()


@dataclass(frozen=True, slots=True)
class Patient:
    """Who was treated."""

    id: str
    name: str = ""
    birth_date: str = ""
    sex: str = ""
    weight_kg: float | None = None
    indication: str = ""
    renal_function: str = ""
    risk_factors: tuple[str, ...] = ()
    single_kidney: bool = False


@dataclass(frozen=True, slots=True)
class Exposure:
    """An earlier dose to an organ: a cycle, another therapy, external beam."""

    organ: str
    what: str
    date: str
    dose_gy: Uncertain
    bed_gy: Uncertain | None = None


@dataclass(frozen=True, slots=True)
class LesionChange:
    """What became of lesions from one measured cycle to the next.

    Of several (split, merged, unclear) the volume is their sum and the dose their mean by mass.
    """

    kind: str  # "same", "shrunk", "grown", "split", "merged", "new", "gone", "unclear"
    before: tuple[str, ...]  # names of then; none for a new one
    now: tuple[str, ...]  # names of now; none for one that is gone
    cycle_before: int
    cycle: int
    volume_before_ml: Uncertain | None
    volume_ml: Uncertain | None
    dose_before_gy: Uncertain | None  # of that cycle alone
    dose_gy: Uncertain | None  # of this cycle alone


@dataclass(frozen=True, eq=False)
class Result:
    """The reported administration, whole."""

    study_id: str
    therapy: str  # title for people
    protocol: str
    protocol_title: str
    level: int  # reached, not wished for: see `study.level`
    centre: str
    report_number: str
    example: bool  # invented data: the report says so
    patient: Patient
    administration: str  # id
    cycle: int
    cycles_planned: int | None
    nuclide: str
    radiopharmaceutical: str
    administered_at: datetime
    administered_mbq: Uncertain
    prescribed_mbq: float | None
    measurements: tuple[Measurement, ...]
    registrations: tuple[RegistrationResult, ...]
    regions: tuple[RegionResult, ...]  # outlined ones
    combined: tuple[RegionResult, ...]  # pairs, e.g. "Kidneys"
    remainder_tia_mbq_h: float | None
    exposures: tuple[Exposure, ...]
    notes: tuple[Note, ...]
    trace: Trace
    pictures: Pictures | None = None
    level_reason: str = ""
    stages: tuple[Stage, ...] = ()  # administrations with readings in tables, in order of time
    plan: Plan | None = None
    verified: tuple[Verified, ...] = ()
    cohort: tuple[CohortDose, ...] = ()  # level 1: doses of published patients
    delivery: Delivery | None = None  # level 1
    monte_carlo: tuple[Comparison, ...] = ()  # of absorbed doses, where it was asked for
    last_cycle: int | None = None  # the last cycle that the totals hold; None: this one
    planar: tuple[PlanarCounts, ...] = ()  # counts of regions on planar scans, in order of time
    lesions: tuple[LesionChange, ...] = ()  # followed from cycle to cycle, in order of time
