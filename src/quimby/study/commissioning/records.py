"""Certificates about camera records: of a similar scanner, and of drift between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from quimby.core.notes import Note, refusal
from quimby.core.uncertain import Uncertain
from quimby.devices import matching
from quimby.devices.camera import (
    GENERIC_U,
    CameraRecord,
    DeadTimeRecord,
    RawData,
    Scanner,
    read_camera,
)
from quimby.devices.constancy import DRIFT, Constancy, constancy
from quimby.measure.scans import EmissionScan
from quimby.physics.nuclides import canonical, nuclide
from quimby.study.commission import facts
from quimby.study.commissioning import certificate as told
from quimby.study.commissioning.certificate import Certificate, Check, Quantity, Table
from quimby.study.commissioning.phantom import by_what, factor_quantity
from quimby.study.result import InputFile

FROM = "similar scanner"
LATER_U = 0.10  # least relative doubt of a dead time or blur carried to another camera [P]


@dataclass(frozen=True, eq=False)
class SimilarMade:
    """The record for this camera, the one it came from, and the certificate."""

    record: CameraRecord
    source: CameraRecord
    certificate: Certificate


@dataclass(frozen=True, eq=False)
class DriftMeasured:
    """Records in order of their dates, each against the first, and the certificate."""

    records: tuple[CameraRecord, ...]
    against_first: tuple[Constancy, ...]  # one less than records
    certificate: Certificate


def record_file(path: Path, role: str) -> InputFile:
    """A record beside the images, with its digest."""
    plain = not path.is_absolute() and ".." not in path.parts
    shown = path.as_posix() if plain else f"{path.parent.name}/{path.name}"
    return InputFile(role, shown, 1, sha256(path.read_bytes()).hexdigest())


def similar(
    path: Path, scan: EmissionScan, *, shown: Sequence[InputFile] = (), operator: str = "",
) -> SimilarMade:  # fmt: skip
    """A record for the camera of `scan`, carried over from one of the same model (`path`).

    Its level is generic: at least 10 % doubt. Blur and dead time get at least 10 % too; recovery
    stays only for the same reconstruction. E-CAL-MODEL, E-CAL-WINDOW, E-CAL-NUCLIDE,
    E-CAL-IMAGE-UNIT.
    """
    source, device = read_camera(path), scan.device
    _same_model(source, scan, path)
    when = scan.acquired_at.date() if scan.acquired_at else source.date
    record = source.model_copy(update={
        "id": f"{device.manufacturer} {device.model}, {source.nuclide}, carried over",
        "level": "generic",
        "scanner": Scanner(manufacturer=device.manufacturer, model=device.model,
                           serial=device.serial or matching.UNKNOWN,
                           software=device.software or matching.UNKNOWN),
        "dead_time": _doubted(source),
        "point_spread": source.point_spread and source.point_spread.model_copy(
            update={"u_mm": max(source.point_spread.u_mm, LATER_U * source.point_spread.fwhm_mm)}),
        "raw_data": (RawData(role=FROM, path=path.name,
                             sha256=sha256(path.read_bytes()).hexdigest()), *source.raw_data),
    })  # fmt: skip
    if matching.same(scan.device.reconstruction, source.reconstruction.method) is False:
        record = record.model_copy(update={"recovery": None, "point_spread": None})
    at = datetime(when.year, when.month, when.day, tzinfo=UTC)
    noted = record.check(facts(scan, scan.acquired_at or at), where=scan.files[0].name)
    return SimilarMade(record, source, _similar_certificate(record, source, scan, noted, (
        record_file(path, "record of the similar scanner"), *shown), operator))  # fmt: skip


def _same_model(source: CameraRecord, scan: EmissionScan, path: Path) -> None:
    ours = f"{scan.device.manufacturer} {scan.device.model}".strip()
    theirs = f"{source.scanner.manufacturer} {source.scanner.model}".strip()
    if not ours or matching.same(ours, theirs) is not True:
        raise refusal("E-CAL-MODEL", where=str(path), record=theirs, scan=ours or told.UNKNOWN)
    if source.level == "generic":
        raise refusal("E-CAL-MODEL", where=str(path), scan=ours,
                      record=f"{theirs}, itself carried over from another")  # fmt: skip
    if scan.image.unit != source.image_unit:
        raise refusal("E-CAL-IMAGE-UNIT", where=str(path), scan=scan.image.unit,
                      record=source.image_unit)  # fmt: skip


def _doubted(source: CameraRecord) -> DeadTimeRecord | str:
    if not isinstance(source.dead_time, DeadTimeRecord):
        return "none"
    least = LATER_U * source.dead_time.tau_us
    return source.dead_time.model_copy(update={"u_us": max(source.dead_time.u_us, least)})


def _similar_certificate(
    record: CameraRecord, source: CameraRecord, scan: EmissionScan, notes: Sequence[Note],
    inputs: tuple[InputFile, ...], operator: str,
) -> Certificate:  # fmt: skip
    own, used = source.calibration_factor().value, record.calibration_factor().value
    rows = (
        ("Serial number", source.scanner.serial, record.scanner.serial),
        ("Software", source.scanner.software, record.scanner.software),
        ("Factor", f"{own.value:.4g}", f"{used.value:.4g}"),
        ("Its relative doubt", told.per_cent(own.u_rel), told.per_cent(used.u_rel)),
        ("Blur, mm", *(f"{r.point_spread.fwhm_mm:.2f} ± {r.point_spread.u_mm:.2f}"
                       if r.point_spread else "none" for r in (source, record))),
        ("Recovery curve", *("yes" if r.recovery else "none" for r in (source, record))),
        ("Dead time, µs", *(f"{r.dead_time.tau_us:g} ± {r.dead_time.u_us:.2g}"
                            if isinstance(r.dead_time, DeadTimeRecord) else "none"
                            for r in (source, record))),
    )  # fmt: skip
    checks = (
        Check("Model", record.scanner.model, "the same", passed=True),
        told.without(("W-CAL-UNKNOWN",), "Collimator, windows and the rest", "all compared", notes),
        told.without(("W-CAL-RECON",), "Reconstruction", "the same", notes),
        told.without(("W-CAL-SW",), "Software", "the same", notes),
        told.without(("W-CAL-EXPIRED", "S-CAL-EXPIRED", "S-CAL-FUTURE"),
                     "Valid on the day of the scan", f"{source.date} to {source.valid_until}",
                     notes),
    )  # fmt: skip
    return Certificate(
        kind="similar-scanner", title="Calibration of a similar scanner",
        subtitle=f"{canonical(record.nuclide)} · model-level calibration",
        device=told.device_rows(scan.device, grid=scan.image.grid),
        how=f"Nothing was measured on this camera. The record of another {record.scanner.model} "
            f"was compared with a scan of this one and carried over with at least "
            f"{told.per_cent(GENERIC_U, 0)} doubt. {by_what(record)}",
        results=(factor_quantity(record),), measured_at=scan.acquired_at, inputs=inputs,
        tables=(Table("The two records", ("Of", "Measured camera", "This camera"), rows),),
        checks=checks, constants=(nuclide(record.nuclide).half_life_h,), notes=tuple(notes),
        valid_until=record.valid_until, operator=operator,
        extra={"level": record.level, "from": source.id},
    )  # fmt: skip


def measure_drift(paths: Sequence[Path], *, operator: str = "") -> DriftMeasured:
    """Factors of one camera over time, each against the first. W-CAL-DRIFT, S-CAL-DRIFT.

    E-CAL-SERIES for fewer than two records, or records that cannot be compared.
    """
    read = sorted(((read_camera(p), p) for p in paths), key=lambda row: (row[0].date, str(row[1])))
    records = [r for r, _ in read]
    _comparable(records)
    values = [_cps(r) for r in records]
    found = [constancy(values[0], v) for v in values[1:]]
    notes = [
        Note(n.code, n.text, f"record of {r.date}", n.do, n.value, n.limit)
        for r, c in zip(records[1:], found, strict=True)
        for n in c.notes
    ]  # fmt: skip
    return DriftMeasured(tuple(records), tuple(found),
                         _drift_certificate(read, values, found, notes, operator))  # fmt: skip


def _cps(record: CameraRecord) -> Uncertain:
    used = record.calibration_factor()
    return used.value if used.unit == "1" else used.cps_per_mbq


def _comparable(records: Sequence[CameraRecord]) -> None:
    first = records[0] if records else None
    if first is None or len(records) < 2:
        raise refusal("E-CAL-SERIES", where="drift", what="number", first=len(records),
                      other="at least two are needed")  # fmt: skip
    for other in records[1:]:
        for what, a, b in (
            ("nuclide", canonical(first.nuclide), canonical(other.nuclide)),
            ("camera", first.scanner.serial, other.scanner.serial),
            ("collimator", first.collimator, other.collimator),
            ("unit", first.image_unit, other.image_unit),
            ("counting time", first.factor.convention, other.factor.convention),
            ("geometry", first.factor.geometry, other.factor.geometry),
        ):
            if a != b:
                raise refusal("E-CAL-SERIES", where=other.id, what=what, first=a, other=b)
        matching.check_windows([(w.lower_kev, w.upper_kev) for w in other.windows],
                               [(w.lower_kev, w.upper_kev) for w in first.windows],
                               where=other.id)  # fmt: skip


def _drift_certificate(
    read: Sequence[tuple[CameraRecord, Path]], values: Sequence[Uncertain],
    found: Sequence[Constancy], notes: Sequence[Note], operator: str,
) -> Certificate:  # fmt: skip
    records = [r for r, _ in read]
    last, first = records[-1], records[0]
    u_first = told.per_cent(values[0].u_rel)
    rows = [(str(first.date), f"{values[0].value:.4g}", u_first, "first", "")]
    rows += [
        (str(r.date), f"{v.value:.4g}", told.per_cent(v.u_rel),
         f"{100 * c.difference:+.1f} %".replace("-", "−"), f"{c.z:.1f}")
        for r, v, c in zip(records[1:], values[1:], found, strict=True)
    ]  # fmt: skip
    worst = max((abs(c.difference) for c in found), default=0.0)
    last_change = Uncertain(
        100 * found[-1].difference,
        {"both calibrations": 100 * values[-1].value / values[0].value
         * (values[0].u_rel**2 + values[-1].u_rel**2) ** 0.5},
    )  # fmt: skip
    unit = "" if last.image_unit == "Bq/ml" else "cps/MBq"
    return Certificate(
        kind="drift", title="Drift of the calibration factor",
        subtitle=f"{canonical(last.nuclide)} · {first.date} to {last.date}",
        device=(("Camera", f"{last.scanner.manufacturer} {last.scanner.model}"),
                ("Serial number", last.scanner.serial), ("Software", last.scanner.software),
                ("Collimator", last.collimator),
                ("Energy window", ", ".join(f"{w.lower_kev:g}–{w.upper_kev:g} keV"
                                            for w in last.windows) or told.UNKNOWN)),
        how="Each record's factor against the first. A change counts above 5 % where it also "
            "exceeds twice its doubt, and above 10 % always. The doubts of two records are taken "
            "as independent, so a fault of the activity meter that both share is not seen.",
        results=(Quantity("Change since the first record", last_change, "%"),
                 Quantity("Factor now", values[-1], unit)),
        measured_at=last.date, inputs=tuple(record_file(p, f"record of {r.date}") for r, p in read),
        tables=(Table("Records", ("Date", f"Factor{', ' + unit if unit else ''}", "u", "Change",
                                  "Change / u"), tuple(rows)),),
        checks=(told.at_most("Largest change", worst, DRIFT[1]),
                told.without(("W-CAL-DRIFT",), "Change within its doubt, or below 5 %",
                             "no drift", notes)),
        notes=tuple(notes), valid_until=last.valid_until, operator=operator,
        constants=(nuclide(last.nuclide).half_life_h,),
    )  # fmt: skip
