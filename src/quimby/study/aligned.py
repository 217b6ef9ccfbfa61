"""Organs that the study asks to be registered by themselves in a scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from quimby import therapies
from quimby.core.errors import QuimbyError
from quimby.core.grid import Image, Rigid
from quimby.core.notes import Note, refusal
from quimby.measure.local_rigid import (
    OrganRegistration,
    moved_region,
    register_organ,
    register_organ_on_activity,
)
from quimby.measure.regions import Region, Regions
from quimby.study.document import Administration, Spect, Study
from quimby.study.inputs import Inputs, Visit
from quimby.therapies import Organ

BASIS = {"ct": "CT", "spect": "the scan's activity"}


def with_align(study: Study, regions: Sequence[str], scans: Sequence[str] = ()) -> Study:
    """The study with these outlines or organs registered by themselves, beside what it names.

    In every scan, or in `scans` alone; E-STUDY-KEY for a scan that the study does not have.
    """
    if not regions:
        return study
    known = [m.id for a in study.document.administrations for m in a.scans]
    for name in scans:
        if name not in known:
            problem = f"there is no scan called {name!r}; the scans are {', '.join(known)}."
            raise refusal("E-STUDY-KEY", where="--scan", problem=problem)
    given = [
        a.model_copy(update={"measurements": [
            _asking(m, regions) if isinstance(m, Spect) and (not scans or m.id in scans) else m
            for m in a.measurements]})
        for a in study.document.administrations
    ]  # fmt: skip
    document = study.document.model_copy(update={"administrations": given})
    return study.model_copy(update={"document": document})


def _asking(scan: Spect, regions: Sequence[str]) -> Spect:
    return scan.model_copy(update={"align": list(dict.fromkeys([*scan.align, *regions]))})


def align_rows(given: Administration) -> tuple[tuple[str, str], ...]:
    """What was registered by itself, for the trace: one row for each choice of regions."""
    found: dict[tuple[str, str], list[str]] = {}
    for scan in given.scans:
        if scan.align:
            found.setdefault((", ".join(scan.align), BASIS[scan.align_on]), []).append(scan.id)
    return tuple(
        ("registration of organs", f"{regions}, each by itself on {basis}, in {', '.join(scans)}")
        for (regions, basis), scans in found.items()
    )


def aligned(
    regions: Regions, visit: Visit, inputs: Inputs, body: Rigid, *, activity: Image, fwhm_mm: float
) -> tuple[Regions, tuple[Note, ...]]:
    """The regions, each asked-for organ moved to where it lies in this scan.

    By `align` and `align_on` of the measurement; without them the regions as they are. `align`
    names outlines, or an organ for every outline of it ("kidneys"). `body` is the registration of
    the whole body, under which the moved regions are to be used. On the CTs the reference scan
    has nothing to register. E-STUDY-KEY for an outline that is not there, and for the activity
    without a measured blur.
    """
    asked = next(m for m in inputs.administration.scans if m.id == visit.id)
    names = [region.name for region in regions.organs]
    chosen = named_outlines(asked.align, names, inputs.administration, key=f"{asked.id}.align")
    if not chosen or (asked.align_on == "ct" and visit.id == inputs.reference):
        return regions, ()
    if asked.align_on == "spect" and not fwhm_mm > 0:
        raise refusal("E-STUDY-KEY", where=f"measurement {visit.id}",
                      problem='align_on = "spect" needs a camera with a point spread.')  # fmt: skip
    organs, notes = [], list[Note]()
    for region in regions.organs:
        if region.name in chosen:
            found = _found(region, asked, visit, inputs, body, activity, fwhm_mm)
            region = moved_region(region, body, found.transform) if found.taken else region
            notes += found.notes
        organs.append(region)
    return replace(regions, organs=tuple(organs)), tuple(notes)


def named_outlines(
    words: Sequence[str], names: Sequence[str], given: Administration, *, key: str
) -> frozenset[str]:
    """Outlines that a key of a scan names, by their own names or by their organ's.

    `key` is the scan's id and the key, for E-STUDY-KEY about a word that is neither.
    """
    found: set[str] = set()
    scan, _, what = key.rpartition(".")
    for word in words:
        mine = [word] if word in names else _of_organ(word, names, given)
        if not mine:
            problem = f"{what} names {word!r}; the outlines are {', '.join(names)}."
            raise refusal("E-STUDY-KEY", where=f"measurement {scan}", problem=problem)
        found |= set(mine)
    return frozenset(found)


def _of_organ(word: str, names: Sequence[str], given: Administration) -> list[str]:
    """Outlines of an organ: both kidneys by "kidneys", one by "kidney left"."""
    meanings = given.outlines.regions if given.outlines else {}
    wanted = _organ(word, {})
    if wanted is None:
        return []
    organs = {name: _organ(name, meanings) for name in names}
    whole = wanted.side in ("", "both")
    return [n for n, o in organs.items()
            if o and o.name == wanted.name and (whole or o.side == wanted.side)]  # fmt: skip


def _organ(name: str, meanings: Mapping[str, str]) -> Organ | None:
    try:
        return therapies.organ(meanings.get(name, name))
    except QuimbyError:
        return None


def _found(
    region: Region, asked: Spect, visit: Visit, inputs: Inputs, body: Rigid,
    activity: Image, fwhm_mm: float,
) -> OrganRegistration:  # fmt: skip
    where = f"{visit.id}, {region.name}"
    if asked.align_on == "spect":
        return register_organ_on_activity(activity, region.mask, body, fwhm_mm=fwhm_mm, where=where)
    fixed, moving = inputs.reference_ct, visit.ct
    if fixed is None or moving is None:
        raise refusal("E-STUDY-KEY", where=f"measurement {visit.id}",
                      problem='without a CT organs are aligned by align_on = "spect".')  # fmt: skip
    return register_organ(fixed.image, moving.image, region.mask, body, where=where)
