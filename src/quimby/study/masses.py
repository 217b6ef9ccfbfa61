"""Masses of outlined regions: from the CT, from a measurement elsewhere, or from the scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quimby import therapies
from quimby.core.errors import QuimbyError
from quimby.core.grid import Grid, Image
from quimby.core.notes import Note, note, refusal
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.measure.mass import mass, mass_of_organ
from quimby.measure.regions import Region, Regions
from quimby.measure.resample import resample
from quimby.measure.segment.no_ct import given_volume, mass_on_scan, reference_share
from quimby.physics.materials import density_curve, organ_density
from quimby.study.given_mass import REFERENCE, GivenMass
from quimby.study.inputs import Inputs
from quimby.therapies import Organ

Float = NDArray[np.floating]

USUAL_TISSUE = {"lesion": "soft-tissue", "parotid": "salivary", "submandibular": "salivary",
                "lacrimal": "soft-tissue", "pituitary": "soft-tissue"}  # fmt: skip
"""Whose usual density an organ without its own takes, where no CT tells it."""
AIR_HU = -1000.0
APART = 2.0
"""Standard uncertainties of their difference beyond which two volumes do not agree [P]."""


@dataclass(frozen=True, eq=False)
class Masses:
    """Volume (ml) and mass (g) of every region; `given` names those not measured on an image."""

    rows: Mapping[str, tuple[Uncertain, Uncertain]]
    organs: Mapping[str, str]  # what each region is
    given: frozenset[str]
    constants: tuple[Constant, ...]
    notes: tuple[Note, ...]


def masses(regions: Regions, inputs: Inputs, organs: Mapping[str, Organ], sex: str) -> Masses:
    """A mass for every region. What the study gives goes before the CT, the CT before the scan.

    `organs` says what each outline is. Notes: I-MASS-GIVEN, W-MASS-REFERENCE, W-MASS-DIFFERS,
    W-SEG-NO-CT, and those of `measure.mass`. Errors: E-STUDY-KEY for a mass that belongs to no
    outline or to several, E-SEG-REFERENCE, E-MASS-CT, E-MAT-ORGAN.
    """
    assert inputs.administration.outlines is not None
    told = _by_region(inputs.administration.outlines.masses, regions, organs)
    rows: dict[str, tuple[Uncertain, Uncertain]] = {}
    notes: list[Note] = []
    constants: list[Constant] = []
    for region in regions.organs:
        organ = organs[region.name]
        if region.name in told:
            found, seen, used = _given(told[region.name], region, organ, sex)
            constants += used
        else:
            found, seen = _measured(region, inputs, _tissue(organ.name))
        rows[region.name] = found
        notes += seen
    notes = _together(notes)
    return Masses(rows, {name: organ.name for name, organ in organs.items()}, frozenset(told),
                  tuple(constants), tuple(notes))  # fmt: skip


def _together(notes: list[Note]) -> list[Note]:
    """All masses from the scan in one note, with the largest doubt."""
    seen = [n for n in notes if n.code == "W-SEG-NO-CT"]
    if not seen:
        return notes
    one = note("W-SEG-NO-CT", where=", ".join(n.where for n in seen),
               value=max(n.value or 0.0 for n in seen))  # fmt: skip
    return [*(n for n in notes if n.code != one.code), one]


def _tissue(organ: str) -> str:
    return USUAL_TISSUE.get(organ, organ)


def _by_region(
    given: Mapping[str, GivenMass], regions: Regions, organs: Mapping[str, Organ]
) -> dict[str, GivenMass]:
    """Each mass by the outline it is of: named as drawn, or by what it is ("kidney, left")."""
    found: dict[str, GivenMass] = {}
    names = [region.name for region in regions.organs]
    for key, one in given.items():
        meant = [key] if key in names else _called(key, organs, names)
        if not meant or (len(meant) > 1 and one.by != REFERENCE) or found.keys() & set(meant):
            which = f"{len(meant)} outlines" if meant else "no outline"
            problem = (f"outlines.masses: {key!r} means {which}; the outlines are "
                       f"{', '.join(names)}, each with one mass.")  # fmt: skip
            raise refusal("E-STUDY-KEY", where="outlines.masses", problem=problem)
        found |= dict.fromkeys(meant, one)
    return found


def _called(key: str, organs: Mapping[str, Organ], names: list[str]) -> list[str]:
    try:
        wanted = therapies.organ(key)
    except QuimbyError:
        return []
    return [
        name for name in names
        if organs[name].name == wanted.name and wanted.side in ("", "both", organs[name].side)
    ]  # fmt: skip


Found = tuple[Uncertain, Uncertain]


def _given(
    one: GivenMass, region: Region, organ: Organ, sex: str
) -> tuple[Found, list[Note], tuple[Constant, ...]]:
    cause = f"mass, {one.by}"
    if one.by == REFERENCE:
        return _reference(one, region, organ, sex)
    if one.mass is not None:
        grams = given_volume(one.mass, cause=cause, u_relative=one.u)
        density = organ_density(_tissue(organ.name)).value
        volume = grams.scaled(1.0 / density)
    else:
        measured = one.axes if one.axes is not None else one.volume
        assert measured is not None
        volume = given_volume(measured, cause=cause, u_relative=one.u)
        grams = mass_of_organ(volume, _tissue(organ.name)).mass_g
    told = note("I-MASS-GIVEN", where=region.name, value=grams.value, by=one.by, u=grams.u_rel)
    return (volume, grams), [told, *_differs(volume, region)], ()


def _reference(
    one: GivenMass, region: Region, organ: Organ, sex: str
) -> tuple[Found, list[Note], tuple[Constant, ...]]:
    """The share of one side in a reference adult's organ."""
    sided = organ.side in ("left", "right")
    grams, constant = reference_share(organ.name, sex, one_side=sided, u_relative=one.u,
                                      where=region.name)  # fmt: skip
    volume = grams.scaled(1.0 / organ_density(_tissue(organ.name)).value)
    told = note("W-MASS-REFERENCE", where=region.name, value=grams.value, u=grams.u_rel)
    return (volume, grams), [told, *_differs(volume, region)], (constant,)


def _differs(volume: Uncertain, region: Region) -> list[Note]:
    """W-MASS-DIFFERS where the outline and the volume given cannot both be right."""
    drawn = region.volume_ml
    if abs(drawn.value - volume.value) <= APART * (drawn - volume).u:
        return []
    return [note("W-MASS-DIFFERS", where=region.name, value=drawn.value, limit=volume.value)]


def _measured(region: Region, inputs: Inputs, organ: str) -> tuple[Found, list[Note]]:
    ct = inputs.reference_ct
    if ct is None:
        found = mass_on_scan(region.volume_ml, organ, name=region.name)
    else:
        found = mass(ct.image, region, organ=organ, contrast=bool(ct.contrast))
    return (found.volume_ml, found.mass_g), list(found.notes)


def way_of_weighing(inputs: Inputs, found: Masses) -> str:
    """How masses were found, in words."""
    told = inputs.administration.outlines
    by = {one.by for one in told.masses.values()} if told else set()
    ways = [f"given for {', '.join(sorted(found.given))} ({', '.join(sorted(by))})"]
    if len(found.given) < len(found.rows):
        ways.append("outline volume times density from the CT's own numbers" if inputs.reference_ct
                    else "outline volume on the scan times the organ's usual density")  # fmt: skip
    return "; ".join(ways if found.given else ways[1:])


def voxel_density(
    inputs: Inputs, found: Masses, *, inside: Mapping[str, Image], grid: Grid
) -> Float:
    """g/ml on the scan's grid for the dose picture, so that its means are the table's doses.

    From the CT; without one the usual density of each organ and soft tissue between them. In a
    region whose mass was given, as much more or less as that mass asks for.
    """
    ct = inputs.reference_ct
    if ct is None:
        density = np.full(grid.shape, organ_density("soft-tissue").value)
        for name, image in inside.items():
            usual = organ_density(_tissue(found.organs[name])).value
            density += image.values * (usual - density)
    else:
        values = resample(ct.image, grid, outside=AIR_HU).array
        density = np.asarray(density_curve().density(values))
    for name in found.given & inside.keys():
        share = inside[name].values
        drawn_g = float(np.sum(share * density)) * grid.voxel_ml
        density = density * (1.0 + share * (found.rows[name][1].value / drawn_g - 1.0))
    return density
