"""Slices: dose on CT, SPECT on CT scan by scan, and how the CTs lie on each other.

Without a CT the dose lies on the scans in grey, and each scan stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Image
from quimby.report.figures.planes import (
    OTHER,
    Plane,
    activity_box,
    axial_through,
    bare,
    body_box,
    centroid_mm,
    coronal_through,
    cut,
    halo,
    marks,
    outline,
    show_activity,
    show_ct,
)
from quimby.report.figures.style import INK, PINK, SKY, YELLOW, Figure, canvas, finished
from quimby.report.rounding import significant
from quimby.report.words import joined
from quimby.study.result import Pictures, RegionResult, Result

Float = NDArray[np.float64]
ROOM_MM, ROW_MM, TITLE_MM = 166.0, 70.0, 5.0  # of the scans' figure: width, tallest row, its title
FEW_SCANS = 2
SPOT_PIXELS = 12  # least size of a hot spot that is labelled
LINES = {"kidney": "#FFFFFF", "liver": SKY, "spleen": PINK, "lesion": YELLOW, "marrow": "#7FE0C3"}
WORDS = {"#FFFFFF": "white", SKY: "blue", PINK: "pink", YELLOW: "yellow", "#7FE0C3": "mint",
         "#F5A66B": "orange"}  # fmt: skip


def line_colours(regions: Sequence[RegionResult]) -> dict[str, str]:
    """Outline colour by organ, bright enough on grey."""
    return {r.name: LINES.get(r.organ, OTHER) for r in regions}


def key_words(result: Result, plane: Plane | None = None) -> str:
    """ "Outlines: white kidney, blue liver, …" for the caption."""
    masks = _masks(result.pictures) if result.pictures else {}
    drawn = [r for r in result.regions if r.name in masks]
    shown = [r for r in drawn if plane is None or cut(masks[r.name], plane).max() >= 0.5]
    organs: dict[str, dict[str, None]] = {}
    for r in shown:
        organs.setdefault(WORDS[LINES.get(r.organ, OTHER)], {})[r.organ] = None
    said = [f"{colour} {joined(list(names))}" for colour, names in organs.items()]
    return f"Outlines: {', '.join(said)}."


def centres_of(pictures: Pictures, regions: Sequence[RegionResult]) -> list[Float]:
    found = [centroid_mm(pictures.occupancy[r.name]) for r in regions
             if r.name in pictures.occupancy]  # fmt: skip
    return [c for c in found if c is not None]


def _of(regions: Sequence[RegionResult], organ: str) -> list[RegionResult]:
    return [r for r in regions if r.organ == organ]


def main_regions(result: Result) -> list[RegionResult]:
    """Those the planes are laid through: kidneys, else what has a limit, else all."""
    found = _of(result.regions, "kidney") or [r for r in result.regions if r.limits]
    return found or list(result.regions)


def trunk(pictures: Pictures) -> tuple[Float, Float]:
    """Low and high corner of what is shown of the body."""
    within = pictures.dose.grid
    if pictures.ct is not None:
        return body_box(pictures.ct, within)
    return activity_box(pictures.spect_mbq_per_ml, within)


def under(pictures: Pictures) -> str:
    """What colours lie over, in words."""
    return "CT" if pictures.ct is not None else "SPECT"


def _show_under(axis: Any, pictures: Pictures, plane: Plane) -> None:
    """The CT in grey; without one the activity of the scans together."""
    if pictures.ct is not None:
        show_ct(axis, pictures.ct, plane)
        return
    scans = pictures.spect_mbq_per_ml
    whole = np.sum([s.values / (float(s.values.max()) or 1.0) for s in scans], axis=0)
    show_activity(axis, Image(scans[0].grid, whole, "1"), plane)


def summary_plane(result: Result) -> Plane:
    """The coronal plane of page one."""
    assert result.pictures is not None
    low, high = trunk(result.pictures)
    return coronal_through(centres_of(result.pictures, main_regions(result)), low, high)


def organ_scale(result: Result) -> float:
    """End of the dose scale, Gy: organs' 98th percentile, so lesions do not hide them."""
    assert result.pictures is not None
    dose = result.pictures.dose.values
    organs = [r for r in result.regions if r.organ != "lesion"] or list(result.regions)
    ends = []
    for region in organs:
        inside = result.pictures.occupancy[region.name].values >= 0.5
        if inside.any():
            ends.append(float(np.percentile(dose[inside], 98)))
    return max(ends, default=float(dose.max())) or 1.0


def coronal_dose(result: Result) -> Figure:
    """Dose over CT with outlines: the picture of page one."""
    assert result.pictures is not None
    plane = summary_plane(result)
    width, room = 52.0, 43.0
    with canvas(width, float(np.clip(room * plane.aspect, 24, 56))) as drawing:
        axis = drawing.add_axes((0.0, 0.0, room / width, 1.0))
        axis.set_anchor("NW")
        met = _dose_on(axis, result, plane, organ_scale(result))
        drawing.canvas.draw()
        beside = axis.get_position().x1 + 0.023
        _colour_bar(drawing, axis, (beside, 0.05), organ_scale(result), "Gy")
        over = f"Absorbed dose over {under(result.pictures)}, {plane.position}"
        alt = f"{over}; outlined: {', '.join(met)}."
        return finished(drawing, "dose_coronal", alt)


def _dose_on(axis: Any, result: Result, plane: Plane, end: float,
             isodoses: Sequence[float] = ()) -> list[str]:  # fmt: skip
    assert result.pictures is not None
    _show_under(axis, result.pictures, plane)
    dose = cut(result.pictures.dose, plane)
    alpha = np.clip((dose / end - 0.06) / 0.16, 0.0, 1.0) * 0.78
    axis.imshow(dose, cmap="viridis", vmin=0, vmax=end, alpha=alpha, extent=plane.extent,
                aspect="equal")  # fmt: skip
    met = outline(axis, _masks(result.pictures), plane, line_colours(result.regions), 0.9)
    _isodoses(axis, dose, plane, isodoses)
    marks(axis, plane)
    return met


def _isodoses(axis: Any, dose: Float, plane: Plane, levels: Sequence[float]) -> None:
    inside = [x for x in levels if dose.min() < x < dose.max()]
    if not inside:
        return
    left, right, bottom, top = plane.extent
    rows, columns = dose.shape
    x = left + (np.arange(columns) + 0.5) * (right - left) / columns
    y = top + (np.arange(rows) + 0.5) * (bottom - top) / rows
    for width, colour in ((1.5, INK), (0.6, "white")):
        axis.contour(x, y, dose, levels=inside, colors=colour, linewidths=width,
                     linestyles="dashed" if colour == "white" else "solid")  # fmt: skip
    for across, down, met in _isodose_words(dose, inside):
        axis.annotate(met, (x[across], y[down]), xytext=(1.5, 0), textcoords="offset points",
                      fontsize=6, color="white", va="center", path_effects=halo(1.6))  # fmt: skip


def _isodose_words(dose: Float, levels: Sequence[float]) -> list[tuple[int, int, str]]:
    """Beside each hot spot the lines that are drawn in it: column, row, "5, 10"."""
    from scipy import ndimage

    spots, count = ndimage.label(dose >= levels[0])
    found = []
    for number in range(1, count + 1):
        rows, columns = np.nonzero(spots == number)
        if rows.size < SPOT_PIXELS:
            continue
        met = [f"{v:g}" for v in levels if dose[rows, columns].max() > v]
        found.append((int(columns.max()), int(rows.mean()), ", ".join(met)))
    return found


def _masks(pictures: Pictures) -> Mapping[str, Any]:
    return pictures.masks_ct or pictures.occupancy


def _colour_bar(drawing: Any, axis: Any, place: tuple[float, float], end: float, unit: str,
                cmap: str = "viridis") -> None:  # fmt: skip
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    drawing.canvas.draw()
    box = axis.get_position()
    left, width = place
    bar = drawing.add_axes((left, box.y0 + 0.05 * box.height, width, box.height * 0.82))
    scale = drawing.colorbar(ScalarMappable(Normalize(0, end), cmap), cax=bar, extend="max",
                             extendfrac=0.04)  # fmt: skip
    scale.outline.set_linewidth(0.4)
    bar.tick_params(labelsize=6, length=1.5, width=0.4, pad=1.5)
    bar.set_title(unit, fontsize=6.2, pad=3, loc="left")


def dose_pictures(result: Result) -> Figure:
    """Coronal and axial dose with isodose lines at round values: the picture of page four."""
    assert result.pictures is not None
    pictures = result.pictures
    planes = _planes(result, lambda r: r.absorbed_dose_gy.value)
    end = organ_scale(result)
    levels = isodose_levels(end, result)
    height = 0.94 * 180 / sum(1 / p.aspect for p in planes)
    with canvas(180, height) as drawing:
        axes = _row(drawing, planes, right=0.945)
        met = [_dose_on(a, result, p, end, levels) for a, p in zip(axes, planes, strict=True)]
        _colour_bar(drawing, axes[0], (0.953, 0.012), end, "Gy")
        shown = "; ".join(p.position for p in planes)
        names = ", ".join(dict.fromkeys(n for names in met for n in names))
        lines = ", ".join(f"{x:g}" for x in levels)
        over = f"Absorbed dose over {under(pictures)}: {shown}"
        alt = f"{over}. Isodose lines at {lines} Gy. Outlined: {names}."
        return finished(drawing, "dose_planes", alt)


def isodose_levels(end: float, result: Result) -> list[float]:
    """Round values: half of the organs' scale and steps up to the hottest lesion."""
    hottest = float(np.max(result.pictures.dose.array)) if result.pictures else end
    wanted = [x * 10.0**p for p in range(-2, 4) for x in (1, 2, 5)]
    return [x for x in wanted if 0.35 * end <= x <= 0.9 * hottest][:4]


def _row(
    drawing: Any, planes: Sequence[Plane], right: float = 1.0, gap: float = 0.008
) -> list[Any]:
    """Pictures side by side at one height, widths by their own aspect."""
    widths = np.array([1 / p.aspect for p in planes])
    room = right - gap * (len(planes) - 1)
    size = drawing.get_size_inches()
    scale = min(room / widths.sum(), size[1] / size[0])
    axes, left = [], 0.0
    height = scale * size[0] / size[1]
    for width in widths:
        axes.append(drawing.add_axes((left, 1 - height, scale * width, height)))
        left += scale * width + gap
    return axes


def fused(result: Result) -> Figure | None:
    """Each scan's activity over the reference CT: one scale for all, kidneys and lesions."""
    pictures = result.pictures
    if pictures is None or not pictures.spect_mbq_per_ml:
        return None
    planes = _planes(result, lambda r: r.volume_ml.value)
    scans = pictures.spect_mbq_per_ml
    end = max(float(np.percentile(s.values, 99.7)) for s in scans) or 1.0
    tiles, tall = _beside(planes, len(scans))
    right = max(t.left + t.width for t in tiles)
    with canvas(180, tall) as drawing:
        axes = [drawing.add_axes((t.left / 180, 1 - (t.down + t.height) / tall, t.width / 180,
                                  t.height / tall)) for t in tiles]  # fmt: skip
        for axis, t in zip(axes, tiles, strict=True):
            first = t.scan == 0 or len(scans) <= FEW_SCANS
            _fused_one(axis, result, scans[t.scan], t.plane, end, first=first)
            if t.titled:
                axis.set_title(_scan_title(result, t.scan), pad=3, fontsize=7)
        _colour_bar(drawing, axes[0], ((right + 1.2) / 180, 0.008), end, "MBq/ml", "inferno")
        alt = (
            f"Activity concentration of each scan{_over(pictures)} on one colour scale "
            f"that ends at {significant(end)} MBq/ml; {'; '.join(p.position for p in planes)}."
        )
        return finished(drawing, "fused", alt)


@dataclass(frozen=True, slots=True)
class Tile:
    """One scan on one plane, and where it stands (mm from the left and from the top)."""

    plane: Plane
    scan: int
    left: float
    down: float
    width: float
    height: float
    titled: bool


def _beside(planes: Sequence[Plane], scans: int) -> tuple[list[Tile], float]:
    """Tiles and the height of all: a column a scan; of one or two scans a row each."""
    if scans <= FEW_SCANS:
        return _in_rows(planes, scans)
    width, down, tiles = ROOM_MM / scans, TITLE_MM, []
    for row, plane in enumerate(planes):
        height = width * plane.aspect
        tiles += [Tile(plane, n, n * (width + 0.6), down, width, height, row == 0)
                  for n in range(scans)]  # fmt: skip
        down += height + 2
    return tiles, down


def _in_rows(planes: Sequence[Plane], scans: int) -> tuple[list[Tile], float]:
    room = ROOM_MM - 1.2 * (len(planes) - 1)
    height, tiles = min(ROW_MM, room / sum(1 / p.aspect for p in planes)), []
    for n in range(scans):
        left, down = 0.0, TITLE_MM + n * (height + TITLE_MM + 1.5)
        for plane in planes:
            width = height / plane.aspect
            tiles.append(Tile(plane, n, left, down, width, height, plane is planes[0]))
            left += width + 1.2
    return tiles, tiles[-1].down + height + 2


def scans_words(pictures: Pictures | None) -> str:
    """What the page of scans shows."""
    if pictures is None:
        return ""
    scale = "one colour scale for all times."
    if pictures.ct is not None:
        return "Activity concentration (MBq/ml) of each scan over the reference CT, " + scale
    return ("Activity concentration (MBq/ml) of each scan, laid on the scan with the outlines; "
            + scale + " There is no CT.")  # fmt: skip


def _over(pictures: Pictures) -> str:
    return " over the reference CT" if pictures.ct is not None else " in the reference's place"


def _planes(result: Result, rank: Callable[[RegionResult], float]) -> list[Plane]:
    """Coronal and axial through the main organs, and axial through the lesion that ranks first."""
    assert result.pictures is not None
    low, high = trunk(result.pictures)
    centres = centres_of(result.pictures, main_regions(result))
    planes = [coronal_through(centres, low, high), axial_through(centres, low, high)]
    lesions = _of(result.regions, "lesion")
    if lesions:
        biggest = max(lesions, key=rank)
        planes.append(axial_through(centres_of(result.pictures, [biggest]), low, high))
    return planes


def _scan_title(result: Result, index: int) -> str:
    scans = [m for m in result.measurements if m.kind != "planar"]
    if index >= len(scans):
        return f"scan {index + 1}"
    scan = scans[index]
    return f"{scan.id} · {scan.time_h:.1f} h"


def _fused_one(axis: Any, result: Result, scan: Any, plane: Plane, end: float,
               first: bool) -> None:  # fmt: skip
    assert result.pictures is not None
    level, alpha = cut(scan, plane), None
    if result.pictures.ct is not None:
        show_ct(axis, result.pictures.ct, plane)
        alpha = np.clip((level / end - 0.02) / 0.25, 0.0, 1.0) * 0.8
    else:
        bare(axis)
    axis.imshow(level, cmap="inferno", vmin=0, vmax=end, alpha=alpha, extent=plane.extent,
                aspect="equal")  # fmt: skip
    outline(axis, _masks(result.pictures), plane, line_colours(result.regions), 0.6)
    marks(axis, plane, bar=first, words=first)
