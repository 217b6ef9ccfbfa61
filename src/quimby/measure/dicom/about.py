"""What a file says about the patient, the machine and the pharmaceutical."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pydicom.dataset import Dataset

from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, note, refusal
from quimby.measure.dicom import times
from quimby.measure.dicom.headers import first, items, number, text, texts
from quimby.measure.scans import Device, EnergyWindow, Identity, Radiopharmaceutical
from quimby.physics.nuclides import canonical, nuclide

MAKER = "Quimby"
"""Manufacturer of what Quimby writes; a study never takes its own results as input."""
OUTLINER = "Quimby outline"
"""Model name on outlines made with it as drafts: these a study does take."""
HALF_LIFE_LIMIT = 0.01  # spec 1.11
SURELY_MBQ, SURELY_BQ = 1e4, 1e5  # spec 1.11: of (0018,1074)


def identity_of(data: Dataset) -> Identity:
    """The patient as named by the file; a weight of zero counts as not said."""
    name = text(data, "PatientName").rstrip("^")
    return Identity(
        patient_id=text(data, "PatientID"),
        name=name,
        birth_date=_iso(text(data, "PatientBirthDate")),
        sex=text(data, "PatientSex").upper(),
        weight_kg=number(data, "PatientWeight") or None,
    )


def _iso(date: str) -> str:
    day = date.replace(".", "")
    whole = len(day) == 8 and day.isdigit() and day[:4] > "0001"
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if whole else ""


def device_of(data: Dataset) -> Device:
    """The machine, its collimator and energy windows, and the corrections made."""
    head = first(data, "DetectorInformationSequence")
    method = text(data, "ReconstructionMethod") or text(data, "ProcessingFunction")
    return Device(
        manufacturer=text(data, "Manufacturer"),
        model=text(data, "ManufacturerModelName"),
        serial=text(data, "DeviceSerialNumber"),
        software=text(data, "SoftwareVersions"),
        collimator=text(head, "CollimatorGridName") if head is not None else "",
        windows=tuple(_windows(data)),
        corrections=texts(data, "CorrectedImage"),
        reconstruction=method,
    )


def _windows(data: Dataset) -> Iterator[EnergyWindow]:
    holders = items(data, "EnergyWindowInformationSequence") or [data]
    for holder in holders:
        for limits in items(holder, "EnergyWindowRangeSequence"):
            low = number(limits, "EnergyWindowLowerLimit")
            high = number(limits, "EnergyWindowUpperLimit")
            if low is not None and high is not None:
                yield EnergyWindow(text(holder, "EnergyWindowName"), low, high)


def administered_mbq(
    as_written: float, *, modality: str, where: str
) -> tuple[float, tuple[Note, ...]]:
    """Activity in MBq from (0018,1074), whose unit the standard leaves in doubt.

    NM means MBq and PT means Bq, and real files mix them. Up to 1e4 is taken as MBq and above
    1e5 as Bq, with a note where this departs from, or rests on, the standard's unit.
    E-DCM-DOSE-AMBIGUOUS between (50 GBq or 50 kBq) and for zero or less.
    """
    if as_written <= 0 or SURELY_MBQ < as_written <= SURELY_BQ:
        raise refusal("E-DCM-DOSE-AMBIGUOUS", where=where, found=f"{as_written:g}")
    as_mbq = as_written <= SURELY_MBQ
    found = as_written if as_mbq else as_written / 1e6
    as_standard = as_mbq == (modality == "NM")
    if as_standard and not as_mbq:
        return found, ()
    code = "I-DCM-DOSE-UNIT-MBQ" if as_standard else "W-DCM-DOSE-UNIT-GUESS"
    unit = "MBq" if as_mbq else "Bq"
    said = note(code, where=where, found=f"{as_written:g}", mbq=f"{found:g}", unit=unit)
    return found, (said,)


def pharmaceutical_of(data: Dataset, *, where: str) -> tuple[Radiopharmaceutical, tuple[Note, ...]]:
    """What the file says was given, with notes on what in it cannot be trusted."""
    said = first(data, "RadiopharmaceuticalInformationSequence")
    if said is None:
        return Radiopharmaceutical(), ()
    name, unknown = nuclide_of(said, where=where)
    half_life_s = number(said, "RadionuclideHalfLife") or None
    half_life_h = half_life_s / 3600.0 if half_life_s else None
    started, dateless = _started(said, data, where)
    found = Radiopharmaceutical(
        agent=text(said, "Radiopharmaceutical"),
        nuclide=name,
        half_life_h=half_life_h,
        activity_as_written=number(said, "RadionuclideTotalDose") or None,
        started_at=started,
    )
    return found, unknown + dateless + half_life_notes(name, half_life_h, where=where)


def _started(said: Dataset, data: Dataset, where: str) -> tuple[datetime | None, tuple[Note, ...]]:
    written = text(said, "RadiopharmaceuticalStartDateTime")
    clock = text(said, "RadiopharmaceuticalStartTime")
    try:
        start = times.administration_start(written, clock, zone=times.zone_of(data), where=where)
    except QuimbyError:
        return None, (note("I-DCM-ADMIN-DATE", where=where, time=clock),)
    return start, ()


def nuclide_of(said: Dataset, *, where: str) -> tuple[str, tuple[Note, ...]]:
    """The nuclide of a radiopharmaceutical item, "Lu-177"; "" when the item names none.

    W-DCM-NUCLIDE when it names one that is not known here: the name is never dropped unsaid.
    """
    code = first(said, "RadionuclideCodeSequence")
    keys = ("CodeValue", "CodeMeaning")
    coded = [text(code, key) for key in keys] if code is not None else []
    for written in (*coded, text(said, "Radiopharmaceutical")):
        if found := _recognised(written):
            return found, ()
    named = " ".join(word for word in coded if word)
    return "", (note("W-DCM-NUCLIDE", where=where, named=named),) if named else ()


def _recognised(written: str) -> str:
    try:
        return canonical(written) if written else ""
    except QuimbyError:
        return ""


def half_life_notes(name: str, half_life_h: float | None, *, where: str) -> tuple[Note, ...]:
    """W-DCM-HALFLIFE when the file's half-life leaves the table's by more than 1 %."""
    if not name or half_life_h is None:
        return ()
    try:
        table = nuclide(name).half_life_h.value
    except QuimbyError:
        return ()
    if abs(half_life_h / table - 1.0) <= HALF_LIFE_LIMIT:
        return ()
    return (note("W-DCM-HALFLIFE", where=where, value=half_life_h, limit=table, nuclide=name),)


GANTRY = {"headfirst": "HF", "head first": "HF", "feet-first": "FF", "feet first": "FF"}
LYING = {
    "supine": "S",
    "prone": "P",
    "right lateral decubitus": "DR",
    "left lateral decubitus": "DL",
}


def position_of(data: Dataset) -> str:
    """Patient position (HFS, FFS, HFP, …) from its tag, else from the orientation codes."""
    if written := text(data, "PatientPosition").upper():
        return written
    lying = first(data, "PatientOrientationCodeSequence", "PatientOrientationModifierCodeSequence")
    entry = first(data, "PatientGantryRelationshipCodeSequence")
    ways = [
        table.get(text(item, "CodeMeaning").lower(), "") if item is not None else ""
        for item, table in ((entry, GANTRY), (lying, LYING))
    ]
    return "".join(ways) if all(ways) else ""
