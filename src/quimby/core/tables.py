"""Tables of constants: one TOML file, each row with its value, unit, source and tag."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain


@cache
def constants(package: str, file: str) -> Mapping[str, Constant]:
    """Every constant of ``<package>/data/<file>.toml`` by its name."""
    text = files(package).joinpath("data", f"{file}.toml").read_text("utf-8")
    return MappingProxyType(
        {name: Constant(name, **row) for name, row in tomllib.loads(text).items()}
    )


def with_doubt(constant: Constant) -> Uncertain:
    """The constant's value with its own name as the cause of its doubt."""
    return Uncertain(constant.value, {constant.name: constant.u} if constant.u else {})
