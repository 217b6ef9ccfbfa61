"""The ways to outline, each from an image to drafts that know how they were made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from quimby.core.grid import Image, Rigid
from quimby.core.notes import Note, note, refusal
from quimby.core.outline import Outline
from quimby.core.uncertain import Uncertain
from quimby.core.units import quantity
from quimby.measure import checks
from quimby.measure.dicom import read_outline_file
from quimby.measure.external import Segmenter, outline_with
from quimby.measure.occupancy import occupancy, region_mask, volume_ml
from quimby.measure.segment import (
    Segmented,
    adaptive,
    body,
    bone,
    fixed_level,
    fixed_share,
    kidneys,
    lungs,
    sphere,
    uniform_volume,
)
from quimby.measure.segment import grow as grown
from quimby.measure.segment.lungs import Lungs
from quimby.measure.segment.threshold import diameter_mm
from quimby.measure.segment.working import ends_cut
from quimby.study.outlining import told
from quimby.study.outlining.image import Scanned

ORGANS = ("body", "lungs", "bone", "kidneys")
CUT_BY_NATURE = ("body", "lung", "bone")
"""How names of organs begin that hardly any scan shows whole; others are refused where cut."""


@dataclass(frozen=True, eq=False)
class Drafted:
    """One outline made here: volume with its doubt, and what else is to be said of it."""

    outline: Outline
    volume_ml: Uncertain
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Drafts:
    """What one call gave."""

    rows: tuple[Drafted, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where on the image, as typed."""

    at: str = ""
    within: str = ""
    reach: str = ""


def threshold(
    scan: Scanned, name: str, place: Place, *, share: str = "", level: str = "",
    by_size: bool = False, width: Uncertain, allow_cut: bool = False,
) -> Drafts:  # fmt: skip
    """By a share of the maximum (41 % unless said), a concentration, or adapted to the blur.

    Raises those of `measure.segment`, E-OUTLINE-WAY where two ways are asked for at once,
    E-SEG-CUT for a region that runs out of the image, unless that is allowed.
    """
    if (bool(share), bool(level), by_size).count(True) > 1:
        raise refusal("E-OUTLINE-WAY", where="outline threshold", example="--share 41%",
                      problem="Give one of --share, --level and --adaptive")  # fmt: skip
    seed = told.seed(scan.image, at=place.at, within=place.within, reach=place.reach)
    frame = scan.frame_of_reference
    if by_size:
        made = adaptive(scan.image, name, seed, fwhm_mm=width, frame_of_reference=frame)
    elif level:
        mbq = quantity(level, "concentration", where="--level")
        made = fixed_level(scan.image, name, seed, level_mbq_per_ml=mbq, fwhm_mm=width.value,
                           frame_of_reference=frame)  # fmt: skip
    else:
        made = fixed_share(scan.image, name, seed, share=told.share(share) if share else None,
                           fwhm_mm=width.value, frame_of_reference=frame)  # fmt: skip
    return _drafts(scan, [made], allow_cut=allow_cut)


def grow(
    scan: Scanned, name: str, place: Place, *, lower: str, upper: str = "", step: str = "",
    width: Uncertain, allow_cut: bool = False,
) -> Drafts:  # fmt: skip
    """All that hangs together with a seed between two bounds in the image's unit."""
    unit = scan.image.unit
    seed = told.seed(scan.image, at=place.at, within=place.within, reach=place.reach)
    made = grown(
        scan.image, name, seed, lower=told.bound(lower, unit, where="--lower"),
        upper=told.bound(upper, unit, where="--upper") if upper else np.inf,
        step=told.bound(step, unit, where="--step") if step else 0.0,
        fwhm_mm=width.value, frame_of_reference=scan.frame_of_reference,
    )  # fmt: skip
    return _drafts(scan, [made], allow_cut=allow_cut)


def placed_sphere(
    scan: Scanned, name: str, at: str, *, diameter: str = "", volume: str = "", doubt: str = ""
) -> Drafts:
    """A sphere at a point, by its diameter or its volume."""
    if bool(diameter) == bool(volume):
        raise refusal("E-OUTLINE-WAY", where="outline sphere", example='--diameter "20 mm"',
                      problem="Give one of --diameter and --volume")  # fmt: skip
    across = (quantity(diameter, "length", where="--diameter") if diameter
              else diameter_mm(quantity(volume, "volume", where="--volume")))  # fmt: skip
    u = quantity(doubt, "length", where="--doubt") if doubt else 0.0
    made = sphere(scan.image.grid, name, told.point(at), diameter_mm=across, u_diameter_mm=u,
                  frame_of_reference=scan.frame_of_reference)  # fmt: skip
    return _drafts(scan, [made], allow_cut=True)


def small(
    scan: Scanned, name: str, outlines: Path, region: str, *, volume: str = "",
    width: Uncertain | None = None,
) -> Drafts:  # fmt: skip
    """A small sphere (4 ml unless said) in the most uniform part of an outlined organ.

    E-OUTLINE-REGION, E-IMG-FOR where the organ lies in another frame of reference.
    """
    organ = _named(outlines, region)
    if organ.frame_of_reference != scan.frame_of_reference:
        raise refusal("E-IMG-FOR", where=region, outline=organ.frame_of_reference,
                      scan=scan.frame_of_reference)  # fmt: skip
    ml = quantity(volume, "volume", where="--volume") if volume else 4.0
    mask = region_mask(organ)
    found = uniform_volume(scan.image, name, mask, volume_ml=ml, fwhm_mm=width,
                           frame_of_reference=scan.frame_of_reference)  # fmt: skip
    whole = occupancy(mask, scan.image.grid, Rigid.identity()).values
    mean = float((whole * scan.image.values).sum() / whole.sum())
    said = [f"{found.concentration:.4g} {scan.image.unit} in it, {mean:.4g} in all of {region}"]
    if found.recovery is not None:
        said.append(f"recovery there at least {found.recovery.value:.2f}: that of the largest "
                    f"sphere which fits into {region} round it")  # fmt: skip
    drafts = _drafts(scan, [found.segmented], allow_cut=True)
    return Drafts((replace(drafts.rows[0], lines=tuple(said)),), (*drafts.notes, *found.notes))


def _named(file: Path, region: str) -> Outline:
    found = {o.name: o for o in read_outline_file(file).outlines}
    if region not in found:
        known = ", ".join(found)
        raise refusal("E-OUTLINE-REGION", where=str(file), name=region, known=known)
    return found[region]


def organs(
    ct: Scanned, scan: Scanned | None, wanted: Sequence[str], *, allow_cut: bool = False
) -> Drafts:
    """Body, lungs, bone and kidneys from a CT; kidneys from scan and CT together.

    The scan is taken to lie on its CT as the machine placed it. E-OUTLINE-WAY for an organ that
    is not one of these, or for kidneys without a scan; E-PAT-… for another patient's scan;
    E-SEG-CUT for a kidney that CT or scan does not show whole.
    """
    _asked(wanted, scan)
    if scan is not None:
        checks.same_patient({"CT": ct.identity, "scan": scan.identity})
    made: list[Segmented] = []
    notes: list[Note] = []
    frame = ct.frame_of_reference
    finders: dict[str, Callable[[], Sequence[Segmented | None]]] = {
        "body": lambda: [body(ct.image, frame_of_reference=frame)],
        "lungs": lambda: _both(lungs(ct.image, frame_of_reference=frame)),
        "bone": lambda: [bone(ct.image, frame_of_reference=frame)],
    }
    for name in wanted:
        if name == "kidneys":
            assert scan is not None
            pair = kidneys(ct.image, scan.image, frame_of_reference=frame)
            notes += pair.notes
            found: Sequence[Segmented | None] = [pair.left, pair.right]
            for one in (pair.left, pair.right):
                if one is not None and not allow_cut:
                    _refuse_cut(one.outline, scan.image)
        else:
            found = finders[name]()
        made += [one for one in found if one is not None]
    drafts = _drafts(ct, made, allow_cut=allow_cut, second=scan)
    return Drafts(drafts.rows, (*notes, *drafts.notes))


def _both(found: Lungs) -> Sequence[Segmented]:
    return [found.left, found.right]


def _asked(wanted: Sequence[str], scan: Scanned | None) -> None:
    odd = [name for name in wanted if name not in ORGANS]
    if odd or not wanted:
        raise refusal("E-OUTLINE-WAY", where="--only", example=f"--only {','.join(ORGANS)}",
                      problem=f"{(odd or [''])[0]!r} is none of {', '.join(ORGANS)}")  # fmt: skip
    if "kidneys" in wanted and scan is None:
        raise refusal("E-OUTLINE-WAY", where="outline organs", example="--spect SPECT.dcm",
                      problem="Kidneys are found in a scan and its CT together")  # fmt: skip


def external(ct: Scanned, segmenter: Segmenter, only: Sequence[str]) -> Drafts:
    """What the centre's own program finds in a CT; errors of `measure.external`.

    E-OUTLINE-REGION for a name of `only` that it did not give.
    """
    found = outline_with(segmenter, ct.image, frame_of_reference=ct.frame_of_reference)
    names = [o.name for o in found.outlines]
    for name in only:
        if name not in names:
            raise refusal("E-OUTLINE-REGION", where="--only", name=name, known=", ".join(names))
    rows: list[Drafted] = []
    notes = list(found.notes)
    for outline in found.outlines:
        if only and outline.name not in only:
            continue
        notes += _cut_notes(outline, ct.image)
        assert outline.made is not None
        mask = region_mask(outline)
        whole = replace(outline, made=replace(outline.made, image=ct.words))
        rows.append(Drafted(whole, Uncertain(volume_ml(mask))))
    return Drafts(tuple(rows), tuple(notes))


def _drafts(
    scan: Scanned, made: Sequence[Segmented], *, allow_cut: bool, second: Scanned | None = None
) -> Drafts:
    rows: list[Drafted] = []
    notes: list[Note] = []
    for one in made:
        words = scan.words
        if second is not None and one.outline.made and one.outline.made.edge == "rule":
            words = f"{words}; {second.words}"
        outline = one.told(words)
        notes += one.notes
        if not outline.name.lower().startswith(CUT_BY_NATURE):
            if not allow_cut:
                _refuse_cut(outline, scan.image)
            notes += [n for n in _cut_notes(outline, scan.image) if n not in notes]
        rows.append(Drafted(outline, one.volume_ml))
    return Drafts(tuple(rows), tuple(notes))


def _cut(outline: Outline, image: Image) -> str:
    inside = occupancy(region_mask(outline), image.grid, Rigid.identity()).values > 0
    return ends_cut(inside)


def _refuse_cut(outline: Outline, image: Image) -> None:
    """E-SEG-CUT for a region that reaches the first or last slice, or a side, of the image."""
    if ends := _cut(outline, image):
        raise refusal("E-SEG-CUT", where=outline.name, ends=ends)


def _cut_notes(outline: Outline, image: Image) -> tuple[Note, ...]:
    ends = _cut(outline, image)
    return (note("W-SEG-CUT", where=outline.name, ends=ends),) if ends else ()
