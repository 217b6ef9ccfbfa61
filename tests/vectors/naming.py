"""Inputs of kept-back vectors by what their names are likely to hold.

Names of kept-back inputs are inferred from siblings, so adapters ask for words, not for names.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from quimby.physics.nuclides import nuclide

Inputs = dict[str, Any]


def named(given: Inputs, *words: str, without: Sequence[str] = ()) -> Any:
    """Value of the first name that holds one of these words and none of the others; or None."""
    key = name_of(given, *words, without=without)
    return None if key is None else given[key]


def name_of(given: Inputs, *words: str, without: Sequence[str] = ()) -> str | None:
    """The first name that holds one of these words and none of the others."""
    for key in given:
        low = key.lower()
        if any(w in low for w in words) and not any(w in low for w in without):
            return key
    return None


def starting(given: Inputs, *words: str, without: Sequence[str] = ()) -> Any:
    """Value of the first name that starts with one of these and holds none of the others."""
    fits = (k for k in given if k.startswith(words) and not any(w in k.lower() for w in without))
    return next((given[k] for k in fits), None)


def numbers(value: Any) -> list[float]:
    """One number, a list of them, or those of a table, as a list."""
    if isinstance(value, dict):
        return [float(v) for v in value.values()]
    return [float(v) for v in value] if isinstance(value, (list, tuple)) else [float(value)]


def half_life_h(given: Inputs, *, otherwise: str | None = None) -> float | None:
    """A physical half-life as a number in h or d, or that of the nuclide it names."""
    key = name_of(given, "half_life", "tphys", "t_phys", "tp_")
    if key is not None and isinstance(given[key], (int, float)):
        return float(given[key]) * (24.0 if key.endswith("_d") else 1.0)
    name = given.get("nuclide", otherwise)
    return nuclide(name).half_life_h.value if name else None


def under(value: Any, stems: Sequence[str], ends: Sequence[str] = ("",)) -> dict[str, Any]:
    """The same value under every name of a stem and an ending."""
    return {stem + end: value for stem, end in product(stems, ends)}
