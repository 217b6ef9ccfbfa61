"""How much of the energy released in a small sphere stays in it.

The absorbed fraction of a sphere of radius R, filled evenly, is the mean of the point source's
laid-down energy over the chance p(r) that two points a distance r apart lie both inside:
``p = 1 - 3 r/(4 R) + r**3/(16 R**3)``. Spheres have unit density; what counts is density times
radius, so a mass alone names the sphere well enough for soft tissue.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import pi

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta as beta_distribution

from quimby.core.notes import refusal

Float = NDArray[np.float64]

FOLDER = files("quimby.dose").joinpath("data", "spheres")
SHAPE_DOUBT = 0.15
"""Standard uncertainty of the escaping share 1 - phi, relative: shape of the real object [P]."""


@dataclass(frozen=True, slots=True)
class SphereTable:
    """Electron absorbed fractions of one nuclide."""

    nuclide: str
    mass_g: tuple[float, ...]
    fraction: tuple[float, ...]
    source: str
    tag: str


def radius_cm(mass_g: float) -> float:
    """Radius of a unit-density sphere."""
    return float((3 * mass_g / (4 * pi)) ** (1 / 3))


def overlap(r_cm: Float, radius: float) -> Float:
    """Chance that a point `r_cm` away from a random point of a sphere also lies inside."""
    x = np.minimum(r_cm / radius, 2.0)
    return np.asarray(1 - 0.75 * x + x**3 / 16, dtype=np.float64)


@cache
def _water() -> dict[str, Float]:
    text = files("quimby.dose").joinpath("data", "electron_water.toml").read_text("utf-8")
    return {k: np.array(v) for k, v in tomllib.loads(text).items() if isinstance(v, list)}


def csda_range_cm(energy_mev: Float) -> Float:
    """Continuous-slowing-down range of electrons in water, log-log between tabulated energies."""
    known, ranges = np.log(_water()["range_energy_mev"]), np.log(_water()["range_g_per_cm2"])
    x = np.log(energy_mev)
    below = ranges[0] + (x - known[0]) * (ranges[1] - ranges[0]) / (known[1] - known[0])
    return np.asarray(np.exp(np.where(x < known[0], below, np.interp(x, known, ranges))))


def electron_fraction_from_spectrum(energy_mev: Float, number: Float, mass_g: float) -> float:
    """Absorbed fraction of electron energy in an evenly filled sphere of water.

    Energy of each electron lies along its range as the fitted beta distribution of
    ``data/electron_water.toml``; bremsstrahlung is taken as absorbed (below 0.7 % at 2 MeV).
    """
    water, radius = _water(), radius_cm(mass_g)
    at = np.log(energy_mev)
    p, q, reach = (
        np.interp(at, np.log(water["energy_mev"]), water[name]) for name in ("p", "q", "reach")
    )
    steps = (np.arange(100) + 0.5) / 100
    x = beta_distribution.ppf(steps[None, :], p[:, None], q[:, None])  # equal energies
    r = x * (reach * csda_range_cm(energy_mev))[:, None]
    weight = energy_mev * number
    return float((weight * overlap(r, radius).mean(axis=1)).sum() / weight.sum())


def nuclides() -> list[str]:
    """Nuclides with a table. The folder is the registry."""
    return sorted(f.name[:-5] for f in FOLDER.iterdir() if f.name.endswith(".toml"))


@cache
def table(nuclide: str) -> SphereTable:
    """The table of one nuclide ("Lu-177"); E-DOSE-ELECTRONS when there is none."""
    file = FOLDER.joinpath(f"{nuclide}.toml")
    rows = tomllib.loads(file.read_text("utf-8")) if nuclide in nuclides() else {}
    if "fraction" not in rows:
        raise refusal(
            "E-DOSE-ELECTRONS", where="absorbed fraction", nuclide=nuclide, known=nuclides()
        )
    return SphereTable(
        nuclide,
        tuple(rows["mass_g"]),
        tuple(rows["fraction"]),
        rows["source"],
        rows["tag"],
    )


def electron_fraction(nuclide: str, mass_g: float) -> float:
    """Share of the electron energy that stays in a sphere of this mass.

    The escaping share 1 - phi is interpolated log-log in mass, and falls as m**(-1/3) above
    the table, as the overlap does. Below the table (1 mg) E-DOSE-INPUT.
    """
    known = table(nuclide)
    lowest, highest = known.mass_g[0], known.mass_g[-1]
    if not mass_g >= lowest:
        raise refusal("E-DOSE-INPUT", where="electron absorbed fraction", what="the mass",
                      value=mass_g, unit="g", must=f"at least {lowest:g} g")  # fmt: skip
    escape = np.log1p(-np.array(known.fraction))
    at = np.log(min(mass_g, highest))
    inside = float(np.exp(np.interp(at, np.log(known.mass_g), escape)))
    return 1 - inside * float(max(mass_g / highest, 1.0) ** (-1 / 3))


def make_fractions(rows: dict[str, object], masses_g: Sequence[float]) -> list[float]:
    """Absorbed fractions for a nuclide file's emissions (see `make_spheres`)."""
    from quimby.dose.spectrum import electron_spectrum

    beta = [(float(e), float(n), str(s)) for e, n, s in rows["beta"]]  # type: ignore[attr-defined]
    line = [(float(e), float(n)) for e, n in rows["line"]]  # type: ignore[attr-defined]
    energy, number = electron_spectrum(beta, line, int(str(rows["daughter_z"])))
    return [electron_fraction_from_spectrum(energy, number, m) for m in masses_g]
