"""The figures behind outlines made by Quimby, each with its source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from quimby.core.source import Constant


@cache
def constants() -> Mapping[str, Constant]:
    """Every constant of `data/segment.toml`, by its key."""
    text = files("quimby.measure.segment").joinpath("data", "segment.toml").read_text("utf-8")
    return {key: Constant(**row) for key, row in tomllib.loads(text).items()}


def figure(key: str) -> float:
    """The value of one constant."""
    return constants()[key].value
