"""What each region would look like in a scan: its occupancy and its blur, kept in boxes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.notes import Note
from quimby.devices.point_spread import blur
from quimby.measure.occupancy import FOV_REFUSED, Box, Placed, fov_notes, placed
from quimby.measure.regions import Region, Regions

Float = NDArray[np.float64]
Widths = tuple[float, float, float]
REACH = 2.2
"""Full widths beyond a region's box that its blur is followed (5 standard deviations)."""
NEAR_MM = 25.0
LEAST_VOXELS = 20.0
"""A smaller part of the background has no concentration of its own."""
ALIKE = 0.9
"""Likeness (cosine) above which two parts of the background cannot be told apart."""
EDGE_DIVIDE = 3


@dataclass(frozen=True, eq=False)
class Template:
    """A compartment of activity: occupancy `own` and the same `blurred`, both over `box`."""

    box: Box
    own: Float
    blurred: Float

    @property
    def voxels(self) -> float:
        """Size, in voxels of the scan."""
        return float(self.own.sum())


@dataclass(frozen=True, eq=False)
class Scene:
    """One scan ready to be solved: MBq per voxel, and the compartments it is made of.

    The first templates are the regions', the others are parts of the remainder of the body.
    `edges` are the surfaces of the regions in the scan (1/mm, on the boxes of their templates).
    """

    image: Float
    grid: Grid
    templates: tuple[Template, ...]
    edges: tuple[Float, ...]
    regions: tuple[Region, ...]
    widths: Widths
    notes: tuple[Note, ...]

    @property
    def seen(self) -> Float:
        """What the image holds within each occupancy (n,), MBq."""
        return np.array([within(t.own, t.box, self.image) for t in self.templates])

    @property
    def sizes(self) -> Float:
        """Voxels in each compartment (n,)."""
        return np.array([t.voxels for t in self.templates])

    def model(self, concentrations: Float) -> Float:
        """The blurred image that these concentrations (MBq per voxel) would give."""
        image = np.zeros(self.image.shape)
        for template, c in zip(self.templates, concentrations, strict=True):
            image[template.box] += c * template.blurred
        return image


def within(weights: Float, box: Box, image: Float) -> float:
    """Sum of an image (whole grid) weighted over a box."""
    return float(np.vdot(weights, image[box]))


def overlap(a: Float, a_box: Box, b: Float, b_box: Box) -> float:
    """Sum of the product of two arrays that stand in boxes of one grid."""
    low = [max(s.start, t.start) for s, t in zip(a_box, b_box, strict=True)]
    high = [min(s.stop, t.stop) for s, t in zip(a_box, b_box, strict=True)]
    if any(h <= n for n, h in zip(low, high, strict=True)):
        return 0.0
    cut_a, cut_b = (
        tuple(slice(n - s.start, h - s.start) for n, h, s in zip(low, high, box, strict=True))
        for box in (a_box, b_box)
    )
    return float(np.sum(a[cut_a] * b[cut_b]))


def matrix(templates: Sequence[Template]) -> Float:
    """How much of a unit concentration in compartment j is seen within occupancy i (n, n)."""
    return np.array(
        [[overlap(t.own, t.box, s.blurred, s.box) for s in templates] for t in templates]
    )


def scene(
    image: Image, regions: Regions, moved: Rigid, widths: Widths, *, scan: str = "",
    cut: Collection[str] = (),
) -> Scene:  # fmt: skip
    """Lay every region and the body on the scan (MBq per voxel) and blur them.

    E-IMG-FOV for a region below 95 % in the field of view, W-IMG-FOV up to 99.9 %. A region in
    `cut` is not asked for: as much of it as the scan shows is modelled, so that its spill into
    others is known; one that hardly shows is left to the rest of the body.
    """
    grid, notes = image.grid, list[Note]()
    organs, edges, held = [], [], []
    laid = {region.name: placed(region.mask, grid, moved) for region in regions.organs}
    _all_in_view(laid, cut, scan)
    for region in regions.organs:
        part = laid[region.name]
        if region.name not in cut:
            notes += fov_notes(_named([region.name], scan), part.inside)
        elif float(part.array.sum()) < LEAST_VOXELS:
            continue
        held.append(region)
        box = wider(part.box, grid, widths)
        organs.append(_template(_over(part.array, part.box, box), box, grid, widths))
        rim = placed(region.edge, grid, moved, divide=EDGE_DIVIDE)
        edges.append(_over(rim.array, rim.box, box))
    rest = _rest(organs, placed(regions.body, grid, moved))
    around = _background(rest, organs, grid, widths)
    values = np.ascontiguousarray(image.values)
    templates = (*organs, *around)
    return Scene(values, grid, templates, tuple(edges), tuple(held), widths, tuple(notes))


def _all_in_view(laid: Mapping[str, Placed], cut: Collection[str], scan: str) -> None:
    """E-IMG-FOV that names every region which the scan does not show, so that all go at once."""
    inside = {name: part.inside for name, part in laid.items() if name not in cut}
    lost = {name: share for name, share in inside.items() if share < FOV_REFUSED}
    if lost:
        fov_notes(_named(lost, scan), min(lost.values()))


def _named(regions: Iterable[str], scan: str) -> str:
    return ", ".join([*regions, scan] if scan else regions)


def reblurred(stage: Scene, widths: Widths) -> tuple[Template, ...]:
    """The templates of a scene with another point spread."""
    return tuple(_template(t.own, t.box, stage.grid, widths) for t in stage.templates)


def _rest(organs: list[Template], body: Placed) -> Float:
    """The body without its regions. A region may reach out of it: the rest is never below 0."""
    rest = np.zeros(body.shape)
    rest[body.box] = body.array
    for template in organs:
        rest[template.box] -= template.own
    return np.maximum(rest, 0.0, out=rest)


def _background(rest: Float, organs: list[Template], grid: Grid, widths: Widths) -> list[Template]:
    """The rest of the body: tissue near each region by itself, and all that is far.

    Near is within 25 mm of the edge; tissue near several regions is shared among them, and where
    it is nearly the same tissue (two lesions side by side) it is one part. With one
    background for the whole body an uneven uptake around a region spills unseen: in trials with
    twofold changes over 9 cm the error of kidneys and lesions was four times as large.
    """
    rings = [_ring(template, grid) for template in organs]
    crowd = np.zeros(rest.shape)
    for ring, box in rings:
        crowd[box] += ring
    far, shares = rest.copy(), list[tuple[Float, Box]]()
    for ring, box in rings:
        own = ring * rest[box] / np.maximum(crowd[box], 1.0)
        if own.sum() < LEAST_VOXELS:
            continue
        far[box] -= own
        shares.append((own, box))
    near = []
    for own, box in _joined(shares):
        wide = wider(box, grid, widths)
        near.append(_template(_over(own, box, wide), wide, grid, widths))
    far = np.maximum(far, 0.0)
    if far.sum() >= LEAST_VOXELS:
        box = (slice(0, rest.shape[0]), slice(0, rest.shape[1]), slice(0, rest.shape[2]))
        near.append(_template(far, box, grid, widths))
    return near


def _joined(shares: Sequence[tuple[Float, Box]]) -> list[tuple[Float, Box]]:
    """Parts of the background, with those that are nearly one tissue added up."""
    found: list[tuple[Float, Box]] = []
    for own, box in shares:
        alike = next((n for n, one in enumerate(found) if _alike((own, box), one) > ALIKE), None)
        if alike is None:
            found.append((own, box))
            continue
        other, there = found[alike]
        both = tuple(
            slice(min(a.start, b.start), max(a.stop, b.stop))
            for a, b in zip(box, there, strict=True)
        )
        wide = (both[0], both[1], both[2])
        found[alike] = (_over(own, box, wide) + _over(other, there, wide), wide)
    return found


def _alike(one: tuple[Float, Box], other: tuple[Float, Box]) -> float:
    """How alike two parts are: 1 for the same tissue, 0 for tissue apart."""
    sizes = np.linalg.norm(one[0]) * np.linalg.norm(other[0])
    return overlap(*one, *other) / float(sizes)


def _ring(template: Template, grid: Grid) -> tuple[Float, Box]:
    steps = grid.spacing_mm[::-1]
    box = _padded(template.box, grid, [int(np.ceil(NEAR_MM / s)) for s in steps])
    own = _over(template.own, template.box, box)
    far = np.asarray(distance_transform_edt(own < 0.5, sampling=steps))
    return np.asarray(far <= NEAR_MM, dtype=np.float64), box


def _template(own: Float, box: Box, grid: Grid, widths: Widths) -> Template:
    return Template(box, own, blur(own, grid, widths))


def wider(box: Box, grid: Grid, widths: Widths) -> Box:
    """The box with room for the blur."""
    rims = [REACH * w / s for w, s in zip(widths[::-1], grid.spacing_mm[::-1], strict=True)]
    return _padded(box, grid, [int(np.ceil(r)) for r in rims])


def _padded(box: Box, grid: Grid, rims: Sequence[int]) -> Box:
    k, j, i = (
        slice(max(0, s.start - rim), min(n, s.stop + rim))
        for s, rim, n in zip(box, rims, grid.shape, strict=True)
    )
    return k, j, i


def _over(array: Float, box: Box, target: Box) -> Float:
    """What an array in one box holds within another box of the same grid, zero elsewhere."""
    out = np.zeros([t.stop - t.start for t in target])
    low = [max(s.start, t.start) for s, t in zip(box, target, strict=True)]
    high = [min(s.stop, t.stop) for s, t in zip(box, target, strict=True)]
    if all(h > n for n, h in zip(low, high, strict=True)):
        into, of = (
            tuple(slice(n - s.start, h - s.start) for n, h, s in zip(low, high, b, strict=True))
            for b in (target, box)
        )
        out[into] = array[of]
    return out
