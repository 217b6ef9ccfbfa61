"""What a function found against what a vector expects: numbers by tolerance, words exactly."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vectors.registry import SAME_CODE


def compare(found: Any, wanted: Any, what: str, *, rel: float, abs_: float = 0.0) -> None:
    """Assert that `found` is `wanted`; every number of a list or table by itself.

    A wanted zero under a relative tolerance compares exactly. Codes go through SAME_CODE.
    """
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            assert key in found, f"{what} gives no {key}"
            compare(found[key], value, f"{what} {key}", rel=rel, abs_=abs_)
    elif isinstance(wanted, (list, tuple)):
        assert len(found) == len(wanted), what
        for i, (ours, theirs) in enumerate(zip(found, wanted, strict=True)):
            compare(ours, theirs, f"{what}[{i}]", rel=rel, abs_=abs_)
    elif isinstance(wanted, str):
        assert found == SAME_CODE.get(wanted, wanted), what
    elif isinstance(wanted, bool) or wanted is None:
        assert found == wanted, what
    else:
        assert found == pytest.approx(wanted, rel=rel, abs=abs_), what
