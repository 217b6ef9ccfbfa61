"""Quimby: open dosimetry for molecular radiotherapy.

`quimby.run(study)` is the whole job; `quimby.read_study(path)` reads a study document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "read_study", "run"]

if TYPE_CHECKING:
    from quimby.study.document import read_study
    from quimby.study.run import run


def __getattr__(name: str) -> Any:
    """Load the chain on first use, so that `import quimby` stays fast."""
    if name == "run":
        from quimby.study.run import run

        return run
    if name == "read_study":
        from quimby.study.document import read_study

        return read_study
    raise AttributeError(name)
