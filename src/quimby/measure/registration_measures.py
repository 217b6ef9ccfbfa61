"""How alike two images are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


def correlation(values: Float, seen: Float) -> tuple[float, float]:
    """Correlation of two rows of values (n,) where `seen` is finite, and the share that is.

    0 where fewer than two are seen or one of the two does not vary.
    """
    inside = np.isfinite(seen)
    if inside.sum() < 2:
        return 0.0, float(inside.mean()) if inside.size else 0.0
    a, b = values[inside], seen[inside]
    spread = float(a.std() * b.std())
    alike = float(((a - a.mean()) * (b - b.mean())).mean()) / spread if spread > 0 else 0.0
    return alike, float(inside.mean())
