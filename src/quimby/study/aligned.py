"""Organs that the study asks to be registered by themselves in a scan."""

from __future__ import annotations

from dataclasses import replace

from quimby.core.grid import Image, Rigid
from quimby.core.notes import Note, refusal
from quimby.measure.local_rigid import (
    OrganRegistration,
    moved_region,
    register_organ,
    register_organ_on_activity,
)
from quimby.measure.regions import Region, Regions
from quimby.study.document import Spect
from quimby.study.inputs import Inputs, Visit


def aligned(
    regions: Regions, visit: Visit, inputs: Inputs, body: Rigid, *, activity: Image, fwhm_mm: float
) -> tuple[Regions, tuple[Note, ...]]:
    """The regions, each asked-for organ moved to where it lies in this scan.

    By `align` and `align_on` of the measurement; without them the regions as they are. `body` is
    the registration of the whole body, under which the moved regions are to be used. On the CTs
    the reference scan has nothing to register. E-STUDY-KEY for an outline that is not there, and
    for the activity without a measured blur.
    """
    asked = next(m for m in inputs.administration.scans if m.id == visit.id)
    _known(asked, regions)
    if not asked.align or (asked.align_on == "ct" and visit.id == inputs.reference):
        return regions, ()
    if asked.align_on == "spect" and not fwhm_mm > 0:
        raise refusal("E-STUDY-KEY", where=f"measurement {visit.id}",
                      problem='align_on = "spect" needs a camera with a point spread.')  # fmt: skip
    organs, notes = [], list[Note]()
    for region in regions.organs:
        if region.name in asked.align:
            found = _found(region, asked, visit, inputs, body, activity, fwhm_mm)
            region = moved_region(region, body, found.transform) if found.taken else region
            notes += found.notes
        organs.append(region)
    return replace(regions, organs=tuple(organs)), tuple(notes)


def _known(asked: Spect, regions: Regions) -> None:
    names = [region.name for region in regions.organs]
    for name in asked.align:
        if name not in names:
            problem = f"align names {name!r}; the outlines are {', '.join(names)}."
            raise refusal("E-STUDY-KEY", where=f"measurement {asked.id}", problem=problem)


def _found(
    region: Region, asked: Spect, visit: Visit, inputs: Inputs, body: Rigid,
    activity: Image, fwhm_mm: float,
) -> OrganRegistration:  # fmt: skip
    where = f"{visit.id}, {region.name}"
    if asked.align_on == "spect":
        return register_organ_on_activity(activity, region.mask, body, fwhm_mm=fwhm_mm, where=where)
    fixed, moving = inputs.reference_ct.image, visit.ct.image
    return register_organ(fixed, moving, region.mask, body, where=where)
