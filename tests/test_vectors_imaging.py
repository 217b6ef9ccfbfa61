"""Every worked vector of the imaging specification, through the public functions."""

from __future__ import annotations

import importlib
import json
import pkgutil
from typing import Any

import pytest

import tests.vectors
from quimby.core.errors import QuimbyError
from tests.conftest import SHARED, shared_path
from tests.vectors.compare import compare
from tests.vectors.registry import ADAPTERS, SAME_CODE

for module in pkgutil.iter_modules(tests.vectors.__path__):
    if not module.ispkg:  # the adapters of the other specification have their own harness
        importlib.import_module(f"tests.vectors.{module.name}")

LATER = {
    "SIR": "90Y microspheres: their own issue",
}
LATER_IDS = {
    "B-DOS-08": "kernels", "B-DOS-09": "kernels", "B-DOS-10": "kernels", "B-DOS-11": "kernels",
    "B-DOS-12": "kernels", "B-DOS-13": "kernels", "B-DOS-14": "kernels", "B-DOS-15": "kernels",
    "B-DOS-18": "kernels and transport",
}  # fmt: skip

FILE = SHARED / "spec" / "vectors_imaging.json"
VECTORS: list[dict[str, Any]] = (
    json.loads(FILE.read_text("utf-8"))["vectors"] if FILE.exists() else []
)


def later(name: str) -> str | None:
    """Which later issue a vector belongs to; None for one that must pass now."""
    return LATER_IDS.get(name) or LATER.get(name.split("-")[1])


def test_the_vectors_are_there() -> None:
    shared_path("spec", "vectors_imaging.json")
    assert len(VECTORS) > 100


def test_every_vector_has_an_adapter_or_is_named_as_later() -> None:
    lost = [v["id"] for v in VECTORS if v["id"] not in ADAPTERS and not later(v["id"])]
    assert not lost


def test_nothing_stands_both_as_done_and_as_later() -> None:
    assert not [name for name in ADAPTERS if later(name)]


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS if v["id"] in ADAPTERS], ids=lambda v: str(v["id"])
)
def test_vector(vector: dict[str, Any]) -> None:
    expected = vector["expected"]
    if "raises" in expected:
        with pytest.raises(QuimbyError) as caught:
            ADAPTERS[vector["id"]](vector["inputs"])
        code = expected["raises"]["value"]
        assert caught.value.code == SAME_CODE.get(code, code)
        assert caught.value.where
        assert caught.value.do
        return
    found = ADAPTERS[vector["id"]](vector["inputs"])
    for name, wanted in expected.items():
        assert name in found, f"{vector['id']} gives no {name}"
        _compare(found[name], wanted, f"{vector['id']} {name}")


def _compare(found: Any, wanted: dict[str, Any], what: str) -> None:
    rel = wanted.get("rel_tol", 0 if "abs_tol" in wanted else 1e-9)
    compare(found, wanted["value"], what, rel=rel, abs_=wanted.get("abs_tol", 0.0))
