"""Slices: dose on CT, SPECT on CT scan by scan, and how the CTs lie on each other.

Without a CT the dose lies on the scans in grey, and each scan stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    marks,
    outline,
    show_activity,
    show_ct,
)
from quimby.report.figures.style import PINK, SKY, YELLOW, Figure, canvas, finished
from quimby.report.rounding import significant
from quimby.study.result import Pictures, RegionResult, Result

Float = NDArray[np.float64]
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
    seen = dict.fromkeys((WORDS[LINES.get(r.organ, OTHER)], r.organ) for r in shown)
    return "Outlines: " + ", ".join(f"{colour} {organ}" for colour, organ in seen) + "."


def _centres(pictures: Pictures, regions: Sequence[RegionResult]) -> list[Float]:
    found = [centroid_mm(pictures.occupancy[r.name]) for r in regions
             if r.name in pictures.occupancy]  # fmt: skip
    return [c for c in found if c is not None]


def _of(regions: Sequence[RegionResult], organ: str) -> list[RegionResult]:
    return [r for r in regions if r.organ == organ]


def main_regions(result: Result) -> list[RegionResult]:
    """Those the planes are laid through: kidneys, else what has a limit, else all."""
    found = _of(result.regions, "kidney") or [r for r in result.regions if r.limits]
    return found or list(result.regions)


def _trunk(pictures: Pictures) -> tuple[Float, Float]:
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
    low, high = _trunk(result.pictures)
    return coronal_through(_centres(result.pictures, main_regions(result)), low, high)


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
        _colour_bar(drawing, axis, (0.85, 0.05), organ_scale(result), "Gy")
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
    lines = axis.contour(x, y, dose, levels=inside, colors="#F0E442", linewidths=0.7,
                         linestyles="dashed")  # fmt: skip
    axis.clabel(lines, fmt=lambda v: f"{v:g}", fontsize=6, inline_spacing=1)


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
    column = 167.0 / max(len(scans), 3)
    heights = [column * p.aspect for p in planes]
    with canvas(180, sum(heights) + 2 * len(heights) + 5) as drawing:
        total_mm = sum(heights) + 2 * len(heights) + 5
        down = 5.0
        axis = None
        for plane, height in zip(planes, heights, strict=True):
            for index, scan in enumerate(scans):
                place = (index * (column + 0.6) / 180, 1 - (down + height) / total_mm,
                         column / 180, height / total_mm)  # fmt: skip
                axis = drawing.add_axes(place)
                _fused_one(axis, result, scan, plane, end, first=index == 0)
                if plane is planes[0]:
                    axis.set_title(_scan_title(result, index), pad=3, fontsize=7)
            down += height + 2
        right = (len(scans) * (column + 0.6) + 0.8) / 180
        _colour_bar(drawing, axis, (right, 0.008), end, "MBq/ml", "inferno")
        alt = (
            f"Activity concentration of each scan{_over(pictures)} on one colour scale "
            f"that ends at {significant(end)} MBq/ml; {'; '.join(p.position for p in planes)}."
        )
        return finished(drawing, "fused", alt)


def scans_words(pictures: Pictures | None) -> str:
    """What the page of scans shows."""
    if pictures is None:
        return ""
    scale = "one colour scale for all times."
    if pictures.ct is not None:
        return "Activity concentration (MBq/ml) of each scan over the reference CT, " + scale
    return ("Activity concentration (MBq/ml) of each scan, laid on the scan with the outlines; "
            + scale + " There is no CT.")  # fmt: skip


def registration_words(pictures: Pictures | None) -> str:
    """How the scans were laid on each other, for the head of the table."""
    if pictures is not None and pictures.registered_ct and pictures.ct is not None:
        return ("Each scan's CT brought to the reference CT: chequered (blue tint reference, sand "
                "tint scan), and the difference, purple to orange about zero.")  # fmt: skip
    return ("The outlines, blurred as the camera blurs, laid on each scan's activity: look at them "
            "on the scans above.")  # fmt: skip


def _over(pictures: Pictures) -> str:
    return " over the reference CT" if pictures.ct is not None else " in the reference's place"


def _planes(result: Result, rank: Callable[[RegionResult], float]) -> list[Plane]:
    """Coronal and axial through the main organs, and axial through the lesion that ranks first."""
    assert result.pictures is not None
    low, high = _trunk(result.pictures)
    centres = _centres(result.pictures, main_regions(result))
    planes = [coronal_through(centres, low, high), axial_through(centres, low, high)]
    lesions = _of(result.regions, "lesion")
    if lesions:
        biggest = max(lesions, key=rank)
        planes.append(axial_through(_centres(result.pictures, [biggest]), low, high))
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


def registration(result: Result) -> Figure | None:
    """Each registered CT against the reference: chequered, and the difference about zero."""
    pictures = result.pictures
    if pictures is None or pictures.ct is None or not pictures.registered_ct:
        return None
    low, high = _trunk(pictures)
    centres = _centres(pictures, main_regions(result))
    plane = coronal_through(centres, low, high)
    own = {x.reference for x in result.registrations}
    pairs = [(n, ct) for n, ct in pictures.registered_ct.items() if n not in own]
    if not pairs:
        return None
    gap, title = 1.2, 4.5
    width = min((180 - gap * (len(pairs) - 1)) / max(len(pairs), 3), 52 / plane.aspect)
    height = width * plane.aspect
    tall = 2 * height + gap + title
    with canvas(180, tall) as drawing:
        for index, (name, moved) in enumerate(pairs):
            left = index * (width + gap) / 180
            upper = drawing.add_axes((left, (height + gap) / tall, width / 180, height / tall))
            lower = drawing.add_axes((left, 0.0, width / 180, height / tall))
            _chequer(upper, pictures.ct, moved, plane)
            _difference(lower, pictures.ct, moved, plane)
            marks(upper, plane, bar=index == 0, words=index == 0)
            marks(lower, plane, bar=False, words=False)
            upper.set_title(f"{name} on the reference", pad=3, fontsize=7)
        alt = ("Registered CTs against the reference CT: chequered, and the difference from "
               f"purple (reference brighter) to orange; {plane.position}.")  # fmt: skip
        return finished(drawing, "registration", alt)


def _chequer(axis: Any, reference: Any, moved: Any, plane: Plane) -> None:
    from quimby.report.figures.planes import CT_CENTRE, CT_WIDTH, STEP_MM

    a, b = cut(reference, plane, outside=-1000.0), cut(moved, plane, outside=-1000.0)
    rows, columns = np.indices(a.shape)
    tile = max(1, round(30 / STEP_MM))
    odd = ((rows // tile) + (columns // tile)) % 2 == 1
    low, high = CT_CENTRE - CT_WIDTH / 2, CT_CENTRE + CT_WIDTH / 2
    level = np.clip((np.where(odd, b, a) - low) / (high - low), 0, 1)
    tint = np.where(odd[..., None], np.array([1.0, 0.93, 0.80]), np.array([0.82, 0.92, 1.0]))
    axis.imshow(level[..., None] * tint, extent=plane.extent, aspect="equal")
    bare(axis)


def _difference(axis: Any, reference: Any, moved: Any, plane: Plane) -> None:
    a, b = cut(reference, plane, outside=-1000.0), cut(moved, plane, outside=-1000.0)
    gap = np.clip(b, -160, 240) - np.clip(a, -160, 240)
    axis.imshow(gap, cmap="PuOr_r", vmin=-300, vmax=300, extent=plane.extent, aspect="equal")
    bare(axis)
    for spine in axis.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.3)
