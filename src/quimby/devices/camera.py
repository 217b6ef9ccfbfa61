"""The camera record: everything a scan's calibration rests on, as a TOML document."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from quimby.core.grid import Image
from quimby.core.notes import Note, in_order, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.devices import matching
from quimby.devices.calibration import CAMERA_CAUSE, CountingTime, Factor
from quimby.devices.recovery import RecoveryCurve, check_pair
from quimby.physics.nuclides import canonical

MAKER_U = 0.05  # relative uncertainty of a maker's own Bq/ml, not verified here [P]
GENERIC_U = 0.10  # least relative uncertainty of a model-level factor [P]
UNKNOWN = matching.UNKNOWN
Text = Annotated[str, Field(min_length=1)]  # "unknown" where nobody can say
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Scanner(_Part):
    """The machine."""

    manufacturer: Text
    model: Text
    serial: Text
    software: Text


class WindowRecord(_Part):
    """One energy window, keV."""

    role: Literal["photopeak", "scatter"]
    lower_kev: Positive
    upper_kev: Positive


class Reconstruction(_Part):
    """How the calibration scan was reconstructed."""

    method: Text  # algorithm, iterations, subsets, corrections, filter
    corrections: tuple[str, ...] = ()  # as the file lists them, e.g. ATTN, SCAT
    matrix: tuple[int, int, int]  # slices, rows, columns
    voxel_mm: tuple[Positive, Positive, Positive]  # column, row, slice


class FactorRecord(_Part):
    """The calibration factor and the measurement behind it."""

    value: Positive
    unit: Literal["cps/MBq", "MBq/cps", "1"]
    convention: Literal["sum_of_projection_time", "elapsed_scan_time"]
    u_relative: dict[str, NotNegative]  # by cause
    geometry: Text  # "cylinder", "sphere"
    voi_rule: Text
    heads: Annotated[int, Field(ge=1)]
    counts: Positive | None = None
    counting_s: Positive | None = None  # not needed for images in Bq/ml
    activity_mbq: Positive
    activity_at: Text  # date and time of the assay

    @field_validator("u_relative")
    @classmethod
    def _said(cls, parts: dict[str, float]) -> dict[str, float]:
        if not any(parts.values()):
            raise ValueError("a factor without doubt is not believed; name its causes")
        return parts


class RecoveryRecord(_Part):
    """The recovery curve, ml."""

    alpha_ml: Positive
    beta: Positive
    covariance: tuple[tuple[Number, Number], tuple[Number, Number]]
    volume_range_ml: tuple[Positive, Positive]
    cf_geometry: Text

    @field_validator("covariance")
    @classmethod
    def _possible(cls, c: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        if c[0][1] != c[1][0] or np.linalg.eigvalsh(np.array(c)).min() < -1e-9 * np.trace(c):
            raise ValueError("not symmetric, or with a negative variance")
        return c


class PointSpreadRecord(_Part):
    """Gaussian width of the reconstructed blur, mm."""

    fwhm_mm: Positive
    u_mm: NotNegative


class DeadTimeRecord(_Part):
    """Dead time used for the calibration and its scans."""

    tau_us: NotNegative
    u_us: NotNegative
    model: Literal["paralysable", "non-paralysable"] = "paralysable"


class PlanarRecord(_Part):
    """Sensitivity of one head in air, mean of the heads, in one photopeak window."""

    cps_per_mbq: Positive
    u_relative: dict[str, NotNegative]  # by cause
    heads: Annotated[int, Field(ge=1)]
    lower_kev: Positive
    upper_kev: Positive
    measured: dt.date

    def sensitivity(self) -> Uncertain:
        """cps/MBq, its whole doubt under "planar sensitivity"."""
        u = float(np.sqrt(sum(x**2 for x in self.u_relative.values()))) * self.cps_per_mbq
        return Uncertain(self.cps_per_mbq, {"planar sensitivity": u} if u else {})


class CalibratorRecord(_Part):
    """The radionuclide calibrator and its own cross-calibration factor."""

    id: Text
    factor: Positive
    u_relative: NotNegative


class RawData(_Part):
    """A file, or series of files, that the record was made from."""

    role: Text
    path: Text
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class CameraRecord(_Part):
    """A calibrated camera. What nobody can say is "unknown", but it stands there."""

    id: Text
    level: Literal["local", "generic"]
    nuclide: Text
    image_unit: Literal["counts", "Bq/ml"]
    scanner: Scanner
    collimator: Text
    windows: tuple[WindowRecord, ...]
    reconstruction: Reconstruction
    calibrator: CalibratorRecord | Literal["unknown"]
    factor: FactorRecord
    dead_time: DeadTimeRecord | Literal["none"]
    recovery: RecoveryRecord | None = None
    point_spread: PointSpreadRecord | None = None
    planar: PlanarRecord | None = None
    date: dt.date
    valid_until: dt.date
    operator: Text
    reviewer: Text
    raw_data: Annotated[tuple[RawData, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _agrees(self) -> CameraRecord:
        if (self.image_unit == "Bq/ml") != (self.factor.unit == "1"):
            raise ValueError('factor.unit is "1" for images in Bq/ml, and only for them')
        if self.valid_until <= self.date:
            raise ValueError("valid_until does not lie after date")
        return self

    def calibration_factor(self) -> Factor:
        """The factor with its doubt by cause; at least 10 % for a generic record."""
        parts = {c: u * self.factor.value for c, u in self.factor.u_relative.items() if u}
        value = Uncertain(self.factor.value, parts)
        if self.level == "generic" and value.u_rel < GENERIC_U:
            missing = (GENERIC_U**2 - value.u_rel**2) ** 0.5 * value.value
            value = value.because("another camera of this model", missing)
        return Factor(value, self.factor.unit, self.factor.convention)

    def recovery_curve(self) -> RecoveryCurve | None:
        """The recovery curve, tied to this record's reconstruction; None without one.

        E-RC-CFPAIR where it was measured with a factor of another geometry.
        """
        if self.recovery is None:
            return None
        r, method = self.recovery, self.reconstruction.method
        said = "" if method.casefold() == UNKNOWN else method
        curve = RecoveryCurve(r.alpha_ml, r.beta, r.covariance, r.volume_range_ml,
                              r.cf_geometry, said)  # fmt: skip
        check_pair(curve, cf_geometry=self.factor.geometry, where=self.id)
        return curve

    def point_spread_mm(self) -> Uncertain | None:
        """Full width at half maximum with its doubt under "point spread"; None without one."""
        if self.point_spread is None:
            return None
        parts = {"point spread": self.point_spread.u_mm} if self.point_spread.u_mm else {}
        return Uncertain(self.point_spread.fwhm_mm, parts)

    def activity_image(self, image: Image, time: CountingTime | None) -> ActivityImage:
        """Turn a scan into MBq/ml. The factor's whole doubt goes under "camera calibration".

        Counts need `time`, from which the factor's own convention picks. A scan that is in
        Bq/ml already, where the record is of counts, is taken as its maker calibrated it, with
        W-CAL-MAKER and more doubt: the record's factor cannot check it. Raises
        E-CAL-IMAGE-UNIT where the scan has another unit than the record, E-CAL-TIME.
        """
        if image.unit == "Bq/ml" and self.image_unit == "counts":
            return _by_maker(image, where=self.id)
        if image.unit != self.image_unit:
            raise refusal("E-CAL-IMAGE-UNIT", where=self.id, scan=image.unit,
                          record=self.image_unit)  # fmt: skip
        used = self.calibration_factor()
        if image.unit == "Bq/ml":
            scale = 1e-6 / used.value.value
        elif time is None:
            raise refusal("E-CAL-TIME", where=self.id)
        else:
            q = used.cps_per_mbq.value
            scale = 1.0 / (used.seconds(time) * q * image.grid.voxel_ml)
        out = Image(image.grid, image.values * scale, "MBq/ml")
        return ActivityImage(out, {CAMERA_CAUSE: used.value.u_rel}, scale, self.level_notes())

    def level_notes(self) -> tuple[Note, ...]:
        """I-CAL-GENERIC for a calibration of the model instead of the camera."""
        if self.level == "local":
            return ()
        return (note("I-CAL-GENERIC", where=self.id, value=GENERIC_U),)

    def check(self, scan: ScanFacts, *, where: str) -> tuple[Note, ...]:
        """Compare a scan with this record.

        Raises E-CAL-NUCLIDE, E-CAL-WINDOW, and E-CAL-MODEL for a generic record of another model.
        Notes: S-CAL-SERIAL, S-/W-CAL-EXPIRED, S-CAL-FUTURE, W-CAL-RECON (and S-PVC-RECON where
        the record holds a blur), W-CAL-SW, W-CAL-UNKNOWN (all that could not be compared),
        I-CAL-GENERIC.
        """
        self._same_model(scan, where)
        method, camera = self.reconstruction.method, self.scanner
        windows = [(w.lower_kev, w.upper_kev) for w in self.windows]
        known = {
            "nuclide": matching.check_nuclide(
                scan.nuclide, self.nuclide, canonical=canonical, where=where
            ),
            "collimator": matching.check_collimator(scan.collimator, self.collimator, where=where),
            "energy windows": matching.check_windows(scan.windows_kev, windows, where=where)
            or None,
            "reconstruction": matching.same(scan.reconstruction, method),
            "software": matching.same(scan.software, camera.software),
            "camera": matching.same(scan.serial, camera.serial),
        }
        silent = [name for name, said in known.items() if said is None]
        silent += ["nuclide"] if known["nuclide"] is False else []
        return in_order(
            (
                *self._camera_notes(scan, where),
                *matching.date_notes(
                    scan.date, made=self.date, valid_until=self.valid_until, where=where
                ),
                *matching.reconstruction_notes(scan.reconstruction, method, where=where),
                *self._blur_notes(scan, where),
                *matching.software_notes(scan.software, camera.software, where=where),
                *matching.silent_notes(silent, where=where),
                *self.level_notes(),
            )
        )

    def _same_model(self, scan: ScanFacts, where: str) -> None:
        """A record of the model serves that model alone."""
        if self.level == "generic" and matching.same(scan.model, self.scanner.model) is False:
            raise refusal("E-CAL-MODEL", where=where, record=self.scanner.model, scan=scan.model)

    def _camera_notes(self, scan: ScanFacts, where: str) -> tuple[Note, ...]:
        """S-CAL-SERIAL for another camera: by serial number, by model where one is silent."""
        camera = self.scanner
        if matching.same(scan.serial, camera.serial) is None:
            return matching.serial_notes(scan.model, camera.model, level=self.level, where=where)
        return matching.serial_notes(scan.serial, camera.serial, level=self.level, where=where)

    def _blur_notes(self, scan: ScanFacts, where: str) -> tuple[Note, ...]:
        """S-PVC-RECON where the blur was measured with another reconstruction."""
        method = self.reconstruction.method
        if self.point_spread is None or matching.same(scan.reconstruction, method) is not False:
            return ()
        return (note("S-PVC-RECON", where=where, scan=scan.reconstruction, record=method),)


@dataclass(frozen=True, slots=True)
class ScanFacts:
    """What a scan says about its set-up; empty where it is silent."""

    date: dt.date
    nuclide: str = ""
    collimator: str = ""
    windows_kev: tuple[tuple[float, float], ...] = ()
    reconstruction: str = ""
    software: str = ""
    serial: str = ""
    model: str = ""


@dataclass(frozen=True, eq=False)
class ActivityImage:
    """Activity concentration in MBq/ml, with relative doubts that all its voxels share."""

    image: Image
    u_relative: Mapping[str, float]  # cause -> fraction
    scale: float  # MBq/ml for one unit of the image given
    notes: tuple[Note, ...]


def _by_maker(image: Image, *, where: str) -> ActivityImage:
    said = note("W-CAL-MAKER", where=where, value=MAKER_U)
    out = Image(image.grid, image.values * 1e-6, "MBq/ml")
    return ActivityImage(out, {CAMERA_CAUSE: MAKER_U}, 1e-6, (said,))


def read_camera(path: Path) -> CameraRecord:
    """The record in a TOML file. E-CAL-READ, or E-CAL-… naming the first wrong field."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise refusal("E-CAL-READ", where=str(path), why=error) from None
    return camera_record(document, where=str(path))


def camera_record(document: Mapping[str, Any], *, where: str) -> CameraRecord:
    """The record of a document already parsed; errors as `read_camera`.

    A factor without its convention is E-CAL-CONVENTION, without unit E-CAL-UNIT.
    """
    try:
        record = CameraRecord.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(p) for p in first["loc"]) or "record"
        given = None if first["type"] == "missing" else first["input"]
        if field == "factor.convention":
            raise refusal("E-CAL-CONVENTION", where=where, convention=given) from None
        if field == "factor.unit":
            raise refusal("E-CAL-UNIT", where=where, unit=given) from None
        raise refusal("E-CAL-RECORD", where=where, field=field, why=first["msg"]) from None
    canonical(record.nuclide)
    return record


def camera_text(record: CameraRecord) -> str:
    """The record as TOML, checked: it reads back as the same record. E-CAL-RECORD."""
    text = tomli_w.dumps(record.model_dump(exclude_none=True))
    camera_record(tomllib.loads(text), where=record.id)
    return text


def write_camera(record: CameraRecord, path: Path) -> None:
    """Write the record as TOML; reading it back gives the same record."""
    path.write_text(camera_text(record), "utf-8")
