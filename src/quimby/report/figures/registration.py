"""How the registered CTs lie on the reference: chequered, and their difference about zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from quimby.report.figures.planes import (
    CT_CENTRE,
    CT_WIDTH,
    STEP_MM,
    Plane,
    bare,
    coronal_through,
    cut,
    marks,
)
from quimby.report.figures.slices import TITLE_MM, centres_of, main_regions, trunk
from quimby.report.figures.style import Figure, canvas, finished
from quimby.study.result import Pictures, Result

TALL, ROW_PAIRS = 1.3, 3  # aspect of a cut, and number of CTs, that stand in one row


def registration_words(pictures: Pictures | None) -> str:
    """How the scans were laid on each other, for the head of the table."""
    if pictures is not None and pictures.registered_ct and pictures.ct is not None:
        return ("Each scan's CT brought to the reference CT: chequered (blue tint reference, sand "
                "tint scan), and the difference, purple to orange about zero (ends at ±300 HU). "
                "Likeness: correlation before and after.")  # fmt: skip
    return ("The outlines, blurred as the camera blurs, laid on each scan's activity: look at them "
            "on the scans above. Likeness: correlation before and after.")  # fmt: skip


def registration(result: Result) -> Figure | None:
    """Each registered CT against the reference: chequered, and the difference about zero."""
    pictures = result.pictures
    if pictures is None or pictures.ct is None or not pictures.registered_ct:
        return None
    low, high = trunk(pictures)
    centres = centres_of(pictures, main_regions(result))
    plane = coronal_through(centres, low, high)
    own = {x.reference for x in result.registrations}
    pairs = [(n, ct) for n, ct in pictures.registered_ct.items() if n not in own]
    if not pairs:
        return None
    places, width, tall = _pairs(len(pairs), plane.aspect)
    height = width * plane.aspect
    with canvas(180, tall) as drawing:
        for (name, moved), (upper, lower) in zip(pairs, places, strict=True):
            first = name == pairs[0][0]
            size = width / 180, height / tall
            one, two = (drawing.add_axes((left / 180, 1 - (down + height) / tall, *size))
                        for left, down in (upper, lower))  # fmt: skip
            _chequer(one, pictures.ct, moved, plane)
            _difference(two, pictures.ct, moved, plane)
            marks(one, plane, bar=first, words=first)
            one.set_title(f"{name} on the reference", pad=3, fontsize=7)
        alt = ("Registered CTs against the reference CT: chequered, and the difference from "
               f"purple (reference brighter) to orange; {plane.position}.")  # fmt: skip
        return finished(drawing, "registration", alt)


Spot = tuple[float, float]  # left and down, mm


def _pairs(count: int, aspect: float) -> tuple[list[tuple[Spot, Spot]], float, float]:
    """Where chequers and differences stand, their width and the height of all, mm.

    The difference below its chequer; of tall cuts beside it, so that all is one row.
    """
    gap, title = 1.2, TITLE_MM - 0.5
    if aspect > TALL and count <= ROW_PAIRS:
        width = min((180 - gap * (2 * count - 1)) / (2 * count), 60 / aspect)
        step = width + gap
        beside = [((2 * n * step, title), ((2 * n + 1) * step, title)) for n in range(count)]
        return beside, width, width * aspect + title
    width = min((180 - gap * (count - 1)) / max(count, 3), 52 / aspect)
    height, step = width * aspect, width + gap
    places = [((n * step, title), (n * step, title + height + gap)) for n in range(count)]
    return places, width, 2 * height + gap + title


def _chequer(axis: Any, reference: Any, moved: Any, plane: Plane) -> None:
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
