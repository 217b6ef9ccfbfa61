"""Rigid registration of one CT to another, by mutual information."""

# mypy: disallow-untyped-calls = False
# SimpleITK has no types of its own.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk  # noqa: N813 (its own documentation's name)
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.notes import Note, note, refusal
from quimby.core.outline import Outline
from quimby.measure.resample import sampled

Float = NDArray[np.float64]

WORKING_MM = 4.0
AIR_HU, BODY_HU = -1000.0, -300.0
WINDOW_HU = (-200.0, 300.0)
"""Soft tissue and bone; the contrast of lungs and air would drown the organs' own."""
SIMILARITY_SMOOTH_MM = 4.0
BINS, SEED, SAMPLES = 50, 121212, 30_000


@dataclass(frozen=True, slots=True)
class Level:
    """One resolution of the search."""

    shrink: int
    smooth_mm: float
    step_mm: float


COARSE = (Level(4, 8.0, 4.0),)
FINE = (Level(2, 3.0, 1.0), Level(1, 0.0, 1.0))
SIMILARITY_LEAST, OVERLAP_LEAST, ANGLE_MOST_DEG = 0.85, 0.7, 20.0
"""House policy. Below or beyond these a registration blocks the signature (S-IMG-REG)."""


@dataclass(frozen=True, eq=False)
class Registration:
    """How the patient lay in one scan compared with the reference.

    `transform` takes reference points to the same tissue in the scan (LPS mm). Similarities are
    correlations of the two CTs over the reference's body, `overlap` the share of that body which
    the scan's CT sees, and `shift_mm` the movement of the body's centre.
    """

    transform: Rigid
    similarity: float
    similarity_before: float
    overlap: float
    angle_deg: float
    shift_mm: tuple[float, float, float]
    notes: tuple[Note, ...] = ()


def register(fixed: Image, moving: Image, *, where: str = "registration") -> Registration:
    """Register the scan's CT `moving` to the reference CT `fixed`, both in HU.

    Mattes mutual information over three resolutions, from the scanner's own coordinates and from
    the centres of the two bodies; the start that ends with the better similarity is kept. One
    thread and a fixed seed: the same images give the same bytes. A result that cannot be trusted
    carries S-IMG-REG. Errors: E-IMG-UNIT, E-IMG-NAN, E-IMG-REG when no body is found or the
    bodies do not meet.

    Source: Mattes et al., IEEE Trans Med Imaging 2003;22:120-128 (the measure).
    """
    here, there = (_coarse(image, where) for image in (fixed, moving))
    body = here.values > BODY_HU
    if not body.any() or not (there.values > BODY_HU).any():
        raise refusal("E-IMG-REG", where=where)
    middle = _middle(here)
    starts = (np.zeros(3), _middle(there) - middle)
    tried = [_optimised(here, there, _started(start, middle), COARSE) for start in starts]
    found = [t for t in tried if t is not None]
    if not found:
        raise refusal("E-IMG-REG", where=where)
    moved = _optimised(here, there, max(found, key=lambda f: f[1])[0], FINE)
    if moved is None:
        raise refusal("E-IMG-REG", where=where)
    return _judged(_measured(here, there, _rigid(moved[0])), where)


def _measured(here: Image, there: Image, moved: Rigid) -> Registration:
    body, middle = here.values > BODY_HU, _middle(here)
    before, _ = _similarity(here, there, Rigid.identity(), body)
    after, overlap = _similarity(here, there, moved, body)
    x, y, z = (float(v) for v in moved.apply(middle) - middle)
    return Registration(moved, after, before, overlap, moved.angle_deg, (x, y, z))


def _judged(found: Registration, where: str) -> Registration:
    why = []
    if found.similarity < SIMILARITY_LEAST:
        why.append(f"the CTs agree only to a correlation of {found.similarity:.2f}")
    if found.similarity < found.similarity_before - 0.01:
        why.append("they agreed better before it")
    if found.overlap < OVERLAP_LEAST:
        why.append(f"only {found.overlap:.0%} of the body is seen in both")
    if found.angle_deg > ANGLE_MOST_DEG:
        why.append(f"it turns the patient by {found.angle_deg:.0f} degrees")
    if not why:
        return found
    doubt = note("S-IMG-REG", where=where, value=found.similarity, why="; ".join(why))
    return Registration(
        found.transform,
        found.similarity,
        found.similarity_before,
        found.overlap,
        found.angle_deg,
        found.shift_mm,
        (doubt,),
    )


def _coarse(image: Image, where: str) -> Image:
    """The image on axes of the patient, voxels of about 4 mm, averaged over what they hold."""
    if image.unit != "HU":
        raise refusal("E-IMG-UNIT", where=where, unit=image.unit, wanted="HU")
    if not np.isfinite(image.array).all():
        raise refusal("E-IMG-NAN", where=where)
    factors = [max(1, round(WORKING_MM / step)) for step in image.grid.spacing_mm[::-1]]
    return _averaged(image, factors)


def _averaged(image: Image, factors: list[int]) -> Image:
    shape = [n // f for n, f in zip(image.grid.shape, factors, strict=True)]
    k, j, i = (n * f for n, f in zip(shape, factors, strict=True))
    whole = np.asarray(image.array[:k, :j, :i], dtype=np.float32)
    split = whole.reshape(shape[0], factors[0], shape[1], factors[1], shape[2], factors[2])
    affine = np.array(image.grid.affine)
    affine[:3, 3] = image.grid.points_mm([(f - 1) / 2 for f in factors[::-1]])
    affine[:3, :3] *= np.array(factors[::-1])
    return Image(Grid((shape[0], shape[1], shape[2]), affine), split.mean(axis=(1, 3, 5)), "HU")


def _middle(image: Image) -> Float:
    """Centre of the body."""
    k, j, i = np.nonzero(image.values > BODY_HU)
    return image.grid.points_mm((i.mean(), j.mean(), k.mean()))


def to_sitk(image: Image, *, window: tuple[float, float] | None = None) -> sitk.Image:
    """The same image as SimpleITK holds it, float32, optionally clipped to a window."""
    values = np.asarray(image.array, dtype=np.float32)
    out = sitk.GetImageFromArray(values if window is None else np.clip(values, *window))
    steps = image.grid.spacing_mm
    out.SetSpacing(steps)
    out.SetOrigin(image.grid.origin_mm.tolist())
    out.SetDirection((image.grid.affine[:3, :3] / np.array(steps)).ravel().tolist())
    return out


def _started(shift_mm: Float, centre_mm: Float) -> sitk.Euler3DTransform:
    transform = sitk.Euler3DTransform()
    transform.SetCenter(centre_mm.tolist())
    transform.SetTranslation(shift_mm.tolist())
    return transform


def _rigid(transform: sitk.Euler3DTransform) -> Rigid:
    rotation = np.array(transform.GetMatrix()).reshape(3, 3)
    centre, shift = np.array(transform.GetCenter()), np.array(transform.GetTranslation())
    return Rigid(rotation, centre + shift - rotation @ centre)


def _optimised(
    here: Image, there: Image, start: sitk.Euler3DTransform, levels: tuple[Level, ...]
) -> tuple[sitk.Euler3DTransform, float] | None:
    """The transform after these levels with its mutual information; None when nothing meets."""
    transform = sitk.Euler3DTransform(start)
    method = _method(levels, int(np.prod(here.grid.shape)))
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(*(to_sitk(image, window=WINDOW_HU) for image in (here, there)))
    except RuntimeError:  # ITK: all samples map outside the moving image
        return None
    return transform, -float(method.GetMetricValue())


def _method(levels: tuple[Level, ...], voxels: int) -> sitk.ImageRegistrationMethod:
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetNumberOfWorkUnits(1)
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricSamplingStrategy(method.RANDOM)
    shares = [min(1.0, SAMPLES * level.shrink**3 / voxels) for level in levels]
    method.SetMetricSamplingPercentagePerLevel(shares, SEED)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=levels[0].step_mm, minStep=0.01, numberOfIterations=80, relaxationFactor=0.5
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([level.shrink for level in levels])
    method.SetSmoothingSigmasPerLevel([level.smooth_mm for level in levels])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    return method


def _similarity(
    here: Image, there: Image, moved: Rigid, body: NDArray[np.bool_]
) -> tuple[float, float]:
    """Correlation over the reference's body, and the share of it that the scan's CT sees."""
    smooth_here, smooth_there = _smoothed(here), _smoothed(there)
    k, j, i = np.nonzero(body)
    points = moved.apply(here.grid.points_mm(np.stack([i, j, k], axis=-1)))
    seen = sampled(Image(there.grid, smooth_there, "HU"), points, outside=np.nan)
    inside = np.isfinite(seen)
    if inside.sum() < 2:
        return 0.0, 0.0
    a, b = smooth_here[k, j, i][inside], seen[inside]
    spread = float(a.std() * b.std())
    alike = float(((a - a.mean()) * (b - b.mean())).mean()) / spread if spread > 0 else 0.0
    return alike, float(inside.mean())


def _smoothed(image: Image) -> Float:
    """Soft-tissue window, smoothed: else the noise of a low-dose CT decides the correlation."""
    sigmas = [SIMILARITY_SMOOTH_MM / step for step in image.grid.spacing_mm[::-1]]
    return np.asarray(gaussian_filter(np.clip(image.values, *WINDOW_HU), sigmas), dtype=np.float64)


def check_frame(
    outline: Outline, frame_of_reference: str, registration: Registration | None
) -> None:
    """E-IMG-FOR unless the outline lies in this frame, or a registration joins the two."""
    if outline.frame_of_reference != frame_of_reference and registration is None:
        raise refusal(
            "E-IMG-FOR",
            where=outline.name,
            outline=outline.frame_of_reference,
            scan=frame_of_reference,
        )
