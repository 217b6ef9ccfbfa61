"""The outlined regions of a patient, made ready once: own masks, nothing twice, edges in doubt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes, gaussian_filter, label

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.notes import Note, note, refusal
from quimby.core.outline import Outline
from quimby.core.uncertain import Uncertain
from quimby.measure.occupancy import outline_notes, placed, region_mask, volume_ml

Float = NDArray[np.float64]

BODY_NAMES = frozenset({"body", "external", "skin", "patient", "outline", "body contour"})
BODY_HU = -300.0
NESTED = 0.5
"""A region of which more than this share lies in a larger one is taken as a part of it."""
TOUCHING = 0.01
"""Below this share of the smaller region, an overlap is the sharing of edge voxels."""
LEAST_SHARE = 0.05
"""What must be left of a region when smaller ones in it are taken out."""
EDGE_SMOOTH_MM, EDGE_PAD_MM = 1.5, 8.0
CT_FWHM_MM = 1.0  # resolution of the CT on which a person draws


@dataclass(frozen=True, eq=False)
class Region:
    """One region on its own fine grid, in the frame of the reference CT.

    `edge` is the area of its surface in each voxel of that grid, mm2 per mm3: times a distance
    it is what the region gains when its outline moves outward by it. `edge_u_mm` is the standard
    uncertainty of that distance.
    """

    name: str
    mask: Image
    edge: Image
    edge_u_mm: float

    @property
    def cause(self) -> str:
        """Name under which the doubt of this outline travels."""
        return f"outline {self.name}"

    @property
    def surface_mm2(self) -> float:
        """Area of the surface."""
        return float(np.sum(self.edge.array, dtype=np.float64)) * self.edge.grid.voxel_ml * 1000.0

    @property
    def volume_ml(self) -> Uncertain:
        """Volume; a larger outline is a positive part, in mass and activity alike."""
        moved = self.surface_mm2 * self.edge_u_mm / 1000.0
        return Uncertain(volume_ml(self.mask), {self.cause: moved})


@dataclass(frozen=True, eq=False)
class Regions:
    """All regions of a patient, and the body they lie in."""

    organs: tuple[Region, ...]
    body: Image
    frame_of_reference: str
    notes: tuple[Note, ...]

    def named(self, name: str) -> Region:
        """The region of that name; KeyError if there is none."""
        return {region.name: region for region in self.organs}[name]


def edge_u_mm(voxel_mm: float, fwhm_mm: float = CT_FWHM_MM) -> float:
    """Standard uncertainty of the place of an outline's edge, mm.

    Half of that of a diameter, u(d)^2 = a^2/6 + FWHM^2/(4 ln 2), with voxel and resolution of
    the image used for drawing. Source: Gear et al. 2018 (PMC6208822).
    """
    return sqrt(voxel_mm**2 / 6.0 + fwhm_mm**2 / (4.0 * log(2.0))) / 2.0


def prepare(
    outlines: Iterable[Outline],
    ct: Image,
    *,
    edge_mm: Mapping[str, float] | None = None,
    ct_fwhm_mm: float = CT_FWHM_MM,
    otherwise: Image | None = None,
) -> Regions:
    """Make outlines ready for measurement, all drawn on (or registered to) one CT.

    An outline called Body or External is the body, else it is found in the CT (above -300 HU);
    where `ct` is a scan of activity, `otherwise` is the body and `ct_fwhm_mm` the scan's blur.
    Where a small region lies in a larger one, the larger loses the common part (I-IMG-CARVED
    when it is a part of it, W-IMG-OVERLAP when they merely cross). `edge_mm` overrides the
    uncertainty of an edge by region name. Errors: E-IMG-FOR when the outlines lie in several
    frames, E-IMG-NO-REGION without any, E-IMG-COVERED for a region that is no more than others
    in it, and those of `region_mask`.
    """
    given = tuple(outlines)
    frame = _one_frame(given)
    masks = {o.name: region_mask(o, like=ct.grid) for o in given if not _is_body(o)}
    if not masks:
        raise refusal("E-IMG-NO-REGION", where="outlines")
    bodies = [o for o in given if _is_body(o)]
    body = region_mask(bodies[0], like=ct.grid) if bodies else otherwise or body_of(ct)
    own, notes = carved(masks)
    for name, mask in own.items():
        if volume_ml(mask) < LEAST_SHARE * volume_ml(masks[name]) or _drawn_twice(name, masks):
            raise refusal("E-IMG-COVERED", where=name)
    usual = edge_u_mm(float(np.cbrt(ct.grid.voxel_ml * 1000.0)), ct_fwhm_mm)
    doubts = edge_mm or {}
    organs = (Region(n, m, edge_of(m), doubts.get(n, usual)) for n, m in own.items())
    gaps = tuple(n for o in given for n in outline_notes(o))
    return Regions(tuple(organs), body, frame, gaps + notes)


def _is_body(outline: Outline) -> bool:
    return outline.name.strip().lower() in BODY_NAMES


def _one_frame(outlines: tuple[Outline, ...]) -> str:
    frames = sorted({o.frame_of_reference for o in outlines})
    if len(frames) > 1:
        raise refusal("E-IMG-FOR", where="outlines", outline=frames[0], scan=frames[1])
    return frames[0] if frames else ""


def body_of(ct: Image) -> Image:
    """The body in a CT (HU), unit "1": its largest part above -300 HU, holes filled slicewise."""
    solid = np.asarray(ct.array) > BODY_HU
    parts, count = label(solid)
    if count == 0:
        raise refusal("E-IMG-REG", where="body")
    largest = int(np.argmax(np.bincount(parts.ravel())[1:])) + 1
    filled = np.stack([binary_fill_holes(plane) for plane in parts == largest])
    return Image(ct.grid, filled.astype(np.float32), "1")


def carved(masks: Mapping[str, Image]) -> tuple[dict[str, Image], tuple[Note, ...]]:
    """The same regions with no volume in two of them: the smaller keeps what is common."""
    by_size = sorted(masks, key=lambda name: (volume_ml(masks[name]), name))
    own = {name: np.array(masks[name].array) for name in masks}
    notes: list[Note] = []
    for place, small in enumerate(by_size):
        for large in by_size[place + 1 :]:
            shared = _taken(masks[small], masks[large].grid, own[large])
            if shared is None:
                continue
            common = float(shared.sum()) * masks[large].grid.voxel_ml
            found = _overlap_note(small, large, common, masks)
            if found is not None:
                own[large] = own[large] - shared
                notes.append(found)
    return {name: Image(masks[name].grid, own[name], "1") for name in masks}, tuple(notes)


def _drawn_twice(name: str, masks: Mapping[str, Image]) -> bool:
    """Whether another region no larger fills the same voxels to the same shares.

    Of two fractional masks of one tissue carving leaves the rim, which is no region.
    """
    large, volume = masks[name], volume_ml(masks[name])
    for other, small in masks.items():
        if other == name or not (1.0 - LEAST_SHARE) * volume <= volume_ml(small) <= volume:
            continue
        part = placed(small, large.grid, Rigid.identity())
        both = np.minimum(np.asarray(large.array)[part.box], part.array).sum()
        if float(both) * large.grid.voxel_ml > (1.0 - LEAST_SHARE) * volume:
            return True
    return False


def _taken(small: Image, grid: Grid, large: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """What of the larger mask the smaller one claims, or None where they do not meet."""
    part = placed(small, grid, Rigid.identity())
    if not part.array.size:
        return None
    claimed = np.zeros_like(large)
    # Two regions that merely share an edge voxel fill it together, up to 1.
    claimed[part.box] = np.clip(large[part.box] + part.array - 1.0, 0.0, large[part.box])
    return claimed if claimed.any() else None


def _overlap_note(small: str, large: str, common: float, masks: Mapping[str, Image]) -> Note | None:
    v_small, v_large = volume_ml(masks[small]), volume_ml(masks[large])
    if common < TOUCHING * v_small:
        return None
    if common >= NESTED * v_small:
        return note("I-IMG-CARVED", where=large, value=common, smaller=small)
    twice = double_counted(v_small, v_large, common)
    return note("W-IMG-OVERLAP", where=f"{small} and {large}", value=twice)


def double_counted(first: float, second: float, common: float) -> float:
    """Common volume over that of the union of two regions, in any one unit."""
    return common / (first + second - common)


def edge_of(mask: Image) -> Image:
    """Surface density of a region, mm2 per mm3, on its grid made wider by a rim.

    The length of the gradient of the fractional mask, smoothed a little so that the steps of
    slices and voxels do not count as surface.
    """
    steps = mask.grid.spacing_mm[::-1]
    pads = [max(2, int(np.ceil(EDGE_PAD_MM / step))) for step in steps]
    wide = np.pad(np.asarray(mask.array, dtype=np.float64), [(p, p) for p in pads])
    smooth = gaussian_filter(wide, [max(EDGE_SMOOTH_MM / s, 0.5) for s in steps])
    slopes = np.gradient(smooth, *steps)
    density = np.sqrt(sum(s**2 for s in slopes)).astype(np.float32)
    affine = np.array(mask.grid.affine)
    affine[:3, 3] = mask.grid.points_mm([-p for p in pads[::-1]])
    shape = (wide.shape[0], wide.shape[1], wide.shape[2])
    return Image(Grid(shape, affine), density, "1/mm")
