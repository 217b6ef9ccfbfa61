"""The table from vector id to the public function that must give its numbers.

An adapter takes a vector's `inputs` and returns what the vector names in `expected`:
numbers, lists, booleans, or under "flag" the code of the note attached (None for none).
Where the vector expects an error, the adapter just lets it pass through.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Adapter = Callable[[dict[str, Any]], dict[str, Any]]

ADAPTERS: dict[str, Adapter] = {}
SAME_CODE: dict[str, str] = {
    "E-ACT-NEGATIVE": "E-DEC-ACTIVITY",
    "E-CONTRAINDICATION": "E-PLAN-CONTRAINDICATION",
    "E-DEADTIME-SATURATED": "E-DT-NOSOLUTION",
    "E-NO-WASHOUT": "E-TIA-NOCLEAR",
    "E-NONFINITE": "E-NUM-FINITE",
    "E-NONPOSITIVE": "E-NUM-NONPOS",
    "E-NUCLIDE-UNKNOWN": "E-NUC-UNKNOWN",
    "E-QC-FAILED": "S-QC-FAILED",
    "E-QC-OVERDUE": "S-QC-OVERDUE",
    "E-TEFF-GT-PHYS": "E-TIA-TEFF-GT-TPHYS",
    "E-TIME-ORDER": "E-TIA-TIME",
    "E-TOO-FEW-POINTS": "E-TIA-FEW",
    "W-BOUND-ACTIVE": "W-TIA-AT-PHYSICAL",
    "W-EXTRAPOLATION": "W-TIA-TAIL",
    "W-POOR-PRECISION": "W-TIA-WEAK",
}
"""Codes that the two specifications name differently: theirs -> ours."""


def registering(table: dict[str, Adapter]) -> Callable[..., Callable[[Adapter], Adapter]]:
    """The decorator that puts an adapter into a table under its vector ids."""

    def vector(*ids: str) -> Callable[[Adapter], Adapter]:
        def keep(adapter: Adapter) -> Adapter:
            for name in ids:
                if name in table:
                    raise ValueError(f"{name} has two adapters")
                table[name] = adapter
            return adapter

        return keep

    return vector


vector = registering(ADAPTERS)
