"""Who the made-up patient is and what every region does: the truth of the demo."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from math import cos, exp, log, radians, sin
from types import MappingProxyType
from typing import Any

import numpy as np

from quimby.core.grid import Rigid
from quimby.demo.measured import one_each
from quimby.demo.phantom import REMAINDER, Phantom, data_text, phantom
from quimby.physics.materials import density_curve
from quimby.physics.nuclides import delta_gy_g_per_mbq_h, nuclide
from quimby.protocols import Protocol

LN2 = log(2.0)
DOTATATE = "dotatate"
PATIENTS = "patients"
SEED = 20260302
STILL = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Curve:
    """Activity after administration: terms of (MBq at time 0, effective half-life in h)."""

    terms: tuple[tuple[float, float], ...]

    def at(self, time_h: float) -> float:
        """MBq at a time."""
        return sum(a * exp(-LN2 * time_h / t) for a, t in self.terms)

    def mean(self, time_h: float, duration_h: float) -> float:
        """Mean MBq from a time on, over a duration above zero."""
        rates = [(a * exp(-LN2 * time_h / t), LN2 / t * duration_h) for a, t in self.terms]
        return sum(a * (1.0 - exp(-x)) / x for a, x in rates)

    @property
    def tia_mbq_h(self) -> float:
        """Time-integrated activity from administration to infinity."""
        return sum(a * t / LN2 for a, t in self.terms)


@dataclass(frozen=True, slots=True)
class RegionTruth:
    """One region: what is in it and what that does.

    `volume_ml` and `mass_g` leave out lesions in it. `electron_dose_gy` takes all energy of
    electrons as staying where they started; photons and neighbours are left out.
    """

    name: str
    outlined: bool
    curve: Curve
    activity_mbq: tuple[float, ...]  # at the start of each scan
    volume_ml: float
    mass_g: float
    tia_mbq_h: float
    tiac_h: float
    electron_dose_gy: float


@dataclass(frozen=True, eq=False)
class Patient:
    """Whom the camera sees: facts as a hospital knows them, the body, and the field of view."""

    facts: Mapping[str, Any]
    body: Phantom
    spect_slices: int
    ct_slices: int


@dataclass(frozen=True, eq=False)
class ScanTruth:
    """One scan: when, and how the patient lay (reference points -> points of this scan)."""

    id: str
    time_h: float
    acquired_at: datetime
    moved: Rigid
    shift_mm: tuple[float, float, float]
    turn_deg: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Truth:
    """What was put in. Every number in it is exact, by construction."""

    patient: Patient
    protocol: str
    seed: int
    administered_mbq: float
    administered_at: datetime
    nuclide: str
    half_life_h: float
    electron_mev: float
    cps_per_mbq: float
    fwhm_mm: float
    outlined: int  # number of the scan whose CT carries the outlines
    scans: tuple[ScanTruth, ...]  # SPECT/CT
    planars: tuple[ScanTruth, ...]
    regions: Mapping[str, RegionTruth]

    def as_json(self) -> str:
        """All of it as text, for truth.json."""
        rows = {name: asdict(region) for name, region in self.regions.items()}
        plain = {k: getattr(self, k) for k in self.__dataclass_fields__ if k != "patient"}
        plain |= {"administered_at": self.administered_at.isoformat(), "regions": rows}
        plain |= {"scans": _told(self.scans), "planars": _told(self.planars)}
        return json.dumps(plain, indent=1)


@cache
def patients() -> Mapping[str, str]:
    """The shipped patients by their therapy. The folder is the registry."""
    folder = files("quimby.demo").joinpath("data", PATIENTS)
    names = sorted(f.name for f in folder.iterdir() if f.name.endswith(".toml"))
    return {
        tomllib.loads(data_text(f"{PATIENTS}/{name}"))["therapy"]: name.removesuffix(".toml")
        for name in names
    }


@cache
def patient(name: str = DOTATATE) -> Patient:
    """A shipped patient by the name of the file."""
    facts = tomllib.loads(data_text(f"{PATIENTS}/{name}.toml"))
    field = facts["field"]
    body = phantom(facts["shape"], middle_cm=field["middle_cm"])
    return Patient(facts, body, field["spect_slices"], field["ct_slices"])


@cache
def camera_facts() -> Mapping[str, Any]:
    """The made-up camera's data file."""
    return tomllib.loads(data_text("camera.toml"))


def truth(protocol: Protocol, seed: int = SEED) -> Truth:
    """Everything known about the patient of a therapy before any scan of a protocol is made.

    KeyError for a therapy without a patient to be scanned; E-DEMO-WINDOW.
    """
    who, camera = patient(patients()[protocol.therapy]), camera_facts()
    facts, isotope = who.facts, nuclide(who.facts["nuclide"])
    outlined, scans, planars = _scans(facts, protocol)
    return Truth(
        patient=who,
        protocol=protocol.id,
        seed=seed,
        administered_mbq=facts["administered_mbq"],
        administered_at=datetime.fromisoformat(facts["administered_at"]),
        nuclide=isotope.name,
        half_life_h=isotope.half_life_h.value,
        electron_mev=isotope.electron_mev.value,
        cps_per_mbq=camera["cps_per_mbq"],
        fwhm_mm=camera["fwhm_mm"],
        outlined=outlined,
        scans=scans,
        planars=planars,
        regions=MappingProxyType(
            {
                name: region_truth(who, name, _curve(terms), scans)
                for name, terms in facts["curve"].items()
            }
        ),
    )


def region_truth(
    who: Patient, name: str, curve: Curve, scans: tuple[ScanTruth, ...]
) -> RegionTruth:
    """One region of a patient with a given curve; ValueError if it outlives decay."""
    isotope = nuclide(who.facts["nuclide"])
    if max(t for _, t in curve.terms) > isotope.half_life_h.value:
        raise ValueError(f"{name} would clear more slowly than {isotope.name} decays")
    volume, mass = who.body.net_volume_ml(name), net_mass_g(who.body, name)
    electron = delta_gy_g_per_mbq_h(isotope.electron_mev.value)
    return RegionTruth(
        name=name,
        outlined=name != REMAINDER and who.body.shape(name).outlined,
        curve=curve,
        activity_mbq=tuple(curve.at(scan.time_h) for scan in scans),
        volume_ml=volume,
        mass_g=mass,
        tia_mbq_h=curve.tia_mbq_h,
        tiac_h=curve.tia_mbq_h / who.facts["administered_mbq"],
        electron_dose_gy=electron * curve.tia_mbq_h / mass,
    )


def net_mass_g(body: Phantom, name: str) -> float:
    """Mass from the region's CT number; the remainder is taken as water."""
    hu = 0.0 if name == REMAINDER else body.shape(name).hu
    return body.net_volume_ml(name) * float(density_curve().density(hu))


def _scans(
    facts: Mapping[str, Any], protocol: Protocol
) -> tuple[int, tuple[ScanTruth, ...], tuple[ScanTruth, ...]]:
    """What the protocol asks for: number of the scan that is outlined, SPECT/CT, planar pairs.

    Outlines are drawn where the patient lies as the phantom does; where that scan is not among
    those taken, the first one is at rest.
    """
    given = datetime.fromisoformat(facts["administered_at"])
    rows = {kind: facts.get(kind, []) for kind in ("spect", "planar")}
    spect, planar = (
        tuple(_scan(of[n], given) for n in one_each(protocol, kind, [r["time_h"] for r in of]))
        for kind, of in rows.items()
    )
    resting = [n for n, scan in enumerate(spect) if not any(scan.shift_mm + scan.turn_deg)]
    if not resting and spect:
        spect = (replace(spect[0], moved=Rigid.identity(), shift_mm=STILL, turn_deg=STILL),
                 *spect[1:])  # fmt: skip
    return (resting or [0])[0], spect, planar


def _curve(terms: Sequence[Sequence[float]]) -> Curve:
    return Curve(tuple((a, t) for a, t in terms))


def _told(scans: tuple[ScanTruth, ...]) -> list[dict[str, Any]]:
    return [
        {
            "id": scan.id,
            "time_h": scan.time_h,
            "acquired_at": scan.acquired_at.isoformat(),
            "shift_mm": scan.shift_mm,
            "turn_deg": scan.turn_deg,
            "rotation": scan.moved.rotation.tolist(),
        }
        for scan in scans
    ]


def _scan(row: Mapping[str, Any], given: datetime) -> ScanTruth:
    shift, turn = tuple(row["shift_mm"]), tuple(row["turn_deg"])
    moved = Rigid(_rotation(turn), np.array(shift))
    at = given + timedelta(hours=row["time_h"])
    return ScanTruth(row["id"], row["time_h"], at, moved, shift, turn)


def _rotation(turn_deg: tuple[float, ...]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Turns about x, then y, then z, through the middle of the image."""
    result = np.eye(3)
    for axis, angle in enumerate(radians(a) for a in turn_deg):
        i, j = [(1, 2), (2, 0), (0, 1)][axis]
        step = np.eye(3)
        step[i, i] = step[j, j] = cos(angle)
        step[i, j], step[j, i] = -sin(angle), sin(angle)
        result = step @ result
    return result
