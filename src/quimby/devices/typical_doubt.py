"""Usual relative uncertainties of non-imaging devices, where a centre has no budget of its own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from quimby.core.notes import refusal
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain


@cache
def typical() -> Mapping[str, Constant]:
    """Relative standard uncertainty (k = 1) by name ("counter-efficiency"); its name is a cause."""
    text = files("quimby.devices").joinpath("data", "typical_doubt.toml").read_text("utf-8")
    return {
        key: Constant(row["what"], row["u"], "1", row["source"], row["tag"])
        for key, row in tomllib.loads(text).items()
    }


def with_typical(value: Uncertain, *names: str) -> Uncertain:
    """The same value with the usual doubt of these causes added. E-DEV-DOUBT for an unknown one."""
    for name in names:
        if name not in typical():
            raise refusal("E-DEV-DOUBT", where="typical doubt", name=name,
                          known=", ".join(typical()))  # fmt: skip
        one = typical()[name]
        value = value.because(one.name, one.value * abs(value.value))
    return value
