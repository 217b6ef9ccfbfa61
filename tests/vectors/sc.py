"""Scatter."""

from __future__ import annotations

from typing import Any

from quimby.devices.scatter import Window, triple_window
from tests.vectors.registry import vector


@vector("B-SC-01", "B-SC-02")
def triple(given: dict[str, Any]) -> dict[str, Any]:
    found = triple_window(
        Window(given["C_peak"], given["W_peak_keV"]),
        lower=Window(given["C_lower"], given["W_lower_keV"]),
        upper=Window(given["C_upper"], given["W_upper_keV"]),
    )
    return {
        "scatter": found.scatter,
        "primary": found.primary.value,
        "raw_primary": found.primary.value,
        "u_primary": found.primary.u,
        "flag": found.notes[0].code if found.notes else None,
    }
