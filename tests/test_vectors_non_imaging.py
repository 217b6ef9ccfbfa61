"""Every worked vector of the non-imaging specification, through the public functions."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterable
from typing import Any

import pytest

import tests.vectors.non_imaging
from quimby.core.errors import QuimbyError
from tests.conftest import SHARED, shared_path
from tests.vectors.compare import compare
from tests.vectors.non_imaging.registry import ADAPTERS
from tests.vectors.registry import SAME_CODE

for module in pkgutil.iter_modules(tests.vectors.non_imaging.__path__):
    importlib.import_module(f"tests.vectors.non_imaging.{module.name}")

LATER: dict[str, str] = {}  # area of functions -> the issue it belongs to

FILE = SHARED / "spec" / "vectors_non_imaging.json"
VECTORS: list[dict[str, Any]] = (
    json.loads(FILE.read_text("utf-8"))["vectors"] if FILE.exists() else []
)


def later(vector: dict[str, Any]) -> str | None:
    """Which later issue a vector belongs to; None for one that must pass now."""
    areas = (why for area, why in LATER.items() if vector["function"].startswith(area))
    return next(areas, None)


def test_the_vectors_are_there() -> None:
    shared_path("spec", "vectors_non_imaging.json")
    assert len(VECTORS) > 90


def test_every_vector_has_an_adapter_or_is_named_as_later() -> None:
    lost = [v["id"] for v in VECTORS if v["id"] not in ADAPTERS and not later(v)]
    assert not lost


def test_nothing_stands_both_as_done_and_as_later() -> None:
    assert not [v["id"] for v in VECTORS if v["id"] in ADAPTERS and later(v)]


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS if v["id"] in ADAPTERS], ids=lambda v: str(v["id"])
)
def test_vector(vector: dict[str, Any]) -> None:
    expected = dict(vector["expected"])
    adapter = ADAPTERS[vector["id"]]
    if "error" in expected:
        with pytest.raises(QuimbyError) as caught:
            adapter(vector["inputs"])
        code = expected["error"]
        assert caught.value.code == SAME_CODE.get(code, code)
        assert caught.value.where
        assert caught.value.do
        return
    found = adapter(vector["inputs"])
    warned = _codes(found.get("warnings", ()))
    assert {SAME_CODE.get(c, c) for c in expected.pop("warnings", ())} <= warned
    compare(found, expected, str(vector["id"]), **_tolerance(vector["tolerance"]))


def _codes(notes: Iterable[Any]) -> set[str]:
    return {n if isinstance(n, str) else n.code for n in notes}


def _tolerance(given: dict[str, Any]) -> dict[str, float]:
    """Relative or absolute, for every number; words and truth values are always exact."""
    if given["type"] == "rel":
        return {"rel": given["value"]}
    return {"rel": 0.0, "abs_": given.get("value", 0.0)}
