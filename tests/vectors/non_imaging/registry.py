"""The table from vector id to the public functions that must give its numbers.

As in `tests.vectors.registry`: an adapter takes a vector's `inputs` and returns what the vector
names in `expected`. Under "warnings" it returns every note (or code) that was attached; the
expected ones must be among them. An error just passes through.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Adapter = Callable[[dict[str, Any]], dict[str, Any]]

ADAPTERS: dict[str, Adapter] = {}


def vector(*ids: str) -> Callable[[Adapter], Adapter]:
    """Register an adapter for these vector ids."""

    def keep(adapter: Adapter) -> Adapter:
        for name in ids:
            if name in ADAPTERS:
                raise ValueError(f"{name} has two adapters")
            ADAPTERS[name] = adapter
        return adapter

    return keep
