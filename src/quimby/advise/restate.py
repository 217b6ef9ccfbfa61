"""A protocol's text with its simulated component as a new simulation has it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from quimby import __version__
from quimby.advise import adapt_text
from quimby.advise.simulate import Simulated
from quimby.core.notes import refusal

HEADER = "uncertainty.component"


def command(name: str, found: Simulated) -> str:
    """The command that gives a simulation again."""
    return f"quimby protocol simulate {name} --patients {found.patients} --seed {found.seed}"


def restated(text: str, found: Simulated, *, name: str, on: dt.date) -> str:
    """The text with `u` and `simulation` of the component that was simulated before.

    E-SIM-COMPONENT where no component is marked as simulated.
    """
    marked = [lines for header, lines in adapt_text.blocks(text)
              if header == HEADER and adapt_text.value_of(lines, "simulation")]  # fmt: skip
    if not marked:
        raise refusal("E-SIM-COMPONENT", where=name)

    def change(header: str, lines: str) -> str:
        if lines not in marked or header != HEADER:
            return lines
        lines = adapt_text.with_key(lines, "u", _rounded(found.u_rel))
        return adapt_text.with_key(lines, "simulation", record(found, name=name, on=on))

    return adapt_text.edited(text, change)


def record(found: Simulated, *, name: str, on: dt.date) -> Mapping[str, Any]:
    """How it was simulated, for the document."""
    return {
        "command": command(name, found), "patients": found.patients, "seed": found.seed,
        "u_mc": _rounded(found.u_mc), "quimby": __version__, "on": on,
    }  # fmt: skip


def _rounded(u: float) -> float:
    """To a tenth of a per cent; more would be chance."""
    return max(round(u, 3), 0.001)
