"""Constants of nature that ship: decay, tissue, electrons, photons."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from quimby.core.source import Constant
from quimby.dose import spheres
from quimby.measure.overlap import usual_volumes
from quimby.physics.materials import density_curve, organ_density
from quimby.physics.nuclides import Nuclide, registry

Row = tuple[str, Constant]
"""Where it is used, and the constant."""


def data(package: str, *path: str) -> dict[str, Any]:
    """A data file of a package, as it stands."""
    text = files(package).joinpath("data", *path).read_text("utf-8")
    return tomllib.loads(text)


def nuclides() -> Iterator[Row]:
    """Half-life, energies and photon lines."""
    for one in registry().values():
        yield from (("decay and dose", constant) for constant in one.constants)
        yield from _photons(one)


def _photons(one: Nuclide) -> Iterator[Row]:
    for number, line in enumerate(one.photons, start=1):
        name, about = f"photon line {number} of {one.name}", (line.source, line.tag)
        yield "photons left out", Constant(f"{name}, energy", line.energy_mev, "MeV", *about)
        yield "photons left out", Constant(f"{name}, a decay", line.per_decay, "", *about)


def electrons() -> Iterator[Row]:
    """What the electron absorbed fractions were made from."""
    for name in spheres.nuclides():
        row = data("quimby.dose", "spheres", f"{name}.toml")
        made = "electron absorbed fraction", (row["source"], row["tag"])
        for kind, known in (("beta", row["beta"]), ("electron line", row["line"])):
            for number, (energy, share, *_) in enumerate(known, start=1):
                yield _row(f"{kind} {number} of {name}, energy", energy, "MeV", *made)
                yield _row(f"{kind} {number} of {name}, a decay", share, "", *made)
    water = data("quimby.dose", "electron_water.toml")
    made = "electron absorbed fraction", (water["range_source"], water["range_tag"])
    for energy, way in zip(water["range_energy_mev"], water["range_g_per_cm2"], strict=True):
        yield _row(f"electron range in water, {energy:g} MeV", way, "g/cm2", *made)
    made = "electron absorbed fraction", (water["shape_source"], water["shape_tag"])
    for key in ("p", "q", "reach"):
        for energy, value in zip(water["energy_mev"], water[key], strict=True):
            yield _row(f"electron energy along its way, {key}, {energy:g} MeV", value, "", *made)


def tissues() -> Iterator[Row]:
    """Densities, attenuation of water, usual volumes."""
    for organ in data("quimby.physics", "organ_densities.toml"):
        yield "mass without CT", organ_density(organ)
    for name in data("quimby.physics", "density_curves.toml"):
        curve = density_curve(name)
        for hu, value in zip(curve.hu, curve.density_g_per_ml, strict=True):
            what = f"density curve {name}, {hu:g} HU"
            yield _row(what, value, "g/ml", "mass from CT", (curve.source, curve.tag),
                       curve.u_relative * value)  # fmt: skip
    yield from _attenuation()
    for organ, ends in usual_volumes().items():
        for which, value in zip(("lowest", "highest"), ends, strict=True):
            yield _row(f"usual volume of {organ}, {which}", value, "ml", "check of outlines",
                       ("house policy", "P"))  # fmt: skip


def _attenuation() -> Iterator[Row]:
    water = data("quimby.physics", "water_attenuation.toml")
    made = "photons left out", (water["source"], water["tag"])
    for key, what in (("mu_cm2_per_g", "attenuation"), ("mu_en_cm2_per_g", "energy absorption")):
        for energy, value in zip(water["energy_mev"], water[key], strict=True):
            yield _row(f"{what} of water, {energy:g} MeV", value, "cm2/g", *made)


def _row(
    name: str, value: float, unit: str, used: str, about: tuple[str, str], u: float = 0.0
) -> Row:  # fmt: skip
    return used, Constant(name, float(value), unit, *about, u)
