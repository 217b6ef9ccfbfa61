"""Nuclides: half-life and energy per decay, one file each; the folder is the registry."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from math import log
from typing import Any

from quimby.core.notes import refusal
from quimby.core.source import Constant

LN2 = log(2.0)
JOULE_PER_MEV = 1.602176634e-13  # exact, SI 2019
ENERGIES = ("alpha_mev", "electron_mev", "photon_mev")


@dataclass(frozen=True, slots=True)
class PhotonLine:
    """One photon line: energy in MeV and number per decay."""

    energy_mev: float
    per_decay: float
    source: str
    tag: str


@dataclass(frozen=True, slots=True)
class Nuclide:
    """A nuclide, or a chain taken to decay where the parent did.

    `half_life_h` in h; the energies in MeV per decay (of the parent, for a chain).
    """

    name: str
    element: str
    half_life_h: Constant
    alpha_mev: Constant
    electron_mev: Constant
    photon_mev: Constant
    photons: tuple[PhotonLine, ...] = ()
    progeny: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()

    @property
    def rate_per_h(self) -> float:
        """Physical decay constant, 1/h."""
        return LN2 / self.half_life_h.value

    @property
    def mean_life_h(self) -> float:
        """Half-life over ln 2: the TIA of 1 MBq that only decays, MBq h."""
        return self.half_life_h.value / LN2

    @property
    def charged_mev(self) -> float:
        """Energy of alpha particles and electrons per decay, MeV."""
        return self.alpha_mev.value + self.electron_mev.value

    @property
    def constants(self) -> tuple[Constant, ...]:
        """All that a dose rests on, for the trace of a result."""
        return self.half_life_h, self.alpha_mev, self.electron_mev, self.photon_mev


def nuclide(text: str) -> Nuclide:
    """The nuclide a person or file means: "Lu-177", "177Lu", "^177^Lutetium", a SNOMED code.

    Raises ReferenceMissing E-NUC-UNKNOWN; an unknown one never passes for a stable one.
    """
    return registry()[canonical(text)]


def canonical(text: str) -> str:
    """The name as here ("Lu-177") of a nuclide spelled as files spell it, or E-NUC-UNKNOWN."""
    for name in (text.strip(), _by_code().get(text.strip(), ""), _spelled(text)):
        if name in registry():
            return name
    near = get_close_matches(_spelled(text) or text, registry(), n=1, cutoff=0.3)
    meant = f"did you mean {near[0]}? If not, " if near else ""
    raise refusal("E-NUC-UNKNOWN", where="nuclides", text=text, meant=meant)


@cache
def registry() -> Mapping[str, Nuclide]:
    """Every nuclide by name; read once from the folder of data files."""
    folder = files("quimby.physics").joinpath("data", "nuclides")
    rows = (tomllib.loads(f.read_text("utf-8")) for f in folder.iterdir() if _is_toml(f.name))
    return {row["name"]: _made(row) for row in sorted(rows, key=lambda row: str(row["name"]))}


def _is_toml(name: str) -> bool:
    return name.endswith(".toml")


def _made(row: dict[str, Any]) -> Nuclide:
    name = row["name"]
    half_life = Constant(f"half-life of {name}", unit="h", **row["half_life_h"])
    energies = {
        key: Constant(f"{key.removesuffix('_mev')} energy of {name}", unit="MeV", **row[key])
        for key in ENERGIES
    }
    return Nuclide(
        name,
        row["element"],
        half_life,
        **energies,
        photons=tuple(PhotonLine(**line) for line in row.get("photons", ())),
        progeny=tuple(row.get("progeny", ())),
        codes=tuple(row["codes"]),
    )


@cache
def _by_code() -> dict[str, str]:
    return {code: name for name, one in registry().items() for code in one.codes}


@cache
def _symbols() -> dict[str, str]:
    """Element name or symbol in lower case -> symbol."""
    rows = {one.element.lower(): name.split("-")[0] for name, one in registry().items()}
    return rows | {symbol.lower(): symbol for symbol in rows.values()}


# Mass number, perhaps metastable, then the element; or the other way about.
_MASS_FIRST = re.compile(
    r"\b(\d{1,3})(m?)[-\s]?([A-Z][a-z]{1,11}(?![a-z])|[A-Za-z]{1,12}(?![A-Za-z]))"
)
_MASS_LAST = re.compile(r"\b([A-Za-z]{1,12})[-\s]?(\d{1,3})(m?)(?![a-z0-9])")


def _spelled(text: str) -> str:
    """The first pairing of an element and a mass number in the text, as "Lu-177"; or ""."""
    plain = re.sub(r"[\^\[\]()_]+", " ", re.sub(r"\^(\d+m?)\^", r"\1", text))
    found = [(s, n + m) for n, m, s in _MASS_FIRST.findall(plain)]
    found += [(s, n + m) for s, n, m in _MASS_LAST.findall(plain)]
    for element, mass in found:
        if symbol := _symbols().get(element.lower()):
            return f"{symbol}-{mass}"
    return ""


def delta_gy_kg_per_bq_s(energy_mev: float) -> float:
    """Equilibrium dose constant of an energy per decay, Gy kg/(Bq s). MIRD 21."""
    return energy_mev * JOULE_PER_MEV


def delta_gy_g_per_mbq_h(energy_mev: float) -> float:
    """The same in Gy g/(MBq h): 1e6 Bq/MBq, 3600 s/h, 1e3 g/kg."""
    return delta_gy_kg_per_bq_s(energy_mev) * 1e6 * 3600.0 * 1e3


def gy_kg_per_gbq(half_life_h: float, energy_mev: float) -> float:
    """Dose of 1 GBq that decays wholly in 1 kg and leaves this energy there, Gy kg/GBq."""
    return delta_gy_kg_per_bq_s(energy_mev) * 1e9 * half_life_h * 3600.0 / LN2
