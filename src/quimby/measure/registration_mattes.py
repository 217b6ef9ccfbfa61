"""The second opinion: a search by mutual information, for CTs that differ in more than place."""

# mypy: disallow-untyped-calls = False
# SimpleITK has no types of its own.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk  # noqa: N813 (its own documentation's name)
from numpy.typing import NDArray

from quimby.core.grid import Image, Rigid
from quimby.measure.registration_levels import WINDOW_HU, Levels

Float = NDArray[np.float64]

BINS, SEED, SAMPLES = 50, 121212, 30_000


@dataclass(frozen=True, slots=True)
class Search:
    """One resolution of the search."""

    shrink: int
    smooth_mm: float
    step_mm: float


COARSE = (Search(4, 8.0, 4.0),)
FINE = (Search(2, 3.0, 1.0), Search(1, 0.0, 1.0))


def by_mutual_information(here: Levels, there: Levels) -> Rigid | None:
    """Mattes mutual information over three resolutions, from two starts; None where none holds.

    The starts are the scanner's own coordinates and the centres of the two bodies; the one that
    ends with more mutual information goes on. One thread and a fixed seed.

    Source: Mattes et al., IEEE Trans Med Imaging 2003;22:120-128 (the measure).
    """
    middle = here.middle_mm
    starts = (np.zeros(3), there.middle_mm - middle)
    pair = [to_sitk(side.image, window=WINDOW_HU) for side in (here, there)]
    tried = [_optimised(pair, _started(start, middle), COARSE) for start in starts]
    found = [t for t in tried if t is not None]
    if not found:
        return None
    best = _optimised(pair, max(found, key=lambda f: f[1])[0], FINE)
    return None if best is None else _rigid(best[0])


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
    pair: list[sitk.Image], start: sitk.Euler3DTransform, levels: tuple[Search, ...]
) -> tuple[sitk.Euler3DTransform, float] | None:
    """The transform after these levels with its mutual information; None when nothing meets."""
    transform = sitk.Euler3DTransform(start)
    method = _method(levels, int(np.prod(pair[0].GetSize())))
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(*pair)
    except RuntimeError:  # ITK: all samples map outside the moving image
        return None
    return transform, -float(method.GetMetricValue())


def _method(levels: tuple[Search, ...], voxels: int) -> sitk.ImageRegistrationMethod:
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
