"""Where the shared test data lie, and what happens where they are absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("QUIMBY_SHARED", REPOSITORY.parent / "shared"))


def shared_path(*parts: str) -> Path:
    """A path in the shared test data; skips where absent, fails where CI demands it."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        absent = f"shared test data absent: {Path(*parts)} (set QUIMBY_SHARED to its folder)"
        if os.environ.get("QUIMBY_REQUIRE_DATA"):
            pytest.fail(absent)
        pytest.skip(absent)
    return path


@pytest.fixture(scope="session")
def case_a() -> Path:
    """The folder of case A."""
    return shared_path("data", "lu177_dotatate_case_a")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of all shared data."""
    return shared_path("data")
