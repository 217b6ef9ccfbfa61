"""The ten questions of a newcomer, and the centre's document that their answers make.

Every question may be left; "?" (do not know) is an answer, and then the question says who would.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from quimby.advise.opening import WEEK
from quimby.advise.recommend import therapy_called
from quimby.core.notes import refusal
from quimby.core.numbers import above_zero
from quimby.core.units import quantity
from quimby.physics.nuclides import canonical
from quimby.protocols.words import Device, Role, aim_words, aims_of

UNKNOWN = "?"
Parse = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One question: how it is asked, an example, who would know, and what its answer means."""

    id: str
    asks: str
    example: str
    knows: str  # who would know
    parse: Parse


CAMERA_WORDS: Mapping[str, Device] = {
    "spect/ct": "spect_ct", "spectct": "spect_ct", "spect-ct": "spect_ct", "spect": "spect",
    "gamma camera": "gamma_camera", "camera": "gamma_camera", "pet/ct": "pet_ct", "petct": "pet_ct",
    "pet": "pet_ct", "ct": "ct", "mr": "mr", "mri": "mr",
}  # fmt: skip
DEVICE_WORDS: Mapping[str, Device] = {
    "activity meter": "activity_meter", "calibrator": "activity_meter", "meter": "activity_meter",
    "monitor": "dose_rate_monitor", "dose-rate monitor": "dose_rate_monitor",
    "hand-held monitor": "hand_held_monitor", "hand held monitor": "hand_held_monitor",
    "probe": "uptake_probe", "uptake probe": "uptake_probe", "thyroid probe": "uptake_probe",
    "gamma counter": "gamma_counter", "well counter": "gamma_counter", "hpge": "hpge",
    "ultrasound": "ultrasound",
}  # fmt: skip
ALL_WORDS = {**CAMERA_WORDS, **DEVICE_WORDS}
SHARED = ("dosimetry_software",)
"""What comes with Quimby itself."""


def _parts(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[,;]", text) if part.strip()]


def _refuse(why: str, example: str) -> Exception:
    return refusal("E-SETUP-ANSWER", where="quimby setup", why=why, example=example)


def _name_and_zone(text: str) -> dict[str, str]:
    """ "St Mary's, Europe/London" """
    name, _, zone = text.rpartition(",")
    if not name.strip() or "/" not in zone:
        raise _refuse("a name and a time zone are wanted", "City Hospital, Europe/Berlin")
    return {"name": name.strip(), "zone": zone.strip()}


def _therapies(text: str) -> list[dict[str, Any]]:
    """ "177Lu-DOTATATE 12 x 4, benign thyroid 80": patients a year, cycles."""
    found = []
    for part in _parts(text):
        told = re.fullmatch(r"(.+?)\s+(\d+)(?:\s*x\s*(\d+))?", part)
        if not told:
            raise _refuse(f"{part!r} has no number of patients", "177Lu-DOTATATE 12 x 4")
        row: dict[str, Any] = {"id": therapy_called(told[1]), "patients_a_year": int(told[2])}
        if told[3]:
            row["cycles"] = int(told[3])
        found.append(row)
    return found


def _aim(text: str) -> str:
    word = text.strip().lower().replace(" ", "_")
    if aims_of(word) is None:
        raise _refuse(f"nothing is called {text.strip()!r}: {', '.join(aim_words()[:5])}", "verify")
    return word


def _staff(text: str) -> list[dict[str, Any]]:
    """ "physicist 4, technologist 5": hours a week."""
    found = []
    for part in _parts(text):
        told = re.fullmatch(r"([a-z]+)\s+([\d.]+)(?:\s*h)?", part.lower())
        if not told or told[1] not in get_args(Role):
            roles = ", ".join(get_args(Role))
            raise _refuse(f"{part!r} is no role with hours a week ({roles})", "physicist 4")
        found.append({"role": told[1], "hours_a_week": float(told[2])})
    return found


def _cameras(text: str) -> dict[str, Any]:
    """ "SPECT/CT, 60 min": the cameras, and minutes a week that are free."""
    minutes: float | None = None
    kinds: list[Device] = []
    for part in _parts(text):
        told = re.fullmatch(r"([\d.]+)\s*min.*", part.lower())
        if told:
            minutes = float(told[1])
        else:
            kinds.append(_device(part, CAMERA_WORDS, "SPECT/CT, 60 min"))
    found: dict[str, Any] = {"kinds": kinds}
    return found if minutes is None else {**found, "minutes": minutes}


def _device(text: str, words: Mapping[str, Device], example: str) -> Device:
    found = words.get(text.strip().lower())
    if found is None:
        raise _refuse(f"nothing is called {text.strip()!r}: {', '.join(words)}", example)
    return found


def _devices(text: str) -> list[Device]:
    return [_device(part, DEVICE_WORDS, "activity meter, monitor") for part in _parts(text)]


def _calibrated(text: str) -> list[dict[str, Any]]:
    """ "SPECT/CT Lu-177 2025-09-12": device, nuclide, day."""
    found = []
    for part in _parts(text):
        told = re.fullmatch(r"(.+?)\s+(\S+)\s+(\d{4}-\d{2}-\d{2})", part)
        example = "SPECT/CT Lu-177 2025-09-12"
        if not told:
            raise _refuse(f"{part!r} is not device, nuclide and day", example)
        device = _device(told[1], ALL_WORDS, example)
        found.append({"kind": device, "nuclide": canonical(told[2]),
                      "on": dt.date.fromisoformat(told[3])})  # fmt: skip
    return found


def _doubt(text: str) -> float:
    found = quantity(text, "fraction", where="quimby setup")
    return above_zero(found, "uncertainty", "", where="quimby setup")


def _visits(text: str) -> int:
    if not text.strip().isdigit():
        raise _refuse("a whole number is wanted", "2")
    return int(text)


def _partners(text: str) -> list[dict[str, Any]]:
    """ "University hospital: SPECT/CT, gamma counter" """
    found = []
    for part in [p.strip() for p in text.split(";") if p.strip()]:
        name, sign, devices = part.partition(":")
        if not sign:
            raise _refuse("a partner's devices stand after a colon",
                          "University hospital: SPECT/CT, gamma counter")  # fmt: skip
        kinds = [_device(d, ALL_WORDS, "SPECT/CT") for d in _parts(devices)]
        found.append({"name": name.strip(), "devices": kinds})
    return found


QUESTIONS: tuple[Question, ...] = (
    Question("centre", "What is your centre called, and in which time zone does it lie?",
             "City Hospital, Europe/Berlin", "anybody", _name_and_zone),
    Question("therapies", "Which therapies, and how many patients a year (x cycles)?",
             "177Lu-DOTATATE 12 x 4, i131-benign-thyroid 80", "the head of department", _therapies),
    Question("aim", "What for: verify, record or plan?", "record", "the physician", _aim),
    Question("staff", "Hours a week for dosimetry, by role?",
             "physicist 4, technologist 5, physician 2", "the head of department", _staff),
    Question("cameras", "Which cameras, and how many minutes a week are free?",
             "SPECT/CT, 60 min", "the technologist who plans the cameras", _cameras),
    Question("devices", "Which other devices?",
             "activity meter, monitor, probe, gamma counter, ultrasound",
             "the technologist", _devices),
    Question("calibrated", "What is calibrated, with which nuclide, since when?",
             "SPECT/CT Lu-177 2025-09-12", "the physicist", _calibrated),
    Question("doubt", "Which uncertainty is good enough (k = 1)? ±15 % tells 3.4 from 4.6 Gy.",
             "20 %", "the physicist with the physician", _doubt),
    Question("visits", "How many visits more can a patient be asked for?", "2",
             "the technologist who makes appointments", _visits),
    Question("partner", "Does another site help, and with what?",
             "University hospital: SPECT/CT, gamma counter", "the head of department", _partners),
)  # fmt: skip
"""In the order they are asked."""


def parsed(answers: Mapping[str, str]) -> dict[str, Any]:
    """What the answers mean; what is unknown or left is not there. E-SETUP-ANSWER, E-SETUP-KEY."""
    known = {q.id: q for q in QUESTIONS}
    for key in answers:
        if key not in known:
            raise refusal("E-SETUP-KEY", where="quimby setup", key=key, known=", ".join(known))
    return {key: known[key].parse(text) for key, text in answers.items()
            if text.strip() not in ("", UNKNOWN)}  # fmt: skip


def still_to_ask(answers: Mapping[str, str]) -> list[Question]:
    """Questions that nobody has answered, each with who would know."""
    return [q for q in QUESTIONS if answers.get(q.id, "").strip() in ("", UNKNOWN)]


def centre_of(meaning: Mapping[str, Any]) -> dict[str, Any]:
    """The centre's document, as plain data for TOML; what nobody answered is not said in it."""
    about = meaning.get("centre", {"name": "Our centre"})
    found: dict[str, Any] = {"name": about["name"]}
    cameras = meaning.get("cameras", {})
    if "minutes" in cameras:
        found["camera_min_a_week"] = cameras["minutes"]
    if "zone" in about:
        found["opening"] = {"zone": about["zone"], "days": list(WEEK[:5]), "start": "08:00",
                            "end": "16:00", "closed": []}  # fmt: skip
    found["staff"] = meaning.get("staff", [])
    found["device"] = _records([*cameras.get("kinds", ()), *meaning.get("devices", ()), *SHARED],
                               meaning.get("calibrated", ()))  # fmt: skip
    found["partner"] = meaning.get("partner", [])
    found["therapy"] = meaning.get("therapies", [])
    return found


def _records(kinds: Sequence[str], calibrated: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A record for each device; a second of a kind gets a number."""
    found: list[dict[str, Any]] = []
    for kind in kinds:
        number = sum(r["kind"] == kind for r in found) + 1
        name = kind.replace("_", "-") + (f"-{number}" if number > 1 else "")
        record: dict[str, Any] = {"id": name, "kind": kind}
        made = [{"nuclide": c["nuclide"], "on": c["on"]} for c in calibrated if c["kind"] == kind]
        if made:
            record["calibration"] = made
        found.append(record)
    return found
