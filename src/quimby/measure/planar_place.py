"""Where planar views lie on a SPECT/CT: found by the likeness of what both show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.signal import fftconvolve

from quimby.core.notes import Note, note, refusal
from quimby.measure.planar_expected import Expected, Flat
from quimby.measure.planar_scan import ViewPair

Float = NDArray[np.float64]
SMOOTH_MM = 5.0  # sigma: what is compared is organs, not noise
LEAST_SHARED = 0.5  # of the SPECT/CT's field that must lie on the planar image
LIKE_ENOUGH, TOO_UNLIKE = 0.75, 0.5  # [P] correlation of the roots of both pictures
CLEARLY = 0.01  # [P] of likeness, between two ways round
LEAST_U_MM = 1.5  # [P] standard uncertainty of the place, along each axis
FLAT_U = 1e-9  # of the variance; nothing to compare below it


@dataclass(frozen=True, slots=True)
class Laid:
    """A planar image's first pixel (LPS x and z on the reference), and how sure that is.

    `u_mm` is the standard uncertainty along (x, z); `likeness` the correlation, up to 1.
    """

    corner_mm: tuple[float, float]
    likeness: float
    u_mm: tuple[float, float]
    notes: tuple[Note, ...] = ()


def lay(pair: ViewPair, expected: Expected, *, where: str) -> Laid:
    """Finds the shift at which the views look most like what the SPECT/CT leads one to expect.

    The geometric means are compared, as roots, so that one hot organ does not decide alone.
    Each view by itself gives another shift; half the distance of the two tells how sure it is.
    A patient who lies turned is not turned back. S-PLN-PLACE for a poor likeness, I-PLN-PLACE
    else; E-PLN-FIELD where both hardly show the same part of the patient; E-PLN-TURNED where
    mirrored or upside-down views fit better, S-PLN-TURNED where they fit as well.
    """
    corner, likeness = _best(pair.geometric_mean, expected.geometric_mean, expected.seen, pair)
    if not likeness >= TOO_UNLIKE:
        raise refusal("E-PLN-FIELD", where=where, value=likeness, limit=TOO_UNLIKE)
    front, _ = _best(pair.first, expected.first, expected.seen, pair)
    back, _ = _best(pair.second, expected.second, expected.seen, pair)
    u_x, u_z = (max(LEAST_U_MM, abs(a - b) / 2.0) for a, b in zip(front, back, strict=True))
    code = "I-PLN-PLACE" if likeness >= LIKE_ENOUGH else "S-PLN-PLACE"
    said = note(code, where=where, value=likeness, limit=LIKE_ENOUGH, u_mm=max(u_x, u_z))
    turned = _turned(pair, expected, likeness, where)
    return Laid(corner, likeness, (u_x, u_z), (*turned, said))


def _turned(pair: ViewPair, expected: Expected, likeness: float, where: str) -> tuple[Note, ...]:
    """Refuses views that fit better another way round: left would stand for right."""
    mean = pair.geometric_mean
    ways = {"mirrored": mean[:, ::-1], "upside down": mean[::-1], "turned round": mean[::-1, ::-1]}
    fits = {
        name: _best(image, expected.geometric_mean, expected.seen, pair)[1]
        for name, image in ways.items()
    }
    how = max(fits, key=lambda name: fits[name])
    if fits[how] > likeness + CLEARLY:
        raise refusal("E-PLN-TURNED", where=where, how=how, value=fits[how], limit=likeness)
    if fits[how] > likeness - CLEARLY:
        return (note("S-PLN-TURNED", where=where, how=how, value=fits[how], limit=likeness),)
    return ()


def _best(image: Float, expected: Flat, seen: Flat, pair: ViewPair
          ) -> tuple[tuple[float, float], float]:  # fmt: skip
    """LPS x and z of the image's first pixel at the highest correlation, and that correlation."""
    pixel = pair.pixel_mm
    size = [n * mm for n, mm in zip(expected.values.shape, expected.pixel_mm, strict=True)]
    rows, columns = (max(1, int(s / mm)) for s, mm in zip(size, pixel, strict=True))
    shape = rows, columns
    model = _ready(expected.at(pixel, expected.corner_mm, shape), pixel)
    mask = (seen.at(pixel, expected.corner_mm, shape) > 0.5).astype(float)
    table = correlations(_ready(image, pixel), model, mask)
    highest = np.unravel_index(int(np.argmax(table)), table.shape)
    at = int(highest[0]), int(highest[1])
    row, column = (_peak(table, at, axis) - (n - 1) for axis, n in enumerate(shape))
    corner = expected.corner_mm
    return (corner[0] - column * pixel[1], corner[1] + row * pixel[0]), float(table[at])


def _ready(image: Float, pixel_mm: tuple[float, float]) -> Float:
    widths = [SMOOTH_MM / mm for mm in pixel_mm]
    return np.asarray(np.sqrt(gaussian_filter(np.clip(image, 0.0, None), widths)))


def correlations(image: Float, model: Float, mask: Float) -> Float:
    """Correlation of a model with an image under every shift, over the pixels both have.

    Entry (r, c) puts the model's first pixel on the image's pixel (r - rows + 1, c - columns + 1).
    -1 where less than half of the model's pixels lie on the image, or nothing varies.
    Source: Padfield 2012 (masked normalised correlation), from the definition.
    """
    turned = mask[::-1, ::-1]
    held = (model * mask)[::-1, ::-1]
    ones = np.ones_like(image)
    pixels = np.clip(fftconvolve(ones, turned), 1e-6, None)
    sum_image, sum_model = fftconvolve(image, turned), fftconvolve(ones, held)
    both = fftconvolve(image, held) - sum_image * sum_model / pixels
    of_image = fftconvolve(image**2, turned) - sum_image**2 / pixels
    of_model = fftconvolve(ones, (model**2 * mask)[::-1, ::-1]) - sum_model**2 / pixels
    least = FLAT_U * max(of_image.max(), 0.0), FLAT_U * max(of_model.max(), 0.0)
    valid = (of_image > least[0]) & (of_model > least[1])
    valid &= pixels >= LEAST_SHARED * mask.sum()
    found = np.full(both.shape, -1.0)
    found[valid] = both[valid] / np.sqrt(of_image[valid] * of_model[valid])
    return found


def _peak(table: Float, at: tuple[int, int], axis: int) -> float:
    """Place of the maximum along an axis, from a parabola through it and its neighbours."""
    here = at[axis]
    if not 0 < here < table.shape[axis] - 1:
        return float(here)
    line = table[:, at[1]] if axis == 0 else table[at[0], :]
    before, top, after = (float(line[here + step]) for step in (-1, 0, 1))
    bend = before - 2.0 * top + after
    return here + 0.5 * (before - after) / bend if bend < 0 else float(here)
