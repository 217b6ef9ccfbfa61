"""The table from vector id to the public functions that must give its numbers.

As in `tests.vectors.registry`: an adapter takes a vector's `inputs` and returns what the vector
names in `expected`. Under "warnings" it returns every note (or code) that was attached; the
expected ones must be among them. An error just passes through.
"""

from __future__ import annotations

from tests.vectors.registry import Adapter, registering

ADAPTERS: dict[str, Adapter] = {}
vector = registering(ADAPTERS)
