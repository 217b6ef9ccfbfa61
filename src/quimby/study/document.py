"""The study document: one patient's course, as a file that a person can read and change.

TOML (JSON is accepted), versioned, every quantity with its unit, every time with its zone.
A course is a list of administrations (cycles, tracer or therapy), each with its measurements;
later kinds of measurement join the list without a new format.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
)

from quimby.core.notes import Note, refusal
from quimby.study.answers import apply_answers
from quimby.study.counted import KINDS, PLANAR, Readings
from quimby.study.given_mass import GivenMass
from quimby.study.parts import (
    ActivityMBq,
    DoseGy,
    Fraction,
    LengthMm,
    MassG,
    Part,
    ResidueMBq,
    VolumeMl,
)
from quimby.study.planned import PlanDocument

FORMAT: Literal["quimby-study/1"] = "quimby-study/1"


@dataclass(frozen=True, slots=True)
class CountingText:
    """How long a scan counted, as written: "20 s x 60 x 2"."""

    seconds: float
    projections: int
    heads: int


def _counting(text: Any) -> Any:
    """Reads "20 s x 60 x 2": time of a projection, projections of one head, heads."""
    match = _COUNTING.match(str(text))
    if match is None:
        raise ValueError('write it as "20 s x 60 x 2": time, projections of one head, heads')
    return CountingText(float(match[1].replace(",", ".")), int(match[2]), int(match[3]))


_COUNTING = re.compile(r"^\s*(\d+(?:[.,]\d+)?)\s*s\s*[x×*]\s*(\d+)\s*[x×*]\s*(\d+)\s*$")
Counting = Annotated[CountingText, BeforeValidator(_counting, json_schema_input_type=str)]


class Series(Part):
    """Files of one DICOM series: a file, or every file of `series` under the folder `path`."""

    path: str
    series: str = ""


class Residual(Part):
    """Activity left in a syringe, vial or line."""

    activity: ResidueMBq
    at: datetime


class Spect(Part):
    """One SPECT scan, with its CT where there is one."""

    kind: Literal["spect"] = "spect"
    id: str
    image: Series
    beds: list[Series] = Field(
        default_factory=list, description="the scan's other beds, joined to image along the patient"
    )
    ct: Series | None = Field(None, description="its CT, of the same camera and minute")
    attenuation: Literal["corrected", "none, patient-relative"] | None = Field(
        None, description="if the file is wrong; or none, and the scan shows shares of in_view"
    )
    in_view: ActivityMBq | None = Field(
        None, description="activity in the field of view at the scan's start, for shares of it"
    )
    in_view_u: Fraction | None = Field(None, description="its standard uncertainty; else 10 %")
    at: datetime | None = Field(None, description="start of acquisition, if the file is wrong")
    counting: Counting | None = Field(
        None, description="time, projections of one head, heads, if the file does not say"
    )
    decay_reference: Literal["NONE", "START", "ADMIN"] | datetime | None = Field(
        None, description="moment the file's activities stand for, if it does not say"
    )
    count_rate: Annotated[float, Field(gt=0)] | None = Field(
        None, description="photopeak counts per second of one head, from the projections"
    )
    align: list[str] = Field(
        default_factory=list, description="outlines to register by themselves in this scan"
    )
    align_on: Literal["ct", "spect"] = Field(
        "ct", description="what they are registered on: the CTs, or this scan's own activity"
    )
    leave_out: list[str] = Field(
        default_factory=list, description="outlines or organs that this scan does not tell"
    )


class Planar(Part):
    """Two opposite planar views of one moment; more points of curves that a SPECT/CT scales."""

    kind: Literal["planar"]
    id: str
    image: Series
    views: list[Series] = Field(
        default_factory=list, description="the other view or windows, where they are files apart"
    )
    at: datetime | None = Field(None, description="start of acquisition, if the file is wrong")
    scatter: Literal["both", "lower", "upper", "none"] | None = Field(
        None, description="windows used beside the photopeak; those of the file if left out"
    )


IMAGES = ("spect", "planar")


def _measured_how(given: Any) -> str:
    """A measurement that does not say its kind is a SPECT/CT scan."""
    kind = given.get("kind", "spect") if isinstance(given, dict) else given.kind
    return str(kind) if kind in IMAGES else "readings" if kind in KINDS else "unknown"


UNKNOWN_KIND = "unknown_kind"
Measured = Annotated[
    Annotated[Spect, Tag("spect")]
    | Annotated[Planar, Tag("planar")]
    | Annotated[Readings, Tag("readings")],
    Discriminator(
        _measured_how, custom_error_type=UNKNOWN_KIND,
        custom_error_message=f"Input should be {', '.join(map(repr, (*IMAGES, *KINDS)))}",
    ),
]  # fmt: skip


class Review(Part):
    """Somebody looked at outlines (reviewed), or answers for them (approved)."""

    state: Literal["reviewed", "approved"]
    by: Annotated[str, Field(min_length=1)] = Field(description="name")
    at: datetime = Field(description="when")
    regions: list[str] = Field(
        default_factory=list, description="names of outlines; all of them if left out"
    )
    digest: dict[str, str] = Field(
        default_factory=dict,
        description="outline -> SHA-256 of what was looked at, written by quimby outline",
    )


class Outlines(Part):
    """Outlines of the regions, drawn on a measurement (its CT if it has one) or on another CT."""

    paths: list[str] = Field(min_length=1, description="RTSTRUCT, SEG or NIfTI files")
    on: str = Field(
        description="id of the measurement (its CT, if it has one) they were drawn on; with ct "
        "a name for that CT"
    )
    ct: Series | None = Field(
        None, description="the CT they were drawn on, if it is none of a measurement"
    )
    regions: dict[str, str] = Field(
        default_factory=dict, description='outline name -> what it is, e.g. "kidney, left"'
    )
    masses: dict[str, GivenMass] = Field(
        default_factory=dict, description="outline or organ -> its mass, where measured elsewhere"
    )
    review: list[Review] = Field(
        default_factory=list, description="who reviewed or approved them, and when"
    )
    same_as: dict[str, str] = Field(
        default_factory=dict,
        description='lesion -> its name in the cycle before, "A, B" for several, or "new"',
    )


class Verification(Part):
    """What was seen of where the activity went; nothing is calculated from it."""

    how: Annotated[str, Field(min_length=1)] = Field(description='"planar image", "dose rate"')
    by: Annotated[str, Field(min_length=1)] = Field(description="name")
    at: datetime = Field(description="when")
    as_expected: bool
    words: str = Field("", description="what was seen")
    image: Series | None = Field(None, description="the picture, for the trace")


class Administration(Part):
    """One administration and what was measured after it."""

    id: str
    cycle: int = Field(1, ge=1)
    kind: Literal["therapy", "tracer"] = "therapy"
    nuclide: str
    agent: str = ""
    activity: ActivityMBq | None = None
    activity_u: Fraction | None = Field(None, description="standard uncertainty, e.g. '3 %'")
    meter: str | None = Field(None, description="device.toml of the activity meter")
    prescribed: ActivityMBq | None = None
    at: datetime | None = None
    residuals: list[Residual] | None = Field(
        None, description="left in syringe, vial, lines; an empty list says: activity is net"
    )
    weight: MassG | None = Field(None, description="on this day, where it changed")
    measurements: list[Measured] = Field(default_factory=list)
    outlines: Outlines | None = None
    verification: Verification | None = Field(
        None, description="level 1: what was seen of where the activity went"
    )

    @property
    def scans(self) -> tuple[Spect, ...]:
        """The measurements that are SPECT/CT scans."""
        return tuple(m for m in self.measurements if isinstance(m, Spect))

    @property
    def planars(self) -> tuple[Planar, ...]:
        """The measurements that are planar pairs."""
        return tuple(m for m in self.measurements if isinstance(m, Planar))

    @property
    def readings(self) -> tuple[Readings, ...]:
        """The measurements that are tables of readings."""
        return tuple(m for m in self.measurements if isinstance(m, Readings))

    @property
    def own_readings(self) -> tuple[Readings, ...]:
        """Tables that give doses of their own; planar regions only help a scan's curve."""
        return tuple(r for r in self.readings if r.kind != PLANAR)


class EarlierExposure(Part):
    """Dose an organ got before: an earlier cycle, another radionuclide, external beam."""

    organ: str
    what: str
    date: str = ""
    dose: DoseGy
    dose_u: Fraction = 0.15
    bed: DoseGy | None = None


class PatientDocument(Part):
    """Who is treated."""

    id: str
    name: str = ""
    birth_date: str = ""
    sex: Literal["F", "M", "O", ""] = ""
    weight: MassG | None = None
    height: LengthMm | None = None
    haematocrit: Fraction | None = None
    blood_volume: VolumeMl | None = Field(None, description="measured; else from height and weight")
    group: list[str] = Field(
        default_factory=list, description='for comparison with published patients: "rhTSH", "first"'
    )
    indication: str = ""
    renal_function: str = ""
    risk_factors: list[str] = Field(default_factory=list)
    single_kidney: bool = False
    mirror_anatomy: bool = Field(False, description="organs lie mirrored; sides are not checked")


class Calibration(Part):
    """The camera: its record, or the scans to make one from."""

    camera: str | None = Field(None, description="camera.toml made by `quimby calibrate`")
    cylinder: Series | None = None
    spheres: Series | None = None
    fill: str | None = Field(None, description="what was filled into the phantoms (JSON)")


class Centre(Part):
    """What the report's head says."""

    name: str = ""
    report_number: str = ""
    example: bool = Field(False, description="invented data; the report says so")
    confirmed: str | None = Field(
        None, description="constants.toml made by `quimby constants confirm`"
    )


class StudyDocument(Part):
    """One patient's course."""

    format: Literal["quimby-study/1"] = FORMAT
    id: str
    therapy: str
    protocol: str
    zone: str | None = Field(None, description="IANA zone for times that have none")
    cycles_planned: int | None = None
    centre: Centre = Centre()
    patient: PatientDocument
    earlier: list[EarlierExposure] = Field(default_factory=list)
    calibration: Calibration = Calibration()
    administrations: list[Administration] = Field(min_length=1)
    priors: str | None = Field(
        None, description="the centre's own half-lives, prior.toml made by `quimby prior`"
    )
    plan: PlanDocument | None = None


class Study(BaseModel):
    """A study document and the folder its paths are relative to."""

    model_config = ConfigDict(frozen=True)

    document: StudyDocument
    folder: Path
    notes: tuple[Note, ...] = ()  # what was noted while it was drafted


def parse_study(data: dict[str, Any], *, where: str) -> StudyDocument:
    """Validate a document; the first wrong key is named (E-STUDY-KEY)."""
    try:
        return StudyDocument.model_validate(data)
    except ValidationError as error:
        raise refusal("E-STUDY-KEY", where=where, problem=problems(error)) from None


def problems(error: ValidationError) -> str:
    """Every failed key of a pydantic error, in words on one line."""
    lines = []
    for row in error.errors():
        key = ".".join(_steps(row["loc"], row["type"])) or "the document"
        lines.append(f"{key}: {row['msg'].removeprefix('Value error, ')}")
    return "; ".join(lines)


def _steps(found: tuple[int | str, ...], kind: str) -> list[str]:
    """The path of a key as the document has it: without the tag of a measurement's kind."""
    steps = [str(step) for before, step in zip((None, *found), found, strict=False)
             if not (isinstance(before, int) and step in (*IMAGES, "readings"))]  # fmt: skip
    return [*steps, "kind"] if kind == UNKNOWN_KIND else steps


def read_study(
    path: str | Path, *, answers: Mapping[str, str] | None = None, zone: str | None = None
) -> Study:
    """Read a study document, TOML or JSON; `answers` and `zone` go before what it says.

    Raises
    ------
    InputError
        E-STUDY-FILE, E-STUDY-SYNTAX (with line), E-STUDY-KEY (with key).
    """
    file = Path(path)
    if not file.is_file():
        raise refusal("E-STUDY-FILE", where="study document", path=file)
    try:
        text = file.read_text("utf-8")
        data = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise refusal("E-STUDY-SYNTAX", where=str(file), problem=error) from None
    apply_answers(data, answers or {})
    if zone:
        data["zone"] = zone
    return Study(document=parse_study(data, where=str(file)), folder=file.resolve().parent)
