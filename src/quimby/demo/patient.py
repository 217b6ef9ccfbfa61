"""Who the made-up patient is and what every region does: the truth of the demo."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from math import cos, exp, log, radians, sin
from types import MappingProxyType
from typing import Any

import numpy as np

from quimby.core.grid import Rigid
from quimby.demo.phantom import data_text, gross_volume_ml, phantom
from quimby.physics.materials import density_curve
from quimby.physics.nuclides import Nuclide, delta_gy_g_per_mbq_h, nuclide

LN2 = log(2.0)
REMAINDER = "Remainder"


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
class ScanTruth:
    """One SPECT/CT: when, and how the patient lay (reference points -> points of this scan)."""

    id: str
    time_h: float
    acquired_at: datetime
    moved: Rigid
    shift_mm: tuple[float, float, float]
    turn_deg: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Truth:
    """What was put in. Every number in it is exact, by construction."""

    seed: int
    administered_mbq: float
    administered_at: datetime
    nuclide: str
    half_life_h: float
    electron_mev: float
    cps_per_mbq: float
    fwhm_mm: float
    scans: tuple[ScanTruth, ...]
    regions: Mapping[str, RegionTruth]

    def as_json(self) -> str:
        """All of it as text, for truth.json."""
        rows = {name: asdict(region) for name, region in self.regions.items()}
        scans = [
            {
                "id": scan.id,
                "time_h": scan.time_h,
                "acquired_at": scan.acquired_at.isoformat(),
                "shift_mm": scan.shift_mm,
                "turn_deg": scan.turn_deg,
                "rotation": scan.moved.rotation.tolist(),
            }
            for scan in self.scans
        ]
        plain = {k: getattr(self, k) for k in self.__dataclass_fields__}
        plain |= {"administered_at": self.administered_at.isoformat()}
        return json.dumps(plain | {"scans": scans, "regions": rows}, indent=1)


@cache
def patient_facts() -> Mapping[str, Any]:
    """The made-up patient's data file."""
    return tomllib.loads(data_text("patient.toml"))


@cache
def camera_facts() -> Mapping[str, Any]:
    """The made-up camera's data file."""
    return tomllib.loads(data_text("camera.toml"))


def truth(seed: int) -> Truth:
    """Everything known about the patient before any scan is made."""
    facts, camera = patient_facts(), camera_facts()
    isotope = nuclide(facts["nuclide"])
    given = datetime.fromisoformat(facts["administered_at"])
    scans = tuple(_scan(row, given) for row in facts["scan"])
    return Truth(
        seed=seed,
        administered_mbq=facts["administered_mbq"],
        administered_at=given,
        nuclide=isotope.name,
        half_life_h=isotope.half_life_h.value,
        electron_mev=isotope.electron_mev.value,
        cps_per_mbq=camera["cps_per_mbq"],
        fwhm_mm=camera["fwhm_mm"],
        scans=scans,
        regions=MappingProxyType(
            {
                name: region_truth(name, Curve(tuple((a, t) for a, t in terms)), scans, isotope)
                for name, terms in facts["curve"].items()
            }
        ),
    )


def region_truth(
    name: str, curve: Curve, scans: tuple[ScanTruth, ...], isotope: Nuclide
) -> RegionTruth:
    """One region of the shipped phantom with a given curve; ValueError if it outlives decay."""
    if max(t for _, t in curve.terms) > isotope.half_life_h.value:
        raise ValueError(f"{name} would clear more slowly than {isotope.name} decays")
    volume, mass = net_volume_ml(name), net_mass_g(name)
    electron = delta_gy_g_per_mbq_h(isotope.electron_mev.value)
    return RegionTruth(
        name=name,
        outlined=name != REMAINDER and phantom().shape(name).outlined,
        curve=curve,
        activity_mbq=tuple(curve.at(scan.time_h) for scan in scans),
        volume_ml=volume,
        mass_g=mass,
        tia_mbq_h=curve.tia_mbq_h,
        tiac_h=curve.tia_mbq_h / patient_facts()["administered_mbq"],
        electron_dose_gy=electron * curve.tia_mbq_h / mass,
    )


def net_volume_ml(name: str) -> float:
    """Volume of a region without the lesions in it; the remainder is the trunk without regions."""
    if name == REMAINDER:
        return gross_volume_ml("trunk") - sum(net_volume_ml(s.name) for s in phantom().regions)
    return gross_volume_ml(name) - sum(gross_volume_ml(s.name) for s in phantom().guests(name))


def net_mass_g(name: str) -> float:
    """Mass from the region's CT number; the remainder is taken as water."""
    hu = 0.0 if name == REMAINDER else phantom().shape(name).hu
    return net_volume_ml(name) * float(density_curve().density(hu))


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
